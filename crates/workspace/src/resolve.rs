//! A question and the definitions -> the question with every name explained, or what does not resolve.
//!
//! Metrics and audiences are replaced by what they stand for, names are looked up in the contracts, types are checked. What
//! is found out on the way (fields, events, sources) is what the policy decides on.

use crate::condition::all_of;
use crate::definitions::Definitions;
use crate::examine::{About, Examiner, Found, Site, strictest};
use crate::names::nearest;
use crate::rename::{Change, rename};
use crate::types::{atom_type, unit};
use spec::{
    AudienceQuestion, Condition, Diagnostic, EventSelector, Field, FieldClass, FieldRef, FunnelQuestion, FunnelStep,
    Measure, MeasureAtom, MetricDefinition, PathsEnd, PathsQuestion, Question, QuestionBody, RetentionQuestion, Role,
    TrendQuestion, ValueType,
};
use std::collections::{BTreeMap, BTreeSet};

mod attribution;
mod experiment;
mod power;
pub(crate) mod sql;
#[cfg(test)]
mod tests;

/// The column of a list that names a person as the sources do.
pub const USER_ID: &str = "user_id";

/// Rounds of putting the nearest names in.
const MENDS_MAX: usize = 4;

/// A question in which every name is explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The question without metrics and audiences, its constants of the types of their fields.
    pub question: Question,
    /// Every property and trait that it uses; `user_id` as a column of a list counts as a trait.
    pub fields: BTreeSet<FieldRef>,
    /// The properties, under the strictest terms of the events concerned.
    pub property_fields: BTreeMap<String, Field>,
    /// Those events, by the names of the properties.
    pub property_events: BTreeMap<String, BTreeSet<String>>,
    /// The traits.
    pub trait_fields: BTreeMap<String, Field>,
    /// The events that it uses; all of them for `*`.
    pub events: BTreeSet<String>,
    /// The sources of the events and traits that it names.
    pub sources: BTreeSet<String>,
    /// The sources that only `*` concerns.
    pub sources_of_any: BTreeSet<String>,
    /// What it is broken down by, in order.
    pub breakdown: Vec<FieldRef>,
    /// For SQL, the tables that it may read, with their columns besides those that every table has.
    pub tables: BTreeMap<String, Vec<String>>,
    /// The unit of the measure, if it has one.
    pub unit: Option<String>,
    /// The type of the measure; absent where nothing is measured.
    pub measure_type: Option<ValueType>,
}

impl Resolved {
    /// Every source that it reads.
    pub fn all_sources(&self) -> impl Iterator<Item = &str> {
        self.sources.union(&self.sources_of_any).map(String::as_str)
    }
}

/// Something in a question that does not resolve.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "there are few of them and each is moved once")]
pub enum Unresolved {
    /// A name that nothing collected or defined bears.
    Name {
        /// The name as written (`event.stor`, `basket_paid.vlue`, `emial`).
        subject: String,
        /// `event`, `property`, `trait`, `metric`, `audience` or `purpose`.
        kind: &'static str,
        /// Names that may have been meant, the nearest first.
        nearest: Vec<String>,
        /// The question with the nearest name in its place everywhere it stood, and in that of all others like it.
        fixed: Option<Question>,
    },
    /// Something that makes no sense.
    Wrong(Diagnostic),
}

/// Explains every name of a question.
///
/// # Errors
/// Everything that does not resolve.
pub fn resolve(question: &Question, definitions: &Definitions) -> Result<Resolved, Vec<Unresolved>> {
    resolved(question, Names { definitions, role: None })
}

/// The same for a role: of names that may have been meant, only those that its catalogue shows are told.
///
/// # Errors
/// Everything that does not resolve.
pub fn resolve_for(question: &Question, definitions: &Definitions, role: &Role) -> Result<Resolved, Vec<Unresolved>> {
    resolved(question, Names { definitions, role: Some(role) })
}

