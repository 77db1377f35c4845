//! Texts keep what they are, but for what is taken out or put in.

use super::SqlText;
use chrono::NaiveDate;

fn text(text: &str) -> SqlText<'_> {
    SqlText::new(text).expect("the text can be cut into words")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("it is a day")
}

#[track_caller]
fn without(before: &str, names: &[&str], after: Option<&str>) {
    assert_eq!(text(before).without(names).as_deref(), after, "{before}");
}

#[test]
fn a_column_is_left_out_wherever_it_stands() {
    without(
        "SELECT age, Income, count(*) FROM people GROUP BY age, INCOME",
        &["income"],
        Some("SELECT age, count(*) FROM people GROUP BY age"),
    );
    without(
        "SELECT income, age, count(*) FROM people GROUP BY 1, 2 ORDER BY 3 DESC",
        &["income"],
        Some("SELECT age, count(*) FROM people GROUP BY 1 ORDER BY 2 DESC"),
    );
    without(
        "SELECT p.income, sum(b.value) AS s FROM b JOIN people p ON p.person = b.person GROUP BY 1",
        &["income"],
        Some("SELECT sum(b.value) AS s FROM b JOIN people p ON p.person = b.person"),
    );
    without(
        "SELECT count(*) FROM people WHERE income = 'a' AND age = 'b'",
        &["income"],
        Some("SELECT count(*) FROM people WHERE age = 'b'"),
    );
    without(
        "SELECT count(*) FROM people WHERE age = 'b' AND NOT income = 'a'",
        &["income"],
        Some("SELECT count(*) FROM people WHERE age = 'b'"),
    );
    without(
        "SELECT count(*) FROM people WHERE age = 'b' OR income = 'a'",
        &["income"],
        Some("SELECT count(*) FROM people"),
    );
    without(
        "SELECT age, count(*) AS n FROM people GROUP BY age HAVING max(income) > 3 AND count(*) > 4",
        &["income"],
        Some("SELECT age, count(*) AS n FROM people GROUP BY age HAVING count(*) > 4"),
    );
    without(
        "SELECT a, b, c, count(*) FROM e GROUP BY a, b, c",
        &["a", "c"],
        Some("SELECT b, count(*) FROM e GROUP BY b"),
    );
}

#[test]
fn lines_comments_capitals_and_other_words_stay() {
    without(
        "Select age, -- who, and income\n       income, /* income */ count(*) As \"income, all\"\nFrom people\nGroup By age,\n  income",
        &["income"],
        Some("Select age, /* income */ count(*) As \"income, all\"\nFrom people\nGroup By age"),
    );
    without(
        "SELECT age, count(*) FROM people -- income\nWHERE income = 'x' -- income\nGROUP BY age",
        &["income"],
        Some("SELECT age, count(*) FROM people -- income\n -- income\nGROUP BY age"),
    );
    without("SELECT 'income, FROM', count(*) FROM people GROUP BY 'income, FROM'", &["income"], None);
    without(
        "SELECT \"Größe\", \"income\", count(*) FROM people WHERE city = 'Köln' GROUP BY 1, 2",
        &["income"],
        Some("SELECT \"Größe\", count(*) FROM people WHERE city = 'Köln' GROUP BY 1"),
    );
    without("SELECT income.age, count(*) FROM people income GROUP BY 1", &["income"], None);
    without(
        "SELECT age, count(*) FROM people WHERE age BETWEEN 'a' AND 'b' AND income > 2 GROUP BY age",
        &["income"],
        Some("SELECT age, count(*) FROM people WHERE age BETWEEN 'a' AND 'b' GROUP BY age"),
    );
}

