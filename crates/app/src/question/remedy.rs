//! The nearest yes: changed questions that judge yes, found by trying them.

use crate::question::judge::{Decided, Refused, Scene, release};
use crate::question::telling::Aim;
use crate::state::purposes_of;
use spec::{
    Aggregate, AttributionModel, AttributionQuestion, CompareOp, Condition, Duration, ExperimentMetric,
    ExperimentQuestion, FieldRef, FunnelQuestion, Interval, Measure, MeasureAtom, MeasureFunction, Period, Question,
    QuestionBody, Reason, ReasonCode, Release, Remedy, Term, TrendQuestion, Value,
};

/// Changed questions that are tried for one refusal; a judge answers while somebody types.
const TRIES_MAX: usize = 16;
/// Changed questions that one reason offers.
const OFFERS_MAX: usize = 3;

/// A changed question, and what was changed.
struct Candidate {
    title: String,
    question: Question,
    /// Of changes of one way, the smallest first, only one is offered.
    way: Option<usize>,
}

impl Candidate {
    fn new(title: String, question: Question) -> Candidate {
        Candidate { title, question, way: None }
    }
}

/// The reasons of a refusal, each with the changed questions that judge yes before its gap.
pub(crate) fn with_remedies(scene: &Scene<'_>, question: &Question, refused: Refused) -> Vec<Reason> {
    // What is tried is not asked: it is charged to nobody, and so tells no more than a judge.
    let scene = &Scene { aim: Aim::Judge, ..scene.clone() };
    let mut candidates: Vec<Candidate> = Vec::new();
    for fixed in refused.fixed {
        candidates.push(Candidate::new("Ask with the nearest name".to_owned(), fixed));
    }
    candidates.extend(changes(scene, question, &refused.reasons));
    let mut offers: Vec<Remedy> = Vec::new();
    let mut tried: Vec<Question> = vec![question.clone()];
    let mut ways: Vec<usize> = Vec::new();
    for Candidate { title, question, way } in candidates {
        if offers.len() == OFFERS_MAX || tried.len() > TRIES_MAX {
            break;
        }
        if tried.contains(&question) || way.is_some_and(|way| ways.contains(&way)) {
            continue;
        }
        // A change that cannot be judged is no remedy; the refusal stands all the same.
        if let Ok(Decided::Allowed(allowed)) = scene.decide(&question) {
            let purpose = scene.definitions.purposes.get(&question.purpose);
            let is_counted = purpose
                .is_none_or(|purpose| purpose.limits.questions_per_day.is_some() || purpose.limits.noise.is_some());
            let effect = match allowed.rows.people {
                _ if is_counted => String::new(),
                Some(people) => format!("{people} people"),
                None => format!("{} people may be used", allowed.people.used.len()),
            };
            ways.extend(way);
            offers.push(Remedy::Ask { title, question: Box::new(question.clone()), effect });
        }
        tried.push(question);
    }
    let offer = |mut reason: Reason| {
        reason.remedies.splice(0..0, offers.iter().cloned());
        reason
    };
    refused.reasons.into_iter().map(offer).collect()
}

/// Changes worth trying, the smallest first: a term that is easier to meet, another purpose, figures instead of a list, without
/// what stands in the way.
fn changes(scene: &Scene<'_>, question: &Question, reasons: &[Reason]) -> Vec<Candidate> {
    let has = |code: ReasonCode| reasons.iter().any(|reason| reason.code == code);
    let mut found = Vec::new();
    if has(ReasonCode::UnderMinimumGroup) {
        found.extend(eased(scene, question));
    }
    let without = without_fields(question, reasons);
    let bases: Vec<&Question> =
        std::iter::once(question).chain(without.as_ref().map(|candidate| &candidate.question)).collect();
    for base in bases {
        if base != question {
            found.extend(without.as_ref().map(|other| Candidate::new(other.title.clone(), other.question.clone())));
        }
        let note = if base == question { String::new() } else { format!(", {}", lower_first(&without)) };
        for purpose in purposes_of(scene.definitions, scene.role) {
            let is_enough = scene.role.purposes.get(&purpose.name).is_some_and(|most| *most >= release(base));
            if purpose.name != question.purpose && is_enough {
                let question = Question { purpose: purpose.name.clone(), ..base.clone() };
                found.push(Candidate::new(format!("Ask for {}{note}", purpose.title), question));
            }
        }
        if let Some(count) = as_count(base).filter(|_| has(ReasonCode::ReleaseLevel) || has(ReasonCode::FieldHidden)) {
            found.push(Candidate::new(format!("Ask how many instead of who{note}"), count));
        }
    }
    if has(ReasonCode::OnePerson) {
        found.extend(averaged(question));
    }
    if has(ReasonCode::UnderMinimumGroup) {
        found.extend(without_one_term(scene, question));
    }
    if has(ReasonCode::OverBudget) {
        found.extend(smaller(question));
    }
    if has(ReasonCode::StaleSource) {
        found.extend(as_of_landing(scene, question, reasons));
    }
    found
}

