//! What signals say of consent: the strings of the advertising industry, read.
//!
//! Pure functions from a text to what it says. Everybody can send such a text, so none takes more than in
//! proportion to its length, and what is not well formed says nothing. Two libraries exist that read the same (one for Node, which tests compare with, and
//! one for Rust, which lets a short text claim hundreds of megabytes).

mod bits;
mod canada;
mod gpp;
mod tcf;
#[cfg(test)]
mod tests;
mod us;

pub use bits::Ids;
pub use canada::{CanadaPublisher, CanadaString};
pub use gpp::{GppString, Section};
pub use tcf::{Head, Publisher, Restriction, TcString};
pub use us::{UsPrivacy, UsSection};

/// The longest text that is read: every list that a string can hold, written out in full, is shorter.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Why a string is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is longer than any that somebody would send.
    TooLong,
    /// It ends before it has said everything.
    TooShort,
    /// It has a character that stands for no bits.
    Character,
    /// It is of a version that is not in force.
    Version,
    /// A letter is none.
    Letter,
    /// A range ends before it begins, or beyond the largest number.
    Range,
    /// A part of it is of no known kind, or missing.
    Segment,
    /// A restriction is of no known kind.
    Restriction,
    /// Its header names other sections than there are.
    Sections,
}
