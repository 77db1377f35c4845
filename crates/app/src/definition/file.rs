//! Files of definitions as they stand: read, checked and written as texts, by whoever the role lets.
//!
//! Which file is meant is decided by the form of its path alone, which has no part that could lead out of the folder; what
//! is read is what the workspace was loaded from, in which links do not count. A text is checked by loading the workspace
//! with it in the file's place. Nothing is written that makes anything wrong which is right now, and nothing over a text
//! that the writer has not seen.

use super::history::{self, History};
use super::{version, write};
use crate::error;
use crate::files::{Edit, FILE_BYTES_MAX, Loaded};
use crate::question::turning;
use crate::state::{State, role_of};
use api::{DefinitionCheck, DefinitionRequest, DefinitionSaved, DefinitionView, Input, Principal};
use serde_json::Value as Json;
use spec::{Change, DefinitionKind, Diagnostic, ErrorKind, Result, Role};
use workspace::Definitions;

mod people;

/// A file as a role sees it.
struct File<'a> {
    kind: DefinitionKind,
    name: &'a str,
    /// Its text on disk, if it is there.
    text: Option<&'a str>,
    may_edit: bool,
}

/// A file as it stands, and as it would with a change.
///
/// # Errors
/// `Invalid` for what is no change at all; one that cannot be made leaves the file as it is.
pub(crate) fn definition(state: &State, who: &Principal, path: &str, change: Option<&Json>) -> Result<DefinitionView> {
    let loaded = state.folder.current()?;
    let role = role_of(&loaded.definitions, who)?;
    let file = file(state, &loaded, role, path)?;
    let text = file.text.unwrap_or_default();
    let change = change.map(Change::parse).transpose()?;
    let proposed = change.filter(|_| file.may_edit).and_then(|change| workspace::proposed(text, path, &change));
    let proposed = proposed.filter(|proposed| proposed != text);
    let diagnostics = match &proposed {
        Some(proposed) => tried(&loaded, path, proposed).1,
        // What is wrong with a file is for those who may mend it.
        None if file.may_edit || who.may_define => of_file(&loaded.diagnostics, path),
        None => Vec::new(),
    };
    let edits = |role: &&Role| role.edits.contains(&file.kind);
    let base = file.text.map(version).unwrap_or_default();
    // Who did what is for those who see the records, and for those who work on the same file.
    let history = match file.may_edit || who.sees_audit {
        true => history::of(state, &loaded.definitions, (path, &base))?,
        false => History { edits: Vec::new(), undo: None },
    };
    Ok(DefinitionView {
        path: path.to_owned(),
        kind: file.kind.name().to_owned(),
        title: title(&loaded.definitions, &file),
        text: text.to_owned(),
        proposed,
        base,
        may_edit: file.may_edit,
        edits: history.edits,
        undo: history.undo.filter(|_| file.may_edit),
        owner: owner(&loaded.definitions, path, &file),
        editors: loaded.definitions.roles.values().filter(edits).map(|role| role.title.clone()).collect(),
        diagnostics,
    })
}

/// What a text in the place of a file would change.
pub(crate) fn check(
    state: &State,
    who: &Principal,
    path: &str,
    text: &str,
    asked: Option<&Json>,
) -> Result<DefinitionCheck> {
    let loaded = state.folder.current()?;
    let role = role_of(&loaded.definitions, who)?;
    let file = editable(state, &loaded, role, path)?;
    if let Some(wrong) = too_large(path, text) {
        return Ok(DefinitionCheck { diagnostics: vec![wrong], ..DefinitionCheck::default() });
    }
    let (definitions, diagnostics) = tried(&loaded, path, text);
    let may_save = added(&loaded, path, &diagnostics).is_empty();
    let is_asked_with = !matches!(file.kind, DefinitionKind::Dashboards | DefinitionKind::Teams);
    let counts = if may_save { people::of(state, &file, &loaded.definitions, &definitions) } else { Vec::new() };
    let (turns, n_unseen) = if may_save && is_asked_with && file.text != Some(text) {
        let asked = asked.and_then(|json| workspace::parse_question(json, "/question").ok());
        turning::turns(state, who, &loaded.definitions, &definitions, asked.as_ref())?
    } else {
        (Vec::new(), 0)
    };
    Ok(DefinitionCheck { diagnostics, may_save, turns, n_unseen, people: counts })
}

