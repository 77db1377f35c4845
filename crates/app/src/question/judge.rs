//! The judge: the one way from a question to a grant, run dry for a verdict and for real for an answer.

mod asked;
mod running;

use crate::question::telling::{self, Aim};
use crate::question::{feasible, reason, remedy};
use crate::state::{State, role_of};
use api::{Principal, Waiting};
use asked::{field_use, shown_only, shows};
use chrono::{DurationRound, TimeDelta};
use lake::{PurposePeople, Snapshot};
use policy::{FieldUse, Grant, Request, Shows};
use query::{Plan, Rows, Telling};
use running::Upshot;
use spec::{
    Cost, Diagnostic, Error, ErrorKind, FieldClass, Instant, Outcome, Purpose, Question, QuestionBody, Reason, Release,
    Result, Role, ValueType, Verdict,
};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use workspace::{Definitions, Resolved, SqlText, Unresolved};

pub(crate) use asked::release;
pub(crate) use running::seconds_between;

/// A question that takes longer is stopped.
const SECONDS_MAX: i64 = 30;
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
    /// When whoever waits has waited long enough.
    pub(crate) until: Instant,
}

/// What the judge found.
pub(crate) enum Judgement {
    /// It is no question that makes sense: everything that is wrong.
    Nonsense(Vec<Diagnostic>),
    /// It cannot be answered in this form; with what was run to find that out.
    Refused(Verdict, Option<Box<Allowed>>),
    /// It can.
    Allowed(Box<Allowed>),
}

/// A question that may be answered, ready to be.
pub(crate) struct Allowed {
    pub(crate) grant: Grant,
    pub(crate) resolved: Resolved,
    pub(crate) people: Arc<PurposePeople>,
    /// What comes out; absent where nobody asked for it and no data could have made a refusal of it.
    pub(crate) rows: Option<Rows>,
    /// What was expected to be read, and for how long.
    pub(crate) forecast: Option<Cost>,
}

impl Allowed {
    /// For an audience, the people in it; `None` is withheld.
    pub(crate) fn audience(&self) -> Option<u64> {
        let is_audience = matches!(self.resolved.question.body, QuestionBody::Audience(_));
        self.rows.as_ref().filter(|_| is_audience).and_then(|rows| rows.people)
    }

