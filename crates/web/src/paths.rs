//! Paths on pages: the first question, what the forms of the builder change, the parts of its sentence, what is said of an
//! answer; `flow` draws it.

use crate::chart::{Setting, number, past};
use crate::edit::{full_months, step, whole, with};
use crate::render::last;
use crate::words;
use api::Catalog;
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::Value;

/// What the answer calls the ways that have no row of their own.
pub(crate) const OTHER: &str = "(other)";
/// What it calls those that may not be shown.
const WITHHELD: &str = "(withheld)";

/// What the sentence of paths shows besides what others have.
#[derive(Serialize)]
pub(crate) struct PathsView {
    /// `from` or `to`.
    way: &'static str,
    n_steps: String,
    top: String,
    is_collapsed: bool,
}

/// The parts of paths; of any other question there are none.
pub(crate) fn view(question: &Json) -> Option<PathsView> {
    if question["kind"] != "paths" {
        return None;
    }
    let whole = |key: &str, usual: &str| match &question[key] {
        Json::Null => usual.to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_collapsed = question["collapse"] == true;
    Some(PathsView { way: way(question), n_steps: whole("steps", "5"), top: whole("top", "20"), is_collapsed })
}

/// Whether paths start from an event, or lead to one: the key of the event.
pub(crate) fn way(question: &Json) -> &'static str {
    if question.get("to").is_some() { "to" } else { "from" }
}

/// The name of the event that paths start from or lead to.
pub(crate) fn end(question: &Json) -> &str {
    let end = &question[way(question)];
    end.as_str().or(end["event"].as_str()).unwrap_or_default()
}

/// A first question: what people do after the first event there is.
pub(crate) fn start(catalog: &Catalog, purpose: &str) -> Json {
    let event = catalog.events.first().map(|event| event.name.as_str()).unwrap_or_default();
    let mut question = json!({ "kind": "paths", "purpose": purpose, "from": event, "steps": 3, "top": 10 });
    if let Some((from, to)) = full_months(catalog, 6) {
        question["period"] = json!({ "from": from.to_string(), "to": to.to_string() });
    }
    question
}

/// The question around another event, or the other way.
pub(crate) fn around(question: &Json, fields: &[(String, String)]) -> Json {
    let (way, other) = if last(fields, "value") == "to" { ("to", "from") } else { ("from", "to") };
    with(&with(question, other, Json::Null), way, step(fields))
}

/// The question with another length and number of paths.
pub(crate) fn far(question: &Json, fields: &[(String, String)]) -> Json {
    let changed = with(&with(question, "steps", whole(fields, "steps")), "top", whole(fields, "top"));
    let is_collapsed = last(fields, "collapse") == "yes";
    with(&changed, "collapse", if is_collapsed { true.into() } else { Json::Null })
}

/// The most common way in one sentence.
pub(crate) fn summary(all: &[Vec<Value>], setting: &Setting<'_>) -> String {
    let is_named = |row: &&Vec<Value>| names(row).is_some_and(|names| names != [OTHER] && names != [WITHHELD]);
    let rows: Vec<&Vec<Value>> = all.iter().filter(is_named).collect();
    if all.is_empty() {
        return "Nobody did it in this period.".to_owned();
    }
    let Some(first) = rows.first() else { return "Too few people went the same way to show any.".to_owned() };
    let people = number(&first[1]).map_or_else(String::new, figure);
    let ways = if rows.len() == 1 { "One way is shown".to_owned() } else { format!("{} ways are shown", rows.len()) };
    let when = if way(setting.question) == "to" { "before" } else { "after" };
    format!("{ways}. The most common {when} it, of {people} people: {}.", path(&first[0], setting))
}

/// A path as people read it.
pub(crate) fn path(value: &Value, setting: &Setting<'_>) -> String {
    match value {
        Value::List(names) if names.is_empty() => "nothing".to_owned(),
        Value::List(names) => {
            let names: Vec<String> = names.iter().map(|name| past(&name.to_string(), setting)).collect();
            names.join(" > ")
        }
        other => other.to_string(),
    }
}

/// The names of a row's path.
pub(crate) fn names(row: &[Value]) -> Option<Vec<String>> {
    let Some(Value::List(names)) = row.first() else { return None };
    Some(names.iter().map(Value::to_string).collect())
}

/// A number of people.
pub(crate) fn figure(people: f64) -> String {
    words::figure(&words::rounded(people), None)
}

#[cfg(test)]
mod tests;
