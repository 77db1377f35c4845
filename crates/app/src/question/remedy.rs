//! The nearest yes: changed questions that judge yes, found by trying them.

mod eased;
mod smaller;
mod without;

use crate::question::ask;
use crate::question::grouped;
use crate::question::judge::{Allowed, Decided, Instead, Refused, Scene, release};
use crate::question::telling::Aim;
use crate::state::purposes_of;
use chrono::TimeDelta;
use eased::{eased, without_terms};
use smaller::smaller;
use spec::{
    AudienceQuestion, Condition, Instant, Measure, MeasureAtom, MeasureFunction, Outcome, Period, Purpose, Question,
    QuestionBody, Reason, ReasonCode, Release, Remedy, Result, TrendQuestion,
};
use std::cmp::Reverse;
use std::sync::Arc;
use without::without_fields;

/// Changed questions that are tried for one refusal; a judge answers while somebody types.
const TRIES_MAX: usize = 24;
/// For so long new ones are tried, and each is given up so long after the search began.
const TRYING: TimeDelta = TimeDelta::milliseconds(700);
const TRIED: TimeDelta = TimeDelta::seconds(2);
/// Changed questions that one reason offers.
const OFFERS_MAX: usize = 3;

/// A changed question, and what was changed.
struct Candidate {
    title: String,
    question: Question,
    /// What is left of what was asked for, besides people.
    effect: String,
}

/// Changes of one sort, the smallest first: where one of them is enough, so are those after it.
type Way = Vec<Candidate>;

impl Candidate {
    fn new(title: String, question: Question) -> Candidate {
        Candidate { title, question, effect: String::new() }
    }
}

/// The reasons of a refusal, each with the changed questions that judge yes before its gap. Each that is offered is on
/// record, since it says how many people it is about.
pub(crate) fn with_remedies(scene: &Scene<'_>, question: &Question, refused: Refused) -> Result<Vec<Reason>> {
    // What is tried is not asked: it is charged to nobody, and so tells no more than a judge. A question that took all of its
    // time has some left for others.
    let began = scene.state.clock.now();
    let scene = &Scene { aim: Aim::Judge, until: began + TRIED, ..scene.clone() };
    let mut ways: Vec<Way> = Vec::new();
    for Instead { title, question, effect } in refused.instead {
        ways.push(vec![Candidate { effect, ..Candidate::new(title, question) }]);
    }
    ways.extend(changes(scene, question, &refused.reasons));
    let mut search = Search { scene, until: began + TRYING, tried: vec![(question.clone(), None)] };
    let mut offers: Vec<Remedy> = Vec::new();
    for way in &ways {
        if offers.len() == OFFERS_MAX {
            break;
        }
        let Some(found) = search.least(way) else { continue };
        let (candidate, allowed) = (&way[found.candidate], found.allowed);
        let is_offered =
            |offer: &Remedy| matches!(offer, Remedy::Ask { question, .. } if **question == candidate.question);
        if !offers.iter().any(is_offered) {
            ask::record(scene, "offer", &candidate.question, (Outcome::Yes, Some(&allowed)))?;
            offers.push(offer(scene, candidate, &allowed));
        }
    }
    let offer = |mut reason: Reason| {
        reason.remedies.splice(0..0, offers.iter().cloned());
        reason
    };
    Ok(refused.reasons.into_iter().map(offer).collect())
}

/// A look for changed questions that judge yes.
struct Search<'s> {
    scene: &'s Scene<'s>,
    /// Nothing new is tried later.
    until: Instant,
    tried: Vec<(Question, Option<Arc<Allowed>>)>,
}

/// A change that is enough, by its place in its way.
struct Enough {
    candidate: usize,
    allowed: Arc<Allowed>,
}

impl Search<'_> {
    /// The least change of a way that is enough.
    fn least(&mut self, way: &[Candidate]) -> Option<Enough> {
        let last = way.len().checked_sub(1)?;
        // Where the largest change is not enough, none is.
        let mut found = Enough { candidate: last, allowed: self.judged(&way[last])? };
        let mut open = 0..last;
        while !open.is_empty() {
            let middle = open.start + open.len() / 2;
            match self.judged(&way[middle]) {
                Some(allowed) => {
                    found = Enough { candidate: middle, allowed };
                    open.end = middle;
                }
                None => open.start = middle + 1,
            }
        }
        Some(found)
    }

    /// What judging a changed question yes comes to, if it does.
    fn judged(&mut self, Candidate { question, .. }: &Candidate) -> Option<Arc<Allowed>> {
        if let Some((_, known)) = self.tried.iter().find(|(tried, _)| tried == question) {
            return known.clone();
        }
        if self.tried.len() > TRIES_MAX || self.scene.state.clock.now() > self.until {
            return None;
        }
        // A change that cannot be judged is no remedy; the refusal stands all the same.
        let found = match self.scene.decide(question) {
            Ok(Decided::Allowed(allowed)) => Some(Arc::from(allowed)),
            _ => None,
        };
        self.tried.push((question.clone(), found.clone()));
        found
    }
}

