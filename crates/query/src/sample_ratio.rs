//! Whether variants got the parts of people that they were meant to get: Pearson's chi-square test.

use spec::{SampleRatio, Value, VariantShare};
use std::collections::BTreeMap;

/// Below this a ratio is a mistake in how people were split rather than chance.
const ALARM_BELOW: f64 = 0.001;

/// Compares people per variant, ascending, with a split by the names of variants; without one all were meant to get the same.
///
/// Variants that the split does not name are not compared. Nothing is compared, and no count shown, where anything would
/// tell of fewer than `min_group` people: the parts of the others follow from the whole.
pub(crate) fn sample_ratio(
    people: Vec<(Value, u64)>,
    split: &[(String, u32)],
    several: u64,
    min_group: u64,
) -> SampleRatio {
    let counts = compared(people, split);
    let is_shown = !counts.is_empty() && counts.iter().all(|(_, people, _)| *people >= min_group);
    let all: u64 = counts.iter().map(|(_, people, _)| people).sum();
    let parts: f64 = counts.iter().map(|(_, _, part)| part).sum();
    let expected = |part: f64| all as f64 * part / parts;
    let variants = counts.iter().map(|(variant, people, part)| VariantShare {
        variant: variant.clone(),
        people: is_shown.then_some(*people),
        expected: is_shown.then(|| expected(*part)),
    });
    let observed: Vec<u64> = counts.iter().map(|(_, people, _)| *people).collect();
    let expected_parts: Vec<f64> = counts.iter().map(|(_, _, part)| *part).collect();
    let tested = if is_shown { stats::chi_square(&observed, &expected_parts) } else { None };
    SampleRatio {
        // Names of variants that too few people have are not told, but for those that the question itself names.
        variants: if is_shown || !split.is_empty() { variants.collect() } else { Vec::new() },
        several: Some(several).filter(|several| *several >= min_group),
        chi_square: tested.map(|(chi_square, _)| chi_square),
        p: tested.map(|(_, p)| p),
        alarm: tested.map(|(_, p)| p < ALARM_BELOW),
    }
}

/// Variants with their people and the parts that they were meant to get.
fn compared(people: Vec<(Value, u64)>, split: &[(String, u32)]) -> Vec<(Value, u64, f64)> {
    if split.is_empty() {
        return people.into_iter().map(|(variant, people)| (variant, people, 1.0)).collect();
    }
    let known: BTreeMap<String, (Value, u64)> =
        people.into_iter().map(|(variant, people)| (variant.to_string(), (variant, people))).collect();
    let of_split = split.iter().map(|(name, part)| {
        let (variant, people) = known.get(name).cloned().unwrap_or((Value::Text(name.clone()), 0));
        (variant, people, f64::from(*part))
    });
    of_split.collect()
}

#[cfg(test)]
mod tests {
    use super::sample_ratio;
    use spec::Value;

    fn people(counts: &[(&str, u64)]) -> Vec<(Value, u64)> {
        counts.iter().map(|(name, people)| (Value::Text((*name).to_owned()), *people)).collect()
    }

    #[test]
    fn the_published_mismatch_of_a_game_is_found() {
        // Cookie Cats: 44,700 and 45,489 players, meant to be the same; p is 0.0086 by the usual tables.
        let found = sample_ratio(people(&[("gate_30", 44_700), ("gate_40", 45_489)]), &[], 0, 1);
        assert!((found.chi_square.expect("a figure") - 6.902_404_949_6).abs() < 1e-9, "{found:?}");
        assert!((found.p.expect("a figure") - 0.008_607_3).abs() < 1e-6, "{found:?}");
        assert_eq!(found.alarm, Some(false));
    }

    #[test]
    fn a_split_decides_what_is_expected() {
        let split = [("a".to_owned(), 90), ("b".to_owned(), 10)];
        let found = sample_ratio(people(&[("a", 900), ("b", 100), ("c", 7)]), &split, 3, 1);
        assert_eq!((found.chi_square, found.p, found.variants.len()), (Some(0.0), Some(1.0), 2));
        let even = sample_ratio(people(&[("a", 900), ("b", 100)]), &[], 3, 1);
        assert_eq!((even.alarm, even.several), (Some(true), Some(3)));
    }

    #[test]
    fn too_few_people_withhold_all_of_it() {
        let found = sample_ratio(people(&[("a", 900), ("b", 4)]), &[], 4, 5);
        assert!(found.variants.is_empty() && found.p.is_none() && found.several.is_none(), "{found:?}");
        let split = [("a".to_owned(), 1), ("b".to_owned(), 1)];
        let found = sample_ratio(people(&[("a", 900)]), &split, 0, 1);
        assert_eq!((found.variants.len(), found.variants[0].people, found.p), (2, None, None));
    }
}
