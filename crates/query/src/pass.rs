//! The pass: granted rows in the order of people and time, part by part, on all cores.
//!
//! A part is a stretch of people that no other part has, so every fold over people is a fold over parts. Rows of other
//! events and times than asked for may be in a part: the scan leaves out row groups, folds look at what they count.

use crate::error;
use crate::forecast::Forecast;
use crate::plan::Limits;
use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::datatypes::{DataType, TimeUnit};
use lake::{Column, MadeOf, PersonRows, Piece, Reading, Row, ScanPart, ScanRequest, Snapshot, Stretch, Texts, Traits};
use policy::Grant;
use spec::{Condition, EventSelector, FieldRef, Instant, Result, Term, ValueType};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

mod filter;

pub(crate) use filter::Filter;

/// Of more values nobody counts how many there are without looking at rows.
const VALUES_MAX: usize = 10_000;

/// The fields that a question needs from the pass.
#[derive(Default)]
pub(crate) struct Wanted {
    fields: BTreeSet<FieldRef>,
}

/// A readable pass.
pub(crate) struct Pass {
    parts: Vec<ScanPart>,
    /// The properties of parts, in their order.
    properties: Vec<(FieldRef, DataType)>,
    traits: Traits,
    rows: AtomicU64,
    bytes: AtomicU64,
}

/// A part of a pass.
pub(crate) struct Part<'p> {
    stretch: Stretch,
    pass: &'p Pass,
    /// For each of the stretch's people the row of their traits.
    trait_rows: Vec<Option<Row>>,
}

/// A field of a part's rows.
pub(crate) enum Values<'p> {
    /// One for each row.
    Property(&'p Column),
    /// One for each of the people, at these rows.
    Trait(&'p Column, &'p [Option<Row>]),
}

impl Wanted {
    /// Wants this field.
    pub(crate) fn field(&mut self, field: &FieldRef) {
        self.fields.insert(field.clone());
    }

    /// Wants this event property.
    pub(crate) fn property(&mut self, name: &str) {
        self.fields.insert(FieldRef::Property(name.to_owned()));
    }

