//! The search against a brute force that tries every chain.

use super::{ChainRules, Chains, NO_STEP, StepEvent, Walk};
use proptest::prelude::*;

/// The best chain that may start where this says so.
fn best_chain(events: &[StepEvent], may_start: &[bool], rules: ChainRules) -> spec::Result<Vec<usize>> {
    let starts: Vec<usize> = (0..events.len()).filter(|at| may_start[*at] && events[*at].steps & 1 != 0).collect();
    Chains::among(events, rules).best(&starts).map(|(best, _)| best)
}

/// Every chain, tried one by one: depth and times of the best.
fn brute_force(events: &[StepEvent], may_start: &[bool], rules: ChainRules) -> Vec<i64> {
    let mut best = Vec::new();
    let mut chain = Vec::new();
    extend((events, may_start), rules, &mut chain, &mut best);
    best
}

fn extend(
    (events, may_start): (&[StepEvent], &[bool]),
    rules: ChainRules,
    chain: &mut Vec<usize>,
    best: &mut Vec<i64>,
) {
    let times: Vec<i64> = chain.iter().map(|event| events[*event].at).collect();
    if times.len() > best.len() || (times.len() == best.len() && times < *best) {
        *best = times;
    }
    let step = chain.len();
    if step == rules.n_steps {
        return;
    }
    for (position, event) in events.iter().enumerate() {
        let fits = event.steps & (1 << step) != 0 && !chain.contains(&position);
        let follows = match (chain.first(), chain.last()) {
            (Some(first), Some(last)) => {
                event.at >= events[*last].at
                    && event.at - events[*first].at <= rules.within
                    && !(rules.strict && has_obstacle(events, step, events[*last].at, event.at))
            }
            _ => may_start[position],
        };
        if fits && follows {
            chain.push(position);
            extend((events, may_start), rules, chain, best);
            chain.pop();
        }
    }
}

fn has_obstacle(events: &[StepEvent], step: usize, after: i64, before: i64) -> bool {
    events.iter().any(|event| event.at > after && event.at < before && event.steps & (0b11 << (step - 1)) == 0)
}

fn events_strategy() -> impl Strategy<Value = (Vec<StepEvent>, Vec<bool>)> {
    let event = (0_i64..12, 1_u32..8, any::<bool>());
    proptest::collection::vec(event, 0..8).prop_map(|mut events| {
        events.sort_by_key(|event| event.0);
        events.into_iter().map(|(at, steps, may_start)| (StepEvent { at, steps }, may_start)).unzip()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn one_walk_finds_what_the_search_finds(
        events in proptest::collection::vec((0_i64..12, 0_u32..4), 0..12),
        within in 0_i64..12,
        (from, length) in (0_i64..12, 0_i64..12),
    ) {
        // Step 3 stands for an event that matches none.
        let mut events = events;
        events.sort_by_key(|event| event.0);
        let rules = ChainRules { n_steps: 3, within, strict: false };
        let (times, steps): (Vec<i64>, Vec<u32>) = events.iter().map(|(at, step)| (*at, (1 << step) & 0b111)).unzip();
        let starts = from..from + length;
        let event = |(at, steps): (&i64, &u32)| (StepEvent { at: *at, steps: *steps }, starts.contains(at));
        let (searched, may_start): (Vec<StepEvent>, Vec<bool>) = times.iter().zip(&steps).map(event).unzip();
        let step = |bits: &u32| if *bits == 0 { NO_STEP } else { u8::try_from(bits.trailing_zeros()).expect("small") };
        let steps: Vec<u8> = steps.iter().map(step).collect();
        let mut walk = Walk::new(rules);
        // Another person before must leave nothing behind.
        let half = times.len() / 2;
        walk.best(&steps[..half], &times[..half], &(0..i64::MAX));
        prop_assert_eq!(walk.best(&steps, &times, &starts), best_chain(&searched, &may_start, rules).expect("there are few ways"));
    }

    #[test]
    fn the_search_finds_what_brute_force_finds(
        (events, may_start) in events_strategy(),
        within in 0_i64..12,
        strict: bool,
    ) {
        let rules = ChainRules { n_steps: 3, within, strict };
        let found = best_chain(&events, &may_start, rules).expect("there are few ways");
        let found: Vec<i64> = found.iter().map(|event| events[*event].at).collect();
        prop_assert_eq!(found, brute_force(&events, &may_start, rules));
    }
}

fn check(events: &[(i64, u32)], strict: bool, expected: &[i64]) {
    let events: Vec<StepEvent> = events.iter().map(|(at, steps)| StepEvent { at: *at, steps: *steps }).collect();
    let rules = ChainRules { n_steps: 3, within: 100, strict };
    let found = best_chain(&events, &vec![true; events.len()], rules).expect("there are few ways");
    let times: Vec<i64> = found.iter().map(|event| events[*event].at).collect();
    assert_eq!(times, expected);
}

#[test]
fn events_of_one_instant_serve_in_any_order_but_only_once() {
    check(&[(5, 0b100), (5, 0b010), (5, 0b001)], false, &[5, 5, 5]);
    check(&[(5, 0b111)], false, &[5]);
    check(&[(5, 0b110), (5, 0b001), (5, 0b010)], false, &[5, 5, 5]);
}

#[test]
fn a_strict_chain_goes_round_an_obstacle() {
    check(&[(1, 0b001), (2, 0b010), (3, 0b001), (4, 0b010), (5, 0b100)], true, &[1, 4, 5]);
    check(&[(1, 0b001), (2, 0b100), (3, 0b010), (4, 0b100)], true, &[1]);
}

#[test]
fn many_events_take_no_time() {
    let events: Vec<(i64, u32)> = (0..20_000).map(|at| (at / 3, 1 << (at % 2))).collect();
    check(&events, false, &[0, 0]);
    check(&events, true, &[0, 0]);
}

#[test]
fn too_many_ways_are_refused() {
    const N_STEPS: usize = 14;
    // Fourteen events of one instant, each of which matches all steps but one, and none after the last step.
    let all = (1_u32 << N_STEPS) - 1;
    let events: Vec<StepEvent> =
        (0..N_STEPS - 1).map(|event| StepEvent { at: 0, steps: all & !(1 << event) }).collect();
    let rules = ChainRules { n_steps: N_STEPS, within: 100, strict: false };
    let refused = best_chain(&events, &[true; N_STEPS - 1], rules);
    assert_eq!(refused.expect_err("there are too many ways").kind, spec::ErrorKind::Unavailable);
}

#[test]
fn starts_that_cannot_reach_further_take_no_time() {
    let (a, b, c, d) = (0, 1, 2, 3);
    // The last three steps have their events late; of the many starts none reaches them all.
    let mut events = vec![(0, a), (1, b), (2, c), (60, b)];
    events.extend((0..200_000).map(|_| (60, a)));
    events.extend([(150, d), (200, c), (1_000_000, d)]);
    let (times, steps): (Vec<i64>, Vec<u8>) = events.into_iter().unzip();
    let mut walk = Walk::new(ChainRules { n_steps: 4, within: 100, strict: false });
    assert_eq!(walk.best(&steps, &times, &(0..i64::MAX)), [0, 1, 2]);
}
