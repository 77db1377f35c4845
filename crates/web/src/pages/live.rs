//! Live: what comes in right now, by key. The page loads its own part again every two seconds.

use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::words;
use api::{KeyPulse, Pulse};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Live {
    keys: Vec<Line>,
    log: String,
    is_durable: bool,
}

/// One key.
#[derive(Serialize)]
struct Line {
    source: String,
    key: String,
    received: u64,
    accepted: u64,
    quarantined: u64,
    n_rejected: u64,
    rejected: Vec<(String, u64)>,
    /// How long ago the last event came, in words.
    age: Option<String>,
}

pub(crate) async fn live(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    shown(app, caller, request, "pages/live.html").await
}

pub(crate) async fn pulse(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    shown(app, caller, request, "pages/part.html").await
}

/// Refuses whoever does not see operational facts.
pub(crate) fn check_sees(caller: &Caller) -> Result<(), Problem> {
    if caller.who.sees_cost { Ok(()) } else { Err(Problem::role_may_not("see how the server runs")) }
}

async fn shown(app: App, caller: Caller, request: PageRequest, template: &str) -> Result<Response, Problem> {
    check_sees(&caller)?;
    let collector = app.collector.clone();
    page(&app, &caller, &request, template, move |_, _| {
        let live = view(collector.pulse(), Utc::now());
        Ok(json!({ "part": "parts/pulse.html", "title": "Events arriving now", "live": live }))
    })
    .await
}

fn view(pulse: Pulse, now: DateTime<Utc>) -> Live {
    let line = |key: KeyPulse| Line {
        n_rejected: key.rejected.iter().map(|(_, n_messages)| n_messages).sum(),
        age: key.last_micros.map(|micros| age(micros, now)),
        source: key.source,
        key: key.key,
        received: key.received,
        accepted: key.accepted,
        quarantined: key.quarantined,
        rejected: key.rejected,
    };
    Live { keys: pulse.keys.into_iter().map(line).collect(), log: size(pulse.log_bytes), is_durable: pulse.is_durable }
}

fn age(micros: i64, now: DateTime<Utc>) -> String {
    let seconds = (now.timestamp_micros() - micros).max(0) / 1_000_000;
    if seconds == 0 { "now".to_owned() } else { format!("{} ago", words::length(seconds as f64)) }
}

/// `1.4 MB`.
fn size(n_bytes: u64) -> String {
    let (count, unit) = match n_bytes as f64 {
        n if n < 1e3 => return format!("{n_bytes} bytes"),
        n if n < 1e6 => (n / 1e3, "kB"),
        n if n < 1e9 => (n / 1e6, "MB"),
        n => (n / 1e9, "GB"),
    };
    format!("{count:.1} {unit}")
}

#[cfg(test)]
mod tests;
