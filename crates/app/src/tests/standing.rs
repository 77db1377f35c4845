//! Verdicts kept live: they turn when rules, choices, deliveries or data do, say why, and cost nothing while nothing moves.

use super::world::{Setup, World, write};
use crate::{App, Options};
use api::{ImportRequest, Product, StandingView, StandingsRequest, Subject, Wanted};
use chrono::TimeDelta;
use lake::{Clock, SeededRandom};
use serde_json::{Value as Json, json};
use spec::Instant;
use std::fs;
use std::sync::{Arc, Mutex};

/// A clock that is moved on by hand.
struct HandClock(Mutex<Instant>);

impl Clock for HandClock {
    fn now(&self) -> Instant {
        *self.0.lock().expect("nobody panics with it")
    }
}

/// A world whose clock can be moved.
struct Living {
    world: World,
    clock: Arc<HandClock>,
}

impl Living {
    fn new(setup: &Setup) -> Living {
        let World { app, folder } = setup.open();
        drop(app);
        let clock = Arc::new(HandClock(Mutex::new(setup.now)));
        let app = App::open(Options {
            workspace: folder.path().join("workspace"),
            data: folder.path().join("data"),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::new(SeededRandom::new(setup.seed + 2)),
            places: None,
            proofs: None,
            hot_bytes_max: 16 << 20,
        });
        Living { world: World { app: Arc::new(app.expect("the folder opens again")), folder }, clock }
    }

    fn pass(&self, time: TimeDelta) {
        *self.clock.0.lock().expect("nobody panics with it") += time;
    }

    /// Writes a file of the workspace; gives the text before it.
    fn write(&self, path: &str, text: &str) -> String {
        let full = self.world.folder.path().join("workspace").join(path);
        let before = fs::read_to_string(&full).unwrap_or_default();
        write(&full, text);
        before
    }

    fn import(&self, source: &str, file_name: &str, text: &str) {
        let path = self.world.folder.path().join("input").join(file_name);
        write(&path, text);
        let request = ImportRequest { source, object: None, path: &path, file_name };
        self.world.app.import_file(&request, &|_, _| {}).expect("a test's file can be imported");
    }

    /// How questions stand for a user, looked at again as a page does.
    fn look(&self, user: &str, questions: &[Json]) -> Vec<StandingView> {
        self.standings(user, questions, true)
    }

    fn standings(&self, user: &str, questions: &[Json], may_judge: bool) -> Vec<StandingView> {
        let subject = |(n, question): (usize, &Json)| Subject {
            kind: "question",
            name: format!("q{n}"),
            title: format!("Question {n}"),
            question: question.clone(),
        };
        let request = StandingsRequest { subjects: questions.iter().enumerate().map(subject).collect(), may_judge };
        self.world.app.standings(&self.world.who(user), &request).expect("standings can be told").verdicts
    }

    fn one(&self, question: &Json) -> StandingView {
        self.look("marketer", std::slice::from_ref(question)).remove(0)
    }

    /// How often something was judged live, as it is on record.
    fn n_judged(&self) -> usize {
        self.world.app.deeds().iter().filter(|(_, deed)| deed == "judge live").count()
    }

    fn ground(&self) -> (String, String, String) {
        let ground = self.world.app.ground(&self.world.who("marketer")).expect("the ground can be told");
        (ground.rules, ground.choices, ground.data)
    }
}

/// The shop with some purchases of everybody who may be used for ads or e-mail.
fn shop() -> Setup {
    let mut setup = Setup::shop();
    let mut rows = String::from("id,member,at,store,amount\n");
    for (index, buyer) in ["a1", "a2", "b1", "b2", "c1", "c2"].iter().enumerate() {
        rows.push_str(&format!("p{index},{buyer},2024-06-{:02}T00:00:00Z,N,5.00\n", 10 + index));
    }
    setup.add("shop", "purchase.csv", rows);
    setup
}

fn trend(purpose: &str, measure: &str) -> Json {
    json!({ "kind": "trend", "purpose": purpose, "measure": measure, "by": "none", "period": { "last": "60 days" } })
}

fn buyers(purpose: &str) -> Json {
    json!({ "kind": "audience", "purpose": purpose, "where": "did(purchase)" })
}

fn because(standing: &StandingView) -> (&str, &str) {
    let because = standing.because.as_ref().expect("it turned");
    (&because.for_marketing, &because.for_it)
}

