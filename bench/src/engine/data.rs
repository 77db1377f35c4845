//! The data that engines are measured on: what many people did in 90 days, made from a seed and written as Parquet.
//!
//! Activity follows Zipf's law with a flat top: the person of rank r does events in proportion to 1 / (r + 100). Everything
//! about an event follows from the seed, the person and the event's place among theirs, so that any two runs agree.

use arrow::array::{
    ArrayRef, Decimal128Builder, DictionaryArray, Int32Builder, Int64Builder, RecordBatch, StringArray,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xtask::shell::Result;

/// Names of events, and how many in a thousand each is.
pub(super) const EVENTS: [(&str, u64); 12] = [
    ("page_viewed", 420),
    ("product_viewed", 200),
    ("product_searched", 90),
    ("product_added", 80),
    ("checkout_started", 45),
    ("order_completed", 30),
    ("email_opened", 45),
    ("email_clicked", 20),
    ("ad_clicked", 25),
    ("experiment_viewed", 25),
    ("signed_in", 15),
    ("support_asked", 5),
];

/// 2026-01-01T00:00:00Z, when the days begin.
pub(super) const START_MICROS: i64 = 1_767_225_600_000_000;
/// How many days there are.
pub(super) const N_DAYS: i64 = 90;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// How flat the top of Zipf's law is.
const FLAT_TOP: f64 = 100.0;
/// Of a hundred people so many allow the purpose.
const PERCENT_ALLOWING: u64 = 70;
/// Rows of a batch.
const ROWS_PER_BATCH: usize = 64 * 1024;

/// What to make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) n_events: u64,
    pub(super) n_people: u64,
    pub(super) seed: u64,
}

/// Text properties of events: name, number of values, and how many in a hundred events have one.
pub(super) const TEXTS: [(&str, i32, u64); 7] = [
    ("campaign", 20, 60),
    ("channel", 8, 100),
    ("country", 30, 100),
    ("device", 3, 100),
    ("browser", 6, 100),
    ("page_path", 1_000, 100),
    ("variant", 3, 100),
];

/// Writes a file of each event, one of traits and one of consents; gives how many events there are.
///
/// With `only_granted` nobody who does not allow the purpose did anything.
pub(super) fn write(size: Size, only_granted: bool, folder: &Path) -> Result<u64> {
    let mut files = Vec::new();
    for (name, _) in EVENTS {
        files.push(EventFile::create(&path_of(folder, name))?);
    }
    let mut n_events = 0;
    let people = (0..size.n_people).filter(|person| !only_granted || allows(word_of(size, *person)));
    for person in people {
        let mut random = Random(mixed(size.seed ^ mixed(person + 1)));
        let n_own = activity(size, person);
        let at_home = Home { country: random.below(30), variant: random.below(3) };
        for _ in 0..n_own {
            let event = pick(random.below(1_000));
            files[event].push(person, at_home, &mut random)?;
        }
        n_events += n_own;
    }
    for file in files {
        file.finish()?;
    }
    write_people(size, folder)?;
    Ok(n_events)
}

/// Where a file lies.
pub(super) fn path_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.parquet"))
}

/// How many events a person has: the law gives the share of each rank, and ranks are spread over people.
fn activity(size: Size, person: u64) -> u64 {
    let (n_people, top) = (size.n_people as f64, FLAT_TOP);
    let all = ((n_people + top) / top).ln();
    // Any odd factor without a common divisor makes a permutation.
    let rank = (u128::from(person) * 7_368_787 % u128::from(size.n_people)) as f64;
    let share = 1.0 / (rank + top) / all;
    (share * size.n_events as f64).round().max(1.0) as u64
}

fn pick(in_thousand: u64) -> usize {
    let mut rest = in_thousand;
    for (index, (_, weight)) in EVENTS.iter().enumerate() {
        if rest < *weight {
            return index;
        }
        rest -= weight;
    }
    EVENTS.len() - 1
}

/// What stays the same in all events of a person.
#[derive(Clone, Copy)]
struct Home {
    country: u64,
    variant: u64,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
}

fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// One event's file while it is written.
struct EventFile {
    writer: Writer,
    people: Int64Builder,
    times: TimestampMicrosecondBuilder,
    texts: [Int32Builder; TEXTS.len()],
    product: Int64Builder,
    price: Decimal128Builder,
    quantity: Int64Builder,
    n_rows: usize,
}

