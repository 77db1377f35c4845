//! Signed identity, from a browser's message to a list: whom a token vouches for is found, and whoever is only claimed is not.

use super::messages::{books_of, send_with};
use super::world::Setup;
use api::{Input, MessageOutcome, Product};
use serde_json::{Value as Json, json};
use spec::Value;

const PUBLIC: &str = "pk_0000000000000000000000000000000000000000";
/// A site where people click, with accounts, and with a key that signs for them.
const CONTRACT: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: site
version: 1.0.0
status: active
schema:
  - name: click
    customProperties: [{ property: entity, value: event }, { property: person, value: member }, { property: time, value: at }]
    properties: &PERSON
      - { name: at, logicalType: timestamp, classification: none }
  - name: account
    customProperties: [{ property: entity, value: traits }, { property: person, value: member }]
    properties: &PERSON
      - { name: plan, logicalType: string, classification: none, customProperties: [{ property: purposes, value: [email] }] }
";
const PERSON: &str = "
      - { name: member, logicalType: string, classification: pseudonym, customProperties: [{ property: purposes, value: [analytics, email, ads, research, panel] }] }";
const SIGNER: &str = "MCowBQYDK2VwAyEAOhArgisu4fFkzR1t/OB+ePI4uIJUtIGTFj8NKfzq+Rg=";
/// For `a1` and `a2` on `site`, good for an hour from when the questions of the shop are asked.
const TOKENS: [&str; 2] = [
    "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhMSIsImF1ZCI6InNpdGUiLCJpYXQiOjE3MTk3OTIwMDAsImV4cCI6MTcxOTc5NTYwMH0.bDhLxv6ohxcE7fPpVw9cqskgbltypQk8pPDOoxhdhiEFDcU3p3rw5_PtKTu2Smc1v_pXPC2o2YVpfhuqJYJzBg",
    "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhMiIsImF1ZCI6InNpdGUiLCJpYXQiOjE3MTk3OTIwMDAsImV4cCI6MTcxOTc5NTYwMH0.MPJlk45k5iJNbLmOeoYDUnMLzPNFjwOSahtw2dSL0wWpTBbXCMeOhYVFg7WsF68LgkhAWkZ-TIQ_EHC-Bp4RCQ",
];

fn site() -> Setup {
    let mut setup = Setup::shop();
    setup.files.insert("contracts/site.odcs.yaml".to_owned(), CONTRACT.replace(" &PERSON", PERSON));
    let source = format!(
        "contract: contracts/site.odcs.yaml\nkeys: [{{ name: pages, kind: public, key: {PUBLIC}, signed_by: [{SIGNER}] }}]\n"
    );
    setup.files.insert("sources/site.yaml".to_owned(), source);
    setup
}

/// A visit: two clicks before somebody says who it is, and one after.
fn visit(cookie: &str, user: &str, token: Option<&str>) -> Vec<Json> {
    let at = "2024-06-30T12:00:00Z";
    let click = |id: &str| json!({ "type": "track", "event": "Click", "messageId": format!("{cookie} {id}"), "anonymousId": cookie, "timestamp": at });
    let known = |mut message: Json| {
        message["userId"] = user.into();
        message["context"] = json!({ "identityToken": token });
        message
    };
    let identify =
        known(json!({ "type": "identify", "anonymousId": cookie, "traits": { "plan": "free" }, "timestamp": at }));
    vec![click("1"), click("2"), identify, known(click("3"))]
}

#[test]
fn whom_a_token_vouches_for_is_one_with_the_visitor_and_on_lists() {
    let world = site().open();
    let visits = [
        visit("c1", "a1", Some(TOKENS[0])),
        visit("c2", "a2", Some(TOKENS[1])),
        // One who only says so, and one with the token of somebody else.
        visit("c3", "a4", None),
        visit("c4", "b1", Some(TOKENS[0])),
    ];
    let outcomes = send_with(&world.app, PUBLIC, &json!({ "batch": visits.concat() }));
    let n_with = |wanted: MessageOutcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!((n_with(MessageOutcome::Accepted), n_with(MessageOutcome::Flagged)), (14, 2));
    assert_eq!(books_of(&world, "site", 16), (16, 0, 0));

    let merges = world.app.merges(&world.who("engineer"), None).expect("an engineer may look");
    assert_eq!(merges.iter().map(|merge| merge.change).collect::<Vec<_>>(), ["identify", "identify"]);
    let of = |id: &str| world.app.merges(&world.who("engineer"), Some(id)).expect("an engineer may look").len();
    assert_eq!(["c1", "c2", "c3", "c4", "a4", "b1"].map(of), [1, 1, 0, 0, 0, 0]);

    let question = json!({
        "kind": "audience", "purpose": "email", "where": "did(click)", "release": "list", "columns": ["user_id", "plan"]
    });
    let asked = match world.ask("officer", &question).expect("the question can be asked") {
        Input::Good(asked) => asked,
        Input::Bad(wrong) => panic!("{wrong:?}"),
    };
    let mut rows: Vec<Vec<Value>> = asked.answer.unwrap_or_else(|| panic!("{:?}", asked.verdict)).rows;
    rows.iter_mut().for_each(|row| drop(row.remove(0)));
    rows.sort_by_key(|row| format!("{row:?}"));
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(rows, [[text("a1"), text("free")], [text("a2"), text("free")]]);

    // What was kept of a count, where claims count, is not what a list is made of.
    let rows_of = |question: Json| match world.ask("officer", &question).expect("the question can be asked") {
        Input::Good(asked) => asked.answer.unwrap_or_else(|| panic!("{:?}", asked.verdict)).rows,
        Input::Bad(wrong) => panic!("{wrong:?}"),
    };
    let free = json!({ "kind": "audience", "purpose": "email", "where": "plan = 'free'" });
    let count = rows_of(free.clone());
    let mut list = free.clone();
    list["release"] = "list".into();
    assert_eq!(rows_of(list).len(), 2);
    assert!(matches!(count[0][0], Value::Integer(n) if n > 2), "{count:?}");
    assert_eq!(rows_of(free), count);
}
