//! What is missing where a question is refused: whose it is to bring, and the change of one definition that would bring it.

use crate::question::judge::Scene;
use spec::{
    Change, EventSelector, Field, FieldClass, FieldRef, Gap, Object, ObjectKind, Purpose, Question, ReasonCode, Remedy,
    Source, Team, ValueType, Work,
};
use workspace::{Definitions, Resolved, USER_ID, Unresolved, is_name};

/// What a field is that no other of its name is like: text mostly, else whatever the question takes it for.
const USUAL_TYPES: [ValueType; 4] = [ValueType::Text, ValueType::Number, ValueType::Boolean, ValueType::Timestamp];

/// Something that is missing, before it is a gap of a reason.
pub(crate) struct Missing {
    /// What to do, in a few words.
    title: String,
    what: String,
    work: Work,
    whose: Whose,
    /// What makes it this gap, where that is more or less than the reason's subject.
    about: Option<String>,
    /// The purpose that it is about; empty where it is about none.
    purpose: String,
    file: Option<String>,
    change: Option<Change>,
}

impl Missing {
    /// Something that whoever asks can bring, by another question.
    pub(crate) fn new(work: Work, title: String, what: String) -> Missing {
        let (about, purpose, file, change) = (None, String::new(), None, None);
        Missing { title, what, work, whose: Whose::asker(), about, purpose, file, change }
    }

    /// The same, for others to bring.
    pub(crate) fn by(self, whose: Whose) -> Missing {
        Missing { whose, ..self }
    }

    /// The same, where the file is to change that it stands in.
    pub(crate) fn in_file(self, file: &str) -> Missing {
        Missing { file: Some(file.to_owned()), ..self }
    }

    /// The same, with what is to change in that file.
    pub(crate) fn with(self, change: Change) -> Missing {
        Missing { change: Some(change), ..self }
    }

    /// The same for a purpose: for another one it is another gap.
    pub(crate) fn for_purpose(self, purpose: &str) -> Missing {
        Missing { purpose: purpose.to_owned(), ..self }
    }

    /// The same, where it is something else than its reason's subject.
    pub(crate) fn about(self, about: &str) -> Missing {
        Missing { about: Some(about.to_owned()), ..self }
    }

    /// The gap of a reason.
    pub(crate) fn into_remedy(self, code: ReasonCode, subject: &str) -> Remedy {
        let Missing { title, what, work, whose, about, purpose, file, change } = self;
        let id = Gap::id_of(work, code, about.as_deref().unwrap_or(subject), &purpose, file.as_deref());
        let (who, team) = (whose.who, whose.team);
        let within = team.as_ref().and_then(|team| team.answers_within.clone());
        let gap = Gap { id, work, what, who, team: team.map(|team| team.name), within, file, change };
        Remedy::Close { title, gap }
    }
}

/// Whose it is to bring what is missing.
pub(crate) struct Whose {
    who: String,
    team: Option<Team>,
}

impl Whose {
    fn asker() -> Whose {
        Whose { who: "marketing".to_owned(), team: None }
    }

    /// Nobody can bring it: it comes by itself.
    pub(crate) fn time() -> Whose {
        Whose { who: "time".to_owned(), team: None }
    }

    fn of_team(team: &Team) -> Whose {
        Whose { who: team.title.clone(), team: Some(team.clone()) }
    }

    /// The team that looks after a file, else who it mostly is.
    pub(crate) fn of_file(definitions: &Definitions, file: &str, mostly: &str) -> Whose {
        match definitions.team_for(file) {
            Some(team) => Whose::of_team(team),
            None => Whose { who: mostly.to_owned(), team: None },
        }
    }

    /// Whoever owns a source by its contract, which may name a team or one of its members.
    pub(crate) fn of_source(definitions: &Definitions, source: &Source) -> Whose {
        let Some(owner) = &source.contract.owner else {
            return Whose::of_file(definitions, &source.contract_path, "the owner of the source");
        };
        let is_called = |team: &&Team| team.title.eq_ignore_ascii_case(owner);
        let team = definitions.teams.get(owner).or_else(|| definitions.teams.values().find(is_called));
        match team.or_else(|| definitions.team_of(owner)) {
            Some(team) => Whose::of_team(team),
            None => Whose { who: owner.clone(), team: None },
        }
    }
}

/// Where an unknown name would be declared, and how, which may be more than one change; `None` where that cannot be said.
pub(crate) fn declaration(
    scene: &Scene<'_>,
    question: &Question,
    subject: &str,
    kind: &str,
) -> Option<(String, Option<Change>)> {
    let (file, change) = declared(scene, question, subject, kind)?;
    // A file that names a purpose which is not there could not be saved.
    let names_purpose = match change {
        Change::DeclareField { .. } => true,
        Change::Define { .. } => matches!(kind, "audience" | "destination"),
        _ => false,
    };
    let is_known = scene.definitions.purposes.contains_key(&question.purpose);
    Some((file, Some(change).filter(|_| is_known || !names_purpose)))
}

fn declared(scene: &Scene<'_>, question: &Question, subject: &str, kind: &str) -> Option<(String, Change)> {
    let folder = match kind {
        "metric" => "metrics",
        "audience" => "audiences",
        "purpose" => "purposes",
        "destination" => "destinations",
        _ => {
            let known = workspace::resolve_partly(question, scene.definitions);
            return match kind {
                "event" => event_declaration(scene.definitions, &known, subject),
                "property" => property_declaration(scene.definitions, &known, question, subject),
                "trait" => trait_declaration(scene.definitions, &known, question, subject),
                _ => None,
            };
        }
    };
    // A metric is for no purpose, and a purpose is its own.
    let is_known = kind == "purpose" || scene.definitions.purposes.contains_key(&question.purpose);
    let purpose = if is_known { question.purpose.clone() } else { String::new() };
    let define = Change::Define { title: title_of(subject, kind), purpose };
    is_name(subject).then(|| (format!("{folder}/{subject}.yaml"), define))
}

