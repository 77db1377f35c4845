//! Reasons in the words of both teams. Every text of a refusal stands here.

use crate::question::judge::Scene;
use chrono::TimeDelta;
use policy::Refusal;
use spec::{
    FieldRef, Gap, Instant, Period, Purpose, Question, QuestionBody, Reason, ReasonCode, Release, Remedy, Source,
};
use workspace::Resolved;

/// The furthest that a time zone's midnight lies after UTC's.
pub(crate) const ZONE_MAX: TimeDelta = TimeDelta::hours(12);

/// Whether a reason goes away by something that somebody does, without another question.
pub(crate) fn is_conditional(code: ReasonCode) -> bool {
    matches!(code, ReasonCode::StaleSource | ReasonCode::NoData)
}

/// A name that nothing bears.
pub(crate) fn unknown_name(subject: &str, kind: &str, nearest: &[String]) -> Reason {
    let meant = match nearest.first() {
        Some(first) => format!(" Did you mean `{first}`?"),
        None => String::new(),
    };
    let (file, who) = match kind {
        "metric" => ("metrics/", "both teams"),
        "audience" => ("audiences/", "both teams"),
        "purpose" => ("purposes/", "the privacy officer"),
        _ => ("contracts/", "the owner of the source"),
    };
    reason(
        ReasonCode::UnknownName,
        subject,
        format!("We have no {kind} called `{subject}`.{meant}"),
        format!("No {kind} `{subject}` is declared in `{file}`."),
        gap(
            format!("Declare the {kind} `{subject}`"),
            format!("the {kind} `{subject}` is not declared"),
            who,
            Some(file),
        ),
    )
}

/// Too few people meet the condition.
pub(crate) fn under_minimum_group(purpose: &Purpose) -> Reason {
    let least = purpose.min_group;
    reason(
        ReasonCode::UnderMinimumGroup,
        &purpose.name,
        format!(
            "Fewer than {least} people are left, too few to show for {}: somebody could be recognised.",
            purpose.title
        ),
        format!(
            "The answer is about fewer distinct people than `min_group: {least}` of `purposes/{}.yaml`.",
            purpose.name
        ),
        gap(
            "Ask for a wider group".to_owned(),
            format!("{least} people who meet the condition and may be used for {}", purpose.title),
            "marketing",
            None,
        ),
    )
}

/// The answer would be larger than an answer may be.
pub(crate) fn over_budget(question: &Question, what: &str, advice: &str) -> Reason {
    reason(
        ReasonCode::OverBudget,
        question.kind(),
        format!("The answer would be too large: it needs more than {what}."),
        format!("One answer holds at most {what}, so that memory and time stay bounded."),
        gap(super::capitalised(advice), format!("a question that needs at most {what}"), "marketing", None),
    )
}

/// The user has asked as much for a purpose as a day has room for.
pub(crate) fn too_many_questions(purpose: &Purpose) -> Reason {
    let limits = &purpose.limits;
    let file = format!("purposes/{}.yaml", purpose.name);
    let bound = match (limits.questions_per_day, limits.noise) {
        (_, Some(noise)) => format!("`noise: {{ per_day: {} }}`", noise.epsilon_per_day),
        (Some(most), None) => format!("`questions_per_day: {most}`"),
        (None, None) => "a bound".to_owned(),
    };
    reason(
        ReasonCode::TooManyQuestions,
        &purpose.name,
        format!("You have asked as much for {} as a day has room for; tomorrow there is room again.", purpose.title),
        format!("`{file}` has {bound}, counted in days of UTC. Questions that were asked today can be asked again."),
        gap(
            "Allow more questions".to_owned(),
            format!("more room for questions for {}", purpose.title),
            "the privacy officer",
            Some(&file),
        ),
    )
}

