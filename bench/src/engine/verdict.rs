//! `cargo xtask bench verdict`: how soon a verdict is there, with its nearest yes. The questions of `bench engine` as they are, for a
//! purpose for which nobody may be used, and with a name that nothing bears; and some that ask for too much or too few. Then what
//! answers were expected to take, beside what they took. The last line is about questions that were not judged before: of others
//! the answer is kept.
//!
//! Invariants: it fails when a verdict that is no yes offers nothing; nothing is asserted on a clock.

use super::{data, prepare, questions, workspace};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Instant;
use xtask::http::{self, Request};
use xtask::server::{self, Server};
use xtask::shell::{Result, target};

/// What came of the verdicts of one sort.
#[derive(Default)]
struct Found {
    seconds: Vec<f64>,
    /// Of each question the first one, when nothing is known of it yet.
    first: Vec<f64>,
    n_yes: usize,
    n_refused: usize,
    n_remedies: usize,
}

/// Measures and prints.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let options = super::read(words)?;
    if options.program.is_none() {
        server::build()?;
    }
    let program = options.program.clone().unwrap_or_else(server::binary);
    let data::Size { n_events, n_people, seed } = options.size;
    let folder = target().join("bench-engine").join(format!("{n_events}-{n_people}-{seed}"));
    prepare(&options, &program, &folder)?;
    let server = Server::start_with(&program, &folder.join("workspace"), &folder.join("data"), &[])?;
    let token = server.token(workspace::ASKER)?;
    let mut sorts: BTreeMap<&str, Found> = BTreeMap::new();
    for (sort, question) in all() {
        let found = sorts.entry(sort).or_default();
        for repeat in 0..=options.n_repeats {
            let (seconds, verdict) = judge(&server, &token, &question)?;
            found.seconds.push(seconds);
            if repeat > 0 {
                continue;
            }
            found.first.push(seconds);
            let reasons = verdict["reasons"].as_array().cloned().unwrap_or_default();
            let n_offered = |reason: &Json| reason["remedies"].as_array().map_or(0, Vec::len);
            match verdict["outcome"].as_str() {
                Some("yes") => found.n_yes += 1,
                _ if reasons.is_empty() || reasons.iter().any(|reason| n_offered(reason) == 0) => {
                    return Err(format!("nothing is offered for {question}: {verdict}"));
                }
                _ => found.n_refused += 1,
            }
            let offered = reasons.iter().flat_map(|reason| reason["remedies"].as_array().cloned().unwrap_or_default());
            found.n_remedies += offered.filter(|remedy| remedy.get("question").is_some()).count();
        }
    }
    print(&sorts, (n_events, n_people), options.n_repeats + 1);
    drop(server);
    // Nothing is kept by a server that has just started, so that bytes are read.
    let server = Server::start_with(&program, &folder.join("workspace"), &folder.join("data"), &[])?;
    forecasts(&server, &server.token(workspace::USER)?, options.n_repeats + 1)
}

/// What was expected beside what was.
fn forecasts(server: &Server, token: &str, n_times: usize) -> Result<()> {
    let (mut n_asked, mut n_soon, mut n_read) = (0, 0, 0);
    println!("{:<24}{:>10}{:>10}{:>12}{:>12}", "expected and actual", "ms", "ms", "MB", "MB");
    for question in questions::all() {
        for time in 0..n_times {
            let answer = ask(server, token, &another(&question.json, time))?;
            let figure = |of: &str, name: &str| answer["provenance"][of][name].as_f64().unwrap_or(f64::NAN);
            let [expected, actual] = ["forecast", "cost"].map(|of| figure(of, "seconds"));
            let [bytes_expected, bytes] = ["forecast", "cost"].map(|of| figure(of, "bytes_read"));
            n_asked += 1;
            n_soon += usize::from(expected / actual < 2.0 && actual / expected < 2.0);
            n_read += usize::from((bytes_expected - bytes).abs() <= 0.1 * bytes);
            let [expected, actual] = [expected, actual].map(|seconds| 1e3 * seconds);
            let [bytes_expected, bytes] = [bytes_expected, bytes].map(|bytes| bytes / 1e6);
            println!("{:<24}{expected:>10.0}{actual:>10.0}{bytes_expected:>12.1}{bytes:>12.1}", question.name);
        }
    }
    let share = |n: usize| 100.0 * n as f64 / n_asked as f64;
    println!(
        "forecast: {n_asked} questions, seconds within a factor of 2 for {:.1} %, bytes within a tenth for {:.1} %",
        share(n_soon),
        share(n_read)
    );
    Ok(())
}

