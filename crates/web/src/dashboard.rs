//! Changes to a dashboard, one per form of its page: dashboard in, changed definition out, and how to take it back.
//!
//! A definition is the JSON that the product saves, with the keys of the file. A change names its tile by what the tile
//! shows, so that it means the same after somebody else has moved tiles.

use crate::render::last;
use api::{DashboardView, TileView};
use serde::Serialize;
use serde_json::{Value as Json, json};

/// The pairs of a form.
type Fields = [(String, String)];

/// A change that can be taken back: what is told of it, and what the form of the undo sends.
#[derive(Serialize)]
pub(crate) struct Undo {
    /// What was done.
    pub(crate) text: String,
    /// The dashboard's name.
    pub(crate) name: String,
    /// Its title, where the page does not show it.
    pub(crate) title: Option<String>,
    /// The definition before; empty where there was no dashboard.
    pub(crate) before: String,
    /// The version that the change made; empty where it took the dashboard away.
    pub(crate) version: String,
    /// The question that was saved for it.
    pub(crate) question: Option<String>,
}

/// What the product saves.
pub(crate) fn definition(dashboard: &DashboardView) -> Json {
    json!({ "title": dashboard.title, "description": dashboard.description, "tiles": dashboard.tiles })
}

/// What a tile shows, in one word for forms and ids.
pub(crate) fn key(tile: &TileView) -> String {
    match (&tile.question, &tile.metric) {
        (Some(name), _) => format!("question-{name}"),
        (None, name) => format!("metric-{}", name.as_deref().unwrap_or_default()),
    }
}

/// The tile of a key, as a form sends it.
pub(crate) fn tile_of(key: &str) -> Option<TileView> {
    let (kind, name) = key.split_once('-')?;
    let named = |wanted: &str| (kind == wanted).then(|| name.to_owned());
    let (question, metric) = (named("question"), named("metric"));
    (question.is_some() || metric.is_some()).then(|| TileView {
        question,
        metric,
        title: None,
        width: "half".to_owned(),
    })
}

/// The definition after one form was sent, and what was done; `None` where it changes nothing.
pub(crate) fn apply(dashboard: &DashboardView, fields: &Fields) -> Option<(Json, String)> {
    let mut changed = dashboard.clone();
    let index = dashboard.tiles.iter().position(|tile| key(tile) == last(fields, "tile"));
    let text = match (last(fields, "edit"), index) {
        ("up", Some(index)) if index > 0 => {
            changed.tiles.swap(index, index - 1);
            "Moved up."
        }
        ("down", Some(index)) if index + 1 < dashboard.tiles.len() => {
            changed.tiles.swap(index, index + 1);
            "Moved down."
        }
        ("width", Some(index)) => {
            let tile = &mut changed.tiles[index];
            let is_full = tile.width == "full";
            tile.width = if is_full { "half" } else { "full" }.to_owned();
            if is_full { "Half a line wide." } else { "A whole line wide." }
        }
        ("remove", Some(index)) => {
            changed.tiles.remove(index);
            "Taken off."
        }
        ("add", None) => {
            changed.tiles.push(tile_of(last(fields, "tile"))?);
            "Put on."
        }
        ("rename", _) => {
            changed.title = last(fields, "title").trim().to_owned();
            changed.description = last(fields, "description").trim().to_owned();
            "Renamed."
        }
        _ => return None,
    };
    let definition = definition(&changed);
    (definition != self::definition(dashboard)).then(|| (definition, text.to_owned()))
}

#[cfg(test)]
mod tests;
