//! What rests on what, as views: `workspace` computes it, and here it gets titles and files.

use crate::error;
use crate::state::State;
use api::{LineageRequest, LineageView, ThingView};
use spec::Result;
use std::collections::BTreeSet;
use workspace::{Definitions, Lineage, Thing, ThingKind};

/// The lineage of the wanted things. Everybody sees it: it holds names that stand in definitions, which are no secret
/// to anybody who works under them, and nothing of the data.
pub(crate) fn lineage(state: &State, request: &LineageRequest) -> Result<Vec<LineageView>> {
    let kinds = kinds(&request.kinds)?;
    let loaded = state.folder.current()?;
    let definitions = &loaded.definitions;
    let lineage = Lineage::new(definitions);
    let is_wanted =
        |thing: &&Thing| kinds.contains(&thing.kind) && request.name.as_ref().is_none_or(|name| *name == thing.name);
    let view = |thing: &Thing| {
        let of_thing = thing_view(thing, definitions)?;
        Some(LineageView {
            team: definitions.team_for(&of_thing.path).map(|team| team.title.clone()),
            thing: of_thing,
            rests_on: views(&lineage.rests_on(thing), definitions),
            used_by: views(&lineage.used_by(thing), definitions),
        })
    };
    Ok(lineage.things().filter(is_wanted).filter_map(view).collect())
}

/// Things as views, in their order.
pub(crate) fn views(things: &BTreeSet<Thing>, definitions: &Definitions) -> Vec<ThingView> {
    things.iter().filter_map(|thing| thing_view(thing, definitions)).collect()
}

fn thing_view(thing: &Thing, definitions: &Definitions) -> Option<ThingView> {
    let defined = thing.defined_at(definitions)?;
    Some(ThingView {
        kind: thing.kind.name().to_owned(),
        name: thing.name.clone(),
        title: defined.title,
        path: defined.path,
        source: defined.source,
    })
}

fn kinds(words: &[String]) -> Result<Vec<ThingKind>> {
    if words.is_empty() {
        return Ok(ThingKind::ALL.into());
    }
    let kind = |word: &String| {
        let found = ThingKind::ALL.into_iter().find(|kind| kind.name() == word);
        let names = ThingKind::ALL.map(ThingKind::name).join(", ");
        found.ok_or_else(|| error::invalid(format!("there is no kind of thing `{word}`"), &format!("use {names}")))
    };
    words.iter().map(kind).collect()
}
