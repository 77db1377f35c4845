//! Column chunks as columns: codes and numbers straight from the pages of a file.
//!
//! Flow: the bytes of a chunk -> pages, decompressed by the library -> levels, which say where a value is missing, and values,
//! which are plain or places in the chunk's dictionary -> codes of texts as narrow as they can be, numbers, or people. The
//! library would make each place 32 bits wide and check what our writer never does; that took most of the time of a
//! question. What is written another way than by our writer is left to the library (`None`).

mod hybrid;

use crate::stretch::{Codes, Column, Numbers, People, Texts, Values};
use arrow::array::{Array, StringArray};
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
    /// Takes a chunk's bytes apart; `None` where they are not as our writer writes them.
    pub(crate) fn of(bytes: Vec<u8>, column: &ColumnChunkMetaData, n_rows: usize) -> Result<Option<Chunk>> {
        let descriptor = column.column_descr();
        if descriptor.max_rep_level() > 0 || descriptor.max_def_level() > 1 {
            return Ok(None);
        }
        let has_levels = descriptor.max_def_level() > 0;
        let mut chunk = Chunk { n_rows, physical: column.column_type(), dictionary: None, pages: Vec::new() };
        let in_file = Arc::new(InFile { start: column.byte_range().0, bytes: bytes.into() });
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
        let (values, nulls) = match (data_type, self.physical) {
            (DataType::Dictionary(_, _), Type::BYTE_ARRAY) => return Some(Column::Texts(Arc::new(self.texts()?))),
            (
                DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) | DataType::Decimal128(_, _),
                Type::INT64,
            ) => {
                let (values, nulls) = self.numbers()?;
                (Values::Whole(values), nulls)
            }
            (DataType::Decimal128(_, _), Type::INT32) => {
                let (values, nulls) = self.numbers::<i32>()?;
                (Values::Whole(values.iter().map(|value| i64::from(*value)).collect()), nulls)
            }
            (DataType::Float64, Type::DOUBLE) => {
                let (values, nulls) = self.numbers()?;
                (Values::Double(values), nulls)
            }
            (DataType::Date32, Type::INT32) => {
                let (values, nulls) = self.numbers()?;
                (Values::Days(values), nulls)
            }
            _ => return None,
        };
        Some(Column::Numbers(Numbers::new(data_type.clone(), values, nulls)))
    }

    /// Whose rows lie where, of a column of people.
    pub(crate) fn people(&self) -> Option<People> {
        let numbers: ScalarBuffer<i64> =
            self.dictionary.as_ref().and_then(|dictionary| plain(&dictionary.bytes, dictionary.n_values))?;
        let codes: Vec<u32> = self.codes()?;
        let runs = codes.chunk_by(|one, other| one == other);
        // A place beyond the dictionary is that of a row without a person.
        let runs = runs.map(|run| Some((*numbers.get(run[0] as usize)?, run.len()))).collect::<Option<Vec<_>>>()?;
        People::of_runs(runs.into_iter())
    }

    fn texts(&self) -> Option<Texts> {
        let values = self.dictionary.as_ref().map_or(Some(StringArray::new_null(0)), Dictionary::texts)?;
        let codes = match values.len() {
            0..=0xFF => Codes::Narrow(self.codes()?),
            0x100..=0xFFFF => Codes::Middle(self.codes()?),
            _ => Codes::Wide(self.codes()?),
        };
        Some(Texts::coded(codes, values))
    }

    /// For each row the place of its value in the dictionary; where it is missing the number of the dictionary's values.
    fn codes<C: Code>(&self) -> Option<Vec<C>> {
        let missing = self.dictionary.as_ref().map_or(0, |dictionary| dictionary.n_values);
        let missing = C::of(u32::try_from(missing).ok()?);
        let mut codes = Vec::with_capacity(self.n_rows);
        for page in &self.pages {
            match page.levels()? {
                None => page.codes(page.n_rows, &mut codes)?,
                Some(levels) => {
                    let mut there = Vec::with_capacity(levels.n_there + 1);
                    page.codes(levels.n_there, &mut there)?;
                    levels.spread(&mut there, missing, &mut codes);
                }
            }
        }
        codes.iter().all(|code| *code <= missing).then_some(codes)
    }

    /// For each row its number, and which rows have none.
    fn numbers<T: ArrowNativeType>(&self) -> Option<(ScalarBuffer<T>, Option<NullBuffer>)> {
        let dictionary = match &self.dictionary {
            Some(dictionary) => Some(plain::<T>(&dictionary.bytes, dictionary.n_values)?),
            None => None,
        };
        if let ([page], None) = (self.pages.as_slice(), &dictionary)
            && page.levels()?.is_none()
        {
            return Some((plain(&page.values, page.n_rows)?, None));
        }
        let mut values = Vec::with_capacity(self.n_rows);
        let mut is_there = Vec::with_capacity(self.n_rows);
        for page in &self.pages {
            let levels = page.levels()?;
            let n_there = levels.as_ref().map_or(page.n_rows, |levels| levels.n_there);
            let mut there: Vec<T> = match &dictionary {
                Some(dictionary) if page.is_coded => {
                    let mut codes: Vec<u32> = Vec::with_capacity(n_there);
                    page.codes(n_there, &mut codes)?;
                    codes.iter().map(|code| dictionary.get(*code as usize).copied()).collect::<Option<_>>()?
                }
                _ if page.is_coded && n_there > 0 => return None,
                _ => plain(&page.values, n_there)?.to_vec(),
            };
            match levels {
                None => {
                    values.append(&mut there);
                    is_there.resize(values.len(), true);
                }
                Some(levels) => {
                    levels.spread(&mut there, T::default(), &mut values);
                    is_there.extend(levels.of_rows.iter().map(|level| *level > 0));
                }
            }
        }
        Some((values.into(), Some(is_there.into())))
    }
}

impl Dictionary {
    /// Texts, each after its length.
    fn texts(&self) -> Option<StringArray> {
        let (mut rest, mut offsets, mut all) = (&*self.bytes, Vec::with_capacity(self.n_values + 1), Vec::new());
        offsets.push(0);
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
        let mut of_rows = Vec::with_capacity(self.n_rows);
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
    /// Appends for each row its value of those that are there, or what stands for a missing one.
    fn spread<T: Copy>(&self, there: &mut Vec<T>, missing: T, to: &mut Vec<T>) {
        // After the last value that is there the next one is looked at as well.
        there.push(missing);
        let mut next = 0;
        to.extend(self.of_rows.iter().map(|level| {
            let value = there[next];
            next += usize::from(*level);
            if *level > 0 { value } else { missing }
        }));
    }
}

/// So many plain numbers.
fn plain<T: ArrowNativeType>(bytes: &[u8], n_values: usize) -> Option<ScalarBuffer<T>> {
    let bytes = bytes.get(..n_values.checked_mul(size_of::<T>())?)?;
    // A copy, since in the page they need not lie at a multiple of their size.
    Some(ScalarBuffer::from(Buffer::from_slice_ref(bytes)))
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
