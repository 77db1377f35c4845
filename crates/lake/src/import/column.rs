//! Columns of declared types, built from text; the one place where text becomes a value.

use crate::data_file::timestamp_type;
use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::DataType;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use crate::Datum;
use spec::ValueType;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The days of the years 1 to 9999, since 1970: beyond them a day has no text, and calculations with it no result.
pub(super) const DAYS: RangeInclusive<i32> = -719_162..=2_932_896;
/// The same as times, in microseconds.
pub(super) const MICROS: RangeInclusive<i64> =
    *DAYS.start() as i64 * MICROS_PER_DAY..=(*DAYS.end() as i64 + 1) * MICROS_PER_DAY - 1;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The Arrow type that a declared type is stored as.
pub(crate) fn stored_type(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Text => DataType::Utf8,
        ValueType::Integer => DataType::Int64,
        ValueType::Number => DataType::Float64,
        ValueType::Decimal { scale } => {
            DataType::Decimal128(decimal_precision(scale), i8::try_from(scale).expect("scales are from 0 to 18"))
        }
        ValueType::Boolean => DataType::Boolean,
        ValueType::Timestamp => timestamp_type(),
        ValueType::Date => DataType::Date32,
    }
}

/// The declared type that is stored as an Arrow type.
pub(crate) fn declared_type(stored: &DataType) -> ValueType {
    match stored {
        DataType::Int64 => ValueType::Integer,
        DataType::Float64 => ValueType::Number,
        DataType::Decimal128(_, scale) => ValueType::Decimal { scale: u8::try_from(*scale).unwrap_or_default() },
        DataType::Boolean => ValueType::Boolean,
        DataType::Timestamp(_, _) => ValueType::Timestamp,
        DataType::Date32 => ValueType::Date,
        _ => ValueType::Text,
    }
}

/// What a value of the type looks like, for the reason of a rejection.
pub(super) fn expected(value_type: ValueType) -> String {
    match value_type {
        ValueType::Text => "text in UTF-8".to_owned(),
        ValueType::Integer => "a whole number".to_owned(),
        ValueType::Number => "a number".to_owned(),
        ValueType::Decimal { scale } => format!("a number with at most {scale} digits after the point"),
        ValueType::Boolean => "true or false".to_owned(),
        ValueType::Timestamp => "a time, as 2017-01-31T09:30:00Z".to_owned(),
        ValueType::Date => "a day, as 2017-01-31".to_owned(),
    }
}

/// A column under construction.
pub(crate) enum ColumnBuilder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Decimal(Decimal128Builder, u8),
    Boolean(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Date(Date32Builder),
}

