//! What is said of ways, how they are drawn, and what the forms change.

use super::*;
use crate::flow::flow;

fn row(names: &[&str], people: Option<i64>) -> Vec<Value> {
    let names = names.iter().map(|name| Value::Text((*name).to_owned())).collect();
    vec![Value::List(names), people.map_or(Value::Null, Value::Integer)]
}

fn check<T>(question: &Json, look: impl Fn(&Setting<'_>) -> T) -> T {
    let catalog = Catalog {
        events: Vec::new(),
        traits: Vec::new(),
        purposes: Vec::new(),
        metrics: Vec::new(),
        audiences: Vec::new(),
        destinations: Vec::new(),
        days: None,
    };
    look(&Setting { question, catalog: &catalog, metrics: &[], measure: String::new(), unit: None })
}

#[test]
fn the_most_common_way_is_told() {
    let question = json!({ "kind": "paths", "from": "visit" });
    let said = |rows: &[Vec<Value>]| check(&question, |setting| summary(rows, setting));
    let rows = [row(&["visit", "buy"], Some(1200)), row(&[], Some(3)), row(&["(other)"], Some(9))];
    assert_eq!(said(&rows), "2 ways are shown. The most common after it, of 1\u{202f}200 people: visit > buy.");
    assert_eq!(said(&rows[1..]), "One way is shown. The most common after it, of 3 people: nothing.");
    assert_eq!(said(&[]), "Nobody did it in this period.");
    assert_eq!(said(&[row(&["(withheld)"], None)]), "Too few people went the same way to show any.");
}

#[test]
fn ways_are_drawn_from_their_event_or_towards_it() {
    let rows = [row(&["a", "b"], Some(6)), row(&["b"], Some(3)), row(&[], Some(1)), row(&["(withheld)"], None)];
    let drawn = |question: Json| {
        let flow = check(&question, |setting| flow(&rows, setting)).expect("there are ways");
        serde_json::to_value(&flow).expect("a picture is plain data")
    };
    let places = |flow: &Json| -> Vec<String> {
        let nodes = flow["nodes"].as_array().expect("nodes are a list").iter();
        nodes.map(|node| format!("{} {} {}", node["x"], node["label"], node["figure"])).collect()
    };
    let after = drawn(json!({ "kind": "paths", "from": "end" }));
    assert_eq!(places(&after), [r#"0.0 "End" "10""#, r#"152.0 "A" "6""#, r#"152.0 "B" "3""#, r#"304.0 "B" "6""#]);
    assert_eq!(after["ribbons"].as_array().map(Vec::len), Some(3));
    let before = drawn(json!({ "kind": "paths", "to": "end" }));
    assert_eq!(places(&before), [r#"0.0 "A" "6""#, r#"152.0 "B" "9""#, r#"304.0 "End" "10""#]);
    assert_eq!(before["ribbons"][1]["note"], "B, then End: 9 people");
    assert!(check(&json!({ "kind": "paths", "from": "end" }), |setting| flow(&rows[3..], setting)).is_none());
}

#[test]
fn forms_change_what_they_say() {
    let question = json!({ "kind": "paths", "from": "visit", "steps": 3, "top": 10, "collapse": true });
    let form = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let turned = around(&question, &form(&[("value", "to"), ("event", "buy"), ("step_where", "event.x = 1")]));
    let end = json!({ "event": "buy", "where": "event.x = 1" });
    assert_eq!(turned, json!({ "kind": "paths", "to": end, "steps": 3, "top": 10, "collapse": true }));
    let longer = far(&question, &form(&[("steps", "5"), ("top", "x")]));
    assert_eq!(longer, json!({ "kind": "paths", "from": "visit", "steps": 5, "top": "x" }));
}
