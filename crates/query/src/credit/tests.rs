//! Sums, and the models on ten thousand published paths beside the figures that were published with them.

use super::tally::Sum;
use super::*;
use lake::Number;
use spec::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn equal_shares_add_up_to_the_whole() {
    let mut sum = Sum::default();
    for n in 1..=42 {
        (0..n).for_each(|_| sum.add(1, WHOLE / n));
    }
    assert_eq!(sum.number(0), 42.0);
}

#[test]
fn sums_are_exact_in_any_order_and_far_beyond_64_bits() {
    let large = 10_i128.pow(30) + 7;
    let numbers = [large, -large, 12_345, i128::from(i64::MAX), -i128::from(i64::MAX)];
    let mut one_by_one = Sum::default();
    let (mut left, mut right) = (Sum::default(), Sum::default());
    for round in 0..1_000_u64 {
        for number in numbers {
            one_by_one.add(number, WHOLE / 3);
            let half = if round % 2 == 0 { &mut left } else { &mut right };
            half.add(number, WHOLE / 3);
        }
    }
    right.merge(left);
    assert_eq!(one_by_one.number(2), 41_150.0);
    assert_eq!(right.number(2).to_bits(), one_by_one.number(2).to_bits());
}

/// So many times the same path, and how often it ended in a conversion, in how much value and in nothing.
struct Published {
    channels: Vec<String>,
    conversions: u64,
    value: f64,
    lost: u64,
}

#[test]
fn published_paths_give_the_published_figures() {
    let shared = std::env::var("ENTENTE_SHARED")
        .map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = shared.join("data/attribution_paths");
    let Some(paths) = published(&folder.join("pathdata.csv.gz")) else {
        println!("skipped: there are no published paths in {}", folder.display());
        return;
    };
    for (place, model) in [AttributionModel::First, AttributionModel::Last, AttributionModel::Linear].iter().enumerate()
    {
        let found = credited(model, &paths);
        for row in rows(&folder.join("reference_heuristics.csv")) {
            let (conversions, value) = found[&row[0]];
            assert_near(conversions, &row[1 + 2 * place], &row[0]);
            assert_near(value, &row[2 + 2 * place], &row[0]);
        }
    }
    let found = credited(&AttributionModel::Markov, &paths);
    for row in rows(&folder.join("reference_markov1_analytic.csv")) {
        assert_near(found[&row[0]].0, &row[2], &row[0]);
    }
}

fn assert_near(found: f64, expected: &str, channel: &str) {
    let expected: f64 = expected.parse().expect("a published figure is a number");
    assert!((found - expected).abs() <= 1e-9 * expected, "{channel}: {found}, published {expected}");
}

/// Conversions and value of each channel.
fn credited(model: &AttributionModel, paths: &[Published]) -> BTreeMap<String, (f64, f64)> {
    let mut credits = Credits::new(model, 10_000);
    for path in paths {
        let touch = |(at, name): (usize, &String)| Touch {
            at: at as i64,
            row: at,
            channel: credits.channel(Key(vec![Value::Text(name.clone())])).expect("there are few channels"),
        };
        let touches: Vec<Touch> = path.channels.iter().enumerate().map(touch).collect();
        let value = Number::Double(path.value / path.conversions.max(1) as f64);
        for person in 0..path.conversions {
            credits.convert(Conversion { person: person as i64, value: Some(value) }, &touches);
        }
        (0..path.lost).for_each(|_| credits.lose(&touches));
    }
    let (found, untouched) = credits.figures(0);
    assert_eq!(untouched.people, 0, "every path has touches");
    found.into_iter().map(|(key, figures)| (key.0[0].to_string(), (figures.conversions, figures.value))).collect()
}

fn published(path: &Path) -> Option<Vec<Published>> {
    let unpacked = Command::new("gzip").arg("-dc").arg(path).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(unpacked.stdout).expect("paths are text");
    let read = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [path, conversions, value, lost] = cells[..] else { panic!("`{line}` is no path") };
        let whole = |text: &str| text.parse().expect("a count is a whole number");
        Published {
            channels: path.split(" > ").map(str::to_owned).collect(),
            conversions: whole(conversions),
            value: value.parse().expect("a value is a number"),
            lost: whole(lost),
        }
    };
    Some(text.lines().skip(1).map(read).collect())
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("the figures lie beside the paths");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}
