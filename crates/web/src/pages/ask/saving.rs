//! Saving a question from its page: as what, under which name, and taking it back.
//!
//! What is saved as an audience is its condition and its purpose. So an audience is what is proposed where a question is
//! little more than that, and a question where it says more; the page says in words what would be left out.

use super::written_in;
use crate::api_v1::unsave as take_back;
use crate::body::{self, percent_encode};
use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{Frame, PageRequest, html, last, work};
use crate::routes::App;
use api::{Input, NameView, Principal, Product, SaveRequest, Saved};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::Value;
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::{Diagnostic, Error, ErrorKind};

/// What a question about people may say besides a condition, and how the page calls that.
const BEYOND: [(&str, &str); 3] =
    [("columns", "its columns"), ("limit", "how many of them at most"), ("destination", "where they go")];

/// How the page proposes to save a question.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct SavingView {
    /// Whether it could be an audience as well.
    may_be_audience: bool,
    /// Whether that is what is proposed.
    is_audience: bool,
    /// What is kept, in words.
    why: String,
}

/// As what a question would be saved, and why.
pub(super) fn view(question: &Json) -> SavingView {
    if question["kind"] != "audience" {
        let why = "It is saved as a question, which is asked again as it stands.".to_owned();
        return SavingView { may_be_audience: false, is_audience: false, why };
    }
    let is_list = question["release"].as_str().is_some_and(|release| release != "aggregate");
    let mut beyond: Vec<&str> = if is_list { vec!["which people they are"] } else { Vec::new() };
    beyond.extend(BEYOND.iter().filter(|(key, _)| !question[*key].is_null()).map(|(_, words)| *words));
    let day = if question["as_of"].is_null() { "" } else { ", which everybody asks as of their own day" };
    let why = match beyond.as_slice() {
        [] => format!("It is a plain condition: an audience keeps that and the purpose{day}."),
        said => format!(
            "It says more than a condition: {}. A question keeps all of it; an audience only the condition and the purpose.",
            said.join(", ")
        ),
    };
    SavingView { may_be_audience: true, is_audience: beyond.is_empty(), why }
}

/// What comes of the form.
enum Outcome {
    /// What the file would be called, while the title is typed.
    Named(std::result::Result<Option<NameView>, Diagnostic>),
    Saved(Saved),
    /// What keeps it from being saved.
    Wrong(StatusCode, Vec<Diagnostic>),
}

/// Saves, and says so in a message that can be undone; or says what the file would be called.
pub(crate) async fn save(
    State(app): State<App>,
    caller: Caller,
    page: PageRequest,
    request: Request,
) -> Result<Response, Problem> {
    let form = body::form(request).await?;
    let page = page.with_form(form);
    let fields = page.params.clone();
    let (frame, outcome) = work(&app, &caller, &page, move |product, who| saved(product, who, &fields)).await?;
    let title = page.param("title").trim().to_owned();
    match outcome {
        Outcome::Named(named) => {
            let view = match named {
                Ok(name) => json!({ "name": name }),
                Err(wrong) => json!({ "errors": [wrong] }),
            };
            part(&app, (&frame, &page), "parts/name.html", view)
        }
        Outcome::Saved(saved) if page.is_partial => {
            let view = json!({ "saved": saved, "title": title });
            let mut response = part(&app, (&frame, &page), "parts/saved.html", view)?;
            // What is wrong stands in the form; that it is saved, where it stays when the form is gone.
            response.headers_mut().insert("hx-retarget", HeaderValue::from_static("#toasts"));
            Ok(response)
        }
        Outcome::Saved(saved) => Ok(Redirect::to(&saved_at(&saved.kind, &saved.name, page.is_it)).into_response()),
        Outcome::Wrong(status, errors) if page.is_partial => {
            let view = json!({ "errors": errors, "title": title });
            let mut response = part(&app, (&frame, &page), "parts/saved.html", view)?;
            *response.status_mut() = status;
            Ok(response)
        }
        Outcome::Wrong(StatusCode::CONFLICT, errors) => {
            let first = errors.into_iter().next().unwrap_or_else(|| about_title("the name is taken", ""));
            Err(Problem::new(StatusCode::CONFLICT, &first.message).with_hint(&first.hint))
        }
        Outcome::Wrong(_, errors) => Err(Problem::invalid(errors)),
    }
}

