//! From the log to the tables: what was acknowledged becomes what can be asked about.
//!
//! Flow: records after the last offset -> people by the vault -> messages that are known drop out -> rows in the order of
//! person and time -> commits in a fixed order: vault, quarantine, people, consents, traits, books,
//! events. The commit to `events`
//! carries the offset that was consumed and is always the last one: with it the landing has happened. Each table remembers its
//! own offset, so that a repeat after a crash between any two of them adds nothing twice, even when more has come since.
//! Invariants: a record lands once; received = stored + duplicate + rejected for each key and minute; it knows no contract,
//! since records say what they are.

mod asides;
mod books;
mod columns;
mod known;
mod rows;
#[cfg(test)]
pub(crate) mod tests;

pub use books::BookLine;
pub(crate) use books::{Books, books_columns};

use crate::data_file::{DataFileWriter, LANDED, conform};
use crate::error;
use crate::import::{Planned, plan_append, widened};
use crate::lake::State;
use crate::ledger::{Home, people_batch};
use crate::snapshot::Snapshot;
use crate::statements::{Word, words_batch};
use crate::table::{Change, Engine, Table};
use crate::vault::Vault;
use crate::{Arrival, IntakeLog, Random};
use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use rows::{EventRows, Rows};
use spec::{Instant, PersonId, Result};
use std::collections::BTreeMap;

/// Whose commits these are.
const APP_ID: &str = "intake";
/// Records that are landed at once have about this many bytes.
const BYTES_PER_LANDING: usize = 8 << 20;

/// What one landing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Landing {
    /// Records of the log that it consumed.
    pub n_records: u64,
    /// The offset up to which the tables hold everything.
    pub until: u64,
    /// Messages that are new.
    pub stored: u64,
    /// Messages that were known.
    pub duplicate: u64,
    /// Whether the log holds more.
    pub is_more: bool,
}

/// What a landing works with besides the tables.
pub(crate) struct Context<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) vault: &'a Vault,
    pub(crate) random: &'a dyn Random,
    pub(crate) now: Instant,
    pub(crate) log: &'a IntakeLog,
    pub(crate) snapshot: &'a Snapshot,
    /// Called after each stage; an error stops the landing there, as a crash would.
    pub(crate) after: &'a dyn Fn(LandingStage) -> Result<()>,
}

/// The stages of a landing, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LandingStage {
    Vault,
    Quarantine,
    People,
    Consents,
    Traits,
    Books,
    Events,
}

/// The offset up to which everything has landed.
pub(crate) fn landed_until(engine: &Engine, events: &Table) -> Result<u64> {
    Ok(events.figure_of(engine, APP_ID)?.unwrap_or(0))
}

/// The offset beyond which no table has anything: a landing that ended half way has left some ahead of the events.
pub(crate) fn seen_until(engine: &Engine, state: &State) -> Result<u64> {
    let mut until = 0;
    for (_, table) in state.tables() {
        until = until.max(table.figure_of(engine, APP_ID)?.unwrap_or(0));
    }
    Ok(until)
}

/// What a landing has added to the tables that a snapshot holds in memory.
#[derive(Default)]
pub(crate) struct News {
    /// People who are new, or live elsewhere.
    pub(crate) homes: BTreeMap<PersonId, Home>,
    /// What people have said.
    pub(crate) words: Vec<Word>,
    /// Lines of the books.
    pub(crate) books: Books,
}

