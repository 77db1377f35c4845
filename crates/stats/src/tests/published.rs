//! Numbers that others have published, or that others' programs give.

use super::{is_near, share, standard, usual};
use crate::power::critical_of_sequence;
use crate::{Baseline, Design, Fault, Test, detectable_lift, people_per_variant, power_with};

/// R 4.2, examples of `power.t.test`: with n = 20 and delta = 1 the power is 0.8689528, for 0.90 it takes n = 22.02110.
#[test]
fn the_t_test_is_that_of_r() {
    let design = Design { power: 0.9, ..usual(standard(), Test::Fixed) };
    let power = power_with(&design, 1.0, 20).expect("a chance");
    assert!(is_near(power, 0.868_952_8, 5e-8), "{power}");
    // 22 people are not enough, though Guenther's formula, with 21.98, says they are.
    assert_eq!(people_per_variant(&design, 1.0), Ok(23));
    let power = power_with(&design, 1.0, 22).expect("a chance");
    assert!(power < 0.9, "{power}");
}

/// Cohen, Statistical Power Analysis (1988), table 2.4.1 for a two-sided 0.05: d, people for 0.80 and for 0.90. He rounds to
/// the nearest, we up.
#[test]
fn means_need_the_people_of_cohens_table() {
    let table = [
        (0.1, 1571, 2102),
        (0.2, 393, 526),
        (0.3, 175, 234),
        (0.4, 99, 132),
        (0.5, 64, 85),
        (0.6, 45, 59),
        (0.7, 33, 44),
        (0.8, 26, 34),
    ];
    for (lift, for_80, for_90) in table {
        for (power, published) in [(0.8, for_80), (0.9, for_90)] {
            let design = Design { power, ..usual(standard(), Test::Fixed) };
            let people = people_per_variant(&design, lift).expect("people");
            assert!((published..=published + 1).contains(&people), "{lift}, {power}: {people}, not {published}");
        }
    }
}

/// Cohen, A Power Primer, Psychological Bulletin 112 (1992), table 2, for small, medium and large differences of means.
#[test]
fn means_need_the_people_of_cohens_primer() {
    for (alpha, published) in [(0.01, [586, 95, 38]), (0.05, [393, 64, 26]), (0.10, [310, 50, 20])] {
        for (lift, published) in [0.2, 0.5, 0.8].into_iter().zip(published) {
            let design = Design { alpha, ..usual(standard(), Test::Fixed) };
            let people = people_per_variant(&design, lift).expect("people");
            assert!((published..=published + 1).contains(&people), "{alpha}, {lift}: {people}, not {published}");
        }
    }
}

/// The noncentral t of SciPy 1.17: people, difference in standard deviations, alpha, and the chance on the right side.
#[test]
fn the_t_test_is_exact_from_two_people_on() {
    let others = [
        (2, 3.0, 0.05, 0.387_389_350_2),
        (3, 2.0, 0.05, 0.462_608_128_6),
        (5, 1.5, 0.01, 0.250_530_713_1),
        (20, 1.0, 0.05, 0.868_952_801_7),
        (100, 0.3, 0.001, 0.115_442_685_9),
        (1_000, 0.1, 0.05, 0.608_353_059_7),
        (1_000, 0.2, 0.0001, 0.716_702_694_4),
    ];
    for (people, lift, alpha, other) in others {
        let design = Design { alpha, ..usual(standard(), Test::Fixed) };
        let power = power_with(&design, lift, people).expect("a chance");
        // With two people the density of the spread starts with a slope, which the trapezoidal rule feels.
        let distance = if people == 2 { 2e-5 } else { 1e-8 };
        assert!(is_near(power, other, distance), "{people}: {power}, not {other}");
    }
}

/// R 4.2, examples and details of `power.prop.test`.
#[test]
fn shares_need_the_people_of_r() {
    let half = |alpha, power| Design { alpha, power, ..usual(share(0.5), Test::Fixed) };
    // n = 50, p1 = .50, p2 = .75: power = 0.740.
    let power = power_with(&half(0.05, 0.8), 0.5, 50).expect("a chance");
    assert!(is_near(power, 0.740, 5e-4), "{power}");
    // p1 = .50, p2 = .75, power = .90: n = 76.7.
    assert_eq!(people_per_variant(&half(0.05, 0.9), 0.5), Ok(77));
    // n = 50, p1 = .5, power = .90: p2 = 0.8026.
    let lift = detectable_lift(&half(0.05, 0.9), 50).expect("a lift");
    assert!(is_near(0.5 * (1.0 + lift), 0.8026, 5e-5), "{lift}");
    // n = 50, p1 = .5, p2 = 0.9, power = .90: sig.level = 0.00131.
    let power = power_with(&half(0.001_31, 0.9), 0.8, 50).expect("a chance");
    assert!(is_near(power, 0.9, 1e-3), "{power}");
    // p1 = .5, p2 = 0.501, sig.level = .001, power = 0.90: n = 10451937.
    assert_eq!(people_per_variant(&half(0.001, 0.9), 0.002), Ok(10_451_937));
    // From 0.9 at least 74 people are needed to find even 1; with 30 there is nothing to be found.
    let design = usual(share(0.9), Test::Fixed);
    assert_eq!(people_per_variant(&design, 1.0 / 9.0), Ok(74));
    assert_eq!(detectable_lift(&design, 30), Err(Fault::TooFewPeople));
}

