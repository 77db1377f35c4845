//! A question as a sentence with parts that can be edited: what the builder's template shows.

use crate::attribution::{self, AttributionView};
use crate::experiment::{self, ExperimentView};
use crate::paths::{self, PathsView};
use crate::power::{self, PowerView};
use crate::typed::in_form_words;
use crate::words;
use api::{Catalog, Explained, FieldView, MetricView};
use chrono::Datelike;
use serde::Serialize;
use serde_json::Value as Json;
use spec::{ConditionForm, ConditionPart, Diagnostic, Period, PowerQuestion, identifier};
use std::collections::BTreeMap;

/// Choices that one finds by looking them through.
const CHOICES_MAX: usize = 15;

/// The builder's view of a question.
#[derive(Serialize)]
pub(crate) struct Builder {
    /// The question as compact JSON: the state of the page.
    pub(crate) q: String,
    /// The kind's word.
    pub(crate) kind: String,
    /// The whole as one plain sentence.
    pub(crate) sentence: String,
    purpose: Choice,
    purposes: Vec<Choice>,
    measure: Choice,
    measures: Vec<Group>,
    /// Whether there are so many measures that one looks for them by a word.
    is_long: bool,
    /// The measure's text when it is none of `measures`.
    written: String,
    by: String,
    period: PeriodView,
    parts: Vec<PartView>,
    condition: String,
    breakdown: Vec<Choice>,
    /// What it may be split by, of each event and of the person.
    breakdowns: Vec<Group>,
    steps: Vec<StepView>,
    /// Of a retention: what begins it and what is coming back; of an attribution: conversion and touch; of paths: what they
    /// start from or lead to; of an experiment and of a plan for one: the exposure.
    ends: Vec<StepView>,
    periods: String,
    /// Of an attribution: who shares what, and how.
    attribution: Option<AttributionView>,
    /// Of paths: around what, and how far.
    paths: Option<PathsView>,
    /// Of an experiment: what is compared, and what tells variants apart.
    experiment: Option<ExperimentView>,
    /// Of the question how large a test has to be: what is to change, by how much, and how the test is read.
    power: Option<PowerView>,
    /// The text in SQL.
    text: String,
    within: String,
    is_strict: bool,
    same: Vec<Choice>,
    counts_same: bool,
    as_of: String,
    release: String,
    columns: Vec<Choice>,
    /// Where the people are to go; nothing is chosen where they stay.
    destinations: Vec<Choice>,
    events: Vec<Choice>,
    numbers: Vec<Group>,
    properties: Vec<Choice>,
    traits: Vec<Choice>,
    audiences: Vec<Choice>,
    /// Everything that is wrong, by the part of the question that it is about.
    errors: BTreeMap<String, Vec<Diagnostic>>,
    plan: Vec<String>,
}

/// Something that can be chosen.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) note: String,
    pub(crate) selected: bool,
}

/// Choices under one heading.
#[derive(Serialize)]
pub(crate) struct Group {
    label: String,
    pub(crate) choices: Vec<Choice>,
}

#[derive(Serialize)]
struct PeriodView {
    words: String,
    /// The length of a period that ends now: `30 days`, or empty.
    last: String,
    from: String,
    to: String,
    presets: Vec<Choice>,
}

#[derive(Serialize)]
struct StepView {
    words: String,
    event: String,
    condition: String,
    errors: Vec<Diagnostic>,
}

/// A term of the condition, with the fields of its form.
#[derive(Serialize)]
struct PartView {
    text: String,
    words: String,
    negative: bool,
    shape: &'static str,
    fields: BTreeMap<&'static str, String>,
}

