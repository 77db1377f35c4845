//! What the door does with each fault.

use super::world::{NOW, World, source};
use api::{Call, MessageOutcome};
use lake::{Arrival, Aside, Datum};
use spec::{Door, OnFault};

fn world(on_fault: OnFault) -> World {
    World::with(source(Door { unknown_event: on_fault, bad_value: on_fault, bad_time: on_fault, keeps_ip: false }))
}

fn aside(world: &World) -> Aside<'static> {
    match world.arrivals().pop() {
        Some(Arrival::Aside(aside)) => aside,
        other => panic!("something aside was expected: {other:?}"),
    }
}

const BAD_VALUES: &str = r#"{"event":"order_completed","messageId":"m","userId":"u",
    "properties":{"items":"7","weight":true,"order_id":"123456789012345678901","due":"2026-1-1","email":5}}"#;

#[test]
fn all_faults_are_told_with_the_contract_and_the_field() {
    let world = world(OnFault::Reject);
    let receipt = world.one(Call::Track, BAD_VALUES);
    assert_eq!((receipt.outcome, receipt.message_id.as_deref()), (MessageOutcome::Rejected, Some("m")));
    let reasons: Vec<&str> = receipt.faults.iter().map(|fault| fault.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "`order_id`: expected at most 20 characters",
            "`revenue`: missing, and the contract requires it",
            "`items`: expected a whole number",
            "`weight`: expected a number",
            "`due`: expected a day, as 2017-01-31",
            "`email`: expected text",
        ]
    );
    assert!(receipt.faults.iter().all(|fault| fault.contract.as_deref() == Some("shop 1.2.0")));
    assert_eq!(receipt.faults[2].field.as_deref(), Some("items"));
    assert!(matches!(world.arrivals().as_slice(), [Arrival::Refused(refused)] if refused.n_messages == 1));
}

