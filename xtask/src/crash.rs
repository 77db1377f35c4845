//! `crash [--kills N] [--seed S] [--program PATH] [--power] [--keep]`: kills the program again and again while messages
//! come in, and holds what it counts against what it acknowledged.
//!
//! Flow: a workspace of its own (`world`) -> senders (`senders`, of `batches`) that write down each answer (`truth`) ->
//! kill -9 and start (`program`), in the rhythm of `driver` -> questions and books (`witness`) against what was written
//! down. Invariants: only what was answered in full counts as acknowledged; whatever fails prints the seed and keeps the
//! folder. The seed gives what is drawn, not how the threads take turns: a repeat is alike, not the same.
//! It lacks what a loss of power does to bytes that were written and not synced: a killed process leaves them to the kernel.
//! `--power` only adds what such a loss may leave behind the log's end (`tail`); the simulations of `sim` have the rest.

mod batches;
mod chance;
mod driver;
mod program;
mod senders;
mod tail;
mod truth;
mod witness;
mod world;

use crate::server::{self, TemporaryFolder};
use crate::shell::Result;
use std::path::PathBuf;

const USAGE: &str = "cargo xtask crash [--kills N] [--seed S] [--program PATH] [--power] [--keep]
  --kills N       how often the program is killed, 1 to 100000 (20)
  --seed S        what is drawn: batches, repeats, moments (1)
  --program PATH  another program than the one that is built here
  --power         after every second kill, put behind the log's end what a loss of power may leave there
  --keep          keep the folder with workspace, data and log, also when nothing is wrong";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) n_kills: u64,
    pub(crate) seed: u64,
    /// None: the one that `make run` builds.
    pub(crate) program: Option<PathBuf>,
    /// Whether torn writes are put behind the log's end.
    pub(crate) is_power: bool,
    /// Whether the folder stays.
    pub(crate) is_kept: bool,
}

impl Options {
    /// So many kills of the program that is built here, with the first seed.
    pub(crate) fn kills(n_kills: u64) -> Options {
        Options { n_kills, seed: 1, program: None, is_power: false, is_kept: false }
    }
}

/// Reads the command's words and runs.
pub(crate) fn run(words: &[String]) -> Result<()> {
    if words.iter().any(|word| word == "--help") {
        println!("{USAGE}");
        return Ok(());
    }
    run_with(read(words)?)
}

/// Runs and prints one line.
pub(crate) fn run_with(options: Options) -> Result<()> {
    let program = match &options.program {
        Some(program) => program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?,
        None => {
            server::build()?;
            server::binary()
        }
    };
    let Options { n_kills, seed, .. } = options;
    let folder = TemporaryFolder::new(&format!("crash-{seed}"))?;
    eprintln!("> crash: {n_kills} kills with seed {seed} in {}", folder.path().display());
    let outcome = driver::run(&options, &program, folder.path());
    let (line, complaints) = match outcome {
        Ok(found) => (found.line(n_kills, seed), found.complaints()),
        Err(error) => (format!("crash: {n_kills} kills, seed {seed}: not finished"), vec![error]),
    };
    println!("{line}");
    if complaints.is_empty() && !options.is_kept {
        return Ok(());
    }
    let folder = folder.keep();
    if complaints.is_empty() {
        eprintln!("  kept: {}", folder.display());
        return Ok(());
    }
    Err(format!("crash, seed {seed}, everything is kept in {}:\n  {}", folder.display(), complaints.join("\n  ")))
}

fn read(words: &[String]) -> Result<Options> {
    let mut options = Options::kills(20);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value\n{USAGE}"));
        match word.as_str() {
            "--kills" => options.n_kills = number(value()?, 1..=100_000)?,
            "--seed" => options.seed = number(value()?, 0..=u64::MAX)?,
            "--program" => options.program = Some(PathBuf::from(value()?)),
            "--power" => options.is_power = true,
            "--keep" => options.is_kept = true,
            _ => return Err(format!("`{word}` is not known here\n{USAGE}")),
        }
    }
    Ok(options)
}

fn number(word: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64> {
    let parsed = word.parse().ok().filter(|number| range.contains(number));
    parsed.ok_or_else(|| format!("`{word}` is not a whole number from {} to {}\n{USAGE}", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::{Options, read};
    use std::path::PathBuf;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn reads_its_words() {
        assert_eq!(read(&[]), Ok(Options::kills(20)));
        let all = Options {
            n_kills: 7,
            seed: 0,
            program: Some(PathBuf::from("/bin/entente")),
            is_power: true,
            is_kept: true,
        };
        assert_eq!(read(&words("--kills 7 --program /bin/entente --keep --power --seed 0")), Ok(all));
    }

    #[test]
    fn says_what_is_wrong_with_its_words() {
        for (text, what) in [
            ("--kills", "`--kills` needs a value"),
            ("--kills 0", "`0` is not a whole number from 1 to 100000"),
            ("--seed -1", "`-1` is not a whole number from 0"),
            ("--kill 3", "`--kill` is not known here"),
        ] {
            let message = read(&words(text)).expect_err("it is wrong");
            assert!(message.starts_with(what) && message.contains("--program PATH"), "{message}");
        }
    }
}
