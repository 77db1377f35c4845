//! Messages that were kept aside come in once the contract is mended, as if they had just come.

use super::world::{NOW, PUBLIC, World, delivery, object, source, text};
use crate::Rechecked;
use api::{Call, MessageOutcome};
use lake::{Arrival, Aside};
use spec::{Door, ErrorKind, ObjectKind, Source};

fn aside(world: &World) -> Aside<'static> {
    match world.arrivals().pop() {
        Some(Arrival::Aside(aside)) => aside,
        other => panic!("something aside was expected: {other:?}"),
    }
}

fn mended() -> Source {
    let mut source = source(Door::default());
    source.contract.objects.push(object("newly_declared", ObjectKind::Event, vec![text("color"), text("user_agent")]));
    source
}

#[test]
fn a_mended_contract_takes_it_with_its_id_and_its_times() {
    let world = World::new();
    let body = format!(
        r#"{{"sentAt":"2025-11-22T12:00:10Z","batch":[{{"type":"track","event":"Newly Declared","userId":"u",
            "timestamp":"2025-11-22T12:00:00Z","properties":{{"color":"red"}},"writeKey":"{PUBLIC}",
            "entente":{{"claimed":false,"received":"2020-01-01T00:00:00Z"}}}}]}}"#
    );
    let receipt = world.one(Call::Batch, &body);
    assert_eq!(receipt.outcome, MessageOutcome::Quarantined);
    let aside = aside(&world);
    assert!(!aside.raw.contains(PUBLIC) && !aside.raw.contains("2020-01-01"), "{}", aside.raw);

    let still = world.intake.check_again("shop", "web", &aside.raw).expect("it is ours");
    assert_eq!(still.receipt.outcome, MessageOutcome::Quarantined);

    world.wait(86_400_000_000);
    world.intake.set_rules(&[mended()], &[], &|_| false);
    let Rechecked { receipt: again, record } =
        world.intake.check_again("shop", &aside.origin.key, &aside.raw).expect("it is ours");
    assert_eq!((again.outcome, again.message_id), (MessageOutcome::Accepted, receipt.message_id));
    let record = record.expect("it is taken");
    let Ok(Arrival::Message(message)) = Arrival::read(&record) else { panic!("it is a message") };
    assert_eq!((message.received_micros, message.at_micros), (NOW, NOW - 10_000_000));
    assert_eq!(message.message_id, aside.message_id);
    assert!(message.is_claimed, "a client does not vouch for itself");
    assert_eq!(message.user_id.as_deref(), Some("shop-u"));
    let fields = format!("{:?}", message.fields);
    assert!(fields.contains(r#"("color", Text("red"))"#) && fields.contains(r#"("user_agent", Text("Browser/1"))"#));
    assert_eq!(message.extra, "");
}

#[test]
fn what_would_be_rejected_now_stays_where_it_is() {
    let world = World::new();
    world.deliver(delivery(Call::Track, Some(PUBLIC), br#"{"event":"nobody knows","userId":"u"}"#));
    let aside = aside(&world);
    world
        .intake
        .set_rules(&[source(Door { unknown_event: spec::OnFault::Reject, ..Door::default() })], &[], &|_| false);
    let again = world.intake.check_again("shop", "web", &aside.raw).expect("it is ours");
    assert_eq!((again.receipt.outcome, again.record), (MessageOutcome::Rejected, None));
}

#[test]
fn only_what_was_kept_aside_is_checked_again() {
    let world = World::new();
    for raw in ["", "{}", r#"{"userId":"u"}"#, r#"{"entente":{}}"#, r#"{"entente":{"received":"x"}}"#] {
        let error = world.intake.check_again("shop", "web", raw).expect_err("it is not ours");
        assert_eq!(error.kind, ErrorKind::Invalid, "{raw}");
    }
    let error = world.intake.check_again("gone", "web", "{}").expect_err("there is no such source");
    assert_eq!(error.kind, ErrorKind::NotFound);
}
