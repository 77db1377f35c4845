//! Changes to a question, one per form of the builder: question in, changed question out.
//!
//! The forms are plain HTML; so the builder works without scripts, and the address of the page is its state.
//! Nothing here judges: a changed question may well be wrong, and the judge then says so.

use crate::render::last;
use crate::sentence::{bracketed, events_of_measure};
use crate::{attribution, experiment, paths, power, words};
use api::{Catalog, EventView, MetricView, QuestionView};
use serde_json::{Map, Value as Json, json};
use spec::{identifier, quoted};

/// The pairs of a form.
type Fields = [(String, String)];

/// What new questions start from.
pub(crate) struct Start<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) metrics: &'a [MetricView],
    pub(crate) questions: &'a [QuestionView],
}

/// A sensible first question of a kind: over the data that is there, never over today.
pub(crate) fn start(start: &Start<'_>, kind: &str, purpose: &str) -> Json {
    let purpose = if purpose.is_empty() { default_purpose(start.catalog) } else { purpose };
    let saved = start.questions.iter().map(|saved| &saved.question).find(|question| question["kind"] == kind);
    if let (Some(saved), "funnel") = (saved, kind) {
        return with(saved, "purpose", purpose.into());
    }
    let event = |index: usize| start.catalog.events.get(index).map(|event| event.name.clone()).unwrap_or_default();
    match kind {
        "funnel" => json!({ "kind": "funnel", "purpose": purpose, "steps": [event(0), event(1)], "within": "30 days" }),
        "retention" => {
            let again = start.catalog.events.first().map(|event| event.name.clone()).unwrap_or_default();
            let mut question = json!({ "kind": "retention", "purpose": purpose, "start": again, "return": again, "by": "month", "periods": 6 });
            if let Some((from, to)) = full_months(start.catalog, 6) {
                question["period"] = json!({ "from": from.to_string(), "to": to.to_string() });
            }
            question
        }
        "attribution" => attribution::start(start.catalog, &goals(start), purpose),
        "paths" => paths::start(start.catalog, purpose),
        "experiment" => experiment::start(start.catalog, &goals(start), purpose),
        "power" => power::start(start.catalog, &goals(start), purpose),
        "sql" => {
            let text = format!(
                "SELECT date_trunc('month', time) AS month, count(DISTINCT person) AS people\nFROM {}\nGROUP BY 1",
                identifier(&event(0))
            );
            json!({ "kind": "sql", "purpose": purpose, "text": text })
        }
        "audience" => {
            let condition = format!("did({}, within => '30 days')", identifier(&event(0)));
            let mut question = json!({ "kind": "audience", "purpose": purpose, "where": condition });
            if let Some((_, last)) = &start.catalog.days {
                question["as_of"] = format!("{}T00:00:00Z", &last[..last.len().min(10)]).into();
            }
            question
        }
        _ => {
            let home = start.metrics.iter().find(|metric| metric.on_home).or(start.metrics.first());
            let people = || format!("people({})", identifier(&event(0)));
            let measure = home.map_or_else(people, |metric| identifier(&metric.name));
            let mut question = json!({ "kind": "trend", "purpose": purpose, "measure": measure, "by": "month" });
            if let Some((from, to)) = full_months(start.catalog, 12) {
                question["period"] = json!({ "from": from.to_string(), "to": to.to_string() });
            }
            question
        }
    }
}

/// The events, those first that teams look at most: how many agreed figures are about each, those of Home counting twice.
///
/// How many people did what is not known here; what is looked at most is what most people do, or what is wanted of them.
fn goals<'a>(start: &Start<'a>) -> Vec<&'a EventView> {
    let looks = |event: &EventView| -> usize {
        let is_about = |metric: &&MetricView| {
            events_of_measure((start.catalog, start.metrics), &metric.measure).contains(&event.name)
        };
        start.metrics.iter().filter(is_about).map(|metric| 1 + usize::from(metric.on_home)).sum()
    };
    let mut events: Vec<&EventView> = start.catalog.events.iter().collect();
    events.sort_by_key(|event| std::cmp::Reverse(looks(event)));
    events
}

/// The last `count` full months of the data, end exclusive.
pub(crate) fn full_months(catalog: &Catalog, count: u32) -> Option<(chrono::NaiveDate, chrono::NaiveDate)> {
    let (first, last) = catalog.days.as_ref()?;
    let (first, last) = (words::parse_day(first)?, words::parse_day(last)?);
    let end = words::month_start(last.succ_opt()?);
    let from = end.checked_sub_months(chrono::Months::new(count))?;
    let from = if from < first { words::month_start(first) } else { from };
    (from < end).then_some((from, end))
}

/// The purpose that most questions are for: analytics where there is one.
pub(crate) fn default_purpose(catalog: &Catalog) -> &str {
    let analytics = catalog.purposes.iter().find(|purpose| purpose.name == "analytics");
    analytics.or(catalog.purposes.first()).map_or("analytics", |purpose| &purpose.name)
}

