//! Whether counts are in a ratio.

use super::is_near;
use crate::chi_square;

#[test]
fn mendels_peas_are_in_his_ratio() {
    // Fisher, Statistical Methods for Research Workers: 9 : 3 : 3 : 1 in 556 peas; chi-square 0.470, p 0.925.
    let (statistic, p) = chi_square(&[315, 108, 101, 32], &[9.0, 3.0, 3.0, 1.0]).expect("a test");
    assert!(is_near(statistic, 0.470, 5e-4), "{statistic}");
    assert!(is_near(p, 0.925, 5e-4), "{p}");
}

#[test]
fn the_published_mismatch_of_a_game_is_found() {
    // Cookie Cats: 44,700 and 45,489 players, meant to be the same.
    let (statistic, p) = chi_square(&[44_700, 45_489], &[1.0, 1.0]).expect("a test");
    assert!(is_near(statistic, 6.902_404_949_6, 1e-9), "{statistic}");
    assert!(is_near(p, 0.008_607_3, 1e-6), "{p}");
    // Parts of any sum are the same ratio.
    assert_eq!(chi_square(&[44_700, 45_489], &[0.5, 0.5]), Some((statistic, p)));
}

#[test]
fn what_cannot_be_tested_is_not() {
    assert_eq!(chi_square(&[], &[]), None);
    assert_eq!(chi_square(&[5], &[1.0]), None);
    assert_eq!(chi_square(&[5, 5], &[1.0]), None);
    assert_eq!(chi_square(&[0, 0], &[1.0, 1.0]), None);
    assert_eq!(chi_square(&[u64::MAX, 1], &[1.0, 1.0]), None);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(chi_square(&[5, 5], &[1.0, bad]), None);
    }
    assert_eq!(chi_square(&[900, 100], &[90.0, 10.0]), Some((0.0, 1.0)));
}