#[test]
fn a_contract_that_no_longer_allows_a_field_turns_it_and_back() {
    let living = Living::new(&shop());
    let question = trend("email", "sum(purchase.amount)");
    let before = living.one(&question);
    assert_eq!((before.outcome, before.turned_at), ("yes", None));
    let path = "contracts/shop.odcs.yaml";
    let text = fs::read_to_string(living.world.folder.path().join("workspace").join(path)).expect("it is there");
    let field = "property: unit, value: EUR }, { property: purposes, value: [analytics, email] }";
    let closed = text.replace(field, "property: unit, value: EUR }, { property: purposes, value: [analytics] }");
    assert_ne!(closed, text);
    living.pass(TimeDelta::seconds(1));
    living.write(path, &closed);
    let shown = living.standings("marketer", std::slice::from_ref(&question), false).remove(0);
    assert_eq!(shown.outcome, "pending", "a yes of other rules is not shown, even before it is judged again");
    let turned = living.one(&question);
    assert_eq!((turned.outcome, turned.turned_from), ("no", Some("yes")));
    assert_eq!(turned.turned_at.as_deref(), Some("2024-07-01T00:00:01Z"));
    assert_eq!(because(&turned), ("the rules changed", "`contracts/shop.odcs.yaml` changed"));
    assert_eq!(turned.reasons[0].for_marketing, "Amount may not be used for e-mail.");
    assert!(turned.reasons[0].for_it.contains("`contracts/shop.odcs.yaml`") && turned.remedy.is_some());
    living.write(path, &text);
    let back = living.one(&question);
    assert_eq!((back.outcome, back.turned_from, back.reasons.len()), ("yes", Some("no"), 0));
}

#[test]
fn people_who_say_no_turn_it_and_back() {
    let living = Living::new(&shop());
    let question = buyers("email");
    let before = living.one(&question);
    assert_eq!((before.outcome, before.people), ("yes", Some(6)));
    living.pass(TimeDelta::seconds(3));
    let words = |state: &str, day: &str| {
        let mut rows = "member,at,purpose,state\n".to_owned();
        for member in ["a1", "a2", "b1", "b2", "c1"] {
            rows.push_str(&format!("{member},2024-06-{day},email,{state}\n"));
        }
        rows
    };
    living.import("consents", "consents_no.csv", &words("denied", "28"));
    let turned = living.one(&question);
    assert_eq!((turned.outcome, turned.people, turned.turned_from), ("no", None, Some("yes")));
    assert_eq!(because(&turned).0, "people’s choices changed");
    assert!(because(&turned).1.starts_with("the table `consents` went from version"), "{:?}", turned.because);
    living.pass(TimeDelta::seconds(3));
    living.import("consents", "consents_yes.csv", &words("granted", "29"));
    let back = living.one(&question);
    assert_eq!((back.outcome, back.people, back.turned_from), ("yes", Some(6), Some("no")));
}

#[test]
fn a_feed_that_stops_turns_it_when_its_time_is_over_and_back() {
    let living = Living::new(&shop());
    let question = trend("analytics", "count(purchase)");
    assert_eq!(living.one(&question).outcome, "yes");
    living.pass(TimeDelta::days(29));
    assert_eq!(living.one(&question).outcome, "yes", "30 days are promised");
    let ground = living.ground();
    living.pass(TimeDelta::days(2));
    let turned = living.one(&question);
    assert_eq!((turned.outcome, turned.turned_from), ("yes_if", Some("yes")));
    assert_eq!(because(&turned).0, "time passed: The shop is later than promised");
    assert!(turned.reasons[0].for_marketing.contains("later than promised"));
    assert_ne!(living.ground().0, ground.0, "answers that are shown are asked again");
    living.import("shop", "purchase_more.csv", "id,member,at,store,amount\nn1,a1,2024-07-31T00:00:00Z,N,5.00\n");
    let back = living.one(&question);
    assert_eq!((back.outcome, because(&back).0), ("yes", "The shop has delivered"));
}

