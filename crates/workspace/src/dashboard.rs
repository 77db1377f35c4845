//! A dashboard as YAML or JSON -> `spec::Dashboard`, with everything that is wrong with it.
//!
//! A tile names a question or a metric that has a file. That the file may have errors is no error of the dashboard: its
//! other tiles still have answers.

use crate::diagnostic::{Place, Problems};
use crate::fields::{Fields, text_of};
use crate::node::Node;
use crate::rules::{check_known, word_of};
use serde_json::Value as Json;
use spec::{Dashboard, Diagnostic, Tile, TileSubject, TileWidth};

/// The most tiles: each is a question, and half of what one user may have under way at once.
pub(crate) const TILES_MAX: usize = 16;

/// What tiles can name: all that has a file, with errors or not.
pub struct Subjects<'a> {
    /// The saved questions.
    pub questions: Vec<&'a str>,
    /// The metrics.
    pub metrics: Vec<&'a str>,
}

/// Parses a dashboard; the path of a diagnostic is the JSON pointer of the value, under `pointer`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_dashboard(
    name: &str,
    json: &Json,
    pointer: &str,
    known: &Subjects<'_>,
) -> Result<Dashboard, Vec<Diagnostic>> {
    let mut problems = Problems::default();
    let node = Node::from_json(json, pointer, &mut problems);
    let dashboard = node.and_then(|node| read_dashboard(name, &node, known, &mut problems));
    dashboard.ok_or_else(|| problems.into_sorted())
}

/// Reads a dashboard; `None` exactly when it has problems.
pub(crate) fn read_dashboard(
    name: &str,
    node: &Node,
    known: &Subjects<'_>,
    problems: &mut Problems,
) -> Option<Dashboard> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a dashboard", problems)?;
    let title = fields.optional_text("title", problems).unwrap_or(name).to_owned();
    let description = fields.text_or_empty("description", problems);
    let nodes = fields.list("tiles", problems);
    if let Some(first_over) = nodes.get(TILES_MAX) {
        let message = format!("a dashboard has at most {TILES_MAX} tiles, and this one {}", nodes.len());
        problems.add(&first_over.place, message, "put the others on a dashboard of their own".into());
    }
    let mut tiles: Vec<Tile> = Vec::new();
    for node in nodes.iter().take(TILES_MAX) {
        let Some(tile) = read_tile(node, known, problems) else { continue };
        if tiles.iter().any(|other| other.subject == tile.subject) {
            let message = format!("{} stands on the dashboard twice", phrase(&tile.subject));
            problems.add(&node.place, message, "keep one of the two tiles".into());
        }
        tiles.push(tile);
    }
    fields.close(problems);
    (problems.count() == n_problems).then(|| Dashboard { name: name.to_owned(), title, description, tiles })
}

fn read_tile(node: &Node, known: &Subjects<'_>, problems: &mut Problems) -> Option<Tile> {
    let mut fields = Fields::open(node, "a tile", problems)?;
    let question = fields.optional("question");
    let metric = fields.optional("metric");
    let subject = match (question, metric) {
        (Some(node), None) => {
            known_name(node, "question", &known.questions, problems).map(|name| TileSubject::Question(name.to_owned()))
        }
        (None, Some(node)) => {
            known_name(node, "metric", &known.metrics, problems).map(|name| TileSubject::Metric(name.to_owned()))
        }
        (None, None) => {
            let hint = "write `question: NAME` or `metric: NAME`";
            problems.add(fields.place(), "a tile shows a question or a metric".into(), hint.into());
            None
        }
        (Some(_), Some(other)) => {
            let hint = "make two tiles of it";
            problems.add(&other.place, "a tile shows a question or a metric, not both".into(), hint.into());
            None
        }
    };
    let title = fields.optional_text("title", problems).map(str::to_owned);
    let width = match fields.optional("width") {
        None => Some(TileWidth::Half),
        Some(node) => text_of(node, "width", problems).and_then(|word| read_width(word, &node.place, problems)),
    };
    fields.close(problems);
    Some(Tile { subject: subject?, title, width: width? })
}

fn read_width(word: &str, place: &Place, problems: &mut Problems) -> Option<TileWidth> {
    let widths = [TileWidth::Half, TileWidth::Full].map(|width| (width.name(), width));
    word_of(word, place, "a width", &widths, problems)
}

/// The name in a node; whether it is known is checked, and said.
fn known_name<'a>(node: &'a Node, what: &str, known: &[&str], problems: &mut Problems) -> Option<&'a str> {
    let name = text_of(node, what, problems)?;
    check_known(name, &node.place, what, known, problems);
    Some(name)
}

fn phrase(subject: &TileSubject) -> String {
    match subject {
        TileSubject::Question(name) => format!("the question `{name}`"),
        TileSubject::Metric(name) => format!("the metric `{name}`"),
    }
}
