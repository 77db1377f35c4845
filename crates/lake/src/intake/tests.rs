//! Histories of the log with faults and losses of power, and the log on a real disk.

mod damage;

use super::simulated::SimulatedFiles;
use super::{AppendFile, DiskFiles, Files, IntakeLog, IntakeOptions, Recovered};
use crate::SeededRandom;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, Weak};

const OPTIONS: IntakeOptions = IntakeOptions {
    segment_bytes_max: 2_000,
    log_bytes_max: 1 << 20,
    queue_bytes_max: 1 << 16,
    group_bytes_max: 600,
    next_min: 0,
    free_bytes_min: 0,
};
/// Histories of a run; `ENTENTE_SEEDS` sets another number, `ENTENTE_SEED` the first one's seed.
const SEEDS: u64 = 2_000;

/// What became of each submission: its records, and the first one's number if it was acknowledged.
type Acked = Arc<Mutex<BTreeMap<u64, Vec<u8>>>>;

/// A log, the disk under it, and what it promised.
struct History {
    seed: u64,
    files: SimulatedFiles,
    log: IntakeLog,
    acked: Acked,
    n_submitted: u64,
    released: u64,
}

impl History {
    fn new(seed: u64) -> History {
        let files = SimulatedFiles::new(seed, 60);
        let (log, _) = open(&files, seed);
        History { seed, files, log, acked: Acked::default(), n_submitted: 0, released: 0 }
    }

    fn submit(&mut self) {
        let n_records = 1 + self.files.below(4);
        let records: Vec<Vec<u8>> = (0..n_records)
            .map(|_| {
                self.n_submitted += 1;
                let filler = usize::try_from(self.files.below(200)).expect("it is small");
                format!("{} {} {}", self.seed, self.n_submitted, "x".repeat(filler)).into_bytes()
            })
            .collect();
        let (acked, kept, seed) = (Arc::clone(&self.acked), records.clone(), self.seed);
        let done = Box::new(move |result: spec::Result<u64>| {
            let Ok(first) = result else { return };
            let mut acked = acked.lock().expect("no test fails while it holds this");
            for (at, record) in (first..).zip(kept) {
                assert_eq!(acked.insert(at, record), None, "seed {seed}: number {at} was given twice");
            }
        });
        // A full queue is an answer too.
        let _ = self.log.submit(records, done);
    }

    fn crash(&mut self) {
        self.files.crash();
        let (log, recovered) = open(&self.files, self.seed + self.n_submitted);
        assert_eq!((recovered.damaged_bytes, recovered.n_missing), (0, 0), "seed {}: {recovered:?}", self.seed);
        self.log = log;
        self.check();
    }

    /// Everything acknowledged and not released is there once, under its number, in order.
    fn check(&self) {
        let read = self.log.read(self.released, usize::MAX).expect("the disk can be read");
        let numbers: Vec<u64> = read.iter().map(|(at, _)| *at).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "seed {}: {numbers:?}", self.seed);
        let read: BTreeMap<u64, Vec<u8>> = read.into_iter().collect();
        for (at, record) in self.acked.lock().expect("as above").range(self.released..) {
            assert_eq!(read.get(at), Some(record), "seed {}: number {at} was acknowledged", self.seed);
        }
    }

    fn release(&mut self) {
        let until = self.files.below(self.log.next() + 1).max(self.released);
        self.log.release(until).expect("files can be removed");
        self.released = until;
    }
}

fn open(files: &SimulatedFiles, seed: u64) -> (IntakeLog, Recovered) {
    let random = Arc::new(SeededRandom::new(seed));
    IntakeLog::open(Box::new(files.clone()), random, OPTIONS).expect("a log always opens")
}

