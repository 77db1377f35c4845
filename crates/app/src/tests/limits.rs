//! What answers may tell: figures next to others, questions of a day, noise.

use super::world::{Setup, World, open};
use api::Input;
use serde_json::{Value as Json, json};
use spec::{Answer, ReasonCode, Remedy, Value};
use std::fmt::Write;

/// People of the world; the n-th joined on a day of their own, is `20 + n % 40` years old and visits once.
pub(super) const PEOPLE: usize = 400;

/// A shop whose purpose `analytics` has these limits; `tier` says who is gold.
pub(super) fn shop(limits: &str, tier: &dyn Fn(usize) -> &'static str) -> Setup {
    let mut setup = Setup::shop();
    setup.data.clear();
    setup.files.retain(|path, _| !path.contains("hotline"));
    let basis = "{ gdpr: legitimate_interest }";
    let purpose = format!("title: analytics\nbasis: {basis}\nmin_group: 10\n{limits}");
    setup.files.insert("purposes/analytics.yaml".to_owned(), purpose);
    let (mut members, mut profiles, mut visits) = ("member,country,region\n".to_owned(), String::new(), String::new());
    for n in 0..PEOPLE {
        let _ = writeln!(members, "p{n},DE,");
        let profile = json!({
            "member": format!("p{n}"), "at": "2024-01-01T00:00:00Z", "tier": tier(n), "age": age(n), "vip": n % 2 == 0,
            "joined": joined(n),
        });
        let _ = writeln!(profiles, "{profile}");
        let visit = json!({ "member": format!("p{n}"), "at": "2024-06-01T00:00:00Z", "page": "home", "store": "N" });
        let _ = writeln!(visits, "{visit}");
    }
    setup.add("members", "members.csv", members);
    setup.add("profiles", "profiles.ndjson", profiles);
    setup.add("shop", "visit.ndjson", visits);
    setup
}

pub(super) fn age(n: usize) -> usize {
    20 + n % 40
}

pub(super) fn joined(n: usize) -> String {
    let day = chrono::NaiveDate::from_ymd_opt(2010, 1, 1).expect("it is a day") + chrono::Days::new(n as u64);
    day.to_string()
}

pub(super) fn audience(condition: &str) -> Json {
    json!({ "kind": "audience", "purpose": "analytics", "where": condition, "as_of": "2024-06-30T00:00:00Z" })
}

pub(super) fn answer(world: &World, question: &Json) -> Option<Answer> {
    match world.ask("marketer", question).expect("the question can be asked") {
        Input::Good(asked) => asked.answer,
        Input::Bad(wrong) => panic!("{wrong:?}"),
    }
}

fn code(world: &World, question: &Json) -> Option<ReasonCode> {
    match world.ask("marketer", question).expect("the question can be asked") {
        Input::Good(asked) => asked.verdict.reasons.first().map(|reason| reason.code),
        Input::Bad(wrong) => panic!("{wrong:?}"),
    }
}

pub(super) fn count(world: &World, question: &Json) -> Option<i64> {
    match answer(world, question)?.rows.first()?.last()? {
        Value::Integer(count) => Some(*count),
        _ => None,
    }
}

#[test]
fn a_figure_about_nearly_the_same_people_gives_way_to_the_one_before() {
    let world = shop("", &|n| if n < 100 { "gold" } else { "iron" }).open();
    let of = |condition: &str| count(&world, &audience(condition));
    assert_eq!(of("tier = 'gold'"), Some(100));
    // Nine people fewer, one person fewer, nobody fewer: each is what was told before.
    let without = |n: usize| format!("tier = 'gold' AND joined >= '{}'", joined(n));
    // How many more than ten are near is drawn for each, up to five.
    assert_eq!([0, 1, 9, 15, 50].map(|n| of(&without(n))), [100, 100, 100, 85, 50].map(Some));
    // Nor does a sum of two, a difference of two, or what is left of everybody tell it.
    assert_eq!(of("vip = true"), Some(200));
    assert_eq!(of(&format!("vip = false OR joined = '{}'", joined(2))), Some(200));
    assert_eq!(of(&format!("tier = 'iron' AND joined <> '{}'", joined(300))), Some(300));
    // Others were told nothing of this.
    let officer = world
        .ask("officer", &audience(&format!("joined >= '{}' AND tier = 'gold'", joined(1))))
        .expect("it can be asked");
    let Input::Good(officer) = officer else { panic!("it makes sense") };
    assert_eq!(officer.answer.expect("it is answered").rows[0][0], Value::Integer(99));
    // Another kind of question is held against the same figures.
    let trend = json!({
        "kind": "trend", "purpose": "analytics", "measure": "people(visit)", "by": "none",
        "period": { "from": "2024-05-01", "to": "2024-07-01" }, "where": without(1),
    });
    assert_eq!(count(&world, &trend), Some(100));
    // And it outlives the program.
    let World { app, folder } = world;
    drop(app);
    let setup = shop("", &|_| "gold");
    let world = World { app: open(folder.path(), setup.now, 9).into(), folder };
    assert_eq!(count(&world, &audience(&without(3))), Some(100));
}

