//! Bits that turn, and ends that are lost: one change in one file of the data folder at a time.
//!
//! The program is killed under load, and its folder kept as a pattern. Each round starts it on a copy in which one file is
//! damaged, and asks. Right is the right answer, or an error or a refused start; best if it names the file. An answer
//! that is wrong without a word, a panic, and one that never comes are not. Files are taken type by type, so that the many
//! commits of a table do not hide the one key of the vault.

mod damage;

use super::Plan;
use super::mounts::{call, text};
use crate::crash::chance::Chance;
use crate::crash::trial::{self, Found, Trial};
use crate::crash::truth::Comparison;
use crate::crash::world::World;
use damage::Damage;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xtask::http::{self, Request};
use xtask::shell::Result;

/// Lives under load before the folder is kept, and how long each is: so that tables have checkpoints and landed files.
const N_LIVES: u64 = 4;
const MILLIS_RUNNING: (u64, u64) = (1_500, 3_000);
/// How long a start may take, and what is acknowledged may need to be counted.
const START_MAX: Duration = Duration::from_secs(10);
const LANDING_MAX: Duration = Duration::from_secs(4);
const LOOKS_EVERY: Duration = Duration::from_millis(50);
/// So much behind a turned bit may be cut off: the rest of the record that it is in.
const RECORD_BYTES: u64 = 4_096;

/// What became of a damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// All answers are right.
    Right,
    /// An error or a refused start that names the file.
    Named,
    /// An error or a refused start that does not.
    Unnamed,
    /// A wrong answer, but the log or the health says which file is damaged.
    WrongButSaid,
    /// A wrong answer and no word.
    Wrong,
    /// A log of the vault was cut off at a turned bit, and with it what was whole behind: it can be mended no more.
    Destroyed,
    Panic,
    /// No answer in time.
    Hang,
}

const OUTCOMES: [(Outcome, &str); 8] = [
    (Outcome::Right, "right"),
    (Outcome::Named, "refused"),
    (Outcome::Unnamed, "unnamed"),
    (Outcome::WrongButSaid, "said"),
    (Outcome::Wrong, "WRONG"),
    (Outcome::Destroyed, "CUT OFF"),
    (Outcome::Panic, "PANIC"),
    (Outcome::Hang, "HANG"),
];

/// Damages as often as asked.
pub(super) fn run(mut plan: Plan, program: &Path, folder: &Path) -> Result<Found> {
    let world = World::new(folder)?;
    let pattern = folder.join("pattern");
    trial::run(program, &world, &[], |trial| {
        trial.post.run(plan.seed, || fill(trial, &mut plan.chance))?;
        call("cp", &["-a", text(&world.data)?, text(&pattern)?])?;
        let types = types(&pattern)?;
        let mut table: BTreeMap<&str, BTreeMap<Outcome, u64>> = BTreeMap::new();
        let mut complaints = Vec::new();
        // Without damage first: what is asked must be right then.
        let (outcome, what) = try_on(trial, &pattern, |_| Ok(()), Path::new("nothing"))?;
        if outcome != Outcome::Right {
            return Err(format!("without any damage the answers are not right: {outcome:?}, {what}"));
        }
        for (round, (kind, paths)) in (1..=plan.n_rounds).zip(types.iter().cycle()) {
            let at = usize::try_from(plan.chance.below(paths.len() as u64)).expect("it is one of the paths");
            let path = &paths[at];
            let bytes = fs::read(pattern.join(path)).map_err(|error| format!("{}: {error}", path.display()))?;
            let Some(damage) = Damage::draw(bytes.len(), &mut plan.chance) else { continue };
            let (mut outcome, what) = try_on(trial, &pattern, |data| damage.put(&data.join(path), &bytes), path)?;
            if outcome < Outcome::Destroyed && damage.is_flip() && is_cut_off(&trial.world.data, path, bytes.len()) {
                outcome = Outcome::Destroyed;
            }
            *table.entry(kind).or_default().entry(outcome).or_default() += 1;
            let line = format!("round {round}: {} {damage:?} of {}: {outcome:?} {what}", path.display(), bytes.len());
            eprintln!("  {line}");
            if outcome >= Outcome::Wrong {
                complaints.push(line);
            }
        }
        print(&table);
        let what = format!("{}, {} of them borne wrongly", summary(&table), complaints.len());
        Ok((what, Comparison { complaints, ..Comparison::default() }))
    })
    .map(without_panics)
}

/// Panics are counted round by round.
fn without_panics(found: Found) -> Found {
    Found { n_panics: 0, ..found }
}

/// Some lives under load, the last of them ended in the middle of it.
fn fill(trial: &mut Trial<'_>, chance: &mut Chance) -> Result<()> {
    for life in 1..=N_LIVES {
        std::thread::sleep(chance.millis(MILLIS_RUNNING.0, MILLIS_RUNNING.1));
        trial.program.kill()?;
        if life < N_LIVES {
            trial.start_again(&[])?;
            trial.wait()?;
        }
    }
    Ok(())
}

/// The paths below the folder, by type.
fn types(folder: &Path) -> Result<BTreeMap<&'static str, Vec<PathBuf>>> {
    let mut types: BTreeMap<&'static str, Vec<PathBuf>> = BTreeMap::new();
    for line in call("find", &[text(folder)?, "-type", "f", "-size", "+0"])?.lines() {
        let path = Path::new(line).strip_prefix(folder).map_err(|error| error.to_string())?;
        types.entry(type_of(path)).or_default().push(path.to_owned());
    }
    types.values_mut().for_each(|paths| paths.sort());
    Ok(types)
}

