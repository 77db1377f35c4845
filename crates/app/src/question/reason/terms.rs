//! Reasons of agreements with others: terms of data that was bought or lent, and of destinations of lists.

use super::{PRIVACY_OFFICER, Told, what};
use crate::question::judge::{Scene, release};
use crate::question::missing::{Missing, Whose};
use crate::question::{grouped, people_words};
use spec::{Destination, Question, QuestionBody, Reason, ReasonCode, Source, Terms, Work};
use workspace::Resolved;

/// Terms on which data was bought or lent that do not allow the question.
pub(crate) fn of_terms(scene: &Scene<'_>, question: &Question, resolved: &Resolved) -> Vec<Reason> {
    let sources = resolved.all_sources().filter_map(|name| scene.definitions.sources.get(name));
    sources.flat_map(|source| ended(scene, source).into_iter().chain(too_wide(scene, source, question))).collect()
}

fn ended(scene: &Scene<'_>, source: &Source) -> Option<Reason> {
    let until = source.contract.terms.until.filter(|until| *until < scene.now.date_naive())?;
    let file = &source.contract_path;
    let title = format!("Go on using {}", source.title);
    let missing =
        Missing::new(Work::Allow, title, format!("terms for {} from {} on", source.title, until.format("%-d %b %Y")));
    let told = Told {
        code: ReasonCode::TermsEnded,
        subject: &source.name,
        for_marketing: format!("{} could be used until {}, and no longer.", source.title, until.format("%-d %b %Y")),
        for_it: format!("`{file}` has `endOfLife: {until}` among its `slaProperties`."),
    };
    Some(told.closed_by(missing.by(Whose::of_source(scene.definitions, source)).in_file(file)))
}

fn too_wide(scene: &Scene<'_>, source: &Source, question: &Question) -> Option<Reason> {
    let Terms { release_max, .. } = source.contract.terms;
    let wanted = release(question);
    let most = release_max.filter(|most| *most < wanted)?;
    let file = &source.contract_path;
    let title = format!("Get {} of {}", what(wanted), source.title);
    let terms = format!("terms for {} that allow {}", source.title, what(wanted));
    let told = Told {
        code: ReasonCode::TermsRelease,
        subject: &source.name,
        for_marketing: format!("Of {} you get {}, not {}.", source.title, what(most), what(wanted)),
        for_it: format!("`{file}` has `release_max: {}`.", most.name()),
    };
    let missing = Missing::new(Work::Allow, title, terms).by(Whose::of_source(scene.definitions, source));
    Some(told.closed_by(missing.in_file(file)))
}

/// A destination that is not for the purpose of the question: the purpose there decides.
pub(crate) fn of_destination(scene: &Scene<'_>, question: &Question) -> Option<Reason> {
    let destination = destination_of(scene, question)?;
    if destination.purposes.contains(&question.purpose) {
        return None;
    }
    let purpose = scene.definitions.purposes.get(&question.purpose)?;
    let file = file_of(destination);
    let told = Told {
        code: ReasonCode::NotForDestination,
        subject: &destination.name,
        for_marketing: format!("{} is not there for {}.", destination.title, purpose.title),
        for_it: format!("`{file}` does not list the purpose `{}`.", purpose.name),
    };
    let title = format!("Use {} for {}", destination.title, purpose.title);
    let missing = format!("{} among the purposes of {}", purpose.title, destination.title);
    let missing = Missing::new(Work::Allow, title, missing).for_purpose(&purpose.name);
    let whose = Whose::of_file(scene.definitions, &file, PRIVACY_OFFICER);
    Some(told.closed_by(missing.by(whose).in_file(&file)))
}

/// A list that its destination does not take: it is of too few people, or of too many. Of the people of an audience it
/// has no more rows than its limit, or than any list has.
pub(crate) fn of_length(scene: &Scene<'_>, question: &Question, (people, rows): (u64, u64)) -> Option<Reason> {
    let destination = destination_of(scene, question)?;
    let (title, file) = (&destination.title, file_of(destination));
    let least = destination.people_min;
    if rows < u64::from(least) {
        let told = Told {
            code: ReasonCode::ListTooSmall,
            subject: &destination.name,
            for_marketing: format!(
                "{title} takes lists of {} and more; these are {}.",
                people_words(least.into()),
                grouped(rows)
            ),
            for_it: format!("`{file}` has `people_min: {least}`."),
        };
        // Where enough are there, it is the list that leaves some out.
        let do_what = if people < u64::from(least) { "Ask for a wider group" } else { "Take more of the people" };
        let wider = format!("{} for {title}", people_words(least.into()));
        return Some(told.closed_by(Missing::new(Work::Widen, do_what.to_owned(), wider)));
    }
    let most = destination.people_max.filter(|most| rows > u64::from(*most))?;
    let told = Told {
        code: ReasonCode::ListTooLarge,
        subject: &destination.name,
        for_marketing: format!(
            "{title} takes lists of at most {}; these are {}.",
            people_words(most.into()),
            grouped(rows)
        ),
        for_it: format!("`{file}` has `people_max: {most}`."),
    };
    let fewer = format!("at most {} for {title}", people_words(most.into()));
    Some(told.closed_by(Missing::new(Work::Widen, "Ask for a narrower group".to_owned(), fewer)))
}

fn destination_of<'s>(scene: &Scene<'s>, question: &Question) -> Option<&'s Destination> {
    let QuestionBody::Audience(audience) = &question.body else { return None };
    scene.definitions.destinations.get(audience.destination.as_ref()?)
}

fn file_of(destination: &Destination) -> String {
    format!("destinations/{}.yaml", destination.name)
}