    /// What is wanted, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &FieldRef> {
        self.fields.iter()
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
        let (mut properties, mut traits) = (Vec::new(), Vec::new());
        for field in &wanted.fields {
            match field {
                FieldRef::Property(name) => {
                    let value_type = types.get(name);
                    let value_type = value_type.ok_or_else(|| error::bug("a property without a type was asked for"))?;
                    properties.push((field.clone(), arrow_type(*value_type)));
                }
                FieldRef::Trait(name) => traits.push(name.clone()),
            }
        }
        let names = properties.iter().map(|(FieldRef::Property(name) | FieldRef::Trait(name), _)| name.clone());
        let request = ScanRequest { properties: names.collect(), from, to };
        Ok(Pass {
            traits: snapshot.traits(grant, &traits)?,
            parts: snapshot.scan_events(grant, &request)?,
            properties,
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })
    }

    /// What reading it takes.
    pub(crate) fn reading(&self) -> Result<Forecast> {
        (0..self.len()).try_fold(Forecast::default(), |all, part| Ok(all.and(self.reading_of(part)?)))
    }

    /// What reading one part takes.
    pub(crate) fn reading_of(&self, part: usize) -> Result<Forecast> {
        let Reading { rows, bytes, bytes_stored } = self.parts[part].reading()?;
        Ok(Forecast { rows, bytes, bytes_stored, is_bounded: false })
    }

    /// That properties are stored as they are declared, in every part.
    pub(crate) fn check_stored_types(&self) -> Result<()> {
        for (place, (field, declared)) in self.properties.iter().enumerate() {
            let types = self.parts.iter().flat_map(|part| part.stored_types(place));
            if let Some(stored) = types.into_iter().find(|stored| stored != declared) {
                let (FieldRef::Property(name) | FieldRef::Trait(name)) = field;
                return Err(error::stored_otherwise(name, &stored, declared));
            }
        }
        Ok(())
    }

    /// There are no more groups by the values of these fields, if so much is known without reading.
    pub(crate) fn groups_max(&self, fields: &[FieldRef]) -> Option<usize> {
        let n_values = |field: &FieldRef| match field {
            FieldRef::Property(_) => self.values_max(self.place(field)?),
            FieldRef::Trait(name) => values_of(&[self.traits.column(name)?.clone()]).map(|values| values.len()),
        };
        // Any of them may be missing.
        fields.iter().map(|field| Some(n_values(field)? + 1)).try_fold(1_usize, |all, own| all.checked_mul(own?))
    }

    /// A property has no more values in all parts together.
    fn values_max(&self, place: usize) -> Option<usize> {
        let mut all: BTreeSet<String> = BTreeSet::new();
        for part in &self.parts {
            all.extend(values_of(&part.kept_property(place)?)?);
            if all.len() > VALUES_MAX {
                return None;
            }
        }
        Some(all.len())
    }

    /// Number of parts.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Rows looked at and bytes read so far.
    pub(crate) fn cost(&self) -> (u64, u64) {
        (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// The traits that were asked for.
    pub(crate) fn traits(&self) -> &Traits {
        &self.traits
    }

    /// The type of a field that was asked for.
    pub(crate) fn type_of(&self, field: &FieldRef) -> Result<DataType> {
        let found = match field {
            FieldRef::Property(_) => self.place(field).map(|place| self.properties[place].1.clone()),
            FieldRef::Trait(name) => self.traits.column(name).map(Column::data_type),
        };
        found.ok_or_else(not_asked)
    }

    fn place(&self, field: &FieldRef) -> Option<usize> {
        self.properties.iter().position(|(known, _)| known == field)
    }

    /// Reads one part.
    pub(crate) fn read(&self, part: usize) -> Result<Part<'_>> {
        self.opened(self.parts[part].stretch()?)
    }

    /// A part's row groups, to be read one by one; none where they have to be read as one.
    pub(crate) fn pieces(&self, part: usize) -> Result<Option<Vec<Piece>>> {
        self.parts[part].pieces()
    }

    /// Visits, on all cores, the pieces that several parts share.
    pub(crate) fn each_shared_piece(
        &self,
        limits: &Limits,
        visit: &(dyn Fn(&Piece) -> Result<()> + Sync),
    ) -> Result<()> {
        let pieces = self.parts.first().map_or_else(|| Ok(Vec::new()), ScanPart::shared_pieces)?;
        on_threads((pieces.len(), usize::MAX), limits, &|_| {}, &|| (), &|(), piece| visit(&pieces[piece]))?;
        Ok(())
    }

    /// Reads the rows of a part that lie in one row group.
    pub(crate) fn read_piece(&self, piece: &Piece) -> Result<Part<'_>> {
        self.opened(piece.stretch()?)
    }

    /// What was kept under this name of everybody in a part, if it is there still.
    pub(crate) fn kept<T: Any + Send + Sync>(
        &self,
        part: usize,
        of: MadeOf,
        name: &Arc<str>,
    ) -> Result<Option<Arc<T>>> {
        self.parts[part].kept(of, name, &self.traits)
    }

    /// Keeps something of so many bytes that was computed of everybody in a part.
    pub(crate) fn keep<T: Any + Send + Sync>(
        &self,
        part: usize,
        of: MadeOf,
        name: &Arc<str>,
        value: (Arc<T>, usize),
    ) -> Result<()> {
        self.parts[part].keep(of, name, &self.traits, value)
    }

    /// The first and the last person who belong to a part, with rows or without.
    pub(crate) fn range(&self, part: usize) -> (i64, i64) {
        let first = part.checked_sub(1).map_or(i64::MIN, |before| self.parts[before].people().1.saturating_add(1));
        (first, self.parts[part].people().1)
    }

    fn opened(&self, stretch: Stretch) -> Result<Part<'_>> {
        self.rows.fetch_add(stretch.n_rows() as u64, Ordering::Relaxed);
        self.bytes.fetch_add(stretch.bytes, Ordering::Relaxed);
        self.check_types(&stretch)?;
        let trait_rows = self.traits.rows_of(stretch.people());
        Ok(Part { stretch, pass: self, trait_rows })
    }

    /// Numbers are computed with as they are declared: they have to be stored so.
    fn check_types(&self, stretch: &Stretch) -> Result<()> {
        for (place, (field, declared)) in self.properties.iter().enumerate() {
            let stored = stretch.property(place).data_type();
            if stored != *declared && stored != DataType::Null {
                let (FieldRef::Property(name) | FieldRef::Trait(name)) = field;
                return Err(error::stored_otherwise(name, &stored, declared));
            }
        }
        Ok(())
    }

    /// Computes something from every part on all cores, by its number; results in the order of parts.
    pub(crate) fn fold<T: Send>(
        &self,
        limits: &Limits,
        per_part: &(dyn Fn(usize) -> Result<T> + Sync),
    ) -> Result<Vec<T>> {
        let add = |done: &mut Vec<(usize, T)>, part: usize| {
            done.push((part, per_part(part)?));
            Ok(())
        };
        let report = |n_done| (limits.report)(n_done, self.len());
        let threads = on_threads((self.len(), usize::MAX), limits, &report, &Vec::new, &add)?;
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
        add: &(dyn Fn(&mut S, &Part<'_>) -> Result<()> + Sync),
    ) -> Result<Vec<S>> {
        let report = |n_done| (limits.report)(n_done, self.len());
        let add = |state: &mut S, part: usize| add(state, &self.read(part)?);
        on_threads((self.len(), n_threads_max), limits, &report, new, &add)
    }
}

/// Gathers from so many things on up to so many threads, by their numbers; one result per thread. After each it reports how
/// many are done.
fn on_threads<S: Send>(
    (n_things, n_threads_max): (usize, usize),
    limits: &Limits,
    report: &(dyn Fn(usize) + Sync),
    new: &(dyn Fn() -> S + Sync),
    add: &(dyn Fn(&mut S, usize) -> Result<()> + Sync),
) -> Result<Vec<S>> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = n_threads.min(n_threads_max).min(n_things).max(1);
    let (next, n_done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || -> Result<S> {
        let mut state = new();
        loop {
            let thing = next.fetch_add(1, Ordering::Relaxed);
            if thing >= n_things {
                return Ok(state);
            }
            if (limits.stop)() {
                return Err(error::stopped());
            }
            if let Err(cause) = add(&mut state, thing) {
                // Nobody needs what the others would find.
                next.store(n_things, Ordering::Relaxed);
                return Err(cause);
            }
            report(n_done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..n_threads).map(|_| scope.spawn(work)).collect();
        let mut results = vec![work()];
        results
            .extend(others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err(error::bug("a pass failed")))));
        results.into_iter().collect()
    })
}

