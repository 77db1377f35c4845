//! What differs between two texts, line by line, with a little of what is around it.

use serde::Serialize;

/// Lines around a change that are shown.
const AROUND: usize = 3;
/// Lines that are shown in all.
const LINES_MAX: usize = 400;
/// Pairs of lines that are compared; above that everything between the ends that agree counts as changed.
const PAIRS_MAX: usize = 1 << 20;

/// A line of what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    /// `-` for one that goes, `+` for one that comes, a space for one that stays, `…` for some that are left out.
    pub(crate) mark: char,
    /// The line itself.
    pub(crate) text: String,
}

/// The lines that differ; none where the texts have the same lines.
pub(crate) fn lines(before: &str, after: &str) -> Vec<Line> {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let n_first = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let (rest, new) = (&before[n_first..], &after[n_first..]);
    let n_last = rest.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
    let (old, last) = rest.split_at(rest.len() - n_last);
    let new = &new[..new.len() - n_last];
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    let mut all: Vec<(char, &str)> = before[..n_first].iter().map(|line| (' ', *line)).collect();
    all.extend(between(old, new));
    all.extend(last.iter().map(|line| (' ', *line)));
    shown(&all)
}

/// The lines between the ends that agree: the longest run of lines that both have stays.
fn between<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<(char, &'t str)> {
    if old.len().saturating_mul(new.len()) > PAIRS_MAX {
        return old.iter().map(|line| ('-', *line)).chain(new.iter().map(|line| ('+', *line))).collect();
    }
    // How many lines the rests of both texts from each pair of lines on have in common.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            all.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            all.push(('-', old[i]));
            i += 1;
        } else {
            all.push(('+', new[j]));
            j += 1;
        }
    }
    all
}

/// The changes with the lines around them.
fn shown(all: &[(char, &str)]) -> Vec<Line> {
    let is_near = |index: usize| {
        let around = index.saturating_sub(AROUND)..all.len().min(index + AROUND + 1);
        all[around].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut lines: Vec<Line> = Vec::new();
    for (index, (mark, text)) in all.iter().enumerate() {
        let is_full = lines.len() >= LINES_MAX;
        if is_near(index) && !is_full {
            lines.push(Line { mark: *mark, text: (*text).to_owned() });
        } else if lines.last().is_none_or(|line| line.mark != '…') {
            lines.push(Line { mark: '…', text: String::new() });
        }
        if is_full {
            break;
        }
    }
    lines
}

#[cfg(test)]
mod tests;
