//! A source with a contract, two keys and a log in memory whose records can be looked at.

use crate::{Intake, Places};
use api::{Call, Collector, Delivery, MessageOutcome, MessageReceipt, Receipt, Sender};
use lake::{AppendFile, Arrival, Clock, Files, IntakeLog, IntakeOptions, Message, SeededRandom};
use sha2::{Digest, Sha256};
use spec::{Contract, Door, Field, FieldClass, Instant, Key, KeyKind, Object, ObjectKind, Source, ValueType};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

pub(super) const PUBLIC: &str = "pk_0123456789abcdef0123456789abcdef";
pub(super) const SECRET: &str = "sk_0123456789abcdef0123456789abcdef";
/// 2026-11-22T12:00:00Z.
pub(super) const NOW: i64 = 1_795_348_800_000_000;

/// A collector, its log and its clock.
pub(super) struct World {
    pub(super) intake: Intake,
    pub(super) log: Arc<IntakeLog>,
    disk: MemoryFiles,
    clock: Arc<HandClock>,
}

impl World {
    pub(super) fn new() -> World {
        World::with(source(Door::default()))
    }

    pub(super) fn with(source: Source) -> World {
        World::at_places(source, None)
    }

    pub(super) fn at_places(source: Source, places: Option<Arc<Places>>) -> World {
        let disk = MemoryFiles::default();
        let options = IntakeOptions {
            segment_bytes_max: 1 << 30,
            log_bytes_max: 1 << 32,
            queue_bytes_max: 1 << 26,
            group_bytes_max: 1 << 24,
            next_min: 0,
            free_bytes_min: 0,
        };
        let random = Arc::new(SeededRandom::new(1));
        let (log, _) = IntakeLog::open(Box::new(disk.clone()), random, options).expect("the folder is empty");
        let log = Arc::new(log);
        let clock = Arc::new(HandClock(Mutex::new(NOW)));
        let intake = Intake::new(Arc::clone(&log), Arc::clone(&clock) as Arc<dyn Clock>, places);
        intake.set_rules(&[source], &[], &|_| false);
        World { intake, log, disk, clock }
    }

    /// Sends a delivery and waits for its receipt.
    pub(super) fn deliver(&self, delivery: Delivery) -> Receipt {
        let (told, heard) = channel();
        self.intake.take(delivery, Box::new(move |receipt| told.send(receipt).expect("somebody listens")));
        self.log.commit();
        let receipt = heard.try_recv().expect("it is told");
        assert!(heard.try_recv().is_err(), "it is told once");
        receipt
    }

    /// Sends a body with the public key.
    pub(super) fn send(&self, call: Call, body: &str) -> Receipt {
        self.deliver(delivery(call, Some(PUBLIC), body.as_bytes()))
    }

    /// Sends one message with the public key; what became of it.
    pub(super) fn one(&self, call: Call, body: &str) -> MessageReceipt {
        match self.send(call, body) {
            Receipt::Read(mut receipts) if receipts.len() == 1 => receipts.remove(0),
            other => panic!("one receipt was expected: {other:?}"),
        }
    }

    /// Sends a message that has nothing wrong with it; the record of it.
    pub(super) fn kept(&self, call: Call, body: &str) -> Message<'static> {
        let receipt = self.one(call, body);
        assert_eq!((receipt.outcome, receipt.faults), (MessageOutcome::Accepted, Vec::new()), "{body}");
        self.last_message()
    }

    /// All records of the log.
    pub(super) fn arrivals(&self) -> Vec<Arrival<'static>> {
        let records = self.disk.0.lock().expect("nothing panics while it is held").records.clone();
        let read = |record: Vec<u8>| Arrival::read(Vec::leak(record)).expect("the log holds records");
        records.into_iter().map(read).collect()
    }

    pub(super) fn last_message(&self) -> Message<'static> {
        match self.arrivals().pop() {
            Some(Arrival::Message(message)) => message,
            other => panic!("a message was expected: {other:?}"),
        }
    }

    /// Lets time pass.
    pub(super) fn wait(&self, micros: i64) {
        *self.clock.0.lock().expect("nothing panics while it is held") += micros;
    }

    /// From now on the disk takes nothing, or does again.
    pub(super) fn break_disk(&self, is_broken: bool) {
        self.disk.0.lock().expect("nothing panics while it is held").is_broken.store(is_broken, Ordering::Relaxed);
    }
}

pub(super) fn delivery(call: Call, key: Option<&str>, body: &[u8]) -> Delivery {
    Delivery {
        key: key.map(str::to_owned),
        is_key_in_url: false,
        call,
        body: body.to_vec(),
        sender: Sender {
            user_agent: Some("Browser/1".to_owned()),
            referrer: None,
            address: Some([192, 0, 2, 7].into()),
            refuses_sale: false,
        },
    }
}

