//! What the program counts, by questions like anybody's.

use super::workspace::{EVENT, PURPOSE};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use xtask::http::{self, Request};
use xtask::shell::Result;

/// Who asks where.
#[derive(Clone)]
pub(super) struct Asker {
    /// `host:port`.
    pub(super) address: String,
    pub(super) token: String,
}

impl Asker {
    /// How many events there are with each value of a property; those without one are left out.
    pub(super) fn counts(&self, property: &str) -> Result<BTreeMap<String, u64>> {
        let question = json!({
            "kind": "trend", "purpose": PURPOSE, "measure": format!("count({EVENT})"), "by": "none",
            "where": format!("event.{property} IS NOT NULL"), "breakdown": [property],
        });
        let body = json!({ "question": question }).to_string();
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let request = Request { method: "POST", path: "/api/v1/ask", headers: &headers, body: &body };
        let response = http::send(&self.address, &request)?;
        // Before the first message has landed there is nothing to ask about.
        if response.status == 403 && response.body.contains("\"no_data\"") {
            return Ok(BTreeMap::new());
        }
        if response.status != 200 {
            return Err(format!("the count of events: {} {}", response.status, response.body));
        }
        let answer: Json = serde_json::from_str(&response.body).map_err(|error| error.to_string())?;
        let rows = answer["rows"].as_array().ok_or("an answer has no rows")?;
        Ok(rows.iter().filter_map(|row| Some((row[0].as_str()?.to_owned(), row[1].as_u64()?))).collect())
    }
}
