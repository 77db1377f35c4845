//! What runs: an expanded question with the types of its fields, and the one way in.

use crate::error::{self, AboutPeople, OverBudget, Stopped};
use crate::guard::{Guard, Telling, Told, is_guarded};
use crate::pass::{Part, Pass, Wanted};
use crate::{attribution, audience, experiment, funnel, paths, power, retention, sql, trend};
use lake::Snapshot;
use policy::Grant;
use spec::{Column, Error, FieldRef, Instant, PersonId, Question, QuestionBody, Result, SampleRatio, Value, ValueType};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A question whose names were resolved: no metric and no audience in it.
pub struct Plan<'a> {
    /// The expanded question.
    pub question: &'a Question,
    /// Type of each event property it uses.
    pub properties: BTreeMap<String, ValueType>,
    /// Type of each trait it uses in conditions and breakdowns.
    pub traits: BTreeMap<String, ValueType>,
    /// Its breakdown, each an event property or a trait.
    pub breakdown: Vec<FieldRef>,
    /// For SQL, the tables that it may read, with their columns besides those that every table has.
    pub tables: BTreeMap<String, Vec<String>>,
    /// Unit of its figures, if any.
    pub unit: Option<String>,
    /// Type of its measure's property, if it has one.
    pub measure_type: Option<ValueType>,
    /// What "now" stands for.
    pub now: Instant,
    /// The first and the last instant with a granted event, once somebody has looked for them: a plan is for one grant on one
    /// snapshot, and a forecast looks before the answer does.
    pub span: OnceLock<Option<(Instant, Instant)>>,
}

/// Asked again and again during a run: whether to stop.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// Told during a run how many parts of the work are done, and of how many.
pub type Report = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// What one question may take.
#[derive(Clone)]
pub struct Limits {
    /// Groups (interval x breakdown values) of an answer.
    pub groups_max: usize,
    /// Rows of a list.
    pub rows_max: usize,
    /// Bytes that grouping may hold.
    pub memory_bytes_max: usize,
    /// Whether to stop.
    pub stop: Stop,
    /// How far it is.
    pub report: Report,
    /// What is done to figures before they leave.
    pub telling: Telling,
}

/// Groups of an answer of which each is held against all that was told before.
const GUARDED_GROUPS_MAX: usize = 4_000;

/// What one run works on.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) grant: &'a Grant,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) limits: &'a Limits,
    pub(crate) guard: &'a Guard,
    /// Whether only a forecast is wanted.
    pub(crate) foretells: bool,
}

impl Scope<'_> {
    /// The first and the last instant with a granted event, which are looked for once.
    pub(crate) fn span(&self) -> Result<Option<(Instant, Instant)>> {
        if let Some(known) = self.plan.span.get() {
            return Ok(*known);
        }
        let found = span(self.grant, self.snapshot, self.limits)?;
        Ok(*self.plan.span.get_or_init(|| found))
    }
}

/// What came out: cells about too few people are withheld already.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, sorted.
    pub rows: Vec<Vec<Value>>,
    /// For an audience, people after each top-level term of its condition, and left out by it; `None` is withheld.
    pub steps: Vec<(Option<u64>, Option<u64>)>,
    /// For a list, whom each row is about.
    pub listed: Vec<PersonId>,
    /// For an audience, the people in it; where a test is planned, those whom it is planned from; `None` is withheld.
    pub people: Option<u64>,
    /// For an experiment, people per variant against what was meant.
    pub sample_ratio: Option<SampleRatio>,
    /// Rows decoded.
    pub rows_read: u64,
    /// Bytes of the row groups read.
    pub bytes_read: u64,
    /// Figures that are held against later ones.
    pub told: Vec<Told>,
    /// Questions, by their hashes, that have to be asked again before all figures of this one can be told.
    pub outdated: Vec<String>,
}

impl Rows {
    /// Columns and rows, and what it took to read them: rows, bytes.
    pub(crate) fn new(columns: Vec<Column>, rows: Vec<Vec<Value>>, (rows_read, bytes_read): (u64, u64)) -> Rows {
        Rows {
            columns,
            rows,
            steps: Vec::new(),
            listed: Vec::new(),
            people: None,
            sample_ratio: None,
            rows_read,
            bytes_read,
            told: Vec::new(),
            outdated: Vec::new(),
        }
    }
}

