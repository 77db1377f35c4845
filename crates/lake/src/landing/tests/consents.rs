//! What signals say of consent, from the log to who may be used.

use super::{JUNE, MINUTE, acknowledge, bought, land_all, log_of};
use crate::landing::LandingStage;
use crate::tests::fixture::{Fixture, purpose};
use crate::vault::{ANONYMOUS_ID, USER_ID};
use crate::{Alias, Arrival, Consent, Origin, Random, SeededRandom};
use chrono::DateTime;
use spec::ConsentState::{self, Denied, Granted, Silent};
use spec::{Basis, Purpose};
use std::collections::BTreeMap;

const SIGNALS: [&str; 2] = ["categories", "tcf"];
const PURPOSES: [&str; 2] = ["ads", "email"];

/// What a user says with a signal in a minute of June; a server vouches for it.
fn said<'a>(user: &'a str, signal: &'a str, minute: i64, said: &[(&'a str, bool)]) -> Consent<'a> {
    Consent {
        origin: Origin { source: "shop".into(), key: "till".into() },
        received_micros: JUNE + minute * MINUTE,
        at_micros: Some(JUNE + minute * MINUTE),
        user_id: Some(user.into()),
        anonymous_id: None,
        is_claimed: false,
        signal: signal.into(),
        text_version: Some("2017-05".into()),
        said: said.iter().map(|(purpose, is_yes)| ((*purpose).into(), *is_yes)).collect(),
        is_message: false,
    }
}

