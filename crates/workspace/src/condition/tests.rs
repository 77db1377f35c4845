//! Conditions: what parses, what is refused and where, and the round trip through text.

use super::*;
use crate::diagnostic::render;
use proptest::prelude::*;

/// The text of the tree, or everything that is wrong.
fn check(text: &str) -> String {
    parse_condition(text).map_or_else(|diagnostics| render(&diagnostics), |condition| condition.to_string())
}

#[test]
fn conditions_are_read() {
    let table = [
        ("country IN ('DE','FR')", "country IN ('DE', 'FR')"),
        ("COUNT(view, WITHIN => '30 days') >= 3", "count(view, within => '30 days') >= 3"),
        ("not Did(purchase, within=>'1 day')", "NOT did(purchase, within => '1 day')"),
        ("in_audience('gold') and event.p != 'x'", "in_audience('gold') AND event.p <> 'x'"),
        ("a = 1 AND (b = 2 AND c = 3)", "a = 1 AND b = 2 AND c = 3"),
        ("a = 1 OR b = 2 AND c = 3", "a = 1 OR (b = 2 AND c = 3)"),
        ("a BETWEEN 1 AND 2 AND b = 3", "a >= 1 AND a <= 2 AND b = 3"),
        ("a NOT BETWEEN -1.50 AND 1e3", "NOT (a >= -1.50 AND a <= 1e3)"),
        ("a IS NOT NULL OR NOT b IS NULL", "a IS NOT NULL OR b IS NOT NULL"),
        ("a NOT LIKE 'it''s%'", "a NOT LIKE 'it''s%'"),
        ("flag AND NOT event.other", "flag = TRUE AND NOT (event.other = TRUE)"),
        ("count(*) = 0", "count(*) = 0"),
        (
            "sum(e.p, where => (event.q = 'x' OR event.r > 2)) > 5",
            "sum(e.p, where => (event.q = 'x' OR event.r > 2)) > 5",
        ),
        (
            "did(e, where => event.q = 'x', within => '2 weeks')",
            "did(e, within => '2 weeks', where => (event.q = 'x'))",
        ),
        ("joined >= DATE '2017-01-01'", "joined >= '2017-01-01'"),
        ("\"Odd name\" = \"select\"", "\"Odd name\" = \"select\""),
        ("date = 'x' AND user = position AND left > 1", "date = 'x' AND user = position AND left > 1"),
        ("count = 3 AND \"event\" = 1", "count = 3 AND \"event\" = 1"),
        ("TRUE", "TRUE = TRUE"),
        ("a = -9223372036854775808", "a = -9223372036854775808"),
    ];
    for (text, tree) in table {
        assert_eq!(check(text), tree, "{text}");
        assert_eq!(check(tree), tree, "{tree}");
    }
}

#[test]
fn case_43_a_pattern_has_at_most_64_wildcards() {
    let longest = format!("a LIKE '{}b'", "%a".repeat(64));
    assert_eq!(check(&longest), longest);
    for (pattern, text) in [("%a", "a LIKE '"), ("_", "a LIKE '"), ("%a", "a NOT LIKE '")] {
        let found = check(&format!("{text}{}b'", pattern.repeat(65)));
        // The place is the quote that opens the pattern.
        let expected = format!(":1:{}: the pattern has more than 64 times `%` or `_`", text.len());
        assert!(found.starts_with(&expected), "{found}");
    }
    let mixed = format!("a LIKE '{}'", "%_".repeat(33));
    assert!(check(&mixed).contains("more than 64 times"), "both signs count together");
}

