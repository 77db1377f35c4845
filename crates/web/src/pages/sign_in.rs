//! Signing in and out.

use crate::body;
use crate::gate::{Caller, LED, set_cookie};
use crate::problem::Problem;
use crate::render::{PageRequest, html, last};
use crate::routes::App;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::{Value, context};
use std::time::Instant;

/// The longest name and password that are looked at.
const TEXT_BYTES_MAX: usize = 256;

pub(crate) async fn form(State(app): State<App>, request: PageRequest) -> Result<Response, Problem> {
    // Who is led to the form from elsewhere is led on from there, too: what asks by itself is told so.
    let next = request.param("next");
    let asks = next.starts_with("/ask?") || next.starts_with("/audiences/");
    let mark = if next.contains('?') { "&" } else { "?" };
    let next = if asks && request.is_led { format!("{next}{mark}{LED}=yes") } else { next.to_owned() };
    let view = context! { next, name => request.param("name") };
    html(&app, None, &request, "pages/sign_in.html", view)
}

pub(crate) async fn enter(State(app): State<App>, page: PageRequest, request: Request) -> Result<Response, Problem> {
    let form = body::form(request).await?;
    let field = |name: &str| last(&form, name).to_owned();
    let (name, password, next) = (field("name"), field("password"), field("next"));
    if name.len() > TEXT_BYTES_MAX || password.len() > TEXT_BYTES_MAX {
        return refused(&app, &page, "", &next, &wrong());
    }
    if let Err(problem) = app.attempts.count(&name, Instant::now()) {
        return refused(&app, &page, &name, &next, &problem);
    }
    let product = app.product.clone();
    let account = name.clone();
    let signed_in = app.sign_ins.run(move || product.sign_in(&account, &password).map_err(Problem::from)).await;
    match signed_in {
        Ok(signed_in) => {
            app.attempts.forget(&name);
            let cookie = set_cookie(app.secure_cookies, Some(&signed_in.session));
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&inside(&next))).into_response())
        }
        Err(problem) if problem.status == 403 || problem.status == 401 => refused(&app, &page, &name, &next, &wrong()),
        Err(problem) => {
            app.attempts.take_back(&name);
            Err(problem)
        }
    }
}

pub(crate) async fn leave(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    if let Some(session) = caller.session {
        let product = app.product.clone();
        app.checks.run(move || product.sign_out(&session).map_err(Problem::from)).await?;
    }
    let cookie = set_cookie(app.secure_cookies, None);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}

fn wrong() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "This name and password do not belong together.")
}

/// The form again, with what was wrong.
fn refused(app: &App, page: &PageRequest, name: &str, next: &str, problem: &Problem) -> Result<Response, Problem> {
    let hint = problem.hint.clone().unwrap_or_else(|| "Whoever runs Entente here can set a new password.".to_owned());
    let view: Value = context! { next, name, error => problem.detail, hint };
    let mut response = html(app, None, page, "pages/sign_in.html", view)?;
    *response.status_mut() = problem.status();
    if let Some(seconds) = problem.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// A path on this site; anything that could lead elsewhere becomes Home.
fn inside(next: &str) -> String {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.starts_with('/') && !next.starts_with("//") { next.to_owned() } else { "/".to_owned() }
}