fn land(fixture: &Fixture, consents: &[Consent<'_>]) {
    let log = log_of(fixture);
    acknowledge(&log, &consents.iter().cloned().map(Arrival::Consent).collect::<Vec<_>>());
    land_all(fixture, &log);
}

fn state(fixture: &Fixture, kind: &'static str, id: &str, purpose: &str) -> ConsentState {
    let person = fixture.lake.vault_for_tests().draft().known(kind, id);
    person.map_or(Silent, |person| fixture.lake.snapshot().state_of(person, purpose))
}

fn of(fixture: &Fixture, user: &str) -> ConsentState {
    state(fixture, USER_ID, user, "ads")
}

#[test]
fn the_last_word_of_each_signal_counts_and_the_narrowest_of_all() {
    let fixture = Fixture::new();
    land(&fixture, &[said("ann", "categories", 1, &[("ads", true), ("email", true)])]);
    assert_eq!(of(&fixture, "ann"), Granted);
    land(&fixture, &[said("ann", "gpc", 2, &[("ads", false)])]);
    assert_eq!(of(&fixture, "ann"), Denied);
    assert_eq!(state(&fixture, USER_ID, "ann", "email"), Granted, "that is another purpose");
    land(&fixture, &[said("ann", "categories", 3, &[("ads", false)]), said("ann", "categories", 4, &[("ads", true)])]);
    assert_eq!(of(&fixture, "ann"), Denied, "the browser has not taken its word back");
    land(&fixture, &[said("bob", "categories", 1, &[("ads", false)]), said("bob", "categories", 2, &[("ads", true)])]);
    assert_eq!(of(&fixture, "bob"), Granted);
    assert_eq!(of(&fixture.reopened(), "ann"), Denied);
}

/// How many had said yes and how many no, at these minutes of June.
fn counts(fixture: &Fixture, purpose: &str, minutes: &[i64]) -> Vec<[u64; 2]> {
    let instant = |minute: &i64| DateTime::from_timestamp_micros(JUNE + minute * MINUTE).expect("it is an instant");
    let instants: Vec<_> = minutes.iter().map(instant).collect();
    let rules: (&[_], &[_]) = (&[purpose_of(purpose)], &[]);
    let mut history = fixture.lake.consent_history(rules, &instants).expect("the ledger can be read");
    let places = history.remove(0);
    let sum = |at: usize, side: usize| places.iter().map(|place| place.said[at][side]).sum();
    (0..instants.len()).map(|at| [sum(at, 0), sum(at, 1)]).collect()
}

fn purpose_of(name: &str) -> Purpose {
    Purpose { name: name.to_owned(), ..purpose("any", Basis::Consent) }
}

#[test]
fn who_had_agreed_is_told_for_any_time_and_the_narrowest_counted_then() {
    let fixture = Fixture::new();
    let yes_and_no = [
        said("ann", "categories", 10, &[("ads", true)]),
        said("bob", "categories", 10, &[("ads", true)]),
        said("ann", "gpc", 20, &[("ads", false)]),
        said("bob", "preferences", 30, &[("ads", false)]),
        said("bob", "preferences", 40, &[("ads", true)]),
    ];
    land(&fixture, &yes_and_no);
    let over_time = counts(&fixture, "ads", &[9, 10, 20, 30, 39, 40, 50]);
    assert_eq!(over_time, [[0, 0], [2, 0], [1, 1], [0, 2], [0, 2], [1, 1], [1, 1]]);
    assert_eq!(counts(&fixture, "email", &[50]), [[0, 0]]);
    // A person who turns out to be another one is one of them, and as narrow as both.
    let log = log_of(&fixture);
    let (origin, received_micros) = (Origin { source: "shop".into(), key: "till".into() }, JUNE + 60 * MINUTE);
    let alias = Alias { origin, received_micros, user_id: "bob".into(), previous_id: "ann".into() };
    acknowledge(&log, &[Arrival::Alias(alias)]);
    land_all(&fixture, &log);
    fixture.lake.settle(true).expect("rows can move");
    assert_eq!(counts(&fixture, "ads", &[10, 20, 50]), [[1, 0], [0, 1], [0, 1]]);
    let fixture = fixture.reopened();
    assert_eq!(counts(&fixture, "ads", &[10, 20, 50]), [[1, 0], [0, 1], [0, 1]]);
    assert_eq!(fixture.lake.snapshot().last_word().map(|last| last.timestamp_micros()), Some(JUNE + 40 * MINUTE));
}

#[test]
fn one_person_is_told_how_they_stand_and_by_which_signal() {
    let fixture = Fixture::new();
    let told = |fixture: &Fixture, user: &str| {
        let standing = fixture.lake.snapshot().standing(user, &purpose_of("ads"), &[]);
        let words: Vec<(String, bool, bool)> =
            standing.words.into_iter().map(|word| (word.signal, word.is_yes, word.since.is_some())).collect();
        (standing.withheld, words)
    };
    assert_eq!(told(&fixture, "ann"), (Some("consent"), vec![]), "nobody knows Ann");
    land(&fixture, &[said("ann", "preferences", 1, &[("ads", true)]), said("bob", "api", 1, &[("ads", true)])]);
    assert_eq!(told(&fixture, "ann"), (None, vec![("preferences".to_owned(), true, false)]));
    land(&fixture, &[said("ann", "gpc", 2, &[("ads", false)])]);
    let both = vec![("gpc".to_owned(), false, true), ("preferences".to_owned(), true, false)];
    assert_eq!(told(&fixture, "ann"), (Some("consent"), both.clone()));
    assert_eq!(told(&fixture.reopened(), "ann"), (Some("consent"), both));
}

#[test]
fn a_yes_that_is_sent_again_does_not_undo_a_later_no() {
    let fixture = Fixture::new();
    let yes = said("ann", "categories", 1, &[("ads", true)]);
    land(&fixture, std::slice::from_ref(&yes));
    land(&fixture, &[said("ann", "categories", 5, &[("ads", false)])]);
    land(&fixture, &[Consent { received_micros: JUNE + 9 * MINUTE, ..yes.clone() }]);
    assert_eq!(of(&fixture, "ann"), Denied);
    // Nor does one that says to come from the future.
    land(
        &fixture,
        &[Consent { at_micros: Some(JUNE + 99 * MINUTE), received_micros: JUNE + 4 * MINUTE, ..yes.clone() }],
    );
    assert_eq!(of(&fixture, "ann"), Denied);
    // Nor one that does not say when it was given.
    land(&fixture, &[Consent { at_micros: None, received_micros: JUNE + 9 * MINUTE, ..yes.clone() }]);
    assert_eq!(of(&fixture, "ann"), Denied);
    // A no that is repeated is a new one.
    land(&fixture, &[said("ann", "categories", 20, &[("ads", false)])]);
    land(
        &fixture,
        &[Consent { at_micros: Some(JUNE + 15 * MINUTE), received_micros: JUNE + 22 * MINUTE, ..yes.clone() }],
    );
    assert_eq!(of(&fixture, "ann"), Denied);
    land(&fixture, &[said("ann", "categories", 25, &[("ads", true)])]);
    assert_eq!(of(&fixture, "ann"), Granted);
    assert_eq!(of(&fixture.reopened(), "ann"), Granted);
}

#[test]
fn case_23_what_a_public_key_says_can_only_narrow() {
    let fixture = Fixture::new();
    let claimed = |consent: Consent<'static>| Consent { is_claimed: true, ..consent };
    land(&fixture, &[claimed(said("ann", "categories", 1, &[("ads", true)]))]);
    assert_eq!(of(&fixture, "ann"), Silent, "nobody but Ann can say yes");
    land(&fixture, &[claimed(said("ann", "categories", 2, &[("ads", false)]))]);
    assert_eq!(of(&fixture, "ann"), Denied);
    let visitor = |minute, is_yes| {
        let said = said("", "categories", minute, &[("ads", is_yes)]);
        claimed(Consent { user_id: None, anonymous_id: Some("v-1".into()), ..said })
    };
    land(&fixture, &[visitor(1, true)]);
    assert_eq!(state(&fixture, ANONYMOUS_ID, "v-1", "ads"), Granted, "a visitor speaks for themselves");
    // The visitor turns out to be Bob: whoever knows the id of his browser is not Bob.
    let log = log_of(&fixture);
    let bought = bought("1", "bob", 3, 100);
    acknowledge(&log, &[Arrival::Message(crate::Message { anonymous_id: Some("v-2".into()), ..bought })]);
    land_all(&fixture, &log);
    drop(log);
    let of_bob = |minute, is_yes| Consent { anonymous_id: Some("v-2".into()), ..visitor(minute, is_yes) };
    land(&fixture, &[of_bob(4, true)]);
    assert_eq!(of(&fixture, "bob"), Silent);
    land(&fixture, &[of_bob(5, false)]);
    assert_eq!(of(&fixture, "bob"), Denied);
}

#[test]
fn case_81_one_device_that_objects_is_enough() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    // Ann signs in on both of her devices.
    let visit = |id: &'static str, device: &'static str| {
        let bought = bought(id, "ann", 1, 100);
        Arrival::Message(crate::Message { anonymous_id: Some(device.into()), ..bought })
    };
    acknowledge(&log, &[visit("1", "laptop"), visit("2", "phone")]);
    land_all(&fixture, &log);
    drop(log);
    let yes =
        |minute| Consent { anonymous_id: Some("phone".into()), ..said("ann", "categories", minute, &[("ads", true)]) };
    land(&fixture, &[yes(2)]);
    assert_eq!(of(&fixture, "ann"), Granted);
    // The laptop is not signed in when its browser objects.
    let objection = said("", "gpc", 3, &[("ads", false)]);
    let objection = Consent { user_id: None, anonymous_id: Some("laptop".into()), is_claimed: true, ..objection };
    land(&fixture, &[objection]);
    let denied = |fixture: &Fixture, case: &str| {
        for (kind, id) in [(USER_ID, "ann"), (ANONYMOUS_ID, "laptop"), (ANONYMOUS_ID, "phone")] {
            assert_eq!(state(fixture, kind, id, "ads"), Denied, "{case}: {id}");
        }
    };
    denied(&fixture, "the browser's word is newer");
    land(&fixture, &[yes(9)]);
    denied(&fixture, "a later yes of the other device");
    let by_string = said("ann", "tcf", 10, &[("ads", true)]);
    land(&fixture, &[Consent { anonymous_id: Some("phone".into()), ..by_string }]);
    denied(&fixture, "a yes by another signal");
    denied(&fixture.reopened(), "read anew");
}

