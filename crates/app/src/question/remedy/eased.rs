//! Audiences with terms that are easier to meet, for those that too few people meet.

use super::{Candidate, Way, joined};
use crate::question::judge::Scene;
use spec::{Aggregate, AudienceQuestion, CompareOp, Condition, Duration, Question, QuestionBody, Term, Value};

/// First digits of numbers that people choose.
const ROUND: [i64; 9] = [10, 15, 20, 25, 30, 40, 50, 60, 80];
/// A number is made smaller or larger by this at most.
const FACTOR_MAX: i64 = 100;
/// A window is made shorter or longer by these.
const WINDOW_FACTORS: [u32; 3] = [2, 4, 8];
/// A window is made no longer than this.
const WINDOW_SECONDS_MAX: i64 = 366 * 86_400;
/// Of more terms no two are left out together.
const PAIRED_TERMS_MAX: usize = 5;

/// An audience with one of its terms made easier to meet, term by term: by another number, or by a window of another length.
pub(super) fn eased(scene: &Scene<'_>, question: &Question) -> Vec<Way> {
    let QuestionBody::Audience(audience) = &question.body else { return Vec::new() };
    let terms = audience.condition.conjuncts();
    let with = |index: usize, term: Condition| {
        let words = workspace::condition_words(&term, scene.definitions);
        let mut all = terms.to_vec();
        all[index] = term;
        let changed = AudienceQuestion { condition: joined(all)?, ..audience.clone() };
        let question = Question { body: QuestionBody::Audience(changed), ..question.clone() };
        Some(Candidate::new(format!("Instead: {words}"), question))
    };
    let way = |index: usize, changed: Vec<Condition>| -> Way {
        changed.into_iter().filter_map(|term| with(index, term)).collect()
    };
    let of_numbers = (0..terms.len()).rev().map(|index| way(index, renumbered(&terms[index])));
    let of_windows = (0..terms.len()).rev().map(|index| way(index, rewindowed(&terms[index])));
    of_numbers.chain(of_windows).collect()
}

/// A comparison with a number, with ever smaller ones where it wants at least so much, and larger ones where at most;
/// whichever side the number stands on, and also where the opposite is not to be.
fn renumbered(term: &Condition) -> Vec<Condition> {
    renumbered_as(term, true)
}

