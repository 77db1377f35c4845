//! The books: per source, key and minute, what was received and what became of it.

use crate::data_file::{schema_of, timestamp_type};
use crate::error;
use crate::ledger::read_table;
use crate::table::Table;
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, TimestampMicrosecondType};
use spec::{Instant, Result};
use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

const MICROS_PER_MINUTE: i64 = 60_000_000;
/// Reasons that a line names; what is refused for others counts under `other`.
const REASONS_MAX: usize = 50;

/// What came with one key in one minute: received = stored + duplicate + rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookLine {
    /// The source.
    pub source: String,
    /// The name of the key.
    pub key: String,
    /// The minute's first instant.
    pub minute: Instant,
    /// Messages that came.
    pub received: u64,
    /// Messages that are new.
    pub stored: u64,
    /// Messages that were known.
    pub duplicate: u64,
    /// Messages that were refused or are kept aside.
    pub rejected: u64,
    /// Why: reason and how many.
    pub reasons: Vec<(String, u64)>,
}

/// What became of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate<'a> {
    Stored,
    Duplicate,
    Rejected(&'a str),
}

/// Lines by source, key and minute, and their sums.
#[derive(Default)]
pub(crate) struct Books {
    entries: BTreeMap<Minute, Entry>,
    /// Per source and key, with the last minute in which something was taken.
    totals: BTreeMap<SourceKey, (Entry, Option<i64>)>,
}

type SourceKey = (Arc<str>, Arc<str>);

/// Source, key and the minute's first instant in microseconds.
type Minute = (Arc<str>, Arc<str>, i64);

/// Stored, duplicate and rejected messages, and the reasons of the last.
#[derive(Clone, Default)]
struct Entry {
    counts: [u64; 3],
    reasons: BTreeMap<String, u64>,
}

/// The columns of `books`.
pub(crate) fn books_columns() -> Vec<Field> {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let count = |name: &str| Field::new(name, DataType::Int64, true);
    vec![
        text("source"),
        text("key"),
        Field::new("minute", timestamp_type(), true),
        count("stored"),
        count("duplicate"),
        count("rejected"),
        text("reasons"),
    ]
}

impl Books {
    pub(super) fn enter(
        &mut self,
        (source, key): (&Arc<str>, &Arc<str>),
        at_micros: i64,
        fate: Fate<'_>,
        n_messages: u64,
    ) {
        let minute = at_micros.div_euclid(MICROS_PER_MINUTE) * MICROS_PER_MINUTE;
        let entry = self.entries.entry((Arc::clone(source), Arc::clone(key), minute)).or_default();
        match fate {
            Fate::Stored => entry.counts[0] += n_messages,
            Fate::Duplicate => entry.counts[1] += n_messages,
            Fate::Rejected(reason) => {
                entry.counts[2] += n_messages;
                entry.give_reason(reason, n_messages);
            }
        }
    }

    /// Adds what other books say.
    pub(crate) fn add(&mut self, other: &Books) {
        for (place, entry) in &other.entries {
            self.add_entry(place, entry);
        }
    }

    fn add_entry(&mut self, (source, key, minute): &Minute, entry: &Entry) {
        let place = (Arc::clone(source), Arc::clone(key));
        self.entries.entry((Arc::clone(source), Arc::clone(key), *minute)).or_default().add(entry);
        let (sum, last) = self.totals.entry(place).or_default();
        sum.add(entry);
        if entry.counts[0] + entry.counts[1] > 0 {
            *last = (*last).max(Some(*minute));
        }
    }

