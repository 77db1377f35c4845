//! The bytes of a segment: a header, then groups.
//!
//! Format 1, all numbers little-endian:
//! - header, 32 bytes: `ENTELOG` and the version, first sequence number (8), salt (8), CRC-32 of these 24 (4), zero (4)
//! - group: mark `EGRP`, payload bytes (4), records (4), sequence number of the first (8), CRC-32 of these 20 (4), CRC-32
//!   of the payload (4), payload
//! - payload: per record its length (4) and its bytes
//!
//! Beside the segments lies a note of how far they are on disk, 36 bytes: `ENTENOT` and the version, number of the newest
//! segment (8), its length (8), next sequence number (8), CRC-32 of these 32 (4).
//!
//! A group's head has a checksum of its own, so that a damaged payload can be passed over. The checksums of groups start
//! with the segment's random salt: what somebody writes into a record never reads as a group.

pub(super) const HEADER_BYTES: usize = 32;
pub(super) const HEAD_BYTES: usize = 28;
/// The mark of a group, to find the next one behind damage.
pub(super) const MARK: [u8; 4] = *b"EGRP";
/// The largest payload: a group holds at least one submission, and no submission is larger.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16 << 20;

const MAGIC: [u8; 8] = *b"ENTELOG\x01";

/// What the head of a group says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) first: u64,
    pub(super) n_records: u32,
    pub(super) payload_bytes: usize,
    payload_sum: u32,
}

/// What the header of a segment says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) first: u64,
    pub(super) salt: u64,
}

impl Header {
    pub(super) fn bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.salt.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..24]);
        bytes[24..28].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The header that these bytes start with, if it is whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let head = bytes.get(..24)?;
        let is_whole = head.starts_with(&MAGIC) && number32(bytes, 24)? == crc32fast::hash(head);
        let header = Header { first: number64(bytes, 8)?, salt: number64(bytes, 16)? };
        is_whole.then_some(header)
    }
}

/// How far the log was on disk: a lower bound, since nobody waits for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Note {
    /// The number of the newest segment, and its length.
    pub(super) segment: u64,
    pub(super) n_bytes: u64,
    /// The sequence number after the last record.
    pub(super) next: u64,
}

const NOTE_MAGIC: [u8; 8] = *b"ENTENOT\x01";
const NOTE_BYTES: usize = 36;

impl Note {
    pub(super) fn bytes(self) -> [u8; NOTE_BYTES] {
        let mut bytes = [0; NOTE_BYTES];
        bytes[..8].copy_from_slice(&NOTE_MAGIC);
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.n_bytes.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.next.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..32]);
        bytes[32..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Note> {
        let head = bytes.get(..32)?;
        let is_whole = head.starts_with(&NOTE_MAGIC) && number32(bytes, 32)? == crc32fast::hash(head);
        let note = Note { segment: number64(bytes, 8)?, n_bytes: number64(bytes, 16)?, next: number64(bytes, 24)? };
        is_whole.then_some(note)
    }
}

fn salted(salt: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// A group of records.
pub(super) fn group(salt: u64, first: u64, records: &[Vec<u8>]) -> Vec<u8> {
    let payload_bytes: usize = records.iter().map(|record| 4 + record.len()).sum();
    assert!(payload_bytes <= PAYLOAD_BYTES_MAX, "submissions and groups are bounded");
    let mut bytes = Vec::with_capacity(HEAD_BYTES + payload_bytes);
    bytes.resize(HEAD_BYTES, 0);
    for record in records {
        bytes.extend_from_slice(&length(record.len()).to_le_bytes());
        bytes.extend_from_slice(record);
    }
    let payload_sum = salted(salt, &bytes[HEAD_BYTES..]);
    bytes[..4].copy_from_slice(&MARK);
    bytes[4..8].copy_from_slice(&length(payload_bytes).to_le_bytes());
    bytes[8..12].copy_from_slice(&length(records.len()).to_le_bytes());
    bytes[12..20].copy_from_slice(&first.to_le_bytes());
    let head_sum = salted(salt, &bytes[..20]);
    bytes[20..24].copy_from_slice(&head_sum.to_le_bytes());
    bytes[24..28].copy_from_slice(&payload_sum.to_le_bytes());
    bytes
}

/// The head of a group, if these bytes start with one that is whole.
pub(super) fn read_head(salt: u64, bytes: &[u8]) -> Option<Head> {
    let is_whole = bytes.starts_with(&MARK) && number32(bytes, 20)? == salted(salt, bytes.get(..20)?);
    let payload_bytes = usize::try_from(number32(bytes, 4)?).ok().filter(|bytes| *bytes <= PAYLOAD_BYTES_MAX)?;
    let head = Head {
        first: number64(bytes, 12)?,
        n_records: number32(bytes, 8)?,
        payload_bytes,
        payload_sum: number32(bytes, 24)?,
    };
    is_whole.then_some(head)
}

impl Head {
    /// The records of a payload; `None` when it is damaged.
    pub(super) fn records(&self, salt: u64, payload: &[u8]) -> Option<Vec<Vec<u8>>> {
        if payload.len() != self.payload_bytes || salted(salt, payload) != self.payload_sum {
            return None;
        }
        let mut records = Vec::new();
        let mut at = 0;
        while at < payload.len() {
            let end = at + 4 + usize::try_from(number32(payload, at)?).ok()?;
            records.push(payload.get(at + 4..end)?.to_vec());
            at = end;
        }
        (records.len() == usize::try_from(self.n_records).ok()?).then_some(records)
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("groups are far below 4 GiB")
}

fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn number64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
