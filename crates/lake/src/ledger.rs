//! Who is known, where they live, what they said, and what came in: the ledger.
//!
//! Three tables (`people`, `consents`, `imports`) and their compact form in memory: bitmaps of people per place and per
//! statement, so that "who may be used" is a few bitmap operations. Of several rows about a person in `people` the newest
//! counts. Invariant: it holds no fact of what people did.

use crate::data_file::{read_files, schema_of, timestamp_type, write_file};
use crate::error;
use crate::import::{Context, Reading, consents_columns};
use crate::statements::{Said, Statements, Word};
use crate::table::{Change, Table};
use crate::vault::Roots;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::DateTime;
use policy::{Use, law_of, may_use};
use roaring::RoaringTreemap;
use spec::{ConsentState, Instant, Law, LawRule, PersonId, Purpose, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// One import that was finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// The source.
    pub source: String,
    /// The object of its contract.
    pub object: String,
    /// The file's name.
    pub file: String,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Records in the file.
    pub received: u64,
    /// Records that changed something.
    pub stored: u64,
    /// Records that were known already.
    pub duplicate: u64,
    /// Records that went to quarantine.
    pub rejected: u64,
    /// When it was finished; for a file that was read again under a changed contract, when it first came in.
    pub at: Instant,
    /// Why records were rejected: reason, how many, and one example (`file:row`).
    pub reasons: Vec<(String, u64, String)>,
    /// Under which definition it was read; `None` for imports older than that note.
    pub(crate) reading: Option<Reading>,
}

/// The people of one place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlacePeople {
    /// ISO code of the country, if known.
    pub(crate) country: Option<String>,
    /// ISO code of the region, if known.
    pub(crate) region: Option<String>,
    /// Who lives there.
    pub(crate) people: RoaringTreemap,
}

/// Who may be used for a purpose, and who not and why.
#[derive(Clone, Debug, PartialEq)]
pub struct PurposePeople {
    /// May be used.
    pub used: Arc<RoaringTreemap>,
    /// May not, per reason (`policy::Withholding::name`); reasons without people are absent.
    pub withheld: BTreeMap<&'static str, RoaringTreemap>,
}

/// Where a person lives, as a record of traits tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlaceUpdate {
    pub(crate) at_micros: i64,
    pub(crate) digest: [u8; 16],
    pub(crate) country: Option<String>,
    pub(crate) region: Option<String>,
}

/// Where a person lives, and since when that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) country: Option<String>,
    pub(crate) region: Option<String>,
    /// `None`: nothing is known.
    pub(crate) at_micros: Option<i64>,
}

/// The ledger in memory.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) known: RoaringTreemap,
    pub(crate) places: Vec<PlacePeople>,
    /// Since when it is known where people live, in their order; those of whom nothing is known are absent.
    homes_since: Arc<Vec<(u64, i64)>>,
    statements: Arc<Statements>,
    people_for: Mutex<HashMap<String, Arc<PurposePeople>>>,
}

/// Purposes and laws change with the workspace, so that what is remembered has a limit.
const REMEMBERED_MAX: usize = 256;

/// The columns of `people`.
pub(crate) fn people_columns() -> Vec<Field> {
    vec![
        Field::new("person", DataType::Int64, true),
        Field::new("country", DataType::Utf8, true),
        Field::new("region", DataType::Utf8, true),
        Field::new("ts", timestamp_type(), true),
    ]
}

/// The columns of `imports`.
pub(crate) fn imports_columns() -> Vec<Field> {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let count = |name: &str| Field::new(name, DataType::Int64, true);
    vec![
        text("source"),
        text("object"),
        text("file"),
        text("digest"),
        count("received"),
        count("stored"),
        count("duplicate"),
        count("rejected"),
        Field::new("at", timestamp_type(), true),
        text("reasons"),
        text("reading"),
    ]
}

