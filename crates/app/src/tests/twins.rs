//! Non-interference: what withheld people did and are leaves no trace in anything that a caller can observe.
//!
//! Worlds come in threes that share the ledger (who is known, where, and what they said): in one the withheld people did
//! what people do, in one nothing, in one the facts about them are poison. `ENTENTE_TWINS` sets how many threes are tried.

use super::questions::{Dice, question};
use super::world::{Setup, World};
use api::{EncodeFormat, Input, Product};
use serde_json::{Value as Json, json};
use spec::Answer;
use std::fmt::Write;

const SEED: u64 = 1_000;
const QUESTIONS: usize = 110;
const PURPOSES: [&str; 3] = ["analytics", "email", "ads"];
const USERS: [&str; 4] = ["marketer", "officer", "executive", "engineer"];

/// What is there of the people whom no purpose may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Facts {
    Present,
    Absent,
    Poisoned,
}

#[test]
fn withheld_people_leave_no_trace() {
    let n_threes: u64 = std::env::var("ENTENTE_TWINS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    for seed in SEED..SEED + n_threes {
        println!("seed {seed}");
        let [present, absent, poisoned] =
            [Facts::Present, Facts::Absent, Facts::Poisoned].map(|facts| small_world(seed, facts).open());
        for user in USERS {
            assert_same(&views(&present, user), &views(&absent, user), &format!("seed {seed}, {user}, absent"));
            assert_same(&views(&present, user), &views(&poisoned, user), &format!("seed {seed}, {user}, poisoned"));
        }
        let mut dice = Dice::new(seed);
        for _ in 0..QUESTIONS {
            let json = question(&mut dice, &PURPOSES);
            let user = dice.pick(&USERS);
            let expected = observed(&present, user, &json);
            assert_same(&expected, &observed(&absent, user, &json), &format!("seed {seed}, {user}, absent: {json}"));
            assert_same(
                &expected,
                &observed(&poisoned, user, &json),
                &format!("seed {seed}, {user}, poisoned: {json}"),
            );
        }
    }
}

#[test]
fn a_purpose_that_uses_everybody_tells_the_worlds_apart() {
    let worlds = [Facts::Present, Facts::Absent, Facts::Poisoned].map(|facts| small_world(SEED, facts).open());
    let count = json!({ "kind": "trend", "purpose": "care", "measure": "count(*)", "by": "none" });
    let who = json!({ "kind": "audience", "purpose": "care", "where": "did(visit)" });
    for json in [count, who] {
        let [present, absent, poisoned] = [0, 1, 2].map(|world| observed(&worlds[world], "keeper", &json));
        assert!(present != absent && present != poisoned && absent != poisoned, "{json}: {present}");
    }
}

/// How large the tables are a budget tells on purpose, with everybody's rows (`docs/workspace.md`): where that turns no verdict,
/// it tells nothing else.
#[test]
fn a_budget_tells_nothing_else() {
    let worlds = [Facts::Present, Facts::Absent, Facts::Poisoned].map(|facts| {
        let mut setup = small_world(SEED, facts);
        add_budget(&mut setup, "[executive, marketer]");
        setup.open()
    });
    // Those who may be used did something before these days and after them, so that all there is is looked at in every world.
    let spring = json!({ "from": "2024-03-01", "to": "2024-05-01" });
    let questions = [
        json!({ "kind": "trend", "measure": "count(visit)", "by": "week", "period": spring }),
        json!({ "kind": "trend", "measure": "sum(purchase.amount)", "by": "none", "breakdown": ["store"], "period": spring }),
        json!({ "kind": "trend", "measure": "people(*)", "by": "month" }),
        json!({ "kind": "funnel", "steps": ["visit", "purchase"], "within": "30 days", "period": spring }),
        json!({ "kind": "retention", "start": "visit", "return": "purchase", "by": "month", "periods": 2, "period": spring }),
        json!({ "kind": "paths", "from": "visit", "steps": 2, "top": 3, "period": spring }),
        json!({ "kind": "audience", "where": "did(visit)" }),
    ];
    for mut json in questions {
        json["purpose"] = "analytics".into();
        for user in ["executive", "marketer", "officer"] {
            let [present, absent, poisoned] = [0, 1, 2].map(|world| observed(&worlds[world], user, &json));
            assert_eq!(present.contains("too_costly"), user != "officer", "{user} asks {json}: {present}");
            assert_same(&present, &absent, &format!("{user}, absent: {json}"));
            assert_same(&present, &poisoned, &format!("{user}, poisoned: {json}"));
        }
    }
}

