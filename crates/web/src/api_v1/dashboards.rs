//! Dashboards as JSON. What a tile shows is asked like any other question, at `/api/v1/ask`.

use super::{call, unsave};
use crate::body::{percent_encode, read_object};
use crate::gate::Caller;
use crate::problem::{Problem, good};
use crate::routes::App;
use api::{DashboardRequest, DashboardView, Principal, Product};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let dashboards = call(&app, caller, |product, who| Ok(product.dashboards(who)?)).await?;
    Ok(Json(json!({ "dashboards": dashboards })).into_response())
}

pub(crate) async fn one(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, Problem> {
    let found = call(&app, caller, move |product, who| {
        find(product, who, &name)?.ok_or_else(|| Problem::not_found("dashboard"))
    });
    Ok(Json(found.await?).into_response())
}

pub(crate) async fn make(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let dashboard = read_object(request, &["title", "description", "tiles"]).await?;
    let request = DashboardRequest { name: None, version: None, dashboard: dashboard.into() };
    let saved = call(&app, caller, move |product, who| good(product.save_dashboard(who, &request)?)).await?;
    let location = format!("/api/v1/dashboards/{}", percent_encode(&saved.name));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(saved)).into_response())
}

pub(crate) async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let mut dashboard = read_object(request, &["title", "description", "tiles", "version"]).await?;
    let version = match dashboard.remove("version") {
        None | Some(Value::Null) => None,
        Some(Value::String(version)) => Some(version),
        Some(_) => return Err(Problem::new(StatusCode::BAD_REQUEST, "`version` is not text")),
    };
    let request = DashboardRequest { name: Some(name), version, dashboard: dashboard.into() };
    let saved = call(&app, caller, move |product, who| good(product.save_dashboard(who, &request)?));
    Ok(Json(saved.await?).into_response())
}

pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    call(&app, caller, move |product, who| unsave(product, who, "dashboard", &name)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The dashboard of this name, if there is one.
pub(crate) fn find(product: &dyn Product, who: &Principal, name: &str) -> Result<Option<DashboardView>, Problem> {
    Ok(product.dashboards(who)?.into_iter().find(|dashboard| dashboard.name == name))
}