impl Ledger {
    /// Reads the ledger from its tables.
    pub(crate) fn load(people: &Table, consents: &Table) -> Result<Ledger> {
        let mut ledger = Ledger::default();
        let rows = read_table(people, &people_columns())?;
        let (countries, regions) = (rows.column(1).as_string::<i32>(), rows.column(2).as_string::<i32>());
        let people = rows.column(0).as_primitive::<Int64Type>();
        let times = rows.column(3).as_primitive::<TimestampMicrosecondType>();
        let mut places: BTreeMap<(Option<&str>, Option<&str>), RoaringTreemap> = BTreeMap::new();
        let mut homes_since = Vec::new();
        for row in newest_rows(&rows) {
            let person = person_of(Some(people.value(row)))?.number();
            ledger.known.insert(person);
            places.entry((cell(countries, row), cell(regions, row))).or_default().insert(person);
            homes_since.extend(times.is_valid(row).then(|| (person, times.value(row))));
        }
        ledger.homes_since = Arc::new(homes_since);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let place = |((country, region), people): ((Option<&str>, Option<&str>), _)| PlacePeople {
            country: owned(country),
            region: owned(region),
            people,
        };
        ledger.places = places.into_iter().map(place).collect();
        ledger.statements = Arc::new(Statements::load(&read_table(consents, &consents_columns())?)?);
        Ok(ledger)
    }

    /// The ledger with people who are new or live elsewhere since, and with what people have said since.
    pub(crate) fn with(&self, homes: &BTreeMap<PersonId, Home>, words: &[Word]) -> Ledger {
        let mut known = self.known.clone();
        let mut places = self.places.clone();
        let mut since: BTreeMap<u64, i64> = BTreeMap::new();
        let moved: RoaringTreemap =
            homes.keys().map(|person| person.number()).filter(|number| !known.insert(*number)).collect();
        if !moved.is_empty() {
            places.iter_mut().for_each(|place| place.people -= &moved);
        }
        for (person, home) in homes {
            let is_place = |place: &PlacePeople| place.country == home.country && place.region == home.region;
            let place = places.iter().position(is_place).unwrap_or_else(|| {
                let (country, region) = (home.country.clone(), home.region.clone());
                places.push(PlacePeople { country, region, people: RoaringTreemap::new() });
                places.len() - 1
            });
            places[place].people.insert(person.number());
            since.extend(home.at_micros.map(|at| (person.number(), at)));
        }
        places.retain(|place| !place.people.is_empty());
        places.sort_by(|a, b| (&a.country, &a.region).cmp(&(&b.country, &b.region)));
        let homes_since = if since.is_empty() { self.homes_since.clone() } else { joined(&self.homes_since, since) };
        let statements =
            if words.is_empty() { Arc::clone(&self.statements) } else { Arc::new(self.statements.with(words)) };
        Ledger { known, places, homes_since, statements, people_for: Mutex::default() }
    }

    /// The ledger as it is for those who people are by now.
    ///
    /// Whoever is made of several people lives where the newest word of them says, and has said no where one of them has.
    pub(crate) fn seen_by(&self, roots: &Roots) -> Ledger {
        let mut known = self.known.clone();
        let mut places = self.places.clone();
        let members: RoaringTreemap = roots.merged().flat_map(|(_, members)| members).copied().collect();
        let mut place_of: HashMap<u64, usize> = HashMap::new();
        for (index, place) in places.iter_mut().enumerate() {
            place_of.extend((&place.people & &members).iter().map(|member| (member, index)));
            place.people -= &members;
        }
        known -= &members;
        for (root, members) in roots.merged() {
            let of_known = members.iter().filter(|member| self.known.contains(**member));
            let age = |member: &&u64| (self.since(**member), **member == root, **member);
            let Some(newest) = of_known.max_by_key(age) else { continue };
            known.insert(root);
            places[place_of[newest]].people.insert(root);
        }
        places.retain(|place| !place.people.is_empty());
        let homes_since = Arc::clone(&self.homes_since);
        Ledger {
            known,
            places,
            homes_since,
            statements: Arc::new(self.statements.seen_by(roots)),
            people_for: Mutex::default(),
        }
    }

    /// What a person last said about a purpose.
    #[cfg(test)]
    pub(crate) fn state_of(&self, person: PersonId, purpose: &str) -> ConsentState {
        self.statements.state(person, purpose)
    }

    /// What people said, by every signal.
    pub(crate) fn statements(&self) -> &Statements {
        &self.statements
    }

    /// Since when it is known where a person lives, in microseconds since 1970.
    pub(crate) fn home_since(&self, person: PersonId) -> Option<i64> {
        self.since(person.number())
    }

    fn since(&self, number: u64) -> Option<i64> {
        let place = self.homes_since.binary_search_by_key(&number, |(known, _)| *known).ok()?;
        Some(self.homes_since[place].1)
    }

