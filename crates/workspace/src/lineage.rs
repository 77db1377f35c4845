//! What rests on what: the definitions of a workspace and the fields of its contracts, each with all that a change of
//! it would reach.
//!
//! It is computed here alone, by the same `resolve` that a question goes through before it is judged. A question rests
//! on what it names and on what that stands for: a metric, the events and fields under it, the sources that bring them.
//! What merely names a purpose - a field that may be used for it, a role that may ask for it - does not hand it on: a
//! question about the field rests on the purpose that it is asked for, and on no other.
//!
//! Deliberately absent: anything about data. Who reads it may see every definition that stands in it.

use crate::built::{audience_as_question, metric_as_question};
use crate::cycles::audiences_in;
use crate::definitions::Definitions;
use crate::resolve::resolve_partly;
use spec::{
    Condition, ExperimentMetric, FieldRef, FunnelStep, Measure, Object, ObjectKind, Question, QuestionBody, TileSubject,
};
use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

/// What a thing is; in the order in which people look for them, from what is built to what it is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThingKind {
    /// Answers that are looked at together.
    Dashboard,
    /// A saved question.
    Question,
    /// A condition on people with a name.
    Audience,
    /// A shared figure.
    Metric,
    /// What people did.
    Event,
    /// A field of an event; its name is `EVENT.FIELD`.
    Property,
    /// A field that describes people.
    Trait,
    /// Where data comes in.
    Source,
    /// Why data is used.
    Purpose,
    /// What people of a team may do.
    Role,
    /// Where lists of people go.
    Destination,
}

impl ThingKind {
    /// All of them, in their order.
    pub const ALL: [ThingKind; 11] = [
        ThingKind::Dashboard,
        ThingKind::Question,
        ThingKind::Audience,
        ThingKind::Metric,
        ThingKind::Event,
        ThingKind::Property,
        ThingKind::Trait,
        ThingKind::Source,
        ThingKind::Purpose,
        ThingKind::Role,
        ThingKind::Destination,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            ThingKind::Dashboard => "dashboard",
            ThingKind::Question => "question",
            ThingKind::Audience => "audience",
            ThingKind::Metric => "metric",
            ThingKind::Event => "event",
            ThingKind::Property => "property",
            ThingKind::Trait => "trait",
            ThingKind::Source => "source",
            ThingKind::Purpose => "purpose",
            ThingKind::Role => "role",
            ThingKind::Destination => "destination",
        }
    }
}

/// Something that rests on other things, or that others rest on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    /// What it is.
    pub kind: ThingKind,
    /// Its name; of a property with its event in front.
    pub name: String,
}

/// Where a thing is defined, and what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedAt {
    /// What people call it.
    pub title: String,
    /// The file that defines it, relative to the workspace.
    pub path: String,
    /// The source that brings it: of events and fields.
    pub source: Option<String>,
}

/// Everything that is defined, with all that it rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    rests: BTreeMap<Thing, BTreeSet<Thing>>,
    /// Purposes that are named and not handed on.
    purposes: BTreeMap<Thing, BTreeSet<Thing>>,
}

impl Lineage {
    /// Of all definitions.
    pub fn new(definitions: &Definitions) -> Lineage {
        let mut lineage = Lineage::default();
        lineage.add_sources(definitions);
        for (name, metric) in &definitions.metrics {
            lineage.add(ThingKind::Metric, name, question_rests_on(&metric_as_question(metric), definitions), &[]);
        }
        for (name, audience) in &definitions.audiences {
            let rests_on = question_rests_on(&audience_as_question(audience), definitions);
            lineage.add(ThingKind::Audience, name, rests_on, std::slice::from_ref(&audience.purpose));
        }
        for (name, saved) in &definitions.questions {
            lineage.add(ThingKind::Question, name, question_rests_on(&saved.question, definitions), &[]);
        }
        for (name, dashboard) in &definitions.dashboards {
            let rests_on = dashboard.tiles.iter().flat_map(|tile| lineage.under(&subject(&tile.subject))).collect();
            lineage.add(ThingKind::Dashboard, name, rests_on, &[]);
        }
        for name in definitions.purposes.keys() {
            lineage.add(ThingKind::Purpose, name, BTreeSet::new(), &[]);
        }
        for (name, role) in &definitions.roles {
            let purposes: Vec<String> = role.purposes.keys().cloned().collect();
            lineage.add(ThingKind::Role, name, BTreeSet::new(), &purposes);
        }
        for (name, destination) in &definitions.destinations {
            lineage.add(ThingKind::Destination, name, BTreeSet::new(), &destination.purposes);
        }
        lineage
    }

    /// Everything that it knows, in the order of kinds and names.
    pub fn things(&self) -> impl Iterator<Item = &Thing> {
        self.rests.keys()
    }

