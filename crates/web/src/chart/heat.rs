//! A retention as a picture: one row per cohort, one cell per interval since, the darker the more came back.
//!
//! What is withheld is hatched, like in tables; what lies after the end of the data is empty, since nothing is known of it yet.

use super::{ROWS_SHOWN, Setting, column, last_day, number};
use crate::table::{is_since, since_title};
use crate::words;
use serde::Serialize;
use spec::{Answer, Value};

/// Stands where nothing has come in so far.
const NOT_YET: &str = "not yet";
/// Stands for a figure that is withheld, as in tables.
const NO_FIGURE: &str = "\u{2014}";

/// Cohorts and the intervals since.
#[derive(Serialize)]
pub(super) struct Heat {
    titles: Vec<String>,
    pub(super) rows: Vec<HeatRow>,
}

#[derive(Serialize)]
pub(super) struct HeatRow {
    title: String,
    size: String,
    /// Whether there are too few people to say how many.
    is_withheld: bool,
    cells: Vec<HeatCell>,
}

#[derive(Serialize)]
struct HeatCell {
    text: String,
    /// How strong its colour is, 0..=10.
    level: u8,
    note: String,
    is_withheld: bool,
}

/// The share of each cohort that came back, per interval since it started.
pub(super) fn heat(answer: &Answer, setting: &Setting<'_>) -> Heat {
    let by = setting.question["by"].as_str().unwrap_or("week");
    let since: Vec<(usize, &str)> = answer
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| (place, column.name.as_str()))
        .filter(|(_, name)| is_since(name, setting))
        .collect();
    // Who starts by what is coming back came in their own interval, all of them: that tells nothing.
    let tells = |row: &Vec<Value>, place: usize| matches!((number(&row[place]), number(&row[1])), (Some(came), Some(size)) if came < size);
    let is_told = |(place, name): &&(usize, &str)| *name != "p0" || answer.rows.iter().any(|row| tells(row, *place));
    let told: Vec<&(usize, &str)> = since.iter().filter(is_told).collect();
    let withheld = column(answer, "withheld");
    let row = |row: &Vec<Value>| {
        let is_marked = withheld.is_some_and(|place| row[place] == Value::Boolean(true));
        let size = number(&row[1]);
        let is_ahead = |name: &str| is_to_come(&row[0], name, setting);
        HeatRow {
            title: words::interval(&row[0].to_string(), by),
            size: match size {
                Some(size) => words::figure(&words::rounded(size), None),
                None if is_ahead("p0") => NOT_YET.to_owned(),
                None => "withheld".to_owned(),
            },
            is_withheld: size.is_none() && !is_ahead("p0"),
            cells: told.iter().map(|(place, name)| cell(&row[*place], size, is_marked && !is_ahead(name))).collect(),
        }
    };
    Heat {
        titles: told.iter().map(|(_, name)| since_title(name, setting)).collect(),
        rows: answer.rows.iter().take(ROWS_SHOWN).map(row).collect(),
    }
}

fn cell(value: &Value, size: Option<f64>, is_withheld: bool) -> HeatCell {
    match (number(value), size) {
        (Some(people), Some(size)) if size > 0.0 => {
            let share = people / size;
            HeatCell {
                text: format!("{:.0} %", share * 100.0),
                level: (share * 10.0).round().clamp(0.0, 10.0) as u8,
                note: format!("{} people", words::figure(&words::rounded(people), None)),
                is_withheld: false,
            }
        }
        _ => {
            let (text, note) = if is_withheld { (NO_FIGURE, "too few people, or not over") } else { ("", NOT_YET) };
            HeatCell { text: text.to_owned(), level: 0, note: note.to_owned(), is_withheld }
        }
    }
}

/// Whether an interval since a cohort's own, `p0`, `p1`, ..., begins after the last day of the data.
pub(crate) fn is_to_come(cohort: &Value, since: &str, setting: &Setting<'_>) -> bool {
    let by = setting.question["by"].as_str().unwrap_or("week");
    let n = since.strip_prefix('p').and_then(|n| n.parse().ok()).unwrap_or(0);
    let start = words::parse_day(&cohort.to_string()).map(|start| words::intervals_after(start, by, n));
    start.zip(last_day(setting.catalog)).is_some_and(|(start, last)| start > last)
}

/// The picture in one sentence.
pub(super) fn summary(answer: &Answer, setting: &Setting<'_>) -> String {
    let sum = |place: usize, rows: &mut dyn Iterator<Item = &Vec<Value>>| -> f64 {
        rows.filter_map(|row| number(row.get(place)?)).sum()
    };
    let all = sum(1, &mut answer.rows.iter());
    let started = words::figure(&words::rounded(all), None);
    // Only cohorts of which the first interval after their own is known.
    let mut known = answer.rows.iter().filter(|row| row.get(3).and_then(number).is_some() && number(&row[1]).is_some());
    let known: Vec<&Vec<Value>> = known.by_ref().collect();
    let (size, back) = (sum(1, &mut known.iter().copied()), sum(3, &mut known.iter().copied()));
    if answer.columns.iter().any(|column| column.name == "p1") && size > 0.0 {
        let by = setting.question["by"].as_str().unwrap_or("week");
        return format!("{started} people started; {} came back in the {by} after.", words::percent(back / size));
    }
    format!("{started} people started.")
}
