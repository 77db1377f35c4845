//! A file of a definition: read by whoever may see it, edited by whoever may change it, with what is wrong and which
//! verdicts turn beside the text.
//!
//! The page works as a plain form. Nothing that was typed is lost: a text that cannot be saved, or that somebody was
//! faster than, comes back with what stands against it. What was saved can be undone from the page for as long as it
//! stands: the text before it is the product's to know, and is not sent along.

use crate::api_v1::definitions::change_of;
use crate::body::{form, percent_encode};
use crate::diff::{self, Line};
use crate::gate::{Caller, Deed};
use crate::pages::ask::{LedHere, led_here};
use crate::problem::Problem;
use crate::render::{Frame, PageRequest, html, last, work};
use crate::routes::App;
use crate::words::segments;
use api::{
    DefinitionCheck, DefinitionRequest, DefinitionSaved, DefinitionView, ForeseenPeople, ForeseenTurn, Input,
    Principal, Product,
};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use gap::Gap;
use minijinja::Value;
use serde::Serialize;
use serde_json::Value as Json;
use spec::{Diagnostic, ErrorKind};

mod gap;

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
    /// The first line of the field that differs from the file, counted from 1, where a change is proposed.
    first_line: Option<usize>,
    /// Whether verdicts are looked at as soon as the page is there.
    is_checked_at_once: bool,
    /// Whether a change was asked for that is there already or that nobody can make but a person.
    is_unmade: bool,
    /// Whether the file was changed while the text was written.
    is_late: bool,
    /// Whether there is nothing any more that an undo could take back.
    is_past_undo: bool,
    undo: Option<DefinitionSaved>,
    is_undone: bool,
    /// The question that a change would be for, to come back to.
    led_here: Option<LedHere>,
    is_saved: bool,
}

/// What a text would change, as the page shows it beside it.
#[derive(Serialize)]
struct Checked {
    diagnostics: Vec<Diagnostic>,
    may_save: bool,
    turns: Vec<TurnShown>,
    n_unseen: usize,
    people: Vec<ForeseenPeople>,
    /// Whether verdicts were looked at.
    has_turns: bool,
}

#[derive(Serialize)]
struct TurnShown {
    turn: ForeseenTurn,
    q: String,
}

