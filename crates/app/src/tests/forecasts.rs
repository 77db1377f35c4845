//! What questions are expected to take, against what they take; and which are run to be judged.

use super::world::{Setup, World};
use api::Input;
use serde_json::{Value as Json, json};
use spec::{Cost, ReasonCode};
use std::fmt::Write;

const MEMBERS: [&str; 8] = ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2"];
/// One visit and one purchase of each.
const ROWS: u64 = 16;

fn shop() -> Setup {
    let mut setup = Setup::shop();
    let mut visits = "member,at,page,ref,store\n".to_owned();
    let mut purchases = "id,member,at,store,amount,items,weight,coin\n".to_owned();
    for (day, member) in MEMBERS.iter().enumerate() {
        let (day, store) = (day + 1, if day % 2 == 0 { "N" } else { "S" });
        writeln!(visits, "{member},2024-06-{day:02}T08:00:00Z,home,ad,{store}")
            .expect("writing to a string cannot fail");
        writeln!(purchases, "p{day},{member},2024-06-{day:02}T12:00:00Z,{store},{day}.50,{day},0.5,0.25")
            .expect("writing to a string cannot fail");
    }
    setup.add("shop", "visit.csv", visits);
    setup.add("shop", "purchase.csv", purchases);
    setup
}

/// A question of a kind about the shop's only month.
fn of_june(kind: &str, rest: Json) -> Json {
    let mut question = rest;
    question["kind"] = kind.into();
    question["purpose"] = "analytics".into();
    if !matches!(kind, "audience" | "sql") {
        question["period"] = json!({ "from": "2024-06-01", "to": "2024-07-01" });
    }
    question
}

fn trend(measure: &str) -> Json {
    of_june("trend", json!({ "measure": measure, "by": "none" }))
}

/// What a question that may be asked is expected to take; absent once its answer is kept.
fn forecast(world: &World, question: &Json) -> Option<Cost> {
    match world.judge("engineer", question).expect("the question can be judged") {
        Input::Good(judged) => {
            assert!(judged.verdict.reasons.is_empty(), "{question}: {:?}", judged.verdict);
            judged.forecast
        }
        Input::Bad(wrong) => panic!("{question} is wrong: {wrong:?}"),
    }
}

fn expected(world: &World, question: &Json) -> (u64, u64) {
    let cost = forecast(world, question).expect("it was not run so far");
    (cost.rows_read, cost.bytes_read)
}

/// What a question took.
fn took(world: &World, question: &Json) -> (u64, u64) {
    let Ok(Input::Good(asked)) = world.ask("engineer", question) else { panic!("{question} makes sense") };
    let cost = asked.answer.expect("it is answered").provenance.cost.expect("the engineer sees costs");
    (cost.rows_read, cost.bytes_read)
}

#[test]
fn a_question_takes_what_was_expected() {
    let world = shop().open();
    let first = expected(&world, &trend("count(visit)"));
    assert_eq!(first.0, ROWS, "those of other events lie among them");
    assert!(first.1 > 0, "nothing is in memory yet");
    assert_eq!(expected(&world, &trend("count(visit)")), first, "to judge reads nothing");
    assert_eq!(took(&world, &trend("count(visit)")), first);
    assert_eq!(forecast(&world, &trend("count(visit)")), None, "nothing is expected of an answer that is there");
    // The same columns again, and one more.
    assert_eq!(expected(&world, &trend("people(purchase)")), (ROWS, 0));
    assert_eq!(took(&world, &trend("people(purchase)")), (ROWS, 0));
    let amount = expected(&world, &trend("sum(purchase.amount)"));
    assert!(amount.0 == ROWS && amount.1 > 0 && amount.1 < first.1, "{amount:?} after {first:?}");
    assert_eq!(took(&world, &trend("sum(purchase.amount)")), amount);
    // Before anybody did anything there is nothing to look at.
    let mut before = trend("count(visit)");
    before["period"] = json!({ "from": "2023-01-01", "to": "2023-02-01" });
    assert_eq!(expected(&world, &before), (0, 0));
}

