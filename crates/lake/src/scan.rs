//! Reading events under a grant: parts by row group, in the order of people and time.
//!
//! Row groups of compacted files end at person borders, so each is a part of its own, together with what landed of its
//! people since. Flow: prune by the statistics of people and times -> decode the columns asked -> drop the rows of people
//! without a grant, of other events and other times. Invariants: no row of a person outside the grant leaves this module,
//! nor a value in a dictionary; a property outside the grant cannot be named.

mod landed;

use crate::data_file::{LANDED, damaged, int_range};
use crate::error;
use crate::hot::{Hot, HotColumns};
use crate::import::{CLAIMED, property_column};
use crate::stretch::{Column, People, Stretch};
use crate::sums::{self, Region};
use crate::table::{Table, TableFile};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, NullArray, RecordBatchOptions, new_null_array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{concat_batches, filter_record_batch, take};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use landed::Landed;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::bloom_filter::Sbbf;
use policy::Grant;
use roaring::RoaringTreemap;
use spec::{FieldRef, Instant, Mask, PersonId, Release, Result};
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// A key of a dictionary that no row has had yet.
const UNUSED: i32 = -1;

/// Which events and properties to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanRequest {
    /// The events; `None`: all.
    pub events: Option<Vec<String>>,
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
    /// What landed of its people since, filtered, with the sequence as last column.
    landed: RecordBatch,
    scan: Arc<Scan>,
}

/// The rows of a part that the grant and the request let through.
#[derive(Clone, Debug)]
pub(crate) struct PartRows {
    /// The rows.
    ///
    /// # Shape
    /// One row per event, in the order (person, time): `person` Int64, `ts` Timestamp(us, UTC), `event`
    /// Dictionary(Int32, Utf8), then the properties by their own name in the order asked (text as Dictionary(Int32,
    /// Utf8)). A property that no table has yet is a column of type Null.
    pub(crate) batch: RecordBatch,
    /// Rows decoded to find them.
    pub(crate) rows_decoded: u64,
    /// Bytes of the column chunks read.
    pub(crate) bytes: u64,
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
    /// Whether the table has moved on without it, so that it goes with its last reader.
    is_replaced: AtomicBool,
}

/// What the statistics say about a row group.
pub(crate) struct Group {
    pub(crate) people: (i64, i64),
    times: (i64, i64),
    /// Says of a message key that it is not in the group; read at first use.
    pub(crate) keys: OnceLock<Option<Sbbf>>,
    /// Its bytes and their sum, and whether they were held against each other.
    region: Option<Region>,
    is_checked: AtomicBool,
}

