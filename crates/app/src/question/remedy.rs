//! The nearest yes: changed questions that judge yes, found by trying them.

mod eased;
pub(in crate::question) mod meant;
mod smaller;
mod sql;
mod without;

use crate::question::ask;
use crate::question::judge::{Allowed, Decided, Instead, Refused, Scene, release};
use crate::question::telling::{self, Aim};
use crate::question::{days_words, grouped, people_words};
use crate::state::purposes_of;
use chrono::TimeDelta;
use eased::{eased, without_terms};
use meant::meant;
use smaller::smaller;
use spec::{
    AudienceQuestion, Condition, Instant, Measure, MeasureAtom, MeasureFunction, Outcome, Period, Purpose, Question,
    QuestionBody, Reason, ReasonCode, Release, Remedy, Result, TrendQuestion, Value,
};
use std::cmp::Reverse;
use std::sync::Arc;
use without::without_fields;

/// Changed questions that are tried for one refusal; a judge answers while somebody types.
const TRIES_MAX: usize = 24;
/// For so long new ones are tried, and each is given up so long after the search began.
const TRYING: TimeDelta = TimeDelta::milliseconds(700);
const TRIED: TimeDelta = TimeDelta::seconds(2);
/// For so long values that may be meant are looked up, so that some time is left for trying.
const LOOKING: TimeDelta = TimeDelta::milliseconds(350);
/// Changed questions that one reason offers.
const OFFERS_MAX: usize = 3;
/// Changed questions that are tried for one refusal where each is charged to whoever asks.
const PAID_TRIES_MAX: usize = OFFERS_MAX;

/// A changed question, and what was changed.
struct Candidate {
    title: String,
    question: Question,
    /// What is left of what was asked for, besides people.
    effect: String,
}

/// Changes of one sort, the smallest first: where one of them is enough, so are those after it, but for being too much.
type Way = Vec<Candidate>;

impl Candidate {
    fn new(title: String, question: Question) -> Candidate {
        Candidate { title, question, effect: String::new() }
    }
}

/// The reasons of a refusal, each with the changed questions that judge yes before its gap. Each that is offered is on
/// record, since it says how many people it is about.
pub(crate) fn with_remedies(scene: &Scene<'_>, question: &Question, refused: Refused) -> Result<Vec<Reason>> {
    // What is tried is not asked, and so tells no more than a judge. A question that took all of its time has some left for
    // others.
    let began = scene.state.clock.now();
    let scene = &Scene { aim: Aim::Judge, until: began + TRIED, ..scene.clone() };
    let mut ways: Vec<Way> = Vec::new();
    for Instead { title, question, effect } in &refused.instead {
        ways.push(vec![Candidate { effect: effect.clone(), ..Candidate::new(title.clone(), question.clone()) }]);
    }
    let (until, looking_until) = (began + TRYING, began + LOOKING);
    let is_too_few = is_too_few(&refused.reasons);
    let tried = vec![(question.clone(), Tried::No)];
    let mut search = Search { scene, asked: question, is_too_few, until, looking_until, n_paid: 0, tried };
    ways.extend(raised(scene, question, &refused.reasons).map(|candidate| vec![candidate]));
    if is_too_few {
        ways.extend(meant(&mut search, question));
    }
    ways.extend(changes(scene, question, &refused));
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
    /// What was refused.
    asked: &'s Question,
    /// Whether that was for too few people.
    is_too_few: bool,
    /// Nothing new is tried later.
    until: Instant,
    /// No values are looked up later.
    looking_until: Instant,
    /// Changed questions that were tried at a charge.
    n_paid: usize,
    tried: Vec<(Question, Tried)>,
}

/// What a changed question was judged.
#[derive(Clone)]
enum Tried {
    Yes(Arc<Allowed>),
    /// It is about more people than its destination takes: a smaller change may do.
    TooMuch,
    No,
}

/// A change that is enough, by its place in its way.
struct Enough {
    candidate: usize,
    allowed: Arc<Allowed>,
}

