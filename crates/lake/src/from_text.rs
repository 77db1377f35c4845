//! Values from text, the same for files and for events that come one by one; the one place where text becomes a value.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use spec::ValueType;
use std::ops::RangeInclusive;

/// The longest identifier that the vault takes, in bytes.
pub const IDENTIFIER_BYTES_MAX: usize = 4 * 1024;
/// The days of the years 1 to 9999, since 1970: beyond them a day has no text, and calculations with it no result.
pub(crate) const DAYS: RangeInclusive<i32> = -719_162..=2_932_896;
/// The times of the years 1 to 9999, in microseconds since 1970.
pub const TIMES: RangeInclusive<i64> =
    *DAYS.start() as i64 * MICROS_PER_DAY..=(*DAYS.end() as i64 + 1) * MICROS_PER_DAY - 1;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What a value of the type looks like, for the reason of a rejection.
pub fn value_form(value_type: ValueType) -> String {
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

/// 18 digits fit eight bytes; larger scales need room before the point too.
pub(crate) fn decimal_precision(scale: u8) -> u8 {
    if scale <= 6 { 18 } else { 38 }
}

/// Reads a decimal as its integer of units of the scale; trailing zeros beyond the scale are no digits.
///
/// It is exact or nothing.
pub fn decimal_from_text(text: &str, scale: u8) -> Option<i128> {
    if text.contains(['e', 'E']) {
        // Beyond that many digits the conversion would round.
        const DIGITS_MAX: usize = 28;
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        if mantissa.bytes().filter(u8::is_ascii_digit).count() > DIGITS_MAX {
            return None;
        }
        let value = rust_decimal::Decimal::from_scientific(text).ok()?;
        return decimal_from_text(&value.to_string(), scale);
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
pub(crate) fn fits(units: i128, scale: u8) -> Option<i128> {
    let limit = 10i128.pow(u32::from(decimal_precision(scale)));
    (-limit < units && units < limit).then_some(units)
}

/// Reads RFC 3339, or a time without a zone as UTC, or a day as its start; in microseconds.
pub fn timestamp_from_text(text: &str) -> Option<i64> {
    let in_calendar = |micros: i64| TIMES.contains(&micros).then_some(micros);
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
pub fn date_from_text(text: &str) -> Option<i32> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("the day exists");
    i32::try_from((parse_day(text)? - epoch).num_days()).ok().filter(|days| DAYS.contains(days))
}

/// Reads a number that is finite.
pub fn number_from_text(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(with_one_zero)
}

/// The same number, and of the two zeros the one without a sign: whoever compares or groups columns tells them apart.
pub(crate) fn with_one_zero(value: f64) -> f64 {
    value + 0.0
}

pub(crate) fn boolean_from_text(text: &str) -> Option<bool> {
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
