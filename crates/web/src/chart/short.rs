//! The same picture in short, for a tile: what is largest or first, and how much is left out.
//!
//! A tile shows all that it shows: a part that scrolls inside hides that there is more.

use super::AnswerView;

/// Groups that have a bar each.
const GROUPS_MAX: usize = 10;
/// Bars with words under them.
const STEPS_MAX: usize = 6;
/// Cohorts.
const COHORTS_MAX: usize = 12;
/// Rows of a table.
const ROWS_MAX: usize = 8;

/// The view with no more than a tile has room for.
pub(crate) fn in_short(mut view: AnswerView) -> AnswerView {
    let (left, what) = match view.kind.as_str() {
        "funnel" | "experiment" => (shorten_groups(&mut view), "other group"),
        "trend" | "attribution" => {
            let most = if view.kind == "trend" { GROUPS_MAX } else { STEPS_MAX };
            let left = view.bars.first_mut().map_or(0, |group| shorten(&mut group.bars, most));
            (left, "other")
        }
        "retention" => (view.heat.as_mut().map_or(0, |heat| shorten(&mut heat.rows, COHORTS_MAX)), "other row"),
        "sql" => (shorten(&mut view.rows, ROWS_MAX) + std::mem::take(&mut view.n_hidden), "other row"),
        _ => (0, ""),
    };
    let plural = if left == 1 { "" } else { "s" };
    view.more = (left > 0).then(|| format!("{left} {what}{plural}"));
    view
}

/// Leaves the first groups, which have few bars between them; at least one.
fn shorten_groups(view: &mut AnswerView) -> usize {
    let mut n_bars = 0;
    let n_shown = view.bars.iter().take_while(|group| {
        n_bars += group.bars.len();
        n_bars <= STEPS_MAX
    });
    let n_shown = n_shown.count().max(1);
    shorten(&mut view.bars, n_shown)
}

/// How many went; one that would stand alone stays, since it takes no more room than its mention.
fn shorten<T>(list: &mut Vec<T>, most: usize) -> usize {
    let left = list.len().saturating_sub(most);
    if left <= 1 {
        return 0;
    }
    list.truncate(most);
    left
}
