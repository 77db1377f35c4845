//! The chance that a test finds an effect: the t test, the z test of shares, and the confidence sequence.
//!
//! What comes in was checked by `power.rs`. Each chance grows with people and with the effect, from one half upwards at
//! least, which the searches there rely on.

use super::{Design, Effect, Test};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Up to so many people per variant the t test is computed exactly.
const EXACT_MAX: u64 = 1_000;

/// Points at which the density of an estimated spread is taken.
const N_POINTS: u32 = 400;

/// How many standard deviations around the true spread they cover: what lies beyond is below 10^-14.
const DEVIATIONS: f64 = 8.0;

/// How exactly a critical value of the t distribution is found, relative to itself.
const PRECISION: f64 = 1e-13;

/// Beyond so many standard deviations a normal chance is 0 or 1 to the last bit.
const NORMAL_MAX: f64 = 40.0;

/// The chance to find the effect on its own side with so many people per variant.
pub(super) fn to_find(design: &Design, effect: &Effect, people: u64) -> f64 {
    let alpha = design.alpha_of_each();
    let n = people as f64;
    // How many of its own standard errors the difference is away from zero.
    let distance = n.sqrt() * (effect.difference / effect.variances.sqrt());
    match design.test {
        Test::Fixed if effect.is_share => {
            let spread = (effect.variances_without / effect.variances).sqrt();
            normal_below(distance - normal_critical(alpha) * spread)
        }
        Test::Fixed if people <= EXACT_MAX => of_t_test(distance, 2.0 * n - 2.0, alpha),
        Test::Fixed => {
            let critical = normal_critical(alpha);
            let people_lost = critical * critical / 4.0;
            normal_below(distance * (1.0 - people_lost / n).max(0.0).sqrt() - critical)
        }
        Test::Sequential { n_tune } => {
            let progress = n_tune.map_or(1.0, |n_tune| 2.0 * n / n_tune as f64);
            normal_below(distance - critical_of_sequence(alpha, progress))
        }
    }
}

/// How many standard errors zero must be away to lie outside the confidence sequence.
///
/// With x = n rho^2 the published half width, sqrt(2 (x + 1) / (n^2 rho^2) log(sqrt(x + 1) / alpha)) standard deviations of
/// one figure, is sqrt((1 + 1 / x) log((x + 1) / alpha^2)) standard errors. That depends on n only by `progress`, the
/// people there are as a part of those for whom rho is chosen. The choice is the paper's closed form. The best one, by
/// Lambert's W, is narrower by less than a ten-thousandth where alpha is at most 0.1.
///
/// # Source
/// arXiv 2103.06476v7, (9) and, for rho, (161).
pub(crate) fn critical_of_sequence(alpha: f64, progress: f64) -> f64 {
    let log_of_squared = -2.0 * alpha.ln();
    let x = progress * (log_of_squared + log_of_squared.ln_1p());
    ((1.0 + 1.0 / x) * (x.ln_1p() + log_of_squared)).sqrt()
}

/// The chance of a t test: a noncentral t beyond the critical value on the right.
///
/// The statistic is (Z + distance) / S, with Z normal and S the estimated spread as a part of the true one, whose square
/// times the degrees of freedom is a chi-square. Given S it is a normal chance; that is averaged over the density of S, by
/// the trapezoidal rule, which needs few points where a density fades out at both ends.
fn of_t_test(distance: f64, freedom: f64, alpha: f64) -> f64 {
    let critical = student_critical(freedom, alpha);
    let reach = DEVIATIONS / (2.0 * freedom).sqrt();
    // Deviations of S from 1; it is positive.
    let (first, last) = ((-reach).max(-1.0), reach);
    let step = (last - first) / f64::from(N_POINTS);
    let (mut chance, mut weights) = (0.0, 0.0);
    for point in 0..=N_POINTS {
        let deviation = first + f64::from(point) * step;
        // The density's logarithm, but for what does not depend on S.
        let log_density = (freedom - 1.0) * deviation.ln_1p() - freedom * (deviation + deviation * deviation / 2.0);
        let weight = log_density.exp();
        weights += weight;
        chance += weight * normal_below(distance - critical * (1.0 + deviation));
    }
    chance / weights
}

/// What a t distribution exceeds, on either side, with this chance.
///
/// The interval that holds it is halved: the library's own inverse ends the program where `alpha` is very small.
fn student_critical(freedom: f64, alpha: f64) -> f64 {
    let student = StudentsT::new(0.0, 1.0, freedom).expect("two people in each group leave two degrees of freedom");
    let is_beyond = |bound: f64| student.sf(bound) <= alpha / 2.0;
    let (mut within, mut beyond) = (0.0, 1.0);
    while !is_beyond(beyond) {
        within = beyond;
        beyond *= 2.0;
    }
    while beyond - within > PRECISION * beyond {
        let middle = within + (beyond - within) / 2.0;
        if is_beyond(middle) {
            beyond = middle;
        } else {
            within = middle;
        }
    }
    beyond
}

/// What a standard normal exceeds, on either side, with this chance.
fn normal_critical(alpha: f64) -> f64 {
    -Normal::standard().inverse_cdf(alpha / 2.0)
}

/// The chance that a standard normal is below.
fn normal_below(bound: f64) -> f64 {
    Normal::standard().cdf(bound.clamp(-NORMAL_MAX, NORMAL_MAX))
}
