//! The requests: prepared once, so that sending one more is writing digits of fixed width into bytes that are there.
//!
//! Invariant: two messages with different numbers have different ids.

use super::workspace::{EVENT, KEY};

/// One message, as text.
const MESSAGE_BYTES: usize = 768;
/// Whose events they are.
const N_PEOPLE: u64 = 20_000;
/// Numbers that follow each other belong to people who are far apart.
const PEOPLE_STRIDE: u64 = 7_919;
const ID_DIGITS: usize = 12;
const PERSON_DIGITS: usize = 6;
const MICROS_DIGITS: usize = 6;

/// A request with room for the numbers of its messages.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) bytes: Vec<u8>,
    slots: Vec<Slot>,
}

/// Where the digits of a message stand in the bytes.
#[derive(Clone, Copy)]
struct Slot {
    id: usize,
    person: usize,
    micros: usize,
}

impl Prepared {
    /// A request with one message for `/v1/track`, or with more for `/v1/batch`.
    ///
    /// `second` is the time of all of them without its fraction: `2026-11-22T12:00:00`.
    pub(super) fn new(n_messages: usize, stage: &str, second: &str) -> Prepared {
        let message = message(stage, second);
        let (path, body) = if n_messages == 1 {
            ("/v1/track", message)
        } else {
            ("/v1/batch", format!("{{\"batch\":[{}]}}", vec![message; n_messages].join(",")))
        };
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let behind = |label: &str| text.match_indices(label).map(|(at, found)| at + found.len()).collect::<Vec<_>>();
        let (ids, people, times) = (behind("\"messageId\":\"m-"), behind("\"userId\":\"person-"), behind(second));
        assert!([ids.len(), people.len(), times.len()] == [n_messages; 3], "each message has its digits once");
        let slots = ids.iter().zip(people).zip(times).map(|((id, person), time)| Slot {
            id: *id,
            person,
            // Behind the point.
            micros: time + 1,
        });
        Prepared { slots: slots.collect(), bytes: text.into_bytes() }
    }

    /// How many numbers it uses up.
    pub(super) fn n_messages(&self) -> u64 {
        self.slots.len() as u64
    }

    /// Numbers the messages from `first` on.
    pub(super) fn stamp(&mut self, first: u64) {
        for (number, slot) in (first..).zip(&self.slots) {
            write_digits(&mut self.bytes[slot.id..slot.id + ID_DIGITS], number);
            write_digits(&mut self.bytes[slot.person..slot.person + PERSON_DIGITS], number * PEOPLE_STRIDE % N_PEOPLE);
            write_digits(&mut self.bytes[slot.micros..slot.micros + MICROS_DIGITS], number % 1_000_000);
        }
    }
}

/// A message with ten properties, the last of which fills it up.
fn message(stage: &str, second: &str) -> String {
    let (head, tail) = (
        format!(
            "{{\"type\":\"track\",\"event\":\"{EVENT}\",\"messageId\":\"m-{:0ID_DIGITS$}\",\
             \"userId\":\"person-{:0PERSON_DIGITS$}\",\"timestamp\":\"{second}.{:0MICROS_DIGITS$}Z\",\
             \"context\":{{\"library\":{{\"name\":\"bench\",\"version\":\"1\"}},\"locale\":\"en-GB\"}},\
             \"properties\":{{\"stage\":\"{stage}\",\"product_id\":1234567,\"category\":\"Garden furniture\",\
             \"price\":149.90,\"quantity\":2,\"currency\":\"EUR\",\"is_member\":true,\"rating\":4.25,\
             \"page_path\":\"/garden/furniture/chairs/1234567\",\"note\":\"",
            0, 0, 0
        ),
        "\"}}",
    );
    let fill = "seen between two others, ".chars().cycle().take(MESSAGE_BYTES - head.len() - tail.len());
    format!("{head}{}{tail}", fill.collect::<String>())
}

/// Writes a number with leading zeros; digits that do not fit fall away.
fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit is small");
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::{MESSAGE_BYTES, Prepared};
    use serde_json::Value as Json;

    fn body(prepared: &Prepared) -> Json {
        let text = std::str::from_utf8(&prepared.bytes).expect("it is text");
        let (_, body) = text.split_once("\r\n\r\n").expect("it has a head");
        serde_json::from_str(body).expect("it is JSON")
    }

    #[test]
    fn numbers_the_messages_of_a_batch() {
        let mut prepared = Prepared::new(3, "some", "2026-11-22T12:00:00");
        prepared.stamp(999_998);
        let batch = body(&prepared)["batch"].clone();
        let ids: Vec<&str> = (0..3).filter_map(|at| batch[at]["messageId"].as_str()).collect();
        assert_eq!(ids, ["m-000000999998", "m-000000999999", "m-000001000000"]);
        assert_eq!(batch[1]["timestamp"], "2026-11-22T12:00:00.999999Z");
        assert_ne!(batch[0]["userId"], batch[1]["userId"]);
    }

    #[test]
    fn is_as_long_as_it_says_and_has_ten_properties() {
        let prepared = Prepared::new(1, "some", "2026-11-22T12:00:00");
        let text = String::from_utf8(prepared.bytes.clone()).expect("it is text");
        let (head, message) = text.split_once("\r\n\r\n").expect("it has a head");
        assert_eq!(message.len(), MESSAGE_BYTES);
        assert!(head.ends_with(&format!("content-length: {MESSAGE_BYTES}")));
        assert_eq!(body(&prepared)["properties"].as_object().map(|properties| properties.len()), Some(10));
    }
}
