//! What people said about purposes: of each signal a person's last word counts, and of all signals the narrowest.
//!
//! A no by any signal is a no until the same signal says yes: whoever refused by a message of their own has refused, whatever
//! a banner sends later. Words that came in messages follow each other as the log has them, but for a yes that is older than
//! the no before it; those of files follow each other by their times.

use crate::error;
use crate::import::consent_state;
use crate::vault::Roots;
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use roaring::RoaringTreemap;
use spec::{ConsentState, PersonId, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The signal of words that came in files which do not say by which they were given.
pub(crate) const FILE_SIGNAL: &str = "file";

/// A no that is repeated so long after it was noted is noted again: browsers repeat theirs with each request.
const REPEATED_AFTER_MICROS: i64 = 600_000_000;

/// A word of a person that came in a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    pub(crate) person: PersonId,
    pub(crate) purpose: String,
    pub(crate) signal: String,
    pub(crate) is_granted: bool,
    pub(crate) at_micros: i64,
    /// Whether it says when it was given, so that a yes can come after a no.
    pub(crate) is_dated: bool,
    /// Where it came from, as rows of other tables say it.
    pub(crate) source: String,
    /// Which text the person was shown, where that is known.
    pub(crate) text_version: Option<String>,
    /// Its place in the log.
    pub(crate) sequence: i64,
}

/// A person's last word by one signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastWord {
    None,
    Yes,
    /// Since when, in microseconds since 1970.
    No(i64),
}

impl LastWord {
    /// Whether a word that comes now is another one. A yes from before a no does not undo it, so that a no that is repeated
    /// later is a new one.
    pub(crate) fn is_changed_by(self, word: &Word) -> bool {
        match (self, word.is_granted) {
            (LastWord::None, _) | (LastWord::Yes, false) => true,
            (LastWord::Yes, true) => false,
            (LastWord::No(since), false) => word.at_micros >= since.saturating_add(REPEATED_AFTER_MICROS),
            (LastWord::No(since), true) => word.is_dated && word.at_micros > since,
        }
    }
}

impl Word {
    /// The word as the last one.
    pub(crate) fn as_last(&self) -> LastWord {
        if self.is_granted { LastWord::Yes } else { LastWord::No(self.at_micros) }
    }
}

/// What everybody said.
#[derive(Clone, Default)]
pub(crate) struct Statements {
    of_purpose: HashMap<String, Arc<OfPurpose>>,
    /// When the newest word of all was said, in microseconds since 1970.
    last_micros: Option<i64>,
}

/// What was said about one purpose.
#[derive(Clone, Default)]
struct OfPurpose {
    by_signal: BTreeMap<String, BySignal>,
    /// The narrowest of all signals.
    all: Said,
}

/// Whose last word was yes, and whose was no.
#[derive(Clone, Default)]
pub(crate) struct Said {
    pub(crate) granted: RoaringTreemap,
    pub(crate) denied: RoaringTreemap,
}

/// A row's place in the log, its time, and whether it is a no.
type Row = (i64, i64, bool);

/// What was said by one signal.
#[derive(Clone, Default)]
struct BySignal {
    granted: RoaringTreemap,
    /// Since when, in microseconds since 1970.
    denied: BTreeMap<u64, i64>,
}

impl BySignal {
    fn say(&mut self, number: u64, word: LastWord) {
        match word {
            LastWord::None => {}
            LastWord::Yes => {
                self.denied.remove(&number);
                self.granted.insert(number);
            }
            LastWord::No(since) => {
                self.granted.remove(number);
                self.denied.insert(number, since);
            }
        }
    }

    fn last(&self, number: u64) -> LastWord {
        match self.denied.get(&number) {
            Some(since) => LastWord::No(*since),
            None if self.granted.contains(number) => LastWord::Yes,
            None => LastWord::None,
        }
    }
}

impl OfPurpose {
    /// Puts all signals together again.
    fn join(&mut self) {
        let mut all = Said::default();
        for said in self.by_signal.values() {
            all.granted |= &said.granted;
            all.denied.extend(said.denied.keys());
        }
        all.granted -= &all.denied;
        self.all = all;
    }
}

impl Statements {
    /// Reads the rows of `consents`.
    pub(crate) fn load(rows: &RecordBatch) -> Result<Statements> {
        let people: &Int64Array = rows.column(0).as_primitive();
        let (purposes, states) = (rows.column(1).as_string::<i32>(), rows.column(2).as_string::<i32>());
        let times = rows.column(3).as_primitive::<TimestampMicrosecondType>();
        let signals = rows.column(6).as_string::<i32>();
        let sequences = rows.column(8).as_primitive::<Int64Type>();
        // The last word of files, by its time, and the last of messages, by its place in the log: of two words of the same age
        // the no counts.
        let mut last: HashMap<(&str, &str, i64), [Option<Row>; 2]> = HashMap::new();
        for row in 0..rows.num_rows() {
            let is_denied = consent_state(states.value(row)) != Some(ConsentState::Granted);
            let is_message = sequences.is_valid(row);
            let sequence = if is_message { sequences.value(row) } else { 0 };
            let signal = if signals.is_valid(row) { signals.value(row) } else { FILE_SIGNAL };
            let known = last.entry((purposes.value(row), signal, people.value(row))).or_default();
            let known = &mut known[usize::from(is_message)];
            *known = (*known).max(Some((sequence, times.value(row), is_denied)));
        }
        let mut of_purpose: HashMap<String, OfPurpose> = HashMap::new();
        for ((purpose, signal, person), last) in last {
            let person = PersonId::from_stored(person).ok_or_else(error::nobody_said)?;
            let by_signal = &mut of_purpose.entry(purpose.to_owned()).or_default().by_signal;
            let newest = last.into_iter().flatten().map(|(_, at_micros, is_denied)| (at_micros, is_denied)).max();
            let Some((at_micros, is_denied)) = newest else { continue };
            let word = if is_denied { LastWord::No(at_micros) } else { LastWord::Yes };
            by_signal.entry(signal.to_owned()).or_default().say(person.number(), word);
        }
        of_purpose.values_mut().for_each(OfPurpose::join);
        let of_purpose = of_purpose.into_iter().map(|(purpose, all)| (purpose, Arc::new(all))).collect();
        Ok(Statements { of_purpose, last_micros: times.iter().flatten().max() })
    }

