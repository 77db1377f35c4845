//! `differ [--questions N] [--seed S] [--events E] [--people P] [--program PATH] [--only I] [--keep]`: asks random questions
//! of the program and, over the same rows, of DuckDB, and compares the answers to the last row.
//!
//! Flow: `differ/world.py` makes a workspace, files and messages from the seed, and beside them what is true -> imported and
//! served by the program -> `differ/differ.py` sends the messages, asks, and prints what differs. The second answers follow
//! the manual's meaning of each kind of question and share no code with the product; parts of a whole are held against it
//! as well (`differ/partition.py`). Invariants: question n is drawn from the seed and n alone, so that `--only n` asks it
//! again; where anything differs, the folder stays. It lacks roles that may not see everything.

use std::path::PathBuf;
use std::process::Command;
use xtask::python;
use xtask::server::{self, Server, TemporaryFolder};
use xtask::shell::{Result, root, step};

const USAGE: &str =
    "cargo xtask differ [--questions N] [--seed S] [--events E] [--people P] [--program PATH] [--only I] [--keep]
  --questions N   how many, 1 to 1000000 (1000)
  --seed S        what is drawn: the world and the questions (1)
  --events E      events of the world, about so many (40000)
  --people P      people of the world (2000)
  --program PATH  another program than the one that is built here
  --only I        ask only the question of this number, of so many with this seed
  --keep          keep the folder with workspace, data and truth, also when nothing differs";
const PACKAGES: [&str; 1] = ["duckdb==1.5.5"];
/// Who asks, as `world.py` has it.
const USER: &str = "asker";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) n_questions: u64,
    pub(crate) seed: u64,
    pub(crate) n_events: u64,
    pub(crate) n_people: u64,
    /// None: the one that `make run` builds.
    pub(crate) program: Option<PathBuf>,
    /// The number of the one question that is asked.
    pub(crate) only: Option<u64>,
    /// Whether the folder stays.
    pub(crate) is_kept: bool,
}

impl Options {
    /// So many questions of this seed to the program that is built here.
    pub(crate) fn questions(n_questions: u64, seed: u64) -> Options {
        Options { n_questions, seed, n_events: 40_000, n_people: 2_000, program: None, only: None, is_kept: false }
    }
}

/// Reads the command's words and runs.
pub(crate) fn run(words: &[String]) -> Result<()> {
    if words.iter().any(|word| word == "--help") {
        println!("{USAGE}");
        return Ok(());
    }
    run_with(&read(words)?)
}

/// Makes the world, asks, and lets the last line say what was found.
pub(crate) fn run_with(options: &Options) -> Result<()> {
    let python = python::environment("differ", &PACKAGES)?;
    let program = match &options.program {
        Some(program) => program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?,
        None => {
            server::build()?;
            server::binary()
        }
    };
    let folder = TemporaryFolder::new(&format!("differ-{}", options.seed))?;
    let (workspace, data) = (folder.path().join("workspace"), folder.path().join("data"));
    let script = |name: &str| {
        let mut script = Command::new(&python);
        script.arg("-B").arg(root().join("xtask/src/differ").join(name));
        script
    };
    let mut world = script("world.py");
    world.arg(folder.path());
    world.args([options.seed, options.n_events, options.n_people].map(|number| number.to_string()));
    step(world)?;
    let mut truth = script("differ.py");
    truth.arg("build").arg(folder.path());
    step(truth)?;
    let mut import = Command::new(&program);
    import.args(["import", "--all", "--workspace"]).arg(&workspace).arg("--data").arg(&data);
    step(import)?;
    let result = {
        let server = Server::start(&program, &workspace, &data)?;
        let mut ask = script("differ.py");
        ask.arg(folder.path()).args([&server.address, &server.token(USER)?]);
        ask.args([options.n_questions, options.seed].map(|number| number.to_string()));
        ask.args(options.only.map(|number| number.to_string()));
        ask.status().map_err(|error| format!("differ: {error}"))
    };
    let is_good = result?.success();
    if is_good && !options.is_kept {
        return Ok(());
    }
    let kept = folder.keep();
    if is_good {
        eprintln!("  kept: {}", kept.display());
        return Ok(());
    }
    Err(format!("differ: seed {}, everything is kept in {}", options.seed, kept.display()))
}

fn read(words: &[String]) -> Result<Options> {
    let mut options = Options::questions(1_000, 1);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value\n{USAGE}"));
        match word.as_str() {
            "--questions" => options.n_questions = number(value()?, 1..=1_000_000)?,
            "--seed" => options.seed = number(value()?, 0..=u64::MAX)?,
            "--events" => options.n_events = number(value()?, 1_000..=10_000_000)?,
            "--people" => options.n_people = number(value()?, 100..=1_000_000)?,
            "--program" => options.program = Some(PathBuf::from(value()?)),
            "--only" => options.only = Some(number(value()?, 0..=1_000_000)?),
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
        assert_eq!(read(&[]), Ok(Options::questions(1_000, 1)));
        let all = Options {
            n_questions: 5_000,
            seed: 7,
            n_events: 100_000,
            n_people: 2_000,
            program: Some(PathBuf::from("/bin/entente")),
            only: Some(12),
            is_kept: true,
        };
        let text = "--seed 7 --questions 5000 --events 100000 --people 2000 --program /bin/entente --only 12 --keep";
        assert_eq!(read(&words(text)), Ok(all));
    }

    #[test]
    fn says_what_is_wrong_with_its_words() {
        for (text, what) in [
            ("--questions", "`--questions` needs a value"),
            ("--questions 0", "`0` is not a whole number from 1 to 1000000"),
            ("--people few", "`few` is not a whole number from 100"),
            ("--question 3", "`--question` is not known here"),
        ] {
            let message = read(&words(text)).expect_err("it is wrong");
            assert!(message.starts_with(what) && message.contains("--only I"), "{message}");
        }
    }
}
