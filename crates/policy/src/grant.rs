//! What the policy allowed for one question.

use roaring::RoaringTreemap;
use spec::{AnswerLimits, FieldRef, Instant, Mask, PersonId, Release};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The permission to read: for one purpose, on these people and fields, at this release level, until then.
///
/// Its fields are private and only [`crate::decide`] fills them, so a value of this type is a decision that was made:
///
/// ```compile_fail,E0451
/// let forged = policy::Grant { purpose: "ads".to_owned(), ..granted() };
/// # fn granted() -> policy::Grant { unreachable!() }
/// ```
///
/// ```compile_fail,E0599
/// let forged = policy::Grant::default();
/// ```
#[derive(Clone, Debug)]
pub struct Grant {
    pub(crate) purpose: String,
    pub(crate) people: Arc<RoaringTreemap>,
    pub(crate) fields: BTreeMap<FieldRef, Mask>,
    pub(crate) release: Release,
    pub(crate) min_group: u32,
    pub(crate) limits: AnswerLimits,
    pub(crate) until: Instant,
}

impl Grant {
    /// The purpose it was given for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The people whose facts may be read; all others do not exist.
    pub fn people(&self) -> &RoaringTreemap {
        &self.people
    }

    /// The same, to be told apart from others by its address while it is held: as long as nobody's consent changes, all grants
    /// for a purpose share it.
    pub fn shared_people(&self) -> &Arc<RoaringTreemap> {
        &self.people
    }

    /// Whether the facts of this person may be read.
    pub fn allows(&self, person: PersonId) -> bool {
        self.people.contains(person.number())
    }

    /// How a field may be shown; `None` when it was not granted at all.
    pub fn mask_of(&self, field: &FieldRef) -> Option<Mask> {
        self.fields.get(field).copied()
    }

    /// How much of people the answer may show.
    pub fn release(&self) -> Release {
        self.release
    }

    /// The smallest number of distinct people that a cell may be about.
    pub fn min_group(&self) -> u64 {
        u64::from(self.min_group)
    }

    /// What else bounds what the answer tells.
    pub fn limits(&self) -> &AnswerLimits {
        &self.limits
    }

    /// When the decision has to be made again.
    pub fn until(&self) -> Instant {
        self.until
    }
}
