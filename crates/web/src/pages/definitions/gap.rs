//! What a file's address shows to whoever may not read the file: which change was asked for, of whom, and for which
//! question, so that a link can be passed on by anybody.
//!
//! All of it follows from the address and from what everybody may know - the teams, the purposes - and nothing from the
//! file: a file that is not there has the same page.

use crate::body::percent_encode;
use crate::pages::ask::LedHere;
use crate::problem::Problem;
use crate::sentence::uncapital;
use api::{Catalog, FieldView, PolicyView, Principal, Product};
use serde::Serialize;
use serde_json::Value as Json;
use spec::{Change, FieldClass, Release};

/// The page.
#[derive(Serialize)]
pub(super) struct Gap {
    title: &'static str,
    path: String,
    /// What was asked for, in words; absent where the address asks for nothing that can be read.
    what: Option<String>,
    /// Who decides, and how soon they usually answer.
    team: Option<String>,
    within: Option<String>,
    led_here: Option<LedHere>,
    /// The address to pass on.
    link: String,
}

impl Gap {
    pub(super) fn new(
        product: &dyn Product,
        who: &Principal,
        (path, change): (&str, Option<&Json>),
        led_here: Option<LedHere>,
    ) -> Result<Gap, Problem> {
        let policy = product.policy(who)?;
        let close = policy.teams.iter().filter_map(|team| Some((spec::closeness(&team.looks_after, path)?, team)));
        let team = close.max_by_key(|(closeness, _)| *closeness).map(|(_, team)| team);
        let words = Words { path, policy: &policy, catalog: &product.catalog(who)? };
        let parts = [
            change.map(|change| format!("change={}", percent_encode(&change.to_string()))),
            led_here.as_ref().map(|led_here| format!("q={}", percent_encode(&led_here.q))),
        ];
        let query = parts.into_iter().flatten().collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        Ok(Gap {
            title: "A change that somebody else decides",
            path: path.to_owned(),
            what: change.and_then(|change| Change::parse(change).ok()).map(|change| words.of(&change)),
            team: team.map(|team| team.title.clone()),
            within: team.and_then(|team| team.answers_within.clone()),
            link: format!("{}{mark}{query}", super::href(path)),
            led_here,
        })
    }
}

/// Names as whoever asks knows them; one that is not known to them stays as it is.
struct Words<'a> {
    path: &'a str,
    policy: &'a PolicyView,
    catalog: &'a Catalog,
}

impl Words<'_> {
    /// A change in the words of whoever asks for it.
    fn of(&self, change: &Change) -> String {
        match change {
            Change::AllowField { object, field, purpose } => {
                format!("that {} may be used for {}", self.field(object, field), self.purpose(purpose))
            }
            Change::DeclareField { object, field, value_type, purpose } => {
                let (event, sort) = (self.event(object), value_type.name());
                let purpose = self.purpose(purpose);
                format!("that {event} comes to have the field `{field}` ({sort}), which may be used for {purpose}")
            }
            Change::DeclareEvent { event } => format!("that the event `{event}` comes in"),
            Change::AllowPurpose { purpose, release } => {
                let what = match release {
                    Release::Aggregate => "figures about groups",
                    Release::List => "lists of people",
                    Release::Profile => "facts about single people",
                };
                format!("that {} gets {what} for {}", self.role(), self.purpose(purpose))
            }
            Change::ShowClass { class } => {
                let what = match class {
                    FieldClass::None => "harmless fields",
                    FieldClass::Pseudonym => "pseudonyms",
                    FieldClass::Direct => "names, addresses",
                    FieldClass::Sensitive => "sensitive fields",
                };
                format!("that {} sees {what} as they are", self.role())
            }
            Change::ShowDifferences => {
                "that two answers may differ by fewer people than the smallest group that is shown".to_owned()
            }
            Change::AllowQuestions { per_day } => format!("that {per_day} questions may be asked on a day"),
            Change::Define { title, .. } => {
                let kind = self.path.split('/').next().unwrap_or_default().trim_end_matches('s');
                format!("that “{title}” is defined ({kind})")
            }
        }
    }

    fn purpose(&self, name: &str) -> String {
        let known = self.policy.purposes.iter().find(|known| known.name == name);
        known.map_or_else(|| format!("`{name}`"), |known| known.title.clone())
    }

    fn event(&self, name: &str) -> String {
        let known = self.catalog.events.iter().find(|known| known.name == name);
        known.map_or_else(|| format!("`{name}`"), |known| uncapital(&known.title))
    }

    fn field(&self, object: &str, name: &str) -> String {
        let is_called = |field: &&FieldView| field.name == name;
        match self.catalog.events.iter().find(|event| event.name == object) {
            Some(event) => match event.properties.iter().find(is_called) {
                Some(field) => format!("{} of {}", uncapital(&field.title), uncapital(&event.title)),
                None => format!("`{name}` of {}", uncapital(&event.title)),
            },
            None => match self.catalog.traits.iter().find(is_called) {
                Some(field) => uncapital(&field.title),
                None => format!("`{name}` of `{object}`"),
            },
        }
    }

    /// The role whose file it is.
    fn role(&self) -> String {
        let name = self.path.strip_prefix("roles/").and_then(|file| file.strip_suffix(".yaml")).unwrap_or(self.path);
        let known = self.policy.roles.iter().find(|known| known.name == name);
        known.map_or_else(|| format!("the role `{name}`"), |known| format!("the role {}", known.title))
    }
}
