//! Which messages are in the tables already: filters of message keys first, the rows themselves where these say "perhaps".
//!
//! A filter never says "no" wrongly, and "perhaps" is always looked up, so that neither a loss nor a double can come of it.

use crate::error;
use crate::import::{MessageKey, PERSON_BEFORE, first_people_of, keys_of, people_of};
use crate::scan::EventFile;
use parquet::bloom_filter::Sbbf;
use spec::Result;
use std::collections::HashSet;
use std::fs::File;
use std::sync::Arc;

/// A message by whose row it is, its key, and who its person was at first.
///
/// Two people who have become one may have messages with the same id: these stay two.
pub(super) type Candidate = (i64, MessageKey, i64);

/// Says of each message whether it is in one of the files; they come in order of person and key.
pub(super) fn known(files: &[Arc<EventFile>], candidates: &[Candidate]) -> Result<Vec<bool>> {
    assert!(candidates.is_sorted(), "messages come in order of person and key");
    let mut is_known = vec![false; candidates.len()];
    for file in files {
        for (index, group) in file.groups.iter().enumerate() {
            let (min, max) = group.people;
            let start = candidates.partition_point(|(person, ..)| *person < min);
            let end = candidates.partition_point(|(person, ..)| *person <= max);
            if start == end {
                continue;
            }
            let filter = group.keys.get_or_init(|| filter_of(file, index));
            let may_be = |(_, key, _): &Candidate| filter.as_ref().is_none_or(|filter| filter.check(&key[..]));
            let hints: Vec<usize> = (start..end).filter(|at| !is_known[*at] && may_be(&candidates[*at])).collect();
            if !hints.is_empty() {
                look_up(file, index, candidates, &hints, &mut is_known)?;
            }
        }
    }
    Ok(is_known)
}

/// The filter of a row group; `None` when there is none that can be read, so that every row is looked up.
fn filter_of(file: &EventFile, group: usize) -> Option<Sbbf> {
    let column = file.metadata.schema().index_of("message_key").ok()?;
    let metadata = file.metadata.metadata().row_group(group).column(column);
    let reader = File::open(&file.path).ok()?;
    let start = u64::try_from(metadata.bloom_filter_offset()?).ok()?;
    let n_bytes = u64::try_from(metadata.bloom_filter_length()?).ok()?;
    // A damaged filter could say of a known message that it is new.
    file.sums.check(&reader, &file.path, start..start + n_bytes).ok()?;
    Sbbf::read_from_column_chunk(metadata, &reader).ok()?
}

/// Compares the messages that may be in a row group with those that are.
fn look_up(
    file: &EventFile,
    group: usize,
    candidates: &[Candidate],
    hints: &[usize],
    is_known: &mut [bool],
) -> Result<()> {
    let place = |name: &str| {
        file.metadata.schema().index_of(name).map_err(|cause| error::bug("events lack a column", Box::new(cause)))
    };
    // A file of before there were merges lacks the last.
    let before = file.metadata.schema().index_of(PERSON_BEFORE).ok();
    let rows = file.decode(group, [place("person")?, place("message_key")?].into_iter().chain(before).collect())?;
    let (people, first_people, keys) = (people_of(&rows).values(), first_people_of(&rows), keys_of(&rows));
    let wanted: HashSet<Candidate> = hints.iter().map(|at| candidates[*at]).collect();
    let mut found = HashSet::new();
    // The rows of each person once, however many of its messages are looked for.
    for of_person in hints.chunk_by(|one, other| candidates[*one].0 == candidates[*other].0) {
        let (person, ..) = candidates[of_person[0]];
        let first = people.partition_point(|other| *other < person);
        for row in (first..people.len()).take_while(|row| people[*row] == person) {
            let key = keys.value(row).try_into().expect("every message key has the same length");
            let row = (person, key, first_people.value(row));
            if wanted.contains(&row) {
                found.insert(row);
            }
        }
    }
    for at in hints {
        is_known[*at] = found.contains(&candidates[*at]);
    }
    Ok(())
}