/// `samplesize_proportions_2indep_onetail` of statsmodels 0.15: 0.2 to 0.25, and 0.1 to 0.08 with 0.01 and 0.9.
#[test]
fn shares_need_the_people_of_statsmodels() {
    let design = usual(share(0.2), Test::Fixed);
    assert_eq!(people_per_variant(&design, 0.25), Ok(1_094));
    let design = Design { alpha: 0.01, power: 0.9, ..usual(share(0.1), Test::Fixed) };
    assert_eq!(people_per_variant(&design, -0.2), Ok(6_091));
}

/// Evan Miller's calculator (evanmiller.org/ab-testing/sample-size.html) says 1,030 for 20 % and 5 points.
///
/// It takes the baseline's variance as that without a lift, 2 p (1 - p), where R pools both shares. With its 1,030 people the z
/// test of pooled shares finds the lift in less than 78 of 100 experiments; 80 take 1,094.
#[test]
fn a_known_calculator_promises_somewhat_more() {
    let design = usual(share(0.2), Test::Fixed);
    assert_eq!(people_per_variant(&design, 0.25), Ok(1_094));
    let power = power_with(&design, 0.25, 1_030).expect("a chance");
    assert!(is_near(power, 0.776, 5e-4), "{power}");
    let (z_alpha, z_power) = (1.959_964, 0.841_621);
    let theirs: f64 = z_alpha * 0.32_f64.sqrt() + z_power * (0.16_f64 + 0.1875).sqrt();
    assert_eq!((theirs * theirs / 0.0025).round(), 1_030.0);
}

/// GrowthBook's gbstats 0.8.0, `SequentialTwoSidedTTest`: half widths in standard errors, by people of both groups as parts
/// of its tuning parameter.
#[test]
fn the_confidence_sequence_is_that_of_growthbook() {
    let others = [
        (0.05, 1.0, 3.035_208_990_376),
        (0.05, 0.2, 3.363_887_725_783),
        (0.05, 4.0, 3.127_114_143_688),
        (0.01, 1.0, 3.571_629_970_870),
        (0.10, 20.0, 3.086_839_895_755),
    ];
    for (alpha, progress, other) in others {
        let critical = critical_of_sequence(alpha, progress);
        assert!(is_near(critical, other, 1e-11), "{alpha}, {progress}: {critical}");
    }
}

/// At the people for whom rho is best, the sequence lies sqrt(-W(-alpha^2 / e)) standard errors out (W: lower branch of
/// Lambert's function, SciPy 1.17).
#[test]
fn the_choice_of_rho_is_as_good_as_the_best() {
    for (alpha, best) in
        [(0.1, 2.763_756_875_7), (0.05, 3.035_122_413_0), (0.01, 3.571_606_252_4), (0.001, 4.205_760_429_6)]
    {
        let chosen = critical_of_sequence(alpha, 1.0);
        assert!(chosen >= best - 1e-9 && chosen < best * 1.0001, "{alpha}: {chosen}, {best}");
    }
}

/// With (3.0352 + 0.8416)^2 for (1.9600 + 0.8416)^2 a sequential test needs 1.91 times the people of a fixed one.
#[test]
fn looking_at_any_time_has_its_price() {
    let sequential = usual(standard(), Test::Sequential { n_tune: None });
    assert_eq!(people_per_variant(&sequential, 0.1), Ok(3_006));
    assert_eq!(people_per_variant(&usual(standard(), Test::Fixed), 0.1), Ok(1_571));
    // Tuned at fewer people than are needed, it is wider where the plan ends.
    let early = usual(standard(), Test::Sequential { n_tune: Some(500) });
    assert!(people_per_variant(&early, 0.1).expect("people") > 3_006);
    let tuned_there = usual(standard(), Test::Sequential { n_tune: Some(6_012) });
    assert_eq!(people_per_variant(&tuned_there, 0.1), Ok(3_006));
}

/// Three variants beside the control: each is compared at a third of alpha.
#[test]
fn several_comparisons_share_the_false_alarms() {
    let three = Design { n_comparisons: 3, ..usual(standard(), Test::Fixed) };
    let strict = Design { alpha: 0.05 / 3.0, ..usual(standard(), Test::Fixed) };
    assert_eq!(people_per_variant(&three, 0.2), people_per_variant(&strict, 0.2));
    assert!(people_per_variant(&three, 0.2).is_ok_and(|people| people > 394));
}

#[test]
fn sums_give_the_mean_and_the_unbiased_variance() {
    // 2, 4, 4, 4, 5, 5, 7, 9: a mean of 5, squared differences of 32 in all.
    let baseline = Baseline::of_sums(8, 40.0, 232.0).expect("a baseline");
    assert_eq!(baseline.mean(), 5.0);
    assert!(is_near(baseline.variance(), 32.0 / 7.0, 1e-12));
    assert_eq!(share(0.2).mean(), 0.2);
    assert!(is_near(share(0.2).variance(), 0.16, 1e-15));
}

