//! How questions stand: verdicts of what is saved, kept live while somebody looks.
//!
//! Nothing runs by itself. A page asks for the standings again every few seconds; what has moved since a verdict was found
//! is told by its ground (`ground`), and only then it is judged again: a few questions per call, the longest ago first, so
//! that a call takes about a second at most. Rules and late sources count at once; people's choices and new data after a
//! pause, since they move all the time where many messages land.
//!
//! What is kept is one user's: two users may be told different things, and whoever is told something is on record with it.
//! On record is each judgement, as `judge live`, and not each look: between two judgements a page is shown the same text
//! again, which tells nothing of anybody that the record does not name. So a page that stays open for a day and nothing
//! moves has left a record per question and hour at most; per minute for audiences that look at less than a day.
//!
//! Invariants: nothing is charged to a user's day; a verdict from other rules is never shown; what nobody has looked at
//! for longest is forgotten first. No remedies are looked for: that is a page's work, once somebody opens it.

mod ground;

use crate::files::Loaded;
use crate::question::judge::{Decided, Scene};
use crate::question::telling::{self, Aim};
use crate::question::{ask, reason};
use crate::record::LIVE;
use crate::state::State;
use api::{BothFaces, GroundView, Principal, StandingView, StandingsRequest, StandingsView, Subject, Wanted};
use chrono::{SecondsFormat, TimeDelta};
use ground::{Ground, Rules};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use spec::{Diagnostic, Instant, Outcome, Purpose, Question, Reason, ReasonCode, Remedy, Result};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Things whose verdicts are kept, of all users.
const KEPT_MAX: usize = 10_000;
/// Things that one call is about; the others are left out.
const SUBJECTS_MAX: usize = 1_000;
/// Questions that one call judges, and for how long it begins new ones.
const JUDGED_MAX: usize = 16;
const JUDGING: TimeDelta = TimeDelta::seconds(1);
/// Rules that are remembered, to say what changed.
const RULES_MAX: usize = 8;

/// A question that took this long is judged again a minute later at the earliest, unless a rule changed.
const DEAR: TimeDelta = TimeDelta::seconds(1);
const DEAR_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// One that takes longer than this is judged when somebody opens it.
const DEAR_MAX: TimeDelta = TimeDelta::seconds(5);
/// After people's choices changed, a verdict that is younger than this stays.
const CHOICES_PAUSE: TimeDelta = TimeDelta::seconds(2);
/// The same of new data: first this long, and twice as long each time as long as data keep coming in.
const DATA_PAUSE_MIN: TimeDelta = TimeDelta::seconds(5);
const DATA_PAUSE_MAX: TimeDelta = TimeDelta::minutes(1);

/// The verdicts that are kept in memory.
#[derive(Default)]
pub(crate) struct Standings {
    kept: Mutex<HashMap<Key, KeptVerdict>>,
    rules: Mutex<Vec<Arc<Rules>>>,
    /// Users for whom a call judges right now.
    judging: Mutex<HashSet<String>>,
}

/// A user, and the kind and name of a thing.
type Key = (String, &'static str, String);

/// A verdict that is kept.
#[derive(Clone)]
struct KeptVerdict {
    ground: Ground,
    found: Finding,
    judged_at: Instant,
    /// How long judging took.
    cost: TimeDelta,
    /// How long it stays when nothing but data moves.
    pause: TimeDelta,
    seen_at: Instant,
    turn: Option<Turn>,
}

/// What was found, as it is shown.
#[derive(Clone)]
struct Finding {
    outcome: &'static str,
    people: Option<u64>,
    reasons: Vec<BothFaces>,
    remedy: Option<String>,
    /// Whether a reason is that too few people are left.
    is_of_people: bool,
}

/// That the outcome of a standing became another one.
#[derive(Clone)]
struct Turn {
    at: Instant,
    from: &'static str,
    because: BothFaces,
}

/// A thing as it is looked at: what to judge, or what there is to say without.
struct Seen<'a> {
    subject: &'a Subject,
    key: Key,
    asked: std::result::Result<(Question, Ground), Finding>,
}

