//! Saved questions: each as a line that leads to its answer.

use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::standing::{Asked, List, lists};
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let asked = Asked { list: List::Questions, is_it: request.is_it, is_again: false, since: None };
    page(&app, &caller, &request, "pages/questions.html", move |product, who| {
        Ok(json!({ "title": "Saved questions", "lists": lists(product, who, asked)? }))
    })
    .await
}
