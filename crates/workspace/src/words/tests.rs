//! Questions and conditions in plain words.

use super::*;
use crate::fixture::shop_definitions;
use crate::{parse_condition, parse_question, question_from_yaml};

#[test]
fn conditions_in_words() {
    let shop = shop_definitions();
    let texts = [
        "count(basket_paid, within => '30 days') >= 8 AND NOT did(coupon_redeemed, within => '90 days')",
        "count(basket_paid) = 0 OR count(*) > 0",
        "count(basket_paid, within => '1 day') < 3 AND count(basket_paid) = 1",
        "sum(basket_paid.value, within => '90 days') >= 1500",
        "avg(basket_paid.value, where => (event.store IN (1, 2) AND event.paid_by <> 'cash')) < 12.5",
        "days_since_last(basket_paid) >= 60 AND days_since_first(basket_paid) <= 1",
        "age IN ('30-39', '40-49') AND household_size > 2 AND NOT age = 'x' AND gold AND NOT gold",
        "joined >= '2017-03-03' AND joined < '2017-12-31T12:30:00Z' AND age IS NOT NULL AND household_size IS NULL",
        "in_audience('gold') AND (NOT in_audience('regulars') OR age LIKE '3%') AND NOT (gold OR age = 'x')",
        "count(basket_paid) > household_size AND unknown_thing = 3 AND did(other_thing) AND TRUE",
    ];
    let all: Vec<String> = texts
        .iter()
        .map(|text| format!("{text}\n  who {}", condition_words(&parse_condition(text).expect("it is one"), &shop)))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
count(basket_paid, within => '30 days') >= 8 AND NOT did(coupon_redeemed, within => '90 days')
  who paid for a basket at least 8 times in the last 30 days and did not redeem a coupon in the last 90 days
count(basket_paid) = 0 OR count(*) > 0
  who did not pay for a basket or did anything
count(basket_paid, within => '1 day') < 3 AND count(basket_paid) = 1
  who paid for a basket fewer than 3 times in the last day and paid for a basket exactly once
sum(basket_paid.value, within => '90 days') >= 1500
  who paid for a basket with total sales of at least 1,500 USD in the last 90 days
avg(basket_paid.value, where => (event.store IN (1, 2) AND event.paid_by <> 'cash')) < 12.5
  who paid for a basket with average sales under 12.5 USD where the shop is 1 or 2 and the means of payment is not cash
days_since_last(basket_paid) >= 60 AND days_since_first(basket_paid) <= 1
  who last paid for a basket at least 60 days ago and first paid for a basket at most 1 day ago
age IN ('30-39', '40-49') AND household_size > 2 AND NOT age = 'x' AND gold AND NOT gold
  who have age 30-39 or 40-49 and have household size over 2 and have age other than x and have “gold member”: yes and have “gold member”: no
joined >= '2017-03-03' AND joined < '2017-12-31T12:30:00Z' AND age IS NOT NULL AND household_size IS NULL
  who have day of joining from 3 Mar 2017 on and have day of joining before 31 Dec 2017, 12:30 UTC and have known age and have no known household size
in_audience('gold') AND (NOT in_audience('regulars') OR age LIKE '3%') AND NOT (gold OR age = 'x')
  who are in the audience “Gold” and either are not in the audience “Regulars” or have age like “3%” and are not people who have “gold member”: yes or have age x
count(basket_paid) > household_size AND unknown_thing = 3 AND did(other_thing) AND TRUE
  who meet `count(basket_paid) > household_size` and have unknown thing 3 and did “other thing” and are known
"#);
}

