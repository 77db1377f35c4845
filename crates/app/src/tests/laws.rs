//! Laws of the verdict, on random questions: a yes is kept, and everything else says what can be done.

use super::questions::{Dice, question};
use super::twins::{Facts, small_world};
use super::world::{Setup, World};
use api::{Input, Product};
use serde_json::Value as Json;
use spec::{Outcome, Remedy, Verdict};

const SEED: u64 = 20;
const QUESTIONS: usize = 300;
const USERS: [&str; 3] = ["marketer", "officer", "executive"];

#[test]
fn a_yes_is_kept_and_anything_else_has_a_remedy() {
    let world = small_world(SEED, Facts::Present).open();
    let mut dice = Dice::new(SEED);
    let mut outcomes = [0; 3];
    for _ in 0..QUESTIONS {
        let json = question(&mut dice, &["analytics", "analytics", "email", "ads"]);
        let json = if dice.chance(15) { misspelt(&mut dice, &json) } else { json };
        let user = dice.pick(&USERS);
        if let Some(outcome) = check(&world, user, &json) {
            outcomes[outcome as usize] += 1;
        }
    }
    println!("seed {SEED}: yes, yes if, no: {outcomes:?}");
    assert!(outcomes[Outcome::Yes as usize] > QUESTIONS / 4 && outcomes[Outcome::No as usize] > QUESTIONS / 10);
}

#[test]
fn the_laws_hold_where_next_to_nothing_may_be_used() {
    let world = Setup::shop().open();
    let mut dice = Dice::new(SEED + 1);
    for _ in 0..QUESTIONS / 3 {
        let json = question(&mut dice, &["analytics", "email", "research", "panel", "ads"]);
        check(&world, dice.pick(&USERS), &json);
    }
}

/// Judges and asks; the outcome, unless the question makes no sense.
fn check(world: &World, user: &str, json: &Json) -> Option<Outcome> {
    let case = format!("{user} asks {json}");
    let who = world.who(user);
    let judged = match world.app.judge(&who, json).unwrap_or_else(|error| panic!("{case}: {}", error.chain())) {
        Input::Good(judged) => judged,
        Input::Bad(found) => {
            assert!(!found.is_empty(), "{case}");
            assert!(matches!(world.app.ask(&who, json), Ok(Input::Bad(same)) if same == found), "{case}");
            return None;
        }
    };
    let asked = world.app.ask(&who, json).unwrap_or_else(|error| panic!("{case}: {}", error.chain()));
    let Input::Good(asked) = asked else { panic!("{case}: judged, but not asked") };
    assert_eq!(asked.verdict, judged.verdict, "{case}");
    assert_eq!(asked.answer.is_some(), judged.verdict.outcome == Outcome::Yes, "{case}");
    check_remedies(world, user, &judged.verdict, &case);
    Some(judged.verdict.outcome)
}

fn check_remedies(world: &World, user: &str, verdict: &Verdict, case: &str) {
    assert_eq!(verdict.reasons.is_empty(), verdict.outcome == Outcome::Yes, "{case}");
    for reason in &verdict.reasons {
        assert!(!reason.remedies.is_empty(), "{case}: {reason:?}");
        assert!(!reason.for_marketing.is_empty() && !reason.for_it.is_empty(), "{case}: {reason:?}");
        for remedy in &reason.remedies {
            match remedy {
                Remedy::Ask { question, .. } => {
                    let json = question.to_json();
                    let judged = world.judge(user, &json);
                    let is_yes = matches!(&judged, Ok(Input::Good(judged)) if judged.verdict.outcome == Outcome::Yes);
                    assert!(is_yes, "{case}: the remedy {json} does not judge yes: {judged:?}");
                    assert!(
                        matches!(world.ask(user, &json), Ok(Input::Good(asked)) if asked.answer.is_some()),
                        "{case}"
                    );
                }
                Remedy::Close { gap, .. } => assert!(!gap.what.is_empty() && !gap.who.is_empty(), "{case}"),
            }
        }
    }
}

/// The question with a name that nothing bears.
fn misspelt(dice: &mut Dice, json: &Json) -> Json {
    let changes = [
        ("purchase", "purchas"),
        ("tier", "teir"),
        ("analytics", "analytic"),
        ("visit", "balloon"),
        ("amount", "amuont"),
    ];
    let (right, wrong) = dice.pick(&changes);
    serde_json::from_str(&json.to_string().replace(right, wrong)).expect("names need no quoting")
}
