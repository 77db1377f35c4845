//! Questions that make no sense: refused with everything that is wrong and a hint, never with a panic.

use super::world::{Setup, World};
use api::{Input, Product};
use serde_json::{Value as Json, json};
use spec::{Diagnostic, Value};
use std::sync::LazyLock;

static SHOP: LazyLock<World> = LazyLock::new(|| Setup::shop().open());

/// What is wrong with a question, by both doors.
fn wrong(question: &Json) -> Vec<Diagnostic> {
    let shown: String = question.to_string().chars().take(300).collect();
    let who = SHOP.who("marketer");
    let Ok(Input::Bad(found)) = SHOP.app.ask(&who, question) else { panic!("it was taken: {shown}") };
    let Ok(Input::Bad(judged)) = SHOP.app.judge(&who, question) else { panic!("it was judged: {shown}") };
    assert_eq!(found, judged, "{shown}");
    let explained = SHOP.app.explain(&who, question).expect("nonsense can be explained");
    assert!(!explained.errors.is_empty(), "{shown}");
    assert!(!found.is_empty(), "{shown}");
    for diagnostic in &found {
        assert!(!diagnostic.message.is_empty() && !diagnostic.hint.is_empty(), "{shown}: {diagnostic:?}");
        assert!(diagnostic.path.starts_with("/question"), "{shown}: {diagnostic:?}");
        assert!(diagnostic.message.len() < 1_000 && diagnostic.hint.len() < 1_000, "{diagnostic:?}");
    }
    found
}

fn paths(question: &Json) -> Vec<String> {
    wrong(question).into_iter().map(|diagnostic| diagnostic.path).collect()
}

fn audience(condition: &str) -> Json {
    json!({ "kind": "audience", "purpose": "analytics", "where": condition })
}

/// A trend with one more key.
fn trend(key: &str, value: Json) -> Json {
    let mut question = json!({ "kind": "trend", "purpose": "analytics", "measure": "count(purchase)" });
    question[key] = value;
    question
}

/// A funnel with one more key.
fn funnel(key: &str, value: Json) -> Json {
    let mut question =
        json!({ "kind": "funnel", "purpose": "analytics", "steps": ["visit", "purchase"], "within": "7 days" });
    question[key] = value;
    question
}