/// How questions stand; those that have moved are judged first, as far as that may be done now.
pub(crate) fn standings(state: &State, who: &Principal, request: &StandingsRequest) -> Result<StandingsView> {
    let loaded = state.folder.current()?;
    let rules = state.standings.rules(&loaded);
    let scene = Scene::new(state, &loaded.definitions, who, Aim::Judge)?.on_the_minute();
    let subjects = request.subjects.iter().take(SUBJECTS_MAX);
    let seen: Vec<Seen<'_>> = subjects.map(|subject| look(&scene, &rules, subject)).collect::<Result<_>>()?;
    // Of two calls for the same user one judges, and the other shows what is there.
    if request.may_judge
        && let Some(_judging) = state.standings.begin(&who.user)
    {
        judge_moved(&scene, &rules, who, &seen)?;
    }
    let verdicts = seen.iter().map(|seen| state.standings.view(seen, scene.now)).collect();
    Ok(StandingsView { at: written(scene.now), verdicts })
}

/// What answers to a user rest on now.
pub(crate) fn ground(state: &State, who: &Principal) -> Result<GroundView> {
    let loaded = state.folder.current()?;
    let rules = state.standings.rules(&loaded);
    let scene = Scene::new(state, &loaded.definitions, who, Aim::Judge)?;
    let short = |text: &str| spec::hex(&Sha256::digest(text)[..8]);
    Ok(GroundView {
        rules: short(&ground::rules_text(&scene, &rules)),
        choices: ground::choices_text(&scene),
        data: short(&ground::data_text(&scene)),
        at_seconds: scene.now.timestamp(),
    })
}

/// Whether asking takes nothing of the user's day.
pub(crate) fn is_free(state: &State, who: &Principal, json: &Json, wanted: Wanted) -> Result<bool> {
    let loaded = state.folder.current()?;
    let aim = match wanted {
        Wanted::Verdict => Aim::Judge,
        Wanted::Answer => Aim::Ask,
    };
    let scene = Scene::new(state, &loaded.definitions, who, aim)?;
    // What cannot be asked costs nothing.
    let Ok(question) = workspace::parse_question(json, "/question") else { return Ok(true) };
    let purpose = loaded.definitions.purposes.get(&question.purpose);
    purpose.map_or(Ok(true), |purpose| telling::is_free(&scene, purpose, &question))
}

/// Looks at a thing without judging it.
fn look<'a>(scene: &Scene<'_>, rules: &Arc<Rules>, subject: &'a Subject) -> Result<Seen<'a>> {
    let key = (scene.user.to_owned(), subject.kind, subject.name.clone());
    let question = match workspace::parse_question(&subject.question, "/question") {
        Ok(question) => question,
        Err(diagnostics) => return Ok(Seen { subject, key, asked: Err(Finding::senseless(&diagnostics)) }),
    };
    if let Some(purpose) = scene.definitions.purposes.get(&question.purpose) {
        if !telling::is_free(scene, purpose, &question)? {
            return Ok(Seen { subject, key, asked: Err(Finding::charged(purpose)) });
        }
        if !telling::has_room(scene, purpose, &question)? {
            let reason = reason::too_many_questions(scene.definitions, purpose);
            return Ok(Seen { subject, key, asked: Err(Finding::refused(Outcome::No, &[reason])) });
        }
    }
    let ground = Ground::of(scene, rules, &question);
    Ok(Seen { subject, key, asked: Ok((question, ground)) })
}

/// Judges what has moved, the longest ago first.
fn judge_moved(scene: &Scene<'_>, rules: &Arc<Rules>, who: &Principal, seen: &[Seen<'_>]) -> Result<()> {
    let standings = &scene.state.standings;
    let asked = |seen: &Seen<'_>| seen.asked.as_ref().ok().map(|(question, ground)| (question.clone(), ground.clone()));
    let mut due: Vec<(Option<Instant>, &Key, Question)> = Vec::new();
    for seen in seen {
        let Some((question, ground)) = asked(seen) else { continue };
        let kept = standings.kept(&seen.key);
        if kept.as_ref().is_none_or(|kept| kept.is_due(&ground, scene.now)) {
            due.push((kept.map(|kept| kept.judged_at), &seen.key, question));
        }
    }
    due.sort_by_key(|(judged_at, ..)| *judged_at);
    let clock = &scene.state.clock;
    for (_, key, question) in due.into_iter().take(JUDGED_MAX) {
        if clock.now() - scene.now >= JUDGING {
            break;
        }
        // Each on the newest tables, and with its own deadline.
        let scene = Scene::new(scene.state, scene.definitions, who, Aim::Judge)?.on_the_minute();
        let scene = Scene { until: scene.now + DEAR_MAX, ..scene };
        let ground = Ground::of(&scene, rules, &question);
        let judged = judge(&scene, &question);
        let cost = clock.now() - scene.now;
        match judged {
            Ok(found) => standings.keep(key, ground, found, (scene.now, cost)),
            Err(error) if scene.waiting.is_over() => return Err(error),
            Err(error) => {
                tracing::warn!(cause = error.chain(), question = question.hash(), "a verdict cannot be kept live");
                standings.keep(key, ground, Finding::failed(), (scene.now, cost.max(DEAR)));
            }
        }
    }
    Ok(())
}

