//! Who gets credit for conversions: how the touches of each share it, by every model.

use crate::cells::Key;
use crate::error;
use crate::guard::Sorting;
use crate::markov::{self, Paths};
use spec::{AttributionModel, Result};
use spread::{Shares, Spread};
use std::collections::BTreeMap;
use std::ops::Range;
pub(crate) use tally::{Conversion, Figures};
use tally::{Tally, WHOLE};

mod spread;
mod tally;
#[cfg(test)]
mod tests;

/// A touch of one person.
#[derive(Clone, Copy)]
pub(crate) struct Touch {
    pub(crate) at: i64,
    /// The place of its row.
    pub(crate) row: usize,
    /// The number of its channel.
    pub(crate) channel: u32,
}

/// What the parts of one thread gave to each channel.
pub(crate) struct Credits<'q> {
    model: &'q AttributionModel,
    sorting: Sorting,
    channels_max: usize,
    numbers: BTreeMap<Key, u32>,
    names: Vec<Key>,
    /// By the numbers of channels.
    tallies: Vec<Tally>,
    /// Conversions without any touch, and all others.
    untouched: Tally,
    touched: Tally,
    /// For the model that needs them.
    paths: Option<Paths>,
    /// For models with equal shares.
    spread: Spread,
    /// Reused for each conversion.
    weights: Vec<f64>,
    distinct: Distinct,
}

