//! Bringing a file in under its contract.
//!
//! Flow: reader (per format) -> check -> people by the vault -> sink (per kind of object) -> commits in a fixed order: vault,
//! quarantine, people, data, the import itself. Each commit bears the import's id, so a repeat after a crash between any
//! two of them goes on where it ended. The id holds the file's digest and what the contract says of its records: a file under
//! a changed contract is read again, and keys tell what is there already. Invariants: nothing is committed before the whole
//! file was read; nothing counts twice; received = stored + duplicate + rejected.

mod books;
mod check;
mod column;
mod convert;
mod digest;
mod merge;
mod prepare;
mod quarantine;
mod read_csv;
mod read_ndjson;
mod read_parquet;
mod reading;
mod records;
mod sink;
mod sort;
mod window;

pub(crate) use books::close as close_books;
pub(crate) use check::consent_state;
pub(crate) use column::{ColumnBuilder, declared_type, stored_type};
pub(crate) use digest::{Keyer, MessageKey};
pub(crate) use merge::{Merged, OldFiles, Plan, file_bytes, merge};
pub(crate) use prepare::{CLAIMED, PERSON_BEFORE, event_columns, property_column, trait_column};
pub(crate) use quarantine::columns as quarantine_columns;
pub(crate) use reading::Reading;
pub(crate) use sink::{Planned, consents_columns, plan_append, traits_columns, widened};
pub(crate) use sort::{Order, Run, first_people_of, keys_of, people_of, sequence_of, times_of};

use crate::data_file::NewFile;
use crate::lake::{Stage, State};
use crate::ledger::{self, ImportRecord};
use crate::scan::EventFile;
use crate::table::{Change, Engine, Table};
use crate::vault::{Draft, Roots, Vault};
use crate::{Random, error};
use books::Books;
use check::TimeBounds;
use quarantine::Quarantine;
use records::Reader;
use roaring::RoaringTreemap;
use sink::Sink;
use spec::{Instant, Object, ObjectKind, Result, ValueType};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file to import.
#[derive(Clone, Copy, Debug)]
pub struct ImportFile<'a> {
    /// The source that it comes from.
    pub source: &'a str,
    /// The object of the source's contract that its records are.
    pub object: &'a Object,
    /// All event objects of the workspace, for the columns of the table.
    pub declared: &'a [&'a Object],
    /// Where it lies.
    pub path: &'a Path,
    /// What it is called; its ending tells the format: csv, ndjson, jsonl, parquet.
    pub file_name: &'a str,
}

/// The balance of an import: received = stored + duplicate + rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// Records in the file.
    pub received: u64,
    /// Records that changed something.
    pub stored: u64,
    /// Records that were known already, or older than what is known.
    pub duplicate: u64,
    /// Records that went to quarantine.
    pub rejected: u64,
    /// Why records were rejected: reason, how many, and one example (`file:row`; row 1 is the first record).
    pub reasons: Vec<(String, u64, String)>,
}

/// What an import works with besides the tables.
pub(crate) struct Context<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) vault: &'a Vault,
    pub(crate) random: &'a dyn Random,
    pub(crate) now: Instant,
    pub(crate) temporary: PathBuf,
    pub(crate) memory_bytes_max: usize,
    pub(crate) input_bytes: u64,
    pub(crate) event_files: &'a [Arc<EventFile>],
    pub(crate) imports: &'a [ImportRecord],
    /// The import whose books were closed just now, since an error had left them open.
    pub(crate) closed: Option<&'a ImportRecord>,
    /// Where books are kept while they are open.
    pub(crate) books: &'a Path,
    /// Everybody known, as they were at first.
    pub(crate) known: &'a RoaringTreemap,
    /// Who they are by now.
    pub(crate) roots: &'a Arc<Roots>,
    /// Called after each stage; an error stops the import there, as a crash would.
    pub(crate) after: &'a dyn Fn(Stage) -> Result<()>,
}

/// Why records were rejected, counted.
#[derive(Default)]
pub(crate) struct Reasons {
    counts: BTreeMap<String, (u64, String)>,
}

impl Reasons {
    pub(crate) fn add(&mut self, reason: &str, file_name: &str, row: u64) {
        match self.counts.get_mut(reason) {
            Some((count, _)) => *count += 1,
            None => {
                self.counts.insert(reason.to_owned(), (1, format!("{file_name}:{row}")));
            }
        }
    }

    fn list(&self) -> Vec<(String, u64, String)> {
        let mut list: Vec<_> =
            self.counts.iter().map(|(why, (count, place))| (why.clone(), *count, place.clone())).collect();
        list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        list
    }
}

