//! Rewriting the events: new records, and rows that landed, merged into the files whose people they touch.
//!
//! Compacted files hold disjoint ranges of people in order of (person, ts, seq), row groups end at person borders, and so do files. A
//! file whose people have nothing new stays as it is. Memory holds a few batches and the rows of one person at a time.

use super::digest::{Keyer, MessageKey};
use super::sort::{Run, first_people_of, keys_of, people_of, sequence_of, times_of};
use crate::Random;
use crate::data_file::{DataFileWriter, LANDED, NewFile, WHOLE, conform};
use crate::error;
use crate::scan::EventFile;
use crate::table::TableFile;
use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use spec::Result;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files are not closed before they have this many bytes, and are at most this large.
const FILE_BYTES: std::ops::RangeInclusive<u64> = (4 << 20)..=(128 << 20);
/// A table in about this many files.
const FILES_PER_TABLE: u64 = 64;
/// Rows are handed to the writer at the first person border after this many.
const ROWS_PER_WRITE: usize = 32 * 1024;

/// A file of the table and the people in it.
pub(crate) struct OldFile {
    pub(crate) file: TableFile,
    pub(crate) path: PathBuf,
    pub(crate) person_min: i64,
}

/// The files of the table.
pub(crate) struct OldFiles {
    /// Those with disjoint ranges of people, in their order.
    pub(crate) compacted: Vec<OldFile>,
    /// Those that landed since; their people overlap.
    pub(crate) landed: Vec<OldFile>,
}

impl OldFiles {
    /// The files of a snapshot, in the order of their people.
    pub(crate) fn of(files: &[Arc<EventFile>]) -> OldFiles {
        let old = |file: &Arc<EventFile>| OldFile {
            file: file.file.clone(),
            path: file.path.clone(),
            person_min: file.person_min,
        };
        let (landed, compacted): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.is_landed());
        OldFiles { compacted: compacted.into_iter().map(old).collect(), landed: landed.into_iter().map(old).collect() }
    }
}

/// How large the files of a table of so many bytes are.
pub(crate) fn file_bytes(table_bytes: u64) -> usize {
    let file_bytes = (table_bytes / FILES_PER_TABLE).clamp(*FILE_BYTES.start(), *FILE_BYTES.end());
    usize::try_from(file_bytes).unwrap_or(usize::MAX)
}

/// What the merge works with.
pub(crate) struct Plan<'a> {
    /// The table's columns.
    pub(crate) schema: SchemaRef,
    /// Where new files go.
    pub(crate) folder: &'a Path,
    pub(crate) random: &'a dyn Random,
    /// Files are closed at the first person border after this many bytes.
    pub(crate) file_bytes: usize,
    /// Whether what is made counts as landed still.
    pub(crate) is_landed: bool,
    /// Values of the columns `event` and `source`, which are the same for all new records.
    pub(crate) event: &'a str,
    pub(crate) source: &'a str,
    /// Makes keys of records that repeat a content; `None` when the records have ids of their own.
    pub(crate) keyer: Option<&'a Keyer>,
}

/// What the merge made.
pub(crate) struct Merged {
    pub(crate) add: Vec<NewFile>,
    pub(crate) remove: Vec<TableFile>,
    /// New records that were not known.
    pub(crate) stored: u64,
}

/// Where a row is before the merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// In no table.
    New,
    /// In a landed file, which goes.
    Landed,
    /// In a compacted file, which goes if it holds people of the others.
    Compacted,
}

/// Merges sorted runs of new records, and all landed rows, into the compacted files.
pub(crate) fn merge(plan: &Plan<'_>, new: Vec<Run>, files: OldFiles) -> Result<Merged> {
    let mut merger = Merger::new(plan, new, files.landed)?;
    let old = files.compacted;
    if old.is_empty() {
        merger.run_up_to(i64::MAX)?;
    }
    let uppers: Vec<i64> = old.iter().skip(1).map(|file| file.person_min - 1).chain([i64::MAX]).collect();
    for (file, upper) in old.into_iter().zip(uppers) {
        if merger.next_person().is_some_and(|person| person <= upper) {
            merger.add_cursor(Run::of_table(&file.path)?, Level::Compacted)?;
            merger.merged.remove.push(file.file);
            merger.run_up_to(upper)?;
        } else {
            merger.end_file()?;
        }
    }
    merger.end_file()?;
    assert!(merger.next_person().is_none(), "the last file's range has no end");
    Ok(merger.merged)
}

