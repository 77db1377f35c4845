//! How what is saved stands, as JSON.

use super::answer;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::routes::App;
use crate::standing::verdicts;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let (at, verdicts) = answer(&app, caller, verdicts).await?;
    Ok(Json(json!({ "at": at, "verdicts": verdicts })).into_response())
}
