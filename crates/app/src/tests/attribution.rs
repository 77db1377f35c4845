//! Attribution beside an oracle that does it the long way: random small histories, every model, conversion by conversion.
//!
//! The oracle walks a Markov chain step by step, once more for each channel without it, and weighs every coalition of a
//! Shapley value. Its sums are plain doubles; so figures agree to 1e-9.

use super::questions::Dice;
use super::world::{Setup, World};
use api::Input;
use serde_json::{Value as Json, json};
use spec::{Answer, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const MODELS: [&str; 7] = ["first", "last", "linear", "position", "time_decay", "markov", "shapley"];
const STORES: [Option<&str>; 5] = [None, Some("E"), Some("N"), Some("S"), Some("(none)")];
const MEMBERS: [&str; 14] = ["a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2", "c3", "c4", "x1", "x2"];
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The people that a cell is at least about.
const MIN_GROUP: usize = 2;

/// Null comes last, as in answers.
type Channel = (bool, String);

/// An event in May; times are seconds since its start.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    member: &'static str,
    name: &'static str,
    at: i64,
    store: Option<&'static str>,
    amount: Option<u32>,
    weight: Option<f64>,
}

/// What is asked.
struct Asked {
    model: &'static str,
    conversion: &'static str,
    touch: &'static str,
    value: Option<&'static str>,
    lookback: i64,
    half_life: i64,
    reset: bool,
    /// Days of May, the end exclusive.
    period: (i64, i64),
}

#[test]
fn every_model_gives_what_the_long_way_gives() {
    for seed in 0..4 {
        let mut dice = Dice::new(seed);
        let events = events(&mut dice);
        let world = setup(&events, 1).open();
        // The same facts in three files: where parts end must not show in any bit.
        let split = setup(&events, 3).open();
        for round in 0..70 {
            let asked = asked(&mut dice, MODELS[round % MODELS.len()]);
            let case = format!("seed {seed}: {}", question(&asked));
            let answer = answer(&world, &asked);
            // People have other numbers there, and sums of doubles depend on the order of people.
            if asked.value != Some("weight") {
                assert_eq!(answer.rows, self::answer(&split, &asked).rows, "{case}");
            }
            let (found, expected) = (figures(&answer), oracle(&events, &asked));
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{case}");
            for (channel, (conversions, value)) in &expected {
                assert_near(found[channel].0, *conversions, &format!("{case}\nconversions of {channel:?}"));
                assert_near(found[channel].1, *value, &format!("{case}\nvalue of {channel:?}"));
            }
        }
    }
}

fn assert_near(found: Option<f64>, expected: Option<f64>, case: &str) {
    let near = match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3),
        (found, expected) => found == expected,
    };
    assert!(near, "{case}: {found:?}, the long way {expected:?}");
}

/// Few instants, so that many are the same.
fn events(dice: &mut Dice) -> Vec<Event> {
    let mut events = Vec::new();
    for member in MEMBERS {
        for _ in 0..dice.below(9) {
            let is_purchase = dice.chance(40);
            events.push(Event {
                member,
                name: if is_purchase { "purchase" } else { "visit" },
                at: DAY * dice.below(16) as i64 + HOUR * dice.pick(&[0, 0, 12]),
                store: dice.pick(&STORES),
                amount: (is_purchase && dice.chance(80)).then(|| dice.below(10_000) as u32),
                weight: (is_purchase && dice.chance(80)).then(|| dice.below(100) as f64 / 7.0),
            });
        }
    }
    events
}

fn setup(events: &[Event], n_files: usize) -> Setup {
    let mut setup = Setup::shop();
    setup.files.retain(|path, _| !path.contains("hotline"));
    setup.data.retain(|data| !["visit.csv", "purchase.csv", "refund.csv"].contains(&data.file_name.as_str()));
    for name in ["visit", "purchase"] {
        for file in 0..n_files {
            let mut text = String::new();
            for (index, event) in
                events.iter().enumerate().filter(|(index, event)| event.name == name && index % n_files == file)
            {
                let mut record = json!({ "member": event.member, "at": time(event.at), "store": event.store });
                if name == "purchase" {
                    let amount = event.amount.map(|cents| format!("{}.{:02}", cents / 100, cents % 100));
                    let more = json!({ "id": format!("r{index}"), "amount": amount, "weight": event.weight });
                    let more = more.as_object().expect("it is one").clone();
                    record.as_object_mut().expect("it is one").extend(more);
                } else {
                    record["page"] = format!("{index}").into();
                }
                writeln!(text, "{record}").expect("writing to a string cannot fail");
            }
            setup.add("shop", &format!("{name}-{file}.ndjson"), text);
        }
    }
    setup
}

