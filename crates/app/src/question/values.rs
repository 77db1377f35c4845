//! Values of a field of text, for whoever writes a condition: they are the company's own words, and nobody guesses them.
//!
//! What is told is what a breakdown of people by the field tells, and less: the same breakdown is judged for the asker, for
//! the same purpose, under the same role, minimum group and ledger, and only the names of its groups leave, in the order of
//! how many people have them, without a figure. So a value that fewer people have than the minimum group is never named, one
//! that nobody may be used with does not come up, and where the breakdown would be refused nothing is said but why. It is
//! charged to nobody's day and kept in nobody's history of what was told, since there is no figure in it; where a purpose
//! counts questions or adds noise even the names are worth a question, so that there nothing is looked up. Each look is on
//! record as `values`. What came out is kept by the minute as any answer is, so that who types does not ask again and again.

use crate::error;
use crate::question::ask;
use crate::question::judge::{Decided, Scene};
use crate::question::remedy::{meant, named};
use crate::question::telling::Aim;
use crate::state::State;
use api::{Principal, ValuesRequest, ValuesView};
use chrono::TimeDelta;
use serde_json::json;
use spec::{EventSelector, FieldRef, Outcome, Purpose, Question, Result};

/// Values that are told.
const VALUES_MAX: usize = 50;
/// Somebody types meanwhile.
const SECONDS_MAX: i64 = 2;

/// The values of a field that enough people have.
pub(crate) fn values(state: &State, who: &Principal, request: &ValuesRequest) -> Result<ValuesView> {
    let loaded = state.folder.current()?;
    let scene = Scene::new(state, &loaded.definitions, who, Aim::Look)?.on_the_minute();
    let scene = Scene { until: scene.now + TimeDelta::seconds(SECONDS_MAX), ..scene };
    let purpose = loaded.definitions.purposes.get(&request.purpose);
    let purpose = purpose.ok_or_else(|| error::not_found("purpose", &request.purpose, None))?;
    if purpose.limits.questions_per_day.is_some() || purpose.limits.noise.is_some() {
        return Ok(none(format!("Questions for {} are counted, so values are not looked up.", purpose.title)));
    }
    let Some(breakdown) = breakdown(&scene, purpose, request)? else {
        return Ok(none("This field has no values that people are grouped by.".to_owned()));
    };
    match scene.decide(&breakdown)? {
        Decided::Allowed(allowed) => {
            ask::record(&scene, "values", &breakdown, (Outcome::Yes, Some(&allowed)))?;
            let mut values = named(&allowed);
            values.truncate(VALUES_MAX);
            let why = values.is_empty().then(|| "No value is one that enough people have.".to_owned());
            Ok(ValuesView { values, why })
        }
        Decided::Refused(refused) => {
            ask::record(&scene, "values", &breakdown, (Outcome::No, refused.run.as_deref()))?;
            let why = refused.reasons.into_iter().next().map(|first| first.for_marketing);
            Ok(none(why.unwrap_or_else(|| "A breakdown by this field is refused.".to_owned())))
        }
        Decided::Nonsense(_) => Ok(none("People cannot be broken down by this field.".to_owned())),
    }
}

fn none(why: String) -> ValuesView {
    ValuesView { values: Vec::new(), why: Some(why) }
}

/// How many people have each value; `None` for a field whose values are no groups.
fn breakdown(scene: &Scene<'_>, purpose: &Purpose, request: &ValuesRequest) -> Result<Option<Question>> {
    let definitions = scene.definitions;
    let event = request.event.clone().map_or(EventSelector::Any, EventSelector::Named);
    let field = match request.field.strip_prefix("event.") {
        Some(name) => FieldRef::Property(name.to_owned()),
        None => FieldRef::Trait(request.field.clone()),
    };
    let is_known = match &field {
        FieldRef::Property(name) => definitions.property(&event, name).is_some(),
        FieldRef::Trait(name) => definitions.trait_field(name).is_some(),
    };
    if !is_known {
        return Err(error::not_found("field", &request.field, None));
    }
    // What the breakdown takes over of a question is its purpose and its time zone; the body becomes its own.
    let json = json!({ "kind": "trend", "purpose": purpose.name, "measure": "people(*)" });
    let Ok(question) = workspace::parse_question(&json, "/question") else {
        return Err(error::bug("a plain question cannot be read"));
    };
    Ok(meant::breakdown(scene, &question, &event, &field))
}