fn lower_first(candidate: &Option<Candidate>) -> String {
    let title = candidate.as_ref().map_or("", |candidate| &candidate.title);
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A list as a count.
fn as_count(question: &Question) -> Option<Question> {
    let QuestionBody::Audience(audience) = &question.body else { return None };
    if audience.release == Release::Aggregate {
        return None;
    }
    let mut count = audience.clone();
    count.release = Release::Aggregate;
    count.columns.clear();
    count.limit = None;
    Some(Question { body: QuestionBody::Audience(count), ..question.clone() })
}

/// The question without the fields that stand in the way, where something is left of it.
fn without_fields(question: &Question, reasons: &[Reason]) -> Option<Candidate> {
    let is_about_field =
        |reason: &&Reason| matches!(reason.code, ReasonCode::PurposeNotForField | ReasonCode::FieldHidden);
    let names: Vec<&str> = reasons.iter().filter(is_about_field).map(|reason| reason.subject.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let mut changed = question.clone();
    let keep = |list: &mut Vec<String>| list.retain(|name| !names.contains(&name.as_str()));
    match &mut changed.body {
        QuestionBody::Trend(trend) => {
            keep(&mut trend.breakdown);
            trend.filter = trend.filter.as_ref().and_then(|filter| without(filter, &names));
        }
        QuestionBody::Funnel(funnel) => {
            keep(&mut funnel.breakdown);
            funnel.filter = funnel.filter.as_ref().and_then(|filter| without(filter, &names));
            for step in &mut funnel.steps {
                step.filter = step.filter.as_ref().and_then(|filter| without(filter, &names));
            }
        }
        QuestionBody::Retention(retention) => {
            for step in [&mut retention.start, &mut retention.coming_back] {
                step.filter = step.filter.as_ref().and_then(|filter| without(filter, &names));
            }
            retention.filter = retention.filter.as_ref().and_then(|filter| without(filter, &names));
        }
        QuestionBody::Attribution(attribution) => {
            for step in [&mut attribution.conversion, &mut attribution.touch] {
                step.filter = step.filter.as_ref().and_then(|filter| without(filter, &names));
            }
            attribution.filter = attribution.filter.as_ref().and_then(|filter| without(filter, &names));
            attribution.value = attribution.value.take().filter(|value| !names.contains(&value.as_str()));
        }
        QuestionBody::Paths(paths) => {
            for filter in [&mut paths.end.step_mut().filter, &mut paths.filter] {
                *filter = filter.as_ref().and_then(|filter| without(filter, &names));
            }
        }
        QuestionBody::Experiment(experiment) => {
            let ExperimentQuestion { exposure, metrics, filter, .. } = experiment;
            let is_of_names = |metric: &ExperimentMetric| match &metric.measure {
                Measure::Atom(atom) => atom.property.as_deref().is_some_and(|name| names.contains(&name)),
                Measure::Ratio(..) | Measure::Metric(_) => false,
            };
            if !metrics.iter().all(is_of_names) {
                metrics.retain(|metric| !is_of_names(metric));
            }
            let filters = metrics.iter_mut().map(|metric| &mut metric.filter);
            for filter in filters.chain([&mut exposure.filter, filter]) {
                *filter = filter.as_ref().and_then(|filter| without(filter, &names));
            }
        }
        QuestionBody::Sql(_) => {}
        QuestionBody::Audience(audience) => {
            keep(&mut audience.columns);
            audience.condition = without(&audience.condition, &names)?;
        }
    }
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    (changed != *question).then(|| Candidate::new(format!("Leave {list} out"), changed))
}

/// A condition without the top-level terms that use one of these fields; `None` when nothing is left.
fn without(condition: &Condition, names: &[&str]) -> Option<Condition> {
    let kept = condition.conjuncts().iter().filter(|term| !uses(term, names)).cloned();
    joined(kept.collect())
}

fn joined(mut terms: Vec<Condition>) -> Option<Condition> {
    match terms.len() {
        0 => None,
        1 => terms.pop(),
        _ => Some(Condition::And(terms)),
    }
}

fn uses(condition: &Condition, names: &[&str]) -> bool {
    let is_named = |term: &Term| match term {
        Term::Field(FieldRef::Property(name) | FieldRef::Trait(name)) => names.contains(&name.as_str()),
        Term::Value(_) => false,
        Term::Aggregate(aggregate) => aggregate_uses(aggregate, names),
    };
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(|part| uses(part, names)),
        Condition::Not(inner) => uses(inner, names),
        Condition::Compare { left, right, .. } => is_named(left) || is_named(right),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => is_named(term),
        Condition::Did(aggregate) => aggregate_uses(aggregate, names),
        Condition::InAudience(_) => false,
    }
}

fn aggregate_uses(aggregate: &spec::Aggregate, names: &[&str]) -> bool {
    aggregate.property.as_deref().is_some_and(|property| names.contains(&property))
        || aggregate.filter.as_ref().is_some_and(|filter| uses(filter, names))
}

/// A trend of the average in place of the smallest or the largest.
fn averaged(question: &Question) -> Option<Candidate> {
    let QuestionBody::Trend(trend) = &question.body else { return None };
    let Measure::Atom(atom) = &trend.measure else { return None };
    let measure = Measure::Atom(MeasureAtom { function: MeasureFunction::Avg, ..atom.clone() });
    let body = QuestionBody::Trend(TrendQuestion { measure, ..trend.clone() });
    Some(Candidate::new("Ask for the average".to_owned(), Question { body, ..question.clone() }))
}

/// An audience with one of its terms made easier to meet: a lower number, by halves, or a window of another length.
fn eased(scene: &Scene<'_>, question: &Question) -> Vec<Candidate> {
    let QuestionBody::Audience(audience) = &question.body else { return Vec::new() };
    let terms = audience.condition.conjuncts();
    let with = |index: usize, term: Condition, way: usize| {
        let words = workspace::condition_words(&term, scene.definitions);
        let mut all = terms.to_vec();
        all[index] = term;
        let changed = spec::AudienceQuestion { condition: joined(all)?, ..audience.clone() };
        let question = Question { body: QuestionBody::Audience(changed), ..question.clone() };
        Some(Candidate { title: format!("Instead: {words}"), question, way: Some(way) })
    };
    let mut found = Vec::new();
    for index in (0..terms.len()).rev() {
        found.extend(lowered(&terms[index]).into_iter().filter_map(|term| with(index, term, index)));
    }
    for index in (0..terms.len()).rev() {
        found.extend(rewindowed(&terms[index]).and_then(|term| with(index, term, terms.len() + index)));
    }
    found
}

/// A term that wants at least so much of somebody's events, with half of it, a quarter, and so on.
fn lowered(term: &Condition) -> Vec<Condition> {
    let Condition::Compare { left: left @ Term::Aggregate(_), op, right: Term::Value(Value::Integer(least)) } = term
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut least = *least;
    while matches!(op, CompareOp::Greater | CompareOp::GreaterEq) && least > 1 {
        least = (least + 1) / 2;
        found.push(Condition::Compare { left: left.clone(), op: *op, right: Term::Value(Value::Integer(least)) });
    }
    found
}

/// A term about events within a window: twice as long where they are wanted, half as long where they are not.
fn rewindowed(term: &Condition) -> Option<Condition> {
    let changed = |aggregate: &Aggregate, longer: bool| {
        let text = aggregate.within.as_ref()?.to_string();
        let (count, unit) = text.split_once(' ')?;
        let count: u32 = count.parse().ok()?;
        let count = if longer { count.checked_mul(2)? } else { count / 2 };
        let within = Duration::parse(&format!("{count} {unit}")).ok()?;
        Some(Aggregate { within: Some(within), ..aggregate.clone() })
    };
    Some(match term {
        Condition::Did(aggregate) => Condition::Did(changed(aggregate, true)?),
        Condition::Not(inner) => match inner.as_ref() {
            Condition::Did(aggregate) => Condition::Not(Box::new(Condition::Did(changed(aggregate, false)?))),
            _ => return None,
        },
        Condition::Compare { left: Term::Aggregate(aggregate), op, right }
            if matches!(op, CompareOp::Greater | CompareOp::GreaterEq) =>
        {
            Condition::Compare { left: Term::Aggregate(changed(aggregate, true)?), op: *op, right: right.clone() }
        }
        _ => return None,
    })
}

/// An audience with each of its terms left out in turn.
fn without_one_term(scene: &Scene<'_>, question: &Question) -> Vec<Candidate> {
    let QuestionBody::Audience(audience) = &question.body else { return Vec::new() };
    let terms = audience.condition.conjuncts();
    let leave_out = |index: usize| {
        let rest: Vec<Condition> =
            terms.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, term)| term.clone()).collect();
        let condition = joined(rest)?;
        let words = workspace::condition_words(&terms[index], scene.definitions);
        let changed = spec::AudienceQuestion { condition, ..audience.clone() };
        let question = Question { body: QuestionBody::Audience(changed), ..question.clone() };
        Some(Candidate::new(format!("Leave out: {words}"), question))
    };
    (0..terms.len()).rev().filter_map(leave_out).collect()
}

