//! Values of text fields: which of the known ones somebody meant.
//!
//! Names have one spelling for everybody; values are written by whoever delivers the data, in capitals or not, with
//! signs between their words or not. So other case and other signs are no slips here, and a part of a value may stand
//! for it.

use crate::names::{NAME_LENGTH_MAX, NEAREST_MAX, within_slips};

/// A longer text is nobody's slip.
const LENGTH_MAX: usize = 4 * NAME_LENGTH_MAX;
/// A word that begins another has so many letters.
const BEGINNING_LETTERS_MIN: usize = 3;
/// A written word is so many letters longer than the one that was meant, as a plural is.
const ENDING_LETTERS_MAX: usize = 2;
/// Words that are a part of others have so many letters and digits together.
const PART_LETTERS_MIN: usize = 2;
/// Of fewer letters, another one makes another word.
const SLIP_LETTERS_MIN: usize = 4;

/// The known values that somebody may have meant by another one, the likeliest first; none for a value that is known.
///
/// First those of the same letters and digits, then those that it is the beginning or a part of, word by word; where
/// there are none of these, those within a slip or two of the keyboard, and else those that are a part of it. A digit
/// is no slip: 150 is not 250.
pub fn nearest_values(written: &str, known: &[String]) -> Vec<String> {
    let letters = letters_of(written);
    if written.len() > LENGTH_MAX || letters.is_empty() || known.iter().any(|value| value == written) {
        return Vec::new();
    }
    let words = words_of(written);
    let n_letters = letters.chars().count();
    let is_beginning = n_letters >= BEGINNING_LETTERS_MIN && letters.ends_with(char::is_alphabetic);
    let with_more = |value: &String| {
        let (others, other_words) = (letters_of(value), words_of(value));
        let n_more = others.chars().count().abs_diff(n_letters);
        if others == letters {
            return Some((false, 0));
        }
        let is_near = (is_beginning && others.starts_with(&letters))
            || (words.len() <= other_words.len() && is_part(&words, &other_words));
        is_near.then_some((true, n_more))
    };
    let mut wider: Vec<((bool, usize), &String)> =
        known.iter().filter_map(|value| Some((with_more(value)?, value))).collect();
    wider.sort();
    let slips = if wider.is_empty() { slips_of(&letters, known) } else { Vec::new() };
    let found: Vec<&String> = match (wider.is_empty(), slips.is_empty()) {
        (false, _) => wider.into_iter().map(|(_, value)| value).collect(),
        (true, false) => slips,
        (true, true) => known.iter().filter(|value| is_part(&words, &words_of(value))).collect(),
    };
    found.into_iter().take(NEAREST_MAX).cloned().collect()
}

/// The patterns that somebody may have meant by another one of which no known value has the text: those with the same
/// text in the case in which known values have it.
pub fn nearest_patterns(written: &str, known: &[String]) -> Vec<String> {
    let text = written.trim_matches('%');
    let is_plain = !text.contains(['%', '_']) && text.len() <= LENGTH_MAX;
    let Some((start, end)) = written.split_once(text).filter(|_| is_plain && !letters_of(text).is_empty()) else {
        return Vec::new();
    };
    if known.iter().any(|value| value.contains(text)) {
        return Vec::new();
    }
    let mut found: Vec<String> = known.iter().filter_map(|value| in_other_case(value, text)).collect();
    found.sort();
    found.dedup();
    found.into_iter().take(NEAREST_MAX).map(|text| format!("{start}{text}{end}")).collect()
}

/// The first stretch of a value that is a text but for its case.
fn in_other_case(value: &str, text: &str) -> Option<String> {
    let letters: Vec<char> = value.chars().take(LENGTH_MAX).collect();
    let text: Vec<char> = text.chars().collect();
    let is_same = |(one, other): (&char, &char)| one.to_lowercase().eq(other.to_lowercase());
    let found = letters.windows(text.len()).find(|stretch| stretch.iter().zip(&text).all(is_same))?;
    Some(found.iter().collect())
}

