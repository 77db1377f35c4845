//! Reasons in the words of both teams. Every text of a refusal stands here, those of agreements and of effort in the modules below.

mod effort;
mod terms;

use crate::question::judge::Scene;
use crate::question::missing::{Missing, Whose, declaration, object_with};
use chrono::TimeDelta;
use policy::Refusal;
use spec::{
    Change, FieldClass, FieldRef, Instant, Period, Purpose, Question, QuestionBody, Reason, ReasonCode, Release,
    Source, Work,
};
use workspace::{Definitions, Resolved};

pub(crate) use effort::{Needed, not_yet, too_costly, too_few_to_plan, underpowered};
pub(crate) use terms::{of_destination, of_length, of_terms};

/// The most questions a day that a purpose can allow.
const QUESTIONS_PER_DAY_MAX: u32 = 1_000_000;

const PRIVACY_OFFICER: &str = "the privacy officer";

/// The furthest that a time zone's midnight lies after UTC's.
pub(crate) const ZONE_MAX: TimeDelta = TimeDelta::hours(12);

/// Whether a reason goes away by something that somebody does, without another question.
pub(crate) fn is_conditional(code: ReasonCode) -> bool {
    matches!(code, ReasonCode::StaleSource | ReasonCode::NoData | ReasonCode::NotYet)
}

/// A name that nothing bears.
pub(crate) fn unknown_name(
    scene: &Scene<'_>,
    question: &Question,
    (subject, kind): (&str, &str),
    nearest: &[String],
) -> Reason {
    let meant = match nearest.first() {
        Some(first) => format!(" Did you mean `{first}`?"),
        None => String::new(),
    };
    let (folder, who) = match kind {
        "metric" => ("metrics/", "both teams"),
        "audience" => ("audiences/", "both teams"),
        "purpose" => ("purposes/", PRIVACY_OFFICER),
        "destination" => ("destinations/", "both teams"),
        _ => ("contracts/", "the owner of the source"),
    };
    let (title, what) = (format!("Declare the {kind} `{subject}`"), format!("the {kind} `{subject}` is not declared"));
    let missing = Missing::new(Work::Declare, title, what);
    let missing = match declaration(scene, question, subject, kind) {
        Some((file, change)) => {
            let whose = match scene.definitions.sources.values().find(|source| source.contract_path == file) {
                Some(source) => Whose::of_source(scene.definitions, source),
                None => Whose::of_file(scene.definitions, &file, who),
            };
            // A purpose is part of the gap where the change is about it: what is declared is allowed for it.
            let is_for_purpose = matches!(change, Change::DeclareField { .. });
            let missing = missing.by(whose).in_file(&file).with(change);
            if is_for_purpose { missing.for_purpose(&question.purpose) } else { missing }
        }
        None => missing.by(Whose::of_file(scene.definitions, folder, who)).in_file(folder),
    };
    Told {
        code: ReasonCode::UnknownName,
        subject,
        for_marketing: format!("We have no {kind} called `{subject}`.{meant}"),
        for_it: format!("No {kind} `{subject}` is declared in `{folder}`."),
    }
    .closed_by(missing)
}

/// Too few people meet the condition.
pub(crate) fn under_minimum_group(purpose: &Purpose) -> Reason {
    let least = purpose.min_group;
    let missing = Missing::new(
        Work::Widen,
        "Ask for a wider group".to_owned(),
        format!("{least} people who meet the condition and may be used for {}", purpose.title),
    );
    Told {
        code: ReasonCode::UnderMinimumGroup,
        subject: &purpose.name,
        for_marketing: format!(
            "Fewer than {least} people are left, too few to show for {}: somebody could be recognised.",
            purpose.title
        ),
        for_it: format!(
            "The answer is about fewer distinct people than `min_group: {least}` of `purposes/{}.yaml`.",
            purpose.name
        ),
    }
    .closed_by(missing.for_purpose(&purpose.name))
}

/// The answer would be larger than an answer may be.
pub(crate) fn over_budget(question: &Question, what: &str, advice: &str) -> Reason {
    let needed = format!("a question that needs at most {what}");
    let missing = Missing::new(Work::Widen, super::capitalised(advice), needed);
    Told {
        code: ReasonCode::OverBudget,
        subject: question.kind(),
        for_marketing: format!("The answer would be too large: it needs more than {what}."),
        for_it: format!("One answer holds at most {what}, so that memory and time stay bounded."),
    }
    .closed_by(missing)
}

