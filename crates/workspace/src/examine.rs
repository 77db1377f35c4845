//! What the names in a condition mean at the place where they stand, and whether the types go together.
//!
//! An `Examiner` walks conditions and gives them back with audiences put in and constants fitted to their fields; on the
//! way it keeps every field, event and source that is used, and everything that is wrong.

use crate::definitions::Definitions;
use crate::diagnostic::Issue;
use crate::names::nearest;
use crate::rename::Change;
use crate::types::{Complaint, aggregate_type, constant_type, fit, go_together, phrase};
use spec::{
    Aggregate, CompareOp, Condition, Diagnostic, EventSelector, Field, FieldClass, FieldRef, Role, Term, Value,
    ValueType,
};
use std::collections::{BTreeMap, BTreeSet};

/// The most comparisons once audiences are put in.
const TERMS_MAX: usize = 5_000;

/// How deep a condition may nest once audiences are put in.
const DEPTH_MAX: usize = 128;

/// Something that does not resolve.
pub(crate) enum Found {
    /// A name that means nothing; the candidates are other names with what to change.
    Name { subject: String, kind: &'static str, candidates: Vec<(String, Change)> },
    /// Something that makes no sense.
    Wrong(Diagnostic),
}

/// Where a condition stands.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The JSON pointer of the condition.
    pub(crate) pointer: &'a str,
    /// What it may speak of.
    pub(crate) about: About,
    /// The events that `event.p` is a property of.
    pub(crate) events: &'a [EventSelector],
}

/// What a condition may speak of.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum About {
    /// People: their traits and what they did.
    People,
    /// Single events and the traits of their people.
    Events,
    /// Single events inside of an aggregate's brackets.
    InnerEvents,
}

/// What was seen so far.
pub(crate) struct Examiner<'a> {
    pub(crate) definitions: &'a Definitions,
    /// Whom names that may be meant are for: only what its catalogue shows is offered; everything where absent.
    pub(crate) role: Option<&'a Role>,
    pub(crate) found: Vec<Found>,
    pub(crate) fields: BTreeSet<FieldRef>,
    pub(crate) property_fields: BTreeMap<String, Field>,
    /// The events whose terms each of them is under.
    pub(crate) property_events: BTreeMap<String, BTreeSet<String>>,
    pub(crate) trait_fields: BTreeMap<String, Field>,
    pub(crate) events: BTreeSet<String>,
    pub(crate) sources: BTreeSet<String>,
    pub(crate) sources_of_any: BTreeSet<String>,
    n_terms: usize,
    depth: usize,
    too_large: bool,
}

