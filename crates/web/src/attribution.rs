//! Attributions on pages: the first question, what the forms of the builder change, the parts of its sentence, the picture.

use crate::chart::{Bar, BarGroup, Setting, column, number, shown, width};
use crate::edit::{full_months, with};
use crate::render::last;
use crate::sentence::{Choice, choice_of, is_amount, uncapital, with_chosen};
use crate::words;
use api::{Catalog, EventView, FieldView};
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::{Answer, Value};

/// The models, as the sentence and the form call them.
const MODELS: [(&str, &str, &str); 7] = [
    ("first", "the first of them", "the first touch has all"),
    ("last", "the last of them", "the last touch has all"),
    ("linear", "equal shares", "all touches have the same"),
    ("position", "shares for the ends", "40 % for the first and the last each, 20 % for those between"),
    ("time_decay", "shares that halve with time", "the nearer, the more"),
    ("markov", "what would be lost without it", "by how much less people would convert without the channel"),
    ("shapley", "what it adds to others", "the channels of a path have the same"),
];

/// What stands for the channel of conversions without a touch.
const NO_TOUCH: &str = "(none)";
/// What people read there.
const NO_TOUCH_TITLE: &str = "no touch";

/// What the sentence of an attribution shows besides what others have.
#[derive(Serialize)]
pub(crate) struct AttributionView {
    channel: Choice,
    channels: Vec<Choice>,
    /// What is summed, and what could be.
    sum: Choice,
    sums: Vec<Choice>,
    /// Each with its words in the sentence as the label, and those in the form as the note.
    model: Choice,
    models: Vec<Choice>,
    lookback: String,
    half_life: String,
    resets: bool,
}

/// The parts of an attribution; of any other question there are none.
pub(crate) fn view(question: &Json, catalog: &Catalog) -> Option<AttributionView> {
    let text = |key: &str| question[key].as_str().unwrap_or_default().to_owned();
    if text("kind") != "attribution" {
        return None;
    }
    let (channel, value, model) = (text("channel"), text("value"), text("model"));
    let purpose = text("purpose");
    let choices = |step: &str, chosen: &String, fits: &dyn Fn(&FieldView) -> bool| {
        let event = question[step].as_str().or(question[step]["event"].as_str()).unwrap_or_default();
        let events = catalog.events.iter().filter(|known| known.name == event || event == "*");
        let fields = events.flat_map(|event| &event.properties).filter(|field| fits(field));
        let mut choices: Vec<Choice> = Vec::new();
        for field in fields {
            if !choices.iter().any(|known| known.value == field.name) {
                choices.push(choice_of(field, std::slice::from_ref(chosen), &purpose));
            }
        }
        with_chosen(choices, std::slice::from_ref(chosen))
    };
    let channels = choices("touch", &channel, &|field| field.groups);
    let sums = choices("conversion", &value, &is_amount);
    let models = MODELS.iter().map(|(value, label, note)| Choice {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
        note: (*note).to_owned(),
        selected: *value == model || model.is_empty() && *value == "last",
    });
    let models: Vec<Choice> = models.collect();
    let chosen = |choices: &[Choice]| choices.iter().find(|choice| choice.selected).cloned().unwrap_or_default();
    let or_usual = |text: String, usual: &str| if text.is_empty() { usual.to_owned() } else { text };
    Some(AttributionView {
        channel: chosen(&channels),
        sum: chosen(&sums),
        model: chosen(&models),
        lookback: or_usual(text("lookback"), "30 days"),
        half_life: or_usual(text("half_life"), "7 days"),
        resets: question["reset"] == true,
        channels,
        sums,
        models,
    })
}

/// A first question: what people pay, owed to what comes before it and has groups of names; `goals` come in their order.
pub(crate) fn start(catalog: &Catalog, goals: &[&EventView], purpose: &str) -> Json {
    let usable = |field: &&FieldView| field.purposes.iter().any(|known| known == purpose);
    let amount = |event: &EventView| {
        let found = event.properties.iter().filter(usable).find(|field| is_amount(field));
        found.map(|field| field.name.clone())
    };
    let conversion = goals.iter().find(|event| amount(event).is_some()).or(goals.first());
    let value = conversion.and_then(|event| amount(event));
    let conversion = conversion.map(|event| event.name.clone()).unwrap_or_default();
    // What has a price itself is another sale rather than what led to one.
    let mut touches: Vec<&EventView> = catalog.events.iter().filter(|event| event.name != conversion).collect();
    touches.sort_by_key(|event| amount(event).is_some());
    let grouping = |event: &&EventView| {
        let mut groups: Vec<&FieldView> = event.properties.iter().filter(usable).filter(|field| field.groups).collect();
        groups.sort_by_key(|field| field.value_type != "text");
        groups.first().map(|field| (event.name.clone(), field.name.clone()))
    };
    let (touch, channel) = touches.iter().find_map(grouping).unwrap_or_default();
    let mut question = json!({
        "kind": "attribution", "purpose": purpose, "conversion": conversion, "touch": touch, "channel": channel,
        "model": "last", "lookback": "30 days",
    });
    if let Some(value) = value {
        question["value"] = value.into();
    }
    if let Some((from, to)) = full_months(catalog, 6) {
        question["period"] = json!({ "from": from.to_string(), "to": to.to_string() });
    }
    question
}