#[test]
fn what_is_computed_from_a_column_goes_with_it() {
    without(
        "SELECT CASE WHEN income = 'a' AND age = 'b' THEN 1 ELSE 2 END AS k, age, count(*) FROM people GROUP BY k, age",
        &["income"],
        Some("SELECT age, count(*) FROM people GROUP BY age"),
    );
    without(
        "WITH p AS (SELECT person, age, income AS i FROM people) SELECT age, i, count(*) FROM p GROUP BY age, i",
        &["income"],
        Some("WITH p AS (SELECT person, age FROM people) SELECT age, count(*) FROM p GROUP BY age"),
    );
    without(
        "SELECT n, count(*) FROM (SELECT person, income, count(*) AS n FROM e GROUP BY person, income) q GROUP BY n",
        &["income"],
        Some("SELECT n, count(*) FROM (SELECT person, count(*) AS n FROM e GROUP BY person) q GROUP BY n"),
    );
    without(
        "SELECT count(*) FROM people WHERE age = 'b' AND person IN (SELECT person FROM people WHERE income = 's')",
        &["income"],
        Some("SELECT count(*) FROM people WHERE age = 'b'"),
    );
    without("SELECT avg(income) FROM people", &["income"], None);
    without(
        "SELECT max(income) AS m, count(*) AS n FROM people ORDER BY m",
        &["income"],
        Some("SELECT count(*) AS n FROM people"),
    );
}

#[test]
fn rows_are_limited_at_the_end() {
    let limited = |before: &str| text(before).limited(1_000);
    assert_eq!(
        limited("SELECT a, count(*) FROM e GROUP BY a -- all").as_deref(),
        Some("SELECT a, count(*) FROM e GROUP BY a LIMIT 1000 -- all")
    );
    assert_eq!(
        limited("SELECT a FROM e GROUP BY a limit 50000").as_deref(),
        Some("SELECT a FROM e GROUP BY a limit 1000")
    );
    assert_eq!(limited("SELECT a FROM e GROUP BY a LIMIT 10"), None);
    assert_eq!(
        limited("SELECT a FROM e GROUP BY a OFFSET 5").as_deref(),
        Some("SELECT a FROM e GROUP BY a LIMIT 1000 OFFSET 5")
    );
    assert_eq!(
        limited("SELECT a FROM e GROUP BY a UNION SELECT b FROM f GROUP BY b").as_deref(),
        Some("SELECT a FROM e GROUP BY a UNION SELECT b FROM f GROUP BY b LIMIT 1000")
    );
}

#[track_caller]
fn since(before: &str, after: Option<&str>) {
    let is_event = |name: &str| ["e", "f"].contains(&name);
    assert_eq!(text(before).since(day("2017-12-02"), &is_event).as_deref(), after, "{before}");
}

#[test]
fn days_are_a_condition_on_each_table_of_events() {
    since("SELECT count(*) FROM e", Some("SELECT count(*) FROM e WHERE time >= '2017-12-02'"));
    since(
        "SELECT a, count(*) FROM E WHERE a > 1 GROUP BY a",
        Some("SELECT a, count(*) FROM E WHERE a > 1 AND time >= '2017-12-02' GROUP BY a"),
    );
    since(
        "SELECT count(*) FROM e WHERE a = 1 OR b = 2",
        Some("SELECT count(*) FROM e WHERE (a = 1 OR b = 2) AND time >= '2017-12-02'"),
    );
    since(
        "SELECT m.age, count(*) FROM e AS x JOIN people m ON m.person = x.person GROUP BY 1",
        Some(
            "SELECT m.age, count(*) FROM e AS x JOIN people m ON m.person = x.person WHERE x.time >= '2017-12-02' GROUP BY 1",
        ),
    );
    since(
        "SELECT m.age, count(x.person) FROM people m LEFT JOIN e x ON x.person = m.person GROUP BY 1",
        Some(
            "SELECT m.age, count(x.person) FROM people m LEFT JOIN e x ON x.person = m.person AND x.time >= '2017-12-02' GROUP BY 1",
        ),
    );
    since(
        "SELECT n, count(*) FROM (SELECT person, count(*) AS n FROM e GROUP BY person) q GROUP BY n",
        Some(
            "SELECT n, count(*) FROM (SELECT person, count(*) AS n FROM e WHERE time >= '2017-12-02' GROUP BY person) q GROUP BY n",
        ),
    );
    since(
        "WITH f AS (SELECT person FROM e) SELECT count(*) FROM f",
        Some("WITH f AS (SELECT person FROM e WHERE time >= '2017-12-02') SELECT count(*) FROM f"),
    );
    since("SELECT count(*) FROM people m FULL JOIN e ON e.person = m.person", None);
    since("SELECT count(*) FROM people", None);
}

