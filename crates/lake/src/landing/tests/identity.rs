//! Merging people and taking it back: rows, traits, places and consents follow, and nothing of it leaves a trace.

use super::super::LandingStage;
use super::{acknowledge, bought, by_visitor, events_in, land_all, log_of};
use crate::tests::fixture::{Fixture, events, field, grant, object, purchase, text_of, trait_of};
use crate::{Alias, Arrival, Datum, MergeChange, Message, MessageKind, Origin, Random, SeededRandom};
use spec::{ErrorKind, FieldRef, ObjectKind, ValueType};
use std::borrow::Cow;
use std::collections::BTreeSet;

fn alias(previous: &str, user: &str) -> Arrival<'static> {
    Arrival::Alias(Alias {
        origin: Origin { source: "shop".into(), key: "till".into() },
        received_micros: super::JUNE,
        user_id: Cow::Owned(user.to_owned()),
        previous_id: Cow::Owned(previous.to_owned()),
    })
}

fn identify<'a>(id: &'a str, visitor: Option<&'a str>, user: &'a str, country: &'a str) -> Arrival<'a> {
    let message = Message {
        kind: MessageKind::Traits,
        object: "customer".into(),
        fields: vec![("country".into(), Datum::Text(country.into()))],
        anonymous_id: visitor.map(Cow::Borrowed),
        ..bought(id, user, 1, 0)
    };
    Arrival::Message(message)
}

fn visit<'a>(id: &'a str, visitor: &'a str, minute: i64) -> Arrival<'a> {
    Arrival::Message(by_visitor(visitor, None, bought(id, "", minute, 100)))
}

fn buy<'a>(id: &'a str, user: &'a str, minute: i64) -> Arrival<'a> {
    Arrival::Message(bought(id, user, minute, 200))
}

/// How many people the rows of events are of.
fn n_people(fixture: &Fixture) -> usize {
    let people: BTreeSet<String> =
        events_in(fixture).iter().filter_map(|row| row.split('|').next().map(str::to_owned)).collect();
    assert_eq!(people.len() as u64, fixture.lake.snapshot().known().len(), "the ledger knows the same people");
    people.len()
}

#[test]
fn an_identify_makes_a_visitor_and_a_user_one_until_it_is_undone() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    acknowledge(&log, &[visit("v1", "cookie", 1), buy("b1", "ann", 2), visit("v2", "cookie", 3)]);
    land_all(&fixture, &log);
    let _ = fixture.lake.compact().expect("the disk has room");
    let former = events_in(&fixture);
    assert_eq!(n_people(&fixture), 2);
    acknowledge(&log, &[identify("i1", Some("cookie"), "ann", "CH"), visit("v3", "cookie", 4)]);
    land_all(&fixture, &log);
    assert_eq!(n_people(&fixture), 2, "nobody has moved yet");
    let done = fixture.lake.settle(true).expect("the disk has room").expect("there is a merge");
    assert_eq!(done.n_moved, 3);
    assert_eq!(n_people(&fixture), 1);
    let rows = events_in(&fixture);
    assert_eq!(rows.len(), 4);
    assert!(rows.is_sorted(), "in the order of time: {rows:?}");
    // Later messages of either, and repeats from before, are of the one.
    acknowledge(&log, &[visit("v1", "cookie", 1), visit("v4", "cookie", 5), buy("b2", "ann", 6)]);
    assert_eq!(land_all(&fixture, &log), (2, 1));
    assert_eq!(n_people(&fixture), 1);
    assert_eq!(fixture.lake.settle(true).expect("the disk has room"), None);
    drop(log);
    let fixture = fixture.reopened();
    assert_eq!(n_people(&fixture), 1, "it is remembered");
    fixture.lake.undo_merge(0, "somebody").expect("it is there");
    assert_eq!(n_people(&fixture), 2);
    let rows = events_in(&fixture);
    assert_eq!(former.iter().filter(|row| !rows.contains(row)).count(), 0, "{rows:?}");
    assert_eq!(rows.len(), 6);
    let log = log_of(&fixture);
    acknowledge(&log, &[identify("i2", Some("cookie"), "ann", "CH"), visit("v1", "cookie", 1)]);
    assert_eq!(land_all(&fixture, &log), (1, 1));
    let _ = fixture.lake.settle(true).expect("the disk has room");
    assert_eq!(n_people(&fixture), 2, "what was undone is not done again");
    assert_eq!(fixture.lake.undo_merge(0, "x").expect_err("it is undone").kind, ErrorKind::Conflict);
    assert_eq!(fixture.lake.undo_merge(9, "x").expect_err("there is none").kind, ErrorKind::NotFound);
    fixture.lake.undo_merge(1, "somebody").expect("an undoing can be undone");
    assert_eq!(n_people(&fixture), 1);
    let (entries, n_counting) = fixture.lake.merges(None);
    assert_eq!(entries.iter().map(|entry| entry.is_undone).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(fixture.lake.merges(Some("cookie")).0, entries);
    assert_eq!(fixture.lake.merges(Some("nobody")).0, []);
    assert!(matches!(entries[2].change, MergeChange::Undo(1)) && entries[2].by == "somebody" && n_counting == 3);
}