fn time(at: i64) -> String {
    format!("2024-05-{:02}T{:02}:00:00Z", 1 + at / DAY, at % DAY / HOUR)
}

fn asked(dice: &mut Dice, model: &'static str) -> Asked {
    let from = dice.below(8) as i64;
    Asked {
        model,
        conversion: dice.pick(&["purchase", "purchase", "*"]),
        touch: dice.pick(&["visit", "visit", "purchase", "*"]),
        value: dice.pick(&[None, Some("amount"), Some("weight")]),
        lookback: DAY * dice.pick(&[1, 3, 30]),
        half_life: DAY * dice.pick(&[1, 7]),
        reset: dice.chance(50),
        period: (from, from + 1 + dice.below(14) as i64),
    }
}

fn question(asked: &Asked) -> Json {
    let day = |day: i64| time(day * DAY)[..10].to_owned();
    let mut question = json!({
        "kind": "attribution", "purpose": "analytics", "conversion": asked.conversion, "touch": asked.touch,
        "channel": "store", "model": asked.model, "lookback": format!("{} seconds", asked.lookback),
        "reset": asked.reset, "period": { "from": day(asked.period.0), "to": day(asked.period.1) },
    });
    if let Some(value) = asked.value {
        question["value"] = value.into();
    }
    if asked.model == "time_decay" {
        question["half_life"] = format!("{} seconds", asked.half_life).into();
    }
    question
}

fn answer(world: &World, asked: &Asked) -> Answer {
    match world.ask("marketer", &question(asked)) {
        Ok(Input::Good(api::Asked { answer: Some(answer), .. })) => answer,
        other => panic!("{}: {other:?}", question(asked)),
    }
}

type Figures = BTreeMap<Channel, (Option<f64>, Option<f64>)>;

const NO_TOUCH: &str = "no touch";
const WITHHELD: &str = "withheld";

/// The rows of an answer, of which the last are about no channel.
fn figures(answer: &Answer) -> Figures {
    let number = |value: &Value| if let Value::Number(value) = value { Some(*value) } else { None };
    let mut figures = Figures::new();
    let mut rows: Vec<&Vec<Value>> = answer.rows.iter().collect();
    let is = |row: Option<&&Vec<Value>>, text: &str| row.is_some_and(|row| row[0] == Value::Text(text.to_owned()));
    if is(rows.last(), "(withheld)") {
        rows.pop();
        figures.insert((true, WITHHELD.to_owned()), (None, None));
    }
    assert!(is(rows.last(), "(none)"), "{rows:?}");
    let last = rows.pop().expect("there is one");
    figures.insert((true, NO_TOUCH.to_owned()), (number(&last[1]), number(&last[2])));
    assert!(rows.is_sorted_by(|one, other| one[0].compare_for_rows(&other[0]).is_lt()), "{rows:?}");
    for row in rows {
        figures.insert((row[0] == Value::Null, row[0].to_string()), (number(&row[1]), number(&row[2])));
    }
    figures
}

/// A conversion with the channels of its touches, or touches that led to none.
struct Path {
    member: &'static str,
    channels: Vec<Channel>,
    /// How much of it each touch gets; nothing for the models of whole paths.
    shares: Vec<f64>,
    /// The value of the conversion, if there is one and it has one.
    converted: Option<Option<f64>>,
}

