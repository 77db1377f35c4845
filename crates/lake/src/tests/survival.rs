//! Crashes, races, torn files, and what must hold after any history of imports.

use super::fixture::{Fixture, at, events, events_of, field, open, purchase};
use crate::lake::Stage;
use crate::table::{Change, Engine, Table};
use crate::{Random, SeededRandom, data_file, holder};
use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use spec::{ErrorKind, ValueType};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn a_second_opener_is_told_about_the_first() {
    let fixture = Fixture::new();
    fixture.lake.note("serves http://127.0.0.1:7700").expect("the lock file can be written");
    let Err(refused) = open(&fixture.folder, 9, 1 << 20) else { panic!("the folder is in use") };
    assert_eq!(refused.kind, ErrorKind::Conflict);
    let pid = std::process::id().to_string();
    assert!(refused.message.contains(&pid) && refused.message.contains("serves http"), "{}", refused.message);
    let data = fixture.folder.path().join("data");
    assert_eq!(holder(&data).expect("it is held").since, at("2018-01-01T00:00:00Z"));
    drop(fixture.lake);
    assert_eq!(holder(&data), None);
}

#[test]
fn a_crash_after_any_stage_is_made_good_by_a_repeat() {
    let object = purchase(false);
    let lines: String = (0..50).map(|n| format!("c{},2017-01-01T00:00:{:02}Z,{n},s\n", n % 7, n)).collect();
    let text = format!("customer,at,amount,shop\n{lines}bad,2017-01-01T00:00:00Z,x,s\n");
    let whole = Fixture::new();
    let expected = whole.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
    for stage in [Stage::Vault, Stage::Quarantine, Stage::People, Stage::Data] {
        for is_reopened in [false, true] {
            let fixture = Fixture::new();
            *fixture.lake.fail_after.lock().expect("nobody panics here") = Some(stage);
            fixture.import(&object, "a.csv", text.as_bytes()).expect_err("the import ends early");
            assert!(events(&fixture, &object).is_empty() && fixture.lake.snapshot().imports().is_empty(), "{stage:?}");
            *fixture.lake.fail_after.lock().expect("nobody panics here") = None;
            let fixture = if is_reopened { fixture.reopened() } else { fixture };
            let is_closed = is_reopened && stage == Stage::Data;
            assert_eq!(events(&fixture, &object).is_empty(), !is_closed, "{stage:?}");
            assert_eq!(fixture.lake.snapshot().imports().len(), usize::from(is_closed), "no data without its line");
            let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
            if is_closed {
                assert_eq!((report.stored, report.duplicate), (0, expected.received));
            } else {
                assert_eq!(report, expected, "{stage:?}");
            }
            let import = fixture.lake.snapshot().imports()[0].clone();
            assert_eq!((import.stored, import.rejected), (expected.stored, expected.rejected), "{stage:?}");
            assert_eq!(import.reasons, expected.reasons, "{stage:?}");
            assert_eq!(events(&fixture, &object), events(&whole, &object), "{stage:?}");
            assert_eq!(fixture.lake.snapshot().table_versions()["quarantine"], 1, "{stage:?}");
            let again = fixture.reopened();
            assert_eq!(events(&again, &object), events(&whole, &object), "{stage:?}");
        }
    }
}

#[test]
fn a_torn_tail_of_the_vault_is_cut_off_and_lost_people_are_noticed() {
    let object = purchase(false);
    let fixture = Fixture::new();
    fixture
        .import(&object, "a.csv", b"customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,s\n")
        .expect("the file is good");
    let Fixture { lake, folder, .. } = fixture;
    drop(lake);
    let path = folder.path().join("data/vault/people.log");
    let whole = std::fs::read(&path).expect("the vault is there");
    std::fs::write(&path, [whole.as_slice(), &[9, 0, 0, 0, 1, 2, 3]].concat()).expect("the vault can be written");
    let fixture = Fixture::in_folder(folder, 3, 1 << 20);
    assert_eq!(std::fs::read(&path).expect("the vault is there"), whole);
    let more = "customer,at,amount,shop\nann,2017-01-02T00:00:00Z,1,s\nbob,2017-01-02T00:00:00Z,1,s\n";
    fixture.import(&object, "b.csv", more.as_bytes()).expect("the file is good");
    assert_eq!(fixture.lake.snapshot().known().len(), 2, "ann is still ann");
    let Fixture { lake, folder, .. } = fixture;
    drop(lake);
    std::fs::write(&path, &whole[..12]).expect("the vault can be written");
    let Err(refused) = open(&folder, 4, 1 << 20) else { panic!("the vault lacks people") };
    assert_eq!(refused.kind, ErrorKind::Unavailable);
}