#[test]
fn days_that_are_written_out_are_read() {
    let days = |text_of: &str| text(text_of).days();
    let (from, to) = (Some(day("2017-01-01")), Some(day("2018-01-01")));
    assert_eq!(days("SELECT count(*) FROM e WHERE time >= '2017-01-01' AND e.time < '2018-01-01'"), (from, to));
    assert_eq!(days("SELECT count(*) FROM e WHERE time BETWEEN '2017-01-01' AND '2018-01-01'"), (from, to));
    assert_eq!(days("SELECT count(*) FROM e WHERE a >= '2017-01-01' OR time < '2018-01-01'"), (None, None));
}

#[test]
fn rows_of_people_become_counts() {
    let counted = |before: &str| text(before).counted();
    let by = |before: &str| text(before).counted_by();
    let rows = "SELECT person, store FROM e WHERE a > 1 ORDER BY store LIMIT 20";
    assert_eq!(counted(rows).as_deref(), Some("SELECT count(DISTINCT person) AS people FROM e WHERE a > 1"));
    let grouped = "SELECT store, count(DISTINCT person) AS people FROM e WHERE a > 1 GROUP BY store";
    assert_eq!(by(rows), Some((vec!["store".to_owned()], grouped.to_owned())));
    assert_eq!(
        counted("SELECT person, sum(v) AS s FROM e GROUP BY person ORDER BY s DESC LIMIT 20").as_deref(),
        Some("SELECT count(DISTINCT person) AS people FROM (SELECT person, sum(v) AS s FROM e GROUP BY person) q")
    );
    assert_eq!(
        counted("SELECT m.age FROM e x JOIN people m ON m.person = x.person").as_deref(),
        Some("SELECT count(DISTINCT x.person) AS people FROM e x JOIN people m ON m.person = x.person")
    );
    assert_eq!(
        counted("WITH p AS (SELECT person AS who FROM e) SELECT DISTINCT person FROM people -- all of them").as_deref(),
        Some(
            "WITH p AS (SELECT person AS who FROM e) SELECT count(DISTINCT person) AS people FROM (SELECT DISTINCT person FROM people) q -- all of them"
        )
    );
    assert_eq!(counted("SELECT person FROM e UNION SELECT person FROM f"), None);
    assert_eq!(by("SELECT person, upper(store) FROM e"), None);
}

#[test]
fn figures_of_one_event_are_trends() {
    let trends = |asked: &str| -> Vec<String> {
        let trends = text(asked).as_trends(day("2018-01-01")).into_iter();
        let said = |trend: spec::TrendQuestion| {
            let filter = trend.filter.map(|filter| filter.to_string()).unwrap_or_default();
            format!(
                "{} by {} {} {filter} {:?}",
                trend.measure,
                trend.by.name(),
                trend.breakdown.join(","),
                trend.period.is_some()
            )
        };
        trends.map(said).collect()
    };
    assert_eq!(
        trends(
            "SELECT date_trunc('month', time) AS m, b.store, count(DISTINCT b.person) FROM e b WHERE b.time >= '2017-01-01' AND b.store IN ('N', 'S') GROUP BY 1, 2"
        ),
        ["people(e) by month store event.store IN ('N', 'S') true"]
    );
    assert_eq!(
        trends("SELECT count(*), sum(v) FROM e ORDER BY 1"),
        ["count(e) by none   false", "sum(e.v) by none   false"]
    );
    for other in [
        "SELECT count(*) FROM people",
        "SELECT count(*) FROM e JOIN f ON f.person = e.person",
        "SELECT store, count(*) FROM e GROUP BY store LIMIT 3",
        "SELECT store, count(*) FROM e GROUP BY store HAVING count(*) > 3",
        "SELECT count(*) FROM e WHERE person IN (SELECT person FROM f)",
        "SELECT count(*) FROM e WHERE time > '2017-01-01 12:00:00'",
        "SELECT count(DISTINCT store) FROM e",
    ] {
        assert!(trends(other).is_empty(), "{other}");
    }
}

#[test]
fn words_have_places_where_they_stand_once() {
    let known = text("SELECT person,\n  max(größe) FROM e WHERE person > 1");
    assert_eq!(known.place_of("max"), Some((2, 3)));
    assert_eq!(known.place_of("größe"), Some((2, 7)));
    assert_eq!(known.place_of("person"), None);
    assert_eq!(known.place_of("LIMIT"), None);
}
