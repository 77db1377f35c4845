//! Named requests as JSON: how far they are, and stopping one.

use crate::gate::Caller;
use crate::problem::Problem;
use crate::routes::App;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Response {
    Json(json!({ "running": app.running.of(&caller.who.user) })).into_response()
}

pub(crate) async fn one(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, Problem> {
    let found = app.running.one(&caller.who.user, &name).ok_or_else(not_running)?;
    Ok(Json(found).into_response())
}

pub(crate) async fn stop(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    if !app.running.stop(&caller.who.user, &name) {
        return Err(not_running());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn not_running() -> Problem {
    Problem::not_found("running request").with_hint("it may have ended; a request gets its name by `X-Request-Id`")
}
