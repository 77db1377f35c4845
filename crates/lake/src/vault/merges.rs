//! Who is whom by now: people who turned out to be one person, and people who were taken apart again.
//!
//! A log of its own (`merges.log`), whose entries are never changed: a merge says that two people are one, an undo takes
//! one entry back. Who is whom follows from the entries alone, so that undoing a merge gives exactly what would be without
//! it. Invariants: every identifier keeps the person that it first led to; people whose merge was undone are not merged
//! again; a person is made of a limited number of people, so that no mistake reaches far.

use super::log::Log;
use crate::error;
use arrow::array::Int64Array;
use serde::{Deserialize, Serialize};
use spec::{Instant, PersonId, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// So many people can become one.
const PEOPLE_PER_PERSON_MAX: usize = 64;
const HEADER: &[u8; 8] = b"ENTMRG\0\x01";

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeEntry {
    /// Its number, from 0.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// What it does.
    pub change: MergeChange,
    /// The source that said so, or whoever took an entry back.
    pub by: String,
    /// Whether it has been taken back.
    pub is_undone: bool,
}

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeChange {
    /// The first person is the second one.
    Merge(PersonId, PersonId, MergeReason),
    /// The entry with this number does not count: a merge is undone, an undone merge is in force again.
    Undo(u64),
}

/// What told that two people are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MergeReason {
    /// Both identifiers came in one `identify`.
    Identify,
    /// An `alias` said so.
    Alias,
}

/// An entry as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Entry {
    Merge { at_micros: i64, from: u64, into: u64, reason: MergeReason, by: String },
    Undo { at_micros: i64, entry: u64, by: String },
}

/// Who each person is by now, as of a number of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roots {
    n_entries: u64,
    /// Everybody who is somebody else by now.
    root_of: HashMap<u64, u64>,
    /// All people that a person is made of, themselves included, in order; those of one alone are absent.
    members: BTreeMap<u64, Vec<u64>>,
}

/// The entries and what follows from them.
pub(super) struct Merges {
    log: Log,
    entries: Vec<Entry>,
    latest: Arc<Roots>,
    /// People who were merged by mistake.
    apart: Vec<(u64, u64)>,
}

/// Why two people are one.
pub(crate) struct Evidence<'a> {
    pub(crate) reason: MergeReason,
    /// When it came, in microseconds since 1970.
    pub(crate) at_micros: i64,
    pub(crate) source: &'a str,
}

/// What becomes of a wish to merge two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// They are one person: since now, or before.
    Same,
    /// Their merge was undone before.
    KeptApart,
    /// They would be too many.
    TooMany,
}

impl Roots {
    fn of(entries: &[Entry]) -> Roots {
        let mut roots = Roots { n_entries: entries.len() as u64, ..Roots::default() };
        for (entry, counts) in entries.iter().zip(in_force(entries)) {
            if let (Entry::Merge { from, into, .. }, true) = (entry, counts) {
                roots.join(*from, *into);
            }
        }
        roots
    }

    /// How many entries it follows from.
    pub(crate) fn n_entries(&self) -> u64 {
        self.n_entries
    }

    /// Whether everybody is themselves.
    pub(crate) fn is_plain(&self) -> bool {
        self.root_of.is_empty()
    }

    /// Who a person is by now.
    pub(crate) fn root(&self, person: PersonId) -> PersonId {
        match self.root_of.get(&person.number()) {
            Some(root) => super::from_number(*root).expect("only people are merged"),
            None => person,
        }
    }

    /// The same for people as a column of numbers.
    pub(crate) fn roots(&self, people: &Int64Array) -> Result<Int64Array> {
        let root = |number: i64| PersonId::from_stored(number).map(|person| self.root(person).stored());
        let roots: Option<Vec<i64>> = people.values().iter().map(|number| root(*number)).collect();
        roots
            .map(Int64Array::from)
            .ok_or_else(|| error::table("read", "people", "it names a person that cannot be".into()))
    }

