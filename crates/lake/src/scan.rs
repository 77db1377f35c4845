//! Reading events under a grant: parts by row group, in the order of people and time.
//!
//! Row groups of compacted files end at person borders, so each is a part of its own, together with what landed of its
//! people since. Flow: prune by the statistics of people and times -> decode the columns asked, or take those that were
//! kept -> merge in what landed -> open the rows of granted people. Invariants: no row of a person outside the grant can be
//! looked at; a property outside the grant cannot be named.

mod piece;
mod source;

use crate::chunk::Chunk;
use crate::data_file::{LANDED, damaged, int_range};
use crate::error;
use crate::hot::{Granted, Hot, HotColumns, Rows};
use crate::import::{CLAIMED, property_column};
use crate::stretch::{Column, Ordered, People, PersonRows, Runs, Stretch, granted};
use crate::sums::{self, Sums};
use crate::table::{Table, TableFile};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::bloom_filter::Sbbf;
pub use piece::{MadeOf, Piece};
use policy::Grant;
use roaring::RoaringTreemap;
use source::Source;
use spec::{FieldRef, Instant, Mask, PersonId, Release, Result};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The columns that every scan reads before the properties.
const FIRST_COLUMNS: [&str; 3] = ["person", "ts", "event"];
/// Under which is kept where merged rows come from; no column has the name.
const RUNS: &str = "/runs";

/// Which events and properties to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanRequest {
    /// The properties, in the order of the columns.
    pub properties: Vec<String>,
    /// The first instant.
    pub from: Option<Instant>,
    /// The instant after the last.
    pub to: Option<Instant>,
}

/// One stretch of people; no other part of the same scan holds any of them.
pub struct ScanPart {
    /// A row group of a compacted file.
    stored: Option<(Arc<EventFile>, usize)>,
    /// The first and the last person who can be in it.
    people: (i64, i64),
    scan: Arc<Scan>,
    /// Under which is kept what is computed of all its people.
    rows: OnceLock<Rows>,
}

/// What reading takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Rows of everybody.
    pub rows: u64,
    /// Bytes of column chunks, of what is not kept.
    pub bytes: u64,
    /// Bytes of all column chunks that are looked at.
    pub bytes_stored: u64,
}

/// A data file of events with its footer at hand.
pub(crate) struct EventFile {
    pub(crate) file: TableFile,
    /// Its name, for what is kept of it.
    name: Arc<str>,
    pub(crate) path: PathBuf,
    pub(crate) person_min: i64,
    pub(crate) groups: Vec<Group>,
    pub(crate) metadata: ArrowReaderMetadata,
    pub(crate) sums: Sums,
    /// Whether the table has moved on without it, so that it goes with its last reader.
    is_replaced: AtomicBool,
}

/// What the statistics say about a row group.
pub(crate) struct Group {
    pub(crate) people: (i64, i64),
    times: (i64, i64),
    /// Says of a message key that it is not in the group; read at first use.
    pub(crate) keys: OnceLock<Option<Sbbf>>,
}

/// What all parts of a scan share.
pub(crate) struct Scan {
    grant: Grant,
    from_micros: i64,
    to_micros: i64,
    /// Columns by their names in files: person, time, event, the properties, and then what only bringing rows together
    /// needs: the sequence and whether nobody vouches for a row.
    names: Vec<Arc<str>>,
    /// Whether rows that nobody vouches for stay out: they may be counted, but nobody gets onto a list by them.
    only_vouched: bool,
    /// Row groups of what landed and was not compacted since; they hold people of many parts.
    landed: Vec<Arc<Source>>,
    hot: Arc<HotColumns>,
}

