//! Groups by breakdown values: small numbers within a part, the values themselves across parts.

use crate::cells::{self, Key};
use crate::error;
use crate::pass;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use spec::{FieldRef, Result};
use std::collections::HashMap;
use std::hash::Hash;

/// The groups of a part's rows.
pub(crate) struct PartGroups<'a> {
    columns: Vec<&'a ArrayRef>,
    /// The group of each row; empty without a breakdown, when all rows are in one.
    codes: Vec<u32>,
    /// All codes are below.
    n_codes: usize,
}

impl<'a> PartGroups<'a> {
    /// Numbers the groups; rows with equal values have equal numbers.
    pub(crate) fn of(batch: &'a RecordBatch, fields: &[FieldRef]) -> Result<PartGroups<'a>> {
        let columns: Vec<&ArrayRef> = fields.iter().map(|field| pass::column(batch, field)).collect::<Result<_>>()?;
        let mut all: Option<(Vec<u32>, usize)> = None;
        for column in &columns {
            let own = codes_of(column)?;
            all = Some(match all {
                None => own,
                Some((codes, _)) => numbered(codes.iter().zip(&own.0).map(|(one, other)| (*one, *other))),
            });
        }
        let (codes, n_codes) = all.unwrap_or((Vec::new(), 1));
        Ok(PartGroups { columns, codes, n_codes })
    }

    /// All groups have lower numbers.
    pub(crate) fn len(&self) -> usize {
        self.n_codes
    }

    /// The number of a row's group.
    #[inline]
    pub(crate) fn of_row(&self, row: usize) -> usize {
        self.codes.get(row).map_or(0, |code| *code as usize)
    }

    /// The values of a row's group.
    pub(crate) fn key(&self, row: usize) -> Result<Key> {
        self.columns.iter().map(|column| cells::value(column, row)).collect::<Result<_>>().map(Key)
    }
}

/// A number for each row's value, and one that is higher than all; a missing value has a number too.
fn codes_of(column: &ArrayRef) -> Result<(Vec<u32>, usize)> {
    // The type of values decides; a missing one is told apart before it is looked at.
    macro_rules! numbered_as {
        ($type:ty, $bits:expr) => {{
            let values = column.as_primitive::<$type>();
            numbered(values.iter().map(|value| value.map($bits)))
        }};
    }
    Ok(match column.data_type() {
        DataType::Null => (vec![0; column.len()], 1),
        DataType::Dictionary(_, _) => {
            // The scan gives dictionaries in which no value stands twice.
            let dictionary = column.as_dictionary::<Int32Type>();
            let n_values = dictionary.values().len();
            let missing = u32::try_from(n_values).map_err(|_| error::bug("a dictionary of too many values"))?;
            let code = |key: Option<usize>| key.and_then(|key| u32::try_from(key).ok()).unwrap_or(missing);
            ((0..dictionary.len()).map(|row| code(dictionary.key(row))).collect(), n_values + 1)
        }
        DataType::Utf8 => numbered(column.as_string::<i32>().iter()),
        DataType::Boolean => numbered(column.as_boolean().iter()),
        DataType::Int64 => numbered_as!(Int64Type, |value| value),
        DataType::Float64 => numbered_as!(Float64Type, f64::to_bits),
        DataType::Decimal128(_, _) => numbered_as!(Decimal128Type, |value| value),
        DataType::Date32 => numbered_as!(Date32Type, |value| value),
        DataType::Timestamp(_, _) => numbered_as!(TimestampMicrosecondType, |value| value),
        other => return Err(error::bug(&format!("a breakdown by a column of the type {other}"))),
    })
}

/// Numbers values in the order in which they first come.
fn numbered<V: Eq + Hash>(values: impl Iterator<Item = V>) -> (Vec<u32>, usize) {
    let mut known: HashMap<V, u32> = HashMap::new();
    let mut number = |value: V| {
        let next = u32::try_from(known.len()).expect("a part has fewer rows than 2^32");
        *known.entry(value).or_insert(next)
    };
    let codes = values.map(&mut number).collect();
    (codes, known.len())
}
