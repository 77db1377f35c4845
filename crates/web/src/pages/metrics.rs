//! Metrics: the figures that both teams agreed on.

use crate::gate::Caller;
use crate::lineage::lineage;
use crate::pages::home::series_question;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    page(&app, &caller, &request, "pages/metrics.html", |product, who| {
        Ok(json!({ "title": "Metrics", "metrics": product.metrics(who)? }))
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
    page(&app, &caller, &request, "pages/metric.html", move |product, who| {
        let lineage = lineage(product, who, is_it, &["metric"], Some(&name))?;
        let found = product.metrics(who)?.into_iter().find(|metric| metric.name == name);
        let metric = found.ok_or_else(|| Problem::not_found("metric"))?;
        let catalog = product.catalog(who)?;
        let question = series_question(&catalog, &metric, "month", 12);
        let explained = product.explain(who, &question)?;
        Ok(json!({
            "title": metric.title, "metric": metric, "q": question.to_string(), "plan": explained.plan, "lineage": lineage,
        }))
    })
    .await
}