impl EventFile {
    /// Reads the footer.
    pub(crate) fn open(table: &Table, file: TableFile) -> Result<EventFile> {
        let path = table.folder().join(&file.name);
        let reader = File::open(&path).map_err(|cause| error::io("open", &path, cause))?;
        sums::check_footer(&reader, &path)?;
        let plain = ArrowReaderMetadata::load(&reader, ArrowReaderOptions::new());
        let plain = plain.map_err(|cause| damaged(&path, Box::new(cause)))?;
        let fields: Vec<Field> = plain.schema().fields().iter().map(|field| as_read(field)).collect();
        let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options);
        let metadata = metadata.map_err(|cause| damaged(&path, Box::new(cause)))?;
        let groups = groups_of(&metadata).ok_or_else(|| damaged(&path, "it has no statistics".into()))?;
        let first = groups.first().ok_or_else(|| damaged(&path, "it is empty".into()))?;
        let person_min = first.people.0;
        Ok(EventFile {
            name: file.name.as_str().into(),
            file,
            path,
            person_min,
            groups,
            sums: Sums::of(metadata.metadata()),
            metadata,
            is_replaced: AtomicBool::new(false),
        })
    }

    /// Whether it was landed and not compacted yet: its people are in other files too.
    pub(crate) fn is_landed(&self) -> bool {
        self.file.name.starts_with(LANDED)
    }

    /// Whose rows lie where in a row group, by the place of the column in the file.
    fn people(&self, group: usize, column: usize) -> Result<People> {
        match self.chunk(group, column)?.and_then(|chunk| chunk.people()) {
            Some(people) => Ok(people),
            None => People::of(self.decode(group, vec![column])?.column(0)),
        }
    }

    /// A column of a row group, by its place in the file.
    fn column(&self, group: usize, column: usize) -> Result<Column> {
        let data_type = self.metadata.schema().field(column).data_type();
        match self.chunk(group, column)?.and_then(|chunk| chunk.column(data_type)) {
            Some(column) => Ok(column),
            None => Column::of(self.decode(group, vec![column])?.column(0)),
        }
    }

    fn chunk(&self, group: usize, column: usize) -> Result<Option<Chunk>> {
        let file = File::open(&self.path).map_err(|cause| error::io("open", &self.path, cause))?;
        let group = self.metadata.metadata().row_group(group);
        // Every column of events is flat, so that roots and leaves are the same.
        let column = group.column(column);
        if !Chunk::may_be(column) {
            return Ok(None);
        }
        let (start, n_bytes) = column.byte_range();
        let bytes = self.sums.read(&file, &self.path, start..start + n_bytes)?;
        let chunk = Chunk::of(bytes, column, usize::try_from(group.num_rows()).unwrap_or(0));
        chunk.map_err(|cause| damaged(&self.path, Box::new(cause)))
    }

    /// Decodes columns of a row group by the library, given by their places in the file.
    pub(crate) fn decode(&self, group: usize, columns: Vec<usize>) -> Result<RecordBatch> {
        let broken = |cause| damaged(&self.path, Box::new(cause));
        let file = File::open(&self.path).map_err(|cause| error::io("open", &self.path, cause))?;
        for column in &columns {
            let (start, n_bytes) = self.metadata.metadata().row_group(group).column(*column).byte_range();
            self.sums.check(&file, &self.path, start..start + n_bytes)?;
        }
        let n_rows = usize::try_from(self.metadata.metadata().row_group(group).num_rows()).unwrap_or(0);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(ProjectionMask::roots(self.metadata.parquet_schema(), columns))
            .with_batch_size(n_rows.max(1))
            .build()
            .map_err(broken)?;
        let schema = reader.schema();
        let batches: std::result::Result<Vec<RecordBatch>, _> = reader.collect();
        match batches.map_err(|cause| damaged(&self.path, Box::new(cause)))?.as_slice() {
            [one] => Ok(one.clone()),
            several => concat_batches(&schema, several).map_err(|cause| damaged(&self.path, Box::new(cause))),
        }
    }

    /// Says that no newer state names the file: it is removed when nobody reads it any more.
    pub(crate) fn replace(&self) {
        self.is_replaced.store(true, Ordering::Release);
    }
}

impl Drop for EventFile {
    fn drop(&mut self) {
        if !self.is_replaced.load(Ordering::Acquire) {
            return;
        }
        // What stays behind is removed at the next open.
        if let Err(cause) = std::fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), error = %cause, "cannot remove a replaced file");
        }
    }
}

