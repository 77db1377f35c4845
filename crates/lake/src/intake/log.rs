//! The log itself: group commit, reading in order, letting go.

use super::files::{AppendFile, Files};
use super::format::{HEADER_BYTES, Header, Note, PAYLOAD_BYTES_MAX, group};
use super::segment::{Found, Segment};
use crate::{Random, error};
use spec::Result;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The largest record.
pub(super) const RECORD_BYTES_MAX: usize = 1 << 20;
/// Segments that one group may be tried on: the one at hand, and a new one after it failed.
const TRIES_MAX: usize = 2;

/// How much a log may hold.
#[derive(Clone, Copy, Debug)]
pub struct IntakeOptions {
    /// Bytes after which a new segment is begun.
    pub segment_bytes_max: u64,
    /// Bytes of all segments; beyond them nothing is taken until landing lets go of some.
    pub log_bytes_max: u64,
    /// Bytes that may wait to be written.
    pub queue_bytes_max: usize,
    /// Bytes that are written and synced at once, beyond the first submission.
    pub group_bytes_max: usize,
    /// No record gets a sequence number below this one: what tables have landed is never numbered again, even when the
    /// folder was lost.
    pub next_min: u64,
    /// With fewer bytes left on the disk nothing is taken, so that landing and questions have room to go on.
    pub free_bytes_min: u64,
}

/// Hears what became of a submission: the sequence number of its first record once all are on disk, or why they are not.
pub type Done = Box<dyn FnOnce(Result<u64>) + Send>;

/// What was found when a log was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Segments.
    pub n_segments: usize,
    /// The sequence number that the next record gets.
    pub next: u64,
    /// Bytes of writes that were never answered for.
    pub torn_bytes: u64,
    /// Bytes that were on disk once and are damaged now.
    pub damaged_bytes: u64,
    /// Records that are missing between others.
    pub n_missing: u64,
}

/// The intake log of one node.
pub struct IntakeLog {
    files: Box<dyn Files>,
    random: Arc<dyn Random>,
    options: IntakeOptions,
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// Held during a commit: there is one at a time.
    writer: Mutex<Writer>,
    durable: Mutex<Durable>,
    /// Where the last reading ended.
    reading: Mutex<Option<Reading>>,
}

/// A place between two groups.
struct Reading {
    /// The sequence number of the next record.
    next: u64,
    segment: String,
    /// Where it begins in the segment.
    offset: u64,
}

/// What waits.
struct Queue {
    waiting: VecDeque<(Vec<Vec<u8>>, usize, Done)>,
    n_bytes: usize,
    is_closed: bool,
}

/// What is being written to.
struct Writer {
    current: Option<(Box<dyn AppendFile>, Header, u64)>,
    /// The number of the next segment.
    next_number: u64,
}

/// What is on disk.
struct Durable {
    /// The sequence number after the last one answered for.
    next: u64,
    /// Oldest first.
    segments: VecDeque<SegmentInfo>,
}

#[derive(Clone, Debug)]
struct SegmentInfo {
    name: String,
    first: u64,
    n_bytes: u64,
}

impl IntakeLog {
    /// Opens a log and reads through what it holds.
    ///
    /// # Errors
    /// Unavailable when the folder cannot be read. Damage is no error: it is told, and passed over.
    pub fn open(
        files: Box<dyn Files>,
        random: Arc<dyn Random>,
        options: IntakeOptions,
    ) -> Result<(IntakeLog, Recovered)> {
        let (mut durable, next_number, mut recovered) =
            recover(files.as_ref()).map_err(|cause| error::intake("open", cause))?;
        durable.next = durable.next.max(options.next_min);
        recovered.next = durable.next;
        let log = IntakeLog {
            files,
            random,
            options,
            queue: Mutex::new(Queue { waiting: VecDeque::new(), n_bytes: 0, is_closed: false }),
            arrived: Condvar::new(),
            writer: Mutex::new(Writer { current: None, next_number }),
            durable: Mutex::new(durable),
            reading: Mutex::new(None),
        };
        Ok((log, recovered))
    }

