//! Cells of Arrow columns as values, and the withholding of small groups.

use crate::error;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use spec::{Column, Result, Value, ValueType};
use std::cmp::Ordering;
use std::sync::Arc;

/// What stands for groups that may not be named.
pub(crate) const WITHHELD: &str = "(withheld)";

/// The breakdown values of a group, in the order of rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key(pub(crate) Vec<Value>);

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let orders = self.0.iter().zip(&other.0).map(|(a, b)| a.compare_for_rows(b));
        orders.fold(Ordering::Equal, Ordering::then)
    }
}

/// The value of one cell.
pub(crate) fn value(array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let key = dictionary.key(row).ok_or_else(|| error::bug("a value without a key"))?;
            return value(dictionary.values(), key);
        }
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        DataType::Int64 => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => decimal(array.as_primitive::<Decimal128Type>().value(row), *scale)?,
        DataType::Date32 => date(array.as_primitive::<Date32Type>().value(row))?,
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))?
        }
        other => return Err(error::bug(&format!("a column of the type {other} cannot be shown"))),
    })
}

/// A decimal cell of `mantissa * 10^-scale`.
pub(crate) fn decimal(mantissa: i128, scale: i8) -> Result<Value> {
    let scale = u32::try_from(scale).map_err(|_| error::bug("a decimal with a negative scale"))?;
    Decimal::try_from_i128_with_scale(mantissa, scale)
        .map(Value::Decimal)
        .map_err(|_| error::over_budget("28 digits in one figure", "ask for a shorter period"))
}

/// An instant of microseconds since 1970.
pub(crate) fn timestamp(micros: i64) -> Result<Value> {
    DateTime::from_timestamp_micros(micros)
        .map(Value::Timestamp)
        .ok_or_else(|| error::bug("a time beyond the calendar"))
}

/// A day counted from 1970.
pub(crate) fn date(days: i32) -> Result<Value> {
    let day = NaiveDate::default().checked_add_signed(TimeDelta::days(i64::from(days)));
    day.map(Value::Date).ok_or_else(|| error::bug("a day beyond the calendar"))
}

/// Columns as a batch; rows are counted where there are no columns.
pub(crate) fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, n_rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(error::from_arrow)
}

/// A column of an answer.
pub(crate) fn column(name: &str, value_type: ValueType, unit: Option<&str>) -> Column {
    Column { name: name.to_owned(), value_type: value_type.name(), unit: unit.map(str::to_owned) }
}

/// A count as a cell.
pub(crate) fn count(number: u64) -> Value {
    Value::Integer(i64::try_from(number).expect("a count of stored rows fits 63 bits"))
}

/// Adds the column that says which rows are withheld, if any is.
///
/// # Shape
/// One more column, and one more cell per row, only when at least one row is withheld.
pub(crate) fn mark_withheld(columns: &mut Vec<Column>, rows: Vec<(Vec<Value>, bool)>) -> Vec<Vec<Value>> {
    let any = rows.iter().any(|(_, withheld)| *withheld);
    if any {
        columns.push(column("withheld", ValueType::Boolean, None));
    }
    let mark = |(mut row, withheld): (Vec<Value>, bool)| {
        if any {
            row.push(Value::Boolean(withheld));
        }
        row
    };
    rows.into_iter().map(mark).collect()
}
