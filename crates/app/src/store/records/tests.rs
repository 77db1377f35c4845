//! What is done to the files of the records is found, and the record is named; or what it takes to find it.

use super::Record;
use crate::audit::{Head, Link, START, Signer, link, unhex};
use crate::product::STORE_FILE;
use crate::record::{VerifiedRecords, verify_records};
use crate::store::{HEAD_FILE, KEY_FILE, Store};
use lake::SeededRandom;
use rusqlite::{Connection, params};
use spec::{Instant, hex};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Puts so many things on record that a user did.
fn put(folder: &Path, user: &str, n_records: usize) {
    let store = Store::open(&folder.join(STORE_FILE), &SeededRandom::new(1)).expect("the folder can be written to");
    for number in 0..n_records {
        let what = format!("save questions/q{number}.yaml");
        let record = Record { user, what: &what, outcome: Some("yes"), ..Record::default() };
        store.record(&record, Instant::UNIX_EPOCH).expect("the disk has room");
    }
}

/// A folder with five records.
fn five() -> TempDir {
    let folder = TempDir::new().expect("there is a folder for temporary files");
    put(folder.path(), "ann", 5);
    let found = verify(folder.path(), &[], None);
    assert_eq!((found.n_records, found.wrong), (5, None));
    folder
}

fn verify(folder: &Path, heads: &[String], key: Option<&str>) -> VerifiedRecords {
    verify_records(folder, heads, key).expect("the records can be read")
}

#[track_caller]
fn is_wrong(folder: &Path, heads: &[String], start: &str) {
    let wrong = verify(folder, heads, None).wrong.expect("something is wrong");
    assert!(wrong.starts_with(start), "{wrong}");
}

fn head_text(folder: &Path) -> String {
    fs::read_to_string(folder.join(HEAD_FILE)).expect("there is a head")
}

fn head(text: &str) -> Head {
    let json = serde_json::from_str(text).expect("a head is JSON");
    Head::from_json(&json).expect("it is a head")
}

/// Does what anybody can who may write to the folder.
fn change(folder: &Path, statements: &str) {
    let connection = Connection::open(folder.join(STORE_FILE)).expect("it is a database");
    connection.execute_batch(statements).expect("the statements are right");
}

/// Links all records anew; the last one's number and link.
fn relink(folder: &Path) -> (i64, Link) {
    let connection = Connection::open(folder.join(STORE_FILE)).expect("it is a database");
    let mut select = connection.prepare("SELECT number, body FROM records ORDER BY number").expect("it has records");
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    let rows = select.query_map([], read).expect("they can be read");
    let bodies: Vec<(i64, String)> = rows.map(|row| row.expect("each is a number and a text")).collect();
    let mut end = (0, START);
    for (number, body) in bodies {
        end = (number, link(&end.1, &body));
        let update = "UPDATE records SET link = ?2 WHERE number = ?1";
        connection.execute(update, params![number, end.1.as_slice()]).expect("it can be written to");
    }
    end
}

/// Signs an end with a key, in place of the head that is there.
fn sign(folder: &Path, seed: &[u8; 32], (number, link): (i64, Link)) {
    let head = Signer::new(seed).expect("it is a key").sign(number, link);
    fs::write(folder.join(HEAD_FILE), head.to_json().to_string()).expect("it can be written");
}

/// The secret of the folder itself.
fn own_seed(folder: &Path) -> [u8; 32] {
    let text = fs::read_to_string(folder.join(KEY_FILE)).expect("there is a key");
    unhex(text.trim()).and_then(|bytes| bytes.try_into().ok()).expect("it has 64 digits")
}

fn copy(from: &Path, to: &Path) {
    for name in [STORE_FILE, KEY_FILE, HEAD_FILE] {
        fs::copy(from.join(name), to.join(name)).expect("a closed store is these files");
    }
    for rest in ["-wal", "-shm"] {
        // They are of the store that was there before, if they are there.
        let _ = fs::remove_file(to.join(format!("{STORE_FILE}{rest}")));
    }
}

#[test]
fn case_66_a_changed_row_is_named() {
    let folder = five();
    change(folder.path(), "UPDATE records SET body = replace(body, 'ann', 'bob') WHERE number = 3");
    is_wrong(folder.path(), &[], "record 3 was changed");
    let folder = five();
    change(folder.path(), "UPDATE records SET link = zeroblob(32) WHERE number = 2");
    is_wrong(folder.path(), &[], "record 2 was changed");
    // Two that have changed places.
    let folder = five();
    change(
        folder.path(),
        "UPDATE records SET number = 99 WHERE number = 2; UPDATE records SET number = 2 WHERE number = 3;
         UPDATE records SET number = 3 WHERE number = 99",
    );
    is_wrong(folder.path(), &[], "record 2 was changed");
}

