//! What a verdict rests on, and what of that has moved since it was found.

use crate::files::Loaded;
use crate::question::judge::Scene;
use crate::question::reason;
use api::BothFaces;
use lake::Snapshot;
use reason::{Lack, lacks_of};
use sha2::{Digest, Sha256};
use spec::{Aggregate, Condition, Instant, Question, QuestionBody, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use workspace::Definitions;

/// Folders whose files say what is saved and shown, and not what may be asked: saving a question changes no other's verdict.
const NO_RULES: [&str; 2] = ["questions/", "dashboards/"];
/// Files that a cause names; the others are counted.
const FILES_SHOWN: usize = 3;
/// Windows shorter than this are looked at minute by minute.
const CLOSE_SECONDS: i64 = 86_400;

/// The definitions in force, without those that are no rules.
pub(super) struct Rules {
    /// The version of all definitions.
    pub(super) version: String,
    /// Another one when a rule changes.
    pub(super) digest: String,
    loaded: Arc<Loaded>,
}

impl Rules {
    pub(super) fn of(loaded: &Arc<Loaded>) -> Rules {
        let mut digest = Sha256::new();
        for (path, text) in rules_of(loaded) {
            digest.update(format!("{} {path} {}\n", path.len(), text.len()));
            digest.update(text);
        }
        let digest = spec::hex(&digest.finalize()[..8]);
        Rules { version: loaded.definitions.version.clone(), digest, loaded: Arc::clone(loaded) }
    }

    /// The files that are other ones, or there in one of the two only.
    fn changed_since(&self, before: &Rules) -> Vec<String> {
        let (now, then) = (&self.loaded.texts, &before.loaded.texts);
        let mut changed: Vec<String> = rules_of(&self.loaded)
            .filter(|(path, text)| then.get(*path) != Some(*text))
            .map(|(path, _)| path.clone())
            .collect();
        changed.extend(
            rules_of(&before.loaded).filter(|(path, _)| !now.contains_key(*path)).map(|(path, _)| path.clone()),
        );
        changed.sort();
        changed
    }
}

fn rules_of(loaded: &Loaded) -> impl Iterator<Item = (&String, &String)> {
    loaded.texts.iter().filter(|(path, _)| !NO_RULES.iter().any(|folder| path.starts_with(folder)))
}

/// What a verdict rests on.
#[derive(Clone)]
pub(super) struct Ground {
    /// The question's hash.
    question: String,
    /// The role of who asks.
    role: String,
    rules: Arc<Rules>,
    /// The version of what people have said.
    choices: u64,
    /// The versions of the other tables that answers read.
    data: [u64; 3],
    /// The sources that do not deliver as promised.
    lacks: BTreeSet<(String, Lack)>,
    /// The stretch of time in which the verdict stays the same.
    step: i64,
}

/// What has moved between two grounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) question: bool,
    pub(super) rules: bool,
    pub(super) lacks: bool,
    pub(super) choices: bool,
    pub(super) data: bool,
    pub(super) time: bool,
}

impl Moved {
    /// Whether anything has.
    pub(super) fn is_any(self) -> bool {
        self != Moved::default()
    }

    /// Whether a verdict from before may not be shown any more, even for a moment.
    pub(super) fn is_grave(self) -> bool {
        self.question || self.rules || self.lacks
    }
}

impl Ground {
    pub(super) fn of(scene: &Scene<'_>, rules: &Arc<Rules>, question: &Question) -> Ground {
        let tables = scene.snapshot.table_versions();
        Ground {
            question: question.hash(),
            role: scene.role.name.clone(),
            rules: Arc::clone(rules),
            choices: version(&tables, "consents"),
            data: DATA.map(|table| version(&tables, table)),
            lacks: lacks(scene.definitions, &scene.snapshot, scene.now),
            step: step(question, scene.definitions, scene.as_of),
        }
    }

    /// What is another one in `now`.
    pub(super) fn moved(&self, now: &Ground) -> Moved {
        Moved {
            question: self.question != now.question,
            rules: self.rules.digest != now.rules.digest || self.role != now.role,
            lacks: self.lacks != now.lacks,
            choices: self.choices != now.choices,
            data: self.data != now.data,
            time: self.step != now.step,
        }
    }

    /// Why a verdict on this ground is another one than on `before`. Where rules or deliveries moved, that is it: data come
    /// in all the time, and would be named beside everything.
    /// Of choices and deliveries that came together it is the choices where the verdict is about too few people, and the
    /// deliveries otherwise.
    pub(super) fn because(&self, before: &Ground, is_of_people: bool) -> BothFaces {
        let moved = before.moved(self);
        let mut causes = Vec::new();
        if moved.rules {
            causes.push(both("the rules changed", &changed_files(&self.rules.changed_since(&before.rules))));
        }
        if moved.lacks && !(is_of_people && moved.choices) {
            causes.extend(self.deliveries_since(before));
        }
        if causes.is_empty() && moved.choices {
            let versions = format!("the table `consents` went from version {} to {}", before.choices, self.choices);
            causes.push(both("people’s choices changed", &versions));
        }
        if causes.is_empty() && moved.data {
            let went = DATA.iter().zip(before.data.iter().zip(&self.data)).filter(|(_, (then, now))| then != now);
            let went: Vec<String> =
                went.map(|(table, (then, now))| format!("`{table}` went from version {then} to {now}")).collect();
            causes.push(both("new data came in", &format!("new data came in: {}", went.join(", "))));
        }
        if causes.is_empty() && moved.question {
            causes.push(both("the question changed", "the question changed"));
        }
        if causes.is_empty() {
            causes.push(both("time passed", "it is judged as of now, and time passed"));
        }
        let join = |face: fn(&BothFaces) -> &str| causes.iter().map(face).collect::<Vec<_>>().join(", and ");
        both(&join(|cause| &cause.for_marketing), &join(|cause| &cause.for_it))
    }

