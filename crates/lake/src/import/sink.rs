//! Where accepted records of each kind go, and the commit that makes them part of a table.

use super::check::{PURPOSE, STATE, consent_state};
use super::digest::{Keyer, MessageKey};
use super::merge::{self, OldFiles, Plan};
use super::prepare::{Accepted, PERSON_BEFORE, column_of, kept_fields, property_column, trait_column};
use super::sort::Sorter;
use super::{Context, ImportFile};
use crate::data_file::{NewFile, conform, read_files, schema_of, timestamp_type, write_file};
use crate::ledger::PlaceUpdate;
use crate::table::{Table, TableFile};
use crate::vault::Roots;
use crate::{Random, error};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt64Array, new_null_array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use spec::{ConsentState, Object, ObjectKind, PersonId, Result};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The small files of a table that only grows become one when there are this many.
const FILES_BEFORE_FOLDING: usize = 16;
/// Larger files are not small.
const FOLDED_BYTES_MAX: u64 = 4 << 20;

/// Accepted records on their way to their table.
pub(super) enum Sink {
    Events { sorter: Sorter, schema: SchemaRef, roots: Arc<Roots> },
    Traits { batches: Vec<RecordBatch>, schema: SchemaRef, places: BTreeMap<PersonId, PlaceUpdate> },
    Consents { batches: Vec<RecordBatch>, repeats: HashMap<(PersonId, MessageKey), u32> },
}

/// What a commit is to change, and how many records it stores.
pub(crate) struct Planned {
    pub(crate) add: Vec<NewFile>,
    pub(crate) remove: Vec<TableFile>,
    pub(crate) new_columns: Vec<Field>,
    pub(crate) stored: u64,
}

/// The columns of `traits` that rows of files fill besides the traits.
const TRAITS_OF_FILES: usize = 4;

/// The columns of `traits` besides the traits.
pub(crate) fn traits_columns() -> Vec<Field> {
    vec![
        Field::new("person", DataType::Int64, true),
        Field::new("source", DataType::Utf8, true),
        Field::new("ts", timestamp_type(), true),
        Field::new("digest", DataType::Binary, true),
        // Whether nobody but a public key vouches for it; missing: it is the whole row of a file.
        Field::new("claimed", DataType::Boolean, true),
        Field::new("seq", DataType::Int64, true),
    ]
}

/// The columns of `consents`.
pub(crate) fn consents_columns() -> Vec<Field> {
    vec![
        Field::new("person", DataType::Int64, true),
        Field::new("purpose", DataType::Utf8, true),
        Field::new("state", DataType::Utf8, true),
        Field::new("ts", timestamp_type(), true),
        Field::new("source", DataType::Utf8, true),
        Field::new("message_key", DataType::Binary, true),
        // How it was given, and which text the person was shown.
        Field::new("signal", DataType::Utf8, true),
        Field::new("text_version", DataType::Utf8, true),
        // The place in the log of what came in a message.
        Field::new("seq", DataType::Int64, true),
    ]
}

impl Sink {
    pub(super) fn new(file: &ImportFile<'_>, context: &Context<'_>) -> Sink {
        let object = file.object;
        match object.kind {
            ObjectKind::Event => {
                let mut fields = vec![
                    Field::new("person", DataType::Int64, true),
                    Field::new("ts", timestamp_type(), true),
                    Field::new("seq", DataType::Int64, true),
                    Field::new("message_key", DataType::Binary, true),
                    Field::new(PERSON_BEFORE, DataType::Int64, true),
                ];
                fields.extend(kept_fields(object).map(|(_, field)| column_of(field, property_column(&field.name))));
                let schema = schema_of(&fields);
                let sorter = Sorter::new(Arc::clone(&schema), &context.temporary, context.memory_bytes_max);
                Sink::Events { sorter, schema, roots: Arc::clone(context.roots) }
            }
            ObjectKind::Traits => {
                let mut fields = traits_columns();
                fields.truncate(TRAITS_OF_FILES);
                fields.extend(kept_fields(object).map(|(_, field)| column_of(field, trait_column(&field.name))));
                Sink::Traits { batches: Vec::new(), schema: schema_of(&fields), places: BTreeMap::new() }
            }
            ObjectKind::Consent => Sink::Consents { batches: Vec::new(), repeats: HashMap::new() },
        }
    }

