//! Rules: the policy as one table, who agreed to what, who saw what, and what is promised.

use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::words;
use api::{AuditRequest, ConsentsRequest, ConsentsView, PurposeConsents};
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value as Json, json};

/// Records on one page.
const RECORDS: usize = 50;

pub(crate) async fn policy(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    page(&app, &caller, &request, "pages/rules.html", |product, who| {
        Ok(json!({ "title": "Rules", "policy": product.policy(who)? }))
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
    let text = |name: &str| Some(request.param(name).to_owned()).filter(|text| !text.is_empty());
    let wanted = AuditRequest {
        user: text("user"),
        purpose: text("purpose"),
        did: text("did"),
        before: text("before").and_then(|number| number.parse().ok()),
        limit: RECORDS,
    };
    page(&app, &caller, &request, "pages/audit.html", move |product, who| {
        let found = product.audit(who, &wanted)?;
        let policy = product.policy(who)?;
        let purposes: Vec<(&String, &String)> = policy.purposes.iter().map(|of| (&of.name, &of.title)).collect();
        let users: Vec<&(String, String)> = policy.roles.iter().flat_map(|role| &role.users).collect();
        Ok(json!({ "title": "Who saw what", "records": found.records, "next": found.next,
            "head": product.audit_head(who)?, "wanted": wanted, "users": users, "purposes": purposes }))
    })
    .await
}
