//! What pages look at again every few seconds: how what is saved stands, and whether what answers rest on has moved.
//!
//! Both answer with nothing where nothing is new. Where the ground has moved, the page is told by an event, `moved`, and
//! its parts ask again (`static/kept.js`); new data alone are no reason more than once a minute, since they come all the time.

use crate::body::percent_encode;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, html, last, work};
use crate::routes::App;
use crate::standing::{Asked, List, lists};
use api::{GroundView, Principal, Product, Wanted};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use minijinja::Value;
use serde_json::{Value as Json, json};

/// How long answers stay when nothing but people's choices moved, and when nothing but data did, in seconds.
const CHOICES_SECONDS: i64 = 2;
const DATA_SECONDS: i64 = 60;

pub(crate) async fn standings(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Response, Problem> {
    let asked = Asked {
        list: List::named(request.param("of")),
        is_it: request.is_it,
        is_again: true,
        since: request.param("at").parse().ok(),
    };
    let (frame, lists) = work(&app, &caller, &request, move |product, who| lists(product, who, asked)).await?;
    if request.is_partial && request.param("key") == lists.key {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let view = json!({ "part": "parts/standings.html", "title": "How what is saved stands", "lists": lists });
    html(&app, Some(&frame), &request, "pages/part.html", Value::from_serialize(&view))
}

pub(crate) async fn ground(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let (frame, ground) = work(&app, &caller, &request, |product, who| Ok(product.ground(who)?)).await?;
    let moved = moved(&request.params, &ground);
    if request.is_partial && moved.is_none() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let view = json!({ "part": "parts/ground.html", "title": "What answers rest on", "ground": ground });
    let mut response = html(&app, Some(&frame), &request, "pages/part.html", Value::from_serialize(&view))?;
    if let Some(is_grave) = moved {
        let event = if is_grave { r#"{"moved":{"rules":true}}"# } else { r#"{"moved":{"rules":false}}"# };
        response.headers_mut().insert("hx-trigger", HeaderValue::from_static(event));
    }
    Ok(response)
}

/// Whether answers are to be asked again, and if so, whether those that are shown may not stay in the meantime.
fn moved(shown: &[(String, String)], now: &GroundView) -> Option<bool> {
    let seconds: i64 = last(shown, "at").parse().unwrap_or(0);
    let age = now.at_seconds - seconds;
    if last(shown, "rules") != now.rules {
        return Some(true);
    }
    let has_choices = last(shown, "choices") != now.choices && age >= CHOICES_SECONDS;
    let has_data = last(shown, "data") != now.data && age >= DATA_SECONDS;
    (has_choices || has_data).then_some(false)
}

/// What a part shows instead of asking again by itself, where that would be charged to the user's day; the user may.
pub(crate) fn left_to_ask(
    product: &dyn Product,
    who: &Principal,
    (request, wanted): (&PageRequest, Wanted),
    question: &Json,
) -> Result<Option<Json>, Problem> {
    if request.param("kept") != "yes" || product.is_free(who, question, wanted)? {
        return Ok(None);
    }
    let kept = request.params.iter().filter(|(key, _)| key != "kept");
    let query: Vec<String> =
        kept.map(|(key, value)| format!("{}={}", percent_encode(key), percent_encode(value))).collect();
    let again = format!("{}?{}", request.path, query.join("&"));
    Ok(Some(json!({ "part": "parts/moved.html", "title": "Asked before", "again": again })))
}

/// Whether a page asks nothing by itself: something else than its user led there, and the question's purpose counts
/// questions, or remembers what was told, so that asking leaves less to ask. A button asks.
///
/// Which questions there are on Home and on dashboards is the workspace's to say, so that no link chooses them.
pub(crate) fn left_after_link(
    product: &dyn Product,
    who: &Principal,
    request: &PageRequest,
    question: &Json,
) -> Result<bool, Problem> {
    if !request.is_led {
        return Ok(false);
    }
    let purposes = product.policy(who)?.purposes;
    let purpose = purposes.iter().find(|purpose| Some(purpose.name.as_str()) == question["purpose"].as_str());
    Ok(purpose.is_some_and(|purpose| {
        purpose.questions_per_day.is_some() || purpose.noise.is_some() || purpose.differences == "guarded"
    }))
}

#[cfg(test)]
mod tests;