/// Writes a text in the place of the one that was read; an empty one takes the file away.
pub(crate) fn save(state: &State, who: &Principal, request: &DefinitionRequest) -> Result<Input<DefinitionSaved>> {
    let DefinitionRequest { path, text, base } = request;
    let loaded = state.folder.current()?;
    let role = role_of(&loaded.definitions, who)?;
    let file = editable(state, &loaded, role, path)?;
    if file.text.map(version).unwrap_or_default() != *base {
        return Err(error::changed(path));
    }
    if let Some(wrong) = too_large(path, text) {
        return Ok(Input::Bad(vec![wrong]));
    }
    let wrong = added(&loaded, path, &tried(&loaded, path, text).1);
    if !wrong.is_empty() {
        return Ok(Input::Bad(wrong));
    }
    // Pages know one way of ending lines; a file keeps its own.
    let with_own_ends = text.replace('\n', "\r\n");
    let has_other_ends = file.text.is_some_and(|before| before.contains("\r\n")) && !text.contains("\r\n");
    let text = if has_other_ends { &with_own_ends } else { text };
    let is_removed = text.trim().is_empty();
    let saved = DefinitionSaved {
        path: path.clone(),
        base: if is_removed { String::new() } else { version(text) },
        before: file.text.unwrap_or_default().to_owned(),
    };
    if file.text.unwrap_or_default() == text || (file.text.is_none() && is_removed) {
        return Ok(Input::Good(saved));
    }
    let after = Some(text.as_str()).filter(|_| !is_removed);
    write(state, who, &Edit { path, before: file.text, after }).map_err(|failed| match failed.kind {
        // Somebody was faster.
        ErrorKind::Conflict => error::changed(path),
        _ => failed,
    })?;
    Ok(Input::Good(saved))
}

/// The file of a path, for a role that may see it.
fn file<'a>(state: &State, loaded: &'a Loaded, role: &Role, path: &'a str) -> Result<File<'a>> {
    let (kind, name) = workspace::definition_of(path).ok_or_else(|| error::no_definition(path))?;
    let may_edit = role.edits.contains(&kind);
    if !may_edit && !is_shown(kind, role) {
        return Err(error::no_right(&role.name, &format!("read files of `{}`", kind.name())));
    }
    let text = loaded.texts.get(path).map(String::as_str);
    if text.is_none() {
        // What was not loaded and is there is no text, or a link.
        if !state.folder.holds(path)? || state.folder.path().join(path).exists() {
            return Err(error::no_text(path));
        }
        if !may_edit {
            return Err(error::not_found("file", path, None));
        }
    }
    Ok(File { kind, name, text, may_edit })
}

/// The same for a role that may change it.
fn editable<'a>(state: &State, loaded: &'a Loaded, role: &Role, path: &'a str) -> Result<File<'a>> {
    let (kind, _) = workspace::definition_of(path).ok_or_else(|| error::no_definition(path))?;
    if !role.edits.contains(&kind) {
        return Err(error::no_right(&role.name, &format!("change files of `{}`", kind.name())));
    }
    file(state, loaded, role, path)
}

/// Whether a role that may not change files of a sort still sees them, as their pages show them.
fn is_shown(kind: DefinitionKind, role: &Role) -> bool {
    match kind {
        DefinitionKind::Metrics
        | DefinitionKind::Audiences
        | DefinitionKind::Questions
        | DefinitionKind::Dashboards
        | DefinitionKind::Destinations
        | DefinitionKind::Laws
        | DefinitionKind::Purposes
        | DefinitionKind::Roles => true,
        DefinitionKind::Contracts | DefinitionKind::Teams => role.sees_cost,
        // Digests of keys stand there, and by mistake a key itself.
        DefinitionKind::Sources => false,
    }
}