    /// The people that somebody is made of, in order; for somebody who is one alone there are none.
    pub(crate) fn members(&self, root: PersonId) -> &[u64] {
        self.members.get(&root.number()).map_or(&[], Vec::as_slice)
    }

    /// Everybody who is made of several people, with these.
    pub(crate) fn merged(&self) -> impl Iterator<Item = (u64, &[u64])> {
        self.members.iter().map(|(root, members)| (*root, members.as_slice()))
    }

    /// People who are somebody else in `newer`, by who they are here.
    pub(crate) fn moved<'a>(&'a self, newer: &'a Roots) -> impl Iterator<Item = PersonId> + 'a {
        let people = self.root_of.keys().chain(newer.root_of.keys());
        let people = people.filter_map(|number| super::from_number(*number));
        people.filter(|person| self.root(*person) != newer.root(*person)).map(|person| self.root(person))
    }

    fn join(&mut self, from: u64, into: u64) {
        let root = |roots: &Roots, person: u64| roots.root_of.get(&person).copied().unwrap_or(person);
        let (from, into) = (root(self, from), root(self, into));
        if from == into {
            return;
        }
        let newcomers = self.members.remove(&from).unwrap_or_else(|| vec![from]);
        self.root_of.extend(newcomers.iter().map(|person| (*person, into)));
        let members = self.members.entry(into).or_insert_with(|| vec![into]);
        members.extend(newcomers);
        members.sort_unstable();
    }

    fn n_members(&self, root: u64) -> usize {
        self.members.get(&root).map_or(1, Vec::len)
    }
}

impl Merges {
    /// Opens or makes the log.
    pub(super) fn open(folder: &Path) -> Result<Merges> {
        let unknown = || error::vault("a record of `merges.log` has an unknown form");
        let mut entries: Vec<Entry> = Vec::new();
        let log = Log::open(&folder.join("merges.log"), HEADER, &mut |_, record| {
            entries.push(postcard::from_bytes(record).map_err(|_| unknown())?);
            Ok(())
        })?;
        if !are_sound(&entries) {
            return Err(unknown());
        }
        let mut merges = Merges { log, entries, latest: Arc::default(), apart: Vec::new() };
        merges.follow();
        Ok(merges)
    }

    /// Who is whom by all entries.
    pub(super) fn latest(&self) -> &Arc<Roots> {
        &self.latest
    }

    /// Who was whom after so many entries.
    pub(super) fn after(&self, n_entries: u64) -> Arc<Roots> {
        let n_entries = usize::try_from(n_entries).unwrap_or(usize::MAX).min(self.entries.len());
        if n_entries == self.entries.len() {
            return Arc::clone(&self.latest);
        }
        Arc::new(Roots::of(&self.entries[..n_entries]))
    }

    /// Whether two people, as `roots` knows them, may become one, and makes them one there if so.
    pub(super) fn join(&self, roots: &mut Arc<Roots>, from: PersonId, into: PersonId) -> Joined {
        let (from, into) = (roots.root(from).number(), roots.root(into).number());
        if from == into {
            return Joined::Same;
        }
        let root = |person: &u64| roots.root_of.get(person).copied().unwrap_or(*person);
        let are_apart = |(one, other): &(u64, u64)| {
            let pair = (root(one), root(other));
            pair == (from, into) || pair == (into, from)
        };
        if self.apart.iter().any(are_apart) {
            return Joined::KeptApart;
        }
        if roots.n_members(from) + roots.n_members(into) > PEOPLE_PER_PERSON_MAX {
            return Joined::TooMany;
        }
        Arc::make_mut(roots).join(from, into);
        Joined::Same
    }

