//! Live: what comes in right now, by key; what waits for the tables; what became of it, minute by minute. The page loads
//! its own part again every two seconds.

use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::words;
use api::{BookView, BooksView, KeyPulse, Pulse, SourceView};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

/// Minutes of the books that are shown.
const MINUTES: u32 = 15;
/// Lines of them that are shown; the others are counted.
const LINES_MAX: usize = 200;
/// A wait for the tables that is nothing to worry about: a landing takes a second or two, also under load.
const LAG_SECONDS_MAX: f64 = 30.0;

#[derive(Serialize)]
struct Live {
    waiting: Waiting,
    keys: Vec<Line>,
    n_minutes: u32,
    minutes: Vec<BookView>,
    /// Lines of these minutes that are not shown.
    n_more: usize,
}

/// What was taken and is not in the tables yet.
#[derive(Serialize)]
struct Waiting {
    records: u64,
    /// How long the oldest waits, in words.
    lag: String,
    log: String,
    is_durable: bool,
    is_landing: bool,
    is_late: bool,
}

/// One key.
#[derive(Serialize)]
struct Line {
    source: String,
    key: String,
    received_lately: u64,
    received: u64,
    accepted: u64,
    /// Of those that landed, ever.
    duplicate: u64,
    quarantined: u64,
    n_rejected: u64,
    rejected: Vec<(String, u64)>,
    /// How long ago the last event came, in words.
    age: Option<String>,
    /// What the contract of its source promises about age, and whether that is kept; absent without a promise.
    promise: Option<(String, bool)>,
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
    page(&app, &caller, &request, template, move |product, who| {
        let (books, sources) = (product.books(who, MINUTES)?, product.sources(who)?);
        let live = view(collector.pulse(), books, &sources, Utc::now());
        Ok(json!({ "part": "parts/pulse.html", "title": "Events arriving now", "live": live }))
    })
    .await
}

fn view(pulse: Pulse, books: BooksView, sources: &[SourceView], now: DateTime<Utc>) -> Live {
    let lag_seconds = pulse.lag_micros as f64 / 1e6;
    let waiting = Waiting {
        records: pulse.log_records,
        lag: if pulse.log_records == 0 { "nothing waits".to_owned() } else { words::length(lag_seconds.ceil()) },
        log: size(pulse.log_bytes),
        is_durable: pulse.is_durable,
        is_landing: pulse.is_landing,
        is_late: lag_seconds > LAG_SECONDS_MAX,
    };
    let keys = pulse.keys.into_iter().map(|key| line(key, &books.totals, sources, now)).collect();
    let n_more = books.minutes.len().saturating_sub(LINES_MAX);
    let mut minutes = books.minutes;
    minutes.truncate(LINES_MAX);
    Live { waiting, keys, n_minutes: MINUTES, minutes, n_more }
}

fn line(key: KeyPulse, totals: &[BookView], sources: &[SourceView], now: DateTime<Utc>) -> Line {
    let total = totals.iter().find(|total| total.source == key.source && total.key == key.key);
    let source = sources.iter().find(|source| source.name == key.source);
    Line {
        n_rejected: key.rejected.iter().map(|(_, n_messages)| n_messages).sum(),
        age: key.last_micros.map(|micros| age(micros, now)),
        duplicate: total.map_or(0, |total| total.duplicate),
        promise: source.and_then(|source| Some((source.freshness.clone()?, source.is_fresh))),
        source: key.source,
        key: key.key,
        received_lately: key.received_lately,
        received: key.received,
        accepted: key.accepted,
        quarantined: key.quarantined,
        rejected: key.rejected,
    }
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
