//! The way of messages: the collector in front, the log, and behind it what brings them to the tables.
//!
//! Four threads: one commits to the log, one lands, one compacts, one hands the collector the sources as the workspace
//! defines them now. Each goes on after any error, which it logs; what was acknowledged waits in the log meanwhile. They
//! end when the pipeline is dropped, after what they are at.

use crate::files::WorkspaceFolder;
use crate::state::State;
use collect::Intake;
use lake::{IntakeLog, IntakeOptions};
use spec::Result;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use thread_priority::ThreadPriority;
use workspace::Definitions;

/// How much the log holds and takes at once.
const INTAKE: IntakeOptions = IntakeOptions {
    segment_bytes_max: 64 << 20,
    log_bytes_max: 8 << 30,
    queue_bytes_max: 24 << 20,
    group_bytes_max: 8 << 20,
    next_min: 0,
    free_bytes_min: 16 << 20,
};
/// How often what came is landed.
const LANDING_EVERY: Duration = Duration::from_secs(1);
/// After how long what came is landed if somebody has said no.
const URGENT_EVERY: Duration = Duration::from_millis(200);
/// How often files are looked at for compaction.
const COMPACTION_EVERY: Duration = Duration::from_secs(5);
/// How often the workspace is looked at for new keys and contracts, and the disk for room.
const RULES_EVERY: Duration = Duration::from_secs(1);
/// How long the log may take for an answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
/// How much of the processors landing and compaction get where others want them too.
const LANDING_PRIORITY: u8 = 44;
const COMPACTION_PRIORITY: u8 = 25;
/// How long to wait after an error.
const AFTER_ERROR: Duration = Duration::from_secs(3);

/// The collector and what runs behind it.
pub(crate) struct Pipeline {
    pub(crate) intake: Arc<Intake>,
    log: Arc<IntakeLog>,
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

/// Tells the threads to end, and wakes them for it.
#[derive(Default)]
struct Stop {
    is_over: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Waits; true when it is over.
    fn wait(&self, pause: Duration) -> bool {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(is_over, pause, |is_over| !*is_over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn end(&self) {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

impl Pipeline {
    /// Opens the log and starts the threads.
    pub(crate) fn start(state: &Arc<State>) -> Result<Pipeline> {
        let (log, recovered) = state.lake.open_intake(INTAKE)?;
        if recovered.torn_bytes + recovered.damaged_bytes + recovered.n_missing > 0 {
            tracing::warn!(
                torn_bytes = recovered.torn_bytes,
                damaged_bytes = recovered.damaged_bytes,
                n_missing = recovered.n_missing,
                "the intake log was not whole"
            );
        }
        let log = Arc::new(log);
        let intake = Arc::new(Intake::new(Arc::clone(&log), Arc::clone(&state.clock), state.places.clone()));
        set_rules(&intake, &state.folder, &state.folder.current()?.definitions);
        let stop = Arc::new(Stop::default());
        let mut pipeline = Pipeline { intake, log, stop, threads: Vec::new() };
        pipeline.run("log", |log, _, _, _| log.run(), state)?;
        pipeline.run("landing", land, state)?;
        pipeline.run("compaction", |_, _, state, stop| compact(state, stop), state)?;
        pipeline.run("rules", |_, intake, state, stop| follow(intake, state, stop), state)?;
        Ok(pipeline)
    }

    /// Writes records to the log and waits until they are on disk.
    pub(crate) fn submit(&self, records: Vec<Vec<u8>>) -> Result<()> {
        let (sender, receiver) = std::sync::mpsc::channel();
        // Nobody listens any more only when this has given up, and then nobody needs the answer.
        self.log.submit(records, Box::new(move |outcome| drop(sender.send(outcome))))?;
        let answer = receiver.recv_timeout(ANSWER_WAIT_MAX).map_err(|_| crate::error::slow_log())?;
        answer.map(drop)
    }

    fn run(&mut self, name: &str, work: fn(&IntakeLog, &Intake, &State, &Stop), state: &Arc<State>) -> Result<()> {
        let (log, intake) = (Arc::clone(&self.log), Arc::clone(&self.intake));
        let (state, stop) = (Arc::clone(state), Arc::clone(&self.stop));
        let started =
            std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&log, &intake, &state, &stop));
        self.threads.push(started.map_err(crate::error::threads)?);
        Ok(())
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.stop.end();
        self.log.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// What the work gives; `None` when it panicked, which has been said and must not end the thread.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

/// Lets those go first on the processors who answer senders and questions; `priority` of others is 50, of 0..=99.
fn step_back(priority: u8) {
    let priority = ThreadPriority::Crossplatform(priority.try_into().expect("both priorities are below 100"));
    if let Err(cause) = thread_priority::set_current_thread_priority(priority) {
        tracing::debug!(error = ?cause, "a thread keeps its priority");
    }
}

fn land(log: &IntakeLog, intake: &Intake, state: &State, stop: &Stop) {
    step_back(LANDING_PRIORITY);
    loop {
        intake.begin_landing();
        let landing = caught(|| state.lake.land(log));
        intake.end_landing(landing.as_ref().and_then(|done| Some(done.as_ref().ok()?.until)));
        let has_landed = matches!(landing, Some(Ok(_)));
        let pause = match landing {
            Some(Ok(landing)) if landing.is_more => Duration::ZERO,
            Some(Ok(_)) => LANDING_EVERY,
            Some(Err(error)) => {
                tracing::warn!(error = %error.chain(), "messages cannot land, and wait in the log");
                AFTER_ERROR
            }
            None => AFTER_ERROR,
        };
        let mut left = pause;
        loop {
            if stop.wait(left.min(URGENT_EVERY)) {
                return;
            }
            left = left.saturating_sub(URGENT_EVERY);
            // Somebody who says no does not wait for the others.
            if left.is_zero() || (has_landed && intake.take_urgent()) {
                break;
            }
        }
    }
}

fn compact(state: &State, stop: &Stop) {
    step_back(COMPACTION_PRIORITY);
    loop {
        let work = || Ok(state.lake.settle(false)?.is_some() || state.lake.compact()?.is_some());
        let pause: Duration = match caught(work) {
            Some(Ok(true)) => Duration::ZERO,
            Some(Ok(false)) => COMPACTION_EVERY,
            Some(Err(error)) => {
                let error: spec::Error = error;
                tracing::warn!(error = %error.chain(), "files cannot be compacted");
                AFTER_ERROR
            }
            None => AFTER_ERROR,
        };
        if stop.wait(pause) {
            return;
        }
    }
}

fn follow(intake: &Intake, state: &State, stop: &Stop) {
    let mut seen = None;
    while !stop.wait(RULES_EVERY) {
        state.store.keep_reserve();
        // A workspace that cannot be read leaves the keys as they were; whoever asks is told.
        let Ok(loaded) = state.folder.current() else { continue };
        let version = loaded.definitions.version.clone();
        if seen.as_ref() != Some(&version) {
            set_rules(intake, &state.folder, &loaded.definitions);
            seen = Some(version);
        }
    }
}

/// Tells the collector what holds now. A purpose whose file is there but broken stays as it was, so that nobody's no about it
/// is lost meanwhile.
pub(crate) fn set_rules(intake: &Intake, folder: &WorkspaceFolder, definitions: &Definitions) {
    let sources: Vec<spec::Source> = definitions.sources.values().cloned().collect();
    let purposes: Vec<spec::Purpose> = definitions.purposes.values().cloned().collect();
    let is_there = |purpose: &str| folder.path().join(format!("purposes/{purpose}.yaml")).is_file();
    intake.set_rules(&sources, &purposes, &is_there);
}
