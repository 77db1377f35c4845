//! Rules: the policy as one table, and who saw what.

use crate::gate::Caller;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use api::AuditRequest;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

/// Records on one page.
const RECORDS: usize = 50;

pub(crate) async fn policy(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    page(&app, &caller, &request, "pages/rules.html", |product, who| {
        Ok(json!({ "title": "Rules", "policy": product.policy(who)? }))
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
