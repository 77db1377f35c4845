//! Laws of the verdict, on random questions in random states: a yes is kept, a refusal says why, and everything that is
//! offered instead judges yes and runs. Whoever makes the changes that gaps name comes to a yes, or to what no definition can
//! bring (`closing`).
//!
//! `ENTENTE_CASES` sets how many questions, `ENTENTE_SEED` the first state.

mod closing;

use super::questions::{Dice, question};
use super::twins::{Facts, add_budget, small_world};
use super::world::{Setup, World};
use api::Input;
use serde_json::Value as Json;
use spec::{Outcome, Remedy, Verdict};
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};

/// Questions without another number.
const CASES: u64 = 500;
/// So many questions are asked in one state.
const CASES_PER_STATE: u64 = 100;
const USERS: [&str; 5] = ["marketer", "marketer", "officer", "executive", "engineer"];
/// So many refusals of a state are taken to their end: each takes some versions of the workspace.
const CLOSED_PER_STATE: u64 = 12;
/// Exceptions that are told in full.
const TOLD_MAX: usize = 5;

/// What came of some cases.
#[derive(Debug, Default)]
struct Found {
    n_cases: u64,
    n_yes: u64,
    n_refused: u64,
    n_nonsense: u64,
    n_remedies: u64,
    n_gaps: u64,
    n_closed: u64,
    n_changes: u64,
    exceptions: Vec<String>,
}

impl AddAssign for Found {
    fn add_assign(&mut self, other: Found) {
        self.n_cases += other.n_cases;
        self.n_yes += other.n_yes;
        self.n_refused += other.n_refused;
        self.n_nonsense += other.n_nonsense;
        self.n_remedies += other.n_remedies;
        self.n_gaps += other.n_gaps;
        self.n_closed += other.n_closed;
        self.n_changes += other.n_changes;
        self.exceptions.extend(other.exceptions);
    }
}

#[test]
fn a_verdict_is_what_becomes_of_the_question() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (n_cases, first) = (number("ENTENTE_CASES").unwrap_or(CASES), number("ENTENTE_SEED").unwrap_or(1));
    let n_states = n_cases.div_ceil(CASES_PER_STATE);
    let next = AtomicU64::new(0);
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found = Found::default();
    std::thread::scope(|scope| {
        let work = || {
            let mut found = Found::default();
            loop {
                let state = next.fetch_add(1, Ordering::Relaxed);
                if state >= n_states {
                    return found;
                }
                found += in_state(first + state, CASES_PER_STATE.min(n_cases - state * CASES_PER_STATE));
            }
        };
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| found += thread.join().expect("a case is told and does not end all"));
    });
    let Found { n_yes, n_refused, n_nonsense, n_remedies, n_gaps, n_changes, exceptions, .. } = &found;
    println!(
        "{} cases in {n_states} states from seed {first}: {n_yes} yes, {n_refused} refused, {n_nonsense} make no sense, \
         {n_remedies} remedies taken, {n_gaps} gaps, {n_changes} changes applied, {} exceptions",
        found.n_cases,
        exceptions.len()
    );
    assert!(exceptions.is_empty(), "{:#?}", &exceptions[..exceptions.len().min(TOLD_MAX)]);
    // A run in which everything is refused, or nothing, would prove little.
    assert!(*n_yes * 5 > n_cases && *n_refused * 10 > n_cases && *n_remedies > 0 && *n_changes > 0, "{found:?}");
}

/// Questions of all users in one state: one in five is the shop in which next to nothing may be used, and in one of three
/// the executive is in a team that may ask for next to nothing.
fn in_state(seed: u64, n_cases: u64) -> Found {
    let mut setup = if seed.is_multiple_of(5) { Setup::shop() } else { small_world(seed, Facts::Present) };
    if seed.is_multiple_of(3) {
        add_budget(&mut setup, "[executive]");
    }
    let world = setup.open();
    let mut dice = Dice::new(seed);
    let mut found = Found::default();
    for _ in 0..n_cases {
        let json = question(&mut dice, &["analytics", "analytics", "email", "ads", "research", "panel"]);
        let json = if dice.chance(15) { misspelt(&mut dice, &json) } else { json };
        let user = dice.pick(&USERS);
        found.n_cases += 1;
        if let Err(exception) = check(&world, user, &json, &mut found) {
            found.exceptions.push(format!("state {seed}, {user} asks {json}: {exception}"));
        }
    }
    found
}

/// Judges and asks one question, and takes everything that is offered instead.
fn check(world: &World, user: &str, json: &Json, found: &mut Found) -> Result<(), String> {
    let judged = world.judge(user, json).map_err(|error| error.chain())?;
    let asked = world.ask(user, json).map_err(|error| error.chain())?;
    let (judged, asked) = match (judged, asked) {
        (Input::Good(judged), Input::Good(asked)) => (judged, asked),
        (Input::Bad(judged), Input::Bad(asked)) => {
            found.n_nonsense += 1;
            let is_same = judged == asked && !judged.is_empty();
            return if is_same { Ok(()) } else { Err(format!("{judged:?}, then {asked:?}")) };
        }
        (judged, asked) => return Err(format!("judged {judged:?}, then {asked:?}")),
    };
    if asked.verdict != judged.verdict {
        return Err(format!("judged {:?}, then {:?}", judged.verdict, asked.verdict));
    }
    let is_yes = judged.verdict.outcome == Outcome::Yes;
    if asked.answer.is_some() != is_yes || judged.verdict.reasons.is_empty() != is_yes {
        return Err(format!("{:?} and an answer: {}", judged.verdict, asked.answer.is_some()));
    }
    found.n_yes += u64::from(is_yes);
    found.n_refused += u64::from(!is_yes);
    take(world, user, &judged.verdict, found)?;
    if found.n_closed < CLOSED_PER_STATE && closing::names_changes(&judged.verdict) {
        found.n_closed += 1;
        found.n_changes += closing::close(world, user, json, &judged.verdict)?;
    }
    Ok(())
}

/// Takes every remedy, and looks whether every reason has one or a gap that somebody owns.
fn take(world: &World, user: &str, verdict: &Verdict, found: &mut Found) -> Result<(), String> {
    for reason in &verdict.reasons {
        if reason.remedies.is_empty() || reason.for_marketing.is_empty() || reason.for_it.is_empty() {
            return Err(format!("nothing is offered, or said: {reason:?}"));
        }
        for remedy in &reason.remedies {
            let question = match remedy {
                Remedy::Ask { question, .. } => question.to_json(),
                Remedy::Close { gap, .. } if gap.what.is_empty() || gap.who.is_empty() => {
                    return Err(format!("a gap of nobody: {gap:?}"));
                }
                Remedy::Close { .. } => {
                    found.n_gaps += 1;
                    continue;
                }
            };
            found.n_remedies += 1;
            let judged = world.judge(user, &question);
            let judges_yes = matches!(&judged, Ok(Input::Good(judged)) if judged.verdict.outcome == Outcome::Yes);
            let asked = world.ask(user, &question);
            let runs = matches!(&asked, Ok(Input::Good(asked)) if asked.answer.is_some());
            if !(judges_yes && runs) {
                return Err(format!("the remedy {question}: judged {judged:?}, asked {asked:?}"));
            }
        }
    }
    Ok(())
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
