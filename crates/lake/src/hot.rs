//! Hot columns: decoded columns of row groups, kept for the next question.
//!
//! Files never change, so that what was decoded of one is right for as long as it lives: a new state of the table names
//! other files, and of these only what is new has to be decoded. Never the truth: everything here can be dropped at any
//! time. Invariant: what is kept has at most so many bytes; the least recently used goes first. What a question has in hand
//! lives as long as it needs it, beside them.

use crate::stretch::{Column, People, PersonRows, Runs};
use crate::traits::TraitTable;
use roaring::RoaringTreemap;
use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// When there is no room, so much of it is made at once.
const PART_TO_FREE: usize = 16;

/// What is kept.
pub(crate) struct HotColumns {
    bytes_max: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    entries: HashMap<Rows, HashMap<Arc<str>, Entry>>,
    n_bytes: usize,
    /// Counts uses.
    clock: u64,
    /// What it was when the table changed last.
    changed: u64,
}

/// Rows whose columns are kept together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rows {
    /// The names of files and their row groups that the rows come from; none for what is known of people without their rows.
    pub(crate) groups: Arc<[(Arc<str>, usize)]>,
    /// The first and the last person whose rows these are.
    pub(crate) people: (i64, i64),
    /// Whether rows that nobody vouches for are left out.
    pub(crate) only_vouched: bool,
}

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

/// Something that was computed, what of, and how much room it takes.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) of: Of,
    pub(crate) value: Arc<dyn Any + Send + Sync>,
    pub(crate) n_bytes: usize,
}

/// What something was computed of.
#[derive(Clone)]
pub(crate) enum Of {
    /// Rows of these people.
    Rows(Arc<[PersonRows]>),
    /// Everybody whom a grant holds, with rows or without, and their traits; each is found by its address.
    Everybody(Weak<RoaringTreemap>, Weak<TraitTable>),
}

/// Whom a grant holds, found by its address: as long as that is held here, no other grant has it.
#[derive(Clone)]
pub(crate) struct Granted {
    pub(crate) grant: Weak<RoaringTreemap>,
    pub(crate) people: Arc<[PersonRows]>,
}

impl Hot {
    fn n_bytes(&self) -> usize {
        match self {
            Hot::People(people) => people.n_bytes(),
            Hot::Runs(runs) => runs.n_bytes(),
            Hot::Column(column) => column.n_bytes(),
            Hot::Granted(granted) => size_of_val(&*granted.people),
            Hot::Kept(Kept { of: Of::Rows(people), n_bytes, .. }) => size_of_val(&**people) + n_bytes,
            Hot::Kept(Kept { of: Of::Everybody(..), n_bytes, .. }) => *n_bytes,
        }
    }

    /// Whether any question can still have the grant and the traits that it was made with.
    fn may_be_asked_for(&self) -> bool {
        match self {
            Hot::Granted(granted) => granted.grant.strong_count() > 0,
            Hot::Kept(Kept { of: Of::Everybody(grant, table), .. }) => {
                grant.strong_count() > 0 && table.strong_count() > 0
            }
            _ => true,
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
        let mut of_rows = held.entries.get_mut(rows);
        let mut find = |column: &Arc<str>| {
            let entry = of_rows.as_mut()?.get_mut(column)?;
            entry.used = now;
            Some(entry.hot.clone())
        };
        columns.iter().map(&mut find).collect()
    }

    /// Keeps a column, and lets go of others where there is no room.
    pub(crate) fn keep(&self, rows: &Rows, column: &Arc<str>, hot: &Hot) {
        let names = size_of_val(&*rows.groups) + column.len();
        let n_bytes = hot.n_bytes() + size_of::<(Rows, Arc<str>, Entry)>() + names;
        if n_bytes > self.bytes_max / PART_TO_FREE {
            return;
        }
        let mut held = self.lock();
        if held.n_bytes + n_bytes > self.bytes_max {
            held.free(self.bytes_max - self.bytes_max / PART_TO_FREE);
        }
        let entry = Entry { hot: hot.clone(), n_bytes, used: held.clock };
        held.n_bytes += n_bytes;
        let of_rows = held.entries.entry(rows.clone()).or_default();
        if let Some(before) = of_rows.insert(Arc::clone(column), entry) {
            held.n_bytes -= before.n_bytes;
        }
    }

    /// Lets go of files that the table does not name any more, and of rows brought together of several that nobody has asked
    /// for since it changed before: most of them lack what has landed since.
    pub(crate) fn forget_others(&self, live: &BTreeSet<&str>) {
        let mut held = self.lock();
        let now = held.clock;
        let since = std::mem::replace(&mut held.changed, now);
        let mut n_gone = 0;
        held.entries.retain(|rows, columns| {
            let is_live = rows.groups.iter().all(|(file, _)| live.contains(file.as_ref()));
            columns.retain(|_, entry| {
                let is_kept = is_live && (rows.groups.len() <= 1 || entry.used > since) && entry.hot.may_be_asked_for();
                n_gone += if is_kept { 0 } else { entry.n_bytes };
                is_kept
            });
            !columns.is_empty()
        });
        held.n_bytes -= n_gone;
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Lets go of what was not used for longest, until so many bytes are left.
    fn free(&mut self, n_bytes: usize) {
        let mut uses: Vec<(u64, usize)> =
            self.entries.values().flat_map(HashMap::values).map(|entry| (entry.used, entry.n_bytes)).collect();
        uses.sort_unstable();
        let mut left = self.n_bytes;
        let mut goes = |(_, n_own): &&(u64, usize)| {
            let goes = left > n_bytes;
            left -= if goes { *n_own } else { 0 };
            goes
        };
        let Some((last_to_go, _)) = uses.iter().take_while(&mut goes).last() else { return };
        let (n_too_many, mut n_gone) = (self.n_bytes - n_bytes, 0);
        self.entries.retain(|_, columns| {
            columns.retain(|_, entry| {
                // Of those that were used together some may do.
                let goes = entry.used < *last_to_go || (entry.used == *last_to_go && n_gone < n_too_many);
                n_gone += if goes { entry.n_bytes } else { 0 };
                !goes
            });
            !columns.is_empty()
        });
        self.n_bytes -= n_gone;
    }
}
