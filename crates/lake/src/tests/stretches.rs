//! What questions walk on is every granted row in the order of people and time, whether columns are read or kept, whether
//! rows have landed or were compacted.

use super::fixture::{Fixture, batch_of, grant_of, purchase, row_text};
use crate::landing::tests::{acknowledge, bought, land_all, log_of};
use crate::{Arrival, Column, IntakeLog, Random, ScanRequest, SeededRandom, Snapshot};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, NullArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use policy::Grant;
use roaring::RoaringTreemap;
use spec::{FieldClass, FieldRef, PersonId, Release};
use std::sync::Arc;

/// Every row of every file, sorted and filtered one by one.
fn expected(snapshot: &Snapshot, grant: &Grant, properties: &[&str]) -> Vec<String> {
    let mut rows = Vec::new();
    for file in snapshot.event_files() {
        let schema = file.metadata.schema();
        for group in 0..file.groups.len() {
            let all = file.decode(group, (0..schema.fields().len()).collect()).expect("the file is whole");
            let (people, sequence) =
                (all["person"].as_primitive::<Int64Type>(), all["seq"].as_primitive::<Int64Type>());
            let times = all["ts"].as_primitive::<TimestampMicrosecondType>();
            let claimed = all.column_by_name("claimed").map(|column| column.as_boolean());
            let shown = ["person", "ts", "event"].map(str::to_owned).into_iter();
            let shown = shown.chain(properties.iter().map(|name| crate::import::property_column(name)));
            let column = |name: String| -> ArrayRef {
                all.column_by_name(&name).map_or_else(|| Arc::new(NullArray::new(all.num_rows())), Arc::clone)
            };
            let columns = shown.enumerate().map(|(place, name)| (place.to_string(), column(name), true));
            let shown = RecordBatch::try_from_iter_with_nullable(columns).expect("columns have equal lengths");
            for row in 0..all.num_rows() {
                let is_claimed = claimed.is_some_and(|claimed| claimed.is_valid(row) && claimed.value(row));
                let person = PersonId::from_stored(people.value(row)).expect("a stored person");
                if grant.allows(person) && !(is_claimed && grant.release() >= Release::List) {
                    let place = (people.value(row), times.value(row), sequence.value(row));
                    rows.push((place, row_text(&shown, row)));
                }
            }
        }
    }
    rows.sort();
    rows.into_iter().map(|(_, text)| text).collect()
}

/// Compares, and gives the number of rows.
fn compare(snapshot: &Snapshot, grant: &Grant, properties: &[&str], context: &str) -> usize {
    let request = ScanRequest {
        properties: properties.iter().map(|name| (*name).to_owned()).collect(),
        ..ScanRequest::default()
    };
    let expected = expected(snapshot, grant, properties);
    // The second time from what the first has kept.
    for _ in 0..2 {
        let mut rows = Vec::new();
        for part in snapshot.scan_events(grant, &request).expect("the columns are granted") {
            let batch = batch_of(&part);
            rows.extend((0..batch.num_rows()).map(|row| row_text(&batch, row)));
        }
        assert_eq!(rows, expected, "{context}");
    }
    expected.len()
}

/// Some messages of few people, some of them claimed, at times that meet.
fn land(fixture: &Fixture, log: &IntakeLog, next: &dyn Fn() -> u64) {
    let texts: Vec<[String; 3]> = (0..60)
        .map(|_| [format!("m{}", next()), format!("customer-c{}", next() % 40), format!("shop {}", next() % 300)])
        .collect();
    let messages = texts.iter().map(|[id, who, shop]| {
        let day = i64::try_from(next() % 28).expect("a day");
        let mut message = bought(id, who, day * 24 * 60, i128::from(next() % 1_000));
        message.is_claimed = next().is_multiple_of(5);
        message.fields[1].1 = crate::Datum::Text(shop.as_str().into());
        Arrival::Message(message)
    });
    acknowledge(log, &messages.collect::<Vec<_>>());
    land_all(fixture, log);
}