impl Plan<'_> {
    fn new_writer(&self) -> Result<DataFileWriter> {
        let start = if self.is_landed { LANDED } else { WHOLE };
        DataFileWriter::create(start, self.folder, self.random, &self.schema)
    }
}

struct Merger<'a> {
    plan: &'a Plan<'a>,
    cursors: Vec<Cursor>,
    /// The next row of each cursor that has one, the smallest first.
    next: BinaryHeap<Reverse<Next>>,
    /// Batches that rows below point into.
    batches: Vec<RecordBatch>,
    person: i64,
    person_rows: Vec<Row>,
    pending: Vec<(usize, usize)>,
    pending_keys: Vec<MessageKey>,
    writer: Option<DataFileWriter>,
    merged: Merged,
}

/// What a row is ordered by, and the place of the cursor that it is at.
type Next = (i64, i64, i64, usize);

/// The next row of a run.
struct Cursor {
    /// None at its end.
    run: Option<Run>,
    level: Level,
    batch: usize,
    row: usize,
    people: Int64Array,
    times: TimestampMicrosecondArray,
    sequence: Int64Array,
    keys: BinaryArray,
    first_people: Int64Array,
}

struct Row {
    batch: usize,
    row: usize,
    key: MessageKey,
    /// Who its person was at first: people who have become one may have records with the same id.
    at_first: i64,
    is_new: bool,
}

impl Cursor {
    fn next(&self, own_place: usize) -> Next {
        (self.people.value(self.row), self.times.value(self.row), self.sequence.value(self.row), own_place)
    }
}