    /// Takes the accepted records of one batch.
    pub(super) fn push(
        &mut self,
        file: &ImportFile<'_>,
        accepted: &Accepted,
        sequence_base: i64,
        keyer: &Keyer,
    ) -> Result<()> {
        let object = file.object;
        let kept = || kept_fields(object).map(|(at, _)| Arc::clone(&accepted.columns[at]));
        match self {
            Sink::Events { sorter, schema, roots } => {
                let place =
                    |row: &u64| sequence_base + i64::try_from(*row).expect("a file has fewer rows than an i64 counts");
                let sequence = Int64Array::from_iter_values(accepted.rows.iter().map(place));
                let [people, before] = accepted.root_columns(roots);
                let head = [people, accepted.time_column(), Arc::new(sequence), accepted.key_column(), before];
                sorter.push(batch(schema, head.into_iter().chain(kept()).collect())?)
            }
            Sink::Traits { batches, schema, places } => {
                let source = repeat(&origin(file), accepted.people.len());
                let head = [accepted.person_column(), source, accepted.time_column(), accepted.key_column()];
                batches.push(batch(schema, head.into_iter().chain(kept()).collect())?);
                note_places(file, accepted, places);
                Ok(())
            }
            Sink::Consents { batches, repeats } => {
                batches.push(statements(file, accepted, repeats, keyer)?);
                Ok(())
            }
        }
    }

    /// Where people live, as far as these records tell.
    pub(super) fn places(&self) -> Option<&BTreeMap<PersonId, PlaceUpdate>> {
        match self {
            Sink::Traits { places, .. } => Some(places),
            _ => None,
        }
    }

    /// Writes the files of the commit to the table.
    pub(super) fn plan(
        self,
        file: &ImportFile<'_>,
        context: &Context<'_>,
        table: &Table,
        keyer: &Keyer,
    ) -> Result<Planned> {
        match self {
            Sink::Events { sorter, .. } => plan_events(sorter, file, context, table, keyer),
            Sink::Traits { batches, schema, .. } => plan_traits(&batches, &schema, context, table),
            Sink::Consents { batches, .. } => plan_consents(&batches, context, table),
        }
    }
}

/// The commit that appends rows to a table that only grows; now and then it folds its small files into one.
pub(crate) fn plan_append(batch: &RecordBatch, random: &dyn Random, table: &Table) -> Result<Planned> {
    let stored = batch.num_rows() as u64;
    if stored == 0 {
        return Ok(Planned { add: Vec::new(), remove: Vec::new(), new_columns: Vec::new(), stored });
    }
    // A table made by an older version may lack a column, and a batch those that others fill.
    let wanted: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let (schema, new_columns) = widened(table, &wanted)?;
    let small: Vec<TableFile> = table.files()?.into_iter().filter(|file| file.size < FOLDED_BYTES_MAX).collect();
    let remove = if small.len() >= FILES_BEFORE_FOLDING { small } else { Vec::new() };
    let paths: Vec<_> = remove.iter().map(|file| table.folder().join(&file.name)).collect();
    let batch = join(&schema, &[read_files(&paths, &schema)?, conform(batch, &schema)?])?;
    let add = vec![write_file(table.folder(), random, &batch)?];
    Ok(Planned { add, remove, new_columns, stored })
}

/// A batch of a schema.
pub(super) fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|cause| error::bug("cannot join columns", Box::new(cause)))
}

/// A column with one text in all rows.
pub(super) fn repeat(text: &str, n_rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, n_rows)))
}