impl Search<'_> {
    /// The least change of a way that is enough.
    fn least(&mut self, way: &[Candidate]) -> Option<Enough> {
        let (mut found, mut open) = (None, 0..way.len());
        // The largest is tried first: where it is not enough, none is.
        let mut next = way.len().checked_sub(1)?;
        loop {
            match self.tried(&way[next]) {
                Tried::Yes(allowed) => (found, open.end) = (Some(Enough { candidate: next, allowed }), next),
                Tried::TooMuch => open.end = next,
                Tried::No => open.start = next + 1,
            }
            if open.is_empty() {
                return found;
            }
            next = open.start + open.len() / 2;
        }
    }

    /// What a changed question is judged.
    fn tried(&mut self, Candidate { question, .. }: &Candidate) -> Tried {
        if let Some((_, known)) = self.tried.iter().find(|(tried, _)| tried == question) {
            return known.clone();
        }
        if self.tried.len() > TRIES_MAX || self.scene.state.clock.now() > self.until {
            return Tried::No;
        }
        // A change that cannot be judged is no remedy; the refusal stands all the same.
        let found = match self.judged(question) {
            Ok(Some(Decided::Allowed(allowed))) => Tried::Yes(Arc::from(allowed)),
            Ok(Some(Decided::Refused(refused)))
                if refused.reasons.iter().all(|reason| reason.code == ReasonCode::ListTooLarge) =>
            {
                Tried::TooMuch
            }
            _ => Tried::No,
        };
        self.tried.push((question.clone(), found.clone()));
        found
    }

    /// What a changed question is judged; `None` where the rules allow it and it may not be run to see what comes out.
    fn judged(&mut self, question: &Question) -> Result<Option<Decided>> {
        match self.scene.ruled(question)? {
            Err(decided) => Ok(Some(decided)),
            Ok(ruled) if self.may_run(question)? => self.scene.tried(question, ruled).map(Some),
            Ok(_) => Ok(None),
        }
    }

    /// Whether a question that the rules allow may be run, and its outcome told.
    ///
    /// Each try is an answer of its own: that a change is offered says that enough people are in it, that it is not says
    /// the opposite, and halving says more than one count would. So where a purpose counts questions, a try counts as
    /// one. For the purpose that was asked for, a few are charged to whoever asked, and so free once they are taken. For
    /// another one nobody asked, and nobody is charged: there only what was paid for today is told again.
    ///
    /// Where counts are noisy, a try says nothing of people: it is a yes whoever they are. It is one while the day has
    /// room for the answer; and since that withholds small groups, it is no way out where people were too few.
    fn may_run(&mut self, question: &Question) -> Result<bool> {
        let Some(purpose) = self.scene.definitions.purposes.get(&question.purpose) else { return Ok(false) };
        if purpose.limits.noise.is_some() {
            return Ok(!self.is_too_few && telling::has_room(self.scene, purpose, question)?);
        }
        if purpose.limits.questions_per_day.is_none() {
            return Ok(true);
        }
        if question.purpose != self.asked.purpose {
            return telling::is_free(self.scene, purpose, question);
        }
        self.n_paid += 1;
        Ok(self.n_paid <= PAID_TRIES_MAX && telling::charge(self.scene, purpose, question)?)
    }

    /// The texts that enough people have, by a breakdown by one field; none where it may not be asked.
    ///
    /// It is judged like any question, for the same purpose, people and role, and is one of the tries; but nobody asks
    /// it. Its figures go nowhere and its texts only into questions that are judged by themselves, so that it is
    /// charged to nobody's day, is in nobody's history of what was told, and is not on record: what is offered is.
    fn texts(&mut self, breakdown: &Question) -> Vec<String> {
        if self.tried.len() > TRIES_MAX || self.scene.state.clock.now() > self.looking_until {
            return Vec::new();
        }
        self.tried.push((breakdown.clone(), Tried::No));
        let scene = Scene { aim: Aim::Look, until: self.looking_until, ..self.scene.clone() };
        let Ok(Decided::Allowed(allowed)) = scene.decide(breakdown) else { return Vec::new() };
        named(&allowed)
    }
}

/// The texts that the answer to a breakdown names, in its order.
pub(in crate::question) fn named(allowed: &Allowed) -> Vec<String> {
    let text = |row: &Vec<Value>| match row.as_slice() {
        // The row that stands for groups of too few has no figure.
        [_, Value::Null, ..] => None,
        [Value::Text(text), ..] => Some(text.clone()),
        _ => None,
    };
    allowed.rows.as_ref().map_or_else(Vec::new, |rows| rows.rows.iter().filter_map(text).collect())
}

/// A change as something to take.
fn offer(scene: &Scene<'_>, Candidate { title, question, effect }: &Candidate, allowed: &Allowed) -> Remedy {
    let purpose = scene.definitions.purposes.get(&question.purpose);
    let is_counted =
        purpose.is_none_or(|purpose| purpose.limits.questions_per_day.is_some() || purpose.limits.noise.is_some());
    let people = match allowed.people_told() {
        // What is taken of a list is said already.
        _ if !effect.is_empty() && matches!(question.body, QuestionBody::Audience(_)) => String::new(),
        _ if is_counted || matches!(question.body, QuestionBody::Power(_)) => String::new(),
        Some(people) => people_words(people),
        None => format!("{} may be used", people_words(allowed.people.used.len())),
    };
    let words = [effect.clone(), people];
    let effect = words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ");
    Remedy::Ask { title: title.clone(), question: Box::new(question.clone()), effect }
}