/// A change as something to take.
fn offer(scene: &Scene<'_>, Candidate { title, question, effect }: &Candidate, allowed: &Allowed) -> Remedy {
    let purpose = scene.definitions.purposes.get(&question.purpose);
    let is_counted =
        purpose.is_none_or(|purpose| purpose.limits.questions_per_day.is_some() || purpose.limits.noise.is_some());
    let people = match allowed.audience() {
        // What is taken of a list is said already.
        _ if !effect.is_empty() && matches!(question.body, QuestionBody::Audience(_)) => String::new(),
        _ if is_counted || matches!(question.body, QuestionBody::Power(_)) => String::new(),
        Some(people) => format!("{people} people"),
        None => format!("{} people may be used", allowed.people.used.len()),
    };
    let words = [effect.clone(), people];
    let effect = words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ");
    Remedy::Ask { title: title.clone(), question: Box::new(question.clone()), effect }
}

/// Ways worth trying, in the order of how much of the question they keep: a term that is easier to meet, a smaller question,
/// without what stands in the way, figures instead of a list, another purpose.
fn changes(scene: &Scene<'_>, question: &Question, reasons: &[Reason]) -> Vec<Way> {
    use ReasonCode::{
        FieldHidden, ListTooLarge, ListTooSmall, NotForDestination, NotYet, OnePerson, OverBudget, ReleaseLevel,
        StaleSource, TermsRelease, TooCostly, UnderMinimumGroup,
    };
    let has = |codes: &[ReasonCode]| reasons.iter().any(|reason| codes.contains(&reason.code));
    let one = |candidate: Candidate| vec![candidate];
    let mut found: Vec<Way> = Vec::new();
    let is_too_few = has(&[UnderMinimumGroup, ListTooSmall]);
    if is_too_few {
        found.extend(eased(scene, question));
    }
    if has(&[ListTooLarge]) {
        found.extend(sampled(scene, question).map(one));
    }
    if has(&[ListTooSmall, ListTooLarge, NotForDestination]) {
        found.extend(sent_elsewhere(scene, question).into_iter().map(one));
    }
    if has(&[OverBudget, TooCostly]) {
        found.extend(smaller(question));
    }
    if has(&[OnePerson]) {
        found.extend(averaged(scene, question).map(one));
    }
    if has(&[StaleSource]) {
        found.extend(as_of_landing(scene, question, reasons).map(one));
    }
    if has(&[NotYet]) {
        found.extend(past(scene, question).map(one));
    }
    let without = without_fields(scene, question, reasons);
    if let Some(without) = &without {
        found.push(one(Candidate::new(without.title.clone(), without.question.clone())));
    }
    let note = lower_first(&without);
    let bases = [(question, ""), (without.as_ref().map_or(question, |without| &without.question), &note)];
    if has(&[ReleaseLevel, FieldHidden, TermsRelease]) {
        let counts = bases.iter().filter_map(|(base, note)| Some((as_count(base)?, *note)));
        found.extend(
            counts.map(|(count, note)| one(Candidate::new(with_note("Ask how many instead of who", note), count))),
        );
    }
    if is_too_few {
        found.extend(without_terms(scene, question).into_iter().map(one));
    }
    for (base, note) in bases {
        found.extend(for_other_purposes(scene, base, note).into_iter().map(one));
    }
    found
}

/// The question for the other purposes that the role may use. What a list of people may be used for is not for who asks to
/// choose, so that a list becomes a count.
fn for_other_purposes(scene: &Scene<'_>, question: &Question, note: &str) -> Vec<Candidate> {
    let count = as_count(question);
    let what = if count.is_some() { "Ask how many instead of who, for" } else { "Ask for" };
    let base = count.as_ref().unwrap_or(question);
    let others = purposes_of(scene.definitions, scene.role).into_iter().filter(|other| other.name != question.purpose);
    let others = others.filter(|other| scene.role.purposes.get(&other.name).is_some_and(|most| *most >= release(base)));
    let for_other = |other: &Purpose| {
        let title = with_note(&format!("{what} {}", other.title), note);
        Candidate::new(title, Question { purpose: other.name.clone(), ..base.clone() })
    };
    let mut others: Vec<&Purpose> = others.collect();
    // Those that keep most people first.
    others.sort_by_key(|other| Reverse(scene.snapshot.people_for(other, &scene.definitions.laws).used.len()));
    others.into_iter().map(for_other).collect()
}

