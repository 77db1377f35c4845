//! `test` and `slow`: every proof of the list of promises, each by its own command, and what came of it written down.
//!
//! The list is the product's (`crates/app/src/promises.json`), which shows on a page what is written here: one file per
//! proof in `proofs/` of the target folder, from where `dist` takes them along. The last line that a proof prints is what it
//! found.

use crate::tidy;
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Instant;
use xtask::shell::{Result, all, cargo, command, has_cargo, output, report, step, target};

const PROMISES: &str = include_str!("../../crates/app/src/promises.json");
/// What the tests of `--long` go through: seeds of histories, worlds of twins, and bytes at the door.
const LONG: [(&str, &str); 3] = [("ENTENTE_TWINS", "12"), ("ENTENTE_SEEDS", "200000"), ("PROPTEST_CASES", "150000")];
/// The tests that take these numbers: the last one those of `PROPTEST_CASES`, which would make others take hours.
const SEEDED: [&str; 2] = ["twins", "intake"];
const ANY_BYTES: &str = "any_bytes";

/// One form of a proof.
struct Run {
    name: String,
    suite: String,
    /// The words after `cargo xtask`.
    task: Vec<String>,
}

impl Run {
    fn read(json: &Json) -> Option<Run> {
        let text = |json: &Json| json.as_str().map(str::to_owned);
        let task: Vec<String> = json["task"].as_array()?.iter().filter_map(text).collect();
        Some(Run { name: text(&json["name"])?, suite: text(&json["suite"])?, task }).filter(|run| !run.task.is_empty())
    }
}

/// All proofs of a suite, one after the other: a failing one does not hide those after it.
pub(crate) fn run(suite: &str) -> Result<()> {
    let promises: Vec<Json> = serde_json::from_str(PROMISES).map_err(|error| format!("promises.json: {error}"))?;
    let runs = promises.iter().filter_map(|promise| promise["runs"].as_array()).flatten();
    let runs: Option<Vec<Run>> = runs.map(Run::read).collect();
    let runs = runs.ok_or("promises.json: a run has no `name`, `suite` or `task`")?;
    let (tests, others): (Vec<Run>, Vec<Run>) =
        runs.into_iter().filter(|run| run.suite == suite).partition(|run| run.task[0] == "tests");
    all(tests.iter().chain(&others).map(prove).collect())
}

/// Runs a proof and writes down what came of it.
fn prove(run: &Run) -> Result<()> {
    let task = run.task.join(" ");
    eprintln!("> {task}");
    let program = std::env::current_exe().map_err(|error| format!("xtask: {error}"))?;
    let mut child = command(&program.to_string_lossy(), &run.task.iter().map(String::as_str).collect::<Vec<_>>());
    // The task looks for the repository where cargo says that it is.
    child.env("CARGO_MANIFEST_DIR", xtask::shell::root().join("xtask")).stdout(Stdio::piped());
    let started = Instant::now();
    let mut child = child.spawn().map_err(|error| format!("{task}: {error}"))?;
    let mut found = String::new();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.map_err(|error| format!("{task}: {error}"))?;
        // A terminal that is gone is no reason to stop.
        let _ = writeln!(std::io::stdout(), "{line}");
        if !line.trim().is_empty() {
            line.trim().clone_into(&mut found);
        }
    }
    let status = child.wait().map_err(|error| format!("{task}: {error}"))?;
    let seconds = started.elapsed().as_secs();
    eprintln!("  {task}: {seconds} s");
    // What says nothing could not run here.
    let outcome = match (status.success(), found.is_empty()) {
        (false, _) => "failed",
        (true, true) => "skipped",
        (true, false) => "passed",
    };
    let version = output("git", &["describe", "--always", "--dirty"]).unwrap_or_default();
    let at = output("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"])?;
    let written =
        json!({ "outcome": outcome, "found": found, "at": at.trim(), "seconds": seconds, "version": version.trim() });
    let folder = target().join("proofs");
    let write = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(format!("{}.json", run.name)), written.to_string()));
    write.map_err(|error| format!("{}: {error}", folder.display()))?;
    if status.success() { Ok(()) } else { Err(format!("{task}: {found}")) }
}

/// `tests [--long]`: the tests of all parts with those that must fail to compile, or some of them over many seeds.
pub(crate) fn tests(words: &[String]) -> Result<()> {
    match words {
        // What it found stands in its last line.
        [] => all(vec![doc_tests(), fast()]),
        [word] if word == "--long" => long(),
        _ => Err("cargo xtask tests [--long]".to_owned()),
    }
}

fn fast() -> Result<()> {
    if has_cargo("nextest") {
        return nextest();
    }
    eprintln!("`cargo-nextest` is not installed, so `cargo test` it is (cargo install cargo-nextest --locked)");
    cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])?;
    println!("tests: all passed");
    Ok(())
}

/// Runs nextest and prints the five slowest tests.
fn nextest() -> Result<()> {
    let report = report("default");
    let _ = std::fs::remove_file(&report);
    let result = cargo(&["nextest", "run", "--workspace"]);
    let ran = std::fs::read_to_string(report).map(|text| tidy::slowest(&text)).unwrap_or_default();
    eprintln!("the five slowest:");
    for (seconds, name) in ran.iter().take(5) {
        eprintln!("  {seconds:>8.3} s  {name}");
    }
    println!("tests: {} run, {}", ran.len(), if result.is_ok() { "all passed" } else { "some FAILED" });
    result
}

/// The doc tests: code that must not compile. Over the whole workspace, so that dependencies are those of the other tests.
fn doc_tests() -> Result<()> {
    cargo(&["test", "--quiet", "--doc", "--workspace"])
}

/// The tests that take numbers, with large ones.
fn long() -> Result<()> {
    let tests = |names: &[&str]| {
        let words = ["test", "--workspace", "--lib", "--"].iter().chain(names).copied().collect::<Vec<_>>();
        let mut tests = command("cargo", &words);
        // What failed stands above; the last line of the output is what was found.
        tests.stdout(std::io::stderr());
        tests
    };
    let (mut seeds, mut bytes) = (tests(&SEEDED), tests(&[ANY_BYTES]));
    seeds.envs(LONG.iter().copied().take(2));
    // A minute of any bytes at the door: through the parser, the contract and back.
    bytes.envs(LONG.iter().copied().skip(2));
    let result = all(vec![step(seeds), step(bytes)]);
    let numbers: Vec<String> = LONG.iter().map(|(name, number)| format!("{name} {number}")).collect();
    println!("tests: {}: {}", numbers.join(", "), if result.is_ok() { "all passed" } else { "some FAILED" });
    result
}
