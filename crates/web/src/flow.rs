//! Paths as a picture: columns of what people did, and ribbons as wide as the people who went on from one to the next.
//!
//! Laid out here as SVG in pixels, so that it needs no script and its words keep their size; where a page is narrower, it
//! scrolls. Ways that are withheld are not drawn.

use crate::chart::{Setting, number, past};
use crate::paths::{OTHER, end, figure, names, way};
use crate::words;
use serde::Serialize;
use spec::Value;
use std::collections::BTreeMap;

/// The most common ways are drawn, the rest as others; the table has them.
const PATHS_DRAWN: usize = 20;
const COLUMN: f64 = 152.0;
const BAR: f64 = 10.0;
/// Height of everybody in the widest column, of a word under its bar, and the space to the next one.
const HEIGHT: f64 = 260.0;
const WORDS: f64 = 34.0;
const SPACE: f64 = 8.0;
/// Letters that have room in a column.
const LETTERS_MAX: usize = 18;

/// The picture.
#[derive(Serialize)]
pub(crate) struct Flow {
    width: f64,
    height: f64,
    nodes: Vec<Node>,
    ribbons: Vec<Ribbon>,
}

/// What people did at one place of their way.
#[derive(Serialize)]
struct Node {
    x: f64,
    y: f64,
    height: f64,
    /// Where its words stand.
    text_y: f64,
    label: String,
    figure: String,
    /// The whole, for who points at it.
    note: String,
    is_rest: bool,
}

/// Those who went from one place to the next.
#[derive(Serialize)]
struct Ribbon {
    d: String,
    note: String,
    is_rest: bool,
}

/// A place on the way: its column and the name of the event.
type Place = (usize, String);

/// The ways of an answer, with the event that they start from or lead to in its column.
struct Ways {
    n_columns: usize,
    /// People at each place.
    people: BTreeMap<Place, f64>,
    /// People who went on from a place to one in the next column.
    steps: BTreeMap<(Place, Place), f64>,
}

/// Draws the ways of an answer; nothing where none may be shown.
pub(crate) fn flow(rows: &[Vec<Value>], setting: &Setting<'_>) -> Option<Flow> {
    let ways = Ways::read(rows, setting);
    let most = (0..ways.n_columns).map(|column| ways.column(column).iter().map(|(_, people)| people).sum::<f64>());
    let scale = HEIGHT / most.fold(0.0, f64::max);
    if ways.people.is_empty() || !scale.is_finite() {
        return None;
    }
    let mut nodes: BTreeMap<Place, Node> = BTreeMap::new();
    let mut height: f64 = 0.0;
    for column in 0..ways.n_columns {
        let mut y = 0.0;
        for (name, people) in ways.column(column) {
            let bar = (people * scale).max(2.0);
            let node = node((column as f64 * COLUMN, y), bar, &name, people, setting);
            y = node.y + bar.max(WORDS) + SPACE;
            nodes.insert((column, name), node);
        }
        height = height.max(y);
    }
    let ribbons = ribbons(&ways, &nodes, scale, setting);
    let mut nodes: Vec<Node> = nodes.into_values().collect();
    nodes.sort_by(|one, other| one.x.total_cmp(&other.x).then_with(|| one.y.total_cmp(&other.y)));
    Some(Flow { width: ways.n_columns as f64 * COLUMN, height, nodes, ribbons })
}

impl Ways {
    fn read(rows: &[Vec<Value>], setting: &Setting<'_>) -> Ways {
        let (is_backwards, end) = (way(setting.question) == "to", end(setting.question).to_owned());
        let drawn = rows.iter().enumerate().filter_map(|(place, row)| {
            let names = if place < PATHS_DRAWN { names(row)? } else { vec![OTHER.to_owned()] };
            number(&row[1]).map(|people| (names, people))
        });
        let drawn: Vec<(Vec<String>, f64)> = drawn.collect();
        let n_steps = drawn.iter().map(|(names, _)| names.len()).max().unwrap_or(0);
        let mut ways = Ways { n_columns: n_steps + 1, people: BTreeMap::new(), steps: BTreeMap::new() };
        for (names, people) in drawn {
            // What leads to an event ends in its column, so that shorter ways begin later.
            let mut way: Vec<Place> = if is_backwards {
                let first = n_steps - names.len();
                names.into_iter().enumerate().map(|(n, name)| (first + n, name)).collect()
            } else {
                names.into_iter().enumerate().map(|(n, name)| (n + 1, name)).collect()
            };
            let at = if is_backwards { way.len() } else { 0 };
            way.insert(at, (if is_backwards { n_steps } else { 0 }, end.clone()));
            for pair in way.windows(2) {
                *ways.steps.entry((pair[0].clone(), pair[1].clone())).or_default() += people;
            }
            for place in way {
                *ways.people.entry(place).or_default() += people;
            }
        }
        ways
    }

