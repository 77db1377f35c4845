//! Who looks after the definitions of a workspace.

use crate::Duration;

/// People who work together: what they look after, how soon they answer, what their questions may cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    /// Its name: the file's stem.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The names of its users.
    pub members: Vec<String>,
    /// Folders (`contracts/`) and files (`entente.yaml`) of the workspace whose changes it decides.
    pub looks_after: Vec<String>,
    /// How soon it usually answers, if it says so.
    pub answers_within: Option<Duration>,
    /// What a question of its members may cost.
    pub budget: Budget,
}

/// How exactly one of the places that somebody looks after names a file or folder of the workspace: the length of the
/// longest that holds it. `None`: none does.
pub fn closeness(looks_after: &[String], path: &str) -> Option<usize> {
    let fits = |place: &&String| *place == path || (place.ends_with('/') && path.starts_with(place.as_str()));
    looks_after.iter().filter(fits).map(String::len).max()
}

/// What one question may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Seconds until it is answered; absent: as many as anybody's.
    pub seconds_per_question: Option<u32>,
    /// Bytes that it reads; absent: as many as anybody's.
    pub bytes_per_question: Option<u64>,
}
