//! The golden requests: what a marketing department asks of the demo over a year, and what comes out of each.
//!
//! `cases/demo/requests.txt` says in its own words what its sections are. What is expected was written before anything ran and
//! is no part of what is blessed: a verdict that changes fails until somebody has changed both. Beside it the laws of verdicts
//! are held against every request. The demo is imported by `demo`, which takes longer than all of this.

use super::cases::{difference, write_reason};
use super::world::{cases_folder, is_blessing, open, sections};
use crate::App;
use api::{Credential, Input, Judged, Principal, Product};
use serde_json::Value as Json;
use spec::{Answer, Outcome, QuestionBody, Remedy, Verdict};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant as Moment;

/// The seed of the first product that is opened here; the demo's import has the one before.
const SEED: u64 = 85;
/// Answers of so many rows are shown, of longer ones the number of rows.
const SHOWN_ROWS_MAX: usize = 3;
/// The outcome of what is no question.
const NONSENSE: &str = "nonsense";

/// What the author of a request expects of it.
struct Expected<'t> {
    outcome: &'t str,
    codes: Vec<&'t str>,
    /// `12 rows` or `416 people`.
    figure: Option<&'t str>,
    /// What stands in the title of the first offer, or `none`.
    nearest: Option<&'t str>,
}

/// What came of a request.
#[derive(Default)]
struct Found {
    outcome: String,
    codes: Vec<&'static str>,
    figure: Option<String>,
    /// The title of the first changed question that is offered.
    nearest: Option<String>,
    /// All of it, for the file.
    text: String,
    /// Laws that do not hold.
    broken: Vec<String>,
}

/// Asks every request of the demo that was imported into a folder.
pub(super) fn check(folder: &Path) {
    let started = Moment::now();
    let path = cases_folder().join("demo/requests.txt");
    let text = fs::read_to_string(&path).expect("the requests are there");
    let preamble = text.find("\n=== ").map_or(text.as_str(), |end| &text[..end]);
    let mut found = preamble.trim_end().to_owned();
    let mut wrong: Vec<String> = Vec::new();
    let mut app: Option<App> = None;
    let mut seed = SEED;
    for section in sections(&text) {
        write!(found, "\n\n=== {}", section.head).expect("writing to a string cannot fail");
        match section.head.split_once(' ') {
            Some(("now", now)) => {
                // Two products never have one folder.
                drop(app.take());
                app = Some(open(folder, now.parse().expect("times are written as RFC 3339"), seed));
                seed += 1;
            }
            Some(("part", _)) => {}
            Some(("ask", head)) => {
                let app = app.as_ref().expect("`=== now` comes first");
                let (user, title) = head.split_once(": ").expect("`ask USER: REQUEST`");
                let asked = section.body.split("\n---\n").next().unwrap_or_default().trim_end();
                let (expected, question): (Vec<&str>, Vec<&str>) =
                    asked.lines().partition(|line| line.starts_with("expected: "));
                let outcome = ask(app, user, &question.join("\n"));
                let expected =
                    expected.first().map(|line| expected_of(line)).expect("each request says what it expects");
                let complaints = disagreements(&expected, &outcome).into_iter().chain(outcome.broken);
                wrong.extend(complaints.map(|what| format!("{user}: {title}\n    {what}")));
                write!(found, "\n{asked}\n---\n{}", outcome.text.trim_end()).expect("writing to a string cannot fail");
            }
            _ => panic!("{}: what is `{}`?", path.display(), section.head),
        }
    }
    found.push('\n');
    println!("requests: {:.1} s", started.elapsed().as_secs_f64());
    if found != text && is_blessing() {
        fs::write(&path, &found).expect("the requests can be written");
    } else if found != text {
        wrong.push(format!("{}\nif that is right: cargo xtask bless", difference(&path, &text, &found)));
    }
    // What was expected is not blessed.
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Reads `expected: OUTCOME, CODE, CODE; 12 rows; nearest: TEXT (for readers)`.
fn expected_of(line: &str) -> Expected<'_> {
    let text = line.strip_prefix("expected: ").unwrap_or(line);
    let text = text.split(" (").next().unwrap_or_default();
    let mut parts = text.split("; ");
    let mut words = parts.next().unwrap_or_default().split(", ");
    let outcome = words.next().unwrap_or_default();
    let mut expected = Expected { outcome, codes: words.collect(), figure: None, nearest: None };
    for part in parts {
        match part.strip_prefix("nearest: ") {
            Some(nearest) => expected.nearest = Some(nearest),
            None => expected.figure = Some(part),
        }
    }
    expected
}