    /// The lines as rows of the table.
    pub(super) fn batch(&self) -> Result<Option<RecordBatch>> {
        let count = |place: usize| -> ArrayRef {
            let counts = self.entries.values().map(|entry| i64::try_from(entry.counts[place]).unwrap_or(i64::MAX));
            Arc::new(counts.collect::<Int64Array>())
        };
        let minutes: TimestampMicrosecondArray = self.entries.keys().map(|(_, _, minute)| Some(*minute)).collect();
        let reasons = |entry: &Entry| serde_json::to_string(&entry.reasons).expect("reasons are plain data");
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(self.entries.keys().map(|(source, _, _)| source.as_ref()))),
            Arc::new(StringArray::from_iter_values(self.entries.keys().map(|(_, key, _)| key.as_ref()))),
            Arc::new(minutes.with_timezone("UTC")),
            count(0),
            count(1),
            count(2),
            Arc::new(StringArray::from_iter_values(self.entries.values().map(reasons))),
        ];
        let batch = RecordBatch::try_new(schema_of(&books_columns()), columns);
        batch.map(Some).map_err(|cause| error::bug("cannot join columns", Box::new(cause)))
    }

    /// Reads the table; rows of the same minute, which landed one after another, are added up.
    pub(crate) fn load(table: &Table) -> Result<Books> {
        let rows = read_table(table, &books_columns())?;
        let text = |column: usize, row: usize| rows.column(column).as_string::<i32>().value(row);
        let minutes = rows.column(2).as_primitive::<TimestampMicrosecondType>();
        let mut books = Books::default();
        for row in 0..rows.num_rows() {
            let mut entry = Entry::default();
            for (place, count) in entry.counts.iter_mut().enumerate() {
                let stored = rows.column(3 + place).as_primitive::<Int64Type>().value(row);
                *count = u64::try_from(stored).unwrap_or_default();
            }
            entry.reasons = serde_json::from_str(text(6, row)).unwrap_or_default();
            books.add_entry(&(text(0, row).into(), text(1, row).into(), minutes.value(row)), &entry);
        }
        Ok(books)
    }

    /// Per source the last minute with a message that was taken.
    pub(crate) fn last_minutes(&self) -> BTreeMap<String, Instant> {
        let mut last = BTreeMap::new();
        for ((source, _), (_, minute)) in &self.totals {
            let Some(minute) = minute.and_then(Instant::from_timestamp_micros) else { continue };
            let known = last.entry(source.to_string()).or_insert(minute);
            *known = minute.max(*known);
        }
        last
    }

    /// The last minute with a message of a source, whatever became of it.
    pub(crate) fn last_minute(&self, source: &str) -> Option<Instant> {
        let last = self.keys_of(source).filter_map(|key| self.minutes_of(key, i64::MIN).next_back());
        last.map(|((_, _, minute), _)| *minute).max().and_then(Instant::from_timestamp_micros)
    }

    /// How many messages of a source came in this minute or later, and how many of them were refused or are kept aside.
    pub(crate) fn counts_since(&self, source: &str, minute: Instant) -> (u64, u64) {
        let entries = self.keys_of(source).flat_map(|key| self.minutes_of(key, minute.timestamp_micros()));
        entries.fold((0, 0), |(received, rejected), (_, Entry { counts, .. })| {
            (received + counts.iter().sum::<u64>(), rejected + counts[2])
        })
    }

    /// The sources that messages came for.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        self.totals.keys().map(|(source, _)| source.as_ref())
    }

    fn keys_of(&self, source: &str) -> impl Iterator<Item = &SourceKey> {
        self.totals.keys().filter(move |(name, _)| name.as_ref() == source)
    }

    /// The entries of a key from this minute on.
    fn minutes_of(&self, (source, key): &SourceKey, since: i64) -> btree_map::Range<'_, Minute, Entry> {
        self.entries
            .range((Arc::clone(source), Arc::clone(key), since)..=(Arc::clone(source), Arc::clone(key), i64::MAX))
    }

    /// Per source and key the sums, at the last minute in which something was taken.
    pub(crate) fn totals(&self) -> Vec<BookLine> {
        let sums = self.totals.iter();
        sums.map(|((source, key), (sum, last))| line(source, key, last.unwrap_or_default(), sum)).collect()
    }

    /// The lines of a minute and later ones, in the order of source, key and minute.
    pub(crate) fn lines_since(&self, minute: Instant) -> Vec<BookLine> {
        let lines = self.totals.keys().flat_map(|key| self.minutes_of(key, minute.timestamp_micros()));
        lines.map(|((source, key, minute), entry)| line(source, key, *minute, entry)).collect()
    }

    /// All lines, in the order of source, key and minute.
    pub(crate) fn lines(&self) -> Vec<BookLine> {
        self.entries.iter().map(|((source, key, minute), entry)| line(source, key, *minute, entry)).collect()
    }
}

fn line(source: &str, key: &str, minute: i64, entry: &Entry) -> BookLine {
    BookLine {
        source: source.to_owned(),
        key: key.to_owned(),
        minute: Instant::from_timestamp_micros(minute).unwrap_or_default(),
        received: entry.counts.iter().sum(),
        stored: entry.counts[0],
        duplicate: entry.counts[1],
        rejected: entry.counts[2],
        reasons: entry.reasons.iter().map(|(reason, count)| (reason.clone(), *count)).collect(),
    }
}

impl Entry {
    fn add(&mut self, other: &Entry) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        for (reason, n_messages) in &other.reasons {
            self.give_reason(reason, *n_messages);
        }
    }

    fn give_reason(&mut self, reason: &str, n_messages: u64) {
        let is_named = self.reasons.contains_key(reason) || self.reasons.len() < REASONS_MAX;
        let reason = if is_named { reason } else { "other" };
        *self.reasons.entry(reason.to_owned()).or_default() += n_messages;
    }
}
