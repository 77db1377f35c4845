//! What is sent: batches of messages, each of which follows from its number.
//!
//! Invariants: a message has the same id, person and content whenever it is sent; no two messages of a batch are of the
//! same person, so that a batch of two is a group that an answer may show.

use super::world::EVENT;

/// Messages of a batch, at most.
pub(super) const MESSAGES_MAX: u64 = 100;
/// Whose messages they are.
const N_PEOPLE: u64 = 300;
/// Numbers that follow each other belong to different people.
const PEOPLE_STRIDE: u64 = 7;
/// What batches of a single message are called: one person is no group that an answer may show.
pub(super) const SINGLES: &str = "singles";

/// Messages that are sent together, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// Its own number, from 0.
    pub(super) index: u64,
    /// The first message's number; the others follow it.
    pub(super) first: u64,
    /// How many messages there are.
    pub(super) n_messages: u64,
}

impl Batch {
    /// What its messages say they are of.
    pub(super) fn name(&self) -> String {
        if self.n_messages == 1 { SINGLES.to_owned() } else { format!("b{}", self.index) }
    }

    /// The numbers of its messages, added up.
    pub(super) fn sum(&self) -> u64 {
        self.numbers().sum()
    }

    /// The body of the request.
    pub(super) fn body(&self) -> String {
        let name = self.name();
        let message = |number: u64| {
            let person = number * PEOPLE_STRIDE % N_PEOPLE;
            format!(
                "{{\"type\":\"track\",\"event\":\"{EVENT}\",\"messageId\":\"m{number}\",\"userId\":\"person-{person}\",\
                 \"properties\":{{\"batch\":\"{name}\",\"number\":{number}}}}}"
            )
        };
        format!("{{\"batch\":[{}]}}", self.numbers().map(message).collect::<Vec<_>>().join(","))
    }

    fn numbers(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.n_messages
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, MESSAGES_MAX};
    use serde_json::Value as Json;
    use std::collections::BTreeSet;

    #[test]
    fn a_batch_is_of_as_many_people_as_messages() {
        let batch = Batch { index: 3, first: 250, n_messages: MESSAGES_MAX };
        let body: Json = serde_json::from_str(&batch.body()).expect("it is JSON");
        let messages = body["batch"].as_array().expect("it has messages");
        for member in ["userId", "messageId"] {
            let different: BTreeSet<&str> = messages.iter().filter_map(|message| message[member].as_str()).collect();
            assert_eq!(different.len() as u64, MESSAGES_MAX, "{member}");
        }
        let numbers = messages.iter().filter_map(|message| message["properties"]["number"].as_u64());
        assert_eq!(numbers.sum::<u64>(), batch.sum());
        assert_eq!(messages[0]["properties"]["batch"], "b3");
    }
}
