//! The lake: opens the folder, holds the current snapshot, takes files in.

use crate::{Clock, ImportFile, ImportReport, Random, Snapshot};
use spec::Result;
use std::path::Path;
use std::sync::Arc;

/// How to open a lake.
pub struct LakeOptions<'a> {
    /// The data folder; made if it is not there.
    pub folder: &'a Path,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where keys and file names come from.
    pub random: Arc<dyn Random>,
    /// Memory that one import may use for sorting, in bytes; beyond it sorts on disk.
    pub memory_bytes_max: usize,
}

/// The one repository of facts.
pub struct Lake {}

impl Lake {
    /// Opens the folder for this process alone, and makes what is missing.
    ///
    /// # Errors
    /// Conflict, naming the holder, when another process has the folder open.
    pub fn open(_options: LakeOptions<'_>) -> Result<Lake> {
        Err(crate::error::vault("not written yet"))
    }

    /// The current state; cheap.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        unreachable!("a lake cannot be opened yet")
    }

    /// Says what this process is, for those who find the folder in use (`serves http://127.0.0.1:7700`).
    pub fn note(&self, _text: &str) -> Result<()> {
        Ok(())
    }

    /// Imports a file; `progress` hears how much of the work is done, and of how much.
    ///
    /// Repeating it changes nothing: the same file and the same records are recognised.
    ///
    /// # Errors
    /// Invalid when the file is not what the contract says; then nothing has changed.
    pub fn import(&self, _file: &ImportFile<'_>, _progress: &dyn Fn(u64, u64)) -> Result<ImportReport> {
        Err(crate::error::vault("not written yet"))
    }
}
