//! Column chunks as columns: codes and numbers straight from the pages of a file.
//!
//! Flow: the bytes of a chunk -> pages, decompressed by the library -> levels, which say where a value is missing, and values,
//! which are plain or places in the chunk's dictionary -> codes as narrow as they can be, numbers, or people. The library
//! would make each place 32 bits wide and check what our writer never does; that took most of the time of a question. What
//! is encoded in another way is left to the library (`None`): truth values, sequences, dictionaries that grew too large.

mod hybrid;

use crate::stretch::{Codes, Column, Numbers, People, Texts, Values};
use arrow::array::StringArray;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, TimeUnit};
use bytes::Bytes;
use hybrid::Code;
use parquet::basic::{Encoding, Type};
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use std::io::Cursor;
use std::sync::Arc;

/// The last group of packed numbers is filled up by fewer than so many.
const FILL: usize = 8;

/// A column chunk of a row group, decompressed.
pub(crate) struct Chunk {
    n_rows: usize,
    physical: Type,
    dictionary: Option<Dictionary>,
    pages: Vec<DataPage>,
}

struct Dictionary {
    /// The values, plain.
    bytes: Bytes,
    n_values: usize,
}

struct DataPage {
    n_rows: usize,
    /// One bit for each row in the hybrid encoding, if any value may be missing.
    levels: Option<Bytes>,
    /// The values that are there.
    values: Bytes,
    /// Whether they are places in the dictionary.
    is_coded: bool,
}

/// A chunk's bytes at their place in the file.
struct InFile {
    start: u64,
    bytes: Bytes,
}

impl Chunk {
    /// Whether a chunk may be one that can be read here.
    pub(crate) fn may_be(column: &ColumnChunkMetaData) -> bool {
        let is_known = |encoding: Encoding| {
            matches!(encoding, Encoding::PLAIN | Encoding::RLE | Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
        };
        column.column_type() != Type::BOOLEAN && column.encodings().all(is_known)
    }

    /// Takes a chunk's bytes apart; `None` where they are not as our writer writes them.
    pub(crate) fn of(bytes: Bytes, column: &ColumnChunkMetaData, n_rows: usize) -> Result<Option<Chunk>> {
        let descriptor = column.column_descr();
        if descriptor.max_rep_level() > 0 || descriptor.max_def_level() > 1 {
            return Ok(None);
        }
        let has_levels = descriptor.max_def_level() > 0;
        let mut chunk = Chunk { n_rows, physical: column.column_type(), dictionary: None, pages: Vec::new() };
        let in_file = Arc::new(InFile { start: column.byte_range().0, bytes });
        for page in SerializedPageReader::new(in_file, column, n_rows, None)? {
            let is_known = match page? {
                Page::DictionaryPage { buf, num_values, .. } => {
                    chunk.dictionary = Some(Dictionary { bytes: buf, n_values: num_values as usize });
                    true
                }
                Page::DataPage { buf, num_values, encoding, def_level_encoding: Encoding::RLE, .. } => {
                    let page = DataPage::of(buf, num_values as usize, encoding, has_levels);
                    page.map(|page| chunk.pages.push(page)).is_some()
                }
                _ => false,
            };
            if !is_known {
                return Ok(None);
            }
        }
        let n_found: usize = chunk.pages.iter().map(|page| page.n_rows).sum();
        Ok((n_found == n_rows).then_some(chunk))
    }

    /// A column of this type.
    pub(crate) fn column(&self, data_type: &DataType) -> Option<Column> {
        if let DataType::Dictionary(_, _) = data_type {
            return Some(Column::Texts(Arc::new(self.texts()?)));
        }
        let is_coded = self.dictionary.is_some();
        let (bytes, n_values, nulls) = match &self.dictionary {
            Some(dictionary) => (dictionary.bytes.clone(), dictionary.n_values, None),
            None => self.plain_values(self.width()?)?,
        };
        let values = match (data_type, self.physical) {
            (
                DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) | DataType::Decimal128(_, _),
                Type::INT64,
            ) => Values::Whole(plain(&bytes, n_values)?),
            (DataType::Decimal128(_, _), Type::INT32) => {
                Values::Whole(plain::<i32>(&bytes, n_values)?.iter().map(|value| i64::from(*value)).collect())
            }
            (DataType::Float64, Type::DOUBLE) => Values::Double(plain(&bytes, n_values)?),
            (DataType::Date32, Type::INT32) => Values::Days(plain(&bytes, n_values)?),
            _ => return None,
        };
        let codes = if is_coded { Some(self.narrow_codes()?) } else { None };
        Some(Column::Numbers(Arc::new(Numbers::new(data_type.clone(), codes, values, nulls))))
    }

