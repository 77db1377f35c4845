//! Sources: where data comes in, what it promises, and whether the promise is kept.

use crate::gate::Caller;
use crate::lineage::lineage;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    page(&app, &caller, &request, "pages/sources.html", |product, who| {
        let workspace = product.workspace(who)?;
        Ok(json!({ "title": "Data", "sources": product.sources(who)?, "diagnostics": workspace.diagnostics }))
    })
    .await
}

pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let is_it = request.is_it;
    page(&app, &caller, &request, "pages/source.html", move |product, who| {
        let found = product.sources(who)?.into_iter().find(|source| source.name == name);
        let source = found.ok_or_else(|| Problem::not_found("source"))?;
        let has_aside = who.sees_cost && product.quarantine(who)?.iter().any(|group| group.source == name);
        let lineage = lineage(product, who, is_it, &["source", "event", "property", "trait"], None)?;
        Ok(json!({ "title": source.title, "source": source, "may_import": who.may_import, "lineage": lineage,
            "has_aside": has_aside }))
    })
    .await
}
