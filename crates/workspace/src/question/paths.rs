//! Reading paths.

use super::{condition_of, read_as_of, read_period, read_step};
use crate::diagnostic::Problems;
use crate::fields::Fields;
use spec::{PathsEnd, PathsQuestion};

/// Events of a path, and how many there are if it is not said.
const STEPS: (u32, u32) = (1, 10);
const STEPS_USUAL: u32 = 5;
/// Paths that have a row of their own, and how many if it is not said.
const TOP: (u32, u32) = (1, 1_000);
const TOP_USUAL: u32 = 20;

pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<PathsQuestion> {
    let end = read_end(fields, problems);
    let steps = fields.whole("steps", STEPS, problems).unwrap_or(STEPS_USUAL);
    let collapse = fields.flag("collapse", problems);
    let top = fields.whole("top", TOP, problems).unwrap_or(TOP_USUAL);
    let period = read_period(fields, problems);
    let as_of = read_as_of(fields, problems);
    let filter = fields.optional("where").and_then(|node| condition_of(node, "where", problems));
    Some(PathsQuestion { end: end?, steps, collapse, top, period, as_of, filter })
}

fn read_end(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<PathsEnd> {
    let hint = "name the event they start from, as in `from: visit`, or the one they lead to, as in `to: purchase`";
    match (fields.optional("from"), fields.optional("to")) {
        (Some(from), None) => read_step(from, problems).map(PathsEnd::From),
        (None, Some(to)) => read_step(to, problems).map(PathsEnd::To),
        (Some(_), Some(to)) => {
            problems.add(&to.place, "paths have `from` or `to`, not both".into(), "leave one of them out".into());
            None
        }
        (None, None) => {
            problems.add(fields.place(), "paths need `from` or `to`".into(), hint.into());
            None
        }
    }
}
