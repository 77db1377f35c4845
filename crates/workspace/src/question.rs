//! A question as JSON or YAML -> `spec::Question`, with everything that is wrong with it.

use crate::condition::read_condition;
use crate::diagnostic::{Place, Problems};
use crate::fields::{Fields, text_of};
use crate::measure::read_measure;
use crate::names::{did_you_mean, listed, shortened};
use crate::node::{Node, NodeKind};
use crate::yaml;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SubsecRound, Utc};
use serde_json::Value as Json;
use spec::{
    AudienceQuestion, Condition, Diagnostic, Duration, EventSelector, FunnelOrder, FunnelQuestion, FunnelStep, Instant,
    Interval, Measure, Period, Question, QuestionBody, Release, RetentionQuestion, TrendQuestion,
};

mod attribution;
mod experiment;
mod paths;
mod power;
pub(crate) mod sql;
#[cfg(test)]
mod tests;

/// The kinds that are answered.
const KINDS: [&str; 9] =
    ["trend", "funnel", "retention", "attribution", "paths", "experiment", "power", "audience", "sql"];

/// The kinds that are known but not answered yet.
const KINDS_LATER: [&str; 2] = ["value", "profile"];

const STEPS_MAX: usize = 20;
const BREAKDOWN_MAX: usize = 5;
const NAMES_MAX: usize = 50;
/// Intervals of a retention, and how many there are if it is not said.
const PERIODS: (u32, u32) = (1, 60);
const PERIODS_USUAL: u32 = 8;
const ROWS_MAX: u32 = 1_000_000;

/// Parses a question; the path of a diagnostic is the JSON pointer of the value, under `pointer`.
///
/// Line and column are in the text of the value where it is a condition or a measure, else 1 and 1.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_question(json: &Json, pointer: &str) -> Result<Question, Vec<Diagnostic>> {
    let mut problems = Problems::default();
    let question = Node::from_json(json, pointer, &mut problems).and_then(|node| read_question(&node, &mut problems));
    question.ok_or_else(|| problems.into_sorted())
}

/// What is left of a question that cannot be read, without the parts that are wrong, if that is one: so that what else is
/// wrong with it can be told at once.
pub fn parse_rest(json: &Json, pointer: &str, wrong: &[Diagnostic]) -> Option<Question> {
    let mut rest = json.clone();
    for path in wrong.iter().filter_map(|diagnostic| diagnostic.path.strip_prefix(pointer)) {
        // A condition may go alone; of anything else the whole key, since its parts hang together.
        let key = path.get(1..)?.split('/').next()?;
        let part = if path.ends_with("/where") { path } else { path.get(..=key.len())? };
        let (above, key) = part.rsplit_once('/')?;
        // Two things may be wrong with one part.
        rest.pointer_mut(above).and_then(Json::as_object_mut).map(|object| object.remove(key));
    }
    parse_question(&rest, pointer).ok()
}

/// Reads the YAML or JSON text of a question into a JSON value, for `parse_question`.
///
/// # Errors
/// Why it is not readable.
pub fn question_from_yaml(text: &str) -> Result<Json, Vec<Diagnostic>> {
    if text.len() <= yaml::FILE_BYTES_MAX
        && text.trim_start().starts_with('{')
        && let Ok(json) = serde_json::from_str(text)
    {
        return Ok(json);
    }
    let mut problems = Problems::default();
    let node = yaml::parse("", text, &mut problems);
    node.map(|node| node.to_json()).ok_or_else(|| problems.into_sorted())
}

/// Reads a question from its node; `None` exactly when it has problems.
pub(crate) fn read_question(node: &Node, problems: &mut Problems) -> Option<Question> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a question", problems)?;
    let kind = read_kind(&mut fields, problems);
    let purpose = fields.text("purpose", "say what the answer is for, as in `purpose: analytics`", problems);
    let time_zone = read_time_zone(&mut fields, problems);
    let body = match kind {
        Some("trend") => read_trend(&mut fields, problems).map(QuestionBody::Trend),
        Some("funnel") => read_funnel(&mut fields, problems).map(QuestionBody::Funnel),
        Some("retention") => read_retention(&mut fields, problems).map(QuestionBody::Retention),
        Some("attribution") => attribution::read(&mut fields, problems).map(QuestionBody::Attribution),
        Some("paths") => paths::read(&mut fields, problems).map(QuestionBody::Paths),
        Some("experiment") => experiment::read(&mut fields, problems).map(QuestionBody::Experiment),
        Some("power") => power::read(&mut fields, problems).map(QuestionBody::Power),
        Some("sql") => sql::read(&mut fields, problems).map(QuestionBody::Sql),
        Some("audience") => read_audience(&mut fields, problems).map(QuestionBody::Audience),
        _ => return None,
    };
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    Some(Question { purpose: purpose?.to_owned(), body: body?, time_zone })
}