/// The question with longer intervals or a simpler model, then without its last groups.
fn smaller(question: &Question) -> Vec<Candidate> {
    let mut found = Vec::new();
    if let QuestionBody::Trend(trend) = &question.body {
        let longer = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month, Interval::None];
        for by in longer.into_iter().skip_while(|by| *by != trend.by).skip(1) {
            let title = match by {
                Interval::None => "Ask for the whole period at once".to_owned(),
                by => format!("Ask by {}", by.name()),
            };
            let body = QuestionBody::Trend(TrendQuestion { by, ..trend.clone() });
            found.push(Candidate::new(title, Question { body, ..question.clone() }));
        }
    }
    if let QuestionBody::Attribution(attribution) = &question.body {
        let simpler = [("Share equally", AttributionModel::Linear), ("Give all to the last", AttributionModel::Last)];
        for (title, model) in simpler {
            let body = QuestionBody::Attribution(AttributionQuestion { model, ..attribution.clone() });
            found.push(Candidate::new(title.to_owned(), Question { body, ..question.clone() }));
        }
    }
    if let QuestionBody::Paths(paths) = &question.body
        && paths.steps > 1
    {
        let steps = paths.steps / 2;
        let body = QuestionBody::Paths(spec::PathsQuestion { steps, ..paths.clone() });
        let s = if steps == 1 { "" } else { "s" };
        found.push(Candidate::new(format!("Ask for {steps} step{s}"), Question { body, ..question.clone() }));
    }
    let mut fewer = question.clone();
    let (QuestionBody::Trend(TrendQuestion { breakdown, .. }) | QuestionBody::Funnel(FunnelQuestion { breakdown, .. })) =
        &mut fewer.body
    else {
        return found;
    };
    if let Some(last) = breakdown.pop() {
        found.push(Candidate::new(format!("Without groups by `{last}`"), fewer));
    }
    found
}