/// Imports a file into the tables.
pub(crate) fn import(
    file: &ImportFile<'_>,
    context: &Context<'_>,
    state: &mut State,
    progress: &dyn Fn(u64, u64),
) -> Result<ImportReport> {
    check_object(file)?;
    let digest = digest::of_file(file.path)?;
    let (reading, landed) = match occasion(file, &digest, context) {
        Occasion::Done(report) => return Ok(report),
        Occasion::Read { reading, landed } => (reading, landed),
    };
    let format = Format::of(file.file_name).map_or("", Format::name);
    let app_id = format!("import:{}/{}:{digest}:{format}:{}", file.source, file.object.name, reading.definition);
    let keyer = Keyer::new(context.vault.content_key(), file.source, &file.object.name, &reading.key_fields);
    let read = read_all(file, context, &state.quarantine, &Terms { keyer: &keyer, landed }, progress)?;
    read.draft.write()?;
    (context.after)(Stage::Vault)?;
    let commit = Commit { engine: context.engine, now: context.now, app_id: &app_id };
    commit.quarantine(&mut state.quarantine, read.quarantine_file, read.n_rejected)?;
    (context.after)(Stage::Quarantine)?;
    let places = read.sink.places();
    ledger::commit_people(&mut state.people, context, &app_id, &read.people, places)?;
    (context.after)(Stage::People)?;
    let books = Books::new(file, app_id.clone(), digest, landed, reading);
    let books = books.with_counts(read.received, read.n_rejected, read.reasons);
    books.write(context.books)?;
    let table = state.table_of(file.object.kind);
    let stored = commit.data(table, |table| read.sink.plan(file, context, table, &keyer))?;
    (context.after)(Stage::Data)?;
    progress(2, 2);
    let record = books.record(stored);
    commit.record(&mut state.imports, &record, context.random)?;
    books::remove(context.books)?;
    Ok(record.report())
}

/// What is to be done about a file.
enum Occasion {
    /// Nothing: it was read as the contract says before.
    Done(ImportReport),
    /// Read it; it came in first at `landed`.
    Read { reading: Reading, landed: Instant },
}

fn occasion(file: &ImportFile<'_>, digest: &str, context: &Context<'_>) -> Occasion {
    // The same bytes in another format are another file: nobody has read them in this one.
    let is_same = |known: &ImportRecord| {
        known.digest == digest
            && known.source == file.source
            && known.object == file.object.name
            && Format::of(&known.file) == Format::of(file.file_name)
    };
    let reading = Reading::of(file.object);
    let has_read =
        |known: &ImportRecord| known.reading.as_ref().is_some_and(|known| known.definition == reading.definition);
    if let Some(closed) = context.closed.filter(|closed| is_same(closed) && has_read(closed)) {
        return Occasion::Done(closed.report());
    }
    let earlier: Vec<&ImportRecord> = context.imports.iter().filter(|known| is_same(known)).collect();
    let Some(first) = earlier.first() else { return Occasion::Read { reading, landed: context.now } };
    let (received, landed) = (first.received, first.at);
    let all_known = ImportReport { received, stored: 0, duplicate: received, rejected: 0, reasons: Vec::new() };
    if let Some(known) = earlier.iter().find(|known| has_read(known)) {
        // What was rejected is not there, so that it is rejected again.
        let is_rejected = known.stored + known.duplicate == 0 && known.rejected > 0;
        return Occasion::Done(if is_rejected { known.report() } else { all_known });
    }
    // Where no record was accepted, none can count twice; where some were, they must be recognised.
    match earlier.iter().find(|known| known.stored + known.duplicate > 0) {
        None => Occasion::Read { reading, landed },
        Some(known) => match known.reading.as_ref().and_then(|known| known.again(file.object)) {
            Some(reading) => Occasion::Read { reading, landed },
            None => Occasion::Done(all_known),
        },
    }
}

/// A file read to its end: nothing of it is in a table yet.
struct Read<'a> {
    draft: Draft<'a>,
    sink: Sink,
    people: RoaringTreemap,
    quarantine_file: Option<NewFile>,
    n_rejected: u64,
    received: u64,
    reasons: Vec<(String, u64, String)>,
}

/// What records become besides what they say.
struct Terms<'a> {
    keyer: &'a Keyer,
    /// The time of those that have none.
    landed: Instant,
}