#[test]
fn traits_places_and_consents_follow() {
    let fixture = Fixture::new();
    let consents = object(
        "consent",
        ObjectKind::Consent,
        Some("at"),
        ["customer", "at", "purpose", "state"]
            .map(|name| field(name, if name == "at" { ValueType::Timestamp } else { ValueType::Text }, true))
            .into(),
    );
    let log = log_of(&fixture);
    acknowledge(&log, &[buy("b1", "customer-old", 1), buy("b2", "customer-new", 2)]);
    land_all(&fixture, &log);
    let told =
        b"customer,at,purpose,state\nold,2017-06-01T00:00:00Z,email,denied\nnew,2017-06-02T00:00:00Z,email,granted\n";
    fixture.import(&consents, "c.csv", told).expect("it is good");
    acknowledge(&log, &[identify("i1", None, "customer-old", "CH"), alias("customer-old", "customer-new")]);
    land_all(&fixture, &log);
    let _ = fixture.lake.settle(true).expect("the disk has room");
    let snapshot = fixture.lake.snapshot();
    let one = spec::PersonId::from_stored(i64::try_from(snapshot.known().min().expect("one is known")).expect("small"));
    let one = one.expect("it is a person");
    assert_eq!(snapshot.known().len(), 1);
    assert_eq!(snapshot.state_of(one, "email"), spec::ConsentState::Denied, "the narrower word counts");
    assert_eq!(snapshot.places().len(), 1);
    assert_eq!(snapshot.places()[0].country.as_deref(), Some("CH"));
    let country = FieldRef::Trait("country".to_owned());
    let countries = trait_of(&snapshot, &grant(snapshot.known().clone(), &[country]), "country");
    assert_eq!(text_of(&countries.expect("it is granted"), 0), "CH");
    fixture.lake.undo_merge(0, "somebody").expect("it is there");
    let snapshot = fixture.lake.snapshot();
    assert_eq!((snapshot.known().len(), snapshot.places().len()), (2, 2));
    let states: BTreeSet<_> = snapshot
        .known()
        .iter()
        .map(|number| spec::PersonId::from_stored(i64::try_from(number).expect("small")).expect("it is a person"))
        .map(|person| format!("{:?}", snapshot.state_of(person, "email")))
        .collect();
    assert_eq!(states.len(), 2);
}

#[test]
fn only_who_may_be_one_becomes_one() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    // A browser that two people use: whoever was there first keeps the visits.
    acknowledge(&log, &[visit("v1", "shared", 1), buy("b1", "ann", 1), buy("b2", "bob", 1)]);
    acknowledge(&log, &[identify("i1", Some("shared"), "ann", "CH"), identify("i2", Some("shared"), "bob", "CH")]);
    // What a browser says merges nobody.
    let claimed = match identify("i3", Some("shared"), "bob", "CH") {
        Arrival::Message(message) => Arrival::Message(Message { is_claimed: true, ..message }),
        other => other,
    };
    acknowledge(&log, &[claimed]);
    land_all(&fixture, &log);
    let _ = fixture.lake.settle(true).expect("the disk has room");
    assert_eq!(n_people(&fixture), 2);
    // Nobody swallows everybody.
    let users: Vec<String> = (0..80).map(|n| format!("u{n}")).collect();
    acknowledge(&log, &users.iter().map(|user| buy("x", user, 2)).collect::<Vec<_>>());
    acknowledge(&log, &users.iter().map(|user| alias(user, "ann")).collect::<Vec<_>>());
    land_all(&fixture, &log);
    let _ = fixture.lake.settle(true).expect("the disk has room");
    // The visitor and 62 others: 64 people in one.
    assert_eq!(n_people(&fixture), 2 + 80 - 62);
    let rejected: u64 = fixture.lake.snapshot().books().iter().map(|line| line.rejected).sum();
    assert_eq!(rejected, 18);
}