/// The definitions with a text in the place of a file, and what is wrong: with that file, and elsewhere what is not
/// wrong now.
fn tried(loaded: &Loaded, path: &str, text: &str) -> (Definitions, Vec<Diagnostic>) {
    let mut texts = loaded.texts.clone();
    if text.trim().is_empty() {
        texts.remove(path);
    } else {
        texts.insert(path.to_owned(), text.to_owned());
    }
    let (definitions, found) = workspace::load(&texts);
    let is_told = |wrong: &Diagnostic| wrong.path == path || !loaded.diagnostics.contains(wrong);
    (definitions, found.into_iter().filter(is_told).collect())
}

/// What is wrong and is not wrong now. In the file itself lines move, so that there the words decide.
fn added(loaded: &Loaded, path: &str, diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut known: Vec<String> = of_file(&loaded.diagnostics, path).into_iter().map(|wrong| wrong.message).collect();
    let is_new = |wrong: &&Diagnostic| {
        let place = known.iter().position(|message| wrong.path == path && *message == wrong.message);
        place.map(|place| known.swap_remove(place)).is_none()
    };
    diagnostics.iter().filter(is_new).cloned().collect()
}

fn of_file(diagnostics: &[Diagnostic], path: &str) -> Vec<Diagnostic> {
    diagnostics.iter().filter(|diagnostic| diagnostic.path == path).cloned().collect()
}

fn too_large(path: &str, text: &str) -> Option<Diagnostic> {
    (text.len() as u64 > FILE_BYTES_MAX).then(|| Diagnostic {
        path: path.to_owned(),
        line: 1,
        column: 1,
        message: "the text is larger than 1 MiB".to_owned(),
        hint: "a definition is a few lines; is this data?".to_owned(),
    })
}

/// What people call a file.
fn title(definitions: &Definitions, file: &File<'_>) -> String {
    let name = file.name;
    let of = |word: &str, title: Option<&String>| match title {
        Some(title) => format!("{word} {title}"),
        None => format!("{word} {name}"),
    };
    match file.kind {
        DefinitionKind::Laws => "The workspace and its laws".to_owned(),
        DefinitionKind::Sources => of("The source", definitions.sources.get(name).map(|source| &source.title)),
        DefinitionKind::Contracts => {
            let path = format!("contracts/{name}.odcs.yaml");
            let mut sources = definitions.sources.values();
            of("The contract of", sources.find(|source| source.contract_path == path).map(|source| &source.title))
        }
        DefinitionKind::Purposes => of("The purpose", definitions.purposes.get(name).map(|purpose| &purpose.title)),
        DefinitionKind::Roles => of("The role", definitions.roles.get(name).map(|role| &role.title)),
        DefinitionKind::Teams => of("The team", definitions.teams.get(name).map(|team| &team.title)),
        DefinitionKind::Metrics => of("The metric", definitions.metrics.get(name).map(|metric| &metric.title)),
        DefinitionKind::Audiences => of("The audience", definitions.audiences.get(name).map(|one| &one.title)),
        DefinitionKind::Questions => of("The question", definitions.questions.get(name).map(|saved| &saved.title)),
        DefinitionKind::Dashboards => of("The dashboard", definitions.dashboards.get(name).map(|board| &board.title)),
        DefinitionKind::Destinations => {
            of("The destination", definitions.destinations.get(name).map(|destination| &destination.title))
        }
    }
}

/// Who answers for a file: as it says itself, else the team that looks after it.
fn owner(definitions: &Definitions, path: &str, file: &File<'_>) -> Option<String> {
    named_owner(definitions, path, file).or_else(|| definitions.team_for(path).map(|team| team.title.clone()))
}

fn named_owner(definitions: &Definitions, path: &str, file: &File<'_>) -> Option<String> {
    let listed = |owners: &Vec<String>| Some(owners.join(", ")).filter(|owners| !owners.is_empty());
    match file.kind {
        DefinitionKind::Contracts => {
            definitions.sources.values().find(|source| source.contract_path == path)?.contract.owner.clone()
        }
        DefinitionKind::Metrics => listed(&definitions.metrics.get(file.name)?.owners),
        DefinitionKind::Audiences => listed(&definitions.audiences.get(file.name)?.owners),
        _ => None,
    }
}
