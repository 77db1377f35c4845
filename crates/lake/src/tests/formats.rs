//! CSV, NDJSON and Parquet: the same records, the same reasons, the same refusals.

use super::fixture::{Fixture, events, field, object, purchase};
use crate::data_file::{read_files, schema_of};
use crate::import::quarantine_columns;
use arrow::array::{ArrayRef, AsArray, Decimal128Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use spec::{ErrorKind, ObjectKind, ValueType};
use std::sync::Arc;

const CSV: &str = "customer,at,amount,shop,note\nann,2017-01-01T10:00:00.25Z,1.50,\"north, by \"\"sea\"\"\",x\r\nbob,2017-01-02 11:00:00,-2,,y\ncid,2017-01-02T13:00:00+01:00,0.1,süd,z\n";
const NDJSON: &str = r#"{"customer":"ann","at":"2017-01-01T10:00:00.25Z","amount":1.50,"shop":"north, by \"sea\"","note":{"a":[1]}}

{"amount":-2,"customer":"bob","at":"2017-01-02T11:00:00Z","shop":null}
{"customer":"cid","at":"2017-01-02T12:00:00Z","amount":"0.10","shop":"s\u00fcd"}"#;

fn parquet(n_rows: usize) -> Vec<u8> {
    let times = [1_483_264_800_250_000, 1_483_354_800_000_000, 1_483_358_400_000_000];
    let take = |at: usize| at % 3;
    let customers = ["ann", "bob", "cid"];
    let shops = [Some("north, by \"sea\""), None, Some("süd")];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer", Arc::new((0..n_rows).map(|at| Some(customers[take(at)])).collect::<StringArray>())),
        ("at", Arc::new(TimestampMicrosecondArray::from_iter_values((0..n_rows).map(|at| times[take(at)])))),
        ("amount", {
            let amounts = Decimal128Array::from_iter_values((0..n_rows).map(|at| [15_000, -20_000, 1_000][take(at)]));
            Arc::new(amounts.with_precision_and_scale(12, 4).expect("the amounts are small"))
        }),
        ("shop", Arc::new((0..n_rows).map(|at| shops[take(at)]).collect::<StringArray>())),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("the columns are of one length");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("the schema is plain");
    writer.write(&batch).expect("memory is large enough");
    writer.close().expect("memory is large enough");
    bytes
}

#[test]
fn all_formats_give_the_same_rows() {
    let object = purchase(false);
    let mut all = Vec::new();
    for (name, bytes) in [("a.csv", CSV.as_bytes().to_vec()), ("a.ndjson", NDJSON.into()), ("a.parquet", parquet(3))] {
        let fixture = Fixture::new();
        let report = fixture.import(&object, name, &bytes).expect("the file is good");
        assert_eq!((report.received, report.stored), (3, 3), "{name}: {report:?}");
        all.push(events(&fixture, &object));
    }
    assert_eq!(all[0].len(), 3);
    assert!(all[0].iter().any(|row| row.ends_with("1.50|north, by \"sea\"")), "{:?}", all[0]);
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    // They are the same records too.
    let fixture = Fixture::new();
    fixture.import(&object, "a.csv", CSV.as_bytes()).expect("the file is good");
    let second = fixture.import(&object, "a.jsonl", NDJSON.as_bytes()).expect("the file is good");
    let third = fixture.import(&object, "a.parquet", &parquet(3)).expect("the file is good");
    assert_eq!((second.stored, third.stored), (0, 0));
}

#[test]
fn bad_rows_go_to_quarantine_with_their_reasons() {
    let fixture = Fixture::new();
    let object = purchase(false);
    let mut text = b"customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,ok\n".to_vec();
    text.extend_from_slice(b"ann,2017-01-01T00:00:00Z,1.234,ok\n,2017-01-01T00:00:00Z,1,ok\nann,yesterday,1,ok\n");
    text.extend_from_slice(
        b"ann,2019-01-01T00:00:00Z,1,ok\nann,1066-10-14T00:00:00Z,1,ok\nann,2017-01-01T00:00:00Z,,ok\n",
    );
    text.extend_from_slice(b"ann,2017-01-01T00:00:00Z,1,\xff\xfe\nann,2017-01-01T00:00:00Z,1\n");
    text.extend_from_slice(format!("ann,2017-01-01T00:00:00Z,1,{}\n", "x".repeat(21)).as_bytes());
    let report = fixture.import(&object, "a.csv", &text).expect("the file as a whole is good");
    assert_eq!((report.received, report.stored, report.duplicate, report.rejected), (10, 1, 0, 9));
    let mut reasons: Vec<&str> = report.reasons.iter().map(|(reason, _, _)| reason.as_str()).collect();
    reasons.sort_unstable();
    let expected = [
        "`amount`: expected a number with at most 2 digits after the point",
        "`amount`: missing, and the contract requires it",
        "`at`: expected a time from the year 1900 up to tomorrow",
        "`at`: expected a time, as 2017-01-31T09:30:00Z",
        "`customer`: missing, and the contract requires it",
        "`shop`: expected at most 20 characters",
        "`shop`: expected text in UTF-8",
        "expected 4 columns as in the header, found another number",
    ];
    assert_eq!(reasons, expected);
    let folder = fixture.folder.path().join("data/quarantine");
    let files = std::fs::read_dir(folder).expect("the table is there").flatten().map(|entry| entry.path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "parquet")).collect();
    let rows = read_files(&files, &schema_of(&quarantine_columns())).expect("the table is whole");
    assert_eq!(rows.num_rows(), 9);
    let raw = rows.column(6).as_string::<i32>().value(0);
    assert_eq!(fixture.lake.opened_for_tests(raw), "ann,2017-01-01T00:00:00Z,1.234,ok");
}