/// Lands what the log holds beyond the last landing, as much as fits one.
pub(crate) fn land(context: &Context<'_>, state: &mut State) -> Result<(Landing, News)> {
    let from = landed_until(context.engine, &state.events)?;
    let records = context.log.read(from, BYTES_PER_LANDING)?;
    let Some((last, _)) = records.last() else {
        return Ok((Landing { until: from, ..Landing::default() }, News::default()));
    };
    let until = last + 1;
    let arrivals: Result<Vec<(u64, Arrival<'_>)>> =
        records.iter().map(|(at, bytes)| Ok((*at, Arrival::read(bytes)?))).collect();
    let mut draft = context.vault.draft();
    let rows = Rows::of(&arrivals?, context, state, &mut draft)?;
    draft.write()?;
    (context.after)(LandingStage::Vault)?;
    let commit = Commit { context, until };
    commit.append(&mut state.quarantine, |offset| asides::batch(&rows.asides, offset))?;
    (context.after)(LandingStage::Quarantine)?;
    let homes = rows.homes(commit.offset(&state.people)?, context.snapshot.stored_ledger());
    commit.append(&mut state.people, |_| if homes.is_empty() { Ok(None) } else { people_batch(&homes).map(Some) })?;
    (context.after)(LandingStage::People)?;
    let words = rows.words(commit.offset(&state.consents)?, context.snapshot.stored_ledger().statements());
    commit.append(&mut state.consents, |_| words_batch(&words).map(Some))?;
    (context.after)(LandingStage::Consents)?;
    let known_traits = rows.known_traits(context.snapshot);
    commit.append(&mut state.traits, |offset| rows.traits_batch(offset, &known_traits))?;
    (context.after)(LandingStage::Traits)?;
    let fresh = rows.events.fresh(context.snapshot.event_files())?;
    let books = rows.books(commit.offset(&state.books)?, &fresh, &known_traits);
    commit.append(&mut state.books, |_| books.batch())?;
    (context.after)(LandingStage::Books)?;
    commit.events(&mut state.events, &rows.events, &fresh)?;
    (context.after)(LandingStage::Events)?;
    let stored = n_of(true, &fresh) + n_of(false, &known_traits);
    let duplicate = n_of(false, &fresh) + n_of(true, &known_traits);
    let is_more = context.log.next() > until;
    Ok((Landing { n_records: until - from, until, stored, duplicate, is_more }, News { homes, words, books }))
}

fn n_of(wanted: bool, flags: &[bool]) -> u64 {
    flags.iter().filter(|flag| **flag == wanted).count() as u64
}

/// Commits under the offset that is consumed.
struct Commit<'a> {
    context: &'a Context<'a>,
    until: u64,
}

impl Commit<'_> {
    /// Appends rows of records at and after the table's own offset, which `batch` is given.
    fn append(&self, table: &mut Table, batch: impl FnOnce(u64) -> Result<Option<RecordBatch>>) -> Result<()> {
        match batch(self.offset(table)?)? {
            Some(batch) if batch.num_rows() > 0 => {
                let planned = plan_append(&batch, self.context.random, table)?;
                let replaced = planned.remove.clone();
                self.commit(table, planned)?;
                // Only events are read while others land.
                table.forget(&replaced);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The offset before which the table has everything.
    fn offset(&self, table: &Table) -> Result<u64> {
        Ok(table.figure_of(self.context.engine, APP_ID)?.unwrap_or(0))
    }

    /// The last commit: there is one even when no event came.
    fn events(&self, table: &mut Table, events: &EventRows, is_fresh: &[bool]) -> Result<()> {
        let mut planned = Planned { add: Vec::new(), remove: Vec::new(), new_columns: Vec::new(), stored: 0 };
        let order = UInt64Array::from(events.in_order(is_fresh));
        if !order.is_empty() {
            let batch = take_record_batch(&events.batch, &order)
                .map_err(|cause| error::bug("cannot bring landed rows in order", Box::new(cause)))?;
            let wanted: Vec<_> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
            let (schema, new_columns) = widened(table, &wanted)?;
            let batch = conform(&batch, &schema)?;
            let mut writer = DataFileWriter::create(LANDED, table.folder(), self.context.random, &schema)?;
            writer.write_people(&batch)?;
            planned = Planned { add: vec![writer.finish()?], new_columns, stored: batch.num_rows() as u64, ..planned };
        }
        self.commit(table, planned)
    }

    fn commit(&self, table: &mut Table, planned: Planned) -> Result<()> {
        let Planned { add, remove, new_columns, .. } = planned;
        let at_millis = self.context.now.timestamp_millis();
        table.commit(
            self.context.engine,
            Change { add, remove, new_columns, app_id: APP_ID, figure: self.until, at_millis },
        )
    }
}
