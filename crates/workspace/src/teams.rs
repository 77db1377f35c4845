//! Teams: who looks after which files, who is in them, how soon they answer, what their questions may cost.

use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::names::{did_you_mean, shortened};
use crate::node::Node;
use crate::question::duration_of;
use crate::rules::check_known;
use spec::{Budget, Team};
use std::collections::BTreeMap;

/// More than a day is no bound.
const SECONDS: (u32, u32) = (1, 86_400);

/// More than a petabyte is no bound.
const BYTES: (u64, u64) = (1, 1 << 50);

/// What the files of teams can name: all that is there, with errors or not.
pub(crate) struct Workplace<'a> {
    pub(crate) users: Vec<&'a str>,
    /// Folders of definitions (`contracts/`) and the files in them.
    pub(crate) places: Vec<String>,
}

/// What teams look after, each with the team that said so first.
pub(crate) type Claims = BTreeMap<String, String>;

/// Reads a team; `None` if it has errors.
pub(crate) fn read_team(
    (name, node): (&str, &Node),
    workplace: &Workplace<'_>,
    claims: &mut Claims,
    problems: &mut Problems,
) -> Option<Team> {
    let n_problems = problems.count();
    let mut fields = Fields::open(node, "a team", problems)?;
    let title = fields.text("title", "say what people call the team, as in `title: Data team`", problems);
    let members = read_members(&mut fields, workplace, problems);
    let looks_after = read_places((name, &mut fields), workplace, claims, problems);
    let answers_within =
        fields.optional("answers_within").and_then(|node| duration_of(node, "answers_within", problems));
    let budget = fields.optional("budget").map(|node| read_budget(node, problems)).unwrap_or_default();
    fields.close(problems);
    if problems.count() > n_problems {
        return None;
    }
    Some(Team { name: name.to_owned(), title: title?.to_owned(), members, looks_after, answers_within, budget })
}

fn read_members(fields: &mut Fields<'_>, workplace: &Workplace<'_>, problems: &mut Problems) -> Vec<String> {
    let mut members: Vec<String> = Vec::new();
    for (member, place) in fields.texts("members", problems) {
        check_known(member, place, "user", &workplace.users, problems);
        if members.iter().any(|known| known == member) {
            problems.add(place, format!("`{}` stands twice in `members`", shortened(member)), "keep it once".into());
        }
        members.push(member.to_owned());
    }
    members
}

/// Reads what a team looks after; two teams for the same would send people to and fro.
fn read_places(
    (name, fields): (&str, &mut Fields<'_>),
    workplace: &Workplace<'_>,
    claims: &mut Claims,
    problems: &mut Problems,
) -> Vec<String> {
    let known: Vec<&str> = workplace.places.iter().map(String::as_str).collect();
    let mut places = Vec::new();
    for (entry, place) in fields.texts("looks_after", problems) {
        if !known.contains(&entry) {
            let message = format!("`{}` is no folder or file of definitions", shortened(entry));
            problems.add(place, message, did_you_mean(entry, &known, "there are"));
            continue;
        }
        match claims.get(entry) {
            Some(other) if other == name => {
                problems.add(place, format!("`{entry}` stands twice in `looks_after`"), "keep it once".into());
            }
            Some(other) => {
                let message = format!("the team `{other}` looks after `{entry}` already");
                let hint = "leave it to one of the two; a file of a folder may be another team's";
                problems.add(place, message, hint.into());
            }
            None => {
                claims.insert(entry.to_owned(), name.to_owned());
            }
        }
        places.push(entry.to_owned());
    }
    places
}

fn read_budget(node: &Node, problems: &mut Problems) -> Budget {
    let Some(mut fields) = Fields::open(node, "the budget of a team", problems) else { return Budget::default() };
    let seconds_per_question = fields.whole("seconds_per_question", SECONDS, problems);
    let bytes_per_question = fields.large("bytes_per_question", BYTES, problems);
    fields.close(problems);
    Budget { seconds_per_question, bytes_per_question }
}
