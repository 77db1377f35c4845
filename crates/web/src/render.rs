//! Templates to HTML: the frame around a page, and a page's own part for a partial update.
//!
//! A page is a template with a block `body`, in the whole layout or, for a request of htmx, in an empty one; so each
//! address works both ways.

use crate::assets::{Assets, TEMPLATES};
use crate::body::{pairs, percent_encode};
use crate::gate::{Caller, LED, is_led_from_elsewhere};
use crate::glossary;
use crate::pages::ask::{asked_by, refusal};
use crate::problem::Problem;
use crate::routes::App;
use crate::typed::in_form_words;
use crate::words;
use api::{GroundView, Principal, Product, WorkspaceView};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::{AutoEscape, Environment, Value, context, path_loader};
use serde::Serialize;
use std::sync::Arc;

/// The templates, ready to render.
pub(crate) struct Templates {
    environment: Environment<'static>,
    reloads: bool,
}

impl Templates {
    /// Loads the templates; a broken embedded one is a fault of the build.
    pub(crate) fn new(assets: &Arc<Assets>) -> Templates {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        let folder = assets.templates_folder();
        let reloads = folder.is_some();
        match folder {
            Some(folder) => environment.set_loader(path_loader(folder)),
            None => {
                for (name, text) in TEMPLATES {
                    environment.add_template(name, text).expect("embedded templates parse, a test says so");
                }
            }
        }
        words::register(&mut environment);
        glossary::register(&mut environment);
        let assets = assets.clone();
        environment.add_function("asset", move |name: String| assets.url(&name));
        Templates { environment, reloads }
    }

    /// Renders a template.
    fn render(&self, name: &str, context: Value) -> Result<String, minijinja::Error> {
        let fresh = self.reloads.then(|| {
            let mut environment = self.environment.clone();
            environment.clear_templates();
            environment
        });
        fresh.as_ref().unwrap_or(&self.environment).get_template(name)?.render(context)
    }
}

/// Marks a response whose page says all there is to say, whatever its status.
#[derive(Clone, Copy)]
pub(crate) struct Written;

/// What a page needs to know about its request.
#[derive(Clone, Debug)]
pub(crate) struct PageRequest {
    /// The path.
    pub(crate) path: String,
    /// The query string's pairs.
    pub(crate) params: Vec<(String, String)>,
    /// Whether only the page's own part is wanted.
    pub(crate) is_partial: bool,
    /// Whether IT's face is wanted.
    pub(crate) is_it: bool,
    /// Whether something else than the user or a page of ours led here, by what the browser says.
    pub(crate) is_led: bool,
    /// The session, when a browser's cookie vouches for whoever asks.
    pub(crate) session: Option<String>,
}

impl PageRequest {
    /// The last value of a parameter; empty without one.
    pub(crate) fn param(&self, name: &str) -> &str {
        last(&self.params, name)
    }