#[test]
fn what_is_no_condition_is_refused_in_its_place() {
    let texts = [
        "",
        "a = ",
        "a = 1 AND",
        "(a = 1",
        "a = 1)",
        "a = 'open",
        "a + 1 = 2",
        "a = NULL AND b IN (1, NULL)",
        "lower(a) = 'x' AND cuont(e) > 2",
        "count(e, '30 days') > 1",
        "count(e, within => '-1 days') > 1 AND did(f, within => '3 moons')",
        "count(e.p) > 1 AND sum(e) > 1",
        "sum(*.p) > 1",
        "a IN (SELECT 1)",
        "CASE WHEN a THEN b END = 1",
        "a::int = 1",
        "a == 1",
        "a = 1; DROP TABLE people",
        "basket.value = 3",
        "event = 3",
        "count(e)",
        "did(e) = TRUE",
        "in_audience(gold)",
        "a ILIKE 'x'",
        "a IS TRUE",
        "a = 99999999999999999999",
        "a = 1e999",
        "a IN ()",
        "a NOT = 1",
        "b\n  = 1 AND\n    c ~ 2",
        "select = 1",
        "a LIKE b",
        "a = interval '3 days'",
        "EXISTS (SELECT 1)",
    ];
    let all: Vec<String> = texts.iter().map(|text| format!("{text}\n{}", check(text))).collect();
    insta::assert_snapshot!(all.join("\n"), @"

    :1:1: the condition is empty
        write one, as in `did(purchase)`

    a = 
    :1:4: expected a trait, `event.property` or a value, found the end
        finish it, as in `count(visit) >= 3`, or take its last word away

    a = 1 AND
    :1:10: expected a trait, `event.property` or a value, found the end
        finish it, as in `count(visit) >= 3`, or take its last word away

    (a = 1
    :1:7: expected `)`, found the end
        close the bracket with `)`

    a = 1)
    :1:6: expected the end, found `)`
        join comparisons with AND, OR and NOT

    a = 'open
    :1:5: unterminated string literal
        close what is open: each quote and bracket has a partner

    a + 1 = 2
    :1:3: expected a comparison, found `+`
        a condition compares values and does not calculate with them

    a = NULL AND b IN (1, NULL)
    :1:5: nothing equals NULL
        write `IS NULL` or `IS NOT NULL`
    :1:23: nothing equals NULL
        add `OR ... IS NULL`

    lower(a) = 'x' AND cuont(e) > 2
    :1:1: `lower` is not a function of conditions
        the functions are count, sum, avg, min, max, days_since_last, days_since_first, did and in_audience
    :1:20: `cuont` is not a function of conditions
        did you mean `count`?

    count(e, '30 days') > 1
    :1:10: expected `within` or `where`, found `'30 days'`
        write `within => '30 days'`

    count(e, within => '-1 days') > 1 AND did(f, within => '3 moons')
    :1:20: `-1 days` is not positive: a window reaches over at least one unit
        write it as in `'30 days'`
    :1:56: `moons` is not a unit of time: use seconds, minutes, hours, days or weeks
        write it as in `'30 days'`

    count(e.p) > 1 AND sum(e) > 1
    :1:7: `count` takes an event, not a property
        write `count(purchase)`
    :1:24: `sum` takes a property of an event
        name event and property, as in `sum(purchase.amount)`

    sum(*.p) > 1
    :1:5: `sum` takes a property of an event
        name event and property, as in `sum(purchase.amount)`
    :1:6: expected `)`, found `.`
        write `, within => '30 days'` or `, where => (...)`, then `)`

    a IN (SELECT 1)
    :1:7: expected a constant, found `SELECT`
        a condition has no sub-queries: use count(E), did(E) or in_audience('name')

    CASE WHEN a THEN b END = 1
    :1:1: expected a trait, `event.property` or a value, found `CASE`
        CASE is not part of conditions: use AND, OR and NOT

    a::int = 1
    :1:2: expected a comparison, found `::`
        leave the cast out: the contract gives each name its type

    a == 1
    :1:3: expected a comparison, found `==`
        write `=`

    a = 1; DROP TABLE people
    :1:6: expected the end, found `;`
        write one condition, without a `;`

    basket.value = 3
    :1:1: `basket.value` cannot stand here
        write `event.value` for a property of the event

    event = 3
    :1:7: expected `.`, found `=`
        name a property of the event, as in `event.store`

    count(e)
    :1:1: `count(e)` is a value, not a condition
        compare it with something, as in `>= 3`

    did(e) = TRUE
    :1:8: expected the end, found `=`
        join comparisons with AND, OR and NOT

    in_audience(gold)
    :1:13: expected an audience's name, found `gold`
        name the audience in quotes, as in `in_audience('gold')`

    a ILIKE 'x'
    :1:3: expected a comparison, found `ILIKE`
        use `LIKE`; it minds capital letters

    a IS TRUE
    :1:6: expected `NULL`, found `TRUE`
        write `IS NULL` or `IS NOT NULL`; compare flags as in `flag = TRUE`

    a = 99999999999999999999
    :1:5: `99999999999999999999` is too large or too long a number
        use at most 18 digits, or an exponent as in `1e30`

    a = 1e999
    :1:5: `1e999` is too large or too long a number
        use at most 18 digits, or an exponent as in `1e30`

    a IN ()
    :1:7: expected a constant, found `)`
        list constants in brackets, as in `IN ('a', 'b')`

    a NOT = 1
    :1:7: expected `IN`, `LIKE` or `BETWEEN`, found `=`
        `NOT` stands before a whole comparison

    b
      = 1 AND
        c ~ 2
    :3:7: expected a comparison, found `~`
        join comparisons with AND, OR and NOT

    select = 1
    :1:1: expected a trait, `event.property` or a value, found `select`
        a condition has no sub-queries: use count(E), did(E) or in_audience('name')

    a LIKE b
    :1:8: expected a pattern, found `b`
        write it in quotes, as in `LIKE 'spring%'`

    a = interval '3 days'
    :1:5: `interval` before a text
        write the text alone, as in `'spring'`

    EXISTS (SELECT 1)
    :1:1: expected a trait, `event.property` or a value, found `EXISTS`
        join comparisons with AND, OR and NOT
    ");
}

#[test]
fn size_and_depth_are_bounded() {
    let nested = |open: &str, close: &str, count: usize| format!("{}a = 1{}", open.repeat(count), close.repeat(count));
    assert_eq!(check(&nested("(", ")", 60)), "a = 1");
    assert!(check(&nested("(", ")", 5_000)).contains("nests deeper"));
    assert!(check(&nested("NOT ", "", 4_000)).contains("nests deeper"));
    assert!(check(&nested("did(e, where => ", ")", 900)).contains("nests deeper"));
    assert!(check(&"(".repeat(16_000)).contains("nests deeper"));
    assert!(check(&"f(".repeat(8_000)).contains("is not a function"));
    assert!(check(&vec!["a = 1"; 1_001].join(" AND ")).contains("more than 1000 comparisons"));
    assert!(!check(&vec!["a = 1"; 1_000].join(" OR ")).contains("more than"));
    assert!(check(&"a".repeat(20_000)).contains("longer than 16 KiB"));
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9_]{0,6}",
        Just("select".to_owned()),
        Just("Odd \"name\"".to_owned()),
        Just("event".to_owned())
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9 %_'\"\\\\-]{0,8}", Just("\u{e9}\u{1f600}".to_owned()), Just("--x /* y".to_owned())]
}

