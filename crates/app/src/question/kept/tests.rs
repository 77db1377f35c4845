//! What is found again, under what, and what goes when there is no room.

use super::*;
use chrono::DateTime;
use serde_json::json;

fn question(purpose: &str, measure: &str) -> Question {
    let json = json!({ "kind": "trend", "purpose": purpose, "measure": measure, "by": "none" });
    workspace::parse_question(&json, "/question").expect("it is a question")
}

/// A question of one state; each state has people of its own.
fn key(measure: &str, people: &Arc<RoaringTreemap>) -> Key {
    Key {
        question: question("analytics", measure),
        rules: "r1".to_owned(),
        role: "marketer".to_owned(),
        tables: BTreeMap::from([("events".to_owned(), 7)]),
        now: None,
        people: People(Arc::downgrade(people)),
    }
}

fn everybody() -> Arc<RoaringTreemap> {
    Arc::new((0..10).collect())
}

/// An answer of one cell, which took reading.
fn answer(value: Value) -> Rows {
    Rows {
        columns: vec![spec::Column { name: "value".to_owned(), value_type: "integer", unit: None }],
        rows: vec![vec![value]],
        steps: Vec::new(),
        listed: Vec::new(),
        people: None,
        sample_ratio: None,
        rows_read: 1_000,
        bytes_read: 8_000,
        told: Vec::new(),
        outdated: Vec::new(),
    }
}

/// The one cell of what is kept.
fn cell(kept: &KeptAnswers, key: &Key) -> Option<Value> {
    kept.get(key).map(|rows| rows.rows[0][0].clone())
}

#[test]
fn what_is_kept_is_found_again_without_reading() {
    let (kept, people) = (KeptAnswers::default(), everybody());
    let of_visits = key("count(visit)", &people);
    assert_eq!(kept.get(&of_visits), None, "nothing was asked yet");
    kept.keep(of_visits.clone(), &answer(Value::Integer(3)));
    let expected = Rows { rows_read: 0, bytes_read: 0, ..answer(Value::Integer(3)) };
    assert_eq!(kept.get(&of_visits), Some(expected.clone()));
    assert_eq!(kept.get(&key("count(visit)", &people)), Some(expected), "whoever asks the same");
    kept.keep(of_visits.clone(), &answer(Value::Integer(4)));
    assert_eq!(cell(&kept, &of_visits), Some(Value::Integer(4)), "the last one counts");
}

#[test]
fn anything_else_is_asked_anew() {
    let (kept, people) = (KeptAnswers::default(), everybody());
    let asked = key("count(visit)", &people);
    kept.keep(asked.clone(), &answer(Value::Integer(3)));
    let other_people = everybody();
    let tables = |name: &str, version| BTreeMap::from([(name.to_owned(), version)]);
    let others = [
        ("question", key("people(visit)", &people)),
        ("purpose", Key { question: question("email", "count(visit)"), ..asked.clone() }),
        ("rules", Key { rules: "r2".to_owned(), ..asked.clone() }),
        ("role", Key { role: "executive".to_owned(), ..asked.clone() }),
        ("version of a table", Key { tables: tables("events", 8), ..asked.clone() }),
        ("table", Key { tables: tables("traits", 7), ..asked.clone() }),
        ("instant", Key { now: Some(DateTime::UNIX_EPOCH), ..asked.clone() }),
        // As many as before, and who they are was computed anew.
        ("people", Key { people: People(Arc::downgrade(&other_people)), ..asked.clone() }),
    ];
    for (what, other) in &others {
        assert_eq!(kept.get(other), None, "another {what}");
    }
    for (place, (_, other)) in others.iter().enumerate() {
        kept.keep(other.clone(), &answer(Value::Integer(i64::try_from(place).expect("it is small"))));
    }
    for (place, (what, other)) in others.iter().enumerate() {
        let own = Value::Integer(i64::try_from(place).expect("it is small"));
        assert_eq!(cell(&kept, other), Some(own), "each {what} has its own");
    }
    assert_eq!(cell(&kept, &asked), Some(Value::Integer(3)));
}