/// Makes the builder's view of a question.
pub(crate) fn builder(question: &Json, explained: Explained, catalog: &Catalog, metrics: &[MetricView]) -> Builder {
    let explained = Explained { errors: in_form_words(explained.errors, question), ..explained };
    let text = |key: &str| question[key].as_str().unwrap_or_default().to_owned();
    let purpose = text("purpose");
    let measure = text("measure");
    let measures = measure_groups(catalog, metrics, &measure);
    let chosen = measures.iter().flat_map(|group| &group.choices).find(|choice| choice.selected).cloned();
    let kind = text("kind");
    let ends: &[&str] = match kind.as_str() {
        "paths" => &[paths::way(question)],
        "attribution" => &["conversion", "touch"],
        "experiment" | "power" => &["exposure"],
        _ => &["start", "return"],
    };
    let names = |key: &str| -> Vec<String> {
        let list = question[key].as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let breakdowns = breakdown_groups((catalog, metrics), question, &names("breakdown"), &purpose);
    let purposes: Vec<Choice> = catalog.purposes.iter().map(|known| purpose_choice(known, &purpose)).collect();
    let purposes = with_chosen(purposes, std::slice::from_ref(&purpose));
    let columns = catalog.traits.iter().map(|field| choice_of(field, &names("columns"), &purpose)).collect();
    let destination = text("destination");
    let destination = |(name, title): &(String, String)| Choice {
        value: name.clone(),
        label: title.clone(),
        selected: *name == destination,
        ..Choice::default()
    };
    let destinations = catalog.destinations.iter().map(destination).collect();
    Builder {
        q: question.to_string(),
        sentence: explained.sentence,
        purpose: purposes.iter().find(|known| known.selected).cloned().unwrap_or_else(|| bare(&purpose)),
        purposes,
        written: if chosen.is_some() { String::new() } else { measure.clone() },
        measure: chosen.unwrap_or_else(|| bare(&measure)),
        is_long: measures.iter().map(|group| group.choices.len()).sum::<usize>() > CHOICES_MAX,
        measures,
        by: text("by"),
        period: period_view(question, catalog),
        parts: explained.parts.iter().map(part_view).collect(),
        condition: text("where"),
        breakdown: selected(breakdowns.iter().flat_map(|group| &group.choices), &names("breakdown")),
        breakdowns,
        steps: step_views(question, catalog, &explained.errors),
        ends: ends.iter().map(|end| step_view(end_of(question, end), end, catalog, &explained.errors)).collect(),
        periods: question["periods"].as_u64().map_or_else(|| text("periods"), |periods| periods.to_string()),
        attribution: attribution::view(question, catalog),
        paths: paths::view(question),
        experiment: experiment::view(question, catalog, metrics),
        power: power::view(question, catalog, metrics),
        text: text("text"),
        within: text("within"),
        is_strict: text("order") == "strict",
        same: same_choices(catalog, question, &names("same")),
        counts_same: question["count_by"].as_array().is_some_and(|list| !list.is_empty()),
        as_of: text("as_of"),
        release: if text("release") == "list" { "list".to_owned() } else { "aggregate".to_owned() },
        columns: with_chosen(columns, &names("columns")),
        destinations: with_chosen(destinations, &[text("destination")]),
        events: catalog
            .events
            .iter()
            .map(|event| Choice { value: event.name.clone(), label: event.past.clone(), ..Choice::default() })
            .collect(),
        numbers: catalog.events.iter().filter_map(number_group).collect(),
        properties: properties_of(catalog, &events_of((catalog, metrics), question))
            .into_iter()
            .map(|field| choice_of(field, &[], &purpose))
            .collect(),
        traits: catalog.traits.iter().map(|field| choice_of(field, &[], &purpose)).collect(),
        audiences: pairs(&catalog.audiences),
        errors: by_part(explained.errors),
        plan: explained.plan,
        kind,
    }
}

/// The condition's terms as text, safe to be joined by AND; a condition that cannot be read is one term.
pub(crate) fn part_texts(parts: &[ConditionPart], condition: &str) -> Vec<String> {
    if parts.is_empty() && !condition.trim().is_empty() {
        return vec![bracketed(condition)];
    }
    // What a form can edit is a single comparison; anything else may hold an OR.
    let text = |part: &ConditionPart| if part.form.is_some() { part.text.clone() } else { bracketed(&part.text) };
    parts.iter().map(text).collect()
}

/// A text as one term, whatever joins what inside of it.
///
/// One that closes more brackets than it opens stays as it is and cannot be read: in brackets it would read as another.
pub(crate) fn bracketed(text: &str) -> String {
    let text = text.trim();
    if closes_too_much(text) { text.to_owned() } else { format!("({text})") }
}

fn closes_too_much(text: &str) -> bool {
    let (mut depth, mut quote) = (0_i32, None);
    for letter in text.chars() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

/// The choices with what is chosen among them, known or not: a form sends nothing that it does not show.
pub(crate) fn with_chosen(mut choices: Vec<Choice>, chosen: &[String]) -> Vec<Choice> {
    for name in chosen {
        if !name.is_empty() && !choices.iter().any(|choice| choice.value == *name) {
            choices.push(bare(name));
        }
    }
    choices
}

fn bare(value: &str) -> Choice {
    Choice { value: value.to_owned(), label: value.to_owned(), note: String::new(), selected: true }
}

fn purpose_choice(purpose: &api::PurposeView, chosen: &str) -> Choice {
    let people = purpose.people.map(|people| format!("{} people", words::figure(&people.to_string(), None)));
    Choice {
        value: purpose.name.clone(),
        label: purpose.title.clone(),
        note: people.unwrap_or_else(|| "too few people to say".to_owned()),
        selected: purpose.name == chosen,
    }
}

pub(crate) fn choice_of(field: &FieldView, chosen: &[String], purpose: &str) -> Choice {
    let note = if field.purposes.iter().any(|known| known == purpose) {
        String::new()
    } else {
        "not for this purpose".to_owned()
    };
    Choice { value: field.name.clone(), label: field.title.clone(), note, selected: chosen.contains(&field.name) }
}

fn pairs(list: &[(String, String)]) -> Vec<Choice> {
    list.iter().map(|(name, title)| Choice { value: name.clone(), label: title.clone(), ..Choice::default() }).collect()
}

fn selected<'a>(choices: impl Iterator<Item = &'a Choice> + Clone, names: &[String]) -> Vec<Choice> {
    names
        .iter()
        .map(|name| choices.clone().find(|choice| choice.value == *name).cloned().unwrap_or_else(|| bare(name)))
        .collect()
}

pub(crate) fn measure_groups(catalog: &Catalog, metrics: &[MetricView], measure: &str) -> Vec<Group> {
    let choice =
        |value: String, label: String| Choice { selected: value == measure, value, label, note: String::new() };
    let agreed = metrics.iter().map(|metric| choice(identifier(&metric.name), metric.title.clone())).collect();
    let mut groups = vec![Group { label: "Agreed by both teams".to_owned(), choices: agreed }];
    for event in &catalog.events {
        let name = identifier(&event.name);
        let mut choices = vec![
            choice(format!("people({name})"), format!("People who {}", event.past)),
            choice(format!("count({name})"), format!("Times people {}", event.past)),
        ];
        for field in event.properties.iter().filter(|field| is_amount(field)) {
            let (title, property) = (uncapital(&field.title), identifier(&field.name));
            choices.push(choice(format!("sum({name}.{property})"), format!("Total {title}")));
            choices.push(choice(format!("avg({name}.{property})"), format!("Average {title}")));
        }
        groups.push(Group { label: event.title.clone(), choices });
    }
    groups
}

/// What people call a measure; its text when there is no name for it.
pub(crate) fn measure_title(catalog: &Catalog, metrics: &[MetricView], measure: &str) -> String {
    let mut choices = measure_groups(catalog, metrics, measure).into_iter().flat_map(|group| group.choices);
    let title = choices.find(|choice| choice.selected).map(|choice| choice.label);
    title.unwrap_or_else(|| if measure.is_empty() { "Value".to_owned() } else { measure.to_owned() })
}

fn number_group(event: &api::EventView) -> Option<Group> {
    let numbers = event.properties.iter().filter(|field| is_amount(field));
    let choices: Vec<Choice> = numbers
        .map(|field| Choice {
            value: format!("{}.{}", event.name, field.name),
            label: field.title.clone(),
            ..Choice::default()
        })
        .collect();
    (!choices.is_empty()).then(|| Group { label: event.title.clone(), choices })
}

/// Whether its values can be added up: money, or so many of something. A number without a unit is a name, as of a shop.
pub(crate) fn is_amount(field: &FieldView) -> bool {
    let is_number = ["integer", "number"].contains(&field.value_type.as_str());
    field.value_type == "decimal" || is_number && field.unit.is_some()
}

pub(crate) fn uncapital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// A step of the question; what comes back where that is not said, is what they started with.
fn end_of<'a>(question: &'a Json, end: &str) -> &'a Json {
    if end == "return" && question[end].is_null() { &question["start"] } else { &question[end] }
}

