//! What a file's address shows to whoever may not read the file: which change was asked for, of whom, and for which
//! question, so that a link can be passed on by anybody.
//!
//! All of it follows from the address and from what everybody may know - the teams, the purposes - and nothing from the
//! file: a file that is not there has the same page.

use crate::body::percent_encode;
use crate::pages::ask::LedHere;
use crate::problem::Problem;
use api::{PolicyTeam, PolicyView, Principal, Product};
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
        let team = team_for(&policy.teams, path);
        let parts = [
            change.map(|change| format!("change={}", percent_encode(&change.to_string()))),
            led_here.as_ref().map(|led_here| format!("q={}", percent_encode(&led_here.q))),
        ];
        let query = parts.into_iter().flatten().collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        Ok(Gap {
            title: "A change that somebody else decides",
            path: path.to_owned(),
            what: change.and_then(|change| Change::parse(change).ok()).map(|change| in_words(&change, path, &policy)),
            team: team.map(|team| team.title.clone()),
            within: team.and_then(|team| team.answers_within.clone()),
            link: format!("{}{mark}{query}", super::href(path)),
            led_here,
        })
    }
}

/// The team that looks after a file: by the longest of the places that hold it.
fn team_for<'a>(teams: &'a [PolicyTeam], path: &str) -> Option<&'a PolicyTeam> {
    let fits = |place: &&String| *place == path || place.ends_with('/') && path.starts_with(place.as_str());
    let nearest =
        |team: &'a PolicyTeam| Some((team.looks_after.iter().filter(fits).map(|place| place.len()).max()?, team));
    teams.iter().filter_map(nearest).max_by_key(|(length, _)| *length).map(|(_, team)| team)
}

/// A change in the words of whoever asks for it.
fn in_words(change: &Change, path: &str, policy: &PolicyView) -> String {
    let purpose = |name: &String| {
        let known = policy.purposes.iter().find(|known| known.name == *name);
        known.map_or_else(|| format!("`{name}`"), |known| known.title.clone())
    };
    match change {
        Change::AllowField { object, field, purpose: of } => {
            format!("that `{field}` of `{object}` may be used for {}", purpose(of))
        }
        Change::DeclareField { object, field, value_type, purpose: of } => {
            let sort = value_type.name();
            format!("that `{object}` comes to have the field `{field}` ({sort}), which may be used for {}", purpose(of))
        }
        Change::DeclareEvent { event } => format!("that the event `{event}` comes in"),
        Change::AllowPurpose { purpose: of, release } => {
            let what = match release {
                Release::Aggregate => "figures about groups",
                Release::List => "lists of people",
                Release::Profile => "facts about single people",
            };
            format!("that a role gets {what} for {}", purpose(of))
        }
        Change::ShowClass { class } => {
            let what = match class {
                FieldClass::None => "harmless fields",
                FieldClass::Pseudonym => "pseudonyms",
                FieldClass::Direct => "names and addresses",
                FieldClass::Sensitive => "sensitive fields",
            };
            format!("that a role sees {what} as they are")
        }
        Change::ShowDifferences => {
            "that two answers may differ by fewer people than the smallest group that is shown".to_owned()
        }
        Change::AllowQuestions { per_day } => format!("that {per_day} questions may be asked on a day"),
        Change::Define { title, .. } => {
            let kind = path.split('/').next().unwrap_or_default().trim_end_matches('s');
            format!("that “{title}” is defined ({kind})")
        }
    }
}