impl Part<'_> {
    /// The granted people who have rows here, ascending.
    pub(crate) fn people(&self) -> &[PersonRows] {
        self.stretch.people()
    }

    /// All rows have lower places.
    pub(crate) fn n_rows(&self) -> usize {
        self.stretch.n_rows()
    }

    /// Rows of all people, in their order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row> {
        self.people().iter().flat_map(PersonRows::rows)
    }

    /// When a row's event happened, in microseconds since 1970.
    #[inline]
    pub(crate) fn time(&self, row: Row) -> i64 {
        self.stretch.time(row)
    }

    /// When a person's events happened; they ascend.
    pub(crate) fn times_of(&self, person: &PersonRows) -> &[i64] {
        self.stretch.times_of(person)
    }

    /// The names of events.
    pub(crate) fn events(&self) -> &Texts {
        self.stretch.events()
    }

    /// For each code of an event the places of the selectors that take it.
    pub(crate) fn takers<'a>(&self, selectors: impl Iterator<Item = &'a EventSelector> + Clone) -> Vec<Vec<usize>> {
        let takes = |selector: &EventSelector, name: &str| match selector {
            EventSelector::Any => true,
            EventSelector::Named(wanted) => wanted == name,
        };
        let places = |name: Option<&str>| {
            // Every event has a name, so that nothing takes the code for none.
            let taken =
                selectors.clone().enumerate().filter(|(_, selector)| name.is_some_and(|name| takes(selector, name)));
            taken.map(|(place, _)| place).collect()
        };
        self.events().values().iter().chain([None]).map(places).collect()
    }

    /// A field that was asked for.
    pub(crate) fn values(&self, field: &FieldRef) -> Result<Values<'_>> {
        match field {
            FieldRef::Property(_) => {
                let place = self.pass.place(field).ok_or_else(not_asked)?;
                Ok(Values::Property(self.stretch.property(place)))
            }
            FieldRef::Trait(name) => {
                let column = self.pass.traits.column(name).ok_or_else(not_asked)?;
                Ok(Values::Trait(column, &self.trait_rows))
            }
        }
    }

    /// A field of all rows as an array; a trait has the value of each row's person.
    fn array(&self, field: &FieldRef, data_type: &DataType) -> Result<ArrayRef> {
        let array = match self.values(field)? {
            Values::Property(column) => column.array(self.rows().map(Some))?,
            Values::Trait(column, rows) => {
                let each = self.people().iter().zip(rows);
                column.array(each.flat_map(|(person, row)| person.rows().map(move |_| *row)))?
            }
        };
        Ok(typed(array, data_type))
    }
}

/// The texts or truth values of columns; numbers may be any.
fn values_of(columns: &[Column]) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for column in columns {
        match column {
            Column::Texts(texts) if texts.values().len() > VALUES_MAX => return None,
            Column::Texts(texts) => all.extend(texts.values().iter().flatten().map(str::to_owned)),
            Column::Booleans(_) => all.extend(["true".to_owned(), "false".to_owned()]),
            Column::Missing => {}
            Column::Numbers(_) => return None,
        }
    }
    Some(all)
}

fn not_asked() -> spec::Error {
    error::bug("a field that was not asked for is used")
}

/// A column with a type; one of a field that no file had yet is null without one.
pub(crate) fn typed(column: ArrayRef, data_type: &DataType) -> ArrayRef {
    let is_untyped = *column.data_type() == DataType::Null;
    if is_untyped { new_null_array(data_type, column.len()) } else { column }
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

/// The name of a field's column.
pub(crate) fn column_name(field: &FieldRef) -> String {
    match field {
        FieldRef::Property(name) => format!("event.{name}"),
        FieldRef::Trait(name) => format!("trait.{name}"),
    }
}
