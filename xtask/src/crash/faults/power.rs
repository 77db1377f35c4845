//! Losses of power: what had not reached the disk is forgotten, at any moment and under load.
//!
//! What was acknowledged before the picture was taken must be there afterwards; what was acknowledged later belongs to a
//! time that never was, and may be there or not. With syncs that do nothing the same run must lose something.

use super::Plan;
use super::disk::Disk;
use crate::crash::trial::{self, Found, Trial};
use crate::crash::truth::Comparison;
use crate::crash::world::World;
use std::path::Path;
use xtask::shell::Result;

/// Makes the syncs of the program after it do nothing.
pub(super) const VOID_SYNCS: &str = "eatmydata";
/// How long it runs before the power goes.
const MILLIS_RUNNING: (u64, u64) = (100, 3_000);
/// Losses between two comparisons.
const LOSSES_PER_COMPARISON: u64 = 5;

/// Loses power as often as asked.
pub(super) fn run(mut plan: Plan, program: &Path, folder: &Path) -> Result<Found> {
    let world = World::new(folder)?;
    let mut disk = Disk::new(folder, &world.data)?;
    trial::run(program, &world, &[], |trial| {
        let post = trial.post;
        let seed = plan.seed;
        let broken = post.run(seed, || -> Result<Option<Comparison>> {
            for round in 1..=plan.n_rounds {
                std::thread::sleep(plan.chance.millis(MILLIS_RUNNING.0, MILLIS_RUNNING.1));
                lose(trial, &mut disk)?;
                trial.start_again(&[])?;
                trial.wait()?;
                // No promise is made for a token: the loss may have taken it along.
                trial.renew_token()?;
                if round % LOSSES_PER_COMPARISON == 0 {
                    let comparison = post.pause(|| trial.compare())?;
                    eprintln!("  {round} losses of power, {} messages acknowledged", post.truth().n_acknowledged());
                    if !comparison.complaints.is_empty() {
                        return Ok(Some(comparison));
                    }
                }
            }
            Ok(None)
        })?;
        let comparison = broken.map_or_else(|| trial.finish(), Ok)?;
        Ok((String::new(), comparison))
    })
}

/// The same with syncs that do nothing, until something is lost. If nothing ever is, `run` proves nothing.
pub(super) fn control(mut plan: Plan, program: &Path, folder: &Path) -> Result<Found> {
    let world = World::new(folder)?;
    let mut disk = Disk::new(folder, &world.data)?;
    let under = [VOID_SYNCS.to_owned()];
    let mut found = trial::run(program, &world, &under, |trial| {
        let post = trial.post;
        let seed = plan.seed;
        post.run(seed, || -> Result<(String, Comparison)> {
            for round in 1..=plan.n_rounds {
                std::thread::sleep(plan.chance.millis(MILLIS_RUNNING.0, MILLIS_RUNNING.1));
                lose(trial, &mut disk)?;
                trial.start_again(&under)?;
                // A program whose files contradict each other may refuse to start: what it acknowledged is lost as well.
                if let Err(error) = trial.wait() {
                    return Ok((
                        format!(", right so by loss {round}, which left what does not start ({error})"),
                        <_>::default(),
                    ));
                }
                trial.renew_token()?;
                let comparison = post.pause(|| trial.compare())?;
                if comparison.n_lost > 0 {
                    // It is what this run is for.
                    let lost = Comparison { complaints: Vec::new(), ..comparison };
                    return Ok((format!(", right so by loss {round}"), lost));
                }
            }
            Err("nothing was lost without a single sync, so the run with syncs shows nothing".to_owned())
        })
    })?;
    // It may say and take as long as it likes.
    (found.n_panics, found.start_seconds) = (0, Vec::new());
    Ok(found)
}

/// Takes the picture, and ends the program and all that came after the picture.
pub(super) fn lose(trial: &mut Trial<'_>, disk: &mut Disk) -> Result<()> {
    let acks = trial.post.truth().acks();
    disk.take_picture()?;
    trial.program.kill()?;
    disk.back_to_picture()?;
    // Whoever still sends has noticed by then.
    trial.post.pause(|| trial.post.truth().back_to(&acks));
    Ok(())
}