fn plan_events(
    sorter: Sorter,
    file: &ImportFile<'_>,
    context: &Context<'_>,
    table: &Table,
    keyer: &Keyer,
) -> Result<Planned> {
    let mut wanted = super::prepare::event_columns();
    for object in file.declared.iter().copied().chain([file.object]) {
        for (_, field) in kept_fields(object).filter(|_| object.kind == ObjectKind::Event) {
            let column = column_of(field, property_column(&field.name));
            if wanted.iter().all(|known| known.name() != column.name()) || std::ptr::eq(object, file.object) {
                wanted.push(column);
            }
        }
    }
    let (schema, new_columns) = widened(table, &wanted)?;
    let old_bytes: u64 = context.event_files.iter().map(|known| known.file.size).sum();
    let plan = Plan {
        schema,
        folder: table.folder(),
        random: context.random,
        file_bytes: merge::file_bytes(old_bytes + context.input_bytes * 2),
        is_landed: false,
        event: &file.object.name,
        source: file.source,
        keyer: file.object.message_id_column.is_none().then_some(keyer),
    };
    let merged = merge::merge(&plan, sorter.finish(), OldFiles::of(context.event_files))?;
    Ok(Planned { add: merged.add, remove: merged.remove, new_columns, stored: merged.stored })
}

/// One row per person and object: the newer one wins, of the same age the larger digest.
fn plan_traits(batches: &[RecordBatch], schema: &SchemaRef, context: &Context<'_>, table: &Table) -> Result<Planned> {
    let wanted: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    let (schema, new_columns) = widened(table, &wanted)?;
    let files = table.files()?;
    let paths: Vec<_> = files.iter().map(|file| table.folder().join(&file.name)).collect();
    let old = read_files(&paths, &schema)?;
    let n_old = old.num_rows();
    let mut all = vec![old];
    for batch in batches {
        all.push(conform(batch, &schema)?);
    }
    let all = join(&schema, &all)?;
    let winners = newest_traits(&all, n_old);
    let stored = winners.iter().filter(|row| **row >= n_old).count() as u64;
    if stored == 0 {
        return Ok(Planned { add: Vec::new(), remove: Vec::new(), new_columns: Vec::new(), stored });
    }
    let indices = UInt64Array::from_iter_values(winners.iter().map(|row| *row as u64));
    let rows = take_record_batch(&all, &indices).map_err(|cause| error::bug("cannot pick traits", Box::new(cause)))?;
    let add = vec![write_file(table.folder(), context.random, &rows)?];
    Ok(Planned { add, remove: files, new_columns, stored })
}

/// The rows that count, in order of person and object. A row that says the same as the stored one does not replace it.
///
/// Messages tell single traits, so that none of their rows replaces another: all of them count.
fn newest_traits(all: &RecordBatch, n_old: usize) -> Vec<usize> {
    let people: &Int64Array = all.column(0).as_primitive();
    let sources: &StringArray = all.column(1).as_string();
    let times = all.column(2).as_primitive::<TimestampMicrosecondType>();
    let digests = all.column(3).as_binary::<i32>();
    let claimed = all.column_by_name("claimed");
    let is_of_message = |row: usize| claimed.is_some_and(|claimed| claimed.is_valid(row));
    let mut newest: BTreeMap<(i64, &str, &[u8]), usize> = BTreeMap::new();
    for row in 0..all.num_rows() {
        let apart: &[u8] = if is_of_message(row) { digests.value(row) } else { &[] };
        let best = newest.entry((people.value(row), sources.value(row), apart)).or_insert(row);
        let is_same = digests.value(*best) == digests.value(row) && *best < n_old;
        let is_newer = (times.value(row), digests.value(row)) > (times.value(*best), digests.value(*best));
        if is_newer && !is_same {
            *best = row;
        }
    }
    newest.into_values().collect()
}

fn plan_consents(batches: &[RecordBatch], context: &Context<'_>, table: &Table) -> Result<Planned> {
    let schema = schema_of(&consents_columns());
    let paths: Vec<_> = table.files()?.iter().map(|file| table.folder().join(&file.name)).collect();
    let old = read_files(&paths, &schema)?;
    let mut seen: HashSet<(i64, Vec<u8>)> = statement_keys(&old).collect();
    let new = join(&schema, batches)?;
    let fresh = statement_keys(&new).enumerate().filter_map(|(row, key)| seen.insert(key).then_some(row as u64));
    let fresh = UInt64Array::from_iter_values(fresh);
    let rows =
        take_record_batch(&new, &fresh).map_err(|cause| error::bug("cannot pick statements", Box::new(cause)))?;
    plan_append(&rows, context.random, table)
}

