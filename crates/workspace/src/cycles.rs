//! Which audiences are defined by themselves.

use spec::Condition;
use std::collections::{BTreeMap, BTreeSet};

/// The audiences that a condition names.
pub(crate) fn audiences_in(condition: &Condition) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(condition, &mut names);
    names
}

/// The names from which one comes back to the same name.
pub(crate) fn on_cycles(graph: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    graph.keys().filter(|name| reaches_itself(name, graph)).cloned().collect()
}

fn reaches_itself(start: &str, graph: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = vec![start];
    while let Some(name) = open.pop() {
        for next in graph.get(name).into_iter().flatten() {
            if next == start {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}

fn collect(condition: &Condition, names: &mut BTreeSet<String>) {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| collect(part, names)),
        Condition::Not(inner) => collect(inner, names),
        Condition::InAudience(name) => {
            names.insert(name.clone());
        }
        Condition::Compare { .. }
        | Condition::In { .. }
        | Condition::Like { .. }
        | Condition::IsNull(_)
        | Condition::Did(_) => {}
    }
}
