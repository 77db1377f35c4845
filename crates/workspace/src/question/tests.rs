//! Questions: what is understood, and everything that is said about what is not.

use super::*;
use crate::diagnostic::render;
use spec::PowerQuestion;

/// The question's canonical JSON, or everything that is wrong.
fn check(yaml: &str) -> String {
    let json = match question_from_yaml(yaml) {
        Ok(json) => json,
        Err(diagnostics) => return render(&diagnostics),
    };
    match parse_question(&json, "/question") {
        Ok(question) => {
            let canonical = question.to_json();
            assert_eq!(parse_question(&canonical, "/question"), Ok(question), "its JSON gives the same question");
            canonical.to_string()
        }
        Err(diagnostics) => render(&diagnostics),
    }
}

#[test]
fn every_key_is_read() {
    let trend = "{kind: trend, purpose: p, measure: count(e), by: week, period: {last: 30 days}, as_of: 2017-12-31, \
                 where: a = 1, breakdown: [b], limit: 5, offset: 2, time_zone: Europe/Berlin}";
    insta::assert_snapshot!(check(trend), @r#"{"kind":"trend","purpose":"p","measure":"count(e)","by":"week","period":{"last":"30 days"},"as_of":"2017-12-31T00:00:00Z","where":"a = 1","breakdown":["b"],"limit":5,"offset":2,"time_zone":"Europe/Berlin"}"#);
    let funnel = "{kind: funnel, purpose: p, steps: [a, {event: b, where: event.x = 1}, '*'], within: 45 days, order: strict, \
                  same: [s], count_by: [c], period: {from: 2017-01-01, to: 2018-01-01}, breakdown: [b], breakdown_from: first step}";
    insta::assert_snapshot!(check(funnel), @r#"{"kind":"funnel","purpose":"p","steps":["a",{"event":"b","where":"event.x = 1"},"*"],"within":"45 days","order":"strict","same":["s"],"count_by":["c"],"period":{"from":"2017-01-01","to":"2018-01-01"},"breakdown":["b"]}"#);
    let attribution = "{kind: attribution, purpose: p, conversion: {event: c, where: event.x = 1}, touch: t, channel: m, value: v, \
                       model: time_decay, half_life: 1 days, lookback: 90 days, reset: true, where: a = 1, period: {last: 30 days}}";
    insta::assert_snapshot!(check(attribution), @r#"{"kind":"attribution","purpose":"p","conversion":{"event":"c","where":"event.x = 1"},"touch":"t","channel":"m","value":"v","model":"time_decay","half_life":"1 day","lookback":"90 days","reset":true,"period":{"last":"30 days"},"where":"a = 1"}"#);
    insta::assert_snapshot!(check("{kind: attribution, purpose: p, conversion: c, touch: '*', channel: m, model: time_decay}"), @r#"{"kind":"attribution","purpose":"p","conversion":"c","touch":"*","channel":"m","model":"time_decay","lookback":"30 days"}"#);
    let audience = "{kind: audience, purpose: p, where: did(e), as_of: '2017-12-31T12:00:00+01:00', release: list, \
                    columns: [age, user_id], limit: 10}";
    insta::assert_snapshot!(check(audience), @r#"{"kind":"audience","purpose":"p","where":"did(e)","as_of":"2017-12-31T11:00:00Z","release":"list","columns":["age","user_id"],"limit":10}"#);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let questions = [
        "3",
        "{}",
        "{kind: trnd, purpose: p}",
        "{kind: retention, purpose: p}",
        "{kind: trend, mesure: count(e), by: fortnight, limit: 0, offset: x, time_zone: Mars, breakdown: a}",
        "{kind: trend, purpose: [p], measure: 3, where: 'a = AND', period: {from: 2018-01-01, to: 2017-01-01}}",
        "{kind: trend, purpose: p, measure: sum(e), where: \"count(e, within => '-1 days') > 1\", period: yesterday}",
        "{kind: trend, purpose: p, measure: count(e), breakdown: [a, b, c, d, e, f, g]}",
        "{kind: trend, purpose: p, measure: count(e), breakdown: [a, b, a], period: {last: -1 days}, steps: [a]}",
        "{kind: trend, purpose: p, measure: count(e), period: {from: 2017-02-30, until: 2018-01-01}, as_of: tomorrow}",
        "{kind: funnel, purpose: p, steps: [a], within: 0 days, order: loosely, breakdown_from: last step}",
        "{kind: funnel, purpose: p, steps: [{evnt: a}, {event: b, where: '('}, 3]}",
        "{kind: audience, purpose: p, release: profile, columns: [x], period: {last: 3 days}, limit: 99999999}",
        "{kind: audience, purpose: p, where: [did(e)]}",
    ];
    let all: Vec<String> = questions.iter().map(|question| format!("{question}\n{}", check(question))).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    3
    /question:1:1: a question is a mapping of keys to values, not a number
        write `key: value`

    {}
    /question:1:1: a question needs `kind`
        kinds: `trend`, `funnel`, `retention`, `attribution`, `paths`, `experiment`, `power`, `audience`, `sql`
    /question:1:1: a question needs `purpose`
        say what the answer is for, as in `purpose: analytics`

    {kind: trnd, purpose: p}
    /question/kind:1:1: `trnd` is not a kind of question
        did you mean `trend`?

    {kind: retention, purpose: p}
    /question:1:1: a question needs `start`
        name the event that makes somebody one of a cohort, as in `start: signed_up`

    {kind: trend, mesure: count(e), by: fortnight, limit: 0, offset: x, time_zone: Mars, breakdown: a}
    /question:1:1: a question needs `purpose`
        say what the answer is for, as in `purpose: analytics`
    /question:1:1: a question needs `measure`
        say what is measured, as in `measure: count(purchase)`
    /question/breakdown:1:1: `breakdown` is a list, not text
        write it as in `[one, two]`
    /question/by:1:1: `fortnight` is not a value of `by`
        values: `hour`, `day`, `week`, `month`, `none`
    /question/limit:1:1: `limit` is a whole number from 1 to 1000000
        write it as in `limit: 10`
    /question/mesure:1:1: `mesure` is not a key of a question
        did you mean `measure`?
    /question/offset:1:1: `offset` is a whole number from 0 to 4294967295
        write it as in `offset: 10`
    /question/time_zone:1:1: `Mars` is not a time zone
        use an IANA name, as in `Europe/Berlin`

    {kind: trend, purpose: [p], measure: 3, where: 'a = AND', period: {from: 2018-01-01, to: 2017-01-01}}
    /question/measure:1:1: `measure` is text, not a number
        put it in quotes
    /question/period/to:1:1: the period has no day: it starts on 2018-01-01 and ends before 2017-01-01
        `to` is the day after the last one, so it is later than `from`
    /question/purpose:1:1: `purpose` is text, not a list
        write `purpose: some text`
    /question/where:1:5: expected a trait, `event.property` or a value, found `AND`
        join comparisons with AND, OR and NOT

    {kind: trend, purpose: p, measure: sum(e), where: "count(e, within => '-1 days') > 1", period: yesterday}
    /question/measure:1:5: `sum` takes a property of an event
        name event and property, as in `sum(purchase.amount)`
    /question/period:1:1: `period` is not text
        write `{from: 2017-01-01, to: 2018-01-01}` (without the day `to`) or `{last: 30 days}`
    /question/where:1:20: `-1 days` is not positive: a window reaches over at least one unit
        write it as in `'30 days'`

    {kind: trend, purpose: p, measure: count(e), breakdown: [a, b, c, d, e, f, g]}
    /question/breakdown/5:1:1: `breakdown` has 7 names; 5 are the most
        leave some out

    {kind: trend, purpose: p, measure: count(e), breakdown: [a, b, a], period: {last: -1 days}, steps: [a]}
    /question/breakdown/2:1:1: `a` stands twice in `breakdown`
        keep one of them
    /question/period/last:1:1: `-1 days` is not positive: a window reaches over at least one unit
        write it as in `last: 30 days`
    /question/steps:1:1: `steps` is not a key of a question
        keys: `kind`, `purpose`, `time_zone`, `measure`, `by`, `period`, `as_of`, `where`, `breakdown`, `limit`, `offset`

    {kind: trend, purpose: p, measure: count(e), period: {from: 2017-02-30, until: 2018-01-01}, as_of: tomorrow}
    /question/as_of:1:1: `tomorrow` is not an instant
        write a day, as in `2017-12-31`, or `2017-12-31T18:00:00Z`
    /question/period:1:1: a period has `from` and `to`, or `last`
        write `{from: 2017-01-01, to: 2018-01-01}` (without the day `to`) or `{last: 30 days}`
    /question/period/from:1:1: `2017-02-30` is not a day
        write it as in `2017-12-31`
    /question/period/until:1:1: `until` is not a key of a period
        keys: `last`, `from`, `to`

    {kind: funnel, purpose: p, steps: [a], within: 0 days, order: loosely, breakdown_from: last step}
    /question/breakdown_from:1:1: `last step` is not a value of `breakdown_from`
        did you mean `first step`?
    /question/order:1:1: `loosely` is not a value of `order`
        did you mean `loose`?
    /question/steps:1:1: a funnel has 2 to 20 steps, not 1
        list at least two events, as in `steps: [visit, purchase]`
    /question/within:1:1: `0 days` is not positive: a window reaches over at least one unit
        write it as in `within: 30 days`

    {kind: funnel, purpose: p, steps: [{evnt: a}, {event: b, where: '('}, 3]}
    /question:1:1: a question needs `within`
        say how long the steps may take, as in `within: 30 days`
    /question/steps/0:1:1: a step needs `event`
        name the event, or `*` for all
    /question/steps/0/evnt:1:1: `evnt` is not a key of a step
        did you mean `event`?
    /question/steps/1/where:1:2: expected a trait, `event.property` or a value, found the end
        finish it, as in `count(visit) >= 3`, or take its last word away
    /question/steps/2:1:1: a step is a mapping of keys to values, not a number
        write `key: value`

    {kind: audience, purpose: p, release: profile, columns: [x], period: {last: 3 days}, limit: 99999999}
    /question:1:1: a question needs `where`
        say who, as in `where: did(purchase, within => '30 days')`
    /question/columns:1:1: `columns` is for lists only
        add `release: list`, or leave it out
    /question/limit:1:1: `limit` is a whole number from 1 to 1000000
        write it as in `limit: 10`
    /question/period:1:1: `period` is not a key of a question
        keys: `kind`, `purpose`, `time_zone`, `where`, `as_of`, `release`, `columns`, `limit`, `destination`
    /question/release:1:1: `profile` is not a value of `release`
        values: `aggregate`, `list`

    {kind: audience, purpose: p, where: [did(e)]}
    /question/where:1:1: `where` is text, not a list
        write `where: some text`
    "#);
}

#[test]
fn a_test_is_planned_from_what_is_said_and_what_is_usual() {
    let usual = "{kind: power, purpose: p, exposure: e, metric: people(f), lift: 0.05}";
    insta::assert_snapshot!(check(usual), @r#"{"kind":"power","purpose":"p","exposure":"e","metric":"people(f)","lift":0.05,"variants":2,"test":"sequential","period":{"last":"28 days"}}"#);
    let full = "{kind: power, purpose: p, exposure: {event: e, where: event.x = 1}, metric: {name: m, measure: sum(f.v), \
                where: event.y = 2, within: 7 days}, lift: 12.5 %, variants: 10, test: fixed, days: 366, alpha: 1 %, power: 0.9, \
                period: {from: 2024-01-01, to: 2024-03-01}, as_of: 2024-03-01, where: a = 1, time_zone: Europe/Berlin}";
    insta::assert_snapshot!(check(full), @r#"{"kind":"power","purpose":"p","exposure":{"event":"e","where":"event.x = 1"},"metric":{"name":"m","measure":"sum(f.v)","where":"event.y = 2","within":"7 days"},"lift":0.125,"variants":10,"test":"fixed","days":366,"alpha":0.01,"power":0.9,"period":{"from":"2024-01-01","to":"2024-03-01"},"as_of":"2024-03-01T00:00:00Z","where":"a = 1","time_zone":"Europe/Berlin"}"#);
}

#[test]
fn percent_and_parts_of_one_are_the_same() {
    let lift = |text: &str| {
        let power = "kind: power, purpose: p, exposure: e, metric: people(f), alpha: 5 %, power: 80%";
        let json = question_from_yaml(&format!("{{{power}, lift: {text}}}")).expect("the question is YAML");
        match parse_question(&json, "/question").map(|question| question.body) {
            Ok(QuestionBody::Power(power)) => {
                assert_eq!((power.alpha, power.power), (PowerQuestion::ALPHA, PowerQuestion::POWER));
                power.lift
            }
            other => panic!("{text}: {other:?}"),
        }
    };
    for (percent, part) in [("5 %", "0.05"), ("5%", "'5 %'"), ("2.5 %", "0.025"), ("29 %", "0.29"), ("200 %", "2")] {
        assert_eq!(lift(percent), lift(part), "{percent} and {part}");
    }
    assert_eq!(lift("7 %"), 0.07, "without the dust of dividing");
}

#[test]
fn what_no_test_can_be_is_said() {
    let with = |more: &str| {
        let usual = [("exposure", "e"), ("metric", "people(f)"), ("lift", "0.05")];
        let usual = usual.iter().filter(|(key, _)| !more.contains(&format!("{key}: ")));
        let usual: String = usual.map(|(key, value)| format!(", {key}: {value}")).collect();
        let found = check(&format!("{{kind: power, purpose: p{usual}, {more}}}"));
        format!("{more}\n{found}")
    };
    let wrong = [
        "variants: 1",
        "variants: 11",
        "lift: 0",
        "lift: -0.05",
        "lift: 2000",
        "lift: five",
        "alpha: 0",
        "alpha: 1",
        "power: 0.2",
        "power: 100 %",
        "days: 0",
        "days: 1000",
        "test: sequentail",
        "test: bayesian",
        "metric: {measure: people(f), within: 28 days}",
        "metric: {measure: people(f), within: 9 days}, period: {from: 2024-01-01, to: 2024-01-08}",
        "metric: {measure: people(f), within: 7 days}, period: {last: 7 days}, as_of: 2024-02-01",
        "metric: [people(f), count(f)]",
        "metrics: [people(f)]",
        "variant: arm, split: {a: 1, b: 1}, by: week",
    ];
    let mut all: Vec<String> = wrong.iter().map(|more| with(more)).collect();
    all.push(check("{kind: power, purpose: p}"));
    insta::assert_snapshot!(all.join("\n"), @r#"
variants: 1
/question/variants:1:1: `variants` is a whole number from 2 to 10
    write it as in `variants: 10`

variants: 11
/question/variants:1:1: `variants` is a whole number from 2 to 10
    write it as in `variants: 10`

lift: 0
/question/lift:1:1: `lift` is a number from 0.001 to 100
    say the smallest change worth finding, as in `lift: 0.05` for five in a hundred

lift: -0.05
/question/lift:1:1: `lift` is a number from 0.001 to 100
    say the smallest change worth finding, as in `lift: 0.05` for five in a hundred

lift: 2000
/question/lift:1:1: `lift` is a number from 0.001 to 100
    say the smallest change worth finding, as in `lift: 0.05` for five in a hundred

lift: five
/question/lift:1:1: `lift` is a number from 0.001 to 100
    say the smallest change worth finding, as in `lift: 0.05` for five in a hundred

alpha: 0
/question/alpha:1:1: `alpha` is a number from 0.0001 to 0.5
    say how often a test may find a change that is none, as in `alpha: 0.05`

alpha: 1
/question/alpha:1:1: `alpha` is a number from 0.0001 to 0.5
    say how often a test may find a change that is none, as in `alpha: 0.05`

power: 0.2
/question/power:1:1: `power` is a number from 0.5 to 0.999
    say how often a change is to be found, as in `power: 0.8`

power: 100 %
/question/power:1:1: `power` is a number from 0.5 to 0.999
    say how often a change is to be found, as in `power: 0.8`

days: 0
/question/days:1:1: `days` is a whole number from 1 to 366
    write it as in `days: 10`

days: 1000
/question/days:1:1: `days` is a whole number from 1 to 366
    write it as in `days: 10`

test: sequentail
/question/test:1:1: `sequentail` is not a value of `test`
    did you mean `sequential`?

test: bayesian
/question/test:1:1: `bayesian` is not a value of `test`
    values: `fixed`, `sequential`

metric: {measure: people(f), within: 28 days}
/question:1:1: nobody of the period has had 28 days to act when it ends
    learn from a longer period, or take a shorter `within`

metric: {measure: people(f), within: 9 days}, period: {from: 2024-01-01, to: 2024-01-08}
/question/period:1:1: nobody of the period has had 9 days to act when it ends
    learn from a longer period, or take a shorter `within`

metric: {measure: people(f), within: 7 days}, period: {last: 7 days}, as_of: 2024-02-01
/question/period:1:1: nobody of the period has had 7 days to act when it ends
    learn from a longer period, or take a shorter `within`

metric: [people(f), count(f)]
/question/metric:1:1: the metric of a test is a mapping of keys to values, not a list
    write `key: value`

metrics: [people(f)]
/question/metrics:1:1: `metrics` is not a key of a question
    did you mean `metric`?

variant: arm, split: {a: 1, b: 1}, by: week
/question/by:1:1: `by` is not a key of a question
    keys: `kind`, `purpose`, `time_zone`, `exposure`, `metric`, `lift`, `variants`, `test`, `days`, `alpha`, `power`, `period`, `as_of`, `where`
/question/split:1:1: `split` is not a key of a question
    keys: `kind`, `purpose`, `time_zone`, `exposure`, `metric`, `lift`, `variants`, `test`, `days`, `alpha`, `power`, `period`, `as_of`, `where`
/question/variant:1:1: `variant` is not a key of a question
    did you mean `variants`?

/question:1:1: a question needs `exposure`
    name the event at which people would see a variant, as in `exposure: page_viewed`
/question:1:1: a question needs `metric`
    say what is to change, as in `metric: {measure: people(purchase), within: 7 days}`
/question:1:1: a question needs `lift`
    say the smallest change worth finding, as in `lift: 0.05` for five in a hundred
"#);
}

#[test]
fn depth_is_bounded() {
    let mut json = Json::Null;
    for _ in 0..2_000 {
        json = Json::Array(vec![json]);
    }
    let question = serde_json::json!({ "kind": "trend", "purpose": "p", "where": json });
    let diagnostics = parse_question(&question, "/question").expect_err("it nests too deeply");
    assert!(diagnostics[0].message.contains("nests deeper"), "{}", diagnostics[0].message);
}

#[test]
fn slips_in_sql_are_told_where_they_are() {
    let said = |text: &str| {
        let json = serde_json::json!({ "kind": "sql", "purpose": "p", "text": text });
        parse_question(&json, "/question").map_or_else(|wrong| crate::render(&wrong), |_| String::new())
    };
    let at = |place: &str, message: &str, hint: &str| format!("/question/text:{place}: {message}\n    {hint}\n");
    let cannot = |word: &str| format!("`{word}` cannot be read here");
    assert_eq!(said("SELECT count(*) FORM e"), at("1:17", &cannot("FORM"), "did you mean `FROM`?"));
    assert_eq!(said("SELCT count(*)\nFROM e"), at("1:1", &cannot("SELCT"), "did you mean `SELECT`?"));
    assert_eq!(said("SELECT a, count(*) FROM e GROPU BY a"), at("1:27", &cannot("GROPU"), "did you mean `GROUP`?"));
    assert_eq!(said("SELECT a, FROM e GROUP BY a"), at("1:9", "nothing follows a comma", "leave the comma out"));
    assert_eq!(
        said("SELECT count(*\nFROM e"),
        at("1:13", "a bracket is not closed", "write `)` where what is in it ends")
    );
    assert_eq!(
        said("SELECT count(*)) FROM e"),
        at("1:16", "a bracket closes nothing", "leave it out, or open one before it")
    );
    assert_eq!(said("SELECT cuont(*) FROM e"), at("1:8", "there is no function `cuont`", "did you mean `count`?"));
    assert_eq!(said("SELECT len(a) FROM e"), at("1:8", "there is no function `len`", "write `character_length(name)`"));
    assert_eq!(
        said("SELECT * FROM e"),
        at(
            "1:8",
            "`*` names columns that are not known yet",
            "name the columns; to count rows write `SELECT count(*) FROM e`"
        )
    );
}

#[test]
fn what_is_wrong_is_called_by_its_own_name() {
    let power = "kind: power, purpose: p, exposure: e, lift: 5 %";
    assert_eq!(
        check(&format!("{{{power}, metric: ''}}")),
        "/question/metric:1:1: `metric` is empty\n    write something, or leave it out\n"
    );
    assert_eq!(
        check("{kind: trend, purpose: p, measure: count(e), period: {from: 2024-01-01, to: 9999-01-01}}"),
        "/question/period/to:1:1: `9999-01-01` is too far away\n    days go from 0001-01-01 to 9998-12-31\n"
    );
}
