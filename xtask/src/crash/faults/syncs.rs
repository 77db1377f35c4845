//! Syncs that fail: the n-th fsync and fdatasync of each thread returns an error of the disk, once.
//!
//! Under the fault the program may refuse to start, refuse messages, or go on; what it answers must be right. A life with a
//! fault ends with a loss of power, where the machine allows that: what a failed sync left in memory only is forgotten, so
//! that an acknowledgement in spite of it is found. After it, on a disk that is well, the program must be there again with
//! all that it acknowledged.

use super::Plan;
use super::disk::{self, Disk};
use super::{mounts, power};
use crate::crash::traced;
use crate::crash::trial::{self, Found, Trial};
use crate::crash::truth::{Comparison, Count};
use crate::crash::world::World;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Child;
use std::time::Duration;
use xtask::http::{self, Request};
use xtask::shell::Result;

/// How long it runs under the fault.
const RUNS: Duration = Duration::from_millis(1_500);
const LOOKS_EVERY: Duration = Duration::from_millis(20);
/// Messages of the batch that tries, after the fault, whether it still takes one.
const PROBE_MESSAGES: u64 = 2;

/// How the program bore a fault.
#[derive(Default)]
struct Borne {
    n_went_on: u64,
    n_refused_messages: u64,
    n_refused_starts: u64,
    complaints: Vec<String>,
}

/// One life with a fault and one without, for each n.
pub(super) fn run(plan: Plan, program: &Path, folder: &Path) -> Result<Found> {
    let world = World::new(folder)?;
    let mut disk = match mounts::why_not(disk::TOOLS) {
        None => Some(Disk::new(folder, &world.data)?),
        Some(reason) => {
            eprintln!("  kills in place of losses of power, because {reason}");
            None
        }
    };
    trial::run(program, &world, &[], |trial| {
        let mut borne = Borne::default();
        let post = trial.post;
        let broken = post.run(plan.seed, || -> Result<Option<Comparison>> {
            let mut before = BTreeMap::new();
            for n in 1..=plan.n_rounds {
                trial.program.kill()?;
                let strace = suffer(trial, n, &before, &mut borne)?;
                match &mut disk {
                    Some(disk) => power::lose(trial, disk)?,
                    None => trial.program.kill()?,
                }
                if let Some(mut strace) = strace {
                    strace.wait().map_err(|error| format!("strace: {error}"))?;
                }
                trial.start_again(&[])?;
                trial.wait()?;
                trial.renew_token()?;
                let comparison = post.pause(|| trial.compare())?;
                if !comparison.complaints.is_empty() {
                    eprintln!("  wrong after sync {n} failed");
                    return Ok(Some(comparison));
                }
                before = trial.witness.counts(&post.truth())?;
            }
            Ok(None)
        })?;
        let mut comparison = broken.map_or_else(|| trial.finish(), Ok)?;
        let Borne { n_went_on, n_refused_messages, n_refused_starts, complaints } = borne;
        comparison.complaints.extend(complaints);
        let what = format!(
            " ({n_went_on} lives went on, {n_refused_messages} took nothing more, {n_refused_starts} starts refused)"
        );
        Ok((what, comparison))
    })
}

/// A start with the fault; where that ends it, a life that has the fault once it is there, by a strace that ends with it.
fn suffer(trial: &mut Trial<'_>, n: u64, before: &BTreeMap<String, Count>, borne: &mut Borne) -> Result<Option<Child>> {
    trial.start_again(&traced::failing_sync(n))?;
    if live(trial, n, before, borne)? {
        return Ok(None);
    }
    borne.n_refused_starts += 1;
    trial.start_again(&[])?;
    trial.wait()?;
    let strace = traced::fail_sync_of(trial.program.id(), n)?;
    live(trial, n, before, borne)?;
    Ok(Some(strace))
}

/// Lives with the fault, and asks in the end; false if it ended by itself.
fn live(trial: &mut Trial<'_>, n: u64, before: &BTreeMap<String, Count>, borne: &mut Borne) -> Result<bool> {
    let health = Request { method: "GET", path: "/health", headers: &[], body: "" };
    let mut n_looks = 0;
    while http::send(&trial.post.address, &health).is_err() && n_looks < 500 {
        if trial.program.end()?.is_some() {
            return Ok(false);
        }
        std::thread::sleep(LOOKS_EVERY);
        n_looks += 1;
    }
    std::thread::sleep(RUNS);
    if trial.program.end()?.is_some() {
        return Ok(false);
    }
    let truth = trial.post.truth();
    match trial.witness.counts(&truth) {
        Ok(counts) => {
            borne.complaints.extend(wrong(n, before, &counts));
            borne.complaints.extend(truth.too_many(&counts));
        }
        Err(error) if error.contains(": 503 ") => {}
        Err(error) => borne.complaints.push(format!("sync {n} failed, and a question got {error}")),
    }
    drop(truth);
    if trial.post.send_new(PROBE_MESSAGES).1 {
        borne.n_went_on += 1;
    } else {
        borne.n_refused_messages += 1;
    }
    Ok(true)
}

/// What was counted before the fault must still be.
fn wrong(n: u64, before: &BTreeMap<String, Count>, now: &BTreeMap<String, Count>) -> Vec<String> {
    let n_now = |name: &String| now.get(name).map_or(0, |count| count.n);
    let fewer = before.iter().filter(|(name, count)| n_now(name) < count.n);
    fewer.map(|(name, count)| format!("sync {n} failed: {name} had {}, has {}", count.n, n_now(name))).collect()
}
