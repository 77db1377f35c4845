//! Bits that flip on the disk: the same answer, or an error; never another answer.

use super::fixture::{Fixture, events_of, field, object, open, purchase};
use crate::{Random, SeededRandom, Snapshot};
use spec::{ObjectKind, ValueType};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Flips per file.
const FLIPS: u64 = 12;

fn data_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("it is a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(data_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Everything that can be asked about.
fn all(snapshot: &Snapshot) -> (Vec<String>, u64, usize) {
    (events_of(snapshot, &purchase(true)), snapshot.known().len(), snapshot.imports().len())
}

#[test]
fn a_flipped_bit_in_a_data_file_is_an_error_and_no_other_answer() {
    let fixture = Fixture::new();
    let lines: String =
        (0..300).map(|n| format!("c{},2017-06-01T00:{:02}:00Z,{n}.00,s{n},f{n}\n", n % 40, n % 60)).collect();
    let text = format!("customer,at,amount,shop,id\n{lines}");
    fixture.import(&purchase(true), "a.csv", text.as_bytes()).expect("the file is good");
    let traits = object(
        "profile",
        ObjectKind::Traits,
        None,
        vec![field("customer", ValueType::Text, true), field("country", ValueType::Text, false)],
    );
    fixture.import(&traits, "t.csv", b"customer,country\nc1,CH\nc2,DE\n").expect("the file is good");
    let expected = all(&fixture.lake.snapshot());
    let Fixture { lake, folder, .. } = fixture;
    drop(lake);
    let random = SeededRandom::new(1);
    let mut n_refused = 0;
    let files = data_files(&folder.path().join("data"));
    for path in &files {
        let whole = std::fs::read(path).expect("it was just listed");
        for _ in 0..FLIPS {
            let mut word = [0; 8];
            random.fill(&mut word);
            let bit = u64::from_le_bytes(word) % (whole.len() as u64 * 8);
            let mut bad = whole.clone();
            bad[usize::try_from(bit / 8).expect("it is small")] ^= 1 << (bit % 8);
            std::fs::write(path, bad).expect("it can be written");
            // The views of the fixture panic where a file cannot be read.
            let asked = open(&folder, 7, 1 << 20)
                .ok()
                .and_then(|lake| catch_unwind(AssertUnwindSafe(|| all(&lake.snapshot()))).ok());
            n_refused += u64::from(asked.is_none());
            assert!(asked.is_none_or(|asked| asked == expected), "bit {bit} of {}", path.display());
        }
        std::fs::write(path, whole).expect("it can be written");
    }
    assert!(n_refused * 2 > FLIPS * files.len() as u64, "{n_refused} flips of {} files were noticed", files.len());
    let lake = open(&folder, 8, 1 << 20).expect("it is whole again");
    assert_eq!(all(&lake.snapshot()), expected);
}
