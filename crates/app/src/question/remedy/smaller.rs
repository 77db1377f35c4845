//! Questions that are smaller, for those that ask for too much.

use super::{Candidate, Way};
use crate::question::{counted, grouped};
use chrono::TimeDelta;
use spec::{
    AttributionModel, AttributionQuestion, FunnelQuestion, Interval, PathsQuestion, Period, Question, QuestionBody,
    RetentionQuestion, TrendQuestion,
};
use workspace::Definitions;

/// The question with longer intervals or a simpler model, without one of its groups, for a shorter period; without any
/// groups and with longer intervals last. Where groups are too many, without them first: time to try is short, and a
/// question that is still too large takes the most of it.
pub(super) fn smaller(definitions: &Definitions, question: &Question, is_of_groups: bool) -> Vec<Way> {
    let (groups, coarser) = (without_groups(definitions, question), coarser(question));
    let (first, second) = if is_of_groups { (groups, coarser) } else { (coarser, groups) };
    let mut found: Vec<Way> = first.into_iter().chain(second).collect();
    found.push(shorter(question));
    if let QuestionBody::Trend(trend) = &question.body
        && !trend.breakdown.is_empty()
    {
        let bare = TrendQuestion { breakdown: Vec::new(), ..trend.clone() };
        found.push(by_longer(question, &bare, ", without groups"));
    }
    found
}

/// A trend by longer intervals.
fn by_longer(question: &Question, trend: &TrendQuestion, note: &str) -> Way {
    let longer = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month, Interval::None];
    let longer = longer.into_iter().skip_while(|by| *by != trend.by).skip(1);
    let by = |by: Interval| {
        let title = match by {
            Interval::None => format!("Ask for the whole period at once{note}"),
            by => format!("Ask by {}{note}", by.name()),
        };
        let body = QuestionBody::Trend(TrendQuestion { by, ..trend.clone() });
        Candidate::new(title, Question { body, ..question.clone() })
    };
    longer.map(by).collect()
}

/// The question with longer intervals or fewer of them, a simpler model, fewer steps.
fn coarser(question: &Question) -> Vec<Way> {
    let with = |body: QuestionBody| Question { body, ..question.clone() };
    let mut found = Vec::new();
    match &question.body {
        QuestionBody::Trend(trend) => found.push(by_longer(question, trend, "")),
        QuestionBody::Retention(retention) => {
            let longer = [Interval::Day, Interval::Week, Interval::Month];
            let longer = longer.into_iter().skip_while(|by| *by != retention.by).skip(1);
            let by = |by: Interval| {
                let body = QuestionBody::Retention(RetentionQuestion { by, ..retention.clone() });
                Candidate::new(format!("Ask by {}", by.name()), with(body))
            };
            found.push(longer.map(by).collect());
            let fewer = |periods: u32| {
                let body = QuestionBody::Retention(RetentionQuestion { periods, ..retention.clone() });
                Candidate::new(format!("Ask for {}", counted(periods.into(), retention.by.name())), with(body))
            };
            found.push(halves(retention.periods).map(fewer).collect());
        }
        QuestionBody::Attribution(attribution) => {
            let simpler =
                [("Share equally", AttributionModel::Linear), ("Give all to the last", AttributionModel::Last)];
            let shared = |(title, model): (&str, AttributionModel)| {
                let body = QuestionBody::Attribution(AttributionQuestion { model, ..attribution.clone() });
                Candidate::new(title.to_owned(), with(body))
            };
            found.push(simpler.map(shared).into());
        }
        QuestionBody::Paths(paths) => {
            let fewer = |steps: u32| {
                let body = QuestionBody::Paths(PathsQuestion { steps, ..paths.clone() });
                Candidate::new(format!("Ask for {}", counted(steps.into(), "step")), with(body))
            };
            found.push(halves(paths.steps).map(fewer).collect());
        }
        _ => {}
    }
    found
}

/// Half of a number, a quarter, and so on down to one.
fn halves(number: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(number), |number| (*number > 1).then_some(number / 2)).skip(1)
}

/// The question without each of its groups in turn, the last first, and then without any; where that is not enough, none
/// of them is tried.
fn without_groups(definitions: &Definitions, question: &Question) -> Vec<Way> {
    let breakdown = |question: &Question| match &question.body {
        QuestionBody::Trend(TrendQuestion { breakdown, .. })
        | QuestionBody::Funnel(FunnelQuestion { breakdown, .. }) => breakdown.clone(),
        _ => Vec::new(),
    };
    let all = breakdown(question);
    let with = |kept: Vec<String>, title: String| {
        let mut changed = question.clone();
        if let QuestionBody::Trend(TrendQuestion { breakdown, .. })
        | QuestionBody::Funnel(FunnelQuestion { breakdown, .. }) = &mut changed.body
        {
            *breakdown = kept;
        }
        Candidate::new(title, changed)
    };
    let leave_out = |place: usize| {
        let mut kept = all.clone();
        let name = kept.remove(place);
        with(kept, format!("Without groups by {}", workspace::field_words(&name, definitions)))
    };
    if all.len() < 2 {
        return (0..all.len()).map(|place| vec![leave_out(place)]).collect();
    }
    let bare = || with(Vec::new(), "Without groups".to_owned());
    let ways = (0..all.len()).rev().map(|place| vec![leave_out(place), bare()]);
    ways.chain([vec![bare()]]).collect()
}

/// The question for the later half of its days, a quarter, and so on.
fn shorter(question: &Question) -> Way {
    let Some(Period::Dates { from, to }) = question.body.period() else { return Vec::new() };
    let n_days = (*to - *from).num_days();
    let candidate = |days: u32| {
        let from = *to - TimeDelta::days(days.into());
        let mut changed = question.clone();
        *changed.body.period_mut()? = Period::Dates { from, to: *to };
        let title = format!("Ask from {} on", from.format("%-d %b %Y"));
        let effect = format!("{} of {} days", grouped(days.into()), grouped(n_days.unsigned_abs()));
        Some(Candidate { effect, ..Candidate::new(title, changed) })
    };
    halves(u32::try_from(n_days).unwrap_or(u32::MAX)).filter_map(candidate).collect()
}

#[cfg(test)]
mod tests;
