//! The question which channels conversions are owed to.

use super::{FunnelStep, write_condition, write_period};
use crate::{Condition, Duration, Instant, Period};
use serde_json::{Map, Value as Json};

/// How many conversions, and how much of their value, each channel of touches before them gets.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributionQuestion {
    /// What is credited: each such event inside the period.
    pub conversion: FunnelStep,
    /// What may get credit.
    pub touch: FunnelStep,
    /// The property of a touch that names its channel.
    pub channel: String,
    /// The property of a conversion that is summed; absent: conversions are only counted.
    pub value: Option<String>,
    /// How the touches of a conversion share it.
    pub model: AttributionModel,
    /// A touch counts for conversions up to so long after it.
    pub lookback: Duration,
    /// Whether touches up to the conversion before are left out.
    pub reset: bool,
    /// When conversions happen; absent: at any time up to `as_of`.
    pub period: Option<Period>,
    /// End of a period `last ...`; absent: now.
    pub as_of: Option<Instant>,
    /// Filters conversions and touches by `event.p` and people by traits.
    pub filter: Option<Condition>,
}

/// How the touches of a conversion share it.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributionModel {
    /// The first touch has all of it.
    First,
    /// The last touch has all of it.
    Last,
    /// All touches have the same.
    Linear,
    /// 40 % for the first and the last each, 20 % for those between.
    Position,
    /// The nearer to the conversion, the more.
    TimeDecay {
        /// A touch so much earlier than another has half of its share.
        half_life: Duration,
    },
    /// What would be lost without the channel, by a Markov chain of order 1.
    Markov,
    /// What the channel adds to others, on average over all orders.
    Shapley,
}

impl AttributionModel {
    /// The half-life that stands for none.
    pub const HALF_LIFE_USUAL: &'static str = "7 days";

    /// The word in questions.
    pub fn name(&self) -> &'static str {
        match self {
            AttributionModel::First => "first",
            AttributionModel::Last => "last",
            AttributionModel::Linear => "linear",
            AttributionModel::Position => "position",
            AttributionModel::TimeDecay { .. } => "time_decay",
            AttributionModel::Markov => "markov",
            AttributionModel::Shapley => "shapley",
        }
    }
}

impl AttributionQuestion {
    pub(super) fn write(&self, map: &mut Map<String, Json>) {
        map.insert("conversion".into(), self.conversion.to_json());
        map.insert("touch".into(), self.touch.to_json());
        map.insert("channel".into(), self.channel.clone().into());
        if let Some(value) = &self.value {
            map.insert("value".into(), value.clone().into());
        }
        map.insert("model".into(), self.model.name().into());
        match &self.model {
            AttributionModel::TimeDecay { half_life } if half_life.to_string() != AttributionModel::HALF_LIFE_USUAL => {
                map.insert("half_life".into(), half_life.to_string().into());
            }
            _ => {}
        }
        map.insert("lookback".into(), self.lookback.to_string().into());
        if self.reset {
            map.insert("reset".into(), true.into());
        }
        write_period(map, self.period.as_ref(), self.as_of);
        write_condition(map, self.filter.as_ref());
    }
}
