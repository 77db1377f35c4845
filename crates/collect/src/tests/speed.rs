//! How long a message takes; run by hand, since a figure of a shared machine proves nothing.

use super::places::{SMALL, file_of};
use super::signed::{good_token, pair, shop as signed_shop};
use super::surroundings::{FILLED, PHONE};
use super::world::{PUBLIC, World, delivery, source, text};
use crate::Places;
use api::{Call, Collector, Receipt};
use spec::Door;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A message of 768 bytes with ten properties, as a browser sends it.
fn message() -> String {
    let start = r#"{"type":"track","event":"Order Completed","messageId":"ajs-next-1795348799000-0f0c3c1e","userId":"u-1048576","anonymousId":"8f1b6f0e-7a3c-4f0e-9f0b-0d6a1c2b3e4f","timestamp":"2026-11-22T11:59:59.000Z","properties":{"order_id":"o-1","revenue":129.95,"items":3,"weight":1.25,"is_gift":false,"due":"2026-12-01","address":{"city":"Bern"},"coupon":"SPRING","currency":"CHF","step":4},"context":{"library":{"name":"analytics.js","version":"4.4.7"},"locale":"en-GB","timezone":"Europe/Zurich","page":{"path":"/checkout","referrer":"https://www.example.org/","search":"?utm_source=mail","title":""#;
    let end = r#"","url":"https://shop.example/checkout?utm_source=mail"}}}"#;
    format!("{start}{}{end}", "t".repeat(768 - start.len() - end.len()))
}

/// A world whose order declares all that can be filled from around a message.
fn full() -> World {
    let mut shop = source(Door::default());
    shop.contract.objects[0].fields.extend(FILLED.map(text));
    World::at_places(shop, Some(Arc::new(Places::read(file_of(&SMALL)).expect("the file is whole"))))
}

#[test]
#[ignore = "prints microseconds; `cargo nextest run --workspace -E 'package(collect)' --run-ignored only --no-capture`"]
fn microseconds_per_message() {
    measure("plain", World::new);
    measure("everything filled", full);
}

#[test]
#[ignore = "prints microseconds, as above"]
fn microseconds_per_token() {
    const N: u32 = 2_000;
    let world = World::with(signed_shop(&[&pair(1)]));
    let page = |token: &str| format!(r#"{{"userId":"u","messageId":"m","context":{{"identityToken":"{token}"}}}}"#);
    let tokens: Vec<String> = (0..i64::from(N)).map(good_token).collect();
    let same = vec![good_token(i64::from(N)); tokens.len()];
    let none = vec![String::new(); tokens.len()];
    for (title, tokens) in [("no token", none), ("a token of its own each", tokens), ("one token for all", same)] {
        let mut spent = std::time::Duration::ZERO;
        for token in &tokens {
            let one = delivery(Call::Page, Some(PUBLIC), page(token).as_bytes());
            let start = Instant::now();
            world.intake.take(one, Box::new(|_| {}));
            spent += start.elapsed();
            world.log.commit();
        }
        println!("{title}: {:.2} microseconds per message", spent.as_secs_f64() * 1e6 / f64::from(N));
        assert_eq!(world.last_message().is_claimed, title == "no token");
    }
}

fn measure(title: &str, world: fn() -> World) {
    const N_DELIVERIES: u64 = 400;
    let n_read = Arc::new(AtomicU64::new(0));
    let message = message();
    for n_messages in [1, 100, 600] {
        let world = world();
        let (call, body) = match n_messages {
            1 => (Call::Track, message.clone()),
            n => (Call::Batch, format!(r#"{{"batch":[{}]}}"#, vec![message.as_str(); n].join(","))),
        };
        let mut one = delivery(call, Some(PUBLIC), body.as_bytes());
        one.sender.user_agent = Some(PHONE.to_owned());
        let deliveries = vec![one; usize::try_from(N_DELIVERIES).expect("it is small")];
        let mut spent = std::time::Duration::ZERO;
        for delivery in deliveries {
            let n_read = Arc::clone(&n_read);
            let told = move |receipt| {
                if let Receipt::Read(receipts) = receipt {
                    n_read.fetch_add(receipts.len() as u64, Ordering::Relaxed);
                }
            };
            let start = Instant::now();
            world.intake.take(delivery, Box::new(told));
            spent += start.elapsed();
            world.log.commit();
        }
        let n = f64::from(u32::try_from(N_DELIVERIES).expect("it is small")) * f64::from(n_messages as u32);
        println!(
            "{title}, {n_messages} a delivery: {:.2} microseconds per message of {} bytes",
            spent.as_secs_f64() * 1e6 / n,
            message.len()
        );
    }
    assert_eq!(n_read.load(Ordering::Relaxed), N_DELIVERIES * 701);
}
