//! Reading events under a grant: parts by row group, in the order of people and time.

use arrow::record_batch::RecordBatch;
use spec::{Instant, Result};

/// Which events and properties to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanRequest {
    /// The events; `None`: all.
    pub events: Option<Vec<String>>,
    /// The properties, in the order of the columns.
    pub properties: Vec<String>,
    /// The first instant.
    pub from: Option<Instant>,
    /// The instant after the last.
    pub to: Option<Instant>,
}

/// One stretch of people; no other part of the same scan holds any of them.
pub struct ScanPart {}

/// The rows of a part that the grant and the request let through.
#[derive(Clone, Debug)]
pub struct PartRows {
    /// The rows.
    ///
    /// # Shape
    /// One row per event, in the order (person, time): `person` Int64, `ts` Timestamp(us, UTC), `event`
    /// Dictionary(Int32, Utf8), then the properties by their own name in the order asked (text as Dictionary(Int32,
    /// Utf8)). A property that no table has yet is a column of type Null.
    pub batch: RecordBatch,
    /// Rows decoded to find them.
    pub rows_decoded: u64,
    /// Bytes of the column chunks read.
    pub bytes: u64,
}

impl ScanPart {
    /// Reads and filters the part.
    pub fn read(&self) -> Result<PartRows> {
        Err(crate::error::vault("not written yet"))
    }
}
