//! Freshness: now and then two messages that can be told from all others, asked for until they are counted.
//!
//! Two, by two people, since a group of one is never shown.

use super::count::Asker;
use super::tally::quantile;
use super::workspace::{EVENT, KEY};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use xtask::http::{self, Request};
use xtask::shell::Result;

/// The stage of all of them.
pub(super) const STAGE: &str = "canaries";
/// Messages of one.
pub(super) const N_MESSAGES: u64 = 2;
const EVERY: Duration = Duration::from_millis(500);
/// Between an answer and the next question.
const ASK_PAUSE: Duration = Duration::from_millis(50);
/// How long after the last one was sent they are asked for.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What came of the canaries of a load.
#[derive(Default)]
pub(super) struct Flown {
    pub(super) n_acked: u64,
    pub(super) n_refused: u64,
    /// Seconds from the acknowledgement to the answer that counts it.
    pub(super) seconds: Vec<f64>,
}

impl Flown {
    /// `p50 1.2 s, p99 2.0 s of 10`
    pub(super) fn line(&mut self) -> String {
        let (n, lost) = (self.seconds.len() as u64, self.n_acked - self.seconds.len() as u64);
        let [middle, high] = [0.5, 0.99].map(|share| quantile(&mut self.seconds, share));
        let lost = if lost == 0 { String::new() } else { format!(", {lost} not counted within {WAIT_MAX:?}") };
        format!("p50 {middle:.2} s, p99 {high:.2} s of {n} canaries{lost}")
    }
}

/// Sends and asks until `is_over`, then asks for the rest.
pub(super) fn fly(asker: &Asker, series: &str, is_over: &AtomicBool) -> Result<Flown> {
    let acked = Mutex::new(BTreeMap::new());
    let has_sent_all = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(asker, &acked, &has_sent_all));
        let sent = send(asker, series, &acked, is_over);
        has_sent_all.store(true, Ordering::Relaxed);
        let seconds = asking.join().map_err(|_| "asking for canaries ended abnormally".to_owned())??;
        let (n_acked, n_refused) = sent?;
        Ok(Flown { n_acked, n_refused, seconds })
    })
}

/// How many were acknowledged, and how many were not.
fn send(
    asker: &Asker,
    series: &str,
    acked: &Mutex<BTreeMap<String, Instant>>,
    is_over: &AtomicBool,
) -> Result<(u64, u64)> {
    let (mut n_acked, mut n_refused) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        let started = Instant::now();
        let name = format!("{series}-{:04}", n_acked + n_refused);
        let authorization = format!("Bearer {KEY}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = batch(&name);
        let request = Request { method: "POST", path: "/v1/batch", headers: &headers, body: &body };
        if http::send(&asker.address, &request)?.status == 200 {
            lock(acked).insert(name, Instant::now());
            n_acked += 1;
        } else {
            n_refused += 1;
        }
        std::thread::sleep(EVERY.saturating_sub(started.elapsed()));
    }
    Ok((n_acked, n_refused))
}

fn batch(name: &str) -> String {
    let messages: Vec<_> = (0..N_MESSAGES)
        .map(|person| {
            json!({
                "type": "track", "event": EVENT, "messageId": format!("{name}-{person}"),
                "userId": format!("canary-{person}"), "properties": { "stage": STAGE, "canary": name },
            })
        })
        .collect();
    json!({ "batch": messages }).to_string()
}

/// Asks while some are not counted; for how long each was not.
fn ask(asker: &Asker, acked: &Mutex<BTreeMap<String, Instant>>, has_sent_all: &AtomicBool) -> Result<Vec<f64>> {
    let mut seconds = Vec::new();
    let mut last = None;
    loop {
        if has_sent_all.load(Ordering::Relaxed) {
            let is_late = last.get_or_insert_with(Instant::now).elapsed() > WAIT_MAX;
            if is_late || lock(acked).is_empty() {
                return Ok(seconds);
            }
        }
        if !lock(acked).is_empty() {
            let counts = asker.counts("canary")?;
            let is_counted = |name: &String| counts.get(name) == Some(&N_MESSAGES);
            seconds.extend(
                lock(acked).extract_if(.., |name, _| is_counted(name)).map(|(_, at)| at.elapsed().as_secs_f64()),
            );
        }
        std::thread::sleep(ASK_PAUSE);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
