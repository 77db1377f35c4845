//! An attacker with a thousand questions, who knows of each victim on which day they joined, and wants to know who is gold.
//!
//! Each way of attacking guesses for many victims; the share of right guesses is what it is worth, of those who are gold and of
//! those who are not as much: a half is nothing, however many are gold.
//! `ENTENTE_QUESTIONS` sets how many questions each way has, `ENTENTE_SEED` who is gold.

use super::limits::{PEOPLE, age, answer, audience, count, joined, shop};
use super::questions::Dice;
use super::world::World;
use serde_json::{Value as Json, json};
use spec::Value;
use std::collections::BTreeMap;

/// The most that guesses may be right under guarded differences and under noise, with room for chance in so few victims.
const EXACT_MAX: f64 = 0.60;
const NOISY_MAX: f64 = 0.55;

/// A way to attack: guesses whether the n-th is gold, or nothing where there is no answer.
type Way = (&'static str, fn(&Asker<'_>, usize) -> Option<bool>);

const WAYS: [Way; 11] = [
    ("difference", difference),
    ("other way round", other_way_round),
    ("individual tracker", individual_tracker),
    ("general tracker", general_tracker),
    ("union tracker", union_tracker),
    ("averaging", averaging),
    ("complement", complement),
    ("two steps", two_steps),
    ("cohort", cohort),
    ("one event each", one_event_each),
    ("one conversion each", one_conversion_each),
];

struct Asker<'w> {
    world: &'w World,
}

impl Asker<'_> {
    fn count(&self, condition: &str) -> Option<i64> {
        count(self.world, &audience(condition))
    }

    /// The first figures of a column of an answer.
    fn column<const N: usize>(&self, question: &Json, name: &str) -> Option<[Value; N]> {
        let answer = answer(self.world, question)?;
        let place = answer.columns.iter().position(|column| column.name == name)?;
        let figures: Vec<Value> = answer.rows.iter().take(N).map(|row| row[place].clone()).collect();
        figures.try_into().ok()
    }
}

fn is_gold(n: usize) -> String {
    format!("joined = '{}' AND tier = 'gold'", joined(n))
}

/// All that are gold, with and without the victim.
fn difference(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let all = asker.count("tier = 'gold'")?;
    let others = asker.count(&format!("tier = 'gold' AND joined <> '{}'", joined(n)))?;
    Some(all > others)
}

/// The victim first, where nothing was told before.
fn other_way_round(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let first = format!("tier = 'gold' AND age >= {} AND joined <> '{}'", age(n) - 10, joined(n));
    let others = asker.count(&first)?;
    let all = asker.count(&format!("tier = 'gold' AND age >= {}", age(n) - 10))?;
    Some(all > others)
}

/// `C` and `C and not the victim`.
fn individual_tracker(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let group = if n.is_multiple_of(2) { "vip = true" } else { "vip = false" };
    let all = asker.count(&format!("{group} AND tier = 'gold'"))?;
    let others = asker.count(&format!("{group} AND NOT joined = '{}' AND tier = 'gold'", joined(n)))?;
    Some(all > others)
}

/// `victim or T` and `victim or not T`, less everybody.
fn general_tracker(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let one = asker.count(&format!("({}) OR vip = true", is_gold(n)))?;
    let other = asker.count(&format!("({}) OR vip = false", is_gold(n)))?;
    Some(one + other > PEOPLE as i64)
}

/// Two sets that have but the victim in common, and both together.
fn union_tracker(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let (young, old) = (format!("age < {}", age(n)), format!("age > {}", age(n)));
    let sets = [&young, &old].map(|set| asker.count(&format!("({}) OR {set}", is_gold(n))));
    let both = asker.count(&format!("({}) OR {young} OR {old}", is_gold(n)))?;
    Some(sets[0]? + sets[1]? > both)
}

/// The same difference asked in many ways, of which the middle counts.
fn averaging(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let differences = (0..8).filter_map(|time| {
        let same = format!("age > {}", time as i64 - 20);
        let all = asker.count(&format!("tier = 'gold' AND {same}"))?;
        let others = asker.count(&format!("tier = 'gold' AND joined <> '{}' AND {same}", joined(n)))?;
        Some(all - others)
    });
    let differences: Vec<i64> = differences.collect();
    let mean = differences.iter().sum::<i64>() as f64 / differences.len() as f64;
    (!differences.is_empty()).then_some(mean > 0.5)
}

/// All that are not gold, with the victim and without.
fn complement(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let iron = asker.count(&format!("NOT tier = 'gold' OR joined = '{}'", joined(n)))?;
    let gold = asker.count("tier = 'gold'")?;
    Some(iron + gold > PEOPLE as i64)
}

/// The victim's age and older, and the same without the victim unless that one is gold.
fn older(n: usize) -> [String; 2] {
    let all = format!("age >= {}", age(n) - 10);
    [all.clone(), format!("{all} AND (joined <> '{}' OR tier = 'gold')", joined(n))]
}

