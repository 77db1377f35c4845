//! The judge: the one way from a question to a grant, run dry for a verdict and for real for an answer.

use crate::error;
use crate::question::telling::{self, Aim};
use crate::question::{reason, remedy};
use crate::state::{State, role_of};
use api::{Principal, Waiting};
use chrono::{DurationRound, TimeDelta};
use lake::{PurposePeople, Snapshot};
use policy::{FieldUse, Grant, Request, Shows};
use query::{Limits, Plan, Rows, Telling};
use spec::{
    Diagnostic, Error, ErrorKind, FieldClass, FieldRef, Instant, Measure, MeasureAtom, MeasureFunction, Outcome,
    Period, Purpose, Question, QuestionBody, Reason, Release, Result, Role, ValueType, Verdict,
};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use workspace::{Definitions, Resolved, Unresolved};

/// Groups of an answer.
const GROUPS_MAX: usize = 10_000;
/// Rows of a list.
const LIST_ROWS_MAX: usize = 100_000;
/// Memory for what one question gathers of people.
const MEMORY_BYTES_MAX: usize = 1 << 30;
/// A question that takes longer is stopped.
const SECONDS_MAX: i64 = 30;
/// Questions that are asked again for the sake of one.
const REFRESHED_MAX: usize = 4;
/// How long a grant holds.
const GRANT_SECONDS: i64 = 60;

/// Everything that a judgement depends on: taken once, so that judging and answering see the same state.
#[derive(Clone)]
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a State,
    pub(crate) definitions: &'a Definitions,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) role: &'a Role,
    pub(crate) now: Instant,
    /// What a question without `as_of` is asked as of.
    pub(crate) as_of: Instant,
    /// Who waits for what is found.
    pub(crate) waiting: Waiting,
    /// Who asks.
    pub(crate) user: &'a str,
    /// What for.
    pub(crate) aim: Aim,
}

/// What the judge found.
pub(crate) enum Judgement {
    /// It is no question that makes sense: everything that is wrong.
    Nonsense(Vec<Diagnostic>),
    /// It cannot be answered in this form.
    Refused(Verdict),
    /// It can.
    Allowed(Box<Allowed>),
}

/// A question that may be answered, ready to be.
pub(crate) struct Allowed {
    pub(crate) grant: Grant,
    pub(crate) resolved: Resolved,
    pub(crate) people: Arc<PurposePeople>,
    pub(crate) rows: Rows,
}

