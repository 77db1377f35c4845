//! What rests on what, as the product tells it to anybody who is signed in.

use super::world::Setup;
use api::{LineageRequest, LineageView, Product};
use serde_json::json;

#[test]
fn a_field_tells_what_is_built_on_it_and_a_question_what_it_rests_on() {
    let mut setup = Setup::shop();
    let question = "title: Sales by store\nquestion: { kind: trend, purpose: analytics, measure: sales }\n";
    let metric = "title: Net sales\nmeasure: sum(purchase.amount)\n";
    setup.files.insert("metrics/sales.yaml".to_owned(), metric.to_owned());
    setup.files.insert("questions/by_store.yaml".to_owned(), question.to_owned());
    let board = "title: Board\ntiles: [{ question: by_store }]\n";
    setup.files.insert("dashboards/board.yaml".to_owned(), board.to_owned());
    let world = setup.open();
    let who = world.who("marketer");
    let of = |kinds: &[&str], name: Option<&str>| -> Vec<LineageView> {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let request = LineageRequest { kinds, name: name.map(str::to_owned) };
        world.app.lineage(&who, &request).expect("everybody sees it")
    };
    let [metric] = &of(&["metric"], Some("sales"))[..] else { panic!("there is one metric of this name") };
    let users: Vec<&str> = metric.used_by.iter().map(|thing| thing.name.as_str()).collect();
    assert!(users.contains(&"board") && users.contains(&"by_store"), "{users:?}");
    let [saved] = &of(&["question"], Some("by_store"))[..] else { panic!("there is one question of this name") };
    let explained = world.app.explain(&who, &json!({ "kind": "trend", "purpose": "analytics", "measure": "sales" }));
    assert_eq!(explained.expect("it is a question").rests_on, saved.rests_on, "saved or not, it is the same");
    assert!(saved.rests_on.iter().any(|thing| thing.kind == "source" && thing.path.starts_with("contracts/")));
    // Everything that is named on one side is there on the other.
    for one in of(&[], None) {
        for on in &one.rests_on {
            let other = of(&[&on.kind], Some(&on.name));
            assert!(other.iter().any(|other| other.used_by.contains(&one.thing)), "{} and {}", one.thing.name, on.name);
        }
    }
    let wrong = LineageRequest { kinds: vec!["hat".to_owned()], name: None };
    assert!(world.app.lineage(&who, &wrong).is_err());
}
