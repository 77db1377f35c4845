//! The JSON interface, version 1: thin handlers over the product.

use crate::body::{percent_encode, read_object, spool};
use crate::gate::{Caller, cookie_name};
use crate::pages::live::check_sees;
use crate::problem::{Problem, good};
use crate::render::last;
use crate::routes::App;
use crate::{body, csv, leaving};
use api::{
    ConsentsRequest, EncodeFormat, ImportRequest, KeyPulse, LineageRequest, Principal, Product, Pulse, SaveRequest,
};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use spec::{Answer, Column, Outcome, Provenance, SampleRatio, Verdict, WaterfallStep};

pub(crate) mod audit;
pub(crate) mod dashboards;
pub(crate) mod definitions;
pub(crate) mod running;
pub(crate) mod values;
pub(crate) mod verdicts;

/// Since when `Sec-GPC` is obeyed.
const GPC_SINCE: &str = "2026-11-30";

/// The forms in which an answer leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerFormat {
    Json,
    Csv,
    Arrow,
    Parquet,
}

impl AnswerFormat {
    const ALL: [AnswerFormat; 4] = [AnswerFormat::Json, AnswerFormat::Csv, AnswerFormat::Arrow, AnswerFormat::Parquet];

    /// The format's media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            AnswerFormat::Json => "application/json",
            AnswerFormat::Csv => "text/csv",
            AnswerFormat::Arrow => "application/vnd.apache.arrow.stream",
            AnswerFormat::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The ending of its files, which is also its word in addresses.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            AnswerFormat::Json => "json",
            AnswerFormat::Csv => "csv",
            AnswerFormat::Arrow => "arrow",
            AnswerFormat::Parquet => "parquet",
        }
    }

    /// The format with this ending.
    pub(crate) fn of_ending(ending: &str) -> Option<AnswerFormat> {
        AnswerFormat::ALL.into_iter().find(|format| format.ending() == ending)
    }
}

#[derive(Serialize)]
struct AnswerBody<'a> {
    verdict: &'a Verdict,
    columns: &'a [Column],
    rows: &'a [Vec<spec::Value>],
    #[serde(skip_serializing_if = "Option::is_none")]
    waterfall: Option<&'a [WaterfallStep]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_ratio: Option<&'a SampleRatio>,
    provenance: &'a Provenance,
}

#[derive(Serialize)]
struct PulseBody {
    keys: Vec<KeyBody>,
    log_bytes: u64,
    log_records: u64,
    lag_seconds: f64,
    is_durable: bool,
    is_landing: bool,
}

#[derive(Serialize)]
struct KeyBody {
    source: String,
    key: String,
    received: u64,
    received_lately: u64,
    accepted: u64,
    quarantined: u64,
    rejected: Vec<ReasonBody>,
    last_at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct ReasonBody {
    reason: String,
    messages: u64,
}

impl From<Pulse> for PulseBody {
    fn from(pulse: Pulse) -> PulseBody {
        let key = |key: KeyPulse| KeyBody {
            source: key.source,
            key: key.key,
            received: key.received,
            received_lately: key.received_lately,
            accepted: key.accepted,
            quarantined: key.quarantined,
            rejected: key.rejected.into_iter().map(|(reason, messages)| ReasonBody { reason, messages }).collect(),
            last_at: key.last_micros.and_then(DateTime::from_timestamp_micros),
        };
        PulseBody {
            keys: pulse.keys.into_iter().map(key).collect(),
            log_bytes: pulse.log_bytes,
            log_records: pulse.log_records,
            lag_seconds: pulse.lag_micros as f64 / 1e6,
            is_durable: pulse.is_durable,
            is_landing: pulse.is_landing,
        }
    }
}

pub(crate) async fn ask(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let format = wanted(&headers)?;
    let question = question(request).await?;
    let body = answer(&app, caller, move |product, who| {
        let mut asked = good(product.ask(who, &question)?)?;
        let answer = released(&asked.verdict, asked.answer.take())?;
        leaving::body(product, asked, answer, format)
    });
    Ok(([(header::CONTENT_TYPE, content_type(format))], body.await?).into_response())
}

pub(crate) async fn judge(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let question = question(request).await?;
    let judged = answer(&app, caller, move |product, who| good(product.judge(who, &question)?)).await?;
    let mut body = json!({ "verdict": judged.verdict });
    if let Some(people) = judged.people {
        body["people"] = people.into();
    }
    if let Some(forecast) = judged.forecast {
        body["forecast"] = json!(forecast);
    }
    Ok(Json(body).into_response())
}

pub(crate) async fn explain(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let question = question(request).await?;
    let explained = call(&app, caller, move |product, who| Ok(product.explain(who, &question)?)).await?;
    Ok(Json(explained).into_response())
}

pub(crate) async fn catalog(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(call(&app, caller, |product, who| Ok(product.catalog(who)?)).await?).into_response())
}

