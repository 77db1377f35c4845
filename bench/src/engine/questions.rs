//! What is asked, and how our rows read as the peers' do.

use super::data::{N_DAYS, START_MICROS};
use super::workspace::PURPOSE;
use serde_json::{Value as Json, json};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A question with what makes its rows comparable.
pub(super) struct Question {
    /// Its name here and in `peers.py`.
    pub(super) name: &'static str,
    pub(super) json: Json,
    /// The properties that it needs.
    pub(super) properties: &'static [&'static str],
    /// Our rows as a peer gives them.
    pub(super) normal: fn(&[Json]) -> Vec<Json>,
}

/// All of them.
pub(super) fn all() -> Vec<Question> {
    let period = json!({ "from": "2026-01-01", "to": "2026-04-01" });
    assert_eq!(N_DAYS, 90, "the period is all days");
    let steps = json!(["page_viewed", "product_viewed", "product_added", "order_completed"]);
    let condition =
        "count(product_viewed, within => '30 days') >= 3 AND count(order_completed) >= 1 AND plan = 'plan-001'";
    vec![
        Question {
            name: "funnel",
            properties: &[],
            json: json!({ "kind": "funnel", "purpose": PURPOSE, "steps": steps, "within": "7 days", "period": period }),
            normal: |rows| rows.iter().map(|row| json!([row[0], row[2]])).collect(),
        },
        Question {
            name: "funnel_by_campaign",
            properties: &["campaign"],
            json: json!({ "kind": "funnel", "purpose": PURPOSE, "steps": steps, "within": "7 days", "period": period,
                          "breakdown": ["campaign"] }),
            normal: |rows| rows.to_vec(),
        },
        Question {
            name: "audience",
            properties: &[],
            json: json!({ "kind": "audience", "purpose": PURPOSE, "where": condition, "as_of": "2026-04-01" }),
            normal: |rows| rows.to_vec(),
        },
        Question {
            name: "retention",
            properties: &[],
            json: json!({ "kind": "retention", "purpose": PURPOSE, "start": "signed_in", "return": "order_completed",
                          "by": "week", "periods": 8, "as_of": "2026-06-01",
                          "period": { "from": "2026-01-05", "to": "2026-03-02" } }),
            // Nobody is too few to be told; a peer says 0.
            normal: |rows| {
                let figure = |cell: &Json| if cell.is_null() { json!(0) } else { cell.clone() };
                rows.iter().map(|row| (1..10).map(|place| figure(&row[place])).collect()).collect()
            },
        },
        attribution("attribution_last", "last"),
        attribution("attribution_linear", "linear"),
        Question {
            name: "trend",
            properties: &["campaign"],
            json: json!({ "kind": "trend", "purpose": PURPOSE, "measure": "count(product_viewed)", "by": "day",
                          "period": period, "breakdown": ["campaign"] }),
            normal: |rows| rows.iter().map(|row| json!([day_of(&row[0]), row[1], row[2]])).collect(),
        },
        Question {
            name: "experiment",
            properties: &["variant", "price"],
            json: json!({ "kind": "experiment", "purpose": PURPOSE, "exposure": "experiment_viewed", "variant": "variant",
                          "metrics": ["sum(order_completed.price)"], "period": period }),
            normal: |rows| {
                let row = |row: &Json| json!([row[0], row[2], rounded(&row[4], 1.0), rounded(&row[5], 1e6)]);
                rows.iter().map(row).collect()
            },
        },
        Question {
            name: "paths",
            properties: &[],
            json: json!({ "kind": "paths", "purpose": PURPOSE, "from": "signed_in", "steps": 5, "top": 100, "period": period }),
            // A peer gives the most common paths alone.
            normal: |rows| {
                let is_path = |row: &&Json| row[0] != json!(["(other)"]) && row[0] != json!(["(withheld)"]);
                rows.iter().filter(is_path).map(|row| json!([row[0], row[1]])).collect()
            },
        },
        Question {
            name: "people",
            properties: &["country"],
            json: json!({ "kind": "trend", "purpose": PURPOSE, "measure": "people(*)", "by": "week", "period": period,
                          "breakdown": ["country"] }),
            normal: |rows| {
                rows.iter().map(|row| json!([(day_of(&row[0]) + 3).div_euclid(7), row[1], row[2]])).collect()
            },
        },
    ]
}

/// Which channels orders are owed to, among clicks of the 30 days before.
fn attribution(name: &'static str, model: &str) -> Question {
    Question {
        name,
        properties: &["channel", "price"],
        json: json!({ "kind": "attribution", "purpose": PURPOSE, "conversion": "order_completed", "touch": "ad_clicked",
                      "channel": "channel", "value": "price", "model": model, "lookback": "30 days",
                      "period": { "from": "2026-01-01", "to": "2026-04-01" } }),
        // Sums of shares differ in their last digits, so all are cut where no fraction of few touches ends. No touch comes
        // last here, as null does there.
        normal: |rows| {
            let channel = |cell: &Json| if cell == "(none)" { Json::Null } else { cell.clone() };
            rows.iter().map(|row| json!([channel(&row[0]), rounded(&row[1], 1.0), rounded(&row[2], 1.0)])).collect()
        },
    }
}

/// Hundredths of so much, cut where no sum of cents ends.
fn rounded(cell: &Json, unit: f64) -> Json {
    json!((cell.as_f64().unwrap_or_default() / unit * 100.0 + 0.5003).floor() as i64)
}

/// The day of an instant at midnight, counted from 1970; the first days of 2026 are all that is asked about.
fn day_of(cell: &Json) -> i64 {
    let text = cell.as_str().unwrap_or_default();
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0);
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let days_before = [0, 31, 59, 90][usize::try_from(month - 1).unwrap_or(0).min(3)];
    START_MICROS / MICROS_PER_DAY + (year - 2026) * 365 + if year < 2026 { 334 } else { days_before } + day - 1
}