    /// What a thing rests on; a purpose that it names included.
    pub fn rests_on(&self, thing: &Thing) -> BTreeSet<Thing> {
        let of = |map: &BTreeMap<Thing, BTreeSet<Thing>>| map.get(thing).cloned().unwrap_or_default();
        of(&self.rests).into_iter().chain(of(&self.purposes)).collect()
    }

    /// What rests on a thing: what could be another one after a change of it.
    pub fn used_by(&self, thing: &Thing) -> BTreeSet<Thing> {
        let names = |(user, on): (&Thing, &BTreeSet<Thing>)| on.contains(thing).then(|| user.clone());
        let resting = self.rests.iter().filter_map(names);
        resting.chain(self.purposes.iter().filter_map(names)).collect()
    }

    /// A thing with all that it rests on; nothing where it is not defined, or has errors.
    fn under(&self, thing: &Thing) -> BTreeSet<Thing> {
        let Some(rests_on) = self.rests.get(thing) else { return BTreeSet::new() };
        rests_on.iter().chain([thing]).cloned().collect()
    }

    fn add(&mut self, kind: ThingKind, name: &str, rests_on: BTreeSet<Thing>, purposes: &[String]) {
        let thing = Thing::new(kind, name);
        let purposes: BTreeSet<Thing> = purposes.iter().map(|name| Thing::new(ThingKind::Purpose, name)).collect();
        if !purposes.is_empty() {
            self.purposes.insert(thing.clone(), purposes);
        }
        self.rests.insert(thing, rests_on);
    }

    /// The sources, and what their contracts declare.
    fn add_sources(&mut self, definitions: &Definitions) {
        for (name, source) in &definitions.sources {
            let of_source = Thing::new(ThingKind::Source, name);
            self.add(ThingKind::Source, name, BTreeSet::new(), &[]);
            for object in &source.contract.objects {
                let mut under = BTreeSet::from([of_source.clone()]);
                if object.kind == ObjectKind::Event {
                    self.add(ThingKind::Event, &object.name, under.clone(), &[]);
                    under.insert(Thing::new(ThingKind::Event, &object.name));
                }
                for field in Definitions::asked_fields(object) {
                    let Some(thing) = field_of(object, &field.name) else { continue };
                    self.add(thing.kind, &thing.name, under.clone(), &field.purposes);
                }
            }
        }
    }
}

impl Thing {
    /// By its kind and name.
    pub fn new(kind: ThingKind, name: &str) -> Thing {
        Thing { kind, name: name.to_owned() }
    }

    /// Where it is defined; `None` where nothing is.
    pub fn defined_at(&self, definitions: &Definitions) -> Option<DefinedAt> {
        let name = &self.name;
        let in_folder = |title: &String, folder: &str| DefinedAt {
            title: title.clone(),
            path: format!("{folder}/{name}.yaml"),
            source: None,
        };
        let defined = match self.kind {
            ThingKind::Dashboard => in_folder(&definitions.dashboards.get(name)?.title, "dashboards"),
            ThingKind::Question => in_folder(&definitions.questions.get(name)?.title, "questions"),
            ThingKind::Audience => in_folder(&definitions.audiences.get(name)?.title, "audiences"),
            ThingKind::Metric => in_folder(&definitions.metrics.get(name)?.title, "metrics"),
            ThingKind::Purpose => in_folder(&definitions.purposes.get(name)?.title, "purposes"),
            ThingKind::Role => in_folder(&definitions.roles.get(name)?.title, "roles"),
            ThingKind::Destination => in_folder(&definitions.destinations.get(name)?.title, "destinations"),
            ThingKind::Source | ThingKind::Event | ThingKind::Property | ThingKind::Trait => {
                return self.data_defined_at(definitions);
            }
        };
        Some(defined)
    }

    /// The same for what contracts declare: a source's own file holds its keys, and what it promises is the contract.
    fn data_defined_at(&self, definitions: &Definitions) -> Option<DefinedAt> {
        let (source, title) = match self.kind {
            ThingKind::Event => definitions.event(&self.name).map(|(source, object)| (source, &object.title))?,
            ThingKind::Trait => definitions.trait_field(&self.name).map(|(source, _, field)| (source, &field.title))?,
            ThingKind::Property => {
                // A name may hold a dot itself.
                definitions.events().into_iter().find_map(|(source, object)| {
                    let name = self.name.strip_prefix(&object.name)?.strip_prefix('.')?;
                    let field = object.fields.iter().find(|field| field.name == name)?;
                    Some((source, &field.title))
                })?
            }
            _ => definitions.sources.get(&self.name).map(|source| (source, &source.title))?,
        };
        let path = source.contract_path.clone();
        Some(DefinedAt { title: title.clone(), path, source: Some(source.name.clone()) })
    }
}

