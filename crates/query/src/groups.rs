//! Groups by breakdown values: small numbers within a part, the values themselves across parts.

use crate::cells::{self, Key};
use crate::error;
use crate::number;
use crate::pass::{Part, Values};
use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::row::{RowConverter, SortField};
use lake::{Column, Number, PersonRows, Row, Texts};
use spec::{FieldRef, Result, Value};
use std::collections::HashMap;
use std::hash::Hash;

/// The groups of a part's rows.
pub(crate) struct PartGroups<'a> {
    part: &'a Part<'a>,
    fields: Vec<Values<'a>>,
    codes: Codes<'a>,
    /// All numbers are below.
    n_codes: usize,
    /// Rows of which any value is missing, when several fields make the groups.
    lacking: Vec<bool>,
}

enum Codes<'a> {
    /// All rows are in one group.
    One,
    /// The codes of one text property.
    Texts(&'a Texts),
    /// By the places of rows.
    Numbered(Vec<u32>),
}

impl<'a> PartGroups<'a> {
    /// Numbers the groups; rows with equal values have equal numbers.
    pub(crate) fn of(part: &'a Part<'a>, fields: &[FieldRef]) -> Result<PartGroups<'a>> {
        let fields: Vec<Values<'a>> = fields.iter().map(|field| part.values(field)).collect::<Result<_>>()?;
        let (codes, n_codes, lacking) = match fields.as_slice() {
            [] => (Codes::One, 1, Vec::new()),
            [Values::Property(Column::Texts(texts))] => (Codes::Texts(texts), texts.missing() + 1, Vec::new()),
            several => {
                let mut lacking = vec![false; part.n_rows()];
                let mut all: Option<(Vec<u32>, usize)> = None;
                for values in several {
                    let own = codes_of(part, values, &mut lacking)?;
                    all = Some(match all {
                        None => own,
                        Some((codes, _)) => numbered(part, |row| (codes[row.index()], own.0[row.index()])),
                    });
                }
                let (codes, n_codes) = all.unwrap_or((Vec::new(), 0));
                (Codes::Numbered(codes), n_codes, lacking)
            }
        };
        Ok(PartGroups { part, fields, codes, n_codes, lacking })
    }

    /// All groups have lower numbers.
    pub(crate) fn len(&self) -> usize {
        self.n_codes
    }

    /// The number of a row's group.
    #[inline]
    pub(crate) fn of_row(&self, row: Row) -> usize {
        match &self.codes {
            Codes::One => 0,
            Codes::Texts(texts) => texts.code(row),
            Codes::Numbered(codes) => codes[row.index()] as usize,
        }
    }

    /// Whether any of the row's values is missing.
    pub(crate) fn lacks(&self, row: Row) -> bool {
        match &self.codes {
            Codes::One => false,
            Codes::Texts(texts) => texts.code(row) == texts.missing(),
            Codes::Numbered(_) => self.lacking[row.index()],
        }
    }

    /// The values of a row's group.
    pub(crate) fn key(&self, row: Row) -> Result<Key> {
        self.fields.iter().map(|values| value(self.part, values, row)).collect::<Result<_>>().map(Key)
    }
}

/// The value of one row.
fn value(part: &Part<'_>, values: &Values<'_>, row: Row) -> Result<Value> {
    Ok(match values {
        Values::Property(Column::Missing) => Value::Null,
        Values::Property(Column::Texts(texts)) => {
            texts.text(row).map_or(Value::Null, |text| Value::Text(text.to_owned()))
        }
        Values::Property(Column::Numbers(numbers)) => match numbers.get(row) {
            Some(number) => number::shown(number, numbers.data_type())?,
            None => Value::Null,
        },
        Values::Property(Column::Booleans(values)) => {
            let is_there = values.is_valid(row.index());
            if is_there { Value::Boolean(values.value(row.index())) } else { Value::Null }
        }
        Values::Trait(column, rows) => {
            let person = part.people().partition_point(|person| person.rows().next_back() < Some(row));
            if rows.is_null(person) { Value::Null } else { cells::value(column, rows.value(person) as usize)? }
        }
    })
}

/// A number for each row's value, and one that is higher than all; notes which rows have none.
fn codes_of(part: &Part<'_>, values: &Values<'_>, lacking: &mut [bool]) -> Result<(Vec<u32>, usize)> {
    let mut note = |row: Row, is_missing: bool| lacking[row.index()] |= is_missing;
    Ok(match values {
        Values::Property(Column::Missing) => {
            part.rows().for_each(|row| note(row, true));
            (vec![0; part.n_rows()], 1)
        }
        Values::Property(Column::Texts(texts)) => {
            let mut codes = vec![0; part.n_rows()];
            for row in part.rows() {
                codes[row.index()] = u32::try_from(texts.code(row)).map_err(|_| error::bug("too many texts"))?;
                note(row, texts.code(row) == texts.missing());
            }
            (codes, texts.missing() + 1)
        }
        Values::Property(Column::Numbers(numbers)) => {
            part.rows().for_each(|row| note(row, numbers.get(row).is_none()));
            numbered(part, |row| numbers.get(row).map(bits))
        }
        Values::Property(Column::Booleans(values)) => {
            part.rows().for_each(|row| note(row, values.is_null(row.index())));
            numbered(part, |row| values.is_valid(row.index()).then(|| values.value(row.index())))
        }
        Values::Trait(column, rows) => {
            // Each person's value, then for each row its person's.
            let (of_people, n_codes) = numbered_traits(column, rows)?;
            let mut codes = vec![0; part.n_rows()];
            for (person, code) in part.people().iter().zip(of_people) {
                PersonRows::rows(person).for_each(|row| codes[row.index()] = code);
            }
            (codes, n_codes)
        }
    })
}

/// What tells numbers apart.
fn bits(number: Number) -> (bool, i128) {
    match number {
        Number::Exact(value) => (false, value),
        Number::Double(value) => (true, value.to_bits().into()),
    }
}

/// Numbers the values of rows in the order in which they first come.
fn numbered<V: Eq + Hash>(part: &Part<'_>, value: impl Fn(Row) -> V) -> (Vec<u32>, usize) {
    let mut known: HashMap<V, u32> = HashMap::new();
    let mut codes = vec![0; part.n_rows()];
    for row in part.rows() {
        let next = u32::try_from(known.len()).expect("a part has fewer rows than 2^32");
        codes[row.index()] = *known.entry(value(row)).or_insert(next);
    }
    (codes, known.len())
}

/// The same for the traits of people, given by their rows; a missing one has a number too.
fn numbered_traits(column: &ArrayRef, rows: &UInt32Array) -> Result<(Vec<u32>, usize)> {
    let sort = SortField::new(column.data_type().clone());
    let converter = RowConverter::new(vec![sort]).map_err(error::from_arrow)?;
    let values = converter.convert_columns(std::slice::from_ref(column)).map_err(error::from_arrow)?;
    let nulls = column.logical_nulls();
    let is_missing = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    let mut known: HashMap<Option<Box<[u8]>>, u32> = HashMap::new();
    let mut number = |row: Option<u32>| {
        let value =
            row.map(|row| row as usize).filter(|row| !is_missing(*row)).map(|row| values.row(row).data().into());
        let next = u32::try_from(known.len()).expect("a part has fewer people than 2^32");
        *known.entry(value).or_insert(next)
    };
    let codes = rows.iter().map(&mut number).collect();
    Ok((codes, known.len()))
}