/// Letters and digits alone, small.
fn letters_of(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn words_of(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether the words of one stand in the other, one after the other.
fn is_part(written: &[String], known: &[String]) -> bool {
    let n_letters = |words: &[String]| words.iter().map(|word| word.chars().count()).sum::<usize>();
    let n_words = written.len().min(known.len());
    if n_words == 0 || n_letters(written).min(n_letters(known)) < PART_LETTERS_MIN {
        return false;
    }
    let are_alike = |(ours, theirs): (&[String], &[String])| {
        ours.iter().zip(theirs).all(|(written, known)| is_alike(written, known))
    };
    // One of the two has no more words than that, and stands in every pair as a whole.
    let mut pairs = written.windows(n_words).flat_map(|ours| known.windows(n_words).map(move |theirs| (ours, theirs)));
    pairs.any(are_alike)
}

/// Whether a word is another, the beginning of it, or another with an ending.
fn is_alike(written: &str, known: &str) -> bool {
    let (n_written, n_known) = (written.chars().count(), known.chars().count());
    let is_word = |word: &str| word.chars().all(char::is_alphabetic);
    let is_beginning = known.starts_with(written) && n_written >= BEGINNING_LETTERS_MIN;
    let has_ending = written.starts_with(known)
        && n_known >= BEGINNING_LETTERS_MIN
        && n_written.saturating_sub(n_known) <= ENDING_LETTERS_MAX;
    written == known || (is_word(written) && is_word(known) && (is_beginning || has_ending))
}

/// The known values within a slip or two of these letters, of the same first letter and the same digits.
fn slips_of<'k>(letters: &str, known: &'k [String]) -> Vec<&'k String> {
    let n_letters = letters.chars().count();
    if !(SLIP_LETTERS_MIN..=NAME_LENGTH_MAX).contains(&n_letters) {
        return Vec::new();
    }
    let slips_max = n_letters / SLIP_LETTERS_MIN;
    let digits = |text: &str| text.chars().filter(|letter| letter.is_numeric()).collect::<String>();
    let may_be = |other: &str| {
        other.chars().next() == letters.chars().next()
            && other.chars().count().abs_diff(n_letters) <= slips_max
            && digits(other) == digits(letters)
    };
    let others: Vec<(String, &'k String)> =
        known.iter().map(|value| (letters_of(value), value)).filter(|(other, _)| may_be(other)).collect();
    let near = within_slips(letters, others.iter().map(|(other, _)| other.as_str()), slips_max);
    let values = near.iter().flat_map(|near| others.iter().filter(move |(other, _)| other == near));
    values.map(|(_, value)| *value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(written: &str, known: &[&str]) -> Vec<String> {
        nearest_values(written, &known.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn other_case_comes_before_parts_and_parts_before_slips() {
        assert_eq!(
            near("PETS", &["PET FOOD", "Pets", "BEETS", "PETS AND TOYS"]),
            ["Pets", "PET FOOD", "PETS AND TOYS"]
        );
        assert_eq!(near("dog-foods", &["DOG FOODS", "dogfoods", "CAT FOOD"]), ["DOG FOODS", "dogfoods"]);
        assert_eq!(near("chocolat", &["CHOCOLATE CANDY", "COCOLATE"]), ["CHOCOLATE CANDY"]);
        assert_eq!(near("frozn pizza", &["FROZEN PIZZA", "FROZEN PIES", "Pizza"]), ["FROZEN PIZZA"]);
        assert_eq!(near("frozen pizza, large", &["FROZEN FISH", "Pizza"]), ["Pizza"]);
        assert_eq!(near("choclate", &["CHOCOLATE", "CHICORY"]), ["CHOCOLATE"]);
    }

    #[test]
    fn a_value_that_people_have_is_meant() {
        assert!(near("PETS", &["PETS", "Pets", "PET FOOD"]).is_empty());
        assert!(near("PETS", &[]).is_empty());
    }

    #[test]
    fn numbers_and_short_words_are_no_slips() {
        assert!(near("200-249K", &["100-124K", "150-174K", "250K+"]).is_empty());
        assert!(near("19-24", &["25-34", "65+", "Under 24K"]).is_empty());
        assert_eq!(near("5", &["1", "4", "5+"]), ["5+"]);
        assert_eq!(near("45", &["35-44", "45-54"]), ["45-54"]);
        assert_eq!(near("CA", &["US-CA", "US-TX", "CAT"]), ["US-CA"]);
        assert!(near("W", &["N", "S"]).is_empty());
        assert!(near("gold", &["bold", "iron"]).is_empty());
        assert!(near("PETS", &["NUTS", "PEARS", "MEAT"]).is_empty());
    }

    #[test]
    fn signs_alone_and_endless_texts_mean_nothing() {
        assert!(near("--", &["N/A", "-"]).is_empty());
        assert!(near(&"pets ".repeat(100), &["PETS"]).is_empty());
        assert_eq!(near("Süßwaren", &["SÜßWAREN", "SUPPEN"]), ["SÜßWAREN"]);
    }

    #[test]
    fn patterns_keep_their_text() {
        let known = ["RED WINE".to_owned(), "WHITE WINE".to_owned(), "Winegums".to_owned()];
        assert_eq!(nearest_patterns("%wine%", &known), ["%WINE%", "%Wine%"]);
        assert_eq!(nearest_patterns("red w%", &known), ["RED W%"]);
        for (pattern, why) in
            [("%WINE%", "it is there"), ("w_ne", "it is no text"), ("%", "it is none"), ("%beer%", "no")]
        {
            assert!(nearest_patterns(pattern, &known).is_empty(), "{pattern}: {why}");
        }
    }
}
