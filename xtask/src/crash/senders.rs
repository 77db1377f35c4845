//! Who sends: threads that never stop, whatever becomes of the program, and write down each answer.

use super::batches::{Batch, MESSAGES_MAX};
use super::chance::Chance;
use super::truth::Truth;
use super::world::KEY;
use serde_json::Value as Json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use xtask::http::{self, Request, Response};

/// How many send at once.
const N_SENDERS: u64 = 4;
/// Of a hundred deliveries so many repeat a batch that was sent before: 30 for each 100 new ones.
const REPEATS_PERCENT: u64 = 23;
/// Of the others so many take up a batch that was never acknowledged, if there is one.
const OPEN_PERCENT: u64 = 20;
/// A repeat is of one of the last batches or of any, in turn by chance.
const RECENT: u64 = 50;
/// Longest pause between two deliveries of a sender.
const PAUSE_MILLIS_MAX: u64 = 100;
/// What a sender waits for who found nobody.
const AFTER_FAILURE: Duration = Duration::from_millis(30);

/// What senders share.
pub(super) struct Post {
    pub(super) address: String,
    truth: Mutex<Truth>,
    /// Each delivery holds it for reading, so that whoever holds it for writing knows that none is under way.
    gate: RwLock<()>,
    is_over: AtomicBool,
}

impl Post {
    pub(super) fn new(address: String) -> Post {
        Post { address, truth: Mutex::default(), gate: RwLock::new(()), is_over: AtomicBool::new(false) }
    }

    /// What is known so far.
    pub(super) fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the senders beside `work`, and ends them after it.
    pub(super) fn run<T>(&self, seed: u64, work: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            for sender in 1..=N_SENDERS {
                scope.spawn(move || self.send_on(Chance::new(seed, sender)));
            }
            // Also where `work` panics: nobody would ever end otherwise.
            let _over = Over(&self.is_over);
            work()
        })
    }

    /// Does something while no delivery is under way.
    pub(super) fn pause<T>(&self, work: impl FnOnce() -> T) -> T {
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    /// Sends a new batch; it, and whether it was acknowledged.
    pub(super) fn send_new(&self, n_messages: u64) -> (Batch, bool) {
        let batch = self.truth().new_batch(n_messages);
        (batch, self.deliver(batch))
    }

    /// Sends a new batch; what was answered, for whoever looks at more than that.
    pub(super) fn try_new(&self, n_messages: u64) -> Option<Response> {
        let batch = self.truth().new_batch(n_messages);
        self.exchange(batch).map(|(_, response)| response)
    }

    /// Sends a batch that was sent before, and says whether it was acknowledged.
    pub(super) fn send_again(&self, index: u64) -> bool {
        let batch = self.truth().repeat(index);
        self.deliver(batch)
    }

    fn send_on(&self, mut chance: Chance) {
        while !self.is_over.load(Ordering::Relaxed) {
            let is_there = {
                let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
                match self.pick(&mut chance) {
                    Some(index) => self.send_again(index),
                    None => self.send_new(1 + chance.below(MESSAGES_MAX)).1,
                }
            };
            let pause = chance.millis(0, PAUSE_MILLIS_MAX);
            std::thread::sleep(if is_there { pause } else { pause + AFTER_FAILURE });
        }
    }

    /// A batch to send again; none for a new one.
    fn pick(&self, chance: &mut Chance) -> Option<u64> {
        let truth = self.truth();
        let n_batches = truth.n_batches();
        if n_batches > 0 && chance.percent(REPEATS_PERCENT) {
            let n_candidates = if chance.percent(50) { n_batches.min(RECENT) } else { n_batches };
            return Some(n_batches - 1 - chance.below(n_candidates));
        }
        if !chance.percent(OPEN_PERCENT) {
            return None;
        }
        let open = truth.open();
        let at = usize::try_from(chance.below(open.len().max(1) as u64)).expect("batches are in memory");
        open.get(at).copied()
    }

    fn deliver(&self, batch: Batch) -> bool {
        self.exchange(batch).is_some_and(|(outcome, _)| outcome == Outcome::Acknowledged)
    }

    /// Sends a batch and writes down what came back. Only a whole answer that takes every message acknowledges.
    fn exchange(&self, batch: Batch) -> Option<(Outcome, Response)> {
        let authorization = format!("Bearer {KEY}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let request = Request { method: "POST", path: "/v1/batch", headers: &headers, body: &batch.body() };
        let response = http::send(&self.address, &request).ok()?;
        let outcome = read(response.status, &response.body, batch.n_messages);
        match outcome {
            Outcome::Acknowledged => self.truth().acknowledge(batch),
            Outcome::Open => {}
            Outcome::Wrong => self.truth().note_wrong(format!("{} {}", response.status, response.body)),
        }
        Some((outcome, response))
    }
}

/// Says that it is over when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What an answer means for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All of it is on disk.
    Acknowledged,
    /// Nothing is said about it.
    Open,
    /// Such an answer should never come.
    Wrong,
}

fn read(status: u16, body: &str, n_messages: u64) -> Outcome {
    match (status, serde_json::from_str::<Json>(body)) {
        (408 | 429 | 503, _) => Outcome::Open,
        (200, Ok(answer)) if answer["accepted"] == n_messages => Outcome::Acknowledged,
        // The program was killed while it answered.
        (200, Err(_)) => Outcome::Open,
        _ => Outcome::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, read};

    #[test]
    fn only_a_whole_answer_acknowledges() {
        for (status, body, outcome) in [
            (200, r#"{"success":true,"accepted":7}"#, Outcome::Acknowledged),
            (200, r#"{"success":true,"acc"#, Outcome::Open),
            (200, "", Outcome::Open),
            (200, r#"{"success":true,"accepted":6,"quarantined":1}"#, Outcome::Wrong),
            (503, "{}", Outcome::Open),
            (500, "{}", Outcome::Wrong),
            (400, "{}", Outcome::Wrong),
        ] {
            assert_eq!(read(status, body, 7), outcome, "{status} {body}");
        }
    }
}