impl EventFile {
    fn create(path: &Path) -> Result<EventFile> {
        let mut fields = vec![
            Field::new("person", DataType::Int64, false),
            Field::new("ts", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        ];
        fields.extend(TEXTS.map(|(name, ..)| Field::new(name, dictionary(), true)));
        fields.extend([
            Field::new("product_id", DataType::Int64, true),
            Field::new("price", DataType::Decimal128(12, 2), true),
            Field::new("quantity", DataType::Int64, true),
        ]);
        Ok(EventFile {
            writer: Writer::create(path, fields)?,
            people: Int64Builder::new(),
            times: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            texts: std::array::from_fn(|_| Int32Builder::new()),
            product: Int64Builder::new(),
            price: Decimal128Builder::new().with_data_type(DataType::Decimal128(12, 2)),
            quantity: Int64Builder::new(),
            n_rows: 0,
        })
    }

    fn push(&mut self, person: u64, home: Home, random: &mut Random) -> Result<()> {
        self.people.append_value(person as i64);
        let at = random.below((N_DAYS * MICROS_PER_DAY) as u64) as i64;
        // Whole milliseconds, as clients send them.
        self.times.append_value(START_MICROS + at / 1_000 * 1_000);
        for ((name, n_values, percent), text) in TEXTS.iter().zip(&mut self.texts) {
            let value = match *name {
                "country" => home.country,
                "variant" => home.variant,
                // The first values are the most common.
                _ => random.below(*n_values as u64).min(random.below(*n_values as u64)),
            };
            let is_there = random.below(100) < *percent;
            text.append_option(is_there.then_some(value as i32));
        }
        self.product.append_value(random.below(10_000) as i64);
        self.price.append_value(i128::from(99 + random.below(20_000)));
        self.quantity.append_value(1 + random.below(5) as i64);
        self.n_rows += 1;
        if self.n_rows == ROWS_PER_BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.people.finish()), Arc::new(self.times.finish())];
        for ((name, n_values, _), keys) in TEXTS.iter().zip(&mut self.texts) {
            columns.push(texts(keys, name, *n_values)?);
        }
        columns.push(Arc::new(self.product.finish()));
        columns.push(Arc::new(self.price.finish()));
        columns.push(Arc::new(self.quantity.finish()));
        self.n_rows = 0;
        self.writer.write(columns)
    }

    fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.writer.finish()
    }
}

/// What the seed says of a person: their plan, and whether they allow the purpose.
fn word_of(size: Size, person: u64) -> u64 {
    mixed(size.seed ^ mixed(person + 1) ^ 1)
}

fn allows(word: u64) -> bool {
    (word >> 8) % 100 < PERCENT_ALLOWING
}

/// Traits of everybody, and what those say who allow the purpose.
fn write_people(size: Size, folder: &Path) -> Result<()> {
    let people = || (0..size.n_people).map(|person| (person, word_of(size, person)));
    let mut plans = Int32Builder::new();
    let mut everybody = Int64Builder::new();
    let mut allowing = Int64Builder::new();
    for (person, word) in people() {
        everybody.append_value(person as i64);
        plans.append_value((word % 3) as i32);
        if allows(word) {
            allowing.append_value(person as i64);
        }
    }
    let plan = Field::new("plan", dictionary(), true);
    let mut traits = Writer::create(&path_of(folder, "profile"), vec![person_field(), plan])?;
    traits.write(vec![Arc::new(everybody.finish()), texts(&mut plans, "plan", 3)?])?;
    traits.finish()?;
    let allowing = allowing.finish();
    let same = |text: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(vec![text; allowing.len()])) };
    let said = TimestampMicrosecondBuilder::with_capacity(allowing.len());
    let mut said = said.with_timezone("UTC");
    said.append_value_n(START_MICROS, allowing.len());
    let fields = vec![
        person_field(),
        Field::new("ts", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        Field::new("purpose", DataType::Utf8, false),
        Field::new("state", DataType::Utf8, false),
    ];
    let mut consents = Writer::create(&path_of(folder, "consent"), fields)?;
    let columns: Vec<ArrayRef> =
        vec![Arc::new(allowing.clone()), Arc::new(said.finish()), same(super::workspace::PURPOSE), same("granted")];
    consents.write(columns)?;
    consents.finish()
}

fn person_field() -> Field {
    Field::new("person", DataType::Int64, false)
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// `name-000`, `name-001`...
fn texts(keys: &mut Int32Builder, name: &str, n_values: i32) -> Result<ArrayRef> {
    let values = StringArray::from_iter_values((0..n_values).map(|value| format!("{name}-{value:03}")));
    let array = DictionaryArray::<Int32Type>::try_new(keys.finish(), Arc::new(values));
    Ok(Arc::new(array.map_err(|error| error.to_string())?))
}

/// A Parquet file.
struct Writer {
    schema: SchemaRef,
    writer: ArrowWriter<File>,
}

impl Writer {
    fn create(path: &Path, fields: Vec<Field>) -> Result<Writer> {
        let schema = Arc::new(Schema::new(fields));
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties));
        Ok(Writer { schema, writer: writer.map_err(|error| error.to_string())? })
    }

    fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| error.to_string())?;
        self.writer.write(&batch).map_err(|error| error.to_string())
    }

    fn finish(self) -> Result<()> {
        self.writer.close().map(drop).map_err(|error| error.to_string())
    }
}
