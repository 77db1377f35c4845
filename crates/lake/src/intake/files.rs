//! The files of a log behind a seam, so that crashes and faults can be simulated.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

/// A folder of segments.
pub trait Files: Send + Sync {
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a new file; one that is there already is an error.
    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>>;

    /// Bytes from an offset on, fewer at the file's end.
    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the folder's entries survive a loss of power.
    fn sync_folder(&self) -> io::Result<()>;
}

/// A file that only grows.
pub trait AppendFile: Send {
    /// Writes all the bytes at the end; after an error some of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written survive a loss of power.
    fn sync(&mut self) -> io::Result<()>;
}

/// Files of a folder on a disk.
pub struct DiskFiles {
    folder: PathBuf,
}

impl DiskFiles {
    /// The files of this folder, which is made if it is not there.
    pub fn open(folder: PathBuf) -> io::Result<DiskFiles> {
        fs::create_dir_all(&folder)?;
        Ok(DiskFiles { folder })
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

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
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