impl<'a> Scene<'a> {
    /// The state of things now, as this principal may see it.
    pub(crate) fn new(
        state: &'a State,
        definitions: &'a Definitions,
        who: &'a Principal,
        aim: Aim,
    ) -> Result<Scene<'a>> {
        let role = role_of(definitions, who)?;
        let (snapshot, now) = (state.lake.snapshot(), state.clock.now());
        let (user, waiting) = (who.user.as_str(), who.waiting.clone());
        Ok(Scene { state, definitions, snapshot, role, now, as_of: now, waiting, user, aim })
    }

    /// The same as of the last whole minute: who types asks for the same again and again, and what is computed as of one
    /// instant can be kept for the next key.
    pub(crate) fn on_the_minute(self) -> Scene<'a> {
        let as_of = self.now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(self.now);
        Scene { as_of, ..self }
    }

    /// Judges a question, with remedies for what stands against it.
    pub(crate) fn judge(&self, question: &Question) -> Result<Judgement> {
        if let Some(purpose) = self.definitions.purposes.get(&question.purpose)
            && !telling::charge(self, purpose, question)?
        {
            let reasons = vec![reason::too_many_questions(purpose)];
            return Ok(Judgement::Refused(Verdict { outcome: Outcome::No, reasons }));
        }
        match self.decide(question)? {
            Decided::Nonsense(diagnostics) => Ok(Judgement::Nonsense(diagnostics)),
            Decided::Allowed(allowed) => Ok(Judgement::Allowed(allowed)),
            Decided::Refused(refused) => {
                let reasons = remedy::with_remedies(self, question, refused);
                let is_conditional = reasons.iter().all(|reason| reason::is_conditional(reason.code));
                let outcome = if is_conditional { Outcome::YesIf } else { Outcome::No };
                Ok(Judgement::Refused(Verdict { outcome, reasons }))
            }
        }
    }

    /// Judges without looking for remedies.
    pub(crate) fn decide(&self, question: &Question) -> Result<Decided> {
        let resolved = match workspace::resolve(question, self.definitions) {
            Ok(resolved) => resolved,
            Err(unresolved) => return Ok(self.unresolved(unresolved)),
        };
        let purpose = self.definitions.purposes.get(&question.purpose);
        let purpose = purpose.ok_or_else(|| crate::error::bug("a purpose resolved that is not there"))?;
        let people = self.snapshot.people_for(purpose, &self.definitions.laws);
        let mut reasons = reason::of_sources(self, question, &resolved);
        let grant = match self.grant(&resolved, purpose, &people) {
            Ok(grant) if reasons.is_empty() => grant,
            Ok(_) => return Ok(Decided::refused(reasons)),
            Err(refusals) => {
                let told = refusals.iter().map(|refusal| reason::of_refusal(self, question, &resolved, refusal));
                reasons.extend(told);
                return Ok(Decided::refused(reasons));
            }
        };
        // Whether an answer is too large, or about too few, is known once it is there: to judge is to run.
        let rows = match self.run(&resolved, &grant) {
            Ok(rows) => rows,
            Err(error) => match query::is_over_budget(&error) {
                Some(what) => {
                    let advice = error.hint.as_deref().unwrap_or("ask for less at once");
                    return Ok(Decided::refused(vec![reason::over_budget(question, what, advice)]));
                }
                // A text that nobody could answer.
                None if error.kind == ErrorKind::Invalid => {
                    return Ok(Decided::Nonsense(vec![self.about_the_text(&resolved, error)]));
                }
                None => return Err(error),
            },
        };
        let is_audience = matches!(resolved.question.body, QuestionBody::Audience(_));
        // Where counts are noisy, whether there are enough people is part of the answer.
        if is_audience && rows.people.is_none() && purpose.limits.noise.is_none() {
            let reason = match rows.outdated.is_empty() {
                true => reason::under_minimum_group(purpose),
                false => reason::too_near(purpose),
            };
            return Ok(Decided::refused(vec![reason]));
        }
        Ok(Decided::Allowed(Box::new(Allowed { grant, resolved, people, rows })))
    }

    /// Names that are not there make a refusal, everything else that does not resolve makes no sense.
    fn unresolved(&self, unresolved: Vec<Unresolved>) -> Decided {
        let mut diagnostics = Vec::new();
        let mut refused = Refused { reasons: Vec::new(), fixed: Vec::new() };
        for item in unresolved {
            match item {
                Unresolved::Wrong(diagnostic) => diagnostics.push(diagnostic),
                Unresolved::Name { subject, kind, nearest, fixed } => {
                    refused.reasons.push(reason::unknown_name(&subject, kind, &nearest));
                    refused.fixed.extend(fixed);
                }
            }
        }
        if diagnostics.is_empty() { Decided::Refused(refused) } else { Decided::Nonsense(diagnostics) }
    }

    fn grant(
        &self,
        resolved: &Resolved,
        purpose: &Purpose,
        people: &PurposePeople,
    ) -> std::result::Result<Grant, Vec<policy::Refusal>> {
        let shown = shown_only(&resolved.question);
        let fields: Vec<FieldUse<'_>> =
            resolved.fields.iter().filter_map(|field| field_use(resolved, field, &shown)).collect();
        policy::decide(&Request {
            role: self.role,
            purpose,
            release: release(&resolved.question),
            fields: &fields,
            shows: shows(&resolved.question),
            people: Arc::clone(&people.used),
            until: self.now + TimeDelta::seconds(GRANT_SECONDS),
        })
    }

    /// Runs a granted question. What is too near to figures of another state is held against those of this one.
    fn run(&self, resolved: &Resolved, grant: &Grant) -> Result<Rows> {
        // One after the other: two that are asked at once would not know of each other.
        let turn = query::is_guarded(grant).then(|| self.state.tellings.turn(self.user, grant.purpose()));
        let _turn = turn.as_ref().map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
        let rows = self.run_once(resolved, grant)?;
        if rows.outdated.is_empty() {
            return Ok(rows);
        }
        for question in rows.outdated.iter().take(REFRESHED_MAX) {
            self.refresh(question)?;
        }
        self.run_once(resolved, grant)
    }

    fn run_once(&self, resolved: &Resolved, grant: &Grant) -> Result<Rows> {
        let plan = self.plan(resolved);
        let telling = telling::telling(self, &resolved.question, grant)?;
        let rows = self.within_limits(telling, &|limits| query::run(&plan, grant, &self.snapshot, limits))?;
        telling::keep(self, &resolved.question, &rows)?;
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
        self.run_once(&resolved, &grant).map(drop)
    }

    /// What is wrong with a text in SQL; who names a column that is not there reads which are.
    fn about_the_text(&self, resolved: &Resolved, error: Error) -> Diagnostic {
        let path = "/question/text".to_owned();
        let Some((message, _)) = error.message.split_once("Valid fields are") else {
            return Diagnostic {
                path,
                line: 1,
                column: 1,
                message: error.message,
                hint: error.hint.unwrap_or_default(),
            };
        };
        let columns = |table: &String| {
            let names = workspace::sql_columns(table, self.definitions);
            format!("`{table}` has {}", names.join(", "))
        };
        let hint = resolved.tables.keys().map(columns).collect::<Vec<_>>().join("; ");
        Diagnostic { path, line: 1, column: 1, message: message.trim().trim_end_matches('.').to_owned(), hint }
    }

    fn plan<'r>(&self, resolved: &'r Resolved) -> Plan<'r> {
        let types = |fields: &BTreeMap<String, spec::Field>| -> BTreeMap<String, ValueType> {
            let stored = fields.iter().filter(|(_, field)| field.class != FieldClass::Direct);
            stored.map(|(name, field)| (name.clone(), field.value_type)).collect()
        };
        let mut traits = types(&resolved.trait_fields);
        // The vault knows it, the tables do not.
        traits.remove(workspace::USER_ID);
        Plan {
            question: &resolved.question,
            properties: types(&resolved.property_fields),
            traits,
            breakdown: resolved.breakdown.clone(),
            tables: resolved.tables.clone(),
            unit: resolved.unit.clone(),
            measure_type: resolved.measure_type,
            now: self.as_of,
        }
    }

    /// First and last event of the people who may be used for a purpose, if the role may use it; kept per state.
    pub(crate) fn span(&self, purpose: &Purpose) -> Result<Option<(Instant, Instant)>> {
        let people = self.snapshot.people_for(purpose, &self.definitions.laws);
        let request = Request {
            role: self.role,
            purpose,
            release: Release::Aggregate,
            fields: &[],
            shows: Shows::Figures,
            people: Arc::clone(&people.used),
            until: self.now + TimeDelta::seconds(GRANT_SECONDS),
        };
        let Ok(grant) = policy::decide(&request) else {
            return Ok(None);
        };
        let key = format!("{} {} {:?}", purpose.name, self.definitions.version, self.snapshot.table_versions());
        let compute = || self.within_limits(Telling::Unseen, &|limits| query::span(&grant, &self.snapshot, limits));
        self.state.span(&key, &compute)
    }

    fn within_limits<T>(&self, telling: Telling, run: &dyn Fn(&Limits) -> Result<T>) -> Result<T> {
        let deadline = self.now + TimeDelta::seconds(SECONDS_MAX);
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
            if !self.waiting.is_over() {
                return query::out_of_time(SECONDS_MAX.unsigned_abs());
            }
            tracing::debug!("a question was given up: nobody waits for it any more");
            error::given_up()
        })
    }
}

