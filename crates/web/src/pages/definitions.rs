//! A file of a definition: read by whoever may see it, edited by whoever may change it, with what is wrong and which
//! verdicts turn beside the text.
//!
//! The page works as a plain form. Nothing that was typed is lost: a text that cannot be saved, or that somebody was
//! faster than, comes back with what stands against it.

use crate::api_v1::definitions::change_of;
use crate::body::form;
use crate::diff::{self, Line};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{Frame, PageRequest, html, last, page, work};
use crate::routes::App;
use crate::words::segments;
use api::{DefinitionCheck, DefinitionRequest, DefinitionSaved, DefinitionView, Input, Principal, Product, Turn};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::Value;
use serde::Serialize;
use spec::{Diagnostic, ErrorKind};

/// Lines of the field for the text, at least and at most.
const ROWS: (usize, usize) = (14, 36);

/// A file as its page shows it.
#[derive(Serialize)]
struct Shown {
    title: String,
    href: String,
    path: String,
    definition: DefinitionView,
    /// What the field holds.
    text: String,
    rows: usize,
    /// How that differs from the file, where somebody else wrote it or something has to be decided.
    lines: Vec<Line>,
    checked: Option<Checked>,
    /// Whether verdicts are looked at as soon as the page is there.
    is_checked_at_once: bool,
    /// Whether a change was asked for that is there already or that nobody can make but a person.
    is_unmade: bool,
    /// Whether the file was changed while the text was written.
    is_late: bool,
    undo: Option<DefinitionSaved>,
    is_undone: bool,
}

/// What a text would change, as the page shows it beside it.
#[derive(Serialize)]
struct Checked {
    diagnostics: Vec<Diagnostic>,
    may_save: bool,
    turns: Vec<Turned>,
    n_unseen: usize,
    /// Whether verdicts were looked at.
    has_turns: bool,
}

#[derive(Serialize)]
struct Turned {
    turn: Turn,
    q: String,
}

impl Shown {
    /// The file with the text that is proposed, or as it stands.
    fn new(definition: DefinitionView) -> Shown {
        let text = definition.proposed.clone().unwrap_or_else(|| definition.text.clone());
        let diagnostics = definition.diagnostics.clone();
        let checked = Checked { may_save: true, diagnostics, turns: Vec::new(), n_unseen: 0, has_turns: false };
        let is_checked_at_once = definition.proposed.is_some();
        let shown = Shown {
            title: definition.title.clone(),
            href: href(&definition.path),
            path: definition.path.clone(),
            lines: Vec::new(),
            rows: 0,
            text: String::new(),
            definition,
            checked: Some(checked),
            is_checked_at_once,
            is_unmade: false,
            is_late: false,
            undo: None,
            is_undone: false,
        };
        if is_checked_at_once { shown.with_text(text).with_lines() } else { shown.with_text(text) }
    }

    /// The same with another text in the field.
    fn with_text(self, text: String) -> Shown {
        let rows = (text.lines().count() + 2).clamp(ROWS.0, ROWS.1);
        Shown { text, rows, ..self }
    }

    /// The same with how the text in the field differs from the file.
    fn with_lines(self) -> Shown {
        let lines = diff::lines(&self.definition.text, &self.text);
        Shown { lines, ..self }
    }
}

impl Checked {
    fn new(check: DefinitionCheck) -> Checked {
        let turned = |turn: Turn| Turned { q: turn.question.to_string(), turn };
        Checked {
            has_turns: check.may_save,
            diagnostics: check.diagnostics,
            may_save: check.may_save,
            turns: check.turns.into_iter().map(turned).collect(),
            n_unseen: check.n_unseen,
        }
    }

    /// What keeps a text from being saved.
    fn of_wrong(diagnostics: Vec<Diagnostic>) -> Checked {
        Checked { diagnostics, may_save: false, turns: Vec::new(), n_unseen: 0, has_turns: false }
    }
}