#[test]
fn case_74_one_persons_value_is_not_shown() {
    let world = shop("", &|_| "gold").open();
    for measure in ["max(purchase.amount)", "min(purchase.amount)", "max(purchase.amount) / count(visit)"] {
        let trend = json!({ "kind": "trend", "purpose": "analytics", "measure": measure, "by": "none" });
        let Ok(Input::Good(asked)) = world.ask("marketer", &trend) else { panic!("`{measure}` makes sense") };
        let reason = &asked.verdict.reasons[0];
        assert_eq!((reason.code, asked.answer.is_none()), (ReasonCode::OnePerson, true), "{measure}");
        let is_average =
            |remedy: &Remedy| matches!(remedy, Remedy::Ask { title, .. } if title == "Ask for the average");
        assert_eq!(reason.remedies.iter().any(is_average), !measure.contains('/'), "{measure}");
        let shown = shop("differences: shown\n", &|_| "gold").open();
        assert_eq!(code(&shown, &trend), None, "{measure}");
    }
}

#[test]
fn none_of_all_parts_follows_from_the_others() {
    let tiers = |n: usize| match n {
        0..=4 => "rare",
        5..=24 => "gold",
        _ => "iron",
    };
    let trend = json!({
        "kind": "trend", "purpose": "analytics", "measure": "people(visit)", "by": "none", "breakdown": ["tier"],
        "period": { "from": "2024-05-01", "to": "2024-07-01" },
    });
    let text =
        |limits: &str| format!("{:?}", answer(&shop(limits, &tiers).open(), &trend).expect("it is answered").rows);
    let shown = text("differences: shown\n");
    assert!(shown.contains("Integer(20)") && shown.contains("Integer(375)"), "{shown}");
    // Five are too few, and whoever knows all 400 would know of them but for the next smallest part.
    let guarded = text("");
    assert!(!guarded.contains("Integer(20)") && guarded.contains("Integer(375)"), "{guarded}");
}

#[test]
fn sql_is_refused_where_its_figures_cannot_be_followed() {
    let sql = json!({ "kind": "sql", "purpose": "analytics", "text": "SELECT count(DISTINCT person) AS n FROM visit" });
    assert_eq!(code(&shop("", &|_| "gold").open(), &sql), Some(ReasonCode::NotFollowed));
    assert_eq!(code(&shop("differences: shown\n", &|_| "gold").open(), &sql), None);
}

#[test]
fn a_day_has_room_for_so_many_questions() {
    let setup = shop("questions_per_day: 3\n", &|_| "gold");
    let world = setup.open();
    let of = |age: usize| audience(&format!("age >= {age}"));
    for age in [20, 30, 40, 30] {
        assert_eq!(code(&world, &of(age)), None, "{age}");
    }
    assert_eq!(code(&world, &of(50)), Some(ReasonCode::TooManyQuestions));
    // What was asked today can be asked again, by others it can be asked anyway.
    assert_eq!(code(&world, &of(20)), None);
    assert!(matches!(world.ask("officer", &of(50)), Ok(Input::Good(asked)) if asked.answer.is_some()));
    let Ok(Input::Good(judged)) = world.judge("marketer", &of(51)) else { panic!("it makes sense") };
    assert_eq!(judged.verdict.reasons[0].code, ReasonCode::TooManyQuestions);
    let World { app, folder } = world;
    drop(app);
    // Nobody gets room by stopping the program; tomorrow there is some.
    let world = World { app: open(folder.path(), setup.now, 9).into(), folder };
    assert_eq!(code(&world, &of(50)), Some(ReasonCode::TooManyQuestions));
    let World { app, folder } = world;
    drop(app);
    let world = World { app: open(folder.path(), setup.now + chrono::TimeDelta::days(1), 9).into(), folder };
    assert_eq!(code(&world, &of(50)), None);
}

