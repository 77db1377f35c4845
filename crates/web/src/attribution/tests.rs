//! What rows are called, what is said of them, and what the form of the model changes.

use super::*;

fn row(channel: Value, conversions: Option<f64>) -> Vec<Value> {
    vec![channel, conversions.map_or(Value::Null, Value::Number), Value::Null]
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_channel_called_as_no_touch_is_told_from_it() {
    let rows = [
        row(text("(none)"), Some(3.0)),
        row(text("mail"), Some(4.5)),
        row(Value::Null, Some(1.0)),
        row(text("(none)"), Some(2.0)),
        row(text("(withheld)"), None),
    ];
    let titles: Vec<String> = rows.iter().map(|row| channel_title(row, &rows)).collect();
    assert_eq!(titles, ["(none)", "mail", "(none)", "no touch", "(withheld)"]);
    assert_eq!(
        summary(&rows),
        "8.50 conversions are owed to 3 channels, most to mail: 4.50. No touch came before 2 others."
    );
    assert_eq!(summary(&[row(text("(none)"), None)]), "Too few people to show.");
}

#[test]
fn a_half_life_stays_with_its_model_only() {
    let question =
        json!({ "kind": "attribution", "model": "time_decay", "half_life": "3 days", "lookback": "30 days" });
    let form = |model: &str| {
        let pairs = [("value", model), ("half_life", "3 days"), ("lookback", "14 days"), ("reset", "yes")];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let changed = shared(&question, &form("linear"));
    assert_eq!(changed, json!({ "kind": "attribution", "model": "linear", "lookback": "14 days", "reset": true }));
    assert_eq!(shared(&question, &form("time_decay"))["half_life"], "3 days");
}