/// The parts that can hold rows of the request, in the order of their people; `files` in theirs.
pub(crate) fn parts(files: &[Arc<EventFile>], landed: &[Arc<EventFile>], mut scan: Scan) -> Vec<ScanPart> {
    let landed = scan.groups(landed).into_iter().map(|(file, group)| Arc::new(Source::new(file, group)));
    scan.landed = landed.collect();
    let scan = Arc::new(scan);
    let part = |stored: Option<(Arc<EventFile>, usize)>, people: (i64, i64)| ScanPart {
        stored,
        people,
        scan: Arc::clone(&scan),
        rows: OnceLock::new(),
    };
    let between = |people: (i64, i64)| pieces(&scan.landed, people).into_iter().map(|people| part(None, people));
    let end = |parts: &[ScanPart]| parts.last().map_or(i64::MIN, |last| last.people.1.saturating_add(1));
    let mut parts = Vec::new();
    for (file, group) in scan.groups(files) {
        let people = file.groups[group].people;
        parts.extend(between((end(&parts), people.0.saturating_sub(1))));
        parts.push(part(Some((file, group)), people));
    }
    parts.extend(between((end(&parts), i64::MAX)));
    // Whoever comes after everybody who has a row.
    parts.push(part(None, (end(&parts), i64::MAX)));
    parts
}

/// A range of people of whom rows have landed and nothing is stored, cut where row groups end.
fn pieces(landed: &[Arc<Source>], (mut first, last): (i64, i64)) -> Vec<(i64, i64)> {
    let inside = landed.iter().filter(|source| source.may_hold((first, last)));
    let mut ends: Vec<i64> = inside.map(|source| source.people().1.min(last)).collect();
    ends.sort_unstable();
    ends.dedup();
    ends.into_iter().map(|end| (std::mem::replace(&mut first, end.saturating_add(1)), end)).collect()
}

impl ScanPart {
    /// The first and the last person who can have rows in it; those before the first and after the last of the part before
    /// have none, and the last part goes on to the end.
    pub fn people(&self) -> (i64, i64) {
        self.people
    }

    /// Reads the part. Rows of other events and times may be in it: what is kept for the next question holds all of them.
    pub fn stretch(&self) -> Result<Stretch> {
        let scan = &self.scan;
        let sources = self.sources()?;
        let mut leaves_out = false;
        for source in sources.iter().filter(|_| scan.only_vouched) {
            leaves_out |= source.holds_claims(scan)?;
        }
        let (people, n_rows, columns) = match sources.as_slice() {
            [] => return Ok(Stretch::empty(scan.n_properties())),
            // All rows of one group and nothing else.
            [only] if !leaves_out && only.lies_in(self.people) => only.opened(scan)?,
            several => {
                let groups = several.iter().map(|source| source.name()).collect();
                let rows = Rows { groups, people: self.people, only_vouched: leaves_out };
                let (people, columns) = self.merged(&rows, several)?;
                (scan.granted(&rows, &people), people.n_rows(), columns)
            }
        };
        Stretch::of(people, n_rows, columns, sources.iter().map(|source| source.take_cost()).sum())
    }

    /// What reading the part will take, from the footers of its files and what is kept now.
    pub fn reading(&self) -> Result<Reading> {
        let scan = &self.scan;
        let sources = self.sources()?;
        let all = 0..scan.n_shown();
        if let [only] = sources.as_slice()
            && only.lies_in(self.people)
        {
            return Ok(only.reading(scan, all));
        }
        let groups = sources.iter().map(|source| source.name()).collect();
        let rows = Rows { groups, people: self.people, only_vouched: false };
        let lacking = scan.hot.get(&rows, &scan.names[1..scan.n_shown()]);
        let lacking = (1..scan.n_shown()).zip(lacking).filter(|(_, kept)| kept.is_none()).map(|(place, _)| place);
        let lacking: Vec<usize> = lacking.collect();
        let mut found = Reading::default();
        for source in &sources {
            let Reading { rows, bytes_stored, .. } = source.reading(scan, all.clone());
            found.rows += rows;
            found.bytes_stored += bytes_stored;
            found.bytes += lacking.iter().map(|place| source.reading(scan, *place..place + 1).bytes).sum::<u64>();
        }
        Ok(found)
    }