/// In the contract of a source that the question uses otherwise, else of the first live one.
fn event_declaration(definitions: &Definitions, known: &Resolved, event: &str) -> Option<(String, Change)> {
    let (source, _) = likeliest(definitions, known, ObjectKind::Event)?;
    let change = Change::DeclareEvent { event: event.to_owned() };
    is_name(event).then(|| (source.contract_path.clone(), change))
}

/// In the event that it is written with, else in the only one that the question is about.
fn property_declaration(
    definitions: &Definitions,
    known: &Resolved,
    question: &Question,
    subject: &str,
) -> Option<(String, Change)> {
    let (event, name) = subject.split_once('.').unwrap_or(("", subject));
    let only = || {
        let is_one = known.events.len() == 1 && known.sources_of_any.is_empty();
        known.events.first().filter(|_| is_one).and_then(|event| definitions.event(event))
    };
    let (source, object) = definitions.event(event).or_else(only)?;
    let elsewhere = definitions.property(&EventSelector::Any, name).map(|field| field.value_type);
    field_declaration(definitions, (source, object), (name, elsewhere), question)
}

fn trait_declaration(
    definitions: &Definitions,
    known: &Resolved,
    question: &Question,
    name: &str,
) -> Option<(String, Change)> {
    // What stands for the person in lists is no trait of its own.
    let found = likeliest(definitions, known, ObjectKind::Traits).filter(|_| name != USER_ID)?;
    field_declaration(definitions, found, (name, None), question)
}

fn field_declaration(
    definitions: &Definitions,
    (source, object): (&Source, &Object),
    (name, elsewhere): (&str, Option<ValueType>),
    question: &Question,
) -> Option<(String, Change)> {
    // A column of the object's own, as its time, is declared and yet no field of questions.
    if !is_name(name) || object.fields.iter().any(|field| field.name == name) {
        return None;
    }
    let value_type = elsewhere
        .into_iter()
        .chain(USUAL_TYPES)
        .find(|value_type| makes_sense(definitions, (source, object), (name, *value_type), question))
        .or(elsewhere)
        .unwrap_or(ValueType::Text);
    let (object, field, purpose) = (object.name.clone(), name.to_owned(), question.purpose.clone());
    Some((source.contract_path.clone(), Change::DeclareField { object, field, value_type, purpose }))
}

/// Whether a question would make sense with a field of this type: what it computes or compares with one says which it takes.
fn makes_sense(
    definitions: &Definitions,
    (source, object): (&Source, &Object),
    (name, value_type): (&str, ValueType),
    question: &Question,
) -> bool {
    let mut declared = definitions.clone();
    let objects = declared.sources.get_mut(&source.name).map(|source| &mut source.contract.objects);
    if let Some(object) = objects.into_iter().flatten().find(|known| known.name == object.name) {
        object.fields.push(Field {
            name: name.to_owned(),
            title: String::new(),
            description: String::new(),
            value_type,
            unit: None,
            required: false,
            is_key: false,
            length_max: 0,
            class: FieldClass::None,
            purposes: Vec::new(),
        });
    }
    let unresolved = workspace::resolve(question, &declared).err().unwrap_or_default();
    !unresolved.iter().any(|item| matches!(item, Unresolved::Wrong(_)))
}

/// An object of the kind: of a source that the question uses, else of one that takes messages, else of any.
fn likeliest<'d>(definitions: &'d Definitions, known: &Resolved, kind: ObjectKind) -> Option<(&'d Source, &'d Object)> {
    let objects = definitions.objects(kind);
    let first = |fits: &dyn Fn(&Source) -> bool| objects.iter().find(|(source, _)| fits(source)).copied();
    first(&|source| known.sources.contains(&source.name))
        .or_else(|| first(&|source| !source.keys.is_empty()))
        .or_else(|| first(&|_| true))
}

/// The object whose field is not allowed for a purpose, with its source and the field; the first of several.
pub(crate) fn object_with<'d>(
    definitions: &'d Definitions,
    resolved: &Resolved,
    purpose: &Purpose,
    field: &FieldRef,
) -> Option<(&'d Source, &'d Object, &'d Field)> {
    let named = |(source, object): (&'d Source, &'d Object), name: &str| {
        let found = object.fields.iter().find(|field| field.name == *name)?;
        Some((source, object, found))
    };
    let found: Vec<(&Source, &Object, &Field)> = match field {
        FieldRef::Trait(name) if name == USER_ID => {
            let pairs = definitions
                .sources
                .values()
                .flat_map(|source| source.contract.objects.iter().map(move |object| (source, object)));
            pairs.filter_map(|pair| named(pair, &pair.1.person_column)).collect()
        }
        FieldRef::Trait(name) => definitions.trait_field(name).into_iter().collect(),
        FieldRef::Property(name) => {
            // Another event may have one of the same name, which the question does not look at.
            let concerned = resolved.property_events.get(name).into_iter().flatten();
            let events = concerned.filter_map(|event| definitions.event(event));
            events.filter_map(|pair| named(pair, name)).collect()
        }
    };
    let is_closed = |(.., field): &&(&Source, &Object, &Field)| !field.purposes.contains(&purpose.name);
    found.iter().find(is_closed).or(found.first()).copied()
}

/// What people may call something of this name; a purpose stands inside of a sentence.
fn title_of(name: &str, kind: &str) -> String {
    let words = name.replace('_', " ");
    if kind == "purpose" { words } else { super::capitalised(&words) }
}