    /// The people whom an audience's answer is about: those that are counted, or that the list has rows of.
    pub(crate) fn people_told(&self) -> Option<u64> {
        let is_list = release(&self.resolved.question) != Release::Aggregate;
        let listed = self.rows.as_ref().filter(|_| is_list).map(|rows| rows.listed.len() as u64);
        self.audience().map(|people| listed.unwrap_or(people))
    }
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
        let until = now + TimeDelta::seconds(SECONDS_MAX);
        Ok(Scene { state, definitions, snapshot, role, now, as_of: now, waiting, user, aim, until })
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
            let reasons = vec![reason::too_many_questions(self.definitions, purpose)];
            return Ok(Judgement::Refused(Verdict { outcome: Outcome::No, reasons }, None));
        }
        match self.decide(question)? {
            Decided::Nonsense(diagnostics) => Ok(Judgement::Nonsense(diagnostics)),
            Decided::Allowed(allowed) => Ok(Judgement::Allowed(allowed)),
            Decided::Refused(mut refused) => {
                let run = refused.run.take();
                let reasons = remedy::with_remedies(self, question, refused)?;
                let is_conditional = reasons.iter().all(|reason| reason::is_conditional(reason.code));
                let outcome = if is_conditional { Outcome::YesIf } else { Outcome::No };
                Ok(Judgement::Refused(Verdict { outcome, reasons }, run))
            }
        }
    }

    /// What the rules say, before any fact about people is looked at: a grant that is not used yet, or what stands
    /// against it.
    pub(crate) fn ruled(&self, question: &Question) -> Result<std::result::Result<Ruled, Decided>> {
        let resolved = match workspace::resolve_for(question, self.definitions, self.role) {
            Ok(resolved) => resolved,
            Err(unresolved) => return Ok(Err(self.unresolved(question, unresolved))),
        };
        let purpose = self.definitions.purposes.get(&question.purpose);
        let purpose = purpose.ok_or_else(|| crate::error::bug("a purpose resolved that is not there"))?;
        let people = self.snapshot.people_for(purpose, &self.definitions.laws);
        let mut reasons = reason::of_sources(self, question, &resolved);
        reasons.extend(reason::of_terms(self, question, &resolved));
        reasons.extend(reason::of_destination(self, question));
        reasons.extend(reason::not_yet(self, question));
        match self.grant(&resolved, purpose, &people) {
            Ok(grant) if reasons.is_empty() => return Ok(Ok(Ruled { resolved, people, grant })),
            Ok(_) => {}
            Err(refusals) => {
                let told = refusals.iter().map(|refusal| reason::of_refusal(self, question, &resolved, refusal));
                reasons.extend(told);
            }
        }
        Ok(Err(Decided::refused(reasons)))
    }

    /// Judges without looking for remedies.
    pub(crate) fn decide(&self, question: &Question) -> Result<Decided> {
        match self.ruled(question)? {
            Ok(ruled) => self.tried(question, ruled),
            Err(decided) => Ok(decided),
        }
    }

    /// Runs what the rules allow: whether it is a yes.
    pub(crate) fn tried(&self, question: &Question, ruled: Ruled) -> Result<Decided> {
        let Ruled { resolved, people, grant } = ruled;
        let purpose = self.definitions.purposes.get(&question.purpose);
        let purpose = purpose.ok_or_else(|| crate::error::bug("a purpose was granted that is not there"))?;
        // Whether an answer is too large, or about too few, is known once it is there: to judge is to run, but for what
        // nobody waits for and no data can make a refusal of.
        let (rows, forecast) = match self.outcome(&resolved, &grant) {
            Ok(Upshot::Rows(rows, forecast)) => (rows.map(|rows| *rows), forecast),
            Ok(Upshot::TooCostly(reason)) => return Ok(Decided::refused(vec![*reason])),
            Err(error) => match query::is_over_budget(&error) {
                Some(what) => {
                    let advice = error.hint.as_deref().unwrap_or("ask for less at once");
                    let refused = Refused::by(reason::over_budget(question, what, advice));
                    let has_too_many_groups = query::has_too_many_groups(&error);
                    return Ok(Decided::Refused(Refused { has_too_many_groups, ..refused }));
                }
                None if query::is_about_people(&error) => {
                    return Ok(Decided::refused(vec![reason::rows_of_people(purpose)]));
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
        if let Some(rows) = rows.as_ref().filter(|rows| rows.people.is_none())
            && is_audience
            && purpose.limits.noise.is_none()
        {
            let reason = match rows.outdated.is_empty() {
                true => reason::under_minimum_group(purpose),
                false => reason::too_near(purpose),
            };
            return Ok(Decided::refused(vec![reason]));
        }
        let allowed = Box::new(Allowed { grant, resolved, people, rows, forecast });
        Ok(match self.refused_for_what_came(question, purpose, &allowed)? {
            Some(refused) => Decided::Refused(Refused { run: Some(allowed), ..refused }),
            None => Decided::Allowed(allowed),
        })
    }

    /// A refusal of an answer that is there: its people are too few or too many for where they are to go, or for a test.
    fn refused_for_what_came(
        &self,
        question: &Question,
        purpose: &Purpose,
        allowed: &Allowed,
    ) -> Result<Option<Refused>> {
        let Some(rows) = allowed.rows.as_ref() else { return Ok(None) };
        // Where counts are noisy, how many they are is part of the answer.
        let people = allowed.audience().zip(allowed.people_told()).filter(|_| purpose.limits.noise.is_none());
        let reason = people.and_then(|people| reason::of_length(self, &allowed.resolved.question, people));
        match reason {
            Some(reason) => Ok(Some(Refused::by(reason))),
            None => feasible::refused(question, purpose, rows),
        }
    }

    /// Names that are not there make a refusal, everything else that does not resolve makes no sense.
    fn unresolved(&self, question: &Question, unresolved: Vec<Unresolved>) -> Decided {
        let mut diagnostics = Vec::new();
        let mut refused = Refused::default();
        for item in unresolved {
            match item {
                Unresolved::Wrong(diagnostic) => diagnostics.push(diagnostic),
                Unresolved::Name { subject, kind, nearest, fixed } => {
                    refused.reasons.push(reason::unknown_name(self, question, (&subject, kind), &nearest));
                    refused.instead.extend(reason::instead_elsewhere(self, question, (&subject, kind)));
                    refused.instead.extend(fixed.map(|question| Instead {
                        title: "Ask with the nearest name".to_owned(),
                        question,
                        effect: String::new(),
                    }));
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

    /// What is wrong with a text in SQL, and where if that can be told; who names a column that is not there reads which are.
    fn about_the_text(&self, resolved: &Resolved, error: Error) -> Diagnostic {
        let (message, hint) = match error.message.split_once("Valid fields are") {
            Some((message, _)) => {
                let columns = |table: &String| {
                    let names = workspace::sql_columns(table, self.definitions, Some(self.role));
                    format!("`{table}` has {}", names.join(", "))
                };
                let hint = resolved.tables.keys().map(columns).collect::<Vec<_>>().join("; ");
                (message.trim().trim_end_matches('.').to_owned(), hint)
            }
            None => (error.message, error.hint.unwrap_or_default()),
        };
        let QuestionBody::Sql(sql) = &resolved.question.body else {
            return Diagnostic { path: "/question".to_owned(), line: 1, column: 1, message, hint };
        };
        // A message names what it is about between backticks: `max(purchase.store)`.
        let named = message.split('`').nth(1).unwrap_or_default();
        let word = named.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next().unwrap_or_default();
        let place = SqlText::new(&sql.text).and_then(|text| text.place_of(named).or_else(|| text.place_of(word)));
        let (line, column) = place.unwrap_or((1, 1));
        Diagnostic { path: "/question/text".to_owned(), line, column, message, hint }
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
            span: OnceLock::new(),
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
        let compute = || self.within_limits(Telling::Unseen, &|limits| query::span(&grant, &self.snapshot, limits));
        self.state.span(&self.span_key(purpose), &compute)
    }

    /// The same where it is known already, for what does not wait for it; the role is one that may use the purpose.
    pub(crate) fn known_span(&self, purpose: &Purpose) -> Option<(Instant, Instant)> {
        self.state.known_span(&self.span_key(purpose))
    }

    fn span_key(&self, purpose: &Purpose) -> String {
        format!("{} {} {:?}", purpose.name, self.definitions.version, self.snapshot.table_versions())
    }
}

/// A question that the rules allow, before it is known whether its answer is one that may be told.
pub(crate) struct Ruled {
    resolved: Resolved,
    people: Arc<PurposePeople>,
    grant: Grant,
}

/// What a judgement without remedies finds.
pub(crate) enum Decided {
    Nonsense(Vec<Diagnostic>),
    Refused(Refused),
    Allowed(Box<Allowed>),
}

/// What stands against a question, and other questions that may do.
#[derive(Default)]
pub(crate) struct Refused {
    pub(crate) reasons: Vec<Reason>,
    pub(crate) instead: Vec<Instead>,
    /// What was run before it was refused for what came out: it is read, and so on record.
    pub(crate) run: Option<Box<Allowed>>,
    /// Whether the answer would have too many groups.
    pub(crate) has_too_many_groups: bool,
}

impl Refused {
    pub(crate) fn by(reason: Reason) -> Refused {
        Refused { reasons: vec![reason], ..Refused::default() }
    }
}

/// A question that may be meant, or come near to what was.
pub(crate) struct Instead {
    /// What changes, in a few words.
    pub(crate) title: String,
    pub(crate) question: Question,
    /// What is left of what was asked for; may be empty.
    pub(crate) effect: String,
}

impl Decided {
    fn refused(reasons: Vec<Reason>) -> Decided {
        Decided::Refused(Refused { reasons, ..Refused::default() })
    }
}
