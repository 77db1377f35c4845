//! The table under a chart and the provenance beside it, cell by cell in people's words.

use crate::attribution::channel_title;
use crate::chart::{Setting, column, is_to_come, left_because, names_group, number, past, shown};
use crate::{experiment, paths, power, words};
use api::Catalog;
use chrono::TimeDelta;
use serde::Serialize;
use spec::{Answer, Cost, Differences, Provenance, Value};

#[derive(Serialize)]
pub(crate) struct Head {
    title: String,
    pub(crate) is_number: bool,
}

#[derive(Serialize)]
pub(crate) struct Cell {
    text: String,
    /// What the column sorts by.
    sort: String,
    is_withheld: bool,
}

/// The head of a column.
pub(crate) fn head(name: &str, value_type: &str, setting: &Setting<'_>) -> Head {
    let title = match name {
        // Columns of a SELECT are called as it says.
        _ if setting.question["kind"] == "sql" => name.to_owned(),
        name if setting.question["kind"] == "power" => power::head(name, setting.question),
        "interval" => words::capital(setting.question["by"].as_str().unwrap_or("interval")),
        "value" => setting.measure.clone(),
        "people" => "People".to_owned(),
        "person" => "Person".to_owned(),
        "step" => "Step".to_owned(),
        "event" => "What they did".to_owned(),
        "from_first" => "Of the first step".to_owned(),
        "from_previous" => "Of the step before".to_owned(),
        "median_seconds" => "Median time".to_owned(),
        "withheld" => "Withheld".to_owned(),
        "path" if setting.question["kind"] == "paths" => {
            if setting.question.get("to").is_some() { "What they did before" } else { "What they did next" }.to_owned()
        }
        "cohort" => "Started".to_owned(),
        "channel" if setting.question["kind"] == "attribution" => {
            field_title(setting.question["channel"].as_str().unwrap_or("channel"), setting.catalog)
        }
        "conversions" if setting.question["kind"] == "attribution" => "Conversions".to_owned(),
        "variant" if setting.question["kind"] == "experiment" => {
            field_title(setting.question["variant"].as_str().unwrap_or("variant"), setting.catalog)
        }
        "metric" if setting.question["kind"] == "experiment" => "What is compared".to_owned(),
        "n" if setting.question["kind"] == "experiment" => "People".to_owned(),
        "mean" if setting.question["kind"] == "experiment" => "Each on average".to_owned(),
        "sum" if setting.question["kind"] == "experiment" => "In all".to_owned(),
        "sum_squares" if setting.question["kind"] == "experiment" => "Sum of squares".to_owned(),
        "size" if setting.question["kind"] == "retention" => "People".to_owned(),
        name if is_since(name, setting) => since_title(name, setting),
        other => field_title(other, setting.catalog),
    };
    let is_number = ["integer", "number", "decimal"].contains(&value_type) && !names_group(name, setting.question);
    Head { title, is_number }
}

