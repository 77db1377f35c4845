//! The table under a chart and the provenance beside it, cell by cell in people's words.

use crate::attribution::channel_title;
use crate::chart::{Setting, column, left_because, number, past, shown};
use crate::{experiment, paths, power, words};
use api::Catalog;
use serde::Serialize;
use spec::{Answer, Cost, Provenance, Value};

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
    Head { title, is_number: ["integer", "number", "decimal"].contains(&value_type) }
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

/// The cells of a row.
pub(crate) fn cells(row: &[Value], answer: &Answer, setting: &Setting<'_>) -> Vec<Cell> {
    let by = setting.question["by"].as_str().unwrap_or_default();
    let is_withheld = column(answer, "withheld").is_some_and(|index| row[index] == Value::Boolean(true));
    let cell = |(value, column): (&Value, &spec::Column)| {
        let name = column.name.as_str();
        let is_experiment = setting.question["kind"] == "experiment";
        let own = is_experiment && ["n", "mean", "sum", "sum_squares"].contains(&name)
            || ["value", "conversions", "people", "from_first", "from_previous", "median_seconds"].contains(&name)
            || (setting.question["kind"] == "retention" && name != "cohort" && name != "withheld");
        let text = match (column.name.as_str(), number(value)) {
            (name, _) if setting.question["kind"] == "power" => power::cell(name, value, setting),
            ("interval" | "cohort", _) => words::interval(&value.to_string(), by),
            ("channel", _) if setting.question["kind"] == "attribution" => channel_title(row, &answer.rows),
            ("conversions", Some(conversions)) => words::figure(&words::rounded(conversions), None),
            ("metric", _) if is_experiment && *value == Value::Null => String::new(),
            ("metric", _) if is_experiment => experiment::metric_title(&value.to_string(), setting),
            ("mean", Some(mean)) if is_experiment => experiment::mean_words(mean, &row[1].to_string(), setting),
            ("sum_squares", Some(sum)) if is_experiment => words::figure(&words::rounded(sum), None),
            ("path", _) if setting.question["kind"] == "paths" => words::capital(&paths::path(value, setting)),
            ("event", _) => words::capital(&past(&value.to_string(), setting)),
            ("from_first" | "from_previous", Some(rate)) => words::percent(rate),
            ("median_seconds", Some(seconds)) => words::length(seconds),
            ("value", Some(amount)) => match value {
                Value::Number(_) => words::figure(&words::rounded(amount), setting.unit.as_deref()),
                _ => words::figure(&value.to_string(), setting.unit.as_deref()),
            },
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
        Cell { text, sort: value.to_string(), is_withheld: is_withheld && own && *value == Value::Null }
    };
    row.iter().zip(&answer.columns).map(cell).collect()
}

/// "How do we know?" in lines of name and value.
pub(crate) fn provenance(provenance: &Provenance) -> Vec<(String, String)> {
    let count = |count: Option<u64>| {
        count.map_or_else(|| "too few to say".to_owned(), |count| words::figure(&count.to_string(), None))
    };
    let mut lines = vec![
        ("People known".to_owned(), count(provenance.people.known)),
        ("People used".to_owned(), count(provenance.people.used)),
    ];
    for (reason, left) in &provenance.people.withheld {
        lines.push((format!("Left out: they {}", left_because(reason)), count(*left)));
    }
    let landed = provenance.landed_until.map(|at| words::moment(&Value::Timestamp(at).to_string()));
    lines.push(("Data landed until".to_owned(), landed.unwrap_or_else(|| "nothing yet".to_owned())));
    lines.push(("As of".to_owned(), words::moment(&Value::Timestamp(provenance.as_of).to_string())));
    let tables: Vec<String> = provenance.tables.iter().map(|(name, version)| format!("{name} v{version}")).collect();
    lines.push(("Tables".to_owned(), tables.join(", ")));
    lines.push(("Definitions and rules".to_owned(), short(&provenance.policy_version)));
    lines.push(("Question".to_owned(), short(&provenance.question_hash)));
    lines.push(("Computed by".to_owned(), provenance.engine.clone()));
    lines
}

/// The same in one line: whom it is about, how fresh, under which rules.
pub(crate) fn provenance_line(provenance: &Provenance) -> String {
    let people =
        provenance.people.used.map_or_else(|| "too few".to_owned(), |used| words::figure(&used.to_string(), None));
    let landed = provenance.landed_until.map(|at| words::moment(&Value::Timestamp(at).to_string()));
    let landed = landed.map_or_else(|| "no data yet".to_owned(), |at| format!("data landed {at}"));
    format!("{people} people used, {landed}, rules {}", short(&provenance.policy_version))
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// Seconds, beside those that were expected.
fn took(seconds: f64, forecast: Option<&Cost>) -> String {
    let expected = forecast.map(|forecast| format!(" (expected: {:.3} s)", forecast.seconds));
    format!("{seconds:.3} s{}", expected.unwrap_or_default())
}

/// What it cost, in lines of name and value; empty where the role may not know.
pub(crate) fn cost(provenance: &Provenance) -> Vec<(String, String)> {
    let Some(cost) = &provenance.cost else { return Vec::new() };
    vec![
        ("Rows read".to_owned(), words::figure(&cost.rows_read.to_string(), None)),
        ("Bytes read".to_owned(), words::figure(&format!("{:.1}", cost.bytes_read as f64 / 1e6), Some("MB"))),
        ("Answered in".to_owned(), took(cost.seconds, provenance.forecast.as_ref())),
    ]
}