impl ColumnBuilder {
    pub(crate) fn new(value_type: ValueType) -> ColumnBuilder {
        match value_type {
            ValueType::Text => ColumnBuilder::Text(StringBuilder::new()),
            ValueType::Integer => ColumnBuilder::Integer(Int64Builder::new()),
            ValueType::Number => ColumnBuilder::Number(Float64Builder::new()),
            ValueType::Decimal { scale } => {
                let builder = Decimal128Builder::new().with_data_type(stored_type(value_type));
                ColumnBuilder::Decimal(builder, scale)
            }
            ValueType::Boolean => ColumnBuilder::Boolean(BooleanBuilder::new()),
            ValueType::Timestamp => {
                ColumnBuilder::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(stored_type(value_type)))
            }
            ValueType::Date => ColumnBuilder::Date(Date32Builder::new()),
        }
    }

    /// Appends the value that the text stands for; false (and a null) if it stands for none.
    pub(super) fn append(&mut self, text: &str) -> bool {
        match self {
            ColumnBuilder::Text(builder) => {
                builder.append_value(text);
                true
            }
            ColumnBuilder::Integer(builder) => keep(text.parse().ok(), |value| builder.append_option(value)),
            ColumnBuilder::Number(builder) => keep(parse_number(text), |value| builder.append_option(value)),
            ColumnBuilder::Decimal(builder, scale) => {
                keep(parse_decimal(text, *scale), |value| builder.append_option(value))
            }
            ColumnBuilder::Boolean(builder) => keep(parse_boolean(text), |value| builder.append_option(value)),
            ColumnBuilder::Timestamp(builder) => keep(parse_timestamp(text), |value| builder.append_option(value)),
            ColumnBuilder::Date(builder) => keep(parse_date(text), |value| builder.append_option(value)),
        }
    }

    /// Appends a value; false, and nothing appended, if the column cannot hold it exactly.
    pub(crate) fn append_datum(&mut self, datum: &Datum<'_>) -> bool {
        match (self, datum) {
            (ColumnBuilder::Text(builder), Datum::Text(value)) => builder.append_value(value),
            (ColumnBuilder::Integer(builder), Datum::Integer(value)) => builder.append_value(*value),
            (ColumnBuilder::Number(builder), Datum::Number(value)) => builder.append_value(*value),
            (ColumnBuilder::Decimal(builder, to), Datum::Decimal(units, from)) if to == from => {
                builder.append_value(*units);
            }
            (ColumnBuilder::Boolean(builder), Datum::Boolean(value)) => builder.append_value(*value),
            (ColumnBuilder::Timestamp(builder), Datum::Timestamp(micros)) => builder.append_value(*micros),
            (ColumnBuilder::Date(builder), Datum::Date(days)) => builder.append_value(*days),
            _ => return false,
        }
        true
    }

    /// Appends a missing value.
    pub(crate) fn append_null(&mut self) {
        match self {
            ColumnBuilder::Text(builder) => builder.append_null(),
            ColumnBuilder::Integer(builder) => builder.append_null(),
            ColumnBuilder::Number(builder) => builder.append_null(),
            ColumnBuilder::Decimal(builder, _) => builder.append_null(),
            ColumnBuilder::Boolean(builder) => builder.append_null(),
            ColumnBuilder::Timestamp(builder) => builder.append_null(),
            ColumnBuilder::Date(builder) => builder.append_null(),
        }
    }

    /// The column; the builder starts anew.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::Text(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Integer(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Number(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Decimal(builder, _) => Arc::new(builder.finish()),
            ColumnBuilder::Boolean(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Timestamp(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Date(builder) => Arc::new(builder.finish()),
        }
    }
}

/// 18 digits fit eight bytes; larger scales need room before the point too.
pub(super) fn decimal_precision(scale: u8) -> u8 {
    if scale <= 6 { 18 } else { 38 }
}

/// Reads a decimal as its integer of units of the scale; trailing zeros beyond the scale are no digits.
pub(super) fn parse_decimal(text: &str, scale: u8) -> Option<i128> {
    if text.contains(['e', 'E']) {
        let value = rust_decimal::Decimal::from_scientific(text).ok()?;
        return parse_decimal(&value.to_string(), scale);
    }
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && !digits.contains('.'))
        || !all_digits
        || digits == "."
        || fraction.len() > usize::from(scale)
    {
        return None;
    }
    let mut units: i128 = 0;
    let padding = usize::from(scale) - fraction.len();
    for digit in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', padding)) {
        units = units.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    fits(if negative { -units } else { units }, scale)
}

/// The units if they have no more digits than the stored type.
pub(super) fn fits(units: i128, scale: u8) -> Option<i128> {
    let limit = 10i128.pow(u32::from(decimal_precision(scale)));
    (-limit < units && units < limit).then_some(units)
}

/// Reads RFC 3339, or a time without a zone as UTC, or a day as its start; in microseconds.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let in_calendar = |micros: i64| MICROS.contains(&micros).then_some(micros);
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return in_calendar(instant.timestamp_micros());
    }
    let (day, time) = match text.len() {
        10 => (text, "00:00:00"),
        _ => (text.get(..10)?, text.get(10..)?.strip_prefix(['T', ' '])?),
    };
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S%.f").ok()?;
    in_calendar(NaiveDateTime::new(parse_day(day)?, time).and_utc().timestamp_micros())
}

/// Reads a day, in days since 1970.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("the day exists");
    i32::try_from((parse_day(text)? - epoch).num_days()).ok().filter(|days| DAYS.contains(days))
}

pub(super) fn parse_number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

pub(super) fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "TRUE" | "True" => Some(true),
        "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn parse_day(text: &str) -> Option<NaiveDate> {
    // The pattern alone would take `2017-1-31` too, which is not the form that contracts promise.
    if text.len() == 10 { NaiveDate::parse_from_str(text, "%Y-%m-%d").ok() } else { None }
}

fn keep<T>(value: Option<T>, append: impl FnOnce(Option<T>)) -> bool {
    let is_value = value.is_some();
    append(value);
    is_value
}