#[test]
fn wrong_columns_refuse_the_whole_file() {
    let fixture = Fixture::new();
    let object = purchase(false);
    let refused =
        fixture.import(&object, "a.csv", b"customer,when,amount\nann,2017-01-01,1\n").expect_err("`at` is missing");
    assert_eq!(refused.kind, ErrorKind::Invalid);
    assert!(refused.message.contains("lacks `at`") && refused.message.contains("has `when`"), "{}", refused.message);
    assert!(refused.hint.is_some());
    for (name, text) in [("a.csv", ""), ("a.xls", "x"), ("a.csv", "a,a\n"), ("a.parquet", "no parquet")] {
        let refused = fixture.import(&object, name, text.as_bytes()).expect_err("the file is no good");
        assert_eq!(refused.kind, ErrorKind::Invalid, "{name}");
    }
    assert!(fixture.lake.snapshot().imports().is_empty() && fixture.lake.snapshot().known().is_empty());
}

#[test]
fn a_truncated_or_lying_parquet_file_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let object = purchase(false);
    let good = parquet(5_000);
    let versions = fixture.lake.snapshot().table_versions();
    for cut in [1, 4, 9, 100, good.len() / 2, good.len() - 5] {
        let refused =
            fixture.import(&object, "cut.parquet", &good[..good.len() - cut]).expect_err("its end is missing");
        assert_eq!(refused.kind, ErrorKind::Invalid, "{}", refused.chain());
    }
    let mut state: u64 = 7;
    for _ in 0..150 {
        let mut bad = good.clone();
        for _ in 0..8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(state >> 33).expect("31 bits fit") % bad.len();
            bad[at] = bad[at].wrapping_add(u8::try_from(state >> 56).expect("8 bits fit"));
        }
        if let Err(refused) = fixture.import(&object, "lie.parquet", &bad) {
            assert_eq!(refused.kind, ErrorKind::Invalid, "{}", refused.chain());
        }
    }
    let refused = Fixture::new();
    refused.import(&object, "cut.parquet", &good[..good.len() / 2]).expect_err("its end is missing");
    assert_eq!(refused.lake.snapshot().table_versions(), versions);
}

#[test]
fn one_endless_line_costs_that_line_only() {
    let object = purchase(false);
    let long = vec![b'x'; 50 << 20];
    let line = |text: &str| text.as_bytes().to_vec();
    let csv = [
        line("customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,a\n"),
        long.clone(),
        line("\nbob,2017-01-01T00:00:00Z,1,b\n"),
    ]
    .concat();
    let json =
        |name: &str| format!("{{\"customer\":\"{name}\",\"at\":\"2017-01-01T00:00:00Z\",\"amount\":1}}\n").into_bytes();
    let ndjson = [json("ann"), long, line("\n"), json("bob")].concat();
    for (name, bytes) in [("a.csv", csv), ("a.ndjson", ndjson)] {
        let fixture = Fixture::new();
        let report = fixture.import(&object, name, &bytes).expect("the other lines are good");
        assert_eq!((report.received, report.stored, report.rejected), (3, 2, 1), "{name}: {:?}", report.reasons);
    }
}

#[test]
fn an_unclosed_quote_costs_its_line_only() {
    let fixture = Fixture::new();
    let object = purchase(false);
    let mut text = "customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,\"open\n".to_owned();
    for n in 0..60_000 {
        text.push_str(&format!("c{n},2017-01-01T00:00:00Z,1,b\n"));
    }
    let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the other lines are good");
    assert_eq!((report.received, report.stored, report.rejected), (60_001, 60_000, 1));
}

#[test]
fn a_quote_that_is_open_at_the_end_of_the_file_costs_its_line_only() {
    let object = purchase(false);
    for end in ["", "\n", "\r\n"] {
        let fixture = Fixture::new();
        let text = format!(
            "customer,at,amount,shop\nann,2017-01-01T00:00:00Z,1,\"open\nbob,2017-01-01T00:00:00Z,1,b\ncid,2017-01-01T00:00:00Z,1,c{end}"
        );
        let report = fixture.import(&object, "b.csv", text.as_bytes()).expect("the other lines are good");
        assert_eq!((report.received, report.stored, report.rejected), (3, 2, 1), "{:?}", report.reasons);
        assert_eq!(report.reasons[0].0, "a quote in the line is never closed");
        assert_eq!(report.reasons[0].2, "b.csv:1");
        let good = format!("customer,at,amount,shop\ndan,2017-01-01T00:00:00Z,1,\"d\"\"\"{end}");
        let report = fixture.import(&object, "c.csv", good.as_bytes()).expect("the file is good");
        assert_eq!((report.received, report.stored), (1, 1), "{:?}", report.reasons);
    }
    let fixture = Fixture::new();
    let refused = fixture.import(&object, "a.csv", b"customer,at,\"amount\nann,").expect_err("it has no header");
    assert!(refused.message.contains("quote"), "{}", refused.message);
}

