//! The text of a measure -> `spec::Measure`.

use crate::condition::{check_property, event_and_property};
use crate::cursor::{Cursor, Step};
use crate::diagnostic::Issue;
use crate::names::{nearest, shortened};
use spec::{Diagnostic, Measure, MeasureAtom, MeasureFunction};
use sqlparser::tokenizer::Token;

#[cfg(test)]
mod tests;

const FUNCTIONS: [&str; 6] = ["count", "people", "sum", "avg", "min", "max"];

const HINT: &str =
    "write count(E), people(E), sum(E.p), avg(E.p), min(E.p), max(E.p), one divided by another, or a metric's name";

/// Parses a measure; line and column of the diagnostics are in the text, their path is empty.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_measure(text: &str) -> Result<Measure, Vec<Diagnostic>> {
    read_measure(text).map_err(|issues| issues.into_iter().map(Issue::into_diagnostic).collect())
}

pub(crate) fn read_measure(text: &str) -> Result<Measure, Vec<Issue>> {
    let mut cursor = Cursor::new(text)?;
    let measure = whole(&mut cursor);
    let issues = cursor.into_issues();
    match measure {
        Ok(measure) if issues.is_empty() => Ok(measure),
        _ => Err(issues),
    }
}

fn whole(cursor: &mut Cursor) -> Step<Measure> {
    let is_call = cursor.peek_at(1) == Some(&Token::LParen);
    if !is_call && let Some(name) = cursor.take_name() {
        if cursor.peek().is_some() {
            return cursor.unexpected("the end", HINT);
        }
        return Ok(Measure::Metric(name));
    }
    let top = atom(cursor)?;
    let measure = if cursor.take(&Token::Div) { Measure::Ratio(top, atom(cursor)?) } else { Measure::Atom(top) };
    if cursor.peek().is_some() {
        return cursor.unexpected("the end", HINT);
    }
    Ok(measure)
}

fn atom(cursor: &mut Cursor) -> Step<MeasureAtom> {
    let spot = cursor.spot();
    let word = cursor.peek_word(0).map(str::to_ascii_lowercase).unwrap_or_default();
    let function = match word.as_str() {
        "count" => MeasureFunction::Count,
        "people" => MeasureFunction::People,
        "sum" => MeasureFunction::Sum,
        "avg" => MeasureFunction::Avg,
        "min" => MeasureFunction::Min,
        "max" => MeasureFunction::Max,
        "" => return cursor.unexpected("a function or a metric", HINT),
        _ => {
            let near = nearest(&word, FUNCTIONS);
            let hint = near.first().map_or(HINT.to_owned(), |near| format!("did you mean `{near}`?"));
            return cursor.stop(spot, format!("`{}` is not a function of measures", shortened(&word)), &hint);
        }
    };
    cursor.skip();
    cursor.expect(&Token::LParen, HINT)?;
    let spot = cursor.spot();
    let (event, property) = event_and_property(cursor)?;
    let takes_property = !matches!(function, MeasureFunction::Count | MeasureFunction::People);
    check_property(cursor, spot, function.name(), takes_property, property.as_deref());
    if cursor.peek() == Some(&Token::Comma) {
        let hint = "put conditions into `where` and days into `period`";
        return cursor.unexpected("`)`", hint);
    }
    cursor.expect(&Token::RParen, HINT)?;
    Ok(MeasureAtom { function, event, property })
}
