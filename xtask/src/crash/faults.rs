//! `fault KIND [--rounds N] [--seed S] [--program PATH] [--control] [--keep]`: lets the disk fail under the program.
//!
//! Flow: the same workspace, senders and comparison as `crash` (`trial`), and in place of kills alone one kind of fault:
//! syncs that fail (`syncs`), a full disk (`full`), a loss of power (`power`), bits that turn (`flips`). Invariants: every
//! kind uses what the system has - strace, mounts, loop devices - and the program as it is; a kind that cannot run here
//! says why and is left out; what fails prints its seed and keeps the folder.

mod disk;
mod flips;
mod full;
mod mounts;
mod power;
mod syncs;

use super::chance::Chance;
use super::trial::Found;
use super::{Setting, number, traced};
use std::path::{Path, PathBuf};
use xtask::shell::Result;

const USAGE: &str =
    "cargo xtask fault syncs|full|power|flips [--rounds N] [--seed S] [--program PATH] [--control] [--keep]
  syncs           the n-th fsync and fdatasync of each thread fails, n from 1 to the rounds (50)
  full            the disk is filled and freed (20)
  power           what had not reached the disk is forgotten (20)
  flips           one bit of one file turns, or its end is lost, and the program starts on it (60)
  --rounds N      how often, 1 to 100000
  --seed S        what is drawn (1)
  --program PATH  another program than the one that is built here
  --control       `power` with syncs that do nothing: right if it loses what was acknowledged
  --keep          keep the folder, also when nothing is wrong";

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Syncs,
    Full,
    Power,
    /// Power, with syncs made void: what shows that `Power` can find anything.
    Control,
    Flips,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    kind: Kind,
    n_rounds: u64,
    seed: u64,
    program: Option<PathBuf>,
    is_kept: bool,
}

impl Options {
    /// So many rounds of a kind on the program that is built here, with the first seed.
    pub(crate) fn rounds(kind: Kind, n_rounds: u64) -> Options {
        Options { kind, n_rounds, seed: 1, program: None, is_kept: false }
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

/// Runs and prints one line, or says why it cannot.
pub(crate) fn run_with(options: Options) -> Result<()> {
    let Options { kind, n_rounds, seed, program, is_kept } = options;
    let name = format!("fault {}: {n_rounds} rounds, seed {seed}", kind.name());
    if let Some(reason) = kind.why_not() {
        // Not as what was found: nothing was tried.
        eprintln!("{name}: left out, because {reason}");
        return Ok(());
    }
    let setting = Setting { name: name.clone(), seed, program, is_kept };
    setting.run(|program, folder| {
        let mut found = kind.run(Plan { n_rounds, seed, chance: Chance::new(seed, 0) }, program, folder)?;
        found.what = format!("{name}{}", found.what);
        Ok(found)
    })
}

/// What a kind goes by.
struct Plan {
    n_rounds: u64,
    /// For the senders, who draw on their own.
    seed: u64,
    chance: Chance,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Syncs => "syncs",
            Kind::Full => "full",
            Kind::Power => "power",
            Kind::Control => "power --control",
            Kind::Flips => "flips",
        }
    }

    fn n_rounds(self) -> u64 {
        match self {
            Kind::Syncs => 50,
            Kind::Full | Kind::Power | Kind::Control => 20,
            Kind::Flips => 60,
        }
    }

    /// Why it cannot run on this machine; none where it can.
    fn why_not(self) -> Option<String> {
        match self {
            Kind::Syncs => traced::why_not(),
            Kind::Full => mounts::why_not(&[]),
            Kind::Power => mounts::why_not(disk::TOOLS),
            Kind::Control => mounts::why_not(disk::TOOLS).or_else(|| mounts::why_not(&[power::VOID_SYNCS])),
            Kind::Flips => None,
        }
    }

    fn run(self, plan: Plan, program: &Path, folder: &Path) -> Result<Found> {
        match self {
            Kind::Syncs => syncs::run(plan, program, folder),
            Kind::Full => full::run(plan, program, folder),
            Kind::Power => power::run(plan, program, folder),
            Kind::Control => power::control(plan, program, folder),
            Kind::Flips => flips::run(plan, program, folder),
        }
    }
}

fn read(words: &[String]) -> Result<Options> {
    let mut words = words.iter();
    let kind = match words.next().map(String::as_str) {
        Some("syncs") => Kind::Syncs,
        Some("full") => Kind::Full,
        Some("power") => Kind::Power,
        Some("flips") => Kind::Flips,
        _ => return Err(USAGE.to_owned()),
    };
    let mut options = Options::rounds(kind, kind.n_rounds());
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value\n{USAGE}"));
        match word.as_str() {
            "--rounds" => options.n_rounds = number(value()?, 1..=100_000, USAGE)?,
            "--seed" => options.seed = number(value()?, 0..=u64::MAX, USAGE)?,
            "--program" => options.program = Some(PathBuf::from(value()?)),
            "--control" if kind == Kind::Power => options.kind = Kind::Control,
            "--keep" => options.is_kept = true,
            _ => return Err(format!("`{word}` is not known here\n{USAGE}")),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::{Kind, Options, read};

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn reads_its_words() {
        assert_eq!(read(&words("syncs")), Ok(Options::rounds(Kind::Syncs, 50)));
        assert_eq!(read(&words("power --control --rounds 3")), Ok(Options::rounds(Kind::Control, 3)));
        let kept = Options { is_kept: true, seed: 7, ..Options::rounds(Kind::Flips, 60) };
        assert_eq!(read(&words("flips --keep --seed 7")), Ok(kept));
    }

    #[test]
    fn says_what_is_wrong_with_its_words() {
        for (text, what) in [
            ("", "cargo xtask fault"),
            ("water", "cargo xtask fault"),
            ("full --rounds 0", "`0` is not a whole number"),
            ("full --control", "`--control` is not known here"),
        ] {
            let message = read(&words(text)).expect_err("it is wrong");
            assert!(message.starts_with(what), "{message}");
        }
    }
}
