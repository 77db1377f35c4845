//! Checksums of data files: a flipped bit is an error that names the file, and never another answer.
//!
//! Parquet's pages may have checksums, but the library writes none. So each column chunk has one over its bytes, and so has
//! what stands between chunks; they stand in the footer (key `entente.sums`), and the footer has one that stands in the
//! file's name. Bytes are held against their sum whenever they are read. Files of older versions have none and are read as
//! they are.

use crate::data_file::damaged;
use crate::error;
use bytes::Bytes;
use parquet::file::metadata::{KeyValue, ParquetMetaData, RowGroupMetaData};
use rustix::io::Errno;
use spec::Result;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

const KEY: &str = "entente.sums";
/// The length of the footer and the mark of the format.
const TAIL_BYTES: u64 = 8;
/// Bytes that are read at once.
const WINDOW_BYTES: u64 = 1 << 20;
/// The size of the widest number that is looked at in place.
const END_AT: usize = 8;

/// The sums of a file: of regions that follow each other from its first byte on.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    regions: Vec<Region>,
}

/// A stretch of a file, from the end of the one before it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region {
    /// The byte after the last.
    end: u64,
    /// CRC-32 of its bytes.
    sum: u32,
}

impl Sums {
    /// Sums up a row group that was written to a file, and what came after it up to `end`.
    pub(crate) fn add_group(&mut self, file: &File, group: &RowGroupMetaData, end: u64) -> io::Result<()> {
        for column in group.columns() {
            let (start, n_bytes) = column.byte_range();
            self.add(file, start)?;
            self.add(file, start + n_bytes)?;
        }
        self.add(file, end)
    }

    /// Adds the region up to `end`, if that has any bytes.
    fn add(&mut self, file: &File, end: u64) -> io::Result<()> {
        let start = self.regions.last().map_or(0, |region| region.end);
        if start < end {
            self.regions.push(Region { end, sum: sum_of(file, start, end)? });
        }
        Ok(())
    }

    /// What the footer says about them.
    pub(crate) fn note(&self) -> KeyValue {
        let words: Vec<String> =
            self.regions.iter().map(|region| format!("{:x}:{:08x}", region.end, region.sum)).collect();
        KeyValue::new(KEY.to_owned(), words.join(" "))
    }

    /// Those that a footer tells; none for files of older versions.
    pub(crate) fn of(metadata: &ParquetMetaData) -> Sums {
        let notes = metadata.file_metadata().key_value_metadata().into_iter().flatten();
        let note = notes.filter(|note| note.key == KEY).find_map(|note| note.value.as_deref()).unwrap_or_default();
        let region = |word: &str| {
            let (end, sum) = word.split_once(':')?;
            Some(Region { end: u64::from_str_radix(end, 16).ok()?, sum: u32::from_str_radix(sum, 16).ok()? })
        };
        Sums { regions: note.split_whitespace().map_while(region).collect() }
    }

    /// Holds all of a file but its footer against the sums.
    pub(crate) fn check_all(&self, file: &File, path: &Path) -> Result<()> {
        self.check(file, path, 0..u64::MAX)
    }

    /// Holds the regions of which any byte is in a range against their sums.
    pub(crate) fn check(&self, file: &File, path: &Path, bytes: Range<u64>) -> Result<()> {
        let first = self.place(bytes.start);
        for (place, region) in self.regions.iter().enumerate().skip(first) {
            let start = self.start(place);
            if start >= bytes.end {
                break;
            }
            let sum = sum_of(file, start, region.end).map_err(|cause| error::io("read", path, cause))?;
            self.compare(path, place, sum)?;
        }
        Ok(())
    }

    /// Reads a range, which is a region of its own, and holds it against its sum. What is read ends at a multiple of
    /// [`END_AT`] in memory: plain numbers end where a chunk ends, so that they can be looked at in place.
    pub(crate) fn read(&self, file: &File, path: &Path, bytes: Range<u64>) -> Result<Bytes> {
        let n_bytes = usize::try_from(bytes.end.saturating_sub(bytes.start)).unwrap_or(0);
        let n_before = n_bytes.next_multiple_of(END_AT) - n_bytes;
        let read = read_after(n_before, file, bytes.start, n_bytes).map_err(|cause| error::io("read", path, cause))?;
        let place = self.place(bytes.start);
        match self.regions.get(place) {
            Some(region) if self.start(place) == bytes.start && region.end == bytes.end => {
                self.compare(path, place, crc32fast::hash(&read))?;
            }
            _ => self.check(file, path, bytes)?,
        }
        Ok(read)
    }

    /// The place of the region that a byte is in.
    fn place(&self, byte: u64) -> usize {
        self.regions.partition_point(|region| region.end <= byte)
    }

    fn start(&self, place: usize) -> u64 {
        place.checked_sub(1).map_or(0, |before| self.regions[before].end)
    }

    fn compare(&self, path: &Path, place: usize, sum: u32) -> Result<()> {
        let region = self.regions[place];
        let what = || format!("bytes {} to {} are not what was written", self.start(place), region.end);
        if sum == region.sum { Ok(()) } else { Err(damaged(path, what().into())) }
    }
}

/// Reads bytes into memory that is not filled before, behind some that mean nothing.
fn read_after(n_before: usize, file: &File, start: u64, n_bytes: usize) -> io::Result<Bytes> {
    let end = n_before + n_bytes;
    let mut read = Vec::with_capacity(end);
    read.resize(n_before, 0);
    while read.len() < end {
        let at = start + (read.len() - n_before) as u64;
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut read), at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(cause) => return Err(cause.into()),
        }
    }
    read.truncate(end);
    Ok(Bytes::from(read).slice(n_before..))
}

/// The sum of a file's footer.
pub(crate) fn footer_sum(file: &File) -> io::Result<u32> {
    let n_bytes = file.metadata()?.len();
    let mut tail = [0; TAIL_BYTES as usize];
    file.read_exact_at(&mut tail, n_bytes.saturating_sub(TAIL_BYTES))?;
    let [a, b, c, d, ..] = tail;
    let start = n_bytes.saturating_sub(TAIL_BYTES + u64::from(u32::from_le_bytes([a, b, c, d])));
    sum_of(file, start, n_bytes)
}

/// Holds the footer against the sum in the file's name.
pub(crate) fn check_footer(file: &File, path: &Path) -> Result<()> {
    let Some(expected) = sum_in_name(path) else { return Ok(()) };
    let sum = footer_sum(file).map_err(|cause| error::io("read", path, cause))?;
    if sum == expected { Ok(()) } else { Err(damaged(path, "its footer is not what was written".into())) }
}

fn sum_of(file: &File, start: u64, end: u64) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut window = vec![0; usize::try_from((end - start).min(WINDOW_BYTES)).unwrap_or_default()];
    let mut at = start;
    while at < end {
        let length = usize::try_from((end - at).min(WINDOW_BYTES)).unwrap_or_default();
        file.read_exact_at(&mut window[..length], at)?;
        hasher.update(&window[..length]);
        at += length as u64;
    }
    Ok(hasher.finalize())
}

/// Names end in the sum: `part-ID-SUM.parquet`.
fn sum_in_name(path: &Path) -> Option<u32> {
    let (_, sum) = path.file_stem()?.to_str()?.rsplit_once('-')?;
    (sum.len() == 8).then(|| u32::from_str_radix(sum, 16).ok()).flatten()
}
