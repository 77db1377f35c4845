//! A text in SQL changed as little as can be: a part is taken out or put in by the places of its words, and all the rest,
//! with its lines, comments and capitals, stays as somebody wrote it.
//!
//! Flow: the text is cut into `pieces`; clauses are found among them by their words (`clauses`), without understanding what
//! they say; edits are ranges of bytes. Invariant: what comes out is read by the grammar of questions once more, or it does
//! not come out. Whether it is an answer to anything is for the judge to say.

mod clauses;
mod counted;
mod pieces;
#[cfg(test)]
mod tests;
mod timed;
mod trend;
mod without;

use crate::question::sql::is_readable;
use pieces::{Piece, pieces};
use sqlparser::tokenizer::Token;
use std::cmp::Reverse;
use std::ops::Range;

/// A text in SQL, cut into its words and signs.
#[derive(Debug)]
pub struct SqlText<'t> {
    text: &'t str,
    pieces: Vec<Piece>,
}

/// What stands in the place of which bytes.
type Edit = (Range<usize>, String);

impl<'t> SqlText<'t> {
    /// A text; nothing where it cannot even be cut into words.
    pub fn new(text: &'t str) -> Option<SqlText<'t>> {
        Some(SqlText { text, pieces: pieces(text)? })
    }

    /// The text with at most so many rows: with a `LIMIT` at its end, or a smaller one.
    pub fn limited(&self, rows: usize) -> Option<String> {
        let main = self.last_select()?;
        let edit = match main.clause("limit") {
            Some(limit) => {
                self.number(limit.body.clone()).filter(|number| *number > rows)?;
                (self.bytes(limit.body.clone()), rows.to_string())
            }
            None => {
                let before = main.clause("offset").map_or(main.end, |offset| offset.start);
                let at = self.pieces[before - 1].end;
                (at..at, format!(" LIMIT {rows}"))
            }
        };
        self.edited(vec![edit])
    }

    /// Line and column of the one word or text in quotes that this is; nothing where there are several, or none.
    pub fn place_of(&self, word: &str) -> Option<(usize, usize)> {
        let is_text = |piece: &Piece| matches!(&piece.token, Token::SingleQuotedString(text) if text == word);
        let is_it = |piece: &&Piece| piece.name().as_deref() == Some(word) || piece.is(word) || is_text(piece);
        let mut all = self.pieces.iter().filter(is_it);
        match (all.next(), all.next()) {
            (Some(piece), None) => Some((piece.line, piece.column)),
            _ => None,
        }
    }

    /// The pieces that begin at these lines and columns, by their numbers, which stay while words take the place of words.
    pub(crate) fn numbers_of(&self, places: &[(u64, u64)]) -> Vec<usize> {
        let is_at =
            |piece: &Piece, (line, column): (u64, u64)| (piece.line as u64, piece.column as u64) == (line, column);
        let number = |place: &(u64, u64)| self.pieces.iter().position(|piece| is_at(piece, *place));
        places.iter().filter_map(number).collect()
    }

    /// The text with a name in the place of these pieces, in double quotes where it is a word of the grammar.
    pub(crate) fn with_name(&self, numbers: &[usize], name: &str) -> Option<String> {
        let with = |written: &str| {
            let pieces = numbers.iter().filter_map(|number| self.pieces.get(*number));
            self.edited(pieces.map(|piece| (piece.start..piece.end, written.to_owned())).collect())
        };
        with(name).or_else(|| with(&format!("\"{name}\"")))
    }

    /// The text with these edits, if that is a question in SQL. An edit within what another one takes is left out.
    fn edited(&self, mut edits: Vec<Edit>) -> Option<String> {
        // What is put in before something that is taken out comes first, and the whole of a part before its pieces.
        edits.sort_by_key(|(range, _)| (range.start, !range.is_empty(), Reverse(range.end)));
        let (mut changed, mut done) = (String::new(), 0);
        for (range, put_in) in edits {
            if range.start < done {
                continue;
            }
            changed.push_str(&self.text[done..range.start]);
            changed.push_str(&put_in);
            done = range.end;
        }
        changed.push_str(&self.text[done..]);
        let changed = changed.trim().to_owned();
        (changed != self.text && is_readable(&changed)).then_some(changed)
    }

    /// The bytes of some pieces, with what stands between them.
    fn bytes(&self, range: Range<usize>) -> Range<usize> {
        match (self.pieces.get(range.start), range.end.checked_sub(1).and_then(|last| self.pieces.get(last))) {
            (Some(first), Some(last)) if !range.is_empty() => first.start..last.end,
            _ => 0..0,
        }
    }

    fn written(&self, range: &Range<usize>) -> &str {
        &self.text[self.bytes(range.clone())]
    }

    /// The bytes of some pieces with the blanks before them; comments before them stay.
    fn bytes_and_blanks(&self, range: Range<usize>) -> Range<usize> {
        let bytes = self.bytes(range.clone());
        let before = range.start.checked_sub(1).map_or(0, |before| self.pieces[before].end);
        let is_blank = self.text[before..bytes.start].trim().is_empty();
        if is_blank { before..bytes.end } else { bytes }
    }

    /// The whole number that some pieces are.
    fn number(&self, range: Range<usize>) -> Option<usize> {
        if range.len() == 1 { self.written(&range).parse().ok() } else { None }
    }
}
