//! What is learned, of what, and what it is used for.

use super::*;
use serde_json::{Value as Json, json};

/// Ten million rows, all of them in memory.
const FORETOLD: Forecast = Forecast { rows: 10_000_000, bytes: 0, bytes_stored: 80_000_000, is_bounded: true };

fn question(json: &Json) -> Question {
    workspace::parse_question(json, "/question").expect("it is a question")
}

fn trend(measure: &str, rest: &Json) -> Question {
    let mut json = json!({ "kind": "trend", "purpose": "analytics", "measure": measure, "by": "none" });
    for (key, value) in rest.as_object().into_iter().flatten() {
        json[key.as_str()] = value.clone();
    }
    question(&json)
}

fn is_near(found: f64, expected: f64) -> bool {
    (found / expected - 1.0).abs() < 0.05
}

#[test]
fn a_shape_is_as_slow_as_it_was_a_new_one_as_its_kind_and_a_new_kind_as_the_machine() {
    let paces = Paces::default();
    let first = paces.forecast("trend a", FORETOLD).seconds;
    for _ in 0..10 {
        paces.learn("trend a", FORETOLD, 3.0 * first);
    }
    let [same, of_kind, other] =
        ["trend a", "trend b", "funnel a"].map(|shape| paces.forecast(shape, FORETOLD).seconds / first);
    assert!((same - 3.0).abs() < 0.1 && (of_kind - 3.0).abs() < 0.1, "{same} {of_kind}");
    let unlearned = Paces::default().forecast("funnel a", FORETOLD).seconds / first;
    assert!((other / unlearned - 3.0).abs() < 0.3, "the machine is as slow for another kind: {other}");
    // One that takes longer than others says less of them than of its own kind.
    paces.learn("paths a", FORETOLD, 10.0 * first);
    let [other, own] = ["funnel a", "paths a"].map(|shape| paces.forecast(shape, FORETOLD).seconds / first);
    assert!(other < 6.0 && own > 8.0, "{other} {own}");
}

#[test]
fn what_was_learned_moves_forecasts_and_no_budget() {
    let (paces, asked) = (Paces::default(), trend("count(visit)", &json!({})));
    let shape = shape(&asked, FORETOLD);
    let (forecast, most) = (paces.forecast(&shape, FORETOLD), at_most(&asked, FORETOLD));
    for _ in 0..10 {
        paces.learn(&shape, FORETOLD, 10.0 * forecast.seconds);
    }
    let learned = paces.forecast(&shape, FORETOLD);
    assert!(is_near(learned.seconds, 10.0 * forecast.seconds), "{learned:?}, {forecast:?}");
    assert_eq!((learned.rows_read, learned.bytes_read), (10_000_000, 0), "how fast it is moves nothing else");
    assert_eq!(at_most(&asked, FORETOLD), most);
}

#[test]
fn a_budget_is_held_against_what_is_stored_whatever_is_in_memory() {
    let asked = trend("count(visit)", &json!({}));
    let cold = Forecast { bytes: FORETOLD.bytes_stored, ..FORETOLD };
    let half = Forecast { bytes: FORETOLD.bytes_stored / 2, is_bounded: false, ..FORETOLD };
    let most = at_most(&asked, FORETOLD);
    assert_eq!((most.rows_read, most.bytes_read), (10_000_000, 80_000_000));
    assert_eq!([at_most(&asked, cold), at_most(&asked, half)], [most.clone(), most.clone()]);
    // A server that was just started expects the same of a question for which nothing is in memory.
    assert_eq!(Paces::default().forecast(&shape(&asked, cold), cold), most);
    // More rows, or more bytes, never take less.
    let more = [Forecast { rows: 20_000_000, ..FORETOLD }, Forecast { bytes_stored: 160_000_000, ..FORETOLD }];
    assert!(more.iter().all(|more| at_most(&asked, *more).seconds > most.seconds));
}

#[test]
fn shapes_tell_apart_what_takes_longer_per_row() {
    let plain = trend("count(visit)", &json!({}));
    let of = |question: &Question| shape(question, FORETOLD);
    let same = [
        // Other days, another purpose: the same work for a row.
        trend("count(visit)", &json!({ "period": { "from": "2024-01-01", "to": "2024-02-01" } })),
        trend("count(visit)", &json!({ "purpose": "email" })),
    ];
    assert!(same.iter().all(|same| of(same) == of(&plain)));
    let others = [
        trend("people(visit)", &json!({})),
        trend("count(visit)", &json!({ "breakdown": ["store"] })),
        trend("count(visit)", &json!({ "where": "event.store = 'N'" })),
        question(
            &json!({ "kind": "funnel", "purpose": "analytics", "steps": ["visit", "purchase"], "within": "1 day" }),
        ),
        question(&json!({ "kind": "audience", "purpose": "analytics", "where": "did(visit)" })),
        question(&json!({ "kind": "sql", "purpose": "analytics", "text": "SELECT count(*) FROM visit" })),
    ];
    for other in &others {
        assert_ne!(of(other), of(&plain), "{other:?}");
        assert_eq!(kind_of(&of(other)), other.kind());
    }
    // Where nothing is left to be looked at, or to be read, a question says nothing of the others.
    let nothing = Forecast { rows: 0, bytes: 0, ..FORETOLD };
    let cold = Forecast { bytes: 1, ..FORETOLD };
    assert_ne!(shape(&plain, nothing), of(&plain));
    assert_ne!(shape(&plain, cold), of(&plain));
}

#[test]
fn one_question_does_not_turn_all_the_others() {
    let paces = Paces::default();
    let first = paces.forecast("trend a", FORETOLD).seconds;
    // What is small says more of the machine than of itself.
    let small = Forecast { rows: 1_000, ..FORETOLD };
    paces.learn("trend a", small, 5.0);
    assert!(is_near(paces.forecast("trend a", FORETOLD).seconds, first));
    // A machine that was asleep in between, and one whose clock went back.
    paces.learn("trend a", FORETOLD, 86_400.0);
    let slowest = paces.forecast("trend a", FORETOLD).seconds / first;
    assert!(slowest <= SLOWER.1, "{slowest}");
    paces.learn("funnel a", FORETOLD, -1.0);
    assert!(paces.forecast("funnel a", FORETOLD).seconds > 0.0);
    // Twice as long and then half as long is as long as it was.
    let kind = Paces::default();
    let usual = kind.forecast("paths a", FORETOLD).seconds - SECONDS_LEAST;
    for slower in [2.0, 0.5, 2.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0] {
        kind.learn("paths a", FORETOLD, SECONDS_LEAST + usual * slower);
    }
    assert!(is_near(kind.forecast("paths a", FORETOLD).seconds, SECONDS_LEAST + usual));
}

#[test]
fn so_many_shapes_are_known_and_no_more() {
    let paces = Paces::default();
    for number in 0..3 * SHAPES_MAX {
        paces.learn(&format!("trend {number}"), FORETOLD, 1.0);
        let n_known = paces.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        assert!(n_known <= SHAPES_MAX + 2, "{n_known}");
    }
}
