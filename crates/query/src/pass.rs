//! The pass: granted rows in the order of people and time, part by part, on all cores.
//!
//! A part is a stretch of people that no other part has, so every fold over people is a fold over parts.

use crate::error;
use crate::plan::Limits;
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit};
use lake::{ScanPart, ScanRequest, Snapshot};
use policy::Grant;
use spec::{Condition, EventSelector, FieldRef, Instant, Result, Term, ValueType};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The fields that a question needs from the pass.
pub(crate) struct Wanted {
    /// Names of events; `None` once all are wanted.
    events: Option<BTreeSet<String>>,
    fields: BTreeSet<FieldRef>,
}

/// A readable pass with the schema of its batches.
pub(crate) struct Pass {
    parts: Vec<ScanPart>,
    traits: RecordBatch,
    /// `person`, `ts`, `event`, then `event.p` and `trait.t` columns.
    pub(crate) schema: SchemaRef,
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Wanted {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Wanted { events: Some(BTreeSet::new()), fields: BTreeSet::new() }
    }

    /// All events, no field.
    pub(crate) fn everything() -> Self {
        Wanted { events: None, fields: BTreeSet::new() }
    }

    /// Wants these events.
    pub(crate) fn event(&mut self, selector: &EventSelector) {
        match (selector, &mut self.events) {
            (EventSelector::Named(name), Some(names)) => {
                names.insert(name.clone());
            }
            (EventSelector::Any, events) => *events = None,
            (EventSelector::Named(_), None) => {}
        }
    }

    /// Wants this field.
    pub(crate) fn field(&mut self, field: &FieldRef) {
        self.fields.insert(field.clone());
    }

    /// Wants this event property.
    pub(crate) fn property(&mut self, name: &str) {
        self.fields.insert(FieldRef::Property(name.to_owned()));
    }

    /// Wants every field that a condition on events names; aggregates are not looked into.
    pub(crate) fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| self.condition(part)),
            Condition::Not(inner) => self.condition(inner),
            Condition::Compare { left, right, .. } => {
                self.term(left);
                self.term(right);
            }
            Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => self.term(term),
            Condition::Did(_) | Condition::InAudience(_) => {}
        }
    }

    fn term(&mut self, term: &Term) {
        if let Term::Field(field) = term {
            self.field(field);
        }
    }
}

impl Pass {
    /// Opens a pass over `[from, to)`; what the grant withholds is not in it.
    pub(crate) fn open(
        types: &BTreeMap<String, ValueType>,
        wanted: &Wanted,
        (from, to): (Option<Instant>, Option<Instant>),
        grant: &Grant,
        snapshot: &Snapshot,
    ) -> Result<Pass> {
        let mut properties = Vec::new();
        let mut traits = Vec::new();
        for field in &wanted.fields {
            match field {
                FieldRef::Property(name) => properties.push(name.clone()),
                FieldRef::Trait(name) => traits.push(name.clone()),
            }
        }
        let mut fields = vec![
            Field::new("person", DataType::Int64, false),
            Field::new("ts", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
            Field::new("event", dictionary(), false),
        ];
        for name in &properties {
            let value_type = types.get(name).ok_or_else(|| error::bug("a property without a type was asked for"))?;
            fields.push(Field::new(format!("event.{name}"), arrow_type(*value_type), true));
        }
        let traits = snapshot.traits(grant, &traits)?;
        for field in traits.schema().fields().iter().skip(1) {
            fields.push(Field::new(format!("trait.{}", field.name()), field.data_type().clone(), true));
        }
        let events = wanted.events.as_ref().map(|names| names.iter().cloned().collect());
        let parts = snapshot.scan_events(grant, &ScanRequest { events, properties, from, to })?;
        Ok(Pass {
            parts,
            traits,
            schema: Arc::new(Schema::new(fields)),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })
    }

    /// Number of parts.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Rows decoded and bytes read so far.
    pub(crate) fn cost(&self) -> (u64, u64) {
        (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Reads one part, with the traits of each row's person beside it.
    pub(crate) fn read(&self, part: usize) -> Result<RecordBatch> {
        let rows = self.parts[part].read()?;
        self.rows.fetch_add(rows.rows_decoded, Ordering::Relaxed);
        self.bytes.fetch_add(rows.bytes, Ordering::Relaxed);
        let mut columns = rows.batch.columns().to_vec();
        if self.traits.num_columns() > 1 {
            let indices = trait_rows(rows.batch.column(0).as_primitive(), self.traits.column(0).as_primitive());
            for column in &self.traits.columns()[1..] {
                columns.push(take(column, &indices, None).map_err(error::from_arrow)?);
            }
        }
        let fields = self.schema.fields().iter();
        let columns = columns.iter().zip(fields).map(|(column, field)| typed(column, field.data_type())).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(error::from_arrow)
    }

    /// Computes something from every part on all cores; results in the order of parts.
    pub(crate) fn fold<T: Send>(
        &self,
        limits: &Limits,
        per_part: &(dyn Fn(&RecordBatch) -> Result<T> + Sync),
    ) -> Result<Vec<T>> {
        let add = |done: &mut Vec<(usize, T)>, part: usize, rows: &RecordBatch| {
            done.push((part, per_part(rows)?));
            Ok(())
        };
        let threads = self.on_threads(usize::MAX, limits, &Vec::new, &add)?;
        let mut all: Vec<(usize, T)> = threads.into_iter().flatten().collect();
        all.sort_by_key(|(part, _)| *part);
        Ok(all.into_iter().map(|(_, value)| value).collect())
    }

    /// Gathers from every part on up to so many threads; one result per thread. With one they come in the order of parts.
    pub(crate) fn fold_on<S: Send>(
        &self,
        n_threads_max: usize,
        limits: &Limits,
        new: &(dyn Fn() -> S + Sync),
        add: &(dyn Fn(&mut S, &RecordBatch) -> Result<()> + Sync),
    ) -> Result<Vec<S>> {
        self.on_threads(n_threads_max, limits, new, &|state, _, rows| add(state, rows))
    }

    fn on_threads<S: Send>(
        &self,
        n_threads_max: usize,
        limits: &Limits,
        new: &(dyn Fn() -> S + Sync),
        add: &(dyn Fn(&mut S, usize, &RecordBatch) -> Result<()> + Sync),
    ) -> Result<Vec<S>> {
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        let n_threads = n_threads.min(n_threads_max).min(self.len()).max(1);
        let next = AtomicUsize::new(0);
        let work = || -> Result<S> {
            let mut state = new();
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                if part >= self.len() {
                    return Ok(state);
                }
                if (limits.stop)() {
                    return Err(error::stopped());
                }
                add(&mut state, part, &self.read(part)?)?;
            }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..n_threads).map(|_| scope.spawn(work)).collect();
            let mut results = vec![work()];
            results.extend(
                others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err(error::bug("a pass failed")))),
            );
            results.into_iter().collect()
        })
    }
}

