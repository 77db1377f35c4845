//! Random questions about the shop of the cases: mostly sensible, some not.

use lake::{Random, SeededRandom};
use serde_json::{Map, Value as Json, json};

/// Numbers that follow from a seed.
pub(super) struct Dice(SeededRandom);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(SeededRandom::new(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        let mut word = [0; 8];
        self.0.fill(&mut word);
        u64::from_le_bytes(word)
    }

    /// A number under `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits fit") % n
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

const EVENTS: [&str; 3] = ["visit", "purchase", "refund"];
const WINDOWS: [&str; 5] = ["1 hour", "3 days", "30 days", "20 weeks", "90 weeks"];
/// Days about the shop's events, some before, some after.
const DAYS: [&str; 6] = ["2023-12-25", "2024-01-01", "2024-03-31", "2024-04-08", "2024-06-30", "2024-07-02"];

/// A question of one of the kinds for one of these purposes.
pub(super) fn question(dice: &mut Dice, purposes: &[&str]) -> Json {
    let mut map = Map::new();
    map.insert("purpose".into(), dice.pick(purposes).into());
    if dice.chance(25) {
        let zones = ["Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata"];
        map.insert("time_zone".into(), dice.pick(&zones).into());
    }
    match dice.below(9) {
        0 => trend(dice, &mut map),
        1 => funnel(dice, &mut map),
        2 => retention(dice, &mut map),
        3 => attribution(dice, &mut map),
        4 => paths(dice, &mut map),
        5 => experiment(dice, &mut map),
        6 => sql(dice, &mut map),
        7 => power(dice, &mut map),
        _ => audience(dice, &mut map),
    }
    Json::Object(map)
}

fn trend(dice: &mut Dice, map: &mut Map<String, Json>) {
    let event = dice.pick(&EVENTS);
    let measure = if dice.chance(20) {
        format!("{} / {}", atom(dice, event), atom(dice, event))
    } else if dice.chance(15) {
        "people(*)".to_owned()
    } else {
        atom(dice, event)
    };
    let is_any = measure.contains('*');
    map.insert("kind".into(), "trend".into());
    map.insert("measure".into(), measure.into());
    map.insert("by".into(), dice.pick(&["none", "day", "week", "month", "month", "none", "hour"]).into());
    period(dice, map);
    if dice.chance(40) {
        let filter = if is_any { on_traits(dice) } else { on_events(dice, event) };
        map.insert("where".into(), filter.into());
    }
    if dice.chance(50) {
        map.insert("breakdown".into(), breakdown(dice, if is_any { "any" } else { event }));
    }
    if dice.chance(10) {
        map.insert("limit".into(), (1 + dice.below(3)).into());
        map.insert("offset".into(), dice.below(3).into());
    }
}

fn atom(dice: &mut Dice, event: &str) -> String {
    let function = dice.pick(&["count", "people", "sum", "avg", "min", "max"]);
    match (function, event) {
        ("count" | "people", _) | (_, "visit") => format!("{}({event})", dice.pick(&["count", "people"])),
        (_, "refund") => format!("{function}(refund.fee)"),
        _ => format!("{function}(purchase.{})", dice.pick(&["amount", "items", "weight", "coin"])),
    }
}

fn funnel(dice: &mut Dice, map: &mut Map<String, Json>) {
    map.insert("kind".into(), "funnel".into());
    let first = dice.pick(&EVENTS);
    let mut steps: Vec<Json> = vec![first.into()];
    for _ in 0..1 + dice.below(2) {
        let event = dice.pick(&EVENTS);
        steps.push(match dice.below(4) {
            0 => "*".into(),
            1 => json!({ "event": event, "where": on_events(dice, event) }),
            _ => event.into(),
        });
    }
    map.insert("steps".into(), steps.into());
    map.insert("within".into(), dice.pick(&WINDOWS).into());
    if dice.chance(30) {
        map.insert("order".into(), "strict".into());
    }
    if dice.chance(20) && first != "refund" {
        map.insert("count_by".into(), json!(["store"]));
    }
    if dice.chance(30) {
        map.insert("breakdown".into(), breakdown(dice, first));
    }
    if dice.chance(20) {
        map.insert("where".into(), on_traits(dice).into());
    }
    period(dice, map);
}

fn retention(dice: &mut Dice, map: &mut Map<String, Json>) {
    map.insert("kind".into(), "retention".into());
    for end in ["start", "return"] {
        let event = dice.pick(&EVENTS);
        let step =
            if dice.chance(25) { json!({ "event": event, "where": on_events(dice, event) }) } else { event.into() };
        map.insert(end.into(), step);
    }
    map.insert("by".into(), dice.pick(&["day", "week", "month"]).into());
    map.insert("periods".into(), (1 + dice.below(5)).into());
    if dice.chance(20) {
        map.insert("where".into(), on_traits(dice).into());
    }
    period(dice, map);
}

fn attribution(dice: &mut Dice, map: &mut Map<String, Json>) {
    map.insert("kind".into(), "attribution".into());
    let (conversion, touch) = (dice.pick(&EVENTS), dice.pick(&EVENTS));
    for (end, event) in [("conversion", conversion), ("touch", touch)] {
        let step =
            if dice.chance(25) { json!({ "event": event, "where": on_events(dice, event) }) } else { event.into() };
        map.insert(end.into(), step);
    }
    map.insert("channel".into(), if touch == "refund" { "cause" } else { "store" }.into());
    let models = ["first", "last", "linear", "position", "time_decay", "markov", "shapley"];
    map.insert("model".into(), dice.pick(&models).into());
    map.insert("lookback".into(), dice.pick(&WINDOWS).into());
    map.insert("reset".into(), dice.chance(30).into());
    match conversion {
        "purchase" if dice.chance(70) => {
            map.insert("value".into(), dice.pick(&["amount", "items", "weight", "coin"]).into());
        }
        "refund" => drop(map.insert("value".into(), "fee".into())),
        _ => {}
    }
    if dice.chance(20) {
        map.insert("where".into(), on_traits(dice).into());
    }
    period(dice, map);
}

fn paths(dice: &mut Dice, map: &mut Map<String, Json>) {
    map.insert("kind".into(), "paths".into());
    let event = dice.pick(&EVENTS);
    let end = match dice.below(4) {
        0 => "*".into(),
        1 => json!({ "event": event, "where": on_events(dice, event) }),
        _ => event.into(),
    };
    map.insert(dice.pick(&["from", "to"]).into(), end);
    map.insert("steps".into(), (1 + dice.below(4)).into());
    map.insert("top".into(), (1 + dice.below(6)).into());
    if dice.chance(40) {
        map.insert("collapse".into(), true.into());
    }
    if dice.chance(20) {
        map.insert("where".into(), on_traits(dice).into());
    }
    period(dice, map);
}

fn experiment(dice: &mut Dice, map: &mut Map<String, Json>) {
    map.insert("kind".into(), "experiment".into());
    let event = dice.pick(&["visit", "purchase"]);
    let exposure =
        if dice.chance(25) { json!({ "event": event, "where": on_events(dice, event) }) } else { event.into() };
    map.insert("exposure".into(), exposure);
    map.insert("variant".into(), "store".into());
    let metrics = (0..1 + dice.below(3)).map(|number| {
        let event = dice.pick(&EVENTS);
        let mut metric = json!({ "name": format!("m{number}"), "measure": atom(dice, event) });
        if dice.chance(30) {
            metric["where"] = on_events(dice, event).into();
        }
        if dice.chance(40) {
            metric["within"] = dice.pick(&WINDOWS).into();
        }
        metric
    });
    map.insert("metrics".into(), metrics.collect());
    if dice.chance(30) {
        map.insert("split".into(), json!({ "N": 1 + dice.below(3), "S": 1 + dice.below(3) }));
    }
    if dice.chance(20) {
        map.insert("where".into(), on_traits(dice).into());
    }
    period(dice, map);
}

fn power(dice: &mut Dice, map: &mut Map<String, Json>) {
    map.insert("kind".into(), "power".into());
    let (event, acted) = (dice.pick(&["visit", "purchase"]), dice.pick(&EVENTS));
    let exposure =
        if dice.chance(25) { json!({ "event": event, "where": on_events(dice, event) }) } else { event.into() };
    map.insert("exposure".into(), exposure);
    let mut metric = json!({ "measure": atom(dice, acted) });
    if dice.chance(20) {
        metric["where"] = on_events(dice, acted).into();
    }
    if dice.chance(60) {
        metric["within"] = dice.pick(&WINDOWS).into();
    }
    map.insert("metric".into(), metric);
    map.insert("lift".into(), dice.pick(&[0.05, 0.3, 1.0, 5.0]).into());
    map.insert("variants".into(), (2 + dice.below(4)).into());
    map.insert("test".into(), dice.pick(&["fixed", "sequential"]).into());
    if dice.chance(70) {
        map.insert("days".into(), dice.pick(&[1, 14, 60, 366]).into());
    }
    if dice.chance(20) {
        map.insert("where".into(), on_traits(dice).into());
    }
    period(dice, map);
}

fn sql(dice: &mut Dice, map: &mut Map<String, Json>) {
    map.insert("kind".into(), "sql".into());
    let event = dice.pick(&EVENTS);
    let column = if event == "refund" { "fee" } else { "store" };
    let day = dice.pick(&DAYS);
    let table = format!("{event} e JOIN people m ON m.person = e.person");
    let text = match dice.below(7) {
        0 => format!("SELECT {column}, count(*), count(DISTINCT person) FROM {event} GROUP BY {column}"),
        1 => format!(
            "SELECT date_trunc('month', e.time), m.country, count(*) FROM {table} GROUP BY 1, 2 ORDER BY 3 DESC"
        ),
        2 => format!(
            "SELECT max(amount), sum(items), avg(weight) FROM purchase WHERE time >= '{day}' AND amount / items > 2"
        ),
        3 => format!("SELECT m.country, count(e.{column}) FROM {table} WHERE NOT e.time < '{day}' GROUP BY 1"),
        4 => {
            format!("SELECT n, count(*) FROM (SELECT person, count(*) AS n FROM {event} GROUP BY person) q GROUP BY n")
        }
        5 => {
            format!("SELECT country, count(*) FROM people WHERE person NOT IN (SELECT person FROM {event}) GROUP BY 1")
        }
        _ => format!(
            "SELECT m.country, count(*), count(e.person) FROM people m LEFT JOIN {event} e ON e.person = m.person GROUP BY 1 \
             LIMIT {}",
            1 + dice.below(4)
        ),
    };
    let text = if dice.chance(50) { sql_amiss(dice, event, (column, day)) } else { text };
    map.insert("text".into(), text.into());
}

/// A text that is no yes for somebody: each way in which one can be refused, or make no sense.
fn sql_amiss(dice: &mut Dice, event: &str, (column, day): (&str, &str)) -> String {
    let texts = [
        // Names, forms and functions with a slip in them.
        format!("SELECT {column}s, count(*) FROM {event} GROUP BY {column}s -- {column}s"),
        format!("SELECT e.{column}, count(*) FROM {event}s e WHERE e.time >= '{day}' GROUP BY 1"),
        format!("SELECT cuont(*) FROM {event}"),
        format!("SELECT count(*) FORM {event}"),
        format!("SELECT count(* FROM {event}"),
        format!("SELECT count(*) FROM {event} WHERE {column} = \"N\""),
        format!("SELECT count(*) FROM shop.{event}"),
        format!("SELECT * FROM {event}"),
        // People, where figures are to be had.
        format!("SELECT person, {column} FROM {event} WHERE time < '{day}' ORDER BY 2 LIMIT 5"),
        format!("SELECT person, count(*) AS n FROM {event} GROUP BY person ORDER BY n DESC"),
        format!("WITH p AS (SELECT person FROM {event}) SELECT DISTINCT person FROM p -- all"),
        // Fields that not everybody may see, or not for everything.
        "SELECT country, belief, count(*) FROM people GROUP BY 1, 2 ORDER BY 3".to_owned(),
        "SELECT CASE WHEN card = 'K1' THEN 1 ELSE 2 END AS k, tier, count(*) FROM people GROUP BY k, tier".to_owned(),
        format!(
            "SELECT count(*) FROM {event} e JOIN people m ON m.person = e.person WHERE m.age > 3 AND e.time >= '{day}'"
        ),
        "SELECT closed, tier, count(*) FROM people WHERE vip AND belief = 's' GROUP BY closed, tier".to_owned(),
        "SELECT store, sum(amount), avg(coin) FROM purchase GROUP BY store".to_owned(),
        // Where no SQL is answered, a trend may be.
        format!(
            "SELECT date_trunc('month', time), count(DISTINCT person) FROM {event} WHERE time >= '{day}' GROUP BY 1"
        ),
        format!("SELECT count(DISTINCT person) FROM {event} WHERE time >= '2023-12-25' AND time < '{day}'"),
        "SELECT store, count(*), max(items) FROM purchase WHERE items > 1 AND store <> 'W' GROUP BY store".to_owned(),
    ];
    texts[dice.below(texts.len())].clone()
}

fn audience(dice: &mut Dice, map: &mut Map<String, Json>) {
    map.insert("kind".into(), "audience".into());
    let joint = dice.pick(&[" AND ", " AND ", " OR "]);
    let terms: Vec<String> = (0..1 + dice.below(3)).map(|_| on_people(dice)).collect();
    map.insert("where".into(), terms.join(joint).into());
    if dice.chance(60) {
        map.insert("as_of".into(), dice.pick(&DAYS[1..]).into());
    }
    if dice.chance(25) {
        map.insert("release".into(), "list".into());
        let columns = ["tier", "card", "user_id", "address", "age", "belief", "country"];
        let first = dice.below(columns.len());
        map.insert("columns".into(), json!(&columns[first..(first + dice.below(3)).min(columns.len())]));
    }
}

fn period(dice: &mut Dice, map: &mut Map<String, Json>) {
    match dice.below(4) {
        0 => {}
        1 => {
            map.insert("period".into(), json!({ "last": dice.pick(&WINDOWS) }));
            map.insert("as_of".into(), dice.pick(&DAYS).into());
        }
        _ => {
            let from = dice.below(DAYS.len() - 1);
            let to = from + 1 + dice.below(DAYS.len() - 1 - from);
            map.insert("period".into(), json!({ "from": DAYS[from], "to": DAYS[to] }));
        }
    }
}

fn breakdown(dice: &mut Dice, event: &str) -> Json {
    let own: &[&str] = match event {
        "visit" => &["page", "ref", "store", "tier"],
        "purchase" => &["store", "gift", "items", "vip"],
        "refund" => &["cause", "country"],
        _ => &["tier", "country", "region"],
    };
    if dice.chance(20) { json!([dice.pick(own), "age"]) } else { json!([dice.pick(own)]) }
}

fn on_events(dice: &mut Dice, event: &str) -> String {
    if dice.chance(30) {
        return on_traits(dice);
    }
    let own: &[&str] = match event {
        "visit" => {
            &["event.page = 'home'", "event.ref IS NULL", "event.store IN ('N', 'S')", "NOT event.page LIKE '%o%'"]
        }
        "purchase" => &[
            "event.amount >= 10.5",
            "event.items <> 2",
            "event.gift",
            "event.weight < 1e3",
            "event.due > '2024-02-01'",
        ],
        _ => &["event.fee > 0", "event.cause IS NOT NULL"],
    };
    dice.pick(own).to_owned()
}

fn on_traits(dice: &mut Dice) -> String {
    let terms = [
        "country = 'US'",
        "tier IN ('gold', 'silver')",
        "tier LIKE '%o%'",
        "age >= 30",
        "vip",
        "NOT (age < 40)",
        "tier IS NULL",
        "joined >= '2021-01-01'",
        "card = 'K1'",
        "belief = 's'",
        "region IS NULL",
    ];
    dice.pick(&terms).to_owned()
}

fn on_people(dice: &mut Dice) -> String {
    let event = dice.pick(&EVENTS);
    let within = if dice.chance(60) { format!(", within => '{}'", dice.pick(&WINDOWS)) } else { String::new() };
    match dice.below(8) {
        0 => format!("did({event}{within})"),
        1 => format!("NOT did({event}{within})"),
        2 => format!("count({event}{within}) >= {}", 1 + dice.below(3)),
        3 => format!("sum(purchase.amount{within}) >= {}", dice.below(100)),
        4 => format!("avg(purchase.items{within}) < 3"),
        5 => format!("max(purchase.weight{within}) IS NULL"),
        6 => format!("{}({event}) >= {}", dice.pick(&["days_since_last", "days_since_first"]), dice.below(120)),
        _ => on_traits(dice),
    }
}
