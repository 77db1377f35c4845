//! The command palette: every page and thing that the role may open, and "ask ...", which leads to a question.
//!
//! A line is found when every word of the text stands in its title or kind, small words aside. `sales by region` is a question
//! where something that can be counted is called so and has a field that is called so.

use crate::body::percent_encode;
use crate::edit::{self, Start, with};
use crate::gate::Caller;
use crate::glossary::addresses;
use crate::problem::Problem;
use crate::render::{PageRequest, page};
use crate::routes::App;
use crate::sentence::{breakdown_called, uncapital};
use api::{Catalog, EventView, MetricView, Principal, Product, QuestionView};
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value as Json, json};
use spec::identifier;

/// Lines shown at once.
const LINES_MAX: usize = 12;

/// Questions offered for one text.
const ASKED_MAX: usize = 3;

/// Words that people write around what they look for.
const SMALL: [&str; 39] = [
    "a", "an", "and", "any", "are", "as", "ask", "at", "did", "do", "does", "each", "for", "from", "give", "have",
    "how", "i", "in", "is", "it", "many", "me", "much", "my", "of", "on", "our", "per", "show", "split", "that", "the",
    "to", "was", "we", "what", "who", "with",
];

/// Words in front of a question.
const FIRST_WORDS: [&str; 6] = ["ask", "how", "show", "what", "which", "who"];

/// Intervals, as people write them.
const INTERVALS: [(&str, &str); 8] = [
    ("hour", "hour"),
    ("day", "day"),
    ("daily", "day"),
    ("week", "week"),
    ("weekly", "week"),
    ("month", "month"),
    ("monthly", "month"),
    ("time", "month"),
];

#[derive(Serialize)]
struct Line {
    kind: &'static str,
    title: String,
    href: String,
}

pub(crate) async fn palette(State(app): State<App>, caller: Caller, request: PageRequest) -> Result<Response, Problem> {
    let text = request.param("words").trim().to_lowercase();
    let is_it = request.is_it;
    page(&app, &caller, &request, "pages/part.html", move |product, who| {
        let asked = asked_lines(product, who, &text)?;
        let mut lines = pages(who);
        lines.extend(saved(product, who)?);
        lines.extend(data(product, who)?);
        for line in &mut lines {
            line.href = with_face(&line.href, is_it);
        }
        // They have their face already, in front of the anchor.
        let of_word = |(title, href): (String, String)| Line { kind: "Word", title, href };
        lines.extend(addresses(is_it).into_iter().map(of_word));
        let words = significant(&text);
        lines.retain(|line| has_all(&format!("{} {}", line.title, line.kind), &words));
        let asked = asked.into_iter().map(|line| Line { href: with_face(&line.href, is_it), ..line });
        // What reads like a question is one, unless something is called so; else the thing itself comes first.
        let (called, others): (Vec<Line>, Vec<Line>) =
            lines.into_iter().partition(|line| is_question(&text) && line.title.to_lowercase() == text);
        let n_things = LINES_MAX - asked.len().min(LINES_MAX);
        let lines: Vec<Line> = match is_question(&text) {
            true => called.into_iter().chain(asked).chain(others).take(LINES_MAX).collect(),
            false => others.into_iter().take(n_things).chain(asked).collect(),
        };
        Ok(json!({ "part": "parts/found.html", "title": "Find", "lines": lines, "words": text }))
    })
    .await
}

fn line(kind: &'static str, title: impl Into<String>, href: impl Into<String>) -> Line {
    Line { kind, title: title.into(), href: href.into() }
}

/// The address with the face, which stands in front of an anchor.
fn with_face(href: &str, is_it: bool) -> String {
    let (path, anchor) =
        href.split_once('#').map_or((href, String::new()), |(path, anchor)| (path, format!("#{anchor}")));
    let face = match (is_it, path.contains('?')) {
        (false, _) => "",
        (true, false) => "?face=it",
        (true, true) => "&face=it",
    };
    format!("{path}{face}{anchor}")
}