#[test]
fn any_history_leaves_files_in_order() {
    for seed in 1..=6 {
        println!("seed {seed}");
        let random = SeededRandom::new(seed);
        let below = |limit: u64| {
            let mut bytes = [0; 8];
            random.fill(&mut bytes);
            u64::from_le_bytes(bytes) % limit
        };
        // Little memory, so that some imports sort on disk.
        let fixture = Fixture::with_memory(if seed % 2 == 0 { 200_000 } else { 64 << 20 });
        let object = purchase(true);
        let mut model: BTreeSet<(u64, u64)> = BTreeSet::new();
        for n_file in 0..5 {
            let mut text = "customer,at,amount,shop,id\n".to_owned();
            let (mut stored, mut duplicate) = (0, 0);
            for _ in 0..below(3_000) {
                let (person, id) = (below(400), below(2_000));
                let is_new = model.insert((person, id));
                if is_new {
                    stored += 1
                } else {
                    duplicate += 1
                }
                text.push_str(&format!("c{person},2017-01-01T00:{:02}:00Z,{n_file},s{},m{id}\n", below(60), below(5)));
            }
            let report = fixture.import(&object, &format!("{n_file}.csv"), text.as_bytes()).expect("the file is good");
            assert_eq!((report.stored, report.duplicate), (stored, duplicate), "seed {seed}");
            check_order(&fixture, model.len());
        }
        let rows = events(&fixture, &object);
        assert_eq!(events(&fixture.reopened(), &object), rows, "seed {seed}");
    }
}

/// Files hold disjoint ranges of people, parts too, and rows are in order.
fn check_order(fixture: &Fixture, n_rows: usize) {
    let snapshot = fixture.lake.snapshot();
    let rows = events_of(&snapshot, &purchase(true));
    assert_eq!(rows.len(), n_rows);
    let grant = super::fixture::grant(snapshot.known().clone(), &[]);
    let mut last = (i64::MIN, i64::MIN);
    let mut seen = BTreeSet::new();
    for part in snapshot.scan_events(&grant, &crate::ScanRequest::default()).expect("no column is asked") {
        let batch = super::fixture::batch_of(&part);
        let people = super::fixture::people_in(&batch);
        let of_part: BTreeSet<i64> = people.iter().copied().collect();
        assert!(of_part.is_disjoint(&seen), "a person is in two parts");
        seen.extend(of_part);
        let times = arrow::array::AsArray::as_primitive::<arrow::datatypes::TimestampMicrosecondType>(batch.column(1));
        for (person, time) in people.into_iter().zip(times.values()) {
            assert!((person, *time) >= last, "rows are out of order");
            last = (person, *time);
        }
    }
}

#[test]
fn two_rewrites_of_one_version_cannot_both_commit() {
    let folder = tempfile::TempDir::new().expect("there is a folder for temporary files");
    let engine = Engine::new().expect("the runtime starts");
    let columns = [Field::new("person", DataType::Int64, true)];
    let mut table = Table::open(&engine, folder.path(), "events", &columns).expect("a new table opens");
    let random = SeededRandom::new(5);
    let file = |person: i64| {
        let batch =
            RecordBatch::try_new(data_file::schema_of(&columns), vec![Arc::new(Int64Array::from(vec![person]))]);
        data_file::write_file(table_folder(&folder).as_path(), &random, &batch.expect("one column"))
            .expect("the disk has room")
    };
    let change = |person, remove, app_id| Change {
        add: vec![file(person)],
        remove,
        new_columns: Vec::new(),
        app_id,
        figure: 1,
        at_millis: 0,
    };
    table.commit(&engine, change(1, Vec::new(), "first")).expect("nobody else writes");
    let old = table.files().expect("the table is whole");
    let mut other = table.clone();
    table.commit(&engine, change(2, old.clone(), "one")).expect("nobody else has written");
    let refused = other.commit(&engine, change(3, old, "two")).expect_err("the version is taken");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    let fresh = Table::open(&engine, folder.path(), "events", &columns).expect("the table opens");
    assert_eq!((fresh.version(), fresh.files().expect("the table is whole").len()), (2, 1));
    assert_eq!(fresh.figure_of(&engine, "one").expect("the log is whole"), Some(1));
    assert_eq!(fresh.figure_of(&engine, "two").expect("the log is whole"), None);
    // After the refusal the loser has moved on and can plan again.
    let old = other.files().expect("the table is whole");
    other.commit(&engine, change(4, old, "two")).expect("it is planned against the newest version");
}

