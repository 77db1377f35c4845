//! Landing through its one function: what comes in once, in which order, and after which crash.

mod consents;
mod growth;
mod histories;
mod identity;

use super::LandingStage;
use crate::tests::fixture::{
    Fixture, batch_of, events, field, grant, grant_of, object, people_in, purchase, text_of, trait_of,
};
use crate::{Arrival, Aside, Datum, IntakeLog, IntakeOptions, Message, MessageKind, Origin, Refused, ScanRequest};
use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use roaring::RoaringTreemap;
use spec::{FieldClass, FieldRef, Object, ObjectKind, Release, ValueType};
use std::borrow::Cow;
use std::sync::mpsc;

const OPTIONS: IntakeOptions = IntakeOptions {
    segment_bytes_max: 4_000,
    log_bytes_max: 1 << 24,
    queue_bytes_max: 1 << 22,
    group_bytes_max: 1 << 20,
    next_min: 0,
    free_bytes_min: 0,
};
/// 2017-06-01T00:00:00Z.
const JUNE: i64 = 1_496_275_200_000_000;
const MINUTE: i64 = 60_000_000;

pub(crate) fn log_of(fixture: &Fixture) -> IntakeLog {
    fixture.lake.open_intake(OPTIONS).expect("the folder can be read").0
}

/// Puts arrivals on disk together.
pub(crate) fn acknowledge(log: &IntakeLog, arrivals: &[Arrival<'_>]) {
    let (sender, receiver) = mpsc::channel();
    let records = arrivals.iter().map(Arrival::to_bytes).collect();
    let done = Box::new(move |outcome| sender.send(outcome).expect("the test listens"));
    log.submit(records, done).expect("the log has room");
    while log.commit() {}
    receiver.recv().expect("the log answers").expect("the disk has room");
}

pub(crate) fn land_all(fixture: &Fixture, log: &IntakeLog) -> (u64, u64) {
    let (mut stored, mut duplicate) = (0, 0);
    loop {
        let landing = fixture.lake.land(log).expect("the disk has room");
        stored += landing.stored;
        duplicate += landing.duplicate;
        if !landing.is_more {
            return (stored, duplicate);
        }
    }
}

/// What `purchase` is for files, as a message.
pub(crate) fn bought<'a>(id: &'a str, customer: &'a str, minute: i64, cents: i128) -> Message<'a> {
    let text = |text: &'a str| Cow::Borrowed(text);
    Message {
        origin: Origin { source: text("shop"), key: text("till") },
        object: text("purchase"),
        kind: MessageKind::Event,
        received_micros: JUNE + minute * MINUTE,
        at_micros: JUNE + minute * MINUTE,
        message_id: text(id),
        user_id: Some(text(customer)),
        anonymous_id: None,
        is_claimed: false,
        fields: vec![(text("amount"), Datum::Decimal(cents, 2)), (text("shop"), Datum::Text(text("north")))],
        direct: Vec::new(),
        extra: text(""),
    }
}

fn by_visitor<'a>(visitor: &'a str, user: Option<&'a str>, message: Message<'a>) -> Message<'a> {
    Message { anonymous_id: Some(visitor.into()), user_id: user.map(Cow::Borrowed), ..message }
}

fn events_in(fixture: &Fixture) -> Vec<String> {
    events(fixture, &purchase(true))
}

#[test]
fn messages_land_once_in_the_order_of_people_and_time() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let first: Vec<Arrival<'_>> =
        [("m2", "ann", 2, 20), ("m1", "ann", 1, 10), ("m3", "bob", 1, 30), ("m1", "ann", 5, 99)]
            .into_iter()
            .map(|(id, who, minute, cents)| Arrival::Message(bought(id, who, minute, cents)))
            .collect();
    acknowledge(&log, &first);
    assert_eq!(land_all(&fixture, &log), (3, 1), "the same id with another body is the same message");
    let landed = events_in(&fixture);
    assert_eq!(landed.len(), 3);
    assert!(landed.iter().any(|row| row.contains("|0.10|")) && !landed.iter().any(|row| row.contains("|0.99|")));
    // Again, after a restart, and after the files were rewritten.
    acknowledge(&log, &first);
    assert_eq!(land_all(&fixture, &log), (0, 4));
    drop(log);
    let fixture = fixture.reopened();
    let log = log_of(&fixture);
    acknowledge(&log, &first);
    assert_eq!(land_all(&fixture, &log), (0, 4));
    assert_eq!(events_in(&fixture), landed);
    let another = [Arrival::Message(bought("m1", "bob", 9, 40)), Arrival::Message(bought("m4", "ann", 0, 5))];
    acknowledge(&log, &another);
    assert_eq!(land_all(&fixture, &log), (2, 0), "an id tells apart what one person did");
    let rows = events_in(&fixture);
    assert_eq!(rows.len(), 5);
    let people = rows.iter().map(|row| row.split('|').next().and_then(|person| person.parse::<i64>().ok()));
    assert!(people.collect::<Vec<_>>().is_sorted(), "people lie together: {rows:?}");
}

