//! Sorting records by (person, time, place in the file), on disk where memory does not suffice.

use super::prepare::PERSON_BEFORE;
use crate::data_file::{damaged, read_checked};
use crate::error;
use arrow::array::{Array, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow::compute::{interleave_record_batch, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use spec::Result;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

/// Sorted runs are handed on in batches of this many rows.
const ROWS_PER_BATCH: usize = 16 * 1024;
/// Rows of a file of the table that are held at once: a merge reads many files side by side.
const ROWS_PER_TABLE_BATCH: usize = 1024;

/// Collects batches (columns `person`, `ts`, ...) and gives them back as sorted runs.
pub(super) struct Sorter {
    schema: SchemaRef,
    folder: PathBuf,
    bytes_max: usize,
    batches: Vec<RecordBatch>,
    bytes: usize,
    runs: Vec<Run>,
}

/// Batches whose rows are in order of (person, ts, seq).
pub(crate) enum Run {
    /// In memory; rows are brought in order batch by batch.
    Memory { batches: Vec<RecordBatch>, order: Vec<(usize, usize)>, at: usize },
    /// In a temporary file, which goes with the run.
    Disk { reader: Box<FileReader<BufReader<File>>>, path: PathBuf },
    /// In a file of the table.
    Table { reader: Box<ParquetRecordBatchReader>, path: PathBuf },
}

impl Sorter {
    /// Sorts with at most about `bytes_max` bytes; what is more goes to files in `folder`.
    pub(super) fn new(schema: SchemaRef, folder: &Path, bytes_max: usize) -> Sorter {
        // One half for the rows that wait, the other for bringing them in order and merging.
        let bytes_max = bytes_max / 2;
        Sorter { schema, folder: folder.to_owned(), bytes_max, batches: Vec::new(), bytes: 0, runs: Vec::new() }
    }

    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        if self.bytes > self.bytes_max { self.spill() } else { Ok(()) }
    }

    /// The sorted runs.
    pub(super) fn finish(mut self) -> Vec<Run> {
        let mut runs = std::mem::take(&mut self.runs);
        if !self.batches.is_empty() {
            runs.push(self.sorted());
        }
        runs
    }

    fn sorted(&mut self) -> Run {
        let batches = std::mem::take(&mut self.batches);
        self.bytes = 0;
        let mut keys = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
        for (index, batch) in batches.iter().enumerate() {
            let (people, times) = (people_of(batch), times_of(batch));
            let index = u32::try_from(index).expect("memory holds fewer batches");
            keys.extend(
                people.values().iter().zip(times.values()).zip(0u32..).map(|((p, t), row)| (*p, *t, index, row)),
            );
        }
        // Batches come in the order of the file, so the place in them is the order of `seq`.
        keys.sort_unstable();
        let order = keys.into_iter().map(|(_, _, batch, row)| (batch as usize, row as usize)).collect();
        Run::Memory { batches, order, at: 0 }
    }

    fn spill(&mut self) -> Result<()> {
        let path = self.folder.join(format!("run-{}.arrow", self.runs.len()));
        let mut run = self.sorted();
        let file = File::create(&path).map_err(|cause| error::io("write", &path, cause))?;
        let bug = |cause| error::table("write", "a sorted run", Box::new(cause));
        let mut writer = FileWriter::try_new(BufWriter::new(file), &self.schema).map_err(bug)?;
        while let Some(batch) = run.next()? {
            writer.write(&batch).map_err(bug)?;
        }
        writer.finish().map_err(bug)?;
        drop(writer);
        let file = File::open(&path).map_err(|cause| error::io("open", &path, cause))?;
        let reader = FileReader::try_new(BufReader::new(file), None).map_err(bug)?;
        self.runs.push(Run::Disk { reader: Box::new(reader), path });
        Ok(())
    }
}

impl Run {
    /// The rows of a file of the table.
    pub(crate) fn of_table(path: &Path) -> Result<Run> {
        let reader = read_checked(path, Some(ROWS_PER_TABLE_BATCH))?;
        Ok(Run::Table { reader: Box::new(reader), path: path.to_owned() })
    }

    /// The next batch; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>> {
        match self {
            Run::Memory { batches, order, at } => {
                let end = order.len().min(*at + ROWS_PER_BATCH);
                if *at == end {
                    return Ok(None);
                }
                let batches: Vec<&RecordBatch> = batches.iter().collect();
                let batch = interleave_record_batch(&batches, &order[*at..end]);
                *at = end;
                batch.map(Some).map_err(|cause| error::bug("cannot bring rows in order", Box::new(cause)))
            }
            Run::Disk { reader, path } => reader.next().transpose().map_err(|cause| damaged(path, Box::new(cause))),
            Run::Table { reader, path } => reader.next().transpose().map_err(|cause| damaged(path, Box::new(cause))),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Run::Disk { path, .. } = self {
            // What stays behind is removed at the next open.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The column `person`.
pub(crate) fn people_of(batch: &RecordBatch) -> &Int64Array {
    batch.column_by_name("person").expect("every run has people").as_primitive()
}

/// The column `ts`.
pub(crate) fn times_of(batch: &RecordBatch) -> &TimestampMicrosecondArray {
    batch.column_by_name("ts").expect("every run has times").as_primitive()
}

/// The column `seq`.
pub(crate) fn sequence_of(batch: &RecordBatch) -> &Int64Array {
    batch.column_by_name("seq").expect("every run has a sequence").as_primitive()
}

/// The column `message_key`.
pub(crate) fn keys_of(batch: &RecordBatch) -> &arrow::array::BinaryArray {
    let keys: &arrow::array::BinaryArray = batch.column_by_name("message_key").expect("every run has keys").as_binary();
    debug_assert_eq!(keys.null_count(), 0, "every record has a key");
    keys
}

/// Who each row was of at first, before any merge.
pub(crate) fn first_people_of(batch: &RecordBatch) -> Int64Array {
    let people = people_of(batch);
    // A file of before there were merges lacks the column.
    let Some(before) = batch.column_by_name(PERSON_BEFORE) else { return people.clone() };
    let before: &Int64Array = before.as_primitive();
    if before.null_count() == before.len() {
        return people.clone();
    }
    before.iter().zip(people.values()).map(|(before, person)| Some(before.unwrap_or(*person))).collect()
}

/// What rows are ordered by.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) people: &'a [i64],
    pub(crate) times: &'a [i64],
    pub(crate) sequence: &'a [i64],
}

impl Order<'_> {
    /// Rows.
    pub(crate) fn len(&self) -> usize {
        self.people.len()
    }

    /// What a row is ordered by.
    pub(crate) fn key(&self, row: usize) -> (i64, i64, i64) {
        (self.people[row], self.times[row], self.sequence[row])
    }

    /// The rows in this order.
    pub(crate) fn sorted(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let mut places: Vec<usize> = (0..self.len()).collect();
        if places.is_sorted_by_key(|place| self.key(*place)) {
            return Ok(rows.clone());
        }
        places.sort_unstable_by_key(|place| self.key(*place));
        let places = UInt64Array::from_iter_values(places.into_iter().map(|place| place as u64));
        take_record_batch(rows, &places).map_err(|cause| error::bug("cannot bring rows in order", Box::new(cause)))
    }
}
