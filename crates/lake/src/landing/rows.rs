//! Records of the log as rows of tables.

use super::books::{Books, Fate};
use super::columns::Columns;
use super::known::{self, Candidate};
use super::{Context, asides::AsideRow};
use crate::data_file::{schema_of, timestamp_type};
use crate::error;
use crate::import::{Keyer, MessageKey, PERSON_BEFORE, property_column, trait_column};
use crate::lake::State;
use crate::ledger::{Home, Ledger};
use crate::scan::EventFile;
use crate::snapshot::Snapshot;
use crate::statements::{LastWord, Statements, Word};
use crate::vault::{ANONYMOUS_ID, Draft, Evidence, Joined, MergeReason, USER_ID};
use crate::{Alias, Arrival, Consent, Datum, Message, MessageKind, Origin};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema};
use spec::{PersonId, Result};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Rows of landed messages come after those of files that say the same time: their sequence starts here.
const SEQUENCE_BASE: i64 = 1 << 60;
/// Before the kind of an identifier that only a public key vouches for.
const CLAIMED_KIND: &str = "claimed:";

/// What a stretch of the log becomes.
pub(super) struct Rows {
    pub(super) events: EventRows,
    traits: TraitRows,
    /// Merges that were asked for by name, and why they were refused.
    aliases: Vec<(u64, Line, Option<&'static str>)>,
    pub(super) asides: Vec<AsideRow>,
    refused: Vec<Refusal>,
    /// Everybody, and the offset of the record that spoke of them first.
    people: BTreeMap<PersonId, u64>,
    /// Where people live, as far as records tell that somebody vouches for.
    homes: Vec<(u64, PersonId, Home)>,
    /// What people say about purposes, in the order of the log.
    words: Vec<(u64, Word)>,
    /// Messages that say nothing else.
    consents: Vec<(u64, Line)>,
}

/// Messages of which nothing is kept.
struct Refusal {
    offset: u64,
    line: Line,
    reason: String,
    n_messages: u64,
}

/// The line of the books that a record belongs to.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) source: Arc<str>,
    pub(super) key: Arc<str>,
    pub(super) received_micros: i64,
}

/// What all rows of messages have.
struct Head {
    offset: u64,
    line: Line,
    /// Who it is about: as their rows have moved by now, and at first.
    person: i64,
    person_before: i64,
    at_micros: i64,
    key: MessageKey,
    is_claimed: bool,
}

/// Events, in the order of the log.
pub(super) struct EventRows {
    heads: Vec<Head>,
    pub(super) batch: RecordBatch,
}

/// Traits, in the order of the log.
struct TraitRows {
    heads: Vec<Head>,
    batch: RecordBatch,
}

