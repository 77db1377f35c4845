//! What questions walk over: granted rows of a stretch of people, column by column.
//!
//! Columns are kept for the next question and shared between questions, so that they hold rows of people without a grant as
//! well. These stay in here by construction: a cell is looked at by its [`Row`], and only [`Stretch::people`] makes rows, of
//! granted people. Texts are small numbers into their dictionary; what stands in the dictionary besides, nobody may list.

mod merging;
mod texts;

use crate::error;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, NullArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::{cast, take};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
pub(crate) use merging::{Ordered, Runs};
use policy::Grant;
use spec::{PersonId, Result};
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
pub(crate) use texts::Codes;
pub use texts::Texts;

/// Granted rows of a stretch of people; no other stretch of the same scan holds any of them.
pub struct Stretch {
    people: Arc<[PersonRows]>,
    /// Rows of everybody.
    n_rows: usize,
    times: ScalarBuffer<i64>,
    events: Arc<Texts>,
    properties: Vec<Column>,
    /// Bytes of the column chunks read for it.
    pub bytes: u64,
}

/// The rows of one granted person, in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonRows {
    person: i64,
    start: u32,
    end: u32,
}

/// A row of a granted person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(u32);

/// A column of a stretch.
#[derive(Clone, Debug)]
pub enum Column {
    /// Texts.
    Texts(Arc<Texts>),
    /// Numbers, times and days.
    Numbers(Arc<Numbers>),
    /// Truth values.
    Booleans(BooleanArray),
    /// No file has the column yet.
    Missing,
}

/// Numbers of one type.
#[derive(Debug)]
pub struct Numbers {
    data_type: DataType,
    /// For each row the place of its number among the values, and their number where it has none; without them each row
    /// has its own value.
    codes: Option<Codes>,
    values: Values,
    /// Of rows that have their own values.
    nulls: Option<NullBuffer>,
}

/// Numbers as they are held; decimals of up to 18 digits are whole numbers.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Whole(ScalarBuffer<i64>),
    Decimal(ScalarBuffer<i128>),
    Double(ScalarBuffer<f64>),
    Days(ScalarBuffer<i32>),
}

/// A number, time or day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number, a decimal's mantissa, microseconds or days since 1970.
    Exact(i128),
    /// A number with a point that floats.
    Double(f64),
}

/// Whose rows lie where.
#[derive(Debug, Default)]
pub(crate) struct People {
    numbers: Vec<i64>,
    /// The row after the last of each.
    ends: Vec<u32>,
}

impl PersonRows {
    /// The person's stored number.
    #[inline]
    pub fn person(&self) -> i64 {
        self.person
    }

    /// Their rows.
    #[inline]
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = Row> + use<> {
        (self.start..self.end).map(Row)
    }

    /// The places of their rows.
    #[inline]
    pub fn places(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The n-th of their rows.
    #[inline]
    pub fn row(&self, n: usize) -> Row {
        let row = self.start as usize + n;
        assert!(row < self.end as usize, "the row is another person's");
        Row::at(row)
    }
}

impl Row {
    pub(crate) fn at(place: usize) -> Row {
        Row(u32::try_from(place).expect("there are fewer rows than 2^32"))
    }

