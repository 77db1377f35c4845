//! How far what was taken is on its way to the tables: how much waits in the log, and for how long at most.
//!
//! The log knows no times. A mark says that everything before a sequence number had come by a time; one is set when a
//! landing begins, so the age of what waits is told too old by one landing at most, and never too young.

use std::collections::VecDeque;

/// Marks that are kept; a log that grows for long without a landing gets no more of them.
const MARKS_MAX: usize = 1_000;

/// What has landed, and the marks ahead of it.
pub(crate) struct Landed {
    /// The first sequence number that the tables lack; unknown before the first landing.
    until: Option<u64>,
    /// Everything that came before this has landed.
    at_micros: i64,
    marks: VecDeque<(u64, i64)>,
    is_going: bool,
}

impl Landed {
    /// Nothing is known of what the log held before.
    pub(crate) fn new(now_micros: i64) -> Landed {
        Landed { until: None, at_micros: now_micros, marks: VecDeque::new(), is_going: true }
    }

    /// A landing begins while the log would number its next record so.
    pub(crate) fn begin(&mut self, next: u64, now_micros: i64) {
        let has_room = self.marks.len() < MARKS_MAX;
        match self.marks.back_mut() {
            // Nothing has come since: what was said of then holds now, too.
            Some((last, at_micros)) if *last == next => *at_micros = now_micros,
            _ if has_room => self.marks.push_back((next, now_micros)),
            _ => {}
        }
    }

    /// It has brought the tables this far, or failed.
    pub(crate) fn end(&mut self, until: Option<u64>) {
        self.is_going = until.is_some();
        let Some(until) = until else { return };
        self.until = Some(until);
        while let Some((_, at_micros)) = self.marks.front().filter(|(next, _)| *next <= until) {
            self.at_micros = *at_micros;
            self.marks.pop_front();
        }
    }

    /// Records that wait, and how long the oldest of them has, at most, in microseconds.
    pub(crate) fn waiting(&self, next: u64, now_micros: i64) -> (u64, i64) {
        let n_records = next.saturating_sub(self.until.unwrap_or(next));
        let lag_micros = if n_records == 0 { 0 } else { (now_micros - self.at_micros).max(0) };
        (n_records, lag_micros)
    }

    /// Whether the last landing did not fail.
    pub(crate) fn is_going(&self) -> bool {
        self.is_going
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_what_waits_is_that_of_the_oldest() {
        let mut landed = Landed::new(0);
        assert_eq!(landed.waiting(70, 5), (0, 0), "nothing is known yet");
        landed.begin(70, 10);
        landed.end(Some(70));
        assert_eq!(landed.waiting(70, 900), (0, 0), "a quiet log is no late one");
        landed.begin(70, 1_000);
        landed.end(Some(70));
        assert_eq!(landed.waiting(75, 1_200), (5, 200));
        // Two landings that get half of it each.
        landed.begin(80, 2_000);
        landed.end(Some(76));
        landed.begin(90, 3_000);
        assert_eq!(landed.waiting(90, 3_500), (14, 2_500), "the first five came after 1 000");
        landed.end(Some(80));
        assert_eq!(landed.waiting(90, 3_500), (10, 1_500));
        landed.end(None);
        assert!(!landed.is_going() && landed.waiting(90, 4_000) == (10, 2_000));
        landed.end(Some(90));
        assert!(landed.is_going() && landed.waiting(90, 4_000) == (0, 0));
    }

    #[test]
    fn a_log_that_never_lands_costs_no_memory() {
        let mut landed = Landed::new(0);
        for next in 0..10_000 {
            landed.begin(next, 1_000 + i64::try_from(next).expect("it is small"));
            landed.end(None);
        }
        assert_eq!(landed.marks.len(), MARKS_MAX);
        landed.end(Some(10_000));
        assert!(landed.marks.is_empty());
    }
}
