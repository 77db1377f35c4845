//! A disk in memory that fails and loses power as a seed says.
//!
//! What a loss of power leaves: every byte that was synced, and of the others a prefix, perhaps garbled; a file whose name
//! was not synced may be gone.

use super::files::{AppendFile, Files};
use crate::{Random, SeededRandom};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A folder that any number of logs open one after the other.
#[derive(Clone)]
pub(super) struct SimulatedFiles {
    disk: Arc<Mutex<Disk>>,
}

const NOTE: &str = "synced";

struct Disk {
    files: BTreeMap<String, Content>,
    random: SeededRandom,
    /// How many of a thousand writes, syncs and creations fail.
    faults_per_mille: u64,
    free_bytes: Option<u64>,
}

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    n_synced: usize,
    is_named: bool,
}

impl SimulatedFiles {
    pub(super) fn new(seed: u64, faults_per_mille: u64) -> SimulatedFiles {
        SimulatedFiles {
            disk: Arc::new(Mutex::new(Disk {
                files: BTreeMap::new(),
                random: SeededRandom::new(seed),
                faults_per_mille,
                free_bytes: None,
            })),
        }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number below `n` that follows from the seed.
    pub(super) fn below(&self, n: u64) -> u64 {
        self.disk().below(n)
    }

    /// From now on so many of a thousand operations fail.
    pub(super) fn set_faults(&self, per_mille: u64) {
        self.disk().faults_per_mille = per_mille;
    }

    /// From now on the disk says that it has so much room.
    pub(super) fn set_room(&self, bytes: u64) {
        self.disk().free_bytes = Some(bytes);
    }

    /// Loses the last bytes of the newest segment, synced or not.
    pub(super) fn cut_end(&self, n_bytes: usize) {
        let mut disk = self.disk();
        let newest = disk.files.iter_mut().filter(|(name, _)| name.as_str() != NOTE).map(|(_, file)| file).last();
        let file = newest.expect("there is a segment");
        file.bytes.truncate(file.bytes.len() - n_bytes);
        file.n_synced = file.bytes.len();
    }

    /// Loses power.
    pub(super) fn crash(&self) {
        let mut disk = self.disk();
        let names: Vec<String> = disk.files.keys().cloned().collect();
        for name in names {
            let (is_gone, keep, garble) = (disk.below(2) == 0, disk.below(u64::MAX), disk.below(u64::MAX));
            let file = disk.files.get_mut(&name).expect("it was just listed");
            if !file.is_named && is_gone {
                disk.files.remove(&name);
                continue;
            }
            let n_loose = (file.bytes.len() - file.n_synced) as u64;
            let n_kept = file.n_synced + usize::try_from(keep % (n_loose + 1)).expect("files are small");
            file.bytes.truncate(n_kept);
            if n_kept > file.n_synced && garble % 2 == 0 {
                let at = file.n_synced + usize::try_from(garble % (n_kept - file.n_synced) as u64).expect("as above");
                file.bytes[at] ^= 0x55;
            }
            (file.n_synced, file.is_named) = (n_kept, true);
        }
    }

    /// What the oldest file holds.
    pub(super) fn bytes_of_first(&self) -> Vec<u8> {
        self.disk().files.values().next().map(|content| content.bytes.clone()).unwrap_or_default()
    }

    /// Changes the oldest file behind everybody's back; what `change` says.
    pub(super) fn change_first(&self, change: &mut dyn FnMut(&mut Vec<u8>) -> usize) -> usize {
        self.disk().files.values_mut().next().map_or(0, |content| change(&mut content.bytes))
    }

    /// Flips one bit of what is on the disk, somewhere in the first half of the oldest file, and says where.
    pub(super) fn rot(&self) -> Option<u64> {
        let mut disk = self.disk();
        let at = disk.below(u64::MAX);
        let bytes = &mut disk.files.values_mut().next()?.bytes;
        let half = bytes.len() / 2;
        let at = 32 + usize::try_from(at % (half.checked_sub(32)? as u64)).ok()?;
        bytes[at] ^= 1;
        Some(at as u64)
    }
}

impl Disk {
    fn below(&mut self, n: u64) -> u64 {
        let mut word = [0; 8];
        self.random.fill(&mut word);
        u64::from_le_bytes(word) % n
    }

    fn fault(&mut self) -> io::Result<()> {
        if self.below(1000) < self.faults_per_mille { Err(io::Error::other("a simulated fault")) } else { Ok(()) }
    }
}

impl Files for SimulatedFiles {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.disk().files.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>> {
        let mut disk = self.disk();
        if disk.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let is_made_all_the_same = disk.below(2) == 0;
        let failed = disk.fault();
        if failed.is_ok() || is_made_all_the_same {
            disk.files.insert(name.to_owned(), Content::default());
        }
        failed?;
        Ok(Box::new(SimulatedFile { files: self.clone(), name: name.to_owned() }))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        let file = disk.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(file.bytes.len());
        Ok(file.bytes[from..from.saturating_add(length).min(file.bytes.len())].to_vec())
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let file = disk.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        file.n_synced = file.bytes.len();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk().files.remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.fault()?;
        disk.files.values_mut().for_each(|file| file.is_named = true);
        Ok(())
    }

    fn note(&self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        disk.fault()?;
        disk.files.insert(NOTE.to_owned(), Content { bytes: bytes.to_vec(), ..Content::default() });
        Ok(())
    }

    fn noted(&self) -> Option<Vec<u8>> {
        Some(self.disk().files.get(NOTE)?.bytes.clone())
    }

    fn free_bytes(&self) -> Option<u64> {
        self.disk().free_bytes
    }
}

struct SimulatedFile {
    files: SimulatedFiles,
    name: String,
}

impl AppendFile for SimulatedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.files.disk();
        let n_before = disk.below(bytes.len() as u64 + 1);
        let failed = disk.fault();
        let n_written = if failed.is_ok() { bytes.len() } else { usize::try_from(n_before).expect("it is less") };
        let file = disk.files.get_mut(&self.name).ok_or(io::ErrorKind::NotFound)?;
        file.bytes.extend_from_slice(&bytes[..n_written]);
        failed
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.files.disk();
        // After a sync that failed the pages count as clean, though they are not on the disk.
        disk.fault()?;
        let file = disk.files.get_mut(&self.name).ok_or(io::ErrorKind::NotFound)?;
        file.n_synced = file.bytes.len();
        Ok(())
    }
}
