//! Values that were meant: what the search for them tells, charges and keeps. What is offered stands in
//! `cases/meant.txt`.

use super::limits::{audience, count, joined, shop};
use super::world::World;
use api::{Input, Product, ValuesRequest};
use serde_json::Value as Json;
use spec::{Remedy, Verdict};

/// Gold and iron are enough, golden and tin too few each, and enough together that nobody has to hide them.
fn tier(n: usize) -> &'static str {
    match n {
        0..100 => "gold",
        100..105 => "Golden",
        105..112 => "tin",
        _ => "iron",
    }
}

fn refused(world: &World, question: &Json) -> Verdict {
    match world.ask("marketer", question).expect("the question can be asked") {
        Input::Good(asked) if asked.answer.is_none() => asked.verdict,
        other => panic!("{question} is no refusal: {other:?}"),
    }
}

/// The titles of what is offered, with its effects.
fn offered(verdict: &Verdict) -> Vec<(&str, &str)> {
    let remedies = verdict.reasons[0].remedies.iter();
    let offers = remedies.filter_map(|remedy| match remedy {
        Remedy::Ask { title, effect, .. } => Some((title.as_str(), effect.as_str())),
        Remedy::Close { .. } => None,
    });
    offers.collect()
}

#[test]
fn only_values_that_enough_people_have_are_named() {
    for limits in ["differences: shown\n", ""] {
        let world = shop(limits, &tier).open();
        // Both begin with it, and one of them is about five people.
        let verdict = refused(&world, &audience("tier = 'GOL'"));
        assert_eq!(offered(&verdict), [("Instead: have tier gold", "100 people")], "{limits}");
        let text = serde_json::to_string(&verdict).expect("a verdict is plain data");
        assert!(!text.contains("Golden"), "{limits}: {text}");
        // The same with a value that five people have, and one that nobody has.
        for nobody in ["Golden", "Goldin"] {
            let verdict = refused(&world, &audience(&format!("tier = '{nobody}' AND age = 3")));
            assert_eq!(offered(&verdict), [], "{limits}{nobody}");
        }
    }
}

#[test]
fn what_is_looked_up_is_not_in_the_way_of_what_is_asked_later() {
    let world = shop("", &tier).open();
    // Nobody is so young, so that nothing is offered and nothing was told.
    let verdict = refused(&world, &audience("age < 20 AND tier = 'goldn'"));
    assert_eq!(offered(&verdict), []);
    // Had the hundred of the breakdown been kept, this would give way to them.
    let nearly = audience(&format!("joined < '{}'", joined(99)));
    assert_eq!(count(&world, &nearly), Some(99));
}

#[test]
fn values_are_looked_up_at_nobodys_charge() {
    let world = shop("questions_per_day: 2\n", &tier).open();
    let verdict = refused(&world, &audience("tier = 'GOLD'"));
    assert_eq!(offered(&verdict), [("Instead: have tier gold", "")]);
    assert_eq!(count(&world, &audience("tier = 'gold'")), Some(100));
}

#[test]
fn values_are_those_that_a_breakdown_names() {
    let values = |world: &World, purpose: &str, field: &str| {
        let request = ValuesRequest { purpose: purpose.to_owned(), field: field.to_owned(), event: None };
        world.app.values(&world.who("marketer"), &request)
    };
    for limits in ["differences: shown\n", ""] {
        let world = shop(limits, &tier).open();
        let mut found = values(&world, "analytics", "tier").expect("it can be asked").values;
        found.sort();
        assert_eq!(found, ["gold", "iron"], "{limits}: what fewer people have is not named");
        assert!(world.app.deeds().iter().any(|(user, deed)| user == "marketer" && deed == "values"), "it is on record");
        let none = values(&world, "analytics", "age").expect("it can be asked");
        assert!(none.values.is_empty() && none.why.is_some(), "a number has no values to offer");
        assert!(values(&world, "analytics", "nothing").is_err() && values(&world, "nothing", "tier").is_err());
    }
    let world = shop("questions_per_day: 2\n", &tier).open();
    let counted = values(&world, "analytics", "tier").expect("it can be asked");
    assert!(counted.values.is_empty() && counted.why.is_some_and(|why| why.contains("are counted")));
}
