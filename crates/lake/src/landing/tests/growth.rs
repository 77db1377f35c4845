//! What landing and compaction cost as the table grows: prints figures, asserts nothing about time.
//!
//! `ENTENTE_MILLIONS=10 cargo nextest run --profile simulation --workspace -E 'test(cost_of_growth)' --run-ignored only
//! --no-capture`

use super::{bought, land_all};
use crate::tests::fixture::Fixture;
use crate::{Arrival, Datum, IntakeLog, IntakeOptions, Message, Random, SeededRandom};
use std::borrow::Cow;
use std::path::Path;
use std::time::{Duration, Instant};

const MESSAGES_PER_LANDING: u64 = 50_000;
const MESSAGES_PER_MILLION: u64 = 1_000_000;
const NAMES: [&str; 9] =
    ["page_path", "page_title", "campaign", "browser", "country_seen", "category", "referrer", "variant", "note"];

#[test]
#[ignore = "takes minutes and prints figures; run by command"]
fn cost_of_growth() {
    let n_millions = std::env::var("ENTENTE_MILLIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let fixture = Fixture::new();
    let options = IntakeOptions { segment_bytes_max: 64 << 20, log_bytes_max: 1 << 32, ..super::OPTIONS };
    let options = IntakeOptions { queue_bytes_max: 1 << 26, group_bytes_max: 8 << 20, ..options };
    let (log, _) = fixture.lake.open_intake(options).expect("the folder can be read");
    let random = SeededRandom::new(7);
    let events = fixture.folder.path().join("data/events");
    let mut written = 0;
    for million in 1..=n_millions {
        let (mut landing, mut compaction, mut logging) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for _ in 0..MESSAGES_PER_MILLION / MESSAGES_PER_LANDING {
            logging += timed(|| fill(&log, &random));
            let before = bytes_of(&events, "landed-");
            landing += timed(|| assert_eq!(land_all(&fixture, &log).1, 0, "all are new"));
            written += bytes_of(&events, "landed-").saturating_sub(before);
            compaction += timed(|| {
                while let Some(done) = fixture.lake.compact().expect("the disk has room") {
                    written += done.bytes_written;
                }
            });
        }
        let bytes = bytes_of(&events, "");
        println!(
            "million {million}: log {:.2} s, landing {:.2} s, compaction {:.2} s; {:.0} bytes per event on disk, each \
             byte written {:.1} times, {} files, resident {} MB",
            logging.as_secs_f64(),
            landing.as_secs_f64(),
            compaction.as_secs_f64(),
            bytes as f64 / (million * MESSAGES_PER_MILLION) as f64,
            written as f64 / bytes as f64,
            std::fs::read_dir(&events).map_or(0, Iterator::count),
            resident_megabytes(),
        );
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Messages of people of whom some do much and most do little, ten values each.
fn fill(log: &IntakeLog, random: &SeededRandom) {
    for _ in 0..MESSAGES_PER_LANDING / 500 {
        let records = (0..500).map(|_| record(random)).collect();
        log.submit(records, Box::new(|outcome| assert!(outcome.is_ok()))).expect("the log has room");
    }
    while log.commit() {}
}

fn record(random: &SeededRandom) -> Vec<u8> {
    let mut words = [0_u8; 32];
    random.fill(&mut words);
    let word = |at: usize| u64::from_le_bytes(words[at * 8..at * 8 + 8].try_into().expect("it has eight bytes"));
    let people = 1_000_000_f64;
    let share = (word(0) >> 11) as f64 / (1_u64 << 53) as f64;
    let who = format!("user-{:.0}", people.powf(share));
    let id = format!("{:016x}{:016x}", word(1), word(2));
    let message = bought(&id, &who, i64::try_from(word(3) % 129_600).expect("it is small"), 1_999);
    let texts = NAMES.iter().enumerate().map(|(place, name)| {
        let value = format!("{name}-{}", (word(3) >> (place * 3)) % 64);
        (Cow::Borrowed(*name), Datum::Text(Cow::Owned(value)))
    });
    let amount = (Cow::Borrowed("amount"), Datum::Decimal(i128::from(word(1) % 100_000), 2));
    let received_micros = super::JUNE;
    Arrival::Message(Message { received_micros, fields: std::iter::once(amount).chain(texts).collect(), ..message })
        .to_bytes()
}

fn bytes_of(folder: &Path, start: &str) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the folder can be read").flatten();
    let named = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(start) && name.ends_with(".parquet")
    });
    named.map(|entry| entry.metadata().map_or(0, |metadata| metadata.len())).sum()
}

fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
