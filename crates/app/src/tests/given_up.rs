//! Questions whose client has left.

use super::world::Setup;
use api::Product;
use serde_json::json;
use spec::ErrorKind;

#[test]
fn a_question_that_nobody_waits_for_is_given_up_and_nothing_is_away() {
    let mut setup = Setup::shop();
    let rows = ["a1", "a2", "b1"].map(|member| format!("p{member},{member},2024-06-01T00:00:00Z,Main,1.00\n"));
    setup.add("shop", "purchase.csv", format!("id,member,at,store,amount\n{}", rows.concat()));
    let world = setup.open();
    let question = json!({ "kind": "trend", "purpose": "analytics", "measure": "count(purchase)" });
    let who = world.who("marketer");
    assert!(world.app.ask(&who, &question).is_ok());
    who.waiting.end();
    let error = world.app.ask(&who, &question).expect_err("it is stopped");
    assert_eq!(error.kind, ErrorKind::Conflict, "`Unavailable` would be a warning in the log: {error}");
}
