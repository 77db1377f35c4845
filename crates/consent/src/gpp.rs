//! Strings of the Global Privacy Platform: a header that names sections, and a section for each law or region.
//!
//! # Source
//! IAB Tech Lab, "Global Privacy Platform", consent string specification, version 1, and its sections.

use crate::bits::Bits;
use crate::canada::CanadaString;
use crate::tcf::TcString;
use crate::us::{UsPrivacy, UsSection};
use crate::{Malformed, TEXT_BYTES_MAX};

/// What a header begins with: its type and its version.
const HEADER: (u64, u64) = (3, 1);

/// A string that was read.
#[derive(Clone, Debug)]
pub struct GppString {
    /// Its sections by number, ascending; those that are not known here are left out.
    pub sections: Vec<(u16, Section)>,
}

/// A section of a string.
#[derive(Clone, Debug)]
pub enum Section {
    /// 2: Europe.
    Europe(Box<TcString>),
    /// 5: Canada.
    Canada(Box<CanadaString>),
    /// 6: what stood in for the sections of the United States before there were any.
    UsPrivacy(UsPrivacy),
    /// 7 for the United States as a whole, and from 8 on a state each.
    Us(UsSection),
}

impl GppString {
    /// Reads a string with all its sections.
    ///
    /// # Errors
    /// Says what is wrong with one that is no such string; one section that is not well formed spoils it.
    pub fn read(text: &str) -> Result<GppString, Malformed> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let mut parts = text.split('~');
        let first = parts.next().unwrap_or_default();
        let parts: Vec<&str> = parts.collect();
        let ids = header(first, parts.len())?;
        if parts.iter().any(|part| part.trim().is_empty()) {
            return Err(Malformed::Sections);
        }
        let mut sections = Vec::new();
        for (id, part) in ids.into_iter().zip(parts) {
            if let Some(section) = section(id, part)? {
                sections.push((id, section));
            }
        }
        Ok(GppString { sections })
    }
}

/// The numbers of so many sections, ascending.
fn header(text: &str, n_sections: usize) -> Result<Vec<u16>, Malformed> {
    let mut bits = Bits::of(text)?;
    if (bits.number(6)?, bits.number(6)?) != HEADER {
        return Err(Malformed::Version);
    }
    let ids = bits.fibonacci_ranges()?;
    // Before they are written out: a dozen characters can name them all.
    if ids.count() != n_sections {
        return Err(Malformed::Sections);
    }
    Ok(ids.all().into_iter().collect())
}

fn section(id: u16, text: &str) -> Result<Option<Section>, Malformed> {
    Ok(match id {
        2 => Some(Section::Europe(Box::new(TcString::read(text)?))),
        5 => Some(Section::Canada(Box::new(CanadaString::read(text)?))),
        6 => Some(Section::UsPrivacy(UsPrivacy::read(text)?)),
        _ => UsSection::read(id, text)?.map(Section::Us),
    })
}
