//! The rhythm of kills: wait, kill, start, and from time to time a comparison of all that is there with all that was sent.

use super::Options;
use super::chance::Chance;
use super::tail;
use super::traced::Call;
use super::trial::{self, Found, Trial};
use super::truth::Comparison;
use super::world::World;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use xtask::shell::Result;

/// Kills between two comparisons.
const KILLS_PER_COMPARISON: u64 = 10;
/// How long it runs before it is killed: once it is there, and where its start is not waited for.
const MILLIS_RUNNING: (u64, u64) = (100, 3_000);
const MILLIS_STARTING: (u64, u64) = (5, 200);
/// Of a hundred starts so many are not waited for.
const EARLY_PERCENT: u64 = 15;
/// How long it may take to come to the call at which it is to be killed; then it is killed wherever it is.
const CALL_MAX: Duration = Duration::from_secs(3);
const LOOKS_EVERY: Duration = Duration::from_millis(10);

/// What ends the life of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A moment after it is there.
    Running,
    /// A moment after its start, which is not waited for.
    Starting,
    /// A system call, whenever it comes to it.
    At(Call),
}

/// Kills as often as asked, the last time at rest, and compares.
pub(super) fn run(options: &Options, program: &Path, folder: &Path) -> Result<Found> {
    let world = World::new(folder)?;
    trial::run(program, &world, &[], |trial| {
        let chance = Chance::new(options.seed, 0);
        let mut driver = Driver { options, trial, chance, at_calls: BTreeMap::new() };
        let post = driver.trial.post;
        let comparison = match post.run(options.seed, || driver.kill_under_load())? {
            Some(broken) => broken,
            None => driver.trial.finish()?,
        };
        Ok((driver.what(), comparison))
    })
}

struct Driver<'a, 'b> {
    options: &'a Options,
    trial: &'a mut Trial<'b>,
    chance: Chance,
    /// How often it was killed at which call.
    at_calls: BTreeMap<&'static str, u64>,
}

impl Driver<'_, '_> {
    /// All kills but the last, and a comparison that found something, which ends them.
    fn kill_under_load(&mut self) -> Result<Option<Comparison>> {
        let mut end = End::Running;
        for kill in 1..self.options.n_kills {
            self.live_until(end)?;
            let is_due = kill % KILLS_PER_COMPARISON == 0;
            end = if is_due { End::Running } else { self.draw_end() };
            self.restart(kill, end)?;
            if end != End::Running {
                continue;
            }
            self.trial.wait()?;
            if is_due {
                let post = self.trial.post;
                let comparison = post.pause(|| self.trial.compare())?;
                eprintln!("  {kill} kills, {} messages acknowledged", post.truth().n_acknowledged());
                if !comparison.complaints.is_empty() {
                    return Ok(Some(comparison));
                }
            }
        }
        match end {
            End::Running => {}
            End::Starting => self.trial.wait()?,
            End::At(_) => {
                self.live_until(end)?;
                self.restart(self.options.n_kills, End::Running)?;
                self.trial.wait()?;
            }
        }
        Ok(None)
    }

    fn draw_end(&mut self) -> End {
        // Nothing is drawn where nothing is asked for, so that a seed stays what it was.
        if self.options.at_calls_percent > 0 && self.chance.percent(self.options.at_calls_percent) {
            End::At(Call::draw(&mut self.chance))
        } else if self.chance.percent(EARLY_PERCENT) {
            End::Starting
        } else {
            End::Running
        }
    }

    /// Lets it run until it is to be killed, and kills it.
    fn live_until(&mut self, end: End) -> Result<()> {
        match end {
            End::Running => std::thread::sleep(self.chance.millis(MILLIS_RUNNING.0, MILLIS_RUNNING.1)),
            End::Starting => std::thread::sleep(self.chance.millis(MILLIS_STARTING.0, MILLIS_STARTING.1)),
            End::At(call) => self.live_until_call(call)?,
        }
        self.trial.program.kill()
    }

    fn live_until_call(&mut self, call: Call) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < CALL_MAX {
            if let Some(status) = self.trial.program.end()? {
                if status.code().is_some() {
                    return Err(format!(
                        "the program ended by itself ({status}) before {call:?}; program.log says why"
                    ));
                }
                *self.at_calls.entry(call.name).or_default() += 1;
                return Ok(());
            }
            std::thread::sleep(LOOKS_EVERY);
        }
        Ok(())
    }

    /// Starts the program again after a kill; it is not there yet.
    fn restart(&mut self, kill: u64, end: End) -> Result<()> {
        if self.options.is_power && kill.is_multiple_of(2) {
            tail::tear(&self.trial.world.data, &mut self.chance)?;
        }
        let under = if let End::At(call) = end { call.kill() } else { Vec::new() };
        self.trial.start_again(&under)
    }

    fn what(&self) -> String {
        let Options { n_kills, seed, .. } = self.options;
        let n_at_calls: u64 = self.at_calls.values().sum();
        if n_at_calls == 0 {
            return format!("crash: {n_kills} kills, seed {seed}");
        }
        let each: Vec<String> = self.at_calls.iter().map(|(name, n)| format!("{name} {n}")).collect();
        eprintln!("  killed at system calls: {}", each.join(", "));
        format!("crash: {n_kills} kills, {n_at_calls} of them at system calls, seed {seed}")
    }
}
