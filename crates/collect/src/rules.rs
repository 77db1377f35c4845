//! What is checked against: keys and contracts of all sources, made for look-ups; never changed once made.
//!
//! Rules are replaced as a whole when the workspace changes; what a key has sent so far is carried over by its source and
//! name.

use crate::known::{Known, Wanted};
use crate::meter::KeyState;
use crate::signatures::Signer;
use sha2::{Digest, Sha256};
use spec::{Door, FieldClass, Key, KeyKind, Object, ObjectKind, Purpose, Source, ValueType};
use std::collections::HashMap;
use std::sync::Arc;

/// The longest text that can be a key, in bytes.
const KEY_BYTES_MAX: usize = 256;

/// Keys and contracts of all sources, and the purposes.
#[derive(Default)]
pub(crate) struct Rules {
    keys: HashMap<[u8; 32], KeyRules>,
    sources: HashMap<String, Arc<SourceRules>>,
    /// What people can speak of.
    purposes: Arc<[Purpose]>,
}

/// A key.
pub(crate) struct KeyRules {
    pub(crate) name: String,
    pub(crate) kind: KeyKind,
    pub(crate) per_second_max: u32,
    pub(crate) per_day_max: u64,
    /// Whose tokens vouch for what comes with it.
    pub(crate) signers: Vec<Signer>,
    pub(crate) source: Arc<SourceRules>,
    pub(crate) state: Arc<KeyState>,
}

/// A source with its contract.
pub(crate) struct SourceRules {
    pub(crate) name: String,
    /// `ID VERSION`.
    pub(crate) contract: String,
    pub(crate) door: Door,
    pub(crate) objects: Vec<ObjectRules>,
    /// Events by name, then by normalised name.
    events: HashMap<String, usize>,
    normal_events: HashMap<String, usize>,
    /// What `identify` means, if anything.
    traits: Option<usize>,
}

/// An object of a contract.
pub(crate) struct ObjectRules {
    pub(crate) name: String,
    pub(crate) kind: ObjectKind,
    pub(crate) person_prefix: String,
    pub(crate) fields: Vec<FieldRules>,
    /// What can fill fields from around a message.
    pub(crate) wanted: Wanted,
    places: HashMap<String, usize>,
}

/// A field of an object.
pub(crate) struct FieldRules {
    pub(crate) name: String,
    pub(crate) value_type: ValueType,
    pub(crate) is_required: bool,
    pub(crate) length_max: usize,
    pub(crate) class: FieldClass,
    /// Whether it is filled from the ids and the time, and never from properties.
    pub(crate) is_system: bool,
    /// What fills it when the sender does not.
    pub(crate) known: Option<Known>,
}

impl Rules {
    /// Makes the rules of these sources; keys keep what `previous` knows of them.
    pub(crate) fn new(sources: &[Source], purposes: &[Purpose], previous: &Rules) -> Rules {
        let mut rules = Rules { purposes: purposes.into(), ..Rules::default() };
        let states: HashMap<(&str, &str), &Arc<KeyState>> =
            previous.keys.values().map(|key| ((key.source.name.as_str(), key.name.as_str()), &key.state)).collect();
        for source in sources {
            let compiled = Arc::new(SourceRules::new(source));
            for key in &source.keys {
                let known = states.get(&(source.name.as_str(), key.name.as_str()));
                let state = known.map_or_else(Arc::default, |state| Arc::clone(state));
                rules.keys.insert(key.digest, KeyRules::new(key, &compiled, state));
            }
            rules.sources.insert(source.name.clone(), compiled);
        }
        rules
    }

    /// The key with this text.
    pub(crate) fn key(&self, text: &str) -> Option<&KeyRules> {
        if text.is_empty() || text.len() > KEY_BYTES_MAX {
            return None;
        }
        self.keys.get::<[u8; 32]>(&Sha256::digest(text.as_bytes()).into())
    }

    pub(crate) fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &KeyRules> {
        self.keys.values()
    }

    pub(crate) fn source(&self, name: &str) -> Option<&Arc<SourceRules>> {
        self.sources.get(name)
    }
}

