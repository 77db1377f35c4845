//! Counts while somebody types a condition: each change of it is judged, as the page does between two keys.

use super::median;
use super::workspace::PURPOSE;
use serde_json::json;
use std::time::Instant;
use xtask::http::{self, Request};
use xtask::server::Server;
use xtask::shell::Result;

/// Judges conditions one after the other, as they grow, and prints how long that took.
pub(super) fn print(server: &Server, token: &str) -> Result<()> {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let mut seconds = Vec::new();
    for condition in conditions() {
        let question = json!({ "kind": "audience", "purpose": PURPOSE, "where": condition });
        let body = json!({ "question": question }).to_string();
        let started = Instant::now();
        let response = http::send(
            &server.address,
            &Request { method: "POST", path: "/api/v1/judge", headers: &headers, body: &body },
        )?;
        if response.status != 200 {
            return Err(format!("{condition}: {} {}", response.status, response.body));
        }
        seconds.push(started.elapsed().as_secs_f64());
    }
    let mut sorted = seconds.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| 1e3 * sorted[((sorted.len() - 1) as f64 * share) as usize];
    println!(
        "count as a condition is typed, {} times: p50 {:.0} ms, p95 {:.0} ms, most {:.0} ms",
        seconds.len(),
        1e3 * median(&seconds),
        at(0.95),
        at(1.0)
    );
    Ok(())
}

/// Conditions as they are typed: numbers change, parts are added, events and windows are chosen.
fn conditions() -> Vec<String> {
    let mut all = Vec::new();
    for (event, within) in [
        ("product_viewed", "30 days"),
        ("order_completed", "90 days"),
        ("email_opened", "14 days"),
        ("ad_clicked", "7 days"),
    ] {
        let first = format!("count({event}, within => '{within}')");
        all.extend((1..=10).map(|n| format!("{first} >= {n}")));
        all.extend((1..=5).map(|plan| format!("{first} >= 2 AND plan = 'plan-00{plan}'")));
        all.extend((1..=10).map(|n| format!("{first} >= 2 AND plan = 'plan-001' AND NOT count(signed_in) >= {n}")));
    }
    all
}
