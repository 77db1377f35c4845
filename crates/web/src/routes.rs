//! The one route table: it makes the router, the OpenAPI document and the authorisation matrix.
//!
//! Around each route: its rights and its time limit. Around all: the security headers, and problems written down as
//! JSON under `/api/` and `/v1/` and as pages elsewhere.

use crate::assets::Assets;
use crate::gate::{Attempts, Caller, admit, identify, led_away};
use crate::intake::{Intake, Limits};
use crate::problem::Problem;
use crate::render::{PageRequest, Templates, Written, problem_page};
use crate::running::Running;
use crate::server::Options;
use crate::work::Pool;
use crate::{api_v1, intake, pages, prometheus};
use api::{Collector, Product};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::MethodRouter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Product calls at once, and how many may wait for a place.
const CALLS_MAX: usize = 8;
const CALLS_WAITING_MAX: usize = 64;
/// How long a call may take, its time in the queue included; a question itself may take 30 seconds.
const CALL_WAIT_MAX: Duration = Duration::from_secs(40);
/// Checks of credentials and of health at once, and how many may wait: short, and never behind questions.
const CHECKS_MAX: usize = 4;
const CHECKS_WAITING_MAX: usize = 256;
/// Sign-ins at once: each takes memory and time on purpose.
const SIGN_INS_MAX: usize = 2;
/// People who look up their preferences at once, and how many may wait.
const PREFERENCES_MAX: usize = 2;
const PREFERENCES_WAITING_MAX: usize = 1_024;
/// Imports at once, and how long one may take.
const IMPORTS_MAX: usize = 1;
/// Files received at once: each may take its limit of disk.
const UPLOADS_MAX: usize = 3;
const IMPORT_WAIT_MAX: Duration = Duration::from_secs(3600);

/// What a route demands of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Nothing: it shows nothing of the data.
    Open,
    /// A write key; the collector decides.
    Key,
    /// A link that a server of the company has signed for one person; the collector decides.
    Link,
    /// Somebody who is signed in; the product decides what they see.
    SignedIn,
    /// A role that may bring data in.
    Import,
    /// A role that may save definitions.
    Define,
    /// A role that sees who saw what.
    Audit,
    /// A role that may change files of the workspace; the product decides which.
    Edit,
}

impl Rights {
    /// The word in the matrix.
    pub fn name(self) -> &'static str {
        match self {
            Rights::Open => "open",
            Rights::Key => "key",
            Rights::Link => "link",
            Rights::SignedIn => "signed_in",
            Rights::Import => "import",
            Rights::Define => "define",
            Rights::Audit => "audit",
            Rights::Edit => "edit",
        }
    }
}

/// Whom a route speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// Programs: JSON and table files.
    Api,
    /// Clients that send events.
    Intake,
    /// People: a page, or a part of one.
    Page,
    /// Browsers: a static file.
    File,
}

/// One row of the route table.
#[derive(Clone, Copy, Debug)]
pub struct RouteInfo {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with names in braces.
    pub path: &'static str,
    /// What it demands of its caller.
    pub rights: Rights,
    /// Whom it speaks to.
    pub kind: RouteKind,
    /// What it does, in a few words.
    pub summary: &'static str,
}

/// Returns the route table.
pub fn routes() -> Vec<RouteInfo> {
    table().into_iter().map(|(info, _)| info).collect()
}

/// What all handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) product: Arc<dyn Product>,
    pub(crate) collector: Arc<dyn Collector>,
    pub(crate) intake: Arc<Intake>,
    /// Where questions are answered.
    pub(crate) pool: Arc<Pool>,
    /// Where everything else is looked up, which never waits for questions.
    pub(crate) lookups: Arc<Pool>,
    pub(crate) checks: Arc<Pool>,
    pub(crate) sign_ins: Arc<Pool>,
    /// Where people who are not signed in look up their preferences: a mailing does not stand in anybody's way.
    pub(crate) preferences: Arc<Pool>,
    pub(crate) imports: Arc<Pool>,
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) running: Arc<Running>,
    pub(crate) assets: Arc<Assets>,
    pub(crate) templates: Arc<Templates>,
    pub(crate) secure_cookies: bool,
    pub(crate) spool: Arc<PathBuf>,
}

