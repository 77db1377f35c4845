//! A value of a property, a trait or a cell of an answer.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;
use std::cmp::Ordering;
use std::fmt;

/// The type of a declared property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Unicode text.
    Text,
    /// A 64-bit signed integer.
    Integer,
    /// An IEEE double.
    Number,
    /// An exact decimal with this many digits after the point.
    Decimal {
        /// Digits after the point, 0..=18.
        scale: u8,
    },
    /// True or false.
    Boolean,
    /// An instant in UTC, with microseconds.
    Timestamp,
    /// A calendar day.
    Date,
}

impl ValueType {
    /// The name that people read and that answers carry.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::Text => "text",
            ValueType::Integer => "integer",
            ValueType::Number => "number",
            ValueType::Decimal { .. } => "decimal",
            ValueType::Boolean => "boolean",
            ValueType::Timestamp => "timestamp",
            ValueType::Date => "date",
        }
    }

    /// Whether sums and means of it make sense.
    pub fn is_numeric(self) -> bool {
        matches!(self, ValueType::Integer | ValueType::Number | ValueType::Decimal { .. })
    }
}

/// A value; `Null` is a missing one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Missing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// An IEEE double.
    Number(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text.
    Text(String),
    /// An instant.
    Timestamp(DateTime<Utc>),
    /// A calendar day.
    Date(NaiveDate),
    /// Several values, as a path or a list of ids.
    List(Vec<Value>),
}

impl Value {
    /// Orders two values as rows of an answer are sorted: ascending, null last.
    pub fn compare_for_rows(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
            (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
            (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            (a, b) => a.to_string().cmp(&b.to_string()),
        }
    }
}

/// As JSON: decimals keep their scale as plain numbers, instants are ISO 8601, a number that is not finite is null.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Boolean(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Number(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::Number(_) => serializer.serialize_unit(),
            Value::Decimal(value) => {
                RawValue::from_string(value.to_string()).map_err(S::Error::custom)?.serialize(serializer)
            }
            Value::Text(_) | Value::Timestamp(_) | Value::Date(_) => serializer.collect_str(self),
            Value::List(values) => serializer.collect_seq(values),
        }
    }
}

/// Plain text for a terminal, a CSV cell or a message; nothing for null.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => Ok(()),
            Value::Text(value) => f.write_str(value),
            Value::Number(value) => write!(f, "{value}"),
            Value::Decimal(value) => write!(f, "{value}"),
            Value::List(values) => {
                let texts: Vec<String> = values.iter().map(Value::to_string).collect();
                f.write_str(&texts.join(" > "))
            }
            Value::Timestamp(value) => f.write_str(&value.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Date(value) => write!(f, "{value}"),
        }
    }
}
