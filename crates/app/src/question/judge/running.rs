//! Running a granted question: not at all where that tells nothing, from what is kept, or within bounds of time and memory.

use super::{SECONDS_MAX, Scene};
use crate::error;
use crate::question::telling::{self, Aim};
use crate::question::{kept, pace, reason};
use chrono::TimeDelta;
use policy::Grant;
use query::{Limits, Plan, Rows, Telling};
use spec::{Cost, Instant, Reason, Release, Result};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;
use workspace::Resolved;

/// Groups of an answer.
const GROUPS_MAX: usize = 10_000;
/// Rows of a list.
const LIST_ROWS_MAX: usize = 100_000;
/// Memory for what one question gathers of people.
const MEMORY_BYTES_MAX: usize = 1 << 30;
/// Questions that are asked again for the sake of one.
const REFRESHED_MAX: usize = 4;
/// How often a question looks whether the one before it is answered.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// What is expected to take longer is not called a yes unseen: it might not end in time.
const SECONDS_UNSEEN_MAX: f64 = 5.0;

/// What comes of a granted question.
pub(super) enum Upshot {
    /// What comes out, where that has to be known, and what it was expected to take.
    Rows(Option<Box<Rows>>, Option<Cost>),
    /// It is not run: it would cost more than a question of the team's may.
    TooCostly(Box<Reason>),
}

impl Scene<'_> {
    /// What a granted question was expected to take, and what comes out, where that has to be known.
    pub(super) fn outcome(&self, resolved: &Resolved, grant: &Grant) -> Result<Upshot> {
        if self.waiting.is_over() {
            return Err(error::given_up());
        }
        let is_plain = !query::is_guarded(grant) && grant.limits().noise.is_none();
        let key = (is_plain && grant.release() == Release::Aggregate).then(|| self.key(resolved, grant));
        if let Some(rows) = key.as_ref().and_then(|key| self.state.kept_answers.get(key)) {
            return Ok(Upshot::Rows(Some(Box::new(rows)), None));
        }
        let plan = self.plan(resolved);
        let foretell = |limits: &Limits| query::forecast(&plan, grant, &self.snapshot, limits);
        let Some(foretold) = self.within_limits(Telling::Unseen, &foretell)? else {
            return Ok(Upshot::Rows(Some(Box::new(self.run(&plan, grant)?)), None));
        };
        let question = &resolved.question;
        if let Some(reason) = reason::too_costly(self, question, &pace::at_most(question, foretold)) {
            return Ok(Upshot::TooCostly(Box::new(reason)));
        }
        let shape = pace::shape(question, foretold);
        let forecast = self.state.paces.forecast(&shape, foretold);
        if self.aim == Aim::Judge && is_plain && foretold.is_bounded && forecast.seconds <= SECONDS_UNSEEN_MAX {
            return Ok(Upshot::Rows(None, Some(forecast)));
        }
        let started = self.state.clock.now();
        let rows = self.run(&plan, grant);
        // Others may be waited for where answers are held against each other.
        if is_plain {
            self.state.paces.learn(&shape, foretold, seconds_between(started, self.state.clock.now()));
        }
        let rows = rows?;
        if let Some(key) = key {
            self.state.kept_answers.keep(key, &rows);
        }
        Ok(Upshot::Rows(Some(Box::new(rows)), Some(forecast)))
    }

    /// What the answer to a granted question depends on.
    fn key(&self, resolved: &Resolved, grant: &Grant) -> kept::Key {
        let question = &resolved.question;
        let now = reason::end_of(question).is_none().then_some(self.as_of);
        kept::Key::new((question, now), (&self.definitions.version, &self.role.name), grant, &self.snapshot)
    }

    /// Runs a granted question. What is too near to figures of another state is held against those of this one.
    fn run(&self, plan: &Plan<'_>, grant: &Grant) -> Result<Rows> {
        // One after the other: two that are asked at once would not know of each other.
        let baton = query::is_guarded(grant).then(|| self.state.tellings.baton(self.user, grant.purpose()));
        let _held = baton.as_ref().map(|baton| self.held(baton)).transpose()?;
        let rows = self.run_once(plan, grant)?;
        if rows.outdated.is_empty() {
            return Ok(rows);
        }
        for question in rows.outdated.iter().take(REFRESHED_MAX) {
            self.refresh(question)?;
        }
        self.run_once(plan, grant)
    }

    /// Takes the baton once it is free, if that is before the question's time is over.
    fn held<'b>(&self, baton: &'b Mutex<()>) -> Result<MutexGuard<'b, ()>> {
        loop {
            match baton.try_lock() {
                Ok(held) => return Ok(held),
                Err(TryLockError::Poisoned(held)) => return Ok(held.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            if self.waiting.is_over() {
                return Err(error::given_up());
            }
            if self.state.clock.now() > self.until {
                return Err(query::out_of_time(SECONDS_MAX.unsigned_abs()));
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    fn run_once(&self, plan: &Plan<'_>, grant: &Grant) -> Result<Rows> {
        let telling = telling::telling(self, plan.question, grant)?;
        let rows = self.within_limits(telling, &|limits| query::run(plan, grant, &self.snapshot, limits))?;
        telling::keep(self, plan.question, &rows)?;
        Ok(rows)
    }

    /// Asks a question again that the user asked before, if it still may be asked.
    fn refresh(&self, hash: &str) -> Result<()> {
        let Some(text) = self.state.store.question(hash)? else { return Ok(()) };
        let json = serde_json::from_str(&text).map_err(|_| error::bug("a question that was kept cannot be read"))?;
        let Ok(question) = workspace::parse_question(&json, "/question") else { return Ok(()) };
        let Ok(resolved) = workspace::resolve(&question, self.definitions) else { return Ok(()) };
        let Some(purpose) = self.definitions.purposes.get(&question.purpose) else { return Ok(()) };
        let people = self.snapshot.people_for(purpose, &self.definitions.laws);
        let Ok(grant) = self.grant(&resolved, purpose, &people) else { return Ok(()) };
        self.run_once(&self.plan(&resolved), &grant).map(drop)
    }

    pub(super) fn within_limits<T>(&self, telling: Telling, run: &dyn Fn(&Limits) -> Result<T>) -> Result<T> {
        let deadline = self.until;
        let (clock, waiting, told) = (Arc::clone(&self.state.clock), self.waiting.clone(), self.waiting.clone());
        let answered = run(&Limits {
            groups_max: GROUPS_MAX,
            rows_max: LIST_ROWS_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            stop: Arc::new(move || waiting.is_over() || clock.now() > deadline),
            report: Arc::new(move |n_done, n_parts| told.report(n_done, n_parts)),
            telling,
        });
        answered.map_err(|error| {
            if !query::is_stopped(&error) {
                return error;
            }
            if !self.waiting.is_over() && deadline < self.now + TimeDelta::seconds(SECONDS_MAX) {
                return error::looked_at_too_briefly();
            }
            if !self.waiting.is_over() {
                return query::out_of_time(SECONDS_MAX.unsigned_abs());
            }
            tracing::debug!("a question was given up: nobody waits for it any more");
            error::given_up()
        })
    }
}

/// Seconds from one instant to another.
pub(crate) fn seconds_between(start: Instant, end: Instant) -> f64 {
    (end - start).num_microseconds().map_or(0.0, |micros| micros as f64 / 1e6)
}