#[test]
fn read_or_kept_landed_or_compacted_rows_are_the_same() {
    for seed in 0..4 {
        let fixture = Fixture::with_hot_columns(if seed % 4 == 3 { 0 } else { 64 << 20 });
        let random = SeededRandom::new(seed);
        let next = || {
            let mut word = [0; 8];
            random.fill(&mut word);
            u64::from_le_bytes(word)
        };
        let object = purchase(true);
        let log = log_of(&fixture);
        let mut n_compared = 0;
        for round in 0..12 {
            match next() % 4 {
                0 => {
                    let line = |n: u64, shop: u64, who: u64| {
                        let shop = if shop.is_multiple_of(7) { String::new() } else { format!("shop {}", shop % 300) };
                        format!("c{},2017-06-{:02}T00:00:00Z,{},{shop},f{round}-{n}\n", who % 90, 1 + n % 28, n % 1_000)
                    };
                    let lines: String = (0..200).map(|_| line(next(), next(), next())).collect();
                    let text = format!("customer,at,amount,shop,id\n{lines}");
                    fixture.import(&object, &format!("{round}.csv"), text.as_bytes()).expect("the file is good");
                }
                1 => drop(fixture.lake.compact().expect("the disk has room")),
                _ => land(&fixture, &log, &next),
            }
            let snapshot = fixture.lake.snapshot();
            let modulus = 1 + next() % 3;
            let some: RoaringTreemap = snapshot.known().iter().filter(|person| person % modulus == 0).collect();
            for (people, release) in
                [(&some, Release::List), (&some, Release::Aggregate), (snapshot.known(), Release::Aggregate)]
            {
                if people.is_empty() {
                    continue;
                }
                let fields = ["amount", "shop", "later"].map(|name| FieldRef::Property(name.to_owned()));
                let grant = grant_of(people.clone(), &fields, release, FieldClass::None);
                let context = format!("seed {seed}, round {round}, {release:?}");
                n_compared += compare(&snapshot, &grant, &["shop", "later"], &context);
                compare(&snapshot, &grant, &[], &context);
                compare(&snapshot, &grant, &["amount", "shop", "later"], &context);
            }
        }
        assert!(n_compared > 3_000, "seed {seed}: {n_compared} rows");
    }
}

#[test]
fn what_landed_alone_is_found_again() {
    let fixture = Fixture::new();
    let log = log_of(&fixture);
    let fields = ["amount", "shop"].map(|name| FieldRef::Property(name.to_owned()));
    for n in 0..40 {
        let (id, who) = (format!("m{n}"), format!("customer-c{n}"));
        acknowledge(&log, &[Arrival::Message(bought(&id, &who, n, 1))]);
        land_all(&fixture, &log);
        let snapshot = fixture.lake.snapshot();
        for release in [Release::Aggregate, Release::List] {
            let grant = grant_of(snapshot.known().clone(), &fields, release, FieldClass::None);
            let n_rows = compare(&snapshot, &grant, &["shop"], &format!("person {n}, {release:?}"));
            assert_eq!(Ok(n_rows), usize::try_from(n + 1));
        }
    }
}

#[test]
fn what_is_kept_stays_within_its_bound() {
    let hot = crate::hot::HotColumns::new(64 << 10);
    let groups = Arc::from([("part-1".into(), 0)]);
    let rows = crate::hot::Rows { groups, people: (1, 2), only_vouched: false };
    let column: ArrayRef = Arc::new(Int64Array::from(vec![7; 256]));
    let kept = crate::hot::Hot::Column(Column::of(&column).expect("it has numbers"));
    let columns: Vec<Arc<str>> = (0..100).map(|column| Arc::from(format!("p{column}"))).collect();
    for column in &columns {
        hot.keep(&rows, column, &kept);
        // The first is used all the time, so that it stays.
        assert!(hot.get(&rows, &columns[..1])[0].is_some(), "{column}");
    }
    let n_kept = hot.get(&rows, &columns).iter().flatten().count();
    assert!((16..=32).contains(&n_kept), "{n_kept} columns of 2 KiB");
    let merged = crate::hot::Rows { groups: Arc::from([("part-1".into(), 0), ("landed-1".into(), 0)]), ..rows.clone() };
    hot.keep(&merged, &columns[0], &kept);
    let live = std::collections::BTreeSet::from(["part-1", "landed-1"]);
    hot.forget_others(&live);
    assert!(hot.get(&merged, &columns[..1])[0].is_some(), "somebody asked since the table changed before");
    hot.forget_others(&live);
    hot.forget_others(&live);
    assert!(hot.get(&merged, &columns[..1])[0].is_none(), "nobody did");
    assert!(hot.get(&rows, &columns).iter().flatten().count() > 10, "of one file they stay");
    hot.forget_others(&std::collections::BTreeSet::from(["part-2"]));
    assert_eq!(hot.get(&rows, &columns).iter().flatten().count(), 0, "the file is gone");
}
