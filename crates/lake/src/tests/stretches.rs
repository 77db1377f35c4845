//! What questions walk on is what the scan lets through, whether columns are read or kept.

use super::fixture::{Fixture, grant, purchase, row_text};
use crate::{Column, Random, ScanRequest, SeededRandom, Snapshot, Stretch};
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use policy::Grant;
use spec::FieldRef;
use std::sync::Arc;

/// The rows of a stretch as the scan's batch has them.
fn batch_of(stretch: &Stretch, types: &[DataType]) -> RecordBatch {
    let rows = || stretch.people().iter().flat_map(|person| person.rows());
    let people = stretch.people().iter().flat_map(|person| person.rows().map(|_| person.person()));
    let times = rows().map(|row| stretch.time(row));
    let names = rows().map(|row| stretch.events().text(row).expect("every event has a name").to_owned());
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(people.collect::<Int64Array>()),
        Arc::new(arrow::array::TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        Arc::new(names.map(Some).collect::<arrow::array::StringArray>()),
    ];
    let mut fields = vec![Field::new("a", DataType::Int64, true), Field::new("b", utc, true)];
    fields.push(Field::new("c", DataType::Utf8, true));
    for (place, data_type) in types.iter().enumerate() {
        let column = stretch.property(place).array(rows(), data_type).expect("every column can be picked from");
        fields.push(Field::new(format!("p{place}"), column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns have equal lengths")
}

fn texts(batch: &RecordBatch) -> Vec<String> {
    (0..batch.num_rows()).map(|row| row_text(batch, row)).collect()
}

fn compare(snapshot: &Snapshot, grant: &Grant, properties: &[&str]) -> usize {
    let request = ScanRequest {
        properties: properties.iter().map(|name| (*name).to_owned()).collect(),
        ..ScanRequest::default()
    };
    let mut n_rows = 0;
    for part in snapshot.scan_events(grant, &request).expect("the columns are granted") {
        let scanned = part.read().expect("the file is whole").batch;
        let types: Vec<DataType> =
            scanned.schema().fields().iter().skip(3).map(|field| field.data_type().clone()).collect();
        // The second time from what the first has kept.
        for _ in 0..2 {
            let stretch = part.stretch().expect("the file is whole");
            assert_eq!(texts(&batch_of(&stretch, &types)), texts(&scanned));
        }
        n_rows += scanned.num_rows();
    }
    n_rows
}

#[test]
fn read_or_kept_the_rows_are_those_of_the_scan() {
    for seed in 0..6 {
        let fixture = Fixture::new();
        let random = SeededRandom::new(seed);
        let next = || {
            let mut word = [0; 8];
            random.fill(&mut word);
            u64::from_le_bytes(word)
        };
        let object = purchase(false);
        for file in 0..3 {
            let line = |n: u64, shop: u64, who: u64| {
                let shop = if shop.is_multiple_of(7) { String::new() } else { format!("shop {}", shop % 300) };
                format!("c{},2017-01-{:02}T10:00:00Z,{},{shop}\n", who % 90, 1 + n % 28, n % 1_000)
            };
            let lines: String = (0..400).map(|_| line(next(), next(), next())).collect();
            let text = format!("customer,at,amount,shop\n{lines}");
            fixture.import(&object, &format!("{file}.csv"), text.as_bytes()).expect("the file is good");
            let snapshot = fixture.lake.snapshot();
            let fields = ["amount", "shop", "later"].map(|name| FieldRef::Property(name.to_owned()));
            let modulus = 1 + next() % 3;
            let some = grant(snapshot.known().iter().filter(|person| person % modulus == 0).collect(), &fields);
            let all = grant(snapshot.known().clone(), &fields);
            assert!(compare(&snapshot, &some, &["shop", "later"]) > 0, "seed {seed}: some are granted");
            assert!(compare(&snapshot, &all, &["amount", "shop", "later"]) > 100, "seed {seed}");
            assert!(compare(&snapshot, &some, &[]) > 0, "seed {seed}");
        }
    }
}

#[test]
fn what_is_kept_stays_within_its_bound() {
    let hot = crate::hot::HotColumns::new(64 << 10);
    let name: Arc<str> = "part-1".into();
    let column: ArrayRef = Arc::new(Int64Array::from(vec![7; 256]));
    let kept = crate::hot::Hot::Column(Column::of(&column).expect("it has numbers"));
    let columns: Vec<Arc<str>> = (0..100).map(|column| Arc::from(format!("p{column}"))).collect();
    for column in &columns {
        hot.keep((Arc::clone(&name), 0, Arc::clone(column)), &kept);
        // The first is used all the time, so that it stays.
        assert!(hot.get(&name, 0, &columns[..1])[0].is_some(), "{column}");
    }
    let n_kept = hot.get(&name, 0, &columns).iter().flatten().count();
    assert!((16..=32).contains(&n_kept), "{n_kept} columns of 2 KiB");
    hot.forget_others(&std::collections::BTreeSet::from(["part-2"]));
    assert_eq!(hot.get(&name, 0, &columns).iter().flatten().count(), 0, "the file is gone");
}