/// Whether a column is one of a retention: `p0`, `p1`, ...
pub(crate) fn is_since(name: &str, setting: &Setting<'_>) -> bool {
    let number = name.strip_prefix('p').filter(|number| !number.is_empty());
    setting.question["kind"] == "retention"
        && number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What people call such a column: `same month`, `month 1`.
pub(crate) fn since_title(name: &str, setting: &Setting<'_>) -> String {
    let by = setting.question["by"].as_str().unwrap_or("week");
    match name.trim_start_matches('p') {
        "0" => format!("same {by}"),
        number => format!("{by} {number}"),
    }
}

fn field_title(name: &str, catalog: &Catalog) -> String {
    let mut fields = catalog.events.iter().flat_map(|event| &event.properties).chain(&catalog.traits);
    fields.find(|field| field.name == name).map_or_else(|| name.to_owned(), |field| field.title.clone())
}

/// Digits after the point, column by column: figures that stand under one another have the same.
pub(crate) fn table_digits(answer: &Answer) -> Vec<usize> {
    let of = |place: usize| {
        let figures: Vec<f64> = answer.rows.iter().filter_map(|row| number(&row[place])).collect();
        words::digits(&figures)
    };
    (0..answer.columns.len()).map(of).collect()
}

/// The cells of a row.
pub(crate) fn cells(row: &[Value], (answer, digits): (&Answer, &[usize]), setting: &Setting<'_>) -> Vec<Cell> {
    let by = setting.question["by"].as_str().unwrap_or_default();
    let is_withheld = column(answer, "withheld").is_some_and(|index| row[index] == Value::Boolean(true));
    let cell = |((value, column), digits): ((&Value, &spec::Column), &usize)| {
        let name = column.name.as_str();
        let is_experiment = setting.question["kind"] == "experiment";
        let is_retention = setting.question["kind"] == "retention";
        let own = is_experiment && ["n", "mean", "sum", "sum_squares"].contains(&name)
            || ["value", "conversions", "people", "from_first", "from_previous", "median_seconds"].contains(&name)
            || (is_retention && name != "cohort" && name != "withheld");
        let since = if name == "size" { "p0" } else { name };
        let is_ahead = is_retention && own && is_to_come(&row[0], since, setting);
        let text = match (column.name.as_str(), number(value)) {
            (name, _) if setting.question["kind"] == "power" => power::cell(name, value, setting),
            ("interval" | "cohort", _) => words::interval(&value.to_string(), by),
            ("channel", _) if setting.question["kind"] == "attribution" => channel_title(row, &answer.rows),
            ("conversions", Some(conversions)) => words::figure(&words::rounded_to(conversions, *digits), None),
            ("metric", _) if is_experiment && *value == Value::Null => String::new(),
            ("metric", _) if is_experiment => experiment::metric_title(&value.to_string(), setting),
            ("mean", Some(mean)) if is_experiment => experiment::mean_words(mean, &row[1].to_string(), setting),
            ("sum_squares", Some(sum)) if is_experiment => words::figure(&words::rounded(sum), None),
            ("path", _) if setting.question["kind"] == "paths" => words::capital(&paths::path(value, setting)),
            ("event", _) => words::capital(&past(&value.to_string(), setting)),
            ("from_first" | "from_previous", Some(rate)) => words::percent(rate),
            ("median_seconds", Some(seconds)) => words::length(seconds),
            ("value", Some(amount)) => match value {
                Value::Number(_) => words::figure(&words::rounded_to(amount, *digits), setting.unit.as_deref()),
                _ => words::figure(&value.to_string(), setting.unit.as_deref()),
            },
            (name, _) if names_group(name, setting.question) => shown(value),
            ("people", Some(_)) if setting.question["kind"] == "audience" => {
                words::figure(&value.to_string(), Some("people"))
            }
            (_, None) if is_ahead => String::new(),
            // A column of people says so in its head.
            (_, Some(_)) if own => words::figure(&value.to_string(), None),
            (_, Some(_)) => words::figure(&value.to_string(), column.unit.as_deref()),
            ("withheld", None) => {
                if *value == Value::Boolean(true) {
                    "yes".to_owned()
                } else {
                    String::new()
                }
            }
            (_, None) if own => "—".to_owned(),
            (_, None) => shown(value),
        };
        Cell { text, sort: value.to_string(), is_withheld: is_withheld && own && *value == Value::Null && !is_ahead }
    };
    row.iter().zip(&answer.columns).zip(digits).map(cell).collect()
}

/// A line: its name, its value, and the word of the glossary that the name leads to, if one does.
pub(crate) type Line = (String, String, &'static str);

/// "How do we know?" in lines.
pub(crate) fn provenance(provenance: &Provenance) -> Vec<Line> {
    let count = |count: Option<u64>| {
        count.map_or_else(|| "too few to say".to_owned(), |count| words::figure(&count.to_string(), None))
    };
    let mut lines = vec![
        ("People known".to_owned(), count(provenance.people.known), "known"),
        ("People used".to_owned(), count(provenance.people.used), "used"),
    ];
    for (reason, left) in &provenance.people.withheld {
        lines.push((format!("Left out: they {}", left_because(reason)), count(*left), "left out"));
    }
    let landed = provenance.landed_until.map(|at| words::moment(&Value::Timestamp(at).to_string()));
    lines.push(("Data landed until".to_owned(), landed.unwrap_or_else(|| "nothing yet".to_owned()), "landing"));
    lines.push(("As of".to_owned(), words::moment(&Value::Timestamp(provenance.as_of).to_string()), "as of"));
    let tables: Vec<String> = provenance.tables.iter().map(|(name, version)| format!("{name} v{version}")).collect();
    lines.push(("Tables".to_owned(), tables.join(", "), "snapshot"));
    lines.push(("Definitions and rules".to_owned(), short(&provenance.policy_version), "definition"));
    lines.push(("Question".to_owned(), short(&provenance.question_hash), "question"));
    lines.push(("Computed by".to_owned(), provenance.engine.clone(), ""));
    lines
}

/// What the purpose of an answer says of figures that are near to others; `None` where it guards nothing. It stands under every
/// answer for such a purpose: under some it would tell which gave way.
pub(crate) fn guard_words(provenance: &Provenance) -> Option<String> {
    let people = words::figure(&provenance.min_group.to_string(), Some("people"));
    (provenance.differences == Differences::Guarded.name()).then(|| {
        format!(
            "A figure that would differ from one you saw before by fewer than {people} is shown as it was before, so that \
             nobody can be singled out."
        )
    })
}

/// The same in one line for IT: whom it is about, how fresh, under which rules.
pub(crate) fn provenance_line(provenance: &Provenance) -> String {
    let people = people_used(provenance);
    let landed = provenance.landed_until.map(|at| words::moment(&Value::Timestamp(at).to_string()));
    let landed = landed.map_or_else(|| "no data yet".to_owned(), |at| format!("data landed {at}"));
    format!("{people} used, {landed}, rules {}", short(&provenance.policy_version))
}

/// And for marketing: whom it is about, and up to which day. `last` is the last day with data.
pub(crate) fn source_line(provenance: &Provenance, last: Option<&str>) -> String {
    let people = people_used(provenance);
    // What ends at midnight has nothing of the day that begins then.
    let looked = (provenance.as_of - TimeDelta::nanoseconds(1)).date_naive();
    let until = last.and_then(words::parse_day).map(|last| last.min(looked));
    match until {
        Some(day) => format!("{people}, data up to {}", words::day(&day.to_string())),
        None => format!("{people}, no data yet"),
    }
}

fn people_used(provenance: &Provenance) -> String {
    let used = provenance.people.used;
    used.map_or_else(|| "too few people to say".to_owned(), |used| words::figure(&used.to_string(), Some("people")))
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// Seconds, beside those that were expected.
fn took(seconds: f64, forecast: Option<&Cost>) -> String {
    let expected = forecast.map(|forecast| format!(" (expected: {:.3} s)", forecast.seconds));
    format!("{seconds:.3} s{}", expected.unwrap_or_default())
}

/// What it cost, in lines; empty where the role may not know.
pub(crate) fn cost(provenance: &Provenance) -> Vec<Line> {
    let Some(cost) = &provenance.cost else { return Vec::new() };
    vec![
        ("Rows read".to_owned(), words::figure(&cost.rows_read.to_string(), None), "cost"),
        ("Bytes read".to_owned(), words::figure(&format!("{:.1}", cost.bytes_read as f64 / 1e6), Some("MB")), ""),
        ("Answered in".to_owned(), took(cost.seconds, provenance.forecast.as_ref()), "forecast"),
    ]
}
