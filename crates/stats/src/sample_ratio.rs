//! Whether counts are in the ratio that they were meant to be in: Pearson's chi-square test.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Compares counts with the parts of their sum that each was meant to be.
///
/// # Shape
/// The chi-square statistic, and how likely one so large is by chance (p). `observed` and `expected_parts` have an entry
/// for each group, in the same order.
///
/// # Units
/// Counts; parts of any sum, as 90 and 10 or 0.9 and 0.1; p in 0..=1.
///
/// # Errors
/// `None` where there is nothing to test: fewer than two groups, not as many parts as counts, nobody at all, and parts
/// that are not above zero or not finite.
///
/// # Source
/// Pearson, On the criterion that a given system of deviations from the probable ..., Philosophical Magazine 50 (1900),
/// with one degree of freedom fewer than groups.
pub fn chi_square(observed: &[u64], expected_parts: &[f64]) -> Option<(f64, f64)> {
    let all: u64 = observed.iter().try_fold(0_u64, |all, count| all.checked_add(*count))?;
    let parts: f64 = expected_parts.iter().sum();
    let are_parts = parts.is_finite() && expected_parts.iter().all(|part| *part > 0.0);
    if observed.len() < 2 || observed.len() != expected_parts.len() || all == 0 || !are_parts {
        return None;
    }
    let differences = observed.iter().zip(expected_parts).map(|(count, part)| {
        let expected = all as f64 * part / parts;
        (*count as f64 - expected).powi(2) / expected
    });
    let chi_square: f64 = differences.sum();
    let distribution = ChiSquared::new((observed.len() - 1) as f64).ok()?;
    chi_square.is_finite().then(|| (chi_square, distribution.sf(chi_square)))
}
