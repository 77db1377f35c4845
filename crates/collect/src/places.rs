//! Where an address is, by a file in MaxMind's format that the operator brings; without one nothing is known.
//!
//! It fills declared fields of events and nothing else: where somebody lives, and with it the law, is said by sources
//! that vouch for it.

use maxminddb::Reader;
use serde::Deserialize;
use spec::{Error, ErrorKind, Result};
use std::net::IpAddr;

/// The places of addresses, wholly in memory.
pub struct Places {
    reader: Reader<Vec<u8>>,
}

/// What is known of an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// ISO 3166-1, two capitals.
    pub(crate) country: String,
    /// ISO 3166-2: `US-CA`.
    pub(crate) region: Option<String>,
}

/// What is read of a record.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    country: Option<Coded<'a>>,
    #[serde(borrow, default)]
    subdivisions: Vec<Coded<'a>>,
}

#[derive(Deserialize)]
struct Coded<'a> {
    iso_code: Option<&'a str>,
}

impl Places {
    /// Reads a file's content.
    ///
    /// # Errors
    /// Invalid when it is not in MaxMind's format.
    pub fn read(bytes: Vec<u8>) -> Result<Places> {
        let reader = Reader::from_source(bytes).map_err(|cause| {
            Error::new(ErrorKind::Invalid, "the file of places is not in MaxMind's format".to_owned())
                .with_hint("name a database of countries or cities that ends in `.mmdb`, unpacked")
                .with_source(Box::new(cause))
        })?;
        Ok(Places { reader })
    }

    /// Where an address is. A record that is damaged or says something else is as good as none.
    pub(crate) fn place(&self, address: IpAddr) -> Option<Place> {
        let found = self.reader.lookup(address.to_canonical()).ok()?;
        let record: Record<'_> = found.decode().ok()??;
        let country = record.country?.iso_code?;
        if country.len() != 2 || !country.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return None;
        }
        let region = record.subdivisions.first().and_then(|first| first.iso_code);
        let region =
            region.filter(|code| matches!(code.len(), 1..=3) && code.bytes().all(|c| c.is_ascii_alphanumeric()));
        Some(Place { country: country.to_owned(), region: region.map(|code| format!("{country}-{code}")) })
    }
}
