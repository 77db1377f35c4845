//! Attribution by removal: paths of channels as a Markov chain of order 1, and what would be lost without each of them.
//!
//! The chain starts, goes from channel to channel as often as people do, and ends in a conversion or in none. Without a
//! channel every path into it ends in none. What share of conversions is lost with it follows from the visits of the
//! whole chain, so that one system of equations is solved for all channels.

/// Channels of one chain: they are solved by elimination, whose work grows with their cube.
pub(crate) const CHANNELS_MAX: usize = 500;

/// The row of paths that begin.
const START: usize = CHANNELS_MAX;
/// The columns of paths that end with a conversion and without one.
const CONVERTED: usize = CHANNELS_MAX;
const LOST: usize = CHANNELS_MAX + 1;
const WIDTH: usize = CHANNELS_MAX + 2;

/// How often paths go from where to where.
pub(crate) struct Paths {
    counts: Vec<u64>,
}

impl Paths {
    pub(crate) fn new() -> Paths {
        Paths { counts: vec![0; (CHANNELS_MAX + 1) * WIDTH] }
    }

    /// Adds a path.
    pub(crate) fn add(&mut self, channels: impl Iterator<Item = u32>, has_converted: bool) {
        let mut from = START;
        for channel in channels {
            let to = channel as usize;
            // To stay says nothing about where a path ends.
            if to != from {
                self.counts[from * WIDTH + to] += 1;
            }
            from = to;
        }
        self.counts[from * WIDTH + if has_converted { CONVERTED } else { LOST }] += 1;
    }

    /// Adds paths of which the channels have other numbers.
    pub(crate) fn merge(&mut self, other: &Paths, channels: &[u32]) {
        let number = |place: usize| channels.get(place).map_or(place, |number| *number as usize);
        let places = || (0..channels.len()).chain([START]);
        for from in places() {
            for to in (0..channels.len()).chain([CONVERTED, LOST]) {
                self.counts[number(from) * WIDTH + number(to)] += other.counts[from * WIDTH + to];
            }
        }
    }

    /// The share of each of these channels in what would be lost without them; nothing for all where nobody converts.
    pub(crate) fn shares(&self, channels: &[u32]) -> Vec<f64> {
        let effects = self.removal_effects(channels);
        let total: f64 = effects.iter().sum();
        effects.iter().map(|effect| if total > 0.0 { effect / total } else { 0.0 }).collect()
    }

    /// Which share of conversions is lost without each of these channels.
    pub(crate) fn removal_effects(&self, channels: &[u32]) -> Vec<f64> {
        let n = channels.len();
        let row = |from: usize| -> (Vec<f64>, f64) {
            let counts = &self.counts[from * WIDTH..][..WIDTH];
            let to = channels.iter().map(|channel| counts[*channel as usize]);
            let total = to.clone().sum::<u64>() + counts[CONVERTED] + counts[LOST];
            let chance = |count: u64| if total == 0 { 0.0 } else { count as f64 / total as f64 };
            (to.map(chance).collect(), chance(counts[CONVERTED]))
        };
        let rows: Vec<(Vec<f64>, f64)> = channels.iter().map(|channel| row(*channel as usize)).collect();
        let (starts, _) = row(START);
        // The visits of each channel by paths from each other one: the inverse of 1 - the chances to go on.
        let mut visits: Vec<Vec<f64>> = rows.iter().map(|(to, _)| to.iter().map(|chance| -chance).collect()).collect();
        (0..n).for_each(|place| visits[place][place] += 1.0);
        invert(&mut visits);
        // The chance to convert from each channel on, and from the start.
        let converts: Vec<f64> = visits
            .iter()
            .map(|visits| visits.iter().zip(&rows).map(|(visits, (_, chance))| visits * chance).sum())
            .collect();
        let all: f64 = starts.iter().zip(&converts).map(|(start, converts)| start * converts).sum();
        let effect = |channel: usize| {
            let visited: f64 = starts.iter().zip(&visits).map(|(start, visits)| start * visits[channel]).sum();
            // Visits are the chance to come there, times how often one comes back.
            let comes = visited / visits[channel][channel];
            if all > 0.0 { comes * converts[channel] / all } else { 0.0 }
        };
        (0..n).map(effect).collect()
    }
}

/// Inverts a matrix in its place, by elimination.
///
/// Each path ends sometime, so that there is an inverse; the diagonal outweighs its row, so that no rows are swapped.
fn invert(matrix: &mut [Vec<f64>]) {
    for pivot in 0..matrix.len() {
        let mut row = std::mem::take(&mut matrix[pivot]);
        let divisor = std::mem::replace(&mut row[pivot], 1.0);
        row.iter_mut().for_each(|cell| *cell /= divisor);
        for other in matrix.iter_mut().filter(|other| !other.is_empty()) {
            let factor = std::mem::replace(&mut other[pivot], 0.0);
            if factor != 0.0 {
                other.iter_mut().zip(&row).for_each(|(cell, own)| *cell -= factor * own);
            }
        }
        matrix[pivot] = row;
    }
}
