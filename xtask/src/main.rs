//! What one does with this repository: `cargo xtask check|test|slow|bless|run|bench|dist|tidy` and the proofs by their names.
//!
//! Each target of the Makefile is one line that calls this. Invariants: every step prints what it does before it does
//! it; a failing step does not hide the ones after it; nothing is checked only in CI.

mod api;
mod bench;
mod bless;
mod browser;
mod check;
mod clone;
mod consent;
mod crash;
mod differ;
mod dist;
mod proof;
mod readers;
mod simulation;
mod test;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "cargo xtask TASK
  check   format, lints, tidy, licences, JavaScript
  test    all fast tests, the contracts, the short browser walks, and client libraries at work, a few kills and faults
  slow    everything that takes longer: tests over many seeds, all browser walks, many kills and faults
  bless   accept changed snapshots and lists, then read the diff
  run     serve the demo
  bench   figures on the demo, printed; `bench ingest` of messages that come in
  dist    the release binary, its manual and checksums in dist/
  tidy    the repository's own rules
  tests, walks short|all, canaries, contracts
          proofs of `test` and `slow`, one by one
  crash   kills the program under load and counts what is left; `crash --help` says more
  fault   lets the disk fail under the program and counts what is left; `fault --help` says more
  sim     simulated histories with faults, over as many seeds as asked for; `sim --help` says more
  readers DuckDB, Polars and deltalake count in the tables what the program says
  differ  random questions, answered a second time by DuckDB; `differ --help` says more
  consent consent strings, read a second time by the libraries of those who made the formats
  twins   servers with and without the facts about withheld people, which answer with the same bytes
  attack  how often somebody with a thousand questions guesses what nobody should tell
  verdicts
          random questions in random states: what the judge says is what becomes of them
  api     the server against its own description, by schemathesis; `api --help` says more";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    if let Err(message) = clone::claim() {
        eprintln!("{message}");
        return ExitCode::FAILURE;
    }
    let result = match task.as_str() {
        "check" => check::run(),
        "test" | "slow" => test::run(&task),
        "tests" => test::tests(&rest),
        "walks" => browser::walks(&rest),
        "canaries" => browser::canaries(),
        "contracts" => browser::contracts(),
        "bless" => bless::run(),
        "run" => xtask::server::run(&rest),
        "bench" => bench::run(&rest),
        "dist" => dist::run(),
        "tidy" => tidy::run(),
        "crash" => crash::run(&rest),
        "fault" => crash::faults::run(&rest),
        "sim" => simulation::run(&rest),
        "readers" => readers::run(),
        "differ" => differ::run(&rest),
        "consent" => consent::run(&rest),
        "api" => api::run(&rest),
        "twins" | "attack" | "verdicts" => proof::run(&task, &rest),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
