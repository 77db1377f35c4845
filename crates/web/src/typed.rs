//! What is wrong with a question, in the words of the forms in which it was typed.
//!
//! Diagnostics speak of the question's text, as files and programs write it. Whoever fills in a form sees none of that, so
//! that pages say for each part what its form expects. What no form is known for is said as it is.

use crate::words;
use serde_json::Value as Json;
use spec::{Diagnostic, PowerQuestion};

/// The least and the most of what a form takes in percent.
const LIFT: (&str, &str) = ("0.1", "10 000");
const ALPHA: (&str, &str) = ("0.01", "50");
const POWER: (&str, &str) = ("50", "99.9");
/// A change of less than this, as a part of one, is smaller than can be asked for.
const LIFT_MIN: f64 = 0.001;

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
        // What is missing, and what names something else, is told by names.
        _ if is_about_a_key(error) => None,
        ("/lift", _) => Some(lift(&question["lift"])),
        ("/alpha", _) => Some(percentage(ALPHA)),
        ("/power", _) => Some(percentage(POWER)),
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
        ("/period", _) => said("the period is not complete", "choose its first and its last day"),
        ("/as_of", _) if error.message.contains("is not an instant") => {
            said("this is not a day", "choose one, such as 31 Dec 2017")
        }
        _ => None,
    }
}

fn lift(typed: &Json) -> Expected {
    let (least, most) = LIFT;
    let message = format!("type a percentage from {least} to {}", thin(most));
    match typed.as_f64().filter(|lift| *lift > 0.0 && *lift < LIFT_MIN) {
        // Who knows rates types five in a hundred as 0.05.
        Some(lift) => {
            let percent = |part: f64| ((part * 1e6).round() / 1e4).to_string();
            let (typed, meant) = (percent(lift), percent(lift * 100.0));
            (message, format!("{typed} here means {typed} %; for {meant} in a hundred type {meant}"))
        }
        None => (message, "the change that the test is to find, such as 5".to_owned()),
    }
}

fn percentage((least, most): (&str, &str)) -> Expected {
    (format!("type a percentage from {least} to {most}"), String::new())
}

fn whole(what: &str, least: u32, most: u32, hint: &str) -> Expected {
    (format!("type {what} from {least} to {}", words::figure(&most.to_string(), None)), hint.to_owned())
}

/// The numbers of a text, with thin grouping.
fn grouped(text: &str) -> String {
    let grouped = text.split(' ').map(|word| words::figure(word, None));
    grouped.collect::<Vec<String>>().join(" ")
}

fn thin(number: &str) -> String {
    number.replace(' ', "\u{202f}")
}

/// Whether a part is missing, or one stands there that does not belong.
fn is_about_a_key(error: &Diagnostic) -> bool {
    error.message.contains("is missing") || error.message.contains("is not a key of")
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

    fn said(path: &str, message: &str, question: &Json) -> (String, String, usize) {
        let error = Diagnostic {
            path: path.to_owned(),
            line: 1,
            column: 30,
            message: message.to_owned(),
            hint: "write it as in `key: 1`".to_owned(),
        };
        let error = in_form_words(vec![error], question).remove(0);
        (error.message, error.hint, error.column)
    }

    #[test]
    fn what_is_wrong_is_said_as_the_form_expects_it() {
        let of = |path: &str, message: &str| said(path, message, &Json::Null).0;
        assert_eq!(
            of("/question/lift", "`lift` is a number from 0.001 to 100"),
            "type a percentage from 0.1 to 10\u{202f}000"
        );
        assert_eq!(
            of("/question/days", "`days` is a whole number from 1 to 366"),
            "type a whole number of days from 1 to 366"
        );
        let limit = of("/question/limit", "`limit` is a whole number from 1 to 1000000");
        assert_eq!(limit, "type a whole number from 1 to 1\u{202f}000\u{202f}000");
        let period = "the period has no day: it starts on 2018-01-01 and ends before 2017-01-01";
        assert_eq!(of("/question/period/to", period), "the last day is before the first");
        assert_eq!(of("/question/metric/within", "`x` is no length of time"), "this is not a length of time");
    }

    #[test]
    fn parts_of_one_are_told_from_percent() {
        let (_, hint, column) =
            said("/question/lift", "`lift` is a number from 0.001 to 100", &json!({ "lift": 0.0005 }));
        assert_eq!(hint, "0.05 here means 0.05 %; for 5 in a hundred type 5");
        assert_eq!(column, 1, "the place in a text that nobody wrote is not told");
    }

    #[test]
    fn what_no_form_is_known_for_stays_as_it_is() {
        let kept = said("/question/where", "`)` is one too many", &Json::Null);
        assert_eq!(kept, ("`)` is one too many".to_owned(), "write it as in `key: 1`".to_owned(), 30));
        let value = said("/question/where", "`a` is not a whole number", &Json::Null);
        assert_eq!((value.0.as_str(), value.2), ("`a` is not a whole number", 1));
        assert_eq!(said("/question/lift", "the key `lift` is missing", &Json::Null).0, "the key `lift` is missing");
    }
}