    /// The same with a form's pairs added.
    pub(crate) fn with_form(mut self, form: Vec<(String, String)>) -> PageRequest {
        self.params.extend(form);
        self.is_it = self.param("face") == "it";
        self
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageRequest {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<PageRequest, Problem> {
        Ok(PageRequest::of(parts))
    }
}

impl PageRequest {
    /// Reads it from a request's head.
    pub(crate) fn of(parts: &Parts) -> PageRequest {
        let has = |name: &str| parts.headers.get(name).is_some_and(|value| value == "true");
        let params = pairs(parts.uri.query().unwrap_or_default());
        let is_it = last(&params, "face") == "it";
        let is_partial = has("hx-request") && !has("hx-history-restore-request");
        let caller = parts.extensions.get::<Caller>();
        let session = caller.and_then(|caller| caller.session.clone());
        // Only a cookie is sent along by itself; before somebody signs in, it will be one.
        let is_browser = session.is_some() || caller.is_none();
        let is_led = last(&params, LED) == "yes" || is_browser && is_led_from_elsewhere(&parts.headers);
        PageRequest { path: parts.uri.path().to_owned(), params, is_partial, is_it, is_led, session }
    }
}

/// The last value of a key; empty without one.
pub(crate) fn last<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// What is around every page.
#[derive(Clone, Serialize)]
pub(crate) struct Frame {
    workspace: WorkspaceView,
    who: Principal,
    initials: String,
    csrf: String,
    is_it: bool,
    face: &'static str,
    face_query: &'static str,
    path: String,
    other_face: String,
    /// What answers rest on, for a page that shows some and asks them again when it moves.
    ground: Option<GroundView>,
}

/// Pages whose parts ask again by themselves when what answers rest on has moved.
const KEPT: [&str; 4] = ["/ask", "/dashboards/", "/audiences/", "/metrics"];

impl Frame {
    fn new(workspace: WorkspaceView, caller: &Caller, request: &PageRequest) -> Frame {
        let kept = request.params.iter().filter(|(key, _)| key != "face" && key != "csrf");
        let mut query: Vec<String> =
            kept.map(|(key, value)| format!("{}={}", percent_encode(key), percent_encode(value))).collect();
        if !request.is_it {
            query.push("face=it".to_owned());
        }
        // What begins with two slashes is the address of another site.
        let path = format!("/{}", request.path.trim_start_matches('/'));
        let other_face = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        Frame {
            workspace,
            initials: words::initials(&caller.who.title),
            who: caller.who.clone(),
            csrf: caller.form_token(),
            is_it: request.is_it,
            face: if request.is_it { "it" } else { "marketing" },
            face_query: if request.is_it { "?face=it" } else { "" },
            path: request.path.clone(),
            other_face,
            ground: None,
        }
    }
}

/// Gets what a page shows, off the event loop, and renders it.
pub(crate) async fn page<T: Serialize + Send + 'static>(
    app: &App,
    caller: &Caller,
    request: &PageRequest,
    template: &str,
    job: impl FnOnce(&dyn Product, &Principal) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let (frame, view) = work(app, caller, request, job).await?;
    html(app, Some(&frame), request, template, Value::from_serialize(&view))
}

/// Gets a view and the frame for it.
pub(crate) async fn work<T: Send + 'static>(
    app: &App,
    caller: &Caller,
    request: &PageRequest,
    job: impl FnOnce(&dyn Product, &Principal) -> Result<T, Problem> + Send + 'static,
) -> Result<(Frame, T), Problem> {
    let product = app.product.clone();
    let is_kept = request.path == "/" || KEPT.iter().any(|start| request.path.starts_with(start));
    let wants_ground = is_kept && !request.is_partial;
    let done = app.pool_of(&request.path).run_for(caller.who.clone(), move |who| {
        // Before anything that rests on it.
        let ground = wants_ground.then(|| product.ground(who)).transpose()?;
        let view = job(product.as_ref(), who)?;
        Ok((product.workspace(who)?, ground, view))
    });
    let (workspace, ground, view) = done.await?;
    Ok((Frame { ground, ..Frame::new(workspace, caller, request) }, view))
}

/// Renders a page or its own part.
pub(crate) fn html(
    app: &App,
    frame: Option<&Frame>,
    request: &PageRequest,
    template: &str,
    view: Value,
) -> Result<Response, Problem> {
    let layout = if request.is_partial { "partial.html" } else { "layout.html" };
    let context = context! { frame => frame, view => view, layout => layout, is_partial => request.is_partial };
    let text = app.templates.render(template, context).map_err(|error| {
        tracing::error!(template, cause = format!("{error:#}"), "a page could not be rendered");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this page could not be put together; it is in the server's log",
        )
    })?;
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
    response.extensions_mut().insert(Written);
    Ok(response)
}

/// The frame alone; it does not wait behind questions.
async fn frame(app: &App, caller: &Caller, request: &PageRequest) -> Result<Frame, Problem> {
    let (product, who) = (app.product.clone(), caller.who.clone());
    let workspace = app.checks.run(move || Ok(product.workspace(&who)?)).await?;
    Ok(Frame::new(workspace, caller, request))
}

/// The page for a problem; plain text should even that fail.
pub(crate) async fn problem_page(
    app: &App,
    caller: Option<&Caller>,
    request: &PageRequest,
    problem: &Problem,
) -> Response {
    let frame = match caller {
        Some(caller) => frame(app, caller, request).await.ok(),
        None => None,
    };
    let refusal = problem.refusal.as_ref().map(|verdict| refusal(verdict, &asked_by("", request)));
    let errors = in_form_words(problem.errors.clone(), &serde_json::Value::Null);
    let detail = match errors.as_slice() {
        [only] => only.message.clone(),
        _ => problem.detail.clone(),
    };
    let view = context! { refusal, errors, detail, ..Value::from_serialize(problem) };
    match html(app, frame.as_ref(), request, "pages/problem.html", view) {
        Ok(page) => (problem.status(), page).into_response(),
        Err(_) => (problem.status(), problem.detail.clone()).into_response(),
    }
}
