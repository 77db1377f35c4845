//! Questions in SQL that come near to one that is refused, written into the text that somebody wrote: figures instead
//! of people, fewer rows, fewer days, and the same by another kind of question where no SQL is answered.

use super::{Candidate, Way, as_promised, with_note};
use crate::question::grouped;
use crate::question::judge::Scene;
use chrono::Days;
use spec::{Question, QuestionBody, Reason, SqlQuestion, TrendQuestion};
use workspace::SqlText;

/// So many rows an answer may have, and a list that somebody reads.
const ROWS: [usize; 2] = [10_000, 1_000];
/// So many days are tried, the most first.
const DAYS: [u64; 5] = [365, 90, 30, 7, 1];

/// Counts of the people that a text shows: of each value of what it shows beside them, and of all.
pub(super) fn counts(scene: &Scene<'_>, question: &Question, note: &str) -> Vec<Candidate> {
    let QuestionBody::Sql(sql) = &question.body else { return Vec::new() };
    let Some(text) = SqlText::new(&sql.text) else { return Vec::new() };
    let by_names = text.counted_by().map(|(names, changed)| {
        let names: Vec<String> = names.iter().map(|name| workspace::field_words(name, scene.definitions)).collect();
        changed_to(question, with_note(&format!("Ask how many by {}", names.join(", ")), note), changed)
    });
    let all =
        text.counted().map(|changed| changed_to(question, with_note("Ask how many instead of who", note), changed));
    by_names.into_iter().chain(all).collect()
}

/// The text for fewer rows, where there are too many of them, and for fewer days.
pub(super) fn smaller(scene: &Scene<'_>, question: &Question, has_too_many_rows: bool) -> Vec<Way> {
    let QuestionBody::Sql(sql) = &question.body else { return Vec::new() };
    let Some(text) = SqlText::new(&sql.text) else { return Vec::new() };
    let limited = |rows: usize| {
        let title = format!("Take the first {} rows", grouped(rows as u64));
        text.limited(rows).map(|changed| changed_to(question, title, changed))
    };
    let of_rows: Way = ROWS.into_iter().filter(|_| has_too_many_rows).filter_map(limited).collect();
    vec![of_rows, shorter(scene, question, &text)]
}

/// The text for the last days before it ends, or before today is over.
fn shorter(scene: &Scene<'_>, question: &Question, text: &SqlText<'_>) -> Way {
    let (known, end) = text.days();
    let Some(end) = end.or(scene.now.date_naive().checked_add_days(Days::new(1))) else { return Way::new() };
    let is_event = |name: &str| name == SqlQuestion::EVENTS || scene.definitions.event(name).is_some();
    let since = |days: u64| {
        let from = end.checked_sub_days(Days::new(days))?;
        let is_fewer = known.is_none_or(|known| from > known);
        let changed = text.since(from, &is_event).filter(|_| is_fewer)?;
        let title = format!("Ask from {} on", from.format("%-d %b %Y"));
        let effect = if days == 1 { "the last day".to_owned() } else { format!("the last {days} days") };
        Some(Candidate { effect, ..changed_to(question, title, changed) })
    };
    DAYS.into_iter().filter_map(since).collect()
}

/// The trends that ask for the same; as of when its sources were as promised where one is late or faulty.
pub(super) fn other_kinds(scene: &Scene<'_>, question: &Question, late: Option<&[Reason]>) -> Vec<Candidate> {
    let QuestionBody::Sql(sql) = &question.body else { return Vec::new() };
    let Some(text) = SqlText::new(&sql.text) else { return Vec::new() };
    let trends = text.as_trends(scene.now.date_naive());
    let is_one = trends.len() == 1;
    let candidate = |trend: TrendQuestion| {
        let measure = workspace::measure_words(&trend.measure, scene.definitions);
        let title = if is_one { "Ask as a trend".to_owned() } else { format!("Ask as a trend: {measure}") };
        let asked = Candidate::new(title, Question { body: QuestionBody::Trend(trend), ..question.clone() });
        let Some(reasons) = late else { return Some(asked) };
        let landed = as_promised(scene, &asked.question, reasons)?;
        Some(Candidate { title: format!("{}, as a trend", landed.title), ..landed })
    };
    trends.into_iter().filter_map(candidate).collect()
}

fn changed_to(question: &Question, title: String, text: String) -> Candidate {
    Candidate::new(title, Question { body: QuestionBody::Sql(SqlQuestion { text }), ..question.clone() })
}
