//! What one person agreed to, for that person: reached by a link that a server of the company has signed, without signing in.
//!
//! Flow: the link's token -> `Collector::preferences`, who it is -> `Product::preferences`, how they stand. A choice goes the
//! way of every message, and the page is shown again when it is in force. Invariants: the token is the only authority, and no
//! cookie is looked at or set; without a good one nothing is said of anybody; to say no takes one click, as to say yes does.
//!
//! # Source
//! RFC 8058: a mail program that posts `List-Unsubscribe=One-Click` to a link says no for its owner.

use crate::body::{self, percent_encode};
use crate::intake::{problem_of, sender_of};
use crate::problem::Problem;
use crate::render::{PageRequest, html, last};
use crate::routes::App;
use api::{Choice, LinkHolder, PreferenceLink, PreferencesView, Receipt, Refusal, RefusalKind, Said};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long to wait until a choice is on disk.
const TOLD_WAIT_MAX: Duration = Duration::from_secs(10);
/// When it is looked whether a choice is in force: so many milliseconds after the look before.
const LOOKS_AFTER_MS: [u64; 5] = [150, 250, 400, 800, 1_500];

pub(crate) async fn show(State(app): State<App>, request: PageRequest) -> Result<Response, Problem> {
    let holder = holder(&app, &link_of(&request))?;
    let view = standing(&app, &holder).await?;
    page(&app, &request, &view, "")
}

pub(crate) async fn choose(
    State(app): State<App>,
    page_request: PageRequest,
    request: Request,
) -> Result<Response, Problem> {
    let link = link_of(&page_request);
    let (parts, body) = request.into_parts();
    let sender = sender_of(&parts);
    let is_multipart = is_multipart(&parts.headers);
    let text = body::read(Request::from_parts(parts, body)).await?;
    let text = String::from_utf8_lossy(&text);
    let form = if is_multipart { Vec::new() } else { body::pairs(&text) };
    // Nobody waits for a page, and the purpose may have had another name when the mail was sent.
    if is_one_click(&form) || (is_multipart && is_one_click_in_parts(&text)) {
        let only = Some(page_request.param("purpose").to_owned()).filter(|purpose| !purpose.is_empty());
        tell(&app, &link, Choice { said: Said::No(only), text_version: None, sender }).await?;
        return Ok((StatusCode::OK, "You are taken off.\n").into_response());
    }
    let holder = holder(&app, &link)?;
    let view = standing(&app, &holder).await?;
    let said = match last(&form, "all") {
        "no" => Said::No(None),
        _ => Said::Each(said_in(&form)),
    };
    let version = last(&form, "version");
    let has_yes = matches!(&said, Said::Each(each) if each.iter().any(|(_, is_yes)| *is_yes));
    if has_yes && version != view.text_version {
        let notice = "The text has changed meanwhile, so nothing was saved: please read it and choose again.";
        return page(&app, &page_request, &view, notice);
    }
    let text_version = Some(version.to_owned()).filter(|version| !version.is_empty());
    tell(&app, &link, Choice { said: said.clone(), text_version, sender }).await?;
    let in_force = u8::from(is_in_force(&app, &holder, &said).await);
    Ok(Redirect::to(&format!("/preferences?token={}&saved={in_force}", percent_encode(&link.0))).into_response())
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
}

fn is_one_click(form: &[(String, String)]) -> bool {
    last(form, "List-Unsubscribe").eq_ignore_ascii_case("One-Click")
}

/// The same in a form of parts, which is not taken apart: whatever it is taken for, it can only say no.
fn is_one_click_in_parts(text: &str) -> bool {
    text.contains("name=\"List-Unsubscribe\"") && text.contains("One-Click")
}

/// The last word about each purpose that a form has a button for.
fn said_in(form: &[(String, String)]) -> Vec<(String, bool)> {
    let mut said: Vec<(String, bool)> = Vec::new();
    for (word, purpose) in form.iter().filter(|(word, _)| word == "yes" || word == "no") {
        said.retain(|(known, _)| known != purpose);
        said.push((purpose.clone(), word == "yes"));
    }
    said
}

fn link_of(request: &PageRequest) -> PreferenceLink {
    PreferenceLink(request.param("token").to_owned())
}

fn holder(app: &App, link: &PreferenceLink) -> Result<LinkHolder, Problem> {
    app.collector.preferences(link).map_err(|refusal| problem(&refusal))
}

/// A refusal as a page says it: nobody is led to the form to sign in, which is not for them.
fn problem(refusal: &Refusal) -> Problem {
    match refusal.kind {
        RefusalKind::Key => Problem::new(StatusCode::FORBIDDEN, &refusal.message).with_hint(&refusal.hint),
        _ => problem_of(refusal),
    }
}

async fn standing(app: &App, holder: &LinkHolder) -> Result<PreferencesView, Problem> {
    let (product, holder) = (app.product.clone(), holder.clone());
    app.preferences.run(move || product.preferences(&holder).map_err(Problem::from)).await
}

/// Hands a choice to the collector and waits until it is on disk.
async fn tell(app: &App, link: &PreferenceLink, choice: Choice) -> Result<(), Problem> {
    let (sender, receiver) = oneshot::channel();
    // Nobody listens any more only when the request is gone, and then nobody needs the answer.
    app.collector.choose(link, choice, Box::new(move |receipt| drop(sender.send(receipt))));
    match tokio::time::timeout(TOLD_WAIT_MAX, receiver).await {
        Ok(Ok(Receipt::Read(_))) => Ok(()),
        Ok(Ok(Receipt::Refused(refusal))) => Err(problem(&refusal)),
        Ok(Err(_)) | Err(_) => Err(Problem::busy("the choice could not be written down in time")),
    }
}

/// Waits until what was said is in force, for a few seconds at most; whether it is. What is on disk comes into force in any
/// case, unless another account of the same person says no.
async fn is_in_force(app: &App, holder: &LinkHolder, said: &Said) -> bool {
    for wait in LOOKS_AFTER_MS {
        tokio::time::sleep(Duration::from_millis(wait)).await;
        // What cannot be looked at is saved all the same.
        let Ok(view) = standing(app, holder).await else { return false };
        let is_said = |name: &str, is_yes: bool| {
            view.purposes.iter().any(|purpose| purpose.name == name && purpose.said == Some(is_yes))
        };
        let is_all = match said {
            Said::Each(each) => each.iter().all(|(name, is_yes)| is_said(name, *is_yes)),
            Said::No(_) => view.purposes.iter().filter(|purpose| purpose.is_chosen).all(|of| is_said(&of.name, false)),
        };
        if is_all {
            return true;
        }
    }
    false
}

fn page(app: &App, request: &PageRequest, view: &PreferencesView, notice: &str) -> Result<Response, Problem> {
    let view = context! {
        title => "Your preferences", notice, preferences => view, token => request.param("token"),
        saved => if notice.is_empty() { request.param("saved") } else { "" },
    };
    html(app, None, request, "pages/preferences.html", view)
}
