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
