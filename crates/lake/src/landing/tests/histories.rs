//! Random histories of messages, repeats, landings, crashes, compactions and restarts, against a model that holds a set.
//!
//! A step is a day: a history takes thirty of them, and three messages in ten were sent before, on any of those days.

use super::super::LandingStage;
use super::{acknowledge, bought, events_in, log_of};
use crate::tests::fixture::Fixture;
use crate::{Arrival, Message, Random, SeededRandom};
use spec::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Each seed is one history; `ENTENTE_SEEDS` says how many, `ENTENTE_SEED` which is the first.
#[test]
fn what_was_acknowledged_lands_once_whatever_happens() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (n_seeds, first) = (number("ENTENTE_SEEDS").unwrap_or(12), number("ENTENTE_SEED").unwrap_or(0));
    for seed in first..first + n_seeds {
        println!("seed {seed}");
        History::new(seed).run();
    }
}

const N_DAYS: i64 = 30;

/// When a day begins, in microseconds since 1970.
fn day(step: i64) -> i64 {
    super::JUNE + step * 24 * 60 * super::MINUTE
}

fn of_day<'a>(id: &'a str, who: &'a str, sent: i64, received: i64) -> Message<'a> {
    Message { at_micros: day(sent), received_micros: day(received), ..bought(id, who, 0, 100) }
}

struct History {
    random: SeededRandom,
    fixture: Fixture,
    /// All that was acknowledged: person and message.
    model: BTreeSet<(String, String)>,
    sent: Vec<(String, String, i64)>,
    n_acknowledged: BTreeMap<i64, u64>,
}

impl History {
    fn new(seed: u64) -> History {
        let (model, sent, n_acknowledged) = (BTreeSet::new(), Vec::new(), BTreeMap::new());
        History { random: SeededRandom::new(seed), fixture: Fixture::new(), model, sent, n_acknowledged }
    }

    fn draw(&self, below: u64) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes) % below
    }

    fn run(mut self) {
        let mut log = log_of(&self.fixture);
        for step in 0..N_DAYS {
            *self.fixture.clock.0.lock().expect("nobody panics here") =
                Instant::from_timestamp_micros(day(step)).expect("it is in 2017");
            match self.draw(10) {
                0..=4 => self.send(&log, step),
                5 | 6 => drop(self.fixture.lake.land(&log).expect("nothing stops it")),
                7 => self.crash(&log),
                8 => drop(self.fixture.lake.compact().expect("nothing stops it")),
                _ => {
                    drop(log);
                    self.fixture = self.fixture.reopened();
                    log = log_of(&self.fixture);
                }
            }
        }
        while self.fixture.lake.land(&log).expect("nothing stops it").is_more {}
        let _ = self.fixture.lake.compact().expect("nothing stops it");
        assert_eq!(events_in(&self.fixture).len(), self.model.len(), "each message once");
        let mut books: BTreeMap<i64, u64> = BTreeMap::new();
        let mut stored = 0;
        for line in self.fixture.lake.snapshot().books() {
            assert_eq!(line.received, line.stored + line.duplicate + line.rejected);
            *books.entry(line.minute.timestamp_micros()).or_default() += line.received;
            stored += line.stored;
        }
        assert_eq!(books, self.n_acknowledged, "the books balance in each minute");
        assert_eq!(stored, self.model.len() as u64, "what is stored is what is there");
    }

    /// Some new messages, and some that were sent before: at their own time, and received again on this day.
    fn send(&mut self, log: &crate::IntakeLog, step: i64) {
        let mut messages = Vec::new();
        for n in 0..=self.draw(12) {
            let is_repeat = !self.sent.is_empty() && self.draw(10) < 3;
            let message = if is_repeat {
                self.sent[usize::try_from(self.draw(self.sent.len() as u64)).expect("it is small")].clone()
            } else {
                (format!("m{step}-{n}"), format!("c{}", self.draw(9)), step)
            };
            self.sent.push(message.clone());
            messages.push(message);
        }
        let arrivals: Vec<Arrival<'_>> =
            messages.iter().map(|(id, who, sent)| Arrival::Message(of_day(id, who, *sent, step))).collect();
        acknowledge(log, &arrivals);
        for (id, who, _) in messages {
            *self.n_acknowledged.entry(day(step)).or_default() += 1;
            self.model.insert((who, id));
        }
    }

    fn crash(&mut self, log: &crate::IntakeLog) {
        use LandingStage::{Books, Consents, Events, People, Quarantine, Traits, Vault};
        let stages = [Vault, Quarantine, People, Consents, Traits, Books, Events];
        let stage = stages[usize::try_from(self.draw(7)).expect("it is small")];
        *self.fixture.lake.fail_after_landing.lock().expect("nobody panics here") = Some(stage);
        let _ = self.fixture.lake.land(log);
        *self.fixture.lake.fail_after_landing.lock().expect("nobody panics here") = None;
    }
}