/// A figure is about nearly the same people as one that was told in another state, and that one could not be told again.
pub(crate) fn too_near(purpose: &Purpose) -> Reason {
    let file = format!("purposes/{}.yaml", purpose.name);
    reason(
        ReasonCode::TooNear,
        &purpose.name,
        "This is about nearly the same people as something you asked before: the difference would tell of too few."
            .to_owned(),
        format!("`{file}` guards differences of fewer people than `min_group: {}`.", purpose.min_group),
        gap(
            "Ask for what differs by more people".to_owned(),
            format!("a group that differs by {} people from those before", purpose.min_group),
            "marketing",
            Some(&file),
        ),
    )
}

/// What the policy refused.
pub(crate) fn of_refusal(scene: &Scene<'_>, question: &Question, resolved: &Resolved, refusal: &Refusal) -> Reason {
    let purpose = &scene.definitions.purposes[&question.purpose];
    let role = scene.role;
    let role_file = format!("roles/{}.yaml", role.name);
    match refusal {
        Refusal::PurposeNotForRole => reason(
            ReasonCode::PurposeNotForRole,
            &purpose.name,
            format!("As {} you may not use people's data for {}.", role.title.to_lowercase(), purpose.title),
            format!("`{role_file}` does not list the purpose `{}`.", purpose.name),
            gap(
                format!("Allow {} to ask for {}", role.title.to_lowercase(), purpose.title),
                format!("the purpose `{}` for the role `{}`", purpose.name, role.name),
                "the privacy officer",
                Some(&role_file),
            ),
        ),
        Refusal::ReleaseLevel { most } => reason(
            ReasonCode::ReleaseLevel,
            &purpose.name,
            format!("For {} you get {}, not {}.", purpose.title, what(*most), what(super::judge::release(question))),
            format!("`{role_file}` gives `{}` the release level `{}`.", purpose.name, most.name()),
            gap(
                format!("Raise the release level of {} for {}", purpose.title, role.title.to_lowercase()),
                format!("the release level `{}`", super::judge::release(question).name()),
                "the privacy officer",
                Some(&role_file),
            ),
        ),
        Refusal::PurposeNotForField(field) => field_not_for_purpose(scene, resolved, purpose, field),
        Refusal::FieldHidden(field, class) => reason(
            ReasonCode::FieldHidden,
            name(field),
            format!(
                "`{}` is not shown to {}: it points too closely at a person.",
                name(field),
                role.title.to_lowercase()
            ),
            format!("`{role_file}` masks the class `{}`, which `{}` is of.", class.name(), name(field)),
            gap(
                format!("Let {} see `{}`", role.title.to_lowercase(), name(field)),
                format!("fields of the class `{}` for the role `{}`", class.name(), role.name),
                "the privacy officer",
                Some(&role_file),
            ),
        ),
        Refusal::NotCountsOfPeople => reason(
            ReasonCode::CountsOnly,
            &purpose.name,
            format!("For {} you get counts of people with some noise, and nothing else.", purpose.title),
            format!(
                "`purposes/{}.yaml` has `noise`: audiences, trends of `people(E)` without breakdown and retentions are                  answered, the latter two with a period.",
                purpose.name
            ),
            gap(
                "Ask how many people".to_owned(),
                format!("a count of people for {}", purpose.title),
                "marketing",
                None,
            ),
        ),
        Refusal::NotFollowed => reason(
            ReasonCode::NotFollowed,
            &purpose.name,
            format!(
                "Questions in SQL are not answered for {}: nobody could tell whom each figure is about.",
                purpose.title
            ),
            format!(
                "`purposes/{}.yaml` guards differences between answers, and SQL is not followed so far.",
                purpose.name
            ),
            shown_differences(purpose),
        ),
        Refusal::OnePerson => reason(
            ReasonCode::OnePerson,
            &purpose.name,
            format!("The smallest and the largest of a group are one person's, and {} shows nobody's.", purpose.title),
            format!(
                "`purposes/{}.yaml` guards differences between answers, so that `min` and `max` are not answered.",
                purpose.name
            ),
            shown_differences(purpose),
        ),
        Refusal::Nobody => too_few(purpose, ReasonCode::NobodyMayBeUsed, "Nobody"),
        Refusal::TooFew => too_few(purpose, ReasonCode::UnderMinimumGroup, "Too few people"),
    }
}