impl Rows {
    /// Finds the people of all messages, which go into the vault's draft, and makes rows of them.
    pub(super) fn of(
        arrivals: &[(u64, Arrival<'_>)],
        context: &Context<'_>,
        state: &State,
        draft: &mut Draft<'_>,
    ) -> Result<Rows> {
        let (event_columns, trait_columns) = (state.events.columns()?, state.traits.columns()?);
        let mut events = Builder::new(&event_columns, property_column);
        let mut traits = Builder::new(&trait_columns, trait_column);
        let mut keyers = Keyers { secret: context.vault.content_key(), known: HashMap::new() };
        let mut lines = Lines::default();
        let (mut asides, mut refused, mut homes, mut aliases) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut words, mut consents) = (Vec::new(), Vec::new());
        let mut people = BTreeMap::new();
        let roots = context.snapshot.roots();
        for (offset, arrival) in arrivals {
            let origin = arrival.origin();
            let line = lines.line(&origin.source, &origin.key, arrival.received_micros());
            match arrival {
                Arrival::Message(message) => {
                    let person = person_of(message, draft);
                    people.entry(person).or_insert(*offset);
                    note_direct(message, person, draft);
                    let head = Head {
                        offset: *offset,
                        line,
                        person: roots.root(person).stored(),
                        person_before: person.stored(),
                        at_micros: message.at_micros,
                        key: keyers.key(&origin.source, &message.object, message),
                        is_claimed: message.is_claimed,
                    };
                    match message.kind {
                        MessageKind::Event => events.push(head, message),
                        MessageKind::Traits => {
                            homes.extend(home_of(message).map(|home| (*offset, person, home)));
                            traits.push(head, message);
                        }
                    }
                }
                Arrival::Alias(alias) => {
                    let (person, refusal) = aliased(alias, draft);
                    people.entry(person).or_insert(*offset);
                    aliases.push((*offset, line, refusal));
                }
                Arrival::Consent(consent) => {
                    let (user, anonymous) = (consent.user_id.as_deref(), consent.anonymous_id.as_deref());
                    let person = person_by_ids((user, anonymous), consent.is_claimed, draft);
                    people.entry(person).or_insert(*offset);
                    let may_grant = !consent.is_claimed || (user.is_none() && !draft.is_identified(person));
                    words.extend(words_of(*offset, consent, person, may_grant));
                    // A no is also that of the visitor whom the browser was before somebody signed in.
                    let visitor = anonymous.and_then(|anonymous| draft.known(ANONYMOUS_ID, anonymous));
                    let visitor = visitor.filter(|visitor| *visitor != person);
                    words.extend(visitor.into_iter().flat_map(|visitor| words_of(*offset, consent, visitor, false)));
                    consents.extend(consent.is_message.then_some((*offset, line)));
                }
                Arrival::Aside(aside) => asides.push(AsideRow::of(*offset, line, aside, context.vault)),
                Arrival::Refused(counted) => {
                    let (reason, n_messages) = (counted.reason.clone().into_owned(), counted.n_messages);
                    refused.push(Refusal { offset: *offset, line, reason, n_messages });
                }
            }
        }
        let (events, traits) = (events.events()?, traits.traits()?);
        Ok(Rows { events, traits, aliases, asides, refused, people, homes, words, consents })
    }

    /// People who are not known yet, and places that are newer than those known, of records from an offset on.
    pub(super) fn homes(&self, offset: u64, ledger: &Ledger) -> BTreeMap<PersonId, Home> {
        let mut homes: BTreeMap<PersonId, Home> = BTreeMap::new();
        for (person, first) in &self.people {
            if *first >= offset && !ledger.known.contains(person.number()) {
                homes.insert(*person, Home::default());
            }
        }
        for (_, person, home) in self.homes.iter().filter(|(at, _, _)| *at >= offset) {
            let known_at = homes.get(person).and_then(|home| home.at_micros).or_else(|| ledger.home_since(*person));
            if home.at_micros > known_at {
                homes.insert(*person, home.clone());
            }
        }
        homes
    }

    /// What people say of records from an offset on that they had not said last by the same signal.
    pub(super) fn words(&self, offset: u64, statements: &Statements) -> Vec<Word> {
        let mut last: HashMap<(PersonId, &str, &str), LastWord> = HashMap::new();
        let mut new = Vec::new();
        for (_, word) in self.words.iter().filter(|(at, _)| *at >= offset) {
            let known = last
                .entry((word.person, &word.purpose, &word.signal))
                .or_insert_with(|| statements.last_word(word.person, &word.purpose, &word.signal));
            if known.is_changed_by(word) {
                *known = word.as_last();
                new.push(word.clone());
            }
        }
        new
    }

    /// Which of the traits' messages are known, by what the tables held before this landing.
    pub(super) fn known_traits(&self, snapshot: &Snapshot) -> Vec<bool> {
        let mut seen = HashSet::new();
        let heads = self.traits.heads.iter();
        heads
            .map(|head| {
                let is_repeated = !seen.insert((head.person_before, head.key));
                let people = (head.person, head.person_before);
                is_repeated || snapshot.trait_table().holds(people, &head.key, sequence(head.offset))
            })
            .collect()
    }

    /// The traits that are not known, of records from an offset on.
    pub(super) fn traits_batch(&self, offset: u64, is_known: &[bool]) -> Result<Option<RecordBatch>> {
        let heads = self.traits.heads.iter().zip(is_known).enumerate();
        let rows = heads.filter(|(_, (head, is_known))| head.offset >= offset && !**is_known);
        let rows = UInt64Array::from_iter_values(rows.map(|(row, _)| row as u64));
        let batch = take_record_batch(&self.traits.batch, &rows);
        batch.map(Some).map_err(|cause| error::bug("cannot pick traits", Box::new(cause)))
    }

    /// What became of all messages of records from an offset on.
    pub(super) fn books(&self, offset: u64, is_fresh: &[bool], is_known: &[bool]) -> Books {
        let mut books = Books::default();
        let mut enter = |at: u64, line: &Line, fate: Fate<'_>, n_messages: u64| {
            if at >= offset {
                books.enter((&line.source, &line.key), line.received_micros, fate, n_messages);
            }
        };
        let fate = |is_stored: bool| if is_stored { Fate::Stored } else { Fate::Duplicate };
        for (head, is_fresh) in self.events.heads.iter().zip(is_fresh) {
            enter(head.offset, &head.line, fate(*is_fresh), 1);
        }
        for (head, is_known) in self.traits.heads.iter().zip(is_known) {
            enter(head.offset, &head.line, fate(!is_known), 1);
        }
        for (at, line, refusal) in &self.aliases {
            enter(*at, line, refusal.map_or(Fate::Stored, Fate::Rejected), 1);
        }
        for (at, line) in &self.consents {
            enter(*at, line, Fate::Stored, 1);
        }
        for aside in &self.asides {
            enter(aside.offset, &aside.line, Fate::Rejected(&aside.reason), 1);
        }
        for refusal in &self.refused {
            enter(refusal.offset, &refusal.line, Fate::Rejected(&refusal.reason), refusal.n_messages);
        }
        books
    }
}