/// Pages, and the kinds of questions.
fn pages(who: &Principal) -> Vec<Line> {
    let mut lines: Vec<Line> = [
        ("Home", "/"),
        ("Ask", "/ask"),
        ("Dashboards", "/dashboards"),
        ("Saved questions", "/questions"),
        ("Audiences", "/audiences"),
        ("Metrics", "/metrics"),
        ("Data", "/sources"),
        ("Rules: who may be used for what, and who may see what", "/rules"),
        ("Promises: what is proved, and when", "/rules/promises"),
        ("Glossary: what the words mean", "/glossary"),
    ]
    .map(|(title, href)| line("Page", title, href))
    .into();
    if who.sees_audit {
        lines.push(line("Page", "Who saw what", "/rules/audit"));
        lines.push(line("Page", "Who agreed to what, over time", "/rules/consents"));
    }
    if who.sees_cost {
        lines.push(line("Page", "Events arriving now", "/live"));
        lines.push(line("Page", "Kept aside in quarantine", "/quarantine"));
    }
    for (title, kind) in [
        ("Ask: how much, over time", "trend"),
        ("Ask: how far people get", "funnel"),
        ("Ask: who comes back", "retention"),
        ("Ask: what it is owed to", "attribution"),
        ("Ask: what people do next", "paths"),
        ("Ask: which variant does better", "experiment"),
        ("Ask: how large a test has to be", "power"),
        ("Ask: how many people, and who", "audience"),
        ("Ask: in SQL", "sql"),
    ] {
        lines.push(line("Ask", title, format!("/ask?kind={kind}")));
    }
    lines
}

/// What is saved, and the figures and audiences that are agreed.
fn saved(product: &dyn Product, who: &Principal) -> Result<Vec<Line>, Problem> {
    let at = |folder: &str, name: &str| format!("/{folder}/{}", percent_encode(name));
    let dashboards = product.dashboards(who)?.into_iter();
    let mut lines: Vec<Line> =
        dashboards.map(|found| line("Dashboard", found.title, at("dashboards", &found.name))).collect();
    lines.extend(product.questions(who)?.into_iter().map(|found| line("Question", found.title, ask(&found.question))));
    lines
        .extend(product.metrics(who)?.into_iter().map(|found| line("Metric", found.title, at("metrics", &found.name))));
    let audiences = product.audiences(who)?.into_iter();
    lines.extend(audiences.map(|found| line("Audience", found.title, at("audiences", &found.name))));
    Ok(lines)
}

/// Where data come from, what they hold, and what they are used for.
fn data(product: &dyn Product, who: &Principal) -> Result<Vec<Line>, Problem> {
    let (mut lines, mut fields) = (Vec::new(), Vec::new());
    for source in product.sources(who)? {
        let page = format!("/sources/{}", percent_encode(&source.name));
        for object in &source.objects {
            let (of_field, before) = match object.kind.as_str() {
                "event" => ("property", format!("{}.", object.name)),
                "traits" => ("trait", String::new()),
                _ => continue,
            };
            if of_field == "property" {
                lines.push(line("Event", &object.title, format!("{page}#event-{}", percent_encode(&object.name))));
            }
            for field in &object.fields {
                let place = format!("{of_field}-{}{}", percent_encode(&before), percent_encode(&field.name));
                fields.push(line("Field", format!("{}, of {}", field.title, object.title), format!("{page}#{place}")));
            }
        }
        lines.push(line("Source", source.title, page));
    }
    for purpose in product.catalog(who)?.purposes {
        let place = format!("/rules#purpose-{}", percent_encode(&purpose.name));
        lines.push(line("Purpose", format!("May we use people for {}?", purpose.title), place));
    }
    lines.extend(fields);
    Ok(lines)
}

fn ask(question: &Json) -> String {
    format!("/ask?q={}", percent_encode(&question.to_string()))
}

/// Whether a text reads like a question rather than like the title of something.
fn is_question(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.clone().next().is_some_and(|first| FIRST_WORDS.contains(&first))
        || words.any(|word| ["by", "per"].contains(&word))
}

