//! The files of a log behind a seam, so that crashes and faults can be simulated.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A folder of segments.
pub trait Files: Send + Sync {
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a new file; one that is there already is an error.
    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>>;

    /// Bytes from an offset on, fewer at the file's end.
    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Makes what a file holds survive a loss of power.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the folder's entries survive a loss of power.
    fn sync_folder(&self) -> io::Result<()>;

    /// Replaces the note, a few bytes in a file of their own; nothing waits for it, and a loss of power may take it back.
    fn note(&self, bytes: &[u8]) -> io::Result<()>;

    /// The note, if there is one.
    fn noted(&self) -> Option<Vec<u8>>;

    /// Bytes that the disk has left; `None` where nobody knows.
    fn free_bytes(&self) -> Option<u64>;
}

/// A file that only grows.
pub trait AppendFile: Send {
    /// Writes all the bytes at the end; after an error some of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written survive a loss of power.
    fn sync(&mut self) -> io::Result<()>;
}

/// Bytes that the disk of a folder has left; `None` where the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Files of a folder on a disk.
pub struct DiskFiles {
    folder: PathBuf,
    note: Mutex<Option<File>>,
}

const NOTE: &str = "synced";

impl DiskFiles {
    /// The files of this folder, which is made if it is not there.
    pub fn open(folder: PathBuf) -> io::Result<DiskFiles> {
        fs::create_dir_all(&folder)?;
        Ok(DiskFiles { folder, note: Mutex::default() })
    }
}

impl Files for DiskFiles {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create_new(true).mode(0o600).open(self.folder.join(name))?;
        Ok(Box::new(file))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = File::open(self.folder.join(name))?;
        let mut bytes = vec![0; length];
        let mut n_read = 0;
        while n_read < length {
            match file.read_at(&mut bytes[n_read..], offset + n_read as u64) {
                Ok(0) => break,
                Ok(n) => n_read += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(n_read);
        Ok(bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        File::open(self.folder.join(name))?.sync_data()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn note(&self, bytes: &[u8]) -> io::Result<()> {
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *note {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                let options = options.write(true).create(true).truncate(false).mode(0o600);
                note.insert(options.open(self.folder.join(NOTE))?)
            }
        };
        file.write_all_at(bytes, 0)
    }

    fn noted(&self) -> Option<Vec<u8>> {
        fs::read(self.folder.join(NOTE)).ok()
    }

    fn free_bytes(&self) -> Option<u64> {
        free_bytes(&self.folder)
    }
}

impl AppendFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
