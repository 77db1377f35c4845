//! Names: which are well formed, and which of the known ones somebody meant.

use crate::diagnostic::{Place, Problems};

/// The longest name.
pub(crate) const NAME_LENGTH_MAX: usize = 64;

/// How many near names are offered.
pub(crate) const NEAREST_MAX: usize = 3;

/// Whether it is a name: `[a-z][a-z0-9_]*`.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_LENGTH_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Checks a name that a file gives; says what is wrong.
pub(crate) fn check_name(name: &str, what: &str, place: &Place, problems: &mut Problems) -> bool {
    let good = is_name(name);
    if !good {
        problems.add(
            place,
            format!("`{}` is not a name for {what}", shortened(name)),
            format!("use small letters, digits and `_`, a letter first, at most {NAME_LENGTH_MAX} characters"),
        );
    }
    good
}

/// The known names within a few slips of the keyboard, the nearest first.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    if name.len() > 4 * NAME_LENGTH_MAX {
        return Vec::new();
    }
    let lower = name.to_lowercase();
    within_slips(&lower, known, 1 + lower.chars().count() / 4)
}

/// The known texts within so many slips of another, the nearest first.
pub(crate) fn within_slips<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
    slips_max: usize,
) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(written, candidate), candidate))
        .filter(|(slips, candidate)| *slips <= slips_max && *slips < candidate.chars().count())
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(NEAREST_MAX).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// A hint: the name that was meant, or else what there is to choose from.
pub(crate) fn did_you_mean(name: &str, known: &[&str], choice: &str) -> String {
    match nearest(name, known.iter().copied()).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("there are no {choice} yet"),
        None => format!("{choice}: {}", listed(known)),
    }
}

/// Names as a list in a sentence, cut where it gets long.
pub(crate) fn listed(names: &[&str]) -> String {
    const SHOWN_MAX: usize = 24;
    let mut shown: Vec<String> = names.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN_MAX {
        shown.push(format!("and {} more", names.len() - SHOWN_MAX));
    }
    shown.join(", ")
}

/// A text of a user as a message repeats it: not longer than a line.
pub(crate) fn shortened(text: &str) -> String {
    const LENGTH_MAX: usize = 60;
    if text.chars().count() <= LENGTH_MAX {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LENGTH_MAX).collect();
    short.push_str("...");
    short
}
