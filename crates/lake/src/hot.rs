//! Hot columns: decoded columns of row groups, kept for the next question.
//!
//! Files never change, so that what was decoded of one is right for as long as it lives: a new state of the table names
//! other files, and of these only what is new has to be decoded. Never the truth: everything here can be dropped at any
//! time. Invariant: what is held has at most so many bytes; the least recently used goes first.

use crate::stretch::{Column, People, PersonRows, Runs};
use roaring::RoaringTreemap;
use std::any::Any;
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
    /// What it was when the table changed last.
    changed: u64,
}

/// Rows whose columns are kept together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rows {
    /// The names of files and their row groups that the rows come from.
    pub(crate) groups: Arc<[(Arc<str>, usize)]>,
    /// The first and the last person whose rows these are.
    pub(crate) people: (i64, i64),
    /// Whether rows that nobody vouches for are left out.
    pub(crate) only_vouched: bool,
}

/// Rows, and the column's name.
type Place = (Rows, Arc<str>);

struct Entry {
    hot: Hot,
    n_bytes: usize,
    used: u64,
}

/// What is kept of rows.
#[derive(Clone)]
pub(crate) enum Hot {
    /// Whose rows lie where.
    People(Arc<People>),
    /// The same, and where rows of several groups come from.
    Runs(Arc<Runs>),
    /// Any other column.
    Column(Column),
    /// Those of the people whom a grant holds.
    Granted(Granted),
    /// What somebody computed of the rows.
    Kept(Kept),
}

/// Something computed, and how much room it takes.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) value: Arc<dyn Any + Send + Sync>,
    pub(crate) n_bytes: usize,
}

/// Whom a grant holds, found by its address: as long as it is held here, no other has it.
#[derive(Clone)]
pub(crate) struct Granted {
    pub(crate) grant: Arc<RoaringTreemap>,
    pub(crate) people: Arc<[PersonRows]>,
}

impl Hot {
    fn n_bytes(&self) -> usize {
        match self {
            Hot::People(people) => people.n_bytes(),
            Hot::Runs(runs) => runs.n_bytes(),
            Hot::Column(column) => column.n_bytes(),
            Hot::Granted(granted) => size_of_val(&*granted.people),
            Hot::Kept(kept) => kept.n_bytes,
        }
    }
}

impl HotColumns {
    /// Room for so many bytes.
    pub(crate) fn new(bytes_max: usize) -> HotColumns {
        HotColumns { bytes_max, held: Mutex::default() }
    }

    /// What is held of some columns of rows, in their order.
    pub(crate) fn get(&self, rows: &Rows, columns: &[Arc<str>]) -> Vec<Option<Hot>> {
        let mut held = self.lock();
        held.clock += 1;
        let now = held.clock;
        let mut find = |column: &Arc<str>| {
            let entry = held.entries.get_mut(&(rows.clone(), Arc::clone(column)))?;
            entry.used = now;
            Some(entry.hot.clone())
        };
        columns.iter().map(&mut find).collect()
    }

    /// Keeps a column, and lets go of others where there is no room.
    pub(crate) fn keep(&self, rows: &Rows, column: &Arc<str>, hot: &Hot) {
        let n_bytes = hot.n_bytes() + size_of::<(Place, Entry)>() + size_of_val(&*rows.groups);
        if n_bytes > self.bytes_max / PART_TO_FREE {
            return;
        }
        let mut held = self.lock();
        if held.n_bytes + n_bytes > self.bytes_max {
            held.free(self.bytes_max - self.bytes_max / PART_TO_FREE);
        }
        let entry = Entry { hot: hot.clone(), n_bytes, used: held.clock };
        held.n_bytes += n_bytes;
        if let Some(before) = held.entries.insert((rows.clone(), Arc::clone(column)), entry) {
            held.n_bytes -= before.n_bytes;
        }
    }

    /// Lets go of files that the table does not name any more, and of rows brought together of several that nobody has asked
    /// for since it changed before: most of them lack what has landed since.
    pub(crate) fn forget_others(&self, live: &BTreeSet<&str>) {
        let mut held = self.lock();
        let now = held.clock;
        let since = std::mem::replace(&mut held.changed, now);
        held.entries.retain(|(rows, _), entry| {
            let is_live = rows.groups.iter().all(|(file, _)| live.contains(file.as_ref()));
            is_live && (rows.groups.len() == 1 || entry.used > since)
        });
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
