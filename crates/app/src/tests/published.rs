//! Published studies, imported under a contract and asked through the front door: what must come out is in print.
//!
//! The data may not be in the project. Where they are is `ENTENTE_SHARED`; where they are not, a test says so and ends.

use super::world::{Setup, World};
use api::{Asked, Input};
use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use chrono::TimeDelta;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};
use spec::{Instant, Value};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The day on which every study begins.
const START: &str = "2024-05-01T00:00:00Z";

/// Where a published file is; `None` when it is not there.
fn place_of(file: &str) -> Option<PathBuf> {
    let shared = std::env::var("ENTENTE_SHARED")
        .map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = shared.join("data").join(file);
    if !path.exists() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    Some(path)
}

/// A published file as text, by the program that unpacks it; `None` when it is not there.
fn published(file: &str, unpack: &[&str]) -> Option<String> {
    let path = place_of(file)?;
    let output = Command::new(unpack[0]).args(&unpack[1..]).arg(&path).output().expect("the program is installed");
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("the file is text"))
}

/// The rows of a table by their columns.
fn rows(text: &str) -> impl Iterator<Item = BTreeMap<&str, &str>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    lines.map(move |line| {
        let mut is_quoted = false;
        let cells = line.split(move |char| {
            is_quoted ^= char == '"';
            char == ',' && !is_quoted
        });
        names.iter().copied().zip(cells).collect()
    })
}

/// Events of a study, by name.
#[derive(Default)]
struct Events(BTreeMap<&'static str, String>);

impl Events {
    fn add(&mut self, name: &'static str, person: &str, day: i64, properties: Json) {
        self.add_after(name, person, TimeDelta::days(day), properties);
    }

    fn add_after(&mut self, name: &'static str, person: &str, after: TimeDelta, properties: Json) {
        let start: Instant = START.parse().expect("it is a time");
        let mut event = json!({ "who": person, "at": (start + after).to_rfc3339() });
        let properties = properties.as_object().expect("it is one").clone();
        event.as_object_mut().expect("it is one").extend(properties);
        writeln!(self.0.entry(name).or_default(), "{event}").expect("writing to a string cannot fail");
    }

    /// Imports them under a contract that declares these properties for each.
    fn open(self, properties: &[(&str, &str)]) -> World {
        let now = "2024-07-01T00:00:00Z".parse().expect("it is a time");
        let mut setup = Setup { files: BTreeMap::new(), data: Vec::new(), imported: now, now, seed: 1 };
        let basis = "{ gdpr: legitimate_interest, ccpa: legitimate_interest, us_other: legitimate_interest }";
        let mut contract = String::from(
            "apiVersion: v3.1.0\nkind: DataContract\nid: study\nversion: 1.0.0\nstatus: active\nschema:\n",
        );
        for (name, text) in self.0 {
            let purposes = "customProperties: [{ property: purposes, value: [analytics] }]";
            write!(
                contract,
                "  - name: {name}\n    customProperties: [{{ property: entity, value: event }}, {{ property: person, value: who }}, {{ property: time, value: at }}]\n    properties:\n      - {{ name: who, logicalType: string, classification: pseudonym, {purposes} }}\n      - {{ name: at, logicalType: timestamp, classification: none }}\n"
            )
            .expect("writing to a string cannot fail");
            for (property, property_type) in properties {
                writeln!(contract, "      - {{ name: {property}, {property_type}, classification: none, {purposes} }}")
                    .expect("writing to a string cannot fail");
            }
            setup.add("study", &format!("{name}.ndjson"), text);
        }
        for (path, text) in [
            ("entente.yaml", "title: Study\n".to_owned()),
            ("users.yaml", "users:\n  - { name: analyst, role: analyst }\n".to_owned()),
            (
                "purposes/analytics.yaml",
                format!("title: analytics\nbasis: {basis}\nmin_group: 2\ndifferences: shown\n"),
            ),
            (
                "roles/analyst.yaml",
                "title: Analyst\npurposes: { analytics: aggregate }\nmasks: { none: show, pseudonym: hash }\n"
                    .to_owned(),
            ),
            ("contracts/study.odcs.yaml", contract),
            ("sources/study.yaml", "title: Study\ncontract: contracts/study.odcs.yaml\n".to_owned()),
        ] {
            setup.files.insert(path.to_owned(), text);
        }
        setup.open()
    }
}

/// The rows of an answer, each as its cells by the names of columns.
fn ask(world: &World, mut question: Json) -> Vec<BTreeMap<String, Value>> {
    question["purpose"] = "analytics".into();
    let asked = world.ask("analyst", &question);
    let Ok(Input::Good(Asked { answer: Some(answer), .. })) = asked else { panic!("{question}: {asked:?}") };
    let names: Vec<String> = answer.columns.iter().map(|column| column.name.clone()).collect();
    answer.rows.into_iter().map(|row| names.iter().cloned().zip(row).collect()).collect()
}

fn number(value: &Value) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| panic!("{value:?} is no number"))
}

