//! `test` and `slow`: the tests, by what they take.

use crate::crash::faults::{self, Kind};
use crate::crash::{self, Options};
use crate::{browser, consent, differ, proof, readers, tidy};
use xtask::shell::{Result, all, cargo, command, has_cargo, step};

/// Kills among the fast tests, and among those that take longer.
const KILLS_SHORT: u64 = 10;
const KILLS_LONG: u64 = 200;
/// Of a hundred kills so many come at a system call.
const AT_CALLS_PERCENT: u64 = 30;
/// Questions that are answered a second time, for each of these seeds.
const QUESTIONS: u64 = 2_000;
const SEEDS: [u64; 3] = [1, 2, 3];
/// Consent strings that are read a second time, among the fast tests and among those that take longer.
const STRINGS_SHORT: u64 = 1_000;
const STRINGS_LONG: u64 = 20_000;
/// Rounds of each fault of the disk, among the fast tests and among those that take longer.
const FAULTS_SHORT: &[(Kind, u64)] = &[(Kind::Syncs, 2), (Kind::Full, 2), (Kind::Power, 2), (Kind::Control, 5)];
const FAULTS_LONG: &[(Kind, u64)] =
    &[(Kind::Syncs, 50), (Kind::Full, 20), (Kind::Power, 100), (Kind::Control, 5), (Kind::Flips, 200)];

/// Answers of twins that are compared, and questions of each way to attack, in the long form.
const TWIN_PAIRS: &str = "100000";
const ATTACK_QUESTIONS: &str = "1000";

/// All fast tests, the doc tests that must fail to compile, the contracts, consent strings, the short browser walks, a few
/// kills and faults.
pub(crate) fn run() -> Result<()> {
    let walks = || browser::run(browser::Walks::Short);
    let strings = || consent::run_with(STRINGS_SHORT, 1);
    all(vec![fast(), doc_tests(), browser::contracts(), strings(), walks(), kills(KILLS_SHORT), disks(FAULTS_SHORT)])
}

/// What takes longer: the tests over many seeds, all browser walks, many kills and faults, and
/// thousands of random questions.
pub(crate) fn run_slow() -> Result<()> {
    let mut seeds = command("cargo", &["test", "--workspace", "--lib", "--", "twins", "intake", "--nocapture"]);
    seeds.env("ENTENTE_TWINS", "12").env("ENTENTE_SEEDS", "200000");
    // A minute of any bytes at the door: through the parser, the contract and back.
    let mut bytes = command("cargo", &["test", "--workspace", "--lib", "--", "any_bytes"]);
    bytes.env("PROPTEST_CASES", "150000");
    let walks = || browser::run(browser::Walks::All);
    let strings = || consent::run_with(STRINGS_LONG, 2);
    let numbers = |flag: &str, n: &str| [flag.to_owned(), n.to_owned()];
    let twins = || proof::run("twins", &numbers("--pairs", TWIN_PAIRS));
    let attack = || proof::run("attack", &numbers("--questions", ATTACK_QUESTIONS));
    all(vec![
        step(seeds),
        step(bytes),
        readers::run(),
        questions(),
        strings(),
        twins(),
        attack(),
        browser::canaries(),
        walks(),
        kills(KILLS_LONG),
        disks(FAULTS_LONG),
    ])
}

fn kills(n_kills: u64) -> Result<()> {
    crash::run_with(Options { at_calls_percent: AT_CALLS_PERCENT, ..Options::kills(n_kills) })
}

/// Random questions, answered a second time.
fn questions() -> Result<()> {
    all(SEEDS.iter().map(|seed| differ::run_with(&differ::Options::questions(QUESTIONS, *seed))).collect())
}

/// Faults of the disk, one kind after the other.
fn disks(kinds: &[(Kind, u64)]) -> Result<()> {
    all(kinds.iter().map(|(kind, n_rounds)| faults::run_with(faults::Options::rounds(*kind, *n_rounds))).collect())
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
    let report = xtask::shell::target().join("nextest/default/junit.xml");
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