impl KeyRules {
    fn new(key: &Key, source: &Arc<SourceRules>, state: Arc<KeyState>) -> KeyRules {
        KeyRules {
            name: key.name.clone(),
            kind: key.kind,
            per_second_max: key.events_per_second_max,
            per_day_max: key.events_per_day_max,
            signers: key.signers.iter().filter_map(Signer::new).collect(),
            source: Arc::clone(source),
            state,
        }
    }
}

impl SourceRules {
    fn new(source: &Source) -> SourceRules {
        let contract = &source.contract;
        let objects: Vec<ObjectRules> = contract.objects.iter().map(ObjectRules::new).collect();
        let (mut events, mut normal_events) = (HashMap::new(), HashMap::new());
        for (at, object) in objects.iter().enumerate().filter(|(_, object)| object.kind == ObjectKind::Event) {
            events.insert(object.name.clone(), at);
            normal_events.entry(normalised(&object.name)).or_insert(at);
        }
        let all_traits: Vec<usize> = (0..objects.len()).filter(|at| objects[*at].kind == ObjectKind::Traits).collect();
        let traits = match all_traits.as_slice() {
            [only] => Some(*only),
            several => several.iter().copied().find(|at| objects[*at].name == "identify"),
        };
        SourceRules {
            name: source.name.clone(),
            contract: format!("{} {}", contract.id, contract.version),
            door: contract.door,
            objects,
            events,
            normal_events,
            traits,
        }
    }

    /// The event with this name, written as in the contract or as in a plan: `Order Completed` is `order_completed`.
    pub(crate) fn event(&self, name: &str) -> Option<&ObjectRules> {
        let at = self.events.get(name).or_else(|| self.normal_events.get(&normalised(name)))?;
        Some(&self.objects[*at])
    }

    /// What `identify` fills.
    pub(crate) fn traits(&self) -> Option<&ObjectRules> {
        self.traits.map(|at| &self.objects[at])
    }

    /// What stands before the user ids of an event, or of `identify`; where that is not declared, before those of the others.
    pub(crate) fn person_prefix(&self, event: Option<&str>) -> &str {
        let declared = event.and_then(|name| self.event(name));
        let object = declared.or_else(|| self.traits()).or_else(|| self.objects.first());
        object.map_or("", |object| object.person_prefix.as_str())
    }

    /// The declared event that was perhaps meant.
    pub(crate) fn nearest_event(&self, name: &str) -> Option<&str> {
        let name = normalised(name);
        let slips_max = 1 + name.len() / 4;
        let events = self.objects.iter().filter(|object| object.kind == ObjectKind::Event);
        let slips = events.map(|object| (strsim::osa_distance(&name, &object.name), object.name.as_str()));
        slips.filter(|(slips, near)| *slips <= slips_max && *slips < near.len()).min().map(|(_, near)| near)
    }
}

impl ObjectRules {
    fn new(object: &Object) -> ObjectRules {
        let is = |column: &Option<String>, name: &str| column.as_deref() == Some(name);
        let field = |field: &spec::Field| FieldRules {
            name: field.name.clone(),
            value_type: field.value_type,
            is_required: field.required,
            length_max: field.length_max,
            class: field.class,
            is_system: object.person_column == field.name
                || is(&object.time_column, &field.name)
                || is(&object.message_id_column, &field.name),
            known: Known::of_field(&field.name, field.value_type, object.kind),
        };
        let fields: Vec<FieldRules> = object.fields.iter().map(field).collect();
        let mut wanted = Wanted::default();
        fields
            .iter()
            .filter(|field| !field.is_system)
            .filter_map(|field| field.known)
            .for_each(|known| wanted.add(known));
        ObjectRules {
            name: object.name.clone(),
            kind: object.kind,
            person_prefix: object.person_prefix.clone(),
            wanted,
            places: fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at)).collect(),
            fields,
        }
    }

    /// Where the field stands in `fields`.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }
}

/// A name in small letters and digits, with one `_` for each run of anything else between them.
fn normalised(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            normal.push(character.to_ascii_lowercase());
        } else if !normal.is_empty() && !normal.ends_with('_') {
            normal.push('_');
        }
    }
    normal.truncate(normal.trim_end_matches('_').len());
    normal
}