#[test]
fn a_file_with_more_faults_than_agreed_turns_it_and_back() {
    let mut setup = shop();
    let contract = setup.files.get_mut("contracts/shop.odcs.yaml").expect("the base has the contract");
    let promise = "slaProperties: [{ property: latency, value: 30, unit: d }";
    *contract = contract.replace(promise, &format!("{promise}, {{ property: errorRate, value: 2.5, unit: \"%\" }}"));
    let living = Living::new(&setup);
    let question = trend("analytics", "count(purchase)");
    let file = |day: usize, n_faults: usize| {
        let row = |n: usize| match n < n_faults {
            true => format!("d{day}-{n},a1,yesterday,N,5.00\n"),
            false => format!("d{day}-{n},a1,2024-06-20T00:00:00Z,N,5.00\n"),
        };
        format!("id,member,at,store,amount\n{}", (0..200).map(row).collect::<String>())
    };
    // What came in the hours before counts too.
    living.pass(TimeDelta::days(2));
    living.import("shop", "purchase_some.csv", &file(1, 5));
    assert_eq!(living.one(&question).outcome, "yes", "2.5 % are agreed");
    living.pass(TimeDelta::days(2));
    let ground = living.ground();
    living.import("shop", "purchase_many.csv", &file(2, 6));
    let turned = living.one(&question);
    assert_eq!((turned.outcome, turned.turned_from), ("yes_if", Some("yes")));
    assert_eq!(because(&turned).0, "more of what The shop delivered is faulty than was agreed");
    assert_eq!(turned.reasons[0].for_marketing, "More of what The shop delivered last is faulty than was agreed.");
    assert_ne!(living.ground().0, ground.0, "answers that are shown are asked again");
    let past = json!({
        "kind": "trend", "purpose": "analytics", "measure": "count(purchase)",
        "period": { "from": "2024-06-01", "to": "2024-06-10" }
    });
    assert_eq!(living.one(&past).outcome, "yes_if", "rows of a file may be of any time");
    living.pass(TimeDelta::days(2));
    living.import("shop", "purchase_few.csv", "id,member,at,store,amount\nf,a1,never,N,5.00\n");
    assert_eq!(living.one(&question).outcome, "yes", "of so few nothing is said");
}

#[test]
fn a_purpose_that_changes_turns_it_and_back() {
    let living = Living::new(&shop());
    let question = buyers("email");
    assert_eq!(living.one(&question).outcome, "yes");
    let text = living.write(
        "purposes/email.yaml",
        "title: e-mail\nbasis: { gdpr: consent, ccpa: consent, us_other: consent }\nmin_group: 9\ndifferences: shown\n",
    );
    let turned = living.one(&question);
    assert_eq!((turned.outcome, because(&turned).1), ("no", "`purposes/email.yaml` changed"));
    living.write("purposes/email.yaml", &text);
    assert_eq!(living.one(&question).outcome, "yes");
}

#[test]
fn new_data_turn_it_and_keep_it_for_a_while() {
    let living = Living::new(&shop());
    let question = json!({ "kind": "audience", "purpose": "analytics", "where": "count(purchase) >= 2" });
    assert_eq!(living.one(&question).outcome, "no");
    living.pass(TimeDelta::minutes(1));
    let more = |n: usize| {
        let row = |member: &str| format!("m{n}{member},{member},2024-06-20T00:00:00Z,N,5.00\n");
        format!("id,member,at,store,amount\n{}{}", row("a1"), row("b1"))
    };
    living.import("shop", "purchase_1.csv", &more(1));
    let turned = living.one(&question);
    assert_eq!((turned.outcome, turned.people), ("yes", Some(2)));
    assert_eq!(because(&turned).0, "new data came in");
    assert!(because(&turned).1.contains("`events` went from version"), "{:?}", turned.because);
    // While data keep coming in, it is judged now and then, and says so.
    let n_judged = living.n_judged();
    living.pass(TimeDelta::seconds(1));
    living.import("shop", "purchase_2.csv", &more(2));
    let behind = living.one(&question);
    assert!(behind.is_behind && behind.judged_at.as_deref() == Some("2024-07-01T00:01:00Z"), "{behind:?}");
    assert_eq!(living.n_judged(), n_judged);
    living.pass(TimeDelta::minutes(1));
    assert!(!living.one(&question).is_behind);
    assert_eq!(living.n_judged(), n_judged + 1);
}