impl App {
    pub(crate) fn new(options: Options, limits: Limits) -> App {
        let assets = Arc::new(Assets::new(options.templates_from));
        App {
            product: options.product,
            intake: Arc::new(Intake::new(options.collector.clone(), limits)),
            collector: options.collector,
            pool: Arc::new(Pool::new(CALLS_MAX, CALLS_WAITING_MAX, CALL_WAIT_MAX)),
            lookups: Arc::new(Pool::new(CALLS_MAX, CALLS_WAITING_MAX, CALL_WAIT_MAX)),
            checks: Arc::new(Pool::new(CHECKS_MAX, CHECKS_WAITING_MAX, CALL_WAIT_MAX)),
            sign_ins: Arc::new(Pool::new(SIGN_INS_MAX, 16, CALL_WAIT_MAX)),
            preferences: Arc::new(Pool::new(PREFERENCES_MAX, PREFERENCES_WAITING_MAX, CALL_WAIT_MAX)),
            imports: Arc::new(Pool::new(IMPORTS_MAX, UPLOADS_MAX, IMPORT_WAIT_MAX)),
            uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
            attempts: Arc::new(Attempts::default()),
            running: Arc::default(),
            templates: Arc::new(Templates::new(&assets)),
            assets,
            secure_cookies: options.secure_cookies,
            spool: Arc::new(options.spool),
        }
    }
}

impl App {
    /// The pool for a page or a part of one, by its path: those of these ask questions.
    pub(crate) fn pool_of(&self, path: &str) -> &Pool {
        let asks = ["/ask/", "/home/", "/audiences", "/metrics", "/standings", "/definitions/"]
            .iter()
            .any(|start| path.starts_with(start));
        if asks { &self.pool } else { &self.lookups }
    }
}

/// Makes the router from the table.
pub(crate) fn router(app: App) -> Router {
    let mut router = Router::new();
    for (info, handler) in table() {
        let handler = handler.route_layer(from_fn_with_state((app.clone(), info), guard));
        router = router.route(info.path, handler);
    }
    router.fallback(nowhere).layer(from_fn_with_state(app.clone(), present)).with_state(app)
}

/// Nothing is here; who is signed in is told so inside of the frame.
async fn nowhere(State(app): State<App>, request: Request) -> Response {
    let problem = Problem::not_found("page").with_hint("look for it with `/`, or start at the home page");
    let mut response = problem.into_response();
    if !is_api(request.uri().path())
        && let Ok(caller) = identify(&app, request.headers()).await
    {
        response.extensions_mut().insert(caller);
    }
    response
}

fn is_api(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/.well-known/") || path == "/health" || is_intake(path)
}

fn is_intake(path: &str) -> bool {
    path.starts_with("/v1/")
}

type Row = (RouteInfo, MethodRouter<App>);

/// A row of the table; `address` is a method and a path.
fn row(
    kind: RouteKind,
    rights: Rights,
    address: &'static str,
    summary: &'static str,
    handler: MethodRouter<App>,
) -> Row {
    let (method, path) = address.split_once(' ').expect("an address of the table is a method and a path");
    (RouteInfo { method, path, rights, kind, summary }, handler)
}

