//! How people stand with the purposes, over time and by region, as the ledger has it.
//!
//! Invariants: no figure is about fewer people than the purpose's minimum group, and neither is what is left beside one:
//! regions where it would be are put together until it is not. Figures come in whole minimum groups, so that two of them, of
//! neighbouring days or of before and after, do not differ by a few.

use crate::record::check_sees;
use crate::state::{State, known_if_told};
use crate::store::Record;
use api::{ConsentPlace, ConsentsRequest, ConsentsView, Principal, PurposeConsents};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime};
use lake::PlaceConsents;
use spec::{Instant, Purpose, Result};
use std::sync::PoisonError;

/// So many days, weeks or months are shown.
const POINTS: u32 = 26;

/// Counts how people stood at the ends of the last days, weeks or months, and of the last day.
pub(crate) fn view(state: &State, who: &Principal, request: &ConsentsRequest) -> Result<ConsentsView> {
    check_sees(who)?;
    let by = ["day", "month"].into_iter().find(|by| *by == request.by).unwrap_or("week");
    let loaded = state.folder.current()?;
    let definitions = &loaded.definitions;
    let purposes: Vec<Purpose> = definitions.purposes.values().filter(|purpose| purpose.is_chosen()).cloned().collect();
    let looked = Record { user: &who.user, what: "look at consents", ..Record::default() };
    state.store.record(&looked, state.clock.now())?;
    let snapshot = state.lake.snapshot();
    // Where everything was said long ago, what is now is shown at that time: nothing has changed since.
    let last = snapshot.last_word().unwrap_or_else(|| state.clock.now()).min(state.clock.now()).date_naive();
    let days = last_days(last, by);
    let ends: Vec<Instant> = days.iter().filter_map(|day| end_of(*day)).collect();
    let key = format!("{by} {last} {} {:?}", definitions.version, snapshot.table_versions());
    // Held while it is counted: once for all who look.
    let mut kept = state.consents.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, view)) = kept.as_ref().filter(|(known, _)| *known == key) {
        return Ok(view.clone());
    }
    let known = known_if_told(definitions, &snapshot);
    let history = state.lake.consent_history((&purposes, &definitions.laws), &ends)?;
    let of = |(purpose, places): (&Purpose, Vec<PlaceConsents>)| {
        let mut all = purpose_consents(purpose, &places, ends.len());
        all.places.iter_mut().filter(|_| known.is_none()).for_each(|place| place.known = None);
        all
    };
    let view = ConsentsView {
        known,
        by: by.to_owned(),
        days: days.iter().map(ToString::to_string).collect(),
        purposes: purposes.iter().zip(history).map(of).collect(),
    };
    *kept = Some((key, view.clone()));
    Ok(view)
}

/// The last days of the intervals before this one, and the day itself.
fn last_days(last: NaiveDate, by: &str) -> Vec<NaiveDate> {
    let back = |n: u32| match by {
        "day" => last.checked_sub_days(Days::new(n.into())),
        "month" => {
            let start = last.with_day(1)?.checked_sub_months(Months::new(n))?;
            start.checked_add_months(Months::new(1))?.pred_opt()
        }
        _ => {
            let to_sunday = 6 - u64::from(last.weekday().num_days_from_monday());
            last.checked_add_days(Days::new(to_sunday))?.checked_sub_days(Days::new(7 * u64::from(n)))
        }
    };
    (1..POINTS).rev().filter_map(back).chain([last]).collect()
}

fn end_of(day: NaiveDate) -> Option<Instant> {
    Some(day.succ_opt()?.and_time(NaiveTime::MIN).and_utc())
}

fn purpose_consents(purpose: &Purpose, places: &[PlaceConsents], n_points: usize) -> PurposeConsents {
    let least = u64::from(purpose.min_group);
    let known: u64 = places.iter().map(|place| place.known).sum();
    let total = |at: usize, side: usize| {
        let said = [0, 1].map(|side| places.iter().map(|place| place.said[at][side]).sum::<u64>());
        let silent = known.saturating_sub(said.iter().sum());
        let is_told = said.iter().chain([&silent]).all(|count| is_shown(*count, known, least));
        is_told.then_some(whole_groups(said[side], least))
    };
    PurposeConsents {
        name: purpose.name.clone(),
        title: purpose.title.clone(),
        min_group: purpose.min_group,
        yes: (0..n_points).map(|at| total(at, 0)).collect(),
        no: (0..n_points).map(|at| total(at, 1)).collect(),
        places: gathered(places, least),
    }
}

/// Whether a part of a whole may be told: neither it nor what is left is a few people.
fn is_shown(count: u64, whole: u64, least: u64) -> bool {
    let is_few = |count: u64| count > 0 && count < least;
    !is_few(count) && !is_few(whole.saturating_sub(count))
}