/// The first place where the bytes differ.
fn assert_same(expected: &str, found: &str, case: &str) {
    if expected == found {
        return;
    }
    let at = expected.bytes().zip(found.bytes()).position(|(a, b)| a != b).unwrap_or(expected.len().min(found.len()));
    let show = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(200)..text.len().min(at + 200)]).into_owned()
    };
    panic!("{case}\n--- {}\n+++ {}", show(expected), show(found));
}

/// Everything that comes back for a question.
fn observed(world: &World, user: &str, question: &Json) -> String {
    let who = world.who(user);
    let mut text = String::new();
    let judged = match world.app.judge(&who, question) {
        Ok(Input::Good(judged)) => {
            format!("{} {:?} {}", judged.question.to_json(), judged.people, json_of(&judged.verdict))
        }
        other => format!("{other:?}"),
    };
    let asked = match world.app.ask(&who, question) {
        Ok(Input::Good(asked)) => {
            let answer = asked.answer.map(|answer| answer_bytes(world, answer));
            format!("{} {answer:?}", json_of(&asked.verdict))
        }
        other => format!("{other:?}"),
    };
    let explained = world.app.explain(&who, question).map(|explained| json_of(&explained));
    write!(text, "judged {judged}\nasked {asked}\nexplained {explained:?}").expect("writing to a string cannot fail");
    text
}

/// An answer as JSON and as a file; what it cost is the engineer's to know and left out.
fn answer_bytes(world: &World, mut answer: Answer) -> String {
    (answer.provenance.cost, answer.provenance.forecast) = (None, None);
    let file = world.app.encode(&answer, EncodeFormat::Arrow).expect("an answer can be written");
    format!("{} {file:?}", json_of(&answer))
}

/// What pages show besides answers.
fn views(world: &World, user: &str) -> String {
    let who = world.who(user);
    let (catalog, metrics) = (world.app.catalog(&who), world.app.metrics(&who));
    let (audiences, workspace) = (world.app.audiences(&who), world.app.workspace(&who));
    // The books of a source say how many records came in; they are for those who see operational facts.
    let sources = if who.sees_cost { String::new() } else { format!("{:?}", world.app.sources(&who)) };
    let part = |what: &str, text: String| format!("{what} {text}\n");
    [
        part("catalog", json_of(&catalog.expect("the catalogue can be read"))),
        part("metrics", json_of(&metrics.expect("the metrics can be read"))),
        part("audiences", json_of(&audiences.expect("the audiences can be read"))),
        part("sources", sources),
        part("workspace", json_of(&workspace.expect("the workspace can be read"))),
    ]
    .concat()
}

fn json_of(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("what comes back is plain data")
}

/// One person of a small world.
struct Person {
    name: String,
    place: (&'static str, &'static str),
    /// What was said about each of `PURPOSES`, last word last.
    said: Vec<(&'static str, &'static str)>,
}

const PLACES: [(&str, &str); 6] = [("DE", ""), ("US", "US-CA"), ("US", "US-TX"), ("US", ""), ("FR", ""), ("", "")];

impl Person {
    fn random(dice: &mut Dice, index: usize) -> Person {
        let is_shy = dice.chance(40);
        let mut said = Vec::new();
        for purpose in PURPOSES {
            if dice.chance(20) {
                said.push((purpose, "granted"));
            }
            match dice.below(3) {
                _ if is_shy => said.push((purpose, dice.pick(&["denied", "objected"]))),
                0 => said.push((purpose, "granted")),
                1 => said.push((purpose, "denied")),
                _ => {}
            }
        }
        Person { name: format!("p{index}"), place: dice.pick(&PLACES), said }
    }

    /// Whether no purpose may use the person: the rules of this world once more, by hand.
    fn is_withheld(&self) -> bool {
        PURPOSES.iter().all(|purpose| {
            let last = self.said.iter().rev().find(|(about, _)| about == purpose).map(|(_, word)| *word);
            match (*purpose, self.place) {
                // No basis in Texas, and so none where the law is not known.
                ("ads", ("DE", _)) | ("email", _) => last != Some("granted"),
                ("ads", ("US", "US-CA")) | ("analytics", ("US", "US-CA" | "US-TX")) => {
                    last.is_some_and(|word| word != "granted")
                }
                ("ads", _) => true,
                _ => last != Some("granted"),
            }
        })
    }
}

