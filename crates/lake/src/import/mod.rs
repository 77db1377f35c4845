//! Bringing a file in under its contract.

use spec::Object;
use std::path::Path;

/// A file to import.
#[derive(Clone, Copy, Debug)]
pub struct ImportFile<'a> {
    /// The source that it comes from.
    pub source: &'a str,
    /// The object of the source's contract that its records are.
    pub object: &'a Object,
    /// All event objects of the workspace, for the columns of the table.
    pub declared: &'a [&'a Object],
    /// Where it lies.
    pub path: &'a Path,
    /// What it is called; its ending tells the format: csv, ndjson, jsonl, parquet.
    pub file_name: &'a str,
}

/// The balance of an import: received = stored + duplicate + rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// Records in the file.
    pub received: u64,
    /// Records that changed something.
    pub stored: u64,
    /// Records that were known already.
    pub duplicate: u64,
    /// Records that went to quarantine.
    pub rejected: u64,
    /// Why records were rejected: reason, how many, and one example (`file:row`).
    pub reasons: Vec<(String, u64, String)>,
}