#[test]
fn noisy_counts_are_charged_and_stay_what_they_are() {
    let setup = shop("noise: { epsilon: 0.5, per_day: 1.5 }\n", &|n| if n < 100 { "gold" } else { "iron" });
    let world = setup.open();
    let question = audience("tier = 'gold'");
    let told = count(&world, &question).expect("a hundred people are enough, whatever the noise");
    assert!((told - 100).abs() < 60, "{told} is further off than once in 10^13");
    assert_eq!(count(&world, &question), Some(told), "asking again does not draw again");
    // The judge says nothing of how many there are, and the waterfall nothing but what the answer says.
    let Ok(Input::Good(judged)) = world.judge("marketer", &question) else { panic!("it makes sense") };
    assert_eq!((judged.people, judged.verdict.reasons.len()), (None, 0));
    let steps = answer(&world, &question).expect("it is answered").waterfall.expect("an audience has one");
    assert_eq!(steps.last().and_then(|step| step.people), u64::try_from(told).ok(), "{steps:?}");
    // Another user gets the same figure, so that nobody averages together.
    let Ok(Input::Good(other)) = world.ask("officer", &question) else { panic!("it makes sense") };
    assert_eq!(other.answer.expect("it is answered").rows[0][0], Value::Integer(told));
    for condition in ["age >= 30", "age >= 40"] {
        assert_eq!(code(&world, &audience(condition)), None);
    }
    assert_eq!(code(&world, &audience("age >= 50")), Some(ReasonCode::TooManyQuestions));
    // Whatever is no count of people is refused, with the way to one.
    let kinds = [
        json!({ "kind": "trend", "purpose": "analytics", "measure": "count(visit)", "by": "none", "period": { "last": "30 days" } }),
        json!({ "kind": "trend", "purpose": "analytics", "measure": "people(visit)", "by": "none" }),
        json!({ "kind": "funnel", "purpose": "analytics", "steps": ["visit", "visit"], "within": "1 day" }),
        json!({ "kind": "sql", "purpose": "analytics", "text": "SELECT count(*) AS n FROM visit" }),
    ];
    let world = shop("noise: { epsilon: 0.5, per_day: 50 }\n", &|_| "gold").open();
    for question in kinds {
        assert_eq!(code(&world, &question), Some(ReasonCode::CountsOnly), "{question}");
    }
    // A trend has a row for each day of its period, whether anybody did anything or not.
    let trend = json!({
        "kind": "trend", "purpose": "analytics", "measure": "people(visit)", "by": "month",
        "period": { "from": "2024-01-01", "to": "2024-07-01" },
    });
    assert_eq!(answer(&world, &trend).expect("it is answered").rows.len(), 6);
}