    /// What people did in a column, the most common first, the rest last.
    fn column(&self, column: usize) -> Vec<(String, f64)> {
        let here = self.people.iter().filter(|((at, _), _)| *at == column);
        let mut here: Vec<(String, f64)> = here.map(|((_, name), people)| (name.clone(), *people)).collect();
        here.sort_by(|one, other| (one.0 == OTHER).cmp(&(other.0 == OTHER)).then_with(|| other.1.total_cmp(&one.1)));
        here
    }
}

/// What a place is called.
fn title(name: &str, setting: &Setting<'_>) -> String {
    match name {
        "*" => "Did anything".to_owned(),
        OTHER => "Other ways".to_owned(),
        name => words::capital(&past(name, setting)),
    }
}

fn node((x, y): (f64, f64), height: f64, name: &str, people: f64, setting: &Setting<'_>) -> Node {
    let title = title(name, setting);
    let label = if title.chars().count() > LETTERS_MAX {
        format!("{}…", title.chars().take(LETTERS_MAX - 1).collect::<String>().trim_end())
    } else {
        title.clone()
    };
    let figure = figure(people);
    let note = format!("{title}: {figure} people");
    let text_y = y + 13.0;
    Node { x, y, height, text_y, label, figure, note, is_rest: name == OTHER }
}

/// The ribbons between bars, each under the one before at both of its ends.
fn ribbons(ways: &Ways, nodes: &BTreeMap<Place, Node>, scale: f64, setting: &Setting<'_>) -> Vec<Ribbon> {
    let mut steps: Vec<(&(Place, Place), f64)> = ways.steps.iter().map(|(step, people)| (step, *people)).collect();
    let top = |place: &Place| nodes.get(place).map_or(0.0, |node| node.y);
    steps.sort_by(|((from, to), _), ((other_from, other_to), _)| {
        let columns = from.0.cmp(&other_from.0);
        columns.then_with(|| top(from).total_cmp(&top(other_from))).then_with(|| top(to).total_cmp(&top(other_to)))
    });
    let (mut left, mut right): (BTreeMap<&Place, f64>, BTreeMap<&Place, f64>) = (BTreeMap::new(), BTreeMap::new());
    let mut ribbons = Vec::with_capacity(steps.len());
    for ((from, to), people) in steps {
        let height = people * scale;
        let y_left = advance(left.entry(from).or_insert_with(|| top(from)), height);
        let y_right = advance(right.entry(to).or_insert_with(|| top(to)), height);
        let note = format!("{}, then {}: {} people", title(&from.1, setting), title(&to.1, setting), figure(people));
        let d = ribbon((from.0 as f64 * COLUMN + BAR, y_left), (to.0 as f64 * COLUMN, y_right), height);
        ribbons.push(Ribbon { d, note, is_rest: to.1 == OTHER });
    }
    ribbons
}

/// Moves a place on and gives where it was.
fn advance(y: &mut f64, height: f64) -> f64 {
    *y += height;
    *y - height
}

/// A band of this height from one point to another, flat at both ends.
fn ribbon((x, y): (f64, f64), (to_x, to_y): (f64, f64), height: f64) -> String {
    let middle = (x + to_x) / 2.0;
    let (bottom, to_bottom) = (y + height, to_y + height);
    format!(
        "M{x:.1} {y:.1}C{middle:.1} {y:.1} {middle:.1} {to_y:.1} {to_x:.1} {to_y:.1}V{to_bottom:.1}C{middle:.1} \
         {to_bottom:.1} {middle:.1} {bottom:.1} {x:.1} {bottom:.1}Z"
    )
}