fn table_folder(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("events")
}

#[test]
fn a_property_that_changes_its_type_is_refused_and_new_ones_come_in() {
    let fixture = Fixture::new();
    let mut object = purchase(false);
    fixture
        .import(&object, "a.csv", b"customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,s\n")
        .expect("the file is good");
    object.fields.push(field("coupon", ValueType::Text, false));
    let more = b"customer,at,amount,shop,coupon\nann,2017-01-02T00:00:00Z,1,s,yes\n";
    fixture.import(&object, "b.csv", more).expect("a new column is no harm");
    let rows = events(&fixture, &object);
    assert!(rows[0].ends_with("|s|") && rows[1].ends_with("|s|yes"), "{rows:?}");
    object.fields[3].value_type = ValueType::Integer;
    let refused = fixture.import(&object, "c.csv", b"customer,at,amount,shop\nann,2017-01-03T00:00:00Z,1,5\n");
    let refused = refused.expect_err("`shop` was text");
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert!(refused.message.contains("`shop`"), "{}", refused.message);
}

#[test]
fn a_crash_and_then_another_contract_lose_and_double_nothing() {
    let text = b"customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,s\nbob,2017-01-01T00:00:00Z,2,\n";
    let (loose, mut strict) = (purchase(false), purchase(false));
    strict.fields[3].required = true;
    for (first, then, n_then) in [(&loose, &strict, 1), (&strict, &loose, 2)] {
        for stage in [Stage::Vault, Stage::Quarantine, Stage::People, Stage::Data] {
            let fixture = Fixture::new();
            *fixture.lake.fail_after.lock().expect("nobody panics here") = Some(stage);
            fixture.import(first, "a.csv", text).expect_err("the import ends early");
            *fixture.lake.fail_after.lock().expect("nobody panics here") = None;
            let report = fixture.import(then, "a.csv", text).expect("the file is good");
            assert_eq!(report.received, report.stored + report.duplicate + report.rejected, "{stage:?}");
            assert_eq!((report.received, report.rejected), (2, 2 - n_then), "{stage:?}");
            let n_first = if stage == Stage::Data { 3 - n_then } else { 0 };
            let n_rows = usize::try_from(n_then.max(n_first)).expect("there are two");
            assert_eq!(events(&fixture, then).len(), n_rows, "{stage:?}");
            let fixture = fixture.reopened();
            assert!(fixture.lake.snapshot().known().len() >= n_then, "{stage:?}");
            assert_eq!(events(&fixture, then).len(), n_rows, "{stage:?}");
        }
    }
}

#[test]
fn what_was_rejected_comes_in_when_the_contract_is_mended() {
    for has_id in [false, true] {
        let fixture = Fixture::new();
        let mut object = purchase(has_id);
        object.fields[3].length_max = 3;
        let text = "customer,at,amount,shop,id,coupon\nann,2017-01-01T00:00:00Z,1,sea,m1,\nann,2017-01-01T00:00:00Z,1,sea,m2,c\nbob,2017-01-01T00:00:00Z,2,north,m3,c\n";
        let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
        assert_eq!((report.stored, report.rejected), (2, 1));
        // A title is no matter of reading.
        object.fields[3].title = "Where it was".to_owned();
        let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
        assert_eq!((report.stored, report.duplicate, report.rejected), (0, 3, 0));
        object.fields[3].length_max = 20;
        object.fields.push(field("coupon", ValueType::Text, false));
        let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
        assert_eq!((report.received, report.stored, report.duplicate, report.rejected), (3, 1, 2, 0), "{has_id}");
        let before = fixture.lake.snapshot().table_versions();
        let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
        assert_eq!((report.stored, report.duplicate), (0, 3));
        assert_eq!(
            fixture.lake.snapshot().table_versions(),
            before,
            "the same under the same contract changes nothing"
        );
        // Who the people are is another matter: the records would be other people's, and count twice.
        object.person_prefix = "client-".to_owned();
        let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
        assert_eq!((report.stored, report.duplicate), (0, 3));
        assert_eq!((events(&fixture, &object).len(), fixture.lake.snapshot().known().len()), (3, 2));
    }
}