#[test]
fn questions_in_words() {
    let shop = shop_definitions();
    let questions = [
        "{kind: audience, purpose: email, where: did(basket_paid), as_of: 2017-12-31}",
        "{kind: audience, purpose: email, where: gold, release: list}",
        "{kind: trend, purpose: analytics, measure: sales, period: {from: 2017-01-01, to: 2018-01-01}}",
        "{kind: trend, purpose: analytics, measure: count(basket_paid), by: none, breakdown: [store, age], period: {from: 2017-03-01, to: 2017-04-01}}",
        "{kind: trend, purpose: analytics, measure: sum(basket_paid.value) / people(basket_paid), by: day, period: {last: 30 days}, where: \"event.store = 1051 AND age = '30-39' AND event.paid_by IS NOT NULL\"}",
        "{kind: trend, purpose: analytics, measure: people(*), period: {last: 1 week}, as_of: 2017-12-31}",
        "{kind: funnel, purpose: analytics, steps: [basket_paid, coupon_redeemed], within: 45 days, period: {from: 2016-11-01, to: 2018-01-01}}",
        "{kind: power, purpose: analytics, exposure: coupon_redeemed, metric: {measure: people(basket_paid), within: 7 days}, lift: 5 %, days: 28, period: {from: 2017-10-01, to: 2018-01-01}}",
        "{kind: power, purpose: analytics, exposure: {event: basket_paid, where: event.value >= 20}, metric: {name: sales of a week, measure: sum(basket_paid.value), within: 1 week}, lift: 0.125, variants: 3, test: fixed, where: age = '30-39'}",
        "{kind: funnel, purpose: analytics, steps: [{event: basket_paid, where: event.value >= 20}, coupon_redeemed], within: 1 day, order: strict, same: [store], count_by: [store], breakdown: [age], period: {from: 2017-03-03, to: 2017-03-04}}",
    ];
    let all: Vec<String> = questions
        .iter()
        .map(|yaml| {
            let json = question_from_yaml(yaml).expect("it is YAML");
            question_words(&parse_question(&json, "/question").expect("it is one"), &shop)
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
How many people who paid for a basket may we use for e-mail, as of 31 Dec 2017?
Which people who have “gold member”: yes may we use for e-mail, as of today?
Net sales by month in 2017, for analytics
Number of times people paid for a basket by shop and age in Mar 2017, for analytics
Total sales (Basket paid) per person who paid for a basket by day in the last 30 days where the shop is 1051 and people have age 30-39 and the means of payment is known, for analytics
Number of people who did anything by month in the week up to 31 Dec 2017, for analytics
How many people paid for a basket, then redeemed a coupon within 45 days, from 1 Nov 2016 to 31 Dec 2017, for analytics?
Could a test of 2 variants, looked at any time, find in 28 days a change of 5 % in number of people who paid for a basket within 7 days, of those who redeemed a coupon, going by what they did from 1 Oct 2017 to 31 Dec 2017, for analytics?
Could a test of 3 variants, looked at once at its end, find a change of 12.5 % in sales of a week within 1 week, of those who paid for a basket where the sales is at least 20 USD, where people have age 30-39, going by what they did in the last 28 days, for analytics?
How many people, once per shop, paid for a basket where the sales is at least 20 USD, then directly redeemed a coupon with the same shop within 1 day, on 3 Mar 2017, by age, for analytics?
"#);
}

#[test]
fn parts_have_forms() {
    let text = "NOT did(basket_paid, within => '30 days') AND sum(basket_paid.value) > 2.5 AND age IN ('a', 'b') \
                AND NOT in_audience('gold') AND gold AND (age = 'x' OR gold) AND did(basket_paid, where => (event.store = 1))";
    let parts = condition_parts(&parse_condition(text).expect("it is one"), &shop_definitions());
    let all: Vec<String> =
        parts.iter().map(|part| format!("{} | {} | {:?}", part.words, part.negative, part.form)).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
did not pay for a basket in the last 30 days | true | Some(Did { event: "basket_paid", negated: true, within: "30 days" })
paid for a basket with total sales over 2.5 USD | false | Some(Aggregate { function: "sum", event: "basket_paid", property: "value", op: ">", value: "2.5", within: "" })
have age a or b | false | Some(Trait { name: "age", op: "IN", value: "a, b" })
are not in the audience “Gold” | true | Some(Audience { name: "gold", negated: true })
have “gold member”: yes | false | Some(Trait { name: "gold", op: "=", value: "true" })
have age x or have “gold member”: yes | false | None
paid for a basket where the shop is 1 | false | None
"#);
}
