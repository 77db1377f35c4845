//! Names become definitions, types are checked, the nearest name is found.

use super::*;
use crate::fixture::shop_definitions;
use crate::{parse_question, question_from_yaml};

fn ask(yaml: &str) -> Question {
    let json = question_from_yaml(yaml).expect("the question is YAML");
    parse_question(&json, "/question").expect("the question is one")
}

/// The resolved question with what it uses, or everything that does not resolve.
fn check(yaml: &str) -> String {
    match resolve(&ask(yaml), &shop_definitions()) {
        Ok(found) => {
            let fields: Vec<String> = found.fields.iter().map(FieldRef::to_string).collect();
            let sources: Vec<&str> = found.all_sources().collect();
            let type_name = found.measure_type.map(ValueType::name).unwrap_or_default();
            format!(
                "{}\nfields {} | sources {} | {type_name} {}\n",
                found.question.to_json(),
                fields.join(" "),
                sources.join(" "),
                found.unit.unwrap_or_default()
            )
        }
        Err(unresolved) => unresolved.iter().map(said).collect(),
    }
}

fn said(unresolved: &Unresolved) -> String {
    match unresolved {
        Unresolved::Name { subject, kind, nearest, fixed } => {
            let fixed = fixed.as_ref().map(|question| question.to_json().to_string()).unwrap_or_default();
            format!("no {kind} `{subject}`; near {nearest:?}\n    {fixed}\n")
        }
        Unresolved::Wrong(diagnostic) => crate::render(std::slice::from_ref(diagnostic)),
    }
}

fn check_all(questions: &[&str]) -> String {
    questions.iter().map(|question| format!("{question}\n{}\n", check(question))).collect()
}

