//! What can be asked: one typed, declarative shape.
//!
//! The canonical text of a question is its JSON form with every default left out; its hash names the question.

use crate::{Condition, Duration, EventSelector, Instant, Measure, Period, Release, hex};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

mod attribution;
mod experiment;
mod paths;
mod power;
mod sql;
mod test_plan;

pub use attribution::{AttributionModel, AttributionQuestion};
pub use experiment::{ExperimentMetric, ExperimentQuestion};
pub use paths::{PathsEnd, PathsQuestion};
pub use power::{PowerQuestion, TestKind};
pub use sql::SqlQuestion;
pub use test_plan::TestPlan;

/// A question with its purpose.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Why it is asked.
    pub purpose: String,
    /// What about: the kind and its own fields.
    pub body: QuestionBody,
    /// Time zone of day, week and month borders (IANA name).
    pub time_zone: chrono_tz::Tz,
}

/// The kinds of questions.
#[derive(Clone, Debug, PartialEq)]
pub enum QuestionBody {
    /// A measure over time.
    Trend(TrendQuestion),
    /// How many people get how far through a chain of steps.
    Funnel(FunnelQuestion),
    /// How many people come back, interval by interval.
    Retention(RetentionQuestion),
    /// Which channels conversions are owed to.
    Attribution(AttributionQuestion),
    /// What people do next, or did before.
    Paths(PathsQuestion),
    /// How the variants of an experiment compare.
    Experiment(ExperimentQuestion),
    /// Whether an experiment could find a change.
    Power(PowerQuestion),
    /// Rows of a `SELECT`.
    Sql(SqlQuestion),
    /// How many people, or who, meet a condition.
    Audience(AudienceQuestion),
}

/// A measure per interval of a period and per breakdown value.
#[derive(Clone, Debug, PartialEq)]
pub struct TrendQuestion {
    /// What is measured.
    pub measure: Measure,
    /// Interval; `None` gives one row for the whole period.
    pub by: Interval,
    /// Absent: everything up to `as_of`.
    pub period: Option<Period>,
    /// End of a period `last ...`; absent: now.
    pub as_of: Option<Instant>,
    /// Filters events by `event.p` and people by traits.
    pub filter: Option<Condition>,
    /// Properties of the event or traits.
    pub breakdown: Vec<String>,
    /// At most this many rows.
    pub limit: Option<u32>,
    /// Rows left out at the front.
    pub offset: Option<u32>,
}

/// The length of an interval of a trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interval {
    /// An hour.
    Hour,
    /// A calendar day.
    Day,
    /// An ISO week, from Monday.
    Week,
    /// A calendar month.
    Month,
    /// The whole period.
    None,
}

impl Interval {
    /// The word in questions.
    pub fn name(self) -> &'static str {
        match self {
            Interval::Hour => "hour",
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::None => "none",
        }
    }
}

/// How many people get how far through a chain of steps.
#[derive(Clone, Debug, PartialEq)]
pub struct FunnelQuestion {
    /// The steps, 2..=20.
    pub steps: Vec<FunnelStep>,
    /// Longest time from the first step to the last.
    pub within: Duration,
    /// Whether another step's event may stand between.
    pub order: FunnelOrder,
    /// Properties that all events of a chain share with equal values that are not null.
    pub same: Vec<String>,
    /// Count distinct (person, these properties of the first event) instead of people.
    pub count_by: Vec<String>,
    /// When the first step happens; absent: at any time up to `as_of`.
    pub period: Option<Period>,
    /// End of a period `last ...`; absent: now.
    pub as_of: Option<Instant>,
    /// Filters every step's events by `event.p` and people by traits.
    pub filter: Option<Condition>,
    /// Properties of the first step's event or traits.
    pub breakdown: Vec<String>,
}

/// How many of those who started in an interval came back in it and in those after.
#[derive(Clone, Debug, PartialEq)]
pub struct RetentionQuestion {
    /// What begins it: the first such event inside the period makes a person's cohort.
    pub start: FunnelStep,
    /// What is coming back.
    pub coming_back: FunnelStep,
    /// The length of cohorts and of what follows: a day, a week or a month.
    pub by: Interval,
    /// Intervals from the cohort's own on, 1..=60.
    pub periods: u32,
    /// When people start; absent: at any time up to `as_of`.
    pub period: Option<Period>,
    /// Intervals that have not ended by then have no figure; absent: now.
    pub as_of: Option<Instant>,
    /// Filters events by `event.p` and people by traits.
    pub filter: Option<Condition>,
}