/// The names that there are, and whom they are told to.
#[derive(Clone, Copy)]
struct Names<'a> {
    definitions: &'a Definitions,
    role: Option<&'a Role>,
}

fn resolved(question: &Question, names: Names<'_>) -> Result<Resolved, Vec<Unresolved>> {
    let (resolved, found) = examine(question, names, true);
    if found.is_empty() {
        return Ok(resolved);
    }
    let mended = mended(question, names, &found);
    Err(found.into_iter().map(|found| explain(found, mended.as_ref())).collect())
}

/// What of a question can be explained, whatever else cannot: mostly the events and sources that it is about.
pub fn resolve_partly(question: &Question, definitions: &Definitions) -> Resolved {
    examine(question, Names { definitions, role: None }, true).0
}

/// What is wrong with a metric or an audience, asked as a question; the purpose does not count.
pub(crate) fn check_definition(question: &Question, definitions: &Definitions) -> Vec<Unresolved> {
    let (_, found) = examine(question, Names { definitions, role: None }, false);
    found.into_iter().map(|found| explain(found, None)).collect()
}

fn explain(found: Found, mended: Option<&Question>) -> Unresolved {
    match found {
        Found::Wrong(diagnostic) => Unresolved::Wrong(diagnostic),
        Found::Name { subject, kind, candidates } => {
            let nearest = candidates.into_iter().map(|(name, _)| name).collect();
            Unresolved::Name { subject, kind, nearest, fixed: mended.cloned() }
        }
    }
}

/// The question with the nearest name in the place of each that is unknown; nothing if one of them is left.
fn mended(question: &Question, names: Names<'_>, found: &[Found]) -> Option<Question> {
    let mut mended = renamed(question, found)?;
    // A name that is mended may uncover others, or what is near them: the fields of a metric, the properties of an event.
    for _ in 0..MENDS_MAX {
        let (_, found) = examine(&mended, names, true);
        if !found.iter().any(|found| matches!(found, Found::Name { .. })) {
            return Some(mended);
        }
        mended = renamed(&mended, &found)?;
    }
    None
}

/// With each name that has one near; nothing if none has.
fn renamed(question: &Question, found: &[Found]) -> Option<Question> {
    let nearest = found.iter().filter_map(|found| match found {
        Found::Name { candidates, .. } => candidates.first(),
        Found::Wrong(_) => None,
    });
    nearest.fold(None, |renamed, (_, change)| Some(rename(renamed.as_ref().unwrap_or(question), change)))
}

fn examine(question: &Question, names: Names<'_>, with_purpose: bool) -> (Resolved, Vec<Found>) {
    let Names { definitions, role } = names;
    let mut examiner = Examiner::new(definitions, role);
    let mut figure = Figure::default();
    let mut tables = BTreeMap::new();
    let body = match &question.body {
        QuestionBody::Trend(trend) => QuestionBody::Trend(examine_trend(&mut examiner, trend, &mut figure)),
        QuestionBody::Funnel(funnel) => QuestionBody::Funnel(examine_funnel(&mut examiner, funnel, &mut figure)),
        QuestionBody::Retention(retention) => QuestionBody::Retention(examine_retention(&mut examiner, retention)),
        QuestionBody::Attribution(attribution) => {
            QuestionBody::Attribution(attribution::examine(&mut examiner, attribution, &mut figure))
        }
        QuestionBody::Paths(paths) => QuestionBody::Paths(examine_paths(&mut examiner, paths)),
        QuestionBody::Experiment(experiment) => {
            QuestionBody::Experiment(experiment::examine(&mut examiner, experiment, &mut figure))
        }
        QuestionBody::Power(power) => QuestionBody::Power(power::examine(&mut examiner, power)),
        QuestionBody::Sql(sql) => {
            tables = sql::examine(&mut examiner, sql);
            QuestionBody::Sql(sql.clone())
        }
        QuestionBody::Audience(audience) => QuestionBody::Audience(examine_audience(&mut examiner, audience)),
    };
    if with_purpose && !definitions.purposes.contains_key(&question.purpose) {
        let known = definitions.purposes.keys().map(String::as_str);
        let shown = known.filter(|name| role.is_none_or(|role| role.purposes.contains_key(*name)));
        let near = nearest(&question.purpose, shown);
        let change = |to: &String| Change::Purpose { from: question.purpose.clone(), to: to.clone() };
        let candidates = near.iter().map(|to| (to.clone(), change(to))).collect();
        examiner.unknown(question.purpose.clone(), "purpose", candidates);
    }
    let resolved = Resolved {
        question: Question { purpose: question.purpose.clone(), body, time_zone: question.time_zone },
        fields: examiner.fields,
        property_fields: examiner.property_fields,
        property_events: examiner.property_events,
        trait_fields: examiner.trait_fields,
        events: examiner.events,
        sources_of_any: examiner.sources_of_any.difference(&examiner.sources).cloned().collect(),
        sources: examiner.sources,
        breakdown: figure.breakdown,
        tables,
        unit: figure.unit,
        measure_type: figure.measure_type,
    };
    (resolved, examiner.found)
}