fn type_of(path: &Path) -> &'static str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_under = |folder: &str| path.components().any(|part| part.as_os_str() == folder);
    match name {
        "keys.log" => "vault keys",
        "people.log" => "vault people",
        "master.key" => "master key",
        "owner.secret" => "owner secret",
        "_last_checkpoint" => "Delta pointer",
        _ if name.starts_with("metadata.sqlite") => "SQLite",
        _ if name.ends_with(".checkpoint.parquet") => "Delta checkpoint",
        _ if name.ends_with(".parquet") => "Parquet",
        _ if is_under("_delta_log") => "Delta commit",
        _ if is_under("intake") => "intake log",
        _ => "other",
    }
}

/// Whether much of a log of the vault is gone, which only ever grows. Other files may be taken away when they are done with.
fn is_cut_off(data: &Path, path: &Path, n_bytes: usize) -> bool {
    let n_left = fs::metadata(data.join(path)).map_or(0, |file| file.len());
    path.starts_with("vault") && n_left + RECORD_BYTES < n_bytes as u64
}

/// Starts the program on a copy with a damage, asks, and ends it; what came of it, and in which words.
fn try_on(
    trial: &mut Trial<'_>,
    pattern: &Path,
    damage: impl FnOnce(&Path) -> Result<()>,
    path: &Path,
) -> Result<(Outcome, String)> {
    let data = trial.world.data.clone();
    fs::remove_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
    call("cp", &["-a", text(pattern)?, text(&data)?])?;
    damage(&data)?;
    let n_said = trial.world.said()?.len();
    trial.start_again(&[])?;
    let answers = ask(trial)?;
    if trial.program.end()?.is_none() {
        trial.program.kill()?;
    }
    let said = trial.world.said()?.split_off(n_said);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let line = said.lines().rev().find(|line| line.contains(name)).unwrap_or_default().trim().to_owned();
    if let Some(panic) = said.lines().find(|line| line.contains("panicked at")) {
        return Ok((Outcome::Panic, panic.to_owned()));
    }
    Ok(match answers {
        Answers::Right => (Outcome::Right, line),
        Answers::Never => (Outcome::Hang, line),
        Answers::Ended if line.is_empty() => (Outcome::Unnamed, said.trim().replace('\n', " ")),
        Answers::Ended => (Outcome::Named, line),
        Answers::Error(error) if error.contains(name) || !line.is_empty() => (Outcome::Named, error),
        Answers::Error(error) => (Outcome::Unnamed, error),
        Answers::Wrong(what) if line.is_empty() => (Outcome::Wrong, what),
        Answers::Wrong(what) => (Outcome::WrongButSaid, format!("{what}; said: {line}")),
    })
}

/// What the program answered.
enum Answers {
    Right,
    Error(String),
    Wrong(String),
    Ended,
    Never,
}

/// Asks until the answers are right, or as long as a landing may take.
fn ask(trial: &mut Trial<'_>) -> Result<Answers> {
    let started = Instant::now();
    let health = Request { method: "GET", path: "/health", headers: &[], body: "" };
    while http::send(&trial.post.address, &health).is_err() {
        if trial.program.end()?.is_some() {
            return Ok(Answers::Ended);
        }
        if started.elapsed() > START_MAX {
            return Ok(Answers::Never);
        }
        std::thread::sleep(LOOKS_EVERY);
    }
    let ready = Instant::now();
    loop {
        let truth = trial.post.truth();
        let asked = Instant::now();
        let answers = trial.witness.counts(&truth).and_then(|counts| Ok((counts, trial.witness.books()?)));
        if asked.elapsed() > START_MAX {
            return Ok(Answers::Never);
        }
        let found = match answers {
            Ok((counts, books)) => match truth.compare(&counts, books).complaints.as_slice() {
                [] => return Ok(Answers::Right),
                [first, more @ ..] => Answers::Wrong(format!("{first} (and {} more)", more.len())),
            },
            Err(error) => Answers::Error(error),
        };
        drop(truth);
        if trial.program.end()?.is_some() {
            return Ok(Answers::Ended);
        }
        if ready.elapsed() > LANDING_MAX {
            return Ok(found);
        }
        std::thread::sleep(LOOKS_EVERY);
    }
}

fn print(table: &BTreeMap<&str, BTreeMap<Outcome, u64>>) {
    let heads: Vec<String> = OUTCOMES.iter().map(|(_, head)| format!("{head:>8}")).collect();
    println!("  {:<18}{:>6}{}", "file type", "tries", heads.concat());
    for (kind, outcomes) in table {
        let n = |outcome| outcomes.get(outcome).copied().unwrap_or(0);
        let cells: Vec<String> = OUTCOMES.iter().map(|(outcome, _)| format!("{:>8}", n(outcome))).collect();
        println!("  {kind:<18}{:>6}{}", outcomes.values().sum::<u64>(), cells.concat());
    }
}

/// How many of each outcome there were over all types.
fn summary(table: &BTreeMap<&str, BTreeMap<Outcome, u64>>) -> String {
    let n = |outcome| table.values().filter_map(|outcomes| outcomes.get(&outcome)).sum::<u64>();
    format!(" ({} right, {} refused by name, {} without)", n(Outcome::Right), n(Outcome::Named), n(Outcome::Unnamed))
}

#[cfg(test)]
mod tests {
    use super::type_of;
    use std::path::Path;

    #[test]
    fn tells_types_apart() {
        for (path, kind) in [
            ("events/_delta_log/00000000000000000060.checkpoint.parquet", "Delta checkpoint"),
            ("events/_delta_log/00000000000000000060.json", "Delta commit"),
            ("events/part-1.parquet", "Parquet"),
            ("intake/000000000000001e.log", "intake log"),
            ("metadata.sqlite-wal", "SQLite"),
            ("vault/keys.log", "vault keys"),
        ] {
            assert_eq!(type_of(Path::new(path)), kind);
        }
    }
}
