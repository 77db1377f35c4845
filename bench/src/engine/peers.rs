//! Other engines, run by Python in an environment of their own that is made at first use.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use xtask::python;
use xtask::shell::Result;

/// Engines that can be asked.
pub(super) const NAMES: [&str; 3] = ["chdb", "duckdb", "polars"];

/// What asks them.
const SCRIPT: &str = include_str!("peers.py");

/// What an engine says to one question.
pub(super) struct Answer {
    pub(super) seconds: Vec<f64>,
    /// `None` where it is asked something that only comes near.
    pub(super) rows: Option<Vec<Json>>,
}

/// Asks an engine everything it has a question for; it keeps its tables in `store`.
pub(super) fn ask(peer: &str, files: &Path, store: &Path, n_repeats: usize) -> Result<BTreeMap<String, Answer>> {
    let python = python::environment("peers", &NAMES)?;
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut script = Command::new(python);
    script.args(["-c", SCRIPT, peer]).arg(files).arg(store).args([n_repeats.to_string(), n_threads.to_string()]);
    let output = script.stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{peer} ended with {}", output.status));
    }
    let mut answers = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: Json = serde_json::from_str(line).map_err(|error| format!("{peer}: {error}"))?;
        if let Some(loaded) = line["loaded"].as_f64().filter(|seconds| *seconds > 1.0) {
            println!("{peer} has loaded in {loaded:.1} s");
        }
        let Some(name) = line["question"].as_str() else { continue };
        let seconds = line["seconds"].as_array().into_iter().flatten().filter_map(Json::as_f64).collect();
        answers.insert(name.to_owned(), Answer { seconds, rows: line["rows"].as_array().cloned() });
    }
    Ok(answers)
}
