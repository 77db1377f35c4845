//! CSV (RFC 4180, UTF-8, a header row), in bounded memory.
//!
//! A record is taken apart in a window of at most 1 MiB. One that does not fit, or whose quote is still open at the end of
//! the file, is rejected up to the end of its line, so an unclosed quote or a line without end costs that line and nothing
//! after it.

use super::check::is_needed;
use super::records::{Cell, Fault, Reader, Records, RecordsBuilder};
use super::window::{LINE_BYTES_MAX, Window};
use crate::error;
use csv_core::ReadRecordResult;
use spec::{Field, FieldClass, Object, Result};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

const COLUMNS_MAX: usize = 4 * 1024;

/// Reads the records of a CSV file.
pub(super) struct CsvReader<'a> {
    window: Window,
    builder: RecordsBuilder<'a>,
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    n_columns: usize,
    /// Per field of the object: its column.
    places: Vec<Option<usize>>,
    /// Per field of the object: whether it says who somebody is, or which record it is.
    are_ids: Vec<bool>,
}

/// What the window starts with.
enum Next {
    /// A record of so many bytes and fields.
    Record { n_bytes: usize, n_fields: usize },
    /// A record larger than the window.
    TooLong,
    /// A record whose quote is still open at the end of the file.
    Unclosed,
    /// Nothing more.
    End,
}

