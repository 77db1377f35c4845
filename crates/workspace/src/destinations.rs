//! Destinations: where lists of people can go, what for, and how long they may be.

use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::Node;
use crate::rules::check_known;
use spec::Destination;

/// People of a list.
const PEOPLE: (u32, u32) = (1, 1_000_000_000);

/// Reads a destination; `None` if it has errors.
pub(crate) fn read_destination(
    name: &str,
    node: &Node,
    purposes: &[&str],
    problems: &mut Problems,
) -> Option<Destination> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a destination", problems)?;
    let title = fields.text("title", "say what people call it, as in `title: Newsletter`", problems);
    let description = fields.text_or_empty("description", problems);
    let mut allowed = Vec::new();
    for (purpose, place) in fields.texts("purposes", problems) {
        check_known(purpose, place, "purpose", purposes, problems);
        allowed.push(purpose.to_owned());
    }
    let people_min = fields.whole("people_min", PEOPLE, problems).unwrap_or(1);
    let people_max = fields.whole("people_max", PEOPLE, problems);
    if people_max.is_some_and(|most| most < people_min) {
        let hint = "make `people_max` at least as large as `people_min`";
        problems.add(&node.place, "no list is as long as this destination wants it".to_owned(), hint.to_owned());
    }
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    let title = title?.to_owned();
    Some(Destination { name: name.to_owned(), title, description, purposes: allowed, people_min, people_max })
}
