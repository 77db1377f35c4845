//! What users were told about people: questions of the day, figures that later ones are held against, noise that was drawn.

use super::{Store, fits};
use crate::error;
use query::Told;
use rusqlite::{Connection, OptionalExtension, params};
use spec::{Result, Value};

/// So many of the newest figures are held against new ones.
const FIGURES_MAX: usize = 16_384;

/// A question that is charged.
pub(crate) struct Charge<'a> {
    pub(crate) user: &'a str,
    pub(crate) purpose: &'a str,
    /// Days since 1970.
    pub(crate) day: i64,
    pub(crate) question: &'a str,
    /// Under which its answer stays the same; empty where it does not matter.
    pub(crate) state: &'a str,
    pub(crate) epsilon: f64,
}

/// What a user may have on a day.
pub(crate) struct Allowance {
    pub(crate) questions: Option<u32>,
    pub(crate) epsilon: Option<f64>,
}

impl Store {
    /// Charges a question to its day before it is answered, unless it was charged already; whether there was room for it.
    ///
    /// What is charged stays charged, whatever becomes of the answer.
    pub(crate) fn charge(&self, charge: &Charge<'_>, allowance: &Allowance) -> Result<bool> {
        let Charge { user, purpose, day, question, state, epsilon } = *charge;
        self.transact_for_record(&mut |transaction| {
            if is_charged(transaction, charge)? {
                return Ok(true);
            }
            let has_room = has_room(transaction, charge, allowance)?;
            if has_room {
                // Nobody looks at days that are over.
                let forget = "DELETE FROM asked WHERE user = ?1 AND purpose = ?2 AND day < ?3";
                transaction.prepare_cached(forget)?.execute(params![user, purpose, day])?;
                let insert =
                    "INSERT INTO asked (user, purpose, day, question, state, epsilon) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                transaction.prepare_cached(insert)?.execute(params![user, purpose, day, question, state, epsilon])?;
            }
            Ok(has_room)
        })
    }

    /// Whether a question was charged to its day already.
    pub(crate) fn is_charged(&self, charge: &Charge<'_>) -> Result<bool> {
        is_charged(&self.connection(), charge).map_err(error::store)
    }

    /// Whether a question was charged to its day already, or there is room for it; nothing is charged.
    pub(crate) fn has_room(&self, charge: &Charge<'_>, allowance: &Allowance) -> Result<bool> {
        let connection = self.connection();
        let is_charged = is_charged(&connection, charge).map_err(error::store)?;
        Ok(is_charged || has_room(&connection, charge, allowance).map_err(error::store)?)
    }

    /// What a user was told about the people of a purpose, the newest figures; older ones are forgotten.
    pub(crate) fn told(&self, user: &str, purpose: &str) -> Result<Vec<Told>> {
        self.transact_for_record(&mut |transaction| {
            let forget = "DELETE FROM told WHERE user = ?1 AND purpose = ?2 AND sequence <= (SELECT sequence FROM told
                          WHERE user = ?1 AND purpose = ?2 ORDER BY sequence DESC LIMIT 1 OFFSET ?3)";
            transaction.prepare_cached(forget)?.execute(params![user, purpose, fits(FIGURES_MAX)])
        })?;
        let connection = self.connection();
        let select = "SELECT sequence, question, cell, sort, value, classes, state FROM told
                      WHERE user = ?1 AND purpose = ?2 ORDER BY sequence DESC LIMIT ?3";
        let mut select = connection.prepare_cached(select).map_err(error::store)?;
        let read = |row: &rusqlite::Row<'_>| {
            let (cell, sort, state): (i64, i64, i64) = (row.get(2)?, row.get(3)?, row.get(6)?);
            Ok(Told {
                sequence: row.get(0)?,
                question: row.get(1)?,
                cell: cell.cast_unsigned(),
                sort: sort.cast_unsigned(),
                value: value_of(&row.get::<_, String>(4)?),
                classes: unpacked(row.get_ref(5)?.as_blob()?),
                state: state.cast_unsigned(),
            })
        };
        let rows = select.query_map(params![user, purpose, fits(FIGURES_MAX)], read).map_err(error::store)?;
        rows.collect::<rusqlite::Result<_>>().map_err(error::store)
    }

    /// Keeps figures that a user is about to be told; one that was told before keeps its place in the order.
    ///
    /// # Shape
    /// The place in the order of each.
    pub(crate) fn tell(&self, user: &str, purpose: &str, figures: &[Told]) -> Result<Vec<i64>> {
        self.transact_for_record(&mut |transaction| {
            let mut sequences = Vec::with_capacity(figures.len());
            let upsert = "INSERT INTO told (user, purpose, question, cell, sort, value, classes, state)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                ON CONFLICT (user, purpose, question, cell, sort)
                DO UPDATE SET value = excluded.value, classes = excluded.classes, state = excluded.state
                RETURNING sequence";
            let mut upsert = transaction.prepare_cached(upsert)?;
            for told in figures {
                let values = params![
                    user,
                    purpose,
                    told.question,
                    told.cell.cast_signed(),
                    told.sort.cast_signed(),
                    text_of(&told.value),
                    packed(&told.classes),
                    told.state.cast_signed(),
                ];
                sequences.push(upsert.query_row(values, |row| row.get(0))?);
            }
            Ok(sequences)
        })
    }

    /// Keeps the text of a question under its hash.
    pub(crate) fn keep_question(&self, hash: &str, text: &str) -> Result<()> {
        let insert = "INSERT OR IGNORE INTO questions (hash, text) VALUES (?1, ?2)";
        self.transact_for_record(&mut |transaction| transaction.prepare_cached(insert)?.execute([hash, text]).map(drop))
    }

    /// The text of a question that was asked.
    pub(crate) fn question(&self, hash: &str) -> Result<Option<String>> {
        let select = "SELECT text FROM questions WHERE hash = ?1";
        self.connection().query_row(select, [hash], |row| row.get(0)).optional().map_err(error::store)
    }

    /// The noise of a figure: what was drawn for it before, or else what `draw` draws now, which is kept.
    ///
    /// So nobody gets rid of noise by asking again, or by asking together with others.
    pub(crate) fn noise(&self, figure: &str, draw: &dyn Fn() -> Result<i64>) -> Result<i64> {
        let select = "SELECT noise FROM draws WHERE figure = ?1";
        let known = |connection: &Connection| connection.query_row(select, [figure], |row| row.get(0)).optional();
        if let Some(noise) = known(&self.connection()).map_err(error::store)? {
            return Ok(noise);
        }
        let drawn = draw()?;
        self.transact_for_record(&mut |transaction| {
            // Of two who draw at once the first one's counts.
            let insert = "INSERT OR IGNORE INTO draws (figure, noise) VALUES (?1, ?2)";
            transaction.prepare_cached(insert)?.execute(params![figure, drawn])?;
            Ok(known(transaction)?.unwrap_or(drawn))
        })
    }
}

