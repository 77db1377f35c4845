//! Numbers of columns, row by row: exact ones as whole units of their scale, others as doubles.

use crate::cells;
use crate::error;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use spec::{Result, Value};
use std::cmp::Ordering;

/// A value of a numeric or temporal column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// A whole number, a decimal's mantissa, microseconds or days since 1970.
    Exact(i128),
    Double(f64),
}

impl Number {
    /// The order of two values of one column; of doubles, what is no number comes last.
    pub(crate) fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Exact(one), Number::Exact(other)) => one.cmp(&other),
            (Number::Double(one), Number::Double(other)) => one.total_cmp(&other),
            // One column has one type.
            (Number::Exact(_), Number::Double(_)) => Ordering::Less,
            (Number::Double(_), Number::Exact(_)) => Ordering::Greater,
        }
    }
}

/// A column of numbers or times.
pub(crate) struct Numbers<'a> {
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

enum Values<'a> {
    Whole(&'a [i64]),
    Decimal(&'a [i128]),
    Double(&'a [f64]),
    Days(&'a [i32]),
    /// Nothing but nulls, or what is no number: whether a row has it is all that can be said.
    Other,
}

impl<'a> Numbers<'a> {
    /// Looks at a column.
    pub(crate) fn of(column: &'a ArrayRef) -> Numbers<'a> {
        let values = match column.data_type() {
            DataType::Int64 => Values::Whole(column.as_primitive::<Int64Type>().values()),
            DataType::Decimal128(_, _) => Values::Decimal(column.as_primitive::<Decimal128Type>().values()),
            DataType::Float64 => Values::Double(column.as_primitive::<Float64Type>().values()),
            DataType::Timestamp(_, _) => Values::Whole(column.as_primitive::<TimestampMicrosecondType>().values()),
            DataType::Date32 => Values::Days(column.as_primitive::<Date32Type>().values()),
            _ => Values::Other,
        };
        Numbers { values, nulls: column.nulls() }
    }

    /// The number of a row; `None` where it is missing.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<Number> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        match self.values {
            Values::Whole(values) => Some(Number::Exact(values[row].into())),
            Values::Decimal(values) => Some(Number::Exact(values[row])),
            Values::Double(values) => Some(Number::Double(values[row])),
            Values::Days(values) => Some(Number::Exact(values[row].into())),
            Values::Other => None,
        }
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

fn narrow(value: i128) -> Result<i64> {
    i64::try_from(value).map_err(|_| error::bug("a time beyond the calendar"))
}