impl<'q> Credits<'q> {
    pub(crate) fn new(model: &'q AttributionModel, groups_max: usize, sorting: Sorting) -> Credits<'q> {
        let paths = matches!(model, AttributionModel::Markov).then(Paths::new);
        Credits {
            model,
            sorting,
            channels_max: if paths.is_some() { groups_max.min(markov::CHANNELS_MAX) } else { groups_max },
            numbers: BTreeMap::new(),
            names: Vec::new(),
            tallies: Vec::new(),
            untouched: Tally::new(sorting),
            touched: Tally::new(sorting),
            paths,
            spread: Spread::default(),
            weights: Vec::new(),
            distinct: Distinct::default(),
        }
    }

    /// The number of a channel.
    pub(crate) fn channel(&mut self, key: Key) -> Result<u32> {
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        if self.names.len() >= self.channels_max {
            let hint = "use another model, or a channel with fewer values";
            return Err(error::over_budget(&format!("{} channels", self.channels_max), hint));
        }
        let number = u32::try_from(self.names.len()).expect("channels are bounded");
        self.names.push(key.clone());
        self.tallies.push(Tally::new(self.sorting));
        self.numbers.insert(key, number);
        Ok(number)
    }

    /// Puts touches of the same instant, which have no order of their own, into that of their channels.
    pub(crate) fn order(&self, touches: &mut [Touch]) {
        for same in touches.chunk_by_mut(|one, other| one.at == other.at).filter(|same| same.len() > 1) {
            same.sort_unstable_by_key(|touch| &self.names[touch.channel as usize]);
        }
    }

    /// Shares a conversion out to the touches in its window but the one that it is itself, if the model has equal shares
    /// and they add up exactly; whether it did. They count once the person's touches are settled.
    pub(crate) fn spread(&mut self, conversion: Conversion, window: Range<usize>, own: Option<usize>) -> bool {
        let n = window.len() - usize::from(own.is_some());
        let whole = match self.model {
            AttributionModel::Linear if n > 0 => WHOLE,
            AttributionModel::Position if n > 2 => WHOLE / 5,
            _ => return false,
        };
        let is_position = *self.model == AttributionModel::Position;
        let n_between = if is_position { n - 2 } else { n };
        let (Some(ends), Some(between)) =
            (Shares::of(conversion, WHOLE / 5 * 2, 1), Shares::of(conversion, whole, n_between))
        else {
            return false;
        };
        let mut inner = window;
        if is_position {
            // The ends of what is left without its own touch.
            let first = inner.start + usize::from(own == Some(inner.start));
            let last = inner.end - 1 - usize::from(own == Some(inner.end - 1));
            self.spread.add(first..first + 1, &ends);
            self.spread.add(last..last + 1, &ends);
            inner = first + 1..last;
        }
        match own.filter(|own| inner.contains(own)) {
            None => self.spread.add(inner, &between),
            Some(own) => {
                self.spread.add(inner.start..own, &between);
                self.spread.add(own + 1..inner.end, &between);
            }
        }
        true
    }

    /// Counts what was spread over a person's touches.
    pub(crate) fn settle(&mut self, person: i64, touches: &[Touch]) {
        self.spread.settle(person, touches, &mut self.tallies);
    }

    /// Shares a conversion out to its touches, which are in the order of time.
    pub(crate) fn convert(&mut self, conversion: Conversion, path: &[Touch]) {
        let ([first, ..], [.., last]) = (path, path) else {
            return self.untouched.add(conversion, WHOLE);
        };
        let n = path.len() as u64;
        match self.model {
            AttributionModel::First => self.give(first, conversion, WHOLE),
            AttributionModel::Last => self.give(last, conversion, WHOLE),
            AttributionModel::Linear => path.iter().for_each(|touch| self.give(touch, conversion, WHOLE / n)),
            AttributionModel::Position => self.by_position(conversion, path),
            AttributionModel::TimeDecay { half_life } => {
                self.by_time(conversion, path, last.at, half_life.seconds() as f64 * 1e6);
            }
            AttributionModel::Markov => {
                self.touched.add(conversion, WHOLE);
                self.distinct.read(path, self.names.len());
                self.distinct.all.iter().for_each(|channel| self.tallies[*channel as usize].know(conversion));
                self.walk(path, true);
            }
            AttributionModel::Shapley => {
                // Each set of channels that some path consists of is a game in which only all of them together win. The
                // value of a channel in it is an equal share, and values of games add up.
                self.distinct.read(path, self.names.len());
                let share = WHOLE / self.distinct.all.len() as u64;
                let tallies = &mut self.tallies;
                self.distinct.all.iter().for_each(|channel| tallies[*channel as usize].add(conversion, share));
            }
        }
    }

    /// Takes down a path that led to no conversion.
    pub(crate) fn lose(&mut self, path: &[Touch]) {
        if !path.is_empty() {
            self.walk(path, false);
        }
    }

    fn walk(&mut self, path: &[Touch], has_converted: bool) {
        if let Some(paths) = &mut self.paths {
            paths.add(path.iter().map(|touch| touch.channel), has_converted);
        }
    }

    #[inline]
    fn give(&mut self, touch: &Touch, conversion: Conversion, share: u64) {
        self.tallies[touch.channel as usize].add(conversion, share);
    }

    fn by_position(&mut self, conversion: Conversion, path: &[Touch]) {
        match path {
            [first, between @ .., last] if !between.is_empty() => {
                self.give(first, conversion, WHOLE / 5 * 2);
                let share = WHOLE / 5 / between.len() as u64;
                between.iter().for_each(|touch| self.give(touch, conversion, share));
                self.give(last, conversion, WHOLE / 5 * 2);
            }
            one_or_two => {
                let share = WHOLE / one_or_two.len() as u64;
                one_or_two.iter().for_each(|touch| self.give(touch, conversion, share));
            }
        }
    }

    /// Shares that halve with each half-life (in microseconds) before the last touch.
    fn by_time(&mut self, conversion: Conversion, path: &[Touch], last: i64, half_life: f64) {
        let mut weights = std::mem::take(&mut self.weights);
        weights.clear();
        weights.extend(path.iter().map(|touch| (-((last - touch.at) as f64) / half_life).exp2()));
        let total: f64 = weights.iter().sum();
        for (touch, weight) in path.iter().zip(&weights) {
            self.give(touch, conversion, (weight / total * WHOLE as f64).round() as u64);
        }
        self.weights = weights;
    }

    /// Adds the credits of another thread, which are of other people.
    pub(crate) fn merge(&mut self, other: Credits<'q>) -> Result<()> {
        let channels: Vec<u32> = other.names.into_iter().map(|key| self.channel(key)).collect::<Result<_>>()?;
        for (channel, tally) in channels.iter().zip(&other.tallies) {
            self.tallies[*channel as usize].merge(tally);
        }
        self.untouched.merge(&other.untouched);
        self.touched.merge(&other.touched);
        if let (Some(own), Some(paths)) = (&mut self.paths, &other.paths) {
            own.merge(paths, &channels);
        }
        Ok(())
    }

    /// What each channel that got any credit has, in the order of channels, and what nobody gets; values have so many
    /// digits after the point.
    pub(crate) fn figures(mut self, scale: u8) -> (Vec<(Key, Figures)>, Figures) {
        // The numbers of channels tell in which order they were met; nothing that comes out may.
        let order = std::mem::take(&mut self.numbers);
        let mut found: Vec<(Key, Figures)> =
            order.iter().map(|(key, number)| (key.clone(), self.tallies[*number as usize].figures(scale))).collect();
        if let Some(paths) = &self.paths {
            let all = self.touched.figures(scale);
            let numbers: Vec<u32> = order.into_values().collect();
            for ((_, figures), share) in found.iter_mut().zip(paths.shares(&numbers)) {
                (figures.conversions, figures.value) = (all.conversions * share, all.value * share);
            }
        }
        // In a chain a channel may lead to conversions by way of others, though nobody went all that way.
        found.retain(|(_, figures)| figures.people.len() > 0 || figures.conversions > 0.0);
        (found, self.untouched.figures(scale))
    }
}

/// The channels of a path, each once.
#[derive(Default)]
struct Distinct {
    all: Vec<u32>,
    /// For each channel the number of the last path that it was in.
    last_in: Vec<u64>,
    n_paths: u64,
}

impl Distinct {
    fn read(&mut self, path: &[Touch], n_channels: usize) {
        self.n_paths += 1;
        self.last_in.resize(n_channels, 0);
        self.all.clear();
        for touch in path {
            let last_in = &mut self.last_in[touch.channel as usize];
            if *last_in != self.n_paths {
                *last_in = self.n_paths;
                self.all.push(touch.channel);
            }
        }
    }
}
