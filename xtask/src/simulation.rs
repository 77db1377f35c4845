//! `sim [--seeds N] [--seed S]`: the simulated histories of the test suite, over as many seeds as asked for.
//!
//! The histories live beside what they test: the log against a disk with faults and losses of power, the landing against
//! crashes between its commits. This says over which seeds they go, and in one line what became of them.

use crate::tidy;
use xtask::shell::{Result, command, has_cargo, report, step};

const USAGE: &str = "cargo xtask sim [--seeds N] [--seed S]
  --seeds N   how many histories of each kind, 1 to 1000000 (400)
  --seed S    the seed of the first one; the others follow it (0)";
/// The simulations: where each lives, and its name.
const SIMULATIONS: [(&str, &str); 2] = [
    ("lake::intake", "what_was_acknowledged_survives_faults_and_losses_of_power"),
    ("lake::landing", "what_was_acknowledged_lands_once_whatever_happens"),
];

/// Which histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seeds {
    n: u64,
    first: u64,
}

/// Runs them and prints one line.
pub(crate) fn run(words: &[String]) -> Result<()> {
    if words.iter().any(|word| word == "--help") {
        println!("{USAGE}");
        return Ok(());
    }
    let seeds = read(words)?;
    if !has_cargo("nextest") {
        return Err("`cargo-nextest` is not installed: cargo install cargo-nextest --locked".to_owned());
    }
    let report = report("simulation");
    // What a run before this one found is not what this one finds.
    if report.exists() {
        std::fs::remove_file(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    }
    let names: Vec<String> = SIMULATIONS.iter().map(|(_, name)| format!("test({name})")).collect();
    let filter = format!("package(lake) & ({})", names.join(" | "));
    // The whole workspace and a filter, so that nothing is compiled anew.
    let mut nextest = command("cargo", &["nextest", "run", "--workspace", "--profile", "simulation", "-E", &filter]);
    nextest.env("ENTENTE_SEEDS", seeds.n.to_string()).env("ENTENTE_SEED", seeds.first.to_string());
    let result = step(nextest);
    let ran = std::fs::read_to_string(&report).map(|text| tidy::slowest(&text)).unwrap_or_default();
    let (line, is_good) = line(seeds, &ran, result.is_ok());
    println!("{line}");
    if is_good { Ok(()) } else { result.and(Err("a simulation did not run; has its name changed?".to_owned())) }
}

/// What was run and found, and whether that is all there should be.
fn line(seeds: Seeds, ran: &[(f64, String)], is_passed: bool) -> (String, bool) {
    let Seeds { n, first } = seeds;
    let mut parts = Vec::new();
    for (place, name) in SIMULATIONS {
        let seconds = ran.iter().find(|(_, test)| test.ends_with(name)).map(|(seconds, _)| seconds);
        parts.push(seconds.map_or(format!("{place} did not run"), |seconds| format!("{place} {seconds:.0} s")));
    }
    let is_whole = !parts.iter().any(|part| part.ends_with("did not run"));
    let found = if is_passed { "nothing found" } else { "FAILED, the last seed printed above is the one" };
    let last = first.saturating_add(n - 1);
    let line = format!("sim: {n} histories each, seeds {first} to {last} ({}): {found}", parts.join(", "));
    (line, is_passed && is_whole)
}

fn read(words: &[String]) -> Result<Seeds> {
    let mut seeds = Seeds { n: 400, first: 0 };
    for pair in words.chunks(2) {
        let number = |word: &String, least: u64, most: u64| {
            let parsed = word.parse().ok().filter(|number| (least..=most).contains(number));
            parsed.ok_or_else(|| format!("`{word}` is not a whole number from {least} to {most}\n{USAGE}"))
        };
        match pair {
            [flag, word] if flag == "--seeds" => seeds.n = number(word, 1, 1_000_000)?,
            [flag, word] if flag == "--seed" => seeds.first = number(word, 0, u64::MAX - 1_000_000)?,
            [flag] if flag == "--seeds" || flag == "--seed" => return Err(format!("`{flag}` needs a value\n{USAGE}")),
            [flag, ..] => return Err(format!("`{flag}` is not known here\n{USAGE}")),
            [] => {}
        }
    }
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::{SIMULATIONS, Seeds, line, read};

    const SEEDS: Seeds = Seeds { n: 3, first: 7 };

    #[test]
    fn reads_its_words() {
        let words = |text: &str| read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(words("--seed 7 --seeds 3"), Ok(SEEDS));
        assert_eq!(words(""), Ok(Seeds { n: 400, first: 0 }));
        for (text, what) in [("--seeds", "needs a value"), ("--seeds 0", "whole number"), ("--sed 1", "not known")] {
            assert!(words(text).is_err_and(|message| message.contains(what)), "{text}");
        }
    }

    #[test]
    fn says_what_ran_and_what_was_found() {
        let all: Vec<(f64, String)> =
            SIMULATIONS.iter().map(|(_, name)| (2.0, format!("some::tests::{name}"))).collect();
        let good = "sim: 3 histories each, seeds 7 to 9 (lake::intake 2 s, lake::landing 2 s): nothing found";
        assert_eq!(line(SEEDS, &all, true), (good.to_owned(), true));
        assert!(!line(SEEDS, &all[..1], true).1, "one that is missing is no success");
        let (text, is_good) = line(SEEDS, &all, false);
        assert!(text.contains("FAILED") && !is_good);
    }
}
