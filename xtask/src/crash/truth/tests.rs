//! The comparison must be able to fail.

use super::super::batches::Batch;
use super::{Books, Comparison, Count, Truth};
use std::collections::BTreeMap;

/// `b0` of 10 messages, acknowledged twice; `b1` of 5, open; two singles, one of them open.
fn truth() -> Truth {
    let mut truth = Truth::default();
    let [first, _open, single, _open_single] = [10, 5, 1, 1].map(|n_messages| truth.new_batch(n_messages));
    truth.acknowledge(first);
    truth.repeat(first.index);
    truth.acknowledge(first);
    truth.acknowledge(single);
    truth
}

/// The counts of what was acknowledged, with `b0` and `b1` as given.
fn compared(b0: Count, b1: Count) -> Comparison {
    let named = [("b0", b0), ("b1", b1), ("singles", Count { n: 1, sum: 15 })];
    let counts: BTreeMap<String, Count> = named.map(|(name, count)| (name.to_owned(), count)).into();
    let stored = counts.values().map(|count| count.n).sum();
    truth().compare(&counts, Books { received: stored + 10, stored, duplicate: 10, rejected: 0 })
}

const B0: Count = Count { n: 10, sum: 45 };
const B1: Count = Count { n: 5, sum: 60 };
const NONE: Count = Count { n: 0, sum: 0 };

#[test]
fn what_was_acknowledged_is_right_and_what_is_open_may_be_there() {
    assert_eq!(compared(B0, NONE), Comparison::default());
    assert_eq!(compared(B0, B1), Comparison::default());
    assert_eq!(compared(B0, Count { n: 2, sum: 21 }), Comparison::default(), "a part of it, too");
}

#[test]
fn a_lost_message_is_found() {
    let found = compared(Count { n: 9, sum: 41 }, NONE);
    assert_eq!((found.n_lost, found.n_double), (1, 0));
    assert!(found.complaints[0].starts_with("LOST: b0 has 9 messages, 10 were"), "{:?}", found.complaints);
    let found = compared(NONE, NONE);
    assert_eq!((found.n_lost, found.n_double), (10, 0), "a whole batch");
}

#[test]
fn a_double_message_is_found() {
    let found = compared(Count { n: 11, sum: 49 }, NONE);
    assert_eq!((found.n_lost, found.n_double), (0, 1));
    assert!(found.complaints[0].starts_with("DOUBLE: b0 has 11 messages, 10 were"), "{:?}", found.complaints);
    let found = compared(B0, Count { n: 6, sum: 70 });
    assert_eq!((found.n_lost, found.n_double), (0, 1), "of an open batch as well");
}

#[test]
fn one_message_in_place_of_another_is_found() {
    let found = compared(Count { n: 10, sum: 44 }, NONE);
    assert_eq!((found.n_lost, found.n_double), (1, 1), "{:?}", found.complaints);
}

#[test]
fn what_was_never_sent_is_found() {
    let counts = BTreeMap::from([("b7".to_owned(), Count { n: 2, sum: 3 })]);
    let found = Truth::default().compare(&counts, Books { received: 2, stored: 2, ..Books::default() });
    assert_eq!((found.n_lost, found.n_double), (0, 2));
}

#[test]
fn books_that_are_wrong_are_found() {
    let counts: BTreeMap<String, Count> =
        [("b0".to_owned(), B0), ("singles".to_owned(), Count { n: 1, sum: 15 })].into();
    let complaints = |received, stored, duplicate, rejected| {
        let found = truth().compare(&counts, Books { received, stored, duplicate, rejected });
        found.complaints.join("; ")
    };
    assert_eq!(complaints(21, 11, 10, 0), "");
    assert!(complaints(22, 11, 10, 0).contains("22 received are not 11 stored + 10 duplicate"));
    assert!(complaints(22, 11, 10, 1).contains("1 rejected"));
    assert!(complaints(20, 11, 9, 0).contains("20 received, but 21 acknowledged"));
    assert!(complaints(28, 11, 17, 0).contains("28 received, but only 27 sent"));
    assert!(complaints(22, 12, 10, 0).contains("12 stored, but 11 counted"));
}

#[test]
fn a_wrong_answer_is_no_secret() {
    let mut truth = Truth::default();
    truth.note_wrong("500".to_owned());
    assert_eq!(truth.compare(&BTreeMap::new(), Books::default()).complaints, ["wrong answer: 500"]);
}

#[test]
fn batches_follow_each_other() {
    let truth = truth();
    assert_eq!((truth.n_batches(), truth.open(), truth.n_acknowledged()), (4, vec![1, 3], 11));
    assert_eq!((truth.first_number(1), truth.first_number(4)), (10, 17));
    assert!(truth.table().contains("\nb1,10,5,1,0\nsingles,15,1,1,1\n"), "{}", truth.table());
    assert_eq!(Batch { index: 1, first: 10, n_messages: 5 }.sum(), B1.sum);
}

#[test]
fn what_was_acknowledged_after_a_picture_is_open_again() {
    let mut truth = truth();
    let acks = truth.acks();
    let [late, _open] = [7, 3].map(|n_messages| truth.new_batch(n_messages));
    truth.acknowledge(late);
    truth.acknowledge(truth.entries[1].batch);
    assert_eq!(truth.n_acknowledged(), 23);
    truth.back_to(&acks);
    assert_eq!((truth.n_acknowledged(), truth.open()), (11, vec![1, 3, 4, 5]));
}

#[test]
fn only_what_was_sent_may_be_counted_at_any_time() {
    let counts = |n| BTreeMap::from([("b1".to_owned(), Count { n, sum: 60 })]);
    assert_eq!(truth().too_many(&counts(5)), Vec::<String>::new());
    assert_eq!(truth().too_many(&counts(6)), ["DOUBLE: b1 has 6 messages, 5 were sent"]);
    let unknown = BTreeMap::from([("b9".to_owned(), Count { n: 1, sum: 1 })]);
    assert_eq!(truth().too_many(&unknown), ["DOUBLE: b9 has 1 messages, 0 were sent"]);
}
