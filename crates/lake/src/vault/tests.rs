//! The vault alone: the same user id is the same person, keys are private, nothing is written before its time.

use super::Roots;
use super::log::Log;
use super::{USER_ID, Vault};
use crate::SeededRandom;
use spec::{ErrorKind, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

#[test]
fn people_are_allocated_once_and_identifiers_follow_the_newest() {
    let folder = tempfile::TempDir::new().expect("there is a folder for temporary files");
    let open = |seed| Vault::open(folder.path(), Arc::new(SeededRandom::new(seed))).expect("the vault opens");
    let vault = open(1);
    let forgotten = vault.draft().person("ann");
    assert!(!vault.knows(forgotten), "a draft that is not written leaves nothing");
    let mut draft = vault.draft();
    let (ann, bob) = (draft.person("ann"), draft.person("bob"));
    assert_eq!((draft.person("ann"), ann == bob), (ann, false));
    draft.identifier(ann, "email", 20, "new@example.com");
    draft.identifier(ann, "email", 10, "old@example.com");
    draft.write().expect("the disk has room");
    let mut draft = vault.draft();
    draft.identifier(ann, "email", 15, "late@example.com");
    draft.write().expect("the disk has room");
    drop(vault);
    let vault = open(2);
    assert_eq!(vault.draft().person("ann"), ann);
    assert_eq!(vault.identifier(ann, USER_ID, &Roots::default()).expect("the vault is whole").as_deref(), Some("ann"));
    assert_eq!(
        vault.identifier(ann, "email", &Roots::default()).expect("the vault is whole").as_deref(),
        Some("new@example.com")
    );
    assert_eq!(vault.identifier(bob, "email", &Roots::default()).expect("the vault is whole"), None);
    assert_ne!(vault.pseudonym("ads", ann), vault.pseudonym("email", ann));
    let mode = std::fs::metadata(folder.path().join("master.key")).expect("the key is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

const HEADER: &[u8; 8] = b"ENTTST\0\x01";

fn records(path: &Path) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    open_log(path, &mut |record| records.push(record.to_vec())).expect("the log opens");
    records
}

fn open_log(path: &Path, take: &mut dyn FnMut(&[u8])) -> Result<Log> {
    Log::open(path, HEADER, &mut |_, record| {
        take(record);
        Ok(())
    })
}

fn written(path: &Path, records: &[&[u8]]) -> Vec<u8> {
    let mut log = open_log(path, &mut |_| ()).expect("a new log opens");
    for record in records {
        log.append(record);
        log.sync().expect("the disk has room");
    }
    std::fs::read(path).expect("the log is there")
}

#[test]
fn what_a_failed_write_left_does_not_come_back_behind_a_smaller_one() {
    let folder = tempfile::TempDir::new().expect("there is a folder for temporary files");
    let failed = written(&folder.path().join("other.log"), &[b"first", b"second"]);
    let path = folder.path().join("some.log");
    let mut log = open_log(&path, &mut |_| ()).expect("a new log opens");
    // All of it came to the disk, and then the write was answered with an error.
    std::fs::write(&path, failed).expect("the log can be written");
    log.append(b"third");
    log.sync().expect("the disk has room");
    drop(log);
    assert_eq!(records(&path), [b"third"]);
}

#[test]
fn a_torn_tail_is_kept_whole_and_damage_before_whole_records_is_not_cut_off() {
    let folder = tempfile::TempDir::new().expect("there is a folder for temporary files");
    let path = folder.path().join("some.log");
    let whole = written(&path, &[b"first", b"second", b"third"]);
    let tail: Vec<u8> = (0..3u32 << 20).map(|n| (n % 251) as u8).collect();
    std::fs::write(&path, [whole.as_slice(), &tail].concat()).expect("the log can be written");
    assert_eq!(records(&path).len(), 3);
    assert_eq!(std::fs::read(&path).expect("the log is there"), whole);
    let kept = path.with_extension(format!("torn-{}", whole.len()));
    assert_eq!(std::fs::read(kept).expect("the tail is kept"), tail);
    // The header's write ends with a mark at byte 8; a record with length, checksum and text follows at 16, then a mark.
    for at in [8, 13, 16, 17, 19, 21, 25] {
        let mut bad = whole.clone();
        bad[at] ^= 0x41;
        std::fs::write(&path, &bad).expect("the log can be written");
        let Err(refused) = open_log(&path, &mut |_| ()) else { panic!("byte {at} is damaged") };
        assert!(refused.kind == ErrorKind::Unavailable && refused.hint.is_some(), "byte {at}");
        assert_eq!(std::fs::read(&path).expect("the log is there"), bad, "byte {at}: nothing is cut off");
    }
    // Without the mark behind it the last record may be torn, and with it not.
    let mut bad = whole.clone();
    bad.truncate(whole.len() - 8);
    *bad.last_mut().expect("it is not empty") ^= 0x41;
    std::fs::write(&path, &bad).expect("the log can be written");
    assert_eq!(records(&path), [b"first".to_vec(), b"second".to_vec()]);
    bad.extend_from_slice(&whole[whole.len() - 8..]);
    std::fs::write(&path, &bad).expect("the log can be written");
    assert!(open_log(&path, &mut |_| ()).is_err());
}

#[test]
fn pages_of_one_write_may_be_lost_in_any_order() {
    let folder = tempfile::TempDir::new().expect("there is a folder for temporary files");
    let path = folder.path().join("some.log");
    let n_synced = written(&path, &[b"first"]).len();
    let mut log = open_log(&path, &mut |_| ()).expect("the log opens");
    log.append(b"second");
    log.append(b"third");
    log.sync().expect("the disk has room");
    drop(log);
    let mut torn = std::fs::read(&path).expect("the log is there");
    torn[n_synced..n_synced + 20].fill(0);
    // Nor did the mark get to the disk: it is written when all the others are there.
    torn.truncate(torn.len() - 8);
    std::fs::write(&path, torn).expect("the log can be written");
    assert_eq!(records(&path), [b"first"], "nothing of a write that was never answered for counts");
}

#[test]
fn a_vault_with_another_key_or_without_keys_does_not_open() {
    let folder = tempfile::TempDir::new().expect("there is a folder for temporary files");
    let open = || Vault::open(folder.path(), Arc::new(SeededRandom::new(1)));
    let vault = open().expect("a new vault opens");
    let mut draft = vault.draft();
    draft.person("ann");
    draft.write().expect("the disk has room");
    drop(vault);
    let (master, keys) = (folder.path().join("master.key"), folder.path().join("keys.log"));
    let (whole_master, whole_keys) =
        [&master, &keys].map(|path| std::fs::read(path).expect("the vault is there")).into();
    let mut other = whole_master.clone();
    let digit = other.len() - 2;
    other[digit] = if other[digit] == b'0' { b'1' } else { b'0' };
    std::fs::write(&master, other).expect("it can be written");
    let refused = open().err().expect("it is another key");
    assert!(refused.message.contains("master.key"), "{refused:?}");
    std::fs::write(&master, whole_master).expect("it can be written");
    std::fs::write(&keys, &whole_keys[..8]).expect("it can be written");
    let refused = open().err().expect("a key is missing");
    assert!(refused.message.contains("keys.log"), "{refused:?}");
    std::fs::write(&keys, whole_keys).expect("it can be written");
    open().expect("it is whole again");
}
