//! What rests on what, as pages show it on IT's face: things in groups, each leading to its own page.
//!
//! What rests on what is computed behind `Product::lineage`; here it gets addresses. Marketing's face asks for none of
//! it.

use crate::body::percent_encode;
use crate::problem::Problem;
use api::{LineageRequest, Principal, Product, ThingView};
use serde::Serialize;
use std::collections::BTreeMap;

/// Kinds of things by their words, with the glossary's word and the heading of a group.
pub(crate) const KIND_WORDS: [(&str, &str, &str); 11] = [
    ("dashboard", "dashboard", "Dashboards"),
    ("question", "saved question", "Saved questions"),
    ("audience", "audience", "Audiences"),
    ("metric", "metric", "Metrics"),
    ("event", "event", "Events"),
    ("property", "property", "Properties"),
    ("trait", "trait", "Traits"),
    ("source", "source", "Sources"),
    ("purpose", "purpose", "Purposes"),
    ("role", "role", "Roles"),
    ("destination", "destination", "Destinations"),
];

/// Things of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    /// Its heading, and the word of the glossary.
    title: &'static str,
    word: &'static str,
    links: Vec<Link>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Link {
    title: String,
    name: String,
    href: String,
}

/// The lineage of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    path: String,
    team: Option<String>,
    rests_on: Vec<Group>,
    used_by: Vec<Group>,
    /// How many things rest on it.
    n_users: usize,
}

/// The lineage of things of some kinds, or of the one of this name, by `KIND-NAME`; nothing on marketing's face.
pub(crate) fn lineage(
    product: &dyn Product,
    who: &Principal,
    is_it: bool,
    kinds: &[&str],
    name: Option<&str>,
) -> Result<BTreeMap<String, Shown>, Problem> {
    if !is_it {
        return Ok(BTreeMap::new());
    }
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let found = product.lineage(who, &LineageRequest { kinds, name: name.map(str::to_owned) })?;
    let shown = found.into_iter().map(|of| {
        let key = format!("{}-{}", of.thing.kind, of.thing.name);
        let n_users = of.used_by.len();
        let (rests_on, used_by) = (groups(&of.rests_on), groups(&of.used_by));
        (key, Shown { path: of.thing.path, team: of.team, rests_on, used_by, n_users })
    });
    Ok(shown.collect())
}

/// Things by their kinds, in the order of kinds.
pub(crate) fn groups(things: &[ThingView]) -> Vec<Group> {
    let group = |(kind, word, title): (&str, &'static str, &'static str)| {
        let of_kind = things.iter().filter(|thing| thing.kind == kind);
        let links: Vec<Link> = of_kind.map(link).collect();
        (!links.is_empty()).then_some(Group { title, word, links })
    };
    KIND_WORDS.into_iter().filter_map(group).collect()
}

fn link(thing: &ThingView) -> Link {
    Link { title: thing.title.clone(), name: thing.name.clone(), href: href(thing) }
}

/// Where IT's face of a thing is. Fields and rules have no page of their own and are found on that of their source, or
/// of the rules.
fn href(thing: &ThingView) -> String {
    let name = percent_encode(&thing.name);
    let source = percent_encode(thing.source.as_deref().unwrap_or_default());
    match thing.kind.as_str() {
        kind @ ("event" | "property" | "trait") => format!("/sources/{source}?face=it#{kind}-{name}"),
        kind @ ("purpose" | "role" | "destination") => format!("/rules?face=it#{kind}-{name}"),
        kind => format!("/{kind}s/{name}?face=it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_lead_to_their_pages_kind_by_kind() {
        let thing = |kind: &str, name: &str, source: Option<&str>| ThingView {
            kind: kind.to_owned(),
            name: name.to_owned(),
            title: name.to_uppercase(),
            path: String::new(),
            source: source.map(str::to_owned),
        };
        let things = [
            thing("purpose", "email", None),
            thing("property", "Order Paid.value", Some("web shop")),
            thing("metric", "sales", None),
            thing("question", "a/b", None),
        ];
        let groups = groups(&things);
        let told: Vec<(&str, &str)> = groups.iter().map(|group| (group.title, group.links[0].href.as_str())).collect();
        assert_eq!(
            told,
            [
                ("Saved questions", "/questions/a%2Fb?face=it"),
                ("Metrics", "/metrics/sales?face=it"),
                ("Properties", "/sources/web+shop?face=it#property-Order+Paid.value"),
                ("Purposes", "/rules?face=it#purpose-email"),
            ]
        );
    }
}
