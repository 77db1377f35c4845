//! How many people may be used for purposes under a text that is not in force yet.
//!
//! Only who may change the file is told, who could save it and look; and less than the ledger's figure says by itself.
//! The people of a text are told in steps of the minimum group in force, and not where they are nearly as many as now. What a
//! text says of its own group only hides more: else texts that differ in it alone would measure what is hidden. No table is
//! read.

use super::File;
use crate::state::State;
use api::ForeseenPeople;
use spec::{DefinitionKind, Purpose};
use workspace::Definitions;

/// The purposes of which other people may be used, or which come to need more or fewer.
pub(super) fn of(state: &State, file: &File<'_>, before: &Definitions, after: &Definitions) -> Vec<ForeseenPeople> {
    let is_reached = |purpose: &&Purpose| match file.kind {
        DefinitionKind::Purposes => purpose.name == file.name,
        DefinitionKind::Laws => true,
        _ => false,
    };
    let snapshot = state.lake.snapshot();
    let used =
        |purpose: &Purpose, definitions: &Definitions| snapshot.people_for(purpose, &definitions.laws).used.len();
    // A purpose that is new has no group in force.
    let largest = before.purposes.values().map(|purpose| purpose.min_group).max();
    let found = after.purposes.values().filter(is_reached).filter_map(|purpose| {
        let known = before.purposes.get(&purpose.name);
        let now = known.map(|known| used(known, before));
        let then = used(purpose, after);
        let in_force = known.map(|known| known.min_group).or(largest).unwrap_or(purpose.min_group);
        let is_same = now == Some(then) && file.kind == DefinitionKind::Laws;
        (!is_same).then(|| told(&purpose.title, (now, then), (in_force.into(), purpose.min_group.into())))
    });
    found.collect()
}

/// What is told of the people now and then, with the minimum group in force and that of the text.
fn told(title: &str, (before, after): (Option<u64>, u64), (in_force, min_group): (u64, u64)) -> ForeseenPeople {
    let is_near = before.is_some_and(|before| before != after && before.abs_diff(after) < in_force);
    // At least so many, and fewer than so many: the group of the text is held against these, since it can be written anew.
    let (least, most) = match before == Some(after) {
        true => (after, after + 1),
        false => (after - after % in_force, after - after % in_force + in_force),
    };
    ForeseenPeople {
        purpose: title.to_owned(),
        before: before.filter(|before| *before >= in_force),
        after: Some(least).filter(|least| !is_near && *least >= in_force.max(min_group)),
        is_too_few: !is_near && most <= min_group,
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    fn found(people: (Option<u64>, u64), groups: (u64, u64)) -> (Option<u64>, Option<u64>, bool) {
        let told = told("e-mail", people, groups);
        (told.before, told.after, told.is_too_few)
    }

    #[test]
    fn no_count_below_the_group_and_no_small_difference_is_told() {
        assert_eq!(found((Some(1_456), 1_822), (50, 50)), (Some(1_456), Some(1_800), false));
        assert_eq!(found((Some(1_456), 1_456), (50, 50)), (Some(1_456), Some(1_456), false));
        assert_eq!(found((Some(1_456), 1_455), (50, 50)), (Some(1_456), None, false), "one person is nobody's to find");
        assert_eq!(found((Some(120), 120), (50, 200)), (Some(120), None, true));
        assert_eq!(found((Some(120), 120), (200, 50)), (None, None, false));
        assert_eq!(found((Some(300), 10), (50, 50)), (Some(300), None, true));
        assert_eq!(found((None, 333), (50, 50)), (None, Some(300), false));
    }

    #[test]
    fn texts_that_differ_in_their_group_alone_do_not_measure_what_is_hidden() {
        let worlds = [
            (Some(300), 10),
            (Some(120), 119),
            (Some(1_456), 1_480),
            (None, 33),
            (Some(300), 120),
            (Some(300), 149),
            (Some(900), 1_333),
            (None, 333),
        ];
        for people @ (before, after) in worlds {
            let in_force = 50;
            let hidden = |min_group| found(people, (in_force, min_group));
            for min_group in 2..2_000 {
                let other = (before, if after < in_force { after + 1 } else { after - 1 });
                assert_eq!(hidden(min_group), found(other, (in_force, min_group)), "{people:?}, {min_group}");
            }
        }
    }
}