/// Judges one question, and puts that on record.
fn judge(scene: &Scene<'_>, question: &Question) -> Result<Finding> {
    match scene.decide(question)? {
        Decided::Nonsense(diagnostics) => Ok(Finding::senseless(&diagnostics)),
        Decided::Refused(refused) => {
            let is_conditional = refused.reasons.iter().all(|reason| reason::is_conditional(reason.code));
            let outcome = if is_conditional { Outcome::YesIf } else { Outcome::No };
            ask::record(scene, LIVE, question, (outcome, refused.run.as_deref()))?;
            Ok(Finding::refused(outcome, &refused.reasons))
        }
        Decided::Allowed(allowed) => {
            ask::record(scene, LIVE, question, (Outcome::Yes, Some(&allowed)))?;
            Ok(Finding { people: allowed.audience(), ..Finding::bare(Outcome::Yes.name()) })
        }
    }
}

impl Finding {
    fn bare(outcome: &'static str) -> Finding {
        Finding { outcome, people: None, reasons: Vec::new(), remedy: None, is_of_people: false }
    }

    fn refused(outcome: Outcome, reasons: &[Reason]) -> Finding {
        let both =
            |reason: &Reason| BothFaces { for_marketing: reason.for_marketing.clone(), for_it: reason.for_it.clone() };
        let title = |remedy: &Remedy| match remedy {
            Remedy::Ask { title, .. } | Remedy::Close { title, .. } => title.clone(),
        };
        let remedy = reasons.first().and_then(|reason| reason.remedies.first()).map(title);
        let too_few = [ReasonCode::NobodyMayBeUsed, ReasonCode::UnderMinimumGroup, ReasonCode::ListTooSmall];
        let is_of_people = reasons.iter().any(|reason| too_few.contains(&reason.code));
        Finding { reasons: reasons.iter().map(both).collect(), remedy, is_of_people, ..Finding::bare(outcome.name()) }
    }

    /// A question that makes no sense by now, for instance since a field has another type.
    fn senseless(diagnostics: &[Diagnostic]) -> Finding {
        let both = |diagnostic: &Diagnostic| {
            let text = match diagnostic.hint.as_str() {
                "" => diagnostic.message.clone(),
                hint => format!("{}; {hint}", diagnostic.message),
            };
            BothFaces { for_marketing: text.clone(), for_it: format!("{}: {text}", diagnostic.path) }
        };
        Finding { reasons: diagnostics.iter().map(both).collect(), ..Finding::bare("invalid") }
    }

    fn charged(purpose: &Purpose) -> Finding {
        let reason = BothFaces {
            for_marketing: format!("questions for {} are counted, so it is judged when you open it", purpose.title),
            for_it: format!("`purposes/{}.yaml` bounds the questions of a day", purpose.name),
        };
        Finding { reasons: vec![reason], ..Finding::bare("asked_when_opened") }
    }

    fn failed() -> Finding {
        let text = "it takes too long to be judged all the time, or cannot be judged now; opening it says more";
        let reason = BothFaces { for_marketing: text.to_owned(), for_it: text.to_owned() };
        Finding { reasons: vec![reason], ..Finding::bare("asked_when_opened") }
    }

    fn is_verdict(&self) -> bool {
        self.outcome != "asked_when_opened"
    }
}

impl KeptVerdict {
    /// Whether it is to be judged again.
    fn is_due(&self, ground: &Ground, now: Instant) -> bool {
        let moved = self.ground.moved(ground);
        let pause = if moved.is_grave() {
            TimeDelta::zero()
        } else if self.cost >= DEAR {
            DEAR_PAUSE
        } else if moved.time {
            TimeDelta::zero()
        } else if moved.choices {
            CHOICES_PAUSE
        } else {
            self.pause
        };
        // What could not be judged is tried again, though nothing moved.
        (moved.is_any() || !self.found.is_verdict()) && self.judged_at + pause <= now
    }

