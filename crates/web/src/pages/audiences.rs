//! Audiences: lists of people by a condition.

use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::standing::{Asked, List, lists};
use api::{AudienceView, Catalog, PurposeView};
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value as Json, json};

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let asked = Asked { list: List::Audiences, is_it: request.is_it, is_again: false, since: None };
    page(&app, &caller, &request, "pages/audiences.html", move |product, who| {
        Ok(json!({ "title": "Audiences", "lists": lists(product, who, asked)? }))
    })
    .await
}

pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let asked_for = request.param("purpose").to_owned();
    page(&app, &caller, &request, "pages/audience.html", move |product, who| {
        let found = product.audiences(who)?.into_iter().find(|audience| audience.name == name);
        let audience = found.ok_or_else(|| Problem::not_found("audience"))?;
        let catalog = product.catalog(who)?;
        let purpose = if asked_for.is_empty() { audience.purpose.clone() } else { asked_for };
        let explained = product.explain(who, &question(&audience, &purpose, &catalog))?;
        let q = question(&audience, &purpose, &catalog).to_string();
        let purposes: Vec<PurposeView> = catalog.purposes.clone();
        Ok(json!({
            "title": audience.title, "audience": audience, "q": q, "purpose": purpose, "purposes": purposes,
            "parts": explained.parts, "plan": explained.plan,
        }))
    })
    .await
}

/// How many people are in it, as of the newest day of the data.
pub(crate) fn question(audience: &AudienceView, purpose: &str, catalog: &Catalog) -> Json {
    let mut question = json!({ "kind": "audience", "purpose": purpose, "where": audience.condition });
    if let Some((_, last)) = &catalog.days {
        question["as_of"] = format!("{}T00:00:00Z", last.get(..10).unwrap_or(last)).into();
    }
    question
}