/// What is missing where a purpose guards differences.
fn shown_differences(purpose: &Purpose) -> Remedy {
    gap(
        format!("Show differences between answers for {}", purpose.title),
        format!("`differences: shown` for the purpose `{}`", purpose.name),
        "the privacy officer",
        Some(&format!("purposes/{}.yaml", purpose.name)),
    )
}

fn field_not_for_purpose(scene: &Scene<'_>, resolved: &Resolved, purpose: &Purpose, field: &FieldRef) -> Reason {
    let contract = source_of(scene, resolved, field).map(|source| source.contract_path.clone());
    let owner = source_of(scene, resolved, field).and_then(|source| source.contract.owner.clone());
    let file = contract.as_deref().unwrap_or("contracts/");
    reason(
        ReasonCode::PurposeNotForField,
        name(field),
        format!("`{}` may not be used for {}.", name(field), purpose.title),
        format!("`{file}` does not list the purpose `{}` for `{}`.", purpose.name, name(field)),
        gap(
            format!("Allow `{}` for {}", name(field), purpose.title),
            format!("the purpose `{}` in the contract of `{}`", purpose.name, name(field)),
            owner.as_deref().unwrap_or("the owner of the source"),
            Some(file),
        ),
    )
}

fn too_few(purpose: &Purpose, code: ReasonCode, who: &str) -> Reason {
    reason(
        code,
        &purpose.name,
        format!("{who} may be used for {} now.", purpose.title),
        format!(
            "The ledger leaves fewer people than `min_group: {}` of `purposes/{}.yaml`.",
            purpose.min_group, purpose.name
        ),
        gap(
            format!("Ask people whether they agree to {}", purpose.title),
            format!("consents to {}", purpose.title),
            "the privacy officer",
            None,
        ),
    )
}

/// Sources that have delivered nothing, or nothing as late as their contract promises and the question needs.
///
/// `*` means what was collected: a source that is only declared so far does not stand in its way, unless all are.
pub(crate) fn of_sources(scene: &Scene<'_>, question: &Question, resolved: &Resolved) -> Vec<Reason> {
    let has_landed = |name: &&String| landed_at(scene, name).is_some();
    let any = &resolved.sources_of_any;
    let is_nothing_there = !any.iter().chain(&resolved.sources).any(|name| has_landed(&name));
    let of_any = any.iter().filter(|name| is_nothing_there || has_landed(name));
    let sources = resolved.sources.iter().chain(of_any).filter_map(|name| scene.definitions.sources.get(name));
    sources.filter_map(|source| of_source(scene, question, source)).collect()
}

fn of_source(scene: &Scene<'_>, question: &Question, source: &Source) -> Option<Reason> {
    let owner = source.contract.owner.as_deref().unwrap_or("the owner of the source");
    let Some(landed) = landed_at(scene, &source.name) else {
        return Some(reason(
            ReasonCode::NoData,
            &source.name,
            format!("{} has not delivered anything yet.", source.title),
            format!("No file of the source `{}` was imported, and no message has landed.", source.name),
            gap(
                format!("Deliver {}", source.title),
                format!("data of `{}`", source.name),
                owner,
                Some(&source.contract_path),
            ),
        ));
    };
    let freshness = source.contract.freshness.as_ref()?;
    let is_fresh = landed + freshness.age_max.delta() >= scene.now;
    // Only days depend on the time zone; an instant is exact.
    let slack = if ends_with_a_day(question) { ZONE_MAX } else { TimeDelta::zero() };
    if is_fresh || end_of(question).is_some_and(|end| end + slack <= landed) {
        return None;
    }
    Some(reason(
        ReasonCode::StaleSource,
        &source.name,
        format!("{} last delivered on {}, later than promised.", source.title, landed.format("%-d %b %Y")),
        format!(
            "`{}` promises an age of at most {}; it is past that since {}.",
            source.contract_path,
            freshness.age_max,
            (landed + freshness.age_max.delta()).format("%Y-%m-%d %H:%M UTC")
        ),
        gap(
            format!("Deliver {}", source.title),
            format!("data of `{}` from after {}", source.name, landed.format("%Y-%m-%d")),
            owner,
            Some(&source.contract_path),
        ),
    ))
}