/// Names of the events that a measure is about; an agreed one stands for the measure of its file. Empty: any.
pub(crate) fn events_of_measure((catalog, metrics): (&Catalog, &[MetricView]), measure: &str) -> Vec<String> {
    let agreed = metrics.iter().find(|metric| identifier(&metric.name) == measure);
    let text = agreed.map_or(measure, |metric| &metric.measure);
    let unspaced = |text: &str| -> String { text.split_whitespace().collect() };
    let text = unspaced(text);
    let is_about = |event: &&api::EventView| {
        let name = unspaced(&identifier(&event.name));
        text.contains(&format!("({name})")) || text.contains(&format!("({name}."))
    };
    catalog.events.iter().filter(is_about).map(|event| event.name.clone()).collect()
}

/// Names of the events that a question is about; empty: any.
fn events_of(known: (&Catalog, &[MetricView]), question: &Json) -> Vec<String> {
    let step = |step: &Json| step.as_str().or(step["event"].as_str()).map(str::to_owned);
    match question["kind"].as_str() {
        Some("retention") => step(&question["start"]).into_iter().collect(),
        Some("attribution") => step(&question["touch"]).into_iter().collect(),
        Some("experiment" | "power") => step(&question["exposure"]).into_iter().collect(),
        Some("paths") => Vec::new(),
        Some("funnel") => {
            question["steps"].as_array().and_then(|steps| steps.first()).and_then(step).into_iter().collect()
        }
        _ => events_of_measure(known, question["measure"].as_str().unwrap_or_default()),
    }
}

