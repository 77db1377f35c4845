//! How what is saved stands, as lists show it: which questions that are, and their verdicts in a few words.
//!
//! The question of a thing is the one that a click on it opens, so that a list never says yes to what the page refuses.

use crate::pages::audiences;
use crate::pages::dashboards::metric_question;
use crate::problem::Problem;
use crate::words;
use api::{
    AudienceView, BothFaces, Catalog, DashboardView, MetricView, Principal, Product, QuestionView, StandingView,
    StandingsRequest, Subject, TileView,
};
use chrono::DateTime;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Audiences that Home shows.
const HOME_AUDIENCES: usize = 4;
/// Outcomes, the best first; of a dashboard's tiles the last one counts.
const OUTCOMES: [&str; 6] = ["yes", "asked_when_opened", "pending", "yes_if", "no", "invalid"];

/// Which things a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// Questions, and the first audiences.
    Home,
    Questions,
    Audiences,
    Dashboards,
    /// All that is saved.
    All,
}

impl List {
    /// The list of this name; that of the questions for any other.
    pub(crate) fn named(name: &str) -> List {
        let all = [List::Home, List::Audiences, List::Dashboards];
        all.into_iter().find(|list| list.name() == name).unwrap_or(List::Questions)
    }

    fn name(self) -> &'static str {
        match self {
            List::Home => "home",
            List::Questions => "questions",
            List::Audiences => "audiences",
            List::Dashboards => "dashboards",
            List::All => "all",
        }
    }

    fn has_questions(self) -> bool {
        matches!(self, List::Home | List::Questions | List::All)
    }

    fn has_audiences(self) -> bool {
        matches!(self, List::Home | List::Audiences | List::All)
    }

    fn has_dashboards(self) -> bool {
        matches!(self, List::Dashboards | List::All)
    }
}

/// How a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) list: List,
    pub(crate) is_it: bool,
    /// Whether it is looked at again, and may take a moment; the first time the page comes at once.
    pub(crate) is_again: bool,
    /// When it was looked at before, in seconds since 1970: what has turned since is read out.
    pub(crate) since: Option<i64>,
}

/// Lists of what is saved, and how it stands.
#[derive(Serialize)]
pub(crate) struct Lists {
    of: &'static str,
    questions: Vec<QuestionLine>,
    audiences: Vec<AudienceLine>,
    dashboards: Vec<DashboardLine>,
    /// Another one when anything of this is.
    pub(crate) key: String,
    at_seconds: i64,
    is_pending: bool,
    is_again: bool,
    /// What has turned, in sentences.
    turned: Vec<String>,
}

#[derive(Serialize)]
struct QuestionLine {
    saved: QuestionView,
    q: String,
    purpose: String,
    stand: Stand,
}

#[derive(Serialize)]
struct AudienceLine {
    audience: AudienceView,
    q: String,
    purpose: String,
    stand: Stand,
}

#[derive(Serialize)]
struct DashboardLine {
    dashboard: DashboardView,
    /// Absent for one without tiles.
    stand: Option<Stand>,
}

/// A standing in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stand {
    /// `yes`, `if`, `else`, or nothing: the colour.
    tone: &'static str,
    /// `Yes, 235 people`.
    words: String,
    /// Why, or when it turned and why.
    text: String,
}

/// What is saved, as far as a list needs it.
struct Saved {
    catalog: Catalog,
    questions: Vec<QuestionView>,
    audiences: Vec<AudienceView>,
    dashboards: Vec<DashboardView>,
    metrics: Vec<MetricView>,
}

impl Saved {
    fn of(product: &dyn Product, who: &Principal, list: List) -> Result<Saved, Problem> {
        let has_dashboards = list.has_dashboards();
        let mut audiences = if list.has_audiences() { product.audiences(who)? } else { Vec::new() };
        if list == List::Home {
            audiences.truncate(HOME_AUDIENCES);
        }
        Ok(Saved {
            catalog: product.catalog(who)?,
            questions: if list.has_questions() || has_dashboards { product.questions(who)? } else { Vec::new() },
            audiences,
            dashboards: if has_dashboards { product.dashboards(who)? } else { Vec::new() },
            metrics: if has_dashboards { product.metrics(who)? } else { Vec::new() },
        })
    }

