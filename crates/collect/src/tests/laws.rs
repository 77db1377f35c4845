//! What holds for all inputs: an answer for everything, sums that add up, records that read as they were written.

use super::world::{PUBLIC, SECRET, World, delivery, source};
use api::{Call, Collector, Receipt};
use lake::Arrival;
use proptest::prelude::*;
use spec::{Door, OnFault};

const CALLS: [Call; 7] = [Call::Track, Call::Identify, Call::Page, Call::Screen, Call::Group, Call::Alias, Call::Batch];

/// Pieces that bodies are put together from; most of what comes out is nearly a message.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "null",
    "true",
    "1e400",
    "-0",
    "12.50",
    "\u{0}",
    "\u{feff}",
    "é",
    "\"batch\":[",
    "\"type\":\"track\"",
    "\"event\":\"order_completed\"",
    "\"userId\":\"u\"",
    "\"userId\":7",
    "\"properties\":{",
    "\"revenue\":1.5",
    "\"items\":\"7\"",
    "\"context\":{\"page\":{\"url\":\"a://b?c=%\"}}",
    "\"timestamp\":\"2026-11-22T12:00:00Z\"",
    "\"timestamp\":1",
    "\"sentAt\":\"x\"",
    "\"writeKey\":\"w\"",
    "{\"type\":\"track\",\"event\":\"order_completed\",\"userId\":\"u\",\"properties\":{\"revenue\":2}}",
    "{\"type\":\"identify\",\"userId\":\"u\",\"traits\":{\"plan\":5,\"email\":\"e\"}}",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces =
        prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat().into_bytes());
    let batch = prop::collection::vec(prop::sample::select(&PIECES[32..]), 0..6)
        .prop_map(|messages| format!("{{\"batch\":[{}]}}", messages.join(",")).into_bytes());
    prop_oneof![prop::collection::vec(any::<u8>(), 0..200), pieces, batch]
}

fn door() -> impl Strategy<Value = Door> {
    let on_fault = || prop::sample::select(vec![OnFault::Reject, OnFault::Quarantine, OnFault::Flag]);
    (on_fault(), on_fault(), on_fault(), any::<bool>()).prop_map(|(unknown_event, bad_value, bad_time, keeps_ip)| {
        Door { unknown_event, bad_value, bad_time, keeps_ip }
    })
}

proptest! {
    #[test]
    fn any_bytes_are_answered_once_and_the_sums_add_up(
        bodies in prop::collection::vec((body(), 0..7_usize, 0..4_usize), 1..6),
        door in door(),
    ) {
        let world = World::with(source(door));
        let mut n_kept = 0;
        for (body, call, key) in bodies {
            let key = [None, Some(PUBLIC), Some(SECRET), Some("nobody")][key];
            // `deliver` asserts that the receipt comes, and only once.
            if let Receipt::Read(receipts) = world.deliver(delivery(CALLS[call], key, &body)) {
                n_kept += receipts.iter().filter(|receipt| receipt.outcome.name() != "rejected").count();
            }
        }
        let arrivals = world.arrivals();
        let n_logged = arrivals.iter().filter(|arrival| !matches!(arrival, Arrival::Refused(_))).count();
        prop_assert_eq!(n_kept, n_logged);
        for key in world.intake.pulse().keys {
            let n_rejected: u64 = key.rejected.iter().map(|(_, n)| n).sum();
            prop_assert_eq!(key.received, key.accepted + key.quarantined + n_rejected);
        }
        for arrival in arrivals {
            let bytes = arrival.to_bytes();
            prop_assert_eq!(Arrival::read(&bytes).expect("it is a record"), arrival.clone());
            if let Arrival::Message(message) = &arrival && !message.extra.is_empty() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&message.extra).is_ok(), "{}", message.extra);
            }
            if let Arrival::Aside(aside) = &arrival {
                let again = world.intake.check_again("shop", &aside.origin.key, &aside.raw).expect("it is ours");
                prop_assert_eq!(again.receipt.outcome.name(), "quarantined");
                prop_assert_eq!(again.receipt.message_id.as_deref(), Some(aside.message_id.as_ref()));
                let record = again.record.expect("it is quarantined");
                prop_assert_eq!(Arrival::read(&record).expect("it is a record"), arrival);
            }
        }
    }
}
