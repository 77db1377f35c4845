//! An answer as CSV (RFC 4180), safe to open in a spreadsheet.

use spec::{Answer, Value, guarded};

/// Writes an answer as CSV with a header line.
///
/// A text that a spreadsheet would run as a formula is written with a leading `'`; numbers stay numbers.
pub(crate) fn encode(answer: &Answer) -> String {
    let mut out = head(answer);
    answer.rows.iter().for_each(|row| out.push_str(&line(row)));
    out
}

/// The header line.
pub(crate) fn head(answer: &Answer) -> String {
    let mut out = String::new();
    write_line(&mut out, answer.columns.iter().map(|column| guarded(&column.name).into_owned()));
    out
}

/// The line of a row.
pub(crate) fn line(row: &[Value]) -> String {
    let mut out = String::new();
    write_line(&mut out, row.iter().map(cell));
    out
}

fn cell(value: &Value) -> String {
    match value {
        Value::Text(_) | Value::List(_) => guarded(&value.to_string()).into_owned(),
        other => other.to_string(),
    }
}

fn write_line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(',');
        }
        if cell.contains(['"', ',', ';', '\n', '\r', '\t']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push_str("\r\n");
}
