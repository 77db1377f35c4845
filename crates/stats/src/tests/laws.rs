//! What holds for every design.

use super::{is_near, share, usual};
use crate::{Baseline, Design, Test, detectable_lift, people_per_variant, power_with};
use proptest::prelude::*;

fn designs() -> impl Strategy<Value = Design> {
    let baselines = prop_oneof![
        (0.001_f64..0.999).prop_map(share),
        (-3.0_f64..5.0, -4.0_f64..6.0).prop_map(|(mean, variance)| {
            Baseline::of_moments(10_f64.powf(mean), 10_f64.powf(variance)).expect("a baseline")
        }),
    ];
    let tests = prop_oneof![
        Just(Test::Fixed),
        Just(Test::Sequential { n_tune: None }),
        (1_u64..1_000_000).prop_map(|n_tune| Test::Sequential { n_tune: Some(n_tune) }),
    ];
    (baselines, tests, 0.0005_f64..0.4, 0.5_f64..0.99, 1_u32..6).prop_map(
        |(baseline, test, alpha, power, n_comparisons)| Design { baseline, test, alpha, power, n_comparisons },
    )
}

/// Lifts that shares of up to one half bear too.
fn lifts() -> impl Strategy<Value = f64> {
    (-3.0_f64..0.0, any::<bool>()).prop_map(|(lift, is_up)| 10_f64.powf(lift) * if is_up { 1.0 } else { -1.0 })
}

proptest! {
    /// So many people reach the chance, one fewer do not.
    #[test]
    fn people_are_the_fewest(design in designs(), lift in lifts()) {
        if let Ok(people) = people_per_variant(&design, lift) {
            prop_assert!(power_with(&design, lift, people).expect("a chance") >= design.power);
            if people > 2 {
                prop_assert!(power_with(&design, lift, people - 1).expect("a chance") < design.power);
            }
        }
    }

    /// The lift that people find needs those people.
    #[test]
    fn the_lift_found_needs_these_people(design in designs(), people in 2_u64..100_000_000) {
        if let Ok(lift) = detectable_lift(&design, people) {
            let needed = people_per_variant(&design, lift).expect("people");
            prop_assert!(needed <= people);
            prop_assert!(needed as f64 >= (people as f64 * (1.0 - 1e-6)).floor(), "{} of {}", needed, people);
            prop_assert!(power_with(&design, lift * (1.0 - 1e-9), people).expect("a chance") < design.power);
        }
    }

    /// A larger lift needs no more people; more people find a smaller lift, more often.
    #[test]
    fn more_is_more(design in designs(), lift in 0.001_f64..0.5, factor in 1.0_f64..3.0, people in 2_u64..1_000_000) {
        let larger = lift * factor;
        if let (Ok(few), Ok(many)) = (people_per_variant(&design, larger), people_per_variant(&design, lift)) {
            prop_assert!(few <= many, "{} > {}", few, many);
        }
        let more = (people as f64 * factor) as u64;
        if let (Ok(small), Ok(large)) = (detectable_lift(&design, more), detectable_lift(&design, people)) {
            prop_assert!(small <= large * (1.0 + 1e-9), "{} > {}", small, large);
        }
        if let (Ok(seldom), Ok(often)) = (power_with(&design, lift, people), power_with(&design, lift, more)) {
            prop_assert!(often >= seldom - 1e-9 || often < 0.5, "{} < {}", often, seldom);
        }
    }

    /// To be surer takes more people: fewer false alarms, more found, more comparisons, more looks.
    #[test]
    fn surer_takes_more(design in designs(), lift in lifts(), factor in 0.1_f64..1.0) {
        let Ok(people) = people_per_variant(&design, lift) else { return Ok(()) };
        let surer = [
            Design { alpha: design.alpha * factor, ..design },
            Design { power: 1.0 - (1.0 - design.power) * factor, ..design },
            Design { n_comparisons: design.n_comparisons + 1, ..design },
            Design { test: if design.test == Test::Fixed { Test::Sequential { n_tune: None } } else { design.test }, ..design },
        ];
        for surer in surer {
            // The confidence sequence knows no t distribution: of a handful of people it promises too much.
            let is_handful = surer.test != design.test && people < 30;
            prop_assert!(is_handful || people_per_variant(&surer, lift).is_ok_and(|more| more >= people) || people > 1_000_000, "{:?}", surer);
        }
    }

    /// People depend on the coefficient of variation alone, not on the unit; and grow with it.
    #[test]
    fn the_unit_does_not_matter(spread in 0.1_f64..10.0, unit in 1_u32..20, lift in 0.01_f64..0.5, factor in 1.0_f64..3.0) {
        let unit = f64::from(1 << unit);
        let people = |mean: f64, deviation: f64| {
            let baseline = Baseline::of_moments(mean, deviation * deviation).expect("a baseline");
            people_per_variant(&usual(baseline, Test::Fixed), lift).expect("people")
        };
        prop_assert_eq!(people(1.0, spread), people(unit, spread * unit));
        prop_assert_eq!(people(1.0, spread), people(-1.0, spread));
        prop_assert!(people(1.0, spread) <= people(1.0, spread * factor));
    }

    /// A share seen as a mean of zeros and ones has its mean and variance; a small lift needs about as many people.
    #[test]
    fn a_share_is_a_mean(part in 0.01_f64..0.99, n in 1_000_u64..1_000_000) {
        let ones = (n as f64 * part).round();
        let (mean, share) = (Baseline::of_sums(n, ones, ones).expect("a baseline"), share(ones / n as f64));
        prop_assert!(is_near(mean.mean(), share.mean(), 1e-12));
        prop_assert!(is_near(mean.variance() * (n - 1) as f64 / n as f64, share.variance(), 1e-12));
        let lift = 0.01 * (1.0 - part);
        let [as_mean, as_share] =
            [mean, share].map(|baseline| people_per_variant(&usual(baseline, Test::Fixed), lift).expect("people") as f64);
        prop_assert!((as_mean / as_share - 1.0).abs() < 0.02, "{} and {}", as_mean, as_share);
    }
}
