//! Experiments against sums by the book: every event of everybody in a list, looked at once for each person.

use super::questions::Dice;
use super::world::{Setup, World};
use api::Input;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const WORLDS: u64 = 4;
const QUESTIONS: usize = 60;
const MEMBERS: [&str; 14] = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2", "c3", "c4", "x1", "x2"];
/// Figures that are asked for, and how far they look, in hours.
const METRICS: [(&str, Option<usize>); 6] = [
    ("people(purchase)", None),
    ("count(purchase)", Some(12)),
    ("sum(purchase.amount)", None),
    ("sum(purchase.amount)", Some(24)),
    ("count(visit)", None),
    ("sum(purchase.items)", Some(36)),
];

/// What somebody did; times are hours after the start of May, amounts are cents.
struct Event {
    member: &'static str,
    at: usize,
    store: Option<&'static str>,
    bought: Option<(i64, Option<i64>)>,
}

#[test]
fn experiments_are_sums_of_the_book() {
    for seed in 0..WORLDS {
        let mut dice = Dice::new(seed);
        let events = history(&mut dice);
        let world = world(&events);
        for _ in 0..QUESTIONS {
            let (question, asked) = question(&mut dice);
            let Ok(Input::Good(answered)) = world.ask("marketer", &question) else { panic!("seed {seed}: {question}") };
            let answer = answered.answer.expect("experiments may be asked here");
            let found = serde_json::to_value(&answer.rows).expect("cells are plain data");
            let (rows, several) = expected(&events, &asked);
            assert_eq!(found, rows, "seed {seed}: {question}");
            let ratio = answer.sample_ratio.expect("an experiment has one");
            assert_eq!(ratio.several, Some(several).filter(|several| *several >= 2), "seed {seed}: {question}");
        }
    }
}

/// Few instants, so that many events share one.
fn history(dice: &mut Dice) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for member in MEMBERS {
        for _ in 0..dice.below(10) {
            let is_purchase = dice.chance(50);
            let store = dice.pick(&[Some("N"), Some("N"), Some("S"), None]);
            let items = dice.chance(70).then(|| i64::try_from(dice.below(5)).expect("it is small") - 1);
            let cents = i64::try_from(dice.below(3_000)).expect("it is small") - 500;
            let event = Event { member, at: dice.below(8) * 12, store, bought: is_purchase.then_some((cents, items)) };
            // Visits that are the same in every field are there once.
            let same = |known: &Event| {
                (known.member, known.at, known.store, known.bought) == (member, event.at, event.store, None)
            };
            if is_purchase || !events.iter().any(same) {
                events.push(event);
            }
        }
    }
    events
}

fn world(events: &[Event]) -> World {
    let mut setup = Setup::shop();
    setup.files.remove("sources/hotline.yaml");
    setup.files.remove("contracts/hotline.odcs.yaml");
    let (mut visits, mut purchases) = ("member,at,store\n".to_owned(), "member,at,store,id,amount,items\n".to_owned());
    for (number, Event { member, at, store, bought }) in events.iter().enumerate() {
        let at = format!("2024-05-{:02}T{:02}:00:00Z", 1 + at / 24, at % 24);
        let store = store.unwrap_or_default();
        let _ = match bought {
            None => writeln!(visits, "{member},{at},{store}"),
            Some((cents, items)) => {
                let items = items.map_or(String::new(), |items| items.to_string());
                let sign = if *cents < 0 { "-" } else { "" };
                let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
                writeln!(purchases, "{member},{at},{store},r{number},{sign}{whole}.{rest:02},{items}")
            }
        };
    }
    setup.add("shop", "visit.csv", visits);
    setup.add("shop", "purchase.csv", purchases);
    setup.add("shop", "refund.csv", "member,at,fee\n".to_owned());
    setup.open()
}

/// What a question asks, for the book.
struct Asked {
    metrics: Vec<usize>,
    from: usize,
    to: usize,
    exposed_in: Option<&'static str>,
}

fn question(dice: &mut Dice) -> (Json, Asked) {
    let metrics: Vec<usize> = (0..METRICS.len()).filter(|_| dice.chance(50)).collect();
    let metrics = if metrics.is_empty() { vec![2] } else { metrics };
    let (from, days) = (dice.below(3), 1 + dice.below(4));
    let exposed_in = dice.chance(30).then_some("N");
    let exposure = match exposed_in {
        Some(store) => json!({ "event": "visit", "where": format!("event.store = '{store}'") }),
        None => "visit".into(),
    };
    let described = metrics.iter().map(|place| {
        let (measure, hours) = METRICS[*place];
        match hours {
            Some(hours) => {
                json!({ "name": format!("m{place}"), "measure": measure, "within": format!("{hours} hours") })
            }
            None => json!({ "name": format!("m{place}"), "measure": measure }),
        }
    });
    let question = json!({
        "kind": "experiment", "purpose": "analytics", "exposure": exposure, "variant": "store",
        "metrics": described.collect::<Vec<_>>(),
        "period": { "from": format!("2024-05-{:02}", 1 + from), "to": format!("2024-05-{:02}", 1 + from + days) },
    });
    (question, Asked { metrics, from: from * 24, to: (from + days) * 24, exposed_in })
}