/// The question after one form of the builder was sent; `parts` are its condition's terms.
pub(crate) fn apply(question: &Json, fields: &Fields, parts: &[String], from: &Start<'_>) -> Json {
    let value = last(fields, "value");
    match last(fields, "edit") {
        "kind" if question["kind"] != value => start(from, value, question["purpose"].as_str().unwrap_or_default()),
        "purpose" => with(question, "purpose", value.into()),
        "measure" => {
            // The form brings the written measure along; a choice beside it is then what was changed.
            let written = last(fields, "written").trim();
            let is_kept = question["measure"] == written && !value.is_empty();
            with(question, "measure", if written.is_empty() || is_kept { value } else { written }.into())
        }
        "by" => with(question, "by", value.into()),
        "periods" => with(&with(question, "by", value.into()), "periods", whole(fields, "periods")),
        "way_set" => paths::around(question, fields),
        "way_steps" => paths::far(question, fields),
        "end_set" => {
            let ends = ["start", "return", "conversion", "touch", "exposure"];
            let end = ends.into_iter().find(|end| *end == last(fields, "index"));
            end.map_or_else(|| question.clone(), |end| with(question, end, step(fields)))
        }
        "channel" => with(question, "channel", value.into()),
        "sum" => with(question, "value", value.into()),
        "model" => attribution::shared(question, fields),
        "variant" => experiment::varied(question, fields),
        "metric_set" if question["kind"] == "power" => power::measured(question, fields),
        "lift" => power::lifted(question, fields),
        "variants" => power::counted(question, "variants", fields),
        "days" => power::counted(question, "days", fields),
        "test" => power::looked_at(question, fields),
        "metric_set" | "metric_remove" => experiment::measured(question, fields),
        "text" => with(question, "text", value.trim().into()),
        "period" => with(question, "period", period(question, fields)),
        // The form shows the day alone; while that stays, so does the time.
        "as_of" if !value.is_empty() && question["as_of"].as_str().is_some_and(|now| now.starts_with(value)) => {
            question.clone()
        }
        "as_of" => {
            with(question, "as_of", if value.is_empty() { Json::Null } else { format!("{value}T00:00:00Z").into() })
        }
        "release" => {
            let changed = with(&with(question, "release", value.into()), "columns", names(fields, "columns"));
            let destination = last(fields, "destination");
            with(&changed, "destination", if destination.is_empty() { Json::Null } else { destination.into() })
        }
        "breakdown" => with(question, "breakdown", names(fields, "breakdown")),
        "within" => {
            let changed = with(question, "within", value.into());
            let changed =
                with(&changed, "order", if last(fields, "order") == "strict" { "strict".into() } else { Json::Null });
            let changed = with(&changed, "same", names(fields, "same"));
            let same = names(fields, "same");
            match last(fields, "count_by") {
                "same" if question["count_by"].is_array() && question["same"] == same => changed,
                "same" => with(&changed, "count_by", same),
                _ => with(&changed, "count_by", Json::Null),
            }
        }
        "where_text" => with(question, "where", value.trim().into()),
        "part_set" | "part_remove" => edit_parts(question, fields, parts, from.catalog),
        "step_set" | "step_remove" | "step_up" | "step_down" => edit_steps(question, fields),
        _ => question.clone(),
    }
}

fn edit_parts(question: &Json, fields: &Fields, parts: &[String], catalog: &Catalog) -> Json {
    let mut parts = parts.to_vec();
    let index = last(fields, "index").parse::<usize>().ok().filter(|index| *index < parts.len());
    let present = index.map_or("", |index| parts[index].as_str());
    let term = condition(fields, catalog, present);
    match (last(fields, "edit"), index) {
        ("part_remove", Some(index)) => {
            parts.remove(index);
        }
        ("part_set", _) if term.is_empty() => {}
        ("part_set", Some(index)) => parts[index] = term,
        ("part_set", None) => parts.push(term),
        _ => {}
    }
    with(question, "where", parts.join(" AND ").into())
}

fn edit_steps(question: &Json, fields: &Fields) -> Json {
    let mut steps = question["steps"].as_array().cloned().unwrap_or_default();
    let index = last(fields, "index").parse::<usize>().ok().filter(|index| *index < steps.len());
    let step = step(fields);
    match (last(fields, "edit"), index) {
        ("step_set", Some(index)) => steps[index] = step,
        ("step_set", None) => steps.push(step),
        ("step_remove", Some(index)) => {
            steps.remove(index);
        }
        ("step_up", Some(index)) if index > 0 => steps.swap(index, index - 1),
        ("step_down", Some(index)) if index + 1 < steps.len() => steps.swap(index, index + 1),
        _ => {}
    }
    with(question, "steps", steps.into())
}

/// The step of a form: its event, and which of them.
pub(crate) fn step(fields: &Fields) -> Json {
    let (event, filter) = (last(fields, "event"), last(fields, "step_where").trim());
    if filter.is_empty() { event.into() } else { json!({ "event": event, "where": filter }) }
}

