//! What was sent and what was acknowledged, and what follows for the program's counts: the ground truth.
//!
//! Invariants: a batch counts as acknowledged from its first full answer on and never stops to; one that was sent without an
//! answer may be there, in part or not at all. Messages have numbers of their own, so that one that is there in place of
//! another is seen in the sum even where the count is right.

use super::batches::Batch;
use std::collections::BTreeMap;
use std::fmt::Write;

/// All batches.
#[derive(Default)]
pub(super) struct Truth {
    entries: Vec<Entry>,
    n_messages: u64,
    /// Answers that should never come, the first of them.
    wrong: Vec<String>,
    n_wrong: u64,
}

/// A batch and what became of it.
struct Entry {
    batch: Batch,
    n_sent: u64,
    n_acked: u64,
}

/// What a name has: how many events, and their numbers added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) n: u64,
    pub(super) sum: u64,
}

/// The books of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Books {
    pub(super) received: u64,
    pub(super) stored: u64,
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
}

/// What a comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Messages that were acknowledged and are not there.
    pub(super) n_lost: u64,
    /// Messages that are there more than once, or were never sent.
    pub(super) n_double: u64,
    /// Everything that is wrong, in words.
    pub(super) complaints: Vec<String>,
}

/// Answers that are kept in words.
const WRONG_KEPT_MAX: usize = 10;

impl Truth {
    /// A new batch of so many messages; it counts as sent from now on.
    pub(super) fn new_batch(&mut self, n_messages: u64) -> Batch {
        let batch = Batch { index: self.n_batches(), first: self.n_messages, n_messages };
        self.n_messages += n_messages;
        self.entries.push(Entry { batch, n_sent: 1, n_acked: 0 });
        batch
    }

    /// The batch with this number once more; it counts as sent again from now on.
    pub(super) fn repeat(&mut self, index: u64) -> Batch {
        let entry = self.entry(index);
        entry.n_sent += 1;
        entry.batch
    }

    /// A delivery of this batch was acknowledged in full.
    pub(super) fn acknowledge(&mut self, batch: Batch) {
        self.entry(batch.index).n_acked += 1;
    }

    /// An answer came that should not.
    pub(super) fn note_wrong(&mut self, answer: String) {
        self.n_wrong += 1;
        if self.wrong.len() < WRONG_KEPT_MAX {
            self.wrong.push(format!("wrong answer: {answer}"));
        }
    }

