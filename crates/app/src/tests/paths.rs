//! Paths against a search by the book: every event of everybody in a list, sorted, cut, counted.

use super::questions::Dice;
use super::world::{Setup, World};
use api::Input;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write;

const WORLDS: u64 = 4;
const QUESTIONS: usize = 60;
const EVENTS: [&str; 3] = ["visit", "purchase", "refund"];
const MEMBERS: [&str; 14] = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2", "c3", "c4", "x1", "x2"];

/// What somebody did; times are hours after the start of May.
struct Event {
    member: &'static str,
    at: usize,
    name: &'static str,
    store: Option<&'static str>,
}

#[test]
fn paths_are_those_of_the_book() {
    for seed in 0..WORLDS {
        let mut dice = Dice::new(seed);
        let min_group = 2 + dice.below(2);
        let events = history(&mut dice);
        let world = world(&events, min_group);
        for _ in 0..QUESTIONS {
            let question = question(&mut dice);
            let Ok(Input::Good(asked)) = world.ask("marketer", &question) else { panic!("seed {seed}: {question}") };
            let rows = asked.answer.expect("paths may be asked here").rows;
            let found = serde_json::to_value(rows).expect("cells are plain data");
            assert_eq!(found, expected(&events, &question, min_group), "seed {seed}: {question}");
        }
    }
}

/// Few instants, so that many events share one.
fn history(dice: &mut Dice) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for member in MEMBERS {
        for _ in 0..dice.below(9) {
            let name = dice.pick(&EVENTS);
            let store = if name == "refund" { None } else { dice.pick(&[Some("N"), Some("S"), None]) };
            let event = Event { member, at: dice.below(8) * 12, name, store };
            // What is the same in every field is there once.
            let same = |known: &Event| (known.member, known.at, known.name) == (event.member, event.at, event.name);
            if !events.iter().any(|known| same(known) && known.store == event.store) {
                events.push(event);
            }
        }
    }
    events
}

fn world(events: &[Event], min_group: usize) -> World {
    let mut setup = Setup::shop();
    let purpose = setup.files.get_mut("purposes/analytics.yaml").expect("the shop has it");
    *purpose = purpose.replace("min_group: 2", &format!("min_group: {min_group}"));
    setup.files.remove("sources/hotline.yaml");
    setup.files.remove("contracts/hotline.odcs.yaml");
    for name in EVENTS {
        let mut text = match name {
            "refund" => "member,at\n".to_owned(),
            "purchase" => "member,at,store,id\n".to_owned(),
            _ => "member,at,store\n".to_owned(),
        };
        for (number, event) in events.iter().enumerate().filter(|(_, event)| event.name == name) {
            let at = format!("2024-05-{:02}T{:02}:00:00Z", 1 + event.at / 24, event.at % 24);
            let store = event.store.unwrap_or_default();
            let _ = match name {
                "refund" => writeln!(text, "{},{at}", event.member),
                "purchase" => writeln!(text, "{},{at},{store},r{number}", event.member),
                _ => writeln!(text, "{},{at},{store}", event.member),
            };
        }
        setup.add("shop", &format!("{name}.csv"), text);
    }
    setup.open()
}

fn question(dice: &mut Dice) -> Json {
    let event = dice.pick(&["visit", "purchase", "refund", "*"]);
    let is_narrow = event != "refund" && event != "*" && dice.chance(30);
    let end = if is_narrow { json!({ "event": event, "where": "event.store = 'S'" }) } else { event.into() };
    let (from, to) = (1 + dice.below(3), 1 + dice.below(3));
    let mut question = json!({
        "kind": "paths", "purpose": "analytics", "steps": 1 + dice.below(5), "top": 1 + dice.below(6),
        "collapse": dice.chance(40),
        "period": { "from": format!("2024-05-0{from}"), "to": format!("2024-05-0{}", from + to) },
    });
    question[dice.pick(&["from", "to"])] = end;
    if dice.chance(30) {
        question["where"] = dice.pick(&["event.store = 'N'", "NOT event.store = 'N'"]).into();
    }
    question
}

/// The rows of the answer.
fn expected(events: &[Event], question: &Json, min_group: usize) -> Json {
    let mut people: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for member in MEMBERS {
        let own: Vec<&Event> = events.iter().filter(|event| event.member == member).collect();
        if let Some(path) = path(own, question) {
            *people.entry(path).or_default() += 1;
        }
    }
    let (mut named, small): (Vec<_>, Vec<_>) = people.into_iter().partition(|(_, n_people)| *n_people >= min_group);
    named.sort_by_key(|(_, n_people)| std::cmp::Reverse(*n_people));
    let top = usize::try_from(question["top"].as_u64().expect("it is written")).expect("it is small");
    let others: usize = named.iter().skip(top).map(|(_, n_people)| n_people).sum();
    let mut rows: Vec<Json> = named.iter().take(top).map(|(path, n_people)| json!([path, n_people])).collect();
    if others > 0 {
        rows.push(json!([["(other)"], others]));
    }
    if !small.is_empty() {
        rows.iter_mut().for_each(|row| row.as_array_mut().expect("a row is a list").push(false.into()));
        rows.push(json!([["(withheld)"], null, true]));
    }
    rows.into()
}

/// The path of somebody with these events.
fn path<'e>(mut own: Vec<&'e Event>, question: &Json) -> Option<Vec<&'e str>> {
    own.retain(|event| match question["where"].as_str() {
        None => true,
        Some(text) => event.store == Some(if text.starts_with("NOT") { "S" } else { "N" }),
    });
    own.sort_by_key(|event| (event.at, event.name));
    let backwards = question.get("to").is_some();
    let end = &question[if backwards { "to" } else { "from" }];
    let (name, is_narrow) = (end.as_str().or(end["event"].as_str()).expect("it is written"), end.is_object());
    let day = |key: &str| question["period"][key].as_str().and_then(|day| day[8..].parse::<usize>().ok());
    let (first, last) = (day("from").expect("it is a day") - 1, day("to").expect("it is a day") - 1);
    let is_end = |event: &&Event| {
        (name == "*" || event.name == name)
            && (first * 24..last * 24).contains(&event.at)
            && (!is_narrow || event.store == Some("S"))
    };
    let mut ends = own.iter().copied().filter(is_end);
    let end = if backwards { ends.next_back()? } else { ends.next()? };
    // Of events of one name and instant, all others come after the end, or before it when it is looked for backwards.
    let key = (end.at, end.name);
    let beside =
        |event: &&&Event| if backwards { (event.at, event.name) <= key } else { (event.at, event.name) >= key };
    let others = own.iter().filter(beside).filter(|event| !std::ptr::eq(**event, end));
    let mut names: Vec<&str> = others.map(|event| event.name).collect();
    if question["collapse"] == true {
        names.dedup();
    }
    let n_steps = usize::try_from(question["steps"].as_u64().expect("it is written")).expect("it is small");
    if backwards {
        names.drain(..names.len().saturating_sub(n_steps));
    }
    names.truncate(n_steps);
    Some(names)
}