/// The days on which everybody visited, twice and once.
const DAYS: [(&str, &str); 2] = [("2024-05-01", "2024-07-01"), ("2024-06-01", "2024-06-02")];

fn visits(kind: &str, (from, to): (&str, &str), more: Json) -> Json {
    let mut question = json!({ "kind": kind, "purpose": "analytics", "period": { "from": from, "to": to } });
    if let (Some(question), Json::Object(more)) = (question.as_object_mut(), more) {
        question.extend(more);
    }
    question
}

/// The people of two steps of one funnel, of which the second has a condition of its own.
fn two_steps(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let steps = older(n).map(|condition| json!({ "event": "visit", "where": condition }));
    let [all, others] =
        asker.column(&visits("funnel", DAYS[0], json!({ "steps": steps, "within": "7 days" })), "people")?;
    Some(all == others)
}

/// A cohort, and who of it came back under a condition.
fn cohort(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let [start, back] = older(n).map(|condition| json!({ "event": "visit", "where": condition }));
    let question = visits("retention", DAYS[0], json!({ "start": start, "return": back, "by": "month", "periods": 1 }));
    let answer = answer(asker.world, &question)?;
    let row = answer.rows.iter().find(|row| row[1] != Value::Integer(0) && row[1] != Value::Null)?;
    Some(row[1] == row[2])
}

/// As many events as people.
fn one_event_each(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let [all, others] = older(n);
    let all = asker.count(&all)?;
    let more = json!({ "measure": "count(visit)", "by": "none", "where": others });
    Some(count(asker.world, &visits("trend", DAYS[1], more))? >= all)
}

/// As many conversions as people.
fn one_conversion_each(asker: &Asker<'_>, n: usize) -> Option<bool> {
    let [all, others] = older(n);
    let all = asker.count(&all)? as f64;
    let more = json!({ "conversion": "visit", "touch": "visit", "channel": "page", "model": "last", "where": others });
    let [conversions, _] = asker.column(&visits("attribution", ("2024-06-02", "2024-07-01"), more), "conversions")?;
    matches!(conversions, Value::Number(conversions) if conversions >= all).into()
}

#[test]
fn a_thousand_questions_do_not_tell_who_is_gold() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (n_questions, seed) = (number("ENTENTE_QUESTIONS").unwrap_or(150), number("ENTENTE_SEED").unwrap_or(1));
    let settings = [
        ("shown", "differences: shown\n", 1.0),
        ("guarded", "differences: guarded\n", EXACT_MAX),
        // All that a day tells one user changes the odds of a guess from 1:1 to at most 11:9.
        ("noisy", "noise: { epsilon: 0.004, per_day: 0.2 }\n", NOISY_MAX),
    ];
    let mut worst = BTreeMap::new();
    for (name, limits, most) in settings {
        for (way, attack) in WAYS {
            let mut dice = Dice::new(seed);
            let gold: Vec<bool> = (0..PEOPLE).map(|_| dice.chance(50)).collect();
            let mut setup = shop(limits, &|n| if gold[n] { "gold" } else { "iron" });
            let again =
                |n| json!({ "member": format!("p{n}"), "at": "2024-06-03T00:00:00Z", "page": "news" }).to_string();
            setup.add("shop", "visit_again.ndjson", (0..PEOPLE).map(again).collect::<Vec<_>>().join("\n"));
            let world = setup.open();
            let asker = Asker { world: &world };
            let n_victims = (n_questions as usize / if way == "averaging" { 16 } else { 3 }).clamp(1, PEOPLE);
            // Of those who are not gold, and of those who are: right guesses, of how many.
            let mut guesses = [(0_u32, 0_u32); 2];
            for (n, is_gold) in gold.iter().enumerate().take(n_victims) {
                // Who learns nothing tosses a coin.
                let guess = attack(&asker, n).unwrap_or_else(|| dice.chance(50));
                let (n_right, n) = &mut guesses[usize::from(*is_gold)];
                (*n_right, *n) = (*n_right + u32::from(guess == *is_gold), *n + 1);
            }
            let share = guesses.map(|(n_right, n)| f64::from(n_right) / f64::from(n)).iter().sum::<f64>() / 2.0;
            println!("{name}, {way}: {:.1} % right of {n_victims}", 100.0 * share);
            // Four standard deviations of as many coins.
            let chance = 2.0 / (n_victims as f64).sqrt();
            assert!(share <= most + chance, "{name}, {way}: {share}");
            let known = worst.entry(name).or_insert(share);
            *known = share.max(*known);
        }
    }
    assert!(worst["shown"] > 0.95, "an attack that never works shows nothing");
    println!("seed {seed}, {n_questions} questions each: at most {worst:?} right");
}
