//! Answers that are kept for who asks the same again: after a verdict comes the question, and a dashboard is looked at often.
//!
//! What is kept is found under everything that it depends on - the question, the rules, the role, the people who may be used,
//! the tables, and now, where the question depends on it - so that nothing has to be told when any of these changes.
//! Only figures about groups are kept, of purposes that tell everybody the same.

use lake::Snapshot;
use policy::Grant;
use query::Rows;
use roaring::RoaringTreemap;
use spec::{Instant, Question};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many answers are kept.
const ANSWERS_MAX: usize = 128;
/// A longer one is computed again.
const ROWS_MAX: usize = 2_000;

/// The newest answers, those that were asked for last at the end.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<(Key, Arc<Rows>)>>);

/// What an answer depends on.
#[derive(Clone, PartialEq)]
pub(crate) struct Key {
    /// With all names resolved.
    question: Question,
    rules: String,
    role: String,
    tables: BTreeMap<String, u64>,
    /// What now is; absent where the question says when it ends.
    now: Option<Instant>,
    people: People,
}

/// Whom a grant holds, told by its address: as long as it is held here nobody else has that.
#[derive(Clone)]
struct People(Arc<RoaringTreemap>);

impl PartialEq for People {
    fn eq(&self, other: &People) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Key {
    /// Of a question under the rules of this version, for a role, with a grant on a snapshot.
    pub(crate) fn new(
        (question, now): (&Question, Option<Instant>),
        (rules, role): (&str, &str),
        grant: &Grant,
        snapshot: &Snapshot,
    ) -> Key {
        Key {
            question: question.clone(),
            rules: rules.to_owned(),
            role: role.to_owned(),
            tables: snapshot.table_versions(),
            now,
            people: People(Arc::clone(grant.shared_people())),
        }
    }
}

impl Kept {
    /// What came out, if it is kept: nothing has to be read for it.
    pub(crate) fn get(&self, key: &Key) -> Option<Rows> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(known, _)| known == key)?;
        let found = kept.remove(place);
        let rows = Arc::clone(&found.1);
        kept.push(found);
        Some(Rows { rows_read: 0, bytes_read: 0, ..Rows::clone(&rows) })
    }

    /// Keeps what came out; the one that nobody has asked for longest goes.
    pub(crate) fn keep(&self, key: Key, rows: &Rows) {
        if rows.rows.len() > ROWS_MAX {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Two who asked at once found the same.
        kept.retain(|(known, _)| *known != key);
        if kept.len() >= ANSWERS_MAX {
            kept.remove(0);
        }
        kept.push((key, Arc::new(rows.clone())));
    }
}
