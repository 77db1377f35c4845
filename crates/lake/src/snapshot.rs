//! One consistent state of the lake.

use crate::{ImportRecord, PlacePeople, PurposePeople, ScanPart, ScanRequest};
use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use policy::Grant;
use roaring::RoaringTreemap;
use spec::{ConsentState, LawRule, PersonId, Purpose, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One consistent state: it does not change when files come in later.
pub struct Snapshot {
    imports: Vec<ImportRecord>,
    known: RoaringTreemap,
}

impl Snapshot {
    /// The version of each table, by name.
    pub fn table_versions(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    /// The imports so far, oldest first.
    pub fn imports(&self) -> &[ImportRecord] {
        &self.imports
    }

    /// Everybody known.
    pub fn known(&self) -> &RoaringTreemap {
        &self.known
    }

    /// Who lives where; each person known is in exactly one place.
    pub fn places(&self) -> &[PlacePeople] {
        &[]
    }

    /// What a person last said about a purpose.
    pub fn state_of(&self, _person: PersonId, _purpose: &str) -> ConsentState {
        ConsentState::Silent
    }

    /// Who may be used for the purpose under these laws; remembered for this snapshot.
    pub fn people_for(&self, _purpose: &Purpose, _laws: &[LawRule]) -> Arc<PurposePeople> {
        Arc::new(PurposePeople { used: Arc::default(), withheld: BTreeMap::new() })
    }

    /// The days of the first and the last event; `None` without any.
    pub fn event_days(&self) -> Option<(NaiveDate, NaiveDate)> {
        None
    }

    /// The parts to read for a request, without those that cannot hold a row.
    pub fn scan_events(&self, _grant: &Grant, _request: &ScanRequest) -> Result<Vec<ScanPart>> {
        Ok(Vec::new())
    }

    /// The traits of the granted people.
    ///
    /// # Shape
    /// One row per granted person with any trait, ascending: `person` Int64, then one column per name in the order asked.
    pub fn traits(&self, _grant: &Grant, _names: &[String]) -> Result<RecordBatch> {
        Err(crate::error::vault("not written yet"))
    }

    /// The identifiers of a kind (`user_id`, or the name of a direct field), one per person asked.
    ///
    /// # Errors
    /// Denied unless the grant reaches to lists and holds the field as shown.
    pub fn identifiers(&self, _grant: &Grant, _kind: &str, _people: &[PersonId]) -> Result<Vec<Option<String>>> {
        Err(crate::error::vault("not written yet"))
    }

    /// A name for a person that differs per purpose and data folder: 16 hex digits.
    pub fn pseudonym(&self, _grant: &Grant, person: PersonId) -> String {
        format!("{:016x}", person.number())
    }
}
