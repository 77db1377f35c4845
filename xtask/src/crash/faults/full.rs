//! A full disk: it is filled by a file of nothing and freed again, while messages come in.
//!
//! While it is full, messages are refused at once with a time to come back; once there is room, they are taken again without
//! a start. A question that is answered is answered rightly; it may be refused, since it cannot be put on record, and the
//! line says how often it was not.

use super::Plan;
use super::mounts::Mount;
use crate::crash::trial::{self, Found, PROBE_MESSAGES, Trial};
use crate::crash::truth::Comparison;
use crate::crash::world::World;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use xtask::shell::Result;

/// Size of the disk.
const SIZE: &str = "size=96m";
/// How long it has room, and how long it has none.
const MILLIS_ROOM: (u64, u64) = (200, 1_500);
const MILLIS_FULL: (u64, u64) = (500, 1_500);
/// How fast a refusal must come, in the middle of a round's.
const REFUSAL_SECONDS_MAX: f64 = 0.1;
/// How soon messages must be taken once there is room.
const AGAIN_MAX: Duration = Duration::from_secs(5);
const LOOKS_EVERY: Duration = Duration::from_millis(20);
/// Rounds between two comparisons.
const ROUNDS_PER_COMPARISON: u64 = 5;

/// What was seen.
#[derive(Default)]
struct Seen {
    refusal_seconds: Vec<f64>,
    again_seconds_max: f64,
    /// Rounds in which a question was answered; in the others it was refused with 503.
    n_answered: u64,
    complaints: Vec<String>,
}

/// Fills and frees.
pub(super) fn run(mut plan: Plan, program: &Path, folder: &Path) -> Result<Found> {
    let world = World::new(folder)?;
    let _mount = Mount::new(&["-t", "tmpfs", "-o", SIZE, "tmpfs"], &world.data)?;
    trial::run(program, &world, &[], |trial| {
        let mut seen = Seen::default();
        let post = trial.post;
        let broken = post.run(plan.seed, || -> Result<Option<Comparison>> {
            for round in 1..=plan.n_rounds {
                std::thread::sleep(plan.chance.millis(MILLIS_ROOM.0, MILLIS_ROOM.1));
                let full = plan.chance.millis(MILLIS_FULL.0, MILLIS_FULL.1);
                fill_and_free(trial, round, full, &mut seen)?;
                if round % ROUNDS_PER_COMPARISON == 0 {
                    let comparison = post.pause(|| trial.compare())?;
                    eprintln!("  {round} times full, {} messages acknowledged", post.truth().n_acknowledged());
                    if !comparison.complaints.is_empty() {
                        return Ok(Some(comparison));
                    }
                }
            }
            Ok(None)
        })?;
        let mut comparison = broken.map_or_else(|| trial.finish(), Ok)?;
        comparison.complaints.extend(seen.complaints);
        let slowest = seen.refusal_seconds.iter().copied().fold(0.0, f64::max) * 1_000.0;
        let (n_refusals, again) = (seen.refusal_seconds.len(), seen.again_seconds_max);
        let n_answered = seen.n_answered;
        let what = format!(
            " ({n_refusals} refusals, slowest {slowest:.0} ms; {n_answered} rounds with answers; takes again within {again:.1} s)"
        );
        Ok((what, comparison))
    })
}

fn fill_and_free(trial: &mut Trial<'_>, round: u64, full: Duration, seen: &mut Seen) -> Result<()> {
    let post = trial.post;
    let ballast = trial.world.data.join("ballast");
    let started = Instant::now();
    let mut seconds = Vec::new();
    while started.elapsed() < full {
        // Again and again, since the program may make room.
        fill(&ballast)?;
        let Some(answer) = post.try_new(PROBE_MESSAGES) else {
            return Err(format!("round {round}: nobody answers while the disk is full"));
        };
        if answer.status == 503 {
            seconds.push(answer.seconds);
            if answer.header("retry-after").next().is_none() {
                seen.complaints.push(format!("round {round}: a refusal does not say when to come back"));
            }
        }
        std::thread::sleep(LOOKS_EVERY);
    }
    match trial.witness.counts(&post.truth()) {
        Ok(_) => seen.n_answered += 1,
        Err(error) if error.contains(": 503 ") => {}
        Err(error) => seen.complaints.push(format!("round {round}: a question on a full disk got {error}")),
    }
    seconds.sort_by(f64::total_cmp);
    match seconds.get(seconds.len() / 2) {
        None => eprintln!("  round {round}: everything was taken while the disk was full"),
        Some(middle) if *middle > REFUSAL_SECONDS_MAX => {
            seen.complaints.push(format!("round {round}: a refusal took {:.0} ms", middle * 1_000.0));
        }
        Some(_) => {}
    }
    seen.refusal_seconds.extend(seconds);
    fs::remove_file(&ballast).map_err(|error| format!("{}: {error}", ballast.display()))?;
    let freed = Instant::now();
    while !post.send_new(PROBE_MESSAGES).1 {
        if freed.elapsed() > AGAIN_MAX {
            return Err(format!("round {round}: no messages are taken {AGAIN_MAX:?} after there was room"));
        }
        std::thread::sleep(LOOKS_EVERY);
    }
    seen.again_seconds_max = seen.again_seconds_max.max(freed.elapsed().as_secs_f64());
    Ok(())
}

/// Takes all the room there is, to the last page.
fn fill(ballast: &Path) -> Result<()> {
    let failed = |error: std::io::Error| format!("{}: {error}", ballast.display());
    let mut file = OpenOptions::new().create(true).append(true).open(ballast).map_err(failed)?;
    for n_bytes in [1 << 20, 1 << 12] {
        let nothing = vec![0; n_bytes];
        loop {
            match file.write_all(&nothing) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                Err(error) => return Err(failed(error)),
            }
        }
    }
    Ok(())
}
