//! What a question will take, told before it is answered: everything up to the first row is done as for an answer, and then
//! it ends.
//!
//! Invariant: no row of anybody is looked at, but for the first and the last day of a question without a period, so that a
//! forecast tells nothing of people; how large the tables are, it does.

use crate::pass::Pass;
use crate::plan::{Limits, Plan, Scope, run_in};
use lake::Snapshot;
use policy::Grant;
use spec::{Error, ErrorKind, Result};
use std::fmt;

/// What a question will take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Rows that will be looked at.
    pub rows: u64,
    /// Bytes that will be read of files: of what is not in memory.
    pub bytes: u64,
    /// The same, were nothing in memory.
    pub bytes_stored: u64,
    /// Whether the answer keeps its limits whatever is in the rows, but for that of time.
    pub is_bounded: bool,
}

/// Tells what a question will take; `None` where nobody can say before, as of SQL.
///
/// # Errors
/// Those of `run` that show before the first row: over budget where there are too many intervals, denied, faults.
pub fn forecast(plan: &Plan<'_>, grant: &Grant, snapshot: &Snapshot, limits: &Limits) -> Result<Option<Forecast>> {
    match run_in(plan, grant, snapshot, limits, true) {
        // Whoever answers without a pass does it at once.
        Ok(_) => Ok(None),
        Err(error) => match error.source.as_ref().and_then(|source| source.downcast_ref::<Foretold>()) {
            Some(Foretold(forecast)) => Ok(*forecast),
            None => Err(error),
        },
    }
}

impl Forecast {
    /// Of reading one thing after another.
    pub(crate) fn and(self, other: Forecast) -> Forecast {
        Forecast {
            rows: self.rows + other.rows,
            bytes: self.bytes + other.bytes,
            bytes_stored: self.bytes_stored + other.bytes_stored,
            is_bounded: false,
        }
    }
}

impl Scope<'_> {
    /// Ends here if only a forecast is wanted, of reading a whole pass.
    pub(crate) fn foretell(&self, pass: &Pass, is_bounded: &dyn Fn() -> bool) -> Result<()> {
        if !self.foretells {
            return Ok(());
        }
        pass.check_stored_types()?;
        Err(foretold(Some(Forecast { is_bounded: is_bounded(), ..pass.reading()? })))
    }
}

/// A forecast, on the way that errors go: from wherever the work would begin.
pub(crate) fn foretold(forecast: Option<Forecast>) -> Error {
    Error::new(ErrorKind::Bug, "only a forecast was wanted".to_owned()).with_source(Box::new(Foretold(forecast)))
}

#[derive(Debug)]
struct Foretold(Option<Forecast>);

impl fmt::Display for Foretold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a question will take")
    }
}

impl std::error::Error for Foretold {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error;

    const SMALL: Forecast = Forecast { rows: 8, bytes: 0, bytes_stored: 300, is_bounded: true };
    const LARGE: Forecast = Forecast { rows: 1_000, bytes: 4_000, bytes_stored: 5_000, is_bounded: true };

    #[test]
    fn one_part_after_the_other_adds_up() {
        let all = [SMALL, LARGE, SMALL].into_iter().fold(Forecast::default(), Forecast::and);
        assert_eq!(all, Forecast { rows: 1_016, bytes: 4_000, bytes_stored: 5_600, is_bounded: false });
        // What two parts come to together is more than either of them says.
        assert!(!SMALL.and(LARGE).is_bounded);
    }

    #[test]
    fn a_forecast_goes_the_way_of_errors_and_no_error_is_one() {
        let told = |error: Error| {
            let source = error.source.as_ref().and_then(|source| source.downcast_ref::<Foretold>());
            source.map(|Foretold(forecast)| *forecast)
        };
        assert_eq!(told(foretold(Some(LARGE))), Some(Some(LARGE)));
        assert_eq!(told(foretold(None)), Some(None), "nobody can say before");
        for other in [error::stopped(), error::bug("a fault"), error::over_budget("10 groups", "ask for fewer")] {
            assert_eq!(told(other), None);
        }
        // Whoever takes it for a fault would say so.
        assert_eq!(foretold(None).kind, ErrorKind::Bug);
    }
}