    /// The questions that clicks open; of questions and metrics that only stand on dashboards, those that do.
    fn subjects(&self, list: List) -> Vec<Subject> {
        let subject = |kind, name: &str, title: &str, question| Subject {
            kind,
            name: name.to_owned(),
            title: title.to_owned(),
            question,
        };
        let tiles = || self.dashboards.iter().flat_map(|dashboard| &dashboard.tiles);
        let is_shown = |saved: &&QuestionView| {
            list.has_questions() || tiles().any(|tile| tile.question.as_ref() == Some(&saved.name))
        };
        let has_tile = |metric: &&MetricView| tiles().any(|tile| tile.metric.as_ref() == Some(&metric.name));
        let questions = self.questions.iter().filter(is_shown);
        let questions = questions.map(|saved| subject("question", &saved.name, &saved.title, saved.question.clone()));
        let audiences = self.audiences.iter().map(|audience| {
            let question = audiences::question(audience, &audience.purpose, &self.catalog);
            subject("audience", &audience.name, &audience.title, question)
        });
        let metrics = self
            .metrics
            .iter()
            .filter(has_tile)
            .map(|metric| subject("metric", &metric.name, &metric.title, metric_question(&self.catalog, metric)));
        questions.chain(audiences).chain(metrics).collect()
    }

    fn purpose_title(&self, name: &str) -> String {
        let known = self.catalog.purposes.iter().find(|purpose| purpose.name == name);
        known.map_or(name, |known| &known.title).to_owned()
    }
}

/// How everything that is saved stands: as of when, and each thing; dashboards last.
pub(crate) fn verdicts(product: &dyn Product, who: &Principal) -> Result<(String, Vec<StandingView>), Problem> {
    let saved = Saved::of(product, who, List::All)?;
    let request = StandingsRequest { subjects: saved.subjects(List::All), may_judge: true };
    let standings = product.standings(who, &request)?;
    let mut verdicts = standings.verdicts;
    let of_dashboards: Vec<StandingView> =
        saved.dashboards.iter().map(|dashboard| of_dashboard(dashboard, &verdicts)).collect();
    verdicts.extend(of_dashboards);
    Ok((standings.at, verdicts))
}

/// A list with its verdicts.
pub(crate) fn lists(product: &dyn Product, who: &Principal, asked: Asked) -> Result<Lists, Problem> {
    let saved = Saved::of(product, who, asked.list)?;
    let request = StandingsRequest { subjects: saved.subjects(asked.list), may_judge: asked.is_again };
    let standings = product.standings(who, &request)?;
    let (at, verdicts) = (standings.at.as_str(), &standings.verdicts);
    let of = |kind: &str, name: &str| {
        let found = verdicts.iter().find(|standing| standing.kind == kind && standing.name == name);
        // Every subject comes back.
        found.map_or_else(Stand::pending, |found| stand(found, at, asked.is_it))
    };
    let question = |view: &QuestionView| QuestionLine {
        q: view.question.to_string(),
        purpose: saved.purpose_title(view.question["purpose"].as_str().unwrap_or_default()),
        stand: of("question", &view.name),
        saved: view.clone(),
    };
    let audience = |view: &AudienceView| AudienceLine {
        q: audiences::question(view, &view.purpose, &saved.catalog).to_string(),
        purpose: saved.purpose_title(&view.purpose),
        stand: of("audience", &view.name),
        audience: view.clone(),
    };
    let dashboard = |view: &DashboardView| DashboardLine {
        stand: stand_of_dashboard(view, verdicts, at, asked.is_it),
        dashboard: view.clone(),
    };
    let questions = saved.questions.iter().filter(|_| asked.list.has_questions());
    let mut lists = Lists {
        of: asked.list.name(),
        questions: questions.map(question).collect(),
        audiences: saved.audiences.iter().map(audience).collect(),
        dashboards: saved.dashboards.iter().map(dashboard).collect(),
        key: String::new(),
        at_seconds: seconds(at).unwrap_or(0),
        is_pending: verdicts.iter().any(|standing| standing.outcome == "pending"),
        is_again: asked.is_again,
        turned: verdicts.iter().filter_map(|standing| turned_since(standing, asked)).collect(),
    };
    lists.key = key(&lists);
    Ok(lists)
}

