//! Answers that are kept for who asks the same again: after a verdict comes the question, and a dashboard is looked at often.
//!
//! What is kept is found under everything that it depends on - the question, the rules, the role, the people who may be used,
//! the tables, and now, where the question depends on it - so that nothing has to be told when any of these changes.
//! Only figures about groups are kept, of purposes that tell everybody the same. What is kept has room for so many bytes: the
//! answer that nobody has asked for longest goes first.

use lake::Snapshot;
use policy::Grant;
use query::Rows;
use roaring::RoaringTreemap;
use spec::{Instant, Question, Value};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// All that is kept takes no more.
const BYTES_MAX: usize = 16 << 20;
/// What an answer takes besides its texts and cells, so that there are never too many of them to look through.
const ANSWER_BYTES: usize = 1 << 10;

/// Answers that were asked for, up to so many bytes.
pub(crate) struct KeptAnswers {
    bytes_max: usize,
    answers: Mutex<Answers>,
}

/// Those that were asked for last at the end.
#[derive(Default)]
struct Answers {
    all: VecDeque<Arc<KeptAnswer>>,
    n_bytes: usize,
}

struct KeptAnswer {
    key: Key,
    rows: Rows,
    n_bytes: usize,
}

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

/// Whom a grant holds, told by its address: as long as that is known here nobody else has it, and the set itself can go.
#[derive(Clone)]
struct People(Weak<RoaringTreemap>);

impl PartialEq for People {
    fn eq(&self, other: &People) -> bool {
        self.0.ptr_eq(&other.0)
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
            people: People(Arc::downgrade(grant.shared_people())),
        }
    }
}

impl Default for KeptAnswers {
    fn default() -> KeptAnswers {
        KeptAnswers::within(BYTES_MAX)
    }
}

impl KeptAnswers {
    /// Room for so many bytes.
    fn within(bytes_max: usize) -> KeptAnswers {
        KeptAnswers { bytes_max, answers: Mutex::default() }
    }

    /// What came out, if it is kept: nothing has to be read for it.
    pub(crate) fn get(&self, key: &Key) -> Option<Rows> {
        let found = self.lock().find(key)?;
        // Copied when others can go on.
        Some(Rows { rows_read: 0, bytes_read: 0, ..found.rows.clone() })
    }

    /// Keeps what came out, and lets go of others where there is no room; what would take all of it and more is not kept.
    pub(crate) fn keep(&self, key: Key, rows: &Rows) {
        let n_bytes = n_bytes(&key, rows);
        if n_bytes > self.bytes_max {
            return;
        }
        let answer = Arc::new(KeptAnswer { key, rows: rows.clone(), n_bytes });
        let mut answers = self.lock();
        // Two who asked at once found the same.
        answers.remove(&answer.key);
        while answers.n_bytes + n_bytes > self.bytes_max && answers.remove_at(0).is_some() {}
        answers.add(answer);
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    /// An answer, which from now on is the one that was asked for last.
    fn find(&mut self, key: &Key) -> Option<Arc<KeptAnswer>> {
        let found = self.remove(key)?;
        self.add(Arc::clone(&found));
        Some(found)
    }

    fn add(&mut self, answer: Arc<KeptAnswer>) {
        self.n_bytes += answer.n_bytes;
        self.all.push_back(answer);
    }

    fn remove(&mut self, key: &Key) -> Option<Arc<KeptAnswer>> {
        let place = self.all.iter().position(|answer| answer.key == *key)?;
        self.remove_at(place)
    }

    fn remove_at(&mut self, place: usize) -> Option<Arc<KeptAnswer>> {
        let gone = self.all.remove(place)?;
        self.n_bytes -= gone.n_bytes;
        Some(gone)
    }
}

/// What an answer takes with what it is found under: its cells and texts, and something for all around them.
fn n_bytes(key: &Key, rows: &Rows) -> usize {
    let question = key.question.to_json().to_string().len();
    let cells: usize = rows.rows.iter().map(|row| size_of_val(row) + values_bytes(row)).sum();
    let columns: usize = rows.columns.iter().map(|column| size_of_val(column) + column.name.len()).sum();
    ANSWER_BYTES + question + cells + columns + size_of_val(&*rows.steps)
}

/// What values take, texts and values in lists included.
fn values_bytes(values: &[Value]) -> usize {
    let inside = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::List(values) => values_bytes(values),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Number(_)
        | Value::Decimal(_)
        | Value::Timestamp(_)
        | Value::Date(_) => 0,
    };
    size_of_val(values) + values.iter().map(inside).sum::<usize>()
}

#[cfg(test)]
mod tests;