/// A world of some thirty people; the same seed gives the same ledger, and the same facts about everybody who may be used.
pub(super) fn small_world(seed: u64, facts: Facts) -> Setup {
    let mut setup = Setup::shop();
    setup.seed = seed;
    setup.data.clear();
    // A source that never delivers stands in the way of questions about all events.
    setup.files.retain(|path, _| !path.contains("hotline"));
    add_rules(&mut setup);
    let mut dice = Dice::new(seed);
    let people: Vec<Person> = (0..26 + dice.below(20)).map(|index| Person::random(&mut dice, index)).collect();
    let mut members = "member,country,region\n".to_owned();
    let mut consents = "member,at,purpose,state\n".to_owned();
    for person in &people {
        let _ = writeln!(members, "{},{},{}", person.name, person.place.0, person.place.1);
        for (day, (purpose, word)) in person.said.iter().enumerate() {
            let _ = writeln!(consents, "{},2024-01-{:02},{purpose},{word}", person.name, day + 1);
        }
    }
    setup.add("members", "members.csv", members);
    setup.add("consents", "consents.csv", consents);
    let mut files = [String::new(), String::new(), String::new(), String::new()];
    let mut is_first = true;
    for (index, person) in people.iter().enumerate() {
        // Each has dice of its own, so that others' facts do not depend on whether these are there.
        let mut dice = Dice::new(seed.wrapping_mul(1_000).wrapping_add(index as u64));
        match (person.is_withheld(), facts) {
            (false, _) => add_facts(&mut dice, &person.name, std::mem::take(&mut is_first), &mut files),
            (true, Facts::Present) => add_facts(&mut dice, &person.name, false, &mut files),
            (true, Facts::Absent) => {}
            (true, Facts::Poisoned) => add_poison(&mut dice, &person.name, &mut files),
        }
    }
    let n_withheld = people.iter().filter(|person| person.is_withheld()).count();
    assert!(n_withheld >= 4 && people.len() - n_withheld >= 8, "seed {seed}: {n_withheld} of {}", people.len());
    let names = [("profiles", "profiles"), ("shop", "visit"), ("shop", "purchase"), ("shop", "refund")];
    for ((source, object), text) in names.into_iter().zip(files) {
        setup.add(source, &format!("{object}.ndjson"), text);
    }
    setup
}

/// Bases of all kinds, and a purpose for which everybody may be used.
fn add_rules(setup: &mut Setup) {
    setup.files.get_mut("roles/officer.yaml").expect("the shop has an officer").push_str("sees_audit: true\n");
    setup.files.get_mut("roles/marketer.yaml").expect("the shop has marketers").push_str("edits: [audiences]\n");
    let mut file = |path: &str, text: &str| setup.files.insert(path.to_owned(), text.to_owned());
    file("purposes/research.yaml", "title: research\nbasis: { gdpr: consent }\nmin_group: 900\n");
    file("purposes/panel.yaml", "title: the panel\nbasis: {}\nmin_group: 900\n");
    file(
        "purposes/analytics.yaml",
        "title: analytics\nbasis: { gdpr: consent, ccpa: opt_out, us_other: legitimate_interest }\nmin_group: 2\ndifferences: shown\n",
    );
    file("purposes/ads.yaml", "title: ads\nbasis: { gdpr: consent, ccpa: opt_out }\nmin_group: 3\n");
    file(
        "purposes/care.yaml",
        "title: care\nbasis: { gdpr: contract, ccpa: contract, us_other: contract }\nmin_group: 2\n",
    );
    file("roles/keeper.yaml", "title: Keeper\npurposes: { care: aggregate }\n");
    let users = USERS.map(|name| format!("  - {{ name: {name}, role: {name} }}\n")).concat();
    file("users.yaml", &format!("users:\n{users}  - {{ name: keeper, role: keeper }}\n"));
    file("metrics/sales.yaml", "title: Sales\nmeasure: sum(purchase.amount)\non_home: true\n");
    file("audiences/gold.yaml", "title: Gold\npurpose: email\nwhere: tier = 'gold'\n");
}

/// A team whose members may ask nothing that has to be read.
pub(super) fn add_budget(setup: &mut Setup, members: &str) {
    let team = format!("title: Board\nmembers: {members}\nbudget: {{ bytes_per_question: 1 }}\n");
    setup.files.insert("teams/board.yaml".to_owned(), team);
}

fn line(file: &mut String, record: &Json) {
    let _ = writeln!(file, "{record}");
}

