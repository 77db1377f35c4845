//! One consistent state of the lake.

use crate::consents::{self, Standing};
use crate::hot::HotColumns;
use crate::lake::State;
use crate::landing::{BookLine, Books, News};
use crate::ledger::{Ledger, load_imports};
use crate::mask::Masking;
use crate::scan::{self, EventFile};
use crate::traits::{TraitTable, Traits};
use crate::vault::{Roots, Vault};
use crate::{ImportRecord, PurposePeople, ScanPart, ScanRequest, error};
use chrono::{DateTime, TimeDelta};
use policy::Grant;
use roaring::RoaringTreemap;
use spec::{FieldRef, Instant, LawRule, Mask, PersonId, Purpose, Release, Result};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One consistent state: it does not change when files come in later.
pub struct Snapshot {
    versions: BTreeMap<String, u64>,
    imports: Arc<Vec<ImportRecord>>,
    /// Who people are, as far as their events have moved.
    roots: Arc<Roots>,
    /// The ledger as its tables have it, and as it is for those who people are by now.
    stored_ledger: Arc<Ledger>,
    ledger: Arc<Ledger>,
    /// Shared with later states: books only grow, and what questions depend on is taken from them at once.
    books: Arc<Mutex<Books>>,
    deliveries: BTreeMap<String, Instant>,
    last_days: BTreeMap<String, LastDay>,
    /// First those that landed, then the others in the order of their people.
    events: Vec<Arc<EventFile>>,
    n_landed: usize,
    traits: Arc<TraitTable>,
    hot: Arc<HotColumns>,
    vault: Arc<Vault>,
}

impl Snapshot {
    /// Reads the state of the tables; what has not changed since `earlier` is taken from there.
    pub(crate) fn load(state: &State, vault: &Arc<Vault>, earlier: Option<&Snapshot>) -> Result<Snapshot> {
        Snapshot::load_with(state, vault, earlier, None)
    }

    /// The same after a landing, which has added its news to the ledger and the books of `earlier` and nothing else.
    pub(crate) fn load_after(state: &State, vault: &Arc<Vault>, earlier: &Snapshot, news: &News) -> Result<Snapshot> {
        Snapshot::load_with(state, vault, Some(earlier), Some(news))
    }

    fn load_with(
        state: &State,
        vault: &Arc<Vault>,
        earlier: Option<&Snapshot>,
        news: Option<&News>,
    ) -> Result<Snapshot> {
        let versions: BTreeMap<String, u64> =
            state.tables().map(|(name, table)| (name.to_owned(), table.version())).collect();
        let same = |tables: &[&str]| {
            earlier.filter(|earlier| tables.iter().all(|name| earlier.versions[*name] == versions[*name]))
        };
        let known: HashMap<&str, &Arc<EventFile>> =
            earlier.iter().flat_map(|snapshot| &snapshot.events).map(|file| (file.file.name.as_str(), file)).collect();
        let mut events = Vec::new();
        for file in state.events.files()? {
            match known.get(file.name.as_str()) {
                Some(open) => events.push(Arc::clone(open)),
                None => events.push(Arc::new(EventFile::open(&state.events, file)?)),
            }
        }
        events.sort_by_key(|file| (!file.is_landed(), file.person_min));
        let n_landed = events.partition_point(|file| file.is_landed());
        let imports = match same(&["imports"]) {
            Some(earlier) => Arc::clone(&earlier.imports),
            None => Arc::new(load_imports(&state.imports)?),
        };
        let stored_ledger = match (same(&["people", "consents"]), earlier.zip(news)) {
            (Some(earlier), _) => Arc::clone(&earlier.stored_ledger),
            (None, Some((earlier, news))) => Arc::new(earlier.stored_ledger.with(&news.homes, &news.words)),
            (None, None) => Arc::new(Ledger::load(&state.people, &state.consents)?),
        };
        let same_people = earlier.filter(|earlier| earlier.roots.n_entries() == state.n_merges);
        let roots = same_people.map_or_else(|| vault.roots_after(state.n_merges), |earlier| Arc::clone(&earlier.roots));
        let ledger = match same_people {
            Some(earlier) if Arc::ptr_eq(&earlier.stored_ledger, &stored_ledger) => Arc::clone(&earlier.ledger),
            _ if roots.is_plain() => Arc::clone(&stored_ledger),
            _ => Arc::new(stored_ledger.seen_by(&roots)),
        };
        let books = match (same(&["books"]), earlier.zip(news)) {
            (Some(earlier), _) => Arc::clone(&earlier.books),
            (None, Some((earlier, news))) => {
                lock(&earlier.books).add(&news.books);
                Arc::clone(&earlier.books)
            }
            (None, None) => Arc::new(Mutex::new(Books::load(&state.books)?)),
        };
        let traits = match same(&["traits"]).and(same_people) {
            Some(earlier) => Arc::clone(&earlier.traits),
            None => Arc::new(TraitTable::load(&state.traits, &roots)?),
        };
        let (deliveries, last_days) = {
            let books = lock(&books);
            (last_deliveries(&imports, &books), last_days(&imports, &books))
        };
        Ok(Snapshot {
            versions,
            deliveries,
            last_days,
            imports,
            roots,
            stored_ledger,
            ledger,
            books,
            traits,
            events,
            n_landed,
            hot: Arc::clone(&state.hot),
            vault: Arc::clone(vault),
        })
    }