    /// Its place among the rows of everybody, below [`Stretch::n_rows`].
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Stretch {
    /// Shared columns of so many rows, of which those of these people are open.
    ///
    /// # Shape
    /// `ts`, `event`, then the properties.
    pub(crate) fn of(people: Arc<[PersonRows]>, n_rows: usize, columns: Vec<Column>, bytes: u64) -> Result<Stretch> {
        let mut columns = columns.into_iter();
        let (Some(Column::Numbers(times)), Some(Column::Texts(events))) = (columns.next(), columns.next()) else {
            return Err(error::events_lack_columns());
        };
        let (None, Values::Whole(times)) = (&times.codes, &times.values) else {
            return Err(error::events_lack_columns());
        };
        Ok(Stretch { people, n_rows, times: times.clone(), events, properties: columns.collect(), bytes })
    }

    /// Without anybody.
    pub(crate) fn empty(n_properties: usize) -> Stretch {
        Stretch {
            people: Arc::from([]),
            n_rows: 0,
            times: ScalarBuffer::default(),
            events: Arc::new(Texts::none()),
            properties: vec![Column::Missing; n_properties],
            bytes: 0,
        }
    }

    /// The granted people who have rows here, ascending.
    #[inline]
    pub fn people(&self) -> &[PersonRows] {
        &self.people
    }

    /// All rows have lower places.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// When a row's event happened, in microseconds since 1970.
    #[inline]
    pub fn time(&self, row: Row) -> i64 {
        self.times[row.index()]
    }

    /// When a person's events happened, in microseconds since 1970; they ascend.
    #[inline]
    pub fn times_of(&self, person: &PersonRows) -> &[i64] {
        &self.times[person.places()]
    }

    /// The names of events.
    #[inline]
    pub fn events(&self) -> &Texts {
        &self.events
    }

    /// How many properties were asked for.
    pub fn n_properties(&self) -> usize {
        self.properties.len()
    }

    /// A property, by its place among those asked for.
    pub fn property(&self, place: usize) -> &Column {
        &self.properties[place]
    }
}

/// The people whom the grant holds; both ascend.
pub(crate) fn granted(people: impl Iterator<Item = PersonRows>, grant: &Grant) -> Arc<[PersonRows]> {
    let mut buckets = grant.people().bitmaps().peekable();
    let is_granted = |rows: &PersonRows| {
        let Some(number) = PersonId::from_stored(rows.person).map(PersonId::number) else { return false };
        // A bitmap of 64 bits is one of 32 bits for each of their upper halves.
        let (bucket, local) = ((number >> 32) as u32, number as u32);
        while buckets.next_if(|(other, _)| *other < bucket).is_some() {}
        buckets.peek().is_some_and(|(other, locals)| *other == bucket && locals.contains(local))
    };
    people.filter(is_granted).collect()
}

/// The people whom the grant holds in a range of stored numbers, both ends included, ascending.
pub(crate) fn granted_within(grant: &Grant, (first, last): (i64, i64)) -> impl Iterator<Item = i64> {
    // No person's number is negative: up to that of nobody there is nobody.
    let last = if first <= last { last.max(-1) } else { -1 };
    let first = first.max(0);
    let (start, end) = ((first >> 32, first as u32), (last >> 32, last as u32));
    let buckets = grant.people().bitmaps().map(|(bucket, locals)| (i64::from(bucket), locals));
    let buckets =
        buckets.skip_while(move |(bucket, _)| *bucket < start.0).take_while(move |(bucket, _)| *bucket <= end.0);
    buckets.flat_map(move |(bucket, locals)| {
        let from = if bucket == start.0 { start.1 } else { 0 };
        let to = if bucket == end.0 { end.1 } else { u32::MAX };
        locals.range(from..=to).map(move |local| bucket << 32 | i64::from(local))
    })
}

impl People {
    pub(crate) fn of(column: &ArrayRef) -> Result<People> {
        let all = column.as_primitive_opt::<Int64Type>().ok_or_else(error::events_lack_columns)?.values();
        let runs = all.chunk_by(|one, other| one == other).map(|run| (run[0], run.len()));
        People::of_runs(runs).ok_or_else(error::events_lack_columns)
    }

    /// People by how many rows each has, in their order.
    pub(crate) fn of_runs(runs: impl Iterator<Item = (i64, usize)>) -> Option<People> {
        let mut people = People { numbers: Vec::new(), ends: Vec::new() };
        let mut end = 0_u32;
        for (number, n_rows) in runs {
            end = end.checked_add(u32::try_from(n_rows).ok()?)?;
            people.numbers.push(number);
            people.ends.push(end);
        }
        Some(people.fitting())
    }

    /// The same without room for more, since it is kept.
    fn fitting(mut self) -> People {
        self.numbers.shrink_to_fit();
        self.ends.shrink_to_fit();
        self
    }

    /// Those in a range of numbers, both ends included.
    pub(crate) fn all_within(&self, people: (i64, i64)) -> impl Iterator<Item = PersonRows> {
        let start = |place: usize| place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.within(people).map(move |place| PersonRows {
            person: self.numbers[place],
            start: start(place),
            end: self.ends[place],
        })
    }

    /// The places of people in a range of numbers, both ends included.
    pub(crate) fn within(&self, (first, last): (i64, i64)) -> Range<usize> {
        self.numbers.partition_point(|person| *person < first)..self.numbers.partition_point(|person| *person <= last)
    }

