//! `entente audit`: who saw what, and whether the records are whole.

use crate::arguments::{Audit, AuditList, AuditVerify, Place};
use crate::client::cannot_read;
use crate::commands::ask::problem;
use crate::commands::import::encoded;
use crate::commands::say;
use crate::table::{cells, table};
use crate::{Ending, place};
use serde_json::Value as Json;
use spec::{Error, ErrorKind, Result};

const COLUMNS: [&str; 8] = ["number", "at", "user", "did", "purpose", "outcome", "people", "question"];

pub(crate) fn run(place: &Place, command: &Audit) -> Result<Ending> {
    match command {
        Audit::List(list) => self::list(place, list),
        Audit::Head { user } => head(place, user.as_deref()),
        Audit::Verify(arguments) => verify(place, arguments),
    }
}

/// Prints the newest records, one line each.
fn list(place: &Place, arguments: &AuditList) -> Result<Ending> {
    let seat = place::seat(place, arguments.user.as_deref())?;
    let mut path = format!("/api/v1/audit?limit={}", arguments.limit);
    for (key, value) in [("user", &arguments.of), ("purpose", &arguments.purpose), ("did", &arguments.did)] {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", encoded(value)));
        }
    }
    let reply = seat.client.get_json(&path)?;
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        return problem(reply.status, &body);
    }
    let records = body.get("records").and_then(Json::as_array).cloned().unwrap_or_default();
    if records.is_empty() {
        say("Nothing is on record.")?;
        return Ok(Ending::Done);
    }
    let is_number = COLUMNS.map(|column| column == "number" || column == "people");
    say(&table(&COLUMNS.map(str::to_owned), &cells(&records, &COLUMNS), &is_number))?;
    Ok(Ending::Done)
}

/// Prints the signed head of the records, to be kept elsewhere.
fn head(place: &Place, user: Option<&str>) -> Result<Ending> {
    let seat = place::seat(place, user)?;
    let reply = seat.client.get_json("/api/v1/audit/head")?;
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        return problem(reply.status, &body);
    }
    say(&body.to_string())?;
    Ok(Ending::Done)
}

/// Walks along the records in the data folder, whether or not a server runs on it.
fn verify(place: &Place, arguments: &AuditVerify) -> Result<Ending> {
    let mut heads = Vec::new();
    for path in &arguments.heads {
        let text = std::fs::read_to_string(path).map_err(|cause| cannot_read(path, cause))?;
        heads.extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
    }
    let found = app::verify_records(&place::data(place)?, &heads, arguments.key.as_deref())?;
    for note in &found.notes {
        say(note)?;
    }
    if let Some(wrong) = found.wrong {
        return Err(Error::new(ErrorKind::Conflict, format!("the records are not whole: {wrong}"))
            .with_hint("keep the data folder as it is, and compare it with a copy from before"));
    }
    say(&format!("{} records, whole; the last link is {}", found.n_records, found.link))?;
    Ok(Ending::Done)
}