/// The source `shop`.
pub(super) fn source(door: Door) -> Source {
    let objects = vec![
        object("order_completed", ObjectKind::Event, order_fields()),
        object("page", ObjectKind::Event, vec![text("name"), text("page_url"), text("utm_source")]),
        object("screen", ObjectKind::Event, vec![text("name")]),
        object("group", ObjectKind::Event, vec![text("group_id"), text("industry")]),
        object("customer", ObjectKind::Traits, vec![text("plan"), direct("email"), text("address_city")]),
    ];
    Source {
        name: "shop".to_owned(),
        title: "Shop".to_owned(),
        description: String::new(),
        contract_path: "contracts/shop.yaml".to_owned(),
        contract: Contract {
            id: "shop".to_owned(),
            version: "1.2.0".to_owned(),
            status: "active".to_owned(),
            description: String::new(),
            owner: None,
            objects,
            freshness: None,
            error_rate_max: None,
            door,
            terms: spec::Terms::default(),
        },
        files: Vec::new(),
        keys: vec![key("web", KeyKind::Public, PUBLIC), key("server", KeyKind::Secret, SECRET)],
    }
}

pub(super) fn key(name: &str, kind: KeyKind, text: &str) -> Key {
    Key {
        name: name.to_owned(),
        kind,
        digest: Sha256::digest(text).into(),
        text: (kind == KeyKind::Public).then(|| text.to_owned()),
        events_per_second_max: 1_000_000,
        events_per_day_max: 1_000_000_000,
        signers: Vec::new(),
    }
}

fn order_fields() -> Vec<Field> {
    let typed = |name: &str, value_type| Field { value_type, ..text(name) };
    vec![
        Field { length_max: 20, ..text("order_id") },
        Field { required: true, ..typed("revenue", ValueType::Decimal { scale: 2 }) },
        typed("items", ValueType::Integer),
        typed("weight", ValueType::Number),
        typed("is_gift", ValueType::Boolean),
        typed("due", ValueType::Date),
        typed("paid_at", ValueType::Timestamp),
        direct("email"),
        text("address_city"),
        text("utm_source"),
        text("utm_campaign"),
        text("gclid"),
        text("page_path"),
        text("referrer_domain"),
        text("user_agent"),
        text("library"),
        text("ip"),
    ]
}

pub(super) fn object(name: &str, kind: ObjectKind, fields: Vec<Field>) -> Object {
    let system = ["user_id", "time", "message_id"].map(text);
    Object {
        name: name.to_owned(),
        title: name.to_owned(),
        description: String::new(),
        past: String::new(),
        base: String::new(),
        kind,
        person_column: "user_id".to_owned(),
        person_prefix: "shop-".to_owned(),
        time_column: Some("time".to_owned()),
        message_id_column: Some("message_id".to_owned()),
        fields: system.into_iter().chain(fields).collect(),
    }
}

pub(super) fn text(name: &str) -> Field {
    Field {
        name: name.to_owned(),
        title: name.to_owned(),
        description: String::new(),
        value_type: ValueType::Text,
        unit: None,
        required: false,
        is_key: false,
        length_max: 200,
        class: FieldClass::None,
        purposes: Vec::new(),
    }
}

fn direct(name: &str) -> Field {
    Field { class: FieldClass::Direct, ..text(name) }
}

/// A clock that is moved by hand.
struct HandClock(Mutex<i64>);

impl Clock for HandClock {
    fn now(&self) -> Instant {
        let micros = *self.0.lock().expect("nothing panics while it is held");
        Instant::from_timestamp_micros(micros).expect("it is in the calendar")
    }
}

/// A disk in memory that remembers the records of each group.
#[derive(Clone, Default)]
struct MemoryFiles(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    files: BTreeMap<String, Vec<u8>>,
    records: Vec<Vec<u8>>,
    is_broken: AtomicBool,
}

struct MemoryFile {
    disk: MemoryFiles,
    name: String,
}

impl Files for MemoryFiles {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().expect("nothing panics while it is held").files.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>> {
        self.0.lock().expect("nothing panics while it is held").files.insert(name.to_owned(), Vec::new());
        Ok(Box::new(MemoryFile { disk: self.clone(), name: name.to_owned() }))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let disk = self.0.lock().expect("nothing panics while it is held");
        let bytes = disk.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        let from = usize::try_from(offset).expect("files are small").min(bytes.len());
        Ok(bytes[from..(from + length).min(bytes.len())].to_vec())
    }

    fn sync(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().expect("nothing panics while it is held").files.remove(name);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn note(&self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn noted(&self) -> Option<Vec<u8>> {
        None
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }
}

impl AppendFile for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        /// The head of a group; its records follow, each after its length.
        const HEAD_BYTES: usize = 28;
        let mut disk = self.disk.0.lock().expect("nothing panics while it is held");
        if disk.is_broken.load(Ordering::Relaxed) {
            return Err(io::Error::other("the disk is broken"));
        }
        if bytes.starts_with(b"EGRP") {
            let mut rest = &bytes[HEAD_BYTES..];
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let (record, next) = after.split_at(usize::try_from(u32::from_le_bytes(*length)).expect("it is small"));
                disk.records.push(record.to_vec());
                rest = next;
            }
        }
        disk.files.entry(self.name.clone()).or_default().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