    /// How a property is stored in the files that the part is read from, by its place among those asked for.
    pub fn stored_types(&self, place: usize) -> Vec<DataType> {
        let name = &self.scan.names[FIRST_COLUMNS.len() + place];
        let stored = self.stored.iter().map(|(file, _)| file);
        let landed = self.scan.landed.iter().filter(|source| source.may_hold(self.people)).map(|source| source.file());
        let types = stored.chain(landed).map(|file| file.metadata.schema().field_with_name(name));
        types.filter_map(|field| field.ok().map(|field| field.data_type().clone())).collect()
    }

    /// A property of all rows that may belong to the part, by its place among those asked for, if all of it is kept. What is
    /// in its dictionaries bounds how many values there are, and is told to nobody.
    pub fn kept_property(&self, place: usize) -> Option<Vec<Column>> {
        let stored = self.stored.iter().map(|(file, group)| Arc::new(Source::new(Arc::clone(file), *group)));
        let landed = self.scan.landed.iter().filter(|source| source.may_hold(self.people)).cloned();
        stored.chain(landed).map(|source| source.kept_column(&self.scan, FIRST_COLUMNS.len() + place)).collect()
    }

    /// The row groups that hold rows of the part's people.
    fn sources(&self) -> Result<Vec<Arc<Source>>> {
        let stored = self.stored.iter().map(|(file, group)| Arc::new(Source::new(Arc::clone(file), *group)));
        let mut sources: Vec<Arc<Source>> = stored.collect();
        for source in self.scan.landed.iter().filter(|source| source.may_hold(self.people)) {
            if !source.all_people(&self.scan)?.within(self.people).is_empty() {
                sources.push(Arc::clone(source));
            }
        }
        Ok(sources)
    }

    /// Rows from several groups in one order.
    fn merged(&self, rows: &Rows, sources: &[Arc<Source>]) -> Result<(Arc<People>, Vec<Column>)> {
        let scan = &self.scan;
        let runs = self.runs(rows, sources)?;
        let names = &scan.names[1..scan.n_shown()];
        let mut columns = Vec::with_capacity(names.len());
        for (index, (name, kept)) in names.iter().zip(scan.hot.get(rows, names)).enumerate() {
            columns.push(match kept {
                Some(Hot::Column(column)) => column,
                _ => {
                    let of_source = |source: &Arc<Source>| source.column(scan, index + 1);
                    let column = runs.column(&sources.iter().map(of_source).collect::<Result<Vec<_>>>()?)?;
                    scan.hot.keep(rows, name, &Hot::Column(column.clone()));
                    column
                }
            });
        }
        Ok((Arc::clone(&runs.people), columns))
    }

    /// Where the rows of the whole come from.
    fn runs(&self, rows: &Rows, sources: &[Arc<Source>]) -> Result<Arc<Runs>> {
        let scan = &self.scan;
        let name: Arc<str> = RUNS.into();
        if let Some(Some(Hot::Runs(runs))) = scan.hot.get(rows, std::slice::from_ref(&name)).pop() {
            return Ok(runs);
        }
        let ordered = |source: &Arc<Source>| {
            let claimed = if rows.only_vouched { source.claimed(scan)? } else { Column::Missing };
            let (times, sequence) = (source.column(scan, 1)?, source.column(scan, scan.n_shown())?);
            Ordered::new(source.all_people(scan)?, &times, &sequence, &claimed)
        };
        let ordered: Vec<Ordered> = sources.iter().map(ordered).collect::<Result<_>>()?;
        let runs = Arc::new(Runs::of(&ordered, self.people)?);
        scan.hot.keep(rows, &name, &Hot::Runs(Arc::clone(&runs)));
        Ok(runs)
    }
}