#[test]
fn landed_rows_and_those_of_files_are_read_together() {
    let fixture = Fixture::new();
    let object = purchase(true);
    let lines: String = (0..40).map(|n| format!("c{n},2017-06-01T00:{:02}:00Z,{n}.00,s,f{n}\n", n % 60)).collect();
    fixture.import(&object, "a.csv", format!("customer,at,amount,shop,id\n{lines}").as_bytes()).expect("it is good");
    let log = log_of(&fixture);
    for round in 0..20 {
        let ids: Vec<String> = (0..10).map(|n| format!("r{round}-{n}")).collect();
        let who: Vec<String> = (0..10).map(|n| format!("customer-c{}", (n * 7 + round) % 50)).collect();
        let messages = ids.iter().zip(&who).zip(0..).map(|((id, who), n)| {
            Arrival::Message(bought(id, who, i64::from(n) * 13 % 60, i128::from(round * 100 + n)))
        });
        acknowledge(&log, &messages.collect::<Vec<_>>());
        assert_eq!(land_all(&fixture, &log), (10, 0));
    }
    let before = events_in(&fixture);
    assert_eq!(before.len(), 240);
    let mut n_rewritten = 0;
    while let Some(done) = fixture.lake.compact().expect("the disk has room") {
        n_rewritten += done.n_removed;
        assert_eq!(events_in(&fixture), before, "rewriting changes nothing");
    }
    assert!(n_rewritten > 8, "{n_rewritten}");
    // A file that comes in now takes what landed along, and knows what came as a message.
    let file = "customer,at,amount,shop,id\nc7,2017-06-01T00:30:00Z,1.00,s,r0-1\nc7,2017-06-01T00:30:00Z,1.00,s,new\n";
    let report = fixture.import(&object, "b.csv", file.as_bytes()).expect("it is good");
    assert_eq!((report.stored, report.duplicate), (1, 1));
    let fixture = fixture.reopened();
    assert_eq!(events_in(&fixture).len(), 241);
}

#[test]
fn a_time_filter_holds_for_landed_rows_where_no_stored_part_is_read() {
    let fixture = Fixture::new();
    let object = purchase(true);
    let file = "customer,at,amount,shop,id\nann,2016-01-01T00:00:00Z,1.00,s,f1\nzoe,2016-01-01T00:00:00Z,1.00,s,f2\n";
    fixture.import(&object, "a.csv", file.as_bytes()).expect("it is good");
    let log = log_of(&fixture);
    let messages =
        [bought("m1", "customer-ann", 0, 1), bought("m2", "customer-zoe", 1, 2), bought("m3", "customer-new", 2, 3)];
    acknowledge(&log, &messages.map(Arrival::Message));
    land_all(&fixture, &log);
    let snapshot = fixture.lake.snapshot();
    let grant = grant(snapshot.known().clone(), &[FieldRef::Property("amount".to_owned())]);
    let request = ScanRequest {
        properties: vec!["amount".to_owned()],
        from: chrono::DateTime::from_timestamp_micros(JUNE + MINUTE),
        ..ScanRequest::default()
    };
    let parts = snapshot.scan_events(&grant, &request).expect("the column is granted");
    let times = |part| batch_of(part).column(1).as_primitive::<TimestampMicrosecondType>().values().to_vec();
    let times: Vec<i64> = parts.iter().flat_map(times).collect();
    assert_eq!(times.iter().filter(|at| **at >= JUNE + MINUTE).count(), 2, "{times:?}");
    let one: RoaringTreemap = snapshot.known().iter().take(1).collect();
    let grant = self::grant(one.clone(), &[FieldRef::Property("amount".to_owned())]);
    let all_times = ScanRequest { from: None, ..request };
    let parts = snapshot.scan_events(&grant, &all_times).expect("the column is granted");
    let people = parts.iter().flat_map(|part| people_in(&batch_of(part)));
    let people: RoaringTreemap = people.map(|person| u64::try_from(person).expect("numbers are positive")).collect();
    assert_eq!(people, one, "landed rows obey the grant too");
}

