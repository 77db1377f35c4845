//! A field that a role does not see is in no answer, wherever a question names it. What is said of it stands in
//! `cases/sql.txt` and `cases/verdicts.txt`; here nothing that is blessed can let one through.

use super::world::Setup;
use api::Input;
use serde_json::{Value as Json, json};
use spec::{Outcome, ReasonCode};

/// `card` is hashed for the marketer, and `belief` is hidden.
const TEXTS: [&str; 10] = [
    "SELECT card, count(*) AS n FROM people GROUP BY card",
    "SELECT country, count(*) AS n FROM people GROUP BY country ORDER BY max(card)",
    "SELECT count(*) AS n FROM people a JOIN people b ON a.card = b.card",
    "SELECT count(*) AS n FROM people WHERE card LIKE 'K%'",
    "SELECT max(card) AS m FROM people",
    "SELECT count(DISTINCT belief) AS n FROM people",
    "SELECT count(*) FILTER (WHERE belief = 's') AS n FROM people",
    "SELECT CASE WHEN card LIKE 'K%' THEN 1 ELSE 2 END AS k, count(*) AS n FROM people GROUP BY 1",
    "WITH a AS (SELECT person, card FROM people) SELECT count(*) AS n FROM a WHERE card = 'K1'",
    "SELECT count(*) AS n FROM people WHERE person IN (SELECT person FROM people WHERE belief = 's')",
];

#[test]
fn case_33_a_masked_field_is_refused_wherever_it_stands() {
    let mut setup = Setup::shop();
    let mut profiles = "member,at,tier,card,belief\n".to_owned();
    for member in ["a1", "a2", "a3", "b1", "b2"] {
        profiles.push_str(&format!("{member},2024-01-01,gold,K1,s\n"));
    }
    setup.add("profiles", "profiles.csv", profiles);
    let world = setup.open();
    let sql = |text: &str| json!({ "kind": "sql", "purpose": "analytics", "text": text });
    let audience = |condition: &str| json!({ "kind": "audience", "purpose": "analytics", "where": condition });
    let trend =
        |field: &str| json!({ "kind": "trend", "purpose": "analytics", "measure": "count(*)", "breakdown": [field] });
    let mut questions: Vec<Json> = TEXTS.iter().map(|text| sql(text)).collect();
    questions.extend(["card LIKE 'K%'", "NOT (card = 'K1')", "card IS NULL", "belief IN ('s')"].map(audience));
    questions.extend(["card", "belief"].map(trend));
    for question in &questions {
        match world.ask("marketer", question) {
            Ok(Input::Good(asked)) => {
                assert_eq!((asked.verdict.outcome, asked.answer.is_some()), (Outcome::No, false), "{question}");
                let codes: Vec<ReasonCode> = asked.verdict.reasons.iter().map(|reason| reason.code).collect();
                assert!(codes.contains(&ReasonCode::FieldHidden), "{question}: {codes:?}");
            }
            // What cannot be asked at all shows nothing either.
            Ok(Input::Bad(wrong)) => assert!(!wrong.is_empty(), "{question}"),
            Err(error) => panic!("{question}: {}", error.chain()),
        }
    }
    // The same without masks: it is the mask that stands against it.
    for text in [TEXTS[3], TEXTS[9]] {
        let asked = world.ask("officer", &sql(text));
        let Ok(Input::Good(asked)) = asked else { panic!("{text}: {asked:?}") };
        assert_eq!(asked.verdict.outcome, Outcome::Yes, "{text}");
    }
}
