//! The decision: a grant, or everything that stands against one.

use crate::Grant;
use roaring::RoaringTreemap;
use spec::{FieldClass, FieldRef, Instant, Mask, Purpose, Release, Role};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What somebody wants, with the rules that bear on it.
pub struct Request<'a> {
    /// The role of who asks.
    pub role: &'a Role,
    /// Why.
    pub purpose: &'a Purpose,
    /// How much of people the answer shows.
    pub release: Release,
    /// Every field that the question touches.
    pub fields: &'a [FieldUse<'a>],
    /// What the answer shows of groups.
    pub shows: Shows,
    /// The people who may be used for the purpose, from the ledger.
    pub people: Arc<RoaringTreemap>,
    /// When the decision has to be made again.
    pub until: Instant,
}

/// What an answer shows of groups of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Counts of people in groups that the question itself names, and nothing else.
    CountsOfPeople,
    /// Figures, each with the people whom it is about, so that they can be held against others.
    Figures,
    /// The same, and among them values of one person, such as the largest of a group.
    Extremes,
    /// Figures of which it is not known whom each is about.
    Anything,
}

/// A field that a question touches.
pub struct FieldUse<'a> {
    /// The field.
    pub field: FieldRef,
    /// Its class.
    pub class: FieldClass,
    /// What it may be used for.
    pub purposes: &'a [String],
    /// Whether it is only shown per person (a list's column), where a mask can stand in for the value. A field that is
    /// computed with must be one that the role may see as it is, or its figures would tell what the mask hides.
    pub only_shown: bool,
}

/// One thing that stands against a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The role may not use the purpose.
    PurposeNotForRole,
    /// The role may have less of people than the question wants.
    ReleaseLevel {
        /// The most it may have.
        most: Release,
    },
    /// The field may not be used for the purpose.
    PurposeNotForField(FieldRef),
    /// The field is hidden from the role, or masked where the question computes with it.
    FieldHidden(FieldRef, FieldClass),
    /// The purpose adds noise to counts of people, and the question wants something else.
    NotCountsOfPeople,
    /// The purpose guards differences between answers, and this one's cannot be followed.
    NotFollowed,
    /// The purpose guards differences between answers, and the question wants to see one person's value.
    OnePerson,
    /// Nobody may be used for the purpose.
    Nobody,
    /// Fewer people than the minimum group may be used for the purpose.
    TooFew,
}

/// Decides: a grant if nothing stands against it, else all that does, in a fixed order.
pub fn decide(request: &Request<'_>) -> Result<Grant, Vec<Refusal>> {
    let mut refusals = Vec::new();
    match request.role.purposes.get(&request.purpose.name) {
        None => refusals.push(Refusal::PurposeNotForRole),
        Some(most) if request.release > *most => refusals.push(Refusal::ReleaseLevel { most: *most }),
        Some(_) => {}
    }
    let limits = &request.purpose.limits;
    let is_count = request.shows == Shows::CountsOfPeople && request.release == Release::Aggregate;
    if limits.noise.is_some() && !is_count {
        refusals.push(Refusal::NotCountsOfPeople);
    }
    if limits.guards_differences() {
        match request.shows {
            Shows::Anything => refusals.push(Refusal::NotFollowed),
            Shows::Extremes => refusals.push(Refusal::OnePerson),
            Shows::CountsOfPeople | Shows::Figures => {}
        }
    }
    let mut fields = BTreeMap::new();
    for field in request.fields {
        match judge_field(request, field) {
            Ok(mask) => {
                // A field that is used twice gets the stricter of its masks.
                let strictest = fields.get(&field.field).map_or(mask, |other: &Mask| mask.max(*other));
                fields.insert(field.field.clone(), strictest);
            }
            Err(refusal) if refusals.contains(&refusal) => {}
            Err(refusal) => refusals.push(refusal),
        }
    }
    match request.people.len() {
        0 => refusals.push(Refusal::Nobody),
        n_people if n_people < u64::from(request.purpose.min_group) => refusals.push(Refusal::TooFew),
        _ => {}
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    Ok(Grant {
        purpose: request.purpose.name.clone(),
        people: Arc::clone(&request.people),
        fields,
        release: request.release,
        min_group: request.purpose.min_group,
        limits: request.purpose.limits.clone(),
        until: request.until,
    })
}

fn judge_field(request: &Request<'_>, field: &FieldUse<'_>) -> Result<Mask, Refusal> {
    if !field.purposes.contains(&request.purpose.name) {
        return Err(Refusal::PurposeNotForField(field.field.clone()));
    }
    let mask = request.role.masks.get(&field.class).copied().unwrap_or(Mask::Hide);
    let usable = match mask {
        Mask::Show => true,
        Mask::Truncate | Mask::Bucket | Mask::Hash => field.only_shown,
        Mask::Hide => false,
    };
    // Direct identifiers live in the vault: they can be shown in a list, never computed with.
    if usable && (field.only_shown || field.class != FieldClass::Direct) {
        Ok(mask)
    } else {
        Err(Refusal::FieldHidden(field.field.clone(), field.class))
    }
}