#[test]
fn quarantine_keeps_the_message_with_its_first_reason() {
    let world = world(OnFault::Quarantine);
    assert_eq!(world.one(Call::Track, BAD_VALUES).outcome, MessageOutcome::Quarantined);
    let aside = aside(&world);
    assert_eq!(aside.reason, "`order_id`: expected at most 20 characters");
    assert_eq!((aside.object.as_ref(), aside.field.as_deref()), ("order_completed", Some("order_id")));
    assert_eq!((aside.message_id.as_ref(), aside.received_micros), ("m", NOW));
    assert!(aside.raw.contains(r#""items":"7""#), "{}", aside.raw);
    assert!(!aside.raw.contains("192.0.2.7"), "the address is not kept");
}

#[test]
fn a_flag_takes_the_rest_and_keeps_the_reason() {
    let world = world(OnFault::Flag);
    assert_eq!(world.one(Call::Track, BAD_VALUES).outcome, MessageOutcome::Flagged);
    let message = world.last_message();
    assert!(message.fields.iter().all(|(name, _)| name == "user_agent"), "{:?}", message.fields);
    let extra: serde_json::Value = serde_json::from_str(&message.extra).expect("it is JSON");
    assert_eq!(extra["undeclared"]["items"], "7");
    assert_eq!(extra["undeclared"].get("email"), None, "a direct identifier goes to the vault or nowhere");
    assert_eq!(extra["flagged"].as_array().map(Vec::len), Some(6));
    assert_eq!(extra["flagged"][1]["field"], "revenue");
}

#[test]
fn an_unknown_event_cannot_be_flagged_into_a_table() {
    for (on_fault, outcome) in [
        (OnFault::Reject, MessageOutcome::Rejected),
        (OnFault::Quarantine, MessageOutcome::Quarantined),
        (OnFault::Flag, MessageOutcome::Quarantined),
    ] {
        let world = world(on_fault);
        let receipt = world.one(Call::Track, r#"{"event":"Ordr Completed","userId":"u"}"#);
        assert_eq!(receipt.outcome, outcome);
        assert_eq!(receipt.faults[0].reason, "the contract does not declare the event");
        assert!(receipt.faults[0].hint.contains("did you mean `order_completed`?"), "{}", receipt.faults[0].hint);
    }
}

#[test]
fn s12_times_that_cannot_be_follow_the_door() {
    let times = [
        r#""0000-01-01T00:00:00Z""#,
        r#""9999-12-31T23:59:59Z""#,
        r#""+275760-09-13T00:00:00Z""#,
        r#""1999-12-31T23:59:59Z""#,
        r#""2026-11-23T12:00:01Z""#,
        r#""Sun, 22 Nov 2026 12:00:00 (a (comment)) GMT""#,
        "-1",
        "1795348800",
        "8640000000000000000000",
        "1e12",
        "{}",
    ];
    for time in times {
        let body =
            format!(r#"{{"event":"order_completed","userId":"u","timestamp":{time},"properties":{{"revenue":1}}}}"#);
        assert_eq!(world(OnFault::Reject).one(Call::Track, &body).outcome, MessageOutcome::Rejected, "{time}");
        let flagging = world(OnFault::Flag);
        assert_eq!(flagging.one(Call::Track, &body).outcome, MessageOutcome::Flagged, "{time}");
        assert_eq!(flagging.last_message().at_micros, NOW, "{time}");
    }
    let world = World::new();
    for time in [r#""2026-11-22T11:59:60Z""#, r#""2026-11-22 11:59:59""#, "1795348799000", "null"] {
        let body =
            format!(r#"{{"event":"order_completed","userId":"u","timestamp":{time},"properties":{{"revenue":1}}}}"#);
        assert!((0..=1_000_000).contains(&(NOW - world.kept(Call::Track, &body).at_micros)), "{time}");
    }
}

#[test]
fn s6_numbers_are_kept_exactly_or_refused() {
    let kept = |field: &str, digits: &str| -> Option<Datum<'static>> {
        let world = world(OnFault::Reject);
        let (revenue, comma) = if field == "revenue" { ("", "") } else { (r#""revenue":1"#, ",") };
        let body = format!(
            r#"{{"event":"order_completed","userId":"u","properties":{{{revenue}{comma}"{field}":{digits}}}}}"#
        );
        if world.one(Call::Track, &body).outcome == MessageOutcome::Rejected {
            return None;
        }
        let fields = world.last_message().fields;
        fields.into_iter().find(|(name, _)| name == field).map(|(_, datum)| datum)
    };
    let long = "9".repeat(400);
    assert_eq!(kept("items", "9007199254740993"), Some(Datum::Integer(9_007_199_254_740_993)));
    assert_eq!(kept("items", "-9223372036854775808"), Some(Datum::Integer(i64::MIN)));
    for digits in ["9223372036854775808", "1.0", "1e3", "1e400", long.as_str()] {
        assert_eq!(kept("items", digits), None, "{digits}");
    }
    assert_eq!(kept("weight", "1e308"), Some(Datum::Number(1e308)));
    assert_eq!(kept("weight", "9007199254740992"), Some(Datum::Number(9_007_199_254_740_992.0)));
    assert!(matches!(kept("weight", "-0"), Some(Datum::Number(zero)) if zero == 0.0));
    for digits in ["1e400", "1e-400", "9007199254740993", long.as_str(), r#""1""#] {
        assert_eq!(kept("weight", digits), None, "{digits}");
    }
    assert_eq!(kept("revenue", "0.10"), Some(Datum::Decimal(10, 2)));
    assert_eq!(kept("revenue", "90071992547409.93"), Some(Datum::Decimal(9_007_199_254_740_993, 2)));
    assert_eq!(kept("revenue", "1.5e1"), Some(Datum::Decimal(1_500, 2)));
    for digits in ["0.001", "1e400", "1e-400", "1.00000000000000000000000000000000001e0", long.as_str()] {
        assert_eq!(kept("revenue", digits), None, "{digits}");
    }
}

#[test]
fn surroundings_that_do_not_fit_are_left_out_and_told() {
    let world = world(OnFault::Reject);
    let body = format!(
        r#"{{"event":"order_completed","userId":"u","properties":{{"revenue":1}},"context":{{"page":{{"path":"/{}"}}}}}}"#,
        "x".repeat(300)
    );
    assert_eq!(world.one(Call::Track, &body).outcome, MessageOutcome::Flagged);
    assert!(world.last_message().extra.contains("`page_path`: expected at most 200 characters"));
}
