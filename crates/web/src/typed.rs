//! What is wrong with a question, in the words of the forms in which it was typed.
//!
//! Diagnostics speak of the question's text, as files and programs write it. Whoever fills in a form sees none of that, so
//! that pages say for each part what its form expects. What no form is known for is said as it is.

use crate::words;
use serde_json::Value as Json;
use spec::{Diagnostic, PowerQuestion};
use std::ops::RangeInclusive;

/// What a form expects, and a hint.
type Expected = (String, String);

/// Everything that is wrong with a question, as the forms say it. Of a question that is not known, `Json::Null`.
pub(crate) fn in_form_words(errors: Vec<Diagnostic>, question: &Json) -> Vec<Diagnostic> {
    errors.into_iter().map(|error| in_words(error, question)).collect()
}

fn in_words(error: Diagnostic, question: &Json) -> Diagnostic {
    match expected(&error, question) {
        // Where in the text it stands says nothing to who did not write one.
        Some((message, hint)) => Diagnostic { message, hint, line: 1, column: 1, ..error },
        None if is_about_a_value(&error) => Diagnostic { line: 1, column: 1, ..error },
        None => error,
    }
}

/// What the form of a part expects.
fn expected(error: &Diagnostic, question: &Json) -> Option<Expected> {
    let path = error.path.strip_prefix("/question").unwrap_or(&error.path);
    let last = path.rsplit('/').next().unwrap_or_default();
    // A value that has not the form of its part, rather than one that is too large or does not go with others.
    let is_of_form = error.hint.starts_with("write it as in");
    let said = |message: &str, hint: &str| Some((message.to_owned(), hint.to_owned()));
    match (path, last) {
        // A part that does not belong is told by its name.
        _ if error.message.contains("is not a key of") => None,
        ("/lift", _) => Some(lift(&question["lift"])),
        ("/alpha", _) => Some((percentage(&PowerQuestion::ALPHAS), String::new())),
        ("/power", _) => Some((percentage(&PowerQuestion::POWERS), String::new())),
        ("/days", _) => {
            Some(whole("a whole number of days", 1, PowerQuestion::DAYS_MAX, "leave it empty for any number"))
        }
        ("/variants", _) => {
            Some(whole("a whole number", 2, PowerQuestion::VARIANTS_MAX, "one of them is what there is now"))
        }
        ("/limit" | "/offset" | "/periods" | "/steps", _) if error.message.contains("whole number") => {
            let bounds = error.message.split(" is a whole number ").nth(1).unwrap_or("that fits");
            Some((format!("type a whole number {}", grouped(bounds)), String::new()))
        }
        ("/period/to", _) if error.message.contains("has no day") => {
            said("the last day is before the first", "choose a last day that is not earlier")
        }
        ("/period/from" | "/period/to", _) if is_of_form => {
            said("this is not a day", "choose one, such as 31 Dec 2017")
        }
        ("/period/last", _) | (_, "within" | "lookback") if is_of_form => {
            said("this is not a length of time", "type a number and a unit, such as 30 days")
        }
        ("/period", _) if error.message == "a period has `from` and `to`, or `last`" => {
            said("the period is not complete", "choose its first and its last day")
        }
        ("/as_of", _) if error.message.contains("is not an instant") => {
            said("this is not a day", "choose one, such as 31 Dec 2017")
        }
        _ => None,
    }
}

fn lift(typed: &Json) -> Expected {
    let message = percentage(&PowerQuestion::LIFTS);
    match typed.as_f64().filter(|lift| *lift > 0.0 && lift < PowerQuestion::LIFTS.start()) {
        // Who knows rates types five in a hundred as 0.05.
        Some(lift) => {
            let (typed, meant) = (percent(lift), percent(lift * 100.0));
            (message, format!("{typed} here means {typed} %; for {meant} in a hundred type {meant}"))
        }
        None => (message, "the change that the test is to find, such as 5".to_owned()),
    }
}

fn percentage(bounds: &RangeInclusive<f64>) -> String {
    format!("type a percentage from {} to {}", percent(*bounds.start()), percent(*bounds.end()))
}

/// A part of one in percent, without the dust of multiplying.
fn percent(part: f64) -> String {
    words::figure(&((part * 1e6).round() / 1e4).to_string(), None)
}

