//! A lake in a temporary folder, small contracts, and views of what is in it.

use crate::{Clock, ImportFile, ImportReport, Lake, LakeOptions, ScanPart, ScanRequest, SeededRandom, Snapshot};
use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use policy::{FieldUse, Grant};
use roaring::RoaringTreemap;
use spec::{
    Basis, Field, FieldClass, FieldRef, Instant, Law, Mask, Object, ObjectKind, Purpose, Release, Result, Role,
    ValueType,
};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const HOT_BYTES: usize = 64 << 20;

pub(crate) struct Fixture {
    pub(crate) lake: Lake,
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<HandClock>,
    /// Another one each time that the folder is opened: two files never have the same name.
    pub(crate) seed: u64,
}

/// A clock that stands still until somebody moves it.
pub(crate) struct HandClock(pub(crate) Mutex<Instant>);

impl Clock for HandClock {
    fn now(&self) -> Instant {
        *self.0.lock().expect("nobody panics while holding it")
    }
}

impl Fixture {
    pub(crate) fn new() -> Fixture {
        Fixture::with_memory(64 << 20)
    }

    pub(crate) fn with_memory(memory_bytes_max: usize) -> Fixture {
        let folder = TempDir::new().expect("there is a folder for temporary files");
        Fixture::in_folder(folder, 1, memory_bytes_max)
    }

    /// With room for so many bytes of decoded columns.
    pub(crate) fn with_hot_columns(hot_bytes_max: usize) -> Fixture {
        let folder = TempDir::new().expect("there is a folder for temporary files");
        let clock = Arc::new(HandClock(Mutex::new(at("2018-01-01T00:00:00Z"))));
        let lake = open_by(&clock, &folder, 1, (64 << 20, hot_bytes_max)).expect("the folder opens");
        Fixture { lake, folder, clock, seed: 1 }
    }

    /// A lake in a folder that may hold one.
    pub(crate) fn in_folder(folder: TempDir, seed: u64, memory_bytes_max: usize) -> Fixture {
        let clock = Arc::new(HandClock(Mutex::new(at("2018-01-01T00:00:00Z"))));
        let lake = open_by(&clock, &folder, seed, (memory_bytes_max, HOT_BYTES)).expect("the folder opens");
        Fixture { lake, folder, clock, seed }
    }

    /// The same folder opened anew.
    pub(crate) fn reopened(self) -> Fixture {
        let Fixture { lake, folder, clock, seed } = self;
        drop(lake);
        let seed = seed + 1;
        let lake = open_by(&clock, &folder, seed, (64 << 20, HOT_BYTES)).expect("the folder opens again");
        Fixture { lake, folder, clock, seed }
    }

    pub(crate) fn import(&self, object: &Object, file_name: &str, bytes: &[u8]) -> Result<ImportReport> {
        let path = self.folder.path().join(format!("input-{file_name}"));
        std::fs::write(&path, bytes).expect("the folder can be written");
        let declared = [object];
        let declared = if object.kind == ObjectKind::Event { declared.as_slice() } else { &[] };
        let file = ImportFile { source: "shop", object, declared, path: &path, file_name };
        self.lake.import(&file, &|_, _| {})
    }
}

pub(crate) fn open(folder: &TempDir, seed: u64, memory_bytes_max: usize) -> Result<Lake> {
    let clock = Arc::new(HandClock(Mutex::new(at("2018-01-01T00:00:00Z"))));
    open_by(&clock, folder, seed, (memory_bytes_max, HOT_BYTES))
}

fn open_by(
    clock: &Arc<HandClock>,
    folder: &TempDir,
    seed: u64,
    (memory_bytes_max, hot_bytes_max): (usize, usize),
) -> Result<Lake> {
    Lake::open(LakeOptions {
        hot_bytes_max,
        folder: &folder.path().join("data"),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        random: Arc::new(SeededRandom::new(seed)),
        memory_bytes_max,
    })
}

pub(crate) fn at(text: &str) -> Instant {
    text.parse().expect("the test writes a time")
}

pub(crate) fn field(name: &str, value_type: ValueType, required: bool) -> Field {
    Field {
        name: name.to_owned(),
        title: name.to_owned(),
        description: String::new(),
        value_type,
        unit: None,
        required,
        is_key: false,
        length_max: 20,
        class: FieldClass::None,
        purposes: vec!["analytics".to_owned()],
    }
}

pub(crate) fn object(name: &str, kind: ObjectKind, time: Option<&str>, fields: Vec<Field>) -> Object {
    Object {
        name: name.to_owned(),
        title: name.to_owned(),
        description: String::new(),
        past: String::new(),
        base: String::new(),
        kind,
        person_column: "customer".to_owned(),
        person_prefix: "customer-".to_owned(),
        time_column: time.map(str::to_owned),
        message_id_column: None,
        fields,
    }
}

