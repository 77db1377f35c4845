//! Files of definitions as JSON: as they stand, what a text in their place would change, and writing it.

use super::{answer, call};
use crate::body::{pairs, parse_json, read_object};
use crate::gate::Caller;
use crate::problem::{Problem, good};
use crate::render::last;
use crate::routes::App;
use api::DefinitionRequest;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let change = change_of(last(&pairs(request.uri().query().unwrap_or_default()), "change"))?;
    let found = call(&app, caller, move |product, who| Ok(product.definition(who, &path, change.as_ref())?));
    Ok(Json(found.await?).into_response())
}

pub(crate) async fn check(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    // What would be saved may be sent as it is.
    let mut body = read_object(request, &["text", "base", "question"]).await?;
    let text = text_of(&body, "text")?;
    if body.contains_key("base") {
        text_of(&body, "base")?;
    }
    let asked = body.remove("question");
    if asked.as_ref().is_some_and(|asked| !asked.is_object()) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "`question` is not an object"));
    }
    let checked =
        answer(&app, caller, move |product, who| Ok(product.check_definition(who, &path, &text, asked.as_ref())?));
    Ok(Json(checked.await?).into_response())
}

pub(crate) async fn save(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let body = read_object(request, &["text", "base"]).await?;
    let request = DefinitionRequest { path, text: text_of(&body, "text")?, base: text_of(&body, "base")? };
    let saved = call(&app, caller, move |product, who| good(product.save_definition(who, &request)?));
    Ok(Json(saved.await?).into_response())
}

/// The change that an address asks for, as a verdict's gap names it.
pub(crate) fn change_of(text: &str) -> Result<Option<Value>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    match parse_json(text) {
        Ok(change) if change.is_object() => Ok(Some(change)),
        _ => Err(Problem::new(StatusCode::BAD_REQUEST, "the change in the address cannot be read")
            .with_hint("the link may have been cut; open the file without it")),
    }
}

fn text_of(body: &Map<String, Value>, key: &str) -> Result<String, Problem> {
    match body.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Problem::new(StatusCode::BAD_REQUEST, &format!("`{key}` is not text"))),
        None => Err(Problem::new(StatusCode::BAD_REQUEST, &format!("the key `{key}` is missing"))
            .with_hint("send the version that the text takes the place of, empty for none: `base` of what was read")),
    }
}