fn is_charged(connection: &Connection, charge: &Charge<'_>) -> rusqlite::Result<bool> {
    let Charge { user, purpose, day, question, state, .. } = *charge;
    let known = "SELECT 1 FROM asked WHERE user = ?1 AND purpose = ?2 AND day = ?3 AND question = ?4 AND state = ?5";
    connection.prepare_cached(known)?.exists(params![user, purpose, day, question, state])
}

/// Whether a day has room for a question that was not charged to it.
fn has_room(connection: &Connection, charge: &Charge<'_>, allowance: &Allowance) -> rusqlite::Result<bool> {
    let Charge { user, purpose, day, question, epsilon, .. } = *charge;
    let spent = "SELECT count(DISTINCT question), coalesce(sum(epsilon), 0.0), coalesce(max(question = ?4), 0)
                 FROM asked WHERE user = ?1 AND purpose = ?2 AND day = ?3";
    let (n_questions, spent, is_known): (i64, f64, bool) = connection
        .prepare_cached(spent)?
        .query_row(params![user, purpose, day, question], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let has_questions = allowance.questions.is_none_or(|most| is_known || n_questions < i64::from(most));
    // A sum of tenths is not exact.
    let has_epsilon = allowance.epsilon.is_none_or(|most| spent + epsilon <= most * (1.0 + 1e-9));
    Ok(has_questions && has_epsilon)
}

/// Small numbers in few bytes: seven bits each, the lowest first.
fn packed(classes: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(classes.len());
    for class in classes {
        let mut rest = *class;
        while rest > 0x7f {
            bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    bytes
}

fn unpacked(bytes: &[u8]) -> Vec<u32> {
    let mut classes = Vec::new();
    let (mut number, mut shift) = (0_u32, 0);
    for byte in bytes {
        number |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        shift += 7;
        if byte & 0x80 == 0 {
            classes.push(number);
            (number, shift) = (0, 0);
        }
    }
    classes
}

/// A figure as text; figures are numbers or nothing.
fn text_of(value: &Value) -> String {
    match value {
        Value::Integer(value) => format!("i{value}"),
        Value::Number(value) => format!("n{}", value.to_bits()),
        Value::Decimal(value) => format!("d{value}"),
        Value::Timestamp(at) => format!("t{}", at.timestamp_micros()),
        _ => String::new(),
    }
}

fn value_of(text: &str) -> Value {
    let read = || {
        let (sort, digits) = text.split_at_checked(1)?;
        match sort {
            "i" => digits.parse().ok().map(Value::Integer),
            "n" => digits.parse().ok().map(|bits| Value::Number(f64::from_bits(bits))),
            "d" => digits.parse().ok().map(Value::Decimal),
            "t" => digits.parse().ok().and_then(spec::Instant::from_timestamp_micros).map(Value::Timestamp),
            _ => None,
        }
    };
    read().unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::{packed, text_of, unpacked, value_of};
    use spec::Value;

    #[test]
    fn what_is_kept_is_read_back() {
        let classes = vec![0, 1, 127, 128, 300, 1 << 20, u32::MAX];
        assert_eq!(unpacked(&packed(&classes)), classes);
        assert_eq!(unpacked(&[0xff; 40]), Vec::<u32>::new());
        let decimal = Value::Decimal("-12345678901234567890.12".parse().expect("it is a decimal"));
        for value in [Value::Null, Value::Integer(-5), Value::Number(0.1), Value::Number(-0.0), decimal] {
            assert_eq!(value_of(&text_of(&value)), value);
        }
    }
}
