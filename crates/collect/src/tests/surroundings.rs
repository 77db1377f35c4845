//! What is filled from around a message: the user agent's rules, channels, places, and the bounds of each.

use super::places::{SMALL, file_of};
use super::world::{PUBLIC, SECRET, World, delivery, object, source, text};
use crate::Places;
use crate::agent::AgentRules;
use crate::agents::Agents;
use crate::channel::{Visit, channel};
use crate::referrers::Referrers;
use api::Call;
use lake::{Clock, Datum};
use serde_json::Value as Json;
use spec::{Door, Field, Instant, ObjectKind, Source, ValueType};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(super) const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                     Version/17.5 Mobile/15E148 Safari/604.1";
const DESK: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
pub(super) const FILLED: [&str; 12] = [
    "browser",
    "browser_version",
    "os",
    "os_version",
    "device",
    "device_brand",
    "device_model",
    "device_type",
    "channel",
    "referrer_source",
    "country",
    "region",
];

/// The shop with an event and traits that declare all that can be filled.
fn shop(door: Door) -> Source {
    let mut shop = source(door);
    let is_bot = Field { value_type: ValueType::Boolean, ..text("is_bot") };
    let fields = |more: &[Field]| FILLED.iter().map(|name| text(name)).chain(more.iter().cloned()).collect();
    shop.contract.objects.retain(|object| object.kind != ObjectKind::Traits);
    shop.contract.objects.push(object("seen", ObjectKind::Event, fields(&[is_bot, text("ip")])));
    shop.contract.objects.push(object("identify", ObjectKind::Traits, fields(&[])));
    shop
}

fn world() -> World {
    let places = Places::read(file_of(&SMALL)).expect("the file is whole");
    World::at_places(shop(Door::default()), Some(Arc::new(places)))
}

/// The fields of the last message, as text.
fn filled(world: &World) -> Vec<(String, String)> {
    let shown = |datum: Datum<'_>| match datum {
        Datum::Text(text) => text.into_owned(),
        other => format!("{other:?}"),
    };
    world.last_message().fields.into_iter().map(|(name, datum)| (name.into_owned(), shown(datum))).collect()
}