/// As many of them as are whole minimum groups.
fn whole_groups(count: u64, least: u64) -> u64 {
    count - count % least.max(1)
}

/// People of some places, as they stand now.
#[derive(Clone, Copy, Default)]
struct Count {
    known: u64,
    used: u64,
    said: [u64; 2],
}

impl Count {
    fn of(place: &PlaceConsents) -> Count {
        let said = place.said.last().copied().unwrap_or_default();
        Count { known: place.known, used: place.used, said }
    }

    fn plus(self, other: Count) -> Count {
        let said = [self.said[0] + other.said[0], self.said[1] + other.said[1]];
        Count { known: self.known + other.known, used: self.used + other.used, said }
    }

    /// Whether every figure of it may be told, alone and with each other one.
    fn is_shown(self, least: u64) -> bool {
        let Count { known, used, said: [yes, no] } = self;
        let silent = known.saturating_sub(yes + no);
        [used, yes, no, silent].iter().all(|count| is_shown(*count, known, least))
            && is_shown(yes.min(used), used, least)
    }

    fn line(self, place: Option<String>, regions: usize, least: u64) -> ConsentPlace {
        let is_shown = self.is_shown(least);
        let figure = |count: u64| is_shown.then_some(whole_groups(count, least));
        let Count { known, used, said: [yes, no] } = self;
        let known = Some(whole_groups(known, least)).filter(|known| *known > 0);
        ConsentPlace { place, regions, known, used: figure(used), yes: figure(yes), no: figure(no) }
    }
}

/// The places with the most people first, and in the end those that can only be shown together.
fn gathered(places: &[PlaceConsents], least: u64) -> Vec<ConsentPlace> {
    let name = |place: &PlaceConsents| place.region.clone().or_else(|| place.country.clone());
    let mut named: Vec<(String, Count)> = Vec::new();
    let mut rest = (Count::default(), 0);
    for place in places {
        match name(place) {
            Some(name) if Count::of(place).is_shown(least) => named.push((name, Count::of(place))),
            _ => rest = (rest.0.plus(Count::of(place)), rest.1 + 1),
        }
    }
    named.sort_by(|a, b| b.1.known.cmp(&a.1.known).then_with(|| a.0.cmp(&b.0)));
    while rest.1 > 0 && !rest.0.is_shown(least) {
        let Some((_, smallest)) = named.pop() else { break };
        rest = (rest.0.plus(smallest), rest.1 + 1);
    }
    let mut lines: Vec<ConsentPlace> =
        named.into_iter().map(|(name, count)| count.line(Some(name), 1, least)).collect();
    if rest.1 > 0 {
        lines.push(rest.0.line(None, rest.1, least));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{gathered, last_days};
    use lake::PlaceConsents;

    fn place(region: &str, known: u64, used: u64, said: [u64; 2]) -> PlaceConsents {
        let region = Some(region.to_owned()).filter(|region| !region.is_empty());
        PlaceConsents { country: None, region, known, used, said: vec![[0, 0], said] }
    }

    #[test]
    fn regions_of_a_few_are_shown_together() {
        let places = [
            place("US-OH", 100, 60, [60, 40]),
            place("US-KY", 50, 20, [20, 30]),
            // Three who said no are a few, and so are three who did not.
            place("US-IN", 40, 37, [37, 3]),
            place("", 30, 5, [5, 25]),
        ];
        let lines = gathered(&places, 10);
        let told: Vec<_> =
            lines.iter().map(|line| (line.place.as_deref(), line.regions, line.known, line.no)).collect();
        let in_tens = [
            (Some("US-OH"), 1, Some(100), Some(40)),
            (Some("US-KY"), 1, Some(50), Some(30)),
            (None, 2, Some(70), Some(20)),
        ];
        assert_eq!(told, in_tens, "in whole groups");
        // One region that cannot be shown takes the smallest of the others with it, or the sum would tell.
        let told: Vec<_> = gathered(&places[..3], 10).iter().map(|line| (line.regions, line.known, line.no)).collect();
        assert_eq!(told, [(1, Some(100), Some(40)), (2, Some(90), Some(30))]);
        let told: Vec<_> = gathered(&places[2..3], 10).iter().map(|line| (line.known, line.no)).collect();
        assert_eq!(told, [(Some(40), None)], "nobody is left to be shown with");
    }

    #[test]
    fn the_last_interval_ends_with_the_day() {
        let day = "2017-03-15".parse().expect("a day");
        let ends = |by: &str| {
            let days = last_days(day, by);
            assert_eq!(days.len(), 26);
            days[24..].iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(ends("day"), ["2017-03-14", "2017-03-15"]);
        assert_eq!(ends("week"), ["2017-03-12", "2017-03-15"]);
        assert_eq!(ends("month"), ["2017-02-28", "2017-03-15"]);
    }
}