    /// Who may be used for the purpose under these laws; remembered as long as the ledger stays the same.
    pub(crate) fn people_for(&self, purpose: &Purpose, laws: &[LawRule]) -> Arc<PurposePeople> {
        let key = format!("{} {:?} {laws:?}", purpose.name, purpose.basis);
        let mut memory = self.people_for.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= REMEMBERED_MAX {
            memory.clear();
        }
        Arc::clone(memory.entry(key).or_insert_with(|| Arc::new(self.ask_policy(purpose, laws))))
    }

    /// Asks the policy once per law and statement, and joins the people.
    fn ask_policy(&self, purpose: &Purpose, laws: &[LawRule]) -> PurposePeople {
        let mut of_law: BTreeMap<Option<Law>, RoaringTreemap> = BTreeMap::new();
        for place in &self.places {
            let law = law_of(laws, place.country.as_deref(), place.region.as_deref());
            *of_law.entry(law).or_default() |= &place.people;
        }
        let nobody = Said::default();
        let said = self.statements.of(&purpose.name).unwrap_or(&nobody);
        let mut used = RoaringTreemap::new();
        let mut withheld: BTreeMap<&'static str, RoaringTreemap> = BTreeMap::new();
        for (law, people) in of_law {
            let silent = &people - &(&said.granted | &said.denied);
            let of_state = [
                (ConsentState::Granted, &people & &said.granted),
                (ConsentState::Denied, &people & &said.denied),
                (ConsentState::Silent, silent),
            ];
            for (state, people) in of_state.into_iter().filter(|(_, people)| !people.is_empty()) {
                match may_use(purpose, law, state) {
                    Use::Used => used |= people,
                    Use::Withheld(why) => *withheld.entry(why.name()).or_default() |= people,
                }
            }
        }
        let all = withheld.values().map(RoaringTreemap::len).sum::<u64>() + used.len();
        assert_eq!(all, self.known.len(), "each person known is used or withheld for one reason");
        PurposePeople { used: Arc::new(used), withheld }
    }
}

/// Both in order, the newer ones in the place of the older.
fn joined(older: &Arc<Vec<(u64, i64)>>, newer: BTreeMap<u64, i64>) -> Arc<Vec<(u64, i64)>> {
    let mut all: BTreeMap<u64, i64> = older.iter().copied().collect();
    all.extend(newer);
    Arc::new(all.into_iter().collect())
}

/// Adds people who were not known and changes where people live, in one commit if anything changes.
pub(crate) fn commit_people(
    table: &mut Table,
    context: &Context<'_>,
    app_id: &str,
    people: &RoaringTreemap,
    places: Option<&BTreeMap<PersonId, PlaceUpdate>>,
) -> Result<()> {
    if table.figure_of(context.engine, app_id)?.is_some() || (people.is_subset(context.known) && places.is_none()) {
        return Ok(());
    }
    let mut homes = homes_of(&read_table(table, &people_columns())?)?;
    let mut n_changed: u64 = 0;
    for number in people {
        let person = person_of(i64::try_from(number).ok())?;
        homes.entry(person).or_insert_with(|| {
            n_changed += 1;
            Home::default()
        });
    }
    for (person, update) in places.into_iter().flatten() {
        let home = homes.get_mut(person).expect("whoever lives somewhere was just added");
        let at_micros = Some(update.at_micros);
        let new = Home { country: update.country.clone(), region: update.region.clone(), at_micros };
        if home.at_micros < at_micros || (home.at_micros == at_micros && *home != new) {
            *home = new;
            n_changed += 1;
        }
    }
    if n_changed == 0 {
        return Ok(());
    }
    let add = vec![write_file(table.folder(), context.random, &people_batch(&homes)?)?];
    let remove = table.files()?;
    let at_millis = context.now.timestamp_millis();
    table.commit(context.engine, Change { add, remove, new_columns: Vec::new(), app_id, figure: n_changed, at_millis })
}

/// Rows of `people`.
pub(crate) fn people_batch(homes: &BTreeMap<PersonId, Home>) -> Result<RecordBatch> {
    let times: TimestampMicrosecondArray = homes.values().map(|home| home.at_micros).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(homes.keys().map(|person| person.stored()))),
        Arc::new(homes.values().map(|home| home.country.as_deref()).collect::<StringArray>()),
        Arc::new(homes.values().map(|home| home.region.as_deref()).collect::<StringArray>()),
        Arc::new(times.with_timezone("UTC")),
    ];
    batch(people_columns(), columns)
}

