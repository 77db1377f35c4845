//! What a user may still be told: the questions of a day, figures next to those that were told before, noise.

use crate::error;
use crate::question::judge::Scene;
use crate::state::State;
use crate::store::{Allowance, Charge};
use opendp::domains::AtomDomain;
use opendp::measurements::make_laplace;
use opendp::metrics::AbsoluteDistance;
use policy::Grant;
use query::{History, Rows, Telling, Told};
use roaring::RoaringTreemap;
use sha2::{Digest, Sha256};
use spec::{Purpose, Question, QuestionBody, Release, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Histories, and numbers of everybody, that are kept in memory.
const KEPT_MAX: usize = 16;

/// What a scene is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Whether a question may be asked; of the answer only how many people are in an audience is told.
    Judge,
    /// Its answer.
    Ask,
    /// Which groups its answer names, for the search of a question that was meant; its figures are told to nobody.
    Look,
}

/// What is kept in memory of what was told.
#[derive(Default)]
pub(crate) struct Tellings {
    histories: Mutex<Vec<((String, String), Figures)>>,
    everybody: Mutex<Vec<(Arc<RoaringTreemap>, Arc<Told>)>>,
    batons: Mutex<HashMap<(String, String), Baton>>,
}

/// Held by the one of a user's questions for a purpose that is being answered.
type Baton = Arc<Mutex<()>>;

type Figures = Arc<Vec<Arc<Told>>>;

/// Charges a question to the user's day; whether there was room for it.
///
/// It is charged before anything is looked at, and stays charged. What only looks whether it may be asked takes nothing
/// where counts are noisy, and says all the same whether there is room.
pub(crate) fn charge(scene: &Scene<'_>, purpose: &Purpose, question: &Question) -> Result<bool> {
    if is_unseen(scene, purpose) {
        return has_room(scene, purpose, question);
    }
    let charge = |charge: &Charge<'_>, allowance: &Allowance| scene.state.store.charge(charge, allowance);
    charged(scene, purpose, question, &charge)
}

/// Whether the user's day has room for a question's answer, or the same was charged already; nothing is charged.
pub(crate) fn has_room(scene: &Scene<'_>, purpose: &Purpose, question: &Question) -> Result<bool> {
    let has_room = |charge: &Charge<'_>, allowance: &Allowance| scene.state.store.has_room(charge, allowance);
    charged(scene, purpose, question, &has_room)
}

/// Whether a question takes nothing of the user's day: nothing is bounded, or the same was charged already.
pub(crate) fn is_free(scene: &Scene<'_>, purpose: &Purpose, question: &Question) -> Result<bool> {
    Ok(is_unseen(scene, purpose)
        || charged(scene, purpose, question, &|charge, _| scene.state.store.is_charged(charge))?)
}

/// Whether a scene tells nothing of people under a purpose: with noisy counts, all that a judge says follows from the rules.
fn is_unseen(scene: &Scene<'_>, purpose: &Purpose) -> bool {
    scene.aim != Aim::Ask && purpose.limits.noise.is_some()
}