#[test]
fn what_was_acknowledged_survives_faults_and_losses_of_power() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (n_seeds, first) = (number("ENTENTE_SEEDS").unwrap_or(SEEDS), number("ENTENTE_SEED").unwrap_or(0));
    let mut n_acked = 0;
    for seed in first..first + n_seeds {
        let mut history = History::new(seed);
        for _ in 0..60 {
            match history.files.below(20) {
                0..=8 => history.submit(),
                9..=16 => {
                    history.log.commit();
                }
                17 => history.check(),
                18 => history.release(),
                _ => history.crash(),
            }
        }
        // Once the faults are over, it takes and acknowledges again.
        history.files.set_faults(0);
        while history.log.commit() {}
        let n_before = history.acked.lock().expect("as above").len();
        history.submit();
        assert!(history.log.commit(), "seed {seed}: what was submitted waits");
        assert!(history.acked.lock().expect("as above").len() > n_before, "seed {seed}: nothing was acknowledged");
        history.crash();
        n_acked += history.acked.lock().expect("as above").len();
    }
    println!("{n_seeds} histories, {n_acked} records acknowledged and found");
    assert!(n_acked as u64 > n_seeds * 10, "most histories acknowledge something");
}

#[test]
fn a_bit_that_flips_costs_its_group_and_no_other() {
    for seed in 0..100 {
        let mut history = History::new(seed);
        history.files.set_faults(0);
        for _ in 0..10 {
            history.submit();
            history.log.commit();
        }
        let all = history.log.read(0, usize::MAX).expect("the disk can be read").len() as u64;
        let first = history.log.read(0, 1).expect("the disk can be read").len();
        assert!((1..=4).contains(&first), "seed {seed}: reading ends after a group with enough");
        let Some(at) = history.files.rot() else { continue };
        let (log, recovered) = open(&history.files, seed);
        assert_eq!(recovered.next, all, "seed {seed}, byte {at}: {recovered:?}");
        assert!((1..=4).contains(&recovered.n_missing) && recovered.damaged_bytes > 0, "seed {seed}: {recovered:?}");
        let left = log.read(0, usize::MAX).expect("the disk can be read").len() as u64;
        assert_eq!(left, all - recovered.n_missing, "seed {seed}: only the damaged group is gone");
    }
}

#[test]
fn a_group_written_into_a_record_is_no_group() {
    let files = SimulatedFiles::new(1, 0);
    let (log, _) = open(&files, 1);
    // Whoever does not know the segment's salt cannot make one that counts.
    let forged = super::format::group(0, 1, &[b"forged".to_vec()]);
    let (sender, answers) = channel();
    for record in [forged.clone(), forged, b"last".to_vec()] {
        let sender = sender.clone();
        log.submit(vec![record], Box::new(move |result| sender.send(result.expect("it is kept")).expect("heard")))
            .expect("there is room");
        log.commit();
    }
    assert_eq!(answers.try_iter().collect::<Vec<u64>>(), [0, 1, 2]);
    assert!(files.rot().is_some());
    let (log, recovered) = open(&files, 2);
    let left = log.read(0, usize::MAX).expect("the disk can be read");
    assert_eq!((recovered.next, recovered.n_missing), (3, 1));
    assert!(left.iter().all(|(_, record)| record != b"forged"));
}

#[test]
fn bounds_are_kept() {
    let files = SimulatedFiles::new(1, 0);
    let random = Arc::new(SeededRandom::new(1));
    let options = IntakeOptions { log_bytes_max: 5_000, queue_bytes_max: 3_000, ..OPTIONS };
    let (log, _) = IntakeLog::open(Box::new(files), random, options).expect("a log always opens");
    let submit = |n_bytes: usize| log.submit(vec![vec![7; n_bytes]], Box::new(drop));
    assert_eq!(submit(2 << 20).expect_err("it is too large").kind, spec::ErrorKind::Invalid);
    assert_eq!(log.submit(Vec::new(), Box::new(drop)).expect_err("it is nothing").kind, spec::ErrorKind::Invalid);
    submit(2_900).expect("there is room");
    assert_eq!(submit(200).expect_err("the queue is full").kind, spec::ErrorKind::Unavailable);
    assert!(log.commit());
    assert_eq!(submit(2_900).expect_err("the log is full").kind, spec::ErrorKind::Unavailable);
    submit(1_000).expect("there is room for less");
    assert!(log.commit() && !log.commit());
    // The first segment is full, so the second one holds the second record.
    assert_eq!(log.release(1).expect("files can be removed"), 1);
    assert_eq!(log.read(0, usize::MAX).expect("the disk can be read").len(), 1);
    submit(2_900).expect("there is room again");
    log.close();
    assert_eq!(submit(1).expect_err("it is closed").kind, spec::ErrorKind::Unavailable);
}

