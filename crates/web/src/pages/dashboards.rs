//! Dashboards: answers that are looked at together. The page comes at once; its tiles load themselves.
//!
//! Every change is a form that sends what it is about, answers with the page after it, and can be taken back: the message
//! holds the definition before it and the version it made, so that an undo never takes somebody else's change away.

use crate::api_v1::dashboards::find;
use crate::api_v1::unsave;
use crate::body::{form, parse_json, percent_encode};
use crate::dashboard::{Undo, apply, definition, key};
use crate::gate::Caller;
use crate::lineage::{self, lineage};
use crate::pages::home::series_question;
use crate::problem::{Problem, good};
use crate::render::{Frame, PageRequest, html, last, page, work};
use crate::routes::App;
use crate::standing::{Asked, List, lists};
use api::{Catalog, DashboardRequest, DashboardView, MetricView, Principal, Product, QuestionView, TileView};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::Value;
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::Diagnostic;
use std::collections::BTreeMap;

mod put;

/// Months behind the picture of a metric.
const MONTHS_SHOWN: u32 = 12;

pub(crate) async fn list(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let is_it = request.is_it;
    page(&app, &caller, &request, "pages/dashboards.html", move |product, who| list_view(product, who, is_it)).await
}

fn list_view(product: &dyn Product, who: &Principal, is_it: bool) -> Result<Json, Problem> {
    let is_of_one = |diagnostic: &Diagnostic| diagnostic.path.starts_with("dashboards/");
    let wrong = product.workspace(who)?.diagnostics.into_iter().filter(is_of_one);
    let asked = Asked { list: List::Dashboards, is_it, is_again: false, since: None };
    let lists = lists(product, who, asked)?;
    let has_questions = !product.questions(who)?.is_empty();
    Ok(json!({
        "title": "Dashboards", "lists": lists, "may_define": who.may_define, "has_questions": has_questions,
        "wrong": wrong.collect::<Vec<_>>(),
    }))
}

/// A dashboard as its page shows it.
#[derive(Serialize)]
struct Board {
    title: String,
    dashboard: DashboardView,
    tiles: Vec<Shown>,
    /// What could be put on it: the key and title of each.
    more: Vec<(String, String)>,
    may_define: bool,
    is_arranged: bool,
    /// On IT's face, what it rests on.
    lineage: BTreeMap<String, lineage::Shown>,
    undo: Option<Undo>,
    is_undone: bool,
}

#[derive(Serialize)]
struct Shown {
    key: String,
    title: String,
    width: String,
    /// The question that it asks; absent where its file has errors.
    q: Option<String>,
}

/// What tiles are made from.
struct Subjects {
    questions: Vec<QuestionView>,
    metrics: Vec<MetricView>,
    catalog: Catalog,
}

pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let (is_arranged, is_it) = (request.param("arrange") == "yes", request.is_it);
    page(&app, &caller, &request, "pages/dashboard.html", move |product, who| {
        let dashboard = find(product, who, &name)?.ok_or_else(|| Problem::not_found("dashboard"))?;
        board(product, who, dashboard, is_arranged, is_it)
    })
    .await
}

fn board(
    product: &dyn Product,
    who: &Principal,
    dashboard: DashboardView,
    is_arranged: bool,
    is_it: bool,
) -> Result<Board, Problem> {
    let lineage = lineage(product, who, is_it, &["dashboard"], Some(&dashboard.name))?;
    let from =
        Subjects { questions: product.questions(who)?, metrics: product.metrics(who)?, catalog: product.catalog(who)? };
    let tiles: Vec<Shown> = dashboard.tiles.iter().map(|tile| shown(tile, &from)).collect();
    let questions = from.questions.iter().map(|found| (format!("question-{}", found.name), found.title.clone()));
    let metrics = from.metrics.iter().map(|found| (format!("metric-{}", found.name), found.title.clone()));
    let is_new = |(key, _): &(String, String)| tiles.iter().all(|tile| tile.key != *key);
    let more = questions.chain(metrics).filter(is_new).collect();
    let (title, may_define) = (dashboard.title.clone(), who.may_define);
    let is_arranged = is_arranged && may_define;
    Ok(Board { title, dashboard, tiles, more, may_define, is_arranged, lineage, undo: None, is_undone: false })
}

fn shown(tile: &TileView, from: &Subjects) -> Shown {
    let question = from.questions.iter().find(|found| tile.question.as_ref() == Some(&found.name));
    let metric = from.metrics.iter().find(|found| tile.metric.as_ref() == Some(&found.name));
    let (title, q) = match (question, metric) {
        (Some(found), _) => (found.title.clone(), Some(found.question.to_string())),
        (None, Some(found)) => (found.title.clone(), Some(metric_question(&from.catalog, found).to_string())),
        (None, None) => (tile.question.clone().or(tile.metric.clone()).unwrap_or_default(), None),
    };
    Shown { key: key(tile), title: tile.title.clone().unwrap_or(title), width: tile.width.clone(), q }
}

/// The question of a tile that shows a metric.
pub(crate) fn metric_question(catalog: &Catalog, metric: &MetricView) -> Json {
    series_question(catalog, metric, "month", MONTHS_SHOWN)
}