#[test]
fn a_crash_after_any_stage_is_made_good_by_the_next_landing() {
    let arrivals = |ids: std::ops::Range<u32>| -> Vec<(String, String)> {
        ids.map(|n| (format!("m{}", n % 25), format!("c{}", n % 6))).collect()
    };
    let records = |names: &[(String, String)], log: &IntakeLog| {
        let mut messages: Vec<Arrival<'_>> =
            names.iter().zip(0..).map(|((id, who), n)| Arrival::Message(bought(id, who, n, 100))).collect();
        messages.extend(names.iter().zip(0..).map(|((id, who), n)| Arrival::Message(plan_of(id, who, n, "basic"))));
        messages.push(aside());
        messages.push(refused());
        acknowledge(log, &messages);
    };
    let (early, late) = (arrivals(0..20), arrivals(10..40));
    let whole = Fixture::new();
    let log = log_of(&whole);
    records(&early, &log);
    records(&late, &log);
    land_all(&whole, &log);
    let expected = (events_in(&whole), whole.lake.snapshot().books());
    assert_eq!(expected.1.iter().map(|line| line.rejected).sum::<u64>(), 16);
    use LandingStage::{Books, Consents, Events, People, Quarantine, Traits, Vault};
    for stage in [Vault, Quarantine, People, Consents, Traits, Books, Events] {
        for is_reopened in [false, true] {
            let fixture = Fixture::new();
            let log = log_of(&fixture);
            records(&early, &log);
            *fixture.lake.fail_after_landing.lock().expect("nobody panics here") = Some(stage);
            fixture.lake.land(&log).expect_err("the landing ends early");
            *fixture.lake.fail_after_landing.lock().expect("nobody panics here") = None;
            drop(log);
            let fixture = if is_reopened { fixture.reopened() } else { fixture };
            let log = log_of(&fixture);
            records(&late, &log);
            land_all(&fixture, &log);
            assert_eq!(events_in(&fixture), expected.0, "{stage:?} {is_reopened}");
            assert_eq!(fixture.lake.snapshot().books(), expected.1, "{stage:?} {is_reopened}");
            assert_eq!(quarantined(&fixture), 2, "{stage:?} {is_reopened}");
        }
    }
}

fn quarantined(fixture: &Fixture) -> usize {
    fixture.lake.quarantined_for_tests()
}

fn aside() -> Arrival<'static> {
    Arrival::Aside(Aside {
        origin: Origin { source: "shop".into(), key: "till".into() },
        object: "purchase".into(),
        received_micros: JUNE,
        reason: "`amount`: expected a number".into(),
        field: Some("amount".into()),
        message_id: "x".into(),
        raw: "{}".into(),
    })
}

fn refused() -> Arrival<'static> {
    Arrival::Refused(Refused {
        origin: Origin { source: "shop".into(), key: "till".into() },
        received_micros: JUNE,
        reason: "no id".into(),
        n_messages: 7,
    })
}

#[test]
fn what_is_kept_aside_is_read_with_the_vault_alone() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let raw = r#"{"userId":"ann","email":"ann@example.com"}"#;
    let Arrival::Aside(aside) = aside() else { unreachable!("it is one") };
    acknowledge(&log, &[Arrival::Aside(Aside { raw: raw.into(), ..aside })]);
    land_all(&fixture, &log);
    let messages = fixture.lake.asides("shop", None, 10).expect("the vault is there");
    assert_eq!(messages.iter().map(|message| message.raw.as_str()).collect::<Vec<_>>(), [raw]);
    let bad = b"customer,at,amount,shop,id\nann-marie,2017-06-01T00:00:00Z,much,s,f1\n";
    fixture.import(&purchase(true), "bad.csv", bad).expect("one record of it is bad");
    for file in std::fs::read_dir(fixture.folder.path().join("data/quarantine")).expect("it is a folder").flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        for secret in ["ann@example.com", "ann-marie"] {
            let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{secret} stands in {}", file.path().display());
        }
    }
}

