//! One run: the program on its workspace, who sends and who asks, and what every run does with them.
//!
//! Place in the flow: `driver` and the `faults` say what befalls the program and when; this starts it again, waits for it,
//! and holds what it counts against what it acknowledged.

use super::program::{Program, free_address, token};
use super::senders::Post;
use super::truth::Comparison;
use super::witness::Witness;
use super::world::World;
use std::path::Path;
use std::time::{Duration, Instant};
use xtask::shell::Result;

/// How long the program may take to be there again.
const START_SECONDS_MAX: f64 = 5.0;
/// Complaints that are printed.
const COMPLAINTS_MAX: usize = 30;
/// How long batches without an answer are sent again at the end.
const SETTLING_MAX: Duration = Duration::from_secs(30);
/// Messages of a batch that tries whether the program takes one.
pub(super) const PROBE_MESSAGES: u64 = 10;

/// What a run found.
#[derive(Default)]
pub(super) struct Found {
    /// What was done to the program, with figures of its own.
    pub(super) what: String,
    pub(super) n_acknowledged: u64,
    pub(super) comparison: Comparison,
    pub(super) start_seconds: Vec<f64>,
    pub(super) n_panics: usize,
}

impl Found {
    /// The one line.
    pub(super) fn line(&self) -> String {
        let Comparison { n_lost, n_double, .. } = self.comparison;
        format!(
            "{}: {} acknowledged, {n_lost} lost, {n_double} double, slowest start {:.1} s",
            self.what,
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

/// What a run works with.
pub(super) struct Trial<'a> {
    path: &'a Path,
    pub(super) world: &'a World,
    pub(super) post: &'a Post,
    pub(super) witness: Witness,
    pub(super) program: Program,
    start_seconds: Vec<f64>,
}

/// Starts the program, does something with it, and writes down what was sent, also where that broke off. What is done
/// says what it did and how the last comparison came out.
pub(super) fn run(
    path: &Path,
    world: &World,
    under: &[String],
    work: impl FnOnce(&mut Trial<'_>) -> Result<(String, Comparison)>,
) -> Result<Found> {
    let post = Post::new(free_address()?);
    let outcome = Trial::start(path, world, &post, under).and_then(|mut trial| {
        let (what, comparison) = work(&mut trial)?;
        Ok((what, comparison, std::mem::take(&mut trial.start_seconds)))
    });
    // For whoever wants to know what became of a batch.
    let table = post.truth().table();
    std::fs::write(&world.truth, table).map_err(|error| format!("{}: {error}", world.truth.display()))?;
    let (what, comparison, start_seconds) = outcome?;
    let n_panics = world.said()?.matches("panicked at").count();
    let n_acknowledged = post.truth().n_acknowledged();
    Ok(Found { what, n_acknowledged, comparison, start_seconds, n_panics })
}

impl<'a> Trial<'a> {
    /// The first start. The first two batches are singles, so that singles are never one person's.
    fn start(path: &'a Path, world: &'a World, post: &'a Post, under: &[String]) -> Result<Trial<'a>> {
        let mut program = Program::start(under, path, world, &post.address)?;
        let mut n_singles = 0;
        let first_seconds = program.wait(|| {
            n_singles += u64::from(post.send_new(1).1);
            n_singles >= 2
        })?;
        let witness = Witness { address: post.address.clone(), token: token(path, world)? };
        Ok(Trial { path, world, post, witness, program, start_seconds: vec![first_seconds] })
    }

    /// Starts the program again; it is not there yet.
    pub(super) fn start_again(&mut self, under: &[String]) -> Result<()> {
        self.program = Program::start(under, self.path, self.world, &self.post.address)?;
        Ok(())
    }

    /// Asks with a new token from now on.
    pub(super) fn renew_token(&mut self) -> Result<()> {
        self.witness.token = token(self.path, self.world)?;
        Ok(())
    }

    /// Waits until the program is ready and has taken a batch.
    pub(super) fn wait(&mut self) -> Result<()> {
        let post = self.post;
        let seconds = self.program.wait(|| post.send_new(PROBE_MESSAGES).1)?;
        self.start_seconds.push(seconds);
        Ok(())
    }

    /// Sends what was never acknowledged until it is.
    pub(super) fn settle(&self) -> Result<()> {
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
    pub(super) fn compare(&self) -> Result<Comparison> {
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

    /// The end of every run: what is open is sent until it is taken, and nothing may change by a last kill at rest.
    pub(super) fn finish(&mut self) -> Result<Comparison> {
        self.settle()?;
        let comparison = self.compare()?;
        if comparison.complaints.is_empty() { self.kill_at_rest() } else { Ok(comparison) }
    }

    fn kill_at_rest(&mut self) -> Result<Comparison> {
        self.program.kill()?;
        self.start_again(&[])?;
        self.wait()?;
        self.compare()
    }
}
