//! What holds for all inputs: an answer for everything, sums that add up, records that read as they were written.

use super::world::{PUBLIC, SECRET, World, delivery, source, text};
use api::{Call, Collector, Receipt};
use lake::Arrival;
use proptest::prelude::*;
use spec::{Door, OnFault};

const CALLS: [Call; 7] = [Call::Track, Call::Identify, Call::Page, Call::Screen, Call::Group, Call::Alias, Call::Batch];

/// Members of messages: good, bad and odd ones.
#[rustfmt::skip]
const MEMBERS: &[&str] = &[
    r#""type":"track""#, r#""type":"identify""#, r#""type":"page""#, r#""type":7"#, r#""event":"order_completed""#,
    r#""event":"Order Completed""#, r#""event":"?""#, r#""event":null"#, r#""userId":"u""#, r#""userId":7"#, r#""userId":"""#,
    r#""userId":"a\u0000""#, r#""anonymousId":"\ud83d\ude00""#, r#""anonymousId":"\ud83d""#, r#""messageId":"m""#,
    r#""messageId":"""#, r#""messageId":1.5"#, r#""messageId":null"#, r#""timestamp":"2026-11-22T12:00:00Z""#,
    r#""timestamp":1"#, r#""timestamp":null"#, r#""originalTimestamp":1795348700000"#, r#""sentAt":"2026-11-22T11:59:00Z""#,
    r#""sentAt":"x""#, r#""sentAt":null"#, r#""writeKey":"w""#, r#""entente":{"claimed":false}"#, r#""entente":1"#,
    r#""properties":{"revenue":1.5}"#, r#""properties":{"revenue":"1","items":1e400,"new":{"a":[1]}}"#, r#""properties":7"#,
    r#""properties":{"revenue":2,"order_id":"123456789012345678901234567890"}"#, r#""traits":{"plan":5,"email":"e"}"#,
    r#""context":{"page":{"url":"a://b?gclid=%&utm_source=%41"},"ip":5}"#, r#""context":[]"#,
    r#""context":{"page":{"url":"a://.:?","referrer":"x://@É.é..:/"},"campaign":{"name":"Éshop","medium":"éCP"},"ip":"::"}"#,
    r#""context":{"page":{"url":"https://a.b/","referrer":"https://[::1]:9"},"userAgent":"\ud83d\ude00","ip":"1.2.3"}"#, r#""":"\u0000""#,
    r#""context":{"identityToken":"e30.e30.e30"}"#, r#""context":{"identityToken":7,"locale":"de"}"#,
    r#""context":{"identityToken":"eyJhbGciOiJFZERTQSJ9.e30.e30"}"#,
];
/// What breaks JSON in all sorts of ways.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "null", "1e400", "-", "\u{0}", "\u{feff}", "é",
    r#""batch":["#, r#"{"batch":"#, r#"{"userId":"u""#, r#""properties":{"#,
];

fn message() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(MEMBERS), 0..12).prop_map(|members| format!("{{{}}}", members.join(",")))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat());
    let batch = (prop::collection::vec(message(), 0..6), any::<bool>()).prop_map(|(messages, is_sent)| {
        let sent_at = if is_sent { r#""sentAt":"2026-11-22T11:58:00Z","# } else { "" };
        format!(r#"{{{sent_at}"batch":[{}]}}"#, messages.join(","))
    });
    let text = prop_oneof![1 => pieces, 3 => message(), 4 => batch].prop_map(String::into_bytes);
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..200), 6 => text]
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
        let mut source = source(door);
        // Not the user agent's: its rules take long to make, and are read to their bounds by tests of their own.
        source.contract.objects[0].fields.extend(["channel", "referrer_source", "country", "region"].map(text));
        source.keys[0].signers = vec![[9; 32]];
        let world = World::with(source);
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