    /// Whose rows lie where, of a column of people.
    pub(crate) fn people(&self) -> Option<People> {
        let dictionary = self.dictionary.as_ref()?;
        let numbers: ScalarBuffer<i64> = plain(&dictionary.bytes, dictionary.n_values)?;
        let mut runs: Vec<(i64, usize)> = Vec::new();
        for page in &self.pages {
            let (width, packed) = page.values.split_first().filter(|_| page.is_coded)?;
            // A row without a person would be nobody's.
            page.levels()?.is_none().then_some(())?;
            hybrid::each_run(packed, *width, page.n_rows, |code, length| {
                let person = *numbers.get(code as usize)?;
                match runs.last_mut() {
                    Some(last) if last.0 == person => last.1 += length,
                    _ => runs.push((person, length)),
                }
                Some(())
            })?;
        }
        People::of_runs(runs.into_iter())
    }

    fn texts(&self) -> Option<Texts> {
        let values = self.dictionary.as_ref().map_or(Some(StringArray::new_null(0)), Dictionary::texts)?;
        Some(Texts::coded(self.narrow_codes()?, values))
    }

    /// For each row the place of its value in the dictionary; where it is missing the number of the dictionary's values.
    fn narrow_codes(&self) -> Option<Codes> {
        Some(match self.dictionary.as_ref().map_or(0, |dictionary| dictionary.n_values) {
            0..=0xFF => Codes::Narrow(self.codes()?),
            0x100..=0xFFFF => Codes::Middle(self.codes()?),
            _ => Codes::Wide(self.codes()?),
        })
    }

    fn codes<C: Code>(&self) -> Option<Vec<C>> {
        let missing = self.dictionary.as_ref().map_or(0, |dictionary| dictionary.n_values);
        let missing = C::of(u32::try_from(missing).ok()?);
        let mut codes = Vec::with_capacity(self.n_rows + FILL);
        for page in &self.pages {
            match page.levels()? {
                None => page.codes(page.n_rows, &mut codes)?,
                Some(levels) => {
                    let mut there = Vec::with_capacity(levels.n_there + FILL);
                    page.codes(levels.n_there, &mut there)?;
                    levels.spread(&mut there, missing, &mut codes);
                }
            }
        }
        codes.iter().all(|code| *code <= missing).then_some(codes)
    }

    /// Bytes of a number.
    fn width(&self) -> Option<usize> {
        match self.physical {
            Type::INT64 | Type::DOUBLE => Some(8),
            Type::INT32 => Some(4),
            _ => None,
        }
    }

    /// The bytes of each row's number, how many rows there are, and which have none: theirs are 0.
    fn plain_values(&self, width: usize) -> Option<(Bytes, usize, Option<NullBuffer>)> {
        if let [page] = self.pages.as_slice()
            && !page.is_coded
            && page.levels()?.is_none()
        {
            return Some((page.values.clone(), self.n_rows, None));
        }
        let mut values = Vec::with_capacity(self.n_rows.checked_mul(width)?);
        let mut is_there: Vec<bool> = Vec::with_capacity(self.n_rows);
        for page in &self.pages {
            let levels = page.levels()?;
            let n_there = levels.as_ref().map_or(page.n_rows, |levels| levels.n_there);
            let of_page =
                if n_there == 0 { &[] } else { page.values.get(..n_there * width).filter(|_| !page.is_coded)? };
            let Some(levels) = levels else {
                values.extend_from_slice(of_page);
                is_there.resize(is_there.len() + n_there, true);
                continue;
            };
            let mut numbers = of_page.chunks_exact(width);
            for level in &levels.of_rows {
                match *level {
                    0 => values.resize(values.len() + width, 0),
                    _ => values.extend_from_slice(numbers.next()?),
                }
                is_there.push(*level > 0);
            }
        }
        Some((values.into(), self.n_rows, Some(is_there.into())))
    }
}

