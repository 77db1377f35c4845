//! The first question, what the forms change, and what is said of an answer.

use super::*;
use api::EventView;

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn catalog(names: &[&str]) -> Catalog {
    let event = |name: &&str| EventView {
        name: (*name).to_owned(),
        title: (*name).to_owned(),
        past: format!("did {name}"),
        source: "shop".to_owned(),
        properties: Vec::new(),
    };
    Catalog {
        events: names.iter().map(event).collect(),
        traits: Vec::new(),
        purposes: Vec::new(),
        metrics: Vec::new(),
        audiences: Vec::new(),
        destinations: Vec::new(),
        days: Some(("2016-11-14".to_owned(), "2018-01-15".to_owned())),
    }
}

fn plan(variants: u32, test: &str, per_variant: Option<u64>, days: Option<u64>) -> TestPlan {
    TestPlan {
        variants,
        test: TestKind::ALL.into_iter().find(|kind| kind.name() == test).expect("there is such a test"),
        per_variant,
        people: per_variant.map(|people| people * u64::from(variants)),
        days,
        lift: Some(0.0831),
        mean: 0.12,
        new_people: Some(1_290),
    }
}

fn check<T>(question: &Json, look: impl Fn(&Setting<'_>) -> T) -> T {
    let catalog = catalog(&[]);
    look(&Setting { question, catalog: &catalog, metrics: &[], measure: String::new(), unit: None })
}

/// Every bar in one line, with its group.
fn shown(rows: &[TestPlan], question: &Json) -> Vec<String> {
    let view = check(question, |setting| plans(rows, setting));
    let line = |group: &PlanGroup, plan: &PlanBar| {
        let mark = if plan.fits { format!(" ({})", view.fits) } else { String::new() };
        format!("{}: {} {} {}%, {}{mark}", group.title, plan.title, plan.figure, plan.width, plan.note)
    };
    view.groups.iter().flat_map(|group| group.plans.iter().map(|plan| line(group, plan))).collect()
}

#[test]
fn a_first_question_is_about_full_months_that_are_there() {
    let first = |catalog: &Catalog| start(catalog, &catalog.events.iter().collect::<Vec<_>>(), "analytics");
    let question = first(&catalog(&["buy", "in/out"]));
    let expected = json!({
        "kind": "power", "purpose": "analytics", "exposure": "in/out",
        "metric": { "measure": "people(buy)", "within": "7 days" },
        "lift": 0.2, "variants": 2, "test": "sequential", "days": 28,
        "period": { "from": "2017-10-01", "to": "2018-01-01" },
    });
    assert_eq!(question, expected);
    assert_eq!(first(&catalog(&["in/out"]))["metric"]["measure"], "people(\"in/out\")");
}

#[test]
fn a_change_is_written_in_percent() {
    let question = json!({ "kind": "power", "lift": 0.05 });
    let written = |text: &str| lifted(&question, &form(&[("value", text)]))["lift"].clone();
    for (text, part) in [("5", 0.05), ("5 %", 0.05), (" 2.5% ", 0.025), ("29", 0.29), ("200 %", 2.0), ("-5", -0.05)] {
        assert_eq!(written(text), json!(part), "{text}");
    }
    for text in ["five", "2,5 %", "inf", "%"] {
        assert_eq!(written(text), json!(text), "the judge points at it");
    }
    assert!(lifted(&question, &form(&[("value", " ")])).get("lift").is_none());
}

#[test]
fn forms_change_what_they_say() {
    let question = json!({ "kind": "power", "variants": 2, "days": 28, "metric": "people(buy)", "alpha": 0.01 });
    assert_eq!(counted(&question, "variants", &form(&[("value", "3")]))["variants"], 3);
    assert_eq!(counted(&question, "variants", &form(&[("value", "x")]))["variants"], "x");
    assert!(counted(&question, "days", &form(&[("value", "")])).get("days").is_none());
    let changed = measured(&question, &form(&[("value", "count(visit)"), ("within", "7 days"), ("index", "0")]));
    assert_eq!(changed["metric"], json!({ "measure": "count(visit)", "within": "7 days" }));
    assert_eq!(measured(&question, &form(&[("value", "sales")]))["metric"], "sales");
    let once = looked_at(&question, &form(&[("value", "fixed"), ("alpha", "5 %"), ("power", "90")]));
    let expected =
        json!({ "kind": "power", "variants": 2, "days": 28, "metric": "people(buy)", "test": "fixed", "power": 0.9 });
    assert_eq!(once, expected, "what is usual need not be said");
}

#[test]
fn the_sentence_shows_what_is_said_and_what_is_usual() {
    let (catalog, metrics) = (catalog(&["buy", "visit"]), Vec::new());
    let parts = |question: Json| {
        let view = view(&question, &catalog, &metrics).expect("it is such a question");
        serde_json::to_value(&view).expect("a view is plain data and serialises")
    };
    let asked = parts(start(&catalog, &catalog.events.iter().collect::<Vec<_>>(), "analytics"));
    assert_eq!(
        (&asked["metric"]["words"], &asked["lift"]),
        (&json!("people who did buy within 7 days"), &json!("20 %"))
    );
    assert_eq!((&asked["variants"], &asked["days"]), (&json!("2"), &json!("28")));
    assert_eq!((&asked["looked"], &asked["is_exact"]), (&json!("looked at any time"), &json!(false)));
    let bare = parts(json!({ "kind": "power", "lift": "2.5 %", "test": "fixed", "alpha": 0.01 }));
    assert_eq!((&bare["variants"], &bare["days"], &bare["lift"]), (&json!("2"), &json!(""), &json!("2.5 %")));
    assert_eq!((&bare["alpha"], &bare["power"], &bare["is_exact"]), (&json!("1 %"), &json!("80 %"), &json!(true)));
    assert_eq!(bare["looked"], "looked at once, at the end");
    assert!(view(&json!({ "kind": "experiment" }), &catalog, &metrics).is_none());
}

#[test]
fn each_way_of_reading_a_test_has_a_bar_per_number_of_variants() {
    let rows = [
        plan(2, "fixed", Some(1610), Some(7)),
        plan(2, "sequential", Some(2940), Some(14)),
        plan(3, "fixed", Some(1940), Some(17)),
        plan(3, "sequential", Some(3350), Some(28)),
        plan(4, "fixed", Some(2140), None),
        plan(4, "sequential", None, None),
    ];
    let question = json!({ "kind": "power", "metric": { "measure": "people(buy)", "within": "7 days" }, "days": 14 });
    let expected = [
        "Looked at any time: 2 variants 14 days 50%, 2\u{202f}940 people per variant (fits into 14 days)",
        "Looked at any time: 3 variants 28 days 100%, 3\u{202f}350 people per variant",
        "Looked at any time: 4 variants — 0%, no number of people is enough",
        "Looked at once, at the end: 2 variants 7 days 25%, 1\u{202f}610 people per variant (fits into 14 days)",
        "Looked at once, at the end: 3 variants 17 days 60.7%, 1\u{202f}940 people per variant",
        "Looked at once, at the end: 4 variants — 0%, 2\u{202f}140 people per variant: too few new people come",
    ];
    assert_eq!(shown(&rows, &question), expected);
    let fixed = json!({ "kind": "power", "metric": "count(buy)", "test": "fixed" });
    assert!(shown(&rows, &fixed)[0].starts_with("Looked at once, at the end: 2 variants 7 days"));
    assert!(shown(&rows, &fixed).iter().all(|line| !line.contains("fits")), "no days, nothing to fit into");
    let before = |question: &Json| check(question, |setting| plans(&rows, setting).baseline);
    let come = "1\u{202f}290 new ones came in a week on average, most of them in the first days: whoever comes often is new \
                only once. The days above follow them day by day.";
    assert_eq!(before(&question), format!("Before the test 12.0 % of them did it; {come}"));
    assert_eq!(before(&fixed), format!("Before the test they had 0.12 each on average; {come}"));
    assert_eq!(check(&question, |setting| plans(&[], setting).baseline), "");
}

#[test]
fn the_picture_is_one_sentence() {
    let rows = [
        plan(2, "fixed", Some(1610), Some(1)),
        plan(2, "sequential", Some(2940), Some(14)),
        plan(3, "sequential", Some(3350), Some(27)),
        plan(4, "sequential", Some(3600), None),
        plan(5, "sequential", Some(3780), Some(1204)),
    ];
    let said = |rows: &[TestPlan], test: &str| {
        check(&json!({ "kind": "power", "metric": "people(buy)", "test": test }), |setting| summary(rows, setting))
    };
    assert_eq!(said(&rows, "sequential"), "2 variants in 14 days, 3 in 27, 5 in 1\u{202f}204 (looked at any time).");
    assert_eq!(said(&rows, "fixed"), "2 variants in 1 day (looked at once, at the end).");
    assert_eq!(said(&rows[3..4], "sequential"), "Too few new people come to find this (looked at any time).");
    let none = [plan(2, "sequential", None, None)];
    assert_eq!(said(&none, "sequential"), "No number of people is enough to find this (looked at any time).");
    assert_eq!(said(&[], "sequential"), "Too few people to plan a test from.");
}

#[test]
fn the_table_says_what_its_columns_are() {
    let names: Vec<String> = TestPlan::columns().into_iter().map(|column| column.name).collect();
    let question = json!({ "kind": "power", "metric": "people(buy)", "days": 28 });
    let heads = [
        "Variants",
        "Looked at",
        "People per variant",
        "People in all",
        "Days",
        "Smallest change found in 28 days",
        "On average before",
        "New people in an average week",
    ];
    assert_eq!(names.iter().map(|name| head(name, &question)).collect::<Vec<_>>(), heads);
    let row = plan(2, "fixed", Some(2940), None).row();
    let cells: Vec<String> =
        names.iter().zip(&row).map(|(name, value)| check(&question, |setting| cell(name, value, setting))).collect();
    let expected = ["2", "once, at the end", "2\u{202f}940", "5\u{202f}880", "—", "8.3 %", "12.0 %", "1\u{202f}290"];
    assert_eq!(cells, expected);
}