/// Changes a dashboard, or takes it away, and says so in a message that can be undone.
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    page: PageRequest,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let page = page.with_form(form(request).await?);
    let (fields, is_it) = (page.params.clone(), page.is_it);
    let (frame, after) = work(&app, &caller, &page, move |product, who| {
        let dashboard = find(product, who, &name)?.ok_or_else(|| Problem::not_found("dashboard"))?;
        let is_arranged = last(&fields, "arrange") == "yes";
        let undo = |text: String, version: &str| Undo {
            text,
            name: name.clone(),
            title: None,
            before: definition(&dashboard).to_string(),
            version: version.to_owned(),
            question: None,
        };
        if last(&fields, "edit") == "delete" {
            unsave(product, who, "dashboard", &name)?;
            let undo = undo(format!("Removed “{}”.", dashboard.title), "");
            let mut view = list_view(product, who, is_it)?;
            view["undo"] = json!(undo);
            return Ok(After::List(view));
        }
        let Some((changed, text)) = apply(&dashboard, &fields) else {
            return Ok(After::Board(Box::new(board(product, who, dashboard, is_arranged, is_it)?)));
        };
        let saved = save(product, who, &name, &dashboard.version, changed)?;
        let undo = undo(text, &saved.version);
        Ok(After::Board(Box::new(Board { undo: Some(undo), ..board(product, who, saved, is_arranged, is_it)? })))
    })
    .await?;
    respond(&app, &frame, &page, after)
}

/// Makes a dashboard what it was before a change.
pub(crate) async fn undo(
    State(app): State<App>,
    caller: Caller,
    page: PageRequest,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let page = page.with_form(form(request).await?);
    let (fields, is_it) = (page.params.clone(), page.is_it);
    let (frame, after) = work(&app, &caller, &page, move |product, who| {
        let (before, version) = (last(&fields, "before"), last(&fields, "version"));
        let restored = if before.is_empty() {
            let found = find(product, who, &name)?.ok_or_else(|| Problem::not_found("dashboard"))?;
            if found.version != version {
                let problem = Problem::new(StatusCode::CONFLICT, "the dashboard was changed meanwhile");
                return Err(problem.with_hint("look at it again, then take off what you want to"));
            }
            unsave(product, who, "dashboard", &name)?;
            None
        } else {
            let before = parse_json(before).map_err(|error| Problem::invalid(vec![error]))?;
            Some(save(product, who, &name, version, before)?)
        };
        if !last(&fields, "question").is_empty() {
            unsave(product, who, "question", last(&fields, "question"))?;
        }
        match restored {
            _ if last(&fields, "from") == "ask" => Ok(After::TakenBack),
            Some(saved) => {
                let board = board(product, who, saved, last(&fields, "arrange") == "yes", is_it)?;
                Ok(After::Board(Box::new(Board { is_undone: true, ..board })))
            }
            None => Ok(After::List(list_view(product, who, is_it)?)),
        }
    })
    .await?;
    respond(&app, &frame, &page, after)
}

/// Puts a question on a dashboard, saving the one and making the other where they are new; without a question, makes an
/// empty dashboard.
pub(crate) async fn put(
    State(app): State<App>,
    caller: Caller,
    page: PageRequest,
    request: Request,
) -> Result<Response, Problem> {
    let page = page.with_form(form(request).await?);
    let fields = page.params.clone();
    let (frame, after) =
        work(&app, &caller, &page, move |product, who| Ok(After::Put(put::put(product, who, &fields)?))).await?;
    respond(&app, &frame, &page, after)
}

fn save(
    product: &dyn Product,
    who: &Principal,
    name: &str,
    version: &str,
    dashboard: Json,
) -> Result<DashboardView, Problem> {
    let request = DashboardRequest { name: Some(name.to_owned()), version: Some(version.to_owned()), dashboard };
    good(product.save_dashboard(who, &request)?)
}

/// What a change leads to.
enum After {
    /// The dashboard, changed.
    Board(Box<Board>),
    /// The list, without it.
    List(Json),
    /// A message on the page of the question.
    Put(Undo),
    /// The same, of its undo.
    TakenBack,
}

/// The page after a change in place of the one before, or the way to it where there are no scripts.
fn respond(app: &App, frame: &Frame, page: &PageRequest, after: After) -> Result<Response, Problem> {
    let query = match (page.param("arrange") == "yes", page.is_it) {
        (false, false) => "",
        (false, true) => "?face=it",
        (true, false) => "?arrange=yes",
        (true, true) => "?arrange=yes&face=it",
    };
    let address = match &after {
        After::Board(board) => format!("/dashboards/{}{query}", percent_encode(&board.dashboard.name)),
        After::Put(undo) => format!("/dashboards/{}{query}", percent_encode(&undo.name)),
        After::List(_) | After::TakenBack => format!("/dashboards{}", if page.is_it { "?face=it" } else { "" }),
    };
    if !page.is_partial {
        return Ok(Redirect::to(&address).into_response());
    }
    let (template, view) = match &after {
        After::Board(board) => ("pages/dashboard.html", Value::from_serialize(board)),
        After::List(view) => ("pages/dashboards.html", Value::from_serialize(view)),
        After::Put(undo) => {
            let view = json!({ "part": "parts/undo.html", "title": "Put on a dashboard", "undo": undo, "from": "ask" });
            ("pages/part.html", Value::from_serialize(view))
        }
        After::TakenBack => {
            let view = json!({ "part": "parts/saved.html", "title": "Taken back", "taken_back": true });
            ("pages/part.html", Value::from_serialize(view))
        }
    };
    let mut response = html(app, Some(frame), page, template, view)?;
    let headers = response.headers_mut();
    // What is wrong stands by the form; what comes of it, where it stays when the form is gone.
    let target = if matches!(after, After::Board(_) | After::List(_)) { "#main" } else { "#toasts" };
    headers.insert("hx-retarget", HeaderValue::from_static(target));
    if let (After::Board(_) | After::List(_), Ok(address)) = (&after, HeaderValue::from_str(&address)) {
        headers.insert("hx-push-url", address);
    }
    Ok(response)
}