/// An instant as people write it: RFC 3339, or a day, which stands for its start in UTC.
pub(crate) fn instant(text: &str) -> Option<Instant> {
    if let Some(day) = day(text) {
        return Some(day.and_time(NaiveTime::MIN).and_utc());
    }
    let instant = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc).trunc_subsecs(6);
    is_sensible(instant.date_naive()).then_some(instant)
}

/// A day as `YYYY-MM-DD`.
pub(crate) fn day(text: &str) -> Option<NaiveDate> {
    let good = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| good && is_sensible(*day))
}

fn is_sensible(day: NaiveDate) -> bool {
    (1..=9998).contains(&day.year())
}

/// The condition of a text node.
pub(crate) fn condition_of(node: &Node, key: &str, problems: &mut Problems) -> Option<Condition> {
    match read_condition(text_of(node, key, problems)?) {
        Ok(condition) => Some(condition),
        Err(issues) => {
            node.report(issues, problems);
            None
        }
    }
}

/// The measure of a text node.
pub(crate) fn measure_of(node: &Node, key: &str, problems: &mut Problems) -> Option<Measure> {
    match read_measure(text_of(node, key, problems)?) {
        Ok(measure) => Some(measure),
        Err(issues) => {
            node.report(issues, problems);
            None
        }
    }
}

fn read_kind(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<&'static str> {
    let node = fields.required("kind", &format!("kinds: {}", listed(&KINDS)), problems)?;
    let word = text_of(node, "kind", problems)?;
    let kind = KINDS.into_iter().find(|kind| *kind == word);
    if kind.is_none() {
        if KINDS_LATER.contains(&word) {
            let hint = format!("ask one of {} meanwhile", listed(&KINDS));
            problems.add(&node.place, format!("questions of kind `{word}` are not built yet"), hint);
        } else {
            let message = format!("`{}` is not a kind of question", shortened(word));
            problems.add(&node.place, message, did_you_mean(word, &KINDS, "kinds"));
        }
    }
    kind
}

fn read_time_zone(fields: &mut Fields<'_>, problems: &mut Problems) -> chrono_tz::Tz {
    let Some(node) = fields.optional("time_zone") else { return chrono_tz::UTC };
    let Some(name) = text_of(node, "time_zone", problems) else { return chrono_tz::UTC };
    name.parse().unwrap_or_else(|_| {
        let message = format!("`{}` is not a time zone", shortened(name));
        problems.add(&node.place, message, "use an IANA name, as in `Europe/Berlin`".into());
        chrono_tz::UTC
    })
}

fn read_trend(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<TrendQuestion> {
    let hint = "say what is measured, as in `measure: count(purchase)`";
    let measure = fields.required("measure", hint, problems).and_then(|node| measure_of(node, "measure", problems));
    let intervals = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month, Interval::None];
    let by = fields.optional("by").and_then(|node| choice(node, "by", &intervals.map(|by| (by.name(), by)), problems));
    let period = read_period(fields, problems);
    let as_of = read_as_of(fields, problems);
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    let breakdown = read_names(fields, "breakdown", BREAKDOWN_MAX, problems);
    let limit = fields.whole("limit", (1, ROWS_MAX), problems);
    let offset = fields.whole("offset", (0, u32::MAX), problems);
    let by = by.unwrap_or(Interval::Month);
    Some(TrendQuestion { measure: measure?, by, period, as_of, filter, breakdown, limit, offset })
}