pub(crate) async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(json!({ "metrics": call(&app, caller, |product, who| Ok(product.metrics(who)?)).await? })).into_response())
}

pub(crate) async fn audiences(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(json!({ "audiences": call(&app, caller, |product, who| Ok(product.audiences(who)?)).await? }))
        .into_response())
}

pub(crate) async fn questions(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(json!({ "questions": call(&app, caller, |product, who| Ok(product.questions(who)?)).await? }))
        .into_response())
}

pub(crate) async fn audience(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let found = call(&app, caller, move |product, who| {
        let found = product.audiences(who)?.into_iter().find(|audience| audience.name == name);
        found.ok_or_else(|| Problem::not_found("audience"))
    });
    Ok(Json(found.await?).into_response())
}

pub(crate) async fn saved_question(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let found = call(&app, caller, move |product, who| {
        let found = product.questions(who)?.into_iter().find(|question| question.name == name);
        found.ok_or_else(|| Problem::not_found("question"))
    });
    Ok(Json(found.await?).into_response())
}

pub(crate) async fn sources(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(json!({ "sources": call(&app, caller, |product, who| Ok(product.sources(who)?)).await? })).into_response())
}

pub(crate) async fn quarantine(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let groups = call(&app, caller, |product, who| Ok(product.quarantine(who)?)).await?;
    Ok(Json(json!({ "quarantine": groups })).into_response())
}

pub(crate) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Path(source): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let query = body::pairs(request.uri().query().unwrap_or_default());
    let reason = Some(last(&query, "reason").to_owned()).filter(|reason| !reason.is_empty());
    let product = app.product.clone();
    let done = app.imports.run(move || Ok(product.replay(&caller.who, &source, reason.as_deref())?));
    Ok(Json(done.await?).into_response())
}

/// The identifier stands in the body: addresses are written to logs.
pub(crate) async fn merges(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let asked = body::read_any_object(request, &["identifier"]).await?;
    let identifier = match asked.get("identifier") {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(Problem::new(StatusCode::BAD_REQUEST, "`identifier` is not text")),
    };
    let merges = call(&app, caller, move |product, who| Ok(product.merges(who, identifier.as_deref())?)).await?;
    Ok(Json(json!({ "merges": merges })).into_response())
}

pub(crate) async fn undo_merge(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<u64>,
) -> Result<Response, Problem> {
    let product = app.product.clone();
    app.imports.run(move || Ok(product.undo_merge(&caller.who, number)?)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn workspace(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(call(&app, caller, |product, who| Ok(product.workspace(who)?)).await?).into_response())
}

pub(crate) async fn consents(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let query = body::pairs(request.uri().query().unwrap_or_default());
    let by = last(&query, "by").to_owned();
    if !["", "day", "week", "month"].contains(&by.as_str()) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "`by` is `day`, `week` or `month`"));
    }
    let wanted = ConsentsRequest { by };
    Ok(Json(call(&app, caller, move |product, who| Ok(product.consents(who, &wanted)?)).await?).into_response())
}

