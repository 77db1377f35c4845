//! How long it takes until enough new people have come, from how they came before.
//!
//! Somebody who comes back is not new. The first days of a window therefore have more new people than any later ones, and
//! beyond the window only its end says how it goes on. Deliberately not here: seasons, and how new people become ever
//! fewer after the window's end.

/// The days of a window's end whose rate goes on: a week, so that each weekday counts once.
const RATE_DAYS_MAX: usize = 7;

/// How many new people came, up to the end of each day of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// Not empty, never falling.
    cumulative: Vec<u64>,
}

impl Arrivals {
    /// Takes the people who had come at least once by the end of each day.
    ///
    /// # Shape
    /// One count per day, in order, each with all before it.
    ///
    /// # Units
    /// People.
    ///
    /// # Errors
    /// `None` without a day, and where a count falls: people cannot have not come.
    pub fn new(cumulative: &[u64]) -> Option<Arrivals> {
        if cumulative.is_empty() || !cumulative.is_sorted() {
            return None;
        }
        Some(Arrivals { cumulative: cumulative.to_vec() })
    }

    /// Counts the days after which so many new people have come, if it goes on as it did.
    ///
    /// Inside the window it is looked up. Beyond it as many come a day as on the average of its last week, or of its last
    /// half where that is shorter; a window of one day has no other rate than its own.
    ///
    /// # Shape
    /// The first day at whose end `people_in` is `people` or more.
    ///
    /// # Units
    /// Whole days; 0 for nobody.
    ///
    /// # Errors
    /// `None` where nobody came any more at the window's end, or the days are too many to count.
    pub fn days_until(&self, people: u64) -> Option<u64> {
        if people == 0 {
            return Some(0);
        }
        let days_short = self.cumulative.partition_point(|come| *come < people);
        if days_short < self.cumulative.len() {
            return Some(days_short as u64 + 1);
        }
        let (people_new, days_of_rate) = self.rate();
        if people_new == 0 {
            return None;
        }
        let people_missing = u128::from(people - self.last());
        let days_beyond = (people_missing * u128::from(days_of_rate)).div_ceil(u128::from(people_new));
        u64::try_from(days_beyond).ok()?.checked_add(self.cumulative.len() as u64)
    }

    /// Counts the new people who have come after so many days, as `days_until` sees them.
    ///
    /// # Units
    /// People, rounded down; the largest number there is where they are too many to count.
    pub fn people_in(&self, days: u64) -> u64 {
        let days_observed = self.cumulative.len() as u64;
        let Some(day) = days.checked_sub(1) else { return 0 };
        if day < days_observed {
            return usize::try_from(day).map_or(0, |day| self.cumulative[day]);
        }
        let (people_new, days_of_rate) = self.rate();
        let people_beyond = u128::from(days - days_observed) * u128::from(people_new) / u128::from(days_of_rate);
        u64::try_from(people_beyond).unwrap_or(u64::MAX).saturating_add(self.last())
    }

    fn last(&self) -> u64 {
        self.cumulative[self.cumulative.len() - 1]
    }

    /// The new people of the window's end, and how many days that is.
    fn rate(&self) -> (u64, u64) {
        let days = self.cumulative.len();
        let days_of_rate = RATE_DAYS_MAX.min(days / 2).max(1);
        let before = (days - days_of_rate).checked_sub(1).map_or(0, |day| self.cumulative[day]);
        (self.last() - before, days_of_rate as u64)
    }
}