    /// The statements with words that came after them.
    pub(crate) fn with(&self, words: &[Word]) -> Statements {
        let mut of_purpose = self.of_purpose.clone();
        let mut changed: BTreeSet<&str> = BTreeSet::new();
        for word in words {
            let said = Arc::make_mut(of_purpose.entry(word.purpose.clone()).or_default());
            said.by_signal.entry(word.signal.clone()).or_default().say(word.person.number(), word.as_last());
            changed.insert(&word.purpose);
        }
        for purpose in changed {
            of_purpose.get_mut(purpose).map(Arc::make_mut).into_iter().for_each(OfPurpose::join);
        }
        let last_micros = words.iter().map(|word| word.at_micros).max().max(self.last_micros);
        Statements { of_purpose, last_micros }
    }

    /// When the newest word of all was said, in microseconds since 1970.
    pub(crate) fn last_micros(&self) -> Option<i64> {
        self.last_micros
    }

    /// What people said about a purpose by all signals.
    pub(crate) fn of(&self, purpose: &str) -> Option<&Said> {
        self.of_purpose.get(purpose).map(|of_purpose| &of_purpose.all)
    }

    /// A person's last word about a purpose by one signal.
    pub(crate) fn last_word(&self, person: PersonId, purpose: &str, signal: &str) -> LastWord {
        let said = self.of_purpose.get(purpose).and_then(|of_purpose| of_purpose.by_signal.get(signal));
        said.map_or(LastWord::None, |said| said.last(person.number()))
    }

    /// The last words of these people about a purpose: by which signal, whether it is a yes, and of a no since when, in
    /// microseconds since 1970.
    pub(crate) fn words_of<'s>(&'s self, people: &[u64], purpose: &str) -> Vec<(&'s str, bool, Option<i64>)> {
        let signals = self.of_purpose.get(purpose).into_iter().flat_map(|of_purpose| &of_purpose.by_signal);
        let word = |signal: &'s str, said: &BySignal, person: &u64| match said.last(*person) {
            LastWord::None => None,
            LastWord::Yes => Some((signal, true, None)),
            LastWord::No(since) => Some((signal, false, Some(since))),
        };
        signals.flat_map(|(signal, said)| people.iter().filter_map(move |person| word(signal, said, person))).collect()
    }

    /// A person's word about a purpose by all signals.
    #[cfg(test)]
    pub(crate) fn state(&self, person: PersonId, purpose: &str) -> ConsentState {
        let is_in = |people: &RoaringTreemap| people.contains(person.number());
        match self.of(purpose) {
            Some(said) if is_in(&said.denied) => ConsentState::Denied,
            Some(said) if is_in(&said.granted) => ConsentState::Granted,
            _ => ConsentState::Silent,
        }
    }

    /// The statements of those who people are by now: whoever is made of several people has said no where one of them has.
    pub(crate) fn seen_by(&self, roots: &Roots) -> Statements {
        let members: RoaringTreemap = roots.merged().flat_map(|(_, members)| members).copied().collect();
        let mut seen = Statements::default();
        for (purpose, said) in &self.of_purpose {
            let said = &said.all;
            let mut all = Said { granted: &said.granted - &members, denied: &said.denied - &members };
            for (root, members) in roots.merged() {
                if members.iter().any(|member| said.denied.contains(*member)) {
                    all.denied.insert(root);
                } else if members.iter().any(|member| said.granted.contains(*member)) {
                    all.granted.insert(root);
                }
            }
            seen.of_purpose.insert(purpose.clone(), Arc::new(OfPurpose { by_signal: BTreeMap::new(), all }));
        }
        seen
    }
}

/// Words as rows of `consents`.
pub(crate) fn words_batch(words: &[Word]) -> Result<RecordBatch> {
    let text =
        |of: &dyn Fn(&Word) -> Option<&str>| -> ArrayRef { Arc::new(words.iter().map(of).collect::<StringArray>()) };
    let state = |word: &Word| if word.is_granted { ConsentState::Granted } else { ConsentState::Denied };
    let times: TimestampMicrosecondArray = words.iter().map(|word| Some(word.at_micros)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(words.iter().map(|word| word.person.stored()))),
        text(&|word| Some(word.purpose.as_str())),
        text(&|word| Some(state(word).name())),
        Arc::new(times.with_timezone("UTC")),
        text(&|word| Some(word.source.as_str())),
        Arc::new(BinaryArray::new_null(words.len())),
        text(&|word| Some(word.signal.as_str())),
        text(&|word| word.text_version.as_deref()),
        Arc::new(Int64Array::from_iter_values(words.iter().map(|word| word.sequence))),
    ];
    let schema = crate::data_file::schema_of(&crate::import::consents_columns());
    RecordBatch::try_new(schema, columns).map_err(|cause| error::bug("cannot join columns", Box::new(cause)))
}