#[test]
fn definitions_stand_in_the_place_of_names() {
    insta::assert_snapshot!(check_all(&[
        "{kind: trend, purpose: analytics, measure: sales, where: \"age = '30' AND event.due > '2017-01-01'\", breakdown: [paid_by, gold]}",
        "{kind: trend, purpose: analytics, measure: sum(basket_paid.value) / people(basket_paid), where: in_audience('gold')}",
        "{kind: trend, purpose: analytics, measure: count(*), breakdown: [store]}",
        "{kind: funnel, purpose: analytics, steps: [{event: basket_paid, where: event.value > 5}, coupon_redeemed], within: 3 days, same: [store], breakdown: [paid_by]}",
        "{kind: audience, purpose: email, where: \"in_audience('gold') AND in_audience('regulars') AND joined >= '2017-03-01'\", release: list, columns: [age, user_id, email]}",
    ]), @r#"
{kind: trend, purpose: analytics, measure: sales, where: "age = '30' AND event.due > '2017-01-01'", breakdown: [paid_by, gold]}
{"kind":"trend","purpose":"analytics","measure":"sum(basket_paid.value)","by":"month","where":"event.store <> 0 AND age = '30' AND event.due > '2017-01-01'","breakdown":["paid_by","gold"]}
fields event.due event.paid_by event.store event.value age gold | sources members till | decimal USD

{kind: trend, purpose: analytics, measure: sum(basket_paid.value) / people(basket_paid), where: in_audience('gold')}
{"kind":"trend","purpose":"analytics","measure":"sum(basket_paid.value) / people(basket_paid)","by":"month","where":"gold = TRUE AND household_size >= 2"}
fields event.value gold household_size | sources members till | number USD

{kind: trend, purpose: analytics, measure: count(*), breakdown: [store]}
{"kind":"trend","purpose":"analytics","measure":"count(*)","by":"month","breakdown":["store"]}
fields event.store | sources till | integer 

{kind: funnel, purpose: analytics, steps: [{event: basket_paid, where: event.value > 5}, coupon_redeemed], within: 3 days, same: [store], breakdown: [paid_by]}
{"kind":"funnel","purpose":"analytics","steps":[{"event":"basket_paid","where":"event.value > 5"},"coupon_redeemed"],"within":"3 days","same":["store"],"breakdown":["paid_by"]}
fields event.paid_by event.store event.value | sources till |  

{kind: audience, purpose: email, where: "in_audience('gold') AND in_audience('regulars') AND joined >= '2017-03-01'", release: list, columns: [age, user_id, email]}
{"kind":"audience","purpose":"email","where":"gold = TRUE AND household_size >= 2 AND count(basket_paid, within => '30 days') >= 8 AND joined >= '2017-03-01T00:00:00Z'","release":"list","columns":["age","user_id","email"]}
fields age email gold household_size joined user_id | sources members till |
"#);
}

#[test]
fn unknown_names_have_a_nearest() {
    insta::assert_snapshot!(check_all(&[
        "{kind: trend, purpose: analytcs, measure: sale}",
        "{kind: trend, purpose: analytics, measure: sum(basket_payd.value), where: event.valu > 3 AND store = 1, breakdown: [pay_by]}",
        "{kind: trend, purpose: analytics, measure: sum(basket_paid.valu), where: event.valu > 3 AND store = 1 AND event.age = '3'}",
        "{kind: funnel, purpose: analytics, steps: [basket_paid, cupon_redeemed], within: 3 days, same: [stor], breakdown: [agee]}",
        "{kind: audience, purpose: email, where: \"in_audience('silver') OR did(weather) OR sum(basket_paid.vlue, where => (event.vlue > 1 AND event.stoer = 2)) > 3\"}",
        "{kind: audience, purpose: email, where: agee = '3' AND ag = '2', columns: [agee, colour], release: list}",
    ]), @r#"
    {kind: trend, purpose: analytcs, measure: sale}
    no metric `sale`; near ["sales"]
        {"kind":"trend","purpose":"analytics","measure":"sales","by":"month"}
    no purpose `analytcs`; near ["analytics"]
        {"kind":"trend","purpose":"analytics","measure":"sales","by":"month"}

    {kind: trend, purpose: analytics, measure: sum(basket_payd.value), where: event.valu > 3 AND store = 1, breakdown: [pay_by]}
    no event `basket_payd`; near ["basket_paid"]
        {"kind":"trend","purpose":"analytics","measure":"sum(basket_paid.value)","by":"month","where":"event.value > 3 AND event.store = 1","breakdown":["paid_by"]}
    no trait `store`; near []
        {"kind":"trend","purpose":"analytics","measure":"sum(basket_paid.value)","by":"month","where":"event.value > 3 AND event.store = 1","breakdown":["paid_by"]}

    {kind: trend, purpose: analytics, measure: sum(basket_paid.valu), where: event.valu > 3 AND store = 1 AND event.age = '3'}
    no property `basket_paid.valu`; near ["value"]
        {"kind":"trend","purpose":"analytics","measure":"sum(basket_paid.value)","by":"month","where":"event.value > 3 AND event.store = 1 AND age = '3'"}
    no property `event.valu`; near ["value"]
        {"kind":"trend","purpose":"analytics","measure":"sum(basket_paid.value)","by":"month","where":"event.value > 3 AND event.store = 1 AND age = '3'"}
    no trait `store`; near ["event.store"]
        {"kind":"trend","purpose":"analytics","measure":"sum(basket_paid.value)","by":"month","where":"event.value > 3 AND event.store = 1 AND age = '3'"}
    no property `event.age`; near ["age"]
        {"kind":"trend","purpose":"analytics","measure":"sum(basket_paid.value)","by":"month","where":"event.value > 3 AND event.store = 1 AND age = '3'"}

    {kind: funnel, purpose: analytics, steps: [basket_paid, cupon_redeemed], within: 3 days, same: [stor], breakdown: [agee]}
    no event `cupon_redeemed`; near ["coupon_redeemed"]
        {"kind":"funnel","purpose":"analytics","steps":["basket_paid","coupon_redeemed"],"within":"3 days","same":["store"],"breakdown":["age"]}
    no property `stor`; near ["store"]
        {"kind":"funnel","purpose":"analytics","steps":["basket_paid","coupon_redeemed"],"within":"3 days","same":["store"],"breakdown":["age"]}
    no trait `agee`; near ["age"]
        {"kind":"funnel","purpose":"analytics","steps":["basket_paid","coupon_redeemed"],"within":"3 days","same":["store"],"breakdown":["age"]}

    {kind: audience, purpose: email, where: "in_audience('silver') OR did(weather) OR sum(basket_paid.vlue, where => (event.vlue > 1 AND event.stoer = 2)) > 3"}
    no audience `silver`; near []
        
    no event `weather`; near []
        
    no property `basket_paid.vlue`; near ["value", "due"]
        
    no property `event.vlue`; near ["value", "due"]
        
    no property `event.stoer`; near ["store"]
        

    {kind: audience, purpose: email, where: agee = '3' AND ag = '2', columns: [agee, colour], release: list}
    no trait `agee`; near ["age"]
        
    no trait `ag`; near ["age"]
        
    no trait `colour`; near []
    "#);
}

#[test]
fn what_makes_no_sense_is_said() {
    insta::assert_snapshot!(check_all(&[
        "{kind: trend, purpose: analytics, measure: sum(basket_paid.paid_by), where: event.paid_by = 3 AND event.store LIKE 'x' AND event.store = '5' AND event.due = 'soon'}",
        "{kind: trend, purpose: analytics, measure: count(basket_paid), where: count(basket_paid) > 3 AND in_audience('regulars'), breakdown: [basket_id, email]}",
        "{kind: trend, purpose: analytics, measure: max(basket_paid.due) / count(coupon_redeemed), where: event.paid_by = 'cash'}",
        "{kind: funnel, purpose: analytics, steps: [basket_paid, coupon_redeemed], within: 3 days, where: event.value > 3 AND did(basket_paid), count_by: [campaign]}",
        "{kind: audience, purpose: email, where: \"event.store = 1 AND did(basket_paid, where => (age = '3' AND did(coupon_redeemed))) AND gold > TRUE AND age = household_size AND email LIKE '%@x' AND joined = 5\"}",
    ]), @r#"
{kind: trend, purpose: analytics, measure: sum(basket_paid.paid_by), where: event.paid_by = 3 AND event.store LIKE 'x' AND event.store = '5' AND event.due = 'soon'}
/question/measure:1:1: `sum` needs a number and `paid_by` is text
    use `count` for how often something happened
/question/where:1:1: `event.paid_by` is text and `3` is not
    write it in quotes, as in `'3'`
/question/where:1:1: LIKE is for text and `event.store` is an integer
    compare it with `=`, `<` or `>`
/question/where:1:1: `event.store` is an integer and `5` is not
    compare it with a number, without quotes
/question/where:1:1: `event.due` is a date and `soon` is none
    write it as in `'2017-12-31'`

{kind: trend, purpose: analytics, measure: count(basket_paid), where: count(basket_paid) > 3 AND in_audience('regulars'), breakdown: [basket_id, email]}
/question/where:1:1: only audiences can look at what people did over time
    save it as an audience, and ask it as a question of kind `audience`
/question/where:1:1: the audience `regulars` looks at what people did over time, which only audiences can
    ask it as a question of kind `audience`
/question/breakdown:1:1: `basket_id` has a value of its own for almost every row, so groups by it say nothing
    break down by something with few values, or leave it out
/question/breakdown:1:1: `email` names people and is kept out of groups
    leave it out

{kind: trend, purpose: analytics, measure: max(basket_paid.due) / count(coupon_redeemed), where: event.paid_by = 'cash'}
/question/measure:1:1: `max(basket_paid.due)` is no number and cannot be divided
    use count, people, sum or avg
/question/where:1:1: `event.paid_by` is not a property of `coupon_redeemed`
    use a property that all events here have, or a condition on one of them

{kind: funnel, purpose: analytics, steps: [basket_paid, coupon_redeemed], within: 3 days, where: event.value > 3 AND did(basket_paid), count_by: [campaign]}
/question/where:1:1: `event.value` is not a property of `coupon_redeemed`
    use a property that all events here have, or a condition on one of them
/question/where:1:1: only audiences can look at what people did over time
    save it as an audience, and ask it as a question of kind `audience`
no property `campaign`; near []
    

{kind: audience, purpose: email, where: "event.store = 1 AND did(basket_paid, where => (age = '3' AND did(coupon_redeemed))) AND gold > TRUE AND age = household_size AND email LIKE '%@x' AND joined = 5"}
/question/where:1:1: `event.store` stands outside of an event's brackets
    put it into the brackets, as in `did(E, where => (event.store = ...))`
/question/where:1:1: the trait `age` stands in an event's brackets
    write `event.age` for a property, or move it out of the brackets
/question/where:1:1: an aggregate stands in an event's brackets
    join the two with AND outside of the brackets
/question/where:1:1: `gold` is true or false and has no order
    compare it with `=`
/question/where:1:1: `age` is text and `household_size` is an integer
    compare things of the same type
/question/where:1:1: `email` names people and is kept out of conditions
    leave it out
/question/where:1:1: `joined` is a timestamp and `5` is not
    write it as in `'2017-12-31'`
"#);
}

#[test]
fn audiences_on_audiences_stay_bounded() {
    let mut files = crate::fixture::shop();
    for level in 1..30 {
        let under = if level == 1 { "gold".to_owned() } else { format!("level_{}", level - 1) };
        let text = format!("purpose: email\nwhere: in_audience('{under}') OR in_audience('{under}')\n");
        files.insert(format!("audiences/level_{level}.yaml"), text);
    }
    let (definitions, diagnostics) = crate::load(&files);
    assert!(crate::render(&diagnostics).contains("the condition is too large"));
    assert!(definitions.audiences.contains_key("level_5"));
}

#[test]
fn a_test_is_planned_from_a_figure_that_each_person_has() {
    let with = |metric: &str| {
        format!("{{kind: power, purpose: analytics, exposure: coupon_redeemed, metric: {metric}, lift: 5 %}}")
    };
    let metrics = [
        "{measure: people(basket_paid), where: event.value > 5, within: 7 days}",
        "sales",
        "avg(basket_paid.value)",
        "{measure: count(basket_paid) / people(basket_paid)}",
        "{measure: sum(basket_paid.valu), within: 7 days}",
        "people(basket_payd)",
    ];
    let questions = metrics.map(with);
    let mut questions: Vec<&str> = questions.iter().map(String::as_str).collect();
    questions.push(
        "{kind: power, purpose: analytics, exposure: {event: coupon_redeemd, where: event.x = 1}, metric: people(basket_paid), lift: 5 %}",
    );
    questions.push(
        "{kind: power, purpose: analytics, exposure: basket_paid, metric: count(basket_paid), lift: 5 %, where: \"event.store = 1 AND age = '30'\"}",
    );
    insta::assert_snapshot!(check_all(&questions), @r#"
{kind: power, purpose: analytics, exposure: coupon_redeemed, metric: {measure: people(basket_paid), where: event.value > 5, within: 7 days}, lift: 5 %}
{"kind":"power","purpose":"analytics","exposure":"coupon_redeemed","metric":{"name":"people(basket_paid)","measure":"people(basket_paid)","where":"event.value > 5","within":"7 days"},"lift":0.05,"variants":2,"test":"sequential","period":{"last":"28 days"}}
fields event.value | sources till |  

{kind: power, purpose: analytics, exposure: coupon_redeemed, metric: sales, lift: 5 %}
{"kind":"power","purpose":"analytics","exposure":"coupon_redeemed","metric":{"name":"sales","measure":"sum(basket_paid.value)","where":"event.store <> 0"},"lift":0.05,"variants":2,"test":"sequential","period":{"last":"28 days"}}
fields event.store event.value | sources till |  

{kind: power, purpose: analytics, exposure: coupon_redeemed, metric: avg(basket_paid.value), lift: 5 %}
/question/metric:1:1: `avg(basket_paid.value)` is not a figure that each person has
    use count, people or sum

{kind: power, purpose: analytics, exposure: coupon_redeemed, metric: {measure: count(basket_paid) / people(basket_paid)}, lift: 5 %}
/question/metric:1:1: `count(basket_paid) / people(basket_paid)` is not a figure that each person has
    use count, people or sum

{kind: power, purpose: analytics, exposure: coupon_redeemed, metric: {measure: sum(basket_paid.valu), within: 7 days}, lift: 5 %}
no property `basket_paid.valu`; near ["value"]
    {"kind":"power","purpose":"analytics","exposure":"coupon_redeemed","metric":{"measure":"sum(basket_paid.value)","within":"7 days"},"lift":0.05,"variants":2,"test":"sequential","period":{"last":"28 days"}}

{kind: power, purpose: analytics, exposure: coupon_redeemed, metric: people(basket_payd), lift: 5 %}
no event `basket_payd`; near ["basket_paid"]
    {"kind":"power","purpose":"analytics","exposure":"coupon_redeemed","metric":"people(basket_paid)","lift":0.05,"variants":2,"test":"sequential","period":{"last":"28 days"}}

{kind: power, purpose: analytics, exposure: {event: coupon_redeemd, where: event.x = 1}, metric: people(basket_paid), lift: 5 %}
no event `coupon_redeemd`; near ["coupon_redeemed"]
    

{kind: power, purpose: analytics, exposure: basket_paid, metric: count(basket_paid), lift: 5 %, where: "event.store = 1 AND age = '30'"}
{"kind":"power","purpose":"analytics","exposure":"basket_paid","metric":{"name":"count(basket_paid)","measure":"count(basket_paid)"},"lift":0.05,"variants":2,"test":"sequential","period":{"last":"28 days"},"where":"event.store = 1 AND age = '30'"}
fields event.store age | sources members till |
"#);
}

#[test]
fn names_in_sql_are_looked_up_where_they_stand() {
    let said = |text: &str| {
        let json = serde_json::json!({ "kind": "sql", "purpose": "analytics", "text": text });
        let question = parse_question(&json, "/question").expect("the question is one");
        match resolve(&question, &shop_definitions()) {
            Ok(_) => String::new(),
            Err(unresolved) => unresolved.iter().map(said).collect(),
        }
    };
    let fixed = |text: &str| format!("\n    {{\"kind\":\"sql\",\"purpose\":\"analytics\",\"text\":\"{text}\"}}\n");
    assert_eq!(
        said("SELECT stor, count(*) FROM basket_payed WHERE stor > 1 -- stor\nGROUP BY stor"),
        "no event `basket_payed`; near [\"basket_paid\"]".to_owned()
            + &fixed(r"SELECT store, count(*) FROM basket_paid WHERE store > 1 -- stor\nGROUP BY store")
    );
    assert_eq!(
        said("SELECT p.aeg, count(*) FROM basket_paid b JOIN people p ON p.person = b.person GROUP BY 1"),
        "no trait `aeg`; near [\"age\"]".to_owned()
            + &fixed("SELECT p.age, count(*) FROM basket_paid b JOIN people p ON p.person = b.person GROUP BY 1")
    );
    assert_eq!(
        said("SELECT count(*) FROM basket_paid WHERE paid_by = \"cash\""),
        "/question/text:1:50: there is no column `cash`\n    text stands in single quotes: 'cash'\n"
    );
    assert_eq!(
        said("SELECT count(*) FROM public.basket_paid"),
        "/question/text:1:22: there is no table `public.basket_paid`\n    did you mean `basket_paid`?\n"
    );
    assert_eq!(
        said("SELECT basket_paid.store, count(*) FROM basket_paid b GROUP BY 1"),
        "/question/text:1:8: no table is called `basket_paid` here\n    did you mean `b.store`?\n"
    );
    for known in [
        "WITH s AS (SELECT store, count(*) AS n FROM basket_paid GROUP BY store) SELECT x.store, n + 1 AS m FROM s x ORDER BY m",
        "SELECT store AS shop, count(*) FROM basket_paid GROUP BY shop HAVING count(*) > 1 ORDER BY shop",
        "SELECT count(*) FROM people WHERE person IN (SELECT person FROM coupon_redeemed WHERE campaign LIKE 'a%')",
        "SELECT q.\"N\", count(*) FROM (SELECT person, CAST(store AS INT) AS \"N\" FROM basket_paid) q GROUP BY 1",
        "SELECT event, count(*) FROM events WHERE time >= now() - INTERVAL '7 days' GROUP BY event",
    ] {
        assert_eq!(said(known), "", "{known}");
    }
}

#[test]
fn only_what_a_role_sees_is_offered() {
    let definitions = shop_definitions();
    let mut role = definitions.roles["marketer"].clone();
    let near = |question: &str, role: Option<&Role>| -> (Vec<String>, bool) {
        let found = match role {
            Some(role) => resolve_for(&ask(question), &definitions, role),
            None => resolve(&ask(question), &definitions),
        };
        match found.expect_err("a name is unknown").first() {
            Some(Unresolved::Name { nearest, fixed, .. }) => (nearest.clone(), fixed.is_some()),
            other => panic!("{question}: {other:?}"),
        }
    };
    let found = |name: &str| (vec![name.to_owned()], true);
    let nothing = || (Vec::new(), false);
    // What no purpose may use is offered to nobody.
    for (question, meant) in [
        ("{kind: audience, purpose: email, where: household_siz >= 2}", "household_size"),
        ("{kind: trend, purpose: email, measure: count(basket_paid), where: event.paid_b = 'x'}", "paid_by"),
        ("{kind: trend, purpose: email, measure: count(basket_paid), breakdown: [paid_b]}", "paid_by"),
        ("{kind: trend, purpose: email, measure: count(basket_paid), where: event.joined > '2017-01-01'}", "joined"),
        (
            "{kind: sql, purpose: email, text: 'SELECT p.household_siz, count(*) FROM people p GROUP BY 1'}",
            "household_size",
        ),
    ] {
        assert_eq!(near(question, None), found(meant), "{question}");
        assert_eq!(near(question, Some(&role)), nothing(), "{question}");
    }
    // What one of its purposes may use is, for every purpose.
    let sales = "{kind: trend, purpose: email, measure: sum(basket_paid.valu)}";
    assert_eq!(near(sales, Some(&role)), found("value"));
    let purpose = "{kind: trend, purpose: analytic, measure: count(basket_paid)}";
    assert_eq!(near(purpose, Some(&role)), found("analytics"));
    role.purposes.remove("analytics");
    for question in [sales, purpose] {
        assert_eq!(near(question, Some(&role)), nothing(), "{question}");
    }
}