/// Whether a figure is what was printed with so many places after the point.
fn assert_printed(found: f64, printed: f64, places: i32, what: &str) {
    let half = 0.5 * 10_f64.powi(-places);
    assert!((found - printed).abs() <= half * 1.000_001, "{what}: {found}, printed {printed}");
}

/// A share in percent of each group that got to the second step.
fn shares(world: &World, steps: [&str; 2], group: &str) -> BTreeMap<String, f64> {
    let question = json!({ "kind": "funnel", "steps": steps, "within": "30 days", "breakdown": [group],
                           "period": { "from": "2024-05-01", "to": "2024-06-01" } });
    let second = ask(world, question).into_iter().filter(|row| number(&row["step"]) == 2.0);
    second.map(|row| (row[group].to_string(), 100.0 * number(&row["from_first"]))).collect()
}

#[test]
fn hillstrom_s_mails_sent_visitors_and_buyers() {
    let Some(text) = published("hillstrom/hillstrom.csv.gz", &["gzip", "-dc"]) else { return };
    let mut events = Events::default();
    for (person, row) in rows(&text).enumerate() {
        let (person, segment) = (format!("c{person}"), row["segment"]);
        events.add("assigned", &person, 0, json!({ "segment": segment }));
        if row["visit"] == "1" {
            events.add("visited", &person, 1, json!({ "segment": segment }));
        }
        if row["conversion"] == "1" {
            events.add("bought", &person, 2, json!({ "segment": segment, "spend": row["spend"] }));
        }
    }
    let spend = ("spend", "logicalType: number, physicalType: 'decimal(18,2)'");
    let world = events.open(&[("segment", "logicalType: string"), spend]);
    let (visits, buys) =
        (shares(&world, ["assigned", "visited"], "segment"), shares(&world, ["assigned", "bought"], "segment"));
    let spent = ask(
        &world,
        json!({ "kind": "trend", "measure": "sum(bought.spend) / count(assigned)", "by": "none", "breakdown": ["segment"],
                "period": { "from": "2024-05-01", "to": "2024-06-01" } }),
    );
    for (segment, visit, conversion, spend) in
        [("Mens E-Mail", 18.28, 1.25, 1.42), ("Womens E-Mail", 15.14, 0.88, 1.08), ("No E-Mail", 10.62, 0.57, 0.65)]
    {
        assert_printed(visits[segment], visit, 2, segment);
        assert_printed(buys[segment], conversion, 2, segment);
        let row = spent.iter().find(|row| row["segment"].to_string() == segment).expect("the segment has a row");
        assert_printed(number(&row["value"]), spend, 2, segment);
    }
    let metrics = json!(["people(visited)", "people(bought)", "sum(bought.spend)"]);
    let question = json!({ "kind": "experiment", "exposure": "assigned", "variant": "segment", "metrics": metrics,
                           "period": { "from": "2024-05-01", "to": "2024-06-01" } });
    let found = ask(&world, question);
    for (segment, people, printed) in [
        ("Mens E-Mail", 21_307.0, [18.28, 1.25, 142.0]),
        ("No E-Mail", 21_306.0, [10.62, 0.57, 65.0]),
        ("Womens E-Mail", 21_387.0, [15.14, 0.88, 108.0]),
    ] {
        let of_segment = found.iter().filter(|row| row["variant"].to_string() == segment);
        for ((row, printed), places) in of_segment.zip(printed).zip([2, 2, 0]) {
            assert_eq!(number(&row["n"]), people, "{segment}");
            assert_printed(100.0 * number(&row["mean"]), printed, places, segment);
        }
    }
}

