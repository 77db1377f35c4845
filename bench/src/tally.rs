//! What came of a load: answers by kind, times, and what was wrong.

use super::wire::Answer;
use std::time::Duration;

/// Wrong answers that are shown.
const SHOWN_MAX: usize = 5;

/// What came of a load, counted in messages unless it says requests.
#[derive(Default)]
pub(super) struct Tally {
    /// Acknowledged.
    pub(super) n_acked: u64,
    /// Of these, those between the start that does not count and the end.
    pub(super) n_acked_inside: u64,
    /// Refused by 429.
    pub(super) n_too_many: u64,
    /// Refused by 503. Whether they were kept is open: some are told so because the disk was late.
    pub(super) n_unavailable: u64,
    /// Never answered; whether they were kept is open, too.
    pub(super) n_unanswered: u64,
    /// Requests that were due and for which no connection was free in time.
    pub(super) n_unsent: u64,
    /// Requests answered otherwise.
    pub(super) n_wrong: u64,
    /// Some of these.
    pub(super) wrong: Vec<String>,
    /// Of acknowledged requests: milliseconds from when they were due.
    pub(super) from_due: Vec<f64>,
    /// Of refused requests: milliseconds from when they were sent.
    pub(super) until_refused: Vec<f64>,
    /// Of all answered requests: milliseconds from when they were sent.
    pub(super) until_answered: Vec<f64>,
    /// The part of the load, in seconds, that counts.
    pub(super) inside_seconds: f64,
}

/// When a request that is answered now was due and was sent.
pub(super) struct Times {
    pub(super) since_due: Duration,
    pub(super) since_sent: Duration,
    /// Whether it was due after the start that does not count.
    pub(super) is_due_inside: bool,
    /// Whether it was answered in the part that counts.
    pub(super) is_answered_inside: bool,
}

/// What an answer means for the messages of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Acked,
    TooMany,
    Unavailable,
    Wrong,
}

impl Tally {
    /// Counts an answer to a request of so many messages.
    pub(super) fn enter(&mut self, n_messages: u64, answer: &Answer<'_>, times: &Times) {
        let meaning = meaning(n_messages, answer);
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
        match meaning {
            Meaning::Acked => {
                self.n_acked += n_messages;
                if times.is_answered_inside {
                    self.n_acked_inside += n_messages;
                }
                if times.is_due_inside {
                    self.from_due.push(milliseconds(times.since_due));
                }
            }
            Meaning::TooMany => self.n_too_many += n_messages,
            Meaning::Unavailable => self.n_unavailable += n_messages,
            Meaning::Wrong => {
                self.n_wrong += 1;
                if self.wrong.len() < SHOWN_MAX {
                    self.wrong.push(format!("{} {}", answer.status, String::from_utf8_lossy(answer.body)));
                }
            }
        }
        self.until_answered.push(milliseconds(times.since_sent));
        if matches!(meaning, Meaning::TooMany | Meaning::Unavailable) {
            self.until_refused.push(milliseconds(times.since_sent));
        }
    }

    /// Adds what came to another connection.
    pub(super) fn add(&mut self, mut other: Tally) {
        self.n_acked += other.n_acked;
        self.n_acked_inside += other.n_acked_inside;
        self.n_too_many += other.n_too_many;
        self.n_unavailable += other.n_unavailable;
        self.n_unanswered += other.n_unanswered;
        self.n_wrong += other.n_wrong;
        self.wrong.append(&mut other.wrong);
        self.wrong.truncate(SHOWN_MAX);
        self.from_due.append(&mut other.from_due);
        self.until_refused.append(&mut other.until_refused);
        self.until_answered.append(&mut other.until_answered);
    }

    /// Acknowledged messages per second.
    pub(super) fn rate(&self) -> f64 {
        self.n_acked_inside as f64 / self.inside_seconds
    }

    /// Messages that may be there or not.
    pub(super) fn n_open(&self) -> u64 {
        self.n_unavailable + self.n_unanswered
    }
}

/// Reads an answer. A bare route acknowledges with an empty body, the program by saying that all of it is well.
fn meaning(n_messages: u64, answer: &Answer<'_>) -> Meaning {
    match answer.status {
        200 if answer.body.is_empty() || is_all_well(n_messages, answer.body) => Meaning::Acked,
        429 if answer.has_retry_after => Meaning::TooMany,
        503 if answer.has_retry_after => Meaning::Unavailable,
        _ => Meaning::Wrong,
    }
}

/// Whether every message was accepted as it is.
fn is_all_well(n_messages: u64, body: &[u8]) -> bool {
    if n_messages == 1 {
        body.starts_with(b"{\"success\":true,\"message_id\":\"m-") && !contains(body, b"outcome")
    } else {
        contains(body, format!("\"accepted\":{n_messages},").as_bytes())
    }
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

/// The value below which this share of the values lies.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values.get((last * share).round() as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{Meaning, meaning};
    use crate::wire::Answer;

    fn said(n_messages: u64, status: u16, body: &str) -> Meaning {
        meaning(n_messages, &Answer { status, has_retry_after: status != 503, body: body.as_bytes() })
    }

    #[test]
    fn tells_what_is_well_from_what_is_not() {
        assert_eq!(said(1, 200, r#"{"success":true,"message_id":"m-01"}"#), Meaning::Acked);
        assert_eq!(said(1, 200, r#"{"success":true,"message_id":"m-01","outcome":"quarantined"}"#), Meaning::Wrong);
        assert_eq!(said(100, 200, r#"{"success":true,"accepted":100,"flagged":0}"#), Meaning::Acked);
        assert_eq!(said(100, 200, r#"{"success":true,"accepted":99,"flagged":1}"#), Meaning::Wrong);
        assert_eq!(said(1, 429, "{}"), Meaning::TooMany);
        // It does not say when to try again.
        assert_eq!(said(1, 503, "{}"), Meaning::Wrong);
        assert_eq!(said(1, 500, ""), Meaning::Wrong);
    }
}
