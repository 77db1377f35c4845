//! A question in words and in parts that a page can edit, and what it becomes under the hood.

use crate::lineage;
use crate::question::judge::Scene;
use crate::question::reason;
use crate::question::telling::Aim;
use crate::state::State;
use api::{Explained, Principal};
use serde_json::Value as Json;
use spec::{Condition, ConditionPart, FieldRef, Question, QuestionBody, Result};
use workspace::{Definitions, Resolved, Unresolved};

/// Explains a question, whole or half finished.
pub(crate) fn explain(state: &State, who: &Principal, json: &Json) -> Result<Explained> {
    let loaded = state.folder.current()?;
    let scene = Scene::new(state, &loaded.definitions, who, Aim::Judge)?;
    let definitions = &loaded.definitions;
    let question = match super::read(&scene, json) {
        Ok(question) => question,
        Err(errors) => {
            let parts = half_finished(json, definitions);
            return Ok(Explained {
                sentence: String::new(),
                question: None,
                parts,
                plan: Vec::new(),
                rests_on: Vec::new(),
                errors,
                missing: Vec::new(),
            });
        }
    };
    let condition = condition_of(&question);
    let parts = condition.map_or_else(Vec::new, |condition| workspace::condition_parts(condition, definitions));
    let (mut lines, mut errors, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    match workspace::resolve(&question, definitions) {
        Ok(resolved) => lines = plan(&scene, &resolved),
        Err(unresolved) => {
            for item in unresolved {
                match item {
                    Unresolved::Wrong(diagnostic) => errors.push(diagnostic),
                    Unresolved::Name { subject, kind, nearest, .. } => {
                        missing.push(reason::unknown_name(&scene, &question, (&subject, kind), &nearest));
                    }
                }
            }
        }
    }
    let sentence = workspace::question_words(&question, definitions);
    let rests_on = lineage::views(&workspace::question_rests_on(&question, definitions), definitions);
    Ok(Explained { sentence, question: Some(question.to_json()), parts, plan: lines, rests_on, errors, missing })
}

/// The parts of a condition that stands in something that is no question yet.
fn half_finished(json: &Json, definitions: &Definitions) -> Vec<ConditionPart> {
    let text = json.get("where").and_then(Json::as_str);
    let condition = text.and_then(|text| workspace::parse_condition(text).ok());
    condition.map_or_else(Vec::new, |condition| workspace::condition_parts(&condition, definitions))
}

fn condition_of(question: &Question) -> Option<&Condition> {
    match &question.body {
        QuestionBody::Trend(trend) => trend.filter.as_ref(),
        QuestionBody::Funnel(funnel) => funnel.filter.as_ref(),
        QuestionBody::Retention(retention) => retention.filter.as_ref(),
        QuestionBody::Attribution(attribution) => attribution.filter.as_ref(),
        QuestionBody::Paths(paths) => paths.filter.as_ref(),
        QuestionBody::Experiment(experiment) => experiment.filter.as_ref(),
        QuestionBody::Power(power) => power.filter.as_ref(),
        QuestionBody::Sql(_) => None,
        QuestionBody::Audience(audience) => Some(&audience.condition),
    }
}

/// What a question reads, line by line, for IT's face.
fn plan(scene: &Scene<'_>, resolved: &Resolved) -> Vec<String> {
    let list = |names: Vec<&str>| names.join(", ");
    let sources = list(resolved.all_sources().collect());
    let events = list(resolved.events.iter().map(String::as_str).collect());
    let mut lines = vec![format!("sources: {sources}"), format!("events: {events}")];
    let field = |field: &FieldRef| match field {
        FieldRef::Property(name) => format!("event.{name}"),
        FieldRef::Trait(name) => name.clone(),
    };
    let fields: Vec<String> = resolved.fields.iter().map(field).collect();
    lines.push(format!("fields: {}", if fields.is_empty() { "none".to_owned() } else { fields.join(", ") }));
    let purpose = scene.definitions.purposes.get(&resolved.question.purpose);
    if let Some(purpose) = purpose {
        let basis: Vec<String> =
            purpose.basis.iter().map(|(law, basis)| format!("{} {}", law.name(), basis.name())).collect();
        lines.push(format!("people: may be used for `{}` ({})", purpose.name, basis.join(", ")));
        lines.push(format!("minimum group: {}", purpose.min_group));
    }
    let engine = match &resolved.question.body {
        QuestionBody::Trend(_) => "one pass over each person's events: figures per interval and group",
        QuestionBody::Funnel(_) => "one pass over each person's events in order: the best chain",
        QuestionBody::Retention(_) => "one pass over each person's events in order: the cohort, then who came back",
        QuestionBody::Attribution(_) => {
            "one pass over each person's events in order: each conversion, shared by the touches before it"
        }
        QuestionBody::Paths(_) => "one pass over each person's events in order: the path from or to the event",
        QuestionBody::Experiment(_) => {
            "one pass over each person's events in order: the first exposure, then what followed"
        }
        QuestionBody::Power(_) => {
            "one pass over each person's events in order: the first exposure, then what followed; from it the size of a test"
        }
        QuestionBody::Sql(_) => "DataFusion, over granted rows; groups of too few people are left out as they are made",
        QuestionBody::Audience(_) => "one pass over each person's events in order: figures, then the condition",
    };
    lines.push(format!("engine: {engine}"));
    if let Some(condition) = condition_of(&resolved.question) {
        lines.push(format!("where: {condition}"));
    }
    lines
}
