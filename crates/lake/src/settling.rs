//! Settling: rows of people who are somebody else by now move to them.
//!
//! A merge is written to the vault's log at once, and so is its undoing; the rows of events follow here. Every file that
//! holds people who are concerned is written anew without the rows that move, and these become a landed file in the order
//! of who they are of by now. One commit does all of it, and names the entry of the log up to which rows have moved: every
//! snapshot sees people as of that entry, in all tables. A row keeps who it was of at first, so that it finds its way back
//! when the merge is undone. Invariant: afterwards the rows are those that would be there had the entries in force always
//! been there, and the others never.

use crate::Random;
use crate::data_file::{DataFileWriter, LANDED, NewFile, WHOLE, conform, move_in};
use crate::error;
use crate::import::{Order, PERSON_BEFORE, Run, first_people_of, people_of, sequence_of, times_of};
use crate::lake::State;
use crate::scan::{EventFile, holds_any};
use crate::table::{Change, Engine, TableFile};
use crate::vault::Roots;
use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch, not};
use arrow::datatypes::{Int64Type, SchemaRef};
use chrono::TimeDelta;
use roaring::RoaringTreemap;
use spec::{Instant, PersonId, Result};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Whose commits these are; their figure is the number of entries of the log of merges.
pub(crate) const APP_ID: &str = "merges";
/// So many bytes are rewritten at once without waiting.
const BYTES_AT_ONCE: u64 = 64 << 20;
/// Otherwise the time since the last one is so many times the time that it took.
const PAUSE_PER_WORK: i32 = 10;
/// Rows that move are held up to so many bytes, then a file of them is written.
const MOVING_BYTES: usize = 64 << 20;

/// What a settling did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settling {
    /// Files that were written anew.
    pub n_rewritten: usize,
    /// Rows that have moved.
    pub n_moved: u64,
    /// Bytes of the files that came.
    pub bytes_written: u64,
}

/// The settling before.
#[derive(Clone, Copy, Default)]
pub(crate) struct Last {
    pub(crate) ended: Instant,
    pub(crate) took: TimeDelta,
}

/// Files to write anew.
pub(crate) struct Due {
    files: Vec<Arc<EventFile>>,
    /// Whose rows move, by who they are in the files.
    people: RoaringTreemap,
}

/// What settling works with.
pub(crate) struct Plan<'a> {
    /// Where files are written before they belong to the table.
    pub(crate) folder: &'a Path,
    /// The table's columns.
    pub(crate) schema: &'a SchemaRef,
    /// Who people are by now.
    pub(crate) latest: &'a Roots,
    pub(crate) random: &'a dyn Random,
    pub(crate) now: Instant,
}

/// Files that were written anew.
pub(crate) struct Moved {
    people: RoaringTreemap,
    /// The files that were looked at.
    seen: BTreeSet<String>,
    add: Vec<NewFile>,
    remove: Vec<TableFile>,
    n_rows: u64,
}

/// What has to be settled, if anything has.
pub(crate) fn due(files: &[Arc<EventFile>], settled: &Roots, latest: &Roots) -> Option<Due> {
    if settled.n_entries() == latest.n_entries() {
        return None;
    }
    let people: RoaringTreemap = settled.moved(latest).map(PersonId::number).collect();
    Some(Due { files: files.to_vec(), people })
}

impl Due {
    /// Whether the work is small, or small beside the time since the last one.
    pub(crate) fn is_worth(&self, since_last: TimeDelta, last_took: TimeDelta) -> bool {
        let touched = self.files.iter().filter(|file| may_hold(file, &self.people));
        let bytes: u64 = touched.map(|file| file.file.size).sum();
        bytes <= BYTES_AT_ONCE || since_last >= last_took * PAUSE_PER_WORK
    }
}

