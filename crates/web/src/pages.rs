//! The pages, one module per noun; each handler gets its view off the event loop and renders one template.

pub(crate) mod ask;
pub(crate) mod audiences;
pub(crate) mod dashboards;
pub(crate) mod definitions;
pub(crate) mod glossary;
pub(crate) mod home;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod palette;
pub(crate) mod preferences;
pub(crate) mod quarantine;
pub(crate) mod questions;
pub(crate) mod rules;
pub(crate) mod sign_in;
pub(crate) mod sources;
pub(crate) mod standings;
pub(crate) mod tile;

use crate::problem::Problem;
use crate::routes::App;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

pub(crate) async fn static_file(
    State(app): State<App>,
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.assets.serve(&version, &name, &headers).map(IntoResponse::into_response)
}
