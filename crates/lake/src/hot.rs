//! Hot columns: decoded columns of row groups, kept for the next question.
//!
//! Files never change, so that what was decoded of one is right for as long as it lives: a new state of the table names
//! other files, and of these only what is new has to be decoded. Never the truth: everything here can be dropped at any
//! time. Invariant: what is held has at most so many bytes; the least recently used goes first.

use crate::stretch::{Column, People};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// When there is no room, so much of it is made at once.
const PART_TO_FREE: usize = 16;

/// What is kept.
pub(crate) struct HotColumns {
    bytes_max: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    entries: HashMap<Place, Entry>,
    n_bytes: usize,
    /// Counts uses.
    clock: u64,
}

/// The file's name, the row group and the column.
type Place = (Arc<str>, usize, Arc<str>);

struct Entry {
    hot: Hot,
    n_bytes: usize,
    used: u64,
}

/// What a column of a file is decoded to.
#[derive(Clone)]
pub(crate) enum Hot {
    /// Whose rows lie where.
    People(Arc<People>),
    /// Any other column.
    Column(Column),
}

impl Hot {
    fn n_bytes(&self) -> usize {
        match self {
            Hot::People(people) => people.n_bytes(),
            Hot::Column(column) => column.n_bytes(),
        }
    }
}

impl HotColumns {
    /// Room for so many bytes.
    pub(crate) fn new(bytes_max: usize) -> HotColumns {
        HotColumns { bytes_max, held: Mutex::default() }
    }

    /// What is held of some columns of a row group, in their order.
    pub(crate) fn get(&self, file: &Arc<str>, group: usize, columns: &[Arc<str>]) -> Vec<Option<Hot>> {
        let mut held = self.lock();
        held.clock += 1;
        let now = held.clock;
        let mut find = |column: &Arc<str>| {
            let entry = held.entries.get_mut(&(Arc::clone(file), group, Arc::clone(column)))?;
            entry.used = now;
            Some(entry.hot.clone())
        };
        columns.iter().map(&mut find).collect()
    }

    /// Keeps a column, and lets go of others where there is no room.
    pub(crate) fn keep(&self, place: Place, hot: &Hot) {
        let n_bytes = hot.n_bytes();
        if n_bytes > self.bytes_max / PART_TO_FREE {
            return;
        }
        let mut held = self.lock();
        if held.n_bytes + n_bytes > self.bytes_max {
            held.free(self.bytes_max - self.bytes_max / PART_TO_FREE);
        }
        let entry = Entry { hot: hot.clone(), n_bytes, used: held.clock };
        held.n_bytes += n_bytes;
        if let Some(before) = held.entries.insert(place, entry) {
            held.n_bytes -= before.n_bytes;
        }
    }

    /// Lets go of files that the table does not name any more.
    pub(crate) fn forget_others(&self, live: &BTreeSet<&str>) {
        let mut held = self.lock();
        held.entries.retain(|(file, ..), _| live.contains(file.as_ref()));
        held.n_bytes = held.entries.values().map(|entry| entry.n_bytes).sum();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Lets go of what was not used for longest, until so many bytes are left.
    fn free(&mut self, n_bytes: usize) {
        let mut uses: Vec<(u64, Place)> =
            self.entries.iter().map(|(place, entry)| (entry.used, place.clone())).collect();
        uses.sort_unstable();
        for (_, place) in uses {
            if self.n_bytes <= n_bytes {
                break;
            }
            if let Some(entry) = self.entries.remove(&place) {
                self.n_bytes -= entry.n_bytes;
            }
        }
    }
}