impl EventRows {
    /// Says of each row whether its message is new: the first with its person and id, here and in the tables.
    pub(super) fn fresh(&self, files: &[Arc<EventFile>]) -> Result<Vec<bool>> {
        let mut rows: Vec<usize> = (0..self.heads.len()).collect();
        let candidate = |row: &usize| -> Candidate {
            let head = &self.heads[*row];
            (head.person, head.key, head.person_before)
        };
        rows.sort_unstable_by_key(|row| (candidate(row), *row));
        rows.dedup_by_key(|row| candidate(row));
        let candidates: Vec<Candidate> = rows.iter().map(candidate).collect();
        let is_known = known::known(files, &candidates)?;
        let mut is_fresh = vec![false; self.heads.len()];
        for (row, is_known) in rows.into_iter().zip(is_known) {
            is_fresh[row] = !is_known;
        }
        Ok(is_fresh)
    }

    /// The rows that are new, in the order of person, time and the log.
    pub(super) fn in_order(&self, is_fresh: &[bool]) -> Vec<u64> {
        let mut rows: Vec<usize> = (0..self.heads.len()).filter(|row| is_fresh[*row]).collect();
        rows.sort_unstable_by_key(|row| (self.heads[*row].person, self.heads[*row].at_micros, *row));
        rows.into_iter().map(|row| row as u64).collect()
    }
}

