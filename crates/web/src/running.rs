//! Requests that have a name while they run: how far each is, and a way to stop it.
//!
//! A client that names its request (`X-Request-Id`) can ask for it by that name over another connection. Invariants: a name
//! is found by nobody but the user who gave it; it is forgotten when its request ends.

use api::{Principal, Waiting};
use axum::http::HeaderMap;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The header in which a client names its request.
const NAME_HEADER: &str = "x-request-id";
/// Longer names are none.
const NAME_BYTES_MAX: usize = 64;

/// The named requests of all users.
#[derive(Default)]
pub(crate) struct Running {
    /// By user and name.
    requests: Mutex<HashMap<(String, String), Named>>,
}

struct Named {
    waiting: Waiting,
    since: Instant,
}

/// How far a request is.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Progress {
    /// Its name.
    pub(crate) name: String,
    /// How long it has been running.
    pub(crate) seconds: f64,
    /// How much of its work is done, in 0..=1; null before anything is known.
    pub(crate) progress: Option<f64>,
}

/// A name in use; given back when dropped.
pub(crate) struct Held {
    running: Arc<Running>,
    key: (String, String),
    waiting: Waiting,
}

impl Running {
    /// Finds a request by its name for as long as what comes back lives; nothing for one without a name that could be one.
    pub(crate) fn hold(running: &Arc<Running>, who: &Principal, headers: &HeaderMap) -> Option<Held> {
        let name = headers.get(NAME_HEADER)?.to_str().ok()?;
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return None;
        }
        let (key, waiting) = ((who.user.clone(), name.to_owned()), who.waiting.clone());
        running.lock().insert(key.clone(), Named { waiting: waiting.clone(), since: Instant::now() });
        Some(Held { running: Arc::clone(running), key, waiting })
    }

    /// A user's requests, those that run for longest first.
    pub(crate) fn of(&self, user: &str) -> Vec<Progress> {
        let requests = self.lock();
        let own = requests.iter().filter(|((owner, _), _)| owner == user);
        let mut found: Vec<Progress> = own.map(|((_, name), named)| named.progress(name)).collect();
        found.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        found
    }

    /// A user's request of this name.
    pub(crate) fn one(&self, user: &str, name: &str) -> Option<Progress> {
        self.lock().get(&(user.to_owned(), name.to_owned())).map(|named| named.progress(name))
    }

    /// Stops a user's request of this name; false where there is none.
    pub(crate) fn stop(&self, user: &str, name: &str) -> bool {
        let requests = self.lock();
        let named = requests.get(&(user.to_owned(), name.to_owned()));
        named.inspect(|named| named.waiting.end()).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Named>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Named {
    fn progress(&self, name: &str) -> Progress {
        Progress {
            name: name.to_owned(),
            seconds: self.since.elapsed().as_secs_f64(),
            progress: self.waiting.progress(),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut requests = self.running.lock();
        // The same name may have been given again since.
        if requests.get(&self.key).is_some_and(|named| named.waiting.is_same(&self.waiting)) {
            requests.remove(&self.key);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