/// The address of a file's page.
fn href(path: &str) -> String {
    format!("/definitions/{}", segments(path))
}

pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let change = change_of(request.param("change"))?;
    page(&app, &caller, &request, "pages/definition.html", move |product, who| {
        let definition = product.definition(who, &path, change.as_ref())?;
        let is_unmade = change.is_some() && definition.may_edit && definition.proposed.is_none();
        Ok(Shown { is_unmade, ..Shown::new(definition) })
    })
    .await
}

/// What comes of a form.
enum After {
    /// What the text would change, beside the field.
    Part(Box<Shown>),
    /// The page, with a status.
    Page(StatusCode, Box<Shown>),
    /// It was written.
    Saved(Box<Shown>),
}

/// Checks a text, writes it, or writes the one before it again.
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    page: PageRequest,
    Path(path): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = form(request).await?;
    // The text stays out of the addresses on the page.
    let is_it = last(&fields, "face") == "it";
    let params = fields.iter().filter(|(key, _)| key == "face").cloned().collect();
    let page = PageRequest { params, is_it, ..page };
    let is_partial = page.is_partial;
    let (frame, after) =
        work(&app, &caller, &page, move |product, who| changed(product, who, &path, &fields, is_partial)).await?;
    respond(&app, &frame, &page, after)
}

fn changed(
    product: &dyn Product,
    who: &Principal,
    path: &str,
    fields: &[(String, String)],
    is_partial: bool,
) -> Result<After, Problem> {
    // Forms send line breaks as two characters.
    let text = last(fields, "text").replace("\r\n", "\n");
    let shown = || -> Result<Shown, Problem> { Ok(Shown::new(product.definition(who, path, None)?)) };
    if last(fields, "do") == "check" {
        let checked = Checked::new(product.check_definition(who, path, &text)?);
        let shown = Shown { checked: Some(checked), ..shown()?.with_text(text) };
        return Ok(if is_partial {
            After::Part(Box::new(shown))
        } else {
            After::Page(StatusCode::OK, Box::new(shown))
        });
    }
    let base = last(fields, "base").to_owned();
    let request = DefinitionRequest { path: path.to_owned(), text: text.clone(), base };
    match product.save_definition(who, &request) {
        Ok(Input::Good(saved)) => {
            let is_undone = last(fields, "do") == "undo";
            let undo = Some(saved).filter(|_| !is_undone);
            Ok(After::Saved(Box::new(Shown { undo, is_undone, ..shown()? })))
        }
        Ok(Input::Bad(wrong)) => {
            let shown = Shown { checked: Some(Checked::of_wrong(wrong)), ..shown()?.with_text(text) };
            Ok(After::Page(StatusCode::BAD_REQUEST, Box::new(shown)))
        }
        Err(error) if error.kind == ErrorKind::Conflict => {
            let shown = Shown { is_late: true, ..shown()?.with_text(text).with_lines() };
            Ok(After::Page(StatusCode::CONFLICT, Box::new(shown)))
        }
        Err(error) => Err(error.into()),
    }
}

fn respond(app: &App, frame: &Frame, page: &PageRequest, after: After) -> Result<Response, Problem> {
    let address = |shown: &Shown| format!("{}{}", shown.href, if page.is_it { "?face=it" } else { "" });
    let whole = |shown: &Shown| html(app, Some(frame), page, "pages/definition.html", Value::from_serialize(shown));
    match after {
        After::Part(shown) => html(app, Some(frame), page, "parts/checked.html", Value::from_serialize(&shown)),
        After::Page(status, shown) => {
            let mut response = whole(&shown)?;
            *response.status_mut() = status;
            Ok(response)
        }
        After::Saved(shown) if page.is_partial => {
            let mut response = whole(&shown)?;
            if let Ok(address) = HeaderValue::from_str(&address(&shown)) {
                response.headers_mut().insert("hx-push-url", address);
            }
            Ok(response)
        }
        After::Saved(shown) => Ok(Redirect::to(&address(&shown)).into_response()),
    }
}
