//! The question how large a test has to be as one plain sentence.

use super::clause::Speaker;
use super::say::{grouped, period_words};
use spec::{PowerQuestion, TestKind};

impl Speaker<'_> {
    pub(super) fn power(&self, power: &PowerQuestion, purpose: &str) -> String {
        let event = &power.exposure.event;
        let filter = power.filter.as_ref();
        let filter = filter.map(|filter| format!(", where {}", self.event_clause(filter, Some(event))));
        let looked = match power.test {
            TestKind::Sequential => "looked at any time",
            TestKind::Fixed => "looked at once at its end",
        };
        let days = power.days.map_or(String::new(), |days| match days {
            1 => " in 1 day".to_owned(),
            days => format!(" in {days} days"),
        });
        format!(
            "Could a test of {} variants, {looked}, find{days} a change of {} in {}, of those who {}{}, going by what they \
             did{}, for {purpose}?",
            power.variants,
            percent(power.lift),
            self.experiment_metric(&power.metric),
            self.step(&power.exposure),
            filter.unwrap_or_default(),
            period_words(power.period.as_ref(), power.as_of),
        )
    }
}

/// Parts of one in percent, with as many digits as they have and narrow spaces between thousands: `10 000 %`.
pub fn percent(share: f64) -> String {
    let number = ((share * 1e6).round() / 1e4).to_string();
    let (whole, fraction) = number.split_once('.').map_or((number.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction} %", grouped(whole, '\u{202f}'))
}