fn table() -> Vec<Row> {
    use Rights::{Audit, Define, Edit, Import, Key, Link, Open, SignedIn};
    use RouteKind::{Api, File, Intake, Page};
    use axum::routing::{delete, get, options, post, put};
    vec![
        row(
            Api,
            SignedIn,
            "POST /api/v1/ask",
            "Answers a question, or refuses it with the nearest yes",
            post(api_v1::ask),
        ),
        row(Api, SignedIn, "POST /api/v1/judge", "Says whether a question would be answered", post(api_v1::judge)),
        row(
            Api,
            SignedIn,
            "GET /api/v1/running",
            "Your requests that run under a name, and how far they are",
            get(api_v1::running::list),
        ),
        row(Api, SignedIn, "GET /api/v1/running/{name}", "How far one of them is", get(api_v1::running::one)),
        row(Api, SignedIn, "DELETE /api/v1/running/{name}", "Stops one of them", delete(api_v1::running::stop)),
        row(Api, SignedIn, "POST /api/v1/explain", "Says a question in words and parts", post(api_v1::explain)),
        row(Api, SignedIn, "GET /api/v1/catalog", "What can be asked about", get(api_v1::catalog)),
        row(Api, SignedIn, "GET /api/v1/metrics", "The shared metrics", get(api_v1::metrics)),
        row(Api, SignedIn, "GET /api/v1/audiences", "The audiences", get(api_v1::audiences)),
        row(Api, SignedIn, "GET /api/v1/audiences/{name}", "An audience", get(api_v1::audience)),
        row(Api, Define, "POST /api/v1/audiences", "Saves an audience", post(api_v1::save_audience)),
        row(
            Api,
            Define,
            "DELETE /api/v1/audiences/{name}",
            "Takes a saved audience back",
            delete(api_v1::unsave_audience),
        ),
        row(Api, SignedIn, "GET /api/v1/questions", "The saved questions", get(api_v1::questions)),
        row(Api, SignedIn, "GET /api/v1/questions/{name}", "A saved question", get(api_v1::saved_question)),
        row(Api, Define, "POST /api/v1/questions", "Saves a question", post(api_v1::save_question)),
        row(
            Api,
            Define,
            "DELETE /api/v1/questions/{name}",
            "Takes a saved question back",
            delete(api_v1::unsave_question),
        ),
        row(Api, SignedIn, "GET /api/v1/dashboards", "The dashboards", get(api_v1::dashboards::list)),
        row(Api, SignedIn, "GET /api/v1/dashboards/{name}", "A dashboard", get(api_v1::dashboards::one)),
        row(Api, Define, "POST /api/v1/dashboards", "Saves a new dashboard", post(api_v1::dashboards::make)),
        row(
            Api,
            Define,
            "PUT /api/v1/dashboards/{name}",
            "Saves a dashboard in place of the one that is there",
            put(api_v1::dashboards::replace),
        ),
        row(
            Api,
            Define,
            "DELETE /api/v1/dashboards/{name}",
            "Takes a dashboard back",
            delete(api_v1::dashboards::remove),
        ),
        row(Api, SignedIn, "GET /api/v1/lineage", "What rests on what", get(api_v1::lineage)),
        row(
            Api,
            SignedIn,
            "GET /api/v1/values",
            "The values of a field that enough people have",
            get(api_v1::values::list),
        ),
        row(
            Api,
            SignedIn,
            "GET /api/v1/verdicts",
            "How what is saved stands now, and why it turned",
            get(api_v1::verdicts::list),
        ),
        row(
            Api,
            SignedIn,
            "GET /api/v1/definitions/{*path}",
            "A file of a definition as it stands",
            get(api_v1::definitions::one),
        ),
        row(
            Api,
            Edit,
            "POST /api/v1/definitions/{*path}",
            "Says what a text in its place would change",
            post(api_v1::definitions::check),
        ),
        row(Api, Edit, "PUT /api/v1/definitions/{*path}", "Writes a text in its place", put(api_v1::definitions::save)),
        row(Api, SignedIn, "GET /api/v1/sources", "The sources with their contracts and books", get(api_v1::sources)),
        row(Api, SignedIn, "GET /api/v1/quarantine", "What messages are kept aside and why", get(api_v1::quarantine)),
        row(
            Api,
            Import,
            "POST /api/v1/sources/{name}/replay",
            "Takes messages in that were kept aside and keep the contract by now",
            post(api_v1::replay),
        ),
        row(Api, SignedIn, "POST /api/v1/identity", "Which people have become one", post(api_v1::merges)),
        row(
            Api,
            Import,
            "POST /api/v1/identity/{number}/undo",
            "Takes people apart who have become one",
            post(api_v1::undo_merge),
        ),
        row(
            Api,
            Import,
            "POST /api/v1/sources/{name}/import",
            "Imports the body as a file of a source",
            post(api_v1::import),
        ),
        row(
            Api,
            SignedIn,
            "GET /api/v1/workspace",
            "The workspace and what is wrong with its files",
            get(api_v1::workspace),
        ),
        row(Api, SignedIn, "GET /api/v1/policy", "Who may be used for what, and who may see what", get(api_v1::policy)),
        row(Api, Audit, "GET /api/v1/audit", "Who saw what, the newest first", get(api_v1::audit::list)),
        row(Api, Audit, "GET /api/v1/audit/head", "The signed end of the records", get(api_v1::audit::head)),
        row(Api, Audit, "GET /api/v1/consents", "Who agreed to what, over time", get(api_v1::consents)),
        row(Api, SignedIn, "GET /api/v1/proofs", "What is promised, and what came of trying", get(api_v1::proofs)),
        row(Api, SignedIn, "GET /api/v1/collector", "What comes in right now, by key", get(api_v1::collector)),
        row(
            Api,
            SignedIn,
            "GET /api/v1/collector/metrics",
            "The same and the books, for Prometheus",
            get(prometheus::metrics),
        ),
        row(Api, Open, "GET /api/openapi.json", "This document", get(api_v1::openapi_document)),
        row(Api, Open, "GET /health", "Whether the parts work", get(api_v1::health)),
        row(Api, Open, "GET /.well-known/gpc.json", "That Global Privacy Control is obeyed", get(api_v1::gpc)),
        row(Intake, Key, "POST /v1/{call}", "Takes a message or a batch of them", post(intake::take)),
        row(Intake, Open, "OPTIONS /v1/{call}", "Lets pages of any site send it", options(intake::preflight)),
        row(Intake, Key, "GET /v1/projects/{key}/settings", "What a browser's library needs", get(intake::settings)),
        row(
            Intake,
            Open,
            "OPTIONS /v1/projects/{key}/settings",
            "Lets pages of any site ask for them",
            options(intake::preflight),
        ),
        row(Intake, Key, "GET /v1/pixel/{call}", "Takes a message in a picture's address", get(intake::pixel)),
        row(Intake, Open, "OPTIONS /v1/pixel/{call}", "Lets pages of any site ask for it", options(intake::preflight)),
        row(Page, Open, "GET /sign-in", "The form to sign in", get(pages::sign_in::form)),
        row(Page, Open, "POST /sign-in", "Signs in", post(pages::sign_in::enter)),
        row(Page, SignedIn, "POST /sign-out", "Signs out", post(pages::sign_in::leave)),
        row(Page, SignedIn, "GET /", "Home", get(pages::home::home)),
        row(Page, SignedIn, "GET /home/metrics/{name}", "One figure of Home", get(pages::home::kpi)),
        row(Page, SignedIn, "GET /home/series", "The chart of Home", get(pages::home::series)),
        row(Page, SignedIn, "GET /home/people", "People that may be used, per purpose", get(pages::home::people)),
        row(Page, SignedIn, "GET /standings", "How what is saved stands now", get(pages::standings::standings)),
        row(Page, SignedIn, "GET /ground", "Whether what answers rest on has moved", get(pages::standings::ground)),
        row(Page, SignedIn, "GET /ask", "A question as a sentence", get(pages::ask::ask)),
        row(Page, SignedIn, "GET /ask/verdict", "What the judge says", get(pages::ask::verdict)),
        row(Page, SignedIn, "POST /ask/verdict", "What the judge says while typing", post(pages::ask::verdict_of_form)),
        row(Page, SignedIn, "GET /ask/answer", "The answer: picture, table, provenance", get(pages::ask::answer)),
        row(
            Page,
            SignedIn,
            "GET /ask/tile",
            "The answer as a tile: picture and where it is from",
            get(pages::tile::tile),
        ),
        row(Page, SignedIn, "GET /ask/download", "The answer as a file", get(pages::ask::download)),
        row(Page, Define, "POST /ask/save", "Saves a question or an audience", post(pages::ask::save)),
        row(Page, Define, "POST /ask/unsave", "Takes it back", post(pages::ask::unsave)),
        row(Page, SignedIn, "GET /questions", "The saved questions", get(pages::questions::list)),
        row(Page, SignedIn, "GET /questions/{name}", "Leads to a saved question", get(pages::questions::one)),
        row(Page, SignedIn, "GET /dashboards", "The dashboards", get(pages::dashboards::list)),
        row(
            Page,
            Define,
            "POST /dashboards",
            "Puts a question on a dashboard, or makes one",
            post(pages::dashboards::put),
        ),
        row(Page, SignedIn, "GET /dashboards/{name}", "A dashboard", get(pages::dashboards::one)),
        row(Page, Define, "POST /dashboards/{name}", "Changes a dashboard", post(pages::dashboards::change)),
        row(Page, Define, "POST /dashboards/{name}/undo", "Makes it what it was", post(pages::dashboards::undo)),
        row(
            Page,
            SignedIn,
            "GET /definitions/{*path}",
            "A file of a definition, to read and to edit",
            get(pages::definitions::one),
        ),
        row(
            Page,
            Edit,
            "POST /definitions/{*path}",
            "Checks a text for it, writes it, takes it back",
            post(pages::definitions::change),
        ),
        row(Page, SignedIn, "GET /audiences", "The audiences", get(pages::audiences::list)),
        row(Page, SignedIn, "GET /audiences/{name}", "An audience", get(pages::audiences::one)),
        row(Page, SignedIn, "GET /metrics", "The metrics", get(pages::metrics::list)),
        row(Page, SignedIn, "GET /metrics/{name}", "A metric", get(pages::metrics::one)),
        row(Page, SignedIn, "GET /sources", "The sources", get(pages::sources::list)),
        row(Page, SignedIn, "GET /sources/{name}", "A source", get(pages::sources::one)),
        row(Page, SignedIn, "GET /live", "Events arriving now", get(pages::live::live)),
        row(Page, SignedIn, "GET /live/pulse", "The same, to look at again", get(pages::live::pulse)),
        row(Page, SignedIn, "GET /quarantine", "What messages are kept aside", get(pages::quarantine::quarantine)),
        row(Page, Import, "POST /quarantine", "Takes them in that keep the contract", post(pages::quarantine::replay)),
        row(Page, SignedIn, "GET /rules", "Who may be used for what, and who may see what", get(pages::rules::policy)),
        row(Page, Audit, "GET /rules/audit", "Who saw what", get(pages::rules::audit)),
        row(Page, Audit, "GET /rules/consents", "Who agreed to what, over time", get(pages::rules::consents)),
        row(Page, SignedIn, "GET /rules/promises", "What is promised, and proved", get(pages::rules::promises)),
        row(Page, Link, "GET /preferences", "What one person agreed to", get(pages::preferences::show)),
        row(Page, Link, "POST /preferences", "Takes down what the person chooses", post(pages::preferences::choose)),
        row(Page, SignedIn, "GET /glossary", "What the words on pages mean", get(pages::glossary::glossary)),
        row(Page, SignedIn, "GET /palette", "Finds pages and things", get(pages::palette::palette)),
        row(File, Open, "GET /static/{version}/{*name}", "A static file", get(pages::static_file)),
    ]
}

