//! `test` and `slow`: the tests, by what they take.

use crate::crash::{self, Options};
use crate::shell::{Result, all, cargo, command, has_cargo, step};
use crate::{browser, tidy};

/// Kills among the fast tests, and among those that take longer.
const KILLS_SHORT: u64 = 10;
const KILLS_LONG: u64 = 200;

/// All fast tests, the doc tests that must fail to compile, the contracts, the short browser walks, and a few kills.
pub(crate) fn run() -> Result<()> {
    let walks = || browser::run(browser::Walks::Short);
    all(vec![fast(), doc_tests(), browser::contracts(), walks(), crash::run_with(Options::kills(KILLS_SHORT))])
}

/// What takes longer: the tests over many seeds, all browser walks, and many kills.
pub(crate) fn run_slow() -> Result<()> {
    let mut seeds = command("cargo", &["test", "--workspace", "--lib", "--", "twins", "intake", "--nocapture"]);
    seeds.env("ENTENTE_TWINS", "12").env("ENTENTE_SEEDS", "20000");
    all(vec![step(seeds), browser::run(browser::Walks::All), crash::run_with(Options::kills(KILLS_LONG))])
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

/// The doc tests: code that must not compile. Over the whole workspace, so that dependencies are those of the other tests.
fn doc_tests() -> Result<()> {
    cargo(&["test", "--quiet", "--doc", "--workspace"])
}
