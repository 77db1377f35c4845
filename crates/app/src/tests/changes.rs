//! Data and contracts that the questions outgrow: more groups than an answer has, fields that no file had yet.

use super::world::{Setup, World, write};
use api::{Asked, ImportRequest, Input};
use serde_json::{Value as Json, json};
use spec::{Outcome, ReasonCode, Remedy, Value};

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

#[test]
fn a_destination_is_held_against_the_rows_that_a_list_has() {
    let mut setup = Setup::shop();
    setup.data.clear();
    setup.files.retain(|path, _| !path.contains("hotline"));
    let email = "title: e-mail\nbasis: { gdpr: legitimate_interest }\nmin_group: 2\ndifferences: shown\n";
    setup.files.insert("purposes/email.yaml".to_owned(), email.to_owned());
    for (name, bounds) in [("large", "people_min: 1500"), ("small", "people_max: 1200")] {
        let text = format!("title: {name}\npurposes: [email]\n{bounds}\n");
        setup.files.insert(format!("destinations/{name}.yaml"), text);
    }
    let mut members = String::from("member,country,region\n");
    (0..2_000).for_each(|n| members.push_str(&format!("p{n},DE,\n")));
    setup.add("members", "members.csv", members);
    let world = setup.open();
    let list = |mut more: Json| {
        let mut list = json!({ "kind": "audience", "purpose": "email", "where": "country = 'DE'", "release": "list" });
        list.as_object_mut().expect("it is an object").append(more.as_object_mut().expect("it is an object"));
        list
    };
    let n_rows = |question: &Json| answer(&world, question).answer.map(|answer| answer.rows.len());
    // Without a limit a list has a thousand rows, whatever the audience.
    assert_eq!(n_rows(&list(json!({}))), Some(1_000));
    for limit in [json!({}), json!({ "limit": 1_499 })] {
        let mut short = list(limit);
        short["destination"] = "large".into();
        let verdict = answer(&world, &short).verdict;
        let reason = &verdict.reasons[0];
        assert_eq!(reason.code, ReasonCode::ListTooSmall, "{short}");
        let told = reason.remedies.iter().map(|remedy| match remedy {
            Remedy::Ask { title, effect, question } => {
                let rows = n_rows(&question.to_json()).expect("what is offered is answered");
                assert_eq!(effect.replace('\u{202f}', ""), format!("{rows} people"), "{title}");
                title.as_str()
            }
            Remedy::Close { title, .. } => title.as_str(),
        });
        let told: Vec<&str> = told.collect();
        assert_eq!(told[0], "Take 1\u{202f}500 people", "{told:?}");
        assert_eq!(told.last(), Some(&"Take more of the people"), "{told:?}");
    }
    // Of 2,000 people as many as it takes go there, with and without a limit; more of them do not.
    assert_eq!(n_rows(&list(json!({ "destination": "small" }))), Some(1_000));
    assert_eq!(n_rows(&list(json!({ "destination": "small", "limit": 1_200 }))), Some(1_200));
    let verdict = answer(&world, &list(json!({ "destination": "small", "limit": 1_201 }))).verdict;
    assert_eq!(verdict.reasons[0].code, ReasonCode::ListTooLarge);
    assert_eq!(n_rows(&list(json!({ "destination": "large", "limit": 1_500 }))), Some(1_500));
}