/// The question after the form of its model was sent.
pub(crate) fn shared(question: &Json, fields: &[(String, String)]) -> Json {
    let model = last(fields, "value");
    let half_life = if model == "time_decay" { last(fields, "half_life").trim() } else { "" };
    let mut changed = question.clone();
    for (key, value) in [
        ("model", model.into()),
        ("half_life", half_life.into()),
        ("lookback", last(fields, "lookback").trim().into()),
        ("reset", if last(fields, "reset") == "yes" { Json::Bool(true) } else { Json::Null }),
    ] {
        changed = with(&changed, key, value);
    }
    changed
}

/// What the measure of an attribution is called: the property that is summed.
pub(crate) fn measure_title(question: &Json, catalog: &Catalog) -> String {
    view(question, catalog).map_or_else(String::new, |view| view.sum.label)
}

/// The column that holds nothing, since nothing is summed.
pub(crate) fn empty_column(answer: &Answer, setting: &Setting<'_>) -> Option<usize> {
    let is_empty = setting.question["kind"] == "attribution" && setting.question["value"].is_null();
    is_empty.then(|| column(answer, "value")).flatten()
}

/// What people read as the channel of a row.
pub(crate) fn channel_title(row: &[Value], rows: &[Vec<Value>]) -> String {
    // A channel may have the same name; what no touch led to comes after all channels.
    let is_named_so = |row: &&Vec<Value>| row.first().is_some_and(|channel| channel.to_string() == NO_TOUCH);
    let no_touch = rows.iter().rfind(is_named_so);
    if no_touch.is_some_and(|no_touch| std::ptr::eq(no_touch.as_slice(), row)) {
        return NO_TOUCH_TITLE.to_owned();
    }
    row.first().map(shown).unwrap_or_default()
}

/// A bar for each channel, the longest first. What no touch led to has none, since most of all often is, nor what is withheld.
pub(crate) fn bars(answer: &Answer, setting: &Setting<'_>) -> Vec<BarGroup> {
    let figures = |row: &Vec<Value>| (row.get(1).and_then(number), row.get(2).and_then(number));
    let rows = answer.rows.as_slice();
    let is_channel = |row: &Vec<Value>| channel_title(row, rows) != NO_TOUCH_TITLE;
    let length = |row: &Vec<Value>| figures(row).0.filter(|_| is_channel(row));
    let most = rows.iter().filter_map(length).fold(0.0, f64::max);
    let mut sorted: Vec<&Vec<Value>> = rows.iter().collect();
    sorted.sort_by(|one, other| length(other).unwrap_or(-1.0).total_cmp(&length(one).unwrap_or(-1.0)));
    let digits =
        |of: &dyn Fn(&Vec<Value>) -> Option<f64>| words::digits(&rows.iter().filter_map(of).collect::<Vec<f64>>());
    let (of_conversions, of_values) = (digits(&|row| figures(row).0), digits(&|row| figures(row).1));
    let bar = |row: &&Vec<Value>| {
        let (conversions, value) = figures(row);
        Bar {
            title: channel_title(row, rows),
            figure: conversions.map_or_else(
                || "withheld".to_owned(),
                |conversions| words::figure(&words::rounded_to(conversions, of_conversions), None),
            ),
            width: width(length(row).unwrap_or(0.0), most),
            note: value.map_or_else(String::new, |value| {
                let value = words::figure(&words::rounded_to(value, of_values), setting.unit.as_deref());
                format!("{} {value}", uncapital(&setting.measure)).trim_start().to_owned()
            }),
        }
    };
    vec![BarGroup { title: String::new(), bars: sorted.iter().map(bar).collect() }]
}

/// The bars in one sentence.
pub(crate) fn summary(rows: &[Vec<Value>]) -> String {
    let known = rows.iter().filter_map(|row| Some((channel_title(row, rows), number(row.get(1)?)?)));
    let (untouched, channels): (Vec<_>, Vec<_>) = known.partition(|(title, _)| title == NO_TOUCH_TITLE);
    let Some((most, share)) = channels.iter().max_by(|one, other| one.1.total_cmp(&other.1)) else {
        return "Too few people to show.".to_owned();
    };
    let figure = |number: f64| words::figure(&words::rounded(number), None);
    let all = figure(channels.iter().map(|(_, conversions)| conversions).sum());
    let without = untouched
        .first()
        .map_or_else(String::new, |(_, conversions)| format!(" No touch came before {} others.", figure(*conversions)));
    format!("{all} conversions are owed to {} channels, most to {most}: {}.{without}", channels.len(), figure(*share))
}

#[cfg(test)]
mod tests;