fn constant() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        (-1.0e300..1.0e300_f64).prop_map(Value::Number),
        (-1.0..1.0_f64).prop_map(Value::Number),
        (any::<i64>(), 1_u32..18).prop_map(|(digits, scale)| Value::Decimal(Decimal::new(digits, scale))),
        text().prop_map(Value::Text),
    ]
}

fn field() -> impl Strategy<Value = Term> {
    prop_oneof![
        name().prop_map(|name| Term::Field(FieldRef::Property(name))),
        name().prop_map(|name| Term::Field(FieldRef::Trait(name))),
    ]
}

fn aggregate(inner: Option<BoxedStrategy<Condition>>) -> impl Strategy<Value = Aggregate> {
    use AggregateFunction::{Avg, Count, DaysSinceFirst, DaysSinceLast, Max, Min, Sum};
    let functions = prop::sample::select(vec![Count, Sum, Avg, Min, Max, DaysSinceLast, DaysSinceFirst]);
    let event = prop_oneof![Just(EventSelector::Any), name().prop_map(EventSelector::Named)];
    let within = prop::option::of(prop::sample::select(vec!["30 days", "1 hour", "2 weeks", "90 seconds"]));
    let filter = match inner {
        Some(inner) => prop::option::of(inner.prop_map(Box::new)).boxed(),
        None => Just(None).boxed(),
    };
    (functions, event, name(), within, filter).prop_map(|(function, event, name, within, filter)| {
        let takes = takes_property(function);
        let event = if takes && event == EventSelector::Any { EventSelector::Named("e".into()) } else { event };
        let within = within.map(|within| Duration::parse(within).expect("it is a duration"));
        Aggregate { function, event, property: takes.then_some(name), within, filter }
    })
}

fn leaf(inner: Option<BoxedStrategy<Condition>>) -> BoxedStrategy<Condition> {
    use CompareOp::{Eq, Greater, GreaterEq, Less, LessEq, NotEq};
    let ops = prop::sample::select(vec![Eq, NotEq, Less, LessEq, Greater, GreaterEq]);
    let term =
        prop_oneof![field(), aggregate(inner.clone()).prop_map(Term::Aggregate), constant().prop_map(Term::Value)];
    let compare = (term.clone(), ops, term).prop_map(|(left, op, right)| Condition::Compare { left, op, right });
    let did = aggregate(inner).prop_map(|aggregate| {
        Condition::Did(Aggregate { function: AggregateFunction::Count, property: None, ..aggregate })
    });
    prop_oneof![
        compare,
        (field(), prop::collection::vec(constant(), 1..4)).prop_map(|(term, values)| Condition::In { term, values }),
        (field(), text()).prop_map(|(term, pattern)| Condition::Like { term, pattern }),
        field().prop_map(Condition::IsNull),
        did,
        text().prop_map(Condition::InAudience),
    ]
    .boxed()
}

fn tree() -> impl Strategy<Value = Condition> {
    leaf(None).prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(all_of),
            prop::collection::vec(inner.clone(), 2..4).prop_map(any_of),
            inner.clone().prop_map(not),
            leaf(Some(inner.boxed())),
        ]
    })
}

proptest! {
    #[test]
    fn the_text_of_a_tree_gives_the_tree(tree in tree()) {
        let text = tree.to_string();
        prop_assert_eq!(parse_condition(&text), Ok(tree), "{}", text);
    }

    #[test]
    fn no_text_makes_the_reader_stumble(text in "[ -~\n]{0,60}") {
        if let Ok(condition) = parse_condition(&text) {
            prop_assert_eq!(parse_condition(&condition.to_string()), Ok(condition));
        }
    }

    #[test]
    fn no_tokens_make_the_reader_stumble(words in prop::collection::vec(prop::sample::select(vec![
        "a", "event", ".", "p", "(", ")", "AND", "OR", "NOT", "=", ">=", "'x'", "1", "-", "IN", ",", "LIKE", "BETWEEN",
        "IS", "NULL", "count", "did", "in_audience", "within", "where", "=>", "'30 days'", "*", "TRUE", "\"q\"", "date",
    ]), 0..25)) {
        let text = words.join(" ");
        if let Ok(condition) = parse_condition(&text) {
            prop_assert_eq!(parse_condition(&condition.to_string()), Ok(condition));
        }
    }
}