fn read_funnel(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<FunnelQuestion> {
    let steps = read_steps(fields, problems);
    let hint = "say how long the steps may take, as in `within: 30 days`";
    let within = fields.required("within", hint, problems).and_then(|node| duration_of(node, "within", problems));
    let orders = [("loose", FunnelOrder::Loose), ("strict", FunnelOrder::Strict)];
    let order = fields.optional("order").and_then(|node| choice(node, "order", &orders, problems));
    let same = read_names(fields, "same", BREAKDOWN_MAX, problems);
    let count_by = read_names(fields, "count_by", BREAKDOWN_MAX, problems);
    let period = read_period(fields, problems);
    let as_of = read_as_of(fields, problems);
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    let breakdown = read_names(fields, "breakdown", BREAKDOWN_MAX, problems);
    let first_step = [("first step", ()), ("first_step", ())];
    if let Some(node) = fields.optional("breakdown_from") {
        choice(node, "breakdown_from", &first_step, problems);
    }
    let order = order.unwrap_or(FunnelOrder::Loose);
    Some(FunnelQuestion { steps: steps?, within: within?, order, same, count_by, period, as_of, filter, breakdown })
}

fn read_retention(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<RetentionQuestion> {
    let hint = "name the event that makes somebody one of a cohort, as in `start: signed_up`";
    let start = fields.required("start", hint, problems).and_then(|node| read_step(node, problems));
    let coming_back = fields.optional("return").map(|node| read_step(node, problems));
    let intervals = [Interval::Day, Interval::Week, Interval::Month].map(|by| (by.name(), by));
    let by = fields.optional("by").and_then(|node| choice(node, "by", &intervals, problems));
    let periods = fields.whole("periods", PERIODS, problems).unwrap_or(PERIODS_USUAL);
    let period = read_period(fields, problems);
    let as_of = read_as_of(fields, problems);
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    let start = start?;
    // To come back is to do the same again, unless it is said what else.
    let coming_back = coming_back.unwrap_or_else(|| Some(start.clone()))?;
    Some(RetentionQuestion { start, coming_back, by: by.unwrap_or(Interval::Week), periods, period, as_of, filter })
}

fn read_audience(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<AudienceQuestion> {
    let hint = "say who, as in `where: did(purchase, within => '30 days')`";
    let condition = fields.required("where", hint, problems).and_then(|node| condition_of(node, "where", problems));
    let as_of = read_as_of(fields, problems);
    let releases = [("aggregate", Release::Aggregate), ("list", Release::List)];
    let release = fields.optional("release").and_then(|node| choice(node, "release", &releases, problems));
    let release = release.unwrap_or(Release::Aggregate);
    let columns = read_names(fields, "columns", NAMES_MAX, problems);
    let limit = fields.whole("limit", (1, ROWS_MAX), problems);
    if release == Release::Aggregate && (!columns.is_empty() || limit.is_some()) {
        let key = if columns.is_empty() { "limit" } else { "columns" };
        let place = fields.optional(key).map_or(fields.place(), |node| &node.place);
        problems.add(place, format!("`{key}` is for lists only"), "add `release: list`, or leave it out".into());
    }
    let destination = fields.optional_text("destination", problems).map(str::to_owned);
    Some(AudienceQuestion { condition: condition?, as_of, release, columns, limit, destination })
}

fn read_steps(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Vec<FunnelStep>> {
    let hint = "list at least two events, as in `steps: [visit, purchase]`";
    let place = &fields.required("steps", hint, problems)?.place;
    let nodes = fields.list("steps", problems);
    if nodes.len() < 2 || nodes.len() > STEPS_MAX {
        let message = format!("a funnel has 2 to {STEPS_MAX} steps, not {}", nodes.len());
        problems.add(place, message, hint.to_owned());
    }
    let steps: Vec<Option<FunnelStep>> = nodes.iter().take(STEPS_MAX).map(|node| read_step(node, problems)).collect();
    steps.into_iter().collect()
}

fn read_step(node: &Node, problems: &mut Problems) -> Option<FunnelStep> {
    if let NodeKind::Text(_) = &node.kind {
        return Some(FunnelStep { event: selector(text_of(node, "event", problems)?), filter: None });
    }
    let mut fields = Fields::open(node, "a step", problems)?;
    let event = fields.text("event", "name the event, or `*` for all", problems);
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    fields.close(problems);
    Some(FunnelStep { event: selector(event?), filter })
}

fn selector(event: &str) -> EventSelector {
    if event == "*" { EventSelector::Any } else { EventSelector::Named(event.to_owned()) }
}

fn read_period(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Period> {
    const HINT: &str = "write `{from: 2017-01-01, to: 2018-01-01}` (without the day `to`) or `{last: 30 days}`";
    let node = fields.optional("period")?;
    if !matches!(node.kind, NodeKind::Map(_)) {
        problems.add(&node.place, format!("`period` is not {}", node.sort()), HINT.into());
        return None;
    }
    let mut fields = Fields::open(node, "a period", problems)?;
    let last = fields.optional("last");
    let from = fields.optional("from");
    let to = fields.optional("to");
    fields.close(problems);
    let last_read = last.and_then(|node| duration_of(node, "last", problems));
    let from_read = from.and_then(|node| day_of(node, "from", problems));
    let to_read = to.and_then(|node| day_of(node, "to", problems));
    match (last, from, to) {
        (Some(_), None, None) => last_read.map(Period::Last),
        (None, Some(_), Some(to)) => {
            let (from, end) = (from_read?, to_read?);
            if end <= from {
                let message = format!("the period has no day: it starts on {from} and ends before {end}");
                problems.add(
                    &to.place,
                    message,
                    "`to` is the day after the last one, so it is later than `from`".into(),
                );
            }
            Some(Period::Dates { from, to: end })
        }
        _ => {
            problems.add(&node.place, "a period has `from` and `to`, or `last`".into(), HINT.into());
            None
        }
    }
}

fn read_as_of(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Instant> {
    let node = fields.optional("as_of")?;
    let text = text_of(node, "as_of", problems)?;
    let instant = instant(text);
    if instant.is_none() {
        let message = format!("`{}` is not an instant", shortened(text));
        problems.add(&node.place, message, "write a day, as in `2017-12-31`, or `2017-12-31T18:00:00Z`".into());
    }
    instant
}

fn day_of(node: &Node, key: &str, problems: &mut Problems) -> Option<NaiveDate> {
    let text = text_of(node, key, problems)?;
    let day = day(text);
    if day.is_none() {
        let (message, hint) = no_day(text, "write it as in `2017-12-31`");
        problems.add(&node.place, message, hint);
    }
    day
}

/// What is wrong with a text that is no day of a question, and what to do.
pub(crate) fn no_day(text: &str, hint: &str) -> (String, String) {
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(day) if !is_sensible(day) => {
            (format!("`{}` is too far away", shortened(text)), "days go from 0001-01-01 to 9998-12-31".to_owned())
        }
        _ => (format!("`{}` is not a day", shortened(text)), hint.to_owned()),
    }
}

pub(crate) fn duration_of(node: &Node, key: &str, problems: &mut Problems) -> Option<Duration> {
    match Duration::parse(text_of(node, key, problems)?) {
        Ok(duration) => Some(duration),
        Err(message) => {
            problems.add(&node.place, message, format!("write it as in `{key}: 30 days`"));
            None
        }
    }
}

/// A list of names without repeats.
fn read_names(fields: &mut Fields<'_>, key: &'static str, most: usize, problems: &mut Problems) -> Vec<String> {
    let texts: Vec<(&str, &Place)> = fields.texts(key, problems);
    if texts.len() > most {
        let message = format!("`{key}` has {} names; {most} are the most", texts.len());
        problems.add(texts[most].1, message, "leave some out".into());
    }
    let mut names: Vec<String> = Vec::new();
    for (name, place) in texts.into_iter().take(most) {
        if names.iter().any(|known| known == name) {
            problems.add(place, format!("`{}` stands twice in `{key}`", shortened(name)), "keep one of them".into());
        } else {
            names.push(name.to_owned());
        }
    }
    names
}

/// The value that a word stands for.
fn choice<T: Copy>(node: &Node, key: &str, choices: &[(&str, T)], problems: &mut Problems) -> Option<T> {
    let word = text_of(node, key, problems)?;
    let found = choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let message = format!("`{}` is not a value of `{key}`", shortened(word));
        problems.add(&node.place, message, did_you_mean(word, &names, "values"));
    }
    found
}