/// The user has asked as much for a purpose as a day has room for.
pub(crate) fn too_many_questions(definitions: &Definitions, purpose: &Purpose) -> Reason {
    let limits = &purpose.limits;
    let file = file_of(purpose);
    let bound = match (limits.questions_per_day, limits.noise) {
        (_, Some(noise)) => format!("`noise: {{ per_day: {} }}`", noise.epsilon_per_day),
        (Some(most), None) => format!("`questions_per_day: {most}`"),
        (None, None) => "a bound".to_owned(),
    };
    // Where counts are noisy, more questions would not make more room.
    let most = limits.questions_per_day.filter(|most| limits.noise.is_none() && *most < QUESTIONS_PER_DAY_MAX);
    let change = most.map(|most| Change::AllowQuestions { per_day: most.saturating_mul(2).min(QUESTIONS_PER_DAY_MAX) });
    let what = format!("more room for questions for {}", purpose.title);
    let missing = Missing::new(Work::Allow, "Allow more questions".to_owned(), what)
        .by(Whose::of_file(definitions, &file, PRIVACY_OFFICER))
        .in_file(&file)
        .for_purpose(&purpose.name);
    Told {
        code: ReasonCode::TooManyQuestions,
        subject: &purpose.name,
        for_marketing: format!(
            "You have asked as much for {} as a day has room for; tomorrow there is room again.",
            purpose.title
        ),
        for_it: format!(
            "`{file}` has {bound}, counted in days of UTC. Questions that were asked today can be asked again."
        ),
    }
    .closed_by(match change {
        Some(change) => missing.with(change),
        None => missing,
    })
}

/// A figure is about nearly the same people as one that was told in another state, and that one could not be told again.
pub(crate) fn too_near(purpose: &Purpose) -> Reason {
    let file = file_of(purpose);
    let what = format!("a group that differs by {} people from those before", purpose.min_group);
    let missing = Missing::new(Work::Widen, "Ask for what differs by more people".to_owned(), what);
    Told {
        code: ReasonCode::TooNear,
        subject: &purpose.name,
        for_marketing:
            "This is about nearly the same people as something you asked before: the difference would tell of too few."
                .to_owned(),
        for_it: format!("`{file}` guards differences of fewer people than `min_group: {}`.", purpose.min_group),
    }
    .closed_by(missing.in_file(&file).for_purpose(&purpose.name))
}

/// What the policy refused.
pub(crate) fn of_refusal(scene: &Scene<'_>, question: &Question, resolved: &Resolved, refusal: &Refusal) -> Reason {
    let purpose = &scene.definitions.purposes[&question.purpose];
    match refusal {
        Refusal::PurposeNotForRole => purpose_not_for_role(scene, question, purpose),
        Refusal::ReleaseLevel { most } => release_level(scene, question, purpose, *most),
        Refusal::PurposeNotForField(field) => field_not_for_purpose(scene, resolved, purpose, field),
        Refusal::FieldHidden(field, class) => field_hidden(scene, field, *class),
        Refusal::NotCountsOfPeople => {
            let what = format!("a count of people for {}", purpose.title);
            let missing = Missing::new(Work::Widen, "Ask how many people".to_owned(), what);
            Told {
                code: ReasonCode::CountsOnly,
                subject: &purpose.name,
                for_marketing: format!(
                    "For {} you get counts of people with some noise, and nothing else.",
                    purpose.title
                ),
                for_it: format!(
                    "`purposes/{}.yaml` has `noise`: audiences, trends of `people(E)` without breakdown and retentions are                  answered, the latter two with a period.",
                    purpose.name
                ),
            }
            .closed_by(missing.for_purpose(&purpose.name))
        }
        Refusal::NotFollowed => Told {
            code: ReasonCode::NotFollowed,
            subject: &purpose.name,
            for_marketing: format!(
                "Questions in SQL are not answered for {}: nobody could tell whom each figure is about.",
                purpose.title
            ),
            for_it: format!(
                "`purposes/{}.yaml` guards differences between answers, and SQL is not followed so far.",
                purpose.name
            ),
        }
        .closed_by(shown_differences(scene, purpose)),
        Refusal::OnePerson => Told {
            code: ReasonCode::OnePerson,
            subject: &purpose.name,
            for_marketing: format!(
                "The smallest and the largest of a group are one person's, and {} shows nobody's.",
                purpose.title
            ),
            for_it: format!(
                "`purposes/{}.yaml` guards differences between answers, so that `min` and `max` are not answered.",
                purpose.name
            ),
        }
        .closed_by(shown_differences(scene, purpose)),
        Refusal::Nobody => too_few(scene, purpose, ReasonCode::NobodyMayBeUsed, "Nobody"),
        Refusal::TooFew => too_few(scene, purpose, ReasonCode::UnderMinimumGroup, "Too few people"),
    }
}