/// What is known about the figures and groups of an answer.
#[derive(Default)]
struct Figure {
    breakdown: Vec<FieldRef>,
    unit: Option<String>,
    measure_type: Option<ValueType>,
}

fn examine_trend(examiner: &mut Examiner<'_>, trend: &TrendQuestion, figure: &mut Figure) -> TrendQuestion {
    let definitions = examiner.definitions;
    let mut measure = trend.measure.clone();
    let mut metric_filter = None;
    if let Measure::Metric(name) = &trend.measure {
        let Some(metric) = named_metric(examiner, name) else { return trend.clone() };
        measure = metric.measure.clone();
        metric_filter = metric.filter.clone();
        figure.unit.clone_from(&metric.unit);
    }
    figure.measure_type = examine_measure(examiner, &measure);
    let unit_of = |atom: &MeasureAtom| definitions.property(&atom.event, atom.property.as_deref()?)?.unit.clone();
    figure.unit = figure.unit.take().or_else(|| unit(&measure, &unit_of));
    let events = measured_events(&measure);
    let site = Site { pointer: "/question/where", about: About::Events, events: &events };
    let filters: Vec<Condition> =
        metric_filter.iter().chain(&trend.filter).map(|filter| examiner.condition(filter, site)).collect();
    let filter = (!filters.is_empty()).then(|| all_of(filters));
    figure.breakdown = examine_breakdown(examiner, &trend.breakdown, &events);
    TrendQuestion { measure, filter, ..trend.clone() }
}

/// The metric of this name; if there is none it is noted as unknown.
fn named_metric<'a>(examiner: &mut Examiner<'a>, name: &str) -> Option<&'a MetricDefinition> {
    let metrics = &examiner.definitions.metrics;
    let found = metrics.get(name);
    if found.is_none() {
        let near = nearest(name, metrics.keys().map(String::as_str));
        let change = |to: &String| Change::Metric { from: name.to_owned(), to: to.clone() };
        examiner.unknown(name.to_owned(), "metric", near.iter().map(|to| (to.clone(), change(to))).collect());
    }
    found
}

fn examine_measure(examiner: &mut Examiner<'_>, measure: &Measure) -> Option<ValueType> {
    const POINTER: &str = "/question/measure";
    match measure {
        Measure::Atom(atom) => examine_atom(examiner, atom, POINTER),
        Measure::Ratio(top, bottom) => {
            for atom in [top, bottom] {
                let is_number = examine_atom(examiner, atom, POINTER).is_none_or(ValueType::is_numeric);
                if !is_number {
                    let message = format!("`{atom}` is no number and cannot be divided");
                    examiner.wrong(POINTER, message, "use count, people, sum or avg");
                }
            }
            Some(ValueType::Number)
        }
        Measure::Metric(_) => None,
    }
}

