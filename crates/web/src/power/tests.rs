//! The first question, what the forms change, and what is said of an answer.

use super::*;
use api::EventView;

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn catalog(names: &[&str]) -> Catalog {
    let event = |name: &&str| EventView {
        name: (*name).to_owned(),
        title: (*name).to_owned(),
        past: format!("did {name}"),
        source: "shop".to_owned(),
        properties: Vec::new(),
    };
    Catalog {
        events: names.iter().map(event).collect(),
        traits: Vec::new(),
        purposes: Vec::new(),
        metrics: Vec::new(),
        audiences: Vec::new(),
        destinations: Vec::new(),
        days: Some(("2016-11-14".to_owned(), "2018-01-15".to_owned())),
    }
}

fn row(variants: i64, test: &str, per_variant: Option<i64>, days: Option<i64>) -> Vec<Value> {
    let whole = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
    let people = per_variant.map(|people| people * variants);
    let mut row = vec![Value::Integer(variants), Value::Text(test.to_owned())];
    row.extend([whole(per_variant), whole(people), whole(days), Value::Number(0.0831)]);
    row.extend([Value::Number(0.12), Value::Integer(1290)]);
    row
}

fn check<T>(question: &Json, look: impl Fn(&Setting<'_>) -> T) -> T {
    let catalog = catalog(&[]);
    look(&Setting { question, catalog: &catalog, metrics: &[], measure: String::new(), unit: None })
}

/// Every bar in one line, with its group.
fn shown(rows: &[Vec<Value>], question: &Json) -> Vec<String> {
    let view = check(question, |setting| plans(rows, setting));
    let line = |group: &PlanGroup, plan: &PlanBar| {
        let mark = if plan.fits { format!(" ({})", view.fits) } else { String::new() };
        format!("{}: {} {} {}%, {}{mark}", group.title, plan.title, plan.figure, plan.width, plan.note)
    };
    view.groups.iter().flat_map(|group| group.plans.iter().map(|plan| line(group, plan))).collect()
}

#[test]
fn a_first_question_is_about_full_months_that_are_there() {
    let question = start(&catalog(&["buy", "in/out"]), "analytics");
    let expected = json!({
        "kind": "power", "purpose": "analytics", "exposure": "in/out",
        "metric": { "measure": "people(buy)", "within": "7 days" },
        "lift": 0.05, "variants": 2, "test": "sequential", "days": 28,
        "period": { "from": "2017-10-01", "to": "2018-01-01" },
    });
    assert_eq!(question, expected);
    assert_eq!(start(&catalog(&["in/out"]), "analytics")["metric"]["measure"], "people(\"in/out\")");
}

#[test]
fn a_change_is_written_in_percent() {
    let question = json!({ "kind": "power", "lift": 0.05 });
    let written = |text: &str| lifted(&question, &form(&[("value", text)]))["lift"].clone();
    for (text, part) in [("5", 0.05), ("5 %", 0.05), (" 2.5% ", 0.025), ("29", 0.29), ("200 %", 2.0), ("-5", -0.05)] {
        assert_eq!(written(text), json!(part), "{text}");
    }
    for text in ["five", "2,5 %", "inf", "%"] {
        assert_eq!(written(text), json!(text), "the judge points at it");
    }
    assert!(lifted(&question, &form(&[("value", " ")])).get("lift").is_none());
}

#[test]
fn forms_change_what_they_say() {
    let question = json!({ "kind": "power", "variants": 2, "days": 28, "metric": "people(buy)", "alpha": 0.01 });
    assert_eq!(counted(&question, "variants", &form(&[("value", "3")]))["variants"], 3);
    assert_eq!(counted(&question, "variants", &form(&[("value", "x")]))["variants"], "x");
    assert!(counted(&question, "days", &form(&[("value", "")])).get("days").is_none());
    let changed = measured(&question, &form(&[("value", "count(visit)"), ("within", "7 days"), ("index", "0")]));
    assert_eq!(changed["metric"], json!({ "measure": "count(visit)", "within": "7 days" }));
    assert_eq!(measured(&question, &form(&[("value", "sales")]))["metric"], "sales");
    let once = looked_at(&question, &form(&[("value", "fixed"), ("alpha", "5 %"), ("power", "90")]));
    let expected =
        json!({ "kind": "power", "variants": 2, "days": 28, "metric": "people(buy)", "test": "fixed", "power": 0.9 });
    assert_eq!(once, expected, "what is usual need not be said");
}

#[test]
fn the_sentence_shows_what_is_said_and_what_is_usual() {
    let (catalog, metrics) = (catalog(&["buy", "visit"]), Vec::new());
    let parts = |question: Json| {
        let view = view(&question, &catalog, &metrics).expect("it is such a question");
        serde_json::to_value(&view).expect("a view is plain data and serialises")
    };
    let asked = parts(start(&catalog, "analytics"));
    assert_eq!(
        (&asked["metric"]["words"], &asked["lift"]),
        (&json!("people who did buy within 7 days"), &json!("5 %"))
    );
    assert_eq!((&asked["variants"], &asked["days"]), (&json!("2"), &json!("28")));
    assert_eq!((&asked["looked"], &asked["is_exact"]), (&json!("looked at any time"), &json!(false)));
    let bare = parts(json!({ "kind": "power", "lift": "2.5 %", "test": "fixed", "alpha": 0.01 }));
    assert_eq!((&bare["variants"], &bare["days"], &bare["lift"]), (&json!("2"), &json!(""), &json!("2.5 %")));
    assert_eq!((&bare["alpha"], &bare["power"], &bare["is_exact"]), (&json!("1 %"), &json!("80 %"), &json!(true)));
    assert_eq!(bare["looked"], "looked at once, at the end");
    assert!(view(&json!({ "kind": "experiment" }), &catalog, &metrics).is_none());
}

#[test]
fn each_way_of_reading_a_test_has_a_bar_per_number_of_variants() {
    let rows = [
        row(2, "fixed", Some(1610), Some(7)),
        row(2, "sequential", Some(2940), Some(14)),
        row(3, "fixed", Some(1940), Some(17)),
        row(3, "sequential", Some(3350), Some(28)),
        row(4, "fixed", Some(2140), None),
        row(4, "sequential", None, None),
    ];
    let question = json!({ "kind": "power", "metric": { "measure": "people(buy)", "within": "7 days" }, "days": 14 });
    let expected = [
        "Looked at any time: 2 variants 14 days 50%, 2\u{202f}940 people per variant (fits into 14 days)",
        "Looked at any time: 3 variants 28 days 100%, 3\u{202f}350 people per variant",
        "Looked at any time: 4 variants — 0%, no number of people is enough",
        "Looked at once, at the end: 2 variants 7 days 25%, 1\u{202f}610 people per variant (fits into 14 days)",
        "Looked at once, at the end: 3 variants 17 days 60.7%, 1\u{202f}940 people per variant",
        "Looked at once, at the end: 4 variants — 0%, 2\u{202f}140 people per variant: too few new people come",
    ];
    assert_eq!(shown(&rows, &question), expected);
    let fixed = json!({ "kind": "power", "metric": "count(buy)", "test": "fixed" });
    assert!(shown(&rows, &fixed)[0].starts_with("Looked at once, at the end: 2 variants 7 days"));
    assert!(shown(&rows, &fixed).iter().all(|line| !line.contains("fits")), "no days, nothing to fit into");
    let before = |question: &Json| check(question, |setting| plans(&rows, setting).baseline);
    assert_eq!(before(&question), "Before the test 12.0 % of them did it; 1\u{202f}290 new ones came a week.");
    assert_eq!(before(&fixed), "Before the test they had 0.12 each on average; 1\u{202f}290 new ones came a week.");
    assert_eq!(check(&question, |setting| plans(&[], setting).baseline), "");
}

#[test]
fn the_picture_is_one_sentence() {
    let rows = [
        row(2, "fixed", Some(1610), Some(1)),
        row(2, "sequential", Some(2940), Some(14)),
        row(3, "sequential", Some(3350), Some(27)),
        row(4, "sequential", Some(3600), None),
        row(5, "sequential", Some(3780), Some(1204)),
    ];
    let said = |rows: &[Vec<Value>], test: &str| {
        check(&json!({ "kind": "power", "metric": "people(buy)", "test": test }), |setting| summary(rows, setting))
    };
    assert_eq!(said(&rows, "sequential"), "2 variants in 14 days, 3 in 27, 5 in 1\u{202f}204 (looked at any time).");
    assert_eq!(said(&rows, "fixed"), "2 variants in 1 day (looked at once, at the end).");
    assert_eq!(said(&rows[3..4], "sequential"), "Too few new people come to find this (looked at any time).");
    let none = [row(2, "sequential", None, None)];
    assert_eq!(said(&none, "sequential"), "No number of people is enough to find this (looked at any time).");
    assert_eq!(said(&[], "sequential"), "Too few people to plan a test from.");
}

#[test]
fn the_table_says_what_its_columns_are() {
    let names = ["variants", "test", "per_variant", "people", "days", "lift", "mean", "new_people"];
    let question = json!({ "kind": "power", "metric": "people(buy)", "days": 28 });
    let heads = [
        "Variants",
        "Looked at",
        "People per variant",
        "People in all",
        "Days",
        "Smallest change found in 28 days",
        "On average before",
        "New people a week",
    ];
    assert_eq!(names.map(|name| head(name, &question)), heads);
    let row = row(2, "fixed", Some(2940), None);
    let cells: Vec<String> =
        names.iter().zip(&row).map(|(name, value)| check(&question, |setting| cell(name, value, setting))).collect();
    let expected = ["2", "once, at the end", "2\u{202f}940", "5\u{202f}880", "—", "8.3 %", "12.0 %", "1\u{202f}290"];
    assert_eq!(cells, expected);
}
