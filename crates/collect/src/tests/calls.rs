//! Each call on its happy path, and what fills the fields.

use super::world::{NOW, SECRET, World, delivery, source};
use api::{Call, MessageOutcome, Receipt};
use lake::{Arrival, Datum, MessageKind};
use spec::Door;
use std::borrow::Cow;

fn datum<'m>(message: &'m lake::Message<'static>, name: &str) -> Option<&'m Datum<'static>> {
    message.fields.iter().find(|(field, _)| field == name).map(|(_, datum)| datum)
}

fn text(message: &lake::Message<'static>, name: &str) -> Option<String> {
    match datum(message, name) {
        Some(Datum::Text(text)) => Some(text.clone().into_owned()),
        _ => None,
    }
}

#[test]
fn track_fills_every_type() {
    let world = World::new();
    let message = world.kept(
        Call::Track,
        r#"{"event":"Order Completed","messageId":"m1","userId":"7","anonymousId":"a1",
            "timestamp":"2026-11-22T11:00:00Z",
            "properties":{"order_id":"o-1","revenue":12.50,"items":3,"weight":1.5e3,"is_gift":true,"due":"2026-12-01",
            "paid_at":1795348800123,"email":"ann@example.org","address":{"city":"Bern"},"user_id":"x"}}"#,
    );
    assert_eq!(message.object, "order_completed");
    assert_eq!(message.kind, MessageKind::Event);
    assert_eq!((message.origin.source.as_ref(), message.origin.key.as_ref()), ("shop", "web"));
    assert_eq!(message.message_id, "m1");
    assert_eq!(message.user_id.as_deref(), Some("shop-7"));
    assert_eq!(message.anonymous_id.as_deref(), Some("a1"));
    assert_eq!((message.received_micros, message.at_micros), (NOW, NOW - 3_600_000_000));
    assert!(message.is_claimed);
    assert_eq!(datum(&message, "revenue"), Some(&Datum::Decimal(1250, 2)));
    assert_eq!(datum(&message, "items"), Some(&Datum::Integer(3)));
    assert_eq!(datum(&message, "weight"), Some(&Datum::Number(1500.0)));
    assert_eq!(datum(&message, "is_gift"), Some(&Datum::Boolean(true)));
    assert_eq!(datum(&message, "due"), Some(&Datum::Date(20_788)));
    assert_eq!(datum(&message, "paid_at"), Some(&Datum::Timestamp(NOW + 123_000)));
    assert_eq!(text(&message, "address_city").as_deref(), Some("Bern"));
    assert_eq!(text(&message, "email"), None, "a direct identifier is not among the fields");
    assert_eq!(message.direct, [(Cow::Borrowed("email"), Cow::Borrowed("ann@example.org"))]);
    assert_eq!(message.extra, "");
}