/// What all parts of a scan share.
pub(crate) struct Scan {
    grant: Grant,
    events: Option<Vec<String>>,
    from_micros: i64,
    to_micros: i64,
    /// The columns of the result, by their own name.
    schema: SchemaRef,
    /// The same with the sequence behind them.
    schema_with_sequence: SchemaRef,
    /// Their names in files, the sequence last.
    columns: Vec<String>,
    /// Whether rows that nobody vouches for stay out: they may be counted, but nobody gets onto a list by them.
    only_vouched: bool,
    hot: Arc<HotColumns>,
    /// The columns' names in files, as they are kept.
    hot_names: Vec<Arc<str>>,
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
            metadata,
            is_replaced: AtomicBool::new(false),
        })
    }

    /// Whether it was landed and not compacted yet: its people are in other files too.
    pub(crate) fn is_landed(&self) -> bool {
        self.file.name.starts_with(LANDED)
    }

    /// Decodes columns of a row group, which are given by their places in the file.
    pub(crate) fn decode(&self, group: usize, columns: Vec<usize>) -> Result<RecordBatch> {
        let broken = |cause| damaged(&self.path, Box::new(cause));
        let file = File::open(&self.path).map_err(|cause| error::io("open", &self.path, cause))?;
        self.check(&file, group)?;
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

    /// Holds a row group against its sum, once.
    pub(crate) fn check(&self, file: &File, group: usize) -> Result<()> {
        let group = &self.groups[group];
        if let Some(region) = group.region.filter(|_| !group.is_checked.load(Ordering::Relaxed)) {
            sums::check_region(file, &self.path, region)?;
            group.is_checked.store(true, Ordering::Relaxed);
        }
        Ok(())
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
pub(crate) fn parts(files: &[Arc<EventFile>], landed: &[Arc<EventFile>], scan: Scan) -> Result<Vec<ScanPart>> {
    let scan = Arc::new(scan);
    let mut landed = Landed::read(landed, &scan)?;
    let part = |stored, landed| ScanPart { stored, landed, scan: Arc::clone(&scan) };
    let mut parts = Vec::new();
    for file in files {
        for (index, group) in file.groups.iter().enumerate().filter(|(_, group)| scan.may_hold_rows(group)) {
            parts
                .extend(landed.pieces_up_to(group.people.0.saturating_sub(1)).into_iter().map(|rows| part(None, rows)));
            parts.push(part(Some((Arc::clone(file), index)), landed.up_to(group.people.1)));
        }
    }
    parts.extend(landed.pieces_up_to(i64::MAX).into_iter().map(|rows| part(None, rows)));
    Ok(parts)
}

impl ScanPart {
    /// Reads the part. Rows of other events and times may be in it: what is kept for the next question holds all of them.
    pub fn stretch(&self) -> Result<Stretch> {
        match &self.stored {
            // Landed rows come between the others, and rows that nobody vouches for are left out one by one.
            Some((file, group)) if self.landed.num_rows() == 0 && !self.scan.only_vouched => {
                self.scan.shared(file, *group)
            }
            _ => {
                let rows = self.read()?;
                Stretch::of_granted(&rows.batch, rows.rows_decoded, rows.bytes)
            }
        }
    }

    /// Reads and filters the part.
    pub(crate) fn read(&self) -> Result<PartRows> {
        let n_landed = self.landed.num_rows();
        let Some((file, group)) = &self.stored else {
            return Ok(PartRows { batch: self.scan.finished(&self.landed)?, rows_decoded: n_landed as u64, bytes: 0 });
        };
        let (rows, n_decoded, bytes) = self.scan.read_group(file, *group, n_landed > 0)?;
        let batch = if n_landed == 0 { rows } else { self.scan.finished(&landed::merged(&rows, &self.landed)?)? };
        Ok(PartRows { batch, rows_decoded: (n_decoded + n_landed) as u64, bytes })
    }
}

impl Scan {
    fn may_hold_rows(&self, group: &Group) -> bool {
        let is_in_time = group.times.1 >= self.from_micros && group.times.0 < self.to_micros;
        is_in_time && holds_any(self.grant.people(), group.people)
    }

    /// A row group's columns, decoded or as they were kept, with the granted people's rows open.
    fn shared(&self, file: &EventFile, group: usize) -> Result<Stretch> {
        let mut found = self.hot.get(&file.name, group, &self.hot_names);
        let lacking: Vec<usize> = (0..found.len()).filter(|column| found[*column].is_none()).collect();
        let root_of = |column: &usize| file.metadata.schema().index_of(&self.hot_names[*column]).ok();
        let roots: Vec<usize> = lacking.iter().filter_map(root_of).collect();
        let group_metadata = file.metadata.metadata().row_group(group);
        let bytes: i64 = roots.iter().map(|root| group_metadata.column(*root).compressed_size()).sum();
        let decoded = if roots.is_empty() { None } else { Some(file.decode(group, roots)?) };
        for column in lacking {
            let name = &self.hot_names[column];
            let array = decoded.as_ref().and_then(|decoded| decoded.column_by_name(name));
            let hot = match (column, array) {
                (0, Some(people)) => Hot::People(Arc::new(People::of(people)?)),
                (_, Some(array)) => Hot::Column(Column::of(array)?),
                (_, None) => Hot::Column(Column::Missing),
            };
            self.hot.keep((Arc::clone(&file.name), group, Arc::clone(name)), &hot);
            found[column] = Some(hot);
        }
        let mut found = found.into_iter().flatten();
        let Some(Hot::People(people)) = found.next() else { return Err(error::events_lack_columns()) };
        let columns = found.map(|hot| match hot {
            Hot::Column(column) => Ok(column),
            Hot::People(_) => Err(error::events_lack_columns()),
        });
        let n_rows = u64::try_from(group_metadata.num_rows()).unwrap_or(0);
        let cost = (n_rows, u64::try_from(bytes).unwrap_or(0));
        Stretch::of_shared(&people, columns.collect::<Result<_>>()?, cost, &self.grant)
    }

    /// The rows of a group that pass, how many were decoded, and the bytes of their columns.
    fn read_group(&self, file: &EventFile, group: usize, with_sequence: bool) -> Result<(RecordBatch, usize, u64)> {
        let (columns, schema) = if with_sequence {
            (self.columns.as_slice(), &self.schema_with_sequence)
        } else {
            (&self.columns[..self.columns.len() - 1], &self.schema)
        };
        let group_metadata = file.metadata.metadata().row_group(group);
        let file_schema = file.metadata.schema();
        let claimed = self.only_vouched.then_some(CLAIMED);
        let names = columns.iter().map(String::as_str).chain(claimed);
        let roots: Vec<usize> = names.filter_map(|name| file_schema.index_of(name).ok()).collect();
        // Every column of events is flat, so that roots and leaves are the same.
        let bytes: i64 = roots.iter().map(|root| group_metadata.column(*root).compressed_size()).sum();
        let decoded = file.decode(group, roots)?;
        let passed = self.let_through(&decoded, file.groups[group].times, columns, schema)?;
        Ok((passed, decoded.num_rows(), u64::try_from(bytes).unwrap_or(0)))
    }

    /// The rows that the grant and the request let through, in the columns asked.
    fn let_through(
        &self,
        decoded: &RecordBatch,
        times: (i64, i64),
        names: &[String],
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let n_rows = decoded.num_rows();
        let columns: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .zip(names)
            .map(|(field, name)| match decoded.column_by_name(name) {
                Some(column) => Arc::clone(column),
                None if *field.data_type() == DataType::Null => Arc::new(NullArray::new(n_rows)),
                None => new_null_array(field.data_type(), n_rows),
            })
            .collect();
        let rows = with_rows(schema, columns, n_rows)?;
        let claimed = decoded.column_by_name(CLAIMED).filter(|_| self.only_vouched).map(|column| column.as_boolean());
        let Some(mask) = self.mask(&rows, times, claimed) else { return Ok(rows) };
        let passed = filter_record_batch(&rows, &mask);
        let passed = passed.map_err(|cause| error::bug("cannot filter events", Box::new(cause)))?;
        let columns: Result<Vec<ArrayRef>> = passed.columns().iter().map(forget_unused_values).collect();
        with_rows(schema, columns?, passed.num_rows())
    }

    /// Rows with their sequence as rows without it, and with dictionaries of their own.
    fn finished(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let kept = &rows.columns()[..rows.num_columns() - 1];
        let columns: Result<Vec<ArrayRef>> = kept.iter().map(forget_unused_values).collect();
        with_rows(&self.schema, columns?, rows.num_rows())
    }

    /// Which rows pass; `None`: all of them. `times` are the first and the last.
    fn mask(&self, rows: &RecordBatch, times: (i64, i64), claimed: Option<&BooleanArray>) -> Option<BooleanArray> {
        let people = rows.column(0).as_primitive::<Int64Type>().values();
        let mut passes = vec![true; people.len()];
        let mut start = 0;
        for run in people.chunk_by(|a, b| a == b) {
            // Rows of one person lie together: the grant is asked once for all of them.
            if !PersonId::from_stored(run[0]).is_some_and(|person| self.grant.allows(person)) {
                passes[start..start + run.len()].fill(false);
            }
            start += run.len();
        }
        let events = rows.column(2).as_dictionary::<Int32Type>();
        if let Some(wanted) = &self.events {
            let names = events.values().as_string::<i32>().iter();
            let is_wanted: Vec<bool> =
                names.map(|name| wanted.iter().any(|event| Some(event.as_str()) == name)).collect();
            for (passes, key) in passes.iter_mut().zip(events.keys().values()) {
                *passes &= usize::try_from(*key).is_ok_and(|key| is_wanted.get(key) == Some(&true));
            }
        }
        if times.0 < self.from_micros || times.1 >= self.to_micros {
            let times = rows.column(1).as_primitive::<TimestampMicrosecondType>().values();
            for (passes, at) in passes.iter_mut().zip(times) {
                *passes &= self.from_micros <= *at && *at < self.to_micros;
            }
        }
        if let Some(claimed) = claimed {
            let is_claimed = |row: usize| claimed.is_valid(row) && claimed.value(row);
            passes.iter_mut().enumerate().for_each(|(row, passes)| *passes &= !is_claimed(row));
        }
        let mask = BooleanBuffer::collect_bool(passes.len(), |row| passes[row]);
        (mask.count_set_bits() < people.len()).then(|| BooleanArray::new(mask, None))
    }
}

fn with_rows(schema: &SchemaRef, columns: Vec<ArrayRef>, n_rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|cause| error::bug("an event has a column of another type", Box::new(cause)))
}

/// A dictionary with the values of its rows alone, each once, in the order of their first rows.
///
/// A filter leaves the dictionary as it is, with values and an order that come from rows which were withheld; merging leaves
/// values that stand twice.
fn forget_unused_values(column: &ArrayRef) -> Result<ArrayRef> {
    let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() else { return Ok(Arc::clone(column)) };
    let values = dictionary.values().as_string::<i32>();
    let mut new_keys: Vec<i32> = vec![UNUSED; values.len()];
    let mut known: HashMap<&str, i32> = HashMap::new();
    let mut used: Vec<i32> = Vec::new();
    let mut rename = |key: i32| {
        let old = usize::try_from(key).expect("a row that has a value has its key");
        if new_keys[old] == UNUSED {
            new_keys[old] = *known.entry(values.value(old)).or_insert_with(|| {
                used.push(key);
                i32::try_from(used.len() - 1).expect("there are fewer values than keys")
            });
        }
        new_keys[old]
    };
    let keys = dictionary.keys();
    let renamed: Vec<i32> = match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => keys.values().iter().map(|key| rename(*key)).collect(),
        Some(nulls) => {
            let rows = keys.values().iter().zip(nulls.iter());
            rows.map(|(key, is_there)| if is_there { rename(*key) } else { 0 }).collect()
        }
    };
    let bug = |cause| error::bug("cannot shorten a dictionary", Box::new(cause));
    let values = take(dictionary.values(), &Int32Array::from(used), None).map_err(bug)?;
    let keys = Int32Array::new(renamed.into(), keys.nulls().cloned());
    Ok(Arc::new(DictionaryArray::try_new(keys, values).map_err(bug)?))
}

