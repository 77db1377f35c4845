//! As what a question is proposed to be saved.

use super::view;
use serde_json::{Value as Json, json};

fn proposed(more: &Json) -> (bool, bool, String) {
    let mut question = json!({ "kind": "audience", "purpose": "email", "where": "did(visit)" });
    for (key, value) in more.as_object().into_iter().flatten() {
        question[key] = value.clone();
    }
    let view = view(&question);
    (view.may_be_audience, view.is_audience, view.why)
}

#[test]
fn a_plain_condition_becomes_an_audience() {
    for plain in [json!({}), json!({ "release": "aggregate" }), json!({ "columns": null })] {
        let (may_be, is_proposed, why) = proposed(&plain);
        assert!(may_be && is_proposed && why.ends_with("keeps that and the purpose."), "{plain}: {why}");
    }
    let (_, is_proposed, why) = proposed(&json!({ "as_of": "2017-12-31T00:00:00Z" }));
    assert!(is_proposed && why.contains("as of their own day"), "what is not kept is said: {why}");
}

#[test]
fn what_says_more_stays_a_question() {
    for (more, words) in [
        (json!({ "release": "list" }), "which people they are"),
        (json!({ "release": "list", "columns": ["email"] }), "which people they are, its columns"),
        (json!({ "limit": 500 }), "how many of them at most"),
        (json!({ "destination": "ad_network" }), "where they go"),
    ] {
        let (may_be, is_proposed, why) = proposed(&more);
        assert!(may_be && !is_proposed && why.contains(words), "{more}: {why}");
    }
    let (may_be, is_proposed, why) = proposed(&json!({ "kind": "trend" }));
    assert!(!may_be && !is_proposed && why.contains("as a question"), "{why}");
}