fn renumbered_as(term: &Condition, is_to_be: bool) -> Vec<Condition> {
    let number = |number: i64| Term::Value(Value::Integer(number));
    match term {
        Condition::Not(inner) => {
            let eased = renumbered_as(inner, !is_to_be).into_iter();
            eased.map(|inner| Condition::Not(Box::new(inner))).collect()
        }
        Condition::Compare { left: left @ (Term::Aggregate(_) | Term::Field(_)), op, right: Term::Value(value) } => {
            let numbers = easier(wants_more(*op).map(|wants_more| wants_more == is_to_be), value).into_iter();
            numbers.map(|to| Condition::Compare { left: left.clone(), op: *op, right: number(to) }).collect()
        }
        Condition::Compare { left: Term::Value(value), op, right: right @ (Term::Aggregate(_) | Term::Field(_)) } => {
            let numbers = easier(wants_more(*op).map(|wants_more| wants_more != is_to_be), value).into_iter();
            numbers.map(|to| Condition::Compare { left: number(to), op: *op, right: right.clone() }).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether what stands on the left is to be larger, or smaller.
fn wants_more(op: CompareOp) -> Option<bool> {
    match op {
        CompareOp::Greater | CompareOp::GreaterEq => Some(true),
        CompareOp::Less | CompareOp::LessEq => Some(false),
        CompareOp::Eq | CompareOp::NotEq => None,
    }
}

/// Round numbers that are easier to keep to: smaller ones for a lower bound, larger ones for an upper, the nearest first.
fn easier(is_lower_bound: Option<bool>, value: &Value) -> Vec<i64> {
    let (Some(is_lower_bound), Some((down, up))) = (is_lower_bound, wholes(value)) else { return Vec::new() };
    let round = round_numbers().into_iter();
    if is_lower_bound {
        round.rev().filter(|number| *number < up && *number > up / FACTOR_MAX).collect()
    } else {
        let most = up.saturating_mul(FACTOR_MAX);
        round.filter(|number| *number > down && *number < most).collect()
    }
}

/// The whole numbers around one that is larger than 0, or itself twice.
fn wholes(value: &Value) -> Option<(i64, i64)> {
    if !matches!(value, Value::Integer(_) | Value::Number(_) | Value::Decimal(_)) {
        return None;
    }
    let text = value.to_string();
    let (whole, rest) = text.split_once('.').unwrap_or((text.as_str(), ""));
    let down: i64 = whole.parse().ok().filter(|_| !whole.starts_with('-'))?;
    let up = if rest.bytes().all(|digit| digit == b'0') { down } else { down.checked_add(1)? };
    (up > 0).then_some((down, up))
}

/// Round numbers from 1 on, ascending.
fn round_numbers() -> Vec<i64> {
    let powers = (0..12).map(|power| 10_i64.pow(power));
    let mut all: Vec<i64> = powers.flat_map(|unit| ROUND.map(|first| first * unit)).filter(|n| n % 10 == 0).collect();
    all.iter_mut().for_each(|number| *number /= 10);
    all
}

/// A term about events within a window: ever longer where they are wanted, ever shorter where they are not.
fn rewindowed(term: &Condition) -> Vec<Condition> {
    let changed = |aggregate: &Aggregate, is_longer: bool| -> Vec<Aggregate> {
        let text = aggregate.within.as_ref().map(Duration::to_string).unwrap_or_default();
        let Some((Ok(count), unit)) = text.split_once(' ').map(|(count, unit)| (count.parse::<u32>(), unit)) else {
            return Vec::new();
        };
        let counts = WINDOW_FACTORS.iter().filter_map(|factor| match is_longer {
            true => count.checked_mul(*factor),
            false => Some(count / factor).filter(|count| *count > 0),
        });
        let windows = counts.filter_map(|count| Duration::parse(&format!("{count} {unit}")).ok());
        let windows = windows.filter(|window| window.seconds() <= WINDOW_SECONDS_MAX);
        windows.map(|window| Aggregate { within: Some(window), ..aggregate.clone() }).collect()
    };
    match term {
        Condition::Did(aggregate) => changed(aggregate, true).into_iter().map(Condition::Did).collect(),
        Condition::Not(inner) => match inner.as_ref() {
            Condition::Did(aggregate) => {
                let shorter = changed(aggregate, false).into_iter();
                shorter.map(|aggregate| Condition::Not(Box::new(Condition::Did(aggregate)))).collect()
            }
            _ => Vec::new(),
        },
        Condition::Compare { left: Term::Aggregate(aggregate), op, right }
            if matches!(op, CompareOp::Greater | CompareOp::GreaterEq) =>
        {
            let with = |aggregate: Aggregate| Condition::Compare {
                left: Term::Aggregate(aggregate),
                op: *op,
                right: right.clone(),
            };
            changed(aggregate, true).into_iter().map(with).collect()
        }
        _ => Vec::new(),
    }
}

/// An audience with each of its terms left out in turn, then with each two of them.
pub(super) fn without_terms(scene: &Scene<'_>, question: &Question) -> Vec<Candidate> {
    let QuestionBody::Audience(audience) = &question.body else { return Vec::new() };
    let terms = audience.condition.conjuncts();
    let leave_out = |left_out: &[usize]| {
        let rest =
            terms.iter().enumerate().filter(|(place, _)| !left_out.contains(place)).map(|(_, term)| term.clone());
        let condition = joined(rest.collect())?;
        let words: Vec<String> =
            left_out.iter().map(|place| workspace::condition_words(&terms[*place], scene.definitions)).collect();
        let changed = AudienceQuestion { condition, ..audience.clone() };
        let question = Question { body: QuestionBody::Audience(changed), ..question.clone() };
        Some(Candidate::new(format!("Leave out: {}", words.join(", and: ")), question))
    };
    let mut found: Vec<Candidate> = (0..terms.len()).rev().filter_map(|place| leave_out(&[place])).collect();
    if terms.len() <= PAIRED_TERMS_MAX {
        let pairs = (0..terms.len()).flat_map(|first| (first + 1..terms.len()).map(move |second| [first, second]));
        found.extend(pairs.filter_map(|pair| leave_out(&pair)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_become_easier_step_by_step() {
        let steps = |text: &str| {
            let term = workspace::parse_condition(text).expect("it is a condition");
            let all = renumbered(&term).into_iter().chain(rewindowed(&term));
            all.map(|term| term.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(steps("count(visit) >= 4"), ["count(visit) >= 3", "count(visit) >= 2", "count(visit) >= 1"]);
        let smaller = steps("sum(visit.amount) >= 60.5");
        assert_eq!(smaller[..3], ["sum(visit.amount) >= 60", "sum(visit.amount) >= 50", "sum(visit.amount) >= 40"]);
        assert_eq!(steps("avg(visit.amount) >= 60.00"), steps("avg(visit.amount) >= 60"));
        assert_eq!(steps("avg(visit.amount) <= 0.5")[..2], ["avg(visit.amount) <= 1", "avg(visit.amount) <= 2"]);
        assert!(steps("avg(visit.amount) >= -3").is_empty());
        assert_eq!(
            steps("days_since_last(visit) <= 60")[..2],
            ["days_since_last(visit) <= 80", "days_since_last(visit) <= 100"]
        );
        assert_eq!(
            steps("NOT did(visit, within => '30 days')"),
            ["15 days", "7 days", "3 days"].map(|window| format!("NOT did(visit, within => '{window}')"))
        );
        assert_eq!(steps("did(visit, within => '100 days')"), ["did(visit, within => '200 days')"]);
        assert!(steps("tier = 'gold'").is_empty());
    }

    #[test]
    fn a_bound_is_one_however_it_is_written() {
        let first = |text: &str| {
            let term = workspace::parse_condition(text).expect("it is a condition");
            renumbered(&term).first().map(|term| term.to_string())
        };
        for (asked, eased) in [
            ("100000 <= count(visit)", "80000 <= count(visit)"),
            ("60 >= days_since_last(visit)", "80 >= days_since_last(visit)"),
            ("NOT count(visit) < 4", "NOT count(visit) < 3"),
            ("NOT count(visit) > 4", "NOT count(visit) > 5"),
            ("NOT 4 > count(visit)", "NOT 3 > count(visit)"),
        ] {
            let eased = workspace::parse_condition(eased).expect("it is a condition").to_string();
            assert_eq!(first(asked), Some(eased), "{asked}");
        }
    }
}
