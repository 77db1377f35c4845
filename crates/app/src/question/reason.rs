//! Reasons in the words of both teams. Every text of a refusal stands here, those of agreements and of effort in the modules below.

mod delivery;
mod effort;
mod elsewhere;
mod terms;

use crate::question::judge::Scene;
use crate::question::missing::{Missing, Whose, declaration, object_with};
use crate::question::{capitalised, people_words, with_grouped_numbers};
use chrono::TimeDelta;
use policy::Refusal;
use spec::{
    Change, EventSelector, FieldClass, FieldRef, Instant, Period, Purpose, Question, QuestionBody, Reason, ReasonCode,
    Release, Work,
};
use workspace::{Definitions, Resolved};

pub(crate) use delivery::{Lack, lacks_of, landed_at, of_sources, sound_until};
pub(crate) use effort::{Needed, not_yet, too_costly, too_few_to_plan, underpowered};
pub(crate) use elsewhere::instead_elsewhere;
pub(crate) use terms::{of_destination, of_length, of_terms};

/// The most questions a day that a purpose can allow.
const QUESTIONS_PER_DAY_MAX: u32 = 1_000_000;

const PRIVACY_OFFICER: &str = "the privacy officer";

/// The furthest that a time zone's midnight lies after UTC's.
pub(crate) const ZONE_MAX: TimeDelta = TimeDelta::hours(12);

/// Whether a reason goes away by something that somebody does, without another question.
pub(crate) fn is_conditional(code: ReasonCode) -> bool {
    use ReasonCode::{FaultySource, NoData, NotYet, StaleSource};
    matches!(code, StaleSource | FaultySource | NoData | NotYet)
}

/// A name that nothing bears, or nothing does now since the file that may define it has errors.
pub(crate) fn unknown_name(
    scene: &Scene<'_>,
    question: &Question,
    (subject, kind): (&str, &str),
    nearest: &[String],
) -> Reason {
    let elsewhere = elsewhere::of(scene, question, (subject, kind));
    let meant = nearest.first().map(|first| called(scene.definitions, kind, first));
    let meant = meant.map_or_else(String::new, |meant| format!(" Did you mean {meant}?"));
    if let Some(file) = file_left_out(scene, question, subject, kind) {
        let missing = Missing::new(Work::Declare, format!("Mend `{file}`"), format!("`{file}` without errors"));
        let whose = Whose::of_file(scene.definitions, file, "whoever looks after the file");
        return Told {
            code: ReasonCode::UnknownName,
            subject,
            for_marketing: format!(
                "We have no {kind} called \u{201c}{subject}\u{201d} now: it may be in a file with errors.{meant}"
            ),
            for_it: format!("No {kind} `{subject}` is declared, and `{file}` has errors and is left out."),
        }
        .closed_by(missing.by(whose).about(file).in_file(file));
    }
    // What other events have is declared as a property of this one, as whoever wrote it without an event meant it.
    let (kind, named) = match &elsewhere {
        Some(elsewhere) => ("property", elsewhere.missing()),
        None => (kind, subject.to_owned()),
    };
    let (folder, who) = match kind {
        "metric" => ("metrics/", "both teams"),
        "audience" => ("audiences/", "both teams"),
        "purpose" => ("purposes/", PRIVACY_OFFICER),
        "destination" => ("destinations/", "both teams"),
        _ => ("contracts/", "the owner of the source"),
    };
    let title = format!("Declare the {kind} \u{201c}{named}\u{201d}");
    let what = format!("the {kind} \u{201c}{named}\u{201d} is not declared");
    // Each event that lacks it is a gap of its own.
    let missing = Missing::new(Work::Declare, title, what).about(&named);
    let missing = match declaration(scene, question, &named, kind) {
        Some((file, change)) => {
            let whose = match scene.definitions.sources.values().find(|source| source.contract_path == file) {
                Some(source) => Whose::of_source(scene.definitions, source),
                None => Whose::of_file(scene.definitions, &file, who),
            };
            // A purpose is part of the gap where the change is about it: what is declared is allowed for it.
            let is_for_purpose = matches!(change, Some(Change::DeclareField { .. }));
            let missing = missing.by(whose).in_file(&file);
            let missing = change.into_iter().fold(missing, Missing::with);
            if is_for_purpose { missing.for_purpose(&question.purpose) } else { missing }
        }
        None => missing.by(Whose::of_file(scene.definitions, folder, who)).in_file(folder),
    };
    let (for_marketing, for_it) = match elsewhere {
        Some(elsewhere) => (elsewhere.for_marketing(), elsewhere.for_it()),
        None => {
            let for_marketing = format!("We have no {kind} called \u{201c}{subject}\u{201d}.{meant}");
            (for_marketing, format!("No {kind} `{subject}` is declared in `{folder}`."))
        }
    };
    Told { code: ReasonCode::UnknownName, subject, for_marketing, for_it }.closed_by(missing)
}

