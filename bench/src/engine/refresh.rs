//! A count after one event in a hundred is new: what was counted of the others is kept.
//!
//! Works on a copy of the tables, which is removed: those of the other figures stay as they were imported.

use super::data::{N_DAYS, START_MICROS, Size};
use super::median;
use super::workspace::{KEY, PURPOSE, USER};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use xtask::http::{self, Request};
use xtask::server::Server;
use xtask::shell::{Result, step};

/// Messages of a request.
const BATCH: u64 = 500;
/// Longest wait for messages to be counted.
const LANDED_WITHIN: Duration = Duration::from_secs(600);
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Counts an audience anew, lands new events, and counts it again.
pub(super) fn print(program: &Path, folder: &Path, size: Size) -> Result<()> {
    let copy = folder.join("data-refresh");
    let mut copied = Command::new("cp");
    copied.args(["-r", "--reflink=auto"]).arg(folder.join("data")).arg(&copy);
    step(copied)?;
    let printed = measure(program, folder, &copy, size);
    std::fs::remove_dir_all(&copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    printed
}

fn measure(program: &Path, folder: &Path, data: &Path, size: Size) -> Result<()> {
    let server = Server::start(program, &folder.join("workspace"), data)?;
    let token = format!("Bearer {}", server.token(USER)?);
    let whole: Result<Vec<f64>> = (31..=33).map(|days| Ok(count(&server, &token, days)?.1)).collect();
    // The first of them read the columns as well.
    let whole = median(&whole?);
    let (before, kept) = (count(&server, &token, 30)?.0, count(&server, &token, 30)?.1);
    let n_events = all_events(&server, &token)?;
    let n_new = size.n_events / 100;
    let started = Instant::now();
    send(&server, size, n_new)?;
    let sent = started.elapsed();
    while all_events(&server, &token)? < n_events + n_new * 6 / 10 {
        if started.elapsed() > LANDED_WITHIN {
            return Err("new events were not counted in time".to_owned());
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    // What the last of them takes to land.
    std::thread::sleep(Duration::from_secs(5));
    let (after, first) = count(&server, &token, 30)?;
    println!(
        "an audience counted anew {:.0} ms, again {:.0} ms; after {n_new} new events, sent in {:.0} s, {:.0} ms ({:.0} % of \
         anew): {before} -> {after} people",
        1e3 * whole,
        1e3 * kept,
        sent.as_secs_f64(),
        1e3 * first,
        100.0 * first / whole
    );
    Ok(())
}

/// People who viewed a product three times within so many days, and seconds.
fn count(server: &Server, token: &str, days: u32) -> Result<(u64, f64)> {
    let condition = format!("count(product_viewed, within => '{days} days') >= 3 AND plan = 'plan-001'");
    let question = json!({ "kind": "audience", "purpose": PURPOSE, "where": condition, "as_of": "2026-04-01" });
    let started = Instant::now();
    let answer = ask(server, token, &question)?;
    Ok((answer["rows"][0][0].as_u64().unwrap_or(0), started.elapsed().as_secs_f64()))
}

fn all_events(server: &Server, token: &str) -> Result<u64> {
    let period = json!({ "from": "2026-01-01", "to": "2026-04-01" });
    let question = json!({ "kind": "trend", "purpose": PURPOSE, "measure": "count(product_viewed)", "by": "none", "period": period });
    Ok(ask(server, token, &question)?["rows"][0][0].as_u64().unwrap_or(0))
}

fn ask(server: &Server, token: &str, question: &Json) -> Result<Json> {
    let headers = [("authorization", token), ("content-type", "application/json")];
    let body = json!({ "question": question }).to_string();
    let request = Request { method: "POST", path: "/api/v1/ask", headers: &headers, body: &body };
    let response = http::send(&server.address, &request)?;
    if response.status != 200 {
        return Err(format!("{question}: {} {}", response.status, response.body));
    }
    serde_json::from_str(&response.body).map_err(|error| error.to_string())
}

/// Sends views of products of people who are there, at times of the days that are there.
fn send(server: &Server, size: Size, n_messages: u64) -> Result<()> {
    let key = format!("Bearer {KEY}");
    let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
    for first in (0..n_messages).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        let message = |number: u64| {
            let number_of_time = i64::try_from(number).unwrap_or(0);
            let day = number_of_time % N_DAYS;
            let micros = START_MICROS + day * MICROS_PER_DAY + number_of_time % 86_400 * 1_000_000;
            let at = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default().to_rfc3339();
            let person = number.wrapping_mul(7_919) % size.n_people;
            json!({ "type": "track", "event": "product_viewed", "messageId": format!("new-{number}"),
                    "userId": person.to_string(), "timestamp": at, "properties": { "price": 12.5, "product_id": 7, "quantity": 1 } })
        };
        let batch: Vec<Json> = (first..n_messages.min(first + BATCH)).map(message).collect();
        let body = json!({ "batch": batch }).to_string();
        let request = Request { method: "POST", path: "/v1/batch", headers: &headers, body: &body };
        let response = http::send(&server.address, &request)?;
        if response.status != 200 {
            return Err(format!("/v1/batch: {} {}", response.status, response.body));
        }
    }
    Ok(())
}
