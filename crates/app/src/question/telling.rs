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
}

/// What is kept in memory of what was told.
#[derive(Default)]
pub(crate) struct Tellings {
    histories: Mutex<Vec<((String, String), Figures)>>,
    everybody: Mutex<Vec<(Arc<RoaringTreemap>, Arc<Told>)>>,
    turns: Mutex<HashMap<(String, String), Turn>>,
}

/// Held by a question while it is answered.
type Turn = Arc<Mutex<()>>;

type Figures = Arc<Vec<Arc<Told>>>;

/// Charges a question to the user's day; whether there was room for it.
///
/// It is charged before anything is looked at, and stays charged.
pub(crate) fn charge(scene: &Scene<'_>, purpose: &Purpose, question: &Question) -> Result<bool> {
    let has_room = charged(scene, purpose, question, &|charge, allowance| scene.state.store.charge(charge, allowance))?;
    Ok(has_room.unwrap_or(true))
}

/// Whether a question takes nothing of the user's day: nothing is bounded, or the same was charged already.
pub(crate) fn is_free(scene: &Scene<'_>, purpose: &Purpose, question: &Question) -> Result<bool> {
    let is_charged = charged(scene, purpose, question, &|charge, _| scene.state.store.is_charged(charge))?;
    Ok(is_charged.unwrap_or(true))
}

/// What becomes of a question's charge; `None` where the purpose bounds nothing.
fn charged(
    scene: &Scene<'_>,
    purpose: &Purpose,
    question: &Question,
    then: &dyn Fn(&Charge<'_>, &Allowance) -> Result<bool>,
) -> Result<Option<bool>> {
    let limits = &purpose.limits;
    let noise = limits.noise.filter(|_| scene.aim == Aim::Ask);
    if limits.questions_per_day.is_none() && noise.is_none() {
        return Ok(None);
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
    then(&charge, &allowance).map(Some)
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
        Aim::Judge if is_noisy || (query::is_guarded(grant) && !is_count) => Telling::Unseen,
        Aim::Ask if is_noisy => noisy(scene, question),
        _ if query::is_guarded(grant) => {
            let told = scene.state.tellings.figures(scene.state, scene.user, grant.purpose())?;
            let everybody = scene.state.tellings.everybody(grant);
            let told = told.iter().cloned().chain([everybody]).collect();
            let salt = scene.state.store.number(&format!("differences {}", grant.purpose()));
            Telling::Guarded(Arc::new(History::new(told, state(scene), salt)))
        }
        _ => Telling::Plain,
    })
}

/// Keeps what is about to be told.
pub(crate) fn keep(scene: &Scene<'_>, question: &Question, rows: &Rows) -> Result<()> {
    if rows.told.is_empty() {
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
        store.noise(&crate::audit::hex(&figure), &|| draw(scale))
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
    pub(crate) fn turn(&self, user: &str, purpose: &str) -> Turn {
        Arc::clone(lock(&self.turns).entry((user.to_owned(), purpose.to_owned())).or_default())
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