fn examine_atom(examiner: &mut Examiner<'_>, atom: &MeasureAtom, pointer: &str) -> Option<ValueType> {
    examiner.event(&atom.event);
    let field = match atom.property.as_deref() {
        Some(name) => Some(examiner.property_of(&atom.event, name, pointer)?),
        None => None,
    };
    examiner.accept(atom_type(atom.function, field.as_ref()), pointer)
}

fn measured_events(measure: &Measure) -> Vec<EventSelector> {
    match measure {
        Measure::Atom(atom) => vec![atom.event.clone()],
        Measure::Ratio(top, bottom) if top.event == bottom.event => vec![top.event.clone()],
        Measure::Ratio(top, bottom) => vec![top.event.clone(), bottom.event.clone()],
        Measure::Metric(_) => Vec::new(),
    }
}

fn examine_funnel(examiner: &mut Examiner<'_>, funnel: &FunnelQuestion, figure: &mut Figure) -> FunnelQuestion {
    let mut steps = Vec::with_capacity(funnel.steps.len());
    let mut events: Vec<EventSelector> = Vec::new();
    for (index, step) in funnel.steps.iter().enumerate() {
        examiner.event(&step.event);
        let pointer = format!("/question/steps/{index}/where");
        let site = Site { pointer: &pointer, about: About::Events, events: std::slice::from_ref(&step.event) };
        let filter = step.filter.as_ref().map(|filter| examiner.condition(filter, site));
        steps.push(FunnelStep { event: step.event.clone(), filter });
        if !events.contains(&step.event) {
            events.push(step.event.clone());
        }
    }
    let site = Site { pointer: "/question/where", about: About::Events, events: &events };
    let filter = funnel.filter.as_ref().map(|filter| examiner.condition(filter, site));
    let first = &events[..events.len().min(1)];
    for name in &funnel.same {
        examiner.property(&events, name, name, "/question/same");
    }
    for name in &funnel.count_by {
        examiner.property(first, name, name, "/question/count_by");
    }
    figure.breakdown = examine_breakdown(examiner, &funnel.breakdown, first);
    FunnelQuestion { steps, filter, ..funnel.clone() }
}

fn examine_retention(examiner: &mut Examiner<'_>, retention: &RetentionQuestion) -> RetentionQuestion {
    let start = examine_step(examiner, &retention.start, "/question/start/where");
    let coming_back = examine_step(examiner, &retention.coming_back, "/question/return/where");
    let filter = examine_shared(examiner, [&start, &coming_back], retention.filter.as_ref());
    RetentionQuestion { start, coming_back, filter, ..retention.clone() }
}

fn examine_paths(examiner: &mut Examiner<'_>, paths: &PathsQuestion) -> PathsQuestion {
    let end = match &paths.end {
        PathsEnd::From(step) => PathsEnd::From(examine_step(examiner, step, "/question/from/where")),
        PathsEnd::To(step) => PathsEnd::To(examine_step(examiner, step, "/question/to/where")),
    };
    // What comes after it or before may be anything.
    examiner.event(&EventSelector::Any);
    let site = Site { pointer: "/question/where", about: About::Events, events: &[EventSelector::Any] };
    let filter = paths.filter.as_ref().map(|filter| examiner.condition(filter, site));
    PathsQuestion { end, filter, ..paths.clone() }
}

fn examine_step(examiner: &mut Examiner<'_>, step: &FunnelStep, pointer: &str) -> FunnelStep {
    examiner.event(&step.event);
    let site = Site { pointer, about: About::Events, events: std::slice::from_ref(&step.event) };
    let filter = step.filter.as_ref().map(|filter| examiner.condition(filter, site));
    FunnelStep { event: step.event.clone(), filter }
}

/// The condition of a question on the events of both.
fn examine_shared(
    examiner: &mut Examiner<'_>,
    [one, other]: [&FunnelStep; 2],
    filter: Option<&Condition>,
) -> Option<Condition> {
    let mut events = vec![one.event.clone()];
    events.extend((other.event != one.event).then(|| other.event.clone()));
    let site = Site { pointer: "/question/where", about: About::Events, events: &events };
    filter.map(|filter| examiner.condition(filter, site))
}