/// A column with a type; one of a field that no file had yet is null without one.
pub(crate) fn typed(column: &ArrayRef, data_type: &DataType) -> ArrayRef {
    let is_untyped = *column.data_type() == DataType::Null;
    if is_untyped { new_null_array(data_type, column.len()) } else { Arc::clone(column) }
}

/// For each row the row of its person's traits, null without any; both lists of people ascend.
fn trait_rows(people: &Int64Array, with_traits: &Int64Array) -> UInt32Array {
    let mut at =
        people.values().first().map_or(0, |first| with_traits.values().partition_point(|person| person < first));
    let row_of = |person: &i64| {
        while with_traits.values().get(at).is_some_and(|other| other < person) {
            at += 1;
        }
        let found = with_traits.values().get(at) == Some(person);
        found.then(|| u32::try_from(at).expect("a batch has fewer rows than 2^32"))
    };
    people.values().iter().map(row_of).collect()
}

/// The Arrow type of a declared type, as the scan gives it.
pub(crate) fn arrow_type(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Text => dictionary(),
        ValueType::Integer => DataType::Int64,
        ValueType::Number => DataType::Float64,
        ValueType::Decimal { scale } => {
            // As the lake stores it: large scales need room before the point too.
            let precision = if scale <= 6 { 18 } else { 38 };
            DataType::Decimal128(precision, i8::try_from(scale).expect("a contract's scale is at most 18"))
        }
        ValueType::Boolean => DataType::Boolean,
        ValueType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ValueType::Date => DataType::Date32,
    }
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// What a table with an entry for each name of an event says of each row.
pub(crate) fn by_event<'a, T: Copy>(batch: &'a RecordBatch, of_name: &'a [T]) -> impl Iterator<Item = T> {
    let keys = batch.column(2).as_dictionary::<Int32Type>().keys().values();
    keys.iter().map(|key| of_name[usize::try_from(*key).expect("every event has a name")])
}

/// For each name of an event the selectors that take it: bit i for the i-th of them, of which there are at most 32.
pub(crate) fn selected<'a>(batch: &RecordBatch, selectors: impl Iterator<Item = &'a EventSelector> + Clone) -> Vec<u32> {
    let takes = |selector: &EventSelector, name: &str| match selector {
        EventSelector::Any => true,
        EventSelector::Named(wanted) => wanted == name,
    };
    let bits = |name: &str| {
        let all = selectors.clone().enumerate();
        all.filter(|(_, selector)| takes(selector, name)).fold(0, |bits, (index, _)| bits | 1 << index)
    };
    event_names(batch).iter().map(|name| name.map_or(0, bits)).collect()
}

fn event_names(batch: &RecordBatch) -> &StringArray {
    batch.column(2).as_dictionary::<Int32Type>().values().as_string()
}

/// Which rows are of the event asked for.
pub(crate) fn event_mask(batch: &RecordBatch, selector: &EventSelector) -> Vec<bool> {
    let is_wanted = selected(batch, std::iter::once(selector));
    by_event(batch, &is_wanted).map(|bits| bits != 0).collect()
}

/// The people column of a batch.
pub(crate) fn people(batch: &RecordBatch) -> &[i64] {
    batch.column(0).as_primitive::<Int64Type>().values()
}

/// The rows of each person of a batch.
pub(crate) fn people_rows(batch: &RecordBatch) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    people(batch).chunk_by(|one, other| one == other).map(move |rows| {
        let start = end;
        end += rows.len();
        start..end
    })
}

/// The time column of a batch, in microseconds since 1970.
pub(crate) fn times(batch: &RecordBatch) -> &[i64] {
    batch.column(1).as_primitive::<arrow::datatypes::TimestampMicrosecondType>().values()
}

/// The column of a field.
pub(crate) fn column<'a>(batch: &'a RecordBatch, field: &FieldRef) -> Result<&'a ArrayRef> {
    batch.column_by_name(&column_name(field)).ok_or_else(|| error::bug("a field that was not asked for is used"))
}

/// The name of a field's column.
pub(crate) fn column_name(field: &FieldRef) -> String {
    match field {
        FieldRef::Property(name) => format!("event.{name}"),
        FieldRef::Trait(name) => format!("trait.{name}"),
    }
}