#[test]
fn a_folder_of_an_older_version_knows_its_files() {
    let folder = tempfile::TempDir::new().expect("there is a folder for temporary files");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("the folder can be written");
    let columns = crate::ledger::imports_columns();
    let engine = Engine::new().expect("the runtime starts");
    Table::open(&engine, &data, "imports", &columns[..10]).expect("a new table opens");
    let fixture = Fixture::in_folder(folder, 1, 1 << 20);
    let text = b"customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,s\n";
    fixture.import(&purchase(false), "a.csv", text).expect("the file is good");
    let fixture = fixture.reopened();
    assert!(fixture.lake.snapshot().imports()[0].reading.is_some());
}

#[test]
fn replaced_files_go_with_their_last_reader() {
    let fixture = Fixture::new();
    let object = purchase(false);
    let line = |n: u64| format!("customer,at,amount,shop\nann,2017-01-01T00:00:00Z,{n},s\n,,,\n");
    fixture.import(&object, "0.csv", line(0).as_bytes()).expect("the file is good");
    let data = fixture.folder.path().join("data");
    let count = |name: &str| {
        let entries = std::fs::read_dir(data.join(name)).expect("the table is there").flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".parquet")).count()
    };
    let old = fixture.lake.snapshot();
    for n in 1..40 {
        fixture.import(&object, &format!("{n}.csv"), line(n).as_bytes()).expect("the file is good");
        assert_eq!(count("events"), 2, "the newest, and the one that is still read");
        assert!(count("people") <= 1 && count("imports") <= 17, "{} {}", count("people"), count("imports"));
    }
    assert_eq!(events_of(&old, &object).len(), 1, "an old state stays readable");
    drop(old);
    assert_eq!((count("events"), events(&fixture, &object).len()), (1, 40));
    // What a refused file has written goes too.
    let n_rejected = count("quarantine");
    let mut other = purchase(false);
    other.fields[3].value_type = ValueType::Integer;
    let text = b"customer,at,amount,shop\nann,2017-01-03T00:00:00Z,1,5\n,,,\n";
    *fixture.lake.fail_after.lock().expect("nobody panics here") = Some(Stage::Vault);
    fixture.import(&other, "x.csv", text).expect_err("the import ends early");
    assert_eq!((count("quarantine"), count("events")), (n_rejected, 1));
}

#[test]
fn asking_who_holds_the_folder_does_not_hold_it() {
    let folder = tempfile::TempDir::new().expect("there is a folder for temporary files");
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                holder(folder.path());
            }
        });
        let taken: Vec<bool> =
            (0..300).map(|_| crate::lock::Lock::take(folder.path(), at("2018-01-01T00:00:00Z")).is_ok()).collect();
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(taken.iter().all(|is_taken| *is_taken), "nobody else has the folder");
    });
}

#[test]
fn many_imports_keep_the_folder_small() {
    let fixture = Fixture::new();
    let object = purchase(false);
    for n in 0..45 {
        let text = format!("customer,at,amount,shop\nann,2017-01-01T00:00:00Z,{n},s\n,,,\n");
        fixture.import(&object, &format!("{n}.csv"), text.as_bytes()).expect("the file is good");
    }
    let fixture = fixture.reopened();
    assert_eq!((fixture.lake.snapshot().imports().len(), events(&fixture, &object).len()), (45, 45));
    let data = fixture.folder.path().join("data");
    let count = |name: &str| std::fs::read_dir(data.join(name)).expect("the table is there").count();
    assert!(count("events") <= 2 && count("imports") <= 18, "{} {}", count("events"), count("imports"));
    assert!(
        std::fs::read_dir(data.join("events/_delta_log"))
            .expect("there is a log")
            .flatten()
            .any(|entry| { entry.file_name().to_string_lossy().contains("checkpoint") })
    );
}

#[test]
fn a_table_that_was_lost_ends_the_start() {
    for is_emptied in [false, true] {
        let fixture = Fixture::new();
        let text = b"customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,s\n";
        fixture.import(&purchase(false), "a.csv", text).expect("the file is good");
        let Fixture { folder, lake, .. } = fixture;
        drop(lake);
        // What said whom to leave out would be read as nothing.
        let consents = folder.path().join("data/consents");
        if is_emptied {
            let commit = consents.join("_delta_log/00000000000000000000.json");
            std::fs::write(commit, "").expect("the commit is there");
        } else {
            std::fs::remove_dir_all(consents).expect("the table is there");
        }
        let error = open(&folder, 2, 1 << 20).err().expect("what is lost is not made anew");
        assert!(error.to_string().contains("consents"), "{error}");
    }
}