impl Dictionary {
    /// Texts, each after its length.
    fn texts(&self) -> Option<StringArray> {
        let (mut rest, mut offsets, mut all) = (&*self.bytes, vec![0], Vec::new());
        for _ in 0..self.n_values {
            let (length, after) = rest.split_first_chunk()?;
            let (text, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            all.extend_from_slice(text);
            offsets.push(i32::try_from(all.len()).ok()?);
            rest = after;
        }
        StringArray::try_new(OffsetBuffer::new(offsets.into()), Buffer::from_vec(all), None).ok()
    }
}

/// Which rows of a page have a value.
struct Levels {
    /// 1 where there is one, 0 where it is missing.
    of_rows: Vec<u8>,
    n_there: usize,
}

impl DataPage {
    fn of(bytes: Bytes, n_rows: usize, encoding: Encoding, has_levels: bool) -> Option<DataPage> {
        let is_coded = match encoding {
            Encoding::PLAIN => false,
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => true,
            _ => return None,
        };
        if !has_levels {
            return Some(DataPage { n_rows, levels: None, values: bytes, is_coded });
        }
        let n_bytes = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let end = size_of::<u32>().checked_add(n_bytes).filter(|end| *end <= bytes.len())?;
        let levels = Some(bytes.slice(size_of::<u32>()..end));
        Some(DataPage { n_rows, levels, values: bytes.slice(end..), is_coded })
    }

    /// Which rows have a value, if any has none.
    fn levels(&self) -> Option<Option<Levels>> {
        let Some(levels) = &self.levels else { return Some(None) };
        if hybrid::is_all(levels, 1, self.n_rows) {
            return Some(None);
        }
        let mut of_rows = Vec::with_capacity(self.n_rows + FILL);
        hybrid::decode(levels, 1, self.n_rows, &mut of_rows)?;
        let n_there = of_rows.iter().map(|level| usize::from(*level)).sum();
        Some(Some(Levels { of_rows, n_there }))
    }

    /// Appends the places of so many values in the dictionary.
    fn codes<C: Code>(&self, n_there: usize, to: &mut Vec<C>) -> Option<()> {
        if n_there == 0 {
            return Some(());
        }
        let (width, packed) = self.values.split_first().filter(|_| self.is_coded)?;
        hybrid::decode(packed, *width, n_there, to)
    }
}

impl Levels {
    /// Appends for each row its code of those that are there, or what stands for a missing one.
    fn spread<C: Code>(&self, there: &mut Vec<C>, missing: C, to: &mut Vec<C>) {
        // After the last code that is there the next one is looked at as well.
        there.push(missing);
        let mut next = 0;
        to.extend(self.of_rows.iter().map(|level| {
            let code = there[next];
            next += usize::from(*level);
            C::either(*level > 0, code, missing)
        }));
    }
}

/// So many plain numbers, where they lie if they lie at a multiple of their size.
fn plain<T: ArrowNativeType>(bytes: &Bytes, n_values: usize) -> Option<ScalarBuffer<T>> {
    let n_bytes = n_values.checked_mul(size_of::<T>()).filter(|n_bytes| *n_bytes <= bytes.len())?;
    let bytes = bytes.slice(..n_bytes);
    let is_aligned = bytes.as_ptr().align_offset(align_of::<T>()) == 0;
    Some(if is_aligned { Buffer::from(bytes) } else { Buffer::from_slice_ref(&bytes) }.into())
}

impl Length for InFile {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for InFile {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Cursor<Bytes>> {
        let n_bytes = usize::try_from(self.len().saturating_sub(start)).unwrap_or(0);
        Ok(Cursor::new(self.get_bytes(start, n_bytes)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let first = start.checked_sub(self.start).and_then(|first| usize::try_from(first).ok());
        let range = first.and_then(|first| Some(first..first.checked_add(length)?));
        let range = range.filter(|range| range.end <= self.bytes.len());
        range
            .map(|range| self.bytes.slice(range))
            .ok_or_else(|| ParquetError::EOF("a page beyond its chunk".to_owned()))
    }
}

#[cfg(test)]
mod tests;
