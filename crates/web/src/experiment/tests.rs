//! What the forms change, and what is said of variants.

use super::*;
use spec::VariantShare;

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn metrics_are_added_changed_and_left_out() {
    let question = json!({ "kind": "experiment", "metrics": ["count(purchase)"] });
    let added = measured(
        &question,
        &form(&[("edit", "metric_set"), ("index", "new"), ("value", "people(visit)"), ("within", "7 days")]),
    );
    assert_eq!(added["metrics"], json!(["count(purchase)", { "measure": "people(visit)", "within": "7 days" }]));
    let changed = measured(&added, &form(&[("edit", "metric_set"), ("index", "1"), ("value", "sum(purchase.amount)")]));
    assert_eq!(changed["metrics"], json!(["count(purchase)", "sum(purchase.amount)"]));
    let left = measured(&changed, &form(&[("edit", "metric_remove"), ("index", "0"), ("value", "count(purchase)")]));
    assert_eq!(left["metrics"], json!(["sum(purchase.amount)"]));
}

#[test]
fn a_split_is_a_text_that_people_write() {
    let question = json!({ "kind": "experiment", "variant": "arm" });
    let changed = varied(&question, &form(&[("value", "version"), ("split", "control: 9, a: b: 1 ,")]));
    assert_eq!(
        (changed["variant"].as_str(), &changed["split"]),
        (Some("version"), &json!({ "control": 9, "a: b": 1 }))
    );
    let wrong = varied(&question, &form(&[("value", "version"), ("split", "control")]));
    assert_eq!(wrong["split"], json!({ "control": "" }), "the judge points at it");
    assert!(varied(&changed, &form(&[("value", "arm"), ("split", " ")])).get("split").is_none());
}

#[test]
fn a_mismatch_is_said_with_what_to_do() {
    let share = |people: Option<u64>| VariantShare { variant: Value::Text("a".into()), people, expected: None };
    let said = |counts: [Option<u64>; 2], p: Option<f64>, alarm: Option<bool>| {
        let found = SampleRatio { variants: counts.map(share).into(), several: Some(3), chi_square: p, p, alarm };
        ratio(&found)
    };
    let good = said([Some(3012), Some(2988)], Some(0.7566), Some(false));
    assert_eq!(good.text, "Variants have 3\u{202f}012 and 2\u{202f}988 people, as was meant (p = 0.7566).");
    assert_eq!(good.several, "3 people saw several variants and are left out.");
    let bad = said([Some(3012), Some(9)], Some(1e-9), Some(true));
    assert!(bad.is_alarm && bad.text.contains("p < 0.0001") && bad.text.contains("redirects"), "{}", bad.text);
    assert!(said([None, None], None, None).text.starts_with("Too few people"));
}

fn agreed(name: &str, measure: &str) -> MetricView {
    MetricView {
        name: name.to_owned(),
        title: format!("The {name}"),
        description: String::new(),
        owners: Vec::new(),
        measure: measure.to_owned(),
        filter: String::new(),
        unit: None,
        on_home: false,
        path: String::new(),
        text: String::new(),
    }
}

fn catalog(events: Vec<EventView>) -> Catalog {
    let (metrics, audiences) = (Vec::new(), Vec::new());
    Catalog {
        events,
        traits: Vec::new(),
        purposes: Vec::new(),
        metrics,
        audiences,
        destinations: Vec::new(),
        days: None,
    }
}

#[test]
fn what_each_person_has_no_figure_of_is_not_offered() {
    let event = |name: &str| EventView {
        name: name.to_owned(),
        title: name.to_owned(),
        past: format!("did {name}"),
        source: "shop".to_owned(),
        properties: Vec::new(),
    };
    let metrics = [
        agreed("buyers", "people(purchase)"),
        agreed("basket", "avg(purchase.amount)"),
        agreed("per buyer", "count(purchase) / people(purchase)"),
    ];
    let offered = measures(&catalog(vec![event("purchase"), event("in/out")]), &metrics);
    let values: Vec<&str> = offered.iter().flat_map(|group| &group.choices).map(|choice| &*choice.value).collect();
    let expected = ["buyers", "people(purchase)", "count(purchase)", "people(\"in/out\")", "count(\"in/out\")"];
    assert_eq!(values, expected, "a slash in a name divides nothing");
}

#[test]
fn each_metric_has_a_bar_per_variant_and_shares_are_percent() {
    let question =
        json!({ "kind": "experiment", "metrics": ["buyers", { "name": "orders", "measure": "count(purchase)" }] });
    let (catalog, metrics) = (catalog(Vec::new()), [agreed("buyers", "people(purchase)")]);
    let setting =
        Setting { question: &question, catalog: &catalog, metrics: &metrics, measure: String::new(), unit: None };
    let text = |text: &str| Value::Text(text.to_owned());
    let row = |variant: &str, metric: &str, mean: Option<f64>| {
        vec![text(variant), text(metric), Value::Integer(1200), mean.map_or(Value::Null, Value::Number)]
    };
    let rows = [
        row("a", "buyers", Some(0.25)),
        row("a", "orders", Some(1.5)),
        row("(withheld)", "buyers", Some(0.5)),
        row("(withheld)", "orders", None),
        vec![text("(withheld)"), Value::Null, Value::Null, Value::Null],
    ];
    let found: Vec<String> = bars(&rows, &setting)
        .iter()
        .flat_map(|group| {
            group.bars.iter().map(|bar| format!("{}: {} {} {}", group.title, bar.title, bar.figure, bar.note))
        })
        .collect();
    let expected = [
        "The buyers: a 25.0 % of 1\u{202f}200 people",
        "The buyers: (withheld) 50.0 % of 1\u{202f}200 people",
        "Orders: a 1.50 of 1\u{202f}200 people",
        "Orders: (withheld) withheld of 1\u{202f}200 people",
    ];
    assert_eq!(found, expected, "a variant may be called like the row of the others");
    assert_eq!(summary(&rows, &setting), "The buyers: a 25.0 %, (withheld) 50.0 %.");
    assert_eq!(summary(&rows[4..], &setting), "Too few people saw any variant to show one.");
}
