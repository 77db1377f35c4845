//! `entente quarantine` and `entente replay`: what messages are kept aside, and taking them in after a mend.

use crate::arguments::{Place, Quarantine, Replay};
use crate::commands::ask::problem;
use crate::commands::import::encoded;
use crate::commands::say;
use crate::table::{cells, table};
use crate::{Ending, place};
use serde_json::Value as Json;
use spec::Result;

const COLUMNS: [&str; 6] = ["source", "object", "reason", "messages", "first_at", "last_at"];

/// Prints what is aside, one line per source, object and reason.
pub(crate) fn list(place: &Place, arguments: &Quarantine) -> Result<Ending> {
    let seat = place::seat(place, arguments.user.as_deref())?;
    let reply = seat.client.get_json("/api/v1/quarantine")?;
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        return problem(reply.status, &body);
    }
    let groups = body.get("quarantine").and_then(Json::as_array).cloned().unwrap_or_default();
    if groups.is_empty() {
        say("Nothing is kept aside.")?;
        return Ok(Ending::Done);
    }
    let is_number = COLUMNS.map(|column| column == "messages");
    say(&table(&COLUMNS.map(str::to_owned), &cells(&groups, &COLUMNS), &is_number))?;
    say("\nMend the contract or the sender, then take them in with `entente replay SOURCE`.")?;
    Ok(Ending::Done)
}

/// Checks messages that are aside again, and takes in those that keep the contract by now.
pub(crate) fn replay(place: &Place, arguments: &Replay) -> Result<Ending> {
    let seat = place::seat(place, arguments.user.as_deref())?;
    let mut path = format!("/api/v1/sources/{}/replay", encoded(&arguments.source));
    if let Some(reason) = &arguments.reason {
        path.push_str(&format!("?reason={}", encoded(reason)));
    }
    let reply = seat.client.post_json(&path, "{}", "application/json")?;
    let body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200 {
        return problem(reply.status, &body);
    }
    let count = |key: &str| body.get(key).and_then(Json::as_u64).unwrap_or(0);
    say(&format!("{}: {} taken in, {} still aside", arguments.source, count("taken"), count("left")))?;
    Ok(Ending::Done)
}
