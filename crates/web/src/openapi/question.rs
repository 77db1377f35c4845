//! The schemas of questions, one for each kind. A key with null is one that is not there.

use serde_json::{Map, Value, json};
use spec::{PowerQuestion, TestKind};
use std::ops::RangeInclusive;

const DURATION: &str = "^[1-9][0-9]{0,3} (second|minute|hour|day|week)s?$";

/// What a question may look like.
pub(super) fn schema() -> Value {
    let kinds = [
        trend(),
        funnel(),
        retention(),
        attribution(),
        paths("from"),
        paths("to"),
        experiment(),
        power(),
        kind("audience", vec![("where", condition())], audience()),
        kind(
            "sql",
            vec![(
                "text",
                json!({ "type": "string", "minLength": 1, "maxLength": 16_384, "description": "one SELECT" }),
            )],
            Vec::new(),
        ),
    ];
    json!({ "oneOf": kinds })
}

type Keys = Vec<(&'static str, Value)>;

/// A kind with the keys that it needs and those that it may have.
fn kind(name: &str, needed: Keys, more: Keys) -> Value {
    let mut properties = Map::new();
    properties.insert("kind".into(), json!({ "const": name }));
    properties.insert("purpose".into(), text());
    properties.insert("time_zone".into(), or_null(text()));
    let required: Vec<&str> = ["kind", "purpose"].into_iter().chain(needed.iter().map(|(key, _)| *key)).collect();
    let required = json!(required);
    properties.extend(needed.into_iter().map(|(key, schema)| (key.to_owned(), schema)));
    properties.extend(more.into_iter().map(|(key, schema)| (key.to_owned(), or_null(schema))));
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

/// The keys of all kinds that look at events.
fn with_events(more: Keys) -> Keys {
    let day = json!({ "type": "string", "format": "date" });
    let dates = json!({ "type": "object", "required": ["from", "to"], "additionalProperties": false, "properties": {
        "from": day, "to": { "type": "string", "format": "date", "description": "the day after the last" } } });
    let last = json!({ "type": "object", "required": ["last"], "additionalProperties": false, "properties": { "last": duration() } });
    let period = json!({ "oneOf": [dates, last] });
    [("period", period), ("as_of", instant()), ("where", condition())].into_iter().chain(more).collect()
}

fn trend() -> Value {
    let more = vec![
        ("by", json!({ "enum": ["hour", "day", "week", "month", "none"] })),
        ("breakdown", names(5)),
        ("limit", whole(1, 1_000_000)),
        ("offset", whole(0, u32::MAX.into())),
    ];
    kind("trend", vec![("measure", text())], with_events(more))
}

fn funnel() -> Value {
    let steps = json!({ "type": "array", "items": step(), "minItems": 2, "maxItems": 20 });
    let more = vec![
        ("order", json!({ "enum": ["loose", "strict"] })),
        ("same", names(5)),
        ("count_by", names(5)),
        ("breakdown", names(5)),
        ("breakdown_from", text()),
    ];
    kind("funnel", vec![("steps", steps), ("within", duration())], with_events(more))
}

fn retention() -> Value {
    let more = vec![("return", step()), ("by", json!({ "enum": ["day", "week", "month"] })), ("periods", whole(1, 60))];
    kind("retention", vec![("start", step())], with_events(more))
}

fn attribution() -> Value {
    let models = ["first", "last", "linear", "position", "time_decay", "markov", "shapley"];
    let more = vec![
        ("value", text()),
        ("model", json!({ "enum": models })),
        ("lookback", duration()),
        ("half_life", duration()),
        ("reset", json!({ "type": "boolean" })),
    ];
    kind("attribution", vec![("conversion", step()), ("touch", step()), ("channel", text())], with_events(more))
}

fn paths(end: &'static str) -> Value {
    let more = vec![("steps", whole(1, 10)), ("collapse", json!({ "type": "boolean" })), ("top", whole(1, 1_000))];
    kind("paths", vec![(end, step())], with_events(more))
}

fn experiment() -> Value {
    let metrics = json!({ "type": "array", "minItems": 1, "maxItems": spec::ExperimentQuestion::METRICS_MAX,
        "items": metric() });
    let split = json!({ "type": "object", "minProperties": 2, "maxProperties": 100, "additionalProperties": whole(1, 1_000_000) });
    kind(
        "experiment",
        vec![("exposure", step()), ("variant", text()), ("metrics", metrics)],
        with_events(vec![("split", split)]),
    )
}

fn power() -> Value {
    let more = vec![
        ("variants", whole(2, PowerQuestion::VARIANTS_MAX.into())),
        ("test", json!({ "enum": TestKind::ALL.map(TestKind::name) })),
        ("days", whole(1, PowerQuestion::DAYS_MAX.into())),
        ("alpha", part(PowerQuestion::ALPHAS)),
        ("power", part(PowerQuestion::POWERS)),
    ];
    let needed = vec![("exposure", step()), ("metric", metric()), ("lift", part(PowerQuestion::LIFTS))];
    kind("power", needed, with_events(more))
}

fn audience() -> Keys {
    vec![
        ("as_of", instant()),
        ("release", json!({ "enum": ["aggregate", "list"] })),
        ("destination", text()),
        ("columns", names(50)),
        ("limit", whole(1, 1_000_000)),
    ]
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn condition() -> Value {
    json!({ "type": "string", "description": "a condition, as `count(basket_paid, within => '30 days') >= 8`" })
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": DURATION, "examples": ["30 days"] })
}

fn instant() -> Value {
    json!({ "type": "string", "anyOf": [{ "format": "date-time" }, { "format": "date" }] })
}

fn whole(least: u64, most: u64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// A part of one, or as many hundredths with a percent sign.
fn part(bounds: RangeInclusive<f64>) -> Value {
    let number = json!({ "type": "number", "minimum": bounds.start(), "maximum": bounds.end() });
    let percent = json!({ "type": "string", "pattern": "^ *[0-9]+(\\.[0-9]+)? *% *$", "examples": ["5 %"] });
    json!({ "oneOf": [number, percent] })
}

fn names(most: u64) -> Value {
    json!({ "type": "array", "items": text(), "maxItems": most, "uniqueItems": true })
}

/// An event, or one with a condition.
fn step() -> Value {
    let with_condition = json!({ "type": "object", "required": ["event"], "additionalProperties": false,
        "properties": { "event": text(), "where": or_null(condition()) } });
    json!({ "oneOf": [text(), with_condition] })
}

/// A measure, or one with more about it.
fn metric() -> Value {
    let with_more = json!({ "type": "object", "required": ["measure"], "additionalProperties": false, "properties": {
        "name": or_null(text()), "measure": text(), "where": or_null(condition()), "within": or_null(duration()) } });
    json!({ "oneOf": [text(), with_more] })
}

/// The same, or null.
fn or_null(mut schema: Value) -> Value {
    if let Some(forms) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        forms.push(json!({ "type": "null" }));
    } else if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    } else if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    schema
}
