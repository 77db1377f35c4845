//! What rests on what in the shop, and what a change would reach.

use super::*;
use crate::fixture::shop;
use crate::{load, parse_question, render};
use serde_json::json;

/// The shop with a question about gold members, one about everything, one for a destination, and a dashboard.
fn definitions() -> Definitions {
    let mut files = shop();
    let more = [
        (
            "questions/gold_sales.yaml",
            "title: Sales to gold members\nquestion: { kind: trend, purpose: analytics, measure: sales, where: \"in_audience('inner')\" }\n",
        ),
        ("questions/all.yaml", "title: Everything\nquestion: { kind: trend, purpose: analytics, measure: count(*) }\n"),
        (
            "questions/letter.yaml",
            "title: Whom to write to\nquestion: { kind: audience, purpose: email, where: \"in_audience('regulars')\", release: list, destination: letters }\n",
        ),
        ("audiences/inner.yaml", "title: Inner circle\npurpose: email\nwhere: in_audience('gold') AND age = '30'\n"),
        ("destinations/letters.yaml", "title: Letters\npurposes: [email]\n"),
        ("dashboards/monday.yaml", "title: Monday\ntiles: [{ question: gold_sales }, { metric: sales }]\n"),
    ];
    files.extend(more.map(|(path, text)| (path.to_owned(), text.to_owned())));
    let (definitions, diagnostics) = load(&files);
    assert_eq!(render(&diagnostics), "");
    definitions
}

fn told(things: BTreeSet<Thing>) -> String {
    let words: Vec<String> = things.into_iter().map(|thing| format!("{} {}", thing.kind.name(), thing.name)).collect();
    words.join(", ")
}

fn check(kind: ThingKind, name: &str) -> (String, String) {
    let lineage = Lineage::new(&definitions());
    let thing = Thing::new(kind, name);
    (told(lineage.rests_on(&thing)), told(lineage.used_by(&thing)))
}

#[test]
fn a_question_rests_on_what_it_names_and_on_what_that_stands_for() {
    let (rests_on, used_by) = check(ThingKind::Question, "gold_sales");
    assert_eq!(
        rests_on,
        "audience gold, audience inner, metric sales, event basket_paid, property basket_paid.store, \
         property basket_paid.value, trait age, trait gold, trait household_size, source members, source till, \
         purpose analytics",
        "a metric and audiences in audiences lead to their fields; of purposes only its own"
    );
    assert_eq!(used_by, "dashboard monday");
}

#[test]
fn a_field_says_what_a_change_of_it_would_reach() {
    let (rests_on, used_by) = check(ThingKind::Property, "basket_paid.value");
    assert_eq!(rests_on, "event basket_paid, source till, purpose analytics");
    assert!(used_by.contains("question gold_sales") && used_by.contains("metric sales"), "{used_by}");
    let (rests_on, used_by) = check(ThingKind::Trait, "gold");
    assert_eq!(rests_on, "source members");
    assert!(used_by.contains("question gold_sales, audience gold, audience inner"), "{used_by}");
    assert_eq!(check(ThingKind::Property, "basket_paid.due").1, "");
}

#[test]
fn what_is_about_any_event_rests_on_all_of_them() {
    let (rests_on, _) = check(ThingKind::Question, "all");
    assert_eq!(rests_on, "event basket_paid, event coupon_redeemed, source till, purpose analytics");
}

#[test]
fn a_purpose_is_not_handed_on() {
    let (rests_on, used_by) = check(ThingKind::Purpose, "email");
    assert_eq!(rests_on, "");
    assert_eq!(
        used_by,
        "question letter, audience gold, audience inner, audience regulars, property basket_paid.store, trait email, \
         role marketer, destination letters",
        "gold_sales names an audience for e-mail and a field that may be used for it, and is asked for analytics"
    );
    assert_eq!(check(ThingKind::Destination, "letters").1, "question letter");
}

#[test]
fn a_question_that_is_not_saved_has_a_lineage_too() {
    let definitions = definitions();
    let json = json!({ "kind": "funnel", "purpose": "email", "within": "3 days", "same": ["store"],
        "steps": ["basket_paid", { "event": "coupon_redeemed", "where": "event.campaign = 'A'" }] });
    let question = parse_question(&json, "/question").expect("it is one");
    assert_eq!(
        told(question_rests_on(&question, &definitions)),
        "event basket_paid, event coupon_redeemed, property basket_paid.store, property coupon_redeemed.campaign, \
         property coupon_redeemed.store, source till, purpose email"
    );
    // Of one with names that nobody knows, what is known.
    let json = json!({ "kind": "trend", "purpose": "none", "measure": "count(basket_paid)", "where": "hat = 'top'" });
    let question = parse_question(&json, "/question").expect("it is one");
    assert_eq!(told(question_rests_on(&question, &definitions)), "event basket_paid, source till");
}

#[test]
fn everything_that_is_named_has_its_place() {
    let definitions = definitions();
    let lineage = Lineage::new(&definitions);
    for thing in lineage.things() {
        let place = thing.defined_at(&definitions).expect("what is defined has a file");
        assert!(!place.title.is_empty() && place.path.ends_with(".yaml"), "{thing:?}: {place:?}");
        let rests_on = lineage.rests_on(thing);
        assert!(rests_on.iter().all(|other| other.defined_at(&definitions).is_some()), "{thing:?}");
        assert!(rests_on.iter().all(|other| lineage.used_by(other).contains(thing)), "{thing:?}: both ways");
    }
    let place = Thing::new(ThingKind::Property, "basket_paid.store").defined_at(&definitions).expect("it is there");
    assert_eq!((place.title.as_str(), place.path.as_str()), ("Shop", "contracts/till.odcs.yaml"));
    assert_eq!(place.source.as_deref(), Some("till"));
    assert_eq!(Thing::new(ThingKind::Metric, "none").defined_at(&definitions), None);
}
