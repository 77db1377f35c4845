//! Numbers of columns: their order, and how they are shown.

use crate::cells;
use crate::error;
use arrow::datatypes::DataType;
use lake::Number;
use spec::{Result, Value};
use std::cmp::Ordering;

/// The order of two values of one column; of doubles, what is no number comes last.
pub(crate) fn compare(one: Number, other: Number) -> Ordering {
    match (one, other) {
        (Number::Exact(one), Number::Exact(other)) => one.cmp(&other),
        (Number::Double(one), Number::Double(other)) => one.total_cmp(&other),
        // One column has one type.
        (Number::Exact(_), Number::Double(_)) => Ordering::Less,
        (Number::Double(_), Number::Exact(_)) => Ordering::Greater,
    }
}

/// A number of a column of this type as a cell.
pub(crate) fn shown(number: Number, data_type: &DataType) -> Result<Value> {
    Ok(match (number, data_type) {
        (Number::Double(value), _) => Value::Number(value),
        (Number::Exact(value), DataType::Decimal128(_, scale)) => cells::decimal(value, *scale)?,
        (Number::Exact(value), DataType::Timestamp(_, _)) => cells::timestamp(narrow(value)?)?,
        (Number::Exact(value), DataType::Date32) => {
            cells::date(i32::try_from(value).map_err(|_| error::bug("a day beyond the calendar"))?)?
        }
        // A sum of whole numbers has more room than one of them.
        (Number::Exact(value), _) => match i64::try_from(value) {
            Ok(value) => Value::Integer(value),
            Err(_) => cells::decimal(value, 0)?,
        },
    })
}

/// A number as a part of a sum that is only compared: of whole numbers and decimals what they add, of doubles something
/// that adds up in any order and tells short ones apart: the highest bits, into which all bits go.
pub(crate) fn part(number: Number) -> u32 {
    match number {
        Number::Exact(value) => value as u32,
        Number::Double(value) => ((value + 0.0).to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u32,
    }
}

/// A number of any type as a double.
pub(crate) fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Number(value) => Some(*value),
        Value::Decimal(value) => value.to_string().parse().ok(),
        _ => None,
    }
}

fn narrow(value: i128) -> Result<i64> {
    i64::try_from(value).map_err(|_| error::bug("a time beyond the calendar"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_doubles_are_parts_that_differ() {
        let parts: std::collections::BTreeSet<u32> =
            (0..64).map(|n| part(Number::Double(f64::from(n) / 2.0)) & 0xffff).collect();
        assert_eq!(parts.len(), 64, "halves up to 32");
        assert_eq!(part(Number::Double(-0.0)), part(Number::Double(0.0)));
    }
}