#[test]
fn case_66_a_row_that_is_gone_is_named() {
    let folder = five();
    change(folder.path(), "DELETE FROM records WHERE number = 3");
    is_wrong(folder.path(), &[], "record 3 is missing: 4 comes in its place");
    change(folder.path(), "UPDATE records SET number = number - 1 WHERE number > 3");
    is_wrong(folder.path(), &[], "record 3 was changed, or one before it was taken out");
    let folder = five();
    let kept = head_text(folder.path());
    change(folder.path(), "DELETE FROM records WHERE number > 3");
    is_wrong(folder.path(), &[], "record 4 is missing: a signed head has 5 records, and 3 are there");
    // A server that goes on from there signs a head of its own, and keeps the one that it found.
    put(folder.path(), "bob", 2);
    is_wrong(folder.path(), &[], "record 5 is not the one that was signed");
    is_wrong(folder.path(), &[kept], "record 5 is not the one that was signed");
}

#[test]
fn case_66_an_old_copy_is_found_by_a_head_that_was_kept_elsewhere() {
    let folder = TempDir::new().expect("there is a folder for temporary files");
    let backup = TempDir::new().expect("there is a folder for temporary files");
    put(folder.path(), "ann", 3);
    copy(folder.path(), backup.path());
    put(folder.path(), "ann", 2);
    let kept = head_text(folder.path());
    copy(backup.path(), folder.path());
    // A copy is whole in itself, its head included: this is why heads are kept elsewhere.
    let found = verify(folder.path(), &[], None);
    assert_eq!((found.n_records, found.wrong), (3, None));
    is_wrong(folder.path(), std::slice::from_ref(&kept), "record 4 is missing: a signed head has 5 records");
    // Nor does going on from there make it good: another record stands where the fifth was.
    put(folder.path(), "bob", 3);
    is_wrong(folder.path(), &[kept], "record 5 is not the one that was signed");
}

#[test]
fn case_66_a_head_that_is_gone_is_missed() {
    let folder = five();
    let kept = head_text(folder.path());
    change(folder.path(), "DELETE FROM records WHERE number > 3");
    fs::remove_file(folder.path().join(HEAD_FILE)).expect("there is a head");
    is_wrong(folder.path(), &[], "`audit.head` is gone");
    is_wrong(folder.path(), &[kept], "record 4 is missing");
}

#[test]
fn case_66_a_chain_that_was_signed_anew_is_not_by_the_key_that_is_known() {
    let folder = five();
    let kept = head_text(folder.path());
    change(folder.path(), "UPDATE records SET body = replace(body, 'ann', 'bob') WHERE number = 2");
    let end = relink(folder.path());
    is_wrong(folder.path(), &[], "record 5 is not the one that was signed");
    sign(folder.path(), &[9; 32], end);
    // A folder that was rewritten as a whole is whole: this is why its public key is kept elsewhere.
    assert_eq!(verify(folder.path(), &[], None).wrong, None);
    let known = hex(&head(&kept).key);
    let wrong = verify(folder.path(), &[], Some(&known)).wrong.expect("the key is another one");
    assert!(wrong.starts_with("a head of 5 records is signed by another key"), "{wrong}");
    is_wrong(folder.path(), &[kept], "record 5 is not the one that was signed");
}

#[test]
fn case_66_whoever_replaces_the_last_records_is_found_by_a_head_before_them() {
    let folder = TempDir::new().expect("there is a folder for temporary files");
    put(folder.path(), "ann", 4);
    let fourth = head_text(folder.path());
    put(folder.path(), "ann", 1);
    change(folder.path(), "UPDATE records SET body = replace(body, 'ann', 'bob') WHERE number > 3");
    is_wrong(folder.path(), &[], "record 4 was changed");
    let end = relink(folder.path());
    is_wrong(folder.path(), &[], "record 5 is not the one that was signed");
    is_wrong(folder.path(), std::slice::from_ref(&fourth), "record 4 is not the one that was signed");
    // With the secret of the folder the new end is as good as the old one, but for what was kept elsewhere.
    sign(folder.path(), &own_seed(folder.path()), end);
    assert_eq!(verify(folder.path(), &[], Some(&hex(&head(&fourth).key))).wrong, None);
    is_wrong(folder.path(), &[fourth], "record 4 is not the one that was signed");
}

#[test]
fn case_66_a_forged_head_is_no_head() {
    let folder = five();
    let text = head_text(folder.path()).replace("\"records\":5", "\"records\":4");
    is_wrong(folder.path(), std::slice::from_ref(&text), "the head of 4 records is not signed by its key");
    fs::write(folder.path().join(HEAD_FILE), text).expect("it can be written");
    is_wrong(folder.path(), &[], "the head of 4 records is not signed by its key");
}
