//! The chains of a funnel: the search for one person's best one.
//!
//! Pure; the meaning is in the manual under "funnel". A chain takes distinct events with times that never fall. For a
//! given first event, taking the earliest next one never shortens a loose chain, because only events of the very same
//! instant compete for two steps; those are tried in every useful order. A strict chain may have to pass over an early
//! event to get round another step's, so there all candidates up to the first such obstacle are tried.

use crate::error;
use spec::Result;
use std::collections::HashMap;
use std::ops::Range;

/// An event of one person that matches at least one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepEvent {
    /// When, in microseconds.
    pub(crate) at: i64,
    /// Bit i: it matches step i.
    pub(crate) steps: u32,
}

/// What makes a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChainRules {
    /// Number of steps, 2..=20.
    pub(crate) n_steps: usize,
    /// Longest time from first to last, in microseconds.
    pub(crate) within: i64,
    /// Whether no other step's event may stand between two.
    pub(crate) strict: bool,
}

/// Says of an event that it matches no step.
pub(crate) const NO_STEP: u8 = u8::MAX;

/// Finds the best loose chain of people whose events match one step at most: nothing competes, and one walk is enough.
///
/// The earliest event of a step at or after the one before never comes earlier for a later start, so that no event is
/// passed twice. Buffers are kept from person to person.
pub(crate) struct Walk {
    rules: ChainRules,
    /// For each step the first event at which it may still be found.
    next: Vec<usize>,
    /// No later start reaches more steps.
    reachable: usize,
    chain: Vec<usize>,
    best: Vec<usize>,
}

impl Walk {
    /// Makes the buffers.
    pub(crate) fn new(rules: ChainRules) -> Walk {
        assert!(!rules.strict, "what must not stand in between is not looked for here");
        Walk { rules, next: vec![0; rules.n_steps], reachable: rules.n_steps, chain: Vec::new(), best: Vec::new() }
    }

    /// The best chain among a person's events, as [`Chains::best`] finds it: their places. Each event has the step that it
    /// matches, or [`NO_STEP`], and its time; `starts` is when a chain may start.
    pub(crate) fn best(&mut self, steps: &[u8], times: &[i64], starts: &Range<i64>) -> &[usize] {
        self.next.fill(0);
        self.reachable = self.rules.n_steps;
        self.best.clear();
        let (mut start, mut not_before) = (0, starts.start);
        while let Some(place) = next_start(steps, times, start, not_before).filter(|place| times[*place] < starts.end) {
            self.follow(place, steps, times);
            if self.chain.len() > self.best.len() {
                std::mem::swap(&mut self.chain, &mut self.best);
            }
            if self.best.len() >= self.reachable {
                break;
            }
            // To reach one more step than the best has, a later chain must not be too early for the event of that step, nor
            // for those of the steps before it.
            let event = self.next[1..=self.best.len()].iter().copied().max().unwrap_or(0);
            not_before = not_before.max(times[event].saturating_sub(self.rules.within));
            start = place + 1;
        }
        &self.best
    }

    /// The chain that starts with this event.
    fn follow(&mut self, start: usize, steps: &[u8], times: &[i64]) {
        let deadline = times[start].saturating_add(self.rules.within);
        self.chain.clear();
        self.chain.push(start);
        let mut first = start;
        for (step, next) in self.next.iter_mut().enumerate().skip(1) {
            // Of one instant, what lies before may come after.
            while first > *next && times[first - 1] == times[first] {
                first -= 1;
            }
            *next = first.max(*next);
            let found = steps[*next..].iter().position(|other| usize::from(*other) == step);
            let Some(ahead) = found else {
                *next = steps.len();
                self.reachable = step;
                break;
            };
            *next += ahead;
            if times[*next] > deadline {
                break;
            }
            self.chain.push(*next);
            first = *next;
        }
    }
}

/// The first event from `start` on that matches the first step and does not come before.
fn next_start(steps: &[u8], times: &[i64], start: usize, not_before: i64) -> Option<usize> {
    let ahead = times[start..].iter().position(|at| *at >= not_before)?;
    let start = start + ahead;
    steps[start..].iter().position(|step| *step == 0).map(|ahead| start + ahead)
}

/// Looks at an event for one call, about a second; beyond it many events of one instant match in many ways.
const LOOKS_MAX: u64 = 500_000_000;
/// A step of the search takes as long as so many looks.
const LOOKS_PER_STEP: u64 = 32;

/// Events of one person in the order of time, ready to be searched for chains.
pub(crate) struct Chains<'a> {
    events: &'a [StepEvent],
    rules: ChainRules,
    /// For each step the events that match it.
    of_step: Vec<Vec<usize>>,
}