#[test]
fn page_screen_and_group_are_events_of_these_names() {
    let world = World::new();
    let page = world.kept(
        Call::Page,
        r#"{"anonymousId":"a","name":"Home","properties":{"url":"https://x.example/?utm_source=news+letter%21&b=1"}}"#,
    );
    assert_eq!(page.object, "page");
    assert_eq!(text(&page, "name").as_deref(), Some("Home"));
    assert_eq!(text(&page, "utm_source").as_deref(), Some("news letter!"));
    let screen = world.kept(Call::Screen, r#"{"anonymousId":"a","name":"Cart"}"#);
    assert_eq!((screen.object.as_ref(), text(&screen, "name").as_deref()), ("screen", Some("Cart")));
    let group = world.kept(Call::Group, r#"{"userId":"u","groupId":12,"traits":{"industry":"Tea"}}"#);
    assert_eq!(text(&group, "group_id").as_deref(), Some("12"));
    assert_eq!(text(&group, "industry").as_deref(), Some("Tea"));
}

#[test]
fn identify_fills_the_only_traits() {
    let world = World::new();
    let message = world.kept(
        Call::Identify,
        r#"{"userId":42,"traits":{"plan":"pro","email":"ann@example.org","address":{"city":"Bern"}}}"#,
    );
    assert_eq!((message.object.as_ref(), message.kind), ("customer", MessageKind::Traits));
    assert_eq!(message.user_id.as_deref(), Some("shop-42"), "a number is its text");
    assert_eq!(message.direct.len(), 1);
    assert_eq!(message.at_micros, NOW, "without a time it is the time of receipt");
}

#[test]
fn surroundings_fill_what_was_not_sent() {
    let world = World::new();
    let body = r#"{"event":"order_completed","userId":"u","properties":{"revenue":1,"utm_campaign":"own"},
        "context":{"campaign":{"source":"mail","name":"spring"},"library":{"name":"analytics.js"},
        "page":{"url":"https://x.example/cart?gclid=G1#top","path":"/cart","referrer":"https://WWW.Search.example:8443/?q=1"}}}"#;
    let message = world.kept(Call::Track, body);
    let found = |name: &str| text(&message, name);
    assert_eq!(found("utm_source").as_deref(), Some("mail"));
    assert_eq!(found("utm_campaign").as_deref(), Some("own"), "what was sent counts more");
    assert_eq!(found("gclid").as_deref(), Some("G1"));
    assert_eq!(found("page_path").as_deref(), Some("/cart"));
    assert_eq!(found("referrer_domain").as_deref(), Some("search.example"));
    assert_eq!(found("user_agent").as_deref(), Some("Browser/1"));
    assert_eq!(found("library").as_deref(), Some("analytics.js"));
    assert_eq!(found("ip"), None, "addresses are kept only where the contract says so");
}

#[test]
fn the_address_is_kept_where_the_contract_says_so() {
    let world = World::with(source(Door { keeps_ip: true, ..Door::default() }));
    let message = world.kept(Call::Track, r#"{"event":"order_completed","userId":"u","properties":{"revenue":1}}"#);
    assert_eq!(text(&message, "ip").as_deref(), Some("192.0.2.7"));
}

#[test]
fn a_wrong_clock_is_corrected_by_its_own_wait() {
    let world = World::new();
    // The sender's clock is a year behind; it waited for ten seconds.
    let message = world.kept(
        Call::Page,
        r#"{"anonymousId":"a","originalTimestamp":"2025-11-22T12:00:00Z","sentAt":"2025-11-22T12:00:10Z"}"#,
    );
    assert_eq!(message.at_micros, NOW - 10_000_000);
    let batch = r#"{"sentAt":"2025-11-22T12:00:10Z","batch":[{"type":"page","anonymousId":"a","timestamp":"2025-11-22T12:00:00Z"}]}"#;
    world.kept(Call::Batch, batch);
    assert_eq!(world.last_message().at_micros, NOW - 10_000_000, "the batch says when it was sent");
}

#[test]
fn a_batch_holds_calls_of_every_type() {
    let world = World::new();
    let body = r#"{"batch":[{"type":"page","anonymousId":"a"},{"type":"nothing","anonymousId":"a"},
        {"type":"identify","userId":"u"}]}"#;
    let api::Receipt::Read(receipts) = world.send(Call::Batch, body) else { panic!("it is read") };
    let outcomes: Vec<MessageOutcome> = receipts.iter().map(|receipt| receipt.outcome).collect();
    assert_eq!(outcomes, [MessageOutcome::Accepted, MessageOutcome::Rejected, MessageOutcome::Accepted]);
    let arrivals = world.arrivals();
    assert_eq!(arrivals.len(), 3);
    match &arrivals[2] {
        Arrival::Refused(refused) => assert_eq!((refused.n_messages, refused.received_micros), (1, NOW)),
        other => panic!("a count was expected: {other:?}"),
    }
}

#[test]
fn an_empty_batch_is_read() {
    let world = World::new();
    assert_eq!(world.send(Call::Batch, r#"{"batch":[]}"#), api::Receipt::Read(Vec::new()));
    assert!(world.arrivals().is_empty());
}

#[test]
fn a_message_without_an_id_is_recognised_when_it_is_sent_again() {
    let world = World::new();
    let first = world.kept(Call::Page, r#"{"anonymousId":"a","name":"Home","sentAt":"2026-11-22T12:00:00Z"}"#);
    let again = world.kept(Call::Page, r#"{"anonymousId":"a","name":"Home","sentAt":"2026-11-22T12:00:05Z"}"#);
    let other = world.kept(Call::Page, r#"{"anonymousId":"a","name":"Cart","sentAt":"2026-11-22T12:00:00Z"}"#);
    assert_eq!(first.message_id, again.message_id);
    assert_ne!(first.message_id, other.message_id);
}

#[test]
fn alias_names_two_ids_and_needs_a_secret_key() {
    let world = World::new();
    let send = |body: &str| match world.deliver(delivery(Call::Alias, Some(SECRET), body.as_bytes())) {
        Receipt::Read(mut receipts) => receipts.remove(0),
        Receipt::Refused(refusal) => panic!("{refusal:?}"),
    };
    let receipt = send(r#"{"messageId":"m","userId":"7","previousId":"cookie"}"#);
    assert_eq!((receipt.outcome, receipt.message_id.as_deref()), (MessageOutcome::Accepted, Some("m")));
    let Some(Arrival::Alias(alias)) = world.arrivals().pop() else { panic!("an alias was expected") };
    assert_eq!((alias.user_id.as_ref(), alias.previous_id.as_ref()), ("shop-7", "cookie"));
    assert_eq!(send(r#"{"userId":"7"}"#).faults[0].reason, "`alias`: `previousId` is missing");
    assert_eq!(send(r#"{"anonymousId":"7","previousId":"c"}"#).faults[0].reason, "`alias`: `userId` is missing");
    assert_eq!(send(r#"{"userId":"7","previousId":["c"]}"#).outcome, MessageOutcome::Rejected);
}
