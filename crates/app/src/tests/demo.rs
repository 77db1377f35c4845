//! The demo: imported as it is, every question of `demo/answers.json` comes out as computed there by other means.

use super::requests;
use super::world::open;
use api::{Balance, Credential, Input, Product};
use serde_json::Value as Json;
use spec::{Answer, Instant, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant as Moment;
use tempfile::TempDir;

#[test]
fn the_demo_s_answers_are_the_ones_computed_by_others() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo").canonicalize().expect("the demo is there");
    let folder = TempDir::new().expect("there is a folder for temporary files");
    std::os::unix::fs::symlink(&demo, folder.path().join("workspace")).expect("a link can be made");
    let now: Instant = "2018-01-02T00:00:00Z".parse().expect("this is a time");
    let app = open(folder.path(), now, 84);
    let started = Moment::now();
    let import = || -> Vec<Balance> {
        let imported = app.import_files(&|_, _, _| {}).expect("the workspace can be read");
        imported.into_iter().map(|(file, balance)| balance.unwrap_or_else(|error| panic!("{file}: {error}"))).collect()
    };
    let balances = import();
    println!("import: {:.1} s", started.elapsed().as_secs_f64());
    for balance in &balances {
        assert_eq!(balance.received, balance.stored + balance.duplicate + balance.rejected, "{balance:?}");
        assert_eq!(balance.rejected, 0, "{balance:?}");
    }
    let answers = fs::read_to_string(demo.join("answers.json")).expect("the answers are there");
    let answers: serde_json::Map<String, Json> = serde_json::from_str(&answers).expect("the answers are JSON");
    let mut wrong = Vec::new();
    for (name, expected) in &answers {
        let user = expected["as"].as_str().expect("each answer says who asks").to_owned();
        let credential = Credential::Owner { secret: app.owner_secret().to_owned(), user };
        let who = app.principal(&credential).expect("the demo has this user");
        let started = Moment::now();
        let asked = app.ask(&who, &expected["question"]);
        println!("{name}: {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
        match asked {
            Ok(Input::Good(api::Asked { answer: Some(answer), .. })) => {
                wrong.extend(compare(&answer, expected).map(|what| format!("{name}: {what}")));
            }
            other => wrong.push(format!("{name}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let again = import();
    assert!(again.iter().all(|balance| balance.stored == 0), "nothing is new: {again:?}");
    drop(app);
    // On the same import, which takes longest.
    requests::check(folder.path());
}

/// What differs, if anything does.
fn compare(answer: &Answer, expected: &Json) -> Option<String> {
    let columns: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    if Json::from(columns.clone()) != expected["columns"] {
        return Some(format!("columns {columns:?}"));
    }
    let rows = expected["rows"].as_array().expect("answers have rows");
    let is_same_row = |(row, expected): (&Vec<Value>, &Json)| {
        let cells = expected.as_array().expect("a row is a list");
        cells.len() == row.len() && row.iter().zip(cells).all(|(cell, expected)| is_same(cell, expected))
    };
    if rows.len() != answer.rows.len() {
        return Some(format!("{} rows, expected {}", answer.rows.len(), rows.len()));
    }
    if let Some(at) = answer.rows.iter().zip(rows).position(|pair| !is_same_row(pair)) {
        return Some(format!("row {at} is {:?}, expected {}", answer.rows[at], rows[at]));
    }
    let people = serde_json::to_value(&answer.provenance.people).expect("counts are plain data");
    if people != expected["people"] {
        return Some(format!("people {people}, expected {}", expected["people"]));
    }
    let steps = expected.get("waterfall").and_then(Json::as_array)?;
    let found = serde_json::to_value(&answer.waterfall).expect("a waterfall is plain data");
    let found = found.as_array().cloned().unwrap_or_default();
    let is_same_step = |(found, expected): (&Json, &Json)| {
        expected.as_object().is_some_and(|keys| keys.iter().all(|(key, value)| found[key] == *value))
    };
    let same = found.len() == steps.len() && found.iter().zip(steps).all(is_same_step);
    (!same).then(|| format!("waterfall {found:?}, expected {steps:?}"))
}

/// Exact decimals stand as texts in the file; doubles may differ in their last digits.
fn is_same(cell: &Value, expected: &Json) -> bool {
    match (cell, expected) {
        (Value::Decimal(value), Json::String(text)) => value.to_string() == *text,
        (Value::Number(value), Json::Number(number)) => {
            number.as_f64().is_some_and(|expected| (value - expected).abs() <= 1e-12 * expected.abs())
        }
        (cell, expected) => serde_json::to_value(cell).is_ok_and(|found| found == *expected),
    }
}

/// Whether the demo is a workspace without anything wrong.
#[test]
fn nothing_is_wrong_with_the_demo_s_files() {
    let demo: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    assert_eq!(crate::check(&demo).expect("the demo can be read").report, "");
}
