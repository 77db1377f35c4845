//! Questions that are smaller, for those that ask for too much.

use super::{Candidate, Way};
use chrono::TimeDelta;
use spec::{
    AttributionModel, AttributionQuestion, FunnelQuestion, Interval, PathsQuestion, Period, Question, QuestionBody,
    RetentionQuestion, TrendQuestion,
};

/// The question with longer intervals or a simpler model, without one of its groups, for a shorter period.
pub(super) fn smaller(question: &Question) -> Vec<Way> {
    let with = |body: QuestionBody| Question { body, ..question.clone() };
    let mut found = Vec::new();
    match &question.body {
        QuestionBody::Trend(trend) => {
            let longer = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month, Interval::None];
            let longer = longer.into_iter().skip_while(|by| *by != trend.by).skip(1);
            let by = |by: Interval| {
                let title = match by {
                    Interval::None => "Ask for the whole period at once".to_owned(),
                    by => format!("Ask by {}", by.name()),
                };
                Candidate::new(title, with(QuestionBody::Trend(TrendQuestion { by, ..trend.clone() })))
            };
            found.push(longer.map(by).collect());
        }
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
                Candidate::new(format!("Ask for {}", counted(periods, retention.by.name())), with(body))
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
                Candidate::new(format!("Ask for {}", counted(steps, "step")), with(body))
            };
            found.push(halves(paths.steps).map(fewer).collect());
        }
        _ => {}
    }
    found.extend(without_groups(question));
    found.push(shorter(question));
    found
}

/// Half of a number, a quarter, and so on down to one.
fn halves(number: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(number), |number| (*number > 1).then_some(number / 2)).skip(1)
}

fn counted(count: u32, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The question without each of its groups in turn, the last first, and then without any.
fn without_groups(question: &Question) -> Vec<Way> {
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
        vec![Candidate::new(title, changed)]
    };
    let leave_out = |place: usize| {
        let mut kept = all.clone();
        let name = kept.remove(place);
        with(kept, format!("Without groups by `{name}`"))
    };
    let mut ways: Vec<Way> = (0..all.len()).rev().map(leave_out).collect();
    if all.len() > 1 {
        ways.push(with(Vec::new(), "Without groups".to_owned()));
    }
    ways
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
        Some(Candidate { effect: format!("{days} of {n_days} days"), ..Candidate::new(title, changed) })
    };
    halves(u32::try_from(n_days).unwrap_or(u32::MAX)).filter_map(candidate).collect()
}
