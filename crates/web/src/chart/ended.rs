//! A question about days after the end of the data: said with its answer, which is empty for no other reason.

use super::{Setting, last_day};
use crate::edit::with;
use crate::words;
use chrono::{Days, NaiveDate, TimeDelta};
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::{Answer, Duration, Period, PowerQuestion, Value};

/// What is said, and the question that asks for as many days up to the end of the data.
#[derive(Serialize)]
pub(super) struct Ended {
    /// The last day that there is anything of.
    day: String,
    q: String,
    /// The days that it asks for.
    words: String,
}

/// Says that the data end before the question's days do: all of them, or more than half.
pub(super) fn ended(answer: &Answer, setting: &Setting<'_>) -> Option<Ended> {
    let (first, last) = (words::parse_day(&setting.catalog.days.as_ref()?.0)?, last_day(setting.catalog)?);
    let (from, to) = days(answer, setting.question)?;
    let end = last.succ_opt()?;
    let (length, beyond) = ((to - from).num_days(), (to - end.max(from)).num_days());
    if length <= 0 || beyond * 2 <= length {
        return None;
    }
    let from = end.checked_sub_signed(TimeDelta::days(length)).unwrap_or(first).max(first);
    let period = json!({ "from": from.to_string(), "to": end.to_string() });
    let day = words::day(&last.to_string());
    let words = format!("{} to {day}", words::day(&from.to_string()));
    Some(Ended { day, q: with(setting.question, "period", period).to_string(), words })
}

/// The question's first day and the one after its last; of questions that have none, none.
fn days(answer: &Answer, question: &Json) -> Option<(NaiveDate, NaiveDate)> {
    let period = &question["period"];
    let usual = PowerQuestion::usual_period();
    let last = match (period["last"].as_str(), &usual) {
        (Some(length), _) => Some(Duration::parse(length).ok()?),
        (None, Period::Last(length)) if period.is_null() && question["kind"] == "power" => Some(length.clone()),
        _ => None,
    };
    let Some(length) = last else {
        return Some((words::parse_day(period["from"].as_str()?)?, words::parse_day(period["to"].as_str()?)?));
    };
    let asked = words::parse_day(&Value::Timestamp(answer.provenance.as_of).to_string())?;
    let from = asked.checked_sub_signed(length.delta())?;
    // Less than a day is about the day that it is asked on.
    let to = if from == asked { asked.checked_add_days(Days::new(1))? } else { asked };
    Some((from, to))
}
