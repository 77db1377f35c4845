//! Who saw what, for programs.

use super::call;
use crate::body;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::last;
use crate::routes::App;
use api::AuditRequest;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};

/// Records without `limit`.
const RECORDS: u64 = 100;

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let query = body::pairs(request.uri().query().unwrap_or_default());
    let text = |name: &str| Some(last(&query, name).to_owned()).filter(|text| !text.is_empty());
    let number = |name: &str| {
        let wrong = || Problem::new(StatusCode::BAD_REQUEST, &format!("`{name}` is a whole number from 1 on"));
        let read = |text: String| text.parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(wrong);
        text(name).map(read).transpose()
    };
    let limit = usize::try_from(number("limit")?.unwrap_or(RECORDS)).unwrap_or(usize::MAX);
    // What is named and says nothing is no filter that was left out.
    let given = |name: &str| query.iter().rev().find(|(named, _)| named == name).map(|(_, value)| value.as_str());
    let no_day = |_| Problem::new(StatusCode::BAD_REQUEST, "`day` is a day, like 2026-11-22");
    let hides_live = match given("live") {
        None | Some("yes") => false,
        Some("no") => true,
        Some(_) => return Err(Problem::new(StatusCode::BAD_REQUEST, "`live` is `yes` or `no`")),
    };
    let wanted = AuditRequest {
        user: text("user"),
        purpose: text("purpose"),
        did: text("did"),
        day: given("day").map(|day| day.parse().map_err(no_day)).transpose()?,
        hides_live,
        before: number("before")?,
        limit,
    };
    Ok(Json(call(&app, caller, move |product, who| Ok(product.audit(who, &wanted)?)).await?).into_response())
}

pub(crate) async fn head(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(call(&app, caller, |product, who| Ok(product.audit_head(who)?)).await?).into_response())
}