/// What a grant and a request come to.
///
/// # Errors
/// Denied for a property that the grant does not hold.
pub(crate) fn plan(stored: &Schema, grant: &Grant, request: &ScanRequest, hot: &Arc<HotColumns>) -> Result<Scan> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for name in ["person", "ts", "event"] {
        let field =
            stored.field_with_name(name).map_err(|cause| error::bug("events lack a column", Box::new(cause)))?;
        fields.push(as_read(field));
        columns.push(name.to_owned());
    }
    for property in &request.properties {
        // Properties are computed with, never only shown, so that no mask can stand in for one.
        if grant.mask_of(&FieldRef::Property(property.clone())) != Some(Mask::Show) {
            return Err(error::field_not_granted(&format!("event.{property}"), grant.purpose()));
        }
        let column = property_column(property);
        let field = match stored.field_with_name(&column) {
            Ok(field) => as_read(field).with_name(property),
            Err(_) => Field::new(property, DataType::Null, true),
        };
        fields.push(field);
        columns.push(column);
    }
    let schema = Arc::new(Schema::new(fields.clone()));
    let hot_names = columns.iter().map(|name| Arc::from(name.as_str())).collect();
    fields.push(Field::new("seq", DataType::Int64, true));
    columns.push("seq".to_owned());
    let micros = |at: Option<Instant>, otherwise: i64| at.map_or(otherwise, |at| at.timestamp_micros());
    Ok(Scan {
        grant: grant.clone(),
        events: request.events.clone(),
        from_micros: micros(request.from, i64::MIN),
        to_micros: micros(request.to, i64::MAX),
        schema,
        schema_with_sequence: Arc::new(Schema::new(fields)),
        columns,
        only_vouched: grant.release() >= Release::List,
        hot: Arc::clone(hot),
        hot_names,
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
    let regions = sums::regions(metadata.metadata());
    let regions = Some(regions).filter(|regions| regions.len() == groups.len());
    let group = |(index, group): (usize, &parquet::file::metadata::RowGroupMetaData)| {
        Some(Group {
            people: int_range(group.column(person).statistics())?,
            times: int_range(group.column(ts).statistics())?,
            keys: OnceLock::new(),
            region: regions.as_ref().map(|regions| regions[index]),
            is_checked: AtomicBool::new(false),
        })
    };
    groups.iter().enumerate().map(group).collect()
}
