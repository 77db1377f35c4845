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
    /// 16 hex digits of the SHA-256 of the paths and texts of all definition files.
    pub version: String,
}

impl Definitions {
    /// The team that looks after a file or a folder (`contracts/`): of several, the one that says so most exactly.
    pub fn team_for(&self, file: &str) -> Option<&Team> {
        let fits = |entry: &str| entry == file || (entry.ends_with('/') && file.starts_with(entry));
        let entries = self.teams.values().flat_map(|team| team.looks_after.iter().map(move |entry| (entry, team)));
        let longest = entries.filter(|(entry, _)| fits(entry)).max_by_key(|(entry, _)| entry.len());
        longest.map(|(_, team)| team)
    }

    /// The team of a user; of several, the first by name.
    pub fn team_of(&self, user: &str) -> Option<&Team> {
        self.teams.values().find(|team| team.members.iter().any(|member| member == user))
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

    /// The fields of an object that questions can name: all but the person, time and message id columns.
    pub fn asked_fields(object: &Object) -> Vec<&Field> {
        object.fields.iter().filter(|field| !is_own_column(object, &field.name)).collect()
    }
}

fn is_own_column(object: &Object, name: &str) -> bool {
    object.person_column == name
        || object.time_column.as_deref() == Some(name)
        || object.message_id_column.as_deref() == Some(name)
}