/// Lets a request through to its route, for as long as it may take.
async fn guard(State((app, info)): State<(App, RouteInfo)>, request: Request, next: Next) -> Response {
    let request = match admit(&app, &info, request).await {
        Ok(request) => request,
        Err(problem) => return problem.into_response(),
    };
    let caller = request.extensions().get::<Caller>().cloned();
    match caller.as_ref().map_or(Ok(None), |caller| led_away(&info, &request, caller)) {
        Ok(None) => {}
        Ok(Some(page)) => return Redirect::to(&page).into_response(),
        Err(problem) => return problem.into_response(),
    }
    let _named = caller.as_ref().and_then(|caller| Running::hold(&app.running, &caller.who, request.headers()));
    let wait_max = if info.rights == Rights::Import { 2 * IMPORT_WAIT_MAX } else { 2 * CALL_WAIT_MAX };
    let mut response = match tokio::time::timeout(wait_max, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::busy("the request took longer than it may").into_response(),
    };
    // The route and not the address, which holds questions and links.
    tracing::debug!(method = info.method, route = info.path, status = response.status().as_u16(), "answered");
    if let Some(caller) = caller {
        response.extensions_mut().insert(caller);
    }
    response
}

/// Writes problems down for whoever asked, and puts the security headers on.
async fn present(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_api = is_api(request.uri().path());
    let more_headers: &[(&str, &str)] = if is_intake(request.uri().path()) { &intake::HEADERS } else { &[] };
    let (parts, body) = request.into_parts();
    let page = PageRequest::of(&parts);
    let back = back_to(&parts, page.is_partial);
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let is_written = response.extensions().get::<Written>().is_some();
    let mut response = if !is_written && (status.is_client_error() || status.is_server_error()) {
        let problem = response.extensions().get::<Problem>().cloned();
        let problem = problem.unwrap_or_else(|| Problem::new(status, "the server does not take this request"));
        if is_api { problem_json(&problem) } else { problem_for_people(&app, &page, &back, &problem, response).await }
    } else {
        response
    };
    for (name, value) in HEADERS.iter().chain(more_headers) {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn problem_json(problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).expect("a problem is plain data and serialises");
    let mut response = (problem.status(), [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    if problem.status == 401 {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    set_retry_after(&mut response, problem);
    response
}

/// The page to come back to after signing in: what was asked for, or else the page that asked.
///
/// It is a path, and the form that signs in holds it against what leads elsewhere: nobody can be led off this site by it.
fn back_to(parts: &Parts, is_partial: bool) -> String {
    if parts.method == Method::GET && !is_partial {
        return parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    }
    // A script says where it is itself, a form's browser does; of an address only what follows the site counts.
    let said = ["hx-current-url", "referer"].into_iter().find_map(|name| parts.headers.get(name)?.to_str().ok());
    let path = said.and_then(|address| {
        let (_, rest) = address.split_once("://")?;
        rest.get(rest.find('/')?..)?.split('#').next()
    });
    path.unwrap_or("/").to_owned()
}

/// A page that says what happened; whoever is not signed in is led to the form and back.
async fn problem_for_people(
    app: &App,
    page: &PageRequest,
    back: &str,
    problem: &Problem,
    response: Response,
) -> Response {
    if problem.status == 401 {
        let target = format!("/sign-in?next={}", crate::body::percent_encode(back));
        if page.is_partial {
            return (StatusCode::UNAUTHORIZED, [("hx-redirect", target)], Body::empty()).into_response();
        }
        return Redirect::to(&target).into_response();
    }
    let caller = response.extensions().get::<Caller>();
    let mut response = problem_page(app, caller, page, problem).await;
    set_retry_after(&mut response, problem);
    response
}

fn set_retry_after(response: &mut Response, problem: &Problem) {
    if let Some(seconds) = problem.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// On every response; some are other for the intake. No script and no style may stand in a page itself, and no other site may frame or read it.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];
