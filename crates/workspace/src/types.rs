//! Which types go together, and what a constant becomes beside a field.

use crate::question::{day, instant};
use spec::{AggregateFunction, Field, Measure, MeasureAtom, MeasureFunction, Value, ValueType};

/// A message and a hint.
pub(crate) type Complaint = (String, String);

/// The constant as it is compared with values of a type; text becomes an instant or a day where it has to.
pub(crate) fn fit(value: &Value, to: ValueType, beside: &str) -> Result<Value, Complaint> {
    match (value, to) {
        (Value::Text(text), ValueType::Timestamp) => instant(text).map(Value::Timestamp).ok_or_else(|| {
            let message = format!("`{beside}` is a timestamp and `{text}` is none");
            (message, "write it as in `'2017-12-31'` or `'2017-12-31T18:00:00Z'`".into())
        }),
        (Value::Text(text), ValueType::Date) => day(text).map(Value::Date).ok_or_else(|| {
            (format!("`{beside}` is a date and `{text}` is none"), "write it as in `'2017-12-31'`".into())
        }),
        _ if constant_type(value).is_none_or(|from| go_together(from, to)) => Ok(value.clone()),
        _ => {
            let hint = match to {
                ValueType::Text => format!("write it in quotes, as in `'{value}'`"),
                ValueType::Boolean => "compare it with TRUE or FALSE".into(),
                ValueType::Timestamp | ValueType::Date => "write it as in `'2017-12-31'`".into(),
                ValueType::Integer | ValueType::Number | ValueType::Decimal { .. } => {
                    "compare it with a number, without quotes".into()
                }
            };
            Err((format!("`{beside}` is {} and `{value}` is not", phrase(to)), hint))
        }
    }
}

/// A type after "is".
pub(crate) fn phrase(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "text",
        ValueType::Integer => "an integer",
        ValueType::Number => "a number",
        ValueType::Decimal { .. } => "a decimal",
        ValueType::Boolean => "true or false",
        ValueType::Timestamp => "a timestamp",
        ValueType::Date => "a date",
    }
}

/// The type of a constant; null has none.
pub(crate) fn constant_type(value: &Value) -> Option<ValueType> {
    match value {
        Value::Null | Value::List(_) => None,
        Value::Boolean(_) => Some(ValueType::Boolean),
        Value::Integer(_) => Some(ValueType::Integer),
        Value::Number(_) => Some(ValueType::Number),
        Value::Decimal(value) => Some(ValueType::Decimal { scale: u8::try_from(value.scale()).unwrap_or(u8::MAX) }),
        Value::Text(_) => Some(ValueType::Text),
        Value::Timestamp(_) => Some(ValueType::Timestamp),
        Value::Date(_) => Some(ValueType::Date),
    }
}

/// Whether values of the two types can be compared.
pub(crate) fn go_together(a: ValueType, b: ValueType) -> bool {
    a == b || (a.is_numeric() && b.is_numeric())
}

/// The type of an aggregate over a person's events, or why there is none.
pub(crate) fn aggregate_type(function: AggregateFunction, property: Option<&Field>) -> Result<ValueType, Complaint> {
    use AggregateFunction::{Avg, Count, DaysSinceFirst, DaysSinceLast, Max, Min, Sum};
    match (function, property) {
        (Count | DaysSinceLast | DaysSinceFirst, _) | (_, None) => Ok(ValueType::Integer),
        (Sum, Some(field)) => numeric(function.name(), field),
        (Avg, Some(field)) => numeric(function.name(), field).map(|_| ValueType::Number),
        (Min | Max, Some(field)) => ordered(function.name(), field),
    }
}

/// The type of one function of a measure, or why there is none.
pub(crate) fn atom_type(function: MeasureFunction, property: Option<&Field>) -> Result<ValueType, Complaint> {
    use MeasureFunction::{Avg, Count, Max, Min, People, Sum};
    match (function, property) {
        (Count | People, _) | (_, None) => Ok(ValueType::Integer),
        (Sum, Some(field)) => numeric(function.name(), field),
        (Avg, Some(field)) => numeric(function.name(), field).map(|_| ValueType::Number),
        (Min | Max, Some(field)) => ordered(function.name(), field),
    }
}

/// The unit of a measure, as far as it follows from the contract.
pub(crate) fn unit(measure: &Measure, unit_of: &dyn Fn(&MeasureAtom) -> Option<String>) -> Option<String> {
    match measure {
        Measure::Atom(atom) if atom.function == MeasureFunction::People => Some("people".into()),
        Measure::Atom(atom) => unit_of(atom),
        // What a thing costs per person or per piece is still money; any other quotient has a unit of its own.
        Measure::Ratio(top, bottom) if bottom.property.is_none() => unit_of(top),
        Measure::Ratio(..) | Measure::Metric(_) => None,
    }
}

fn numeric(function: &str, field: &Field) -> Result<ValueType, Complaint> {
    if field.value_type.is_numeric() {
        return Ok(field.value_type);
    }
    let message = format!("`{function}` needs a number and `{}` is {}", field.name, phrase(field.value_type));
    Err((message, "use `count` for how often something happened".into()))
}

fn ordered(function: &str, field: &Field) -> Result<ValueType, Complaint> {
    match field.value_type {
        ValueType::Timestamp | ValueType::Date => Ok(field.value_type),
        _ => numeric(function, field),
    }
}
