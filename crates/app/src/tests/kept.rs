//! Figures that are kept between questions: the same as those of a question for which nothing is kept, while messages land,
//! files come in and people change their minds.

use super::messages::{books_of, send_with};
use super::questions::Dice;
use super::world::{Setup, World, write};
use api::{ImportRequest, Input};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;

const SEEDS: u64 = 3;
const ROUNDS: usize = 6;
const SECRET: &str = "sk_000000000000000000000000000000000000000001";
const MEMBERS: [&str; 14] = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2", "c3", "c4", "x1", "x2"];
const CONDITIONS: [&str; 9] = [
    "count(purchase, within => '20 days') >= 1",
    "count(purchase) >= 2 AND country = 'DE'",
    "sum(purchase.amount) >= 20",
    "avg(purchase.amount, within => '40 days') < 12",
    "max(purchase.items) IS NULL OR min(purchase.items) > 2",
    "days_since_last(purchase) < 9",
    "days_since_first(purchase) > 9 AND NOT did(visit)",
    "count(purchase, where => event.store = 'N') > 0",
    "sum(purchase.weight) > 1",
];

#[test]
fn what_is_kept_is_what_is_computed() {
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        let world = shop().open();
        let mut n_sent = 0;
        let mut n_told = 0;
        for round in 0..ROUNDS {
            for _ in 0..2 {
                n_told += ask_all(&world, &format!("seed {seed}, round {round}"));
            }
            if round == ROUNDS / 2 {
                import(&world, &mut dice);
            } else {
                n_sent += land(&world, &mut dice, n_sent);
            }
        }
        assert!(
            n_told > ROUNDS * CONDITIONS.len(),
            "seed {seed}: only {n_told} audiences were large enough to be told"
        );
    }
}

fn shop() -> Setup {
    let mut setup = Setup::shop();
    let digest = spec::hex(&Sha256::digest(SECRET));
    let source = setup.files.get_mut("sources/shop.yaml").expect("the base has the source");
    source.push_str(&format!("keys: [{{ name: till, kind: secret, sha256: {digest} }}]\n"));
    setup
}

/// Asks everything as of a whole minute and as of an instant later, for which nothing is kept; how many were told.
fn ask_all(world: &World, case: &str) -> usize {
    let mut n_told = 0;
    for condition in CONDITIONS {
        for purpose in ["analytics", "email"] {
            let asked = |as_of: &str| {
                let question = json!({ "kind": "audience", "purpose": purpose, "where": condition, "as_of": as_of });
                match world.ask("marketer", &question) {
                    Ok(Input::Good(asked)) => {
                        (asked.verdict.outcome, asked.answer.map(|answer| (answer.rows, answer.waterfall)))
                    }
                    other => panic!("{case}: {question}: {other:?}"),
                }
            };
            let kept = asked("2024-06-30T12:30:00Z");
            assert_eq!(kept, asked("2024-06-30T12:30:00.000001Z"), "{case}: {purpose}: {condition}");
            n_told += usize::from(kept.1.is_some());
        }
    }
    n_told
}

/// Messages of random people at random hours; how many.
fn land(world: &World, dice: &mut Dice, n_sent: u64) -> u64 {
    let n = 1 + dice.below(8);
    let messages: Vec<Json> = (0..n)
        .map(|number| {
            let (day, hour) = (1 + dice.below(29), dice.below(24));
            json!({
                "type": "track", "event": "Purchase", "messageId": format!("m{n_sent}-{number}"), "userId": dice.pick(&MEMBERS),
                "timestamp": format!("2024-06-{day:02}T{hour:02}:00:00Z"),
                "properties": {
                    "store": dice.pick(&["N", "S"]), "amount": dice.below(40), "items": dice.below(6),
                    "weight": dice.below(9) as f64 / 7.0,
                }
            })
        })
        .collect();
    send_with(&world.app, SECRET, &json!({ "batch": messages }));
    let n = u64::try_from(n).expect("it is small");
    let (stored, duplicate, rejected) = books_of(world, "shop", n_sent + n);
    assert_eq!((stored, duplicate, rejected), (n_sent + n, 0, 0));
    n
}

/// A file of people who change their minds.
fn import(world: &World, dice: &mut Dice) {
    let mut consents = "member,at,purpose,state\n".to_owned();
    for member in MEMBERS {
        let state = dice.pick(&["granted", "withdrawn"]);
        writeln!(consents, "{member},2024-06-29T00:00:00Z,email,{state}").expect("writing to a string cannot fail");
    }
    let path = world.folder.path().join("input/consents.csv");
    write(&path, &consents);
    let request = ImportRequest { source: "consents", object: None, path: &path, file_name: "consents.csv" };
    world.app.import_file(&request, &|_, _| {}).expect("a test's file can be imported");
}
