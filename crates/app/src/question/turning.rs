//! Which verdicts would be others under other definitions.
//!
//! Saved questions and audiences, and the question for whose sake somebody looks, are held against the rules twice, as things
//! are and as they would be: for the role of who
//! asks and for the others that somebody has. Nothing is run, and whether too few people may be used is not told: a text that
//! nobody has agreed to yet is no way to learn of people, nor to be charged for a question. So nothing is put on record, and
//! nothing is written: a page that shows a change may be looked at as often as one likes. What is looked at is bounded by a
//! number and, between any two verdicts, by the time; what is left out is counted.

use crate::question::judge::{Decided, Refused, Ruled, Scene};
use crate::question::reason;
use crate::question::telling::Aim;
use crate::state::{State, role_of};
use api::{ForeseenTurn, Principal};
use chrono::TimeDelta;
use serde_json::json;
use spec::{Outcome, Question, Reason, ReasonCode, Result, Role};
use workspace::Definitions;

/// Questions and audiences that are looked at.
const ITEMS_MAX: usize = 50;
/// Roles besides one's own for which they are.
const ROLES_MAX: usize = 16;
/// Somebody types meanwhile.
const SECONDS_MAX: i64 = 2;

/// Something that is asked again and again, as it is and as it would be.
struct Item {
    kind: &'static str,
    name: String,
    title: String,
    before: Question,
    after: Question,
}

/// The two states, seen by one role.
struct Eyes<'a> {
    before: Scene<'a>,
    after: Scene<'a>,
    is_own: bool,
}

/// The verdicts that would be others, those that turn to yes first, and how many things were not looked at.
pub(crate) fn turns(
    state: &State,
    who: &Principal,
    before: &Definitions,
    after: &Definitions,
    asked: Option<&Question>,
) -> Result<(Vec<ForeseenTurn>, usize)> {
    let until = state.clock.now() + TimeDelta::seconds(SECONDS_MAX);
    let before = Scene::new(state, before, who, Aim::Judge)?.on_the_minute();
    // On the same tables, so that nothing but the text makes a difference.
    let after = Scene { definitions: after, role: role_of(after, who)?, ..before.clone() };
    let items = items(before.definitions, after.definitions, asked);
    let own = before.role.name.clone();
    let others = other_roles(before.definitions, after.definitions, &own).into_iter().map(|(one, other)| Eyes {
        before: Scene { role: one, ..before.clone() },
        after: Scene { role: other, ..after.clone() },
        is_own: false,
    });
    let mut all = vec![Eyes { before: before.clone(), after: after.clone(), is_own: true }];
    all.extend(others);
    let (mut turns, mut n_seen) = (Vec::new(), 0);
    let is_over = || state.clock.now() > until || who.waiting.is_over();
    for item in items.iter().take(ITEMS_MAX) {
        match of_item(item, &all, &is_over) {
            Ok(Some(of_item)) => turns.extend(of_item),
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(cause = error.chain(), name = item.name, "a verdict that may turn cannot be told");
                continue;
            }
        }
        n_seen += 1;
    }
    turns.sort_by_key(|turn| (turn.after != Outcome::Yes.name(), !turn.is_own));
    Ok((turns, items.len() - n_seen))
}

/// How the verdicts on a thing would turn, for each role; `None` where there was not the time to look with all of them.
fn of_item(item: &Item, all: &[Eyes<'_>], is_over: &dyn Fn() -> bool) -> Result<Option<Vec<ForeseenTurn>>> {
    let mut turns = Vec::new();
    for eyes in all {
        if is_over() {
            return Ok(None);
        }
        turns.extend(eyes.turn(item)?);
    }
    Ok(Some(turns))
}

/// The question for whose sake somebody looks, and saved questions and audiences that are there in both states.
fn items(before: &Definitions, after: &Definitions, asked: Option<&Question>) -> Vec<Item> {
    // One that is saved as it stands comes with its title.
    let is_saved = |asked: &&Question| after.questions.values().any(|saved| saved.question == **asked);
    let asked = asked.filter(|asked| !is_saved(asked)).map(|asked| Item {
        kind: "asked",
        name: String::new(),
        title: workspace::question_words(asked, after),
        before: asked.clone(),
        after: asked.clone(),
    });
    let questions = after.questions.iter().filter_map(|(name, saved)| {
        let known = before.questions.get(name)?;
        Some(Item {
            kind: "question",
            name: name.clone(),
            title: saved.title.clone(),
            before: known.question.clone(),
            after: saved.question.clone(),
        })
    });
    let audiences = after.audiences.iter().filter_map(|(name, audience)| {
        let known = before.audiences.get(name)?;
        Some(Item {
            kind: "audience",
            name: name.clone(),
            title: audience.title.clone(),
            before: as_question(known)?,
            after: as_question(audience)?,
        })
    });
    asked.into_iter().chain(questions).chain(audiences).collect()
}

/// How many people are in an audience.
fn as_question(audience: &spec::AudienceDefinition) -> Option<Question> {
    let json = json!({ "kind": "audience", "purpose": audience.purpose, "where": audience.condition.to_string() });
    workspace::parse_question(&json, "/question").ok()
}

/// The other roles that somebody has, as they are and as they would be.
fn other_roles<'a>(before: &'a Definitions, after: &'a Definitions, own: &str) -> Vec<(&'a Role, &'a Role)> {
    let is_used = |role: &&Role| role.name != own && before.users.values().any(|user| user.role == role.name);
    let pairs = before.roles.values().filter(is_used);
    pairs.filter_map(|role| Some((role, after.roles.get(&role.name)?))).take(ROLES_MAX).collect()
}

impl Eyes<'_> {
    /// How the verdict on a thing would turn, if it would.
    fn turn(&self, item: &Item) -> Result<Option<ForeseenTurn>> {
        let (before, after) = (self.before.ruled(&item.before)?, self.after.ruled(&item.after)?);
        let (before, stood) = told(before);
        let (after, stands) = told(after);
        if before == after {
            return Ok(None);
        }
        Ok(Some(ForeseenTurn {
            kind: item.kind.to_owned(),
            name: item.name.clone(),
            title: item.title.clone(),
            question: item.after.to_json(),
            role: self.before.role.name.clone(),
            role_title: self.after.role.title.clone(),
            is_own: self.is_own,
            before: before.name().to_owned(),
            after: after.name().to_owned(),
            why: if stands.is_empty() { stood } else { stands },
        }))
    }
}

/// What the rules say, and what stands against it.
fn told(ruled: std::result::Result<Ruled, Decided>) -> (Outcome, String) {
    // How many people may be used is no rule.
    let is_of_rules =
        |reason: &Reason| !matches!(reason.code, ReasonCode::NobodyMayBeUsed | ReasonCode::UnderMinimumGroup);
    match ruled {
        Ok(_) | Err(Decided::Allowed(_)) => (Outcome::Yes, String::new()),
        Err(Decided::Nonsense(wrong)) => {
            (Outcome::No, wrong.into_iter().next().map(|first| first.message).unwrap_or_default())
        }
        Err(Decided::Refused(Refused { reasons, .. })) => {
            let reasons: Vec<Reason> = reasons.into_iter().filter(is_of_rules).collect();
            let outcome = match reasons.iter().all(|reason| reason::is_conditional(reason.code)) {
                _ if reasons.is_empty() => Outcome::Yes,
                true => Outcome::YesIf,
                false => Outcome::No,
            };
            (outcome, reasons.into_iter().next().map(|first| first.for_marketing).unwrap_or_default())
        }
    }
}