/// An event with an amount and a shop, perhaps with an id.
pub(crate) fn purchase(has_id: bool) -> Object {
    let mut fields = vec![
        field("customer", ValueType::Text, true),
        field("at", ValueType::Timestamp, true),
        field("amount", ValueType::Decimal { scale: 2 }, true),
        field("shop", ValueType::Text, false),
    ];
    if has_id {
        fields.push(field("id", ValueType::Text, true));
    }
    let message_id_column = has_id.then(|| "id".to_owned());
    Object { message_id_column, ..object("purchase", ObjectKind::Event, Some("at"), fields) }
}

pub(crate) fn purpose(name: &str, basis: Basis) -> Purpose {
    Purpose {
        name: name.to_owned(),
        title: name.to_owned(),
        description: String::new(),
        basis: Law::ALL.into_iter().map(|law| (law, basis)).collect(),
        min_group: 0,
        signals: spec::Signals::default(),
        limits: spec::AnswerLimits::default(),
    }
}

pub(crate) fn grant(people: RoaringTreemap, fields: &[FieldRef]) -> Grant {
    grant_of(people, fields, Release::Aggregate, FieldClass::None)
}

pub(crate) fn grant_of(people: RoaringTreemap, fields: &[FieldRef], release: Release, class: FieldClass) -> Grant {
    let purposes = ["analytics".to_owned()];
    let only_shown = class == FieldClass::Direct;
    let uses: Vec<FieldUse<'_>> =
        fields.iter().map(|field| FieldUse { field: field.clone(), class, purposes: &purposes, only_shown }).collect();
    let role = Role {
        name: "analyst".to_owned(),
        title: "Analyst".to_owned(),
        purposes: [("analytics".to_owned(), Release::List)].into(),
        masks: [(FieldClass::None, Mask::Show), (FieldClass::Direct, Mask::Show)].into(),
        sees_cost: true,
        may_import: true,
        may_define: true,
        sees_audit: false,
        edits: Vec::new(),
    };
    let purpose = purpose("analytics", Basis::LegitimateInterest);
    let request = policy::Request {
        role: &role,
        purpose: &purpose,
        release,
        fields: &uses,
        shows: policy::Shows::Figures,
        people: Arc::new(people),
        until: at("2030-01-01T00:00:00Z"),
    };
    policy::decide(&request).expect("nothing stands against it")
}

/// All events as text, in the order of the scan.
pub(crate) fn events(fixture: &Fixture, object: &Object) -> Vec<String> {
    events_of(&fixture.lake.snapshot(), object)
}

pub(crate) fn events_of(snapshot: &Snapshot, object: &Object) -> Vec<String> {
    let is_property = |field: &&Field| !["customer", "at", "id"].contains(&field.name.as_str());
    let properties: Vec<String> = object.fields.iter().filter(is_property).map(|field| field.name.clone()).collect();
    if snapshot.known().is_empty() {
        return Vec::new();
    }
    let fields: Vec<FieldRef> = properties.iter().cloned().map(FieldRef::Property).collect();
    let grant = grant(snapshot.known().clone(), &fields);
    let request = ScanRequest { properties, ..ScanRequest::default() };
    let parts = snapshot.scan_events(&grant, &request).expect("the columns are granted");
    let mut rows = Vec::new();
    for part in parts {
        let batch = batch_of(&part);
        for row in 0..batch.num_rows() {
            rows.push(row_text(&batch, row));
        }
    }
    rows
}

/// The granted rows of a part: person, time, event, then the properties.
pub(crate) fn batch_of(part: &ScanPart) -> RecordBatch {
    let stretch = part.stretch().expect("the file is whole");
    let rows = || stretch.people().iter().flat_map(|person| person.rows());
    let people = stretch.people().iter().flat_map(|person| person.rows().map(|_| person.person()));
    let names = rows().map(|row| stretch.events().text(row).expect("every event has a name"));
    let first: [ArrayRef; 3] = [
        Arc::new(people.collect::<Int64Array>()),
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows().map(|row| stretch.time(row))).with_timezone("UTC")),
        Arc::new(names.map(Some).collect::<StringArray>()),
    ];
    let property =
        |place: usize| stretch.property(place).array(rows().map(Some)).expect("every column can be picked from");
    let columns = first.into_iter().chain((0..stretch.n_properties()).map(property));
    let named = columns.enumerate().map(|(place, column)| (place.to_string(), column, true));
    RecordBatch::try_from_iter_with_nullable(named).expect("columns have equal lengths")
}

/// A trait of everybody in a grant, in their order.
pub(crate) fn trait_of(snapshot: &Snapshot, grant: &Grant, name: &str) -> Result<ArrayRef> {
    let traits = snapshot.traits(grant, &[name.to_owned()])?;
    let column = traits.column(name).expect("it was asked for");
    column.array(traits.everybody((i64::MIN, i64::MAX), usize::MAX).1.into_iter())
}

pub(crate) fn row_text(batch: &RecordBatch, row: usize) -> String {
    batch.columns().iter().map(|column| text_of(column, row)).collect::<Vec<_>>().join("|")
}

pub(crate) fn text_of(column: &ArrayRef, row: usize) -> String {
    array_value_to_string(column, row).expect("every type has a text")
}

pub(crate) fn people_in(batch: &RecordBatch) -> Vec<i64> {
    batch.column(0).as_primitive::<Int64Type>().values().to_vec()
}