impl<'a> CsvReader<'a> {
    /// Opens the file and matches its header with the contract.
    pub(super) fn open(path: &Path, file_name: &str, object: &'a Object) -> Result<CsvReader<'a>> {
        let mut reader = CsvReader {
            window: Window::open(path)?,
            builder: RecordsBuilder::new(object),
            parser: csv_core::Reader::new(),
            text: vec![0; LINE_BYTES_MAX],
            ends: vec![0; COLUMNS_MAX],
            n_columns: 0,
            places: Vec::new(),
            are_ids: object.fields.iter().map(|field| is_id(object, field)).collect(),
        };
        reader.window.skip_byte_order_mark()?;
        let header = match reader.parse()? {
            Next::Record { n_bytes, n_fields } => {
                let names = (0..n_fields)
                    .map(|at| String::from_utf8_lossy(field(&reader.text, &reader.ends, at)).trim().to_owned());
                let names: Vec<String> = names.collect();
                reader.window.consume(n_bytes);
                names
            }
            Next::TooLong => return Err(error::bad_file(file_name, "its first line is longer than 1 MiB")),
            Next::Unclosed => return Err(error::bad_file(file_name, "a quote in its first line is never closed")),
            Next::End => {
                return Err(error::bad_file(file_name, "it is empty").with_hint("the first line names the columns"));
            }
        };
        reader.places = match_columns(&header, file_name, object)?;
        reader.n_columns = header.len();
        Ok(reader)
    }

    /// Takes apart the record at the start of the window, which grows until the record is whole.
    fn parse(&mut self) -> Result<Next> {
        if !self.window.skip_line_ends()? {
            return Ok(Next::End);
        }
        loop {
            self.parser.reset();
            let bytes = self.window.bytes();
            let (result, n_bytes, n_text, n_ends) = self.parser.read_record(bytes, &mut self.text, &mut self.ends);
            match result {
                ReadRecordResult::Record => return Ok(Next::Record { n_bytes, n_fields: n_ends }),
                ReadRecordResult::InputEmpty if self.window.is_full() => return Ok(Next::TooLong),
                ReadRecordResult::InputEmpty => {
                    if self.window.grow()? {
                        continue;
                    }
                    // The last line has no end. The parser would end its record inside of quotes too, but an end of
                    // line ends a record outside of them only.
                    let (last, _, _, n_last) =
                        self.parser.read_record(b"\n", &mut self.text[n_text..], &mut self.ends[n_ends..]);
                    return Ok(match last {
                        ReadRecordResult::Record => Next::Record { n_bytes, n_fields: n_ends + n_last },
                        ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => Next::TooLong,
                        ReadRecordResult::InputEmpty | ReadRecordResult::End => Next::Unclosed,
                    });
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => return Ok(Next::TooLong),
                ReadRecordResult::End => return Ok(Next::End),
            }
        }
    }

    /// Rejects the line at the start of the window; reading goes on after its end.
    fn push_line(&mut self, reason: &str) -> Result<()> {
        let start = self.window.head();
        let line = start.split(|byte| *byte == b'\n').next().unwrap_or(start);
        self.builder.push_fault(line.trim_ascii(), Fault::of_record(reason));
        self.window.skip_line()
    }

    fn push_record(&mut self, n_bytes: usize, n_fields: usize) {
        let raw = &self.window.bytes()[..n_bytes];
        let trimmed = raw.trim_ascii();
        if n_fields != self.n_columns {
            let reason = format!("expected {} columns as in the header, found another number", self.n_columns);
            self.builder.push_fault(trimmed, Fault::of_record(&reason));
            return;
        }
        let text = |at: usize| std::str::from_utf8(field(&self.text, &self.ends, at));
        let cell = |(place, is_id): (&Option<usize>, &bool)| match place.map(text) {
            None | Some(Ok("")) => Cell::Missing,
            // Whoever somebody is is taken to the letter, as it is in every other form of file.
            Some(Ok(text)) if *is_id => Cell::Text(Cow::Borrowed(text)),
            Some(Ok(text)) => Cell::Text(Cow::Borrowed(spec::unguarded(text))),
            Some(Err(_)) => Cell::Unreadable,
        };
        let cells: Vec<Cell<'_>> = self.places.iter().zip(&self.are_ids).map(cell).collect();
        self.builder.push(trimmed, &cells);
    }
}

impl Reader for CsvReader<'_> {
    fn next(&mut self) -> Result<Option<Records>> {
        while !self.builder.is_full() {
            match self.parse()? {
                Next::Record { n_bytes, n_fields } => {
                    self.push_record(n_bytes, n_fields);
                    self.window.consume(n_bytes);
                }
                Next::TooLong => self.push_line("the line is longer than 1 MiB, or a quote in it is never closed")?,
                Next::Unclosed => self.push_line("a quote in the line is never closed")?,
                Next::End => break,
            }
        }
        Ok(self.builder.finish())
    }

    fn progress(&self) -> (u64, u64) {
        self.window.progress()
    }
}

/// Finds each field's column; without a required one the whole file is refused.
pub(super) fn match_columns(found: &[String], file_name: &str, object: &Object) -> Result<Vec<Option<usize>>> {
    let names: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    if names.len() < found.len() {
        return Err(error::bad_file(file_name, "two of its columns have the same name"));
    }
    let quoted = |names: Vec<&str>| {
        names.iter().map(|name| format!("`{}`", super::records::cut(name, 80))).take(20).collect::<Vec<_>>().join(", ")
    };
    let missing: Vec<&str> = object
        .fields
        .iter()
        .filter(|field| is_needed(object, field))
        .map(|field| field.name.as_str())
        .filter(|name| !names.contains(name))
        .collect();
    if !missing.is_empty() {
        let declared: BTreeSet<&str> = object.fields.iter().map(|field| field.name.as_str()).collect();
        let unexpected: Vec<&str> = found.iter().map(String::as_str).filter(|name| !declared.contains(name)).collect();
        let mut why = format!("it lacks {}, which the contract of `{}` requires", quoted(missing), object.name);
        if !unexpected.is_empty() {
            why.push_str(&format!("; it has {}, which the contract does not know", quoted(unexpected)));
        }
        let hint = "rename the columns in the file, or declare them in the source's contract";
        return Err(error::bad_file(file_name, &why).with_hint(hint));
    }
    Ok(object.fields.iter().map(|field| found.iter().position(|name| *name == field.name)).collect())
}

fn is_id(object: &Object, field: &Field) -> bool {
    field.name == object.person_column
        || object.message_id_column.as_ref() == Some(&field.name)
        || field.class == FieldClass::Direct
}

fn field<'t>(text: &'t [u8], ends: &[usize], at: usize) -> &'t [u8] {
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &text[start..ends[at]]
}
