//! From a question's JSON to a verdict or an answer, put on record.

use crate::error;
use crate::question::judge::{Allowed, Judgement, Scene, seconds_between};
use crate::question::telling::Aim;
use crate::state::{State, known_if_told};
use crate::store::{Access, Record};
use api::{Asked, Input, Judged, Leaving, Principal};
use serde_json::Value as Json;
use spec::{
    Answer, Cost, Differences, FieldRef, Outcome, PeopleCounts, PersonId, Provenance, Question, QuestionBody, Result,
    Verdict, WaterfallStep,
};
use std::sync::Arc;

/// Judges a question.
pub(crate) fn judge(state: &State, who: &Principal, json: &Json) -> Result<Input<Judged>> {
    let loaded = state.folder.current()?;
    let scene = Scene::new(state, &loaded.definitions, who, Aim::Judge)?.on_the_minute();
    let question = match super::read(&scene, json) {
        Ok(question) => question,
        Err(diagnostics) => return Ok(Input::Bad(diagnostics)),
    };
    let (verdict, people, forecast) = match scene.judge(&question)? {
        Judgement::Nonsense(diagnostics) => return Ok(Input::Bad(diagnostics)),
        Judgement::Refused(verdict, run) => {
            record(&scene, "judge", &question, (verdict.outcome, run.as_deref()))?;
            (verdict, None, None)
        }
        Judgement::Allowed(allowed) => {
            record(&scene, "judge", &question, (Outcome::Yes, Some(&allowed)))?;
            let forecast = allowed.forecast.clone().filter(|_| scene.role.sees_cost);
            (Verdict::yes(), allowed.audience(), forecast)
        }
    };
    Ok(Input::Good(Judged { question, verdict, people, forecast }))
}

/// Judges a question and answers it on a yes.
pub(crate) fn ask(state: &Arc<State>, who: &Principal, json: &Json) -> Result<Input<Asked>> {
    let loaded = state.folder.current()?;
    let scene = Scene::new(state, &loaded.definitions, who, Aim::Ask)?;
    let question = match super::read(&scene, json) {
        Ok(question) => question,
        Err(diagnostics) => return Ok(Input::Bad(diagnostics)),
    };
    let asked = match scene.judge(&question)? {
        Judgement::Nonsense(diagnostics) => return Ok(Input::Bad(diagnostics)),
        Judgement::Refused(verdict, run) => {
            record(&scene, "ask", &question, (verdict.outcome, run.as_deref()))?;
            Asked { question, verdict, answer: None, leaving: None }
        }
        Judgement::Allowed(allowed) => {
            // Before anything leaves: an access that is not on record does not happen.
            record(&scene, "ask", &question, (Outcome::Yes, Some(&allowed)))?;
            let listed = allowed.rows.as_ref().map_or(&[][..], |rows| &rows.listed);
            let leaving = leaving(state, &question.purpose, listed);
            let answer = answer(&scene, &question, *allowed)?;
            Asked { question, verdict: Verdict::yes(), answer: Some(answer), leaving }
        }
    };
    Ok(Input::Good(asked))
}

/// Which rows of a list of these people may leave, as of when it is asked; none once the rules cannot be read.
fn leaving(state: &Arc<State>, purpose: &str, listed: &[PersonId]) -> Option<Leaving> {
    if listed.is_empty() {
        return None;
    }
    let (state, purpose, listed) = (Arc::clone(state), purpose.to_owned(), listed.to_vec());
    Some(Leaving::new(move |rows| {
        let loaded = state.folder.current().ok();
        let people = loaded.as_ref().and_then(|loaded| {
            let purpose = loaded.definitions.purposes.get(&purpose)?;
            Some(state.lake.snapshot().people_for(purpose, &loaded.definitions.laws))
        });
        let may_leave = |person: &PersonId| people.as_ref().is_some_and(|of| of.used.contains(person.number()));
        listed.get(rows).unwrap_or_default().iter().map(may_leave).collect()
    }))
}

