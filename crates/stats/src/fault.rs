//! Why a figure cannot be given.

/// What is wrong with the numbers that an experiment is planned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A number is infinite or none at all, or becomes so on the way.
    NotFinite,
    /// Fewer than two figures: they have no variance.
    TooFewFigures,
    /// The mean is zero: nothing is so many per cent more than nothing.
    NoMean,
    /// All figures are the same, so that nothing can be said of how far means differ by chance.
    NoVariance,
    /// A share is not between 0 and 1, both exclusive.
    Share,
    /// The chance of a false alarm is not between 0 and 1, both exclusive.
    Alpha,
    /// The chance to find the lift is below one half, or not below 1.
    Power,
    /// Nothing is compared with anything.
    NoComparison,
    /// A sequential test is tuned at no people.
    NoTuning,
    /// A lift of zero: no number of people finds it.
    NoLift,
    /// The lifted share would be above 1 or below 0.
    LiftedShare,
    /// More people per variant than there are on earth would be needed.
    TooManyPeople,
    /// With so few people no lift is found often enough, however large it is.
    TooFewPeople,
}
