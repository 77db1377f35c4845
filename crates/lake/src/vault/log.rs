//! An append-only log: a header with a version, then length-prefixed, checksummed records.
//!
//! A mark follows each write, when that is on disk (in logs of older versions it came before the next one). So a record
//! that is not whole, with no mark behind it, is of a write that was never answered for: it is kept aside and cut off at
//! the next open. With one behind it, it is damage to what somebody may rely on, and the log does not open.

use crate::{error, store};
use sha2::{Digest, Sha256};
use spec::Result;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const HEADER_BYTES: usize = 8;
const PREFIX_BYTES: usize = 8;
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// A log that is open for appending.
pub(super) struct Log {
    file: File,
    path: PathBuf,
    length: u64,
    pending: Vec<u8>,
    /// Whether a mark stands at the end.
    is_marked: bool,
}

/// Takes a record, and where it begins.
pub(super) type Take<'t> = &'t mut dyn FnMut(u64, &[u8]) -> Result<()>;

impl Log {
    /// Opens or makes the log, gives all records, and cuts off a torn tail.
    pub(super) fn open(path: &Path, header: &[u8; HEADER_BYTES], take: Take<'_>) -> Result<Log> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|cause| error::io("open", path, cause))?;
        let mut log = Log { file, path: path.to_owned(), length: 0, pending: Vec::new(), is_marked: false };
        let whole = log.scan(header, take)?;
        let size = log.file.metadata().map_err(|cause| error::io("read", path, cause))?.len();
        log.length = whole;
        if whole == 0 {
            log.pending.extend_from_slice(header);
            log.keep_tail(size)?;
            log.sync()?;
        } else if size > whole {
            log.refuse_damage()?;
            if log.is_mark_that_never_came(size)? {
                log.file.set_len(whole).map_err(|cause| error::io("cut", path, cause))?;
            } else {
                log.keep_tail(size)?;
                tracing::warn!(log = %path.display(), bytes = size - whole, "cut off a torn tail");
            }
        }
        // A program that was killed may have left records that it had not synced. From here on tables rely on them.
        log.file.sync_all().map_err(|cause| error::io("sync", path, cause))?;
        Ok(log)
    }

    /// Adds a record, which is not empty, and tells where it will be; it is on disk after the next `sync`.
    pub(super) fn append(&mut self, record: &[u8]) -> u64 {
        assert!((1..=RECORD_BYTES_MAX).contains(&record.len()), "a record holds one identifier of limited length");
        if self.pending.is_empty() && !self.is_marked {
            self.pending.extend_from_slice(&mark());
        }
        let offset = self.length + self.pending.len() as u64;
        let length = u32::try_from(record.len()).expect("the limit is far below 4 GiB");
        self.pending.extend_from_slice(&length.to_le_bytes());
        self.pending.extend_from_slice(&checksum(record));
        self.pending.extend_from_slice(record);
        offset
    }

    /// Writes and syncs what was appended.
    pub(super) fn sync(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        // A write that failed before may have left more than this one covers, which would be read at the next open.
        let cut = self.file.set_len(self.length);
        let written = cut.and_then(|()| self.file.write_all_at(&pending, self.length));
        if let Err(cause) = written.and_then(|()| self.file.sync_all()) {
            // What nobody was told of should not come back; if this fails too, the next write makes up for it.
            let _ = self.file.set_len(self.length);
            return Err(error::io("write", &self.path, cause));
        }
        self.length += pending.len() as u64;
        // Nobody waits for the mark: one that does not get to the disk makes up for nothing that is there.
        self.is_marked = self.file.write_all_at(&mark(), self.length).is_ok();
        self.length += if self.is_marked { PREFIX_BYTES as u64 } else { 0 };
        Ok(())
    }

    /// Reads the record that begins at an offset.
    pub(super) fn read(&self, offset: u64) -> Result<Vec<u8>> {
        let mut prefix = [0; PREFIX_BYTES];
        self.file.read_exact_at(&mut prefix, offset).map_err(|cause| error::io("read", &self.path, cause))?;
        let (length, sum) = split_prefix(&prefix);
        if length > RECORD_BYTES_MAX {
            return Err(error::vault("a record is damaged"));
        }
        let mut record = vec![0; length];
        let read = self.file.read_exact_at(&mut record, offset + PREFIX_BYTES as u64);
        read.map_err(|cause| error::io("read", &self.path, cause))?;
        if checksum(&record) == sum { Ok(record) } else { Err(error::vault("a record is damaged")) }
    }

