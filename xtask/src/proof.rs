//! `twins`, `attack` and `verdicts`: proofs that live beside what they test, over as many cases as asked for.
//!
//! Each is one test of the suite, which says in a line what it has compared. It runs here with other numbers, and that line
//! is printed last.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use xtask::shell::{Result, command, has_cargo};

/// A folder in memory, where the system has one.
const MEMORY: &str = "/dev/shm";

/// A proof: what it is called, and how the test takes its numbers.
struct Proof {
    task: &'static str,
    test: &'static str,
    /// What is counted, as the flag has it, and the variable that says how many.
    counted: (&'static str, &'static str),
    /// How many without a flag, and the most.
    numbers: (u64, u64),
    /// What stands in the line that says what was found.
    says: &'static str,
}

const PROOFS: [Proof; 3] = [
    Proof {
        task: "twins",
        test: "tests::routes::routes_tell_nothing_of_withheld_people",
        counted: ("--pairs", "ENTENTE_PAIRS"),
        numbers: (20_000, 10_000_000),
        says: " pairs from seed ",
    },
    Proof {
        task: "attack",
        test: "tests::attack::a_thousand_questions_do_not_tell_who_is_gold",
        counted: ("--questions", "ENTENTE_QUESTIONS"),
        numbers: (1_000, 1_200),
        says: " questions each: ",
    },
    Proof {
        task: "verdicts",
        test: "tests::laws::a_verdict_is_what_becomes_of_the_question",
        counted: ("--cases", "ENTENTE_CASES"),
        numbers: (10_000, 1_000_000),
        says: " exceptions",
    },
];

/// Runs the proof of a task with the numbers of its flags.
pub(crate) fn run(task: &str, words: &[String]) -> Result<()> {
    let proof = PROOFS.iter().find(|proof| proof.task == task).ok_or_else(|| format!("there is no proof `{task}`"))?;
    let (n, seed) = read(proof, words)?;
    // The whole workspace and a filter, so that nothing is compiled anew.
    let filter = format!("package(app) & test(={})", proof.test);
    let words: &[&str] = if has_cargo("nextest") {
        &["nextest", "run", "--workspace", "--profile", "simulation", "--no-capture", "-E", &filter]
    } else {
        &["test", "--workspace", "--lib", "--", "--exact", proof.test, "--nocapture"]
    };
    let mut tests = command("cargo", words);
    tests.env(proof.counted.1, n.to_string()).env("ENTENTE_SEED", seed.to_string()).stdout(Stdio::piped());
    // Nothing there outlives a test, so that nothing need wait for a disk.
    if Path::new(MEMORY).is_dir() {
        tests.env("TMPDIR", MEMORY);
    }
    let mut running = tests.spawn().map_err(|error| format!("cargo: {error}"))?;
    let mut found = None;
    for line in running.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line.map_err(|error| format!("cargo: {error}"))?;
        println!("{line}");
        if line.contains(proof.says) {
            found = Some(line.trim().to_owned());
        }
    }
    let ended = running.wait().map_err(|error| format!("cargo: {error}"))?;
    match found.filter(|_| ended.success()) {
        Some(line) => {
            println!("{task}: {line}");
            Ok(())
        }
        None => Err(format!("{task}: FAILED, what stands above says with which seed")),
    }
}

/// How many cases, and from which seed.
fn read(proof: &Proof, words: &[String]) -> Result<(u64, u64)> {
    let (mut n, mut seed) = (proof.numbers.0, 1_000);
    let usage = format!(
        "cargo xtask {} [{} N] [--seed S]\n  {}  1 to {} ({})\n  --seed   where it begins (1000)",
        proof.task, proof.counted.0, proof.counted.0, proof.numbers.1, proof.numbers.0
    );
    for pair in words.chunks(2) {
        let number = |word: &String, most: u64| {
            let parsed = word.parse().ok().filter(|number| (1..=most).contains(number));
            parsed.ok_or_else(|| format!("`{word}` is not a whole number from 1 to {most}\n{usage}"))
        };
        match pair {
            [flag, word] if flag == proof.counted.0 => n = number(word, proof.numbers.1)?,
            [flag, word] if flag == "--seed" => seed = number(word, u64::from(u32::MAX))?,
            _ => return Err(usage),
        }
    }
    Ok((n, seed))
}

#[cfg(test)]
mod tests {
    use super::{PROOFS, read};

    #[test]
    fn reads_its_words() {
        let words = |text: &str| read(&PROOFS[0], &text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(words("--seed 7 --pairs 3"), Ok((3, 7)));
        assert_eq!(words(""), Ok((20_000, 1_000)));
        for (text, what) in [("--pairs", "cargo xtask twins"), ("--pairs 0", "whole number"), ("--pear 1", "--pairs N")]
        {
            assert!(words(text).is_err_and(|message| message.contains(what)), "{text}");
        }
    }
}
