//! A table for a terminal: numbers to the right, everything else to the left.

use serde_json::Value as Json;

/// Writes rows under their headings.
///
/// # Shape
/// One line per row; `is_number` tells per column where its cells stand.
pub(crate) fn table(headings: &[String], rows: &[Vec<String>], is_number: &[bool]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(headings.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().enumerate().map(|(column, cell)| {
            let (cell, width) = (printable(cell), widths[column]);
            if is_number[column] { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut lines = vec![line(headings), rule.join("  ")];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

/// What the server says of each thing, a row per thing; what it does not say is empty.
pub(crate) fn cells(things: &[Json], columns: &[&str]) -> Vec<Vec<String>> {
    let cell = |thing: &Json, column: &str| match thing.get(column) {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    things.iter().map(|thing| columns.iter().map(|column| cell(thing, column)).collect()).collect()
}

/// Text without control characters, which could change what the terminal shows.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
