//! Values of a field that enough people have, for whoever writes a condition.

use super::answer;
use crate::body;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::last;
use crate::routes::App;
use api::ValuesRequest;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let query = body::pairs(request.uri().query().unwrap_or_default());
    let text = |name: &str| Some(last(&query, name).to_owned()).filter(|text| !text.is_empty());
    let needed = |name: &str| {
        let missing = || Problem::new(StatusCode::BAD_REQUEST, &format!("the parameter `{name}` is missing"));
        text(name).ok_or_else(missing)
    };
    let wanted = ValuesRequest { purpose: needed("purpose")?, field: needed("field")?, event: text("event") };
    let found = answer(&app, caller, move |product, who| Ok(product.values(who, &wanted)?)).await?;
    Ok(Json(found).into_response())
}