fn field(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// Sends an event whose request has this user agent.
fn send(world: &World, key: &str, agent: &str, body: &str) -> Vec<(String, String)> {
    let mut delivery = delivery(Call::Track, Some(key), body.as_bytes());
    delivery.sender.user_agent = Some(agent.to_owned());
    world.deliver(delivery);
    filled(world)
}

#[test]
fn a_user_agent_fills_what_is_declared() {
    let world = world();
    let fields = send(&world, PUBLIC, PHONE, r#"{"event":"seen","userId":"u"}"#);
    let found = |name| field(&fields, name).unwrap_or_default();
    assert_eq!((found("browser"), found("browser_version")), ("Mobile Safari".to_owned(), "17".to_owned()));
    assert_eq!((found("os"), found("os_version")), ("iOS".to_owned(), "17.5".to_owned()));
    assert_eq!((found("device"), found("device_type")), ("iPhone".to_owned(), "mobile".to_owned()));
    assert_eq!((found("device_brand"), found("is_bot")), ("Apple".to_owned(), "Boolean(false)".to_owned()));
    let fields = send(&world, PUBLIC, CRAWLER, r#"{"event":"seen","userId":"u","properties":{"os":"mine"}}"#);
    assert_eq!(field(&fields, "is_bot").as_deref(), Some("Boolean(true)"));
    assert_eq!(field(&fields, "os").as_deref(), Some("mine"), "what was sent counts more");
}

#[test]
fn a_server_of_ours_speaks_for_a_browser_only_in_the_context() {
    let world = world();
    let fields = send(&world, SECRET, DESK, r#"{"event":"seen","userId":"u"}"#);
    assert!(fields.is_empty(), "its own request says nothing of the person: {fields:?}");
    let body = format!(r#"{{"event":"seen","userId":"u","context":{{"userAgent":"{PHONE}","ip":"2001:db8::7"}}}}"#);
    let fields = send(&world, SECRET, DESK, &body);
    assert_eq!(field(&fields, "device_type").as_deref(), Some("mobile"));
    assert_eq!(field(&fields, "country").as_deref(), Some("CH"));
}

#[test]
fn the_place_of_an_address_fills_events_and_the_address_is_dropped() {
    let body = r#"{"event":"seen","userId":"u","context":{"ip":"2001:db8::7"}}"#;
    let fields = send(&world(), PUBLIC, DESK, body);
    assert_eq!(field(&fields, "country").as_deref(), Some("US"), "the request's address, not the one that is claimed");
    assert_eq!(field(&fields, "region").as_deref(), Some("US-CA"));
    assert_eq!(field(&fields, "ip"), None);
    let fields = send(&World::with(shop(Door::default())), PUBLIC, DESK, body);
    assert_eq!(field(&fields, "country"), None, "nobody said where addresses are");
}

#[test]
fn the_place_of_an_address_never_becomes_a_trait() {
    let world = world();
    for key in [PUBLIC, SECRET] {
        let body = br#"{"userId":"u","traits":{},"context":{"ip":"2001:db8::7"}}"#;
        world.deliver(delivery(Call::Identify, Some(key), body));
        let fields = filled(&world);
        assert_eq!((field(&fields, "country"), field(&fields, "region")), (None, None), "it would decide the law");
    }
}

#[test]
fn a_damaged_file_of_places_is_refused_with_a_hint() {
    let mut bytes = file_of(&SMALL);
    bytes.truncate(bytes.len() / 2);
    let error = Places::read(bytes).err().expect("half a file is none");
    assert!(error.hint.is_some_and(|hint| hint.contains(".mmdb")));
}

#[test]
fn the_rules_say_what_their_makers_expect() {
    let rules = AgentRules::new();
    let cases: Vec<Json> = serde_json::from_str(include_str!("../../vendor/agent-cases.json")).expect("it is JSON");
    assert!(cases.len() > 400);
    for case in &cases {
        let text = case["agent"].as_str().expect("each case has one");
        let found = rules.read(text);
        let expected =
            |kind: &str, name: &str| case[kind][name].as_str().filter(|text| *text != "Other").map(str::trim);
        for (kind, family, version) in [
            ("ua", &found.browser, Some(&found.browser_version)),
            ("os", &found.os, None),
            ("device", &found.device, None),
        ] {
            if case.get(kind).is_some() {
                assert_eq!(family.as_deref(), expected(kind, "family"), "{text}");
                let Some(version) = version else { continue };
                assert_eq!(version.as_deref(), expected(kind, "major").filter(|text| !text.is_empty()), "{text}");
            }
        }
    }
}

#[test]
fn crawlers_are_known_and_browsers_are_none() {
    let rules = AgentRules::new();
    let crawlers: Vec<String> =
        serde_json::from_str(include_str!("../../vendor/crawler-cases.json")).expect("it is JSON");
    assert!(crawlers.len() > 1_000);
    for text in &crawlers {
        assert!(rules.read(text).is_bot, "{text}");
    }
    for text in [PHONE, DESK] {
        assert!(!rules.read(text).is_bot, "{text}");
    }
}

#[test]
fn kinds_of_devices() {
    let rules = AgentRules::new();
    for (text, kind) in [
        (DESK, "desktop"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
            "desktop",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "desktop"),
        (PHONE, "mobile"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36", "tablet"),
        (
            "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Version/12.1 Mobile/15E148 Safari/604.1",
            "tablet",
        ),
        ("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 Version/6.0 TV Safari/537.36", "other"),
        (CRAWLER, "other"),
        ("", "other"),
    ] {
        assert_eq!(rules.read(text).device_type, kind, "{text}");
    }
}

/// A clock on which every look takes 30 ms.
struct SlowClock(AtomicI64);

impl Clock for SlowClock {
    fn now(&self) -> Instant {
        Instant::from_timestamp_micros(self.0.fetch_add(30_000, Ordering::Relaxed)).expect("it is in the calendar")
    }
}

#[test]
fn reading_user_agents_is_bounded() {
    let clock = Arc::new(SlowClock(AtomicI64::new(0)));
    let agents = Agents::new(Arc::clone(&clock) as Arc<dyn Clock>);
    assert!(agents.agent(&"x".repeat(513)).is_none(), "too long to be read");
    let n_read = (0..20).filter(|n| agents.agent(&format!("{DESK} App/{n}")).is_some()).count();
    assert!((3..=5).contains(&n_read), "100 ms of a second, at 30 ms each: {n_read}");
    assert!(agents.agent(&format!("{DESK} App/0")).is_some(), "who was met before is known all the same");
    clock.0.store(5_000_000, Ordering::Relaxed);
    assert!(agents.agent(&format!("{DESK} App/19")).is_some(), "the next second has its own time");
}

/// The channel of `source|medium|campaign|referrer`, on a page of shop.example.
fn channel_of(visit: &str, click: Option<(&'static str, &'static str)>) -> Option<&'static str> {
    let parts: Vec<Option<&str>> = visit.split('|').map(|part| Some(part).filter(|part| !part.is_empty())).collect();
    let [source, medium, campaign, referrer] = parts[..] else { panic!("four parts: {visit}") };
    channel(&Visit { source, medium, campaign, click, referrer, page: Some("shop.example") }, &Referrers::new())
}

#[test]
fn channels_follow_their_definitions() {
    for (visit, expected) in [
        ("|||", "Direct"),
        ("(direct)|(none)||", "Direct"),
        ("x|y|Cross-Network spring|", "Cross-network"),
        ("alibaba|cpc||", "Paid Shopping"),
        ("x|ppc|eshop|", "Paid Shopping"),
        ("x|ppc|bishops|", "Paid Other"),
        ("Google|CPC||", "Paid Search"),
        ("facebook|paid_social||", "Paid Social"),
        ("youtube.com|cpv-cpc||", "Paid Video"),
        ("youtube.com|display||", "Display"),
        ("x|banner||", "Display"),
        ("x|cpm||", "Display"),
        ("x|retargeting||", "Paid Other"),
        ("google shopping|||", "Organic Shopping"),
        ("facebook|||", "Organic Social"),
        ("x|social-media||", "Organic Social"),
        ("youtube.com|||", "Organic Video"),
        ("x|short-video||", "Organic Video"),
        ("google|||", "Organic Search"),
        ("x|organic||", "Organic Search"),
        ("x|link||", "Referral"),
        ("newsletter|email||", "Email"),
        ("e-mail|||", "Email"),
        ("x|affiliate||", "Affiliates"),
        ("x|audio||", "Audio"),
        ("sms|||", "SMS"),
        ("x|sms||", "SMS"),
        ("x|webpush||", "Mobile Push Notifications"),
        ("firebase|||", "Mobile Push Notifications"),
        ("x|y||", "Unassigned"),
        ("|||google.co.uk", "Organic Search"),
        ("|||google.de", "Organic Search"),
        ("|||de.search.yahoo.com", "Organic Search"),
        ("|||l.facebook.com", "Organic Social"),
        ("|||m.youtube.com", "Organic Video"),
        ("|||mail.google.com", "Referral"),
        ("|||chatgpt.com", "Referral"),
        ("|||blog.example", "Referral"),
        ("news|email||google.com", "Email"),
    ] {
        assert_eq!(channel_of(visit, None), Some(expected), "{visit}");
    }
}

#[test]
fn click_ids_say_what_the_campaign_does_not() {
    let google = Some(("google", "cpc"));
    assert_eq!(channel_of("|||google.com", google), Some("Paid Search"));
    assert_eq!(channel_of("news|email||", google), Some("Email"), "the campaign counts more");
    assert_eq!(channel_of("|||", Some(("facebook", ""))), Some("Organic Social"), "Facebook's is on every link");
}

#[test]
fn nobody_arrives_from_the_same_site() {
    assert_eq!(channel_of("|||shop.example", None), None);
    assert_eq!(channel_of("|||help.shop.example", None), None);
    assert_eq!(channel_of("|||notshop.example", None), Some("Referral"));
    assert_eq!(channel(&Visit::default(), &Referrers::new()), None, "no page, no arrival");
}

#[test]
fn a_page_tells_its_channel_and_the_name_of_the_site_before() {
    let world = world();
    let body = r#"{"event":"seen","userId":"u","context":{"page":{"url":"https://shop.example/?a=1","referrer":"https://www.google.ch/"}}}"#;
    let fields = send(&world, PUBLIC, DESK, body);
    assert_eq!(field(&fields, "channel").as_deref(), Some("Organic Search"));
    assert_eq!(field(&fields, "referrer_source").as_deref(), Some("Google"));
    let body = r#"{"event":"seen","userId":"u","context":{"page":{"url":"https://shop.example/?gclid=1","referrer":"https://chatgpt.com/"}}}"#;
    let fields = send(&world, PUBLIC, DESK, body);
    assert_eq!(field(&fields, "channel").as_deref(), Some("Paid Search"));
    assert_eq!(field(&fields, "referrer_source").as_deref(), Some("ChatGPT"));
}

#[test]
#[ignore = "prints microseconds; `cargo nextest run --workspace -E 'package(collect)' --run-ignored only --no-capture`"]
fn microseconds_per_user_agent() {
    let start = std::time::Instant::now();
    let rules = AgentRules::new();
    println!("rules: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let cases: Vec<Json> = serde_json::from_str(include_str!("../../vendor/agent-cases.json")).expect("it is JSON");
    let texts: Vec<&str> = cases.iter().filter_map(|case| case["agent"].as_str()).collect();
    for round in ["first", "second", "third"] {
        let start = std::time::Instant::now();
        let n_bots = texts.iter().filter(|text| rules.read(text).is_bot).count();
        let each = start.elapsed().as_secs_f64() * 1e6 / texts.len() as f64;
        println!("{round} time: {each:.1} microseconds each of {} ({n_bots} bots)", texts.len());
    }
}