    /// How long the next verdict stays when nothing but data moves.
    fn next_pause(&self, ground: &Ground, now: Instant) -> TimeDelta {
        let moved = self.ground.moved(ground);
        let has_just_moved = moved.data && !moved.is_grave() && now - self.judged_at < self.pause * 2;
        if has_just_moved { (self.pause * 2).min(DATA_PAUSE_MAX) } else { DATA_PAUSE_MIN }
    }
}

impl Standings {
    /// The rules of these definitions, computed once.
    fn rules(&self, loaded: &Arc<Loaded>) -> Arc<Rules> {
        let mut rules = lock(&self.rules);
        let version = &loaded.definitions.version;
        if let Some(known) = rules.iter().find(|known| known.version == *version) {
            return Arc::clone(known);
        }
        let new = Arc::new(Rules::of(loaded));
        rules.truncate(RULES_MAX - 1);
        rules.insert(0, Arc::clone(&new));
        new
    }

    /// Begins to judge for a user, unless that is under way.
    fn begin(&self, user: &str) -> Option<Judging<'_>> {
        let is_first = lock(&self.judging).insert(user.to_owned());
        is_first.then(|| Judging { standings: self, user: user.to_owned() })
    }

    fn kept(&self, key: &Key) -> Option<KeptVerdict> {
        lock(&self.kept).get(key).cloned()
    }

    /// Keeps what was found, and that it is another outcome than before.
    fn keep(&self, key: &Key, ground: Ground, found: Finding, (judged_at, cost): (Instant, TimeDelta)) {
        let mut kept = lock(&self.kept);
        if kept.len() >= KEPT_MAX && !kept.contains_key(key) {
            forget_half(&mut kept);
        }
        let before = kept.remove(key);
        let pause = before.as_ref().map_or(DATA_PAUSE_MIN, |before| before.next_pause(&ground, judged_at));
        let turn = before.and_then(|before| {
            let is_turn = before.found.is_verdict() && found.is_verdict() && before.found.outcome != found.outcome;
            let is_of_people = before.found.is_of_people || found.is_of_people;
            let because = || ground.because(&before.ground, is_of_people);
            let new = || Turn { at: judged_at, from: before.found.outcome, because: because() };
            if is_turn { Some(new()) } else { before.turn.clone() }
        });
        kept.insert(key.clone(), KeptVerdict { ground, found, judged_at, cost, pause, seen_at: judged_at, turn });
    }

    /// A thing as it stands; pending where what is known of it is of other rules.
    fn view(&self, seen: &Seen<'_>, now: Instant) -> StandingView {
        let pending = Finding::bare("pending");
        let mut all = lock(&self.kept);
        let kept = all.get_mut(&seen.key);
        let (found, kept) = match (&seen.asked, kept) {
            (Err(found), _) => (found, None),
            (Ok((_, ground)), Some(kept)) if !kept.ground.moved(ground).is_grave() => {
                kept.seen_at = now;
                (&kept.found, Some(&*kept))
            }
            (Ok(_), _) => (&pending, None),
        };
        let turn = kept.and_then(|kept| kept.turn.as_ref());
        let is_behind = |(kept, (_, ground)): (&KeptVerdict, &(Question, Ground))| kept.ground.moved(ground).is_any();
        StandingView {
            kind: seen.subject.kind.to_owned(),
            name: seen.subject.name.clone(),
            title: seen.subject.title.clone(),
            outcome: found.outcome,
            people: found.people,
            reasons: found.reasons.clone(),
            remedy: found.remedy.clone(),
            judged_at: kept.map(|kept| written(kept.judged_at)),
            is_behind: kept.zip(seen.asked.as_ref().ok()).is_some_and(is_behind),
            turned_at: turn.map(|turn| written(turn.at)),
            turned_from: turn.map(|turn| turn.from),
            because: turn.map(|turn| turn.because.clone()),
        }
    }
}

/// Held while a call judges for a user.
struct Judging<'a> {
    standings: &'a Standings,
    user: String,
}

impl Drop for Judging<'_> {
    fn drop(&mut self) {
        lock(&self.standings.judging).remove(&self.user);
    }
}

/// Makes room: what nobody has looked at for longest goes.
fn forget_half(kept: &mut HashMap<Key, KeptVerdict>) {
    let mut seen: Vec<Instant> = kept.values().map(|kept| kept.seen_at).collect();
    seen.sort_unstable();
    let middle = seen[seen.len() / 2];
    kept.retain(|_, kept| kept.seen_at > middle);
}

fn written(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
