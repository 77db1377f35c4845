//! What was acknowledged against what is counted.

use super::canaries::{self, Flown};
use super::tally::Tally;
use std::collections::BTreeMap;

/// Messages by the stage that sent them.
#[derive(Default)]
pub(super) struct Ledger {
    stages: BTreeMap<String, Line>,
    /// What was answered as it should never be.
    wrong: Vec<String>,
    n_wrong: u64,
}

/// What a stage sent.
#[derive(Clone, Copy, Default)]
struct Line {
    n_acked: u64,
    /// May be there or not: refused because nothing can be kept at the moment, or never answered.
    n_open: u64,
}

impl Ledger {
    /// Enters what came of a load.
    pub(super) fn enter(&mut self, stage: &str, tally: &Tally) {
        let line = self.stages.entry(stage.to_owned()).or_default();
        line.n_acked += tally.n_acked;
        line.n_open += tally.n_open();
        self.n_wrong += tally.n_wrong;
        self.wrong.extend(tally.wrong.iter().map(|answer| format!("{stage}: wrong answer: {answer}")));
    }

    /// Enters what came of canaries.
    pub(super) fn enter_canaries(&mut self, flown: &Flown) {
        let line = self.stages.entry(canaries::STAGE.to_owned()).or_default();
        line.n_acked += flown.n_acked * canaries::N_MESSAGES;
        line.n_open += flown.n_refused * canaries::N_MESSAGES;
    }

    /// Acknowledged messages of all stages.
    pub(super) fn n_acked(&self) -> u64 {
        self.stages.values().map(|line| line.n_acked).sum()
    }

    /// Whether all that was acknowledged is counted.
    pub(super) fn is_there(&self, counts: &BTreeMap<String, u64>) -> bool {
        self.stages.iter().all(|(stage, line)| counts.get(stage).copied().unwrap_or(0) >= line.n_acked)
    }

    /// What is wrong: answers, messages that are missing, messages that are there twice.
    pub(super) fn complaints(&self, counts: &BTreeMap<String, u64>) -> Vec<String> {
        let mut complaints = self.wrong.clone();
        if self.n_wrong > 0 {
            complaints.push(format!("{} wrong answers", self.n_wrong));
        }
        for (stage, Line { n_acked, n_open }) in &self.stages {
            let n_counted = counts.get(stage).copied().unwrap_or(0);
            if n_counted < *n_acked {
                let n_missing = n_acked - n_counted;
                complaints.push(format!("{stage}: {n_missing} of {n_acked} acknowledged messages are missing"));
            }
            if n_counted > n_acked + n_open {
                let n_twice = n_counted - n_acked - n_open;
                complaints
                    .push(format!("{stage}: {n_twice} more than the {n_acked} acknowledged messages are counted"));
            }
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;
    use crate::tally::Tally;
    use std::collections::BTreeMap;

    fn complaints(n_counted: u64) -> Vec<String> {
        let mut ledger = Ledger::default();
        ledger.enter("some", &Tally { n_acked: 10, n_unavailable: 2, n_too_many: 5, ..Tally::default() });
        ledger.complaints(&BTreeMap::from([("some".to_owned(), n_counted)]))
    }

    #[test]
    fn sees_what_is_missing_and_what_is_double() {
        assert_eq!(complaints(9), ["some: 1 of 10 acknowledged messages are missing"]);
        assert!(complaints(10).is_empty() && complaints(12).is_empty());
        assert_eq!(complaints(13), ["some: 1 more than the 10 acknowledged messages are counted"]);
    }
}