/// An event that counts: a step of a funnel, an end of a retention or of paths, a conversion, a touch or an exposure.
#[derive(Clone, Debug, PartialEq)]
pub struct FunnelStep {
    /// Which event.
    pub event: EventSelector,
    /// Which of them.
    pub filter: Option<Condition>,
}

/// Whether another step's event may stand between two steps of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunnelOrder {
    /// Other steps' events may stand between.
    Loose,
    /// No other step's event may stand between.
    Strict,
}

/// How many people, or who, meet a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct AudienceQuestion {
    /// The condition on a person at `as_of`.
    pub condition: Condition,
    /// Absent: now.
    pub as_of: Option<Instant>,
    /// `Aggregate` gives the count and the waterfall, `List` a row per person.
    pub release: Release,
    /// For a list: traits and identifiers to show beside the pseudonym.
    pub columns: Vec<String>,
    /// For a list: at most this many rows.
    pub limit: Option<u32>,
    /// Where the people are to go, by name; absent: nowhere.
    pub destination: Option<String>,
}

impl QuestionBody {
    /// What days it is about, where it says so.
    pub fn period(&self) -> Option<&Period> {
        match self {
            QuestionBody::Trend(trend) => trend.period.as_ref(),
            QuestionBody::Funnel(funnel) => funnel.period.as_ref(),
            QuestionBody::Retention(retention) => retention.period.as_ref(),
            QuestionBody::Attribution(attribution) => attribution.period.as_ref(),
            QuestionBody::Paths(paths) => paths.period.as_ref(),
            QuestionBody::Experiment(experiment) => experiment.period.as_ref(),
            QuestionBody::Power(power) => power.period.as_ref(),
            QuestionBody::Sql(_) | QuestionBody::Audience(_) => None,
        }
    }

