//! How values are shown that a role may not see as they are: their beginning, a range, or a hash.
//!
//! What comes out is text, or nothing where a mask cannot leave anything out: a mask never shows a value as it is.

use crate::error;
use crate::vault::Vault;
use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use policy::Grant;
use spec::{Mask, Result};
use std::sync::Arc;

/// The most letters of a text, and digits of a number, that are left of it.
const LETTERS_MAX: usize = 3;
const DIGITS_MAX: usize = 2;

/// A mask with what it hides by, taken from a grant.
pub(crate) struct Masking<'a> {
    mask: Mask,
    vault: &'a Vault,
    /// Hashes under different labels have nothing to do with one another.
    label: String,
}

/// What sort of value a mask meets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Text,
    Number,
    Time,
    Other,
}

impl<'a> Masking<'a> {
    /// The mask as it works under a grant; `None` where values are shown as they are.
    ///
    /// The key of hashes changes with the month, so that nobody joins what they got over the years.
    pub(crate) fn under(grant: &Grant, mask: Mask, vault: &'a Vault) -> Option<Masking<'a>> {
        let label = format!("{} {}", grant.purpose(), grant.until().format("%Y-%m"));
        (mask != Mask::Show).then_some(Masking { mask, vault, label })
    }

    /// What tells its results from those of any other mask.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.mask.name(), self.label)
    }

    /// An identifier as it may be shown.
    pub(crate) fn identifier(&self, text: &str) -> Option<String> {
        self.text(Sort::Text, text)
    }

    /// Values as they may be shown.
    ///
    /// # Shape
    /// As many texts.
    pub(crate) fn values(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let sort = match values.data_type() {
            DataType::Utf8 | DataType::Dictionary(..) => Sort::Text,
            DataType::Int64 | DataType::Float64 | DataType::Decimal128(..) => Sort::Number,
            DataType::Date32 | DataType::Timestamp(..) => Sort::Time,
            _ => Sort::Other,
        };
        let texts =
            cast(values, &DataType::Utf8).map_err(|cause| error::bug("cannot mask a trait", Box::new(cause)))?;
        let masked = texts.as_string::<i32>().iter().map(|text| self.text(sort, text?));
        Ok(Arc::new(masked.collect::<StringArray>()))
    }

    fn text(&self, sort: Sort, text: &str) -> Option<String> {
        match (self.mask, sort) {
            (Mask::Hash, _) => Some(self.vault.hash(&self.label, text)),
            (Mask::Truncate, Sort::Text) => Some(first_letters(text)),
            (Mask::Truncate, Sort::Number) => first_digits(text),
            // A date is written from the year on.
            (Mask::Truncate, Sort::Time) => {
                text.rsplit_once('T').map_or(text, |(day, _)| day).rsplit_once('-').map(first)
            }
            (Mask::Bucket, Sort::Number) => range(text),
            (Mask::Bucket, Sort::Time) => {
                let day = text.rsplit_once('T').map_or(text, |(day, _)| day);
                day.rsplit_once('-').and_then(|(month, _)| month.rsplit_once('-')).map(first)
            }
            _ => None,
        }
    }
}

fn first((before, _): (&str, &str)) -> String {
    before.to_owned()
}

/// At most three letters, and less than all of them.
fn first_letters(text: &str) -> String {
    let n_kept = (text.chars().count() / 2).min(LETTERS_MAX);
    text.chars().take(n_kept).chain(['…']).collect()
}

/// A number towards zero with at most two digits that are not 0, and fewer than it has before the point.
fn first_digits(text: &str) -> Option<String> {
    let (sign, digits) = whole(text)?;
    let n_kept = (digits.len() / 2).min(DIGITS_MAX);
    let zeros = "0".repeat(digits.len() - n_kept);
    let kept = format!("{}{zeros}", &digits[..n_kept]);
    let kept = kept.trim_start_matches('0');
    Some(if kept.is_empty() { "0".to_owned() } else { format!("{sign}{kept}") })
}

/// Two neighbours of 0, 2, 5, 10, 20, 50, 100, ... between which a number is, the one nearer to zero included.
fn range(text: &str) -> Option<String> {
    let (sign, digits) = whole(text)?;
    let zeros = "0".repeat(digits.len() - 1);
    let (low, high) = match digits.as_bytes()[0] {
        // Of whole numbers only one is between 1 and 2.
        b'0' | b'1' if zeros.is_empty() => ("0", "2"),
        b'0' | b'1' => ("1", "2"),
        b'2'..=b'4' => ("2", "5"),
        _ => ("5", "10"),
    };
    let (low, high) = (format!("{low}{zeros}"), format!("{high}{zeros}"));
    let low = if low.starts_with('0') { "0" } else { low.as_str() };
    Some(if sign.is_empty() { format!("{low} to {high}") } else { format!("-{high} to -{low}") })
}

/// The sign and the digits before the point; `None` for what is no number in digits.
fn whole(text: &str) -> Option<(&'static str, String)> {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |text| ("-", text));
    // Large doubles are written with an exponent.
    let plain;
    let digits = if text.contains(['e', 'E']) {
        plain = format!("{:.0}", text.parse::<f64>().ok()?.trunc());
        plain.as_str()
    } else {
        text.split('.').next()?
    };
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| (sign, digits.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{first_digits, first_letters, range};

    #[test]
    fn something_is_always_left_out() {
        let letters = ["", "a", "ab", "Ülm", "10115", "a long text"].map(first_letters);
        assert_eq!(letters, ["…", "…", "a…", "Ü…", "10…", "a l…"]);
        let digits = ["0", "7", "37", "-37", "12345", "12345.678", "-0.5", "1e21", "NaN", "inf"];
        let kept = digits.map(|text| first_digits(text).unwrap_or_else(|| "-".to_owned()));
        assert_eq!(
            kept,
            ["0", "0", "30", "-30", "12000", "12000", "0", "1000000000000000000000", "-", "-"].map(|text| {
                if text == "1000000000000000000000" { format!("10{}", "0".repeat(20)) } else { text.to_owned() }
            })
        );
    }

    #[test]
    fn ranges_hold_their_number_and_ten_times_as_much_falls_into_another() {
        for number in (-3_000..3_000_i64).chain([i64::MAX, i64::MIN]) {
            let found = range(&number.to_string()).expect("it is a number");
            let (low, high) = found.split_once(" to ").expect("it has two ends");
            let ends = [low, high].map(|end| end.parse::<f64>().expect("it is a number"));
            assert!(ends[0] <= number as f64 && number as f64 <= ends[1], "{number} in {found}");
            assert!(number == 0 || range(&(i128::from(number) * 10).to_string()) != Some(found), "{number}");
        }
    }
}