    /// Writes and syncs entries, then makes them known.
    pub(super) fn add(&mut self, entries: Vec<Entry>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        for entry in &entries {
            self.log.append(&postcard::to_allocvec(entry).expect("plain data has an encoding"));
        }
        self.log.sync()?;
        for entry in entries {
            match &entry {
                Entry::Merge { from, into, .. } => {
                    let latest = Arc::make_mut(&mut self.latest);
                    latest.join(*from, *into);
                    latest.n_entries += 1;
                    self.entries.push(entry);
                }
                Entry::Undo { .. } => {
                    self.entries.push(entry);
                    self.follow();
                }
            }
        }
        Ok(())
    }

    /// Takes an entry back.
    pub(super) fn undo(&mut self, number: u64, at_micros: i64, by: &str) -> Result<()> {
        let found = usize::try_from(number).ok().and_then(|at| in_force(&self.entries).get(at).copied());
        match found {
            None => Err(error::no_merge(number)),
            Some(false) => Err(error::merge_undone(number)),
            Some(true) => self.add(vec![Entry::Undo { at_micros, entry: number, by: by.to_owned() }]),
        }
    }

    /// All entries, oldest first.
    pub(super) fn list(&self) -> Vec<MergeEntry> {
        let all = self.entries.iter().zip(in_force(&self.entries)).zip(0..);
        all.map(|((entry, counts), number)| shown(entry, number, !counts)).collect()
    }

    fn follow(&mut self) {
        self.latest = Arc::new(Roots::of(&self.entries));
        let undone = self.entries.iter().zip(in_force(&self.entries)).filter_map(|(entry, counts)| match entry {
            Entry::Merge { from, into, .. } if !counts => Some((*from, *into)),
            _ => None,
        });
        self.apart = undone.collect();
    }
}

/// Which entries count: those that no entry which counts takes back.
fn in_force(entries: &[Entry]) -> Vec<bool> {
    let mut counts = vec![true; entries.len()];
    for at in (0..entries.len()).rev() {
        if let (Entry::Undo { entry, .. }, true) = (&entries[at], counts[at]) {
            let undone = usize::try_from(*entry).expect("an undo names an entry before it");
            counts[undone] = false;
        }
    }
    counts
}

/// Whether entries name people who can be, and entries before them.
fn are_sound(entries: &[Entry]) -> bool {
    let is_person = |number: &u64| super::from_number(*number).is_some();
    entries.iter().zip(0u64..).all(|(entry, at)| match entry {
        Entry::Merge { from, into, .. } => is_person(from) && is_person(into),
        Entry::Undo { entry, .. } => *entry < at,
    })
}

fn shown(entry: &Entry, number: u64, is_undone: bool) -> MergeEntry {
    let person = |number: &u64| super::from_number(*number).expect("the log was checked when it was opened");
    let (at_micros, change, by) = match entry {
        Entry::Merge { at_micros, from, into, reason, by } => {
            (at_micros, MergeChange::Merge(person(from), person(into), *reason), by)
        }
        Entry::Undo { at_micros, entry, by } => (at_micros, MergeChange::Undo(*entry), by),
    };
    let at = Instant::from_timestamp_micros(*at_micros).unwrap_or_default();
    MergeEntry { number, at, change, by: by.clone(), is_undone }
}

/// The entries about people, or about whom entries ever made one with them.
pub(super) fn about(entries: Vec<MergeEntry>, mut people: BTreeSet<PersonId>) -> Vec<MergeEntry> {
    loop {
        let n_before = people.len();
        for entry in &entries {
            if let MergeChange::Merge(from, into, _) = entry.change
                && (people.contains(&from) || people.contains(&into))
            {
                people.extend([from, into]);
            }
        }
        if people.len() == n_before {
            break;
        }
    }
    let mut numbers = BTreeSet::new();
    let mut is_about = |entry: &MergeEntry| {
        let is = match entry.change {
            MergeChange::Merge(from, _, _) => people.contains(&from),
            MergeChange::Undo(number) => numbers.contains(&number),
        };
        if is {
            numbers.insert(entry.number);
        }
        is
    };
    entries.into_iter().filter(|entry| is_about(entry)).collect()
}
