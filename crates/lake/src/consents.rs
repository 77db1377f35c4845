//! What the ledger says of agreement: how one person stands, for that person, and how all have stood over time, in numbers.
//!
//! Both follow the rule of `statements`: of each signal the last word counts, and of all signals the narrowest, also where a
//! person is made of several. Invariant: nothing here tells what anybody did.

use crate::error;
use crate::import::consent_state;
use crate::ledger::{PlacePeople, PurposePeople};
use crate::snapshot::Snapshot;
use crate::statements::FILE_SIGNAL;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::DateTime;
use policy::{Use, law_of, may_use};
use spec::{ConsentState, Instant, LawRule, PersonId, Purpose, Result};
use std::collections::{BTreeMap, HashMap};

/// How somebody stands with a purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether what they say makes a difference, under the law where they live.
    pub is_chosen: bool,
    /// Why they may not be used for it (`policy::Withholding::name`); absent: they may.
    pub withheld: Option<&'static str>,
    /// Their last word by each signal, in the order of its name.
    pub words: Vec<SignalWord>,
}

/// A last word by one signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalWord {
    /// `categories`, `tcf`, `gpp`, `gpc`, `api`, `preferences`, `file` or what a file said.
    pub signal: String,
    /// Whether it is a yes.
    pub is_yes: bool,
    /// Of a no: since when.
    pub since: Option<Instant>,
}

/// What the people of a place said about a purpose over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceConsents {
    /// ISO code of the country, if known.
    pub country: Option<String>,
    /// ISO code of the region, if known.
    pub region: Option<String>,
    /// People who live there by now.
    pub known: u64,
    /// Of these, those who may be used by now.
    pub used: u64,
    /// Of these, those who had said yes and those who had said no, at each of the instants.
    pub said: Vec<[u64; 2]>,
}

/// How somebody stands; whoever is not known has said nothing and lives nobody knows where.
pub(crate) fn standing(snapshot: &Snapshot, person: Option<PersonId>, purpose: &Purpose, laws: &[LawRule]) -> Standing {
    let root =
        person.map(|person| snapshot.roots().root(person)).filter(|root| snapshot.known().contains(root.number()));
    let lives_there = |place: &&PlacePeople| root.is_some_and(|root| place.people.contains(root.number()));
    let place = snapshot.places().iter().find(lives_there);
    let country = place.and_then(|place| place.country.as_deref());
    let law = law_of(laws, country, place.and_then(|place| place.region.as_deref()));
    let with = |state| may_use(purpose, law, state);
    let is_chosen = with(ConsentState::Granted) != with(ConsentState::Denied);
    let Some(root) = root else {
        let withheld = match with(ConsentState::Silent) {
            Use::Used => None,
            Use::Withheld(why) => Some(why.name()),
        };
        return Standing { is_chosen, withheld, words: Vec::new() };
    };
    let people = snapshot.people_for(purpose, laws);
    let is_in = |(_, withheld): &(&&'static str, &roaring::RoaringTreemap)| withheld.contains(root.number());
    let members = snapshot.roots().members(root);
    let alone = [root.number()];
    let members = if members.is_empty() { &alone } else { members };
    let mut words: BTreeMap<String, SignalWord> = BTreeMap::new();
    for (signal, is_yes, since) in snapshot.stored_ledger().statements().words_of(members, &purpose.name) {
        let word =
            SignalWord { signal: signal.to_owned(), is_yes, since: since.and_then(DateTime::from_timestamp_micros) };
        let narrowest = words.entry(signal.to_owned()).or_insert_with(|| word.clone());
        if !word.is_yes && (narrowest.is_yes || word.since < narrowest.since) {
            *narrowest = word;
        }
    }
    Standing {
        is_chosen,
        withheld: people.withheld.iter().find(is_in).map(|(why, _)| *why),
        words: words.into_values().collect(),
    }
}

/// What people had said about each of the purposes at these instants, which are in order, by where they live now.
///
/// # Shape
/// One list per purpose, in their order; in it one entry per place, in the order of places.
pub(crate) fn history(
    snapshot: &Snapshot,
    rows: &RecordBatch,
    (purposes, laws): (&[Purpose], &[LawRule]),
    instants: &[Instant],
) -> Result<Vec<Vec<PlaceConsents>>> {
    let place_of = place_of_people(snapshot);
    let mut words = words_by_purpose(rows, snapshot)?;
    let of_purpose = |purpose: &Purpose| {
        let people = snapshot.people_for(purpose, laws);
        let mut places = places(snapshot, &people, instants.len());
        let words = words.remove(purpose.name.as_str()).unwrap_or_default();
        fill(&mut places, words, &place_of, instants);
        places
    };
    Ok(purposes.iter().map(of_purpose).collect())
}

/// A word at its time: whether it is a no, of whom by now, and by which person and signal.
type TimedWord<'r> = (i64, bool, u64, (i64, &'r str));

