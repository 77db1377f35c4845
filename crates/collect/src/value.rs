//! The value of a declared field from JSON: exactly what was sent, or a word on what was expected.
//!
//! JSON's own types count: `"7"` is no number, and `7` no text. A number is read from its digits; what the declared type
//! cannot hold is refused rather than rounded, but for the nearest double of a fraction.

use crate::json;
use crate::rules::FieldRules;
use crate::time;
use lake::{Datum, IDENTIFIER_BYTES_MAX, date_from_text, decimal_from_text, number_from_text, value_form};
use serde_json::value::RawValue;
use spec::{FieldClass, ValueType};
use std::borrow::Cow;

/// Reads a value; `null` and empty text are none.
///
/// # Errors
/// What the contract expects instead, in plain words.
pub(crate) fn read<'a>(value: &'a RawValue, field: &FieldRules) -> Result<Option<Datum<'a>>, String> {
    if matches!(value.get(), "null" | "\"\"") {
        return Ok(None);
    }
    let datum = match field.value_type {
        ValueType::Text => match json::text_of(value) {
            Some(text) => return check_length(text, field).map(|text| Some(Datum::Text(text))),
            None => None,
        },
        ValueType::Boolean => boolean(value).map(Datum::Boolean),
        ValueType::Timestamp => time::micros(value).map(Datum::Timestamp),
        ValueType::Date => json::text_of(value).and_then(|text| date_from_text(&text)).map(Datum::Date),
        ValueType::Integer => digits(value).and_then(|digits| digits.parse().ok()).map(Datum::Integer),
        ValueType::Number => digits(value).and_then(exact_number).map(Datum::Number),
        ValueType::Decimal { scale } => {
            digits(value).and_then(|digits| decimal_from_text(digits, scale)).map(|units| Datum::Decimal(units, scale))
        }
    };
    datum.map(Some).ok_or_else(|| expected(field.value_type))
}

/// The text if it is as short as the field wants it.
///
/// # Errors
/// What the contract expects instead, in plain words.
pub(crate) fn check_length<'a>(text: Cow<'a, str>, field: &FieldRules) -> Result<Cow<'a, str>, String> {
    if text.len() > field.length_max && text.chars().count() > field.length_max {
        return Err(format!("at most {} characters", field.length_max));
    }
    if field.class == FieldClass::Direct && text.len() > IDENTIFIER_BYTES_MAX {
        return Err(format!("at most {IDENTIFIER_BYTES_MAX} bytes"));
    }
    Ok(text)
}

fn expected(value_type: ValueType) -> String {
    match value_type {
        ValueType::Text => "text".to_owned(),
        other => value_form(other),
    }
}

fn digits(value: &RawValue) -> Option<&str> {
    json::is_number(value).then_some(value.get())
}

fn boolean(value: &RawValue) -> Option<bool> {
    match value.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The double of these digits, unless it would be another whole number, or nothing at all.
fn exact_number(digits: &str) -> Option<f64> {
    let number = number_from_text(digits)?;
    if !digits.contains(['.', 'e', 'E']) {
        let whole: i128 = digits.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "a double near a 128-bit integer is within its range")]
        let kept = number as i128;
        return (kept == whole).then_some(number);
    }
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let is_nothing = number == 0.0 && mantissa.contains(|digit| matches!(digit, '1'..='9'));
    (!is_nothing).then_some(number)
}