/// Each seed is one history; `ENTENTE_SEEDS` says how many, `ENTENTE_SEED` which is the first.
#[test]
fn once_undone_a_merge_has_never_been() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (n_seeds, first) = (number("ENTENTE_SEEDS").unwrap_or(8), number("ENTENTE_SEED").unwrap_or(0));
    for seed in first..first + n_seeds {
        println!("seed {seed}");
        let (merged, plain) = (History::new(seed, true), History::new(seed, false));
        let (merged, plain) = (merged.run(), plain.run());
        for entry in merged.lake.merges(None).0 {
            merged.lake.undo_merge(entry.number, "the test").expect("it counts");
        }
        assert_eq!(events_in(&merged), events_in(&plain));
        assert_eq!(merged.lake.snapshot().known(), plain.lake.snapshot().known());
        assert_eq!(merged.lake.snapshot().places(), plain.lake.snapshot().places());
        let _ = merged.lake.compact().expect("the disk has room");
        assert_eq!(events_in(&merged), events_in(&plain), "and so it stays");
    }
}

/// A history in a world that merges, or in one that does not.
struct History {
    random: SeededRandom,
    fixture: Fixture,
    merges: bool,
}

impl History {
    fn new(seed: u64, merges: bool) -> History {
        History { random: SeededRandom::new(seed), fixture: Fixture::new(), merges }
    }

    fn draw(&self, below: u64) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes) % below
    }

    fn run(mut self) -> Fixture {
        let mut log = log_of(&self.fixture);
        // Everybody is there before anybody is merged, in both worlds.
        for who in 0..10 {
            let (visitor, user) = (format!("v{who}"), format!("customer-u{who}"));
            acknowledge(&log, &[visit("first", &visitor, 1), buy("first", &user, 1)]);
        }
        land_all(&self.fixture, &log);
        let mut files = 0;
        for step in 0..40 {
            let (what, who, other) = (self.draw(12), self.draw(10), self.draw(10));
            let (visitor, user, id) = (format!("v{who}"), format!("customer-u{other}"), format!("m{}", self.draw(60)));
            match what {
                0..=2 => acknowledge(&log, &[visit(&id, &visitor, step), buy(&id, &user, step)]),
                3 => acknowledge(
                    &log,
                    &[identify(&id, Some(&visitor).filter(|_| self.merges).map(String::as_str), &user, "CH")],
                ),
                4 if self.merges => acknowledge(&log, &[alias(&format!("customer-u{who}"), &user)]),
                5 | 6 => drop(land_all(&self.fixture, &log)),
                7 => drop(self.fixture.lake.settle(true).expect("nothing stops it")),
                8 => drop(self.fixture.lake.compact().expect("nothing stops it")),
                9 => self.crash(&log),
                10 => {
                    files += 1;
                    let rows = format!(
                        "customer,at,amount,shop,id\nu{who},2017-06-01T00:00:00Z,1,s,m{step}\nu{other},2017-06-01T00:00:00Z,1,s,m{}\n",
                        step / 2
                    );
                    let _ = self.fixture.import(&purchase(true), &format!("f{files}.csv"), rows.as_bytes());
                }
                _ => {
                    drop(log);
                    self.fixture = self.fixture.reopened();
                    log = log_of(&self.fixture);
                }
            }
        }
        land_all(&self.fixture, &log);
        let _ = self.fixture.lake.settle(true).expect("nothing stops it");
        let _ = events(&self.fixture, &purchase(true));
        drop(log);
        self.fixture
    }

    fn crash(&self, log: &crate::IntakeLog) {
        use LandingStage::{Books, Consents, Events, People, Quarantine, Traits, Vault};
        let stages = [Vault, Quarantine, People, Consents, Traits, Books, Events];
        let stage = stages[usize::try_from(self.draw(7)).expect("it is small")];
        *self.fixture.lake.fail_after_landing.lock().expect("nobody panics here") = Some(stage);
        let _ = self.fixture.lake.land(log);
        *self.fixture.lake.fail_after_landing.lock().expect("nobody panics here") = None;
    }
}