#[test]
fn what_cannot_be_read_does_not_hide_what_does_not_fit() {
    let question = json!({
        "kind": "funnel", "purpose": "analytics", "within": "7 days", "where": "event.page > ",
        "steps": ["visit", { "event": "purchase", "where": "event.items = 'many'" }], "same": ["store"],
    });
    assert_eq!(paths(&question), ["/question/steps/1/where", "/question/where"]);
    let question = json!({
        "kind": "trend", "purpose": "analytics", "measure": "sum(visit.page)", "where": "event.page = ", "by": "fortnight",
    });
    assert_eq!(paths(&question), ["/question/by", "/question/measure", "/question/where"]);
    // Without its measure nothing is left of a trend that could be looked at.
    let question = json!({ "kind": "trend", "purpose": "analytics", "measure": "sum(", "where": "event.page > 3" });
    assert_eq!(paths(&question), ["/question/measure"]);
    // One part may be wrong twice.
    let question = trend("period", json!({ "from": "2024-13-01", "to": "2024-01-32" }));
    assert_eq!(paths(&question), ["/question/period/from", "/question/period/to"]);
    assert_eq!(paths(&json!([1])), ["/question"]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let question = json!({
        "kind": "trend", "purpose": "analytics", "measure": "sum(purchase)", "by": "fortnight", "brekdown": ["store"],
        "period": { "from": "2024-02-01", "to": "2024-01-01" }, "where": "event.store = ", "time_zone": "Mars/Olympus", "limit": -1,
    });
    let found = paths(&question);
    for part in ["measure", "by", "brekdown", "period/to", "where", "time_zone", "limit"] {
        assert!(found.iter().any(|path| path == &format!("/question/{part}")), "{part} is not in {found:?}");
    }
    let hints: Vec<String> = wrong(&question).into_iter().map(|diagnostic| diagnostic.hint).collect();
    assert!(hints.iter().any(|hint| hint.contains("`breakdown`")), "{hints:?}");
}

#[test]
fn what_is_no_question_is_refused() {
    for json in
        [json!(null), json!([]), json!("x"), json!(1), json!({}), json!({ "kind": "trend" }), json!({ "kind": 7 })]
    {
        wrong(&json);
    }
    for kind in ["retention", "sql", "tremd", "", "trend\u{0}"] {
        wrong(&json!({ "kind": kind, "purpose": "analytics" }));
    }
}

#[test]
fn sql_is_no_condition() {
    for condition in [
        "1 = 1; DROP TABLE events",
        "tier = 'gold' UNION SELECT * FROM people",
        "tier = (SELECT tier FROM traits)",
        "tier IN (SELECT tier FROM traits)",
        "tier = 'gold' /* hidden */ OR pg_sleep(10)",
        "EXISTS (SELECT 1)",
        "CASE WHEN vip THEN 1 ELSE 0 END",
        "tier = 'gold",
        "tier = \"gold\" OR",
        "vip AND",
        "",
        ";",
        "tier = 'gold')",
        "count(purchase) >= 3 LIMIT 1",
        "age + 1 > 3",
        "tier || 'x' = 'goldx'",
        "vip::text = 'true'",
        "load_file('/etc/passwd') = ''",
        "age > 99999999999999999999999999",
    ] {
        let found = wrong(&audience(condition));
        assert!(found.iter().all(|diagnostic| diagnostic.path == "/question/where"), "{condition}: {found:?}");
    }
}

#[test]
fn sql_in_a_value_is_a_value() {
    let text = "gold' OR '1'='1'; DROP TABLE events; --";
    let condition = format!("country = 'DE' OR tier = '{}'", text.replace('\'', "''"));
    let who = SHOP.who("marketer");
    let Ok(Input::Bad(_)) = SHOP.app.ask(&who, &audience(&format!("tier = '{text}'"))) else {
        panic!("a quote that is not doubled ends the text")
    };
    let asked = SHOP.app.judge(&who, &audience(&condition));
    assert!(matches!(asked, Ok(Input::Good(_))), "{asked:?}");
}

/// Values that end a quote, start a comment, or stand for any text, somewhere.
const VALUES: [&str; 11] = [
    "' OR 1=1--",
    r"\'",
    "$$ OR $$",
    "a; DROP TABLE events",
    "/* x */",
    "-- x",
    "\u{2019} OR \u{2018}1\u{2019}=\u{2018}1",
    "\u{ff07}\u{ff02}",
    "a\"b",
    "%",
    "_",
];

#[test]
fn case_28_a_value_is_what_stands_between_its_quotes() {
    let mut setup = Setup::shop();
    let members = setup.data.iter_mut().find(|data| data.file_name == "members.csv").expect("the shop has members");
    let mut profiles = "member,at,tier\n".to_owned();
    for (number, value) in VALUES.iter().enumerate() {
        for member in [format!("v{number}"), format!("w{number}")] {
            members.text.push_str(&format!("{member},DE,\n"));
            profiles.push_str(&format!("{member},2024-01-01,\"{}\"\n", value.replace('"', "\"\"")));
        }
    }
    setup.add("profiles", "profiles.csv", profiles);
    let world = setup.open();
    let people = |condition: &str| {
        let asked = world.ask("marketer", &audience(condition));
        let Ok(Input::Good(asked)) = asked else { panic!("`{condition}` is refused: {asked:?}") };
        let answer = asked.answer.unwrap_or_else(|| panic!("`{condition}` is not answered: {:?}", asked.verdict));
        answer.rows[0][0].clone()
    };
    for value in VALUES {
        let text = value.replace('\'', "''");
        assert_eq!(people(&format!("tier = '{text}'")), Value::Integer(2), "{value}");
        assert_eq!(people(&format!("tier IN ('{text}', 'nobody has this')")), Value::Integer(2), "{value}");
    }
    assert_eq!(people("tier IS NOT NULL"), Value::Integer(22), "all of them are there");
    let long = wrong(&audience(&format!("vip AND tier = '{}'", "x".repeat(1 << 20))));
    let places: Vec<_> = long.iter().map(|found| (found.path.as_str(), found.line, found.column)).collect();
    assert_eq!(places, [("/question/where", 1, 1)], "a text that is too long is not read at all");
    assert!(long[0].message.contains("longer than 32 KiB"), "{}", long[0].message);
}

#[test]
fn a_window_reaches_back() {
    for within in ["-1 days", "0 days", "1.5 days", "days", "7 moons", "", "99999999999 weeks", "1 day 1", "ten days"] {
        assert_eq!(paths(&funnel("within", within.into())), ["/question/within"], "{within}");
        assert_eq!(paths(&trend("period", json!({ "last": within }))), ["/question/period/last"], "{within}");
        assert_eq!(paths(&audience(&format!("did(purchase, within => '{within}')"))), ["/question/where"], "{within}");
    }
}

#[test]
fn days_stand_in_their_order() {
    for (from, to) in [("2024-02-01", "2024-01-01"), ("2024-01-01", "2024-01-01")] {
        assert_eq!(paths(&trend("period", json!({ "from": from, "to": to }))), ["/question/period/to"]);
    }
    for day in ["2024-13-01", "2024-02-30", "01.02.2024", "2024-1-1", "0000-01-01", "99999-01-01", "now"] {
        wrong(&trend("period", json!({ "from": day, "to": "2024-03-01" })));
        wrong(
            &audience("vip")
                .as_object()
                .map(|map| {
                    let mut map = map.clone();
                    map.insert("as_of".into(), day.into());
                    Json::Object(map)
                })
                .expect("it is an object"),
        );
    }
    for period in [
        json!("2024"),
        json!([]),
        json!({}),
        json!({ "from": "2024-01-01" }),
        json!({ "last": "1 day", "to": "2024-01-01" }),
    ] {
        wrong(&trend("period", period));
    }
}

#[test]
fn groups_have_few_values_and_name_nobody() {
    assert_eq!(paths(&trend("breakdown", json!(["order"]))), ["/question/breakdown"]);
    assert_eq!(paths(&funnel("breakdown", json!(["address"]))), ["/question/breakdown"]);
    assert_eq!(paths(&trend("breakdown", json!(["store", "store"]))).len(), 1);
    wrong(&trend("breakdown", json!(["a", "b", "c", "d", "e", "f"])));
    wrong(&trend("breakdown", json!(7)));
}

#[test]
fn types_go_together() {
    for condition in [
        "age = 'old'",
        "tier > 3",
        "vip > TRUE",
        "joined > 'soon'",
        "age LIKE '3%'",
        "event.store = 'N'",
        "did(purchase) >= 1",
        "count(purchase)",
        "sum(purchase.store) > 1",
        "sum(purchase) > 1",
        "count(purchase.amount) > 1",
        "address = 'a@example.org'",
        "did(purchase, where => (vip))",
        "did(purchase, where => (count(visit) > 1))",
        "tier = NULL",
        "tier IN ()",
        "unknown_function(tier)",
    ] {
        assert!(paths(&audience(condition)).iter().all(|path| path == "/question/where"), "{condition}");
    }
    for measure in [
        "sum(purchase.store)",
        "avg(purchase.gift)",
        "count(purchase.items)",
        "sum(purchase)",
        "max(purchase.due) / count(purchase)",
        "count(purchase) + 1",
        "x y",
    ] {
        assert_eq!(paths(&trend("measure", measure.into())), ["/question/measure"], "{measure}");
    }
    wrong(&trend("where", "did(purchase)".into()));
}

#[test]
fn size_and_depth_have_limits() {
    let deep = format!("{}vip{}", "(".repeat(100_000), ")".repeat(100_000));
    let nots = format!("{}vip", "NOT ".repeat(100_000));
    let many = vec!["age = 1"; 20_000].join(" OR ");
    let list = format!("age IN ({})", vec!["1"; 200_000].join(","));
    for condition in [deep, nots, many, list, "x".repeat(5_000_000), format!("tier = '{}'", "x".repeat(2_000_000))] {
        wrong(&audience(&condition));
    }
    wrong(&trend("measure", format!("count({}", "(".repeat(100_000)).into()));
    let mut nested = json!(1);
    // As deep as JSON is read.
    for _ in 0..120 {
        nested = json!([nested]);
    }
    wrong(&trend("breakdown", nested.clone()));
    let mut question = trend("by", "day".into());
    question["extra"] = nested;
    wrong(&question);
    let steps: Vec<&str> = vec!["visit"; 10_000];
    wrong(&funnel("steps", json!(steps)));
    wrong(&funnel("steps", json!(["visit"])));
    wrong(&trend("limit", json!(1_000_000_000_000_u64)));
    wrong(
        &trend("purpose", "x".repeat(1_000_000).into())
            .as_object()
            .map(|map| {
                let mut map = map.clone();
                map.insert("more".into(), true.into());
                Json::Object(map)
            })
            .expect("it is an object"),
    );
}

#[test]
fn half_a_funnel_is_none() {
    wrong(&funnel("steps", json!("visit")));
    wrong(&funnel("steps", json!([{ "event": "visit", "when": "now" }, "purchase"])));
    wrong(&funnel("order", "random".into()));
    wrong(&funnel("same", json!(["amount"])));
    wrong(&json!({ "kind": "funnel", "purpose": "analytics", "steps": ["visit", "purchase"] }));
}

#[test]
fn columns_are_for_lists() {
    let mut question = audience("vip");
    question["columns"] = json!(["tier"]);
    assert_eq!(paths(&question), ["/question/columns"]);
    question["release"] = "profile".into();
    wrong(&question);
}

#[test]
fn sql_that_nests_is_refused_before_it_is_read() {
    let deep = |open: &str, close: &str, n: usize| format!("SELECT {}1{} FROM visit", open.repeat(n), close.repeat(n));
    for text in [
        deep("CAST(", " AS INT)", 20),
        deep("CAST(", "", 30),
        deep("POSITION(", " IN 'a')", 9),
        deep("lower(", ")", 40),
        deep("(", ")", 900),
        format!("SELECT {}'1 day' FROM visit", "INTERVAL ".repeat(900)),
        format!("SELECT CAST(1 AS {}INT{}) FROM visit", "ARRAY<".repeat(600), ">".repeat(600)),
    ] {
        wrong(&json!({ "kind": "sql", "purpose": "analytics", "text": text }));
    }
}
