//! The rhythm: start, wait, kill, and from time to time a comparison of all that is there with all that was sent.

use super::Options;
use super::chance::Chance;
use super::program::{Program, free_address, token};
use super::senders::Post;
use super::tail;
use super::truth::Comparison;
use super::witness::Witness;
use super::world::World;
use crate::shell::Result;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the program may take to be there again.
const START_SECONDS_MAX: f64 = 5.0;
/// Kills between two comparisons.
const KILLS_PER_COMPARISON: u64 = 10;
/// How long it runs before it is killed: once it is there, and where its start is not waited for.
const MILLIS_RUNNING: (u64, u64) = (100, 3_000);
const MILLIS_STARTING: (u64, u64) = (5, 200);
/// Of a hundred starts so many are not waited for.
const EARLY_PERCENT: u64 = 15;
/// Complaints that are printed.
const COMPLAINTS_MAX: usize = 30;
/// How long batches without an answer are sent again at the end.
const SETTLING_MAX: Duration = Duration::from_secs(30);
/// Messages of a batch that tries whether the program takes one.
const PROBE_MESSAGES: u64 = 10;

/// What a run found.
pub(super) struct Found {
    n_acknowledged: u64,
    comparison: Comparison,
    start_seconds: Vec<f64>,
    n_panics: usize,
}

impl Found {
    /// The one line.
    pub(super) fn line(&self, n_kills: u64, seed: u64) -> String {
        let Comparison { n_lost, n_double, .. } = self.comparison;
        format!(
            "crash: {n_kills} kills, seed {seed}: {} acknowledged, {n_lost} lost, {n_double} double, slowest start {:.1} s",
            self.n_acknowledged,
            self.slowest()
        )
    }

    /// Everything that is wrong, not too much of it.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut complaints = self.comparison.complaints.clone();
        if complaints.len() > COMPLAINTS_MAX {
            let n_more = complaints.len() - COMPLAINTS_MAX;
            complaints.truncate(COMPLAINTS_MAX);
            complaints.push(format!("and {n_more} more"));
        }
        if self.slowest() > START_SECONDS_MAX {
            complaints.push(format!("a start took {:.1} s, at most {START_SECONDS_MAX} are right", self.slowest()));
        }
        if self.n_panics > 0 {
            complaints.push(format!("the program panicked {} times; program.log has it", self.n_panics));
        }
        complaints
    }

    fn slowest(&self) -> f64 {
        self.start_seconds.iter().copied().fold(0.0, f64::max)
    }
}

/// Kills as often as asked, the last time at rest, and compares.
pub(super) fn run(options: &Options, program: &Path, folder: &Path) -> Result<Found> {
    let world = World::new(folder)?;
    let post = Post::new(free_address()?);
    let outcome = Driver::start(options, program, &world, &post).and_then(Driver::run);
    // For whoever wants to know what became of a batch, also where the run broke off.
    let table = post.truth().table();
    std::fs::write(&world.truth, table).map_err(|error| format!("{}: {error}", world.truth.display()))?;
    let (comparison, start_seconds) = outcome?;
    let said = std::fs::read(&world.log).map_err(|error| format!("{}: {error}", world.log.display()))?;
    let n_panics = String::from_utf8_lossy(&said).matches("panicked at").count();
    let n_acknowledged = post.truth().n_acknowledged();
    Ok(Found { n_acknowledged, comparison, start_seconds, n_panics })
}

/// What a run works with.
struct Driver<'a> {
    options: &'a Options,
    path: &'a Path,
    world: &'a World,
    post: &'a Post,
    chance: Chance,
    witness: Witness,
    program: Program,
    start_seconds: Vec<f64>,
}

impl<'a> Driver<'a> {
    /// The first start. The first two batches are singles, so that singles are never one person's.
    fn start(options: &'a Options, path: &'a Path, world: &'a World, post: &'a Post) -> Result<Driver<'a>> {
        let mut program = Program::start(path, world, &post.address)?;
        let mut n_singles = 0;
        let first_seconds = program.wait(|| {
            n_singles += u64::from(post.send_new(1).1);
            n_singles >= 2
        })?;
        let witness = Witness { address: post.address.clone(), token: token(path, world)? };
        let (chance, start_seconds) = (Chance::new(options.seed, 0), vec![first_seconds]);
        Ok(Driver { options, path, world, post, chance, witness, program, start_seconds })
    }

    fn run(mut self) -> Result<(Comparison, Vec<f64>)> {
        let post = self.post;
        let mut comparison = match post.run(self.options.seed, || self.kill_under_load())? {
            Some(broken) => broken,
            None => {
                self.settle()?;
                self.compare()?
            }
        };
        if comparison.complaints.is_empty() {
            // The last kill, at rest: nothing may change by it.
            self.restart(self.options.n_kills)?;
            self.wait()?;
            comparison = self.compare()?;
        }
        Ok((comparison, self.start_seconds))
    }

    /// All kills but the last, and a comparison that found something, which ends them.
    fn kill_under_load(&mut self) -> Result<Option<Comparison>> {
        let mut is_starting = false;
        for kill in 1..self.options.n_kills {
            let (from, to) = if is_starting { MILLIS_STARTING } else { MILLIS_RUNNING };
            std::thread::sleep(self.chance.millis(from, to));
            self.restart(kill)?;
            let is_due = kill % KILLS_PER_COMPARISON == 0;
            is_starting = !is_due && self.chance.percent(EARLY_PERCENT);
            if is_starting {
                continue;
            }
            self.wait()?;
            if is_due {
                let post = self.post;
                let comparison = post.pause(|| self.compare())?;
                eprintln!("  {kill} kills, {} messages acknowledged", post.truth().n_acknowledged());
                if !comparison.complaints.is_empty() {
                    return Ok(Some(comparison));
                }
            }
        }
        if is_starting {
            self.wait()?;
        }
        Ok(None)
    }

    /// Kills the program and starts it again; it is not there yet.
    fn restart(&mut self, kill: u64) -> Result<()> {
        self.program.kill()?;
        if self.options.is_power && kill.is_multiple_of(2) {
            tail::tear(&self.world.data, &mut self.chance)?;
        }
        self.program = Program::start(self.path, self.world, &self.post.address)?;
        Ok(())
    }

    /// Waits until the program is ready and has taken a batch.
    fn wait(&mut self) -> Result<()> {
        let post = self.post;
        let seconds = self.program.wait(|| post.send_new(PROBE_MESSAGES).1)?;
        self.start_seconds.push(seconds);
        Ok(())
    }

    /// Sends what was never acknowledged until it is.
    fn settle(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            let open = self.post.truth().open();
            if open.is_empty() {
                return Ok(());
            }
            if started.elapsed() > SETTLING_MAX {
                return Err(format!("{} batches are not taken, however often they are sent", open.len()));
            }
            for index in open {
                self.post.send_again(index);
            }
        }
    }

    /// Holds what is counted against what was sent, once all of it has landed. Nobody may send meanwhile.
    fn compare(&self) -> Result<Comparison> {
        let (last, is_acknowledged) = self.post.send_new(PROBE_MESSAGES);
        if !is_acknowledged {
            return Err("the program does not take a batch, though nobody else sends one".to_owned());
        }
        let landed = self.witness.wait_for(last);
        // Where it does not land in time, the comparison says what is missing.
        let truth = self.post.truth();
        let mut comparison = truth.compare(&self.witness.counts(&truth)?, self.witness.books()?);
        comparison.complaints.extend(landed.err());
        Ok(comparison)
    }
}
