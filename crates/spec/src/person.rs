//! The number by which the lake knows a person.

/// A person: a hash bucket and a dense ordinal in it.
///
/// Sorting by the number clusters people by bucket, so ranges of people are ranges of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(u64);

impl PersonId {
    /// The person with this ordinal in this bucket.
    pub fn new(bucket: u16, local: u32) -> Self {
        PersonId(u64::from(bucket) << 32 | u64::from(local))
    }

    /// The person that a stored number names; `None` if the number names none.
    pub fn from_stored(number: i64) -> Option<Self> {
        let number = u64::try_from(number).ok()?;
        (number >> 48 == 0).then_some(PersonId(number))
    }

    /// The hash bucket.
    pub fn bucket(self) -> u16 {
        u16::try_from(self.0 >> 32).expect("the constructors keep the bucket within 16 bits")
    }

    /// The number within the bucket.
    pub fn local(self) -> u32 {
        self.0 as u32
    }

    /// The number as tables hold it.
    pub fn stored(self) -> i64 {
        i64::try_from(self.0).expect("the constructors keep the number within 48 bits")
    }

    /// The number as bitmaps hold it.
    pub fn number(self) -> u64 {
        self.0
    }
}