fn homes_of(rows: &RecordBatch) -> Result<BTreeMap<PersonId, Home>> {
    let (countries, regions) = (rows.column(1).as_string::<i32>(), rows.column(2).as_string::<i32>());
    let people = rows.column(0).as_primitive::<Int64Type>();
    let times = rows.column(3).as_primitive::<TimestampMicrosecondType>();
    let home = |row: usize| Home {
        country: cell(countries, row).map(str::to_owned),
        region: cell(regions, row).map(str::to_owned),
        at_micros: times.is_valid(row).then(|| times.value(row)),
    };
    newest_rows(rows).into_iter().map(|row| Ok((person_of(Some(people.value(row)))?, home(row)))).collect()
}

/// The newest row of each person, in the order of people; of the same age the one with the larger place.
fn newest_rows(rows: &RecordBatch) -> Vec<usize> {
    let people = rows.column(0).as_primitive::<Int64Type>().values();
    let mut all: Vec<usize> = (0..people.len()).collect();
    if people.is_sorted_by(|a, b| a < b) {
        return all;
    }
    let (countries, regions) = (rows.column(1).as_string::<i32>(), rows.column(2).as_string::<i32>());
    let times = rows.column(3).as_primitive::<TimestampMicrosecondType>();
    let age = |row: usize| (times.is_valid(row).then(|| times.value(row)), cell(countries, row), cell(regions, row));
    all.sort_unstable_by(|a, b| people[*a].cmp(&people[*b]).then_with(|| age(*b).cmp(&age(*a))));
    all.dedup_by_key(|row| people[*row]);
    all
}

/// The row of an import.
pub(crate) fn import_batch(record: &ImportRecord) -> Result<RecordBatch> {
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values([text])) };
    let count = |count: u64| -> ArrayRef { Arc::new(Int64Array::from(vec![i64::try_from(count).unwrap_or(i64::MAX)])) };
    let reasons = serde_json::to_string(&record.reasons).expect("reasons are plain data");
    let at = TimestampMicrosecondArray::from(vec![record.at.timestamp_micros()]).with_timezone("UTC");
    let columns = vec![
        text(&record.source),
        text(&record.object),
        text(&record.file),
        text(&record.digest),
        count(record.received),
        count(record.stored),
        count(record.duplicate),
        count(record.rejected),
        Arc::new(at),
        text(&reasons),
        Arc::new(StringArray::from(vec![record.reading.as_ref().map(Reading::to_text)])),
    ];
    batch(imports_columns(), columns)
}

/// The imports so far, oldest first.
pub(crate) fn load_imports(table: &Table) -> Result<Vec<ImportRecord>> {
    let rows = read_table(table, &imports_columns())?;
    let text = |column: usize, row: usize| cell(rows.column(column).as_string(), row).unwrap_or_default().to_owned();
    let int = |column: usize, row: usize| rows.column(column).as_primitive::<Int64Type>().value(row);
    let count = |column: usize, row: usize| u64::try_from(int(column, row)).unwrap_or_default();
    let times = rows.column(8).as_primitive::<TimestampMicrosecondType>();
    let mut imports: Vec<ImportRecord> = (0..rows.num_rows())
        .map(|row| ImportRecord {
            source: text(0, row),
            object: text(1, row),
            file: text(2, row),
            digest: text(3, row),
            received: count(4, row),
            stored: count(5, row),
            duplicate: count(6, row),
            rejected: count(7, row),
            at: DateTime::from_timestamp_micros(times.value(row)).unwrap_or_default(),
            reasons: serde_json::from_str(&text(9, row)).unwrap_or_default(),
            reading: Reading::from_text(&text(10, row)),
        })
        .collect();
    imports.sort_by(|a, b| (a.at, &a.source, &a.object, &a.file).cmp(&(b.at, &b.source, &b.object, &b.file)));
    Ok(imports)
}

/// A whole small table.
pub(crate) fn read_table(table: &Table, columns: &[Field]) -> Result<RecordBatch> {
    read_files(&table.paths()?, &schema_of(columns))
}

fn person_of(number: Option<i64>) -> Result<PersonId> {
    let person = number.and_then(PersonId::from_stored);
    person.ok_or_else(|| error::table("read", "people", "it names a person that cannot be".into()))
}

fn batch(columns: Vec<Field>, arrays: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema_of(&columns), arrays)
        .map_err(|cause| error::bug("cannot join columns", Box::new(cause)))
}

fn cell(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}
