//! The commands, one file each.

pub(crate) mod ask;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod identity;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod manual;
mod patience;
pub(crate) mod quarantine;
pub(crate) mod token;
pub(crate) mod up;

use spec::{Error, ErrorKind, Result};
use std::io::Write;

/// Prints; a reader that went away is no error, and ends no server.
pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    match std::io::stdout().lock().write_all(bytes) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Unavailable, "cannot print".to_owned()).with_source(Box::new(cause)))
        }
        _ => Ok(()),
    }
}

/// Prints a line.
pub(crate) fn say(line: &str) -> Result<()> {
    print(format!("{line}\n").as_bytes())
}