/// Whether there are too few people: for the minimum group, for a destination, or for planning a test.
fn is_too_few(reasons: &[Reason]) -> bool {
    let of_too_few = |reason: &Reason| matches!(reason.code, ReasonCode::UnderMinimumGroup | ReasonCode::ListTooSmall);
    reasons.iter().any(of_too_few)
}

/// Ways worth trying, in the order of how much of the question they keep: a term that is easier to meet, a smaller question,
/// without what stands in the way, figures instead of a list, another purpose.
fn changes(scene: &Scene<'_>, question: &Question, refused: &Refused) -> Vec<Way> {
    use ReasonCode::{
        CountsOnly, FaultySource, FieldHidden, ListTooLarge, ListTooSmall, NotFollowed, NotForDestination, NotYet,
        OnePerson, OverBudget, ReleaseLevel, StaleSource, TermsRelease, TooCostly,
    };
    let reasons = refused.reasons.as_slice();
    let has = |codes: &[ReasonCode]| reasons.iter().any(|reason| codes.contains(&reason.code));
    let one = |candidate: Candidate| vec![candidate];
    let mut found: Vec<Way> = Vec::new();
    let is_too_few = is_too_few(reasons);
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
        found.extend(smaller(scene.definitions, question, refused.has_too_many_groups));
        found.extend(sql::smaller(scene, question, has(&[OverBudget])));
    }
    if has(&[OnePerson]) {
        found.extend(averaged(scene, question).map(one));
    }
    if has(&[StaleSource, FaultySource]) {
        found.extend(as_promised(scene, question, reasons).map(one));
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
        found.extend(bases.iter().flat_map(|(base, note)| sql::counts(scene, base, note)).map(one));
    }
    if is_too_few {
        found.extend(without_terms(scene, question).into_iter().map(one));
    }
    if has(&[NotFollowed, CountsOnly, StaleSource, FaultySource]) {
        let late = has(&[StaleSource, FaultySource]).then_some(reasons);
        found.extend(sql::other_kinds(scene, question, late).into_iter().map(one));
    }
    // Rows about single people are none for any purpose, in SQL.
    let is_of_people = matches!(question.body, QuestionBody::Sql(_)) && has(&[ReleaseLevel]);
    for (base, note) in bases.into_iter().filter(|_| !is_of_people) {
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

/// The question as of when all its sources delivered as promised; a period of days ends with the last whole one.
fn as_promised(scene: &Scene<'_>, question: &Question, reasons: &[Reason]) -> Option<Candidate> {
    let sound = reasons.iter().filter_map(|reason| super::reason::sound_until(scene, reason)).min()?;
    let mut changed = question.clone();
    let title = if let Some(Period::Dates { from, to }) = changed.body.period_mut() {
        // The day ends at another instant in each time zone.
        *to = (sound - super::reason::ZONE_MAX).date_naive().min(*to);
        if *from >= *to {
            return None;
        }
        format!("Ask for the days before {}", to.format("%-d %b %Y"))
    } else {
        *changed.body.as_of_mut()? = Some(sound);
        format!("Ask as of {}", sound.format("%-d %b %Y, %H:%M"))
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

/// As many people of a list as its destination wants at least, where the list may have left the others out.
fn raised(scene: &Scene<'_>, question: &Question, reasons: &[Reason]) -> Option<Candidate> {
    let QuestionBody::Audience(audience) = &question.body else { return None };
    let least = scene.definitions.destinations.get(audience.destination.as_ref()?)?.people_min;
    let is_too_short = reasons.iter().any(|reason| reason.code == ReasonCode::ListTooSmall);
    if !is_too_short || audience.release == Release::Aggregate || audience.limit.is_some_and(|limit| limit >= least) {
        return None;
    }
    let changed = AudienceQuestion { limit: Some(least), ..audience.clone() };
    let question = Question { body: QuestionBody::Audience(changed), ..question.clone() };
    Some(Candidate::new(format!("Take {} people", grouped(least.into())), question))
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
    let today = scene.now.with_timezone(&question.time_zone).date_naive();
    if let Some(Period::Dates { from, to }) = changed.body.period_mut()
        && *from > today
    {
        let n_days = *to - *from;
        (*from, *to) = (today - n_days, today);
        let n_days = days_words(n_days.num_days().unsigned_abs());
        let title = format!("Ask for the {n_days} up to {}", today.format("%-d %b %Y"));
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
