//! The collector: rules at hand, the log behind, answers once everything is on disk.

use crate::delivery::{self, Taken};
use crate::heard::Heard;
use crate::landing::Landed;
use crate::lookups::Lookups;
use crate::meter::Tally;
use crate::places::Places;
use crate::replay::{self, Rechecked};
use crate::rules::{KeyRules, Rules};
use crate::{preferences, refusal, settings};
use api::{Choice, Collector, Delivery, LinkHolder, PreferenceLink, Pulse, Receipt, Refusal};
use lake::{Clock, IntakeLog};
use serde_json::Value as Json;
use spec::{Error, ErrorKind, KeyKind, Purpose, Result, Source};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// When to try again after the log took nothing, in seconds: while it is full, and after a write that failed.
const FULL_RETRY_SECONDS: u64 = 5;
const FAILED_RETRY_SECONDS: u64 = 2;

/// Takes events in: checks them against the contracts and writes them to the intake log.
///
/// Somebody else runs the log (`IntakeLog::run`); without that nothing is ever answered.
pub struct Intake {
    log: Arc<IntakeLog>,
    clock: Arc<dyn Clock>,
    rules: RwLock<Arc<Rules>>,
    lookups: Lookups,
    is_durable: Arc<AtomicBool>,
    landed: Mutex<Landed>,
    heard: Arc<Heard>,
}

/// Who hears the outcome, exactly once.
type Told = Box<dyn FnOnce(Receipt) + Send>;

/// What is left to do when the log has answered.
struct Pending {
    taken: Taken,
    /// Whether anything of consent is to be kept.
    says_consent: bool,
    told: Told,
}

impl Intake {
    /// Makes a collector that knows no source yet, and of addresses only what `places` say.
    pub fn new(log: Arc<IntakeLog>, clock: Arc<dyn Clock>, places: Option<Arc<Places>>) -> Intake {
        let landed = Mutex::new(Landed::new(clock.now().timestamp_micros()));
        let lookups = Lookups::new(Arc::clone(&clock), places);
        let is_durable = Arc::new(AtomicBool::new(true));
        Intake { log, clock, rules: RwLock::default(), lookups, is_durable, landed, heard: Arc::default() }
    }

    /// Notes that somebody begins to bring what is in the log to the tables.
    pub fn begin_landing(&self) {
        let now_micros = self.clock.now().timestamp_micros();
        self.landed().begin(self.log.next(), now_micros);
    }

    /// Notes that the tables hold all records before this one; `None` when it failed.
    pub fn end_landing(&self, until: Option<u64>) {
        self.landed().end(until);
    }

    /// Whether somebody has said no since it was asked before, so that landing should not wait.
    pub fn take_urgent(&self) -> bool {
        self.heard.take_urgent()
    }

    fn landed(&self) -> MutexGuard<'_, Landed> {
        self.landed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces keys, contracts and purposes by these; counts and limits of keys that stay go on, and so do purposes that
    /// `is_there` says of that somebody is changing them.
    pub fn set_rules(&self, sources: &[Source], purposes: &[Purpose], is_there: &dyn Fn(&str) -> bool) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let is_gone = |known: &&Purpose| purposes.iter().all(|purpose| purpose.name != known.name);
        let kept = rules.purposes().iter().filter(is_gone).filter(|known| is_there(&known.name));
        let purposes: Vec<Purpose> = purposes.iter().chain(kept).cloned().collect();
        *rules = Arc::new(Rules::new(sources, &purposes, &rules));
    }

    /// Checks a message that was kept aside (`Aside::raw`) against what its source promises now.
    ///
    /// It keeps its id, its time of receipt and who vouches for it. Nothing is written: the caller submits the record. No
    /// limit applies and nothing is counted, since both were done when it came. Its address is gone, so `ip`, `country` and
    /// `region` stay empty.
    ///
    /// # Errors
    /// NotFound when the source is gone; Invalid for a text that is no message that was kept aside.
    pub fn check_again(&self, source: &str, key: &str, raw: &str) -> Result<Rechecked> {
        let rules = self.rules();
        let Some(found) = rules.source(source) else {
            return Err(Error::new(ErrorKind::NotFound, format!("there is no source `{source}`")));
        };
        replay::check_again(found, &self.lookups, key, raw)
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hands the records to the log, and the rest to whoever is called first: the log's answer, or the refusal to queue.
    fn submit(&self, mut taken: Taken, told: Told) {
        let (records, words) = (std::mem::take(&mut taken.records), std::mem::take(&mut taken.heard));
        if records.is_empty() {
            return told(Receipt::Read(taken.receipts));
        }
        let pending = Arc::new(Mutex::new(Some(Pending { says_consent: !words.is_empty(), taken, told })));
        let (waiting, is_durable) = (Arc::clone(&pending), Arc::clone(&self.is_durable));
        let heard = Arc::clone(&self.heard);
        let done = move |written: Result<u64>| {
            if written.is_ok() {
                heard.note(&words);
            }
            is_durable.store(written.is_ok(), Ordering::Relaxed);
            answer(&waiting, written.is_ok(), FAILED_RETRY_SECONDS);
        };
        if self.log.submit(records, Box::new(done)).is_err() {
            answer(&pending, false, FULL_RETRY_SECONDS);
        }
    }
}

