//! The lake through its public face: what comes in, what is refused, what survives, what leaves.

pub(crate) mod fixture;
mod flips;
mod formats;
mod people;
mod stretches;
mod survival;

use fixture::{Fixture, events, purchase};
use spec::{ErrorKind, FieldRef, PersonId};

#[test]
fn a_repeat_changes_nothing_and_the_balance_holds() {
    let fixture = Fixture::new();
    let object = purchase(false);
    let text = "customer,at,amount,shop\nann,2017-01-01T10:00:00Z,1.50,north\nbob,2017-01-02 10:00:00,2,south\nann,2017-01-01T10:00:00Z,1.50,north\n";
    let first = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
    assert_eq!(
        (first.received, first.stored, first.duplicate, first.rejected),
        (3, 3, 0, 0),
        "a line twice is two events"
    );
    let before = (events(&fixture, &object), fixture.lake.snapshot().table_versions());
    let same_file = fixture.import(&object, "b.csv", text.as_bytes()).expect("the file is good");
    assert_eq!((same_file.received, same_file.stored, same_file.duplicate), (3, 0, 3));
    assert_eq!(before, (events(&fixture, &object), fixture.lake.snapshot().table_versions()));
    // The same records in another order and with one more.
    let more = "customer,at,shop,amount\nbob,2017-01-02T10:00:00Z,south,2.00\nann,2017-01-01T10:00:00Z,north,1.5\ncid,2017-01-03T10:00:00Z,north,9\nann,2017-01-01T10:00:00Z,north,1.50\n";
    let second = fixture.import(&object, "c.csv", more.as_bytes()).expect("the file is good");
    assert_eq!((second.received, second.stored, second.duplicate, second.rejected), (4, 1, 3, 0));
    assert_eq!(events(&fixture, &object).len(), 4);
    assert_eq!(fixture.lake.snapshot().imports().len(), 2);
}

#[test]
fn the_same_message_id_is_the_same_event() {
    let fixture = Fixture::new();
    let object = purchase(true);
    let head = "customer,at,amount,shop,id\n";
    let first = format!(
        "{head}ann,2017-01-01T10:00:00Z,1.50,north,m1\nann,2017-01-01T11:00:00Z,7,north,m1\nbob,2017-01-02T10:00:00Z,2,south,m2\n"
    );
    let report = fixture.import(&object, "a.csv", first.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.duplicate), (2, 1));
    // Another file says otherwise about m1, and earlier: what is stored stays.
    let second = format!("{head}ann,2016-01-01T10:00:00Z,99,south,m1\nbob,2017-01-05T10:00:00Z,2,south,m3\n");
    let report = fixture.import(&object, "b.csv", second.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.duplicate), (1, 1));
    let rows = events(&fixture, &object);
    assert!(rows.iter().any(|row| row.contains("1.50")) && rows.iter().all(|row| !row.contains("99.00")), "{rows:?}");
}

#[test]
fn a_record_without_its_id_is_rejected_and_not_taken_for_another() {
    let fixture = Fixture::new();
    let mut object = purchase(true);
    object.fields[4].required = false;
    let text = "customer,at,amount,shop,id\nann,2017-01-01T10:00:00Z,1,north,\nann,2017-01-02T10:00:00Z,2,north,\nann,2017-01-03T10:00:00Z,3,north,m1\n";
    let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file as a whole is good");
    assert_eq!((report.stored, report.duplicate, report.rejected), (1, 0, 2));
    assert_eq!(report.reasons[0].0, "`id`: missing, and the contract requires it");
    let text = b"customer,at,amount,shop\nann,2017-01-01T10:00:00Z,1,north\n";
    let refused = fixture.import(&object, "b.csv", text).expect_err("the column is missing");
    assert!(refused.kind == ErrorKind::Invalid && refused.message.contains("lacks `id`"), "{}", refused.message);
    object.fields.pop();
    let refused = fixture.import(&object, "c.csv", text).expect_err("the contract lacks the column");
    assert!(refused.message.contains("`id`"), "{}", refused.message);
}