/// What becomes of a question's charge; true where the purpose bounds nothing.
fn charged(
    scene: &Scene<'_>,
    purpose: &Purpose,
    question: &Question,
    then: &dyn Fn(&Charge<'_>, &Allowance) -> Result<bool>,
) -> Result<bool> {
    let limits = &purpose.limits;
    let noise = limits.noise;
    if limits.questions_per_day.is_none() && noise.is_none() {
        return Ok(true);
    }
    let charge = Charge {
        user: scene.user,
        purpose: &purpose.name,
        day: scene.now.timestamp().div_euclid(86_400),
        question: &question.hash(),
        state: &if noise.is_some() { format!("{:016x}", state(scene)) } else { String::new() },
        epsilon: noise.map_or(0.0, |noise| noise.epsilon),
    };
    let allowance =
        Allowance { questions: limits.questions_per_day, epsilon: noise.map(|noise| noise.epsilon_per_day) };
    then(&charge, &allowance)
}

/// Under what figures stay the same: the rules, the tables and the day.
fn state(scene: &Scene<'_>) -> u64 {
    let day = scene.as_of.date_naive();
    let text = format!("{} {:?} {day}", scene.definitions.version, scene.snapshot.table_versions());
    let digest = Sha256::digest(text.as_bytes());
    u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

/// What is done to the figures of a question before they leave.
pub(crate) fn telling(scene: &Scene<'_>, question: &Question, grant: &Grant) -> Result<Telling> {
    // What a verdict depends on is looked at by the judge as well.
    let is_count = match &question.body {
        QuestionBody::Audience(audience) => audience.release == Release::Aggregate,
        body => matches!(body, QuestionBody::Power(_)),
    };
    let is_noisy = grant.limits().noise.is_some();
    Ok(match scene.aim {
        // The minimum group holds all the same, and groups that the others would tell of. Only what was told before is
        // not held against figures that nobody is told.
        Aim::Look if query::is_guarded(grant) => guarded(scene, grant, Vec::new()),
        Aim::Look if !is_noisy => Telling::Plain,
        Aim::Look => Telling::Unseen,
        Aim::Judge if is_noisy || (query::is_guarded(grant) && !is_count) => Telling::Unseen,
        Aim::Ask if is_noisy => noisy(scene, question),
        _ if query::is_guarded(grant) => {
            let told = scene.state.tellings.figures(scene.state, scene.user, grant.purpose())?;
            let everybody = scene.state.tellings.everybody(grant);
            guarded(scene, grant, told.iter().cloned().chain([everybody]).collect())
        }
        _ => Telling::Plain,
    })
}

/// Figures are held against those that were told, within a bound that follows from a secret.
fn guarded(scene: &Scene<'_>, grant: &Grant, told: Vec<Arc<Told>>) -> Telling {
    let salt = scene.state.store.number(&format!("differences {}", grant.purpose()));
    Telling::Guarded(Arc::new(History::new(told, state(scene), salt)))
}

/// Keeps what is about to be told.
pub(crate) fn keep(scene: &Scene<'_>, question: &Question, rows: &Rows) -> Result<()> {
    if rows.told.is_empty() || scene.aim == Aim::Look {
        return Ok(());
    }
    let known = scene.state.tellings.figures(scene.state, scene.user, &question.purpose)?;
    let known: HashMap<(u64, u64), &Arc<Told>> =
        known.iter().filter(|of| of.question == rows.told[0].question).map(|of| ((of.cell, of.sort), of)).collect();
    // Most are asked for again and again, and are kept already.
    let is_kept = |told: &Told| known.get(&(told.cell, told.sort)).is_some_and(|known| known.says_the_same(told));
    let new: Vec<Told> = rows.told.iter().filter(|told| !is_kept(told)).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    scene.state.store.keep_question(&question.hash(), &question.to_json().to_string())?;
    scene.state.tellings.tell(scene, &question.purpose, &new)
}

/// Noise that is the same for everybody who asks the same of the same state.
fn noisy(scene: &Scene<'_>, question: &Question) -> Telling {
    let store = Arc::clone(&scene.state.store);
    let about = format!("{} {} {:016x}", question.purpose, question.hash(), state(scene));
    Telling::Noisy(Arc::new(move |cell, scale| {
        let figure = Sha256::digest(format!("{about} {scale} {cell}").as_bytes());
        store.noise(&spec::hex(&figure), &|| draw(scale))
    }))
}

/// Draws from the two-sided geometric distribution of a scale, exactly.
fn draw(scale: f64) -> Result<i64> {
    let (from, apart) = (AtomDomain::<i64>::default(), AbsoluteDistance::<i64>::default());
    let noise = make_laplace(from, apart, scale, None).and_then(|laplace| laplace.invoke(&0));
    noise.map_err(|cause| error::bug(&format!("noise could not be drawn: {cause}")))
}

impl Tellings {
    /// What a user's questions for a purpose hold while they are answered, one after the other.
    pub(crate) fn baton(&self, user: &str, purpose: &str) -> Baton {
        Arc::clone(lock(&self.batons).entry((user.to_owned(), purpose.to_owned())).or_default())
    }

    /// What a user was told, as it is kept.
    fn figures(&self, state: &State, user: &str, purpose: &str) -> Result<Figures> {
        let key = (user.to_owned(), purpose.to_owned());
        if let Some((_, figures)) = lock(&self.histories).iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(figures));
        }
        let figures: Figures = Arc::new(state.store.told(user, purpose)?.into_iter().map(Arc::new).collect());
        let mut histories = lock(&self.histories);
        histories.truncate(KEPT_MAX - 1);
        histories.insert(0, (key, Arc::clone(&figures)));
        Ok(figures)
    }

    /// Puts figures with what a user was told.
    fn tell(&self, scene: &Scene<'_>, purpose: &str, told: &[Told]) -> Result<()> {
        let sequences = scene.state.store.tell(scene.user, purpose, told)?;
        let mut histories = lock(&self.histories);
        let of_user = |((user, about), _): &&mut ((String, String), Figures)| user == scene.user && about == purpose;
        let Some((_, figures)) = histories.iter_mut().find(of_user) else { return Ok(()) };
        let new = told.iter().zip(sequences).map(|(told, sequence)| Arc::new(Told { sequence, ..told.clone() }));
        let mut all: std::collections::BTreeMap<i64, Arc<Told>> =
            figures.iter().map(|told| (told.sequence, Arc::clone(told))).collect();
        all.extend(new.map(|told| (told.sequence, told)));
        *figures = Arc::new(all.into_values().collect());
        Ok(())
    }

    /// How many people may be used, which every answer tells.
    fn everybody(&self, grant: &Grant) -> Arc<Told> {
        let people = grant.shared_people();
        if let Some((_, told)) = lock(&self.everybody).iter().find(|(known, _)| Arc::ptr_eq(known, people)) {
            return Arc::clone(told);
        }
        let told = Arc::new(query::everybody(grant));
        let mut everybody = lock(&self.everybody);
        everybody.truncate(KEPT_MAX - 1);
        everybody.insert(0, (Arc::clone(people), Arc::clone(&told)));
        told
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