impl Shown {
    /// The file with the text that is proposed, or as it stands.
    fn new(definition: DefinitionView) -> Shown {
        let text = definition.proposed.clone().unwrap_or_else(|| definition.text.clone());
        let diagnostics = definition.diagnostics.clone();
        let checked = Checked {
            may_save: true,
            diagnostics,
            turns: Vec::new(),
            n_unseen: 0,
            people: Vec::new(),
            has_turns: false,
        };
        let is_checked_at_once = definition.proposed.is_some();
        let shown = Shown {
            title: definition.title.clone(),
            href: href(&definition.path),
            path: definition.path.clone(),
            lines: Vec::new(),
            rows: 0,
            first_line: definition.proposed.as_ref().map(|proposed| first_difference(&definition.text, proposed)),
            text: String::new(),
            definition,
            checked: Some(checked),
            is_checked_at_once,
            is_unmade: false,
            is_late: false,
            is_past_undo: false,
            undo: None,
            is_undone: false,
            led_here: None,
            is_saved: false,
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
        let shown = |turn: ForeseenTurn| TurnShown { q: turn.question.to_string(), turn };
        Checked {
            has_turns: check.may_save,
            diagnostics: check.diagnostics,
            may_save: check.may_save,
            turns: check.turns.into_iter().map(shown).collect(),
            n_unseen: check.n_unseen,
            people: check.people,
        }
    }

    /// What keeps a text from being saved.
    fn of_wrong(diagnostics: Vec<Diagnostic>) -> Checked {
        Checked { diagnostics, may_save: false, turns: Vec::new(), n_unseen: 0, people: Vec::new(), has_turns: false }
    }
}

/// The first line of a text that another one has not in its place, counted from 1.
fn first_difference(before: &str, after: &str) -> usize {
    before.lines().zip(after.lines()).take_while(|(before, after)| before == after).count() + 1
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
    let asked = request.clone();
    let opened =
        work(&app, &caller, &request, move |product, who| opened(product, who, (&path, change.as_ref()), &asked));
    let (frame, opened) = opened.await?;
    match opened {
        Opened::File(shown) => {
            html(&app, Some(&frame), &request, "pages/definition.html", Value::from_serialize(&shown))
        }
        Opened::Gap(gap) => {
            let mut response = html(&app, Some(&frame), &request, "pages/gap.html", Value::from_serialize(&gap))?;
            *response.status_mut() = StatusCode::FORBIDDEN;
            Ok(response)
        }
    }
}

/// What a file's address opens.
enum Opened {
    /// The file, for whoever may read it.
    File(Box<Shown>),
    /// For anybody else, what was asked for there and of whom.
    Gap(Box<Gap>),
}

fn opened(
    product: &dyn Product,
    who: &Principal,
    (path, change): (&str, Option<&Json>),
    asked: &PageRequest,
) -> Result<Opened, Problem> {
    let led_here = led_here(product, who, asked.param("q"), asked.is_it)?;
    let definition = match product.definition(who, path, change) {
        Ok(definition) => definition,
        Err(error) if error.kind == ErrorKind::Denied => {
            let gap = Gap::new(product, who, (path, change), led_here)?;
            return Ok(Opened::Gap(Box::new(gap)));
        }
        Err(error) => return Err(error.into()),
    };
    let is_unmade = change.is_some() && definition.may_edit && definition.proposed.is_none();
    let is_saved = asked
        .session
        .as_deref()
        .is_some_and(|session| Deed::Saved.is_mark(session, &definition.base, asked.param("saved")));
    Ok(Opened::File(Box::new(Shown { is_unmade, led_here, is_saved, ..Shown::new(definition) })))
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
    let params = fields.iter().filter(|(key, _)| ["face", "q"].contains(&key.as_str())).cloned().collect();
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
    let shown = || -> Result<Shown, Problem> {
        let led_here = led_here(product, who, last(fields, "q"), last(fields, "face") == "it")?;
        Ok(Shown { led_here, ..Shown::new(product.definition(who, path, None)?) })
    };
    let is_undo = last(fields, "do") == "undo";
    let past_undo = || Ok(After::Page(StatusCode::CONFLICT, Box::new(Shown { is_past_undo: true, ..shown()? })));
    let text = if is_undo {
        match product.definition(who, path, None)? {
            DefinitionView { undo: Some(before), .. } => before,
            DefinitionView { may_edit: true, .. } => return past_undo(),
            // Who may not change it is told so by what follows.
            _ => String::new(),
        }
    } else {
        // Forms send line breaks as two characters.
        last(fields, "text").replace("\r\n", "\n")
    };
    if last(fields, "do") == "check" {
        let shown = shown()?;
        let asked = shown.led_here.as_ref().map(|led_here| &led_here.question);
        let checked = Checked::new(product.check_definition(who, path, &text, asked)?);
        let is_late = last(fields, "late") == "yes";
        let shown = Shown { checked: Some(checked), is_late, ..shown.with_text(text) };
        let shown = if is_late && !is_partial { shown.with_lines() } else { shown };
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
            let undo = Some(saved).filter(|_| !is_undo);
            Ok(After::Saved(Box::new(Shown { undo, is_undone: is_undo, is_saved: !is_undo, ..shown()? })))
        }
        Ok(Input::Bad(wrong)) => {
            let shown = Shown { checked: Some(Checked::of_wrong(wrong)), ..shown()?.with_text(text) };
            Ok(After::Page(StatusCode::BAD_REQUEST, Box::new(shown)))
        }
        Err(error) if error.kind == ErrorKind::Conflict && is_undo => past_undo(),
        Err(error) if error.kind == ErrorKind::Conflict => {
            let shown = Shown { is_late: true, ..shown()?.with_text(text).with_lines() };
            Ok(After::Page(StatusCode::CONFLICT, Box::new(shown)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where the page of a file stands after it was written, with the way back to the question that led there.
fn address(shown: &Shown, page: &PageRequest) -> String {
    let asked = shown.led_here.as_ref().map(|led_here| format!("q={}", percent_encode(&led_here.q)));
    let session = page.session.as_deref().filter(|_| shown.is_saved && asked.is_some());
    let saved = session.map(|session| format!("saved={}", Deed::Saved.mark(session, &shown.definition.base)));
    let parts = [asked, saved, page.is_it.then(|| "face=it".to_owned())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { shown.href.clone() } else { format!("{}?{}", shown.href, parts.join("&")) }
}

fn respond(app: &App, frame: &Frame, page: &PageRequest, after: After) -> Result<Response, Problem> {
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
            if let Ok(address) = HeaderValue::from_str(&address(&shown, page)) {
                response.headers_mut().insert("hx-push-url", address);
            }
            Ok(response)
        }
        After::Saved(shown) => Ok(Redirect::to(&address(&shown, page)).into_response()),
    }
}