#[test]
fn cookie_cats_come_back() {
    let Some(text) = published("cookie_cats/cookie_cats.csv.gz", &["gzip", "-dc"]) else { return };
    let mut events = Events::default();
    for row in rows(&text) {
        let (person, version) = (row["userid"], row["version"]);
        events.add("installed", person, 0, json!({ "version": version }));
        for (day, column) in [(1, "retention_1"), (7, "retention_7")] {
            if row[column] == "TRUE" {
                events.add("played", person, day, json!({ "version": version }));
            }
        }
    }
    let world = events.open(&[("version", "logicalType: string")]);
    for (version, day_1, day_7) in [("gate_30", 44.82, 19.02), ("gate_40", 44.23, 18.20)] {
        let cohorts = ask(
            &world,
            json!({ "kind": "retention", "start": "installed", "return": "played", "by": "day", "periods": 8,
                    "where": format!("event.version = '{version}'"), "period": { "from": "2024-05-01", "to": "2024-05-02" } }),
        );
        let [cohort] = cohorts.as_slice() else { panic!("{cohorts:?}") };
        let share = |column: &str| 100.0 * number(&cohort[column]) / number(&cohort["size"]);
        assert_printed(share("p1"), day_1, 2, version);
        assert_printed(share("p7"), day_7, 2, version);
    }
    let rounds = ask(
        &world,
        json!({ "kind": "experiment", "exposure": "installed", "variant": "version",
                "metrics": [{ "name": "day 7", "measure": "people(played)", "where": "event.version = 'gate_30' OR event.version = 'gate_40'", "within": "7 days" }],
                "period": { "from": "2024-05-01", "to": "2024-06-01" } }),
    );
    let people: Vec<f64> = rounds.iter().map(|row| number(&row["n"])).collect();
    assert_eq!(people, [44_700.0, 45_489.0]);
}

#[test]
fn bank_customers_subscribe() {
    let Some(text) = published("bank_marketing/bank-full_gatedtab.csv.gz", &["gzip", "-dc"]) else { return };
    let mut events = Events::default();
    for (person, row) in rows(&text).enumerate() {
        events.add("called", &format!("c{person}"), 0, json!({ "contact": row["contact"] }));
        if row["y"] == "yes" {
            events.add("subscribed", &format!("c{person}"), 1, json!({ "contact": row["contact"] }));
        }
    }
    let world = events.open(&[("contact", "logicalType: string")]);
    let people = |condition: &str| {
        let rows = ask(&world, json!({ "kind": "audience", "where": condition }));
        number(&rows[0]["people"])
    };
    assert_eq!((people("did(called)"), people("did(subscribed)")), (45_211.0, 5_289.0));
    let rows = ask(
        &world,
        json!({ "kind": "trend", "measure": "count(subscribed) / count(called)", "by": "none",
                "period": { "from": "2024-05-01", "to": "2024-06-01" } }),
    );
    assert_printed(100.0 * number(&rows[0]["value"]), 11.70, 2, "subscribed");
}

#[test]
fn hotel_guests_cancel() {
    let Some(text) = published("hotel_bookings/hotel_bookings.csv.zip", &["unzip", "-p"]) else { return };
    let mut events = Events::default();
    for (booking, row) in rows(&text).enumerate() {
        let (guest, hotel) = (format!("g{booking}"), row["hotel"]);
        events.add("booked", &guest, 0, json!({ "hotel": hotel }));
        if row["is_canceled"] == "1" {
            events.add("cancelled", &guest, 1, json!({ "hotel": hotel }));
        }
    }
    let cancelled = shares(&events.open(&[("hotel", "logicalType: string")]), ["booked", "cancelled"], "hotel");
    assert_printed(cancelled["City Hotel"], 41.73, 2, "city");
    assert_printed(cancelled["Resort Hotel"], 27.76, 2, "resort");
}