#[test]
fn consent_teaches_the_vault_what_its_message_would() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let visit = |id: &'static str, user: Option<&'static str>| crate::Message {
        user_id: user.map(Into::into),
        anonymous_id: Some("v-1".into()),
        ..bought(id, "", 1, 100)
    };
    acknowledge(&log, &[Arrival::Message(visit("1", None))]);
    land_all(&fixture, &log);
    let consent = Consent { anonymous_id: Some("v-1".into()), ..said("ann", "gpc", 2, &[("ads", false)]) };
    acknowledge(&log, &[Arrival::Consent(consent), Arrival::Message(visit("2", Some("ann")))]);
    land_all(&fixture, &log);
    let draft = fixture.lake.vault_for_tests().draft();
    assert_eq!(draft.known(USER_ID, "ann"), draft.known(ANONYMOUS_ID, "v-1"), "one person, not two");
    // Where the two are two people, a no is that of both.
    let other = Consent { anonymous_id: Some("v-1".into()), ..said("bob", "tcf", 3, &[("email", false)]) };
    acknowledge(&log, &[Arrival::Consent(other)]);
    land_all(&fixture, &log);
    drop(log);
    assert_eq!(state(&fixture, USER_ID, "bob", "email"), Denied);
    assert_eq!(state(&fixture, ANONYMOUS_ID, "v-1", "email"), Denied);
}