/// A short text for all that a list shows.
fn key(lists: &Lists) -> String {
    let shown = serde_json::to_vec(&(&lists.questions, &lists.audiences, &lists.dashboards));
    let digest = Sha256::digest(shown.expect("a list is plain data and serialises"));
    spec::hex(&digest[..8])
}

fn seconds(at: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(at).ok().map(|at| at.timestamp())
}

/// A turn since the list was looked at before, as it is read out.
fn turned_since(standing: &StandingView, asked: Asked) -> Option<String> {
    let (since, turned_at) = (asked.since?, seconds(standing.turned_at.as_deref()?)?);
    let because = face(standing.because.as_ref()?, asked.is_it);
    (turned_at >= since).then(|| format!("{}: {}, because {because}.", standing.title, words_of(standing)))
}

fn face(both: &BothFaces, is_it: bool) -> &str {
    if is_it { &both.for_it } else { &both.for_marketing }
}

impl Stand {
    fn pending() -> Stand {
        Stand { tone: "", words: "Judging …".to_owned(), text: String::new() }
    }
}

/// A standing in a few words, as of `at`.
pub(crate) fn stand(standing: &StandingView, at: &str, is_it: bool) -> Stand {
    Stand { tone: tone(standing.outcome), words: words_of(standing), text: text_of(standing, at, is_it) }
}

/// The colour of an outcome; red is for faults.
fn tone(outcome: &str) -> &'static str {
    match outcome {
        "yes" => "yes",
        "yes_if" => "if",
        "no" | "invalid" => "else",
        _ => "",
    }
}

fn words_of(standing: &StandingView) -> String {
    match (standing.outcome, standing.people) {
        ("yes", Some(people)) => format!("Yes, {} people", words::figure(&people.to_string(), None)),
        ("yes", None) => "Yes".to_owned(),
        ("yes_if", _) => "Yes, if …".to_owned(),
        ("no", _) => "Not this way".to_owned(),
        ("invalid", _) => "Not a question any more".to_owned(),
        ("pending", _) => Stand::pending().words,
        _ => "Asked when opened".to_owned(),
    }
}

/// `Turned at 14:02 UTC because the rules changed: ...`, or just what stands against it.
fn text_of(standing: &StandingView, at: &str, is_it: bool) -> String {
    let reason = standing.reasons.first().map(|reason| face(reason, is_it));
    let mut text = match (&standing.turned_at, &standing.because, reason) {
        (Some(turned_at), Some(because), reason) => {
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            words::sentence(&format!("turned {} because {}{reason}", when(turned_at, at), face(because, is_it)))
        }
        (_, _, Some(reason)) => words::sentence(reason),
        _ => String::new(),
    };
    if let Some(judged_at) = standing.judged_at.as_deref().filter(|_| standing.is_behind) {
        let space = if text.is_empty() { "" } else { " " };
        text.push_str(&format!("{space}Judged {}; newer data have come in since.", when(judged_at, at)));
    }
    text
}

/// `at 14:02 UTC` on the same day, else with the day.
fn when(instant: &str, now: &str) -> String {
    match (instant.get(11..16), instant.get(..10) == now.get(..10)) {
        (Some(time), true) => format!("at {time} UTC"),
        (Some(time), false) => format!("on {}, {time} UTC", words::day(instant)),
        (None, _) => format!("on {instant}"),
    }
}