/// The rows, and how many people saw several variants.
fn expected(events: &[Event], asked: &Asked) -> (Json, u64) {
    let inside: Vec<&Event> = events.iter().filter(|event| (asked.from..asked.to).contains(&event.at)).collect();
    let mut people: BTreeMap<&str, Vec<Vec<Option<i64>>>> = BTreeMap::new();
    let mut several = 0;
    for member in MEMBERS {
        let of_member = || inside.iter().filter(move |event| event.member == member);
        let exposures = || {
            let visits = of_member().filter(|event| event.bought.is_none() && event.store.is_some());
            visits.filter(|event| asked.exposed_in.is_none() || event.store == asked.exposed_in)
        };
        let seen: BTreeSet<&str> = exposures().filter_map(|event| event.store).collect();
        several += u64::from(seen.len() > 1);
        let (Some(variant), 1) = (seen.first(), seen.len()) else { continue };
        let start = exposures().map(|event| event.at).min().expect("there is one");
        let figure = |place: &usize| {
            let (measure, hours) = METRICS[*place];
            let until = hours.map_or(usize::MAX, |hours| start + hours);
            let counted = of_member().filter(|event| event.at >= start && event.at <= until);
            let counted: Vec<&&Event> =
                counted.filter(|event| event.bought.is_none() == (measure == "count(visit)")).collect();
            let bought = counted.iter().filter_map(|event| event.bought);
            let figure = match measure {
                "people(purchase)" => i64::from(!counted.is_empty()),
                "sum(purchase.amount)" => bought.map(|(cents, _)| cents).sum(),
                "sum(purchase.items)" => bought.filter_map(|(_, items)| items).sum(),
                _ => i64::try_from(counted.len()).expect("it is small"),
            };
            let has_items = counted.iter().any(|event| event.bought.is_some_and(|(_, items)| items.is_some()));
            let is_about_them = if measure == "sum(purchase.items)" { has_items } else { !counted.is_empty() };
            // Who did nothing that counts is told from who did something that adds up to nothing.
            is_about_them.then_some(figure)
        };
        people.entry(variant).or_default().push(asked.metrics.iter().map(figure).collect());
    }
    (rows(&people, asked), several)
}

fn rows(people: &BTreeMap<&str, Vec<Vec<Option<i64>>>>, asked: &Asked) -> Json {
    let is_money = |place: usize| METRICS[place].0.contains("amount");
    let mut rows: Vec<(Vec<Json>, bool)> = Vec::new();
    for (variant, figures) in people.iter().filter(|(_, figures)| figures.len() >= 2) {
        for (column, place) in asked.metrics.iter().enumerate() {
            let own: Vec<i64> = figures.iter().filter_map(|figures| figures[column]).collect();
            let mut row = vec![json!(variant), json!(format!("m{place}")), json!(figures.len())];
            let (sum, squares): (i64, i64) = (own.iter().sum(), own.iter().map(|own| own * own).sum());
            let unit = if is_money(*place) { 100.0 } else { 1.0 };
            match own.len() {
                0 | 1 => row.extend([Json::Null, Json::Null, Json::Null]),
                _ => row.extend([
                    json!(sum as f64 / unit / figures.len() as f64),
                    if is_money(*place) { decimal(sum) } else { json!(sum) },
                    json!(squares as f64 / (unit * unit)),
                ]),
            }
            rows.push((row, own.len() < 2));
        }
    }
    if people.values().any(|figures| figures.len() < 2) {
        let nothing = std::iter::repeat_n(Json::Null, 5);
        rows.push(([json!("(withheld)")].into_iter().chain(nothing).collect(), true));
    }
    let any = rows.iter().any(|(_, is_withheld)| *is_withheld);
    let mark = |(mut row, is_withheld): (Vec<Json>, bool)| {
        row.extend(any.then_some(json!(is_withheld)));
        Json::from(row)
    };
    rows.into_iter().map(mark).collect()
}

/// Cents as the answer writes an amount.
fn decimal(cents: i64) -> Json {
    let value = rust_decimal::Decimal::new(cents, 2);
    serde_json::to_value(spec::Value::Decimal(value)).expect("a cell is plain data")
}