/// The person whom ids lead to.
///
/// What somebody vouches for teaches the vault: an anonymous id and a user id that come together lead to one person. A public
/// key teaches nothing.
fn person_by_ids((user, anonymous): (Option<&str>, Option<&str>), is_claimed: bool, draft: &mut Draft<'_>) -> PersonId {
    match (user, anonymous) {
        (Some(user), _) if is_claimed => draft.claimed_person(user),
        (Some(user), Some(anonymous)) => {
            match (draft.known(USER_ID, user), draft.known(ANONYMOUS_ID, anonymous)) {
                (None, Some(visitor)) if !draft.is_identified(visitor) => draft.link(USER_ID, user, visitor),
                (_, Some(_)) => {}
                (_, None) => {
                    let person = draft.person(user);
                    draft.link(ANONYMOUS_ID, anonymous, person);
                }
            }
            draft.person(user)
        }
        (Some(user), None) => draft.person(user),
        (None, Some(anonymous)) => draft.person_by(ANONYMOUS_ID, anonymous),
        (None, None) => unreachable!("the collector refuses messages without an id"),
    }
}

/// What a signal says; a public key can say no for everybody, and yes for nobody but a visitor of whom nothing else is known.
fn words_of(offset: u64, consent: &Consent<'_>, person: PersonId, may_grant: bool) -> Vec<(u64, Word)> {
    let said = consent.said.iter().filter(|(_, is_granted)| may_grant || !*is_granted);
    let word = |(purpose, is_granted): &(Cow<'_, str>, bool)| Word {
        person,
        purpose: purpose.clone().into_owned(),
        signal: consent.signal.clone().into_owned(),
        is_granted: *is_granted,
        // A no holds from now on. A yes is as old as its message, so that one that is sent again does not undo a later no.
        at_micros: match consent.at_micros {
            Some(at_micros) if *is_granted => at_micros.min(consent.received_micros),
            _ => consent.received_micros,
        },
        is_dated: consent.at_micros.is_some(),
        source: consent.origin.source.clone().into_owned(),
        text_version: consent.text_version.clone().map(Cow::into_owned),
        sequence: sequence(offset),
    };
    said.map(|said| (offset, word(said))).collect()
}

/// The person that a message is about.
///
/// Where its ids lead to a person each already, an `identify` that somebody vouches for makes these one, unless the visitor
/// is somebody else who is identified.
fn person_of(message: &Message<'_>, draft: &mut Draft<'_>) -> PersonId {
    let ids = (message.user_id.as_deref(), message.anonymous_id.as_deref());
    if let (Some(user), Some(anonymous)) = ids
        && message.kind == MessageKind::Traits
        && !message.is_claimed
        && let (Some(person), Some(visitor)) = (draft.known(USER_ID, user), draft.known(ANONYMOUS_ID, anonymous))
        && !draft.is_identified(visitor)
    {
        // Why it may be refused is in the log of merges; the message itself is of the user either way.
        draft.merge(visitor, person, &evidence(MergeReason::Identify, message.received_micros, &message.origin));
    }
    person_by_ids(ids, message.is_claimed, draft)
}

fn evidence<'a>(reason: MergeReason, at_micros: i64, origin: &'a Origin<'_>) -> Evidence<'a> {
    Evidence { reason, at_micros, source: &origin.source }
}

/// Makes the two people of an `alias` one, and says why not where it does not.
fn aliased(alias: &Alias<'_>, draft: &mut Draft<'_>) -> (PersonId, Option<&'static str>) {
    let previous = draft.known(USER_ID, &alias.previous_id).or_else(|| draft.known(ANONYMOUS_ID, &alias.previous_id));
    let known = draft.known(USER_ID, &alias.user_id);
    if let (None, Some(previous)) = (known, previous)
        && !draft.is_identified(previous)
    {
        draft.link(USER_ID, &alias.user_id, previous);
    }
    let person = draft.person(&alias.user_id);
    let Some(previous) = previous else {
        draft.link(ANONYMOUS_ID, &alias.previous_id, person);
        return (person, None);
    };
    let joined = draft.merge(previous, person, &evidence(MergeReason::Alias, alias.received_micros, &alias.origin));
    let refusal = match joined {
        Joined::Same => None,
        Joined::KeptApart => Some("`alias`: a merge of these people was undone"),
        Joined::TooMany => Some("`alias`: the person would be made of too many people"),
    };
    (person, refusal)
}

