//! How long it takes until people have come.

use crate::Arrivals;
use proptest::prelude::*;

fn arrivals(cumulative: &[u64]) -> Arrivals {
    Arrivals::new(cumulative).expect("arrivals")
}

#[test]
fn inside_the_window_it_is_looked_up() {
    let arrivals = arrivals(&[100, 150, 150, 180]);
    let days = [0, 1, 100, 101, 150, 151, 180].map(|people| arrivals.days_until(people));
    assert_eq!(days, [0, 1, 1, 2, 2, 4, 4].map(Some));
    assert_eq!([0, 1, 2, 3, 4].map(|days| arrivals.people_in(days)), [0, 100, 150, 150, 180]);
}

#[test]
fn beyond_it_goes_on_as_in_its_last_week() {
    // A thousand on the first day, as everybody is new; 50 a day in the first week, 20 a day in the second.
    let first_week = (0..7).map(|day| 1_000 + 50 * day);
    let second_week = (1..=7).map(|day| 1_300 + 20 * day);
    let arrivals = arrivals(&first_week.chain(second_week).collect::<Vec<_>>());
    assert_eq!(arrivals.people_in(14), 1_440);
    assert_eq!(arrivals.days_until(1_441), Some(15));
    assert_eq!(arrivals.days_until(1_460), Some(15));
    assert_eq!(arrivals.days_until(1_461), Some(16));
    // At the rate of the whole window it would be day 20.
    assert_eq!(arrivals.days_until(2_040), Some(44));
}

#[test]
fn a_short_window_goes_on_as_in_its_last_half() {
    assert_eq!(arrivals(&[100, 140, 150, 160]).days_until(180), Some(6));
    assert_eq!(arrivals(&[100, 140, 150]).days_until(170), Some(5));
    assert_eq!(arrivals(&[100]).days_until(300), Some(3));
}

#[test]
fn where_nobody_comes_any_more_it_never_is() {
    let over = arrivals(&[10, 20, 20, 20]);
    assert_eq!((over.days_until(20), over.days_until(21)), (Some(2), None));
    assert_eq!(over.people_in(u64::MAX), 20);
    assert_eq!((arrivals(&[0]).days_until(1), arrivals(&[0]).days_until(0)), (None, Some(0)));
}

#[test]
fn what_cannot_be_is_refused() {
    assert_eq!(Arrivals::new(&[]), None);
    assert_eq!(Arrivals::new(&[10, 9]), None);
    // One person in two days, and as many as there are numbers.
    assert_eq!(arrivals(&[0, 0, 0, 1]).days_until(u64::MAX), None);
    assert_eq!(arrivals(&[0, u64::MAX]).people_in(u64::MAX), u64::MAX);
}

proptest! {
    /// Days are the fewest after which so many have come, inside the window and beyond it.
    #[test]
    fn days_and_people_are_inverse(new in prop::collection::vec(0_u64..1_000, 1..40), people in 1_u64..200_000) {
        let cumulative: Vec<u64> = new.iter().scan(0, |all, new| { *all += new; Some(*all) }).collect();
        let arrivals = arrivals(&cumulative);
        match arrivals.days_until(people) {
            Some(days) => {
                prop_assert!(arrivals.people_in(days) >= people);
                prop_assert!(arrivals.people_in(days - 1) < people);
                prop_assert!(arrivals.days_until(people + 1).is_none_or(|later| later >= days));
            }
            None => prop_assert!(arrivals.people_in(u64::MAX) < people),
        }
    }
}
