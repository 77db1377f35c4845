//! `entente identity`: which people have become one, and taking them apart again.

use crate::arguments::{Identity, Place};
use crate::commands::ask::problem;
use crate::commands::say;
use crate::table::{cells, table};
use crate::{Ending, place};
use serde_json::{Value as Json, json};
use spec::Result;

const COLUMNS: [&str; 6] = ["number", "at", "change", "undoes", "by", "state"];

pub(crate) fn run(place: &Place, command: &Identity) -> Result<Ending> {
    match command {
        Identity::List { identifier, user } => list(place, identifier.as_deref(), user.as_deref()),
        Identity::Undo { number, user } => undo(place, *number, user.as_deref()),
    }
}

fn list(place: &Place, identifier: Option<&str>, user: Option<&str>) -> Result<Ending> {
    let seat = place::seat(place, user)?;
    let asked = json!({ "identifier": identifier }).to_string();
    let reply = seat.client.post_json("/api/v1/identity", &asked, "application/json")?;
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        return problem(reply.status, &body);
    }
    let merges = body.get("merges").and_then(Json::as_array).cloned().unwrap_or_default();
    if merges.is_empty() {
        say("Nobody has become one with somebody else.")?;
        return Ok(Ending::Done);
    }
    let is_number = COLUMNS.map(|column| ["number", "undoes"].contains(&column));
    say(&table(&COLUMNS.map(str::to_owned), &cells(&merges, &COLUMNS), &is_number))?;
    say("\nTake one back with `entente identity undo NUMBER`.")?;
    Ok(Ending::Done)
}

fn undo(place: &Place, number: u64, user: Option<&str>) -> Result<Ending> {
    let seat = place::seat(place, user)?;
    let reply = seat.client.post_json(&format!("/api/v1/identity/{number}/undo"), "{}", "application/json")?;
    if reply.status != 204 {
        return problem(reply.status, &serde_json::from_slice(&reply.body).unwrap_or_default());
    }
    say(&format!("{number} is undone: people are what they would be without it"))?;
    Ok(Ending::Done)
}