fn saved(product: &dyn Product, who: &Principal, fields: &[(String, String)]) -> Result<Outcome, Problem> {
    let kind = if last(fields, "save_as") == "audience" { "audience" } else { "question" };
    let text = |key: &str| last(fields, key).trim().to_owned();
    let title = text("title");
    if last(fields, "do") == "name" {
        return Ok(Outcome::Named(named(product, who, (kind, &title))?));
    }
    let question = written_in(fields)?;
    let request =
        SaveRequest { kind: kind.to_owned(), title: title.clone(), description: text("description"), question };
    match product.save(who, &request) {
        Ok(Input::Good(saved)) => Ok(Outcome::Saved(saved)),
        Ok(Input::Bad(errors)) => Ok(Outcome::Wrong(StatusCode::BAD_REQUEST, errors)),
        Err(error) if error.kind == ErrorKind::Conflict => {
            let wrong = named(product, who, (kind, &title))?.err();
            let wrong = wrong.unwrap_or_else(|| of_error(&error));
            Ok(Outcome::Wrong(StatusCode::CONFLICT, vec![wrong]))
        }
        Err(error) if error.kind == ErrorKind::Invalid => {
            Ok(Outcome::Wrong(StatusCode::BAD_REQUEST, vec![of_error(&error)]))
        }
        Err(error) => Err(error.into()),
    }
}

/// What the file of a title would be called; nothing of no title, and what is wrong where it cannot be made.
fn named(
    product: &dyn Product,
    who: &Principal,
    (kind, title): (&str, &str),
) -> Result<std::result::Result<Option<NameView>, Diagnostic>, Problem> {
    if title.is_empty() {
        return Ok(Ok(None));
    }
    match product.name_for(who, kind, title) {
        Ok(name) if name.is_free => Ok(Ok(Some(name))),
        Ok(name) => {
            let hint = match &name.instead {
                Some(free) => format!("choose another title: “{free}” is free"),
                None => "choose another title".to_owned(),
            };
            Ok(Err(about_title(&format!("`{}` is there already", name.path), &hint)))
        }
        Err(error) if error.kind == ErrorKind::Invalid => Ok(Err(of_error(&error))),
        Err(error) => Err(error.into()),
    }
}

fn of_error(error: &Error) -> Diagnostic {
    about_title(&error.message, error.hint.as_deref().unwrap_or_default())
}

fn about_title(message: &str, hint: &str) -> Diagnostic {
    Diagnostic { path: "/title".to_owned(), line: 1, column: 1, message: message.to_owned(), hint: hint.to_owned() }
}

/// Takes what was saved out of the workspace again.
pub(crate) async fn unsave(
    State(app): State<App>,
    caller: Caller,
    page: PageRequest,
    request: Request,
) -> Result<Response, Problem> {
    let form = body::form(request).await?;
    let page = page.with_form(form);
    let (kind, name) = (page.param("kind").to_owned(), page.param("name").to_owned());
    let (frame, ()) = work(&app, &caller, &page, move |product, who| take_back(product, who, &kind, &name)).await?;
    if page.is_partial {
        part(&app, (&frame, &page), "parts/saved.html", json!({ "taken_back": true }))
    } else {
        Ok(Redirect::to(if page.is_it { "/?face=it" } else { "/" }).into_response())
    }
}

/// A part that says what came of it.
fn part(app: &App, (frame, page): (&Frame, &PageRequest), template: &str, mut view: Json) -> Result<Response, Problem> {
    view["part"] = template.into();
    if view.get("title").is_none() {
        view["title"] = "Saved".into();
    }
    html(app, Some(frame), page, "pages/part.html", Value::from_serialize(&view))
}

fn saved_at(kind: &str, name: &str, is_it: bool) -> String {
    let face = if is_it { "?face=it" } else { "" };
    let folder = if kind == "audience" { "audiences" } else { "questions" };
    format!("/{folder}/{}{face}", percent_encode(name))
}

#[cfg(test)]
mod tests;