#[test]
fn bad_baselines_say_why() {
    assert_eq!(Baseline::of_sums(1, 3.0, 9.0), Err(Fault::TooFewFigures));
    assert_eq!(Baseline::of_sums(10, 0.0, 0.0), Err(Fault::NoMean));
    assert_eq!(Baseline::of_sums(10, 0.0, 5.0), Err(Fault::NoMean));
    // Ten thousand times 0.1, whose sums are rounded.
    let sums = (0..10_000).fold((0.0, 0.0), |(sum, squares), _| (sum + 0.1, squares + 0.1 * 0.1));
    assert_eq!(Baseline::of_sums(10_000, sums.0, sums.1), Err(Fault::NoVariance));
    assert_eq!(Baseline::of_sums(10, 10.0, 1.0), Err(Fault::NoVariance));
    assert_eq!(Baseline::of_sums(10, f64::NAN, 1.0), Err(Fault::NotFinite));
    assert_eq!(Baseline::of_sums(10, 1.0, f64::INFINITY), Err(Fault::NotFinite));
    assert_eq!(Baseline::of_moments(0.0, 1.0), Err(Fault::NoMean));
    assert_eq!(Baseline::of_moments(1.0, 0.0), Err(Fault::NoVariance));
    assert_eq!(Baseline::of_moments(1.0, f64::NAN), Err(Fault::NotFinite));
    for bad in [0.0, 1.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert_eq!(Baseline::of_share(bad), Err(Fault::Share));
    }
}

#[test]
fn bad_designs_and_lifts_say_why() {
    let check = |design: Design, lift: f64, fault: Fault| {
        assert_eq!(people_per_variant(&design, lift), Err(fault));
        assert_eq!(power_with(&design, lift, 100), Err(fault));
    };
    let good = usual(share(0.4), Test::Fixed);
    for bad in [0.0, 1.0, -0.05, 5.0, f64::NAN, f64::INFINITY] {
        check(Design { alpha: bad, ..good }, 0.1, Fault::Alpha);
        check(Design { power: bad, ..good }, 0.1, Fault::Power);
        assert_eq!(detectable_lift(&Design { alpha: bad, ..good }, 100), Err(Fault::Alpha));
        assert_eq!(detectable_lift(&Design { power: bad, ..good }, 100), Err(Fault::Power));
    }
    check(Design { power: 0.49, ..good }, 0.1, Fault::Power);
    check(Design { n_comparisons: 0, ..good }, 0.1, Fault::NoComparison);
    check(Design { test: Test::Sequential { n_tune: Some(0) }, ..good }, 0.1, Fault::NoTuning);
    check(good, 0.0, Fault::NoLift);
    check(good, f64::NAN, Fault::NotFinite);
    check(good, f64::INFINITY, Fault::NotFinite);
    check(good, 1.6, Fault::LiftedShare);
    check(good, -1.1, Fault::LiftedShare);
    let mean = usual(standard(), Test::Fixed);
    check(Design { baseline: Baseline::of_moments(1e300, 1.0).expect("a baseline"), ..mean }, 1e300, Fault::NotFinite);
    check(Design { baseline: Baseline::of_moments(1e-300, 1.0).expect("a baseline"), ..mean }, 1e-300, Fault::NoLift);
    assert_eq!(people_per_variant(&mean, 1e-7), Err(Fault::TooManyPeople));
    assert_eq!(detectable_lift(&mean, 1), Err(Fault::TooFewPeople));
    assert_eq!(power_with(&mean, 0.1, 1), Err(Fault::TooFewPeople));
    // Exactly everybody and exactly nobody are shares.
    assert!(people_per_variant(&good, 1.5).is_ok() && people_per_variant(&good, -1.0).is_ok());
}

/// Numbers at the edge of what a double holds give a chance or a fault.
#[test]
fn no_input_gives_what_is_no_number() {
    let extremes = [f64::MIN_POSITIVE, 1e-300, 1e-9, 1.0, 1e9, 1e300, f64::MAX];
    for test in [Test::Fixed, Test::Sequential { n_tune: None }, Test::Sequential { n_tune: Some(u64::MAX) }] {
        for (mean, variance) in extremes.into_iter().flat_map(|mean| extremes.map(|variance| (mean, variance))) {
            let baseline = Baseline::of_moments(-mean, variance).expect("a baseline");
            for alpha in [1e-300, 1e-12, 0.05, 1.0 - f64::EPSILON] {
                let design = Design { alpha, ..usual(baseline, test) };
                for people in [2, 3, 1_000, 1_001, u64::MAX] {
                    let power = power_with(&design, 0.1, people).unwrap_or(0.0);
                    assert!((0.0..=1.0).contains(&power), "{design:?}, {people}: {power}");
                    assert!(detectable_lift(&design, people).unwrap_or(1.0) > 0.0, "{design:?}, {people}");
                }
                assert!(people_per_variant(&design, 0.1).unwrap_or(2) >= 2, "{design:?}");
            }
        }
    }
}
