//! How many people may be used for purposes under a text that is not in force yet.
//!
//! Only who may change the file is told, who could save it and look; and less than the ledger's figure says by itself:
//! nothing below the minimum group, the larger of both texts, and no difference of fewer people than that, so that no two
//! texts tell of somebody. No table is read.

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
    let purposes = after.purposes.values().filter(is_reached);
    let found = purposes.filter_map(|purpose| {
        let known = before.purposes.get(&purpose.name);
        let used =
            |purpose: &Purpose, definitions: &Definitions| snapshot.people_for(purpose, &definitions.laws).used.len();
        let now = known.map(|known| (used(known, before), u64::from(known.min_group)));
        let then = (used(purpose, after), u64::from(purpose.min_group));
        let is_same = now == Some(then) && file.kind == DefinitionKind::Laws;
        (!is_same).then(|| told(&purpose.title, now, then))
    });
    found.collect()
}

/// What is told of two counts, each with the minimum group that holds with it.
fn told(title: &str, now: Option<(u64, u64)>, (then, min_group): (u64, u64)) -> ForeseenPeople {
    let larger = min_group.max(now.map_or(0, |(_, min_group)| min_group));
    let before = now.map(|(people, _)| people);
    let is_near = before.is_some_and(|before| before != then && before.abs_diff(then) < larger);
    let shown = |people: u64| Some(people).filter(|people| *people >= larger);
    ForeseenPeople {
        purpose: title.to_owned(),
        before: before.and_then(shown),
        after: shown(then).filter(|_| !is_near),
        is_too_few: then < min_group,
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn no_count_below_the_larger_group_and_no_small_difference_is_told() {
        let found = |now, then| {
            let told = told("e-mail", now, then);
            (told.before, told.after, told.is_too_few)
        };
        assert_eq!(found(Some((1_456, 50)), (1_822, 50)), (Some(1_456), Some(1_822), false));
        assert_eq!(found(Some((1_456, 50)), (1_456, 50)), (Some(1_456), Some(1_456), false));
        assert_eq!(found(Some((1_456, 50)), (1_455, 50)), (Some(1_456), None, false), "one person is nobody's to find");
        assert_eq!(found(Some((120, 50)), (120, 200)), (None, None, true));
        assert_eq!(found(Some((120, 200)), (120, 50)), (None, None, false));
        assert_eq!(found(Some((300, 50)), (10, 50)), (Some(300), None, true));
        assert_eq!(found(None, (300, 50)), (None, Some(300), false));
    }
}
