//! Saved questions: each as a line that leads to its answer, and each under an address that its name makes.

use crate::body::percent_encode;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page, work};
use crate::routes::App;
use crate::standing::{Asked, List, lists};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let asked = Asked { list: List::Questions, is_it: request.is_it, is_again: false, since: None };
    page(&app, &caller, &request, "pages/questions.html", move |product, who| {
        Ok(json!({ "title": "Saved questions", "lists": lists(product, who, asked)? }))
    })
    .await
}

/// Leads to the question as it stands: its page is the one on which any question is asked.
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let (_, question) = work(&app, &caller, &request, move |product, who| {
        let found = product.questions(who)?.into_iter().find(|saved| saved.name == name);
        Ok(found.ok_or_else(|| Problem::not_found("question"))?.question)
    })
    .await?;
    let face = if request.is_it { "&face=it" } else { "" };
    Ok(Redirect::to(&format!("/ask?q={}{face}", percent_encode(&question.to_string()))).into_response())
}