/// The question as of the last delivery of its stalest source; a period of days ends with the last whole one.
fn as_of_landing(scene: &Scene<'_>, question: &Question, reasons: &[Reason]) -> Option<Candidate> {
    let stale = reasons.iter().filter(|reason| reason.code == ReasonCode::StaleSource);
    let landed = stale.filter_map(|reason| super::reason::landed_at(scene, &reason.subject)).min()?;
    let mut changed = question.clone();
    let (period, as_of) = match &mut changed.body {
        QuestionBody::Trend(trend) => (trend.period.as_mut(), &mut trend.as_of),
        QuestionBody::Funnel(funnel) => (funnel.period.as_mut(), &mut funnel.as_of),
        QuestionBody::Retention(retention) => (retention.period.as_mut(), &mut retention.as_of),
        QuestionBody::Attribution(attribution) => (attribution.period.as_mut(), &mut attribution.as_of),
        QuestionBody::Paths(paths) => (paths.period.as_mut(), &mut paths.as_of),
        QuestionBody::Experiment(experiment) => (experiment.period.as_mut(), &mut experiment.as_of),
        QuestionBody::Sql(_) => return None,
        QuestionBody::Audience(audience) => (None, &mut audience.as_of),
    };
    let title = if let Some(Period::Dates { from, to }) = period {
        // The day ends at another instant in each time zone.
        *to = (landed - super::reason::ZONE_MAX).date_naive().min(*to);
        if *from >= *to {
            return None;
        }
        format!("Ask for the days before {}", to.format("%-d %b %Y"))
    } else {
        *as_of = Some(landed);
        format!("Ask as of {}", landed.format("%-d %b %Y, %H:%M"))
    };
    Some(Candidate::new(title, changed))
}
