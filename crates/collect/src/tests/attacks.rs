//! Bad inputs, numbered as in the list of attacks: what comes of each, and that nothing grows without bound.

use super::world::World;
use api::{Call, MessageOutcome, Receipt, RefusalKind};
use lake::Arrival;

fn is_malformed(receipt: &Receipt) -> bool {
    matches!(receipt, Receipt::Refused(refusal) if refusal.kind == RefusalKind::Malformed)
}

#[test]
fn s5_deep_json_is_malformed_and_overflows_nothing() {
    let world = World::new();
    for depth in [31_usize, 128, 1_000, 15_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"a":"#, "}]")] {
            let half = if open.starts_with("[{") { depth.div_ceil(2) } else { depth };
            let inner = format!("{}1{}", open.repeat(half), close.repeat(half));
            let body = format!(r#"{{"anonymousId":"a","properties":{{"p":{inner}}}}}"#);
            if body.len() <= 32 * 1024 {
                assert!(is_malformed(&world.send(Call::Page, &body)), "{depth} {open}");
            }
            let batch = format!(r#"{{"batch":[{{"type":"page","anonymousId":"b"}},{body}]}}"#);
            if let Receipt::Read(receipts) = world.send(Call::Batch, &batch) {
                assert_eq!(receipts[0].outcome, MessageOutcome::Accepted);
                assert_eq!(receipts[1].outcome, MessageOutcome::Rejected, "{depth} {open}");
            }
        }
    }
    for deep in
        ["[".repeat(500_000), format!("{}{}", "[".repeat(250_000), "]".repeat(250_000)), r#"{"a":"#.repeat(90_000)]
    {
        assert!(matches!(world.send(Call::Page, &deep), Receipt::Refused(_)), "too large before it is read");
        assert!(is_malformed(&world.send(Call::Batch, &deep)));
        assert!(is_malformed(&world.send(Call::Batch, &format!(r#"{{"batch":{deep}}}"#))) || deep.ends_with(']'));
    }
    let sound = format!(r#"{{"anonymousId":"a","properties":{{"p":{}1{}}}}}"#, "[".repeat(30), "]".repeat(30));
    world.kept(Call::Page, &sound);
}

#[test]
fn s7_of_two_equal_keys_the_last_one_wins_and_odd_names_are_kept() {
    let world = World::new();
    let message = world.kept(
        Call::Page,
        r#"{"userId":"first","userId":"last","properties":{"name":"a","name":"b","__proto__":1,"constructor":2,"":3}}"#,
    );
    assert_eq!(message.user_id.as_deref(), Some("shop-last"));
    assert_eq!(message.extra, r#"{"undeclared":{"__proto__":1,"constructor":2,"":3}}"#);
    assert!(format!("{:?}", message.fields).contains(r#"("name", Text("b"))"#));
}

#[test]
fn s7_s10_undeclared_names_are_bounded_and_counted() {
    let world = World::new();
    let names: Vec<String> = (0..1_000).map(|at| format!(r#""p{at}":{at}"#)).collect();
    let message = world.kept(Call::Page, &format!(r#"{{"userId":"u","properties":{{{}}}}}"#, names.join(",")));
    let extra: serde_json::Value = serde_json::from_str(&message.extra).expect("it is JSON");
    assert_eq!(extra["undeclared"].as_object().map(serde_json::Map::len), Some(200));
    assert_eq!(extra["undeclared_dropped"], 800);
    let long =
        format!(r#"{{"userId":"u","properties":{{"{}":1,"p":"{}","q":1}}}}"#, "k".repeat(9_000), "v".repeat(9_000));
    let message = world.kept(Call::Page, &long);
    assert_eq!(message.extra, r#"{"undeclared":{"q":1},"undeclared_dropped":2}"#);
    let values: Vec<String> = (0..150).map(|at| format!(r#""p{at}":"{}""#, "v".repeat(150))).collect();
    let message = world.kept(Call::Page, &format!(r#"{{"userId":"u","properties":{{{}}}}}"#, values.join(",")));
    assert!(message.extra.len() <= 8 * 1024);
}

#[test]
fn s8_unicode_is_sound_or_malformed_and_ids_stay_as_sent() {
    let world = World::new();
    for bad in [
        r#"{"anonymousId":"\ud83d"}"#,
        r#"{"anonymousId":"a","properties":{"p":"\ude00 and \ud83d"}}"#,
        r#"{"anonymousId":"a","properties":{"\ud83dx":1}}"#,
        r#"{"anonymousId":"a","properties":{"p":"\ud83d\u0041"}}"#,
    ] {
        assert!(is_malformed(&world.send(Call::Page, bad)), "{bad}");
    }
    for bytes in [&b"{\"anonymousId\":\"\xc0\x80\"}"[..], b"\xff\xfe{}", b"{\"anonymousId\":\"\xed\xa0\x80\"}"] {
        let delivery = super::world::delivery(Call::Page, Some(super::world::PUBLIC), bytes);
        assert!(is_malformed(&world.deliver(delivery)));
    }
    let sound = world.kept(Call::Page, "\u{feff}{\"anonymousId\":\"\\ud83d\\ude00\"}");
    assert_eq!(sound.anonymous_id.as_deref(), Some("😀"), "a byte order mark is passed over");
    for id in [r"a\u0000b", r"a\nb", r"\u0085"] {
        let receipt = world.one(Call::Page, &format!(r#"{{"userId":"{id}"}}"#));
        assert_eq!(receipt.outcome, MessageOutcome::Rejected, "{id}");
        assert!(!format!("{receipt:?}").contains("a\\0b"));
    }
    // Composed, decomposed, with a space and with something invisible: four people.
    for id in ["é", "e\u{301}", " é", "é\u{200b}"] {
        let message = world.kept(Call::Page, &format!(r#"{{"userId":"{id}"}}"#));
        assert_eq!(message.user_id.as_deref(), Some(format!("shop-{id}").as_str()));
    }
    let marks = format!(r#"{{"userId":"u","properties":{{"name":"{}"}}}}"#, "\u{301}".repeat(10_000));
    assert_eq!(world.one(Call::Page, &marks).outcome, MessageOutcome::Quarantined);
}

#[test]
fn s9_many_different_names_take_linear_time() {
    let world = World::new();
    let names = |n: usize| (0..n).map(|at| format!(r#""{at:x}":1"#)).collect::<Vec<_>>().join(",");
    let body = format!(r#"{{"userId":"u","properties":{{{}}}}}"#, names(4_000));
    assert_eq!(world.one(Call::Page, &body).outcome, MessageOutcome::Accepted);
    let one = format!(r#"{{"userId":"u","{}":{{{}}}}}"#, "k".repeat(10_000), names(2_000));
    assert_eq!(world.one(Call::Page, &one).outcome, MessageOutcome::Accepted);
}

#[test]
fn s11_a_property_that_changes_its_type_loses_nothing() {
    let world = World::new();
    for value in ["1", r#""one""#, r#"{"a":1}"#, "[1]", "null"] {
        let message = world.kept(Call::Page, &format!(r#"{{"userId":"u","properties":{{"p":{value}}}}}"#));
        let name = if value.starts_with('{') { r#""p_a":1"#.to_owned() } else { format!(r#""p":{value}"#) };
        assert_eq!(message.extra, format!(r#"{{"undeclared":{{{name}}}}}"#));
    }
    let declared = r#"{"event":"order_completed","userId":"u","properties":{"revenue":{"a":1}}}"#;
    assert_eq!(world.one(Call::Track, declared).outcome, MessageOutcome::Quarantined);
    assert!(
        matches!(world.arrivals().pop(), Some(Arrival::Aside(aside)) if aside.raw.contains(r#""revenue":{"a":1}"#))
    );
}

#[test]
fn s13_one_bad_event_of_five_hundred_costs_itself_alone() {
    let world = World::new();
    let mut messages = vec![r#"{"type":"page","anonymousId":"a"}"#; 500];
    messages[250] = r#"{"type":"page","anonymousId":""}"#;
    let body = format!(r#"{{"batch":[{}]}}"#, messages.join(","));
    let Receipt::Read(receipts) = world.send(Call::Batch, &body) else { panic!("it is read") };
    let bad: Vec<usize> = (0..500).filter(|at| receipts[*at].outcome != MessageOutcome::Accepted).collect();
    assert_eq!(bad, [250]);
    assert_eq!(receipts[250].faults[0].reason, "neither `userId` nor `anonymousId` is there");
    let n_stored = world.arrivals().iter().filter(|arrival| matches!(arrival, Arrival::Message(_))).count();
    assert_eq!(n_stored, 499);
}

#[test]
fn s14_the_same_id_twice_reaches_the_log_twice() {
    let world = World::new();
    let message = r#"{"type":"page","anonymousId":"a","messageId":"m"}"#;
    let receipt = world.send(Call::Batch, &format!(r#"{{"batch":[{message},{message}]}}"#));
    assert!(matches!(receipt, Receipt::Read(receipts) if receipts.len() == 2));
    assert_eq!(world.arrivals().len(), 2, "landing drops one, since only it knows what was there before");
}

#[test]
fn s21_what_a_browser_says_about_somebody_is_claimed() {
    let world = World::new();
    assert!(world.kept(Call::Identify, r#"{"userId":"victim","traits":{"email":"me@example.org"}}"#).is_claimed);
}

#[test]
fn s22_people_are_not_merged_by_browsers() {
    let world = World::new();
    let receipt = world.one(Call::Alias, r#"{"userId":"victim","previousId":"mine"}"#);
    assert_eq!(receipt.outcome, MessageOutcome::Rejected);
    assert_eq!(receipt.faults[0].reason, "`alias`: a public key cannot merge people");
    assert_eq!(
        receipt.faults[0].hint,
        "send `identify` with an identity token, or `alias` from a server of yours, with a secret key"
    );
    assert!(world.arrivals().iter().all(|arrival| matches!(arrival, Arrival::Refused(_))));
}

#[test]
fn what_clients_write_misleads_no_reader_of_faults() {
    let world = World::new();
    let name = format!("x\\u001b[31m\\u202e{}", "y".repeat(100));
    let receipt = world.one(Call::Track, &format!(r#"{{"event":"{name}","userId":"secret-value"}}"#));
    let told = format!("{:?}", receipt.faults);
    assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}') && !told.contains("secret-value"), "{told}");
    assert!(told.len() < 500, "{told}");
}

#[test]
fn what_is_no_message_is_malformed() {
    let world = World::new();
    for body in ["", "null", "7", "[]", "{", "{}x", r#"{"a":1,}"#, r#"{"a":NaN}"#, r#"{"a":01}"#, "{\"a\":\"\n\"}"] {
        assert!(is_malformed(&world.send(Call::Page, body)), "{body}");
        assert!(is_malformed(&world.send(Call::Batch, body)), "{body}");
    }
    let receipt = world.one(Call::Page, r#"{"userId":"u","properties":[1]}"#);
    assert_eq!(receipt.faults[0].reason, "`properties`: expected an object");
    assert_eq!(world.one(Call::Track, r#"{"userId":"u","event":7}"#).outcome, MessageOutcome::Rejected);
}
