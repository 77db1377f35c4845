//! Texts before changes: found under their record, bounded, and taken over from a store that kept none.

use super::{EditKept, TEXTS_MAX, TEXTS_OF_FILE_MAX, TOLD_MAX};
use crate::product::STORE_FILE;
use crate::store::{Record, Store};
use lake::SeededRandom;
use rusqlite::Connection;
use spec::Instant;
use std::path::Path;
use tempfile::TempDir;

const PATH: &str = "purposes/email.yaml";

fn open(folder: &Path) -> Store {
    Store::open(&folder.join(STORE_FILE), &SeededRandom::new(1)).expect("the folder can be written to")
}

/// Changes a file from one number to the next.
fn edit(store: &Store, path: &str, number: usize) -> i64 {
    let (before, after) = (format!("v{number}"), format!("v{}", number + 1));
    let what = format!("save {path}");
    let record = Record { user: "ann", what: &what, ..Record::default() };
    let kept = EditKept { path, versions: (&before, &after), text_before: &before };
    store.record_edit(&record, &kept, Instant::UNIX_EPOCH).expect("the disk has room")
}

#[test]
fn the_newest_texts_of_a_file_are_kept() {
    let folder = TempDir::new().expect("there is a folder for temporary files");
    let store = open(folder.path());
    edit(&store, "purposes/ads.yaml", 0);
    let most = usize::try_from(TEXTS_OF_FILE_MAX).expect("it is small");
    let numbers: Vec<i64> = (0..most + 5).map(|number| edit(&store, PATH, number)).collect();
    let kept: Vec<bool> =
        numbers.iter().map(|number| store.text_before(*number).expect("it can be read").is_some()).collect();
    assert_eq!(kept.iter().filter(|is_kept| **is_kept).count(), most);
    assert!(kept[5..].iter().all(|is_kept| *is_kept), "the newest: {kept:?}");
    assert_eq!(store.edits("purposes/ads.yaml").expect("they can be read").len(), 1);
    let told = store.edits(PATH).expect("they can be read");
    assert_eq!(i64::try_from(told.len()), Ok(TOLD_MAX));
    let last = &told[0];
    assert_eq!(
        (last.number, last.user.as_str(), last.has_text, last.is_removal),
        (numbers[most + 4], "ann", true, false)
    );
    assert_eq!(store.text_before(last.number).expect("it can be read"), Some(format!("v{}", most + 4)));
}

#[test]
fn the_newest_texts_of_all_files_are_kept() {
    let folder = TempDir::new().expect("there is a folder for temporary files");
    let store = open(folder.path());
    let most = usize::try_from(TEXTS_MAX).expect("it is small");
    let numbers: Vec<i64> =
        (0..most + 3).map(|number| edit(&store, &format!("audiences/a{number}.yaml"), number)).collect();
    let has_text = |number: &i64| store.text_before(*number).expect("it can be read").is_some();
    assert_eq!(numbers[..5].iter().map(has_text).collect::<Vec<_>>(), [false, false, false, true, true]);
    assert!(has_text(&numbers[most + 2]));
}

#[test]
fn a_change_that_came_to_nothing_is_on_record_and_none_of_the_file() {
    let folder = TempDir::new().expect("there is a folder for temporary files");
    let store = open(folder.path());
    edit(&store, PATH, 0);
    let number = edit(&store, PATH, 1);
    let failed = Record { user: "ann", what: "save purposes/email.yaml", outcome: Some("failed"), ..Record::default() };
    store.record_failed_edit(&failed, number, Instant::UNIX_EPOCH).expect("the disk has room");
    let told = store.edits(PATH).expect("they can be read");
    assert_eq!((told.len(), told[0].version_after.as_deref()), (1, Some("v1")));
    assert_eq!(store.deeds().len(), 3, "nothing goes from the record");
}

#[test]
fn a_store_that_kept_no_texts_says_who_changed_what() {
    let folder = TempDir::new().expect("there is a folder for temporary files");
    let store = open(folder.path());
    for what in ["save purposes/email.yaml", "ask", "remove purposes/email.yaml", "save audiences/a.yaml"] {
        let record = Record { user: "ann", what, ..Record::default() };
        store.record(&record, Instant::UNIX_EPOCH).expect("the disk has room");
    }
    drop(store);
    let connection = Connection::open(folder.path().join(STORE_FILE)).expect("it is a database");
    connection.execute_batch("DROP TABLE edits; PRAGMA user_version = 2;").expect("it is there");
    drop(connection);
    let told = open(folder.path()).edits(PATH).expect("they can be read");
    let shown: Vec<(i64, bool, bool)> = told.iter().map(|edit| (edit.number, edit.is_removal, edit.has_text)).collect();
    assert_eq!(shown, [(3, true, false), (1, false, false)]);
}