#[test]
fn what_has_come_follows_from_the_instant_and_from_the_zone() {
    let world = Setup::shop().open();
    // It is midnight in London, and 1 July 2024.
    let codes = |question: Json| -> Vec<ReasonCode> {
        let reasons = answer(&world, &question).verdict.reasons;
        reasons.iter().map(|reason| reason.code).filter(|code| *code == ReasonCode::NotYet).collect()
    };
    let as_of = |at: &str| codes(json!({ "kind": "audience", "purpose": "email", "where": "vip", "as_of": at }));
    assert_eq!(as_of("2024-07-01T00:00:00Z"), []);
    assert_eq!(as_of("2024-07-01T06:00:00Z"), [ReasonCode::NotYet]);
    let from = |day: &str, zone: &str| {
        codes(json!({
            "kind": "trend", "purpose": "analytics", "measure": "count(visit)", "by": "none", "time_zone": zone,
            "period": { "from": day, "to": "2024-08-01" },
        }))
    };
    assert_eq!(from("2024-07-01", "UTC"), []);
    assert_eq!(from("2024-07-02", "UTC"), [ReasonCode::NotYet]);
    // There it is still June, and has been July for 14 hours.
    assert_eq!(from("2024-07-01", "America/Los_Angeles"), [ReasonCode::NotYet]);
    assert_eq!(from("2024-06-30", "America/Los_Angeles"), []);
    assert_eq!(from("2024-07-01", "Pacific/Kiritimati"), []);
    assert_eq!(from("2024-07-02", "Pacific/Kiritimati"), [ReasonCode::NotYet]);
}

#[test]
fn a_definition_with_errors_is_not_called_undeclared() {
    let setup = Setup::shop();
    let world = setup.open();
    let path = "contracts/shop.odcs.yaml";
    let broken = setup.files[path].replace("name: visit", "nmae: visit");
    assert_ne!(broken, setup.files[path]);
    write(&world.folder.path().join("workspace").join(path), &broken);
    for measure in ["count(visit)", "count(purchase)"] {
        let question = json!({ "kind": "trend", "purpose": "analytics", "measure": measure, "by": "none" });
        let verdict = answer(&world, &question).verdict;
        let reason = &verdict.reasons[0];
        assert_eq!(reason.code, ReasonCode::UnknownName, "{measure}");
        assert!(reason.for_marketing.contains("a file with errors") && reason.for_it.contains(path), "{reason:?}");
        let closing: Vec<(&str, Option<&str>, bool)> = reason.remedies.iter().filter_map(gap_of).collect();
        assert_eq!(closing, [("Mend `contracts/shop.odcs.yaml`", Some(path), false)], "{measure}");
    }
    // What stands in no file is not there.
    let question = json!({ "kind": "trend", "purpose": "analytics", "measure": "count(yodelled)", "by": "none" });
    assert!(answer(&world, &question).verdict.reasons[0].for_it.contains("is declared in `contracts/`"));
}

/// Title and file of a gap, and whether a change is proposed.
fn gap_of(remedy: &Remedy) -> Option<(&str, Option<&str>, bool)> {
    match remedy {
        Remedy::Close { title, gap } => Some((title, gap.file.as_deref(), gap.change.is_some())),
        Remedy::Ask { .. } => None,
    }
}

#[test]
fn no_change_is_proposed_for_a_purpose_that_is_not_there() {
    let world = Setup::shop().open();
    let gaps = |purpose: &str, condition: &str| -> Vec<(String, bool)> {
        let question = json!({ "kind": "audience", "purpose": purpose, "where": condition });
        let verdict = answer(&world, &question).verdict;
        let gaps = verdict.reasons.iter().flat_map(|reason| &reason.remedies).filter_map(gap_of);
        gaps.map(|(title, _, is_proposed)| (title.to_owned(), is_proposed)).collect()
    };
    let is_proposed = |gaps: &[(String, bool)], title: &str| {
        gaps.iter().find(|(found, _)| found == title).unwrap_or_else(|| panic!("{gaps:?} lacks `{title}`")).1
    };
    for (condition, title) in [
        ("yodels = 'x'", "Declare the trait “yodels”"),
        ("did(visit, where => (event.yodels = 'x'))", "Declare the property “event.yodels”"),
        ("in_audience('yodellers')", "Declare the audience “yodellers”"),
    ] {
        assert!(is_proposed(&gaps("analytics", condition), title), "{condition}");
        assert!(!is_proposed(&gaps("yodelling", condition), title), "{condition}");
    }
    assert!(is_proposed(&gaps("yodelling", "vip"), "Declare the purpose “yodelling”"));
}
