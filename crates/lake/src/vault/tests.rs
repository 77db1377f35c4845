//! The vault alone: the same user id is the same person, keys are private, nothing is written before its time.

use super::{USER_ID, Vault};
use crate::SeededRandom;
use std::os::unix::fs::PermissionsExt;
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
    assert_eq!(vault.identifier(ann, USER_ID).expect("the vault is whole").as_deref(), Some("ann"));
    assert_eq!(vault.identifier(ann, "email").expect("the vault is whole").as_deref(), Some("new@example.com"));
    assert_eq!(vault.identifier(bob, "email").expect("the vault is whole"), None);
    assert_ne!(vault.pseudonym("ads", ann), vault.pseudonym("email", ann));
    let mode = std::fs::metadata(folder.path().join("master.key")).expect("the key is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
