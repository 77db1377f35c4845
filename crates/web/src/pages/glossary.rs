//! Glossary: what the words on pages mean, each with an address of its own.

use crate::gate::Caller;
use crate::glossary::sections;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

pub(crate) async fn glossary(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Response, Problem> {
    let words = request.param("words").trim().to_owned();
    let (is_it, wanted) = (request.is_it, words.to_lowercase());
    page(&app, &caller, &request, "pages/glossary.html", move |_, _| {
        // What only the other face shows is told, not left to be missed.
        let n_more = if is_it { 0 } else { count(true, &wanted) - count(false, &wanted) };
        Ok(json!({ "title": "Glossary", "sections": sections(is_it, &wanted), "words": words, "n_more": n_more }))
    })
    .await
}

fn count(is_it: bool, wanted: &str) -> usize {
    sections(is_it, wanted).iter().map(|section| section.entries.len()).sum()
}
