//! An attacker with a thousand questions, who knows of each victim on which day they joined, and wants to know who is gold.
//!
//! Each way of attacking guesses for many victims; the share of right guesses is what it is worth: a half is nothing.
//! `ENTENTE_QUESTIONS` sets how many questions each way has, `ENTENTE_SEED` who is gold.

use super::limits::{PEOPLE, age, audience, count, joined, shop};
use super::questions::Dice;
use super::world::World;
use std::collections::BTreeMap;

/// The most that guesses may be right under guarded differences and under noise, with room for chance in so few victims.
const EXACT_MAX: f64 = 0.60;
const NOISY_MAX: f64 = 0.55;

/// A way to attack: guesses whether the n-th is gold, or nothing where there is no answer.
type Way = (&'static str, fn(&Asker<'_>, usize) -> Option<bool>);

const WAYS: [Way; 7] = [
    ("difference", difference),
    ("other way round", other_way_round),
    ("individual tracker", individual_tracker),
    ("general tracker", general_tracker),
    ("union tracker", union_tracker),
    ("averaging", averaging),
    ("complement", complement),
];

struct Asker<'w> {
    world: &'w World,
}

impl Asker<'_> {
    fn count(&self, condition: &str) -> Option<i64> {
        count(self.world, &audience(condition))
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
            let world = shop(limits, &|n| if gold[n] { "gold" } else { "iron" }).open();
            let asker = Asker { world: &world };
            let n_victims = (n_questions as usize / if way == "averaging" { 16 } else { 3 }).clamp(1, PEOPLE);
            let mut n_right = 0;
            for (n, is_gold) in gold.iter().enumerate().take(n_victims) {
                // Who learns nothing tosses a coin.
                let guess = attack(&asker, n).unwrap_or_else(|| dice.chance(50));
                n_right += usize::from(guess == *is_gold);
            }
            let share = n_right as f64 / n_victims as f64;
            println!("{name}, {way}: {n_right} of {n_victims} right ({:.1} %)", 100.0 * share);
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
