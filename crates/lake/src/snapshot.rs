//! One consistent state of the lake.

use crate::hot::HotColumns;
use crate::import::{MessageKey, PERSON_BEFORE, trait_column};
use crate::lake::State;
use crate::landing::{BookLine, Books, News};
use crate::ledger::{Ledger, load_imports, read_table};
use crate::scan::{self, EventFile};
use crate::table::Table;
use crate::vault::{Roots, Vault};
use crate::{ImportRecord, PurposePeople, ScanPart, ScanRequest, error};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, NullArray, StringArray, UInt64Array};
use arrow::compute::{cast, take, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
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
    /// Shared with later states: books only grow, and nothing is computed from them.
    books: Arc<Mutex<Books>>,
    deliveries: BTreeMap<String, Instant>,
    /// First those that landed, then the others in the order of their people.
    events: Vec<Arc<EventFile>>,
    n_landed: usize,
    /// Of those who people are by now, in their order; the last column says who they were at first.
    traits: RecordBatch,
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
        let stored_ledger = match (same(&["people", "consents"]), same(&["consents"]).zip(news)) {
            (Some(earlier), _) => Arc::clone(&earlier.stored_ledger),
            (None, Some((earlier, news))) => Arc::new(earlier.stored_ledger.with(&news.homes)),
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
            Some(earlier) => earlier.traits.clone(),
            None => load_traits(&state.traits, &roots)?,
        };
        let deliveries = last_deliveries(&imports, &lock(&books));
        Ok(Snapshot {
            versions,
            deliveries,
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
    #[cfg(test)]
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

    /// The ledger of this state as its tables have it: for those who people were at first.
    pub(crate) fn stored_ledger(&self) -> &Ledger {
        &self.stored_ledger
    }

    /// Who people are by now.
    pub(crate) fn roots(&self) -> &Arc<Roots> {
        &self.roots
    }

    /// Whether traits of a person, as of now and as at first, hold a message other than the one with this sequence.
    pub(crate) fn has_traits_of(&self, (person, at_first): (i64, i64), key: &MessageKey, sequence: i64) -> bool {
        let people = self.traits.column(0).as_primitive::<Int64Type>().values();
        let digests = self.traits.column(3).as_binary::<i32>();
        let sequences = self.traits.column_by_name("seq").map(|column| column.as_primitive::<Int64Type>());
        let first = people.partition_point(|other| *other < person);
        let mut rows = (first..people.len()).take_while(|row| people[*row] == person);
        let is_other = |row: usize| sequences.is_none_or(|of| of.is_null(row) || of.value(row) != sequence);
        let before = self.traits.column(self.traits.num_columns() - 1).as_primitive::<Int64Type>();
        rows.any(|row| digests.value(row) == key.as_slice() && before.value(row) == at_first && is_other(row))
    }

    /// The parts to read for a request, without those that cannot hold a row.
    ///
    /// # Errors
    /// Denied for a property that the grant does not hold.
    pub fn scan_events(&self, grant: &Grant, request: &ScanRequest) -> Result<Vec<ScanPart>> {
        let (landed, files) = self.events.split_at(self.n_landed);
        Ok(scan::parts(files, landed, scan::plan(grant, request, &self.hot)?))
    }

    /// The traits of the granted people; of several objects with the same trait the newest value counts.
    ///
    /// # Shape
    /// One row per granted person with any trait, ascending: `person` Int64, then one column per name in the order asked.
    /// A trait that no table has yet is a column of type Null; one that the grant's mask hashes is a column of text.
    ///
    /// # Errors
    /// Denied for a trait that the grant does not hold.
    pub fn traits(&self, grant: &Grant, names: &[String]) -> Result<RecordBatch> {
        let mut masks = Vec::new();
        for name in names {
            match grant.mask_of(&FieldRef::Trait(name.clone())) {
                Some(mask @ (Mask::Show | Mask::Hash)) => masks.push(mask),
                Some(Mask::Hide) | None => return Err(error::field_not_granted(name, grant.purpose())),
            }
        }
        let all = self.traits.column(0).as_primitive::<Int64Type>();
        let granted = |row: &usize| PersonId::from_stored(all.value(*row)).is_some_and(|person| grant.allows(person));
        let rows: Vec<usize> = (0..all.len()).filter(granted).collect();
        let mut people: Vec<i64> = rows.iter().map(|row| all.value(*row)).collect();
        people.dedup();
        let mut fields = vec![Field::new("person", DataType::Int64, false)];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(people.clone()))];
        for (name, mask) in names.iter().zip(masks) {
            let values = self.newest_values(&trait_column(name), &rows, people.len(), grant.release())?;
            let column = if mask == Mask::Hash { self.hashed(grant, &values)? } else { values };
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|cause| error::bug("cannot join traits", Box::new(cause)))
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
        let masked = |identifier: String| match mask {
            Mask::Show => identifier,
            Mask::Hash | Mask::Hide => self.vault.hash(grant.purpose(), &identifier),
        };
        let read = |person: &PersonId| Ok(self.vault.identifier(*person, kind, &self.roots)?.map(masked));
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

    /// The values as keyed hashes, stable per data folder and purpose: equal values have equal hashes of 16 hex digits.
    fn hashed(&self, grant: &Grant, values: &ArrayRef) -> Result<ArrayRef> {
        let texts =
            cast(values, &DataType::Utf8).map_err(|cause| error::bug("cannot hash a trait", Box::new(cause)))?;
        let hash = |text: Option<&str>| text.map(|text| self.vault.hash(grant.purpose(), text));
        Ok(Arc::new(texts.as_string::<i32>().iter().map(hash).collect::<StringArray>()))
    }

    /// Per person (rows of one person lie together) the value of the newest row that has one.
    ///
    /// What nobody vouches for may be counted, but nobody gets onto a list by it.
    fn newest_values(&self, column: &str, rows: &[usize], n_people: usize, release: Release) -> Result<ArrayRef> {
        let Some(values) = self.traits.column_by_name(column) else {
            return Ok(Arc::new(NullArray::new(n_people)));
        };
        let people = self.traits.column(0).as_primitive::<Int64Type>();
        let times = self.traits.column(2).as_primitive::<TimestampMicrosecondType>();
        let digests = self.traits.column(3).as_binary::<i32>();
        let claimed = self.traits.column_by_name("claimed").map(|column| column.as_boolean());
        let is_claimed = |row: usize| claimed.is_some_and(|claimed| claimed.is_valid(row) && claimed.value(row));
        // What is only claimed never stands before what somebody vouches for, however new it is.
        let rank = |row: usize| (!is_claimed(row), times.value(row), digests.value(row));
        let newest = rows.chunk_by(|a, b| people.value(*a) == people.value(*b)).map(|rows| {
            let with_value = rows.iter().filter(|row| values.is_valid(**row));
            let with_value = with_value.filter(|row| release < Release::List || !is_claimed(**row));
            with_value.max_by_key(|row| rank(**row)).map(|row| *row as u64)
        });
        let newest: UInt64Array = newest.collect();
        take(values, &newest, None).map_err(|cause| error::bug("cannot pick traits", Box::new(cause)))
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

fn last_deliveries(imports: &[ImportRecord], books: &Books) -> BTreeMap<String, Instant> {
    let mut last = books.last_minutes();
    for import in imports {
        let known = last.entry(import.source.clone()).or_insert(import.at);
        *known = import.at.max(*known);
    }
    last
}

/// All traits of those who people are by now, in their order.
fn load_traits(table: &Table, roots: &Roots) -> Result<RecordBatch> {
    let fields: Vec<Field> = table.columns()?.fields().iter().map(|field| field.as_ref().clone()).collect();
    let stored = read_table(table, &fields)?;
    let fields = fields.into_iter().chain([Field::new(PERSON_BEFORE, DataType::Int64, true)]);
    let mut columns = stored.columns().to_vec();
    columns.push(Arc::clone(stored.column(0)));
    columns[0] = Arc::new(roots.roots(stored.column(0).as_primitive())?);
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
        .map_err(|cause| error::bug("cannot name the people of traits", Box::new(cause)))?;
    let people = rows.column(0).as_primitive::<Int64Type>().values();
    if people.is_sorted() {
        return Ok(rows);
    }
    let mut order: Vec<usize> = (0..people.len()).collect();
    order.sort_by_key(|row| people[*row]);
    let order = UInt64Array::from_iter_values(order.into_iter().map(|row| row as u64));
    take_record_batch(&rows, &order).map_err(|cause| error::bug("cannot bring traits in order", Box::new(cause)))
}