    /// The version of each table, by name.
    pub fn table_versions(&self) -> BTreeMap<String, u64> {
        self.versions.clone()
    }

    /// The imports so far, oldest first.
    pub fn imports(&self) -> &[ImportRecord] {
        &self.imports
    }

    /// Everybody known.
    pub fn known(&self) -> &RoaringTreemap {
        &self.ledger.known
    }

    /// Who lives where; each person known is in exactly one place.
    pub(crate) fn places(&self) -> &[crate::ledger::PlacePeople] {
        &self.ledger.places
    }

    /// What a person last said about a purpose.
    #[cfg(test)]
    pub(crate) fn state_of(&self, person: PersonId, purpose: &str) -> spec::ConsentState {
        self.ledger.state_of(person, purpose)
    }

    /// Who may be used for the purpose under these laws; remembered as long as the ledger stays the same.
    pub fn people_for(&self, purpose: &Purpose, laws: &[LawRule]) -> Arc<PurposePeople> {
        self.ledger.people_for(purpose, laws)
    }

    /// How somebody stands with a purpose, by a user id: for the person alone, whose data it is.
    pub fn standing(&self, user_id: &str, purpose: &Purpose, laws: &[LawRule]) -> Standing {
        consents::standing(self, self.vault.person_of(user_id), purpose, laws)
    }

    /// When the newest word about any purpose was said.
    pub fn last_word(&self) -> Option<Instant> {
        self.stored_ledger.statements().last_micros().and_then(DateTime::from_timestamp_micros)
    }

    /// What came in message by message, per source, key and minute.
    pub fn books(&self) -> Vec<BookLine> {
        lock(&self.books).lines()
    }

    /// The same in sum per source and key, at the last minute in which something was taken.
    pub fn book_totals(&self) -> Vec<BookLine> {
        lock(&self.books).totals()
    }

    /// The books of messages that came in this minute or later, in the order of source, key and minute.
    pub fn books_since(&self, minute: Instant) -> Vec<BookLine> {
        lock(&self.books).lines_since(minute)
    }

    /// When each source last delivered something that was taken: a file, or a message (to the minute).
    pub fn deliveries(&self) -> &BTreeMap<String, Instant> {
        &self.deliveries
    }

    /// Per source what came on the last day on which anything came.
    pub fn last_days(&self) -> &BTreeMap<String, LastDay> {
        &self.last_days
    }

    /// The ledger of this state as its tables have it: for those who people were at first.
    pub(crate) fn stored_ledger(&self) -> &Ledger {
        &self.stored_ledger
    }

    /// Who people are by now.
    pub(crate) fn roots(&self) -> &Arc<Roots> {
        &self.roots
    }

    /// The traits of people.
    pub(crate) fn trait_table(&self) -> &TraitTable {
        &self.traits
    }

    /// The parts to read for a request, without those that cannot hold a row.
    ///
    /// # Errors
    /// Denied for a property that the grant does not hold.
    pub fn scan_events(&self, grant: &Grant, request: &ScanRequest) -> Result<Vec<ScanPart>> {
        let (landed, files) = self.events.split_at(self.n_landed);
        Ok(scan::parts(files, landed, scan::plan(grant, request, &self.hot)?))
    }

