//! Sums of shares.

use super::WHOLE;
use super::tally::Sum;

#[test]
fn equal_shares_add_up_to_the_whole() {
    let mut sum = Sum::default();
    for n in 1..=42 {
        (0..n).for_each(|_| sum.add(1, WHOLE / n));
    }
    assert_eq!(sum.number(0), 42.0);
}

#[test]
fn sums_are_exact_in_any_order_and_far_beyond_64_bits() {
    let large = 10_i128.pow(30) + 7;
    let numbers = [large, -large, 12_345, i128::from(i64::MAX), -i128::from(i64::MAX)];
    let mut one_by_one = Sum::default();
    let (mut left, mut right) = (Sum::default(), Sum::default());
    for round in 0..1_000_u64 {
        for number in numbers {
            one_by_one.add(number, WHOLE / 3);
            let half = if round % 2 == 0 { &mut left } else { &mut right };
            half.add(number, WHOLE / 3);
        }
    }
    right.merge(left);
    assert_eq!(one_by_one.number(2), 41_150.0);
    assert_eq!(right.number(2).to_bits(), one_by_one.number(2).to_bits());
}