impl Plan<'_> {
    /// Writes the files anew, beside the table.
    pub(crate) fn rewrite(&self, due: Due) -> Result<Moved> {
        let Due { files, people } = due;
        let mut moved = Moved { people, seen: BTreeSet::new(), add: Vec::new(), remove: Vec::new(), n_rows: 0 };
        self.add(&mut moved, &files)?;
        Ok(moved)
    }

    /// Puts what was written into the place of the old files; `None` when one of these is gone already.
    pub(crate) fn commit(
        &self,
        mut moved: Moved,
        files: &[Arc<EventFile>],
        engine: &Engine,
        state: &mut State,
    ) -> Result<Option<Settling>> {
        let live: BTreeSet<&str> = files.iter().map(|file| file.file.name.as_str()).collect();
        if moved.remove.iter().any(|file| !live.contains(file.name.as_str())) {
            return Ok(None);
        }
        let newer: Vec<Arc<EventFile>> =
            files.iter().filter(|file| !moved.seen.contains(&file.file.name)).cloned().collect();
        self.add(&mut moved, &newer)?;
        let Moved { add, remove, n_rows, .. } = moved;
        let done = Settling {
            n_rewritten: remove.len(),
            n_moved: n_rows,
            bytes_written: add.iter().map(|file| file.size).sum(),
        };
        move_in(&add, self.folder, state.events.folder())?;
        let figure = self.latest.n_entries();
        let at_millis = self.now.timestamp_millis();
        let change = Change { add, remove, new_columns: Vec::new(), app_id: APP_ID, figure, at_millis };
        state.events.commit(engine, change)?;
        state.n_merges = figure;
        Ok(Some(done))
    }

    fn add(&self, moved: &mut Moved, files: &[Arc<EventFile>]) -> Result<()> {
        let mut moving = Moving { plan: self, batches: Vec::new(), bytes: 0 };
        for file in files {
            moved.seen.insert(file.file.name.clone());
            if may_hold(file, &moved.people) && self.holds(file, &moved.people)? {
                let n_before = moved.n_rows;
                let rest = self.rewrite_file(file, moved, &mut moving)?;
                assert!(moved.n_rows > n_before || rest.is_some(), "a file has rows");
                moved.add.extend(rest);
                moved.remove.push(file.file.clone());
            }
        }
        moved.add.extend(moving.flush()?);
        Ok(())
    }

    /// Whether any row of a file is of these people.
    fn holds(&self, file: &EventFile, people: &RoaringTreemap) -> Result<bool> {
        let column = file.metadata.schema().index_of("person");
        let column = column.map_err(|cause| error::bug("events lack a column", Box::new(cause)))?;
        for group in (0..file.groups.len()).filter(|group| holds_any(people, file.groups[*group].people)) {
            let rows = file.decode(group, vec![column])?;
            let numbers = rows.column(0).as_primitive::<Int64Type>().values();
            if numbers.chunk_by(|a, b| a == b).any(|run| contains(people, run[0])) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes a file without the rows that move; `None` when all of them do.
    fn rewrite_file(&self, file: &EventFile, moved: &mut Moved, moving: &mut Moving<'_>) -> Result<Option<NewFile>> {
        let mut run = Run::of_table(&file.path)?;
        // Made at the first row that stays.
        let mut rest: Option<DataFileWriter> = None;
        while let Some(batch) = run.next()? {
            let mut staying = conform(&batch, self.schema)?;
            if let Some((moves, renamed)) = self.moves(&staying, &moved.people)? {
                let leaving = filter(&renamed, &moves)?;
                moved.n_rows += leaving.num_rows() as u64;
                moved.add.extend(moving.push(leaving)?);
                let stays = not(&moves).map_err(|cause| error::bug("cannot pick rows", Box::new(cause)))?;
                staying = filter(&staying, &stays)?;
            }
            if staying.num_rows() > 0 {
                let writer = match &mut rest {
                    Some(writer) => writer,
                    None => rest.insert(self.new_file(file.is_landed())?),
                };
                writer.write_people(&staying)?;
            }
        }
        rest.map(DataFileWriter::finish).transpose()
    }

    /// Which rows move, and the rows with who they are of by then; `None` when none does.
    fn moves(&self, batch: &RecordBatch, people: &RoaringTreemap) -> Result<Option<(BooleanArray, RecordBatch)>> {
        let now = people_of(batch);
        if !now.values().iter().any(|number| contains(people, *number)) {
            return Ok(None);
        }
        let first = first_people_of(batch);
        let roots = self.latest.roots(&first)?;
        let moves: BooleanArray = (0..roots.len()).map(|row| Some(roots.value(row) != now.value(row))).collect();
        if moves.true_count() == 0 {
            return Ok(None);
        }
        let before: Int64Array =
            first.iter().zip(roots.iter()).map(|(first, root)| first.filter(|_| first != root)).collect();
        let mut columns = batch.columns().to_vec();
        let schema = batch.schema();
        let place = |name: &str| schema.index_of(name).expect("the table has the column");
        columns[place("person")] = Arc::new(roots) as ArrayRef;
        columns[place(PERSON_BEFORE)] = Arc::new(before);
        let renamed = RecordBatch::try_new(Arc::clone(&schema), columns);
        let renamed = renamed.map_err(|cause| error::bug("cannot move rows", Box::new(cause)))?;
        Ok(Some((moves, renamed)))
    }
}

/// Rows that move, until there are enough for a file.
struct Moving<'a> {
    plan: &'a Plan<'a>,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Moving<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Option<NewFile>> {
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        if self.bytes >= MOVING_BYTES { self.flush() } else { Ok(None) }
    }

    /// Writes a landed file of the rows in order.
    fn flush(&mut self) -> Result<Option<NewFile>> {
        let batches = std::mem::take(&mut self.batches);
        self.bytes = 0;
        if batches.is_empty() {
            return Ok(None);
        }
        let all = concat_batches(self.plan.schema, &batches);
        let all = all.map_err(|cause| error::bug("cannot join rows that move", Box::new(cause)))?;
        let order = Order {
            people: people_of(&all).values(),
            times: times_of(&all).values(),
            sequence: sequence_of(&all).values(),
        };
        let mut file = self.plan.new_file(true)?;
        file.write_people(&order.sorted(&all)?)?;
        file.finish().map(Some)
    }
}

impl Plan<'_> {
    fn new_file(&self, is_landed: bool) -> Result<DataFileWriter> {
        let start = if is_landed { LANDED } else { WHOLE };
        DataFileWriter::create(start, self.folder, self.random, self.schema)
    }
}

fn filter(batch: &RecordBatch, rows: &BooleanArray) -> Result<RecordBatch> {
    filter_record_batch(batch, rows).map_err(|cause| error::bug("cannot pick rows", Box::new(cause)))
}

fn may_hold(file: &EventFile, people: &RoaringTreemap) -> bool {
    file.groups.iter().any(|group| holds_any(people, group.people))
}

fn contains(people: &RoaringTreemap, number: i64) -> bool {
    PersonId::from_stored(number).is_some_and(|person| people.contains(person.number()))
}