#[test]
fn a_role_sees_fields_in_part() {
    let mut setup = Setup::shop();
    let profiles = "member,at,tier,age,vip,joined,card,address,belief\n\
                    a1,2024-01-01,golden,37,true,2020-05-05,K100,a1@example.org,sun\n\
                    a2,2024-01-01,gold,1,false,2021-01-01,K2,a2@example.org,moon\n";
    setup.add("profiles", "profiles.csv", profiles.to_owned());
    setup.add(
        "shop",
        "visit.csv",
        "member,at,page\na1,2024-06-01T00:00:00Z,home\na2,2024-06-01T00:00:00Z,home\n".to_owned(),
    );
    let role = |mask: &str| {
        format!(
            "title: Marketer\npurposes: {{ email: list }}\nmasks: {{ none: {mask}, pseudonym: {mask}, direct: {mask}, sensitive: {mask} }}\n"
        )
    };
    let rows = |mask: &str, now: spec::Instant| {
        let mut setup = setup.clone();
        setup.now = now;
        setup.files.insert("roles/marketer.yaml".to_owned(), role(mask));
        let columns = ["tier", "age", "vip", "joined", "card", "address", "belief"];
        let list = json!({
            "kind": "audience", "purpose": "email", "where": "did(visit)", "release": "list", "columns": columns,
        });
        let mut rows = answer(&setup.open(), &list).expect("it is answered").rows;
        rows.iter_mut().for_each(|row| drop(row.remove(0)));
        let mut texts: Vec<String> =
            rows.iter().map(|row| row.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ")).collect();
        texts.sort();
        texts
    };
    let (june, july) = (setup.now - chrono::TimeDelta::days(1), setup.now);
    assert_eq!(
        rows("truncate", july),
        ["gol… | 30 |  | 2020-05 | K1… | a1@… | s…", "go… | 0 |  | 2021-01 | K… | a2@… | mo…"]
    );
    assert_eq!(rows("bucket", july), [" | 0 to 2 |  | 2021 |  |  | ", " | 20 to 50 |  | 2020 |  |  | "]);
    let hashed = rows("hash", july);
    assert!(!hashed.concat().contains("gold") && !hashed.concat().contains("example"), "{hashed:?}");
    assert_eq!(rows("hash", july), hashed, "equal values have equal hashes");
    assert!(rows("hash", june).iter().all(|row| !hashed.contains(row)), "of another month they have nothing in common");
}

#[test]
fn what_is_asked_first_is_told_as_it_is() {
    let purpose = "analytics";
    let period = json!({ "from": "2024-05-01", "to": "2024-07-01" });
    let questions = [
        json!({ "kind": "trend", "purpose": purpose, "measure": "count(visit)", "by": "month", "breakdown": ["tier"], "period": period }),
        json!({ "kind": "funnel", "purpose": purpose, "steps": ["visit", "visit"], "within": "1 day", "breakdown": ["tier"], "period": period }),
        json!({ "kind": "retention", "purpose": purpose, "start": "visit", "by": "month", "periods": 2, "period": period, "as_of": "2024-08-01" }),
        json!({ "kind": "attribution", "purpose": purpose, "conversion": "visit", "touch": "visit", "channel": "page", "period": period }),
        json!({ "kind": "paths", "purpose": purpose, "from": "visit", "steps": 2, "period": period }),
        json!({ "kind": "experiment", "purpose": purpose, "exposure": "visit", "variant": "page", "metrics": ["count(visit)"], "period": period }),
        audience("tier = 'gold'"),
    ];
    let tier = |n: usize| if n < 100 { "gold" } else { "iron" };
    let shown = shop("differences: shown\n", &tier).open();
    for question in questions {
        let guarded = shop("", &tier).open();
        let rows = |world: &World| answer(world, &question).map(|answer| (answer.columns, answer.rows));
        assert!(rows(&shown).is_some_and(|(_, rows)| !rows.is_empty()), "{question}");
        assert_eq!(rows(&shown), rows(&guarded), "{question}");
        // And so it is when it is asked again.
        assert_eq!(rows(&shown), rows(&guarded), "{question}");
    }
}

#[test]
fn figures_of_one_question_are_told_again_though_they_are_near_to_one_another() {
    let mut setup = shop("", &|_| "gold");
    let mut purchases = "id,member,at,store,amount\n".to_owned();
    let mut visits = String::new();
    for n in 0..100 {
        let _ = writeln!(purchases, "b{n},p{n},2024-06-04T00:00:00Z,N,1.5");
        for (page, day) in [("news", 2), ("sale", 3)] {
            let visit = json!({ "member": format!("p{n}"), "at": format!("2024-06-0{day}T00:00:00Z"), "page": page });
            // Five did not see the sale.
            if page == "news" || n >= 5 {
                let _ = writeln!(visits, "{visit}");
            }
        }
    }
    setup.add("shop", "purchase.csv", purchases);
    setup.add("shop", "visit_june.ndjson", visits);
    let period = json!({ "from": "2024-06-02", "to": "2024-07-01" });
    let funnel = json!({
        "kind": "funnel", "purpose": "analytics", "steps": ["visit", "visit"], "within": "7 days", "period": period,
    });
    let attribution = json!({
        "kind": "attribution", "purpose": "analytics", "conversion": "purchase", "touch": "visit", "channel": "page",
        "model": "linear", "period": period,
    });
    let by_page = json!({
        "kind": "trend", "purpose": "analytics", "measure": "people(visit)", "by": "none", "breakdown": ["page"],
        "period": period,
    });
    let rows = |world: &World, question: &Json| answer(world, question).expect("it is answered").rows;
    for (question, figure, of) in [(&attribution, 1, (1, 2)), (&by_page, 1, (0, 1))] {
        let world = setup.open();
        let first = rows(&world, question);
        assert_ne!(first[of.0][figure], first[of.1][figure], "they differ by few people: {question}");
        assert_eq!(rows(&world, question), first, "{question}");
    }
    // Steps have conditions of their own, so that one may be all of another but one person: they give way to one another.
    let world = setup.open();
    for _ in 0..2 {
        assert_eq!(
            rows(&world, &funnel).iter().map(|row| row[2].clone()).collect::<Vec<_>>(),
            [100, 100].map(Value::Integer)
        );
    }
}

/// What is offered of one purpose instead of a question that is refused: titles and effects.
fn offered(world: &World, question: &Json, purpose: &str) -> Vec<(String, String)> {
    let Ok(Input::Good(asked)) = world.ask("marketer", question) else { panic!("{question} makes sense") };
    assert!(asked.answer.is_none(), "{question} is answered");
    let offers = asked.verdict.reasons[0].remedies.iter().filter_map(|remedy| match remedy {
        Remedy::Ask { title, question, effect } if question.purpose == purpose => Some((title.clone(), effect.clone())),
        _ => None,
    });
    offers.collect()
}

/// For a purpose to which nobody has agreed.
fn elsewhere(condition: &str) -> Json {
    json!({ "kind": "audience", "purpose": "ads", "where": condition, "as_of": "2024-06-30T00:00:00Z" })
}

/// The offers for the purpose with limits.
fn for_analytics(effect: &str) -> Vec<(String, String)> {
    vec![("Ask for analytics".to_owned(), effect.to_owned())]
}

#[test]
fn what_is_counted_for_another_purpose_is_not_judged_for_free() {
    let world = shop("questions_per_day: 1\n", &|_| "gold").open();
    // Whether ten people are 37 years old would be an answer that nobody was charged for.
    for condition in ["tier = 'gold'", "age = 37", "age = 3"] {
        assert_eq!(offered(&world, &elsewhere(condition), "analytics"), [], "{condition}");
    }
    // There is still room for it, and what was paid for is offered.
    assert_eq!(count(&world, &audience("tier = 'gold'")), Some(400));
    assert_eq!(offered(&world, &elsewhere("tier = 'gold'"), "analytics"), for_analytics(""));
    assert_eq!(offered(&world, &elsewhere("age = 37"), "analytics"), []);
}

#[test]
fn what_is_tried_instead_of_a_counted_question_is_counted() {
    // Nobody visited twice: one question, and one try that is no yes either.
    let world = shop("questions_per_day: 2\n", &|_| "gold").open();
    assert_eq!(offered(&world, &audience("count(visit) >= 100"), "analytics"), []);
    assert_eq!(code(&world, &audience("tier = 'gold'")), Some(ReasonCode::TooManyQuestions));
    // One question and three tries, which find what is enough, though not the least change.
    let world = shop("questions_per_day: 5\n", &|_| "gold").open();
    let older = |world: &World| offered(world, &audience("age >= 60"), "analytics");
    let found = [("Instead: have age at least 25".to_owned(), String::new())];
    assert_eq!(older(&world), found);
    // Asked again it is the same, and takes nothing; nor does what it offers.
    assert_eq!(older(&world), found);
    assert!(count(&world, &audience("age >= 25")).is_some());
    assert!(count(&world, &audience("tier = 'gold'")).is_some(), "one is left of five");
    assert_eq!(code(&world, &audience("vip = true")), Some(ReasonCode::TooManyQuestions));
    // Where questions are not counted it is the least.
    let world = shop("differences: shown\n", &|_| "gold").open();
    assert_eq!(older(&world), [("Instead: have age at least 50".to_owned(), "100 people".to_owned())]);
}

#[test]
fn a_remedy_tells_no_noisy_figure_and_is_none_without_room() {
    let world = shop("noise: { epsilon: 1, per_day: 1 }\n", &|_| "gold").open();
    let gold = elsewhere("tier = 'gold'");
    assert_eq!(offered(&world, &gold, "analytics"), for_analytics(""));
    // There is still room for all of it.
    assert!(count(&world, &audience("tier = 'gold'")).is_some());
    // And then for nothing but what was answered: the judge and what is offered say so before anybody asks.
    let Ok(Input::Good(judged)) = world.judge("marketer", &audience("age >= 30")) else { panic!("it makes sense") };
    assert_eq!(judged.verdict.reasons.first().map(|reason| reason.code), Some(ReasonCode::TooManyQuestions));
    assert_eq!(offered(&world, &elsewhere("age >= 30"), "analytics"), []);
    let Ok(Input::Good(judged)) = world.judge("marketer", &audience("tier = 'gold'")) else { panic!("it makes sense") };
    assert_eq!(judged.verdict.reasons, []);
    assert_eq!(offered(&world, &gold, "analytics"), for_analytics(""));
}

#[test]
fn noise_is_no_way_out_for_too_few_people() {
    let mut setup = shop("noise: { epsilon: 1, per_day: 9 }\n", &|_| "gold");
    // Everybody may be used for ads, and nobody is iron.
    setup.files.insert(
        "purposes/ads.yaml".to_owned(),
        "title: ads\nbasis: { gdpr: legitimate_interest }\nmin_group: 10\ndifferences: shown\n".to_owned(),
    );
    let world = setup.open();
    assert_eq!(code(&world, &elsewhere("tier = 'iron'")), Some(ReasonCode::UnderMinimumGroup));
    assert_eq!(offered(&world, &elsewhere("tier = 'iron'"), "analytics"), []);
}

#[test]
fn questions_that_are_asked_at_once_know_of_each_other() {
    let world = shop("", &|n| if n < 100 { "gold" } else { "iron" }).open();
    let all = audience("tier = 'gold'");
    let others = audience(&format!("joined >= '{}' AND tier = 'gold'", joined(1)));
    let told = std::thread::scope(|scope| {
        let asked = [&all, &others].map(|question| scope.spawn(|| count(&world, question)));
        asked.map(|thread| thread.join().expect("it is answered"))
    });
    assert_eq!(told[0], told[1], "whichever came first");
}

#[test]
fn one_interval_does_not_stand_for_another_nor_a_step_for_its_neighbour() {
    let mut setup = shop("", &|n| if n < 100 { "gold" } else { "iron" });
    let mut more = String::new();
    for n in 0..PEOPLE {
        for _ in 0..=n % 2 {
            let _ = writeln!(
                more,
                "{}",
                json!({ "member": format!("p{n}"), "at": format!("2024-04-{:02}T00:00:00Z", 1 + n % 28), "page": "home" })
            );
        }
    }
    setup.add("shop", "visit_april.ndjson", more);
    let world = setup.open();
    let visits = |from: &str, to: &str| {
        json!({
            "kind": "trend", "purpose": "analytics", "measure": "count(visit)", "by": "none", "period": { "from": from, "to": to },
        })
    };
    assert_eq!(count(&world, &visits("2024-06-01", "2024-07-01")), Some(400));
    assert!(count(&world, &visits("2024-04-01", "2024-05-01")).is_some_and(|count| count > 400));
    // The term that takes away one leaves what was told of the term before.
    let gold = |n: usize| audience(&format!("tier = 'gold' AND joined >= '{}'", joined(n)));
    assert_eq!([count(&world, &gold(1)), count(&world, &audience("tier = 'gold'"))], [Some(100); 2]);
    assert_eq!(count(&world, &gold(40)), Some(60));
}

/// The shop where everybody has bought once, each in a store of their own.
fn bought() -> Setup {
    let mut setup = shop("", &|_| "gold");
    let mut purchases = "id,member,at,store,amount\n".to_owned();
    for n in 0..PEOPLE {
        let _ = writeln!(purchases, "b{n},p{n},2024-06-02T00:00:00Z,S{n},{}.25", 10 + n * 7 % 90);
    }
    setup.add("shop", "purchase.csv", purchases);
    setup
}

#[test]
fn what_one_purchase_adds_is_told_by_no_total() {
    let figure = |world: &World, measure: &str, filter: Option<&str>, from: &str| {
        let mut trend = json!({
            "kind": "trend", "purpose": "analytics", "measure": measure, "by": "none",
            "period": { "from": from, "to": "2024-07-01" },
        });
        if let Some(filter) = filter {
            trend["where"] = filter.into();
        }
        answer(world, &trend).expect("it is answered").rows[0][0].clone()
    };
    let without_one = Some("event.store <> 'S7'");
    for measure in
        ["sum(purchase.amount)", "avg(purchase.amount)", "count(purchase)", "sum(purchase.amount) / people(purchase)"]
    {
        let world = bought().open();
        let all = figure(&world, measure, None, "2024-05-01");
        assert_eq!(
            figure(&world, measure, without_one, "2024-04-01"),
            all,
            "{measure}, of other days without anything"
        );
        // A hundred others are others.
        assert_ne!(figure(&world, measure, Some("event.amount < 40"), "2024-05-01"), all, "{measure}");
    }
    // Both totals of a quotient are remembered, also where they are of one sort.
    for (quotient, top) in [
        ("count(purchase) / count(visit)", "count(purchase)"),
        ("people(purchase) / people(visit)", "people(purchase)"),
    ] {
        let world = bought().open();
        figure(&world, quotient, None, "2024-05-01");
        let told = figure(&world, top, without_one, "2024-04-01");
        assert_eq!(told, Value::Integer(PEOPLE as i64), "{quotient}, then {top} without one");
    }
    // What is told of all by a sum is not told without one by an average.
    let world = bought().open();
    let sum = figure(&world, "sum(purchase.amount)", None, "2024-05-01");
    let count = figure(&world, "count(purchase)", None, "2024-05-01");
    let mean = figure(&world, "avg(purchase.amount)", without_one, "2024-05-01");
    let (Value::Decimal(sum), Value::Integer(count), Value::Number(mean)) = (&sum, &count, &mean) else {
        panic!("{sum:?} {count:?} {mean:?}")
    };
    let sum: f64 = sum.to_string().parse().expect("it is a number");
    assert!((sum / *count as f64 - mean).abs() < 1e-9, "{sum} / {count} is not {mean}");
}

#[test]
fn what_one_purchase_adds_is_told_by_no_metric_whatever_it_is_called() {
    let metric = |name: &str, filter: Option<&str>| match filter {
        Some(filter) => json!({ "name": name, "measure": "sum(purchase.amount)", "where": filter }),
        None => json!({ "name": name, "measure": "sum(purchase.amount)" }),
    };
    let without_one = Some("event.store <> 'S7'");
    let experiment = json!({
        "kind": "experiment", "purpose": "analytics", "exposure": "visit", "variant": "page",
        "metrics": [metric("a", None), metric("b", without_one)], "period": { "from": "2024-05-01", "to": "2024-07-01" },
    });
    let rows = answer(&bought().open(), &experiment).expect("it is answered").rows;
    assert_eq!(rows[0][2..], rows[1][2..], "{rows:?}");
    let power = |name: &str, filter: Option<&str>| {
        json!({
            "kind": "power", "purpose": "analytics", "exposure": "visit", "metric": metric(name, filter), "lift": 0.5,
            "period": { "from": "2024-05-01", "to": "2024-07-01" },
        })
    };
    let world = bought().open();
    let rows = |question: Json| answer(&world, &question).map(|answer| answer.rows);
    assert_eq!(rows(power("a", None)), rows(power("b", without_one)));
    assert!(rows(power("a", None)).is_some());
}

#[test]
fn an_audience_that_rests_on_what_stands_in_the_way_is_left_out_with_it() {
    let mut setup = shop("differences: shown\n", &|_| "gold");
    let closed = "title: Secret\npurpose: email\nwhere: did(visit) AND closed = 'x'\n";
    setup.files.insert("audiences/secret.yaml".to_owned(), closed.to_owned());
    setup.files.insert(
        "audiences/deeper.yaml".to_owned(),
        "title: Deeper\npurpose: email\nwhere: in_audience('secret')\n".to_owned(),
    );
    let world = setup.open();
    for name in ["secret", "deeper"] {
        let question = audience(&format!("in_audience('{name}') AND vip = true"));
        assert_eq!(code(&world, &question), Some(ReasonCode::PurposeNotForField), "{name}");
        let leave_out = [("Leave closed out".to_owned(), "200 people".to_owned())];
        assert_eq!(offered(&world, &question, "analytics"), leave_out, "{name}");
    }
}