/// What a judgement without remedies finds.
pub(crate) enum Decided {
    Nonsense(Vec<Diagnostic>),
    Refused(Refused),
    Allowed(Box<Allowed>),
}

/// What stands against a question, and questions that may be meant instead.
pub(crate) struct Refused {
    pub(crate) reasons: Vec<Reason>,
    pub(crate) fixed: Vec<Question>,
}

impl Decided {
    fn refused(reasons: Vec<Reason>) -> Decided {
        Decided::Refused(Refused { reasons, fixed: Vec::new() })
    }
}

/// How much of people a question shows.
pub(crate) fn release(question: &Question) -> Release {
    match &question.body {
        QuestionBody::Trend(_)
        | QuestionBody::Funnel(_)
        | QuestionBody::Retention(_)
        | QuestionBody::Attribution(_)
        | QuestionBody::Paths(_)
        | QuestionBody::Experiment(_)
        | QuestionBody::Sql(_) => Release::Aggregate,
        QuestionBody::Audience(audience) => audience.release,
    }
}

/// What sort of figures a question shows.
fn shows(question: &Question) -> Shows {
    let is_explicit = |period: &Option<Period>| period.is_some();
    if measures(question).iter().any(|measure| is_extreme(measure)) {
        return Shows::Extremes;
    }
    match &question.body {
        QuestionBody::Audience(_) => Shows::CountsOfPeople,
        // The days of a trend without a period are those with events, and its groups those that there are.
        QuestionBody::Trend(trend) => match &trend.measure {
            Measure::Atom(atom)
                if atom.function == MeasureFunction::People
                    && trend.breakdown.is_empty()
                    && is_explicit(&trend.period) =>
            {
                Shows::CountsOfPeople
            }
            _ => Shows::Figures,
        },
        QuestionBody::Retention(retention) if is_explicit(&retention.period) => Shows::CountsOfPeople,
        QuestionBody::Retention(_)
        | QuestionBody::Funnel(_)
        | QuestionBody::Attribution(_)
        | QuestionBody::Paths(_)
        | QuestionBody::Experiment(_) => Shows::Figures,
        QuestionBody::Sql(_) => Shows::Anything,
    }
}