pub(crate) async fn lineage(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let query = body::pairs(request.uri().query().unwrap_or_default());
    let kinds = query.iter().filter(|(key, _)| key == "kind").map(|(_, kind)| kind.clone()).collect();
    let name = Some(last(&query, "name").to_owned()).filter(|name| !name.is_empty());
    let wanted = LineageRequest { kinds, name };
    let lineage = call(&app, caller, move |product, who| Ok(product.lineage(who, &wanted)?)).await?;
    Ok(Json(json!({ "lineage": lineage })).into_response())
}

pub(crate) async fn proofs(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(call(&app, caller, |product, who| Ok(product.proofs(who)?)).await?).into_response())
}

pub(crate) async fn policy(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(call(&app, caller, |product, who| Ok(product.policy(who)?)).await?).into_response())
}

pub(crate) async fn save_audience(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    save(&app, caller, "audience", request).await
}

pub(crate) async fn save_question(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    save(&app, caller, "question", request).await
}

pub(crate) async fn unsave_audience(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    call(&app, caller, move |product, who| unsave(product, who, "audience", &name)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn unsave_question(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    call(&app, caller, move |product, who| unsave(product, who, "question", &name)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The body is the file; it goes to disk under a limit and then through the source's contract.
pub(crate) async fn import(
    State(app): State<App>,
    caller: Caller,
    Path(source): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let query = body::pairs(request.uri().query().unwrap_or_default());
    let file_name = last(&query, "file_name").to_owned();
    if file_name.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "the file has no name").with_hint(
            "add `?file_name=orders.csv`; the ending says how to read it: .csv, .ndjson, .jsonl, .parquet",
        ));
    }
    let object = Some(last(&query, "object").to_owned()).filter(|object| !object.is_empty());
    let Ok(_place) = app.uploads.try_acquire() else {
        return Err(Problem::busy("other files are being received"));
    };
    let file = spool(&app.spool, request).await?;
    let product = app.product.clone();
    let done = app.imports.run(move || {
        let request =
            ImportRequest { source: &source, object: object.as_deref(), path: file.path(), file_name: &file_name };
        Ok(product.import(&caller.who, &request, &|_, _| {})?)
    });
    Ok(Json(done.await?).into_response())
}

pub(crate) async fn openapi_document(State(app): State<App>) -> Response {
    let mut document = crate::openapi();
    document["components"]["securitySchemes"]["session"]["name"] = cookie_name(app.secure_cookies).into();
    Json(document).into_response()
}

pub(crate) async fn health(State(app): State<App>) -> Result<Response, Problem> {
    let product = app.product.clone();
    let health = app.checks.run(move || Ok(product.health())).await?;
    if !health.ready {
        return Err(Problem::busy("questions cannot be answered yet"));
    }
    Ok(Json(health).into_response())
}

/// Says that a browser's `Sec-GPC` is obeyed.
///
/// # Source
/// W3C, "Global Privacy Control", section 5, the resource for the support of GPC.
pub(crate) async fn gpc() -> Response {
    Json(json!({ "gpc": true, "lastUpdate": GPC_SINCE })).into_response()
}

pub(crate) async fn collector(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    check_sees(&caller)?;
    let collector = app.collector.clone();
    let pulse = call(&app, caller, move |_, _| Ok(collector.pulse())).await?;
    Ok(Json(PulseBody::from(pulse)).into_response())
}

/// Takes a saved thing back; what is not there is not found.
pub(crate) fn unsave(product: &dyn Product, who: &Principal, kind: &str, name: &str) -> Result<(), Problem> {
    let path = match kind {
        "audience" => {
            product.audiences(who)?.into_iter().find(|audience| audience.name == name).map(|found| found.path)
        }
        "dashboard" => dashboards::find(product, who, name)?.map(|found| found.path),
        _ => product.questions(who)?.into_iter().find(|question| question.name == name).map(|found| found.path),
    };
    let path = path.ok_or_else(|| Problem::not_found(kind))?;
    Ok(product.unsave(who, &api::Saved { kind: kind.to_owned(), name: name.to_owned(), path })?)
}

/// The answer of a yes; anything else is a refusal.
pub(crate) fn released(verdict: &Verdict, answer: Option<Answer>) -> Result<Answer, Problem> {
    match answer {
        Some(answer) if verdict.outcome == Outcome::Yes => Ok(answer),
        _ if verdict.outcome != Outcome::Yes => Err(Problem::refused(verdict)),
        _ => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a yes came without its answer")),
    }
}

/// An answer in one of its forms.
pub(crate) fn written(
    product: &dyn Product,
    verdict: &Verdict,
    answer: &Answer,
    format: AnswerFormat,
) -> Result<Vec<u8>, Problem> {
    match format {
        AnswerFormat::Csv => Ok(csv::encode(answer).into_bytes()),
        AnswerFormat::Arrow => Ok(product.encode(answer, EncodeFormat::Arrow)?),
        AnswerFormat::Parquet => Ok(product.encode(answer, EncodeFormat::Parquet)?),
        AnswerFormat::Json => {
            let body = AnswerBody {
                verdict,
                columns: &answer.columns,
                rows: &answer.rows,
                waterfall: answer.waterfall.as_deref(),
                sample_ratio: answer.sample_ratio.as_ref(),
                provenance: &answer.provenance,
            };
            Ok(serde_json::to_vec(&body).expect("an answer is plain data and serialises"))
        }
    }
}

/// A format's full `Content-Type`.
pub(crate) fn content_type(format: AnswerFormat) -> &'static str {
    if format == AnswerFormat::Csv { "text/csv; charset=utf-8; header=present" } else { format.media_type() }
}

