//! Everything that a workspace defines, and how to find things in it.

use spec::{
    AudienceDefinition, Dashboard, Destination, EventSelector, Field, LawRule, MetricDefinition, Object, ObjectKind,
    Purpose, Role, SavedQuestion, Source, Team, User,
};
use std::collections::BTreeMap;

/// The definitions of a workspace that have no errors, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definitions {
    /// What the workspace is called.
    pub title: String,
    /// What every page shows, mostly where the data is from; may be empty.
    pub notice: String,
    /// Which law applies to people of a place; where none does, the strictest applies.
    pub laws: Vec<LawRule>,
    /// Where data comes in.
    pub sources: BTreeMap<String, Source>,
    /// Why data is used.
    pub purposes: BTreeMap<String, Purpose>,
    /// What people of a team may do.
    pub roles: BTreeMap<String, Role>,
    /// Who may ask.
    pub users: BTreeMap<String, User>,
    /// Who looks after which files.
    pub teams: BTreeMap<String, Team>,
    /// Shared figures.
    pub metrics: BTreeMap<String, MetricDefinition>,
    /// Lists of people.
    pub audiences: BTreeMap<String, AudienceDefinition>,
    /// Where lists of people go.
    pub destinations: BTreeMap<String, Destination>,
    /// Questions with a name.
    pub questions: BTreeMap<String, SavedQuestion>,
    /// Answers that are looked at together.
    pub dashboards: BTreeMap<String, Dashboard>,
    /// Files that are left out for their errors: path -> the texts in which the names stand that it would define.
    pub left_out: BTreeMap<String, String>,
    /// 16 hex digits of the SHA-256 of the paths and texts of all definition files.
    pub version: String,
}

impl Definitions {
    /// The team that looks after a file or a folder (`contracts/`): of several, the one that says so most exactly.
    pub fn team_for(&self, file: &str) -> Option<&Team> {
        let close = self.teams.values().filter_map(|team| Some((spec::closeness(&team.looks_after, file)?, team)));
        close.max_by_key(|(closeness, _)| *closeness).map(|(_, team)| team)
    }

    /// The team of a user; of several, the first by name.
    pub fn team_of(&self, user: &str) -> Option<&Team> {
        self.teams.values().find(|team| team.members.iter().any(|member| member == user))
    }

    /// The file with errors that may define what a question names: `kind` as `Unresolved` tells it.
    pub fn left_out_with(&self, kind: &str, name: &str) -> Option<&str> {
        let folder = match kind {
            "metric" => "metrics",
            "audience" => "audiences",
            "purpose" => "purposes",
            "destination" => "destinations",
            _ => return self.contract_left_out_with(kind, name),
        };
        let (path, text) = self.left_out.get_key_value(&format!("{folder}/{name}.yaml"))?;
        // It may be wrong for nothing but a contract that is.
        let is_known = |word: &str| {
            self.event(word).is_some()
                || self.trait_field(word).is_some()
                || self.property(&EventSelector::Any, word).is_some()
        };
        let mut unknown = words_of(text).filter(|word| !is_known(word));
        let declaring = |word: &str| self.contracts_left_out().find(|(_, text)| declares(text, word));
        Some(unknown.find_map(declaring).map_or(path.as_str(), |(contract, _)| contract))
    }

    /// A contract or a source that declares an event or a field, else one that at least says the word.
    fn contract_left_out_with(&self, kind: &str, name: &str) -> Option<&str> {
        let word = name.rsplit('.').next().unwrap_or(name);
        let declaring = self.contracts_left_out().find(|(_, text)| declares(text, word));
        let says = || self.contracts_left_out().find(|(_, text)| words_of(text).any(|said| said == word));
        // What fields are called is said everywhere; events have names of their own.
        declaring.or_else(|| says().filter(|_| kind == "event")).map(|(path, _)| path)
    }

    fn contracts_left_out(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.left_out.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(|(path, _)| path.starts_with("contracts/") || path.starts_with("sources/"))
    }

    /// The event of this name and its source.
    pub fn event(&self, name: &str) -> Option<(&Source, &Object)> {
        self.events().into_iter().find(|(_, object)| object.name == name)
    }

    /// All events with their sources, by source and in the contract's order.
    pub fn events(&self) -> Vec<(&Source, &Object)> {
        self.objects(ObjectKind::Event)
    }

    /// All objects of a kind with their sources, by source and in the contract's order.
    pub fn objects(&self, kind: ObjectKind) -> Vec<(&Source, &Object)> {
        let pairs =
            self.sources.values().flat_map(|source| source.contract.objects.iter().map(move |object| (source, object)));
        pairs.filter(|(_, object)| object.kind == kind).collect()
    }

    /// All traits with source and object, by source and in the contract's order.
    pub fn traits(&self) -> Vec<(&Source, &Object, &Field)> {
        let mut traits = Vec::new();
        for (source, object) in self.objects(ObjectKind::Traits) {
            traits.extend(Definitions::asked_fields(object).into_iter().map(|field| (source, object, field)));
        }
        traits
    }

    /// The trait of this name with its source and object.
    pub fn trait_field(&self, name: &str) -> Option<(&Source, &Object, &Field)> {
        let mut objects = self.objects(ObjectKind::Traits).into_iter();
        objects.find_map(|(source, object)| {
            let field = object.fields.iter().find(|field| field.name == name && !is_own_column(object, name))?;
            Some((source, object, field))
        })
    }

    /// The property of this name of an event; of `*`, that of the first event that has one.
    pub fn property(&self, event: &EventSelector, name: &str) -> Option<&Field> {
        self.properties(event).into_iter().find(|field| field.name == name)
    }

    /// The properties of an event, or of all events; several events may each have one of the same name and type.
    pub fn properties(&self, event: &EventSelector) -> Vec<&Field> {
        let objects = self.events().into_iter().map(|(_, object)| object);
        match event {
            EventSelector::Any => objects.flat_map(Definitions::asked_fields).collect(),
            EventSelector::Named(name) => {
                objects.filter(|object| object.name == *name).flat_map(Definitions::asked_fields).collect()
            }
        }
    }

    /// The names of those of the events that have a property.
    pub(crate) fn events_with<'d>(&'d self, event: &EventSelector, name: &str) -> Vec<&'d str> {
        let is_meant = |object: &&Object| match event {
            EventSelector::Any => true,
            EventSelector::Named(wanted) => object.name == *wanted,
        };
        let has = |object: &&Object| Definitions::asked_fields(object).iter().any(|field| field.name == name);
        let objects = self.events().into_iter().map(|(_, object)| object);
        objects.filter(is_meant).filter(has).map(|object| object.name.as_str()).collect()
    }

    /// The fields of an object that questions can name: all but the person, time and message id columns.
    pub fn asked_fields(object: &Object) -> Vec<&Field> {
        object.fields.iter().filter(|field| !is_own_column(object, &field.name)).collect()
    }
}

/// The words of a text that could be names.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).filter(|word| !word.is_empty())
}

/// Whether a contract's text, which may be no YAML, has `name: WORD`.
fn declares(text: &str, word: &str) -> bool {
    text.match_indices("name:").any(|(at, key)| {
        let value = text[at + key.len()..].trim_start_matches([' ', '"', '\'']);
        words_of(value.lines().next().unwrap_or_default()).next() == Some(word) && value.starts_with(word)
    })
}

fn is_own_column(object: &Object, name: &str) -> bool {
    object.person_column == name
        || object.time_column.as_deref() == Some(name)
        || object.message_id_column.as_deref() == Some(name)
}