/// A word of one of three users: whether it is a yes, when it was said, and when it was received, in minutes.
struct Step {
    user: usize,
    purpose: usize,
    signal: usize,
    is_yes: bool,
    at: i64,
    received: i64,
}

const USERS: [&str; 3] = ["ann", "bob", "eve"];

impl Step {
    /// Drawn for the n-th landing: receipts go on from landing to landing, what was said may be older.
    fn drawn(random: &SeededRandom, n: i64) -> Step {
        let mut bytes = [0; 6];
        random.fill(&mut bytes);
        let [user, purpose, signal, is_yes, at, late] = bytes;
        Step {
            user: usize::from(user) % USERS.len(),
            purpose: usize::from(purpose) % PURPOSES.len(),
            signal: usize::from(signal) % SIGNALS.len(),
            is_yes: is_yes % 2 == 0,
            at: i64::from(at) % 40,
            received: n * 20 + i64::from(late) % 20,
        }
    }

    fn arrival(&self) -> Arrival<'static> {
        let consent = said(USERS[self.user], SIGNALS[self.signal], self.at, &[(PURPOSES[self.purpose], self.is_yes)]);
        Arrival::Consent(Consent { received_micros: JUNE + self.received * MINUTE, ..consent })
    }
}

/// Since when each signal of each user denies each purpose; `None`: the last word is a yes.
type Model = BTreeMap<(usize, usize, usize), Option<i64>>;

fn tell(model: &mut Model, step: &Step) {
    let key = (step.user, step.purpose, step.signal);
    let known = model.get(&key).copied();
    match (known, step.is_yes) {
        (None, true) => drop(model.insert(key, None)),
        (Some(Some(since)), true) if step.at.min(step.received) > since => drop(model.insert(key, None)),
        (None | Some(None), false) => drop(model.insert(key, Some(step.received))),
        (Some(Some(since)), false) if step.received >= since + 10 => drop(model.insert(key, Some(step.received))),
        _ => {}
    }
}

fn expected(model: &Model, user: usize, purpose: usize) -> ConsentState {
    let words: Vec<_> = (0..2).filter_map(|signal| model.get(&(user, purpose, signal))).collect();
    match words.as_slice() {
        [] => Silent,
        words if words.iter().any(|since| since.is_some()) => Denied,
        _ => Granted,
    }
}

/// Landings, a crash within the first and a fresh start: the ledger in memory, the one read anew and the model are the same.
#[test]
fn what_is_told_as_it_comes_is_what_the_table_tells() {
    use LandingStage::{Books, Consents, Events, People, Quarantine, Traits, Vault};
    let stages = [Vault, Quarantine, People, Consents, Traits, Books, Events];
    for seed in 0..28_u64 {
        let random = SeededRandom::new(seed);
        let (mut fixture, mut model) = (Fixture::new(), Model::new());
        let stage = stages[usize::try_from(seed).expect("it is small") % stages.len()];
        for n in 0..4 {
            let steps: Vec<Step> = (0..6).map(|_| Step::drawn(&random, n)).collect();
            let log = log_of(&fixture);
            acknowledge(&log, &steps.iter().map(Step::arrival).collect::<Vec<_>>());
            if n == 0 {
                *fixture.lake.fail_after_landing.lock().expect("nobody panics here") = Some(stage);
                fixture.lake.land(&log).expect_err("the landing ends early");
                *fixture.lake.fail_after_landing.lock().expect("nobody panics here") = None;
                drop(log);
                fixture = fixture.reopened();
                land_all(&fixture, &log_of(&fixture));
            } else {
                land_all(&fixture, &log);
            }
            steps.iter().for_each(|step| tell(&mut model, step));
        }
        for is_reopened in [false, true] {
            fixture = if is_reopened { fixture.reopened() } else { fixture };
            for (user, name) in USERS.into_iter().enumerate() {
                for (purpose, title) in PURPOSES.into_iter().enumerate() {
                    let found = state(&fixture, USER_ID, name, title);
                    assert_eq!(found, expected(&model, user, purpose), "seed {seed} {name} {title} {is_reopened}");
                }
            }
            for (purpose, title) in PURPOSES.into_iter().enumerate() {
                let n =
                    |wanted| (0..USERS.len()).filter(|user| expected(&model, *user, purpose) == wanted).count() as u64;
                assert_eq!(counts(&fixture, title, &[9_999]), [[n(Granted), n(Denied)]], "seed {seed} {title}");
            }
        }
    }
}
