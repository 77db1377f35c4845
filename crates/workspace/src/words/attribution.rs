//! An attribution as one plain sentence.

use super::clause::Speaker;
use super::say::{period_words, span};
use spec::{AttributionModel, AttributionQuestion};

impl Speaker<'_> {
    pub(super) fn attribution(&self, attribution: &AttributionQuestion, purpose: &str) -> String {
        let AttributionQuestion { conversion, touch, lookback, .. } = attribution;
        let how_much = attribution.value.as_ref().map_or_else(String::new, |value| {
            format!(", and how much {},", self.group(value, Some(&conversion.event)))
        });
        let since = if attribution.reset { ", but after the previous time" } else { "" };
        let filter = attribution.filter.as_ref();
        let filter = filter.map(|filter| format!(", where {}", self.event_clause(filter, Some(&touch.event))));
        let period = period_words(attribution.period.as_ref(), attribution.as_of);
        let period = if period.is_empty() { period } else { format!(",{period}") };
        format!(
            "Of the times people {}, how many{how_much} are owed to each {} of the times they {} in the {} before{since}, \
             by {}{}{period}, for {purpose}?",
            self.step(conversion),
            self.group(&attribution.channel, Some(&touch.event)),
            self.step(touch),
            span(lookback),
            model_words(&attribution.model),
            filter.unwrap_or_default(),
        )
    }
}

fn model_words(model: &AttributionModel) -> String {
    match model {
        AttributionModel::First => "the first of them".to_owned(),
        AttributionModel::Last => "the last of them".to_owned(),
        AttributionModel::Linear => "equal shares".to_owned(),
        AttributionModel::Position => "shares of 40 % for the first and the last".to_owned(),
        AttributionModel::TimeDecay { half_life } => format!("shares that halve every {}", span(half_life)),
        AttributionModel::Markov => "what would be lost without it".to_owned(),
        AttributionModel::Shapley => "what it adds to others".to_owned(),
    }
}
