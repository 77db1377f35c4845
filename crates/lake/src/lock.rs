//! One process per data folder: the lock file, which also tells who holds it.

use crate::error;
use spec::{Instant, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

/// Who has a data folder open.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Since when.
    pub since: Instant,
    /// What it says about itself (`serves http://127.0.0.1:7700`); may be empty.
    pub note: String,
}

/// Tells who has the folder open; `None` when nobody has.
pub fn holder(folder: &Path) -> Option<Holder> {
    let mut file = File::open(folder.join(FILE_NAME)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read_holder(&mut file),
        _ => None,
    }
}

const FILE_NAME: &str = "lake.lock";
/// A folder counts as in use after this many tries, which take a tenth of a second.
const TRIES: usize = 11;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// The lock; it is given back when it is dropped or the process ends.
pub(crate) struct Lock {
    file: File,
    holder: Holder,
}

impl Lock {
    /// Takes the folder, or tells who has it.
    pub(crate) fn take(folder: &Path, now: Instant) -> Result<Lock> {
        let path = folder.join(FILE_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|cause| error::io("open", &path, cause))?;
        match try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read_holder(&mut file);
                return Err(error::folder_in_use(folder, &describe(holder.as_ref())));
            }
            Err(TryLockError::Error(cause)) => return Err(error::io("lock", &path, cause)),
        }
        let mut lock = Lock { file, holder: Holder { pid: std::process::id(), since: now, note: String::new() } };
        lock.write(&path)?;
        Ok(lock)
    }

    /// Changes what the holder says about itself.
    pub(crate) fn set_note(&mut self, folder: &Path, note: &str) -> Result<()> {
        note.clone_into(&mut self.holder.note);
        self.write(&folder.join(FILE_NAME))
    }

    fn write(&mut self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(&self.holder).expect("a holder is plain data");
        let written =
            self.file.set_len(0).and_then(|()| self.file.rewind()).and_then(|()| self.file.write_all(text.as_bytes()));
        written.map_err(|cause| error::io("write", path, cause))
    }
}

/// Tries more than once, since whoever asks for the holder has the lock for a moment.
fn try_lock(file: &File) -> std::result::Result<(), TryLockError> {
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(TRY_AGAIN_AFTER),
            outcome => return outcome,
        }
    }
    file.try_lock()
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(64 * 1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn describe(holder: Option<&Holder>) -> String {
    match holder {
        None => "another process".to_owned(),
        Some(Holder { pid, since, note }) => {
            let since = since.format("%Y-%m-%d %H:%M:%S UTC");
            let note = if note.is_empty() { String::new() } else { format!(", which {note}") };
            format!("process {pid} since {since}{note}")
        }
    }
}
