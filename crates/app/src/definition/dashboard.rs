//! Dashboards: listing them, and writing them into the workspace folder.
//!
//! A dashboard is written whole, from what was understood of it, and only if it loads; comments in its file go with the
//! old text. Who names the version that was seen cannot write over somebody else's change.

use super::naming::file_name;
use super::{loads, quoted, version, write};
use crate::error;
use crate::files::{Edit, Loaded};
use crate::state::State;
use api::{DashboardRequest, DashboardView, Input, Principal, TileView};
use spec::{Dashboard, Result, Tile, TileSubject};
use std::fmt::Write;
use workspace::Subjects;

/// The dashboards.
pub(crate) fn dashboards(state: &State) -> Result<Vec<DashboardView>> {
    let loaded = state.folder.current()?;
    Ok(loaded.definitions.dashboards.values().map(|dashboard| view(dashboard, &loaded)).collect())
}

/// Writes a dashboard, a new one or in place of another.
pub(crate) fn save_dashboard(
    state: &State,
    who: &Principal,
    request: &DashboardRequest,
) -> Result<Input<DashboardView>> {
    if !who.may_define {
        return Err(error::no_right(&who.role, "save definitions"));
    }
    let name = match &request.name {
        Some(name) if workspace::is_name(name) => name.clone(),
        Some(name) => return Err(error::not_found("dashboard", name, None)),
        None => file_name("dashboard", request.dashboard["title"].as_str().unwrap_or_default())?,
    };
    let loaded = state.folder.current()?;
    let known = Subjects { questions: names(&loaded, "questions/"), metrics: names(&loaded, "metrics/") };
    let mut asked = request.dashboard.clone();
    // What comes back says that there is none by an empty text, and may be sent again.
    if asked["description"] == "" {
        asked["description"].take();
    }
    let dashboard = match workspace::parse_dashboard(&name, &asked, "", &known) {
        Ok(dashboard) => dashboard,
        Err(diagnostics) => return Ok(Input::Bad(diagnostics)),
    };
    let (path, text) = (path(&name), written(&dashboard));
    if let Err(diagnostics) = loads(&loaded, &path, &text) {
        return Ok(Input::Bad(diagnostics));
    }
    let before = loaded.texts.get(&path).map(String::as_str);
    if before.is_some() && request.name.is_none() {
        return Err(error::exists(&path));
    }
    let seen = before.map(version).unwrap_or_default();
    if request.version.as_ref().is_some_and(|wanted| *wanted != seen) {
        return Err(error::changed(&path));
    }
    write(state, who, &Edit { path: &path, before, after: Some(&text) })?;
    let loaded = state.folder.current()?;
    let saved = loaded.definitions.dashboards.get(&name).ok_or_else(|| error::changed(&path))?;
    Ok(Input::Good(view(saved, &loaded)))
}

/// The dashboard that shows a question, if one does.
pub(super) fn showing<'a>(loaded: &'a Loaded, question: &str) -> Option<&'a Dashboard> {
    let subject = TileSubject::Question(question.to_owned());
    let shows = |dashboard: &&Dashboard| dashboard.tiles.iter().any(|tile| tile.subject == subject);
    loaded.definitions.dashboards.values().find(shows)
}

/// The file of a dashboard.
pub(super) fn path(name: &str) -> String {
    format!("dashboards/{name}.yaml")
}

/// The names of the files of a folder, those with errors too.
fn names<'a>(loaded: &'a Loaded, folder: &str) -> Vec<&'a str> {
    loaded.texts.keys().filter_map(|path| path.strip_prefix(folder)?.strip_suffix(".yaml")).collect()
}

fn view(dashboard: &Dashboard, loaded: &Loaded) -> DashboardView {
    let path = path(&dashboard.name);
    let text = loaded.texts.get(&path).cloned().unwrap_or_default();
    DashboardView {
        name: dashboard.name.clone(),
        title: dashboard.title.clone(),
        description: dashboard.description.clone(),
        tiles: dashboard.tiles.iter().map(tile_view).collect(),
        version: version(&text),
        path,
        text,
    }
}

fn tile_view(tile: &Tile) -> TileView {
    let (question, metric) = match &tile.subject {
        TileSubject::Question(name) => (Some(name.clone()), None),
        TileSubject::Metric(name) => (None, Some(name.clone())),
    };
    TileView { question, metric, title: tile.title.clone(), width: tile.width.name().to_owned() }
}

/// The file of a dashboard.
fn written(dashboard: &Dashboard) -> String {
    let mut text = format!("title: {}\n", quoted(&dashboard.title));
    let mut line = |start: &str, value: &str| writeln!(text, "{start}{value}").expect("a string takes all");
    if !dashboard.description.is_empty() {
        line("description: ", &quoted(&dashboard.description));
    }
    if !dashboard.tiles.is_empty() {
        line("tiles:", "");
    }
    for tile in &dashboard.tiles {
        match &tile.subject {
            TileSubject::Question(name) => line("  - question: ", name),
            TileSubject::Metric(name) => line("  - metric: ", name),
        }
        if let Some(title) = &tile.title {
            line("    title: ", &quoted(title));
        }
        line("    width: ", tile.width.name());
    }
    text
}
