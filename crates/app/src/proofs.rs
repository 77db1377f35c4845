//! What this program promises, and what came of trying: the proofs' own words, as the build brings them with it.
//!
//! `promises.json` is the list that both `make test` and `make slow` go by and this page shows; each run writes one file
//! beside the program. What is not there, or cannot be read, was not run.

use api::{ProofRun, ProofView, ProofsView};
use serde::Deserialize;
use std::fs;
use std::path::Path;

const PROMISES: &str = include_str!("promises.json");
/// The largest file that a run writes.
const RUN_BYTES_MAX: u64 = 64 << 10;

/// A promise as the list has it.
#[derive(Deserialize)]
struct Promise {
    promise: String,
    how: String,
    runs: Vec<Form>,
}

/// One form of its proof.
#[derive(Deserialize)]
struct Form {
    /// What its file is called.
    name: String,
    suite: String,
    /// The words after `cargo xtask`.
    task: Vec<String>,
}

/// What a run wrote down.
#[derive(Default, Deserialize)]
struct Written {
    outcome: String,
    #[serde(default)]
    found: String,
    at: String,
    seconds: u64,
    version: String,
}

/// The promises, with what was found.
pub(crate) fn view(folder: Option<&Path>) -> ProofsView {
    let promises: Vec<Promise> =
        serde_json::from_str(PROMISES).expect("the list is part of the program, and a test reads it");
    let proof = |Promise { promise, how, runs }| {
        let runs = runs.into_iter().map(|form| run_of(form, folder)).collect();
        ProofView { promise, how, runs }
    };
    ProofsView { proofs: promises.into_iter().map(proof).collect() }
}

fn run_of(form: Form, folder: Option<&Path>) -> ProofRun {
    let written = folder.and_then(|folder| read(&folder.join(format!("{}.json", form.name))));
    let seed = form.task.iter().skip_while(|word| *word != "--seed").nth(1).and_then(|seed| seed.parse().ok());
    let command = format!("cargo xtask {}", form.task.join(" "));
    let suite = form.suite;
    match written {
        None => ProofRun {
            command,
            suite,
            seed,
            outcome: None,
            found: String::new(),
            at: None,
            seconds: None,
            version: None,
        },
        Some(written) => ProofRun {
            command,
            suite,
            seed,
            outcome: Some(written.outcome),
            found: written.found,
            at: Some(written.at),
            seconds: Some(written.seconds),
            version: Some(written.version),
        },
    }
}

fn read(path: &Path) -> Option<Written> {
    if fs::metadata(path).ok()?.len() > RUN_BYTES_MAX {
        return None;
    }
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::view;

    #[test]
    fn a_run_that_was_not_there_is_told_as_such() {
        let folder = std::env::temp_dir().join(format!("entente-proofs-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let run =
            r#"{"outcome":"passed","found":"0 differences","at":"2026-11-30T18:00:00Z","seconds":9,"version":"abc"}"#;
        std::fs::write(folder.join("twins-long.json"), run).expect("a file can be written");
        std::fs::write(folder.join("attack.json"), "{").expect("a file can be written");
        let all = view(Some(&folder)).proofs;
        let runs: Vec<_> = all.iter().flat_map(|proof| &proof.runs).filter(|run| run.outcome.is_some()).collect();
        assert_eq!(runs.len(), 1, "what is torn was not run");
        assert_eq!((runs[0].found.as_str(), runs[0].seed), ("0 differences", Some(1_000)));
        assert!(view(None).proofs.iter().all(|proof| !proof.runs.is_empty()));
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