fn purpose_not_for_role(scene: &Scene<'_>, question: &Question, purpose: &Purpose) -> Reason {
    let (role, release) = (scene.role, super::judge::release(question));
    let change = Change::AllowPurpose { purpose: purpose.name.clone(), release };
    let title = format!("Allow {} to ask for {}", role.title.to_lowercase(), purpose.title);
    let what = format!("the purpose `{}` for the role `{}`", purpose.name, role.name);
    Told {
        code: ReasonCode::PurposeNotForRole,
        subject: &purpose.name,
        for_marketing: format!("As {} you may not use people's data for {}.", role.title.to_lowercase(), purpose.title),
        for_it: format!("`roles/{}.yaml` does not list the purpose `{}`.", role.name, purpose.name),
    }
    .closed_by(of_role(scene, title, what).with(change).for_purpose(&purpose.name))
}

fn release_level(scene: &Scene<'_>, question: &Question, purpose: &Purpose, most: Release) -> Reason {
    let (role, release) = (scene.role, super::judge::release(question));
    let change = Change::AllowPurpose { purpose: purpose.name.clone(), release };
    let title = format!("Raise the release level of {} for {}", purpose.title, role.title.to_lowercase());
    let needed = format!("the release level `{}`", release.name());
    Told {
        code: ReasonCode::ReleaseLevel,
        subject: &purpose.name,
        for_marketing: format!("For {} you get {}, not {}.", purpose.title, what(most), what(release)),
        for_it: format!("`roles/{}.yaml` gives `{}` the release level `{}`.", role.name, purpose.name, most.name()),
    }
    .closed_by(of_role(scene, title, needed).with(change).for_purpose(&purpose.name))
}

fn field_hidden(scene: &Scene<'_>, field: &FieldRef, class: FieldClass) -> Reason {
    let role = scene.role;
    let title = format!("Let {} see `{}`", role.title.to_lowercase(), name(field));
    let what = format!("fields of the class `{}` for the role `{}`", class.name(), role.name);
    Told {
        code: ReasonCode::FieldHidden,
        subject: name(field),
        for_marketing: format!(
            "`{}` is not shown to {}: it points too closely at a person.",
            name(field),
            role.title.to_lowercase()
        ),
        for_it: format!(
            "`roles/{}.yaml` masks the class `{}`, which `{}` is of.",
            role.name,
            class.name(),
            name(field)
        ),
    }
    // Whichever field of the class it is, it is the same gap.
    .closed_by(of_role(scene, title, what).with(Change::ShowClass { class }).about(class.name()))
}

/// Something that the asker's role lacks.
fn of_role(scene: &Scene<'_>, title: String, what: String) -> Missing {
    let file = format!("roles/{}.yaml", scene.role.name);
    let whose = Whose::of_file(scene.definitions, &file, PRIVACY_OFFICER);
    Missing::new(Work::Allow, title, what).by(whose).in_file(&file)
}

/// What is missing where a purpose guards differences.
fn shown_differences(scene: &Scene<'_>, purpose: &Purpose) -> Missing {
    let file = file_of(purpose);
    let title = format!("Show differences between answers for {}", purpose.title);
    let what = format!("`differences: shown` for the purpose `{}`", purpose.name);
    let whose = Whose::of_file(scene.definitions, &file, PRIVACY_OFFICER);
    let missing = Missing::new(Work::Allow, title, what).by(whose).in_file(&file);
    missing.with(Change::ShowDifferences).for_purpose(&purpose.name)
}

fn field_not_for_purpose(scene: &Scene<'_>, resolved: &Resolved, purpose: &Purpose, field: &FieldRef) -> Reason {
    let title = format!("Allow `{}` for {}", name(field), purpose.title);
    let what = format!("the purpose `{}` in the contract of `{}`", purpose.name, name(field));
    let missing = Missing::new(Work::Allow, title, what).for_purpose(&purpose.name);
    let found = object_with(scene.definitions, resolved, purpose, field);
    let file = found.map_or("contracts/", |(source, ..)| source.contract_path.as_str());
    let missing = match found {
        Some((source, object, column)) => {
            let (object, field, purpose) = (object.name.clone(), column.name.clone(), purpose.name.clone());
            let missing = missing.by(Whose::of_source(scene.definitions, source)).about(&format!("{object}.{field}"));
            missing.with(Change::AllowField { object, field, purpose })
        }
        None => missing.by(Whose::of_file(scene.definitions, file, "the owner of the source")),
    };
    Told {
        code: ReasonCode::PurposeNotForField,
        subject: name(field),
        for_marketing: format!("`{}` may not be used for {}.", name(field), purpose.title),
        for_it: format!("`{file}` does not list the purpose `{}` for `{}`.", purpose.name, name(field)),
    }
    .closed_by(missing.in_file(file))
}