fn oracle(events: &[Event], asked: &Asked) -> Figures {
    let paths = paths(events, asked);
    let mut people: BTreeMap<Channel, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    let mut sums: BTreeMap<Channel, (f64, f64)> = BTreeMap::new();
    let none = (true, NO_TOUCH.to_owned());
    for path in &paths {
        let Some(value) = path.converted else { continue };
        let given: Vec<(Channel, f64)> = match path.channels.is_empty() {
            true => vec![(none.clone(), 1.0)],
            false => path.channels.iter().cloned().zip(path.shares.iter().copied()).collect(),
        };
        for (channel, share) in given.into_iter().filter(|(_, share)| *share > 0.0) {
            let (all, valued) = people.entry(channel.clone()).or_default();
            all.insert(path.member);
            valued.extend(value.map(|_| path.member));
            let sum = sums.entry(channel).or_default();
            sum.0 += share;
            sum.1 += share * value.unwrap_or(0.0);
        }
    }
    match asked.model {
        "markov" => by_removal(&paths, &mut sums, &none),
        "shapley" => by_coalition(&paths, &mut sums, &none),
        _ => {}
    }
    let mut figures = Figures::from([(none.clone(), (None, None))]);
    for (channel, (conversions, value)) in sums {
        let (all, valued) = people.remove(&channel).unwrap_or_default();
        if all.len() >= MIN_GROUP {
            let value = asked.value.filter(|_| valued.len() >= MIN_GROUP).map(|_| value);
            figures.insert(channel, (Some(conversions), value));
        } else if channel != none && (!all.is_empty() || conversions > 1e-12) {
            figures.insert((true, WITHHELD.to_owned()), (None, None));
        }
    }
    figures
}

fn paths(events: &[Event], asked: &Asked) -> Vec<Path> {
    let is = |event: &Event, name: &str| name == "*" || event.name == name;
    let (from, to) = (asked.period.0 * DAY, asked.period.1 * DAY);
    let by_paths = ["markov", "shapley"].contains(&asked.model);
    let mut paths = Vec::new();
    for member in MEMBERS {
        let own: Vec<&Event> = events.iter().filter(|event| event.member == member).collect();
        let mut touches: Vec<&Event> = own.iter().copied().filter(|event| is(event, asked.touch)).collect();
        touches.sort_by_key(|event| (event.at, channel(event)));
        let conversions: Vec<&Event> = own.iter().copied().filter(|event| is(event, asked.conversion)).collect();
        let before = |at: i64| conversions.iter().map(|event| event.at).filter(|other| *other < at).max();
        for conversion in conversions.iter().filter(|event| (from..to).contains(&event.at)) {
            let is_in = |touch: &&&Event| {
                let is_recent = touch.at <= conversion.at && touch.at >= conversion.at - asked.lookback;
                let is_new = before(conversion.at).is_none_or(|before| touch.at > before);
                is_recent && (is_new || !(asked.reset || by_paths)) && !std::ptr::eq(**touch, *conversion)
            };
            let path: Vec<&Event> = touches.iter().filter(is_in).copied().collect();
            let value = match asked.value {
                Some("amount") => conversion.amount.map(|cents| f64::from(cents) / 100.0),
                Some(_) => conversion.weight,
                None => None,
            };
            paths.push(Path {
                member,
                channels: path.iter().map(|touch| channel(touch)).collect(),
                shares: shares(&path, asked),
                converted: Some(value),
            });
        }
        // What comes after one conversion (or none) and long before the next (or none) led to nothing.
        let mut ends: Vec<i64> = conversions.iter().map(|event| event.at).filter(|at| *at < to).collect();
        ends.push(i64::MAX);
        ends.sort_unstable();
        ends.dedup();
        for end in ends {
            let until = if end == i64::MAX { to } else { end - asked.lookback };
            let start = conversions.iter().map(|event| event.at).filter(|at| *at < end && *at < to).max();
            let is_in = |touch: &&&Event| {
                touch.at >= from && touch.at < to && touch.at < until && start.is_none_or(|start| touch.at > start)
            };
            let channels: Vec<Channel> = touches.iter().filter(is_in).map(|touch| channel(touch)).collect();
            if !channels.is_empty() {
                paths.push(Path { member, channels, shares: Vec::new(), converted: None });
            }
        }
    }
    paths
}

fn channel(event: &Event) -> Channel {
    (event.store.is_none(), event.store.unwrap_or_default().to_owned())
}

fn shares(path: &[&Event], asked: &Asked) -> Vec<f64> {
    let n = path.len();
    let share = |place: usize| match asked.model {
        "first" => f64::from(u8::from(place == 0)),
        "last" => f64::from(u8::from(place + 1 == n)),
        "position" if n > 2 && (place == 0 || place + 1 == n) => 0.4,
        "position" if n > 2 => 0.2 / (n - 2) as f64,
        "time_decay" => {
            let weight = |touch: &Event| 0.5_f64.powf((path[n - 1].at - touch.at) as f64 / asked.half_life as f64);
            weight(path[place]) / path.iter().map(|touch| weight(touch)).sum::<f64>()
        }
        _ => 1.0 / n as f64,
    };
    (0..n).map(share).collect()
}