    /// Gives all whole records from the start; where the last one ends, 0 when not even the header is whole.
    fn scan(&mut self, header: &[u8; HEADER_BYTES], take: Take<'_>) -> Result<u64> {
        let file = self.file.try_clone().map_err(|cause| error::io("read", &self.path, cause))?;
        let mut reader = BufReader::new(&file);
        let mut head = [0; HEADER_BYTES];
        if !self.fill(&mut reader, &mut head)? {
            return Ok(0);
        }
        if head != *header {
            return Err(error::vault(&format!("`{}` has an unknown format or version", self.path.display())));
        }
        let mut record = Vec::new();
        let mut end = HEADER_BYTES as u64;
        let mut prefix = [0; PREFIX_BYTES];
        while self.fill(&mut reader, &mut prefix)? {
            let (length, sum) = split_prefix(&prefix);
            record.resize(length.min(RECORD_BYTES_MAX), 0);
            if length > RECORD_BYTES_MAX || !self.fill(&mut reader, &mut record)? || checksum(&record) != sum {
                break;
            }
            self.is_marked = length == 0;
            if length > 0 {
                take(end, &record)?;
            }
            end += (PREFIX_BYTES + length) as u64;
        }
        Ok(end)
    }

    /// Reads as much as fits; false at the end of the file, which a disk that cannot be read is not.
    fn fill(&self, reader: &mut impl Read, buffer: &mut [u8]) -> Result<bool> {
        match reader.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(cause) => Err(error::io("read", &self.path, cause)),
        }
    }

    /// Refuses a log in which a mark stands behind what cannot be read: that was on disk, so it is damaged and no torn tail.
    /// The pages of one write may get to the disk in any order.
    fn refuse_damage(&self) -> Result<()> {
        let mut tail = Vec::new();
        let read = self.tail().and_then(|mut file| file.read_to_end(&mut tail));
        read.map_err(|cause| error::io("read", &self.path, cause))?;
        // What somebody has to say never reads as a mark: identifiers are sealed.
        match tail.windows(PREFIX_BYTES).skip(1).any(|bytes| bytes == mark()) {
            false => Ok(()),
            true => Err(error::vault_damaged(&self.path, self.length)),
        }
    }

    /// Whether the tail is the room of a mark that never got to the disk: nobody waits for a mark.
    fn is_mark_that_never_came(&self, size: u64) -> Result<bool> {
        let mut tail = Vec::new();
        if size - self.length <= PREFIX_BYTES as u64 {
            let read = self.tail().and_then(|mut file| file.read_to_end(&mut tail));
            read.map_err(|cause| error::io("read", &self.path, cause))?;
        }
        Ok(!tail.is_empty() && tail.iter().all(|byte| *byte == 0))
    }

    /// Cuts the file at its last whole record; what follows is on disk beside it before.
    fn keep_tail(&self, size: u64) -> Result<()> {
        if size > self.length {
            let path = self.path.with_extension(format!("torn-{}", self.length));
            let kept = self.tail().and_then(|mut tail| std::io::copy(&mut tail, &mut File::create(&path)?));
            let kept = kept.and_then(|_| store::sync_file_and_folder(&path));
            kept.map_err(|cause| error::io("keep the tail of", &self.path, cause))?;
        }
        let cut = self.file.set_len(self.length).and_then(|()| self.file.sync_all());
        cut.map_err(|cause| error::io("cut", &self.path, cause))
    }

    /// The file from the end of the last whole record on.
    fn tail(&self) -> std::io::Result<File> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.length))?;
        Ok(file)
    }
}

/// What stands between writes: a record of nothing, which no other is.
fn mark() -> [u8; PREFIX_BYTES] {
    let [a, b, c, d] = checksum(&[]);
    [0, 0, 0, 0, a, b, c, d]
}

fn split_prefix(prefix: &[u8; PREFIX_BYTES]) -> (usize, [u8; 4]) {
    let [a, b, c, d, sum @ ..] = *prefix;
    (usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX), sum)
}

fn checksum(record: &[u8]) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::digest(record).into();
    [digest[0], digest[1], digest[2], digest[3]]
}