/// The first and the last instant with a granted event; `None` without any.
///
/// Only granted people's events count, so that withheld ones leave no trace in default periods.
pub fn span(grant: &Grant, snapshot: &Snapshot, limits: &Limits) -> Result<Option<(Instant, Instant)>> {
    let pass = Pass::open(&BTreeMap::new(), &Wanted::default(), (None, None), grant, snapshot)?;
    // Its own pass comes before a question's, which is the work that is reported.
    let limits =
        Limits { report: Arc::new(|_, _| {}), stop: Arc::clone(&limits.stop), telling: Telling::Unseen, ..*limits };
    let ends = |all: &mut Vec<(i64, i64)>, part: &Part<'_>| {
        // The rows of a person are in the order of time.
        let first = part.people().iter().filter_map(|person| person.rows().next()).map(|row| part.time(row)).min();
        let last = part.people().iter().filter_map(|person| person.rows().next_back()).map(|row| part.time(row)).max();
        all.extend(first.zip(last));
        Ok(())
    };
    let parts: Vec<(i64, i64)> = pass.fold_on(usize::MAX, &limits, &Vec::new, &ends)?.concat();
    let first = parts.iter().map(|(first, _)| *first).min().and_then(Instant::from_timestamp_micros);
    let last = parts.iter().map(|(_, last)| *last).max().and_then(Instant::from_timestamp_micros);
    Ok(first.zip(last))
}

/// Answers a question from a snapshot, on what the grant allows.
///
/// # Shape
/// One row per interval and group (trend), step and group (funnel), cohort (retention), channel (attribution), path
/// (paths), variant and metric (experiment), number of variants and way of reading a test (power), one in all (audience) or one per person (list).
///
/// # Errors
/// `Denied` when the grant is over or does not cover a field, `Unavailable` when a limit is reached, else faults.
pub fn run(plan: &Plan<'_>, grant: &Grant, snapshot: &Snapshot, limits: &Limits) -> Result<Rows> {
    run_in(plan, grant, snapshot, limits, false)
}

/// Answers a question, or ends with a forecast where the first row would be looked at.
pub(crate) fn run_in(
    plan: &Plan<'_>,
    grant: &Grant,
    snapshot: &Snapshot,
    limits: &Limits,
    foretells: bool,
) -> Result<Rows> {
    if plan.now >= grant.until() {
        return Err(error::grant_is_over());
    }
    let groups_max = if is_guarded(grant) { limits.groups_max.min(GUARDED_GROUPS_MAX) } else { limits.groups_max };
    let limits = &Limits { groups_max, ..limits.clone() };
    let guard = Guard::new(plan.question, grant, limits);
    let scope = Scope { plan, grant, snapshot, limits, guard: &guard, foretells };
    let mut rows = match &plan.question.body {
        QuestionBody::Trend(question) => trend::run(scope, question),
        QuestionBody::Funnel(question) => funnel::run(scope, question),
        QuestionBody::Retention(question) => retention::run(scope, question),
        QuestionBody::Attribution(question) => attribution::run(scope, question),
        QuestionBody::Paths(question) => paths::run(scope, question),
        QuestionBody::Experiment(question) => experiment::run(scope, question),
        QuestionBody::Power(question) => power::run(scope, question),
        QuestionBody::Sql(question) => sql::run(scope, question),
        QuestionBody::Audience(question) => audience::run(scope, question),
    }?;
    (rows.told, rows.outdated) = guard.finish()?;
    Ok(rows)
}

/// Whether an error says that the question was stopped from outside.
pub fn is_stopped(error: &Error) -> bool {
    error.source.as_ref().is_some_and(|source| source.is::<Stopped>())
}

/// Whether an error says that rows would be about single people, where only figures about groups may be.
pub fn is_about_people(error: &Error) -> bool {
    error.source.as_ref().is_some_and(|source| source.is::<AboutPeople>())
}

/// What an error says was over the budget, if that is what it is about.
pub fn is_over_budget(error: &Error) -> Option<&str> {
    error.source.as_ref()?.downcast_ref::<OverBudget>().map(OverBudget::what)
}

/// Whether an error says that an answer would have too many groups.
pub fn has_too_many_groups(error: &Error) -> bool {
    let over = error.source.as_ref().and_then(|source| source.downcast_ref::<OverBudget>());
    over.is_some_and(OverBudget::is_of_groups)
}