/// The text of the condition that a form describes, as one term; empty where nothing was written.
///
/// A trait that the catalogue does not show keeps its value as `present`, the term before, has it: quoted or bare.
fn condition(fields: &Fields, catalog: &Catalog, present: &str) -> String {
    let field = |name: &str| last(fields, name).trim().to_owned();
    let not = if field("negated") == "yes" { "NOT " } else { "" };
    let within =
        if field("within").is_empty() { String::new() } else { format!(", within => {}", quoted(&field("within"))) };
    match field("shape").as_str() {
        "did" => format!("{not}did({}{within})", selector(&field("event"))),
        "aggregate" => {
            let function = field("function");
            let subject = match field("property").split_once('.') {
                Some((event, property)) if ["sum", "avg", "min", "max"].contains(&function.as_str()) => {
                    format!("{}.{}", selector(event), identifier(property))
                }
                _ => selector(&field("event")),
            };
            format!("{function}({subject}{within}) {} {}", operator(&field("op")), number(&field("number")))
        }
        "trait" => {
            let known = catalog.traits.iter().find(|known| known.name == field("trait"));
            let unknown = if present.is_empty() || present.contains('\'') { "text" } else { "bare" };
            comparison(
                &identifier(&field("trait")),
                &field("trait_op"),
                &field("trait_value"),
                known.map_or(unknown, |known| &known.value_type),
            )
        }
        "property" => {
            let mut properties = catalog.events.iter().flat_map(|event| &event.properties);
            let known = properties.find(|known| known.name == field("event_property"));
            let name = format!("event.{}", identifier(&field("event_property")));
            comparison(
                &name,
                &field("property_op"),
                &field("property_value"),
                known.map_or("text", |known| &known.value_type),
            )
        }
        "audience" => format!("{not}in_audience({})", quoted(&field("audience"))),
        _ if field("text").is_empty() => String::new(),
        _ => bracketed(&field("text")),
    }
}

/// `name op value`; several values, set apart by commas, with `IN` and `NOT IN`.
fn comparison(name: &str, op: &str, value: &str, value_type: &str) -> String {
    let literal = |value: &str| match value_type {
        "boolean" | "bare" if ["true", "false"].contains(&value.trim().to_ascii_lowercase().as_str()) => {
            value.trim().to_ascii_uppercase()
        }
        "integer" | "number" | "decimal" | "bare" => number(value.trim()),
        _ => quoted(value.trim()),
    };
    match op {
        "IN" | "NOT IN" => {
            let values: Vec<String> = value.split(',').filter(|value| !value.trim().is_empty()).map(literal).collect();
            format!("{name} {op} ({})", values.join(", "))
        }
        "IS NULL" | "IS NOT NULL" => format!("{name} {op}"),
        other => format!("{name} {} {}", operator(other), literal(value)),
    }
}

fn operator(op: &str) -> &str {
    if ["=", "<>", "<", "<=", ">", ">="].contains(&op) { op } else { ">=" }
}

/// A number as it stands; anything else as a text, which the judge then points at.
fn number(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if is_plain && text.parse::<f64>().is_ok() { text.to_owned() } else { quoted(text) }
}

/// The event of a form; `*` stands for any.
fn selector(event: &str) -> String {
    if event == "*" { event.to_owned() } else { identifier(event) }
}

/// The period of a form: its last day is shown inclusive and kept exclusive.
fn period(question: &Json, fields: &Fields) -> Json {
    let preset = last(fields, "preset");
    if preset == "all" {
        return Json::Null;
    }
    if let Some((from, to)) = preset.split_once("..") {
        return json!({ "from": from, "to": to });
    }
    let (from, length) = (last(fields, "from"), last(fields, "last").trim());
    let to = words::parse_day(last(fields, "to")).and_then(|to| to.succ_opt());
    // The form brings along the one that is there; the other one is then what was changed.
    let is_new = question["period"]["last"] != length;
    if !length.is_empty() && (is_new || from.is_empty() && to.is_none()) {
        return json!({ "last": length });
    }
    json!({ "from": from, "to": to.map(|to| to.to_string()).unwrap_or_default() })
}

/// A whole number of a form; what is none stays as it is, for the judge to point at.
pub(crate) fn whole(fields: &Fields, key: &str) -> Json {
    let text = last(fields, key).trim();
    text.parse::<u32>().map_or_else(|_| text.into(), Json::from)
}

fn names(fields: &Fields, key: &str) -> Json {
    let names: Vec<&str> = fields
        .iter()
        .filter(|(name, value)| name == key && !value.is_empty())
        .map(|(_, value)| value.as_str())
        .collect();
    if names.is_empty() { Json::Null } else { json!(names) }
}

/// The question with one key set; null and nothing take the key away.
pub(crate) fn with(question: &Json, key: &str, value: Json) -> Json {
    let mut map = question.as_object().cloned().unwrap_or_else(Map::new);
    let is_default = key == "release" && value == "aggregate";
    if value.is_null() || value == "" || is_default {
        map.remove(key);
    } else {
        map.insert(key.to_owned(), value);
    }
    Json::Object(map)
}