/// The question about somewhat other days, so that it is answered anew.
fn another(question: &Json, time: usize) -> Json {
    let mut changed = question.clone();
    if changed["period"]["to"].is_string() {
        changed["period"]["to"] = json!(format!("2026-03-{:02}", 31 - time % 28));
    } else if changed["as_of"].is_string() {
        changed["as_of"] = json!(format!("2026-03-{:02}", 31 - time % 28));
    }
    changed
}

fn ask(server: &Server, token: &str, question: &Json) -> Result<Json> {
    let response = post(server, token, "/api/v1/ask", question)?;
    serde_json::from_str(&response).map_err(|error| error.to_string())
}

fn post(server: &Server, token: &str, path: &str, question: &Json) -> Result<String> {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = json!({ "question": question }).to_string();
    let response = http::send(&server.address, &Request { method: "POST", path, headers: &headers, body: &body })?;
    if response.status != 200 {
        return Err(format!("{question}: {} {}", response.status, response.body));
    }
    Ok(response.body)
}

fn print(sorts: &BTreeMap<&str, Found>, (n_events, n_people): (u64, u64), n_times: usize) {
    println!("{n_events} events of {n_people} people, each question judged {n_times} times, milliseconds");
    println!(
        "{:<22}{:>6}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}",
        "sort", "yes", "refused", "remedies", "p50", "p95", "most", "first p95"
    );
    let mut all = Found::default();
    for (sort, found) in sorts {
        line(sort, found);
        all.seconds.extend(&found.seconds);
        all.first.extend(&found.first);
        all.n_yes += found.n_yes;
        all.n_refused += found.n_refused;
        all.n_remedies += found.n_remedies;
    }
    line("all", &all);
    println!(
        "verdict: {} questions judged for the first time, p50 {:.0} ms, p95 {:.0} ms, most {:.0} ms; every refusal has a remedy or \
         a gap",
        all.first.len(),
        at(&all.first, 0.5),
        at(&all.first, 0.95),
        at(&all.first, 1.0)
    );
}

fn line(sort: &str, found: &Found) {
    let Found { seconds, first, n_yes, n_refused, n_remedies } = found;
    let [p50, p95, most] = [0.5, 0.95, 1.0].map(|share| at(seconds, share));
    println!(
        "{sort:<22}{n_yes:>6}{n_refused:>9}{n_remedies:>10}{p50:>9.0}{p95:>9.0}{most:>9.0}{:>9.0}",
        at(first, 0.95)
    );
}

/// A quantile of seconds, in milliseconds.
fn at(seconds: &[f64], share: f64) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    1e3 * sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn judge(server: &Server, token: &str, question: &Json) -> Result<(f64, Json)> {
    let started = Instant::now();
    let response = post(server, token, "/api/v1/judge", question)?;
    let seconds = started.elapsed().as_secs_f64();
    let mut judged: Json = serde_json::from_str(&response).map_err(|error| error.to_string())?;
    Ok((seconds, judged["verdict"].take()))
}

/// Questions by what stands against them.
fn all() -> Vec<(&'static str, Json)> {
    let mut all = Vec::new();
    for question in questions::all() {
        all.push(("as it is", question.json.clone()));
        let mut other = question.json.clone();
        other["purpose"] = json!(workspace::OTHER_PURPOSE);
        all.push(("another purpose", other));
        let misspelt = question.json.to_string().replace("product_viewed", "product_veiwed");
        let misspelt = misspelt.replace("order_completed", "order_complete").replace("signed_in", "sing_in");
        all.push(("a name misspelt", serde_json::from_str(&misspelt).expect("it stays JSON")));
    }
    let audience = |condition: &str| json!({ "kind": "audience", "purpose": workspace::PURPOSE, "where": condition });
    for n in 1..=5 {
        let condition = format!("count(product_viewed, within => '30 days') >= {n} AND plan = 'plan-001'");
        let mut list = audience(&condition);
        list["release"] = json!("list");
        all.push(("a list", list));
        let condition =
            format!("count(product_viewed) >= {n}00000 AND count(order_completed) >= 1 AND plan = 'plan-00{n}'");
        all.push(("too few people", audience(&condition)));
        let period = json!({ "from": "2026-01-01", "to": "2026-04-01" });
        let groups = &["campaign", "country", "channel"][..1 + n % 3];
        let large = json!({ "kind": "trend", "purpose": workspace::PURPOSE, "measure": "count(product_viewed)", "by": "hour",
                            "period": period, "breakdown": groups });
        all.push(("too much", large));
    }
    all
}