/// When a source last delivered.
pub(crate) fn landed_at(scene: &Scene<'_>, source: &str) -> Option<Instant> {
    scene.snapshot.deliveries().get(source).copied()
}

/// The end of what a question looks at; `None` when it is now.
pub(crate) fn end_of(question: &Question) -> Option<Instant> {
    let (period, as_of) = match &question.body {
        QuestionBody::Trend(trend) => (trend.period.as_ref(), trend.as_of),
        QuestionBody::Funnel(funnel) => (funnel.period.as_ref(), funnel.as_of),
        // People come back after the period.
        QuestionBody::Retention(retention) => (None, retention.as_of),
        QuestionBody::Attribution(attribution) => (attribution.period.as_ref(), attribution.as_of),
        QuestionBody::Paths(paths) => (paths.period.as_ref(), paths.as_of),
        QuestionBody::Experiment(experiment) => (experiment.period.as_ref(), experiment.as_of),
        QuestionBody::Sql(_) => (None, None),
        QuestionBody::Audience(audience) => (None, audience.as_of),
    };
    match period {
        Some(Period::Dates { to, .. }) => Some(to.and_time(chrono::NaiveTime::MIN).and_utc()),
        _ => as_of,
    }
}

fn ends_with_a_day(question: &Question) -> bool {
    let period = match &question.body {
        QuestionBody::Trend(trend) => trend.period.as_ref(),
        QuestionBody::Funnel(funnel) => funnel.period.as_ref(),
        QuestionBody::Attribution(attribution) => attribution.period.as_ref(),
        QuestionBody::Paths(paths) => paths.period.as_ref(),
        QuestionBody::Experiment(experiment) => experiment.period.as_ref(),
        QuestionBody::Retention(_) | QuestionBody::Sql(_) | QuestionBody::Audience(_) => None,
    };
    matches!(period, Some(Period::Dates { .. }))
}

fn source_of<'s>(scene: &Scene<'s>, resolved: &Resolved, field: &FieldRef) -> Option<&'s Source> {
    match field {
        FieldRef::Trait(name) => scene.definitions.trait_field(name).map(|(source, _, _)| source),
        FieldRef::Property(name) => {
            let events = resolved.events.iter().filter_map(|event| scene.definitions.event(event));
            let mut with = events.filter(|(_, object)| object.fields.iter().any(|field| field.name == *name));
            with.next().map(|(source, _)| source)
        }
    }
}

fn name(field: &FieldRef) -> &str {
    let (FieldRef::Property(name) | FieldRef::Trait(name)) = field;
    name
}

fn what(release: Release) -> &'static str {
    match release {
        Release::Aggregate => "figures about groups",
        Release::List => "lists of people",
        Release::Profile => "everything about one person",
    }
}

fn gap(title: String, what: String, who: &str, file: Option<&str>) -> Remedy {
    Remedy::Close { title, gap: Gap { what, who: who.to_owned(), file: file.map(str::to_owned) } }
}

fn reason(code: ReasonCode, subject: &str, for_marketing: String, for_it: String, gap: Remedy) -> Reason {
    Reason { code, subject: subject.to_owned(), for_marketing, for_it, remedies: vec![gap] }
}