impl Scan {
    /// Those of the people of some rows whom the grant holds, found once for all questions that share their people.
    fn granted(&self, rows: &Rows, people: &People) -> Arc<[PersonRows]> {
        let name: Arc<str> = format!("/granted for {}", self.grant.purpose()).into();
        if let Some(Some(Hot::Granted(kept))) = self.hot.get(rows, std::slice::from_ref(&name)).pop()
            && kept.grant.as_ptr() == Arc::as_ptr(self.grant.shared_people())
        {
            return kept.people;
        }
        let found = granted(people.all_within(rows.people), &self.grant);
        let kept = Granted { grant: Arc::downgrade(self.grant.shared_people()), people: Arc::clone(&found) };
        self.hot.keep(rows, &name, &Hot::Granted(kept));
        found
    }

    /// The row groups of files that can hold rows of the request.
    fn groups(&self, files: &[Arc<EventFile>]) -> Vec<(Arc<EventFile>, usize)> {
        let of_file = |file: &Arc<EventFile>| {
            let found = file.groups.iter().enumerate().filter(|(_, group)| self.may_hold_rows(group));
            found.map(|(index, _)| (Arc::clone(file), index)).collect::<Vec<_>>()
        };
        files.iter().flat_map(of_file).collect()
    }

    fn may_hold_rows(&self, group: &Group) -> bool {
        let is_in_time = group.times.1 >= self.from_micros && group.times.0 < self.to_micros;
        is_in_time && holds_any(self.grant.people(), group.people)
    }

    /// Columns that questions see, person included.
    fn n_shown(&self) -> usize {
        self.names.len() - 2
    }

    fn n_properties(&self) -> usize {
        self.n_shown() - FIRST_COLUMNS.len()
    }
}

/// What a grant and a request come to.
///
/// # Errors
/// Denied for a property that the grant does not hold.
pub(crate) fn plan(grant: &Grant, request: &ScanRequest, hot: &Arc<HotColumns>) -> Result<Scan> {
    let mut names: Vec<Arc<str>> = FIRST_COLUMNS.map(Arc::from).to_vec();
    for property in &request.properties {
        // Properties are computed with, never only shown, so that no mask can stand in for one.
        if grant.mask_of(&FieldRef::Property(property.clone())) != Some(Mask::Show) {
            return Err(error::field_not_granted(&format!("event.{property}"), grant.purpose()));
        }
        names.push(property_column(property).into());
    }
    names.extend(["seq", CLAIMED].map(Arc::from));
    let micros = |at: Option<Instant>, otherwise: i64| at.map_or(otherwise, |at| at.timestamp_micros());
    Ok(Scan {
        grant: grant.clone(),
        from_micros: micros(request.from, i64::MIN),
        to_micros: micros(request.to, i64::MAX),
        names,
        only_vouched: grant.release() >= Release::List,
        landed: Vec::new(),
        hot: Arc::clone(hot),
    })
}

/// Text is read as the dictionary that it is stored as.
fn as_read(field: &Field) -> Field {
    match field.data_type() {
        DataType::Utf8 => {
            let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Field::new(field.name(), dictionary, true)
        }
        other => Field::new(field.name(), other.clone(), true),
    }
}

/// Whether any of these people is in a range of them.
pub(crate) fn holds_any(people: &RoaringTreemap, (min, max): (i64, i64)) -> bool {
    match (PersonId::from_stored(min), PersonId::from_stored(max)) {
        (Some(min), Some(max)) => people.range_cardinality(min.number()..=max.number()) > 0,
        _ => false,
    }
}

fn groups_of(metadata: &ArrowReaderMetadata) -> Option<Vec<Group>> {
    let person = metadata.schema().index_of("person").ok()?;
    let ts = metadata.schema().index_of("ts").ok()?;
    let groups = metadata.metadata().row_groups();
    let group = |group: &parquet::file::metadata::RowGroupMetaData| {
        Some(Group {
            people: int_range(group.column(person).statistics())?,
            times: int_range(group.column(ts).statistics())?,
            keys: OnceLock::new(),
        })
    };
    groups.iter().map(group).collect()
}