#[test]
fn what_a_start_finds_is_on_the_disk_before_anybody_reads_it() {
    let mut written = None;
    for seed in 0..1_000 {
        let files = SimulatedFiles::new(seed, 500);
        let (log, _) = open(&files, seed);
        // Where a sync fails, the record may be written although nobody was promised anything.
        log.submit(vec![b"one".to_vec()], Box::new(drop)).expect("there is room");
        log.commit();
        files.set_faults(0);
        let (again, recovered) = open(&files, seed);
        if log.next() == 0 && recovered.next == 1 {
            assert_eq!(again.read(0, 1 << 20).expect("it can be read").len(), 1);
            files.crash();
            let (after, _) = open(&files, seed);
            assert_eq!(after.read(0, 1 << 20).expect("it can be read").len(), 1, "seed {seed}: it was read before");
            written = Some(seed);
        }
    }
    assert!(written.is_some(), "no seed leaves a record that nobody was promised");
}

#[test]
fn a_segment_that_loses_its_end_is_noticed() {
    let mut history = History::new(1);
    history.files.set_faults(0);
    for _ in 0..3 {
        history.submit();
        history.log.commit();
    }
    let (next, n_before) = (history.log.next(), history.log.read(0, usize::MAX).expect("it is whole").len() as u64);
    history.files.cut_end(3);
    let (log, recovered) = open(&history.files, 2);
    assert_eq!(recovered.next, next, "no number is given twice");
    assert!(recovered.n_missing > 0 && recovered.damaged_bytes > 0 && recovered.torn_bytes == 0, "{recovered:?}");
    assert_eq!(log.read(0, usize::MAX).expect("it can be read").len() as u64, n_before - recovered.n_missing);
}

#[test]
fn a_disk_that_is_nearly_full_is_left_to_those_who_ask() {
    let files = SimulatedFiles::new(1, 0);
    let options = IntakeOptions { free_bytes_min: 1_000, ..OPTIONS };
    let (log, _) = IntakeLog::open(Box::new(files.clone()), Arc::new(SeededRandom::new(1)), options).expect("it opens");
    let (sender, answers) = channel();
    let submit = || {
        let sender = sender.clone();
        log.submit(vec![b"one".to_vec()], Box::new(move |result| sender.send(result.is_ok()).expect("heard")))
            .expect("the queue has room");
        log.commit();
    };
    for (free_bytes, is_taken) in [(1_000, true), (999, false), (0, false), (5_000, true)] {
        files.set_room(free_bytes);
        submit();
        assert_eq!(answers.try_recv(), Ok(is_taken), "{free_bytes} bytes are left");
    }
}

#[test]
fn many_senders_share_a_disk() {
    let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
    let open = || {
        let files = DiskFiles::open(folder.path().join("intake")).expect("the folder can be made");
        let options = IntakeOptions {
            segment_bytes_max: 50_000,
            log_bytes_max: 1 << 30,
            queue_bytes_max: 1 << 20,
            group_bytes_max: 1 << 16,
            next_min: 0,
            free_bytes_min: 0,
        };
        IntakeLog::open(Box::new(files), Arc::new(SeededRandom::new(3)), options).expect("a log always opens")
    };
    let (log, recovered) = open();
    assert_eq!(recovered, Recovered::default());
    let numbers: Vec<u64> = std::thread::scope(|scope| {
        scope.spawn(|| log.run());
        let sender = |name: u64| {
            let log = &log;
            move || -> Vec<u64> {
                let answers: Vec<Receiver<u64>> = (0..100)
                    .map(|index| {
                        let (sender, answer) = channel();
                        let done = Box::new(move |result: spec::Result<u64>| {
                            sender.send(result.expect("the disk keeps it")).expect("the sender waits")
                        });
                        log.submit(vec![format!("{name} {index}").into_bytes(); 3], done).expect("there is room");
                        answer
                    })
                    .collect();
                answers.into_iter().map(|answer| answer.recv().expect("each is answered")).collect()
            }
        };
        let senders: Vec<_> = (0..4).map(|name| scope.spawn(sender(name))).collect();
        let numbers = senders.into_iter().flat_map(|sender| sender.join().expect("no sender fails")).collect();
        log.close();
        numbers
    });
    assert_eq!(numbers.len(), 400);
    drop(log);
    let (log, recovered) = open();
    assert_eq!((recovered.next, recovered.torn_bytes, recovered.n_missing), (1_200, 0, 0));
    let read = log.read(600, usize::MAX).expect("the disk can be read");
    assert!(read[0].0 == 600 && read.len() == 600, "reading starts where it is asked to");
}