#[test]
fn a_retailer_s_lines_add_up() {
    let Some(path) = place_of("online_retail/online_retail.parquet") else { return };
    let file = std::fs::File::open(path).expect("the file is there");
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let (mut events, mut n_lines) = (Events::default(), 0);
    for batch in batches.expect("it is Parquet") {
        let batch = batch.expect("it is whole");
        let column = |name: &str| batch.column_by_name(name).expect("the file has the column");
        let invoices = cast(column("InvoiceNo"), &DataType::Utf8).expect("it is text");
        let invoices: &StringArray = invoices.as_string();
        let numbers = |name: &str| column(name).as_primitive::<Float64Type>();
        let (quantities, prices, customers) = (numbers("Quantity"), numbers("UnitPrice"), numbers("CustomerID"));
        for row in 0..batch.num_rows() {
            // Nobody knows whose a line without a customer is: each is somebody of its own.
            let is_known = customers.is_valid(row);
            let person = if is_known { format!("c{}", customers.value(row)) } else { format!("line{n_lines}") };
            let value = format!("{:.3}", quantities.value(row) * prices.value(row));
            let line = json!({ "line": n_lines, "invoice": invoices.value(row), "is_known": is_known, "value": value });
            events.add("line", &person, 0, line);
            n_lines += 1;
        }
    }
    let value = ("value", "logicalType: number, physicalType: 'decimal(18,3)'");
    let (line, invoice) = (("line", "logicalType: integer"), ("invoice", "logicalType: string"));
    let world = events.open(&[value, line, invoice, ("is_known", "logicalType: boolean")]);
    let figure = |measure: &str, condition: &str| {
        let mut question = json!({ "kind": "trend", "measure": measure, "by": "none", "period": { "from": "2024-05-01", "to": "2024-05-02" } });
        if !condition.is_empty() {
            question["where"] = condition.into();
        }
        number(&ask(&world, question)[0]["value"])
    };
    assert_eq!(figure("count(line)", ""), 541_909.0);
    assert_eq!(figure("people(line)", "event.is_known = TRUE"), 4_372.0);
    assert_eq!(figure("count(line)", "event.is_known = FALSE"), 135_080.0);
    assert_eq!(figure("count(line)", "event.invoice LIKE 'C%'"), 9_288.0);
    assert_printed(figure("sum(line.value)", ""), 9_747_747.93, 2, "net value");
    let invoices =
        ask(&world, json!({ "kind": "sql", "text": "SELECT count(DISTINCT invoice) AS invoices FROM line" }));
    assert_eq!(number(&invoices[0]["invoices"]), 25_900.0);
}

#[test]
fn channels_are_owed_what_was_published() {
    let Some(text) = published("attribution_paths/pathdata.csv.gz", &["gzip", "-dc"]) else { return };
    let mut events = Events::default();
    for (number, row) in rows(&text).enumerate() {
        let count = |column: &str| row[column].parse::<i64>().expect("a count is a whole number");
        let (conversions, value) = (count("total_conversions"), number_in(row["total_conversion_value"]));
        for copy in 0..conversions + count("total_null") {
            let person = format!("p{number}-{copy}");
            let mut after = TimeDelta::zero();
            for channel in row["path"].split(" > ") {
                events.add_after("touched", &person, after, json!({ "channel": channel }));
                after += TimeDelta::seconds(1);
            }
            if copy < conversions {
                events.add_after("converted", &person, after, json!({ "worth": value / conversions as f64 }));
            }
        }
    }
    let world = events.open(&[("channel", "logicalType: string"), ("worth", "logicalType: number")]);
    for (model, file, conversions, value) in [
        ("first", "heuristics", "first_touch_conversions", Some("first_touch_value")),
        ("last", "heuristics", "last_touch_conversions", Some("last_touch_value")),
        ("linear", "heuristics", "linear_touch_conversions", Some("linear_touch_value")),
        ("markov", "markov1_analytic", "conversions", None),
    ] {
        let Some(reference) = published(&format!("attribution_paths/reference_{file}.csv"), &["cat"]) else { return };
        let question = json!({ "kind": "attribution", "conversion": "converted", "touch": "touched", "channel": "channel",
                               "value": "worth", "model": model, "lookback": "30 days",
                               "period": { "from": "2024-05-01", "to": "2024-05-02" } });
        let found = ask(&world, question);
        for row in rows(&reference) {
            let channel = row.get("channel_name").or(row.get("channel")).expect("a figure is about a channel");
            let Some(own) = found.iter().find(|row| row["channel"].to_string() == *channel) else {
                assert!(number_in(row[conversions]) < 2.0, "{model}: more than one owes nothing to `{channel}`");
                continue;
            };
            assert_near(&own["conversions"], row[conversions], channel);
            if let Some(value) = value {
                assert_near(&own["value"], row[value], channel);
            }
        }
    }
}

fn number_in(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

fn assert_near(found: &Value, published: &str, what: &str) {
    let (found, published) = (number(found), number_in(published));
    assert!((found - published).abs() <= 1e-9 * published, "{what}: {found}, published {published}");
}