    /// How many batches there are.
    pub(super) fn n_batches(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The batches that were sent and never acknowledged.
    pub(super) fn open(&self) -> Vec<u64> {
        self.entries.iter().filter(|entry| entry.n_acked == 0).map(|entry| entry.batch.index).collect()
    }

    /// How often each batch was acknowledged so far.
    pub(super) fn acks(&self) -> Vec<u64> {
        self.entries.iter().map(|entry| entry.n_acked).collect()
    }

    /// Forgets what was acknowledged after these: such messages may be there, and nobody can demand it.
    pub(super) fn back_to(&mut self, acks: &[u64]) {
        for (at, entry) in self.entries.iter_mut().enumerate() {
            entry.n_acked = acks.get(at).copied().unwrap_or(0);
        }
    }

    /// Messages that were acknowledged, each once.
    pub(super) fn n_acknowledged(&self) -> u64 {
        self.entries.iter().filter(|entry| entry.n_acked > 0).map(|entry| entry.batch.n_messages).sum()
    }

    /// The first message's number of a batch; past the last batch, the number that the next message gets.
    pub(super) fn first_number(&self, index: u64) -> u64 {
        usize::try_from(index)
            .ok()
            .and_then(|at| self.entries.get(at))
            .map_or(self.n_messages, |entry| entry.batch.first)
    }

    /// Holds counts by name and the books against what was sent.
    pub(super) fn compare(&self, counts: &BTreeMap<String, Count>, books: Books) -> Comparison {
        let mut found = Comparison::default();
        let expected = self.expected();
        for (name, Bounds { least, most }) in &expected {
            let count = counts.get(name).copied().unwrap_or_default();
            if count.n < least.n {
                found.n_lost += least.n - count.n;
                found.complaints.push(format!("LOST: {name} has {} messages, {} were acknowledged", count.n, least.n));
            } else if count.n > most.n {
                found.n_double += count.n - most.n;
                found.complaints.push(format!("DOUBLE: {name} has {} messages, {} were sent", count.n, most.n));
            } else if !(least.sum..=most.sum).contains(&count.sum) {
                found.n_lost += 1;
                found.n_double += 1;
                found.complaints.push(format!(
                    "LOST and DOUBLE: {name} has {} messages as it should, but their numbers add up to {}, not {} to {}",
                    count.n, count.sum, least.sum, most.sum
                ));
            }
        }
        for (name, count) in counts.iter().filter(|(name, _)| !expected.contains_key(*name)) {
            found.n_double += count.n;
            found.complaints.push(format!("DOUBLE: {name} has {} messages and was never sent", count.n));
        }
        found.complaints.extend(self.compare_books(books, counts.values().map(|count| count.n).sum()));
        found.complaints.extend(self.wrong.iter().cloned());
        found
    }

    /// What counts have more of than was sent; they need not be complete.
    pub(super) fn too_many(&self, counts: &BTreeMap<String, Count>) -> Vec<String> {
        let expected = self.expected();
        let n_sent = |name: &String| expected.get(name).map_or(0, |bounds| bounds.most.n);
        let more = counts.iter().filter(|(name, count)| count.n > n_sent(name));
        more.map(|(name, count)| format!("DOUBLE: {name} has {} messages, {} were sent", count.n, n_sent(name)))
            .collect()
    }

    /// The books must balance, agree with the tables, and hold each delivery that was acknowledged.
    fn compare_books(&self, books: Books, n_counted: u64) -> Vec<String> {
        let Books { received, stored, duplicate, rejected } = books;
        let n_acked: u64 = self.entries.iter().map(|entry| entry.n_acked * entry.batch.n_messages).sum();
        let n_sent: u64 = self.entries.iter().map(|entry| entry.n_sent * entry.batch.n_messages).sum();
        let mut complaints = Vec::new();
        let mut demand = |is_so: bool, what: String| {
            if !is_so {
                complaints.push(format!("BOOKS: {what}"));
            }
        };
        demand(
            received == stored + duplicate + rejected,
            format!("{received} received are not {stored} stored + {duplicate} duplicate + {rejected} rejected"),
        );
        demand(rejected == 0, format!("{rejected} rejected, though nothing was wrong"));
        demand(received >= n_acked, format!("{received} received, but {n_acked} acknowledged with all repeats"));
        demand(received <= n_sent, format!("{received} received, but only {n_sent} sent with all repeats"));
        demand(stored == n_counted, format!("{stored} stored, but {n_counted} counted by questions"));
        complaints
    }

    /// What must be there at least and may be there at most, by name.
    fn expected(&self) -> BTreeMap<String, Bounds> {
        let mut expected: BTreeMap<String, Bounds> = BTreeMap::new();
        for Entry { batch, n_acked, .. } in &self.entries {
            let bounds = expected.entry(batch.name()).or_default();
            bounds.most.add(*batch);
            if *n_acked > 0 {
                bounds.least.add(*batch);
            }
        }
        expected
    }

    /// A line per batch, for whoever looks for a message.
    pub(super) fn table(&self) -> String {
        let mut text = "name,first_number,n_messages,n_sent,n_acknowledged\n".to_owned();
        for Entry { batch, n_sent, n_acked } in &self.entries {
            writeln!(text, "{},{},{},{n_sent},{n_acked}", batch.name(), batch.first, batch.n_messages)
                .expect("a text takes what is written");
        }
        text
    }

    fn entry(&mut self, index: u64) -> &mut Entry {
        let index = usize::try_from(index).expect("batches are in memory");
        &mut self.entries[index]
    }
}

#[derive(Default)]
struct Bounds {
    least: Count,
    most: Count,
}

impl Count {
    fn add(&mut self, batch: Batch) {
        self.n += batch.n_messages;
        self.sum += batch.sum();
    }
}

#[cfg(test)]
mod tests;
