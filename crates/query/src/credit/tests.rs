//! Sums of shares.

use super::tally::Sum;
use super::{Conversion, Credits, Touch, WHOLE};
use crate::cells::Key;
use crate::guard::Sorting;
use lake::Number;
use proptest::prelude::*;
use spec::{AttributionModel, Value};

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

proptest! {
    /// What is spread over windows is what each conversion gives to each of its touches.
    #[test]
    fn equal_shares_may_be_spread(
        channels in proptest::collection::vec(0_u32..3, 1..20),
        conversions in proptest::collection::vec((0_usize..20, 0_usize..20, any::<Option<u8>>(), any::<Option<i16>>()), 0..12),
        is_linear in any::<bool>(),
    ) {
        let model = if is_linear { AttributionModel::Linear } else { AttributionModel::Position };
        let touches: Vec<Touch> =
            channels.iter().enumerate().map(|(row, channel)| Touch { at: 0, row, channel: *channel }).collect();
        let (mut together, mut one_by_one) = (Credits::new(&model, 9, Sorting::default()), Credits::new(&model, 9, Sorting::default()));
        for channel in 0..3 {
            for credits in [&mut together, &mut one_by_one] {
                credits.channel(Key(vec![Value::Integer(channel)])).expect("there is room");
            }
        }
        for person in [7, 8] {
            for (one, other, own, value) in &conversions {
                let (one, other) = (one % (touches.len() + 1), other % (touches.len() + 1));
                let window = one.min(other)..one.max(other);
                let own = own.map(usize::from).filter(|own| window.contains(own));
                let conversion = Conversion { person, value: value.map(|value| Number::Exact(value.into())) };
                let path: Vec<Touch> =
                    touches[window.clone()].iter().filter(|touch| Some(touch.row) != own).copied().collect();
                if !together.spread(conversion, window, own) {
                    together.convert(conversion, &path);
                }
                one_by_one.convert(conversion, &path);
            }
            together.settle(person, &touches);
        }
        prop_assert_eq!(together.figures(2), one_by_one.figures(2));
    }
}
