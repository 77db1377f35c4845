//! What one key has sent: how much of its limits is left, and the counts since the server started.
//!
//! Limits are in messages. A second's limit is averaged over ten of them; a delivery that is larger than what is left then
//! still passes when the ten seconds are whole, so that no batch is too large for ever, and is paid for afterwards.

use crate::refusal;
use api::{KeyPulse, Refusal};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Over how long the limit per second is averaged.
const AVERAGED_SECONDS: i64 = 10;
/// How many reasons are counted apart for a key; the others are counted together.
const REASONS_MAX: usize = 100;
const OTHER_REASON: &str = "other";
/// What counts as lately.
const LATELY_SECONDS: i64 = 60;

/// What is known of a key besides its rules.
#[derive(Default)]
pub(crate) struct KeyState {
    meter: Mutex<Option<Meter>>,
    counts: Mutex<KeyPulse>,
    reasons: Mutex<HashMap<String, u64>>,
    /// Seconds since 1970 with the messages that came in them, oldest first; none older than what is lately.
    lately: Mutex<VecDeque<(i64, u64)>>,
}

/// How much of its limits a key has used.
struct Meter {
    at_micros: i64,
    /// Millionths of messages that may come now; below zero while a large batch is paid for.
    allowed_micros: i64,
    day: i64,
    n_today: u64,
}

/// What became of a delivery, in numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) received_micros: i64,
    pub(crate) n_received: u64,
    pub(crate) n_accepted: u64,
    pub(crate) n_quarantined: u64,
    pub(crate) rejected: Vec<(String, u64)>,
}

impl Tally {
    /// Messages of which none was taken, for one reason.
    pub(crate) fn refused(reason: &str, n_messages: u64, received_micros: i64) -> Tally {
        let rejected = vec![(reason.to_owned(), n_messages)];
        Tally { received_micros, n_received: n_messages, rejected, ..Tally::default() }
    }
}

impl KeyState {
    /// Lets messages pass, or says when to try again; then nothing was used up.
    pub(crate) fn take(
        &self,
        n_messages: u64,
        per_second_max: u32,
        per_day_max: u64,
        now_micros: i64,
    ) -> Result<(), Refusal> {
        let rate = i64::from(per_second_max);
        let full = rate * AVERAGED_SECONDS * MICROS_PER_SECOND;
        let day = now_micros.div_euclid(MICROS_PER_DAY);
        let mut slot = lock(&self.meter);
        let meter = slot.get_or_insert(Meter { at_micros: now_micros, allowed_micros: full, day, n_today: 0 });
        // A clock that goes back gives nothing, and takes nothing.
        let elapsed = (now_micros - meter.at_micros).max(0);
        meter.allowed_micros = meter.allowed_micros.saturating_add(elapsed.saturating_mul(rate)).min(full);
        meter.at_micros = now_micros;
        if meter.day != day {
            (meter.day, meter.n_today) = (day, 0);
        }
        if meter.n_today.saturating_add(n_messages) > per_day_max {
            let left = (day + 1) * MICROS_PER_DAY - now_micros;
            return Err(refusal::day_is_full(seconds(left)));
        }
        let wanted = i64::try_from(n_messages).unwrap_or(i64::MAX).saturating_mul(MICROS_PER_SECOND);
        let needed = wanted.min(full).max(1);
        if meter.allowed_micros < needed {
            let wait = (needed - meter.allowed_micros) / rate.max(1);
            return Err(refusal::too_fast(seconds(wait)));
        }
        meter.allowed_micros -= wanted;
        meter.n_today += n_messages;
        Ok(())
    }

    /// Gives back what was used up for messages that could not be kept.
    pub(crate) fn give_back(&self, n_messages: u64) {
        if let Some(meter) = lock(&self.meter).as_mut() {
            meter.n_today = meter.n_today.saturating_sub(n_messages);
        }
    }

    /// Adds to the counts.
    pub(crate) fn count(&self, tally: &Tally) {
        let mut counts = lock(&self.counts);
        counts.received += tally.n_received;
        counts.accepted += tally.n_accepted;
        counts.quarantined += tally.n_quarantined;
        counts.last_micros = counts.last_micros.max(Some(tally.received_micros));
        drop(counts);
        self.count_lately(tally.received_micros.div_euclid(MICROS_PER_SECOND), tally.n_received);
        let mut reasons = lock(&self.reasons);
        for (reason, n) in &tally.rejected {
            let is_room = reasons.len() < REASONS_MAX || reasons.contains_key(reason);
            *reasons.entry(if is_room { reason.clone() } else { OTHER_REASON.to_owned() }).or_default() += n;
        }
    }

    fn count_lately(&self, second: i64, n_received: u64) {
        let mut lately = lock(&self.lately);
        match lately.back_mut() {
            // A clock that goes back adds to the last second that it reached.
            Some((last, n)) if *last >= second => *n += n_received,
            _ => lately.push_back((second, n_received)),
        }
        while lately.front().is_some_and(|(at, _)| *at <= second - LATELY_SECONDS) {
            lately.pop_front();
        }
    }

    /// The counts, under these names; the most frequent reason first.
    pub(crate) fn pulse(&self, source: &str, key: &str, now_micros: i64) -> KeyPulse {
        let since = now_micros.div_euclid(MICROS_PER_SECOND) - LATELY_SECONDS;
        let received_lately = lock(&self.lately).iter().filter(|(at, _)| *at > since).map(|(_, n)| n).sum();
        let mut rejected: Vec<(String, u64)> =
            lock(&self.reasons).iter().map(|(reason, n)| (reason.clone(), *n)).collect();
        rejected.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        KeyPulse {
            source: source.to_owned(),
            key: key.to_owned(),
            received_lately,
            rejected,
            ..lock(&self.counts).clone()
        }
    }
}

fn seconds(micros: i64) -> u64 {
    u64::try_from(micros / MICROS_PER_SECOND + 1).unwrap_or(1)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