fn properties_of<'a>(catalog: &'a Catalog, wanted: &[String]) -> Vec<&'a FieldView> {
    let events = catalog.events.iter().filter(|event| wanted.is_empty() || wanted.contains(&event.name));
    let mut fields: Vec<&FieldView> = Vec::new();
    for field in events.flat_map(|event| &event.properties) {
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
    fields
}

/// What a question may be split by: what its events have, each under the first that has it, and who people are.
///
/// Money is not offered: a group of everybody who paid the same cent tells nothing.
fn breakdown_groups(known: (&Catalog, &[MetricView]), question: &Json, chosen: &[String], purpose: &str) -> Vec<Group> {
    let catalog = known.0;
    let events = events_of(known, question);
    let splits = |field: &&FieldView| field.groups && field.value_type != "decimal" || chosen.contains(&field.name);
    let fields: Vec<&FieldView> = properties_of(catalog, &events).into_iter().filter(splits).collect();
    let is_of = |event: &api::EventView, field: &FieldView| event.properties.iter().any(|own| std::ptr::eq(own, field));
    let mut groups: Vec<Group> = Vec::new();
    for event in &catalog.events {
        let own = fields.iter().filter(|field| is_of(event, field));
        groups.push(Group {
            label: event.title.clone(),
            choices: own.map(|field| choice_of(field, chosen, purpose)).collect(),
        });
    }
    let traits = catalog.traits.iter().filter(splits).map(|field| choice_of(field, chosen, purpose));
    groups.push(Group { label: "The person".to_owned(), choices: traits.collect() });
    // What is chosen and not known is kept, since a form sends nothing that it does not show.
    let is_unknown =
        |name: &&String| groups.iter().flat_map(|group| &group.choices).all(|choice| choice.value != **name);
    let unknown = chosen.iter().filter(is_unknown).map(|name| bare(name)).collect();
    groups.push(Group { label: "Not known here".to_owned(), choices: unknown });
    groups.retain(|group| !group.choices.is_empty());
    groups
}

/// What a measure may be split by, as text and as people call it: the field that is called so, of its events or of the
/// person.
pub(crate) fn breakdown_called(
    known: (&Catalog, &[MetricView]),
    measure: &str,
    words: &[&str],
) -> Option<(String, String)> {
    let question = serde_json::json!({ "kind": "trend", "measure": measure });
    let groups = breakdown_groups(known, &question, &[], "");
    let choices = groups.into_iter().flat_map(|group| group.choices);
    let is_called = |choice: &Choice| {
        let title = format!("{} {}", choice.label, choice.value).to_lowercase();
        words.iter().all(|word| title.contains(word))
    };
    choices.filter(is_called).min_by_key(|choice| choice.label.len()).map(|choice| (choice.value, choice.label))
}