#[test]
fn people_can_go_while_answers_about_them_are_kept() {
    let people = everybody();
    let of_visits = key("count(visit)", &people);
    let kept = KeptAnswers::default();
    kept.keep(of_visits, &answer(Value::Integer(3)));
    assert_eq!(Arc::strong_count(&people), 1, "their numbers take no room here");
    drop(people);
    // Nobody comes to lie at their address.
    let others: Vec<Arc<RoaringTreemap>> = (0..100).map(|_| everybody()).collect();
    assert!(others.iter().all(|people| kept.get(&key("count(visit)", people)).is_none()));
}

#[test]
fn whoever_was_not_asked_for_longest_goes_first() {
    let people = everybody();
    let keys = ["count(a)", "count(b)", "count(c)", "count(d)"].map(|measure| key(measure, &people));
    let [a, b, c, d] = &keys;
    let one = n_bytes(a, &answer(Value::Integer(1)));
    let kept = KeptAnswers::within(3 * one);
    for key in [a, b, c] {
        kept.keep(key.clone(), &answer(Value::Integer(1)));
    }
    assert_eq!(kept.lock().n_bytes, 3 * one, "three fit");
    assert!(kept.get(a).is_some());
    kept.keep(d.clone(), &answer(Value::Integer(1)));
    let is_kept = keys.each_ref().map(|key| kept.get(key).is_some());
    assert_eq!(is_kept, [true, false, true, true], "`b` was asked for before all others");
    // One as large as two takes the room of two, of those that were asked for longest ago: `a` and `c`.
    let text = Value::Text("z".repeat(one - 1));
    kept.keep(b.clone(), &answer(text));
    assert_eq!(keys.each_ref().map(|key| kept.get(key).is_some()), [false, true, false, true]);
    assert!(kept.lock().n_bytes <= 3 * one);
}

#[test]
fn what_takes_more_than_all_the_room_is_not_kept() {
    let people = everybody();
    let (small, large) = (key("count(a)", &people), key("count(b)", &people));
    let text = answer(Value::Text("z".repeat(5_000)));
    let whole = n_bytes(&large, &text);
    let kept = KeptAnswers::within(whole - 1);
    kept.keep(small.clone(), &answer(Value::Integer(1)));
    kept.keep(large.clone(), &text);
    assert_eq!(kept.get(&large), None);
    assert_eq!(cell(&kept, &small), Some(Value::Integer(1)), "it drives nobody out");
    let kept = KeptAnswers::within(whole);
    kept.keep(large.clone(), &text);
    assert!(kept.get(&large).is_some(), "just as much as there is room for");
}

#[test]
fn texts_and_lists_count_with_all_that_is_in_them() {
    let people = everybody();
    let key = key("count(a)", &people);
    let of = |value: Value| n_bytes(&key, &answer(value));
    let bare = of(Value::Null);
    assert_eq!(of(Value::Number(1.0)), bare);
    assert_eq!(of(Value::Text("abc".to_owned())), bare + 3);
    let path = Value::List(vec![Value::Text("abc".to_owned()), Value::Null]);
    assert_eq!(of(path), bare + 2 * size_of::<Value>() + 3);
    let mut two_rows = answer(Value::Null);
    two_rows.rows.push(vec![Value::Null]);
    assert_eq!(n_bytes(&key, &two_rows), bare + size_of::<Vec<Value>>() + size_of::<Value>());
}

#[test]
fn of_two_who_ask_at_once_one_answer_is_kept() {
    let (kept, people) = (KeptAnswers::default(), everybody());
    let asked = key("count(visit)", &people);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..50 {
                    kept.keep(asked.clone(), &answer(Value::Integer(3)));
                    assert_eq!(cell(&kept, &asked), Some(Value::Integer(3)), "it is there at any time");
                }
            });
        }
    });
    let answers = kept.lock();
    assert_eq!((answers.all.len(), answers.n_bytes), (1, n_bytes(&asked, &answer(Value::Integer(3)))));
}