fn note_direct(message: &Message<'_>, person: PersonId, draft: &mut Draft<'_>) {
    for (kind, text) in &message.direct {
        if message.is_claimed {
            draft.identifier(person, &format!("{CLAIMED_KIND}{kind}"), message.at_micros, text);
        } else {
            draft.identifier(person, kind, message.at_micros, text);
        }
    }
}

/// Where a person lives, when somebody vouches for it: the law that protects them follows from it.
fn home_of(message: &Message<'_>) -> Option<Home> {
    let text = |name: &str| {
        message.fields.iter().find_map(|(field, datum)| match datum {
            Datum::Text(text) if field == name => Some(text.clone().into_owned()),
            _ => None,
        })
    };
    let (country, region) = (text("country"), text("region"));
    let says_so = !message.is_claimed && (country.is_some() || region.is_some());
    says_so.then_some(Home { country, region, at_micros: Some(message.at_micros) })
}

fn sequence(offset: u64) -> i64 {
    SEQUENCE_BASE + i64::try_from(offset).expect("a log has fewer records than an i64 counts")
}

/// Lines share the names of their source and key.
#[derive(Default)]
struct Lines {
    names: HashMap<String, Arc<str>>,
}

impl Lines {
    fn line(&mut self, source: &str, key: &str, received_micros: i64) -> Line {
        Line { source: self.name(source), key: self.name(key), received_micros }
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(name);
        self.names.insert(name.to_owned(), Arc::clone(&new));
        new
    }
}

/// Keys of messages: an id is unique among those of one object of one source.
///
/// What is only claimed has keys of its own: nobody who has the public key can take the id of a message that a server is
/// going to send.
struct Keyers<'a> {
    secret: &'a [u8; 32],
    /// By source, then by object: for what somebody vouches for, and for what is claimed.
    known: HashMap<String, HashMap<String, [Keyer; 2]>>,
}

impl Keyers<'_> {
    fn key(&mut self, source: &str, object: &str, message: &Message<'_>) -> MessageKey {
        if self.known.get(source).is_none_or(|objects| !objects.contains_key(object)) {
            // No object has a space in its name.
            let names = [object.to_owned(), format!("{object} claimed")];
            let keyers = names.map(|name| Keyer::new(self.secret, source, &name, &[]));
            self.known.entry(source.to_owned()).or_default().insert(object.to_owned(), keyers);
        }
        self.known[source][object][usize::from(message.is_claimed)].key_of_id(&message.message_id)
    }
}

/// Rows under construction.
struct Builder<'t> {
    heads: Vec<Head>,
    /// The event, or where traits come from.
    names: Vec<String>,
    extras: Vec<Option<String>>,
    columns: Columns<'t>,
}

