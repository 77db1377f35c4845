//! Questions: judged, answered, explained, written as files.

pub(crate) mod ask;
pub(crate) mod encode;
pub(crate) mod explain;
mod feasible;
pub(crate) mod judge;
pub(crate) mod kept;
mod missing;
pub(crate) mod pace;
mod reason;
mod remedy;
pub(crate) mod standing;
pub(crate) mod telling;
pub(crate) mod turning;
pub(crate) mod values;

pub(crate) use reason::{Lack, lacks_of};

use crate::question::judge::Scene;
use serde_json::Value as Json;
use spec::{Diagnostic, Question};
use workspace::Unresolved;

/// Where a question stands in a request.
const POINTER: &str = "/question";

/// Reads a question.
///
/// # Errors
/// All that is wrong with it, with what does not fit together in the parts that can be read.
fn read(scene: &Scene<'_>, json: &Json) -> std::result::Result<Question, Vec<Diagnostic>> {
    workspace::parse_question(json, POINTER).map_err(|mut wrong| {
        let rest = workspace::parse_rest(json, POINTER, &wrong);
        let resolved = rest.map(|rest| workspace::resolve_for(&rest, scene.definitions, scene.role));
        for item in resolved.and_then(Result::err).unwrap_or_default() {
            wrong.extend(match item {
                Unresolved::Wrong(diagnostic) => Some(diagnostic),
                // A name that is not there makes a refusal, once the question is one.
                Unresolved::Name { .. } => None,
            });
        }
        wrong.sort_by(|one, other| (&one.path, one.line, one.column).cmp(&(&other.path, other.line, other.column)));
        wrong
    })
}

/// A sentence from words that could go on one.
fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// So many of something: `1 step`, `2 steps`.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(count)) }
}

/// More days are said in years as well.
const DAYS_AS_YEARS: u64 = 730;
const DAYS_OF_A_YEAR: f64 = 365.25;
/// More years than anybody waits.
const YEARS_WAITED_MAX: f64 = 100.0;

/// Days as people read them, many of them in years too: `28 days`, `1 000 days (about 3 years)`.
fn days_words(days: u64) -> String {
    let s = if days == 1 { "" } else { "s" };
    let years =
        if days > DAYS_AS_YEARS { format!(" (about {} years)", grouped(years_of(days) as u64)) } else { String::new() };
    format!("{} day{s}{years}", grouped(days))
}

/// Whether so many days are longer than anybody waits.
fn is_beyond_waiting(days: u64) -> bool {
    years_of(days) > YEARS_WAITED_MAX
}

fn years_of(days: u64) -> f64 {
    (days as f64 / DAYS_OF_A_YEAR).round()
}

/// A count of people as people read it: `1 person`, `1 013 people`.
fn people_words(count: u64) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{} people", grouped(count)) }
}

/// A count as people read it, with narrow spaces: `1 013`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut words = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            words.push('\u{202f}');
        }
        words.push(digit);
    }
    words
}

/// A text with its whole numbers as people read them.
fn with_grouped_numbers(text: &str) -> String {
    let word = |word: &str| word.parse().map_or_else(|_| word.to_owned(), grouped);
    text.split(' ').map(word).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_days_are_said_as_people_read_them() {
        assert_eq!(people_words(1), "1 person");
        assert_eq!(with_grouped_numbers("more than 10000 groups"), "more than 10\u{202f}000 groups");
        assert_eq!(people_words(2_469), "2\u{202f}469 people");
        let days = [1, 28, 730, 1_000, 140_262].map(days_words);
        assert_eq!(days[..3], ["1 day", "28 days", "730 days"]);
        assert_eq!(days[3], "1\u{202f}000 days (about 3 years)");
        assert_eq!(days[4], "140\u{202f}262 days (about 384 years)");
        assert!(is_beyond_waiting(140_262) && !is_beyond_waiting(1_000));
    }
}
