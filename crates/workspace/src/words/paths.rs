//! Paths as one plain sentence.

use super::clause::Speaker;
use super::say::period_words;
use spec::{EventSelector, PathsEnd, PathsQuestion};

impl Speaker<'_> {
    pub(super) fn paths(&self, paths: &PathsQuestion, purpose: &str) -> String {
        let step = paths.end.step();
        let filter = paths.filter.as_ref();
        let filter = filter.map(|filter| format!(", where {}", self.event_clause(filter, Some(&EventSelector::Any))));
        let period = period_words(paths.period.as_ref(), paths.as_of);
        let period = if period.is_empty() { period } else { format!(",{period}") };
        let (did, filter) = (self.step(step), filter.unwrap_or_default());
        let n_steps = if paths.steps == 1 { "step".to_owned() } else { format!("{} steps", paths.steps) };
        let repeats = if paths.collapse { ", repeats as one" } else { "" };
        let (what, when) = match paths.end {
            PathsEnd::From(_) => ("What do people do", "after they first"),
            PathsEnd::To(_) => ("What did people do", "before they last"),
        };
        format!("{what} in the {n_steps} {when} {did}{repeats}{filter}{period}, for {purpose}?")
    }
}