#[test]
fn empty_lines_are_no_records_however_many_there_are() {
    let fixture = Fixture::new();
    let empty = "\r\n".repeat(2 << 20);
    let text = format!(
        "{empty}customer,at,amount,shop\n{empty}ann,2017-01-01T00:00:00Z,1,a\n{empty}bob,2017-01-01T00:00:00Z,1,b{empty}"
    );
    let report = fixture.import(&purchase(false), "a.csv", text.as_bytes()).expect("the file is good");
    assert_eq!((report.received, report.stored, report.rejected), (2, 2, 0), "{:?}", report.reasons);
}

#[test]
fn days_and_times_beyond_the_calendar_are_rejected() {
    use arrow::array::{Date32Array, Date64Array, TimestampSecondArray};
    let fields = vec![
        field("customer", ValueType::Text, true),
        field("at", ValueType::Timestamp, true),
        field("day", ValueType::Date, false),
        field("time", ValueType::Timestamp, false),
    ];
    let object = object("visit", ObjectKind::Event, Some("at"), fields);
    let import = |at: ArrayRef, day: ArrayRef, time: ArrayRef| {
        let customer: ArrayRef = Arc::new(StringArray::from(vec!["ann"; at.len()]));
        let columns = vec![("customer", customer), ("at", at), ("day", day), ("time", time)];
        let batch = RecordBatch::try_from_iter(columns).expect("the columns are of one length");
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("the schema is plain");
        writer.write(&batch).expect("memory is large enough");
        writer.close().expect("memory is large enough");
        let fixture = Fixture::new();
        let report = fixture.import(&object, "a.parquet", &bytes).expect("the file as a whole is good");
        assert_eq!(report.stored + report.rejected, report.received);
        (report.rejected, events(&fixture, &object))
    };
    let good: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0; 5]));
    let days = [-719_162, 2_932_896, i32::MAX, i32::MIN, 2_932_897];
    let times = [1_000_000, 0, i64::MAX, i64::MIN, 253_402_300_800_000_000];
    let (rejected, rows) = import(
        Arc::clone(&good),
        Arc::new(Date32Array::from(days.to_vec())),
        Arc::new(TimestampMicrosecondArray::from(vec![0; 5])),
    );
    assert_eq!(rejected, 3);
    assert!(rows.iter().any(|row| row.contains("0001-01-01")) && rows.iter().any(|row| row.contains("9999-12-31")));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![0; 5]));
    let (rejected, _) =
        import(Arc::clone(&good), Arc::clone(&day), Arc::new(TimestampMicrosecondArray::from(times.to_vec())));
    assert_eq!(rejected, 3);
    // Casts of these to narrower days and finer times would come out as something plausible.
    let (rejected, _) = import(
        Arc::clone(&good),
        Arc::new(Date64Array::from(vec![0, 0, i64::MAX, i64::MIN, 86_400_000 * (1 << 32)])),
        Arc::new(TimestampSecondArray::from(vec![0, 0, i64::MAX, i64::MIN, 18_446_744_073_710])),
    );
    assert_eq!(rejected, 3);
    let (rejected, _) = import(Arc::new(Date32Array::from(vec![0, 0, i32::MAX, i32::MIN, 213_503_983])), day, good);
    assert_eq!(rejected, 3);
    let fixture = Fixture::new();
    let text = "customer,at,day,time\nann,2017-01-01,0000-12-31,\nann,2017-01-01,,0001-01-01T00:00:00+01:00\n";
    let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file as a whole is good");
    assert_eq!(report.rejected, 2, "{:?}", report.reasons);
}

#[test]
fn every_type_is_read_from_text() {
    let fixture = Fixture::new();
    let fields = vec![
        field("customer", ValueType::Integer, true),
        field("at", ValueType::Date, true),
        field("n", ValueType::Integer, false),
        field("x", ValueType::Number, false),
        field("yes", ValueType::Boolean, false),
        field("day", ValueType::Date, false),
    ];
    let object = object("visit", ObjectKind::Event, Some("at"), fields);
    let text = "customer,at,n,x,yes,day\n7,2017-03-01,-5,1e3,true,2017-02-28\n8,2017-03-01,,,,\n9,2017-03-01,1.5,,,\n9,2017-03-01,,NaN,,\n9,2017-03-01,,,yes,\n9,2017-03-01,,,,2017-02-30\n";
    let report = fixture.import(&object, "a.csv", text.as_bytes()).expect("the file as a whole is good");
    assert_eq!((report.stored, report.rejected), (2, 4), "{:?}", report.reasons);
    let rows = events(&fixture, &object);
    assert!(rows.iter().any(|row| row.ends_with("|visit|-5|1000.0|true|2017-02-28")), "{rows:?}");
}