/// Shares what converted with touches by how much less converts without each channel.
fn by_removal(paths: &[Path], sums: &mut BTreeMap<Channel, (f64, f64)>, none: &Channel) {
    let total = total(sums, none);
    // In a chain a channel has a share also where nobody converted on a path with it.
    for channel in paths.iter().flat_map(|path| &path.channels) {
        sums.entry(channel.clone()).or_default();
    }
    let all = converted(paths, None);
    let channels: Vec<Channel> = sums.keys().filter(|channel| *channel != none).cloned().collect();
    let effects: Vec<f64> = channels
        .iter()
        .map(|channel| if all > 0.0 { 1.0 - converted(paths, Some(channel)) / all } else { 0.0 })
        .collect();
    let sum: f64 = effects.iter().sum();
    for (channel, effect) in channels.into_iter().zip(effects) {
        sums.insert(channel, {
            let share = if sum > 0.0 { effect / sum } else { 0.0 };
            (total.0 * share, total.1 * share)
        });
    }
}

fn total(sums: &BTreeMap<Channel, (f64, f64)>, none: &Channel) -> (f64, f64) {
    let touched = sums.iter().filter(|(channel, _)| *channel != none).map(|(_, sum)| sum);
    touched.fold((0.0, 0.0), |total, sum| (total.0 + sum.0, total.1 + sum.1))
}

/// The chance that a path converts, when one channel leads nowhere.
fn converted(paths: &[Path], without: Option<&Channel>) -> f64 {
    // Where to, how often, from each place; the start and both ends are places too.
    let mut counts: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    let names: BTreeMap<&Channel, String> =
        paths.iter().flat_map(|path| &path.channels).map(|channel| (channel, format!("{channel:?}"))).collect();
    for path in paths.iter().filter(|path| !path.channels.is_empty()) {
        let mut places = vec!["start"];
        places.extend(path.channels.iter().map(|channel| names[channel].as_str()));
        places.push(if path.converted.is_some() { "converted" } else { "lost" });
        for step in places.windows(2) {
            *counts.entry(step[0]).or_default().entry(step[1]).or_default() += 1.0;
        }
    }
    let removed = without.map(|channel| names[channel].as_str());
    let (mut at, mut done) = (BTreeMap::from([("start", 1.0)]), 0.0);
    while at.values().sum::<f64>() > 1e-15 {
        let mut next: BTreeMap<&str, f64> = BTreeMap::new();
        for (place, chance) in at {
            let Some(counts) = counts.get(place) else { continue };
            let total: f64 = counts.values().sum();
            for (to, count) in counts {
                match *to {
                    "converted" => done += chance * count / total,
                    "lost" => {}
                    to if Some(to) == removed => {}
                    to => *next.entry(to).or_default() += chance * count / total,
                }
            }
        }
        at = next;
    }
    done
}

/// Shares what converted with touches by Shapley's formula: a coalition has what converts on paths inside it.
fn by_coalition(paths: &[Path], sums: &mut BTreeMap<Channel, (f64, f64)>, none: &Channel) {
    let channels: Vec<Channel> = sums.keys().filter(|channel| *channel != none).cloned().collect();
    let n = channels.len();
    let place = |channel: &Channel| channels.iter().position(|known| known == channel).expect("it has credit");
    let worth = |coalition: usize| {
        let mut worth = (0.0, 0.0);
        for path in paths.iter().filter(|path| !path.channels.is_empty()) {
            let Some(value) = path.converted else { continue };
            if path.channels.iter().all(|channel| coalition >> place(channel) & 1 == 1) {
                worth = (worth.0 + 1.0, worth.1 + value.unwrap_or(0.0));
            }
        }
        worth
    };
    let worths: Vec<(f64, f64)> = (0..1 << n).map(worth).collect();
    let factorial = |n: usize| (1..=n).map(|factor| factor as f64).product::<f64>();
    for (own, channel) in channels.iter().enumerate() {
        let mut sum = (0.0, 0.0);
        for coalition in (0..1_usize << n).filter(|coalition| coalition >> own & 1 == 0) {
            let size = coalition.count_ones() as usize;
            let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
            let (with, without) = (worths[coalition | 1 << own], worths[coalition]);
            sum = (sum.0 + weight * (with.0 - without.0), sum.1 + weight * (with.1 - without.1));
        }
        sums.insert(channel.clone(), sum);
    }
}
