//! `test` and `slow`: the tests, by what they take.

use crate::shell::{Result, all, cargo, has_cargo, output};
use crate::{browser, tidy};
use serde_json::Value as Json;

/// All fast tests, the doc tests that must fail to compile, and the short browser walks.
pub(crate) fn run() -> Result<()> {
    all(vec![fast(), doc_tests(), browser::run(browser::Walks::Short)])
}

/// What takes longer: ignored tests and all browser walks.
pub(crate) fn run_slow() -> Result<()> {
    let ignored = if has_cargo("nextest") {
        cargo(&["nextest", "run", "--workspace", "--run-ignored", "only", "--no-tests", "pass"])
    } else {
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--", "--ignored"])
    };
    all(vec![ignored, browser::run(browser::Walks::All)])
}

fn fast() -> Result<()> {
    if has_cargo("nextest") {
        return nextest();
    }
    eprintln!("`cargo-nextest` is not installed, so `cargo test` it is (cargo install cargo-nextest --locked)");
    cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
}

/// Runs nextest and prints the five slowest tests.
fn nextest() -> Result<()> {
    let report = crate::shell::target().join("nextest/default/junit.xml");
    let result = cargo(&["nextest", "run", "--workspace"]);
    if let Ok(text) = std::fs::read_to_string(report) {
        eprintln!("the five slowest:");
        for (seconds, name) in tidy::slowest(&text).iter().take(5) {
            eprintln!("  {seconds:>8.3} s  {name}");
        }
    }
    result
}

/// The doc tests of the crates that have any: most hold code that must not compile.
fn doc_tests() -> Result<()> {
    let metadata = output("cargo", &["metadata", "--format-version", "1", "--no-deps"])?;
    let metadata: Json = serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let with_doc_tests = packages.iter().filter(|package| {
        let targets = package["targets"].as_array().map_or(&[][..], Vec::as_slice);
        targets.iter().any(|target| target["doctest"] == true && target["kind"][0] == "lib")
    });
    let mut arguments = vec!["test", "--quiet", "--doc"];
    for package in with_doc_tests {
        arguments.extend(["--package", package["name"].as_str().unwrap_or_default()]);
    }
    if arguments.len() == 3 { Ok(()) } else { cargo(&arguments) }
}
