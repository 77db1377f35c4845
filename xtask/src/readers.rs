//! `readers`: other readers of Delta tables count in the demo's tables what the program says.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use xtask::http::{self, Request};
use xtask::python;
use xtask::server::{self, Server, TemporaryFolder};
use xtask::shell::{Result, root, step};

/// DuckDB's extension comes for one version of it.
const PACKAGES: [&str; 5] =
    ["duckdb==1.5.5", "duckdb-extensions==1.5.5", "duckdb-extension-delta==1.5.5", "polars", "deltalake"];
const SCRIPT: &str = include_str!("readers.py");
/// The events of the demo, and of one of them a property to be added up.
const EVENTS: [&str; 4] = ["basket_paid", "product_purchased", "campaign_received", "coupon_redeemed"];
const WITH_SALES: [&str; 2] = ["basket_paid", "product_purchased"];

/// Events, people and the sum of `sales_value` with two places, by event.
type Counts = BTreeMap<String, (u64, u64, String)>;

/// Imports the demo, asks the program, and asks everybody else.
pub(crate) fn run() -> Result<()> {
    let python = python::environment("readers", &PACKAGES)?;
    server::build()?;
    let folder = TemporaryFolder::new("readers")?;
    let data = folder.path().join("data");
    let mut import = Command::new(server::binary());
    import.current_dir(root()).args(["import", "--all", "--workspace", "demo", "--data"]).arg(&data);
    step(import)?;
    let ours = ours(&Server::start(&server::binary(), Path::new("demo"), &data)?)?;
    let mut script = Command::new(python);
    script.args(["-c", SCRIPT]).arg(data.join("events"));
    let output = script.stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("a reader failed ({})", output.status));
    }
    let mut agreeing = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (reader, theirs) = read(line)?;
        for (event, counts) in &ours {
            let found = theirs.get(event);
            if found != Some(counts) {
                return Err(format!("readers: {reader} finds {found:?} for `{event}`, the program says {counts:?}"));
            }
        }
        agreeing.push(reader);
    }
    let n_rows: u64 = ours.values().map(|(n_rows, ..)| n_rows).sum();
    println!("readers: {} count {n_rows} events in {} kinds as the program does", agreeing.join(", "), ours.len());
    if agreeing.len() == 3 { Ok(()) } else { Err("readers: not everybody was asked".to_owned()) }
}

/// What the program says for a purpose for which everybody may be used.
fn ours(server: &Server) -> Result<Counts> {
    let authorization = format!("Bearer {}", server.token("marketer")?);
    let ask = |measure: String| -> Result<Json> {
        let question = json!({ "kind": "trend", "purpose": "analytics", "measure": measure, "by": "none" });
        let body = json!({ "question": question }).to_string();
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let request = Request { method: "POST", path: "/api/v1/ask", headers: &headers, body: &body };
        let response = http::send(&server.address, &request)?;
        if response.status != 200 {
            return Err(format!("{measure}: {} {}", response.status, response.body));
        }
        let answer: Json = serde_json::from_str(&response.body).map_err(|error| error.to_string())?;
        Ok(answer["rows"][0][0].clone())
    };
    let mut counts = Counts::new();
    for event in EVENTS {
        let whole = |value: Json| value.as_u64().ok_or_else(|| format!("`{event}` has no count"));
        let (n_rows, people) = (whole(ask(format!("count({event})"))?)?, whole(ask(format!("people({event})"))?)?);
        let sales = if WITH_SALES.contains(&event) { ask(format!("sum({event}.sales_value)"))? } else { json!(0) };
        counts.insert(event.to_owned(), (n_rows, people, format!("{:.2}", sales.as_f64().unwrap_or(f64::NAN))));
    }
    Ok(counts)
}

/// One reader's line.
fn read(line: &str) -> Result<(String, Counts)> {
    let line: Json = serde_json::from_str(line).map_err(|error| format!("a reader said `{line}`: {error}"))?;
    let reader = line["reader"].as_str().ok_or("a reader without a name")?.to_owned();
    let events = line["events"].as_object().ok_or("a reader without events")?;
    let of_event = |(event, counts): (&String, &Json)| {
        let sum = counts[2].as_str()?.to_owned();
        Some((event.clone(), (counts[0].as_u64()?, counts[1].as_u64()?, sum)))
    };
    let counts: Option<Counts> = events.iter().map(of_event).collect();
    Ok((reader, counts.ok_or("a reader without counts")?))
}