fn answer(scene: &Scene<'_>, question: &Question, allowed: Allowed) -> Result<Answer> {
    let rows = allowed.rows.ok_or_else(|| error::bug("a question was asked and not answered"))?;
    let min_group = allowed.grant.min_group();
    let shown = |people: u64| Some(people).filter(|people| *people >= min_group);
    let known = known_if_told(scene.definitions, &scene.snapshot);
    let withheld = allowed.people.withheld.iter().map(|(why, people)| ((*why).to_owned(), shown(people.len())));
    let people = PeopleCounts {
        known: known.and_then(shown),
        withheld: withheld.collect(),
        used: shown(allowed.grant.people().len()),
    };
    let waterfall = match &allowed.resolved.question.body {
        QuestionBody::Audience(_) => Some(waterfall(scene, question, &people, &allowed.people, &rows.steps)),
        QuestionBody::Trend(_)
        | QuestionBody::Funnel(_)
        | QuestionBody::Retention(_)
        | QuestionBody::Attribution(_)
        | QuestionBody::Paths(_)
        | QuestionBody::Experiment(_)
        | QuestionBody::Power(_)
        | QuestionBody::Sql(_) => None,
    };
    let cost = Cost {
        rows_read: rows.rows_read,
        bytes_read: rows.bytes_read,
        seconds: seconds_between(scene.now, scene.state.clock.now()),
    };
    let sources = allowed.resolved.all_sources();
    let landed = sources.filter_map(|source| super::reason::landed_at(scene, source)).max();
    let differences = if query::is_guarded(&allowed.grant) { Differences::Guarded } else { Differences::Shown };
    let provenance = Provenance {
        question_hash: question.hash(),
        policy_version: scene.definitions.version.clone(),
        tables: scene.snapshot.table_versions(),
        landed_until: landed,
        people,
        engine: concat!("embedded ", env!("CARGO_PKG_VERSION")).to_owned(),
        // What does not depend on now does not name it: the same question on the same state gives the same bytes.
        as_of: super::reason::end_of(question).unwrap_or(scene.now),
        cost: scene.role.sees_cost.then_some(cost),
        forecast: allowed.forecast.filter(|_| scene.role.sees_cost),
        min_group: u32::try_from(allowed.grant.min_group()).unwrap_or(u32::MAX),
        differences: differences.name(),
    };
    Ok(Answer { columns: rows.columns, rows: rows.rows, waterfall, sample_ratio: rows.sample_ratio, provenance })
}

/// From everybody known to the people asked for.
fn waterfall(
    scene: &Scene<'_>,
    question: &Question,
    counts: &PeopleCounts,
    people: &lake::PurposePeople,
    terms: &[(Option<u64>, Option<u64>)],
) -> Vec<WaterfallStep> {
    let purpose = scene.definitions.purposes.get(&question.purpose).map_or("", |purpose| &purpose.title);
    let step = |title: String, reason: &str, people: Option<u64>, left: Option<u64>| WaterfallStep {
        title,
        reason: reason.to_owned(),
        people,
        left,
    };
    let mut steps = vec![step("People known".to_owned(), "known", counts.known, None)];
    let mut rest = scene.snapshot.known().len();
    for why in policy::Withholding::ALL {
        let Some(withheld) = people.withheld.get(why.name()) else { continue };
        rest -= withheld.len();
        let title = match why {
            policy::Withholding::Law => format!("Live where the law allows {purpose}"),
            policy::Withholding::Consent => format!("Have agreed to {purpose}"),
            policy::Withholding::Objection => format!("Have not objected to {purpose}"),
        };
        let left = counts.withheld.get(why.name()).copied().flatten();
        let shown = counts.known.and(left).and(Some(rest)).filter(|_| counts.used.is_some());
        steps.push(step(title, why.name(), shown, left));
    }
    let QuestionBody::Audience(audience) = &question.body else { return steps };
    // The question as asked names audiences; their terms are told by the expanded one's steps only when they agree.
    let asked = audience.condition.conjuncts();
    for (index, (people, left)) in terms.iter().enumerate() {
        let title = match asked.get(index).filter(|_| asked.len() == terms.len()) {
            Some(term) => super::capitalised(&workspace::condition_words(term, scene.definitions)),
            None => format!("Rule {}", index + 1),
        };
        steps.push(step(title, "rule", *people, *left));
    }
    steps
}

/// Puts on record who asked what, and what was read for it.
pub(super) fn record(
    scene: &Scene<'_>,
    what: &str,
    question: &Question,
    (outcome, allowed): (Outcome, Option<&Allowed>),
) -> Result<()> {
    let hash = question.hash();
    let store = &scene.state.store;
    store.keep_question(&hash, &question.to_json().to_string())?;
    let name = |field: &FieldRef| match field {
        FieldRef::Property(name) => format!("event.{name}"),
        FieldRef::Trait(name) => name.clone(),
    };
    let access = allowed.map(|allowed| Access {
        role: &scene.role.name,
        release: allowed.grant.release().name(),
        rules: &scene.definitions.version,
        people: allowed.grant.people().len(),
        fields: allowed.resolved.fields.iter().map(name).collect(),
    });
    let record = Record {
        user: scene.user,
        what,
        purpose: Some(&question.purpose),
        question: Some(&hash),
        outcome: Some(outcome.name()),
        people: allowed.and_then(Allowed::audience),
        access,
    };
    store.record(&record, scene.state.clock.now())
}
