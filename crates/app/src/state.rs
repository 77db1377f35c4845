//! What the use cases share: the folder of definitions, the lake, the store, and the world's clock and randomness.

use crate::error;
use crate::files::WorkspaceFolder;
use crate::question::kept::KeptAnswers;
use crate::question::pace::Paces;
use crate::question::standing::Standings;
use crate::question::telling::Tellings;
use crate::store::Store;
use api::{ConsentsView, Principal};
use collect::Places;
use lake::{Clock, Lake, Random, Snapshot};
use spec::{Instant, Purpose, Result, Role};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use workspace::Definitions;

/// What the use cases share.
pub(crate) struct State {
    pub(crate) folder: WorkspaceFolder,
    pub(crate) lake: Lake,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// The secret that shows who owns the data folder.
    pub(crate) owner_secret: String,
    /// Where addresses are, if anybody said.
    pub(crate) places: Option<Arc<Places>>,
    /// Where proofs say what they found.
    pub(crate) proofs: Option<PathBuf>,
    /// First and last day with events, per purpose, of one state of the tables and rules.
    pub(crate) spans: Mutex<Vec<Span>>,
    /// What users were told, as it is kept in memory.
    pub(crate) tellings: Tellings,
    /// Answers for who asks the same again.
    pub(crate) kept_answers: KeptAnswers,
    /// How fast questions were answered.
    pub(crate) paces: Paces,
    /// Verdicts that are kept live.
    pub(crate) standings: Standings,
    /// How people stood over time, as it was last looked at, and in which state that was.
    pub(crate) consents: Mutex<Option<(String, ConsentsView)>>,
}

/// First and last granted event under a purpose.
#[derive(Clone)]
pub(crate) struct Span {
    key: String,
    ends: Option<(Instant, Instant)>,
}

impl State {
    /// A span from the cache; `None` where nobody has asked for it yet.
    pub(crate) fn known_span(&self, key: &str) -> Option<(Instant, Instant)> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().find(|span| span.key == key).and_then(|span| span.ends)
    }

    /// A span from the cache, or computed and kept.
    pub(crate) fn span(
        &self,
        key: &str,
        compute: &dyn Fn() -> Result<Option<(Instant, Instant)>>,
    ) -> Result<Option<(Instant, Instant)>> {
        let known = |spans: &[Span]| spans.iter().find(|span| span.key == key).map(|span| span.ends);
        if let Some(ends) = known(&self.spans.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(ends);
        }
        let ends = compute()?;
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.truncate(15);
        spans.insert(0, Span { key: key.to_owned(), ends });
        Ok(ends)
    }
}

/// How many people are known, unless that tells of a few: where fewer than the minimum group of some purpose are withheld for
/// one reason, they are what is left between it and those who may be used.
pub(crate) fn known_if_told(definitions: &Definitions, snapshot: &Snapshot) -> Option<u64> {
    let is_telling = |purpose: &Purpose| {
        let people = snapshot.people_for(purpose, &definitions.laws);
        people.withheld.values().any(|people| (1..u64::from(purpose.min_group)).contains(&people.len()))
    };
    Some(snapshot.known().len()).filter(|_| !definitions.purposes.values().any(is_telling))
}

/// The role of a principal as it is defined now; a role that is gone allows nothing.
pub(crate) fn role_of<'a>(definitions: &'a Definitions, who: &Principal) -> Result<&'a Role> {
    let user = definitions.users.get(&who.user).ok_or_else(error::not_signed_in)?;
    definitions.roles.get(&user.role).ok_or_else(error::not_signed_in)
}

/// The purposes that a role may use, by name.
pub(crate) fn purposes_of<'a>(definitions: &'a Definitions, role: &Role) -> Vec<&'a Purpose> {
    role.purposes.keys().filter_map(|name| definitions.purposes.get(name)).collect()
}
