//! What is masked for a role stays so, whatever is asked over whichever route, and in every form in which a list leaves.

use super::super::questions::Dice;
use super::super::twins::{Facts, small_world};
use super::super::world::World;
use super::{Reply, Sent, Server, request};
use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};
use std::io::{Cursor, Write};
use tokio::runtime::Runtime;

const SEED: u64 = 1_000;
const REQUESTS: usize = 300;
/// What all addresses of the small world end with.
const ADDRESS: &str = "@example.org";
/// Whom addresses are masked for, and somebody who is nobody here.
const MASKED: [&str; 4] = ["marketer", "executive", "engineer", "stranger"];
const FORMS: [&str; 4] =
    ["application/json", "text/csv", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"];

/// The small world, and two people who may get mail and have an address.
fn world() -> World {
    let mut setup = small_world(SEED, Facts::Present);
    for data in &mut setup.data {
        for name in ["p900", "p901"] {
            let line = match data.file_name.as_str() {
                "members.csv" => format!("{name},DE,\n"),
                "consents.csv" => format!("{name},2024-01-01,email,granted\n"),
                "profiles.ndjson" => {
                    let address = format!("{name}{ADDRESS}");
                    let profile = json!({
                        "member": name, "at": "2024-01-01T00:00:00Z", "tier": "gold", "card": "K1", "address": address,
                    });
                    format!("{profile}\n")
                }
                _ => continue,
            };
            data.text.push_str(&line);
        }
    }
    setup.open()
}

fn assert_masked(reply: &Reply, case: &str) {
    let tells = |bytes: &[u8]| bytes.windows(ADDRESS.len()).any(|part| part == ADDRESS.as_bytes());
    assert!(!reply.head.iter().any(|line| tells(line.as_bytes())), "{case}: {:?}", reply.head);
    assert!(!tells(&reply.body), "{case}: {}", String::from_utf8_lossy(&reply.body));
}

/// Whether a cell is a user id as it was delivered: `p` and a number.
fn is_raw_id(cell: &str) -> bool {
    let number = cell.strip_prefix('p').unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The cells of an answer in one of its forms.
fn cells(form: &str, body: &[u8]) -> Vec<String> {
    match form {
        "application/json" => {
            let answer: Json = serde_json::from_slice(body).expect("it is JSON");
            let rows = answer["rows"].as_array().cloned().unwrap_or_default();
            let cells = rows.iter().flat_map(|row| row.as_array().cloned().unwrap_or_default());
            cells.map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned)).collect()
        }
        "text/csv" => {
            let text = String::from_utf8_lossy(body).into_owned();
            text.lines().skip(1).flat_map(|line| line.split(',')).map(str::to_owned).collect()
        }
        "application/vnd.apache.arrow.stream" => {
            let batches = StreamReader::try_new(Cursor::new(body), None).expect("it is a stream");
            batches.flat_map(|batch| texts(&batch.expect("it is whole"))).collect()
        }
        _ => {
            let mut file = tempfile::tempfile().expect("there is a folder for temporary files");
            file.write_all(body).expect("the disk has room");
            let batches =
                ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
            let batches = batches.expect("it is a Parquet file");
            batches.flat_map(|batch| texts(&batch.expect("it is whole"))).collect()
        }
    }
}

fn texts(batch: &RecordBatch) -> Vec<String> {
    let mut texts = Vec::new();
    for column in batch.columns() {
        for row in 0..batch.num_rows() {
            texts.push(array_value_to_string(column, row).expect("every type has a text"));
        }
    }
    texts
}

#[test]
fn case_64_no_route_shows_an_address_to_whom_it_is_masked() {
    let runtime = Runtime::new().expect("the system gives threads");
    let mut server = Server::start(&runtime, world());
    let mut dice = Dice::new(SEED);
    let mut n_good = 0;
    for _ in 0..REQUESTS {
        let (route, mut sent) = request(&mut dice);
        sent.user = dice.pick(&MASKED);
        let reply = server.send(&sent);
        n_good += usize::from(reply.head[0].starts_with("HTTP/1.1 200"));
        assert_masked(&reply, &format!("{route}: {sent:?}"));
    }
    // A run in which everything is refused would prove nothing.
    assert!(n_good * 5 > REQUESTS, "only {n_good} of {REQUESTS} requests are answered");
}

#[test]
fn case_64_a_list_shows_addresses_and_ids_to_the_officer_alone_in_every_form() {
    let runtime = Runtime::new().expect("the system gives threads");
    let mut server = Server::start(&runtime, world());
    let question = json!({
        "kind": "audience", "purpose": "email", "where": "tier IS NULL OR tier IS NOT NULL", "release": "list",
        "columns": ["user_id", "address", "card", "tier"],
    });
    for form in FORMS {
        let ask = |user: &'static str| {
            Sent::new("POST", "/api/v1/ask", user).json(&json!({ "question": question })).with("accept", form)
        };
        for user in MASKED {
            let reply = server.send(&ask(user));
            let case = format!("{user}, {form}");
            assert_masked(&reply, &case);
            // The others may not have lists at all.
            let is_answered = reply.head[0].starts_with("HTTP/1.1 200");
            assert_eq!(is_answered, user == "marketer", "{case}: {:?}", reply.head);
            if is_answered {
                let cells = cells(form, &reply.body);
                assert!(cells.len() >= 10, "{case}: {cells:?}");
                let told = cells.iter().find(|cell| is_raw_id(cell) || cell.contains('@'));
                assert_eq!(told, None, "{case}");
            }
        }
        let reply = server.send(&ask("officer"));
        assert!(reply.head[0].starts_with("HTTP/1.1 200"), "{form}: {:?}", reply.head);
        let cells = cells(form, &reply.body);
        let n_of = |is: &dyn Fn(&str) -> bool| cells.iter().filter(|cell| is(cell)).count();
        assert!(n_of(&|cell| cell.ends_with(ADDRESS)) >= 2, "{form}: {cells:?}");
        assert!(n_of(&is_raw_id) >= 2, "{form}: {cells:?}");
    }
}