fn statement_keys(batch: &RecordBatch) -> impl Iterator<Item = (i64, Vec<u8>)> {
    let people: Int64Array = batch.column(0).as_primitive().clone();
    let keys = batch.column(5).as_binary::<i32>().clone();
    (0..batch.num_rows()).map(move |row| (people.value(row), keys.value(row).to_vec()))
}

fn statements(
    file: &ImportFile<'_>,
    accepted: &Accepted,
    repeats: &mut HashMap<(PersonId, MessageKey), u32>,
    keyer: &Keyer,
) -> Result<RecordBatch> {
    let has_id = file.object.message_id_column.is_some();
    let keys = accepted.people.iter().zip(&accepted.keys).map(|(person, key)| {
        let n_before = repeats.entry((*person, *key)).or_insert(0);
        let key = keyer.nth(key, if has_id { 0 } else { *n_before });
        *n_before += 1;
        key
    });
    let keys = arrow::array::BinaryArray::from_iter_values(keys);
    let purposes = accepted.texts(file.object, PURPOSE).expect("the object was checked to have the column");
    let words = accepted.texts(file.object, STATE).expect("the object was checked to have the column");
    let states = words.iter().map(|word| word.and_then(consent_state).map(ConsentState::name));
    let columns: Vec<ArrayRef> = vec![
        accepted.person_column(),
        Arc::new(purposes.clone()),
        Arc::new(states.collect::<StringArray>()),
        accepted.time_column(),
        repeat(&origin(file), accepted.people.len()),
        Arc::new(keys),
        text_or_null(accepted, file.object, "signal"),
        text_or_null(accepted, file.object, "text_version"),
        new_null_array(&DataType::Int64, accepted.people.len()),
    ];
    batch(&schema_of(&consents_columns()), columns)
}

/// A text column of a file, if the object has one of this name.
fn text_or_null(accepted: &Accepted, object: &Object, name: &str) -> ArrayRef {
    match accepted.texts(object, name) {
        Some(texts) => Arc::new(texts.clone()),
        None => new_null_array(&DataType::Utf8, accepted.people.len()),
    }
}

fn note_places(file: &ImportFile<'_>, accepted: &Accepted, places: &mut BTreeMap<PersonId, PlaceUpdate>) {
    let countries = accepted.texts(file.object, "country");
    let regions = accepted.texts(file.object, "region");
    if countries.is_none() && regions.is_none() {
        return;
    }
    let text = |texts: Option<&StringArray>, row: usize| {
        texts.filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row).to_owned())
    };
    for (row, person) in accepted.people.iter().enumerate() {
        let update = PlaceUpdate {
            at_micros: accepted.times.value(row),
            digest: accepted.keys[row],
            country: text(countries, row),
            region: text(regions, row),
        };
        let known = places.entry(*person).or_insert_with(|| update.clone());
        if (update.at_micros, update.digest) > (known.at_micros, known.digest) {
            *known = update;
        }
    }
}

/// Where a row of `traits` or `consents` comes from.
fn origin(file: &ImportFile<'_>) -> String {
    format!("{}/{}", file.source, file.object.name)
}

/// The table's columns with those it lacks, and these alone.
pub(crate) fn widened(table: &Table, wanted: &[Field]) -> Result<(SchemaRef, Vec<Field>)> {
    let current = table.columns()?;
    let mut new_columns: Vec<Field> = Vec::new();
    for field in wanted {
        let known = current
            .field_with_name(field.name())
            .ok()
            .or_else(|| new_columns.iter().find(|new| new.name() == field.name()));
        match known {
            None => new_columns.push(field.clone()),
            Some(known) if known.data_type() == field.data_type() => {}
            Some(known) => {
                let (stored, declared) = (known.data_type().to_string(), field.data_type().to_string());
                return Err(error::type_changed(&field.name()[2..], &stored, &declared));
            }
        }
    }
    let fields = current.fields().iter().cloned().chain(new_columns.iter().cloned().map(Arc::new));
    Ok((Arc::new(Schema::new(fields.collect::<Vec<_>>())), new_columns))
}

fn join(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    concat_batches(schema, batches).map_err(|cause| error::bug("cannot join batches of one schema", Box::new(cause)))
}