    /// The rows of the person at a place.
    fn rows_of(&self, place: usize) -> Range<u32> {
        place.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[place]
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.numbers.len() * 12
    }
}

impl Column {
    pub(crate) fn of(array: &ArrayRef) -> Result<Column> {
        Ok(match array.data_type() {
            DataType::Null => Column::Missing,
            DataType::Dictionary(_, _) => Column::Texts(Arc::new(Texts::of(array.as_dictionary::<Int32Type>()))),
            DataType::Utf8 => {
                let coded =
                    cast(array, &dictionary()).map_err(|cause| error::bug("cannot code texts", Box::new(cause)))?;
                Column::of(&coded)?
            }
            DataType::Boolean => Column::Booleans(array.as_boolean().clone()),
            _ => Column::Numbers(Arc::new(Numbers::of(array)?)),
        })
    }

    /// The type of arrays of it; Null for one that no file has.
    pub fn data_type(&self) -> DataType {
        match self {
            Column::Texts(_) => dictionary(),
            Column::Numbers(numbers) => numbers.data_type().clone(),
            Column::Booleans(_) => DataType::Boolean,
            Column::Missing => DataType::Null,
        }
    }

    /// Some rows as an array of the column's type; no row is a missing value.
    pub fn array(&self, rows: impl Iterator<Item = Option<Row>>) -> Result<ArrayRef> {
        let values: &dyn Array = match self {
            Column::Missing => return Ok(Arc::new(NullArray::new(rows.count()))),
            Column::Texts(texts) => return texts.array(rows),
            Column::Numbers(numbers) => return numbers.picked(&places_of(rows)),
            Column::Booleans(values) => values,
        };
        take(values, &places_of(rows), None).map_err(|cause| error::bug("cannot pick rows", Box::new(cause)))
    }

    /// Brings what rows hold near the processor, many at once: whoever then looks at one after the other waits for none.
    pub fn read_ahead(&self, rows: &[Row]) {
        match self {
            Column::Texts(texts) => look_at(rows, |row| texts.code(row) as u64),
            Column::Numbers(numbers) => numbers.read_ahead(rows),
            Column::Booleans(_) | Column::Missing => {}
        }
    }

    pub(crate) fn n_bytes(&self) -> usize {
        match self {
            Column::Missing => 0,
            Column::Texts(texts) => texts.n_bytes(),
            Column::Numbers(numbers) => numbers.n_bytes(),
            Column::Booleans(values) => values.get_array_memory_size(),
        }
    }
}

/// Looks at the bits of rows for nothing but that they are near the processor afterwards.
fn look_at(rows: &[Row], bits: impl Fn(Row) -> u64) {
    black_box(rows.iter().fold(0, |all, row| all ^ bits(*row)));
}

fn places_of(rows: impl Iterator<Item = Option<Row>>) -> UInt32Array {
    rows.map(|row| row.map(|row| row.0)).collect()
}

pub(crate) fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

impl Numbers {
    /// Looks at a column of numbers.
    ///
    /// # Errors
    /// A fault for one that has none.
    pub fn of(array: &ArrayRef) -> Result<Numbers> {
        let values = match array.data_type() {
            DataType::Int64 => Values::Whole(array.as_primitive::<Int64Type>().values().clone()),
            DataType::Decimal128(_, _) => Values::of_decimals(array.as_primitive::<Decimal128Type>().values()),
            DataType::Float64 => Values::Double(array.as_primitive::<Float64Type>().values().clone()),
            DataType::Timestamp(_, _) => {
                Values::Whole(array.as_primitive::<TimestampMicrosecondType>().values().clone())
            }
            DataType::Date32 => Values::Days(array.as_primitive::<Date32Type>().values().clone()),
            _ => return Err(error::events_lack_columns()),
        };
        Ok(Numbers::new(array.data_type().clone(), None, values, array.nulls().cloned()))
    }

    /// Numbers of a type.
    pub(crate) fn new(data_type: DataType, codes: Option<Codes>, values: Values, nulls: Option<NullBuffer>) -> Numbers {
        Numbers { data_type, codes, values, nulls: nulls.filter(|nulls| nulls.null_count() > 0) }
    }

    /// All rows in the column's type.
    fn whole(&self) -> Result<ArrayRef> {
        match &self.codes {
            None => Ok(self.typed(&self.held())),
            Some(codes) => self.picked(&UInt32Array::from_iter_values((0..).take(codes.len()))),
        }
    }

