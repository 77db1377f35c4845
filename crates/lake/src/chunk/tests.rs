//! A chunk read here is what the library reads.

use super::*;
use crate::stretch::Row;
use crate::{Random, SeededRandom};
use arrow::array::{
    Array, ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

/// Cases.
const CASES: u64 = 300;

struct Dice<'a>(&'a SeededRandom);

impl Dice<'_> {
    fn below(&self, limit: u64) -> u64 {
        let mut word = [0; 8];
        self.0.fill(&mut word);
        u64::from_le_bytes(word) % limit
    }

    /// Values in runs of up to some length, of which some are missing.
    fn values(&self, n_rows: usize, n_distinct: u64, percent_missing: u64, run_max: u64) -> Vec<Option<i64>> {
        let mut all = Vec::new();
        while all.len() < n_rows {
            let value = (self.below(100) >= percent_missing).then(|| self.below(n_distinct) as i64);
            let length = (1 + self.below(run_max)) as usize;
            all.extend(std::iter::repeat_n(value, length.min(n_rows - all.len())));
        }
        all
    }
}

/// Values as a column of some type.
fn column(kind: u64, values: &[Option<i64>]) -> ArrayRef {
    let values = || values.iter().copied();
    match kind {
        0 => Arc::new(values().map(|value| value.map(|value| format!("text {value}"))).collect::<StringArray>()),
        1 => Arc::new(values().map(|value| value.map(|value| value - 50)).collect::<Int64Array>()),
        2 => Arc::new(values().collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        3 => {
            let decimals: Decimal128Array = values().map(|value| value.map(i128::from)).collect();
            Arc::new(decimals.with_precision_and_scale(12, 2).expect("it fits"))
        }
        4 => {
            let decimals: Decimal128Array = values().map(|value| value.map(i128::from)).collect();
            Arc::new(decimals.with_precision_and_scale(7, 2).expect("it fits"))
        }
        5 => Arc::new(values().map(|value| value.map(|value| value as f64 / 3.0)).collect::<Float64Array>()),
        _ => Arc::new(values().map(|value| value.map(|value| value as i32)).collect::<Date32Array>()),
    }
}

/// Writes an array as the only column of a file.
fn written(array: &ArrayRef, is_coded: bool, is_nullable: bool, rows_per_page: usize) -> Bytes {
    let properties = WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_dictionary_enabled(is_coded)
        .set_write_batch_size(rows_per_page)
        .set_data_page_row_count_limit(rows_per_page)
        .build();
    let schema = Arc::new(Schema::new(vec![Field::new("column", array.data_type().clone(), is_nullable)]));
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), Some(properties)).expect("it starts");
    writer.write(&RecordBatch::try_new(schema, vec![Arc::clone(array)]).expect("it has one")).expect("it is written");
    writer.close().expect("it is finished");
    bytes.into()
}

fn chunk_of(bytes: &Bytes) -> Option<Chunk> {
    let metadata = ArrowReaderMetadata::load(bytes, ArrowReaderOptions::new()).expect("it was just written");
    let group = metadata.metadata().row_group(0);
    let (start, length) = group.column(0).byte_range();
    let own = bytes.slice(start as usize..(start + length) as usize);
    Chunk::of(own, group.column(0), group.num_rows() as usize).expect("its pages are whole")
}

#[test]
fn a_chunk_is_what_was_written() {
    let random = SeededRandom::new(11);
    let dice = Dice(&random);
    let mut n_read = 0;
    for case in 0..CASES {
        let n_rows = 1 + dice.below(3_000) as usize;
        let percent_missing = [0, 0, 1, 40, 100][dice.below(5) as usize];
        let n_distinct = [1, 2, 12, 255, 256, 257, 1_000, 70_000][dice.below(8) as usize];
        let values = dice.values(n_rows, n_distinct, percent_missing, [1, 3, 60][dice.below(3) as usize]);
        let (kind, is_coded) = (dice.below(7), dice.below(4) > 0);
        let array = column(kind, &values);
        let is_nullable = array.null_count() > 0 || dice.below(2) == 0;
        let bytes = written(&array, is_coded, is_nullable, [100, 1_024, 10_000][dice.below(3) as usize]);
        let wanted = if kind == 0 { crate::stretch::dictionary() } else { array.data_type().clone() };
        let Some(read) = chunk_of(&bytes).and_then(|chunk| chunk.column(&wanted)) else {
            assert!(kind == 0 && !is_coded, "case {case}: a column of kind {kind} was left to the library");
            continue;
        };
        n_read += 1;
        let rows = (0..n_rows).map(|row| Some(Row::at(row)));
        let read = cast(&read.array(rows).expect("rows can be picked"), array.data_type()).expect("it is text");
        assert_eq!(&read, &array, "case {case}: kind {kind}, {n_rows} rows, {n_distinct} values");
    }
    assert!(n_read > CASES * 3 / 4, "{n_read} of {CASES} were read here");
}

#[test]
fn many_values_have_wide_places_and_a_dictionary_that_grew_too_large_is_left_to_the_library() {
    let array: ArrayRef = Arc::new((0..140_000).map(|row| Some(row % 70_000)).collect::<Int64Array>());
    let chunk = chunk_of(&written(&array, true, false, 10_000)).expect("it is as ours are");
    let column = chunk.column(array.data_type()).expect("it is coded");
    let read = column.array((0..140_000).map(|row| Some(Row::at(row)))).expect("rows can be picked");
    assert_eq!(&read, &array);
    let array: ArrayRef = Arc::new((0..400_000).map(Some).collect::<Int64Array>());
    let chunk = chunk_of(&written(&array, true, false, 10_000));
    assert!(chunk.is_none_or(|chunk| chunk.column(array.data_type()).is_none()), "it began with a dictionary");
}

#[test]
fn people_are_where_their_rows_are() {
    let random = SeededRandom::new(12);
    let dice = Dice(&random);
    for case in 0..CASES {
        let n_rows = 1 + dice.below(3_000) as usize;
        let mut values = dice.values(n_rows, 500, 0, [1, 3, 200][dice.below(3) as usize]);
        values.sort_unstable();
        let array: ArrayRef = Arc::new(values.into_iter().collect::<Int64Array>());
        let chunk = chunk_of(&written(&array, true, dice.below(2) == 0, 1_024)).expect("it is as ours are");
        let (read, expected) = (chunk.people().expect("they are coded"), People::of(&array).expect("they are numbers"));
        let everybody = (i64::MIN, i64::MAX);
        assert!(read.all_within(everybody).eq(expected.all_within(everybody)), "case {case}");
    }
}

#[test]
fn damaged_bytes_are_never_a_panic() {
    let random = SeededRandom::new(13);
    let dice = Dice(&random);
    for kind in [0, 1, 3, 5] {
        let array = column(kind, &dice.values(2_000, 300, 30, 3));
        let bytes = written(&array, true, true, 1_024);
        let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()).expect("it was just written");
        let column = metadata.metadata().row_group(0).column(0);
        let (start, length) = column.byte_range();
        for _ in 0..CASES {
            let mut own = bytes[start as usize..(start + length) as usize].to_vec();
            let place = dice.below(own.len() as u64) as usize;
            own[place] ^= 1 << dice.below(8);
            own.truncate(own.len() - [0, 0, 1, 100][dice.below(4) as usize]);
            if let Ok(Some(chunk)) = Chunk::of(own.into(), column, 2_000) {
                // Whatever it says, it says of as many rows.
                let _ = (chunk.column(array.data_type()), chunk.people(), chunk.column(&crate::stretch::dictionary()));
            }
        }
    }
}