fn with_note(title: &str, note: &str) -> String {
    if note.is_empty() { title.to_owned() } else { format!("{title}, {note}") }
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

/// A trend of the average in place of the smallest or the largest, also where a metric is one.
fn averaged(scene: &Scene<'_>, question: &Question) -> Option<Candidate> {
    let QuestionBody::Trend(trend) = &question.body else { return None };
    let (atom, own) = match &trend.measure {
        Measure::Atom(atom) => (atom, None),
        Measure::Metric(name) => {
            let metric = scene.definitions.metrics.get(name)?;
            let Measure::Atom(atom) = &metric.measure else { return None };
            (atom, metric.filter.clone())
        }
        Measure::Ratio(..) => return None,
    };
    let measure = Measure::Atom(MeasureAtom { function: MeasureFunction::Avg, ..atom.clone() });
    let filter = joined(trend.filter.clone().into_iter().chain(own).collect());
    let body = QuestionBody::Trend(TrendQuestion { measure, filter, ..trend.clone() });
    Some(Candidate::new("Ask for the average".to_owned(), Question { body, ..question.clone() }))
}

/// The question as of the last delivery of its stalest source; a period of days ends with the last whole one.
fn as_of_landing(scene: &Scene<'_>, question: &Question, reasons: &[Reason]) -> Option<Candidate> {
    let stale = reasons.iter().filter(|reason| reason.code == ReasonCode::StaleSource);
    let landed = stale.filter_map(|reason| super::reason::landed_at(scene, &reason.subject)).min()?;
    let mut changed = question.clone();
    let title = if let Some(Period::Dates { from, to }) = changed.body.period_mut() {
        // The day ends at another instant in each time zone.
        *to = (landed - super::reason::ZONE_MAX).date_naive().min(*to);
        if *from >= *to {
            return None;
        }
        format!("Ask for the days before {}", to.format("%-d %b %Y"))
    } else {
        *changed.body.as_of_mut()? = Some(landed);
        format!("Ask as of {}", landed.format("%-d %b %Y, %H:%M"))
    };
    Some(Candidate::new(title, changed))
}

/// As many people of a list as its destination takes.
fn sampled(scene: &Scene<'_>, question: &Question) -> Option<Candidate> {
    let QuestionBody::Audience(audience) = &question.body else { return None };
    let most = scene.definitions.destinations.get(audience.destination.as_ref()?)?.people_max?;
    if audience.release == Release::Aggregate {
        return None;
    }
    let changed = AudienceQuestion { limit: Some(most), ..audience.clone() };
    let question = Question { body: QuestionBody::Audience(changed), ..question.clone() };
    Some(Candidate {
        effect: format!("{} people", grouped(most.into())),
        ..Candidate::new("Take as many as it takes".to_owned(), question)
    })
}

/// The same people for other destinations that are there for the purpose, and for none.
fn sent_elsewhere(scene: &Scene<'_>, question: &Question) -> Vec<Candidate> {
    let QuestionBody::Audience(audience) = &question.body else { return Vec::new() };
    let to = |title: String, destination: Option<String>| {
        let changed = AudienceQuestion { destination, ..audience.clone() };
        Candidate::new(title, Question { body: QuestionBody::Audience(changed), ..question.clone() })
    };
    let all = scene.definitions.destinations.values();
    let others = all.filter(|other| other.purposes.contains(&question.purpose));
    let others = others.filter(|other| audience.destination.as_ref() != Some(&other.name));
    let mut found: Vec<Candidate> =
        others.map(|other| to(format!("Send them to {}", other.title), Some(other.name.clone()))).collect();
    found.push(to("Ask without a destination".to_owned(), None));
    found
}

/// The question about as many days up to now, where those it asks about have not come.
fn past(scene: &Scene<'_>, question: &Question) -> Option<Candidate> {
    let mut changed = question.clone();
    let today = scene.now.date_naive();
    if let Some(Period::Dates { from, to }) = changed.body.period_mut()
        && *from > today
    {
        let n_days = *to - *from;
        (*from, *to) = (today - n_days, today);
        let title = format!("Ask for the {} days up to {}", n_days.num_days(), today.format("%-d %b %Y"));
        return Some(Candidate::new(title, changed));
    }
    let as_of = changed.body.as_of_mut()?;
    as_of.as_ref().filter(|as_of| **as_of > scene.now)?;
    *as_of = None;
    Some(Candidate::new("Ask as of now".to_owned(), changed))
}

/// Terms as one condition; `None` of none.
fn joined(mut terms: Vec<Condition>) -> Option<Condition> {
    match terms.len() {
        0 => None,
        1 => terms.pop(),
        _ => Some(Condition::And(terms)),
    }
}
