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
use api::{Choice, LinkHolder, PreferenceLink, PreferencesView, Receipt, Refusal, RefusalKind};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long to wait until a choice is on disk.
const TOLD_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether a choice is in force, and how long to wait in between.
const LOOKS_MAX: usize = 30;
const LOOK_EVERY: Duration = Duration::from_millis(100);

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
    let form = body::form(Request::from_parts(parts, body)).await?;
    let holder = holder(&app, &link)?;
    let view = standing(&app, &holder).await?;
    let is_mail_program = last(&form, "List-Unsubscribe").eq_ignore_ascii_case("One-Click");
    let said = if is_mail_program || last(&form, "all") == "no" {
        let only = page_request.param("purpose");
        let chosen =
            view.purposes.iter().filter(|purpose| purpose.is_chosen && (only.is_empty() || purpose.name == only));
        chosen.map(|purpose| (purpose.name.clone(), false)).collect()
    } else {
        said_in(&form)
    };
    let version = last(&form, "version");
    if said.iter().any(|(_, is_yes)| *is_yes) && version != view.text_version {
        return page(
            &app,
            &page_request,
            &view,
            "The text has changed meanwhile, so nothing was saved: please read it and choose again.",
        );
    }
    let text_version = Some(version.to_owned()).filter(|version| !version.is_empty());
    tell(&app, &link, Choice { said: said.clone(), text_version, sender }).await?;
    wait_for(&app, &holder, &said).await?;
    if is_mail_program {
        return Ok((StatusCode::OK, "You are taken off.\n").into_response());
    }
    let address = format!("/preferences?token={}&saved=1", percent_encode(&link.0));
    Ok(Redirect::to(&address).into_response())
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
    app.lookups.run(move || product.preferences(&holder).map_err(Problem::from)).await
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

/// Waits until what was said is in force, for a few seconds at most: what is on disk comes into force in any case.
async fn wait_for(app: &App, holder: &LinkHolder, said: &[(String, bool)]) -> Result<(), Problem> {
    for _ in 0..LOOKS_MAX {
        let view = standing(app, holder).await?;
        let word = |name: &str| view.purposes.iter().find(|purpose| purpose.name == name).and_then(|known| known.said);
        if said.iter().all(|(name, is_yes)| word(name) == Some(*is_yes)) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn page(app: &App, request: &PageRequest, view: &PreferencesView, notice: &str) -> Result<Response, Problem> {
    let view = context! {
        title => "Your preferences", notice, preferences => view, token => request.param("token"),
        is_saved => request.param("saved") == "1" && notice.is_empty(),
    };
    html(app, None, request, "pages/preferences.html", view)
}
