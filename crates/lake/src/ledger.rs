//! Who is known, where they live, what they said: the ledger in memory.

use roaring::RoaringTreemap;
use spec::Instant;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One import that was finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// The source.
    pub source: String,
    /// The object of its contract.
    pub object: String,
    /// The file's name.
    pub file: String,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Records in the file.
    pub received: u64,
    /// Records that changed something.
    pub stored: u64,
    /// Records that were known already.
    pub duplicate: u64,
    /// Records that went to quarantine.
    pub rejected: u64,
    /// When it was finished.
    pub at: Instant,
    /// Why records were rejected: reason, how many, and one example (`file:row`).
    pub reasons: Vec<(String, u64, String)>,
}

/// The people of one place.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacePeople {
    /// ISO code of the country, if known.
    pub country: Option<String>,
    /// ISO code of the region, if known.
    pub region: Option<String>,
    /// Who lives there.
    pub people: RoaringTreemap,
}

/// Who may be used for a purpose, and who not and why.
#[derive(Clone, Debug, PartialEq)]
pub struct PurposePeople {
    /// May be used.
    pub used: Arc<RoaringTreemap>,
    /// May not, per reason (`policy::Withholding::name`); reasons without people are absent.
    pub withheld: BTreeMap<&'static str, RoaringTreemap>,
}