/// What a question measures.
fn measures(question: &Question) -> Vec<&Measure> {
    match &question.body {
        QuestionBody::Trend(trend) => vec![&trend.measure],
        QuestionBody::Experiment(experiment) => experiment.metrics.iter().map(|metric| &metric.measure).collect(),
        _ => Vec::new(),
    }
}

/// Whether a measure is the smallest or the largest value of a group, and so one person's.
fn is_extreme(measure: &Measure) -> bool {
    let of = |atom: &MeasureAtom| matches!(atom.function, MeasureFunction::Min | MeasureFunction::Max);
    match measure {
        Measure::Atom(atom) => of(atom),
        Measure::Ratio(top, bottom) => of(top) || of(bottom),
        Measure::Metric(_) => false,
    }
}

/// Traits that a list only shows.
fn shown_only(question: &Question) -> Vec<FieldRef> {
    let QuestionBody::Audience(audience) = &question.body else {
        return Vec::new();
    };
    let mut used = Vec::new();
    traits_of(&audience.condition, &mut used);
    let columns = audience.columns.iter().map(|name| FieldRef::Trait(name.clone()));
    columns.filter(|column| !used.contains(column)).collect()
}

/// Every trait that a condition computes with.
fn traits_of(condition: &spec::Condition, found: &mut Vec<FieldRef>) {
    use spec::{Condition, Term};
    let mut add = |term: &Term| {
        if let Term::Field(field) = term {
            found.push(field.clone());
        }
    };
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| traits_of(part, found)),
        Condition::Not(inner) => traits_of(inner, found),
        Condition::Compare { left, right, .. } => [left, right].into_iter().for_each(add),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => add(term),
        Condition::Did(_) | Condition::InAudience(_) => {}
    }
}

fn field_use<'r>(resolved: &'r Resolved, field: &FieldRef, shown: &[FieldRef]) -> Option<FieldUse<'r>> {
    let declared = match field {
        FieldRef::Property(name) => resolved.property_fields.get(name)?,
        FieldRef::Trait(name) => resolved.trait_fields.get(name)?,
    };
    Some(FieldUse {
        field: field.clone(),
        class: declared.class,
        purposes: &declared.purposes,
        only_shown: shown.contains(field),
    })
}