/// Everything that a question rests on, whether it is saved or not.
///
/// A property counts for each of its events that has one of this name: so does the policy, which takes the strictest
/// terms of them.
pub fn question_rests_on(question: &Question, definitions: &Definitions) -> BTreeSet<Thing> {
    let mut things = named(question, definitions);
    let resolved = resolve_partly(question, definitions);
    for event in &resolved.events {
        things.insert(Thing::new(ThingKind::Event, event));
    }
    for field in &resolved.fields {
        match field {
            FieldRef::Trait(name) if definitions.trait_field(name).is_some() => {
                things.insert(Thing::new(ThingKind::Trait, name));
            }
            // The id by which sources know a person is no field that is declared as one.
            FieldRef::Trait(_) => {}
            FieldRef::Property(name) => {
                let with_it = resolved.events.iter().filter_map(|event| {
                    let (_, object) = definitions.event(event)?;
                    object.fields.iter().any(|field| field.name == *name).then(|| field_of(object, name))?
                });
                things.extend(with_it);
            }
        }
    }
    things.extend(resolved.all_sources().map(|name| Thing::new(ThingKind::Source, name)));
    things
}

/// What a question names besides events and fields, and the audiences that its audiences are built on.
fn named(question: &Question, definitions: &Definitions) -> BTreeSet<Thing> {
    let mut things = BTreeSet::new();
    if definitions.purposes.contains_key(&question.purpose) {
        things.insert(Thing::new(ThingKind::Purpose, &question.purpose));
    }
    if let QuestionBody::Audience(audience) = &question.body
        && let Some(name) = audience.destination.as_ref().filter(|name| definitions.destinations.contains_key(*name))
    {
        things.insert(Thing::new(ThingKind::Destination, name));
    }
    let (measures, mut conditions) = parts(question);
    for measure in measures {
        if let Measure::Metric(name) = measure
            && let Some(metric) = definitions.metrics.get(name)
        {
            things.insert(Thing::new(ThingKind::Metric, name));
            conditions.extend(&metric.filter);
        }
    }
    while let Some(condition) = conditions.pop() {
        for name in audiences_in(condition) {
            let Some(audience) = definitions.audiences.get(&name) else { continue };
            if things.insert(Thing::new(ThingKind::Audience, &name)) {
                conditions.push(&audience.condition);
            }
        }
    }
    things
}

/// The measures and conditions of a question.
fn parts(question: &Question) -> (Vec<&Measure>, Vec<&Condition>) {
    let (mut measures, mut conditions): (Vec<&Measure>, Vec<&Condition>) = (Vec::new(), Vec::new());
    let mut steps: Vec<&FunnelStep> = Vec::new();
    let mut compared: Vec<&ExperimentMetric> = Vec::new();
    match &question.body {
        QuestionBody::Trend(trend) => {
            measures.push(&trend.measure);
            conditions.extend(&trend.filter);
        }
        QuestionBody::Funnel(funnel) => {
            steps.extend(&funnel.steps);
            conditions.extend(&funnel.filter);
        }
        QuestionBody::Retention(retention) => {
            steps.extend([&retention.start, &retention.coming_back]);
            conditions.extend(&retention.filter);
        }
        QuestionBody::Attribution(attribution) => {
            steps.extend([&attribution.conversion, &attribution.touch]);
            conditions.extend(&attribution.filter);
        }
        QuestionBody::Paths(paths) => {
            steps.push(paths.end.step());
            conditions.extend(&paths.filter);
        }
        QuestionBody::Experiment(experiment) => {
            steps.push(&experiment.exposure);
            compared.extend(&experiment.metrics);
            conditions.extend(&experiment.filter);
        }
        QuestionBody::Power(power) => {
            steps.push(&power.exposure);
            compared.push(&power.metric);
            conditions.extend(&power.filter);
        }
        // A text names tables and columns only.
        QuestionBody::Sql(_) => {}
        QuestionBody::Audience(audience) => conditions.push(&audience.condition),
    }
    conditions.extend(steps.iter().filter_map(|step| step.filter.as_ref()));
    measures.extend(compared.iter().map(|metric| &metric.measure));
    conditions.extend(compared.iter().filter_map(|metric| metric.filter.as_ref()));
    (measures, conditions)
}

fn field_of(object: &Object, name: &str) -> Option<Thing> {
    match object.kind {
        ObjectKind::Event => Some(Thing::new(ThingKind::Property, &format!("{}.{name}", object.name))),
        ObjectKind::Traits => Some(Thing::new(ThingKind::Trait, name)),
        ObjectKind::Consent => None,
    }
}

fn subject(subject: &TileSubject) -> Thing {
    match subject {
        TileSubject::Question(name) => Thing::new(ThingKind::Question, name),
        TileSubject::Metric(name) => Thing::new(ThingKind::Metric, name),
    }
}
