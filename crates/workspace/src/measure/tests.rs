//! Measures: what parses and what is refused.

use super::*;
use crate::diagnostic::render;

/// The text of the measure, or everything that is wrong.
fn check(text: &str) -> String {
    parse_measure(text).map_or_else(|diagnostics| render(&diagnostics), |measure| measure.to_string())
}

#[test]
fn measures_are_read() {
    let table = [
        ("count(*)", "count(*)"),
        ("People( purchase )", "people(purchase)"),
        ("SUM(purchase.amount)/people(purchase)", "sum(purchase.amount) / people(purchase)"),
        ("max(purchase.at)", "max(purchase.at)"),
        ("net_sales", "net_sales"),
        // Names that are words of the grammar stay in their quotes.
        (r#"sum("order"."from")"#, r#"sum("order"."from")"#),
        (r#""order""#, r#""order""#),
    ];
    for (text, measure) in table {
        assert_eq!(check(text), measure, "{text}");
    }
}

#[test]
fn what_is_no_measure_is_refused_in_its_place() {
    let texts = [
        "",
        "count",
        "count()",
        "sum(purchase)",
        "count(purchase.amount)",
        "median(purchase.amount)",
        "cuont(purchase)",
        "count(a) / count(b) / count(c)",
        "sum(a.b) + sum(c.d)",
        "net sales",
        "count(a, within => '30 days')",
        "'text'",
    ];
    let all: Vec<String> = texts.iter().map(|text| format!("{text}\n{}", check(text))).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
:1:1: expected a function or a metric, found the end
    write count(E), people(E), sum(E.p), avg(E.p), min(E.p), max(E.p), one divided by another, or a metric's name

count
count
count()
:1:7: expected an event, found `)`
    name an event, as in `count(purchase)`, or `*` for all

sum(purchase)
:1:5: `sum` takes a property of an event
    name event and property, as in `sum(purchase.amount)`

count(purchase.amount)
:1:7: `count` takes an event, not a property
    write `count(purchase)`

median(purchase.amount)
:1:1: `median` is not a function of measures
    write count(E), people(E), sum(E.p), avg(E.p), min(E.p), max(E.p), one divided by another, or a metric's name

cuont(purchase)
:1:1: `cuont` is not a function of measures
    did you mean `count`?

count(a) / count(b) / count(c)
:1:21: expected the end, found `/`
    write count(E), people(E), sum(E.p), avg(E.p), min(E.p), max(E.p), one divided by another, or a metric's name

sum(a.b) + sum(c.d)
:1:10: expected the end, found `+`
    write count(E), people(E), sum(E.p), avg(E.p), min(E.p), max(E.p), one divided by another, or a metric's name

net sales
:1:5: expected the end, found `sales`
    write count(E), people(E), sum(E.p), avg(E.p), min(E.p), max(E.p), one divided by another, or a metric's name

count(a, within => '30 days')
:1:8: expected `)`, found `,`
    put conditions into `where` and days into `period`

'text'
:1:1: expected a function or a metric, found `'text'`
    write count(E), people(E), sum(E.p), avg(E.p), min(E.p), max(E.p), one divided by another, or a metric's name
"#);
}
