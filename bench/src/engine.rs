//! `cargo xtask bench engine`: how fast questions are answered, beside other engines on the same data and machine.
//!
//! Flow: data from a seed (`data`) -> imported under a contract by the program itself (`workspace`) and loaded by each peer
//! in its best form (`peers`) -> every question asked over HTTP as anybody would, once warm and then some times, with columns
//! kept in memory and without, beside merely decoding them (`floor`) -> counts as somebody types a condition (`typing`) ->
//! answers compared, seconds and ratios printed. Data, tables and environments stay in the target folder for the next run.
//! Invariants: it fails when an answer differs from a peer's; nothing is asserted on a clock.

mod data;
mod floor;
mod peers;
pub(crate) mod policy;
mod questions;
mod refresh;
mod typing;
pub(crate) mod verdict;
mod workspace;

use data::Size;
use floor::Floor;
use peers::Answer;
use questions::Question;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use xtask::http::{self, Request};
use xtask::server::{self, Server};
use xtask::shell::{Result, step, target};

pub(crate) const USAGE: &str = "cargo xtask bench engine [--events N] [--people M] [--seed S] [--repeats N] \
                     [--peers chdb,duckdb,polars | --peers none] [--refresh yes] [--program PATH]";

/// What was asked for.
struct Options {
    size: Size,
    n_repeats: usize,
    peers: Vec<String>,
    program: Option<PathBuf>,
    /// Whether to count after new events, on a copy of the tables.
    refreshes: bool,
    /// Whether the facts about withheld people are left out.
    only_granted: bool,
}

/// Seconds and rows of one question, asked one way.
struct Figure {
    seconds: Vec<f64>,
    rows: Vec<Json>,
}

/// What a question took, each way.
struct Measured {
    question: Question,
    /// From columns that the program keeps in memory.
    kept: Figure,
    /// From Parquet, with none kept.
    parquet: Figure,
    /// Merely decoding its columns.
    floor: f64,
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
    prepare(&options, &program, &folder)?;
    let files = folder.join("workspace").join(workspace::FILES);
    let mut theirs: BTreeMap<&str, BTreeMap<String, Answer>> = BTreeMap::new();
    for peer in &options.peers {
        theirs.insert(peer, peers::ask(peer, &files, &folder.join(peer), options.n_repeats)?);
    }
    let measured = measure(&program, &folder, options.n_repeats)?;
    if options.refreshes {
        refresh::print(&program, &folder, options.size)?;
    }
    println!("\n{n_events} events of {n_people} people, seed {seed}; median of {} in seconds", options.n_repeats);
    print_table(&measured, &theirs);
    let differing: Vec<String> = measured.iter().flat_map(|measured| differing(measured, &theirs)).collect();
    if !differing.is_empty() {
        return Err(format!("\nwrong answers: {}", differing.join("; ")));
    }
    println!("\nall answers that were compared agree to the last row");
    Ok(())
}

/// Asks the program everything, first with its columns kept and then without, and decodes what each question needs.
fn measure(program: &Path, folder: &Path, n_repeats: usize) -> Result<Vec<Measured>> {
    let ask_all = |more: &[&str]| -> Result<Vec<Figure>> {
        let server = Server::start_with(program, &folder.join("workspace"), &folder.join("data"), more)?;
        let token = server.token(workspace::USER)?;
        let figures: Result<Vec<Figure>> =
            questions::all().iter().map(|question| ask(&server, &token, question, n_repeats)).collect();
        let way = if more.is_empty() { "with columns kept" } else { "from Parquet" };
        if let Some(memory) = server::memory_mb(server.id()) {
            println!("resident after all questions {way}: {memory:.0} MB");
        }
        if more.is_empty() {
            typing::print(&server, &token)?;
        }
        figures
    };
    let (kept, parquet) = (ask_all(&[])?, ask_all(&["--hot-columns", "0"])?);
    let floor = Floor::open(&folder.join("data").join("events"))?;
    let mut measured = Vec::new();
    for ((question, kept), parquet) in questions::all().into_iter().zip(kept).zip(parquet) {
        floor.seconds(question.properties)?;
        let seconds: Result<Vec<f64>> = (0..n_repeats).map(|_| floor.seconds(question.properties)).collect();
        measured.push(Measured { question, kept, parquet, floor: median(&seconds?) });
    }
    Ok(measured)
}

fn print_table(measured: &[Measured], theirs: &BTreeMap<&str, BTreeMap<String, Answer>>) {
    print!("{:<20}{:>8}{:>9}{:>8}", "question", "kept", "parquet", "floor");
    theirs.keys().for_each(|peer| print!("{peer:>9}"));
    println!("{:>10}{:>10}{:>10}", "kept x", "parquet x", "of floor");
    for Measured { question, kept, parquet, floor } in measured {
        let (kept, parquet) = (median(&kept.seconds), median(&parquet.seconds));
        print!("{:<20}{kept:>8.3}{parquet:>9.3}{floor:>8.3}", question.name);
        let mut best = f64::INFINITY;
        for answers in theirs.values() {
            match answers.get(question.name).map(|answer| median(&answer.seconds)) {
                Some(seconds) => {
                    best = best.min(seconds);
                    print!("{seconds:>9.3}");
                }
                None => print!("{:>9}", "-"),
            }
        }
        if best.is_finite() {
            print!("{:>10.2}{:>10.2}", best / kept, best / parquet);
        } else {
            print!("{:>10}{:>10}", "-", "-");
        }
        println!("{:>10.2}", parquet / floor);
    }
}

/// Where answers are not the same, each way and by each peer.
fn differing(measured: &Measured, theirs: &BTreeMap<&str, BTreeMap<String, Answer>>) -> Vec<String> {
    let Measured { question, kept, parquet, .. } = measured;
    let mut found = Vec::new();
    if kept.rows != parquet.rows {
        found.push(format!("{} differs from Parquet", question.name));
    }
    let ours = (question.normal)(&kept.rows);
    for (peer, answers) in theirs {
        let rows = answers.get(question.name).and_then(|answer| answer.rows.as_ref());
        if rows.is_some_and(|rows| !is_same(&ours, rows)) {
            found.push(format!("{} differs from {peer}", question.name));
        }
    }
    found
}

/// Whether rows are the same but for those of ours whose last cell is withheld, of too few people to be told.
fn is_same(ours: &[Json], theirs: &[Json]) -> bool {
    let key_and_figure = |row: &Json| {
        let mut key = row.as_array().cloned().unwrap_or_default();
        let figure = key.pop();
        (json!(key).to_string(), figure)
    };
    let withheld = ours.iter().map(key_and_figure).filter(|(_, figure)| *figure == Some(Json::Null));
    let withheld: BTreeSet<String> = withheld.map(|(key, _)| key).collect();
    let is_told = |row: &&Json| !withheld.contains(&key_and_figure(row).0);
    ours.iter().filter(is_told).eq(theirs.iter().filter(is_told))
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
    let n_events = data::write(options.size, options.only_granted, &files)?;
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
    let mut figure = Figure { seconds: Vec::new(), rows: Vec::new() };
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
        }
        figure.rows = answer["rows"].as_array().cloned().unwrap_or_default();
    }
    Ok(figure)
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn read(words: &[String]) -> Result<Options> {
    let size = Size { n_events: 5_000_000, n_people: 100_000, seed: 1 };
    let mut options =
        Options { size, n_repeats: 5, peers: Vec::new(), program: None, refreshes: false, only_granted: false };
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
            "--refresh" => options.refreshes = word == "yes",
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