/// The standing of the tile's question, if it has one.
fn of_tile<'a>(tile: &TileView, verdicts: &'a [StandingView]) -> Option<&'a StandingView> {
    let (kind, name) = match (&tile.question, &tile.metric) {
        (Some(name), _) => ("question", name),
        (None, name) => ("metric", name.as_ref()?),
    };
    verdicts.iter().find(|standing| standing.kind == kind && standing.name == *name)
}

/// The outcome of a tile; one whose question has errors or is gone makes no sense.
fn outcome_of(tile: Option<&StandingView>) -> &'static str {
    tile.map_or("invalid", |standing| standing.outcome)
}

/// A dashboard stands as the worst of its tiles does.
fn of_dashboard(dashboard: &DashboardView, verdicts: &[StandingView]) -> StandingView {
    let tiles: Vec<Option<&StandingView>> = dashboard.tiles.iter().map(|tile| of_tile(tile, verdicts)).collect();
    let rank = |outcome: &&'static str| OUTCOMES.iter().position(|known| known == outcome);
    let outcome = tiles.iter().map(|tile| outcome_of(*tile)).max_by_key(rank).unwrap_or("yes");
    let is_such = |standing: &&&StandingView| standing.outcome == outcome;
    let of_outcome: Vec<&StandingView> = tiles.iter().flatten().filter(is_such).copied().collect();
    let turned = of_outcome.iter().filter(|standing| standing.turned_at.is_some());
    let turned = turned.max_by(|one, other| one.turned_at.cmp(&other.turned_at));
    let first = of_outcome.iter().find(|standing| !standing.reasons.is_empty());
    let told = turned.or(first);
    let titled = |standing: &StandingView, reason: &BothFaces| BothFaces {
        for_marketing: format!("“{}”: {}", standing.title, reason.for_marketing),
        for_it: format!("`{}`: {}", standing.name, reason.for_it),
    };
    StandingView {
        kind: "dashboard".to_owned(),
        name: dashboard.name.clone(),
        title: dashboard.title.clone(),
        outcome,
        people: None,
        reasons: told.map_or_else(Vec::new, |told| told.reasons.iter().map(|reason| titled(told, reason)).collect()),
        remedy: told.and_then(|told| told.remedy.clone()),
        judged_at: of_outcome.iter().filter_map(|standing| standing.judged_at.clone()).max(),
        is_behind: false,
        turned_at: turned.and_then(|turned| turned.turned_at.clone()),
        turned_from: turned.and_then(|turned| turned.turned_from),
        because: turned.and_then(|turned| turned.because.clone()),
    }
}

/// The same in a few words; nothing of a dashboard without tiles.
fn stand_of_dashboard(dashboard: &DashboardView, verdicts: &[StandingView], at: &str, is_it: bool) -> Option<Stand> {
    let n_tiles = dashboard.tiles.len();
    let standing = of_dashboard(dashboard, verdicts);
    let is_such = |tile: &&TileView| outcome_of(of_tile(tile, verdicts)) == standing.outcome;
    let n_such = dashboard.tiles.iter().filter(is_such).count();
    let words = match (standing.outcome, n_tiles) {
        (_, 0) => return None,
        ("yes", 1) => "The tile answers".to_owned(),
        ("yes", _) => format!("All {n_tiles} tiles answer"),
        (outcome, _) => {
            let words = match outcome {
                "yes_if" => "yes, if …",
                "no" => "not this way",
                "invalid" => "no question any more",
                "pending" => "judging …",
                _ => "asked when opened",
            };
            format!("{n_such} of {n_tiles}: {words}")
        }
    };
    Some(Stand { words, ..stand(&standing, at, is_it) })
}

#[cfg(test)]
mod tests;