async fn save(app: &App, caller: Caller, kind: &str, request: Request) -> Result<Response, Problem> {
    let body = read_object(request, &["question", "title", "description"]).await?;
    let text = |key: &str| match body.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Problem::new(StatusCode::BAD_REQUEST, &format!("`{key}` is not text"))),
    };
    let request = SaveRequest {
        kind: kind.to_owned(),
        title: text("title")?,
        description: text("description")?,
        question: body.get("question").cloned().unwrap_or_default(),
    };
    let saved = call(app, caller, move |product, who| good(product.save(who, &request)?)).await?;
    let location = format!("/api/v1/{}s/{}", saved.kind, percent_encode(&saved.name));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(saved)).into_response())
}

async fn question(request: Request<Body>) -> Result<Value, Problem> {
    let mut object = read_object(request, &["question"]).await?;
    Ok(object.remove("question").unwrap_or_default())
}

/// Looks something up.
async fn call<T: Send + 'static>(
    app: &App,
    caller: Caller,
    job: impl FnOnce(&dyn Product, &Principal) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let product = app.product.clone();
    app.lookups.run_for(caller.who, move |who| job(product.as_ref(), who)).await
}

/// Answers a question.
async fn answer<T: Send + 'static>(
    app: &App,
    caller: Caller,
    job: impl FnOnce(&dyn Product, &Principal) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let product = app.product.clone();
    app.pool.run_for(caller.who, move |who| job(product.as_ref(), who)).await
}

/// The format that the `Accept` header likes best; JSON without one.
fn wanted(headers: &HeaderMap) -> Result<AnswerFormat, Problem> {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else {
        return Ok(AnswerFormat::Json);
    };
    let mut best: Option<(f32, AnswerFormat)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse().ok()).unwrap_or(1.0);
        let format = match media_type.as_str() {
            "*/*" | "application/*" => Some(AnswerFormat::Json),
            "text/*" => Some(AnswerFormat::Csv),
            exact => AnswerFormat::ALL.into_iter().find(|format| format.media_type() == exact),
        };
        if let Some(format) = format
            && weight > 0.0
            && best.is_none_or(|(most, _)| weight > most)
        {
            best = Some((weight, format));
        }
    }
    best.map(|(_, format)| format).ok_or_else(|| {
        let all = AnswerFormat::ALL.map(AnswerFormat::media_type).join(", ");
        Problem::new(StatusCode::NOT_ACCEPTABLE, "none of the formats you accept is made here")
            .with_hint(&format!("accept one of {all}"))
    })
}