/// What people do and are; the first one does each thing at least once, so that every file is imported in every world.
fn add_facts(dice: &mut Dice, name: &str, is_first: bool, files: &mut [String; 4]) {
    let time = |dice: &mut Dice| {
        format!("2024-{:02}-{:02}T{:02}:00:00Z", 1 + dice.below(6), 1 + dice.below(28), dice.pick(&[0, 8, 12, 23]))
    };
    let at_least = usize::from(is_first);
    for _ in 0..dice.below(2).max(at_least) {
        let profile = json!({
            "member": name, "at": time(dice), "tier": dice.pick(&[None, Some("gold"), Some("silver"), Some("iron")]),
            "age": dice.pick(&[None, Some(20), Some(30), Some(40)]), "vip": dice.pick(&[None, Some(true), Some(false)]),
            "joined": dice.pick(&["2020-05-05", "2021-01-01"]), "card": dice.pick(&["K1", "K2"]),
            "address": format!("{name}@example.org"), "belief": dice.pick(&[None, Some("s"), Some("t")]),
        });
        line(&mut files[0], &profile);
    }
    for _ in 0..dice.below(5).max(at_least) {
        let visit = json!({
            "member": name, "at": time(dice), "page": dice.pick(&["home", "shoes", "cart"]),
            "ref": dice.pick(&[None, Some("ad"), Some("mail")]), "store": dice.pick(&[None, Some("N"), Some("S")]),
        });
        line(&mut files[1], &visit);
    }
    for index in 0..dice.below(5).max(at_least) {
        let purchase = json!({
            "member": name, "at": time(dice), "id": format!("{name}-{index}"), "order": dice.below(1_000),
            "store": dice.pick(&[None, Some("N"), Some("S"), Some("W")]), "amount": format!("{}.{:02}", dice.below(60), dice.below(100)),
            "items": dice.pick(&[None, Some(0), Some(1), Some(2), Some(7)]), "weight": dice.pick(&[None, Some(0.1), Some(0.2), Some(12.5)]),
            "gift": dice.pick(&[None, Some(true), Some(false)]), "due": dice.pick(&[None, Some("2024-01-31"), Some("2024-05-01")]),
            "coin": dice.pick(&[None, Some("0.00000001"), Some("3.5")]),
        });
        line(&mut files[2], &purchase);
    }
    for _ in 0..dice.below(3).max(at_least) {
        let refund = json!({
            "member": name, "at": time(dice), "fee": dice.pick(&[None, Some("0.50"), Some("1.25")]),
            "cause": dice.pick(&[None, Some("broken"), Some("small")]),
        });
        line(&mut files[3], &refund);
    }
}

/// What would show if it came through: extremes of what is accepted, names of nobody else, others' message ids.
fn add_poison(dice: &mut Dice, name: &str, files: &mut [String; 4]) {
    let long = "z".repeat(1_024);
    let texts = [None, Some(""), Some("N"), Some("aaa"), Some(long.as_str())];
    let times = [
        "1900-01-01T00:00:00Z",
        "2024-07-01T23:59:59Z",
        "2024-03-01T00:00:00.000001Z",
        "2024-06-30T00:00:00Z",
        "1970-01-01T00:00:00Z",
    ];
    for _ in 0..3 {
        let profile = json!({
            "member": name, "at": dice.pick(&times), "tier": dice.pick(&texts), "age": dice.pick(&[i64::MAX, i64::MIN, 30]),
            "vip": dice.chance(50), "joined": dice.pick(&["0001-01-01", "9999-12-31"]), "card": dice.pick(&texts),
            "address": dice.pick(&texts), "belief": dice.pick(&texts),
        });
        line(&mut files[0], &profile);
    }
    for _ in 0..dice.below(40) {
        let visit = json!({ "member": name, "at": dice.pick(&times), "page": dice.pick(&texts), "ref": dice.pick(&texts), "store": dice.pick(&texts) });
        line(&mut files[1], &visit);
        let purchase = json!({
            "member": name, "at": dice.pick(&times), "id": format!("p{}-{}", dice.below(30), dice.below(4)), "order": i64::MIN,
            "store": dice.pick(&texts), "amount": dice.pick(&["9999999999999999.99", "-9999999999999999.99", "0.01"]),
            "items": dice.pick(&[i64::MAX, i64::MIN]), "weight": dice.pick(&[f64::MAX, f64::MIN, 5e-324, -0.0]),
            "gift": dice.chance(50), "due": dice.pick(&["0001-01-01", "9999-12-31"]), "coin": "99999999999999999999.99999999",
        });
        line(&mut files[2], &purchase);
        line(
            &mut files[3],
            &json!({ "member": name, "at": dice.pick(&times), "fee": "-0.01", "cause": dice.pick(&texts) }),
        );
    }
}