impl Chains<'_> {
    /// Looks through the events.
    pub(crate) fn among(events: &[StepEvent], rules: ChainRules) -> Chains<'_> {
        let matching = |step: usize| (0..events.len()).filter(|at| events[*at].steps & (1 << step) != 0).collect();
        Chains { events, rules, of_step: (0..rules.n_steps).map(matching).collect() }
    }

    /// Finds the best chain that begins with one of these events, which match the first step and ascend: the deepest, then
    /// the one with the earliest times.
    ///
    /// # Shape
    /// Positions in the events, one per step reached; empty without any. Beside it how many events were looked at.
    ///
    /// # Errors
    /// Over budget, when there are too many ways to be tried.
    pub(crate) fn best(&self, starts: &[usize]) -> Result<(Vec<usize>, u64)> {
        let Chains { events, rules, of_step } = self;
        let mut best: Vec<usize> = Vec::new();
        let mut n_looks = starts.len() as u64;
        for &start in starts {
            let is_whole = best.len() == rules.n_steps;
            if is_whole && events[start].at > events[best[0]].at {
                break;
            }
            let deadline = events[start].at.saturating_add(rules.within);
            let mut search = Search { events, of_step, rules: *rules, deadline, known: HashMap::new(), n_looks };
            let mut used = vec![start];
            let mut chain = vec![start];
            chain.extend(search.rest(1, &mut used)?);
            n_looks = search.n_looks;
            if is_better(events, &chain, &best) {
                best = chain;
            }
        }
        Ok((best, n_looks))
    }
}

/// The search for the rest of chains that share a first event, and so a deadline.
struct Search<'a> {
    events: &'a [StepEvent],
    of_step: &'a [Vec<usize>],
    rules: ChainRules,
    deadline: i64,
    /// The best rest after (step, event), where it does not depend on what came before.
    known: HashMap<(usize, usize), Vec<usize>>,
    /// Events looked at so far.
    n_looks: u64,
}

impl Search<'_> {
    /// The best rest of a chain whose events so far are `used`, from `step` on.
    fn rest(&mut self, step: usize, used: &mut Vec<usize>) -> Result<Vec<usize>> {
        if step == self.rules.n_steps {
            return Ok(Vec::new());
        }
        let last = *used.last().expect("a chain has a first event");
        // Earlier events of the same instant are used up, so only without such is the rest a function of the last.
        let is_alone = used[..used.len() - 1].iter().all(|event| self.events[*event].at < self.events[last].at);
        if let Some(rest) = self.known.get(&(step, last)).filter(|_| is_alone) {
            return Ok(rest.clone());
        }
        if self.n_looks > LOOKS_MAX {
            return Err(error::over_budget("500 million looks at one person's events", "ask for fewer steps"));
        }
        let mut best: Vec<usize> = Vec::new();
        for candidate in self.candidates(step, last, used) {
            used.push(candidate);
            let mut rest = vec![candidate];
            rest.extend(self.rest(step + 1, used)?);
            used.pop();
            if is_better(self.events, &rest, &best) {
                best = rest;
            }
        }
        if is_alone {
            self.known.insert((step, last), best.clone());
        }
        Ok(best)
    }

    /// Events that may follow `last` as `step`, and that could make a difference.
    fn candidates(&mut self, step: usize, last: usize, used: &[usize]) -> Vec<usize> {
        let after = self.events[last].at;
        self.n_looks += LOOKS_PER_STEP;
        let until = if self.rules.strict { self.obstacle(step, last).min(self.deadline) } else { self.deadline };
        let list = &self.of_step[step];
        let first = list.partition_point(|event| self.events[*event].at < after);
        let mut found: Vec<usize> = Vec::new();
        for &event in list[first..].iter().take_while(|event| self.events[**event].at <= until) {
            self.n_looks += 1;
            let same_instant = |other: &&usize| self.events[**other].at == self.events[event].at;
            if used.contains(&event) {
                continue;
            }
            if !self.rules.strict && found.first().is_some_and(|first| !same_instant(&first)) {
                break;
            }
            // Of events of one instant that match the same steps, one is as good as another. Those found ascend.
            let mut of_instant = found.iter().rev().take_while(same_instant);
            if !of_instant.any(|other| self.events[*other].steps == self.events[event].steps) {
                found.push(event);
            }
        }
        found
    }

    /// When the first event after `last` comes that is neither of the step before nor of `step`.
    fn obstacle(&mut self, step: usize, last: usize) -> i64 {
        let own = 1 << step | 1 << (step - 1);
        let after = self.events[last].at;
        let is_obstacle = |event: &StepEvent| event.at > after && event.steps & own == 0;
        let found = self.events[last..].iter().take_while(|event| event.at <= self.deadline).position(is_obstacle);
        self.n_looks += found.unwrap_or(self.events.len() - last) as u64;
        found.map_or(i64::MAX, |ahead| self.events[last + ahead].at)
    }
}

/// Whether one chain is deeper than another, or as deep with earlier times.
fn is_better(events: &[StepEvent], chain: &[usize], other: &[usize]) -> bool {
    let times = |chain: &[usize]| -> Vec<i64> { chain.iter().map(|event| events[*event].at).collect() };
    chain.len() > other.len() || (chain.len() == other.len() && times(chain) < times(other))
}

#[cfg(test)]
mod tests;