impl<'a> Examiner<'a> {
    pub(crate) fn new(definitions: &'a Definitions, role: Option<&'a Role>) -> Examiner<'a> {
        Examiner {
            definitions,
            role,
            found: Vec::new(),
            fields: BTreeSet::new(),
            property_fields: BTreeMap::new(),
            property_events: BTreeMap::new(),
            trait_fields: BTreeMap::new(),
            events: BTreeSet::new(),
            sources: BTreeSet::new(),
            sources_of_any: BTreeSet::new(),
            n_terms: 0,
            depth: 0,
            too_large: false,
        }
    }

    pub(crate) fn wrong(&mut self, pointer: &str, message: String, hint: &str) {
        self.wrong_at(pointer, Issue { line: 1, column: 1, message, hint: hint.to_owned() });
    }

    /// The same, at a line and a column of the text that the pointer leads to.
    pub(crate) fn wrong_at(&mut self, pointer: &str, issue: Issue) {
        let diagnostic = Diagnostic { path: pointer.to_owned(), ..issue.into_diagnostic() };
        if !self.found.iter().any(|found| matches!(found, Found::Wrong(known) if *known == diagnostic)) {
            self.found.push(Found::Wrong(diagnostic));
        }
    }

    pub(crate) fn unknown(&mut self, subject: String, kind: &'static str, candidates: Vec<(String, Change)>) {
        let same =
            |found: &Found| matches!(found, Found::Name { subject: s, kind: k, .. } if *s == subject && *k == kind);
        if !self.found.iter().any(same) {
            self.found.push(Found::Name { subject, kind, candidates });
        }
    }

    /// The condition with audiences put in and constants fitted.
    pub(crate) fn condition(&mut self, condition: &Condition, site: Site<'_>) -> Condition {
        if self.is_too_large(site) {
            return condition.clone();
        }
        self.depth += 1;
        let examined = match condition {
            Condition::And(parts) => {
                crate::condition::all_of(parts.iter().map(|part| self.condition(part, site)).collect())
            }
            Condition::Or(parts) => Condition::Or(parts.iter().map(|part| self.condition(part, site)).collect()),
            Condition::Not(inner) => Condition::Not(Box::new(self.condition(inner, site))),
            Condition::Compare { left, op, right } => self.comparison(left, *op, right, site),
            Condition::In { term, values } => self.list(term, values, site),
            Condition::Like { term, pattern } => self.like(term, pattern, site),
            Condition::IsNull(term) => Condition::IsNull(self.term(term, site).0),
            Condition::Did(aggregate) => Condition::Did(self.aggregate(aggregate, site).0),
            Condition::InAudience(name) => self.audience(name, site),
        };
        self.depth -= 1;
        examined
    }

    /// Checks that an event exists, and keeps it.
    pub(crate) fn event(&mut self, event: &EventSelector) {
        match event {
            EventSelector::Any => {
                for (source, object) in self.definitions.events() {
                    self.events.insert(object.name.clone());
                    self.sources_of_any.insert(source.name.clone());
                }
            }
            EventSelector::Named(name) => match self.definitions.event(name) {
                Some((source, object)) => {
                    self.events.insert(object.name.clone());
                    self.sources.insert(source.name.clone());
                }
                None => {
                    let events = self.definitions.events();
                    let near = nearest(name, events.iter().map(|(_, object)| object.name.as_str()));
                    let change = |to: &String| Change::Event { from: name.clone(), to: to.clone() };
                    let candidates = near.iter().map(|to| (to.clone(), change(to))).collect();
                    self.unknown(name.clone(), "event", candidates);
                }
            },
        }
    }

    /// The property of one event (`E.p`), kept; nothing if it is unknown.
    pub(crate) fn property_of(&mut self, event: &EventSelector, name: &str, pointer: &str) -> Option<Field> {
        let written = match event {
            EventSelector::Named(event) => format!("{event}.{name}"),
            EventSelector::Any => format!("event.{name}"),
        };
        self.property(std::slice::from_ref(event), name, &written, pointer)
    }

    /// The property that all of these events have, kept; nothing if it is unknown.
    pub(crate) fn property(
        &mut self,
        events: &[EventSelector],
        name: &str,
        written: &str,
        pointer: &str,
    ) -> Option<Field> {
        let known: Vec<&EventSelector> = events.iter().filter(|event| self.is_known(event)).collect();
        if known.is_empty() {
            return None;
        }
        let has = |event: &&EventSelector| self.definitions.property(event, name).is_some();
        let (with, without): (Vec<&EventSelector>, Vec<&EventSelector>) = known.into_iter().partition(has);
        if with.is_empty() {
            let candidates = self.property_candidates(&without, name);
            self.unknown(written.to_owned(), "property", candidates);
            return None;
        }
        if let Some(EventSelector::Named(other)) = without.first() {
            let message = format!("`{written}` is not a property of `{other}`");
            self.wrong(pointer, message, "use a property that all events here have, or a condition on one of them");
            return None;
        }
        let mut merged: Option<Field> = None;
        for field in with.iter().flat_map(|event| self.definitions.properties(event)).filter(|field| field.name == name)
        {
            merged = Some(merged.map_or_else(|| field.clone(), |known| strictest(known, field)));
        }
        let field = merged?;
        if field.class == FieldClass::Direct {
            self.wrong(pointer, format!("`{written}` names people and is kept out of questions"), "leave it out");
            return None;
        }
        self.fields.insert(FieldRef::Property(name.to_owned()));
        let kept = match self.property_fields.remove(name) {
            Some(known) => strictest(known, &field),
            None => field.clone(),
        };
        self.property_fields.insert(name.to_owned(), kept);
        let concerned = self.property_events.entry(name.to_owned()).or_default();
        concerned.extend(with.iter().flat_map(|event| self.definitions.events_with(event, name)).map(str::to_owned));
        Some(field)
    }

    /// The trait of this name, kept; nothing if there is none.
    pub(crate) fn keep_trait(&mut self, name: &str) -> Option<Field> {
        let (source, _, field) = self.definitions.trait_field(name)?;
        self.sources.insert(source.name.clone());
        self.fields.insert(FieldRef::Trait(name.to_owned()));
        self.trait_fields.insert(name.to_owned(), field.clone());
        Some(field.clone())
    }

    /// Whether a field may be offered as one that was meant.
    pub(crate) fn shows(&self, field: &Field) -> bool {
        self.role.is_none_or(|role| role.may_ask(field))
    }

    /// Traits that may have been meant.
    pub(crate) fn trait_candidates(&self, name: &str) -> Vec<(String, Change)> {
        let traits = self.definitions.traits();
        let shown = traits.iter().map(|(_, _, field)| *field).filter(|field| self.shows(field));
        let near = nearest(name, shown.map(|field| field.name.as_str()));
        let from = FieldRef::Trait(name.to_owned());
        let change = |to: &String| Change::Field { from: from.clone(), to: FieldRef::Trait(to.clone()), event: None };
        near.iter().map(|to| (to.clone(), change(to))).collect()
    }

    fn is_known(&self, event: &EventSelector) -> bool {
        match event {
            EventSelector::Any => true,
            EventSelector::Named(name) => self.definitions.event(name).is_some(),
        }
    }

    fn is_too_large(&mut self, site: Site<'_>) -> bool {
        let large = self.depth >= DEPTH_MAX || self.n_terms > TERMS_MAX;
        if large && !self.too_large {
            self.too_large = true;
            let message = "with its audiences put in, the condition is too large".to_owned();
            self.wrong(site.pointer, message, "build it on fewer audiences");
        }
        large
    }

    fn property_candidates(&self, events: &[&EventSelector], name: &str) -> Vec<(String, Change)> {
        let mut known: Vec<&str> = Vec::new();
        for event in events {
            let shown = self.definitions.properties(event).into_iter().filter(|field| self.shows(field));
            known.extend(shown.map(|field| field.name.as_str()));
        }
        known.sort_unstable();
        known.dedup();
        let concerned = match events {
            [event] => Some((*event).clone()),
            _ => None,
        };
        let from = FieldRef::Property(name.to_owned());
        let change = |to: &String| Change::Field {
            from: from.clone(),
            to: FieldRef::Property(to.clone()),
            event: concerned.clone(),
        };
        nearest(name, known).iter().map(|to| (to.clone(), change(to))).collect()
    }

    fn comparison(&mut self, left: &Term, op: CompareOp, right: &Term, site: Site<'_>) -> Condition {
        self.n_terms += 1;
        let (left, left_type) = self.term(left, site);
        let (right, right_type) = self.term(right, site);
        if left_type.is_some_and(|found| found == ValueType::Boolean) && !matches!(op, CompareOp::Eq | CompareOp::NotEq)
        {
            self.wrong(site.pointer, format!("`{left}` is true or false and has no order"), "compare it with `=`");
        }
        let (left, right) = match (&left, &right, left_type, right_type) {
            (_, Term::Value(value), Some(to), _) if !matches!(left, Term::Value(_)) => {
                let fitted = self.fitted(value, to, &left, site);
                (left, Term::Value(fitted))
            }
            (Term::Value(value), _, _, Some(to)) if !matches!(right, Term::Value(_)) => {
                let fitted = self.fitted(value, to, &right, site);
                (Term::Value(fitted), right)
            }
            (_, _, Some(a), Some(b)) if !go_together(a, b) => {
                let message = format!("`{left}` is {} and `{right}` is {}", phrase(a), phrase(b));
                self.wrong(site.pointer, message, "compare things of the same type");
                (left, right)
            }
            _ => (left, right),
        };
        Condition::Compare { left, op, right }
    }

    fn list(&mut self, term: &Term, values: &[Value], site: Site<'_>) -> Condition {
        self.n_terms += 1;
        let (term, found) = self.term(term, site);
        let values = match found {
            Some(to) => values.iter().map(|value| self.fitted(value, to, &term, site)).collect(),
            None => values.to_vec(),
        };
        Condition::In { term, values }
    }

    fn like(&mut self, term: &Term, pattern: &str, site: Site<'_>) -> Condition {
        self.n_terms += 1;
        let (term, found) = self.term(term, site);
        if let Some(found) = found.filter(|found| *found != ValueType::Text) {
            let message = format!("LIKE is for text and `{term}` is {}", phrase(found));
            self.wrong(site.pointer, message, "compare it with `=`, `<` or `>`");
        }
        Condition::Like { term, pattern: pattern.to_owned() }
    }

    fn fitted(&mut self, value: &Value, to: ValueType, beside: &Term, site: Site<'_>) -> Value {
        fit(value, to, &beside.to_string()).unwrap_or_else(|(message, hint)| {
            self.wrong(site.pointer, message, &hint);
            value.clone()
        })
    }

    fn term(&mut self, term: &Term, site: Site<'_>) -> (Term, Option<ValueType>) {
        match term {
            Term::Value(value) => (term.clone(), constant_type(value)),
            Term::Field(FieldRef::Property(name)) => (term.clone(), self.event_property(name, site)),
            Term::Field(FieldRef::Trait(name)) => (term.clone(), self.person_trait(name, site)),
            Term::Aggregate(aggregate) => {
                let (aggregate, value_type) = self.aggregate(aggregate, site);
                (Term::Aggregate(aggregate), value_type)
            }
        }
    }

    fn event_property(&mut self, name: &str, site: Site<'_>) -> Option<ValueType> {
        let written = format!("event.{name}");
        if site.about == About::People {
            let hint = format!("put it into the brackets, as in `did(E, where => ({written} = ...))`");
            self.wrong(site.pointer, format!("`{written}` stands outside of an event's brackets"), &hint);
            return None;
        }
        let is_unknown = site.events.iter().all(|event| self.definitions.property(event, name).is_none());
        let meant = self.definitions.trait_field(name).filter(|(_, _, field)| self.shows(field));
        if site.about == About::Events && is_unknown && meant.is_some() {
            let (from, to) = (FieldRef::Property(name.to_owned()), FieldRef::Trait(name.to_owned()));
            self.unknown(written, "property", vec![(name.to_owned(), Change::Field { from, to, event: None })]);
            return None;
        }
        self.property(site.events, name, &written, site.pointer).map(|field| field.value_type)
    }

    fn person_trait(&mut self, name: &str, site: Site<'_>) -> Option<ValueType> {
        if site.about == About::InnerEvents {
            let hint = format!("write `event.{name}` for a property, or move it out of the brackets");
            self.wrong(site.pointer, format!("the trait `{name}` stands in an event's brackets"), &hint);
            return None;
        }
        let Some(field) = self.keep_trait(name) else {
            let mut candidates = self.trait_candidates(name);
            let property = |event| self.definitions.property(event, name).filter(|field| self.shows(field));
            if site.events.iter().any(|event| property(event).is_some()) {
                let (from, to) = (FieldRef::Trait(name.to_owned()), FieldRef::Property(name.to_owned()));
                candidates.insert(0, (format!("event.{name}"), Change::Field { from, to, event: None }));
            }
            self.unknown(name.to_owned(), "trait", candidates);
            return None;
        };
        if field.class == FieldClass::Direct {
            let message = format!("`{name}` names people and is kept out of conditions");
            self.wrong(site.pointer, message, "leave it out");
            return None;
        }
        Some(field.value_type)
    }

    fn aggregate(&mut self, aggregate: &Aggregate, site: Site<'_>) -> (Aggregate, Option<ValueType>) {
        self.n_terms += 1;
        match site.about {
            About::People => {}
            About::Events => {
                let message = "only audiences can look at what people did over time".to_owned();
                self.wrong(
                    site.pointer,
                    message,
                    "save it as an audience, and ask it as a question of kind `audience`",
                );
            }
            About::InnerEvents => {
                let message = "an aggregate stands in an event's brackets".to_owned();
                self.wrong(site.pointer, message, "join the two with AND outside of the brackets");
            }
        }
        self.event(&aggregate.event);
        let property = aggregate.property.as_deref();
        let field = property.and_then(|name| self.property_of(&aggregate.event, name, site.pointer));
        let events = std::slice::from_ref(&aggregate.event);
        let inner = Site { pointer: site.pointer, about: About::InnerEvents, events };
        let filter = aggregate.filter.as_deref().map(|filter| Box::new(self.condition(filter, inner)));
        let value_type = if property.is_some() && field.is_none() {
            None
        } else {
            self.accept(aggregate_type(aggregate.function, field.as_ref()), site.pointer)
        };
        (Aggregate { filter, ..aggregate.clone() }, value_type)
    }

    /// The type, or the complaint among what is wrong.
    pub(crate) fn accept(&mut self, value_type: Result<ValueType, Complaint>, pointer: &str) -> Option<ValueType> {
        match value_type {
            Ok(value_type) => Some(value_type),
            Err((message, hint)) => {
                self.wrong(pointer, message, &hint);
                None
            }
        }
    }

    fn audience(&mut self, name: &str, site: Site<'_>) -> Condition {
        if site.about == About::InnerEvents {
            let message = format!("the audience `{name}` stands in an event's brackets");
            self.wrong(site.pointer, message, "join the two with AND outside of the brackets");
            return Condition::InAudience(name.to_owned());
        }
        let Some(audience) = self.definitions.audiences.get(name) else {
            let near = nearest(name, self.definitions.audiences.keys().map(String::as_str));
            let change = |to: &String| Change::Audience { from: name.to_owned(), to: to.clone() };
            let candidates = near.iter().map(|to| (to.clone(), change(to))).collect();
            self.unknown(name.to_owned(), "audience", candidates);
            return Condition::InAudience(name.to_owned());
        };
        let people = Site { pointer: site.pointer, about: About::People, events: &[] };
        let condition = self.condition(&audience.condition, people);
        if site.about == About::Events && looks_at_events(&condition) {
            let message = format!("the audience `{name}` looks at what people did over time, which only audiences can");
            self.wrong(site.pointer, message, "ask it as a question of kind `audience`");
        }
        condition
    }
}

/// The field under the strictest terms of both.
pub(crate) fn strictest(known: Field, other: &Field) -> Field {
    let purposes = known.purposes.into_iter().filter(|purpose| other.purposes.contains(purpose)).collect();
    Field {
        purposes,
        class: known.class.max(other.class),
        is_key: known.is_key || other.is_key,
        required: known.required && other.required,
        unit: known.unit.filter(|unit| other.unit.as_ref() == Some(unit)),
        length_max: known.length_max.max(other.length_max),
        ..known
    }
}

fn looks_at_events(condition: &Condition) -> bool {
    let is_aggregate = |term: &Term| matches!(term, Term::Aggregate(_));
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(looks_at_events),
        Condition::Not(inner) => looks_at_events(inner),
        Condition::Compare { left, right, .. } => is_aggregate(left) || is_aggregate(right),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => is_aggregate(term),
        Condition::Did(_) => true,
        Condition::InAudience(_) => false,
    }
}
