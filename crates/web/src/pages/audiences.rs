//! Audiences: lists of people by a condition.

use crate::body::percent_encode;
use crate::gate::Caller;
use crate::lineage::lineage;
use crate::pages::standings::left_after_link;
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
    let (is_it, by) = (request.is_it, request.clone());
    page(&app, &caller, &request, "pages/audience.html", move |product, who| {
        let lineage = lineage(product, who, is_it, &["audience"], Some(&name))?;
        let found = product.audiences(who)?.into_iter().find(|audience| audience.name == name);
        let audience = found.ok_or_else(|| Problem::not_found("audience"))?;
        let catalog = product.catalog(who)?;
        let purpose = if asked_for.is_empty() { audience.purpose.clone() } else { asked_for };
        let explained = product.explain(who, &question(&audience, &purpose, &catalog))?;
        let asked = question(&audience, &purpose, &catalog);
        let left = left_after_link(product, who, &by, &asked)?;
        let left = left.then(|| here(&audience.name, &purpose, is_it));
        let q = asked.to_string();
        let purposes: Vec<PurposeView> = catalog.purposes.clone();
        Ok(json!({
            "title": audience.title, "audience": audience, "q": q, "purpose": purpose, "purposes": purposes,
            "parts": explained.parts, "plan": explained.plan, "lineage": lineage,
            "left": left,
        }))
    })
    .await
}

/// The page of an audience for a purpose.
fn here(name: &str, purpose: &str, is_it: bool) -> String {
    let face = if is_it { "&face=it" } else { "" };
    format!("/audiences/{}?purpose={}{face}", percent_encode(name), percent_encode(purpose))
}

/// How many people are in it, as of the newest day of the data.
pub(crate) fn question(audience: &AudienceView, purpose: &str, catalog: &Catalog) -> Json {
    let mut question = json!({ "kind": "audience", "purpose": purpose, "where": audience.condition });
    if let Some((_, last)) = &catalog.days {
        question["as_of"] = format!("{}T00:00:00Z", last.get(..10).unwrap_or(last)).into();
    }
    question
}
