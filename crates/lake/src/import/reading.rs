//! Under which definition a file was read: what of the contract decides what becomes of its records.
//!
//! The same file under another definition is read again, so that what was rejected can come in once the contract is mended.
//! Invariant: the records that were accepted before have the same keys again, or the file is not read again.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use spec::{Field, FieldClass, Object, ObjectKind, hex};

/// The version of the stored form, and of what the digests are made of.
const VERSION: u32 = 1;

/// What a file was read as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    version: u32,
    /// Digest of all that decides which records are accepted, and what they become.
    pub(crate) definition: String,
    /// Digest of what decides whose record it is, and which records are the same.
    identity: String,
    /// The fields that tell records apart: the id, or all that there were when the file was first read.
    pub(crate) key_fields: Vec<String>,
}

impl Reading {
    /// How a file is read for the first time.
    pub(crate) fn of(object: &Object) -> Reading {
        let id = object.message_id_column.iter().filter(|_| object.kind != ObjectKind::Traits);
        let mut key_fields: Vec<String> = id.cloned().collect();
        if key_fields.is_empty() {
            key_fields = sorted(object).iter().map(|field| field.name.clone()).collect();
        }
        let identity = identity(object, &key_fields);
        Reading { version: VERSION, definition: definition(object), identity, key_fields }
    }

    /// How the file of this reading is read again; `None` when its records would not be recognised.
    pub(crate) fn again(&self, object: &Object) -> Option<Reading> {
        let identity = identity(object, &self.key_fields);
        let definition = definition(object);
        (identity == self.identity).then(|| Reading { definition, ..self.clone() })
    }

    /// The form in the table `imports`.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a reading is plain data")
    }

    /// Reads the form in the table; `None` if there is none of this version.
    pub(crate) fn from_text(text: &str) -> Option<Reading> {
        serde_json::from_str(text).ok().filter(|reading: &Reading| reading.version == VERSION)
    }
}

/// Neither titles nor purposes nor the order of fields change what is read.
fn definition(object: &Object) -> String {
    let mut digest = Parts::new(object);
    digest.add(&format!("{:?} {:?}", object.time_column, object.message_id_column));
    for field in sorted(object) {
        let is_direct = field.class == FieldClass::Direct;
        digest.add(&field.name);
        digest.add(&format!("{:?} {} {} {is_direct}", field.value_type, field.required, field.length_max));
    }
    digest.finish()
}

fn identity(object: &Object, key_fields: &[String]) -> String {
    let mut digest = Parts::new(object);
    digest.add(&format!("{:?}", object.message_id_column.as_ref().filter(|_| object.kind != ObjectKind::Traits)));
    let decides = |field: &&Field| field.name == object.person_column || key_fields.contains(&field.name);
    for field in sorted(object).into_iter().filter(decides) {
        digest.add(&field.name);
        digest.add(&format!("{:?}", field.value_type));
    }
    digest.finish()
}

fn sorted(object: &Object) -> Vec<&Field> {
    let mut fields: Vec<&Field> = object.fields.iter().collect();
    fields.sort_unstable_by_key(|field| &field.name);
    fields
}

/// A digest of texts that cannot run into one another.
struct Parts(Sha256);

impl Parts {
    fn new(object: &Object) -> Parts {
        let mut parts = Parts(Sha256::new());
        parts.add(&format!("{VERSION} {:?}", object.kind));
        parts.add(&object.person_column);
        parts.add(&object.person_prefix);
        parts
    }

    fn add(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> String {
        hex(&self.0.finalize()[..16])
    }
}