impl<'a> Merger<'a> {
    fn new(plan: &'a Plan<'a>, new: Vec<Run>, landed: Vec<OldFile>) -> Result<Merger<'a>> {
        let mut merger = Merger {
            plan,
            cursors: Vec::new(),
            next: BinaryHeap::new(),
            batches: Vec::new(),
            person: i64::MIN,
            person_rows: Vec::new(),
            pending: Vec::new(),
            pending_keys: Vec::new(),
            writer: None,
            merged: Merged { add: Vec::new(), remove: Vec::new(), stored: 0 },
        };
        for run in new {
            merger.add_cursor(run, Level::New)?;
        }
        for file in landed {
            merger.add_cursor(Run::of_table(&file.path)?, Level::Landed)?;
            merger.merged.remove.push(file.file);
        }
        Ok(merger)
    }

    fn add_cursor(&mut self, mut run: Run, level: Level) -> Result<()> {
        if let Some(batch) = self.next_batch(&mut run, level)? {
            let cursor = self.cursor(run, level, batch);
            self.next.push(Reverse(cursor.next(self.cursors.len())));
            self.cursors.push(cursor);
        }
        Ok(())
    }

    fn cursor(&mut self, run: Run, level: Level, batch: RecordBatch) -> Cursor {
        self.batches.push(batch);
        let index = self.batches.len() - 1;
        let batch = &self.batches[index];
        Cursor {
            run: Some(run),
            level,
            batch: index,
            row: 0,
            people: people_of(batch).clone(),
            times: times_of(batch).clone(),
            sequence: sequence_of(batch).clone(),
            keys: keys_of(batch).clone(),
            first_people: first_people_of(batch),
        }
    }

    /// The next batch of a run in the table's columns.
    fn next_batch(&self, run: &mut Run, level: Level) -> Result<Option<RecordBatch>> {
        let Some(batch) = run.next()? else { return Ok(None) };
        let batch = conform(&batch, &self.plan.schema)?;
        if level != Level::New {
            return Ok(Some(batch));
        }
        let mut columns = batch.columns().to_vec();
        for (name, value) in [("event", self.plan.event), ("source", self.plan.source)] {
            let index = batch.schema().index_of(name).expect("the table has the column");
            columns[index] = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, batch.num_rows())));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.plan.schema), columns);
        batch.map(Some).map_err(|cause| error::bug("cannot complete new records", Box::new(cause)))
    }

    /// The person of the next row that is not in a compacted file.
    fn next_person(&self) -> Option<i64> {
        let others = self.next.iter().filter(|Reverse((.., at))| self.cursors[*at].level != Level::Compacted);
        others.map(|Reverse((person, ..))| *person).min()
    }

    /// Merges the rows of all people up to and including this number.
    fn run_up_to(&mut self, upper: i64) -> Result<()> {
        while let Some(Reverse((person, .., index))) = self.next.peek().copied() {
            if person > upper {
                break;
            }
            if person != self.person {
                // Cursors may have other places after it.
                self.end_person()?;
                self.person = person;
                continue;
            }
            let cursor = &mut self.cursors[index];
            let key = cursor.keys.value(cursor.row).try_into().expect("keys have 16 bytes");
            self.person_rows.push(Row {
                batch: cursor.batch,
                row: cursor.row,
                key,
                at_first: cursor.first_people.value(cursor.row),
                is_new: cursor.level == Level::New,
            });
            cursor.row += 1;
            if cursor.row < cursor.people.len() || self.refill(index)? {
                let next = self.cursors[index].next(index);
                // The top is replaced, not taken and put back: mostly it stays the top.
                if let Some(mut top) = self.next.peek_mut() {
                    *top = Reverse(next);
                }
            } else {
                self.next.pop();
            }
        }
        self.end_person()
    }

    /// Moves a cursor to the next batch of its run, if there is one.
    fn refill(&mut self, index: usize) -> Result<bool> {
        let level = self.cursors[index].level;
        let mut run = self.cursors[index].run.take().expect("a cursor with a next row has a run");
        let Some(batch) = self.next_batch(&mut run, level)? else { return Ok(false) };
        self.cursors[index] = self.cursor(run, level, batch);
        Ok(true)
    }

    /// Drops the new rows of a person that are known, keeps the rest.
    fn end_person(&mut self) -> Result<()> {
        let has_new = self.person_rows.iter().any(|row| row.is_new);
        let known = self.person_rows.iter().filter(|row| has_new && !row.is_new).map(|row| (row.at_first, row.key));
        let mut seen: HashSet<(i64, MessageKey)> = known.collect();
        let mut repeats: HashMap<(i64, MessageKey), u32> = HashMap::new();
        for mut row in self.person_rows.drain(..) {
            if row.is_new {
                if let Some(keyer) = self.plan.keyer {
                    let n_before = repeats.entry((row.at_first, row.key)).or_insert(0);
                    row.key = keyer.nth(&row.key, *n_before);
                    *n_before += 1;
                }
                if !seen.insert((row.at_first, row.key)) {
                    continue;
                }
                self.merged.stored += 1;
            }
            self.pending.push((row.batch, row.row));
            self.pending_keys.push(row.key);
        }
        if self.pending.len() >= ROWS_PER_WRITE { self.write_pending() } else { Ok(()) }
    }

    /// Hands the rows of whole people to the writer.
    fn write_pending(&mut self) -> Result<()> {
        if !self.pending.is_empty() {
            let batch = self.pending_batch()?;
            let writer = match &mut self.writer {
                Some(writer) => writer,
                None => self.writer.insert(self.plan.new_writer()?),
            };
            writer.write_people(&batch)?;
            if writer.bytes() >= self.plan.file_bytes {
                self.close_writer()?;
            }
        }
        self.pending.clear();
        self.pending_keys.clear();
        self.forget_batches();
        Ok(())
    }

    fn pending_batch(&self) -> Result<RecordBatch> {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let merged = interleave_record_batch(&batches, &self.pending);
        let batch = merged.map_err(|cause| error::bug("cannot merge rows", Box::new(cause)))?;
        // A record that repeats a content has got a key of its own.
        let mut columns = batch.columns().to_vec();
        let index = batch.schema().index_of("message_key").expect("the table has the column");
        let keys: ArrayRef = Arc::new(BinaryArray::from_iter_values(&self.pending_keys));
        columns[index] = keys;
        RecordBatch::try_new(batch.schema(), columns).map_err(|cause| error::bug("cannot merge rows", Box::new(cause)))
    }

    /// Keeps only the batches that cursors stand in; no row points into another any more.
    fn forget_batches(&mut self) {
        assert!(self.pending.is_empty() && self.person_rows.is_empty(), "rows still point into the batches");
        self.cursors.retain_mut(|cursor| cursor.run.is_some());
        self.next = (0..).zip(&self.cursors).map(|(place, cursor)| Reverse(cursor.next(place))).collect();
        let kept = self.cursors.iter_mut().enumerate().map(|(index, cursor)| {
            let batch = self.batches[cursor.batch].clone();
            cursor.batch = index;
            batch
        });
        self.batches = kept.collect();
    }

    fn close_writer(&mut self) -> Result<()> {
        if let Some(writer) = self.writer.take() {
            self.merged.add.push(writer.finish()?);
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<()> {
        self.write_pending()?;
        self.close_writer()
    }
}
