//! Data and contracts that the questions outgrow: more groups than an answer has, fields that no file had yet.

use super::world::{Setup, World, write};
use api::{Asked, ImportRequest, Input};
use serde_json::{Value as Json, json};
use spec::{Outcome, ReasonCode, Value};

fn answer(world: &World, question: &Json) -> Asked {
    match world.ask("marketer", question).expect("the question can be asked") {
        Input::Good(asked) => asked,
        Input::Bad(wrong) => panic!("{question} is wrong: {wrong:?}"),
    }
}

#[test]
fn more_groups_than_an_answer_has_are_refused_and_not_cut() {
    let mut setup = Setup::shop();
    let mut rows = String::from("id,member,at,store,amount\n");
    for store in 0..10_500 {
        rows.push_str(&format!("p{store},a1,2024-06-01T00:00:00Z,S{store},1.00\n"));
    }
    for buyer in ["a1", "a2", "b1"] {
        rows.push_str(&format!("q{buyer},{buyer},2024-06-01T00:00:00Z,Main,1.00\n"));
    }
    setup.add("shop", "purchase.csv", rows);
    let world = setup.open();
    let question = json!({
        "kind": "trend", "purpose": "analytics", "measure": "count(purchase)", "by": "none", "breakdown": ["store"]
    });
    let asked = answer(&world, &question);
    assert_eq!(asked.verdict.outcome, Outcome::No);
    assert_eq!(asked.verdict.reasons[0].code, ReasonCode::OverBudget);
    assert!(asked.answer.is_none());
}

#[test]
fn a_field_that_no_file_had_yet_is_null_for_everybody() {
    let mut setup = Setup::shop();
    let mut rows = String::from("id,member,at,store\n");
    for (index, buyer) in ["a1", "a2", "b1", "b2", "c1"].iter().enumerate() {
        rows.push_str(&format!("p{index},{buyer},2024-06-01T00:00:00Z,N\n"));
    }
    setup.add("shop", "purchase.csv", rows);
    setup.add("profiles", "profiles.csv", "member,at,tier\na1,2024-01-01,gold\n".to_owned());
    let world = setup.open();
    let path = world.folder.path().join("workspace/contracts/shop.odcs.yaml");
    let contract = setup.files["contracts/shop.odcs.yaml"].replace(
        "      - { name: items,",
        "      - { name: colour, logicalType: string, classification: none, customProperties: [{ property: purposes, value: [analytics] }] }
      - { name: user_id, logicalType: integer, classification: none, customProperties: [{ property: purposes, value: [analytics] }] }
      - { name: items,",
    );
    assert_ne!(contract, setup.files["contracts/shop.odcs.yaml"]);
    write(&path, &contract);
    let trend = |key: &str, value: Json| {
        let mut question =
            json!({ "kind": "trend", "purpose": "analytics", "measure": "count(purchase)", "by": "none" });
        question[key] = value;
        question
    };
    let rows = |question: &Json| {
        let Asked { verdict, answer, .. } = answer(&world, question);
        answer.unwrap_or_else(|| panic!("{question} is refused: {verdict:?}")).rows
    };
    for field in ["colour", "user_id", "joined"] {
        assert_eq!(rows(&trend("breakdown", json!([field]))), [[Value::Null, Value::Integer(5)]], "{field}");
    }
    assert_eq!(rows(&trend("where", "event.colour IS NULL AND event.user_id IS NULL".into())), [[Value::Integer(5)]]);
    assert_eq!(rows(&trend("measure", "max(purchase.user_id)".into())), [[Value::Null, Value::Boolean(true)]]);
    let funnel = json!({
        "kind": "funnel", "purpose": "analytics", "steps": ["purchase", "purchase"], "within": "1 day",
        "breakdown": ["colour"]
    });
    assert_eq!(
        rows(&funnel)[0][..4],
        [Value::Null, Value::Integer(1), Value::Text("purchase".into()), Value::Integer(5)]
    );
    let list = json!({
        "kind": "audience", "purpose": "email", "where": "did(purchase) OR joined IS NULL", "release": "list",
        "columns": ["joined", "user_id"]
    });
    let listed = rows(&list);
    assert!(
        !listed.is_empty() && listed.iter().all(|row| row[1] == Value::Null && row[2] != Value::Null),
        "{listed:?}"
    );
}

#[test]
fn who_says_no_while_a_list_is_sent_is_not_in_the_rest_of_it() {
    let mut setup = Setup::shop();
    setup.add(
        "profiles",
        "profiles.csv",
        "member,at,tier\na1,2024-01-01,gold\na2,2024-01-01,gold\nb1,2024-01-01,gold\n".to_owned(),
    );
    let world = setup.open();
    let list = json!({ "kind": "audience", "purpose": "email", "where": "tier = 'gold'", "release": "list" });
    let asked = answer(&world, &list);
    let leaving = asked.leaving.expect("a list is looked at while it is sent");
    assert_eq!(leaving.of(0..3), [true; 3]);
    // What is no row of the list does not leave.
    assert_eq!(leaving.of(2..9), Vec::<bool>::new());
    let path = world.folder.path().join("input/no.csv");
    write(&path, "member,at,purpose,state\na2,2024-06-30,email,denied\n");
    let request = ImportRequest { source: "consents", object: None, path: &path, file_name: "consents_no.csv" };
    world.app.import_file(&request, &|_, _| {}).expect("it is a file of consents");
    let now = leaving.of(0..3);
    assert_eq!(now.iter().filter(|may_leave| **may_leave).count(), 2, "{now:?}");
    // Rules that allow nobody hold for what has not left, and so do rules that cannot be read.
    write(&world.folder.path().join("workspace/purposes/email.yaml"), "title: e-mail\nbasis: {}\nmin_group: 2\n");
    assert_eq!(leaving.of(0..3), [false; 3]);
    // Figures about groups have nobody who could be taken out.
    let count = json!({ "kind": "trend", "purpose": "analytics", "measure": "people(visit)", "by": "none" });
    assert!(answer(&world, &count).leaving.is_none());
}

#[test]
fn a_file_under_the_wrong_ending_can_still_come_in_under_the_right_one() {
    let world = Setup::shop().open();
    let import = |file_name: &str| {
        let path = world.folder.path().join("input").join(file_name);
        write(&path, "member,at,tier\na1,2024-01-01,gold\na2,2024-01-01,iron\n");
        let request = ImportRequest { source: "profiles", object: None, path: &path, file_name };
        let balance = world.app.import_file(&request, &|_, _| {}).expect("it is a file");
        (balance.stored, balance.duplicate, balance.rejected)
    };
    assert_eq!(import("profiles.ndjson"), (0, 0, 3));
    assert_eq!(import("profiles_again.jsonl"), (0, 0, 3), "what was rejected is not there");
    assert_eq!(import("profiles.csv"), (2, 0, 0));
    assert_eq!(import("profiles_again.csv"), (0, 2, 0));
}
