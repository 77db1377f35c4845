//! `entente check`: everything that is wrong with the workspace's files.

use crate::arguments::Place;
use crate::commands::say;
use crate::{Ending, place};
use spec::Result;

/// Prints all diagnostics, or what there is when all is well.
pub(crate) fn run(place: &Place) -> Result<Ending> {
    let folder = place::workspace(place)?;
    let checked = app::check(&folder)?;
    say(&format!("{}{}", checked.report, checked.summary))?;
    Ok(if checked.n_diagnostics == 0 { Ending::Done } else { Ending::WrongInput })
}