/// What people call something of a kind, in quotes: its title where it has one.
fn called(definitions: &Definitions, kind: &str, name: &str) -> String {
    let field = name.rsplit('.').next().unwrap_or(name);
    let title = match kind {
        "event" => definitions.event(name).map(|(_, object)| &object.title),
        "property" => definitions.property(&EventSelector::Any, field).map(|field| &field.title),
        "trait" => definitions.trait_field(name).map(|(_, _, field)| &field.title),
        "metric" => definitions.metrics.get(name).map(|metric| &metric.title),
        "audience" => definitions.audiences.get(name).map(|audience| &audience.title),
        "purpose" => definitions.purposes.get(name).map(|purpose| &purpose.title),
        "destination" => definitions.destinations.get(name).map(|destination| &destination.title),
        _ => None,
    };
    format!("\u{201c}{}\u{201d}", title.map_or(name, String::as_str))
}

/// The file with errors that may define a name. A property is one of events that are there, so that a file which is not
/// read can only matter where it is looked for in all of them.
fn file_left_out<'s>(scene: &Scene<'s>, question: &Question, subject: &str, kind: &str) -> Option<&'s str> {
    let file = scene.definitions.left_out_with(kind, subject)?;
    let is_of_any = || !workspace::resolve_partly(question, scene.definitions).sources_of_any.is_empty();
    (kind != "property" || is_of_any()).then_some(file)
}

/// Too few people meet the condition.
pub(crate) fn under_minimum_group(purpose: &Purpose) -> Reason {
    let Least { enough, rule } = Least::of(purpose);
    let missing = Missing::new(
        Work::Widen,
        "Ask for a wider group".to_owned(),
        format!("{enough} who meet the condition and may be used for {}", purpose.title),
    );
    Told {
        code: ReasonCode::UnderMinimumGroup,
        subject: &purpose.name,
        for_marketing: format!(
            "Fewer than {enough} are left, too few to show for {}: somebody could be recognised.",
            purpose.title
        ),
        for_it: format!("The answer is about fewer distinct people than {rule}."),
    }
    .closed_by(missing.for_purpose(&purpose.name))
}

/// Of how many people a purpose tells: at least the minimum group; where it guards differences up to half as many more, which
/// follows from who they are, so that nobody can say of fewer that they are fewer than the minimum group.
struct Least {
    /// So many people are enough, whoever they are.
    enough: String,
    /// How many are asked for.
    rule: String,
}

impl Least {
    fn of(purpose: &Purpose) -> Least {
        let least = purpose.min_group;
        let enough = people_words(query::surely_enough(least.into(), &purpose.limits));
        let rule = format!("`min_group: {least}` of `{}`", file_of(purpose));
        let more = if purpose.limits.guards_differences() {
            ", or up to half as many more since it guards differences"
        } else {
            ""
        };
        Least { enough, rule: format!("{rule}{more}") }
    }
}

