//! The clauses of each `SELECT` in a text, found by their words alone.

use super::SqlText;
use super::pieces::Piece;
use sqlparser::tokenizer::Token;
use std::ops::Range;

/// What a clause begins with.
const CLAUSES: [&str; 9] = ["from", "where", "group", "having", "window", "order", "limit", "offset", "fetch"];
/// What puts two queries together.
const BETWEEN_QUERIES: [&str; 4] = ["union", "except", "intersect", "minus"];
/// What a table in `FROM` is followed by besides its other name.
const AFTER_TABLES: [&str; 10] = ["join", "inner", "left", "right", "full", "cross", "natural", "on", "using", "outer"];
/// What sides of a join begin with.
const JOINS: [&str; 7] = ["join", "inner", "left", "right", "full", "cross", "natural"];

/// One `SELECT`, by the numbers of its pieces.
pub(super) struct Select {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    pub(super) is_distinct: bool,
    /// What it shows.
    pub(super) list: Range<usize>,
    pub(super) clauses: Vec<Clause>,
}

/// `FROM ...`, `WHERE ...` and so on.
pub(super) struct Clause {
    pub(super) word: &'static str,
    pub(super) start: usize,
    /// What stands after its words.
    pub(super) body: Range<usize>,
}

/// A table in `FROM`.
pub(super) struct Table {
    /// Its name; none where it is a query in brackets.
    pub(super) name: Option<String>,
    /// What its columns are written with.
    pub(super) called: String,
    /// Whether it stands on the side of a `LEFT JOIN` of which there may be nothing.
    pub(super) may_be_missing: bool,
    /// The condition that it is joined under.
    pub(super) on: Option<Range<usize>>,
}

impl Select {
    pub(super) fn clause(&self, word: &str) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.word == word)
    }

    /// The number of the piece after its tables and conditions.
    pub(super) fn end_of_rows(&self) -> usize {
        let after = self.clauses.iter().find(|clause| !matches!(clause.word, "from" | "where"));
        after.map_or(self.end, |clause| clause.start)
    }
}

impl Clause {
    pub(super) fn all(&self) -> Range<usize> {
        self.start..self.body.end
    }
}

