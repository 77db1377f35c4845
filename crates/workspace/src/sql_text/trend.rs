//! A text that asks for figures of one event's groups as the trend that asks for the same: where SQL is not answered, that
//! may be.

use super::SqlText;
use super::clauses::Select;
use crate::condition::{all_of, parse_condition};
use chrono::{Days, NaiveDate};
use spec::{
    Condition, EventSelector, Interval, Measure, MeasureAtom, MeasureFunction, Period, SqlQuestion, TrendQuestion,
};
use sqlparser::tokenizer::Token;
use std::ops::Range;

/// Clauses that a trend has something for; rows of a trend come in an order of their own.
const CLAUSES: [&str; 4] = ["from", "where", "group", "order"];
/// Words of conditions, which are no names.
const WORDS: [&str; 10] = ["and", "or", "not", "in", "like", "between", "is", "null", "true", "false"];

/// What a text is grouped by.
enum Group {
    Column(String),
    Time(Interval),
}

/// What its conditions say.
#[derive(Default)]
struct Conditions {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    others: Vec<Condition>,
}

impl SqlText<'_> {
    /// The trends that ask for each of its figures, if they ask for the same; days without an end are those up to `today`.
    pub fn as_trends(&self, today: NaiveDate) -> Vec<TrendQuestion> {
        self.trends(today).unwrap_or_default()
    }

    fn trends(&self, today: NaiveDate) -> Option<Vec<TrendQuestion>> {
        let main = self.only_select()?;
        let is_known = main.clauses.iter().all(|clause| CLAUSES.contains(&clause.word));
        if !is_known || main.is_distinct || self.selects().len() > 1 {
            return None;
        }
        let event = self.event(&main)?;
        let shown: Vec<Range<usize>> =
            self.items(&main.list, main.depth).iter().map(|item| self.ungiven(item)).collect();
        let groups = self.groups(&main, &shown)?;
        let Conditions { from, to, others } = self.conditions(&main)?;
        let period = match (from, to) {
            (None, None) => None,
            (from, to) => Some(Period::Dates { from: from?, to: to.or(today.checked_add_days(Days::new(1)))? }),
        };
        let filter = if others.is_empty() { None } else { Some(all_of(others)) };
        let (mut by, mut breakdown) = (Interval::None, Vec::new());
        for group in groups {
            match group {
                Group::Column(name) => breakdown.push(name),
                Group::Time(interval) => by = interval,
            }
        }
        let mut found = Vec::new();
        for item in &shown {
            if self.group(item).is_some() {
                continue;
            }
            let measure = Measure::Atom(self.figure(item, &event)?);
            let (filter, breakdown) = (filter.clone(), breakdown.clone());
            let (as_of, limit, offset) = (None, None, None);
            found.push(TrendQuestion { measure, by, period: period.clone(), as_of, filter, breakdown, limit, offset });
        }
        Some(found)
    }

    /// The event that it is about, if it is one.
    fn event(&self, main: &Select) -> Option<EventSelector> {
        let tables = self.tables(main);
        let [table] = tables.as_slice() else { return None };
        match table.name.as_deref()? {
            SqlQuestion::PEOPLE => None,
            SqlQuestion::EVENTS => Some(EventSelector::Any),
            event => Some(EventSelector::Named(event.to_owned())),
        }
    }

    /// What it is grouped by, by name or by the place of what it shows.
    fn groups(&self, main: &Select, shown: &[Range<usize>]) -> Option<Vec<Group>> {
        let Some(clause) = main.clause("group") else { return Some(Vec::new()) };
        let items = self.items(&clause.body, main.depth);
        let group = |item: &Range<usize>| match self.number(item.clone()) {
            Some(place) => self.group(shown.get(place.checked_sub(1)?)?),
            None => self.group(item),
        };
        items.iter().map(group).collect()
    }

    fn group(&self, item: &Range<usize>) -> Option<Group> {
        if self.is_plain(item) {
            let name = self.pieces[item.end - 1].name()?;
            let is_own = [SqlQuestion::PERSON, SqlQuestion::TIME, SqlQuestion::EVENT].contains(&name.as_str());
            return if is_own { None } else { Some(Group::Column(name)) };
        }
        let [called, arguments] = self.call(item)?;
        if !self.pieces[called.start].is("date_trunc") {
            return None;
        }
        let parts = self.items(&arguments, self.pieces[arguments.start].depth);
        let [part, time] = parts.as_slice() else { return None };
        let Token::SingleQuotedString(part) = &self.pieces[part.start].token else { return None };
        let is_time = self.is_plain(time) && self.pieces[time.end - 1].is(SqlQuestion::TIME);
        let known = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month];
        let interval = known.into_iter().find(|interval| interval.name().eq_ignore_ascii_case(part));
        interval.filter(|_| is_time).map(Group::Time)
    }

    fn figure(&self, item: &Range<usize>, event: &EventSelector) -> Option<MeasureAtom> {
        let [called, arguments] = self.call(item)?;
        let (function, name) = (self.pieces[called.start].name()?, self.pieces[arguments.end - 1].name());
        let is_rows = arguments.len() == 1 && self.pieces[arguments.start].token == Token::Mul;
        let is_distinct = self.pieces[arguments.start].is("distinct");
        let column = if is_distinct { arguments.start + 1..arguments.end } else { arguments };
        let (function, property) = match function.as_str() {
            "count" if is_rows => (MeasureFunction::Count, None),
            "count" if is_distinct && name.as_deref() == Some(SqlQuestion::PERSON) => (MeasureFunction::People, None),
            "sum" if !is_distinct => (MeasureFunction::Sum, name),
            "avg" if !is_distinct => (MeasureFunction::Avg, name),
            "min" => (MeasureFunction::Min, name),
            "max" => (MeasureFunction::Max, name),
            _ => return None,
        };
        let is_known = is_rows || self.is_plain(&column);
        is_known.then(|| MeasureAtom { function, event: event.clone(), property })
    }

    /// The name of a call and what stands in its brackets, where an item is nothing else.
    fn call(&self, item: &Range<usize>) -> Option<[Range<usize>; 2]> {
        let open = item.start + 1;
        let is_call = item.len() > 3 && self.pieces[open].token == Token::LParen && self.closing(open)? == item.end - 1;
        is_call.then(|| [item.start..open, open + 1..item.end - 1])
    }

    fn conditions(&self, main: &Select) -> Option<Conditions> {
        let mut found = Conditions::default();
        let Some(clause) = main.clause("where") else { return Some(found) };
        for term in self.terms(&clause.body, main.depth) {
            match self.day(&term) {
                Some((true, day)) if found.from.is_none() => found.from = Some(day),
                Some((false, day)) if found.to.is_none() => found.to = Some(day),
                Some(_) => return None,
                None => found.others.push(self.condition(&term)?),
            }
        }
        Some(found)
    }

    /// The day that a term says events begin at, or end before.
    fn day(&self, term: &Range<usize>) -> Option<(bool, NaiveDate)> {
        let (column, rest) = (term.start..term.end.checked_sub(2)?, term.end - 2);
        let is_time = self.is_plain(&column) && self.pieces[column.end - 1].is(SqlQuestion::TIME);
        let Token::SingleQuotedString(day) = &self.pieces[rest + 1].token else { return None };
        let is_from = match self.pieces[rest].token {
            Token::GtEq => true,
            Token::Lt => false,
            _ => return None,
        };
        if is_time { Some((is_from, day.parse().ok()?)) } else { None }
    }

    /// A term about properties, as conditions of other questions have them.
    fn condition(&self, term: &Range<usize>) -> Option<Condition> {
        let mut text = String::new();
        for at in term.clone() {
            let piece = &self.pieces[at];
            let is_table = self.pieces.get(at + 1).is_some_and(|next| next.token == Token::Period);
            match (&piece.token, piece.name()) {
                (Token::Period, _) => {}
                (Token::Word(_), _) if is_table || piece.is_any(&WORDS) => {
                    let word = if is_table { String::new() } else { format!("{} ", piece.token) };
                    text.push_str(&word);
                }
                (Token::Word(_), Some(name)) => {
                    let is_own = [SqlQuestion::PERSON, SqlQuestion::TIME, SqlQuestion::EVENT].contains(&name.as_str());
                    if is_own || !crate::is_name(&name) {
                        return None;
                    }
                    text.push_str(&format!("event.{name} "));
                }
                (token, _) => text.push_str(&format!("{token} ")),
            }
        }
        parse_condition(&text).ok()
    }
}
