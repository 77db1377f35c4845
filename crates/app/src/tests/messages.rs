//! Messages from the door to an answer, through the product and its collector alone.

use super::world::{Setup, World, open};
use crate::App;
use api::{Asked, Call, Delivery, Input, MessageOutcome, Product, Receipt, Sender};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use spec::Value;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long messages may take to land, on a machine with much else to do.
const LANDING_WAIT_MAX: Duration = Duration::from_secs(30);
const SECRET: &str = "sk_000000000000000000000000000000000000000001";

/// The shop with keys, and with people who live where the law lets them be counted.
fn shop() -> Setup {
    let mut setup = Setup::shop();
    let digest = spec::hex(&Sha256::digest(SECRET));
    let source = setup.files.get_mut("sources/shop.yaml").expect("the base has the source");
    source.push_str(&format!("keys: [{{ name: till, kind: secret, sha256: {digest} }}]\n"));
    let people = ["a1", "a2", "b1"].map(|member| format!("{member},2024-01-01,gold\n")).concat();
    setup.add("profiles", "profiles.csv", format!("member,at,tier\n{people}"));
    setup
}

fn send(app: &App, body: &Json) -> Vec<MessageOutcome> {
    send_with(app, SECRET, body)
}

/// Sends a batch with this key; what became of each message.
pub(super) fn send_with(app: &App, key: &str, body: &Json) -> Vec<MessageOutcome> {
    let collector = app.collector().expect("the log can be opened");
    let (sender, receiver) = mpsc::channel();
    let delivery = Delivery {
        key: Some(key.to_owned()),
        is_key_in_url: false,
        call: Call::Batch,
        body: body.to_string().into_bytes(),
        sender: Sender::default(),
    };
    collector.take(delivery, Box::new(move |receipt| sender.send(receipt).expect("the test listens")));
    match receiver.recv_timeout(LANDING_WAIT_MAX).expect("the collector answers") {
        Receipt::Read(messages) => messages.iter().map(|message| message.outcome).collect(),
        Receipt::Refused(refusal) => panic!("{refusal:?}"),
    }
}

fn purchase(id: &str, member: &str, amount: &Json) -> Json {
    json!({
        "type": "track", "event": "Purchase", "messageId": id, "userId": member,
        "timestamp": "2024-06-30T12:00:00Z", "properties": { "store": "North", "amount": amount }
    })
}

fn books(world: &World, n_received: u64) -> (u64, u64, u64) {
    books_of(world, "shop", n_received)
}