/// A message that tells a trait.
fn plan_of<'a>(id: &'a str, who: &'a str, minute: i64, plan: &'a str) -> Message<'a> {
    Message {
        object: "identify".into(),
        kind: MessageKind::Traits,
        fields: vec![("plan".into(), Datum::Text(plan.into()))],
        ..bought(id, who, minute, 0)
    }
}

fn traits_of(fixture: &Fixture, name: &str) -> Vec<String> {
    let snapshot = fixture.lake.snapshot();
    let grant = grant(snapshot.known().clone(), &[FieldRef::Trait(name.to_owned())]);
    let values = trait_of(&snapshot, &grant, name).expect("the trait is granted");
    (0..values.len())
        .map(|row| text_of(&values, row))
        .map(|text| if text.is_empty() { "-".into() } else { text })
        .collect()
}

#[test]
fn what_is_claimed_never_stands_before_what_somebody_vouches_for() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let mail = |message: Message<'static>, address: &'static str| Message {
        direct: vec![("email".into(), address.into())],
        ..message
    };
    let known = mail(plan_of("a", "ann", 1, "gold"), "ann@example.com");
    let claimed = mail(Message { is_claimed: true, ..plan_of("b", "ann", 9, "free") }, "thief@example.com");
    let only_claimed = Message { is_claimed: true, ..plan_of("c", "bob", 9, "silver") };
    acknowledge(&log, &[known, claimed, only_claimed].map(Arrival::Message));
    land_all(&fixture, &log);
    let mut plans = traits_of(&fixture, "plan");
    plans.sort();
    assert_eq!(plans, ["gold", "silver"]);
    let snapshot = fixture.lake.snapshot();
    let email = [FieldRef::Trait("email".to_owned())];
    let grant = grant_of(snapshot.known().clone(), &email, Release::List, FieldClass::Direct);
    let everybody: Vec<_> = snapshot
        .known()
        .iter()
        .map(|number| spec::PersonId::from_stored(i64::try_from(number).expect("it is small")).expect("it is one"))
        .collect();
    let mut addresses = snapshot.identifiers(&grant, "email", &everybody).expect("it is granted");
    addresses.sort();
    assert_eq!(addresses, [None, Some("ann@example.com".to_owned())]);
}

#[test]
fn single_traits_of_messages_add_up_and_rows_of_files_leave_them_alone() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let language =
        Message { fields: vec![("language".into(), Datum::Text("de".into()))], ..plan_of("b", "customer-ann", 5, "") };
    acknowledge(&log, &[plan_of("a", "customer-ann", 1, "gold"), language].map(Arrival::Message));
    land_all(&fixture, &log);
    assert_eq!(
        (traits_of(&fixture, "plan"), traits_of(&fixture, "language")),
        (vec!["gold".to_owned()], vec!["de".to_owned()])
    );
    let cards: Object = object(
        "cards",
        ObjectKind::Traits,
        Some("at"),
        vec![
            field("customer", ValueType::Text, true),
            field("at", ValueType::Timestamp, true),
            field("card", ValueType::Text, false),
        ],
    );
    fixture.import(&cards, "c.csv", b"customer,at,card\nann,2017-01-01T00:00:00Z,blue\n").expect("it is good");
    assert_eq!(traits_of(&fixture, "plan"), ["gold"]);
    assert_eq!(traits_of(&fixture, "card"), ["blue"]);
}

#[test]
fn a_visitor_who_signs_in_by_a_source_that_vouches_is_the_same_person() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let visit = by_visitor("v1", None, bought("m1", "", 1, 1));
    let sign_in = by_visitor("v1", Some("ann"), bought("m2", "", 2, 2));
    let later = bought("m3", "ann", 3, 3);
    let elsewhere = by_visitor("v2", Some("ann"), bought("m4", "", 4, 4));
    let there = by_visitor("v2", None, bought("m5", "", 5, 5));
    acknowledge(&log, &[visit, sign_in, later, elsewhere, there].map(Arrival::Message));
    land_all(&fixture, &log);
    assert_eq!(fixture.lake.snapshot().known().len(), 1);
    // A second user in the same browser is somebody else, and so is whom a public key names.
    let other = by_visitor("v1", Some("bob"), bought("m6", "", 6, 6));
    let claimed = Message { is_claimed: true, ..by_visitor("v3", Some("cid"), bought("m7", "", 7, 7)) };
    let stranger = by_visitor("v3", None, bought("m8", "", 8, 8));
    acknowledge(&log, &[other, claimed, stranger].map(Arrival::Message));
    land_all(&fixture, &log);
    assert_eq!(fixture.lake.snapshot().known().len(), 4);
    let fixture = fixture.reopened();
    assert_eq!(fixture.lake.snapshot().known().len(), 4);
}

