//! Experiments that are simulated: false alarms come as often as allowed, lifts are found as often as planned.
//!
//! Each figure is drawn, variances are estimated from what was drawn, and groups are compared as an analysis would. Seeds are
//! fixed, so that a run says the same each time; bounds leave three standard errors of the number of runs.

use super::{share, usual};
use crate::power::critical_of_sequence;
use crate::{Baseline, Test, people_per_variant};
use statrs::distribution::{ContinuousCDF, StudentsT};

const N_RUNS: u32 = 4_000;

/// SplitMix64: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators (2014).
struct Draw(u64);

impl Draw {
    /// A number in 0..1, never 0.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// Where figures of one person come from, all with a mean of 1 or a share of 0.1 without a lift.
#[derive(Clone, Copy)]
enum Figure {
    /// Normal with a standard deviation of 1 (Box and Muller).
    Normal,
    /// Exponential: skewed as money is, with a variance of 1 that the lift leaves alone.
    Skewed,
    /// 0 or 1.
    Share,
}

impl Figure {
    fn baseline(self) -> Baseline {
        match self {
            Figure::Normal | Figure::Skewed => Baseline::of_moments(1.0, 1.0).expect("a baseline"),
            Figure::Share => share(0.1),
        }
    }

    fn draw(self, draw: &mut Draw, lift: f64) -> f64 {
        match self {
            Figure::Normal => {
                let (radius, angle) = (draw.uniform(), draw.uniform());
                1.0 + lift + (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
            }
            Figure::Skewed => lift - draw.uniform().ln(),
            Figure::Share => f64::from(u8::from(draw.uniform() < 0.1 * (1.0 + lift))),
        }
    }
}

/// What is summed up of one group.
#[derive(Clone, Copy, Default)]
struct Group {
    n: f64,
    sum: f64,
    sum_squares: f64,
}

impl Group {
    fn add(&mut self, figure: f64) {
        self.n += 1.0;
        self.sum += figure;
        self.sum_squares += figure * figure;
    }

    fn mean(&self) -> f64 {
        self.sum / self.n
    }

    /// The variance of the mean.
    fn error(&self) -> f64 {
        (self.sum_squares - self.sum * self.mean()) / (self.n - 1.0) / self.n
    }
}

/// The difference of means in standard errors (Welch); 0 while nothing varies.
fn statistic(control: &Group, variant: &Group) -> f64 {
    let errors = control.error() + variant.error();
    if errors > 0.0 { (variant.mean() - control.mean()) / errors.sqrt() } else { 0.0 }
}

/// How an experiment with one look ended: the lift found on its side, found on the other.
fn fixed(figure: Figure, lift: f64, people: u64, draw: &mut Draw) -> (bool, bool) {
    let (mut control, mut variant) = (Group::default(), Group::default());
    for _ in 0..people {
        control.add(figure.draw(draw, 0.0));
        variant.add(figure.draw(draw, lift));
    }
    let student = StudentsT::new(0.0, 1.0, 2.0 * people as f64 - 2.0).expect("degrees of freedom");
    let critical = student.inverse_cdf(0.975);
    let found = statistic(&control, &variant);
    (found > critical, found < -critical)
}

/// How an experiment with a look after every 100 people, and one at the end, ended: at any look, and at the last.
fn sequential(figure: Figure, lift: f64, people: u64, n_tune: u64, draw: &mut Draw) -> (bool, bool) {
    let (mut control, mut variant) = (Group::default(), Group::default());
    let (mut at_any, mut at_last) = (false, false);
    for person in 1..=people {
        control.add(figure.draw(draw, 0.0));
        variant.add(figure.draw(draw, lift));
        if person % 50 == 0 || person == people {
            let progress = 2.0 * person as f64 / n_tune as f64;
            at_last = statistic(&control, &variant).abs() > critical_of_sequence(0.05, progress);
            at_any |= at_last;
        }
    }
    (at_any, at_last)
}

/// The part of runs in which each of two things happened.
fn parts(seed: u64, mut run: impl FnMut(&mut Draw) -> (bool, bool)) -> (f64, f64) {
    let mut draw = Draw(seed);
    let (mut one, mut other) = (0, 0);
    for _ in 0..N_RUNS {
        let (is_one, is_other) = run(&mut draw);
        one += u32::from(is_one);
        other += u32::from(is_other);
    }
    (f64::from(one) / f64::from(N_RUNS), f64::from(other) / f64::from(N_RUNS))
}

#[test]
fn a_fixed_test_keeps_what_it_promises() {
    for (figure, lift, seed) in [(Figure::Normal, 0.5, 1), (Figure::Skewed, 0.3, 2), (Figure::Share, 0.5, 3)] {
        let people = people_per_variant(&usual(figure.baseline(), Test::Fixed), lift).expect("people");
        let (up, down) = parts(seed, |draw| fixed(figure, 0.0, people, draw));
        assert!((up + down - 0.05).abs() < 0.0104, "false alarms of {seed}: {up} and {down}");
        let (found, _) = parts(seed + 10, |draw| fixed(figure, lift, people, draw));
        assert!((0.79..0.83).contains(&found), "found of {seed}: {found}");
    }
}

#[test]
fn a_sequential_test_keeps_what_it_promises() {
    for (figure, lift, seed) in [(Figure::Normal, 0.2, 21), (Figure::Skewed, 0.3, 22), (Figure::Share, 0.7, 23)] {
        let people =
            people_per_variant(&usual(figure.baseline(), Test::Sequential { n_tune: None }), lift).expect("people");
        let n_tune = 2 * people;
        // Twice as long as planned: it holds at any time, and with room, as it holds for ever and at every single person.
        let (alarms, _) = parts(seed, |draw| sequential(figure, 0.0, 2 * people, n_tune, draw));
        assert!(alarms <= 0.02, "false alarms of {seed}: {alarms}");
        let (at_any, at_last) = parts(seed + 10, |draw| sequential(figure, lift, people, n_tune, draw));
        // At the last look it is what was planned; looks on the way are what the plan leaves out.
        assert!((0.78..0.83).contains(&at_last), "found at the last look of {seed}: {at_last}");
        assert!((0.82..0.86).contains(&at_any), "found of {seed}: {at_any}");
    }
}
