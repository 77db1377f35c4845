//! Published numbers, laws, and simulated experiments.

mod duration;
mod laws;
mod published;
mod ratio;
mod simulated;

use crate::{Baseline, Design, Test};

/// A design with one comparison, an alpha of 0.05 and a chance of 80 %.
fn usual(baseline: Baseline, test: Test) -> Design {
    Design { baseline, test, alpha: 0.05, power: 0.8, n_comparisons: 1 }
}

/// A mean of 1 and a variance of 1, so that a lift is a difference in standard deviations.
fn standard() -> Baseline {
    Baseline::of_moments(1.0, 1.0).expect("a baseline")
}

fn share(share: f64) -> Baseline {
    Baseline::of_share(share).expect("a baseline")
}

fn is_near(one: f64, other: f64, distance: f64) -> bool {
    (one - other).abs() <= distance
}