/// The books of a source (stored, duplicate, rejected), once they hold so many messages.
pub(super) fn books_of(world: &World, source: &str, n_received: u64) -> (u64, u64, u64) {
    let start = Instant::now();
    loop {
        let sources = world.app.sources(&world.who("engineer")).expect("the folder can be read");
        let books = sources.into_iter().find(|one| one.name == source).and_then(|one| one.balance);
        let books = books.expect("an engineer sees the books");
        assert_eq!(books.received, books.stored + books.duplicate + books.rejected, "the books balance");
        if books.received == n_received {
            return (books.stored, books.duplicate, books.rejected);
        }
        assert!(start.elapsed() < LANDING_WAIT_MAX, "{n_received} messages do not land: {books:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn sold(world: &World) -> Vec<Vec<Value>> {
    let question = json!({
        "kind": "trend", "purpose": "analytics", "measure": "count(purchase)", "by": "none",
        "period": { "from": "2024-06-01", "to": "2024-07-01" }
    });
    let asked: Asked = match world.ask("marketer", &question).expect("the question can be asked") {
        Input::Good(asked) => asked,
        Input::Bad(wrong) => panic!("{wrong:?}"),
    };
    asked.answer.unwrap_or_else(|| panic!("{:?}", asked.verdict)).rows
}

#[test]
fn what_was_taken_is_in_the_answer_once() {
    let world = shop().open();
    let batch = json!({ "batch": [
        purchase("m1", "a1", &json!(1.5)), purchase("m2", "a2", &json!("much")), purchase("m3", "b1", &json!(2)),
        { "type": "track", "event": "Purchase" }
    ] });
    use MessageOutcome::{Accepted, Quarantined, Rejected};
    let outcomes = [Accepted, Quarantined, Accepted, Rejected];
    assert_eq!(send(&world.app, &batch), outcomes);
    assert_eq!(books(&world, 4), (2, 0, 2));
    assert_eq!(sold(&world).last().and_then(|row| row.last()).cloned(), Some(Value::Integer(2)));
    let minutes = world.app.books(&world.who("engineer"), 15).expect("an engineer sees them");
    let [line] = &minutes.minutes[..] else { panic!("one key in one minute: {minutes:?}") };
    assert_eq!((line.key.as_str(), line.received, line.stored, line.rejected), ("till", 4, 2, 2));
    assert_eq!(line.reasons.iter().map(|(_, n)| n).sum::<u64>(), 2);
    assert!(world.app.books(&world.who("marketer"), 15).is_err());
    // Again, after a restart: the same people, the same messages.
    let World { app, folder } = world;
    drop(app);
    let world = World { app: open(folder.path(), shop().now, 7).into(), folder };
    assert_eq!(send(&world.app, &batch), outcomes);
    assert_eq!(books(&world, 8), (2, 2, 4));
    assert_eq!(sold(&world).last().and_then(|row| row.last()).cloned(), Some(Value::Integer(2)));
}

#[test]
fn whoever_objects_by_a_message_is_out_of_the_next_answers() {
    let mut setup = shop();
    let analytics = setup.files.get_mut("purposes/analytics.yaml").expect("the base has the purpose");
    analytics.push_str("signals: { categories: [Analytics] }\n");
    let world = setup.open();
    let bought = ["a1", "a2", "b1"].map(|member| purchase(&format!("m-{member}"), member, &json!(1)));
    send(&world.app, &json!({ "batch": bought }));
    assert_eq!(books(&world, 3), (3, 0, 0));
    let n_sold = |world: &World| sold(world).last().and_then(|row| row.last()).cloned();
    assert_eq!(n_sold(&world), Some(Value::Integer(3)));
    let says = |id: &str, is_yes: bool, at: &str| {
        json!({ "batch": [{ "type": "track", "event": "Consent", "messageId": id, "userId": "b1", "timestamp": at,
                             "context": { "consent": { "categoryPreferences": { "Analytics": is_yes } } } }] })
    };
    // No contract declares the event: what it says of consent counts all the same.
    let before = says("c1", true, "2024-06-29T12:00:00Z");
    send(&world.app, &before);
    send(&world.app, &says("c2", false, "2024-06-29T12:00:01Z"));
    assert_eq!(books(&world, 5).0, 3);
    assert_eq!(n_sold(&world), Some(Value::Integer(2)));
    send(&world.app, &before);
    assert_eq!(books(&world, 6).0, 3);
    assert_eq!(n_sold(&world), Some(Value::Integer(2)), "the old yes again is no new one");
    let World { app, folder } = world;
    drop(app);
    let world = World { app: open(folder.path(), setup.now, 7).into(), folder };
    assert_eq!(n_sold(&world), Some(Value::Integer(2)));
}

#[test]
fn what_is_kept_aside_comes_in_after_the_mend_and_counts_once() {
    let setup = shop();
    let world = setup.open();
    let batch = json!({ "batch": [
        purchase("m1", "a1", &json!("1.50")), purchase("m2", "a2", &json!(2)), purchase("m3", "b1", &json!(3)),
        { "type": "track", "event": "Swim", "messageId": "m4", "userId": "a1" }
    ] });
    use MessageOutcome::{Accepted, Quarantined};
    assert_eq!(send(&world.app, &batch), [Quarantined, Accepted, Accepted, Quarantined]);
    assert_eq!(books(&world, 4), (2, 0, 2));
    let engineer = world.who("engineer");
    let groups = world.app.quarantine(&engineer).expect("an engineer may look");
    assert_eq!(groups.iter().map(|group| group.messages).collect::<Vec<_>>(), [1, 1]);
    assert!(
        world.app.quarantine(&world.who("marketer")).is_err()
            && world.app.replay(&world.who("marketer"), "shop", None).is_err()
    );
    let replayed = world.app.replay(&engineer, "shop", None).expect("an engineer may");
    assert_eq!((replayed.taken, replayed.left), (0, 2), "nothing was mended yet");
    // The amount is text from now on, under another name than the column that there is.
    let path = world.folder.path().join("workspace/contracts/shop.odcs.yaml");
    let mended = setup.files["contracts/shop.odcs.yaml"].replace(
        "      - { name: amount, logicalType: number, physicalType: 'decimal(18,2)'",
        "      - { name: amount, logicalType: string",
    );
    assert_ne!(mended, setup.files["contracts/shop.odcs.yaml"]);
    super::world::write(&path, &mended);
    let amount = groups.iter().find(|group| group.field.is_some()).expect("one is about a field");
    let replayed = world.app.replay(&engineer, "shop", Some(&amount.reason)).expect("an engineer may");
    assert_eq!((replayed.taken, replayed.left), (1, 1));
    assert_eq!(books(&world, 5), (3, 0, 2));
    let again = world.app.replay(&engineer, "shop", None).expect("an engineer may");
    assert_eq!((again.taken, again.left), (0, 1));
    assert_eq!(world.app.quarantine(&engineer).expect("an engineer may look").len(), 1);
}

#[test]
fn a_sender_with_more_faults_than_agreed_stands_in_the_way_of_its_last_day_only() {
    let mut setup = shop();
    let contract = setup.files.get_mut("contracts/shop.odcs.yaml").expect("the base has the contract");
    let promise = "slaProperties: [{ property: latency, value: 30, unit: d }";
    *contract = contract.replace(promise, &format!("{promise}, {{ property: errorRate, value: 5 }}"));
    let world = setup.open();
    let amount = |n: usize| if n.is_multiple_of(10) { json!("much") } else { json!(n) };
    let batch: Vec<Json> = (0..120).map(|n| purchase(&format!("m{n}"), "a1", &amount(n))).collect();
    send(&world.app, &json!({ "batch": batch }));
    assert_eq!(books(&world, 120), (108, 0, 12));
    let trend = |period: Json| json!({ "kind": "trend", "purpose": "analytics", "measure": "count(purchase)", "period": period });
    let judged = |period: Json| match world.judge("marketer", &trend(period)).expect("it can be judged") {
        Input::Good(judged) => judged.verdict,
        Input::Bad(wrong) => panic!("{wrong:?}"),
    };
    let verdict = judged(json!({ "last": "10 days" }));
    assert_eq!(verdict.outcome, spec::Outcome::YesIf);
    let [reason] = &verdict.reasons[..] else { panic!("{verdict:?}") };
    assert_eq!(reason.code, spec::ReasonCode::FaultySource);
    assert!(reason.for_it.contains("`errorRate` of 5 %") && !reason.for_it.contains("12 of 120"), "{}", reason.for_it);
    let [spec::Remedy::Ask { title, .. }, spec::Remedy::Close { gap, .. }] = &reason.remedies[..] else {
        panic!("a nearest yes and a gap: {reason:?}")
    };
    assert_eq!((title.as_str(), gap.who.as_str()), ("Ask as of 30 Jun 2024, 00:00", "Bob"));
    // A text in SQL has no end of its own: the trend that asks for the same has one.
    let text = "SELECT store, count(*) AS n FROM purchase GROUP BY store";
    let sql = json!({ "kind": "sql", "purpose": "analytics", "text": text });
    let Ok(Input::Good(judged_sql)) = world.judge("marketer", &sql) else { panic!("it makes sense") };
    let offers = judged_sql.verdict.reasons[0].remedies.iter().filter_map(|remedy| match remedy {
        spec::Remedy::Ask { title, .. } => Some(title.as_str()),
        spec::Remedy::Close { .. } => None,
    });
    assert_eq!(offers.collect::<Vec<_>>(), ["Ask as of 30 Jun 2024, 00:00, as a trend"]);
    assert_eq!(judged(json!({ "from": "2024-06-01", "to": "2024-06-29" })).outcome, spec::Outcome::Yes);
}
