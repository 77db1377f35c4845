//! Changes of files: whole or not at all, over nothing that was not read, and ready before anybody says that they are done.

use super::{Edit, WorkspaceFolder};
use spec::ErrorKind;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const PATH: &str = "audiences/gold.yaml";

fn folder() -> (TempDir, WorkspaceFolder) {
    let folder = TempDir::new().expect("there is a folder for temporary files");
    let opened = WorkspaceFolder::open(folder.path()).expect("it can be read");
    (folder, opened)
}

fn edit<'a>(before: Option<&'a str>, after: Option<&'a str>) -> Edit<'a> {
    Edit { path: PATH, before, after }
}

/// The files of the folder of audiences, drafts too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("audiences")).expect("it is there");
    entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect()
}

fn put(folder: &WorkspaceFolder, edit: &Edit<'_>) -> spec::Result<()> {
    folder.ready(edit)?.put()
}

#[test]
fn a_file_is_made_changed_and_taken_away() {
    let (place, folder) = folder();
    let text = || fs::read_to_string(place.path().join(PATH)).ok();
    put(&folder, &edit(None, Some("a"))).expect("it is not there yet");
    assert_eq!(text().as_deref(), Some("a"));
    put(&folder, &edit(Some("a"), Some("b"))).expect("that is what stands there");
    assert_eq!(text().as_deref(), Some("b"));
    for (before, after) in [(None, Some("c")), (Some("a"), Some("c")), (Some("a"), None)] {
        let late = put(&folder, &edit(before, after)).expect_err("another text stands there");
        assert_eq!(late.kind, ErrorKind::Conflict);
    }
    assert_eq!((text().as_deref(), names(place.path())), (Some("b"), vec!["gold.yaml".to_owned()]), "no draft is left");
    put(&folder, &edit(Some("b"), None)).expect("that is what stands there");
    assert_eq!(text(), None);
    let gone = put(&folder, &edit(Some("b"), Some("c"))).expect_err("it is gone by now");
    assert_eq!(gone.kind, ErrorKind::Conflict);
}

#[test]
fn what_is_ready_and_not_put_leaves_no_trace() {
    let (place, folder) = folder();
    put(&folder, &edit(None, Some("a"))).expect("it is not there yet");
    drop(folder.ready(&edit(Some("a"), Some("b"))).expect("it can be written"));
    assert_eq!(fs::read_to_string(place.path().join(PATH)).expect("it is there"), "a");
    assert_eq!(names(place.path()), ["gold.yaml"]);
}

#[test]
fn a_last_step_that_fails_is_told() {
    let (place, folder) = folder();
    let ready = folder.ready(&edit(None, Some("a"))).expect("it is not there yet");
    fs::write(place.path().join(PATH), "by hand").expect("it can be written");
    assert_eq!(ready.put().expect_err("somebody was faster").kind, ErrorKind::Conflict);
    let ready = folder.ready(&edit(Some("by hand"), Some("a"))).expect("that is what stands there");
    fs::remove_file(place.path().join(PATH)).expect("it is there");
    fs::create_dir_all(place.path().join(PATH).join("within")).expect("it can be made");
    assert_eq!(ready.put().expect_err("a folder is in its place").kind, ErrorKind::Unavailable);
    assert_eq!(names(place.path()), ["gold.yaml"], "no draft is left");
}