    /// Queues records that belong together; `done` hears when all of them are on disk.
    ///
    /// # Errors
    /// Invalid for a record that is too large or none at all; Unavailable when the queue or the log is full, or closed.
    /// Then `done` is not called.
    pub fn submit(&self, records: Vec<Vec<u8>>, done: Done) -> Result<()> {
        let n_bytes: usize = records.iter().map(|record| 4 + record.len()).sum();
        if records.is_empty() || n_bytes > PAYLOAD_BYTES_MAX || records.iter().any(|one| one.len() > RECORD_BYTES_MAX) {
            return Err(error::intake_record());
        }
        let held: u64 = lock(&self.durable).segments.iter().map(|segment| segment.n_bytes).sum();
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            return Err(error::intake_closed());
        }
        let is_full = held + (queue.n_bytes + n_bytes) as u64 > self.options.log_bytes_max;
        if is_full || queue.n_bytes + n_bytes > self.options.queue_bytes_max {
            return Err(error::intake_full());
        }
        queue.n_bytes += n_bytes;
        queue.waiting.push_back((records, n_bytes, done));
        drop(queue);
        self.arrived.notify_one();
        Ok(())
    }

    /// Commits what comes, until the log is closed and nothing waits; run it on a thread of its own.
    pub fn run(&self) {
        loop {
            if self.commit() {
                continue;
            }
            let queue = lock(&self.queue);
            if !queue.waiting.is_empty() {
                continue;
            }
            if queue.is_closed {
                return;
            }
            drop(self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Takes nothing more; `run` ends after what waits.
    pub fn close(&self) {
        lock(&self.queue).is_closed = true;
        self.arrived.notify_all();
    }

    /// Writes one group of what waits, syncs it and answers its senders; false when nothing waits.
    pub fn commit(&self) -> bool {
        let mut writer = lock(&self.writer);
        let (records, senders) = self.take_group();
        if senders.is_empty() {
            return false;
        }
        let first = lock(&self.durable).next;
        let has_room = self.files.free_bytes().is_none_or(|free| free >= self.options.free_bytes_min);
        let written =
            if has_room { self.write(&mut writer, first, &records) } else { Err(io::ErrorKind::StorageFull.into()) };
        if written.is_ok() {
            lock(&self.durable).next = first + records.len() as u64;
        }
        let mut at = first;
        for (n_records, done) in senders {
            match &written {
                Ok(()) => done(Ok(at)),
                // Each sender gets an error of its own; they cannot be shared.
                Err(cause) => done(Err(error::intake("write", io::Error::new(cause.kind(), cause.to_string())))),
            }
            at += n_records;
        }
        if written.is_ok() {
            self.note(&writer);
        }
        true
    }

    /// Records from a sequence number on, up to so many bytes but at least one group; all of them were answered for.
    ///
    /// Inside of this crate only: records tell what people did, and here no grant is asked for.
    ///
    /// # Shape
    /// Sequence number and bytes, ascending; empty when there is nothing newer.
    pub(crate) fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let (until, segments) = {
            let durable = lock(&self.durable);
            (durable.next, durable.segments.iter().cloned().collect::<Vec<_>>())
        };
        if until <= from {
            return Ok(Vec::new());
        }
        let mut reading = lock(&self.reading);
        let place = reading.take().filter(|place| place.next == from);
        let mut found = Vec::new();
        let mut n_bytes = 0;
        for (index, segment) in segments.iter().enumerate() {
            // A later segment repeats what an earlier one could not sync.
            let end = segments[index + 1..].iter().map(|later| later.first).min().unwrap_or(until).min(until);
            if end <= from {
                continue;
            }
            let start =
                place.as_ref().filter(|place| place.segment == segment.name).map(|place| (place.next, place.offset));
            let offset = read_segment(self.files.as_ref(), &segment.name, start, &mut |at, record| {
                if from <= at && at < end {
                    n_bytes += record.len();
                    found.push((at, record));
                }
                n_bytes < bytes_max && at + 1 < end
            });
            let offset = offset.map_err(|cause| error::intake("read", cause))?;
            // The place is kept only where nothing lies between what was given and what it stands before.
            if let (Some((next, offset)), Some((last, _))) = (offset, found.last())
                && next == last + 1
            {
                *reading = Some(Reading { next, segment: segment.name.clone(), offset });
            }
            if n_bytes >= bytes_max {
                break;
            }
        }
        Ok(found)
    }

    /// Removes the segments that hold only records before this sequence number; returns how many.
    pub fn release(&self, until: u64) -> Result<usize> {
        let mut n_removed = 0;
        loop {
            let name = {
                let durable = lock(&self.durable);
                match (durable.segments.front(), durable.segments.get(1)) {
                    (Some(oldest), Some(next)) if next.first <= until => oldest.name.clone(),
                    _ => break,
                }
            };
            match self.files.remove(&name) {
                Ok(()) => {}
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(error::intake("remove a segment of", cause)),
            }
            lock(&self.durable).segments.pop_front();
            n_removed += 1;
        }
        Ok(n_removed)
    }

    /// The sequence number after the last record that was answered for.
    pub fn next(&self) -> u64 {
        lock(&self.durable).next
    }

    /// Whether the disk has room for what landing writes: less than for taking messages, since the log ends by it.
    pub(crate) fn has_room_to_land(&self) -> bool {
        self.files.free_bytes().is_none_or(|free| free >= self.options.free_bytes_min / 2)
    }

    /// Bytes of all segments.
    pub fn n_bytes(&self) -> u64 {
        lock(&self.durable).segments.iter().map(|segment| segment.n_bytes).sum()
    }

    /// Notes how far the log is on disk, so that a segment which loses its end is noticed.
    fn note(&self, writer: &Writer) {
        let Some((_, _, n_bytes)) = &writer.current else { return };
        let next = lock(&self.durable).next;
        let note = Note { segment: writer.next_number - 1, n_bytes: *n_bytes, next };
        // Without it the log is as good as before; what stops it stops the next write too, and is told there.
        let _ = self.files.note(&note.bytes());
    }

    /// As many submissions as make a group.
    fn take_group(&self) -> (Vec<Vec<u8>>, Vec<(u64, Done)>) {
        let mut queue = lock(&self.queue);
        let (mut records, mut senders, mut n_bytes) = (Vec::new(), Vec::new(), 0);
        while let Some((_, more, _)) = queue.waiting.front() {
            if n_bytes > 0 && n_bytes + more > self.options.group_bytes_max.min(PAYLOAD_BYTES_MAX) {
                break;
            }
            let Some((submitted, more, done)) = queue.waiting.pop_front() else { break };
            queue.n_bytes -= more;
            n_bytes += more;
            senders.push((submitted.len() as u64, done));
            records.extend(submitted);
        }
        (records, senders)
    }

    /// Writes and syncs a group; a segment that fails is left for good, and a new one is tried.
    fn write(&self, writer: &mut Writer, first: u64, records: &[Vec<u8>]) -> io::Result<()> {
        let mut failed = io::Error::other("no segment was tried");
        for _ in 0..TRIES_MAX {
            match self.try_write(writer, first, records) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    writer.current = None;
                    tracing::warn!(cause = %error, "a segment of the intake log is left after it failed");
                    failed = error;
                }
            }
        }
        Err(failed)
    }

    fn try_write(&self, writer: &mut Writer, first: u64, records: &[Vec<u8>]) -> io::Result<()> {
        let is_full = writer.current.as_ref().is_some_and(|(_, _, n_bytes)| *n_bytes >= self.options.segment_bytes_max);
        if is_full {
            writer.current = None;
        }
        if writer.current.is_none() {
            let begun = self.begin(writer, first)?;
            writer.current = Some(begun);
        }
        let (file, header, n_bytes) = writer.current.as_mut().expect("it was just begun");
        let bytes = group(header.salt, first, records);
        let appended = file.append(&bytes).and_then(|()| file.sync());
        *n_bytes += bytes.len() as u64;
        // Also what failed may take room.
        if let Some(segment) = lock(&self.durable).segments.back_mut() {
            segment.n_bytes = *n_bytes;
        }
        appended
    }

    /// Makes a new segment whose header and name survive a loss of power.
    fn begin(&self, writer: &mut Writer, first: u64) -> io::Result<(Box<dyn AppendFile>, Header, u64)> {
        let mut salt = [0; 8];
        self.random.fill(&mut salt);
        let header = Header { first, salt: u64::from_le_bytes(salt) };
        let name = segment_name(writer.next_number);
        writer.next_number += 1;
        let mut file = self.files.create(&name)?;
        file.append(&header.bytes())?;
        file.sync()?;
        self.files.sync_folder()?;
        // Only now: the newest segment is the one that remembers the numbers when all others are released.
        let n_bytes = HEADER_BYTES as u64;
        lock(&self.durable).segments.push_back(SegmentInfo { name, first, n_bytes });
        Ok((file, header, n_bytes))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn segment_name(number: u64) -> String {
    format!("{number:016x}.log")
}

fn segment_number(name: &str) -> Option<u64> {
    let stem = name.strip_suffix(".log").filter(|stem| stem.len() == 16)?;
    u64::from_str_radix(stem, 16).ok()
}

/// Gives every record of a segment with its sequence number until `visit` has enough; what is damaged is passed over.
///
/// `start` is a place between two groups, and so is what is returned: the next sequence number, and where its group begins.
fn read_segment(
    files: &dyn Files,
    name: &str,
    start: Option<(u64, u64)>,
    visit: &mut dyn FnMut(u64, Vec<u8>) -> bool,
) -> io::Result<Option<(u64, u64)>> {
    let Some(mut segment) = Segment::open(files, name)? else { return Ok(None) };
    if let Some((next, offset)) = start {
        (segment.next, segment.offset) = (next, offset);
    }
    loop {
        match segment.read_next()? {
            Found::Group { first, records } => {
                let mut wants_more = true;
                for (at, record) in (first..).zip(records) {
                    wants_more = visit(at, record);
                }
                if !wants_more {
                    return Ok(Some((segment.next, segment.offset)));
                }
            }
            Found::Damage(_) => {}
            Found::Tail(_) | Found::End => return Ok(None),
        }
    }
}

/// Reads through all segments, oldest first.
fn recover(files: &dyn Files) -> io::Result<(Durable, u64, Recovered)> {
    let mut numbers: Vec<u64> = files.list()?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let mut recovered = Recovered { n_segments: numbers.len(), ..Recovered::default() };
    let mut durable = Durable { next: 0, segments: VecDeque::new() };
    // What is before the oldest segment that holds anything was released. One without any was begun and left at once.
    let mut is_oldest = true;
    for number in &numbers {
        let name = segment_name(*number);
        let Some(mut segment) = Segment::open(files, &name)? else {
            // Its header never got to the disk, so nothing in it was answered for. It may as well stay.
            let _ = files.remove(&name);
            recovered.n_segments -= 1;
            continue;
        };
        let first = segment.header.first;
        recovered.n_missing += if is_oldest { 0 } else { first.saturating_sub(durable.next) };
        durable.next = first;
        loop {
            match segment.read_next()? {
                Found::Group { first, records } => {
                    recovered.n_missing += first.saturating_sub(durable.next);
                    durable.next = first + records.len() as u64;
                }
                Found::Damage(n_bytes) => {
                    tracing::error!(segment = name, n_bytes, "a segment is damaged, and was passed over there");
                    recovered.damaged_bytes += n_bytes;
                }
                Found::Tail(n_bytes) => recovered.torn_bytes += n_bytes,
                Found::End => break,
            }
            is_oldest = false;
        }
        // A program that was killed may have left what it had not synced. From here on it is read and landed, so that a loss
        // of power must not take it back.
        files.sync(&name)?;
        durable.segments.push_back(SegmentInfo { name, first, n_bytes: segment.offset });
    }
    if let Some(note) = files.noted().and_then(|bytes| Note::read(&bytes)) {
        // What was on disk once and is no more is not a write that was never answered for.
        let n_missing = note.next.saturating_sub(durable.next);
        recovered.n_missing += n_missing;
        if n_missing > 0 {
            let segment = segment_name(note.segment);
            tracing::error!(segment, n_missing, "the end of a segment is gone, with messages that were acknowledged");
            recovered.damaged_bytes += std::mem::take(&mut recovered.torn_bytes);
            durable.next = note.next;
        }
    }
    recovered.next = durable.next;
    Ok((durable, numbers.last().map_or(0, |last| last + 1), recovered))
}