    /// What it is asked as of, where it says so.
    pub fn as_of(&self) -> Option<Instant> {
        match self {
            QuestionBody::Trend(trend) => trend.as_of,
            QuestionBody::Funnel(funnel) => funnel.as_of,
            QuestionBody::Retention(retention) => retention.as_of,
            QuestionBody::Attribution(attribution) => attribution.as_of,
            QuestionBody::Paths(paths) => paths.as_of,
            QuestionBody::Experiment(experiment) => experiment.as_of,
            QuestionBody::Power(power) => power.as_of,
            QuestionBody::Audience(audience) => audience.as_of,
            QuestionBody::Sql(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn as_of_mut(&mut self) -> Option<&mut Option<Instant>> {
        match self {
            QuestionBody::Trend(trend) => Some(&mut trend.as_of),
            QuestionBody::Funnel(funnel) => Some(&mut funnel.as_of),
            QuestionBody::Retention(retention) => Some(&mut retention.as_of),
            QuestionBody::Attribution(attribution) => Some(&mut attribution.as_of),
            QuestionBody::Paths(paths) => Some(&mut paths.as_of),
            QuestionBody::Experiment(experiment) => Some(&mut experiment.as_of),
            QuestionBody::Power(power) => Some(&mut power.as_of),
            QuestionBody::Audience(audience) => Some(&mut audience.as_of),
            QuestionBody::Sql(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn period_mut(&mut self) -> Option<&mut Period> {
        match self {
            QuestionBody::Trend(trend) => trend.period.as_mut(),
            QuestionBody::Funnel(funnel) => funnel.period.as_mut(),
            QuestionBody::Retention(retention) => retention.period.as_mut(),
            QuestionBody::Attribution(attribution) => attribution.period.as_mut(),
            QuestionBody::Paths(paths) => paths.period.as_mut(),
            QuestionBody::Experiment(experiment) => experiment.period.as_mut(),
            QuestionBody::Power(power) => power.period.as_mut(),
            QuestionBody::Sql(_) | QuestionBody::Audience(_) => None,
        }
    }
}

impl Question {
    /// The kind's word.
    pub fn kind(&self) -> &'static str {
        match self.body {
            QuestionBody::Trend(_) => "trend",
            QuestionBody::Funnel(_) => "funnel",
            QuestionBody::Retention(_) => "retention",
            QuestionBody::Attribution(_) => "attribution",
            QuestionBody::Paths(_) => "paths",
            QuestionBody::Experiment(_) => "experiment",
            QuestionBody::Power(_) => "power",
            QuestionBody::Sql(_) => "sql",
            QuestionBody::Audience(_) => "audience",
        }
    }

    /// The question as JSON, defaults left out; parsing it gives the same question.
    pub fn to_json(&self) -> Json {
        let mut map = Map::new();
        map.insert("kind".into(), self.kind().into());
        map.insert("purpose".into(), self.purpose.clone().into());
        match &self.body {
            QuestionBody::Trend(trend) => trend.write(&mut map),
            QuestionBody::Funnel(funnel) => funnel.write(&mut map),
            QuestionBody::Retention(retention) => retention.write(&mut map),
            QuestionBody::Attribution(attribution) => attribution.write(&mut map),
            QuestionBody::Paths(paths) => paths.write(&mut map),
            QuestionBody::Experiment(experiment) => experiment.write(&mut map),
            QuestionBody::Power(power) => power.write(&mut map),
            QuestionBody::Sql(sql) => sql.write(&mut map),
            QuestionBody::Audience(audience) => audience.write(&mut map),
        }
        if self.time_zone != chrono_tz::UTC {
            map.insert("time_zone".into(), self.time_zone.name().into());
        }
        Json::Object(map)
    }

    /// The first 16 hex digits of the SHA-256 of its canonical JSON.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.to_json().to_string().as_bytes());
        hex(&digest[..8])
    }
}

impl TrendQuestion {
    fn write(&self, map: &mut Map<String, Json>) {
        map.insert("measure".into(), self.measure.to_string().into());
        map.insert("by".into(), self.by.name().into());
        write_period(map, self.period.as_ref(), self.as_of);
        write_condition(map, self.filter.as_ref());
        write_names(map, "breakdown", &self.breakdown);
        write_number(map, "limit", self.limit);
        write_number(map, "offset", self.offset);
    }
}

impl FunnelQuestion {
    fn write(&self, map: &mut Map<String, Json>) {
        map.insert("steps".into(), self.steps.iter().map(FunnelStep::to_json).collect());
        map.insert("within".into(), self.within.to_string().into());
        if self.order == FunnelOrder::Strict {
            map.insert("order".into(), "strict".into());
        }
        write_names(map, "same", &self.same);
        write_names(map, "count_by", &self.count_by);
        write_period(map, self.period.as_ref(), self.as_of);
        write_condition(map, self.filter.as_ref());
        write_names(map, "breakdown", &self.breakdown);
    }
}

impl RetentionQuestion {
    fn write(&self, map: &mut Map<String, Json>) {
        map.insert("start".into(), self.start.to_json());
        map.insert("return".into(), self.coming_back.to_json());
        map.insert("by".into(), self.by.name().into());
        map.insert("periods".into(), self.periods.into());
        write_period(map, self.period.as_ref(), self.as_of);
        write_condition(map, self.filter.as_ref());
    }
}

impl FunnelStep {
    fn to_json(&self) -> Json {
        let event = match &self.event {
            EventSelector::Named(name) => name.as_str(),
            EventSelector::Any => "*",
        };
        match &self.filter {
            Some(filter) => json!({ "event": event, "where": filter.to_string() }),
            None => event.into(),
        }
    }
}

impl AudienceQuestion {
    fn write(&self, map: &mut Map<String, Json>) {
        map.insert("where".into(), self.condition.to_string().into());
        write_period(map, None, self.as_of);
        if self.release != Release::Aggregate {
            map.insert("release".into(), self.release.name().into());
        }
        write_names(map, "columns", &self.columns);
        write_number(map, "limit", self.limit);
        if let Some(destination) = &self.destination {
            map.insert("destination".into(), destination.clone().into());
        }
    }
}

fn write_period(map: &mut Map<String, Json>, period: Option<&Period>, as_of: Option<Instant>) {
    match period {
        Some(Period::Dates { from, to }) => {
            map.insert("period".into(), json!({ "from": from.to_string(), "to": to.to_string() }));
        }
        Some(Period::Last(duration)) => {
            map.insert("period".into(), json!({ "last": duration.to_string() }));
        }
        None => {}
    }
    if let Some(as_of) = as_of {
        map.insert("as_of".into(), crate::Value::Timestamp(as_of).to_string().into());
    }
}

fn write_condition(map: &mut Map<String, Json>, condition: Option<&Condition>) {
    if let Some(condition) = condition {
        map.insert("where".into(), condition.to_string().into());
    }
}

fn write_names(map: &mut Map<String, Json>, key: &str, names: &[String]) {
    if !names.is_empty() {
        map.insert(key.into(), names.into());
    }
}

fn write_number(map: &mut Map<String, Json>, key: &str, number: Option<u32>) {
    if let Some(number) = number {
        map.insert(key.into(), number.into());
    }
}
