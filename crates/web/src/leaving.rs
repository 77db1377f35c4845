//! Lists that are looked at once more while they are sent: of whom must not be used any more, nothing is sent that has not
//! left yet.

use crate::api_v1::{AnswerFormat, written};
use crate::csv;
use crate::problem::Problem;
use api::{Asked, Leaving, Product};
use axum::body::Body;
use futures_core::Stream;
use serde::Serialize;
use spec::{Answer, Column, Provenance, SampleRatio, Value, Verdict, WaterfallStep};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Rows that are looked at together; the next ones are once these have left.
const ROWS_AT_ONCE: usize = 256;

/// An answer as a body; a list in text row by row.
///
/// Table files are whole or nothing, so those of lists are looked at once, when they are put together.
pub(crate) fn body(
    product: &dyn Product,
    asked: Asked,
    mut answer: Answer,
    format: AnswerFormat,
) -> Result<Body, Problem> {
    let Some(leaving) = asked.leaving else {
        return Ok(Body::from(written(product, &asked.verdict, &answer, format)?));
    };
    let form: Form = match format {
        AnswerFormat::Json => json(&asked.verdict, &answer),
        AnswerFormat::Csv => lines(&answer),
        AnswerFormat::Arrow | AnswerFormat::Parquet => {
            let mut may_leave = leaving.of(0..answer.rows.len()).into_iter();
            answer.rows.retain(|_| may_leave.next().unwrap_or(false));
            return Ok(Body::from(written(product, &asked.verdict, &answer, format)?));
        }
    };
    Ok(Body::from_stream(Pieces { form, rows: answer.rows, next: 0, is_first: true, leaving, is_over: false }))
}

/// What is before, between and after rows, and how one is written.
struct Form {
    head: Vec<u8>,
    between: &'static [u8],
    tail: Vec<u8>,
    row: fn(&[Value]) -> Vec<u8>,
}

#[derive(Serialize)]
struct Before<'a> {
    verdict: &'a Verdict,
    columns: &'a [Column],
}

#[derive(Serialize)]
struct After<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    waterfall: Option<&'a [WaterfallStep]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_ratio: Option<&'a SampleRatio>,
    provenance: &'a Provenance,
}

/// The same bytes as those of an answer that is written at once.
fn json(verdict: &Verdict, answer: &Answer) -> Form {
    let text = |part: serde_json::Result<Vec<u8>>| part.expect("an answer is plain data and serialises");
    let mut head = text(serde_json::to_vec(&Before { verdict, columns: &answer.columns }));
    head.pop();
    head.extend_from_slice(b",\"rows\":[");
    let (waterfall, sample_ratio) = (answer.waterfall.as_deref(), answer.sample_ratio.as_ref());
    let after = After { waterfall, sample_ratio, provenance: &answer.provenance };
    let mut tail = b"],".to_vec();
    tail.extend_from_slice(&text(serde_json::to_vec(&after))[1..]);
    let row = |row: &[Value]| serde_json::to_vec(row).expect("a row is plain data and serialises");
    Form { head, between: b",", tail, row }
}

fn lines(answer: &Answer) -> Form {
    let head = csv::head(answer).into_bytes();
    Form { head, between: b"", tail: Vec::new(), row: |row| csv::line(row).into_bytes() }
}

/// The body of a list, some rows at a time.
struct Pieces {
    form: Form,
    rows: Vec<Vec<Value>>,
    next: usize,
    /// Whether no row has left yet.
    is_first: bool,
    leaving: Leaving,
    is_over: bool,
}

impl Pieces {
    fn piece(&mut self) -> Option<Vec<u8>> {
        if self.is_over {
            return None;
        }
        let mut bytes = std::mem::take(&mut self.form.head);
        let end = self.rows.len().min(self.next + ROWS_AT_ONCE);
        let may_leave = self.leaving.of(self.next..end);
        for (row, _) in self.rows[self.next..end].iter().zip(may_leave).filter(|(_, may_leave)| *may_leave) {
            if !self.is_first {
                bytes.extend_from_slice(self.form.between);
            }
            self.is_first = false;
            bytes.extend((self.form.row)(row));
        }
        self.next = end;
        if end == self.rows.len() {
            self.is_over = true;
            bytes.append(&mut self.form.tail);
        }
        Some(bytes)
    }
}