#[test]
fn a_contract_with_one_more_field_knows_the_records_that_are_there() {
    let fixture = Fixture::new();
    let mut object = purchase(false);
    let first = "customer,at,amount,shop\nann,2017-01-01T10:00:00Z,1,north\nann,2017-01-01T10:00:00Z,1,\n";
    assert_eq!(fixture.import(&object, "a.csv", first.as_bytes()).expect("the file is good").stored, 2);
    object.fields.insert(0, spec::Field { name: "coupon".to_owned(), ..object.fields[3].clone() });
    object.fields.swap(1, 4);
    // The third record says as a coupon what the first says as a shop.
    let all = "customer,at,amount,shop,coupon\nann,2017-01-01T10:00:00Z,1,north,\nann,2017-01-01T10:00:00Z,1,,\nann,2017-01-01T10:00:00Z,1,,north\n";
    let report = fixture.import(&object, "b.csv", all.as_bytes()).expect("the file is good");
    assert_eq!((report.stored, report.duplicate), (1, 2));
}

#[test]
fn a_scan_shows_granted_people_and_columns_only() {
    let fixture = Fixture::new();
    let object = purchase(false);
    let lines: String = (0..200).map(|n| format!("c{n},2017-01-{:02}T10:00:00Z,{n},shop {n}\n", 1 + n % 28)).collect();
    fixture.import(&object, "a.csv", format!("customer,at,amount,shop\n{lines}").as_bytes()).expect("the file is good");
    let snapshot = fixture.lake.snapshot();
    let some = snapshot.known().iter().filter(|person| person % 3 == 0).collect();
    let grant = fixture::grant(some, &[FieldRef::Property("amount".to_owned())]);
    let request = crate::ScanRequest { properties: vec!["amount".to_owned()], ..crate::ScanRequest::default() };
    let mut n_rows = 0;
    for part in snapshot.scan_events(&grant, &request).expect("the column is granted") {
        let rows = fixture::batch_of(&part);
        n_rows += rows.num_rows() as u64;
        for person in fixture::people_in(&rows) {
            assert!(
                grant.allows(PersonId::from_stored(person).expect("a stored person")),
                "person {person} was not granted"
            );
        }
    }
    assert_eq!(n_rows, grant.people().len());
    let request = crate::ScanRequest { properties: vec!["shop".to_owned()], ..crate::ScanRequest::default() };
    let Err(refused) = snapshot.scan_events(&grant, &request) else { panic!("`shop` was not granted") };
    assert_eq!(refused.kind, ErrorKind::Denied);
    let refused = snapshot.identifiers(&grant, "user_id", &[]).expect_err("the grant is for aggregates");
    assert_eq!(refused.kind, ErrorKind::Denied);
    assert_eq!(snapshot.pseudonym(&grant, PersonId::new(1, 1)).len(), 16);
}

#[test]
fn what_has_no_row_in_time_is_not_read() {
    let fixture = Fixture::new();
    let object = purchase(false);
    let text = "customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,\nann,2017-01-02T00:00:00Z,2,\nann,2017-01-03T00:00:00Z,3,x\n";
    fixture.import(&object, "a.csv", text.as_bytes()).expect("the file is good");
    let snapshot = fixture.lake.snapshot();
    let grant = fixture::grant(snapshot.known().clone(), &[FieldRef::Property("later".to_owned())]);
    let n_read = |from: &str, to: &str| -> usize {
        let request = crate::ScanRequest {
            properties: vec!["later".to_owned()],
            from: Some(fixture::at(from)),
            to: Some(fixture::at(to)),
        };
        let parts = snapshot.scan_events(&grant, &request).expect("the column is granted");
        parts.iter().map(|part| part.stretch().expect("the file is whole").n_rows()).sum()
    };
    assert_eq!(n_read("2017-01-01T00:00:00Z", "2017-01-03T00:00:00Z"), 3, "row groups are read whole");
    assert_eq!(n_read("2017-01-03T00:00:00Z", "2018-01-01T00:00:00Z"), 3);
    assert_eq!(n_read("2016-01-01T00:00:00Z", "2017-01-01T00:00:00Z"), 0, "the end is exclusive");
    assert_eq!(n_read("2017-01-03T00:00:00.000001Z", "2018-01-01T00:00:00Z"), 0);
}
