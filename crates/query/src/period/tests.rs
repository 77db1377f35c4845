//! Intervals are found as by a search, whatever their lengths.

use super::*;

#[test]
fn every_time_has_the_interval_that_a_search_finds() {
    let day = |text: &str| -> NaiveDate { text.parse().expect("a day") };
    for zone in [chrono_tz::UTC, chrono_tz::Europe::Berlin, chrono_tz::America::Sao_Paulo] {
        for by in [Interval::Hour, Interval::Day, Interval::Week, Interval::Month, Interval::None] {
            for (from, to) in [("2023-01-01", "2026-04-01"), ("2024-03-30", "2024-04-02"), ("2024-10-26", "2024-10-27")]
            {
                let (from, to) = (midnight(day(from), zone), midnight(day(to), zone));
                let (from, to) = (from.expect("an instant"), to.expect("an instant"));
                let starts = interval_starts(by, from, to, zone, usize::MAX).expect("intervals");
                let intervals = Intervals::new(&starts, to);
                let ends = intervals.borders.iter().flat_map(|border| [-1, 0, 1].map(|offset| border + offset));
                let step = ((to - from) / 997).num_microseconds().expect("microseconds");
                let between = (0..997).map(|n| from.timestamp_micros() + n * step);
                for at in ends.chain(between).filter(|at| (from.timestamp_micros()..to.timestamp_micros()).contains(at))
                {
                    let found = starts.iter().rposition(|start| start.timestamp_micros() <= at);
                    assert_eq!(Some(intervals.of(at)), found, "{at} by {by:?} in {zone}");
                }
                assert!(intervals.is_even || by == Interval::Month, "by {by:?} in {zone}");
            }
        }
    }
}

#[test]
fn a_period_without_length_has_no_interval() {
    let at: Instant = "2024-06-01T00:00:00Z".parse().expect("an instant");
    for by in [Interval::Hour, Interval::Day, Interval::Month] {
        let starts = interval_starts(by, at, at, chrono_tz::UTC, 10).expect("intervals");
        assert_eq!((starts.len(), Intervals::new(&starts, at).len()), (0, 0), "{by:?}");
    }
}

#[test]
fn a_day_that_a_zone_skips_is_no_interval() {
    let zone = chrono_tz::Pacific::Apia;
    let day = |text: &str| midnight(text.parse().expect("a day"), zone).expect("an instant");
    let (from, to) = (day("2011-12-29"), day("2012-01-01"));
    let starts = interval_starts(Interval::Day, from, to, zone, 10).expect("intervals");
    assert_eq!(starts, [from, day("2011-12-31")], "the 30th never was");
    assert_eq!(Intervals::new(&starts, to).len(), 2);
    assert_eq!(day("2011-12-30"), day("2011-12-31"));
}
