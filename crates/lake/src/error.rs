//! What can fail in the lake, in one place.

use spec::{Error, ErrorKind};
use std::path::Path;

/// Events without one of the columns that all have, or with another type.
pub(crate) fn events_lack_columns() -> Error {
    bug("events lack a column", "it is missing, or of another type".into())
}

/// A cause of any kind.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A file cannot be imported as it is.
pub(crate) fn bad_file(file: &str, why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("`{file}` cannot be imported: {why}"))
}

/// A file could not be read or written.
pub(crate) fn io(what: &str, path: &Path, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot {what} `{}`", path.display()))
        .with_source(Box::new(cause))
        .with_hint("check the disk's space and the folder's rights, then try again")
}

/// A table could not be read or written.
pub(crate) fn table(what: &str, name: &str, cause: Cause) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot {what} table `{name}`")).with_source(cause)
}

/// A row of `consents` is about nobody who can be.
pub(crate) fn nobody_said() -> Error {
    table("read", "consents", "it names a person that cannot be".into())
}

/// Somebody else has changed the table since it was read.
pub(crate) fn table_changed(name: &str, cause: Cause) -> Error {
    Error::new(ErrorKind::Conflict, format!("table `{name}` was changed by somebody else"))
        .with_source(cause)
        .with_hint("import the file again: what has been taken over already is recognised")
}

/// Another process has the folder open.
pub(crate) fn folder_in_use(folder: &Path, holder: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("data folder `{}` is in use by {holder}", folder.display()))
        .with_hint("stop that process, or send the request to it")
}

/// The vault's files do not fit the tables, or one another.
pub(crate) fn vault(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the vault cannot be used: {why}"))
        .with_hint("restore the data folder's `vault` and tables from the same backup")
}

/// There is no such entry in the log of merges.
pub(crate) fn no_merge(number: u64) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no merge {number}"))
        .with_hint("`entente identity` lists the merges and their numbers")
}

/// An entry of the log of merges was taken back before.
pub(crate) fn merge_undone(number: u64) -> Error {
    Error::new(ErrorKind::Conflict, format!("merge {number} is undone already"))
        .with_hint("to merge these people again, undo the undoing: it has a number of its own in `entente identity`")
}

/// A file of the vault is damaged in its middle.
pub(crate) fn vault_damaged(path: &Path, whole_bytes: u64) -> Error {
    let path = path.display();
    vault(&format!("`{path}` is damaged at byte {whole_bytes}, before records that were written later"))
}

/// The intake log cannot do something now.
pub(crate) fn intake(what: &str, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot {what} the intake log"))
        .with_source(Box::new(cause))
        .with_hint("check the disk's space and health, then send it again")
}

/// The intake log holds as much as it may.
pub(crate) fn intake_full() -> Error {
    Error::new(ErrorKind::Unavailable, "the intake log is full".to_owned()).with_hint("send it again in some seconds")
}

/// The disk has little room left, which questions need to be put on record.
pub(crate) fn disk_full() -> Error {
    Error::new(ErrorKind::Unavailable, "the disk is nearly full".to_owned())
        .with_hint("make room; messages wait in the log until then")
}

/// The intake log takes nothing more.
pub(crate) fn intake_closed() -> Error {
    Error::new(ErrorKind::Unavailable, "the intake log is closed".to_owned())
        .with_hint("send it again after the restart")
}

/// What was submitted to the intake log is nothing, or too large.
pub(crate) fn intake_record() -> Error {
    Error::new(ErrorKind::Invalid, "there is no record, or one that is too large".to_owned())
        .with_hint("a record has at most 1 MiB, all that are sent together at most 16 MiB")
}

/// A record of the intake log was not written by this program, nor by an older one.
pub(crate) fn intake_form() -> Error {
    Error::new(ErrorKind::Unavailable, "the intake log holds a record of an unknown form".to_owned())
        .with_hint("use the program that wrote it, or a newer one")
}

/// The grant does not hold the field.
pub(crate) fn field_not_granted(field: &str, purpose: &str) -> Error {
    Error::new(ErrorKind::Denied, format!("`{field}` was not granted for purpose `{purpose}`"))
}

/// The grant does not reach as far as single people.
pub(crate) fn list_not_granted(purpose: &str) -> Error {
    Error::new(ErrorKind::Denied, format!("identifiers of people were not granted for purpose `{purpose}`"))
}

/// A column is declared with two types.
pub(crate) fn type_changed(column: &str, stored: &str, declared: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("`{column}` is stored as {stored} and now declared as {declared}"))
        .with_hint("give the property another name, or declare it with its earlier type")
}

/// A fault of the program.
pub(crate) fn bug(what: &str, cause: Cause) -> Error {
    Error::new(ErrorKind::Bug, what.to_owned()).with_source(cause)
}