#[test]
fn a_question_without_a_period_is_expected_to_take_as_much() {
    let world = shop().open();
    let mut always = trend("count(visit)");
    always.as_object_mut().expect("a question is an object").remove("period");
    let rows = expected(&world, &always).0;
    assert_eq!((rows, took(&world, &always).0), (ROWS, ROWS));
}

#[test]
fn what_no_data_makes_a_refusal_of_is_not_run_to_be_judged() {
    let world = shop().open();
    let by = |measure: &str, by: &str| of_june("trend", json!({ "measure": measure, "by": by }));
    let funnel = |rest: Json| {
        let mut question = of_june("funnel", rest);
        question["steps"] = json!(["visit", "purchase"]);
        question["within"] = "3 days".into();
        question
    };
    let by_store =
        |measure: &str| of_june("trend", json!({ "measure": measure, "by": "none", "breakdown": ["store"] }));
    let experiment = |measure: &str| {
        let metrics = json!([{ "name": "m", "measure": measure }]);
        of_june("experiment", json!({ "exposure": "visit", "variant": "store", "metrics": metrics }))
    };
    let ends = |kind: &str, rest: Json| {
        let mut question = of_june(kind, rest);
        question["conversion"] = "purchase".into();
        question["touch"] = "visit".into();
        question
    };
    let cases = [
        (true, by("count(visit)", "none")),
        (true, by("people(visit)", "hour")),
        (true, by("sum(purchase.amount)", "day")),
        (true, by("avg(purchase.weight)", "none")),
        (true, by("max(purchase.items)", "none")),
        // A sum of whole numbers, and an extreme of as many digits as a table holds, may be too long to be written down.
        (false, by("sum(purchase.items)", "none")),
        (false, by("max(purchase.coin)", "none")),
        // How many groups there are nobody knows before their column was read.
        (false, by_store("count(visit)")),
        (true, by_store("people(visit)")),
        (true, experiment("people(purchase)")),
        (false, experiment("sum(purchase.amount)")),
        (true, funnel(json!({}))),
        (false, funnel(json!({ "count_by": ["store"] }))),
        (true, of_june("retention", json!({ "start": "visit", "return": "purchase", "by": "week", "periods": 3 }))),
        (false, ends("attribution", json!({ "channel": "store", "model": "last", "lookback": "30 days" }))),
        (false, of_june("paths", json!({ "from": "visit", "steps": 2, "top": 3 }))),
        (false, of_june("audience", json!({ "where": "did(visit)" }))),
        (false, of_june("sql", json!({ "text": "SELECT count(*) AS n FROM visit" }))),
    ];
    for (is_unseen, question) in &cases {
        assert!(forecast(&world, question).is_some(), "{question}");
        // What was run is kept, and nothing is expected of it any more.
        assert_eq!(forecast(&world, question).is_some(), *is_unseen, "{question}");
    }
}

#[test]
fn a_budget_is_held_against_the_same_whatever_is_in_memory() {
    let open = |bytes: u64| {
        let mut setup = shop();
        let team = format!("title: Data\nmembers: [engineer]\nbudget: {{ bytes_per_question: {bytes} }}\n");
        setup.files.insert("teams/data.yaml".to_owned(), team);
        setup.open()
    };
    let refused = |world: &World, question: &Json| {
        let Ok(Input::Good(judged)) = world.judge("engineer", question) else { panic!("{question} makes sense") };
        judged.verdict.reasons.first().map(|reason| (reason.code, reason.for_it.clone()))
    };
    let (first, second) = (trend("count(visit)"), trend("people(visit)"));
    let (_, bytes) = expected(&shop().open(), &first);
    let world = open(bytes - 1);
    let verdict = refused(&world, &first);
    assert_eq!(verdict.as_ref().map(|(code, _)| *code), Some(ReasonCode::TooCostly));
    // Others, who are in no team, read the columns; that makes nothing cheaper.
    let Ok(Input::Good(asked)) = world.ask("marketer", &first) else { panic!("it makes sense") };
    assert!(asked.answer.is_some(), "{:?}", asked.verdict);
    assert_eq!(refused(&world, &second), verdict);
    assert_eq!(refused(&open(bytes), &first), None, "just as much as there is room for");
}