fn too_few(scene: &Scene<'_>, purpose: &Purpose, code: ReasonCode, who: &str) -> Reason {
    let title = format!("Ask people whether they agree to {}", purpose.title);
    let missing = Missing::new(Work::AskPeople, title, format!("consents to {}", purpose.title))
        // Nothing in the file is to be changed, but who looks after it answers to people for the purpose.
        .by(Whose::of_file(scene.definitions, &file_of(purpose), PRIVACY_OFFICER))
        .for_purpose(&purpose.name);
    Told {
        code,
        subject: &purpose.name,
        for_marketing: format!("{who} may be used for {} now.", purpose.title),
        for_it: format!(
            "The ledger leaves fewer people than `min_group: {}` of `purposes/{}.yaml`.",
            purpose.min_group, purpose.name
        ),
    }
    .closed_by(missing)
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
    let deliver = |what: String| {
        let missing = Missing::new(Work::Deliver, format!("Deliver {}", source.title), what);
        missing.by(Whose::of_source(scene.definitions, source)).in_file(&source.contract_path)
    };
    let Some(landed) = landed_at(scene, &source.name) else {
        let told = Told {
            code: ReasonCode::NoData,
            subject: &source.name,
            for_marketing: format!("{} has not delivered anything yet.", source.title),
            for_it: format!("No file of the source `{}` was imported, and no message has landed.", source.name),
        };
        return Some(told.closed_by(deliver(format!("data of `{}`", source.name))));
    };
    let freshness = source.contract.freshness.as_ref()?;
    let is_fresh = landed + freshness.age_max.delta() >= scene.now;
    // Only days depend on the time zone; an instant is exact.
    let slack = if ends_with_a_day(question) { ZONE_MAX } else { TimeDelta::zero() };
    if is_fresh || end_of(question).is_some_and(|end| end + slack <= landed) {
        return None;
    }
    let told = Told {
        code: ReasonCode::StaleSource,
        subject: &source.name,
        for_marketing: format!(
            "{} last delivered on {}, later than promised.",
            source.title,
            landed.format("%-d %b %Y")
        ),
        for_it: format!(
            "`{}` promises an age of at most {}; it is past that since {}.",
            source.contract_path,
            freshness.age_max,
            (landed + freshness.age_max.delta()).format("%Y-%m-%d %H:%M UTC")
        ),
    };
    Some(told.closed_by(deliver(format!("data of `{}` from after {}", source.name, landed.format("%Y-%m-%d")))))
}

/// When a source last delivered.
pub(crate) fn landed_at(scene: &Scene<'_>, source: &str) -> Option<Instant> {
    scene.snapshot.deliveries().get(source).copied()
}

/// The end of what a question looks at; `None` when it is now.
pub(crate) fn end_of(question: &Question) -> Option<Instant> {
    match period_of(question) {
        Some(Period::Dates { to, .. }) => Some(to.and_time(chrono::NaiveTime::MIN).and_utc()),
        _ => question.body.as_of(),
    }
}

fn ends_with_a_day(question: &Question) -> bool {
    matches!(period_of(question), Some(Period::Dates { .. }))
}

/// The days after which a question looks at nothing; people of a retention come back after its period.
fn period_of(question: &Question) -> Option<&Period> {
    question.body.period().filter(|_| !matches!(question.body, QuestionBody::Retention(_)))
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

fn file_of(purpose: &Purpose) -> String {
    format!("purposes/{}.yaml", purpose.name)
}

/// What stands against a question, in the words of both teams.
struct Told<'a> {
    code: ReasonCode,
    subject: &'a str,
    for_marketing: String,
    for_it: String,
}

impl Told<'_> {
    /// The reason, which is gone once what is missing is there.
    fn closed_by(self, missing: Missing) -> Reason {
        let Told { code, subject, for_marketing, for_it } = self;
        let remedies = vec![missing.into_remedy(code, subject)];
        Reason { code, subject: subject.to_owned(), for_marketing, for_it, remedies }
    }
}
