//! Figures, dates and lengths of time as people read them.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use minijinja::{Environment, Value};

/// The space between groups of three digits: narrow, and no line breaks there.
const THIN: char = '\u{202f}';

/// Makes the functions of this module known to templates.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_filter("figure", |value: Value, unit: Option<String>| {
        match value.is_none() || value.is_undefined() {
            true => "withheld".to_owned(),
            false => figure(&value.to_string(), unit.as_deref()),
        }
    });
    environment.add_filter("day", |text: String| day(text.get(..10).unwrap_or(&text)));
    environment.add_filter("moment", |text: String| moment(&text));
    environment.add_filter("query", |text: String| crate::body::percent_encode(&text));
    environment.add_filter("segments", |path: String| segments(&path));
    environment.add_filter("capital", |text: String| capital(&text));
    environment.add_filter("sentence", |text: String| sentence(&text));
    environment.add_filter("team", |names: Vec<String>| {
        names.iter().map(|name| if name == "it" { "IT" } else { name }).collect::<Vec<_>>().join(" and ")
    });
}

/// A path as it stands in an address.
pub(crate) fn segments(path: &str) -> String {
    let parts: Vec<String> =
        path.split('/').map(|part| crate::body::percent_encode(part).replace('+', "%20")).collect();
    parts.join("/")
}

/// A number with thin grouping and its unit: `$4 594 146.32`, `2 078 people`.
pub(crate) fn figure(number: &str, unit: Option<&str>) -> String {
    let grouped = group(number);
    match unit {
        None | Some("") => grouped,
        Some("USD") => signed("$", &grouped),
        Some("EUR") => signed("€", &grouped),
        Some("GBP") => signed("£", &grouped),
        Some("%") => format!("{grouped} %"),
        Some(other) => format!("{grouped} {other}"),
    }
}

/// A share of a whole: `58.9 %`.
pub(crate) fn share(part: f64, whole: f64) -> String {
    if whole == 0.0 { "0 %".to_owned() } else { percent(part / whole) }
}

/// A rate of 0..=1 as `26.0 %`.
pub(crate) fn percent(rate: f64) -> String {
    format!("{:.1} %", rate * 100.0)
}

/// A change from one figure to another: `+9.4 %`; `None` from nothing.
pub(crate) fn change(now: f64, before: f64) -> Option<String> {
    let rate = (before != 0.0).then(|| (now - before) / before.abs())?;
    let sign = if rate >= 0.0 { "+" } else { "−" };
    Some(format!("{sign}{:.1} %", rate.abs() * 100.0))
}

/// A number rounded for reading: whole from 1000 on, else with two digits.
pub(crate) fn rounded(number: f64) -> String {
    rounded_to(number, digits(&[number]))
}

/// Digits after the point that figures have which stand together: none where one of them is long or all are whole, else two.
pub(crate) fn digits(figures: &[f64]) -> usize {
    let is_short = figures.iter().all(|figure| figure.abs() < 1000.0);
    if is_short && figures.iter().any(|figure| figure.fract() != 0.0) { 2 } else { 0 }
}

/// A number with so many digits after the point.
pub(crate) fn rounded_to(number: f64, digits: usize) -> String {
    format!("{number:.digits$}")
}

/// A length of time in its largest sensible unit: `12 days`, `3.5 hours`.
pub(crate) fn length(seconds: f64) -> String {
    let (count, unit) = match seconds {
        s if s < 90.0 => (s, "second"),
        s if s < 5_400.0 => (s / 60.0, "minute"),
        s if s < 129_600.0 => (s / 3_600.0, "hour"),
        s => (s / 86_400.0, "day"),
    };
    let text = if count >= 10.0 || count.fract() < 0.05 { format!("{count:.0}") } else { format!("{count:.1}") };
    let plural = if text == "1" { "" } else { "s" };
    format!("{text} {unit}{plural}")
}

/// `3 Mar 2017` from an ISO day or instant; other text stays as it is.
pub(crate) fn day(text: &str) -> String {
    parse_day(text).map_or_else(|| text.to_owned(), |day| day.format("%-d %b %Y").to_string())
}

/// `3 Mar 2017, 14:05` from an ISO instant in UTC; at midnight the day alone.
pub(crate) fn moment(text: &str) -> String {
    let parsed = text.get(..19).and_then(|head| NaiveDateTime::parse_from_str(head, "%Y-%m-%dT%H:%M:%S").ok());
    match parsed {
        Some(at) if at.hour() != 0 || at.minute() != 0 => at.format("%-d %b %Y, %H:%M").to_string(),
        _ => day(text),
    }
}

/// The start of an interval as its name: `Mar 2017`, `week of 6 Mar 2017`.
pub(crate) fn interval(text: &str, by: &str) -> String {
    match (by, parse_day(text)) {
        ("month", Some(day)) => day.format("%b %Y").to_string(),
        ("week", Some(day)) => day.format("week of %-d %b %Y").to_string(),
        ("hour", Some(_)) => moment(text),
        (_, Some(day)) => day.format("%-d %b %Y").to_string(),
        (_, None) => text.to_owned(),
    }
}

/// The day after the last of the interval that starts on `start`.
pub(crate) fn interval_end(start: NaiveDate, by: &str) -> NaiveDate {
    let days = |n| start.checked_add_days(chrono::Days::new(n)).unwrap_or(start);
    match by {
        "month" => start.checked_add_months(chrono::Months::new(1)).unwrap_or(start),
        "week" => days(7),
        _ => days(1),
    }
}

/// The start of an interval so many after the one that starts on `start`.
pub(crate) fn intervals_after(start: NaiveDate, by: &str, count: u32) -> NaiveDate {
    let days = |n: u32| start.checked_add_days(chrono::Days::new(u64::from(n))).unwrap_or(NaiveDate::MAX);
    match by {
        "month" => start.checked_add_months(chrono::Months::new(count)).unwrap_or(NaiveDate::MAX),
        "week" => days(count.saturating_mul(7)),
        _ => days(count),
    }
}

/// The first day of a day's month.
pub(crate) fn month_start(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// The day at the front of an ISO text.
pub(crate) fn parse_day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()
}

/// The text with a capital first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The text as a sentence: a capital letter in front, a stop at the end.
pub(crate) fn sentence(text: &str) -> String {
    let stop = if text.is_empty() || text.ends_with(['.', '?', '!', ':']) { "" } else { "." };
    format!("{}{stop}", capital(text))
}

/// Up to two initials of a name.
pub(crate) fn initials(title: &str) -> String {
    let words = title.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    words.take(2).flat_map(char::to_uppercase).collect()
}

fn signed(sign: &str, grouped: &str) -> String {
    match grouped.strip_prefix('−') {
        Some(rest) => format!("−{sign}{rest}"),
        None => format!("{sign}{grouped}"),
    }
}

/// Thin spaces between groups of three digits of a plain decimal number; other text stays as it is.
fn group(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut out = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(THIN);
        }
        out.push(digit);
    }
    if !fraction.is_empty() && fraction != "0" {
        out.push('.');
        out.push_str(fraction);
    }
    out
}
