//! What pages show of answers: order, what is left out in short, and what lies after the end of the data.

use super::*;
use chrono::{TimeZone, Utc};
use spec::{Column, PeopleCounts, Provenance};
use std::collections::BTreeMap;

/// An answer of these columns, each a name and a type, asked on 1 December 2026.
pub(crate) fn answer(columns: &[(&str, &'static str)], rows: Vec<Vec<Value>>) -> Answer {
    let column =
        |(name, value_type): &(&str, &'static str)| Column { name: (*name).to_owned(), value_type, unit: None };
    Answer {
        columns: columns.iter().map(column).collect(),
        rows,
        waterfall: None,
        sample_ratio: None,
        provenance: Provenance {
            question_hash: "q".to_owned(),
            policy_version: "p".to_owned(),
            tables: BTreeMap::new(),
            landed_until: None,
            people: PeopleCounts::default(),
            engine: "here".to_owned(),
            as_of: Utc.with_ymd_and_hms(2026, 12, 1, 0, 0, 0).single().expect("the instant exists"),
            cost: None,
            forecast: None,
            min_group: 50,
            differences: "guarded",
        },
    }
}

/// The view as its template gets it; the data end on 31 December 2017.
fn shown(question: &Json, answer: &Answer, is_short: bool) -> Json {
    let catalog = Catalog {
        events: Vec::new(),
        traits: Vec::new(),
        purposes: Vec::new(),
        metrics: Vec::new(),
        audiences: Vec::new(),
        destinations: Vec::new(),
        days: Some(("2016-11-14".to_owned(), "2017-12-31".to_owned())),
    };
    let setting = Setting {
        question,
        catalog: &catalog,
        metrics: &[],
        measure: "Sales".to_owned(),
        unit: Some("USD".to_owned()),
    };
    let view = view(answer, &setting).expect("the answer has its columns");
    json!(if is_short { in_short(view) } else { view })
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn day(year: i32, month: u32) -> Value {
    Value::Timestamp(Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single().expect("the instant exists"))
}

fn titles(view: &Json) -> Vec<&str> {
    let bars = view["bars"][0]["bars"].as_array().expect("there are bars");
    bars.iter().map(|bar| bar["title"].as_str().expect("a bar has a title")).collect()
}

#[test]
fn groups_come_by_size_and_a_tile_tells_how_many_are_left_out() {
    let question = json!({ "kind": "trend", "by": "none", "breakdown": ["department"] });
    let columns = [("department", "text"), ("value", "number")];
    let row = |(name, value): (&str, Option<f64>)| vec![text(name), value.map_or(Value::Null, Value::Number)];
    let few = [("DELI", Some(301.96)), ("(withheld)", None), ("MEAT", Some(1702.4)), ("FUEL", Some(44.95))];
    let view = shown(&question, &answer(&columns, few.map(row).into()), true);
    assert_eq!(titles(&view), ["MEAT", "DELI", "FUEL", "(withheld)"]);
    let figures: Vec<&str> = (0..4).map(|at| view["bars"][0]["bars"][at]["figure"].as_str().expect("it has")).collect();
    assert_eq!(figures, ["$1\u{202f}702", "$302", "$45", "withheld"], "the same digits for all");
    assert_eq!(view["more"], Json::Null);

    let many: Vec<Vec<Value>> = (0..28).map(|n| vec![text(&format!("d{n}")), Value::Number(f64::from(n))]).collect();
    let many = answer(&columns, many);
    let view = shown(&question, &many, true);
    assert_eq!((titles(&view).len(), titles(&view)[0], &view["more"]), (10, "d27", &json!("18 others")));
    assert_eq!(titles(&shown(&question, &many, false)).len(), 28, "a page shows all");
}

#[test]
fn days_keep_their_order() {
    let question = json!({ "kind": "trend", "by": "none", "breakdown": ["joined"] });
    let row = |month, value| vec![day(2017, month), Value::Number(value)];
    let rows = vec![row(1, 2.0), row(2, 9.0), row(3, 4.0)];
    let view = shown(&question, &answer(&[("joined", "date"), ("value", "number")], rows), false);
    let values: Vec<&Json> = (0..3).map(|at| &view["bars"][0]["bars"][at]["figure"]).collect();
    assert_eq!(values, [&json!("$2"), &json!("$9"), &json!("$4")]);
}

#[test]
fn what_is_folded_is_no_interval() {
    let question = json!({ "kind": "trend", "by": "month", "breakdown": ["region"] });
    let row = |at: Value, name: &str, value: Option<f64>| {
        vec![at, text(name), value.map_or(Value::Null, Value::Number), Value::Boolean(value.is_none())]
    };
    let rows = vec![
        row(day(2017, 11), "a", Some(1.0)),
        row(day(2017, 11), "b", Some(2.0)),
        row(Value::Null, "(withheld)", None),
    ];
    let columns = [("interval", "timestamp"), ("region", "text"), ("value", "number"), ("withheld", "boolean")];
    let view = shown(&question, &answer(&columns, rows), false);
    assert_eq!(view["summary"], "Sales in 2 groups over 1 month. Groups of too few people are left out.");
    let chart: Json = serde_json::from_str(view["chart"].as_str().expect("there is a chart")).expect("it is JSON");
    assert_eq!(chart["labels"], json!(["Nov 2017"]));
}

#[test]
fn a_cohort_after_the_end_of_the_data_is_not_withheld() {
    let question = json!({ "kind": "retention", "by": "month" });
    let row = |at: Value, [size, same, next]: [Option<i64>; 3]| {
        let whole = |count: Option<i64>| count.map_or(Value::Null, Value::Integer);
        let is_withheld = [size, same, next].contains(&None);
        vec![at, whole(size), whole(same), whole(next), Value::Boolean(is_withheld)]
    };
    let rows = vec![
        row(day(2017, 10), [Some(40), Some(40), Some(10)]),
        row(day(2017, 11), [Some(40), Some(40), None]),
        row(day(2017, 12), [Some(40), Some(40), None]),
        row(day(2018, 1), [None, None, None]),
    ];
    let columns =
        [("cohort", "timestamp"), ("size", "integer"), ("p0", "integer"), ("p1", "integer"), ("withheld", "boolean")];
    let view = shown(&question, &answer(&columns, rows), false);
    let heat = &view["heat"];
    assert_eq!(heat["titles"], json!(["month 1"]), "everybody came in their own month, which tells nothing");
    let cell = |row: usize| (&heat["rows"][row]["cells"][0]["text"], &heat["rows"][row]["cells"][0]["is_withheld"]);
    assert_eq!(cell(0), (&json!("25 %"), &json!(false)));
    assert_eq!(cell(1), (&json!("—"), &json!(true)));
    assert_eq!(cell(2), (&json!(""), &json!(false)));
    assert_eq!((&heat["rows"][3]["size"], &heat["rows"][3]["is_withheld"]), (&json!("not yet"), &json!(false)));
    let table = |row: usize| (&view["rows"][row][3]["text"], &view["rows"][row][3]["is_withheld"]);
    assert_eq!((table(1), table(2)), ((&json!("—"), &json!(true)), (&json!(""), &json!(false))));
    assert_eq!(view["summary"], "120 people started; 25.0 % came back in the month after.");
}

#[test]
fn days_after_the_end_of_the_data_are_told_with_those_before() {
    let answer = answer(&[("value", "number")], vec![vec![Value::Number(1.0)]]);
    let ended = |kind: &str, period: Json| {
        let question = json!({ "kind": kind, "period": period });
        let view = shown(&question, &answer, false);
        let q = view["ended"]["q"].as_str().map(|q| serde_json::from_str::<Json>(q).expect("it is a question"));
        (view["ended"]["day"].clone(), q.map_or(Json::Null, |question| question["period"].clone()))
    };
    let last_ten = json!({ "from": "2017-12-22", "to": "2018-01-01" });
    let told = (json!("31 Dec 2017"), last_ten);
    let none = (Json::Null, Json::Null);
    assert_eq!(ended("trend", json!({ "from": "2026-01-01", "to": "2026-01-11" })), told);
    assert_eq!(ended("trend", json!({ "last": "10 days" })), told);
    assert_eq!(ended("trend", json!({ "from": "2017-12-28", "to": "2018-01-07" })), told, "more than half of them");
    assert_eq!(ended("trend", json!({ "from": "2017-12-27", "to": "2018-01-06" })), none);
    assert_eq!(ended("trend", Json::Null), none, "all time has no end");
    let long = json!({ "from": "2020-01-01", "to": "2026-01-01" });
    assert_eq!(ended("trend", long).1["from"], "2016-11-14", "no earlier than the data");
}

#[test]
fn numbers_that_name_a_group_are_no_figures() {
    let question = json!({ "kind": "trend", "by": "none", "breakdown": ["store"] });
    let columns = [("store", "integer"), ("value", "integer")];
    let view = shown(&question, &answer(&columns, vec![vec![Value::Integer(31401), Value::Integer(7)]]), false);
    assert_eq!((&view["head"][0]["is_number"], &view["head"][1]["is_number"]), (&json!(false), &json!(true)));
    assert_eq!(view["rows"][0][0]["text"], "31401");
    let people = answer(&[("people", "integer")], vec![vec![Value::Integer(1433)]]);
    assert_eq!(shown(&json!({ "kind": "audience" }), &people, false)["rows"][0][0]["text"], "1\u{202f}433 people");
}
