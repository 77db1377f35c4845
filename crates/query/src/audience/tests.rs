//! What a waterfall tells about the people that one step took away.

use super::steps;
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_step_but_the_last_tells_of_fewer_than_the_minimum_group(
        first in 10_u64..200,
        taken in proptest::collection::vec(0_u64..30, 1..6),
    ) {
        let min_group = 10;
        let mut counts = vec![first];
        for taken in taken {
            counts.push(counts[counts.len() - 1].saturating_sub(taken));
        }
        let shown = steps(&counts, min_group);
        // Whatever follows by adding and taking away: a count is known when it is shown, or when its neighbour and what
        // stands between are.
        let mut known: Vec<bool> = vec![true];
        known.extend(shown.iter().map(|(people, _)| people.is_some()));
        for _ in 0..counts.len() {
            for (index, (_, left)) in shown.iter().enumerate() {
                if left.is_some() && (known[index] || known[index + 1]) {
                    known[index] = true;
                    known[index + 1] = true;
                }
            }
        }
        for index in 0..shown.len() - 1 {
            let is_told = known[index] && known[index + 1];
            prop_assert!(!is_told || counts[index] - counts[index + 1] >= min_group, "step {} of {:?}: {:?}", index, counts, shown);
        }
        for (index, (people, left)) in shown.iter().enumerate() {
            prop_assert!(people.is_none_or(|people| people >= min_group && people == counts[index + 1]));
            prop_assert!(left.is_none_or(|left| left >= min_group && left == counts[index] - counts[index + 1]));
        }
    }
}

#[test]
fn a_small_step_hides_itself_and_its_neighbour() {
    assert_eq!(steps(&[100, 97, 50], 10), [(None, None), (Some(50), None)]);
    assert_eq!(steps(&[100, 60, 57], 10), [(Some(60), Some(40)), (Some(57), None)]);
    assert_eq!(steps(&[100, 60, 9], 10), [(Some(60), Some(40)), (None, None)]);
    assert_eq!(steps(&[100, 60, 30], 10), [(Some(60), Some(40)), (Some(30), Some(30))]);
}