impl SqlText<'_> {
    /// Every `SELECT`, also those within others.
    pub(super) fn selects(&self) -> Vec<Select> {
        let starts = (0..self.pieces.len()).filter(|at| self.is_keyword(*at, "select"));
        starts.map(|start| self.select(start)).collect()
    }

    /// The only one that stands in no brackets.
    pub(super) fn only_select(&self) -> Option<Select> {
        let mut outer = self.selects().into_iter().filter(|select| select.depth == 0);
        let only = outer.next()?;
        outer.next().is_none().then_some(only)
    }

    /// The last one that stands in no brackets: what ends a query, ends it.
    pub(super) fn last_select(&self) -> Option<Select> {
        self.selects().into_iter().rfind(|select| select.depth == 0)
    }

    fn is_keyword(&self, at: usize, word: &str) -> bool {
        let is_column = at.checked_sub(1).is_some_and(|before| self.pieces[before].token == Token::Period);
        self.pieces[at].is(word) && !is_column
    }

    fn select(&self, start: usize) -> Select {
        let depth = self.pieces[start].depth;
        let ends = |at: &usize| {
            let piece = &self.pieces[*at];
            let is_over = piece.token == Token::SemiColon || piece.is_any(&BETWEEN_QUERIES);
            piece.depth < depth || (piece.depth == depth && is_over)
        };
        let end = (start + 1..self.pieces.len()).find(ends).unwrap_or(self.pieces.len());
        let is_here = |at: &usize| self.pieces[*at].depth == depth;
        let word = |at: usize| CLAUSES.into_iter().find(|word| self.is_keyword(at, word));
        let starts: Vec<(usize, &'static str)> =
            (start + 1..end).filter(is_here).filter_map(|at| Some((at, word(at)?))).collect();
        let mut clauses = Vec::with_capacity(starts.len());
        for (number, (at, word)) in starts.iter().enumerate() {
            let until = starts.get(number + 1).map_or(end, |(next, _)| *next);
            let has_by = self.pieces.get(at + 1).is_some_and(|piece| piece.is("by"));
            let body = (at + 1 + usize::from(has_by)).min(until)..until;
            clauses.push(Clause { word, start: *at, body });
        }
        let first = self.pieces.get(start + 1);
        let is_distinct = first.is_some_and(|piece| piece.is("distinct"));
        let is_word = is_distinct || first.is_some_and(|piece| piece.is("all"));
        let list_end = starts.first().map_or(end, |(at, _)| *at);
        let list = (start + 1 + usize::from(is_word)).min(list_end)..list_end;
        Select { start, end, depth, is_distinct, list, clauses }
    }

    /// The items of a list, between its commas.
    pub(super) fn items(&self, list: &Range<usize>, depth: usize) -> Vec<Range<usize>> {
        let is_comma = |at: &usize| self.pieces[*at].depth == depth && self.pieces[*at].token == Token::Comma;
        parted(list, list.clone().filter(is_comma))
    }

    /// The terms of a condition that all have to hold; one where some of them need not.
    pub(super) fn terms(&self, condition: &Range<usize>, depth: usize) -> Vec<Range<usize>> {
        let mut between = Vec::new();
        let (mut n_cases, mut is_in_between) = (0_usize, false);
        for at in condition.clone().filter(|at| self.pieces[*at].depth == depth) {
            let piece = &self.pieces[at];
            if piece.is("case") {
                n_cases += 1;
            } else if piece.is("end") {
                n_cases = n_cases.saturating_sub(1);
            } else if n_cases > 0 {
                continue;
            } else if piece.is("or") {
                return vec![condition.clone()];
            } else if piece.is("between") {
                is_in_between = true;
            } else if piece.is("and") && !std::mem::take(&mut is_in_between) {
                between.push(at);
            }
        }
        parted(condition, between.into_iter())
    }

    /// Whether a condition would mean something else beside another one.
    pub(super) fn has_or(&self, condition: &Range<usize>, depth: usize) -> bool {
        condition.clone().any(|at| self.pieces[at].depth == depth && self.pieces[at].is("or"))
    }

    /// The tables of a `SELECT`, with what joins them.
    pub(super) fn tables(&self, select: &Select) -> Vec<Table> {
        let Some(from) = select.clause("from") else { return Vec::new() };
        let at_depth = |at: usize| self.pieces.get(at).filter(|piece| piece.depth == select.depth);
        let is_any = |at: usize, words: &[&str]| at_depth(at).is_some_and(|piece| piece.is_any(words));
        // `left` and `right` are functions as well.
        let is_call = |at: usize| {
            let is_open = self.pieces.get(at + 1).is_some_and(|piece| piece.token == Token::LParen);
            is_open && !is_any(at, &["join"])
        };
        let joins = from.body.clone().filter(|at| is_any(*at, &["join"]));
        let starts: Vec<usize> = [from.body.start].into_iter().chain(joins.map(|at| at + 1)).collect();
        let mut found = Vec::with_capacity(starts.len());
        for start in starts {
            // The words before `JOIN` are the next one's.
            let end = (start..from.body.end).find(|at| is_any(*at, &JOINS) && !is_call(*at)).unwrap_or(from.body.end);
            let on = (start..end).find(|at| is_any(*at, &["on"])).map(|at| at + 1..end);
            let is_left = (from.body.start..start).rev().skip(1).take(2).any(|at| is_any(at, &["left"]));
            if let Some(table) = self.table(start, on, is_left) {
                found.push(table);
            }
        }
        found
    }

    fn table(&self, start: usize, on: Option<Range<usize>>, may_be_missing: bool) -> Option<Table> {
        let first = self.pieces.get(start)?;
        let is_query = first.token == Token::LParen;
        let name_at = if is_query { self.closing(start)? } else { start };
        let after_as = name_at + 1 + usize::from(self.pieces.get(name_at + 1).is_some_and(|piece| piece.is("as")));
        let is_name = |piece: &&Piece| {
            let is_word = matches!(piece.token, Token::Word(_));
            is_word && !piece.is_any(&AFTER_TABLES) && !piece.is_any(&CLAUSES) && !piece.is_any(&BETWEEN_QUERIES)
        };
        let other = self.pieces.get(after_as).filter(is_name).map(|piece| piece.token.to_string());
        let called = other.unwrap_or_else(|| first.token.to_string());
        Some(Table { name: if is_query { None } else { first.name() }, called, may_be_missing, on })
    }

    /// The bracket that closes the one at a place.
    pub(super) fn closing(&self, open: usize) -> Option<usize> {
        let depth = self.pieces[open].depth;
        (open + 1..self.pieces.len()).find(|at| self.pieces[*at].depth == depth)
    }

    /// Whether some pieces hold one of these names as that of a column.
    pub(super) fn mentions(&self, range: &Range<usize>, names: &[String]) -> bool {
        range.clone().any(|at| {
            let next = self.pieces.get(at + 1).map(|piece| &piece.token);
            let is_given = at.checked_sub(1).is_some_and(|before| self.pieces[before].is("as"));
            let is_column = !is_given && !matches!(next, Some(Token::Period | Token::LParen));
            is_column && self.pieces[at].name().is_some_and(|name| names.contains(&name))
        })
    }

    /// The name under which something is shown: the one that it is given, or its own where it is a column.
    pub(super) fn shown_as(&self, item: &Range<usize>) -> Option<String> {
        let last = self.pieces.get(item.end.checked_sub(1)?)?;
        let is_given = item.len() > 2 && self.pieces[item.end - 2].is("as");
        (is_given || self.is_plain(item)).then(|| last.name()).flatten()
    }

    /// An item without the name that it is given.
    pub(super) fn ungiven(&self, item: &Range<usize>) -> Range<usize> {
        let is_given = item.len() > 2 && self.pieces[item.end - 2].is("as");
        if is_given { item.start..item.end - 2 } else { item.clone() }
    }

    /// Whether it is a column as it is, with its table or without.
    pub(super) fn is_plain(&self, item: &Range<usize>) -> bool {
        let tokens: Vec<&Token> = item.clone().map(|at| &self.pieces[at].token).collect();
        matches!(tokens.as_slice(), [Token::Word(_)] | [Token::Word(_), Token::Period, Token::Word(_)])
    }
}

/// A range cut at some of its places, which belong to no part.
fn parted(range: &Range<usize>, places: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let (mut found, mut start) = (Vec::new(), range.start);
    for place in places {
        found.push(start..place);
        start = place + 1;
    }
    found.push(start..range.end);
    found
}
