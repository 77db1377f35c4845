//! A text about fewer days: with a condition on the time of each table of events, and what it says of days already.

use super::clauses::Select;
use super::{Edit, SqlText};
use chrono::NaiveDate;
use spec::SqlQuestion;
use sqlparser::tokenizer::Token;
use std::ops::Range;

impl SqlText<'_> {
    /// The text about events from a day on: the condition stands with those of each `SELECT` that reads one of these tables.
    pub fn since(&self, day: NaiveDate, is_event: &dyn Fn(&str) -> bool) -> Option<String> {
        let parts = self.parts();
        let is_read = |name: &String| !parts.contains(name) && is_event(name);
        let mut edits = Vec::new();
        for select in self.selects() {
            edits.extend(self.since_in(&select, day, &is_read)?);
        }
        self.edited(edits)
    }

    /// The first day, and the one before which they end, that conditions on the time write out: the widest of them.
    pub fn days(&self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let (mut from, mut to) = (None::<NaiveDate>, None::<NaiveDate>);
        for select in self.selects() {
            let Some(condition) = select.clause("where") else { continue };
            for term in self.terms(&condition.body, select.depth) {
                let (first, last) = self.days_of(&term);
                from = first.map(|day| from.map_or(day, |known| known.min(day))).or(from);
                to = last.map(|day| to.map_or(day, |known| known.max(day))).or(to);
            }
        }
        (from, to)
    }

    fn days_of(&self, term: &Range<usize>) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let tokens: Vec<&Token> = term.clone().map(|at| &self.pieces[at].token).collect();
        // A table before the column says nothing here.
        let own = match tokens.as_slice() {
            [Token::Word(_), Token::Period, rest @ ..] => rest,
            all => all,
        };
        let is_time =
            matches!(own.first(), Some(Token::Word(word)) if word.value.eq_ignore_ascii_case(SqlQuestion::TIME));
        if !is_time {
            return (None, None);
        }
        match &own[1..] {
            [Token::Gt | Token::GtEq, day] => (day_of(day), None),
            [Token::Lt | Token::LtEq, day] => (None, day_of(day)),
            [Token::Word(word), from, _, to] if word.value.eq_ignore_ascii_case("between") => {
                (day_of(from), day_of(to))
            }
            _ => (None, None),
        }
    }

    /// The names of parts that the text gives itself.
    fn parts(&self) -> Vec<String> {
        let is_part = |at: &usize| {
            let is_given = self.pieces.get(at + 1).is_some_and(|piece| piece.is("as"));
            let is_query = self.pieces.get(at + 2).is_some_and(|piece| piece.token == Token::LParen);
            is_given && is_query
        };
        (0..self.pieces.len()).filter(is_part).filter_map(|at| self.pieces[at].name()).collect()
    }

    fn since_in(&self, select: &Select, day: NaiveDate, is_read: &dyn Fn(&String) -> bool) -> Option<Vec<Edit>> {
        let tables = self.tables(select);
        let is_alone = tables.len() == 1;
        let (mut edits, mut of_rows) = (Vec::new(), Vec::new());
        for table in tables {
            if !table.name.as_ref().is_some_and(is_read) {
                continue;
            }
            let column =
                if is_alone { SqlQuestion::TIME.to_owned() } else { format!("{}.{}", table.called, SqlQuestion::TIME) };
            let condition = format!("{column} >= '{day}'");
            // A condition on all rows would keep only those with something on the side that may be missing.
            if table.may_be_missing {
                edits.extend(self.beside(&table.on?, select.depth, &condition));
            } else {
                of_rows.push(condition);
            }
        }
        if of_rows.is_empty() {
            return Some(edits);
        }
        let from = select.clause("from")?;
        let is_other = |at: usize| self.pieces[at].depth == select.depth && self.pieces[at].is_any(&["right", "full"]);
        if from.body.clone().any(is_other) {
            return None;
        }
        let condition = of_rows.join(" AND ");
        match select.clause("where") {
            Some(known) => edits.extend(self.beside(&known.body, select.depth, &condition)),
            None => {
                let end = self.bytes(from.body.clone()).end;
                edits.push((end..end, format!(" WHERE {condition}")));
            }
        }
        Some(edits)
    }

    /// A condition with another one that has to hold as well.
    fn beside(&self, known: &Range<usize>, depth: usize, condition: &str) -> Vec<Edit> {
        let bytes = self.bytes(known.clone());
        let (start, end) = (bytes.start..bytes.start, bytes.end..bytes.end);
        if self.has_or(known, depth) {
            vec![(start, "(".to_owned()), (end, format!(") AND {condition}"))]
        } else {
            vec![(end, format!(" AND {condition}"))]
        }
    }
}

/// The day that a text begins with.
fn day_of(token: &Token) -> Option<NaiveDate> {
    let Token::SingleQuotedString(text) = token else { return None };
    text.get(..10)?.parse().ok()
}