/// A text in SQL whose rows would be about single people, whatever the role gets of them elsewhere.
pub(crate) fn rows_of_people(purpose: &Purpose) -> Reason {
    let least = purpose.min_group;
    let missing = Missing::new(
        Work::Widen,
        "Ask for figures about groups, or for a list as an audience".to_owned(),
        format!("figures about at least {} each", people_words(least.into())),
    );
    Told {
        code: ReasonCode::ReleaseLevel,
        subject: &purpose.name,
        for_marketing: "In SQL you get figures about groups, not rows about single people.".to_owned(),
        for_it: format!(
            "A row of SQL is about at least `min_group: {least}` people of `{}`; people become groups by GROUP BY, or one by a \
             count.",
            file_of(purpose)
        ),
    }
    .closed_by(missing.for_purpose(&purpose.name))
}

/// The answer would be larger than an answer may be.
pub(crate) fn over_budget(question: &Question, what: &str, advice: &str) -> Reason {
    let what = with_grouped_numbers(what);
    let needed = format!("a question that needs at most {what}");
    let missing = Missing::new(Work::Widen, capitalised(advice), needed);
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
    let what = format!("a group that differs by {} from those before", Least::of(purpose).enough);
    let missing = Missing::new(Work::Widen, "Ask for what differs by more people".to_owned(), what);
    Told {
        code: ReasonCode::TooNear,
        subject: &purpose.name,
        for_marketing:
            "This is about nearly the same people as something you asked before: the difference would tell of too few."
                .to_owned(),
        for_it: format!(
            "`{file}` guards differences of fewer people than `min_group: {}`, or up to half as many more.",
            purpose.min_group
        ),
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
                    "`purposes/{}.yaml` has `noise`: audiences, trends of `people(E)` without breakdown and retentions are \
                     answered, the latter two with a period.",
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
    let title = format!("Allow the role {} to ask for {}", role.title, purpose.title);
    let what = format!("{} among the purposes of the role {}", purpose.title, role.title);
    Told {
        code: ReasonCode::PurposeNotForRole,
        subject: &purpose.name,
        for_marketing: format!("With the role {} you may not use people's data for {}.", role.title, purpose.title),
        for_it: format!("`roles/{}.yaml` does not list the purpose `{}`.", role.name, purpose.name),
    }
    .closed_by(of_role(scene, title, what).with(change).for_purpose(&purpose.name))
}

fn release_level(scene: &Scene<'_>, question: &Question, purpose: &Purpose, most: Release) -> Reason {
    let (role, release) = (scene.role, super::judge::release(question));
    let change = Change::AllowPurpose { purpose: purpose.name.clone(), release };
    let title = format!("Give the role {} {} for {}", role.title, what(release), purpose.title);
    let needed = format!("{} for the role {}", what(release), role.title);
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
    let words = workspace::field_words(name(field), scene.definitions);
    let title = format!("Let the role {} see {words}", role.title);
    let what = format!("fields of the class {} for the role {}", class.name(), role.title);
    Told {
        code: ReasonCode::FieldHidden,
        subject: name(field),
        for_marketing: format!(
            "{} is not shown to the role {}: it points too closely at a person.",
            capitalised(&words),
            role.title
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
    let what = format!("differences between answers that are shown for {}", purpose.title);
    let whose = Whose::of_file(scene.definitions, &file, PRIVACY_OFFICER);
    let missing = Missing::new(Work::Allow, title, what).by(whose).in_file(&file);
    missing.with(Change::ShowDifferences).for_purpose(&purpose.name)
}

fn field_not_for_purpose(scene: &Scene<'_>, resolved: &Resolved, purpose: &Purpose, field: &FieldRef) -> Reason {
    let found = object_with(scene.definitions, resolved, purpose, field);
    let words = workspace::field_words(name(field), scene.definitions);
    let title = format!("Allow {words} for {}", purpose.title);
    let what = format!("{} among the purposes of {words}", purpose.title);
    let missing = Missing::new(Work::Allow, title, what).for_purpose(&purpose.name);
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
        for_marketing: format!("{} may not be used for {}.", capitalised(&words), purpose.title),
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