/// Counts what became of a delivery and tells its sender; what was rejected anyway is told even when nothing can be kept.
fn answer(pending: &Mutex<Option<Pending>>, is_kept: bool, retry_seconds: u64) {
    let Some(Pending { taken, says_consent, told }) = pending.lock().unwrap_or_else(PoisonError::into_inner).take()
    else {
        return;
    };
    if is_kept || !(taken.keeps_any() || says_consent) {
        taken.state.count(&taken.tally);
        return told(Receipt::Read(taken.receipts));
    }
    let refusal = refusal::unavailable(retry_seconds);
    taken.state.give_back(taken.tally.n_received);
    taken.state.count(&Tally::refused(&refusal.message, taken.tally.n_received, taken.tally.received_micros));
    told(Receipt::Refused(refusal));
}

impl Collector for Intake {
    fn take(&self, delivery: Delivery, told: Told) {
        let received_micros = self.clock.now().timestamp_micros();
        let rules = self.rules();
        match delivery::read(&rules, &self.lookups, &delivery, received_micros) {
            Ok(taken) => self.submit(taken, told),
            Err(refusal) => told(Receipt::Refused(refusal)),
        }
    }

    fn preferences(&self, link: &PreferenceLink) -> std::result::Result<LinkHolder, Refusal> {
        let received_micros = self.clock.now().timestamp_micros();
        let rules = self.rules();
        Ok(preferences::open(&rules, &self.lookups.signatures, link, received_micros)?.holder())
    }

    fn choose(&self, link: &PreferenceLink, choice: Choice, told: Told) {
        let received_micros = self.clock.now().timestamp_micros();
        let rules = self.rules();
        let opened = preferences::open(&rules, &self.lookups.signatures, link, received_micros);
        match opened.and_then(|opened| opened.choose(rules.purposes(), &choice, received_micros)) {
            Ok(taken) => self.submit(taken, told),
            Err(refusal) => told(Receipt::Refused(refusal)),
        }
    }

    fn settings(&self, key: &str) -> Option<Json> {
        let rules = self.rules();
        rules.key(key).filter(|found| found.kind == KeyKind::Public).map(|_| settings::of_key(key))
    }

    fn pulse(&self) -> Pulse {
        let rules = self.rules();
        let now_micros = self.clock.now().timestamp_micros();
        let pulse = |key: &KeyRules| key.state.pulse(&key.source.name, &key.name, now_micros);
        let mut keys: Vec<_> = rules.keys().map(pulse).collect();
        keys.sort_by(|a, b| (&a.source, &a.key).cmp(&(&b.source, &b.key)));
        let landed = self.landed();
        let (log_records, lag_micros) = landed.waiting(self.log.next(), now_micros);
        Pulse {
            keys,
            log_bytes: self.log.n_bytes(),
            log_records,
            lag_micros,
            is_durable: self.is_durable.load(Ordering::Relaxed),
            is_landing: landed.is_going(),
        }
    }
}