fn whole(what: &str, least: u32, most: u32, hint: &str) -> Expected {
    (format!("type {what} from {least} to {}", words::figure(&most.to_string(), None)), hint.to_owned())
}

/// The numbers of a text, with thin grouping.
fn grouped(text: &str) -> String {
    let grouped = text.split(' ').map(|word| words::figure(word, None));
    grouped.collect::<Vec<String>>().join(" ")
}

/// Whether a value is of another type than its field, which says by itself where it is.
fn is_about_a_value(error: &Diagnostic) -> bool {
    let kinds =
        ["a whole number", "a number", "an integer", "a decimal", "a date", "a day", "a timestamp", "true or false"];
    kinds.iter().any(|kind| error.message.contains(&format!("is not {kind}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What a page says is wrong with a question, each with its hint; what is wrong is what the reader of questions finds.
    fn said(question: &Json) -> Vec<(String, String)> {
        let errors = workspace::parse_question(question, "/question").expect_err("something is wrong with it");
        in_form_words(errors, question).into_iter().map(|error| (error.message, error.hint)).collect()
    }

    /// A question with a part as a form sends it.
    fn with(kind: &str, key: &str, value: Json) -> Json {
        let mut question = match kind {
            "power" => json!({ "kind": "power", "purpose": "analytics", "exposure": "page_viewed", "lift": 0.05,
                "metric": { "measure": "people(purchase)" } }),
            "trend" => json!({ "kind": "trend", "purpose": "analytics", "measure": "count(a)", "breakdown": ["b"] }),
            _ => json!({ "kind": "funnel", "purpose": "analytics", "steps": ["a", "b"], "within": "7 days" }),
        };
        question[key] = value;
        question
    }

    #[test]
    fn what_is_wrong_is_said_as_the_form_expects_it() {
        let cases = [
            ("power", "lift", json!(1000), "type a percentage from 0.1 to 10\u{202f}000"),
            ("power", "alpha", json!(0), "type a percentage from 0.01 to 50"),
            ("power", "power", json!("x"), "type a percentage from 50 to 99.9"),
            ("power", "days", json!(0), "type a whole number of days from 1 to 366"),
            ("power", "variants", json!(1), "type a whole number from 2 to 10"),
            ("power", "metric", json!({ "measure": "people(a)", "within": "soon" }), "this is not a length of time"),
            ("power", "as_of", json!("soon"), "this is not a day"),
            ("trend", "limit", json!(0), "type a whole number from 1 to 1\u{202f}000\u{202f}000"),
            ("funnel", "within", json!("soon"), "this is not a length of time"),
            ("funnel", "period", json!({ "last": "soon" }), "this is not a length of time"),
            ("funnel", "period", json!({ "from": "soon", "to": "2018-01-01" }), "this is not a day"),
            ("funnel", "period", json!({ "from": "2018-01-01" }), "the period is not complete"),
            (
                "funnel",
                "period",
                json!({ "from": "2018-01-01", "to": "2017-01-01" }),
                "the last day is before the first",
            ),
        ];
        for (kind, key, value, expected) in cases {
            let found = said(&with(kind, key, value));
            assert!(found.iter().any(|(message, _)| message == expected), "{key}: {found:?}");
        }
    }

    #[test]
    fn a_period_that_is_too_short_is_not_one_that_is_not_complete() {
        let metric = json!({ "measure": "people(purchase)", "within": "9 days" });
        let mut question = with("power", "metric", metric);
        question["period"] = json!({ "from": "2017-01-01", "to": "2017-01-08" });
        let found = said(&question);
        assert_eq!(found[0].0, "nobody of the period has had 9 days to act when it ends");
    }

    #[test]
    fn parts_of_one_are_told_from_percent() {
        let found = said(&with("power", "lift", json!(0.0005)));
        assert_eq!(found[0].1, "0.05 here means 0.05 %; for 5 in a hundred type 5");
    }

    #[test]
    fn what_no_form_is_known_for_stays_as_it_is() {
        let question = with("funnel", "where", json!("city = ) 1"));
        let errors = workspace::parse_question(&question, "/question").expect_err("a bracket is too much");
        assert_eq!(in_form_words(errors.clone(), &question), errors);
        let mut question = with("power", "lift", Json::Null);
        question.as_object_mut().expect("an object").remove("lift");
        assert_eq!(said(&question)[0].0, "a question needs `lift`");
    }
}