impl<'t> Builder<'t> {
    fn new(table: &'t Schema, name_of: fn(&str) -> String) -> Builder<'t> {
        let (heads, names, extras) = (Vec::new(), Vec::new(), Vec::new());
        Builder { heads, names, extras, columns: Columns::new(table, name_of) }
    }

    fn push(&mut self, head: Head, message: &Message<'_>) {
        self.heads.push(head);
        self.names.push(match message.kind {
            MessageKind::Event => message.object.clone().into_owned(),
            MessageKind::Traits => format!("{}/{}", message.origin.source, message.object),
        });
        let misfits: Vec<&(_, _)> =
            message.fields.iter().filter(|(name, datum)| !self.columns.add(name, datum)).collect();
        self.columns.end_row();
        self.extras.push(extra_of(&message.extra, &misfits));
    }

    fn events(self) -> Result<EventRows> {
        let sources = self.heads.iter().map(|head| head.line.source.as_ref());
        let more: [(Field, ArrayRef); 3] = [
            (Field::new("event", DataType::Utf8, true), Arc::new(StringArray::from_iter_values(&self.names))),
            (Field::new("source", DataType::Utf8, true), Arc::new(StringArray::from_iter_values(sources))),
            (Field::new("extra", DataType::Utf8, true), Arc::new(self.extras.iter().collect::<StringArray>())),
        ];
        let mut head = head_columns(&self.heads, "message_key", |head| head.person);
        let before = self.heads.iter().map(|head| (head.person_before != head.person).then_some(head.person_before));
        let before: ArrayRef = Arc::new(before.collect::<Int64Array>());
        head.push((Field::new(PERSON_BEFORE, DataType::Int64, true), before));
        let batch = joined(head, more, self.columns)?;
        Ok(EventRows { heads: self.heads, batch })
    }

    fn traits(self) -> Result<TraitRows> {
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(&self.names));
        let source = (Field::new("source", DataType::Utf8, true), names);
        // Traits are found under whoever somebody is by now when they are read.
        let head = head_columns(&self.heads, "digest", |head| head.person_before);
        let batch = joined(head, [source], self.columns)?;
        Ok(TraitRows { heads: self.heads, batch })
    }
}

fn head_columns(heads: &[Head], key_column: &str, person: fn(&Head) -> i64) -> Vec<(Field, ArrayRef)> {
    let times: TimestampMicrosecondArray = heads.iter().map(|head| Some(head.at_micros)).collect();
    let column = |name: &str, data_type: DataType, values: ArrayRef| (Field::new(name, data_type, true), values);
    let sequence = Int64Array::from_iter_values(heads.iter().map(|head| sequence(head.offset)));
    let claimed: BooleanArray = heads.iter().map(|head| Some(head.is_claimed)).collect();
    let people = Int64Array::from_iter_values(heads.iter().map(person));
    let keys = BinaryArray::from_iter_values(heads.iter().map(|head| head.key));
    vec![
        column("person", DataType::Int64, Arc::new(people)),
        column("ts", timestamp_type(), Arc::new(times.with_timezone("UTC"))),
        column("seq", DataType::Int64, Arc::new(sequence)),
        column(key_column, DataType::Binary, Arc::new(keys)),
        column("claimed", DataType::Boolean, Arc::new(claimed)),
    ]
}

fn joined<const N: usize>(
    head: Vec<(Field, ArrayRef)>,
    more: [(Field, ArrayRef); N],
    columns: Columns<'_>,
) -> Result<RecordBatch> {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = head.into_iter().chain(more).chain(columns.finish()).unzip();
    RecordBatch::try_new(schema_of(&fields), arrays).map_err(|cause| error::bug("cannot join columns", Box::new(cause)))
}

/// What the message has beyond its columns, and values that their columns cannot hold any more.
fn extra_of(extra: &str, misfits: &[&(std::borrow::Cow<'_, str>, Datum<'_>)]) -> Option<String> {
    if misfits.is_empty() {
        return (!extra.is_empty()).then(|| extra.to_owned());
    }
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(extra).unwrap_or_default();
    let texts = misfits.iter().map(|(name, datum)| (name.clone().into_owned(), text_of(datum).into()));
    object.insert("other_type".to_owned(), serde_json::Value::Object(texts.collect()));
    Some(serde_json::Value::Object(object).to_string())
}

fn text_of(datum: &Datum<'_>) -> String {
    match datum {
        Datum::Text(value) => value.clone().into_owned(),
        Datum::Integer(value) | Datum::Timestamp(value) => value.to_string(),
        Datum::Number(value) => value.to_string(),
        Datum::Decimal(units, scale) => rust_decimal::Decimal::try_from_i128_with_scale(*units, u32::from(*scale))
            .map_or_else(|_| units.to_string(), |value| value.to_string()),
        Datum::Boolean(value) => value.to_string(),
        Datum::Date(value) => value.to_string(),
    }
}