fn read_all<'a>(
    file: &ImportFile<'_>,
    context: &Context<'a>,
    quarantine_table: &Table,
    terms: &Terms<'_>,
    progress: &dyn Fn(u64, u64),
) -> Result<Read<'a>> {
    let mut reader = open_reader(file)?;
    let mut draft = context.vault.draft();
    let mut sink = Sink::new(file, context);
    let folder = quarantine_table.folder().to_owned();
    let mut quarantine = Quarantine::new(file, folder, (context.random, context.vault), context.now.timestamp_micros());
    let bounds = TimeBounds::at(context.now);
    let mut people = RoaringTreemap::new();
    let mut received = 0;
    // The high half tells the imports apart, the low half the rows of a file.
    let sequence_base = i64::try_from(context.imports.len()).unwrap_or(i64::MAX >> 32) << 32;
    while let Some(mut records) = reader.next()? {
        received += records.faults.len() as u64;
        check::check(&mut records, file.object, bounds);
        quarantine.take(&records)?;
        let accepted =
            prepare::accept(&records, file.object, terms.landed.timestamp_micros(), terms.keyer, &mut draft)?;
        people.extend(accepted.people.iter().map(|person| person.number()));
        sink.push(file, &accepted, sequence_base, terms.keyer)?;
        // Reading is half of the work, merging the other.
        let (done, all) = reader.progress();
        progress(done, all.saturating_mul(2));
    }
    Ok(Read {
        draft,
        sink,
        people,
        quarantine_file: quarantine.finish()?,
        n_rejected: quarantine.n_rejected,
        received,
        reasons: quarantine.reasons.list(),
    })
}

/// Commits under the import's id; what is there already is not committed again.
struct Commit<'a> {
    engine: &'a Engine,
    now: Instant,
    app_id: &'a str,
}

impl Commit<'_> {
    fn quarantine(&self, table: &mut Table, file: Option<NewFile>, n_rejected: u64) -> Result<()> {
        let Some(file) = file else { return Ok(()) };
        let add = vec![file];
        let plan = Planned { add, remove: Vec::new(), new_columns: Vec::new(), stored: n_rejected };
        self.data(table, |_| Ok(plan)).map(|_| ())
    }

    fn record(&self, table: &mut Table, record: &ImportRecord, random: &dyn Random) -> Result<()> {
        let batch = ledger::import_batch(record)?;
        self.data(table, |table| sink::plan_append(&batch, random, table)).map(|_| ())
    }

    fn data(&self, table: &mut Table, plan: impl FnOnce(&Table) -> Result<Planned>) -> Result<u64> {
        if let Some(stored) = table.figure_of(self.engine, self.app_id)? {
            return Ok(stored);
        }
        let Planned { add, remove, new_columns, stored } = plan(table)?;
        if add.is_empty() && remove.is_empty() {
            return Ok(stored);
        }
        let at_millis = self.now.timestamp_millis();
        let change = Change { add, remove, new_columns, app_id: self.app_id, figure: stored, at_millis };
        table.commit(self.engine, change)?;
        Ok(stored)
    }
}

/// How a file is read; its ending says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
    Parquet,
}

impl Format {
    fn of(name: &str) -> Option<Format> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("csv") => Some(Format::Csv),
            Some("ndjson" | "jsonl") => Some(Format::Ndjson),
            Some("parquet") => Some(Format::Parquet),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
            Format::Parquet => "parquet",
        }
    }
}

fn open_reader<'a>(file: &ImportFile<'a>) -> Result<Box<dyn Reader + 'a>> {
    let (path, name, object) = (file.path, file.file_name, file.object);
    match Format::of(name) {
        Some(Format::Csv) => Ok(Box::new(read_csv::CsvReader::open(path, name, object)?)),
        Some(Format::Ndjson) => Ok(Box::new(read_ndjson::NdjsonReader::open(path, object)?)),
        Some(Format::Parquet) => Ok(Box::new(read_parquet::ParquetReader::open(path, name, object)?)),
        None => {
            Err(error::bad_file(name, "its ending tells no format").with_hint("use .csv, .ndjson, .jsonl or .parquet"))
        }
    }
}

/// What every object must have that its records can become anything.
fn check_object(file: &ImportFile<'_>) -> Result<()> {
    let object = file.object;
    let has = |name: &str, types: &[ValueType]| {
        object.fields.iter().any(|field| field.name == name && (types.is_empty() || types.contains(&field.value_type)))
    };
    let why = |what: &str| {
        Err(error::bad_file(file.file_name, &format!("the contract of `{}` declares no {what}", object.name)))
    };
    if !has(&object.person_column, &[]) {
        return why(&format!("column `{}`, by which it knows the person", object.person_column));
    }
    if let Some(id) = object.message_id_column.as_deref().filter(|id| !has(id, &[])) {
        return why(&format!("column `{id}`, by which it tells records apart"));
    }
    match &object.time_column {
        Some(time) if !has(time, &[ValueType::Timestamp, ValueType::Date]) => why(&format!("time or day `{time}`")),
        None if object.kind == ObjectKind::Event => why("time of the event"),
        _ if object.kind == ObjectKind::Consent && !has(check::PURPOSE, &[ValueType::Text]) => why("text `purpose`"),
        _ if object.kind == ObjectKind::Consent && !has(check::STATE, &[ValueType::Text]) => why("text `state`"),
        _ => Ok(()),
    }
}
