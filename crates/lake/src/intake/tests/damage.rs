//! Segments with any damage at all: the log opens, reading ends, and whatever lies before the damage is there.

use super::{OPTIONS, open};
use crate::intake::simulated::SimulatedFiles;
use crate::intake::{Arrival, IntakeLog, MessageKind, Origin};
use crate::{Random, SeededRandom};
use std::borrow::Cow;
use std::sync::Arc;

/// Damages of a run; `ENTENTE_SEEDS` sets another number.
const SEEDS: u64 = 400;

fn n_seeds() -> u64 {
    std::env::var("ENTENTE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

fn below(random: &SeededRandom, n: usize) -> usize {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    usize::try_from(u64::from_le_bytes(bytes) % (n.max(1) as u64)).expect("it is below a usize")
}

/// Changes bytes from a random place on, in one of six ways, and says from where.
fn damage(bytes: &mut Vec<u8>, random: &SeededRandom) -> usize {
    let at = below(random, bytes.len());
    let to = at + below(random, bytes.len() - at);
    match below(random, 6) {
        0 => bytes[at] ^= 1 << below(random, 8),
        1 => bytes.truncate(at),
        2 => random.fill(&mut bytes[at..to]),
        3 => drop(bytes.drain(at..to)),
        4 => {
            let again = bytes[at..to].to_vec();
            bytes.splice(at..at, again);
        }
        _ => bytes[at..to].fill(0),
    }
    at
}

#[test]
fn whatever_becomes_of_a_segment_what_lies_before_is_kept() {
    for seed in 0..n_seeds() {
        let random = SeededRandom::new(seed);
        let files = SimulatedFiles::new(seed, 0);
        let (log, _) = open(&files, seed);
        let mut ends = Vec::new();
        for n in 0..8 {
            let record = format!("{n} {}", "x".repeat(below(&random, 150))).into_bytes();
            log.submit(vec![record], Box::new(drop)).expect("there is room");
            log.commit();
            ends.push(files.bytes_of_first().len());
        }
        let before = log.read(0, usize::MAX).expect("the disk can be read");
        let at = files.change_first(&mut |bytes| damage(bytes, &random));
        let random = Arc::new(SeededRandom::new(seed + 1));
        let (log, _) = IntakeLog::open(Box::new(files), random, OPTIONS).expect("a log always opens");
        let after = log.read(0, usize::MAX).expect("the disk can be read");
        let n_whole = if at < 32 { 0 } else { ends.iter().filter(|end| **end <= at).count() };
        assert!(after.len() >= n_whole, "seed {seed}, byte {at}: {} of {n_whole} groups are left", after.len());
        assert_eq!(after[..n_whole], before[..n_whole], "seed {seed}, byte {at}");
        assert!(after.iter().all(|found| before.contains(found)), "seed {seed}, byte {at}: nothing is made up");
        log.submit(vec![b"next".to_vec()], Box::new(|done| assert!(done.is_ok()))).expect("there is room");
        assert!(log.commit(), "seed {seed}: it goes on");
    }
}

#[test]
fn a_damaged_record_is_refused_or_read_and_nothing_else() {
    let origin = Origin { source: Cow::Borrowed("shop"), key: Cow::Borrowed("web") };
    let whole = Arrival::Message(crate::intake::Message {
        origin,
        object: Cow::Borrowed("page"),
        kind: MessageKind::Event,
        received_micros: 1,
        at_micros: 2,
        message_id: Cow::Borrowed("m-1"),
        user_id: Some(Cow::Borrowed("u-1")),
        anonymous_id: None,
        is_claimed: true,
        fields: vec![(Cow::Borrowed("browser"), crate::intake::Datum::Text(Cow::Borrowed("Firefox")))],
        direct: Vec::new(),
        extra: Cow::Borrowed(""),
    })
    .to_bytes();
    let mut n_read = 0;
    for seed in 0..n_seeds() {
        let mut bytes = whole.clone();
        damage(&mut bytes, &SeededRandom::new(seed));
        if let Ok(arrival) = Arrival::read(&bytes) {
            n_read += 1;
            let written = arrival.to_bytes();
            let again = Arrival::read(&written).expect("what was read is written");
            // By bytes: a number may have become one that is not equal to itself.
            assert_eq!(again.to_bytes(), written, "seed {seed}");
        }
    }
    assert!(n_read < n_seeds(), "most damages are seen");
}