#[test]
fn while_nothing_moves_nothing_is_judged() {
    let living = Living::new(&shop());
    let questions =
        [buyers("email"), buyers("ads"), trend("analytics", "count(purchase)"), trend("research", "count(visit)")];
    let pending = living.standings("marketer", &questions, false);
    assert!(pending.iter().all(|standing| standing.outcome == "pending"), "a page comes at once");
    assert_eq!(living.n_judged(), 0);
    let first = living.look("marketer", &questions);
    assert_eq!(living.n_judged(), questions.len());
    for _ in 0..20 {
        living.pass(TimeDelta::seconds(3));
        assert_eq!(living.look("marketer", &questions), first);
    }
    assert_eq!(living.n_judged(), questions.len(), "a look is no judgement");
    // What is saved beside it is no rule.
    living.write("questions/mine.yaml", &format!("title: Mine\nquestion: {}\n", buyers("email")));
    assert_eq!(living.look("marketer", &questions), first);
    assert_eq!(living.n_judged(), questions.len());
    // Each user is told, and is on record, for themselves.
    let other = living.look("officer", &questions);
    assert_eq!((other[0].outcome, living.n_judged()), ("yes", 2 * questions.len()));
    // Audiences as of now are others an hour later; trends are not.
    living.pass(TimeDelta::hours(1));
    living.look("marketer", &questions);
    assert_eq!(living.n_judged(), 2 * questions.len() + 2);
}

#[test]
fn many_questions_are_judged_over_several_looks() {
    let living = Living::new(&shop());
    let questions = vec![trend("analytics", "count(purchase)"); 20];
    let n_pending = |standings: &[StandingView]| standings.iter().filter(|one| one.outcome == "pending").count();
    let first = living.look("marketer", &questions);
    assert_eq!((n_pending(&first), living.n_judged()), (4, 16));
    assert_eq!(n_pending(&living.look("marketer", &questions)), 0);
    assert_eq!(living.n_judged(), 20);
}

#[test]
fn what_is_counted_is_judged_once_it_was_opened() {
    let mut setup = shop();
    let purpose = setup.files.get_mut("purposes/email.yaml").expect("the shop has it");
    purpose.push_str("questions_per_day: 1\n");
    let living = Living::new(&setup);
    let questions = [buyers("email"), trend("email", "count(purchase)")];
    let closed = living.look("marketer", &questions);
    assert!(closed.iter().all(|one| one.outcome == "asked_when_opened"), "{closed:?}");
    assert!(closed[0].reasons[0].for_it.contains("purposes/email.yaml"));
    let who = living.world.who("marketer");
    let is_free = |question: &Json| {
        [Wanted::Verdict, Wanted::Answer]
            .map(|wanted| living.world.app.is_free(&who, question, wanted).expect("it is told"))
    };
    assert_eq!((is_free(&questions[0]), is_free(&trend("analytics", "count(visit)"))), ([false; 2], [true; 2]));
    // One fits into the day: looking has taken nothing of it.
    living.world.ask("marketer", &questions[0]).expect("it can be asked");
    let opened = living.look("marketer", &questions);
    assert_eq!((opened[0].outcome, opened[1].outcome), ("yes", "asked_when_opened"));
    assert_eq!(is_free(&questions[0]), [true; 2]);
    living.pass(TimeDelta::days(1));
    assert_eq!(living.look("marketer", &questions)[0].outcome, "asked_when_opened", "it is another day");
}

#[test]
fn a_question_that_makes_no_sense_any_more_says_so() {
    let living = Living::new(&shop());
    let question = json!({ "kind": "audience", "purpose": "analytics", "where": "tier > 5" });
    let standing = living.one(&question);
    assert_eq!(standing.outcome, "invalid");
    assert!(!standing.reasons[0].for_marketing.is_empty());
    assert_eq!(living.one(&json!({ "kind": "nothing" })).outcome, "invalid");
    assert_eq!(living.n_judged(), 0, "what makes no sense leaves no record");
}

#[test]
fn the_ground_moves_with_what_answers_rest_on() {
    let living = Living::new(&shop());
    let ground = living.ground();
    living.pass(TimeDelta::minutes(5));
    assert_eq!(living.ground(), ground);
    living.import("consents", "consents_no.csv", "member,at,purpose,state\na1,2024-06-30,email,denied\n");
    let choices = living.ground();
    assert_eq!(choices.0, ground.0);
    assert_ne!(choices.1, ground.1);
    living.import("shop", "purchase_1.csv", "id,member,at,store,amount\nn1,a1,2024-06-30T00:00:00Z,N,5.00\n");
    let data = living.ground();
    assert_eq!((&data.0, &data.1), (&choices.0, &choices.1));
    assert_ne!(data.2, choices.2);
    living.write("roles/marketer.yaml", "title: Marketer\npurposes: { analytics: aggregate }\nmasks: { none: show }\n");
    assert_ne!(living.ground().0, data.0);
}