/// Where what was expected did not come.
fn disagreements(expected: &Expected<'_>, found: &Found) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut differ = |what: &str, expected: String, found: String| {
        wrong.push(format!("{what}: expected {expected}, found {found}"));
    };
    if (expected.outcome, &expected.codes) != (found.outcome.as_str(), &found.codes) {
        let list = |outcome: &str, codes: &[&str]| [&[outcome], codes].concat().join(", ");
        differ("verdict", list(expected.outcome, &expected.codes), list(&found.outcome, &found.codes));
    }
    if let Some(figure) = expected.figure.filter(|figure| found.figure.as_deref() != Some(*figure)) {
        differ("figure", figure.to_owned(), found.figure.clone().unwrap_or_else(|| "none".to_owned()));
    }
    if let Some(nearest) = expected.nearest {
        let title = found.nearest.as_deref();
        let is_right = title.map_or(nearest == "none", |title| title.contains(nearest));
        if !is_right {
            differ("nearest yes", format!("`{nearest}`"), format!("`{}`", title.unwrap_or("none")));
        }
    }
    wrong
}

/// Judges a request, and answers it where that is a yes about anything but an audience: there the judge says how many.
fn ask(app: &App, user: &str, question: &str) -> Found {
    let nonsense = |text: String| Found { outcome: NONSENSE.to_owned(), text, ..Found::default() };
    let json = match crate::question_from_text(question, "request") {
        Ok(json) => json,
        Err(text) => return nonsense(format!("{NONSENSE}\n{text}")),
    };
    let credential = Credential::Owner { secret: app.owner_secret().to_owned(), user: user.to_owned() };
    let who = app.principal(&credential).expect("the demo has this user");
    let judged = match app.judge(&who, &json) {
        Ok(Input::Good(judged)) => judged,
        Ok(Input::Bad(diagnostics)) => {
            return nonsense(format!("{NONSENSE}\n{}", workspace::render(&diagnostics)));
        }
        Err(error) => {
            let outcome = "error".to_owned();
            return Found { outcome, text: format!("error: {}\n", error.chain()), ..Found::default() };
        }
    };
    let explained = app.explain(&who, &json).expect("what is judged can be explained");
    let Judged { question, verdict, people, .. } = judged;
    let mut found = Found { outcome: verdict.outcome.name().to_owned(), ..Found::default() };
    found.codes = verdict.reasons.iter().map(|reason| reason.code.name()).collect();
    found.text = format!("\"{}\"\n{}\n", explained.sentence, found.outcome);
    if verdict.outcome != Outcome::Yes {
        verdict.reasons.iter().for_each(|reason| write_reason(&mut found.text, reason));
        found.nearest = offers(&verdict).first().map(|(title, _)| (*title).to_owned());
        found.broken = broken_by_refusal(app, &who, &verdict);
        return found;
    }
    if !verdict.reasons.is_empty() {
        found.broken.push("a yes has no reason".to_owned());
    }
    if matches!(question.body, QuestionBody::Audience(_)) {
        found.figure = people.map(|people| format!("{people} people"));
        match app.judge(&who, &json) {
            Ok(Input::Good(again)) if again.people == people => {}
            Ok(Input::Good(again)) => {
                let (people, again) = (people.unwrap_or(0), again.people.unwrap_or(0));
                found.broken.push(format!("judged twice, the same is told, and here {people} people and then {again}"));
            }
            other => found.broken.push(format!("what is judged yes is judged yes again, and this is not: {other:?}")),
        }
    } else {
        match app.ask(&who, &json) {
            Ok(Input::Good(api::Asked { answer: Some(answer), .. })) => {
                found.figure = Some(format!("{} rows", answer.rows.len()));
                show_rows(&mut found.text, &answer);
            }
            other => found.broken.push(format!("what is judged yes is answered, and this is not: {other:?}")),
        }
    }
    let _ = writeln!(found.text, "{}", found.figure.as_deref().unwrap_or("no figure"));
    found
}

/// The rows of a short answer.
fn show_rows(text: &mut String, answer: &Answer) {
    if answer.rows.len() > SHOWN_ROWS_MAX {
        return;
    }
    for row in &answer.rows {
        let _ = writeln!(text, "{}", serde_json::to_string(row).expect("cells are plain data"));
    }
}

/// The changed questions of a verdict with their titles; the same ones stand with every reason.
fn offers(verdict: &Verdict) -> Vec<(&str, Json)> {
    let remedies = verdict.reasons.first().map_or(&[][..], |reason| &reason.remedies);
    let asked = remedies.iter().filter_map(|remedy| match remedy {
        Remedy::Ask { title, question, .. } => Some((title.as_str(), question.to_json())),
        Remedy::Close { .. } => None,
    });
    asked.collect()
}

/// The laws of a refusal that do not hold: it says why, each reason has a way out, and what is offered is a yes.
fn broken_by_refusal(app: &App, who: &Principal, verdict: &Verdict) -> Vec<String> {
    let mut broken = Vec::new();
    if verdict.reasons.is_empty() {
        broken.push("a refusal says why".to_owned());
    }
    for reason in verdict.reasons.iter().filter(|reason| reason.remedies.is_empty()) {
        broken.push(format!("each reason has a way out, and `{}` has none", reason.code.name()));
    }
    for (title, question) in offers(verdict) {
        let is_yes =
            matches!(app.judge(who, &question), Ok(Input::Good(judged)) if judged.verdict.outcome == Outcome::Yes);
        if !is_yes {
            broken.push(format!("what is offered is a yes, and `{title}` is none: {question}"));
        }
    }
    broken
}
