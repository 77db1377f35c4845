//! Where keys may stand, what they may send, and what is counted.

use super::world::{NOW, PUBLIC, SECRET, World, delivery, key, object, source, text};
use api::{Call, Collector, Delivery, MessageOutcome, Receipt, Refusal, RefusalKind};
use lake::{Arrival, Origin};
use spec::{Door, Key, KeyKind, Object, ObjectKind, OnFault, Source};

const PAGE: &str = r#"{"anonymousId":"a"}"#;

fn refusal(receipt: Receipt) -> Refusal {
    match receipt {
        Receipt::Refused(refusal) => refusal,
        other => panic!("a refusal was expected: {other:?}"),
    }
}

fn limited(per_second: u32, per_day: u64) -> World {
    let mut source = source(Door::default());
    source.keys = vec![Key {
        events_per_second_max: per_second,
        events_per_day_max: per_day,
        ..key("web", KeyKind::Public, PUBLIC)
    }];
    World::with(source)
}

fn batch(n: usize) -> String {
    format!(r#"{{"batch":[{}]}}"#, vec![r#"{"type":"page","anonymousId":"a"}"#; n].join(","))
}

#[test]
fn keys_stand_in_the_header_or_in_the_body() {
    let world = World::new();
    let in_message = format!(r#"{{"anonymousId":"a","writeKey":"{PUBLIC}"}}"#);
    let in_batch = format!(r#"{{"writeKey":"{PUBLIC}","batch":[{{"type":"page","anonymousId":"a"}}]}}"#);
    let in_first = format!(r#"{{"batch":[{{"type":"page","anonymousId":"a","writeKey":"{PUBLIC}"}}]}}"#);
    for (call, key, body) in [
        (Call::Page, Some(PUBLIC), PAGE),
        (Call::Page, Some(SECRET), PAGE),
        (Call::Page, None, &in_message),
        (Call::Batch, None, &in_batch),
        (Call::Batch, None, &in_first),
    ] {
        let receipt = world.deliver(delivery(call, key, body.as_bytes()));
        assert!(matches!(receipt, Receipt::Read(_)), "{body}: {receipt:?}");
        assert_eq!(world.last_message().is_claimed, key != Some(SECRET), "S21: a public key vouches for nobody");
    }
}

#[test]
fn without_a_known_key_nothing_is_taken() {
    let world = World::new();
    for (key, body) in [(None, PAGE), (Some("nobody"), PAGE), (Some(""), PAGE), (None, r#"{"writeKey":7}"#)] {
        assert_eq!(refusal(world.deliver(delivery(Call::Page, key, body.as_bytes()))).kind, RefusalKind::Key);
    }
    assert!(world.arrivals().is_empty());
}

#[test]
fn s20_a_secret_key_in_a_url_or_a_body_is_refused_and_counted() {
    let world = World::new();
    let public = Delivery { is_key_in_url: true, ..delivery(Call::Page, Some(PUBLIC), PAGE.as_bytes()) };
    assert!(matches!(world.deliver(public), Receipt::Read(_)), "a public key may stand in a URL");
    let in_url = Delivery { is_key_in_url: true, ..delivery(Call::Page, Some(SECRET), PAGE.as_bytes()) };
    let body = format!(r#"{{"anonymousId":"a","writeKey":"{SECRET}"}}"#);
    let in_batch = format!(r#"{{"batch":[{{"type":"page"}},{{"writeKey":"{SECRET}"}}]}}"#);
    for refused in [
        in_url,
        delivery(Call::Page, None, body.as_bytes()),
        delivery(Call::Page, Some(PUBLIC), body.as_bytes()),
        delivery(Call::Batch, Some(PUBLIC), in_batch.as_bytes()),
    ] {
        let refusal = refusal(world.deliver(refused));
        assert_eq!(refusal.kind, RefusalKind::Key);
        assert!(refusal.hint.contains("replace"), "{}", refusal.hint);
        assert!(!format!("{refusal:?}").contains(SECRET));
    }
    let repeated = world.deliver(delivery(Call::Page, Some(SECRET), body.as_bytes()));
    assert!(matches!(repeated, Receipt::Read(_)), "the header and the body are read by the same people");
    let pulse = world.intake.pulse();
    assert_eq!(pulse.keys[0].key, "server");
    assert_eq!(pulse.keys[0].rejected, [("a secret key stands in a URL or in a body".to_owned(), 5)]);
}

#[test]
fn s27_a_key_sends_no_faster_than_it_may() {
    let world = limited(10, 1_000);
    assert!(matches!(world.send(Call::Batch, &batch(100)), Receipt::Read(_)), "ten seconds' worth at once");
    let refused = refusal(world.send(Call::Page, PAGE));
    assert_eq!((refused.kind, refused.retry_after_seconds), (RefusalKind::OverLimit, Some(1)));
    world.wait(1_000_000);
    assert!(matches!(world.send(Call::Batch, &batch(10)), Receipt::Read(_)));
    assert!(matches!(world.send(Call::Page, PAGE), Receipt::Refused(_)));
    // A batch larger than the average passes when nothing was sent for long, and is paid for.
    world.wait(10_000_000);
    assert!(matches!(world.send(Call::Batch, &batch(150)), Receipt::Read(_)));
    world.wait(5_000_000);
    assert!(matches!(world.send(Call::Page, PAGE), Receipt::Refused(_)));
    world.wait(200_000);
    assert!(matches!(world.send(Call::Page, PAGE), Receipt::Read(_)));
}

#[test]
fn s27_a_key_sends_no_more_a_day_than_it_may() {
    let world = limited(1_000, 5);
    assert!(matches!(world.send(Call::Batch, &batch(4)), Receipt::Read(_)));
    let refused = refusal(world.send(Call::Batch, &batch(2)));
    assert_eq!(refused.kind, RefusalKind::OverLimit);
    assert_eq!(refused.retry_after_seconds, Some(12 * 3_600 + 1), "until midnight in UTC");
    assert!(matches!(world.send(Call::Page, PAGE), Receipt::Read(_)), "a refused batch uses nothing up");
    world.wait(12 * 3_600_000_000);
    assert!(matches!(world.send(Call::Page, PAGE), Receipt::Read(_)));
}

#[test]
fn s1_bodies_messages_and_batches_have_a_largest_size() {
    let world = World::new();
    let body = |n: usize| format!(r#"{{"anonymousId":"a","properties":{{"p":"{}"}}}}"#, "x".repeat(n));
    assert_eq!(refusal(world.send(Call::Page, &body(512 * 1024))).kind, RefusalKind::TooLarge);
    assert_eq!(refusal(world.send(Call::Page, &body(32 * 1024))).kind, RefusalKind::TooLarge);
    assert_eq!(refusal(world.send(Call::Batch, &batch(2_501))).kind, RefusalKind::TooLarge);
    assert!(world.arrivals().is_empty());
    let mixed = format!(r#"{{"batch":[{{"type":"page","anonymousId":"a"}},{}]}}"#, body(32 * 1024));
    let Receipt::Read(receipts) = world.send(Call::Batch, &mixed) else { panic!("it is read") };
    assert_eq!(receipts[1].faults[0].reason, "the message is longer than 32768 bytes");
    assert!(matches!(world.send(Call::Batch, &batch(2_500)), Receipt::Read(_)));
}

#[test]
fn what_cannot_be_kept_is_refused_and_uses_nothing_up() {
    let world = limited(1_000, 4);
    world.break_disk(true);
    let refused = refusal(world.send(Call::Batch, &batch(2)));
    assert_eq!(refused.kind, RefusalKind::Unavailable);
    assert!(refused.retry_after_seconds.is_some_and(|seconds| (1..=10).contains(&seconds)));
    assert!(!world.intake.pulse().is_durable);
    let alias = world.one(Call::Alias, r#"{"userId":"u","previousId":"v"}"#);
    assert_eq!(alias.outcome.name(), "rejected", "what is rejected anyway is told");
    world.break_disk(false);
    assert!(matches!(world.send(Call::Batch, &batch(2)), Receipt::Read(_)));
    assert!(world.intake.pulse().is_durable);
    world.log.close();
    assert_eq!(refusal(world.send(Call::Batch, &batch(1))).kind, RefusalKind::Unavailable);
}

#[test]
fn the_pulse_adds_up_and_survives_a_change_of_the_rules() {
    let world = World::new();
    world.send(Call::Page, PAGE);
    world.send(Call::Track, r#"{"event":"nobody knows","userId":"u"}"#);
    world.send(Call::Alias, PAGE);
    world.send(Call::Page, "[");
    world.intake.set_rules(&[source(Door::default())], &[], &|_| false);
    let pulse = world.intake.pulse();
    let web = pulse.keys.iter().find(|key| key.key == "web").expect("it is there");
    let n_rejected: u64 = web.rejected.iter().map(|(_, n)| n).sum();
    assert_eq!((web.received, web.accepted, web.quarantined, n_rejected), (4, 1, 1, 2));
    assert_eq!((web.last_micros, web.received_lately), (Some(NOW), 4));
    assert!(pulse.log_bytes > 0 && pulse.log_records == 0, "before the first landing nobody knows what waits");
    let lately = |world: &World| world.intake.pulse().keys.iter().map(|key| key.received_lately).sum::<u64>();
    world.wait(59_000_000);
    assert_eq!(lately(&world), 4);
    world.wait(2_000_000);
    assert_eq!(lately(&world), 0, "that was a minute ago");
    world.intake.begin_landing();
    world.intake.end_landing(Some(0));
    world.wait(5_000_000);
    let pulse = world.intake.pulse();
    assert!(pulse.log_records > 0 && pulse.lag_micros >= 5_000_000 && pulse.is_landing, "{pulse:?}");
    world.intake.begin_landing();
    world.intake.end_landing(None);
    assert!(!world.intake.pulse().is_landing);
    let n_refused = world.arrivals().iter().filter(|arrival| matches!(arrival, Arrival::Refused(_))).count();
    assert_eq!(n_refused, 1, "a delivery that was not read is in the pulse only");
}

#[test]
fn only_public_keys_have_settings() {
    let world = World::new();
    let settings = world.intake.settings(PUBLIC).expect("it is public");
    assert_eq!(settings["integrations"]["Segment.io"]["apiKey"], PUBLIC);
    assert_eq!(world.intake.settings(SECRET), None);
    assert_eq!(world.intake.settings("nobody"), None);
}

const BANK_PUBLIC: &str = "pk_fedcba9876543210fedcba9876543210";
const BANK_SECRET: &str = "sk_fedcba9876543210fedcba9876543210";

/// A second source, with keys, names and people of its own.
fn bank() -> Source {
    let of_bank = |object: Object| Object { person_prefix: "bank-".to_owned(), ..object };
    let mut bank = source(Door::default());
    bank.name = "bank".to_owned();
    bank.contract.id = "bank".to_owned();
    bank.contract.objects = vec![
        of_bank(object("invoice_paid", ObjectKind::Event, vec![text("iban")])),
        of_bank(object("account", ObjectKind::Traits, vec![text("credit")])),
    ];
    bank.keys = vec![key("page", KeyKind::Public, BANK_PUBLIC), key("core", KeyKind::Secret, BANK_SECRET)];
    bank
}

fn origin<'a>(arrival: &'a Arrival<'_>) -> &'a Origin<'a> {
    match arrival {
        Arrival::Message(message) => &message.origin,
        Arrival::Aside(aside) => &aside.origin,
        Arrival::Refused(refused) => &refused.origin,
        Arrival::Alias(alias) => &alias.origin,
        Arrival::Consent(consent) => &consent.origin,
    }
}

#[test]
fn case_53_a_key_of_one_source_writes_nothing_of_another() {
    let messages = [
        r#"{"type":"track","event":"invoice_paid","userId":"u","properties":{"iban":"x"}}"#.to_owned(),
        r#"{"type":"track","event":"Invoice Paid","userId":"bank-u","source":"bank"}"#.to_owned(),
        r#"{"type":"track","event":"bank.invoice_paid","userId":"u","context":{"source":"bank"}}"#.to_owned(),
        r#"{"type":"track","event":"bank/invoice_paid","userId":"u","entente":{"source":"bank"}}"#.to_owned(),
        // The header says whose it is; what stands in the body is a second opinion.
        format!(r#"{{"type":"track","event":"invoice_paid","userId":"u","writeKey":"{BANK_PUBLIC}"}}"#),
    ];
    for on_fault in [OnFault::Reject, OnFault::Quarantine, OnFault::Flag] {
        let world = World::new();
        let shop = source(Door { unknown_event: on_fault, ..Door::default() });
        world.intake.set_rules(&[shop, bank()], &[], &|_| false);
        for (key, message) in [PUBLIC, SECRET].iter().flat_map(|key| messages.iter().map(move |message| (key, message)))
        {
            let body = format!(r#"{{"batch":[{message}]}}"#);
            let receipt = world.deliver(delivery(Call::Batch, Some(key), body.as_bytes()));
            let Receipt::Read(receipts) = receipt else { panic!("it is read: {receipt:?}") };
            let is_out = [MessageOutcome::Rejected, MessageOutcome::Quarantined].contains(&receipts[0].outcome);
            assert!(is_out, "{message}: {receipts:?}");
            assert_eq!(receipts[0].faults[0].reason, "the contract does not declare the event", "{message}");
        }
        let near = r#"{"event":"invoice_pade","userId":"u"}"#;
        let receipt = world.one(Call::Track, near);
        assert!(!format!("{:?}", receipt.faults).contains("invoice_paid"), "a name of the other source is not told");
        let arrivals = world.arrivals();
        assert!(
            !arrivals.is_empty() && arrivals.iter().all(|arrival| origin(arrival).source == "shop"),
            "{arrivals:?}"
        );
        assert!(!arrivals.iter().any(|arrival| matches!(arrival, Arrival::Message(_))), "{arrivals:?}");
        // What both sources have, traits, are those of the key's source.
        let _ = world.one(Call::Identify, r#"{"userId":"u","traits":{"credit":"9"}}"#);
        let message = world.last_message();
        assert_eq!((message.origin.source.as_ref(), message.object.as_ref()), ("shop", "customer"));
        assert_eq!(message.user_id.as_deref(), Some("shop-u"));
    }
}

#[test]
fn case_53_the_other_source_has_its_own_key() {
    let world = World::new();
    world.intake.set_rules(&[source(Door::default()), bank()], &[], &|_| false);
    let paid = r#"{"event":"invoice_paid","userId":"u"}"#;
    let receipt = world.deliver(delivery(Call::Track, Some(BANK_PUBLIC), paid.as_bytes()));
    assert!(matches!(receipt, Receipt::Read(_)), "{receipt:?}");
    let message = world.last_message();
    assert_eq!((message.origin.source.as_ref(), message.object.as_ref()), ("bank", "invoice_paid"));
    assert_eq!(message.user_id.as_deref(), Some("bank-u"));
    let n_before = world.arrivals().len();
    let both = format!(r#"{{"event":"invoice_paid","userId":"u","writeKey":"{BANK_SECRET}"}}"#);
    assert_eq!(refusal(world.deliver(delivery(Call::Track, Some(PUBLIC), both.as_bytes()))).kind, RefusalKind::Key);
    assert_eq!(world.arrivals().len(), n_before, "a secret that stands in a body opens nothing");
}
