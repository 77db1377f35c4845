//! `crash [--kills N] [--seed S] [--at-calls PERCENT] [--program PATH] [--power] [--keep]`: kills the program again and
//! again while messages come in, and holds what it counts against what it acknowledged.
//!
//! Flow: a workspace of its own (`world`) -> senders (`senders`, of `batches`) that write down each answer (`truth`) ->
//! kill -9 and start (`program`, `traced`), in the rhythm of `driver` (`trial` has what `faults` share) -> questions and
//! books (`witness`) against what was written down. Invariants: only what was answered in full counts as acknowledged; whatever fails prints the seed and keeps the
//! folder. The seed gives what is drawn, not how the threads take turns: a repeat is alike, not the same.
//! It lacks what a loss of power does to bytes that were written and not synced: a killed process leaves them to the kernel.
//! `--power` only adds what such a loss may leave behind the log's end (`tail`); `fault power` (`faults`) takes it away.

mod batches;
mod chance;
mod driver;
pub(crate) mod faults;
mod program;
mod senders;
mod tail;
mod traced;
mod trial;
mod truth;
mod witness;
mod world;

use std::path::{Path, PathBuf};
use trial::Found;
use xtask::server::{self, TemporaryFolder};
use xtask::shell::Result;

const USAGE: &str = "cargo xtask crash [--kills N] [--seed S] [--at-calls PERCENT] [--program PATH] [--power] [--keep]
  --kills N       how often the program is killed, 1 to 100000 (20)
  --seed S        what is drawn: batches, repeats, moments (1)
  --at-calls PERCENT
                  so many of a hundred kills come exactly at a system call, by strace (0)
  --program PATH  another program than the one that is built here
  --power         after every second kill, put behind the log's end what a loss of power may leave there
  --keep          keep the folder with workspace, data and log, also when nothing is wrong";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) n_kills: u64,
    pub(crate) seed: u64,
    /// Of a hundred kills so many come at a system call.
    pub(crate) at_calls_percent: u64,
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
        Options { n_kills, seed: 1, at_calls_percent: 0, program: None, is_power: false, is_kept: false }
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
pub(crate) fn run_with(mut options: Options) -> Result<()> {
    if options.at_calls_percent > 0
        && let Some(reason) = traced::why_not()
    {
        eprintln!("> crash: no kills at system calls, because {reason}");
        options.at_calls_percent = 0;
    }
    let name = format!("crash: {} kills, seed {}", options.n_kills, options.seed);
    let setting = Setting { name, seed: options.seed, program: options.program.clone(), is_kept: options.is_kept };
    setting.run(|program, folder| driver::run(&options, program, folder))
}

/// What every run needs that breaks something.
struct Setting {
    /// What it is called where it does not come to an end.
    name: String,
    seed: u64,
    /// None: the one that `make run` builds.
    program: Option<PathBuf>,
    is_kept: bool,
}

impl Setting {
    /// Runs in a folder of its own, prints one line, and keeps the folder where something is wrong.
    fn run(self, work: impl FnOnce(&Path, &Path) -> Result<Found>) -> Result<()> {
        let Setting { name, seed, .. } = self;
        let program = match &self.program {
            Some(program) => program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?,
            None => {
                server::build()?;
                server::binary()
            }
        };
        // Of its own also beside what another kind keeps: `fault power: 60 rounds` works in `fault-power-1-…`.
        let kind = name.split(':').next().unwrap_or_default().replace(' ', "-");
        let folder = TemporaryFolder::new(&format!("{kind}-{seed}"))?;
        eprintln!("> {name}, in {}", folder.path().display());
        let (line, complaints) = match work(&program, folder.path()) {
            Ok(found) => (found.line(), found.complaints()),
            Err(error) => (format!("{name}: not finished"), vec![error]),
        };
        println!("{line}");
        if complaints.is_empty() && !self.is_kept {
            return Ok(());
        }
        let folder = folder.keep();
        if complaints.is_empty() {
            eprintln!("  kept: {}", folder.display());
            return Ok(());
        }
        Err(format!("{name}, everything is kept in {}:\n  {}", folder.display(), complaints.join("\n  ")))
    }
}

fn read(words: &[String]) -> Result<Options> {
    let mut options = Options::kills(20);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value\n{USAGE}"));
        match word.as_str() {
            "--kills" => options.n_kills = number(value()?, 1..=100_000, USAGE)?,
            "--seed" => options.seed = number(value()?, 0..=u64::MAX, USAGE)?,
            "--at-calls" => options.at_calls_percent = number(value()?, 0..=100, USAGE)?,
            "--program" => options.program = Some(PathBuf::from(value()?)),
            "--power" => options.is_power = true,
            "--keep" => options.is_kept = true,
            _ => return Err(format!("`{word}` is not known here\n{USAGE}")),
        }
    }
    Ok(options)
}

fn number(word: &str, range: std::ops::RangeInclusive<u64>, usage: &str) -> Result<u64> {
    let parsed = word.parse().ok().filter(|number| range.contains(number));
    parsed.ok_or_else(|| format!("`{word}` is not a whole number from {} to {}\n{usage}", range.start(), range.end()))
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
            at_calls_percent: 30,
            program: Some(PathBuf::from("/bin/entente")),
            is_power: true,
            is_kept: true,
        };
        assert_eq!(read(&words("--kills 7 --program /bin/entente --keep --power --at-calls 30 --seed 0")), Ok(all));
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
