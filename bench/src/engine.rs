//! `cargo xtask bench engine`: how fast questions are answered, beside other engines on the same data and machine.
//!
//! Flow: data from a seed (`data`) -> imported under a contract by the program itself (`workspace`) and loaded by each peer
//! in its best form (`peers`) -> every question asked over HTTP as anybody would, once warm and then some times -> answers
//! compared, seconds and ratios printed. Data, tables and environments stay in the target folder for the next run.
//! Invariants: it fails when an answer differs from a peer's; nothing is asserted on a clock.

mod data;
mod peers;
mod questions;
mod workspace;

use data::Size;
use peers::Answer;
use questions::Question;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use xtask::http::{self, Request};
use xtask::server::{self, Server};
use xtask::shell::{Result, step, target};

pub(crate) const USAGE: &str = "cargo xtask bench engine [--events N] [--people M] [--seed S] [--repeats N] \
                     [--peers duckdb,chdb | --peers none] [--program PATH]";

/// What was asked for.
struct Options {
    size: Size,
    n_repeats: usize,
    peers: Vec<String>,
    program: Option<PathBuf>,
}

/// Seconds and rows of one question.
struct Figure {
    seconds: Vec<f64>,
    /// Inside the program, as it says itself.
    on_server: f64,
    rows: Vec<Json>,
}

/// Measures and prints.
pub(crate) fn run(words: &[String]) -> Result<()> {
    let options = read(words)?;
    if options.program.is_none() {
        server::build()?;
    }
    let program = options.program.clone().unwrap_or_else(server::binary);
    let Size { n_events, n_people, seed } = options.size;
    let folder = target().join("bench-engine").join(format!("{n_events}-{n_people}-{seed}"));
    let (files, data) = (folder.join("workspace").join(workspace::FILES), folder.join("data"));
    prepare(&options, &program, &folder)?;
    let mut theirs: BTreeMap<&str, BTreeMap<String, Answer>> = BTreeMap::new();
    for peer in &options.peers {
        theirs.insert(peer, peers::ask(peer, &files, &folder.join(peer), options.n_repeats)?);
    }
    let server = Server::start(&program, &folder.join("workspace"), &data)?;
    let token = server.token(workspace::USER)?;
    println!("\n{n_events} events of {n_people} people, seed {seed}; median of {} in seconds", options.n_repeats);
    print!("{:<22}{:>9}{:>10}", "question", "here", "on server");
    theirs.keys().for_each(|peer| print!("{peer:>9}"));
    println!("   ratio to the best peer");
    let mut differing = Vec::new();
    for question in questions::all() {
        let ours = ask(&server, &token, &question, options.n_repeats)?;
        print!("{:<22}{:>9.3}{:>10.3}", question.name, median(&ours.seconds), ours.on_server);
        let mut best = f64::INFINITY;
        for (peer, answers) in &theirs {
            let Some(answer) = answers.get(question.name) else {
                print!("{:>9}", "-");
                continue;
            };
            let seconds = median(&answer.seconds);
            best = best.min(seconds);
            print!("{seconds:>9.3}");
            if answer.rows.as_ref().is_some_and(|rows| (question.normal)(&ours.rows) != *rows) {
                differing.push(format!("{} differs from {peer}", question.name));
            }
        }
        if best.is_finite() { println!("   {:.2} x", best / median(&ours.seconds)) } else { println!() }
    }
    if !differing.is_empty() {
        return Err(format!("\nwrong answers: {}", differing.join("; ")));
    }
    println!("\nall answers that were compared agree to the last row");
    Ok(())
}

/// Makes what is not there yet: the files, the workspace, and the tables.
fn prepare(options: &Options, program: &Path, folder: &Path) -> Result<()> {
    let (files, marker) = (folder.join("workspace").join(workspace::FILES), folder.join("imported"));
    workspace::write(&folder.join("workspace"))?;
    if marker.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(&files).map_err(|error| error.to_string())?;
    let started = Instant::now();
    let n_events = data::write(options.size, &files)?;
    println!("{n_events} events made in {:.1} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let mut import = Command::new(program);
    import.args(["import", "--all", "--workspace"]).arg(folder.join("workspace"));
    import.arg("--data").arg(folder.join("data"));
    step(import)?;
    println!("imported in {:.1} s", started.elapsed().as_secs_f64());
    std::fs::write(&marker, "").map_err(|error| error.to_string())
}

/// Asks once, and then as often as seconds are wanted.
fn ask(server: &Server, token: &str, question: &Question, n_repeats: usize) -> Result<Figure> {
    let body = json!({ "question": question.json }).to_string();
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let request = Request { method: "POST", path: "/api/v1/ask", headers: &headers, body: &body };
    let mut figure = Figure { seconds: Vec::new(), on_server: 0.0, rows: Vec::new() };
    let mut on_server = Vec::new();
    for repeat in 0..=n_repeats {
        let started = Instant::now();
        let response = http::send(&server.address, &request)?;
        let seconds = started.elapsed().as_secs_f64();
        if response.status != 200 {
            return Err(format!("{}: {} {}", question.name, response.status, response.body));
        }
        let answer: Json = serde_json::from_str(&response.body).map_err(|error| error.to_string())?;
        if repeat > 0 {
            figure.seconds.push(seconds);
            on_server.extend(answer["provenance"]["cost"]["seconds"].as_f64());
        }
        figure.rows = answer["rows"].as_array().cloned().unwrap_or_default();
    }
    figure.on_server = median(&on_server);
    Ok(figure)
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn read(words: &[String]) -> Result<Options> {
    let size = Size { n_events: 5_000_000, n_people: 100_000, seed: 1 };
    let mut options = Options { size, n_repeats: 5, peers: Vec::new(), program: None };
    options.peers = vec!["chdb".to_owned(), "duckdb".to_owned()];
    for pair in words.chunks(2) {
        let [flag, word] = pair else { return Err(USAGE.to_owned()) };
        let number = || word.parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(|| USAGE.to_owned());
        match flag.as_str() {
            "--events" => options.size.n_events = number()?,
            "--people" => options.size.n_people = number()?,
            "--seed" => options.size.seed = number()?,
            "--repeats" => options.n_repeats = usize::try_from(number()?).map_err(|error| error.to_string())?,
            "--program" => options.program = Some(PathBuf::from(word)),
            "--peers" if word == "none" => options.peers.clear(),
            "--peers" => options.peers = word.split(',').map(str::to_owned).collect(),
            _ => return Err(USAGE.to_owned()),
        }
    }
    match options.peers.iter().find(|peer| !peers::NAMES.contains(&peer.as_str())) {
        Some(unknown) => Err(format!("there is no peer `{unknown}`, but {}", peers::NAMES.join(", "))),
        None => Ok(options),
    }
}
