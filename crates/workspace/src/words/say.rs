//! Values, days and nouns as people say them.

use crate::question::instant;
use crate::types::fit;
use chrono::{Datelike, Days, NaiveDate, NaiveTime, Timelike};
use spec::{Duration, Field, Instant, Period, Value};

pub(super) fn field_title(field: Option<&Field>, name: &str) -> String {
    field.map_or_else(|| spoken(name), |field| lower_first(&field.title))
}

pub(super) fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

/// With a small first letter, unless it begins like an abbreviation.
pub(super) fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

pub(super) fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

pub(super) fn joined(items: &[String], joint: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {joint} {last}", first.join(", ")),
    }
}

/// A length of time after "the last": `day`, `30 days`.
pub(super) fn span(duration: &Duration) -> String {
    let text = duration.to_string();
    text.strip_prefix("1 ").map_or(text.clone(), str::to_owned)
}

pub(super) fn is_time(value: &Value, field: Option<&Field>) -> bool {
    let fitted = field.and_then(|field| fit(value, field.value_type, &field.name).ok());
    matches!(fitted.as_ref().unwrap_or(value), Value::Timestamp(_) | Value::Date(_))
}

pub(super) fn value_words(value: &Value, field: Option<&Field>) -> String {
    let fitted = field.and_then(|field| fit(value, field.value_type, &field.name).ok());
    let unit = field.and_then(|field| field.unit.as_deref()).map(|unit| format!(" {unit}")).unwrap_or_default();
    match fitted.as_ref().unwrap_or(value) {
        Value::Timestamp(at) => instant_words(*at),
        Value::Date(day) => day_words(*day),
        Value::Text(text) => match instant(text) {
            Some(at) if field.is_none() => instant_words(at),
            _ => text.clone(),
        },
        // A number that names something (a shop, a year) has no unit and is not grouped.
        Value::Integer(_) | Value::Decimal(_) if unit.is_empty() && field.is_some() => value.to_string(),
        Value::Integer(_) | Value::Decimal(_) => format!("{}{unit}", grouped(&value.to_string(), ',')),
        other => format!("{other}{unit}"),
    }
}

/// A number with a sign between groups of three digits.
pub(super) fn grouped(number: &str, between: char) -> String {
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(between);
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// ` in 2017`, ` from 1 Nov 2016 to 31 Dec 2017`, ` in the last 30 days`; nothing for everything up to now.
pub(super) fn period_words(period: Option<&Period>, as_of: Option<Instant>) -> String {
    match (period, as_of) {
        (Some(Period::Dates { from, to }), _) => dates_words(*from, *to),
        (Some(Period::Last(duration)), None) => format!(" in the last {}", span(duration)),
        (Some(Period::Last(duration)), Some(as_of)) => {
            format!(" in the {} up to {}", span(duration), instant_words(as_of))
        }
        (None, Some(as_of)) => format!(" up to {}", instant_words(as_of)),
        (None, None) => String::new(),
    }
}

fn dates_words(from: NaiveDate, to: NaiveDate) -> String {
    let last = to.checked_sub_days(Days::new(1)).unwrap_or(to);
    let whole_years = from.ordinal() == 1 && to.ordinal() == 1;
    let whole_months = from.day() == 1 && to.day() == 1;
    let months = (to.year() - from.year()) * 12 + i32::try_from(to.month()).unwrap_or(0)
        - i32::try_from(from.month()).unwrap_or(0);
    if whole_years && to.year() == from.year() + 1 {
        format!(" in {}", from.year())
    } else if whole_months && months == 1 {
        format!(" in {}", from.format("%b %Y"))
    } else if last == from {
        format!(" on {}", day_words(from))
    } else {
        format!(" from {} to {}", day_words(from), day_words(last))
    }
}

pub(super) fn instant_words(at: Instant) -> String {
    let day = day_words(at.date_naive());
    if at.time() == NaiveTime::MIN { day } else { format!("{day}, {:02}:{:02} UTC", at.hour(), at.minute()) }
}

fn day_words(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}
