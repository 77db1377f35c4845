//! A text that shows rows of people as one that counts them.

use super::clauses::{Clause, Select};
use super::{Edit, SqlText};
use spec::SqlQuestion;
use std::ops::Range;

/// By more columns nobody looks at a count.
const GROUPS_MAX: usize = 3;
/// What ends a query, and has no place in a count.
const ENDS: [&str; 3] = ["order", "limit", "offset"];

impl SqlText<'_> {
    /// How many people are in its rows: a count in the place of what it shows, or around it where it has groups.
    pub fn counted(&self) -> Option<String> {
        let main = self.only_select()?;
        let items = self.items(&main.list, main.depth);
        let shown = items.iter().find(|item| self.is_column(item, SqlQuestion::PERSON));
        let mut edits: Vec<Edit> = self.without_ends(&main);
        let is_grouped =
            main.is_distinct || main.clauses.iter().any(|clause| ["group", "having"].contains(&clause.word));
        if is_grouped {
            let name = self.shown_as(shown?)?;
            let (start, end) = (self.pieces[main.start].start, self.end_before_ends(&main));
            edits.push((start..start, format!("SELECT count(DISTINCT {name}) AS people FROM (")));
            edits.push((end..end, ") q".to_owned()));
        } else {
            edits.push((self.bytes(main.list.clone()), self.count_of_people(&main, shown)?));
        }
        self.edited(edits)
    }

    /// How many people there are of each value of the columns that it shows, and these columns.
    pub fn counted_by(&self) -> Option<(Vec<String>, String)> {
        let main = self.only_select()?;
        if main.is_distinct || main.clauses.iter().any(|clause| ["group", "having"].contains(&clause.word)) {
            return None;
        }
        let items = self.items(&main.list, main.depth);
        let shown = items.iter().find(|item| self.is_column(item, SqlQuestion::PERSON));
        let is_own = |item: &&Range<usize>| {
            [SqlQuestion::PERSON, SqlQuestion::TIME].into_iter().any(|name| self.is_column(item, name))
        };
        let groups: Vec<&Range<usize>> = items.iter().filter(|item| !is_own(item)).collect();
        let is_known = groups.iter().all(|item| self.is_plain(&self.ungiven(item)));
        if groups.is_empty() || groups.len() > GROUPS_MAX || !is_known {
            return None;
        }
        let list: Vec<&str> = groups.iter().map(|item| self.written(item)).collect();
        let by: Vec<&str> =
            groups.iter().map(|item| self.text.get(self.bytes(self.ungiven(item))).unwrap_or("")).collect();
        let names = groups.iter().filter_map(|item| self.shown_as(item)).collect();
        let count = self.count_of_people(&main, shown)?;
        let end = self.pieces[main.end_of_rows() - 1].end;
        let mut edits: Vec<Edit> = self.without_ends(&main);
        edits.push((self.bytes(main.list.clone()), format!("{}, {count}", list.join(", "))));
        edits.push((end..end, format!(" GROUP BY {}", by.join(", "))));
        Some((names, self.edited(edits)?))
    }

    /// The count, with the table that its column is of where there are several.
    fn count_of_people(&self, main: &Select, shown: Option<&Range<usize>>) -> Option<String> {
        let person = match shown {
            Some(item) => self.written(&self.ungiven(item)).to_owned(),
            None => {
                let tables = self.tables(main);
                let first = tables.first()?;
                match tables.len() {
                    1 => SqlQuestion::PERSON.to_owned(),
                    _ => format!("{}.{}", first.called, SqlQuestion::PERSON),
                }
            }
        };
        Some(format!("count(DISTINCT {person}) AS people"))
    }

    fn without_ends(&self, main: &Select) -> Vec<Edit> {
        let ends = main.clauses.iter().filter(|clause| ENDS.contains(&clause.word));
        ends.map(|clause| (self.bytes_and_blanks(clause.all()), String::new())).collect()
    }

    fn end_before_ends(&self, main: &Select) -> usize {
        let first = main.clauses.iter().find(|clause| ENDS.contains(&clause.word)).map(|Clause { start, .. }| *start);
        self.pieces[first.unwrap_or(main.end) - 1].end
    }

    /// Whether an item is this column of a table.
    fn is_column(&self, item: &Range<usize>, name: &str) -> bool {
        let own = self.ungiven(item);
        self.is_plain(&own) && self.pieces[own.end - 1].name().as_deref() == Some(name)
    }
}