/// The words about each purpose in the order of time; of two at the same instant the no is the later one.
///
/// Words that came in messages follow each other as the log has them, so that each is later than the one before it.
fn words_by_purpose<'r>(rows: &'r RecordBatch, snapshot: &Snapshot) -> Result<HashMap<&'r str, Vec<TimedWord<'r>>>> {
    let people = rows.column(0).as_primitive::<Int64Type>();
    let (purposes, states) = (rows.column(1).as_string::<i32>(), rows.column(2).as_string::<i32>());
    let times = rows.column(3).as_primitive::<TimestampMicrosecondType>();
    let signals = rows.column(6).as_string::<i32>();
    let sequences = rows.column(8).as_primitive::<Int64Type>();
    let mut order: Vec<usize> = (0..rows.num_rows()).collect();
    order.sort_by_key(|row| sequences.is_valid(*row).then(|| sequences.value(*row)));
    let mut words: HashMap<&str, Vec<TimedWord<'_>>> = HashMap::new();
    let mut last_message: HashMap<(&str, i64, &str), i64> = HashMap::new();
    for row in order {
        let (purpose, number) = (purposes.value(row), people.value(row));
        let person = PersonId::from_stored(number).ok_or_else(error::nobody_said)?;
        let signal = if signals.is_valid(row) { signals.value(row) } else { FILE_SIGNAL };
        let mut time = times.value(row);
        if sequences.is_valid(row) {
            let last = last_message.entry((purpose, number, signal)).or_insert(i64::MIN);
            time = time.max(last.saturating_add(1));
            *last = time;
        }
        let is_no = consent_state(states.value(row)) != Some(ConsentState::Granted);
        let root = snapshot.roots().root(person).number();
        words.entry(purpose).or_default().push((time, is_no, root, (number, signal)));
    }
    words.values_mut().for_each(|words| words.sort_unstable());
    Ok(words)
}

/// Goes through words in the order of time, and takes down how many stand how at each instant.
fn fill(places: &mut [PlaceConsents], words: Vec<TimedWord<'_>>, place_of: &HashMap<u64, usize>, instants: &[Instant]) {
    let mut last: HashMap<(i64, &str), bool> = HashMap::new();
    // Of a person, signals that say yes and such that say no.
    let mut of_person: HashMap<u64, [u32; 2]> = HashMap::new();
    let mut now = vec![[0_u64; 2]; places.len()];
    let mut words = words.into_iter().peekable();
    for (at, instant) in instants.iter().enumerate() {
        while let Some((_, is_no, root, by)) = words.next_if(|(time, ..)| *time <= instant.timestamp_micros()) {
            let Some(place) = place_of.get(&root) else { continue };
            let said = of_person.entry(root).or_default();
            if let Some(side) = side(said) {
                now[*place][side] -= 1;
            }
            if let Some(was_no) = last.insert(by, is_no) {
                said[usize::from(was_no)] -= 1;
            }
            said[usize::from(is_no)] += 1;
            if let Some(side) = side(said) {
                now[*place][side] += 1;
            }
        }
        places.iter_mut().zip(&now).for_each(|(place, now)| place.said[at] = *now);
    }
}

/// On which side somebody stands by the narrowest of their signals: 0 yes, 1 no.
fn side(said: &[u32; 2]) -> Option<usize> {
    match *said {
        [0, 0] => None,
        [_, 0] => Some(0),
        [_, _] => Some(1),
    }
}

fn place_of_people(snapshot: &Snapshot) -> HashMap<u64, usize> {
    let places = snapshot.places().iter().enumerate();
    places.flat_map(|(at, place)| place.people.iter().map(move |person| (person, at))).collect()
}

fn places(snapshot: &Snapshot, people: &PurposePeople, n_instants: usize) -> Vec<PlaceConsents> {
    let view = |place: &PlacePeople| PlaceConsents {
        country: place.country.clone(),
        region: place.region.clone(),
        known: place.people.len(),
        used: place.people.intersection_len(&people.used),
        said: vec![[0, 0]; n_instants],
    };
    snapshot.places().iter().map(view).collect()
}
