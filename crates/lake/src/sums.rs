//! Checksums of data files: a flipped bit is an error that names the file, and never another answer.
//!
//! Parquet's pages may have checksums, but the library writes none. So each row group, with its filters, has one over its
//! bytes, which stand in the footer (key `entente.sums`); and the footer has one that stands in the file's name. Row
//! groups are checked when they are read first. Files of older versions have none and are read as they are.

use crate::data_file::damaged;
use crate::error;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use spec::Result;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

const KEY: &str = "entente.sums";
/// The length of the footer and the mark of the format.
const TAIL_BYTES: u64 = 8;
/// Bytes that are read at once.
const WINDOW_BYTES: u64 = 1 << 20;

/// A file that is summed up while it is written.
pub(crate) struct SummedFile {
    file: File,
    hasher: crc32fast::Hasher,
    n_bytes: u64,
    regions: Vec<Region>,
}

/// A stretch of a file, from the end of the one before it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// The first byte.
    pub(crate) start: u64,
    /// The byte after the last.
    pub(crate) end: u64,
    /// CRC-32 of its bytes.
    sum: u32,
}

impl SummedFile {
    pub(crate) fn new(file: File) -> SummedFile {
        SummedFile { file, hasher: crc32fast::Hasher::new(), n_bytes: 0, regions: Vec::new() }
    }

    /// Ends a region, if anything was written since the last one.
    pub(crate) fn end_region(&mut self) {
        let start = self.regions.last().map_or(0, |region| region.end);
        if start < self.n_bytes {
            let sum = std::mem::take(&mut self.hasher).finalize();
            self.regions.push(Region { start, end: self.n_bytes, sum });
        }
    }

    /// What the footer says about the regions.
    pub(crate) fn note(&self) -> KeyValue {
        let words: Vec<String> =
            self.regions.iter().map(|region| format!("{:x}:{:08x}", region.end, region.sum)).collect();
        KeyValue::new(KEY.to_owned(), words.join(" "))
    }
}

impl Write for SummedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n_written]);
        self.n_bytes += n_written as u64;
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
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

/// The regions of a file by its footer; none for files of older versions.
pub(crate) fn regions(metadata: &ParquetMetaData) -> Vec<Region> {
    let notes = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let note = notes.filter(|note| note.key == KEY).find_map(|note| note.value.as_deref()).unwrap_or_default();
    let mut start = 0;
    let region = |word: &str| {
        let (end, sum) = word.split_once(':')?;
        let region = Region { start, end: u64::from_str_radix(end, 16).ok()?, sum: u32::from_str_radix(sum, 16).ok()? };
        start = region.end;
        Some(region)
    };
    note.split_whitespace().map_while(region).collect()
}

/// Holds the bytes of a region against its sum.
pub(crate) fn check_region(file: &File, path: &Path, region: Region) -> Result<()> {
    let sum = sum_of(file, region.start, region.end).map_err(|cause| error::io("read", path, cause))?;
    let what = || format!("bytes {} to {} are not what was written", region.start, region.end);
    if sum == region.sum { Ok(()) } else { Err(damaged(path, what().into())) }
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
