//! Rules: the policy as one table, who agreed to what, who saw what, and what is promised.

use crate::api_v1::{AnswerFormat, content_type};
use crate::csv;
use crate::gate::Caller;
use crate::lineage::lineage;
use crate::problem::Problem;
use crate::render::{PageRequest, page, work};
use crate::routes::App;
use crate::words;
use api::{AuditRecord, AuditRequest, ConsentsRequest, ConsentsView, PurposeConsents};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::Value;
use std::collections::BTreeMap;

/// Records on one page.
const RECORDS: usize = 50;
/// Records of a file: in all, and at once.
const FILE_RECORDS_MAX: usize = 10_000;
const RECORDS_AT_ONCE: usize = 1_000;
/// The columns of a file of records.
const COLUMNS: [&str; 14] = [
    "number",
    "at",
    "who",
    "what",
    "question",
    "question_hash",
    "why",
    "outcome",
    "people",
    "role",
    "release",
    "allowed",
    "fields",
    "rules",
];

pub(crate) async fn policy(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let is_it = request.is_it;
    page(&app, &caller, &request, "pages/rules.html", move |product, who| {
        let lineage = lineage(product, who, is_it, &["purpose", "destination"], None)?;
        Ok(json!({ "title": "Rules", "policy": product.policy(who)?, "lineage": lineage }))
    })
    .await
}

pub(crate) async fn consents(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Response, Problem> {
    let wanted = ConsentsRequest { by: request.param("by").to_owned() };
    page(&app, &caller, &request, "pages/consents.html", move |product, who| {
        let view = product.consents(who, &wanted)?;
        let charts: Vec<Json> = view.purposes.iter().map(|purpose| chart(purpose, &view)).collect();
        Ok(json!({ "title": "Who agreed", "consents": view, "charts": charts }))
    })
    .await
}

/// Two lines over time, and what they say in one sentence.
fn chart(purpose: &PurposeConsents, view: &ConsentsView) -> Json {
    let labels: Vec<String> = view.days.iter().map(|day| words::day(day)).collect();
    let last = |line: &[Option<u64>]| match line.last().copied().flatten() {
        Some(count) => words::figure(&count.to_string(), None),
        None => "too few to tell".to_owned(),
    };
    let known = view.known.map(|known| format!("Of {} known: ", words::figure(&known.to_string(), Some("people"))));
    let summary = format!(
        "{}said yes {}, said no {}, at the end of {}.",
        known.unwrap_or_default(),
        last(&purpose.yes),
        last(&purpose.no),
        labels.last().map_or("", String::as_str)
    );
    let line = |name: &str, values: &[Option<u64>]| json!({ "name": name, "values": values });
    let series = [line("said yes", &purpose.yes), line("said no", &purpose.no)];
    let spec = json!({ "labels": labels, "series": series, "unit": "people", "incomplete": false, "summary": summary });
    json!({ "spec": spec.to_string(), "summary": words::capital(&summary) })
}

pub(crate) async fn promises(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Response, Problem> {
    page(&app, &caller, &request, "pages/promises.html", |product, who| {
        Ok(json!({ "title": "Promises", "proofs": product.proofs(who)?.proofs }))
    })
    .await
}

pub(crate) async fn audit(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let wanted = wanted(&request);
    if request.param("format") == "csv" {
        return file(&app, &caller, &request, wanted).await;
    }
    let is_live = !wanted.hides_live;
    page(&app, &caller, &request, "pages/audit.html", move |product, who| {
        let found = product.audit(who, &wanted)?;
        let policy = product.policy(who)?;
        let purposes: Vec<(&String, &String)> = policy.purposes.iter().map(|of| (&of.name, &of.title)).collect();
        let titles: BTreeMap<&String, &String> = purposes.iter().copied().collect();
        let users: Vec<&(String, String)> = policy.roles.iter().flat_map(|role| &role.users).collect();
        Ok(json!({ "title": "Who saw what", "records": found.records, "next": found.next, "titles": titles,
            "head": product.audit_head(who)?, "wanted": Filters::of(&wanted), "is_live": is_live, "users": users,
            "purposes": purposes, "most": FILE_RECORDS_MAX }))
    })
    .await
}

/// The records that a page's fields ask for. Verdicts that are kept live come by the thousand, and are shown on request.
fn wanted(request: &PageRequest) -> AuditRequest {
    let text = |name: &str| Some(request.param(name).to_owned()).filter(|text| !text.is_empty());
    AuditRequest {
        user: text("user"),
        purpose: text("purpose"),
        did: text("did"),
        // What is no day is left out, as the field of a browser does.
        day: text("day").and_then(|day| day.parse().ok()),
        hides_live: request.param("live") != "yes",
        before: text("before").and_then(|number| number.parse().ok()),
        limit: RECORDS,
    }
}

/// The fields as the form shows them.
#[derive(Serialize)]
struct Filters {
    user: Option<String>,
    purpose: Option<String>,
    did: Option<String>,
    day: Option<String>,
}

impl Filters {
    fn of(wanted: &AuditRequest) -> Filters {
        let AuditRequest { user, purpose, did, day, .. } = wanted.clone();
        Filters { user, purpose, did, day: day.map(|day| day.to_string()) }
    }
}

/// The records as a file, with the same fields.
async fn file(app: &App, caller: &Caller, request: &PageRequest, wanted: AuditRequest) -> Result<Response, Problem> {
    let (_, content) = work(app, caller, request, move |product, who| {
        let titles: BTreeMap<String, String> =
            product.policy(who)?.purposes.into_iter().map(|purpose| (purpose.name, purpose.title)).collect();
        let mut text = csv::line(&COLUMNS.map(|name| Value::Text(name.to_owned())));
        let (mut wanted, mut n_records) = (AuditRequest { limit: RECORDS_AT_ONCE, ..wanted }, 0);
        loop {
            let found = product.audit(who, &wanted)?;
            n_records += found.records.len();
            text.extend(found.records.iter().map(|record| csv::line(&cells(record, &titles))));
            match found.next {
                Some(next) if n_records < FILE_RECORDS_MAX => wanted.before = Some(next),
                _ => return Ok(text),
            }
        }
    })
    .await?;
    let headers = [
        (header::CONTENT_TYPE, content_type(AnswerFormat::Csv)),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"records.csv\""),
    ];
    Ok((headers, content).into_response())
}

/// One record as the cells of a line; texts that a spreadsheet would run are guarded where they are written.
fn cells(record: &AuditRecord, titles: &BTreeMap<String, String>) -> [Value; COLUMNS.len()] {
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
    let count = |count: Option<u64>| count.map_or(Value::Null, |count| Value::Integer(count.cast_signed()));
    let purpose = record.purpose.as_ref().map(|name| titles.get(name).unwrap_or(name).clone());
    [
        count(Some(record.number)),
        Value::Text(record.at.clone()),
        Value::Text(record.user.clone()),
        Value::Text(record.did.clone()),
        text(&record.words),
        text(&record.question),
        text(&purpose),
        text(&record.outcome),
        count(record.people),
        text(&record.role),
        text(&record.release),
        count(record.allowed),
        Value::Text(record.fields.join(" ")),
        text(&record.rules),
    ]
}