#[test]
fn values_whose_column_has_another_type_by_now_are_kept_beside() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let retyped =
        Message { fields: vec![("amount".into(), Datum::Text("12 apples".into()))], ..bought("m2", "ann", 2, 0) };
    acknowledge(&log, &[bought("m1", "ann", 1, 10), retyped].map(Arrival::Message));
    assert_eq!(land_all(&fixture, &log), (2, 0));
    let rows = events_in(&fixture);
    assert!(rows.len() == 2 && rows.iter().any(|row| row.contains("0.10")), "{rows:?}");
}

#[test]
fn a_lost_log_folder_does_not_hide_what_comes_next() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    acknowledge(&log, &[Arrival::Message(bought("m1", "ann", 1, 10))]);
    land_all(&fixture, &log);
    drop(log);
    std::fs::remove_dir_all(fixture.folder.path().join("data/intake")).expect("it is there");
    let fixture = fixture.reopened();
    let log = log_of(&fixture);
    acknowledge(&log, &[Arrival::Message(bought("m2", "ann", 2, 10))]);
    assert_eq!(land_all(&fixture, &log), (1, 0));
}

#[test]
fn a_log_that_is_lost_after_half_a_landing_hides_nothing_either() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    acknowledge(&log, &[Arrival::Message(bought("m1", "ann", 1, 10)), aside(), aside(), aside()]);
    *fixture.lake.fail_after_landing.lock().expect("nobody panics here") = Some(LandingStage::Books);
    fixture.lake.land(&log).expect_err("the landing ends early");
    drop(log);
    std::fs::remove_dir_all(fixture.folder.path().join("data/intake")).expect("it is there");
    let fixture = fixture.reopened();
    let log = log_of(&fixture);
    acknowledge(&log, &[Arrival::Message(bought("m2", "bob", 2, 10)), aside()]);
    assert_eq!(land_all(&fixture, &log), (1, 0));
    assert_eq!(quarantined(&fixture), 4);
    assert_eq!(events_in(&fixture).len(), 1, "and whoever it is about is known");
}

#[test]
fn who_has_the_public_key_cannot_take_the_id_of_what_a_server_sends() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let forged = Message { is_claimed: true, ..bought("order-17", "ann", 1, 0) };
    acknowledge(&log, &[forged.clone(), bought("order-17", "ann", 2, 4_200), forged].map(Arrival::Message));
    assert_eq!(land_all(&fixture, &log), (2, 1));
    assert!(events_in(&fixture).iter().any(|row| row.contains("|42.00|")));
}

#[test]
fn files_that_were_folded_do_not_stay() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    for n in 0..40 {
        acknowledge(&log, &[Arrival::Message(bought(&format!("m{n}"), &format!("c{n}"), n, 10)), aside()]);
        land_all(&fixture, &log);
    }
    for table in ["books", "people", "quarantine"] {
        let entries = std::fs::read_dir(fixture.folder.path().join("data").join(table)).expect("it is there");
        assert!(entries.count() < 20, "{table}");
    }
    assert_eq!(quarantined(&fixture), 40);
}

#[test]
fn s15_a_filter_that_says_perhaps_drops_nothing() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let send = |first: u32, n: u32| {
        let ids: Vec<String> = (first..first + n).map(|id| format!("m{id}")).collect();
        for some in ids.chunks(500) {
            let messages = some.iter().map(|id| Arrival::Message(bought(id, "ann", 1, 1)));
            acknowledge(&log, &messages.collect::<Vec<_>>());
        }
        land_all(&fixture, &log)
    };
    assert_eq!(send(0, 5_000), (5_000, 0));
    // Of so many new ids some look like known ones to the filters; the rows say that they are not.
    assert_eq!(send(5_000, 40_000), (40_000, 0));
    assert_eq!(send(0, 45_000), (0, 45_000));
}
