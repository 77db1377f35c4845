//! User agents that were read before: reading one is dear, and most come again and again.
//!
//! Bounded in three ways, since whoever sends chooses the text: how long it may be, how many are remembered, and how much of
//! each second goes into reading new ones. What is beyond the bounds is not known, and the fields stay empty.

use crate::agent::{Agent, AgentRules};
use lake::Clock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The longest text that is read, in bytes; those of apps that show pages have about 400.
const TEXT_BYTES_MAX: usize = 512;
/// How many are remembered in each of two generations: those met lately, and those met before them.
const GENERATION: usize = 2_048;
/// How much of each second may go into reading new ones.
const READING_MICROS_MAX: i64 = 100_000;

/// The rules and what they said.
pub(crate) struct Agents {
    clock: Arc<dyn Clock>,
    /// Made for the first message that needs them: they take a fifth of a second and 45 MB, which a program that only asks
    /// or imports should not spend.
    rules: OnceLock<AgentRules>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    lately: HashMap<Box<str>, Arc<Agent>>,
    before: HashMap<Box<str>, Arc<Agent>>,
    /// The second to which the time spent belongs.
    second: i64,
    spent_micros: i64,
}

impl Agents {
    /// Makes a memory that knows nobody.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Agents {
        Agents { clock, rules: OnceLock::new(), seen: Mutex::default() }
    }

    /// What is known of a user agent; `None` beyond the bounds.
    pub(crate) fn agent(&self, text: &str) -> Option<Arc<Agent>> {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            return None;
        }
        if let Some(known) = self.seen().find(text) {
            return Some(known);
        }
        let rules = self.rules.get_or_init(AgentRules::new);
        let start = self.micros();
        if !self.seen().has_time(start) {
            return None;
        }
        // Without the lock: what is known goes on being found meanwhile.
        let agent = Arc::new(rules.read(text));
        let spent = (self.micros() - start).max(0);
        let mut seen = self.seen();
        seen.spent_micros += spent;
        seen.keep(text, &agent);
        Some(agent)
    }

    fn micros(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn find(&mut self, text: &str) -> Option<Arc<Agent>> {
        if let Some(known) = self.lately.get(text) {
            return Some(Arc::clone(known));
        }
        let known = self.before.remove(text)?;
        self.keep(text, &known);
        Some(known)
    }

    fn has_time(&mut self, now_micros: i64) -> bool {
        let second = now_micros.div_euclid(1_000_000);
        if second != self.second {
            (self.second, self.spent_micros) = (second, 0);
        }
        self.spent_micros < READING_MICROS_MAX
    }

    fn keep(&mut self, text: &str, agent: &Arc<Agent>) {
        if self.lately.len() >= GENERATION {
            self.before = std::mem::take(&mut self.lately);
        }
        self.lately.insert(text.into(), Arc::clone(agent));
    }
}