    /// Sources that do not deliver as promised, or do again.
    fn deliveries_since(&self, before: &Ground) -> Vec<BothFaces> {
        let sources = &self.rules.loaded.definitions.sources;
        let title = |name: &String| sources.get(name).map_or(name.clone(), |source| source.title.clone());
        let lacks_nothing = |name: &&String| !self.lacks.iter().any(|(lacking, _)| lacking == *name);
        let had: BTreeSet<&String> = before.lacks.iter().map(|(name, _)| name).collect();
        let came = had
            .into_iter()
            .filter(lacks_nothing)
            .map(|name| both(&format!("{} has delivered", title(name)), &format!("the source `{name}` has delivered")));
        let went = self.lacks.difference(&before.lacks).map(|(name, lack)| match lack {
            Lack::Faulty => both(
                &format!("more of what {} delivered is faulty than was agreed", title(name)),
                &format!("more of what the source `{name}` delivered breaks its contract than that allows"),
            ),
            Lack::Late(_) => both(
                &format!("time passed: {} is later than promised", title(name)),
                &format!("the source `{name}` is past the age that its contract promises"),
            ),
            Lack::Nothing => both(
                &format!("{} has not delivered anything", title(name)),
                &format!("the source `{name}` is there and has not delivered"),
            ),
        });
        came.chain(went).collect()
    }
}

/// The tables that answers read, besides what people have said; `people` has who is known and where they live.
const DATA: [&str; 3] = ["events", "people", "traits"];

fn version(tables: &BTreeMap<String, u64>, table: &str) -> u64 {
    tables.get(table).copied().unwrap_or(0)
}

fn both(for_marketing: &str, for_it: &str) -> BothFaces {
    BothFaces { for_marketing: for_marketing.to_owned(), for_it: for_it.to_owned() }
}

fn changed_files(paths: &[String]) -> String {
    if paths.is_empty() {
        // The user has another role.
        return "the rules changed".to_owned();
    }
    let mut named: Vec<String> = paths.iter().take(FILES_SHOWN).map(|path| format!("`{path}`")).collect();
    if paths.len() > FILES_SHOWN {
        named.push(format!("{} more files", paths.len() - FILES_SHOWN));
    }
    format!("{} changed", named.join(", "))
}

/// What all answers to a role rest on besides the tables.
pub(super) fn rules_text(scene: &Scene<'_>, rules: &Rules) -> String {
    format!("{} {} {:?}", scene.role.name, rules.digest, lacks(scene.definitions, &scene.snapshot, scene.now))
}

/// What is in the tables, and the day: what is asked as of now is asked anew then.
pub(super) fn data_text(scene: &Scene<'_>) -> String {
    let tables = scene.snapshot.table_versions();
    format!("{:?} {}", DATA.map(|table| version(&tables, table)), scene.now.date_naive())
}

/// What people have said.
pub(super) fn choices_text(scene: &Scene<'_>) -> String {
    version(&scene.snapshot.table_versions(), "consents").to_string()
}

/// What sources do not keep of their contracts as of now.
fn lacks(definitions: &Definitions, snapshot: &Snapshot, now: Instant) -> BTreeSet<(String, Lack)> {
    let of = |(name, source)| lacks_of(source, snapshot, now).into_iter().map(move |lack| (String::clone(name), lack));
    definitions.sources.iter().flat_map(of).collect()
}

/// The number of the stretch of time in which a verdict stays what it is, but for late sources, which are looked at by
/// themselves.
///
/// A question about a time that is over has one stretch. How many people an audience as of now has can change its outcome,
/// and changes as events leave its windows: it is judged every hour, and every minute where a window is shorter than a
/// day. The outcome of every other question does not depend on its figures - those about too few are withheld inside of a
/// yes - but at most on how many intervals it has, so a day is short enough.
fn step(question: &Question, definitions: &Definitions, as_of: Instant) -> i64 {
    let seconds = match &question.body {
        _ if reason::end_of(question).is_some() => return 0,
        QuestionBody::Audience(audience) if looks_closely(&audience.condition, definitions) => 60,
        QuestionBody::Audience(_) => 3_600,
        _ => 86_400,
    };
    as_of.timestamp().div_euclid(seconds)
}

/// Whether a condition, or an audience that it names, has a window shorter than a day.
fn looks_closely(condition: &Condition, definitions: &Definitions) -> bool {
    let is_close = |of: &Aggregate| of.within.as_ref().is_some_and(|within| within.seconds() < CLOSE_SECONDS);
    let has_close = |term: &Term| matches!(term, Term::Aggregate(of) if is_close(of));
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(|part| looks_closely(part, definitions)),
        Condition::Not(inner) => looks_closely(inner, definitions),
        Condition::Compare { left, right, .. } => has_close(left) || has_close(right),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => has_close(term),
        Condition::Did(of) => is_close(of),
        // Audiences that name each other in a circle are not loaded.
        Condition::InAudience(name) => {
            definitions.audiences.get(name).is_some_and(|named| looks_closely(&named.condition, definitions))
        }
    }
}