/// Properties that every step's event has.
fn same_choices(catalog: &Catalog, question: &Json, chosen: &[String]) -> Vec<Choice> {
    let steps = question["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = steps.iter().filter_map(|step| step.as_str().or(step["event"].as_str())).collect();
    let events: Vec<&api::EventView> =
        catalog.events.iter().filter(|event| names.contains(&event.name.as_str())).collect();
    let Some((first, rest)) = events.split_first() else { return with_chosen(Vec::new(), chosen) };
    let shared = first
        .properties
        .iter()
        .filter(|field| rest.iter().all(|event| event.properties.iter().any(|other| other.name == field.name)));
    let choices = shared
        .map(|field| Choice {
            value: field.name.clone(),
            label: field.title.clone(),
            note: String::new(),
            selected: chosen.contains(&field.name),
        })
        .collect();
    with_chosen(choices, chosen)
}

fn step_views(question: &Json, catalog: &Catalog, errors: &[Diagnostic]) -> Vec<StepView> {
    let steps = question["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let view = |(index, step)| step_view(step, &format!("steps/{index}"), catalog, errors);
    steps.iter().enumerate().map(view).collect()
}

/// A step that stands at this place in the question.
fn step_view(step: &Json, place: &str, catalog: &Catalog, errors: &[Diagnostic]) -> StepView {
    let event = step.as_str().or(step["event"].as_str()).unwrap_or_default().to_owned();
    let past =
        catalog.events.iter().find(|known| known.name == event).map_or(event.clone(), |known| known.past.clone());
    let condition = step["where"].as_str().unwrap_or_default().to_owned();
    let words = if condition.is_empty() { past } else { format!("{past} where {condition}") };
    let here = format!("/question/{place}");
    let is_here = |error: &&Diagnostic| error.path == here || error.path.starts_with(&format!("{here}/"));
    StepView { words, event, condition, errors: errors.iter().filter(is_here).cloned().collect() }
}

fn period_view(question: &Json, catalog: &Catalog) -> PeriodView {
    let period = &question["period"];
    let (from, to) = (period["from"].as_str().unwrap_or_default(), period["to"].as_str().unwrap_or_default());
    let inclusive = words::parse_day(to).and_then(|to| to.pred_opt()).map(|to| to.to_string()).unwrap_or_default();
    let is_power = question["kind"] == "power";
    let words = match (period["last"].as_str(), from.is_empty() && to.is_empty()) {
        (Some(last), _) => format!("the last {last}"),
        (None, true) if is_power => usual_days(),
        (None, true) => "all time".to_owned(),
        (None, false) => period_words(from, to, &inclusive),
    };
    let last = period["last"].as_str().unwrap_or_default().to_owned();
    PeriodView { words, last, from: from.to_owned(), to: inclusive, presets: presets(catalog, !is_power) }
}

/// What a test is planned from unless it is said.
fn usual_days() -> String {
    match PowerQuestion::usual_period() {
        Period::Last(length) => format!("the last {length}"),
        Period::Dates { from, to } => format!("{from} to {to}"),
    }
}

/// `2017`, `Dec 2017`, or `1 Mar 2017 to 15 Mar 2017`.
fn period_words(from: &str, to: &str, inclusive: &str) -> String {
    if let (Some(start), Some(end)) = (words::parse_day(from), words::parse_day(to)) {
        if start.day() == 1 && start.month() == 1 && start.checked_add_months(chrono::Months::new(12)) == Some(end) {
            return start.year().to_string();
        }
        if start.day() == 1 && start.checked_add_months(chrono::Months::new(1)) == Some(end) {
            return start.format("%b %Y").to_string();
        }
    }
    format!("{} to {}", words::day(from), words::day(inclusive))
}

/// Periods to choose from: the last full month, quarter and year of the data, and all of it where that can be asked for.
fn presets(catalog: &Catalog, has_all: bool) -> Vec<Choice> {
    let mut presets = Vec::new();
    for (months, label) in [(1, "Last full month"), (3, "Last 3 full months"), (12, "Last 12 full months")] {
        if let Some((from, to)) = crate::edit::full_months(catalog, months) {
            presets.push(Choice { value: format!("{from}..{to}"), label: label.to_owned(), ..Choice::default() });
        }
    }
    if has_all {
        presets.push(Choice { value: "all".to_owned(), label: "All time".to_owned(), ..Choice::default() });
    }
    presets
}

fn part_view(part: &ConditionPart) -> PartView {
    let mut fields = BTreeMap::new();
    let mut set = |key: &'static str, value: &str| drop(fields.insert(key, value.to_owned()));
    let yes = |negated: bool| if negated { "yes" } else { "" };
    let shape = match &part.form {
        Some(ConditionForm::Did { event, negated, within }) => {
            set("event", event);
            set("negated", yes(*negated));
            set("within", within);
            "did"
        }
        Some(ConditionForm::Aggregate { function, event, property, op, value, within }) => {
            set("function", function);
            set("event", event);
            if !property.is_empty() {
                set("property", &format!("{event}.{property}"));
            }
            set("op", op);
            set("number", value);
            set("within", within);
            "aggregate"
        }
        Some(ConditionForm::Trait { name, op, value }) => {
            set("trait", name);
            set("trait_op", op);
            set("trait_value", value);
            "trait"
        }
        Some(ConditionForm::Audience { name, negated }) => {
            set("audience", name);
            set("negated", yes(*negated));
            "audience"
        }
        None => "text",
    };
    PartView { text: part.text.clone(), words: part.words.clone(), negative: part.negative, shape, fields }
}

/// Sorts diagnostics by the part of the question that they are about.
fn by_part(errors: Vec<Diagnostic>) -> BTreeMap<String, Vec<Diagnostic>> {
    let mut map: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for error in errors {
        let part = error.path.strip_prefix("/question/").and_then(|rest| rest.split('/').next()).unwrap_or("question");
        map.entry(part.to_owned()).or_default().push(error);
    }
    map
}

#[cfg(test)]
mod tests;
