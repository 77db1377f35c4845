//! Digests: of a file, and of the content of a record.

use crate::error;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array};
use arrow::array::{StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use sha2::{Digest, Sha256};
use spec::Result;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The key of a record: two records with the same key are the same.
pub(crate) type MessageKey = [u8; 16];

/// SHA-256 of a file, in hex.
pub(super) fn of_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|cause| error::io("open", path, cause))?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let n_read = file.read(&mut buffer).map_err(|cause| error::io("read", path, cause))?;
        if n_read == 0 {
            return Ok(spec::hex(&digest.finalize()));
        }
        digest.update(&buffer[..n_read]);
    }
}

/// Makes keys of records; keyed, so that nobody without the vault can test a guess against a stored key.
#[derive(Clone)]
pub(crate) struct Keyer {
    start: Sha256,
    /// The fields that tell records apart.
    fields: BTreeSet<String>,
}

impl Keyer {
    /// Keys of the records of one object of one source, which these fields tell apart.
    pub(crate) fn new(secret: &[u8; 32], source: &str, object: &str, fields: &[String]) -> Keyer {
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret);
        let mut start = Sha256::new();
        start.update(block);
        for name in [source, object] {
            start.update((name.len() as u64).to_le_bytes());
            start.update(name.as_bytes());
        }
        Keyer { start, fields: fields.iter().cloned().collect() }
    }

    /// The key of each record from its id; no id is missing.
    pub(super) fn keys_of_ids(&self, ids: &ArrayRef) -> Vec<MessageKey> {
        let cells = Cells::of(ids);
        let mut content = Vec::new();
        let key = |row| {
            content.clear();
            // The mark of a value that is there, which the keys in older folders were made with.
            content.push(1);
            cells.write(row, &mut content);
            self.key(&content)
        };
        (0..ids.len()).map(key).collect()
    }

    /// The key of a record from its id, the same as in a file that has it as text.
    pub(crate) fn key_of_id(&self, id: &str) -> MessageKey {
        let mut content = Vec::with_capacity(9 + id.len());
        content.push(1);
        write_text(id, &mut content);
        self.key(&content)
    }

    /// The key of each record from all that it says.
    ///
    /// Values that are missing take no part and the others go by name, so that a contract can declare its fields in another
    /// order, or one more of them, and the records that it knows stay the same.
    pub(super) fn keys_of_content(&self, columns: &[(&str, &ArrayRef)]) -> Vec<MessageKey> {
        let told_apart_by = columns.iter().filter(|(name, _)| self.fields.contains(*name));
        let mut cells: Vec<(&str, Cells<'_>)> =
            told_apart_by.map(|(name, column)| (*name, Cells::of(column))).collect();
        cells.sort_unstable_by_key(|(name, _)| *name);
        let n_rows = columns.first().map_or(0, |(_, column)| column.len());
        let (mut content, mut value) = (Vec::new(), Vec::new());
        let key = |row| {
            content.clear();
            for (name, cells) in &cells {
                value.clear();
                if cells.write(row, &mut value) {
                    for part in [name.as_bytes(), &value] {
                        content.extend_from_slice(&(part.len() as u64).to_le_bytes());
                        content.extend_from_slice(part);
                    }
                }
            }
            self.key(&content)
        };
        (0..n_rows).map(key).collect()
    }

    /// The key of the nth record (from 0) of a file with the same content as others before it.
    pub(super) fn nth(&self, key: &MessageKey, n: u32) -> MessageKey {
        if n == 0 { *key } else { self.key(&[key.as_slice(), b"#", &n.to_le_bytes()].concat()) }
    }

    fn key(&self, content: &[u8]) -> MessageKey {
        let mut digest = self.start.clone();
        digest.update(content);
        let digest: [u8; 32] = digest.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        key
    }
}

/// A column whose values can be written down in one way only, whatever format they came in.
enum Cells<'a> {
    Text(&'a StringArray),
    Integer(&'a Int64Array),
    Number(&'a Float64Array),
    Decimal(&'a Decimal128Array),
    Boolean(&'a BooleanArray),
    Timestamp(&'a TimestampMicrosecondArray),
    Date(&'a Date32Array),
}

impl<'a> Cells<'a> {
    fn of(column: &'a ArrayRef) -> Cells<'a> {
        match column.data_type() {
            DataType::Utf8 => Cells::Text(column.as_string()),
            DataType::Int64 => Cells::Integer(column.as_primitive()),
            DataType::Float64 => Cells::Number(column.as_primitive()),
            DataType::Decimal128(_, _) => Cells::Decimal(column.as_primitive()),
            DataType::Boolean => Cells::Boolean(column.as_boolean()),
            DataType::Timestamp(_, _) => Cells::Timestamp(column.as_primitive()),
            DataType::Date32 => Cells::Date(column.as_primitive()),
            other => unreachable!("the readers make stored types only, not {other}"),
        }
    }

    /// Writes the value down; false when it is missing.
    fn write(&self, row: usize, content: &mut Vec<u8>) -> bool {
        let column: &dyn Array = match self {
            Cells::Text(column) => column,
            Cells::Integer(column) => column,
            Cells::Number(column) => column,
            Cells::Decimal(column) => column,
            Cells::Boolean(column) => column,
            Cells::Timestamp(column) => column,
            Cells::Date(column) => column,
        };
        if column.is_null(row) {
            return false;
        }
        match self {
            Cells::Text(column) => {
                write_text(column.value(row), content);
            }
            Cells::Integer(column) => content.extend_from_slice(&column.value(row).to_le_bytes()),
            Cells::Number(column) => content.extend_from_slice(&column.value(row).to_bits().to_le_bytes()),
            Cells::Decimal(column) => content.extend_from_slice(&column.value(row).to_le_bytes()),
            Cells::Boolean(column) => content.push(u8::from(column.value(row))),
            Cells::Timestamp(column) => content.extend_from_slice(&column.value(row).to_le_bytes()),
            Cells::Date(column) => content.extend_from_slice(&column.value(row).to_le_bytes()),
        }
        true
    }
}

fn write_text(text: &str, content: &mut Vec<u8>) {
    content.extend_from_slice(&(text.len() as u64).to_le_bytes());
    content.extend_from_slice(text.as_bytes());
}
