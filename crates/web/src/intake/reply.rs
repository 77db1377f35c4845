//! What a client is told: receipts as JSON, refusals as problems.
//!
//! Clients send a 400 never again and a 408, 429 or 503 later, so the status says whether sending again helps.

use crate::problem::Problem;
use api::{Call, MessageFault, MessageOutcome, MessageReceipt, Receipt, Refusal, RefusalKind};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Messages of a batch that a reply names.
const MESSAGES_MAX: usize = 2_500;
/// When to try again where the collector does not say.
const RETRY_AFTER_SECONDS: u64 = 5;

/// One message of a reply.
#[derive(Serialize)]
struct MessageReply<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultReply<'a>>,
}

#[derive(Serialize)]
struct FaultReply<'a> {
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    hint: &'a str,
}

/// Writes a receipt down.
pub(crate) fn reply(call: Call, receipt: &Receipt) -> Response {
    match receipt {
        Receipt::Refused(refusal) => problem_of(refusal).into_response(),
        Receipt::Read(messages) => match (call, messages.as_slice()) {
            (Call::Batch, all) => reply_to_batch(all),
            (_, [only]) => reply_to_message(only),
            (_, all) => reply_to_batch(all),
        },
    }
}

/// The worst outcome of a delivery, in one word.
pub(crate) fn outcome(receipt: &Receipt) -> MessageOutcome {
    use MessageOutcome::{Accepted, Flagged, Quarantined, Rejected};
    let Receipt::Read(messages) = receipt else { return Rejected };
    let is_there = |outcome| messages.iter().any(|message| message.outcome == outcome);
    [Rejected, Quarantined, Flagged].into_iter().find(|outcome| is_there(*outcome)).unwrap_or(Accepted)
}

fn reply_to_message(message: &MessageReceipt) -> Response {
    let members = members(&MessageReply { index: None, ..of(0, message) });
    if message.outcome != MessageOutcome::Rejected {
        let mut body = Map::from_iter([("success".to_owned(), true.into())]);
        body.extend(members);
        return Json(body).into_response();
    }
    let detail = message.faults.first().map_or("it breaks its contract", |fault| &fault.reason);
    let problem = Problem::new(StatusCode::BAD_REQUEST, &format!("the message is rejected: {detail}"));
    with_hint_of(problem, message).with_members(members).into_response()
}

fn reply_to_batch(all: &[MessageReceipt]) -> Response {
    let count = |outcome| all.iter().filter(|message| message.outcome == outcome).count();
    let n_rejected = count(MessageOutcome::Rejected);
    let named = all.iter().enumerate().filter(|(_, message)| !is_plain(message)).take(MESSAGES_MAX);
    let body = json!({
        "success": n_rejected == 0,
        "accepted": count(MessageOutcome::Accepted),
        "flagged": count(MessageOutcome::Flagged),
        "quarantined": count(MessageOutcome::Quarantined),
        "rejected": n_rejected,
        "messages": named.map(|(index, message)| of(index, message)).collect::<Vec<_>>(),
    });
    match all.first() {
        Some(first) if n_rejected == all.len() => {
            let problem = Problem::new(StatusCode::BAD_REQUEST, "every message of the batch is rejected");
            with_hint_of(problem, first).with_members(members(&body)).into_response()
        }
        _ => Json(body).into_response(),
    }
}

/// A refusal as the other problems of the interface are.
pub(crate) fn problem_of(refusal: &Refusal) -> Problem {
    let status = match refusal.kind {
        RefusalKind::Key => StatusCode::UNAUTHORIZED,
        RefusalKind::Malformed => StatusCode::BAD_REQUEST,
        RefusalKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalKind::OverLimit => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let problem = Problem::new(status, &refusal.message).with_hint(&refusal.hint);
    match refusal.kind {
        RefusalKind::OverLimit | RefusalKind::Unavailable => {
            let seconds = refusal.retry_after_seconds.unwrap_or(RETRY_AFTER_SECONDS).max(1);
            problem.with_retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
        }
        _ => problem,
    }
}

fn with_hint_of(problem: Problem, message: &MessageReceipt) -> Problem {
    match message.faults.first() {
        Some(fault) => problem.with_hint(&fault.hint),
        None => problem,
    }
}

fn of(index: usize, message: &MessageReceipt) -> MessageReply<'_> {
    MessageReply {
        index: Some(index),
        message_id: message.message_id.as_deref(),
        outcome: (message.outcome != MessageOutcome::Accepted).then(|| message.outcome.name()),
        faults: message.faults.iter().map(of_fault).collect(),
    }
}

fn of_fault(fault: &MessageFault) -> FaultReply<'_> {
    FaultReply {
        reason: &fault.reason,
        contract: fault.contract.as_deref(),
        field: fault.field.as_deref(),
        hint: &fault.hint,
    }
}

fn is_plain(message: &MessageReceipt) -> bool {
    message.outcome == MessageOutcome::Accepted && message.faults.is_empty()
}

fn members(body: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(body).expect("a reply is plain data and serialises") {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