impl Stream for Pieces {
    type Item = Result<Vec<u8>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Empty pieces would end a body that is sent in chunks.
        loop {
            match self.piece() {
                Some(bytes) if bytes.is_empty() => {}
                other => return Poll::Ready(other.map(Ok)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pieces, ROWS_AT_ONCE, body, json, lines};
    use crate::api_v1::AnswerFormat;
    use crate::body::next_piece;
    use crate::fixture::Fixture;
    use api::{Asked, Credential, Input, Leaving, Product};
    use axum::body::Body;
    use serde_json::Value as Json;
    use spec::{Answer, Column, PeopleCounts, Provenance, Value, Verdict};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    const ROWS: usize = 2 * ROWS_AT_ONCE + 3;

    fn answer() -> Answer {
        let column = Column { name: "a,\"rows\":[".to_owned(), value_type: "integer", unit: None };
        let people = PeopleCounts { known: None, withheld: BTreeMap::new(), used: None };
        let provenance = Provenance {
            question_hash: "h".to_owned(),
            policy_version: "v".to_owned(),
            tables: BTreeMap::new(),
            landed_until: None,
            people,
            engine: "e".to_owned(),
            as_of: spec::Instant::UNIX_EPOCH,
            cost: None,
            forecast: None,
            min_group: 50,
            differences: "shown",
        };
        let rows = (0..ROWS as i64).map(|row| vec![Value::Integer(row)]).collect();
        Answer { columns: vec![column], rows, waterfall: None, sample_ratio: None, provenance }
    }

    /// The pieces of a list from which everybody from this place on is withdrawn after the first piece.
    fn sent(form: super::Form, withdrawn_from: usize) -> Vec<String> {
        let n_asked = Arc::new(AtomicUsize::new(0));
        let leaving = Leaving::new(move |rows| {
            let is_later = n_asked.fetch_add(1, Ordering::Relaxed) > 0;
            rows.map(|row| !is_later || row < withdrawn_from).collect()
        });
        let rows = answer().rows;
        let mut pieces = Pieces { form, rows, next: 0, is_first: true, leaving, is_over: false };
        let mut found = Vec::new();
        while let Some(piece) = pieces.piece() {
            found.push(String::from_utf8(piece).expect("it is text"));
        }
        found
    }

    #[test]
    fn what_has_not_left_yet_can_be_held_back() {
        let whole = sent(json(&Verdict::yes(), &answer()), usize::MAX);
        let cut = sent(json(&Verdict::yes(), &answer()), ROWS_AT_ONCE + 1);
        assert_eq!((whole.len(), cut.len()), (3, 3), "256 rows at a time");
        assert_eq!(whole[0], cut[0], "what has left has left");
        let rows = |pieces: &[String]| {
            let body: Json = serde_json::from_str(&pieces.concat()).expect("it is JSON, whatever is left out");
            assert_eq!(body["provenance"]["question_hash"], "h");
            body["rows"].as_array().map_or(0, Vec::len)
        };
        assert_eq!((rows(&whole), rows(&cut)), (ROWS, ROWS_AT_ONCE + 1));
        let lines_of = |pieces: Vec<String>| pieces.concat().lines().count();
        assert_eq!(lines_of(sent(lines(&answer()), 0)), 1 + ROWS_AT_ONCE);
        assert_eq!(lines_of(sent(lines(&answer()), usize::MAX)), 1 + ROWS);
    }

    #[test]
    fn a_list_nobody_of_which_may_leave_is_an_empty_one() {
        let mut pieces = Pieces {
            form: json(&Verdict::yes(), &answer()),
            rows: answer().rows,
            next: 0,
            is_first: true,
            // Whoever cannot tell lets nothing through.
            leaving: Leaving::new(|_| Vec::new()),
            is_over: false,
        };
        let mut text = Vec::new();
        while let Some(piece) = pieces.piece() {
            text.extend(piece);
        }
        let body: Json = serde_json::from_slice(&text).expect("it is JSON");
        assert_eq!(body["rows"], Json::Array(Vec::new()));
    }

    /// People of a long list, by their places; the last digit of some says that they withdraw.
    const LONG: usize = 100_000;

    fn withdraws(row: usize) -> bool {
        row % 10 == 7
    }

    /// A long list as a body; who of it may leave is asked of `leaving`.
    fn long(format: AnswerFormat, leaving: Leaving) -> Body {
        let product = Fixture { mark: "" };
        let who = product.principal(&Credential::Token("token-mia".to_owned())).expect("Mia is there");
        let question =
            serde_json::json!({ "kind": "audience", "purpose": "email", "where": "did(a)", "release": "list" });
        let Ok(Input::Good(asked)) = product.ask(&who, &question) else { panic!("it is a question") };
        let rows = (0..LONG as i64).map(|row| vec![Value::Integer(row)]).collect();
        let asked = Asked { answer: None, leaving: Some(leaving), ..asked };
        let made = body(&product, asked, Answer { rows, ..answer() }, format);
        made.unwrap_or_else(|problem| panic!("{}", problem.detail))
    }

    /// The places in a body of rows of one number each.
    fn places(rows: &Json) -> Vec<usize> {
        let place = |row: &Json| row[0].as_u64().and_then(|place| usize::try_from(place).ok());
        let rows = rows.as_array().expect("rows are a list");
        rows.iter().map(|row| place(row).expect("each row has its place")).collect()
    }

    #[tokio::test]
    async fn case_80_whoever_withdraws_while_a_list_is_sent_is_in_no_later_piece() {
        const N_SENT_BEFORE: usize = 100;
        let expected: Vec<usize> =
            (0..LONG).filter(|row| *row < N_SENT_BEFORE * ROWS_AT_ONCE || !withdraws(*row)).collect();
        for format in [AnswerFormat::Csv, AnswerFormat::Json] {
            let (is_over, n_looked_max) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
            let (asked_over, looked) = (Arc::clone(&is_over), Arc::clone(&n_looked_max));
            let leaving = Leaving::new(move |rows| {
                looked.fetch_max(rows.len(), Ordering::Relaxed);
                let is_over = asked_over.load(Ordering::Relaxed);
                rows.map(|row| !(is_over && withdraws(row))).collect()
            });
            let mut list = long(format, leaving);
            let mut pieces: Vec<String> = Vec::new();
            while let Some(piece) = next_piece(&mut list).await {
                let piece = piece.expect("it comes from memory");
                pieces.push(String::from_utf8(piece.to_vec()).expect("it is text"));
                is_over.store(pieces.len() >= N_SENT_BEFORE, Ordering::Relaxed);
            }
            assert_eq!(pieces.len(), LONG.div_ceil(ROWS_AT_ONCE), "{format:?}");
            assert_eq!(n_looked_max.load(Ordering::Relaxed), ROWS_AT_ONCE, "{format:?}");
            let found = if format == AnswerFormat::Json {
                let whole: Json = serde_json::from_str(&pieces.concat()).expect("it is JSON");
                places(&whole["rows"])
            } else {
                let n_lines = |piece: &String| piece.lines().count();
                assert_eq!(n_lines(&pieces[0]), 1 + ROWS_AT_ONCE, "its head, and no more rows than are looked at");
                assert!(pieces[1..].iter().all(|piece| n_lines(piece) <= ROWS_AT_ONCE));
                let text = pieces.concat();
                text.lines().skip(1).map(|line| line.parse().expect("a line is a place")).collect()
            };
            assert!(found == expected, "{format:?}: {} of {} people", found.len(), expected.len());
        }
    }

    #[tokio::test]
    async fn case_80_a_table_file_leaves_out_who_has_withdrawn() {
        let expected: Vec<usize> = (0..LONG).filter(|row| !withdraws(*row)).collect();
        for format in [AnswerFormat::Arrow, AnswerFormat::Parquet] {
            let list = long(format, Leaving::new(|rows| rows.map(|row| !withdraws(row)).collect()));
            let bytes = axum::body::to_bytes(list, 64 << 20).await.expect("it is in memory");
            // What the fixture writes: four bytes that say which file it is, then the rows.
            let rows: Json = serde_json::from_slice(&bytes[4..]).expect("rows are JSON");
            let found = places(&rows);
            assert!(found == expected, "{format:?}: {} of {} people", found.len(), expected.len());
            let nobody = long(format, Leaving::new(|_| Vec::new()));
            let bytes = axum::body::to_bytes(nobody, 64 << 20).await.expect("it is in memory");
            assert_eq!(&bytes[4..], b"[]", "whoever cannot tell lets nobody through");
        }
    }
}