/// The words of a text that say what is looked for; all of them where all are small.
fn significant(text: &str) -> Vec<&str> {
    let all: Vec<&str> = words(text);
    let large: Vec<&str> = all.iter().copied().filter(|word| !SMALL.contains(word) && *word != "by").collect();
    if large.is_empty() { all } else { large }
}

fn words(text: &str) -> Vec<&str> {
    let is_mark = |sign: char| sign.is_ascii_punctuation();
    text.split_whitespace().map(|word| word.trim_matches(is_mark)).filter(|word| !word.is_empty()).collect()
}

fn has_all(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

/// What can be asked about what a text names: an agreed figure, or an event; by a field or an interval that it names.
fn asked_lines(product: &dyn Product, who: &Principal, text: &str) -> Result<Vec<Line>, Problem> {
    let all = words(text);
    let split = all.iter().position(|word| ["by", "per"].contains(word)).unwrap_or(all.len());
    let small = |word: &&&str| !SMALL.contains(word);
    let subject: Vec<&str> = all[..split].iter().filter(small).copied().collect();
    let by: Vec<&str> = all[split..].iter().skip(1).filter(small).filter(|word| **word != "by").copied().collect();
    if subject.is_empty() {
        return Ok(Vec::new());
    }
    let (catalog, metrics, questions) = (product.catalog(who)?, product.metrics(who)?, product.questions(who)?);
    let from = Known { catalog: &catalog, metrics: &metrics, questions: &questions };
    let found = measures(&catalog, &metrics, &subject).into_iter();
    Ok(found.filter_map(|measure| from.line(&measure, &by)).take(ASKED_MAX).collect())
}

/// What can be counted, and is called so: its text, and its words.
struct Called {
    measure: String,
    words: String,
}

/// Agreed figures come first; an event is asked for as people where the text says so, else as times.
fn measures(catalog: &Catalog, metrics: &[MetricView], subject: &[&str]) -> Vec<Called> {
    let agreed = metrics.iter().filter(|metric| has_all(&format!("{} {}", metric.title, metric.name), subject));
    let mut called: Vec<Called> =
        agreed.map(|metric| Called { measure: identifier(&metric.name), words: uncapital(&metric.title) }).collect();
    let is_people = |word: &&str| ["people", "persons", "customers", "users"].contains(word);
    let wants_people = subject.iter().any(is_people);
    let rest: Vec<&str> = subject.iter().filter(|word| !is_people(word)).copied().collect();
    let is_called = |event: &&EventView| {
        !rest.is_empty() && has_all(&format!("{} {} {}", event.title, event.past, event.name), &rest)
    };
    for event in catalog.events.iter().filter(is_called) {
        let name = identifier(&event.name);
        called.push(match wants_people {
            true => Called { measure: format!("people({name})"), words: format!("people who {}", event.past) },
            false => Called { measure: format!("count({name})"), words: format!("times people {}", event.past) },
        });
    }
    called
}

/// What a question is made from.
struct Known<'a> {
    catalog: &'a Catalog,
    metrics: &'a [MetricView],
    questions: &'a [QuestionView],
}

impl Known<'_> {
    /// The line that asks for a measure by what the text names; none where nothing of it is called so.
    fn line(&self, called: &Called, by: &[&str]) -> Option<Line> {
        let start = Start { catalog: self.catalog, metrics: self.metrics, questions: self.questions };
        let question = with(&edit::start(&start, "trend", ""), "measure", called.measure.as_str().into());
        let interval = INTERVALS.iter().find(|(word, _)| by == [*word]);
        let (question, after) = match interval {
            _ if by.is_empty() => (question, String::new()),
            Some((_, interval)) => (with(&question, "by", (*interval).into()), format!(" by {interval}")),
            None => {
                let (field, title) = breakdown_called((self.catalog, self.metrics), &called.measure, by)?;
                let split = with(&with(&question, "by", "none".into()), "breakdown", json!([field]));
                (split, format!(" by {}", uncapital(&title)))
            }
        };
        Some(line("Ask", format!("Ask: {}{after}", called.words), ask(&question)))
    }
}

#[cfg(test)]
mod tests;