    /// Some rows in the column's type.
    fn picked(&self, places: &UInt32Array) -> Result<ArrayRef> {
        let picked = match &self.codes {
            None => take(&self.held(), places, None),
            Some(_) => {
                let place = |row: Option<u32>| u32::try_from(self.place(Row(row?))?).ok();
                take(&self.held(), &places.iter().map(place).collect::<UInt32Array>(), None)
            }
        };
        Ok(self.typed(&picked.map_err(|cause| error::bug("cannot pick rows", Box::new(cause)))?))
    }

    /// All values as they are held.
    fn held(&self) -> ArrayRef {
        let nulls = self.nulls.clone();
        match &self.values {
            Values::Whole(values) => Arc::new(Int64Array::new(values.clone(), nulls)),
            Values::Decimal(values) => Arc::new(Decimal128Array::new(values.clone(), nulls)),
            Values::Double(values) => Arc::new(Float64Array::new(values.clone(), nulls)),
            Values::Days(values) => Arc::new(Date32Array::new(values.clone(), nulls)),
        }
    }

    /// Rows as they are held, in the column's type.
    fn typed(&self, held: &ArrayRef) -> ArrayRef {
        match (&self.data_type, held.data_type()) {
            (DataType::Timestamp(_, zone), _) => {
                let times: TimestampMicrosecondArray = held.as_primitive::<Int64Type>().reinterpret_cast();
                Arc::new(times.with_timezone_opt(zone.clone()))
            }
            (data_type @ DataType::Decimal128(_, _), DataType::Int64) => {
                let values: Decimal128Array = held.as_primitive::<Int64Type>().unary(i128::from);
                Arc::new(values.with_data_type(data_type.clone()))
            }
            (data_type @ DataType::Decimal128(_, _), _) => {
                Arc::new(held.as_primitive::<Decimal128Type>().clone().with_data_type(data_type.clone()))
            }
            _ => Arc::clone(held),
        }
    }

    fn n_bytes(&self) -> usize {
        let nulls = self.nulls.as_ref().map_or(0, |nulls| nulls.len() / 8);
        nulls
            + self.codes.as_ref().map_or(0, Codes::n_bytes)
            + match &self.values {
                Values::Whole(values) => size_of_val(&**values),
                Values::Decimal(values) => size_of_val(&**values),
                Values::Double(values) => size_of_val(&**values),
                Values::Days(values) => size_of_val(&**values),
            }
    }

    /// The number of a row; `None` where it is missing.
    #[inline]
    pub fn get(&self, row: Row) -> Option<Number> {
        let place = self.place(row)?;
        Some(match &self.values {
            Values::Whole(values) => Number::Exact(values[place].into()),
            Values::Decimal(values) => Number::Exact(values[place]),
            Values::Double(values) => Number::Double(values[place]),
            Values::Days(values) => Number::Exact(values[place].into()),
        })
    }

    /// The place of a row's number among the values.
    #[inline]
    fn place(&self, row: Row) -> Option<usize> {
        match &self.codes {
            None => Some(row.index()).filter(|row| self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row))),
            Some(codes) => Some(codes.get(row)).filter(|code| *code < self.values.len()),
        }
    }

    fn read_ahead(&self, rows: &[Row]) {
        match (&self.codes, &self.values) {
            (None, values) => look_at(rows, |row| values.low_bits(row.index())),
            (Some(_), _) => look_at(rows, |row| self.place(row).map_or(0, |place| self.values.low_bits(place))),
        }
    }

    /// The type of the column.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Whole(values) => values.len(),
            Values::Decimal(values) => values.len(),
            Values::Double(values) => values.len(),
            Values::Days(values) => values.len(),
        }
    }

    /// Some bits of a value.
    #[inline]
    fn low_bits(&self, place: usize) -> u64 {
        match self {
            Values::Whole(values) => values[place] as u64,
            Values::Decimal(values) => values[place] as u64,
            Values::Double(values) => values[place].to_bits(),
            Values::Days(values) => values[place] as u64,
        }
    }

    fn of_decimals(values: &ScalarBuffer<i128>) -> Values {
        match values.iter().map(|value| i64::try_from(*value)).collect::<std::result::Result<Vec<i64>, _>>() {
            Ok(whole) => Values::Whole(whole.into()),
            Err(_) => Values::Decimal(values.clone()),
        }
    }
}
