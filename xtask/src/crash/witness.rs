//! What the program says that it has: counts by questions like anybody's, and the books.

use super::batches::{Batch, SINGLES};
use super::truth::{Books, Count, Truth};
use super::world::{EVENT, PURPOSE, SOURCE};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use xtask::http::{self, Request};
use xtask::shell::Result;

/// Batches that one question is about; an answer has 10,000 groups at most.
const BATCHES_PER_QUESTION: u64 = 5_000;
/// How long what was acknowledged may take to be counted.
const LANDING_MAX: Duration = Duration::from_secs(30);
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// Who asks where.
pub(super) struct Witness {
    pub(super) address: String,
    pub(super) token: String,
}

impl Witness {
    /// Waits until a batch is counted in full. The log is landed in order, so all that was acknowledged before it is too.
    pub(super) fn wait_for(&self, batch: Batch) -> Result<()> {
        let started = Instant::now();
        let is_of = format!("event.batch = '{}'", batch.name());
        loop {
            let n = self.ask("count", EVENT, &is_of)?.get(&batch.name()).copied().unwrap_or(0);
            if n >= batch.n_messages {
                return Ok(());
            }
            if started.elapsed() > LANDING_MAX {
                let name = batch.name();
                return Err(format!("{name}: {n} of {} messages after {LANDING_MAX:?}", batch.n_messages));
            }
            std::thread::sleep(LOOKS_EVERY);
        }
    }

    /// What is there of each name. A group of one person is withheld, and so counts as not there.
    pub(super) fn counts(&self, truth: &Truth) -> Result<BTreeMap<String, Count>> {
        // Singles are many people's over all, but may be one person's among 5,000 batches.
        let mut conditions = vec![format!("event.batch = '{SINGLES}'")];
        let is_first = |index: u64| index.is_multiple_of(BATCHES_PER_QUESTION);
        for first in (0..truth.n_batches()).filter(|index| is_first(*index)) {
            let (from, to) = (truth.first_number(first), truth.first_number(first + BATCHES_PER_QUESTION));
            conditions.push(format!("event.batch <> '{SINGLES}' AND event.number >= {from} AND event.number < {to}"));
        }
        // Messages with a number that nobody sent.
        conditions.push(format!("event.number >= {}", truth.first_number(truth.n_batches())));
        let mut counts: BTreeMap<String, Count> = BTreeMap::new();
        for condition in conditions {
            for (name, n) in self.ask("count", EVENT, &condition)? {
                counts.entry(name).or_default().n += n;
            }
            for (name, sum) in self.ask("sum", &format!("{EVENT}.number"), &condition)? {
                counts.entry(name).or_default().sum += sum;
            }
        }
        Ok(counts)
    }

    /// The books of the source.
    pub(super) fn books(&self) -> Result<Books> {
        let answer = self.request("GET", "/api/v1/sources", "")?;
        let sources = answer["sources"].as_array().ok_or("the sources are no list")?;
        let source = sources.iter().find(|source| source["name"] == SOURCE).ok_or("the source is not there")?;
        let figure = |name: &str| source["balance"][name].as_u64().ok_or(format!("the books lack `{name}`"));
        Ok(Books {
            received: figure("received")?,
            stored: figure("stored")?,
            duplicate: figure("duplicate")?,
            rejected: figure("rejected")?,
        })
    }

    /// A measure by name of batch.
    fn ask(&self, function: &str, of: &str, condition: &str) -> Result<BTreeMap<String, u64>> {
        let question = json!({
            "kind": "trend", "purpose": PURPOSE, "measure": format!("{function}({of})"), "by": "none",
            "period": { "last": "2 days" }, "where": condition, "breakdown": ["batch"],
        });
        let answer = match self.request("POST", "/api/v1/ask", &json!({ "question": question }).to_string()) {
            // Before the first message has landed there is nothing to ask about.
            Err(message) if message.contains("\"no_data\"") => return Ok(BTreeMap::new()),
            answer => answer?,
        };
        let rows = answer["rows"].as_array().ok_or("an answer has no rows")?;
        Ok(rows.iter().filter_map(|row| Some((row[0].as_str()?.to_owned(), row[1].as_u64()?))).collect())
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Result<Json> {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let response = http::send(&self.address, &Request { method, path, headers: &headers, body })?;
        if response.status != 200 {
            return Err(format!("{method} {path}: {} {}", response.status, response.body));
        }
        serde_json::from_str(&response.body).map_err(|error| format!("{method} {path}: {error}"))
    }
}