    /// Traits by name, as the grant's masks show them.
    ///
    /// # Errors
    /// Denied for a trait that the grant does not hold.
    pub fn traits(&self, grant: &Grant, names: &[String]) -> Result<Traits> {
        self.traits.under(grant, names, &self.hot, &self.vault)
    }

    /// The identifiers of a kind (`user_id`, or the name of a direct field), one per person asked.
    ///
    /// # Errors
    /// Denied unless the grant reaches to lists, holds the field as shown and holds the people.
    pub fn identifiers(&self, grant: &Grant, kind: &str, people: &[PersonId]) -> Result<Vec<Option<String>>> {
        if grant.release() < Release::List || people.iter().any(|person| !grant.allows(*person)) {
            return Err(error::list_not_granted(grant.purpose()));
        }
        let masks =
            [FieldRef::Trait(kind.to_owned()), FieldRef::Property(kind.to_owned())].map(|field| grant.mask_of(&field));
        let mask = masks.into_iter().flatten().max().filter(|mask| *mask != Mask::Hide);
        let mask = mask.ok_or_else(|| error::field_not_granted(kind, grant.purpose()))?;
        let masking = Masking::under(grant, mask, &self.vault);
        let masked = |identifier: String| match &masking {
            None => Some(identifier),
            Some(masking) => masking.identifier(&identifier),
        };
        let read = |person: &PersonId| Ok(self.vault.identifier(*person, kind, &self.roots)?.and_then(masked));
        people.iter().map(read).collect()
    }

    /// A name for a person that differs per purpose and data folder: 16 hex digits.
    pub fn pseudonym(&self, grant: &Grant, person: PersonId) -> String {
        self.vault.pseudonym(grant.purpose(), person)
    }

    /// The files of the events: first those that landed, then the others in the order of their people.
    pub(crate) fn event_files(&self) -> &[Arc<EventFile>] {
        &self.events
    }

    /// Lets go of the event files that a newer state no longer names; each goes with its last reader.
    pub(crate) fn release_files(&self, newer: &Snapshot) {
        let named: HashSet<&str> = newer.events.iter().map(|file| file.file.name.as_str()).collect();
        for file in self.events.iter().filter(|file| !named.contains(file.file.name.as_str())) {
            file.replace();
        }
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What came of a source in the 24 hours up to the last record that came, whatever became of it.
///
/// Records are counted as they were sent, before it is known whose they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDay {
    /// When these hours began.
    pub since: Instant,
    /// Records that came: of files, and messages.
    pub received: u64,
    /// Those that were refused or are kept aside; of a file that was read again under a changed contract, what the last
    /// reading left.
    pub rejected: u64,
    /// Whether files came: their records may be of any time.
    pub has_files: bool,
}

fn last_days(imports: &[ImportRecord], books: &Books) -> BTreeMap<String, LastDay> {
    let day = TimeDelta::days(1);
    let mut sources: BTreeMap<&str, Vec<&ImportRecord>> = books.sources().map(|source| (source, Vec::new())).collect();
    for import in imports {
        sources.entry(import.source.as_str()).or_default().push(import);
    }
    let of = |(source, files): (&str, Vec<&ImportRecord>)| {
        let last = files.iter().map(|import| import.at).max().max(books.last_minute(source))?;
        let since = last - day;
        // A later reading of the same file takes the place of an earlier one.
        let read: BTreeMap<(&str, &str), &ImportRecord> = files
            .into_iter()
            .filter(|import| import.at > since)
            .map(|import| ((import.object.as_str(), import.digest.as_str()), import))
            .collect();
        let (received, rejected) = books.counts_since(source, since);
        let sum = |of: fn(&ImportRecord) -> u64| read.values().map(|import| of(import)).sum::<u64>();
        let last_day = LastDay {
            since,
            received: received + sum(|import| import.received),
            rejected: rejected + sum(|import| import.rejected),
            has_files: !read.is_empty(),
        };
        Some((source.to_owned(), last_day))
    };
    sources.into_iter().filter_map(of).collect()
}

fn last_deliveries(imports: &[ImportRecord], books: &Books) -> BTreeMap<String, Instant> {
    let mut last = books.last_minutes();
    for import in imports {
        let known = last.entry(import.source.clone()).or_insert(import.at);
        *known = import.at.max(*known);
    }
    last
}