/// Files whose syncs are a moment at which somebody else reads the log.
struct WatchedFiles {
    files: DiskFiles,
    /// The log on these files, once it is open, and what was read of it.
    reader: Arc<Mutex<Reader>>,
}

#[derive(Default)]
struct Reader {
    log: Weak<IntakeLog>,
    /// It reads at each so many-th sync, so that it is behind at times.
    every: u64,
    n_syncs: u64,
    next: u64,
    found: Vec<u64>,
}

struct WatchedFile {
    file: Box<dyn AppendFile>,
    reader: Arc<Mutex<Reader>>,
}

impl Reader {
    fn read(&mut self) {
        let Some(log) = self.log.upgrade() else { return };
        let found = log.read(self.next, 1 << 20).expect("the disk is whole");
        self.next = found.last().map_or(self.next, |(at, _)| at + 1);
        self.found.extend(found.into_iter().map(|(at, _)| at));
    }
}

impl Files for WatchedFiles {
    fn list(&self) -> io::Result<Vec<String>> {
        self.files.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(WatchedFile { file: self.files.create(name)?, reader: Arc::clone(&self.reader) }))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.files.read(name, offset, length)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.files.sync(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.files.sync_folder()
    }

    fn note(&self, bytes: &[u8]) -> io::Result<()> {
        self.files.note(bytes)
    }

    fn noted(&self) -> Option<Vec<u8>> {
        self.files.noted()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.files.free_bytes()
    }
}

impl AppendFile for WatchedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut reader = self.reader.lock().expect("no reading fails");
        reader.n_syncs += 1;
        if reader.n_syncs.is_multiple_of(reader.every) {
            reader.read();
        }
        drop(reader);
        self.file.sync()
    }
}

#[test]
fn reading_between_a_write_and_its_sync_skips_nothing() {
    // A group per segment, several, and all in one.
    for (segment_bytes_max, every) in [(1, 1), (1, 2), (1, 3), (400, 1), (400, 2), (400, 3), (1 << 20, 2)] {
        let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
        let files = DiskFiles::open(folder.path().to_owned()).expect("the folder can be made");
        let reader = Arc::new(Mutex::new(Reader { every, ..Reader::default() }));
        let watched = WatchedFiles { files, reader: Arc::clone(&reader) };
        let options = IntakeOptions { segment_bytes_max, ..OPTIONS };
        let random = Arc::new(SeededRandom::new(1));
        let log = Arc::new(IntakeLog::open(Box::new(watched), random, options).expect("the folder is empty").0);
        let send = |n_records: usize| {
            log.submit(vec![vec![7; 50]; n_records], Box::new(|outcome| assert!(outcome.is_ok())))
                .expect("there is room");
            assert!(log.commit());
        };
        reader.lock().expect("no reading fails").log = Arc::downgrade(&log);
        (0..20).for_each(|n| send(1 + n % 3));
        let mut reader = reader.lock().expect("no reading fails");
        reader.read();
        assert_eq!(reader.found, (0..log.next()).collect::<Vec<_>>(), "segments of {segment_bytes_max} bytes");
    }
}