fn examine_audience(examiner: &mut Examiner<'_>, audience: &AudienceQuestion) -> AudienceQuestion {
    let site = Site { pointer: "/question/where", about: About::People, events: &[] };
    let condition = examiner.condition(&audience.condition, site);
    for name in &audience.columns {
        if name == USER_ID {
            keep_user_id(examiner);
        } else if examiner.keep_trait(name).is_none() {
            let candidates = examiner.trait_candidates(name);
            examiner.unknown(name.clone(), "trait", candidates);
        }
    }
    let destinations = &examiner.definitions.destinations;
    if let Some(name) = audience.destination.as_ref().filter(|name| !destinations.contains_key(*name)) {
        let near = nearest(name, destinations.keys().map(String::as_str));
        let change = |to: &String| Change::Destination { from: name.clone(), to: to.clone() };
        let candidates = near.iter().map(|to| (to.clone(), change(to))).collect();
        examiner.unknown(name.clone(), "destination", candidates);
    }
    AudienceQuestion { condition, ..audience.clone() }
}

/// The id by which sources know a person, under the strictest terms of all of them.
fn keep_user_id(examiner: &mut Examiner<'_>) {
    let mut merged: Option<Field> = None;
    let objects = examiner.definitions.sources.values().flat_map(|source| &source.contract.objects);
    for object in objects {
        for field in object.fields.iter().filter(|field| field.name == object.person_column) {
            merged = Some(merged.map_or_else(|| field.clone(), |known| strictest(known, field)));
        }
    }
    let Some(field) = merged else {
        return examiner.unknown(USER_ID.into(), "trait", Vec::new());
    };
    let class = field.class.max(FieldClass::Pseudonym);
    let field = Field { name: USER_ID.into(), value_type: ValueType::Text, class, unit: None, is_key: true, ..field };
    examiner.fields.insert(FieldRef::Trait(USER_ID.into()));
    examiner.trait_fields.insert(USER_ID.into(), field);
}

/// What names of a breakdown mean: a property of the events, else a trait.
fn examine_breakdown(examiner: &mut Examiner<'_>, names: &[String], events: &[EventSelector]) -> Vec<FieldRef> {
    const POINTER: &str = "/question/breakdown";
    let mut breakdown = Vec::with_capacity(names.len());
    for name in names {
        let is_property = events.iter().any(|event| examiner.definitions.property(event, name).is_some());
        let is_trait = examiner.definitions.trait_field(name).is_some();
        let field = if is_property || !is_trait {
            breakdown.push(FieldRef::Property(name.clone()));
            let candidates = examiner.trait_candidates(name);
            if !is_property && !candidates.is_empty() && !has_near_property(examiner, events, name) {
                examiner.unknown(name.clone(), "trait", candidates);
                continue;
            }
            examiner.property(events, name, name, POINTER)
        } else {
            breakdown.push(FieldRef::Trait(name.clone()));
            examiner.keep_trait(name)
        };
        let Some(field) = field else { continue };
        check_groups(examiner, &field, POINTER);
        if field.class == FieldClass::Direct {
            examiner.wrong(POINTER, format!("`{name}` names people and is kept out of groups"), "leave it out");
        }
    }
    breakdown
}

/// A field that groups rows has few values.
fn check_groups(examiner: &mut Examiner<'_>, field: &Field, pointer: &str) {
    if field.is_key {
        let name = &field.name;
        let message = format!("`{name}` has a value of its own for almost every row, so groups by it say nothing");
        examiner.wrong(pointer, message, "break down by something with few values, or leave it out");
    }
}

fn has_near_property(examiner: &Examiner<'_>, events: &[EventSelector], name: &str) -> bool {
    let properties = events.iter().flat_map(|event| examiner.definitions.properties(event));
    let properties = properties.filter(|field| examiner.shows(field));
    !nearest(name, properties.map(|field| field.name.as_str())).is_empty()
}
