//! A text without some of its columns: where they are shown, grouped by, sorted by, and in the terms of conditions.

use super::clauses::{Clause, Select};
use super::{Edit, SqlText};
use std::ops::Range;

/// How often names that columns were given are followed.
const NAMES_FOLLOWED_MAX: usize = 8;

impl SqlText<'_> {
    /// The text without these columns, if something is left of each `SELECT`. What is computed from one of them goes with it,
    /// and so does what is computed from that.
    pub fn without(&self, names: &[&str]) -> Option<String> {
        let selects = self.selects();
        let names = self.followed(&selects, names.iter().map(|name| (*name).to_owned()).collect());
        let mut edits: Vec<Edit> = Vec::new();
        for select in &selects {
            // What stands in a part that goes, goes along.
            let start = self.pieces[select.start].start;
            if !edits.iter().any(|(gone, _)| gone.contains(&start)) {
                edits.extend(self.without_in(select, &names)?);
            }
        }
        self.edited(edits)
    }

    /// The names, and those that things computed from them are given.
    fn followed(&self, selects: &[Select], mut names: Vec<String>) -> Vec<String> {
        for _ in 0..NAMES_FOLLOWED_MAX {
            let items = selects.iter().flat_map(|select| self.items(&select.list, select.depth));
            let given = items.filter(|item| self.mentions(item, &names)).filter_map(|item| self.shown_as(&item));
            let new: Vec<String> = given.filter(|name| !names.contains(name)).collect();
            if new.is_empty() {
                break;
            }
            names.extend(new);
        }
        names
    }

    fn without_in(&self, select: &Select, names: &[String]) -> Option<Vec<Edit>> {
        let goes = |range: &Range<usize>| self.mentions(range, names);
        let shown = self.items(&select.list, select.depth);
        let gone: Vec<bool> = shown.iter().map(goes).collect();
        let mut edits = self.left_out(&shown, &gone)?;
        for clause in &select.clauses {
            edits.extend(match clause.word {
                "where" | "having" => {
                    let terms = self.terms(&clause.body, select.depth);
                    let left_out: Vec<bool> = terms.iter().map(goes).collect();
                    self.left_out(&terms, &left_out).unwrap_or_else(|| self.without_clause(clause))
                }
                "group" | "order" => self.without_items(select, clause, names, &gone),
                _ => Vec::new(),
            });
        }
        for on in self.tables(select).into_iter().filter_map(|table| table.on) {
            let terms = self.terms(&on, select.depth);
            let left_out: Vec<bool> = terms.iter().map(goes).collect();
            edits.extend(self.left_out(&terms, &left_out)?);
        }
        Some(edits)
    }

    /// What is grouped or sorted by, without the names and the items of the list that are gone; places in the list move up.
    fn without_items(&self, select: &Select, clause: &Clause, names: &[String], gone: &[bool]) -> Vec<Edit> {
        let items = self.items(&clause.body, select.depth);
        let is_gone = |item: &Range<usize>| {
            let of_list = self.place(item).and_then(|place| gone.get(place.checked_sub(1)?));
            self.mentions(item, names) || of_list.copied().unwrap_or_default()
        };
        let left_out: Vec<bool> = items.iter().map(is_gone).collect();
        let Some(mut edits) = self.left_out(&items, &left_out) else { return self.without_clause(clause) };
        for item in items.iter().zip(&left_out).filter(|(_, is_gone)| !**is_gone).map(|(item, _)| item) {
            let Some(place) = self.place(item) else { continue };
            let n_before = gone.iter().take(place).filter(|is_gone| **is_gone).count();
            if n_before > 0 {
                edits.push((self.bytes(item.start..item.start + 1), (place - n_before).to_string()));
            }
        }
        edits
    }

    fn without_clause(&self, clause: &Clause) -> Vec<Edit> {
        vec![(self.bytes_and_blanks(clause.all()), String::new())]
    }

    /// The place in the list that an item stands for, with a direction to sort in or without.
    fn place(&self, item: &Range<usize>) -> Option<usize> {
        let is_alone = item.len() == 1 || self.pieces.get(item.start + 1)?.is_any(&["asc", "desc", "nulls"]);
        self.number(item.start..item.start + 1).filter(|_| is_alone)
    }

    /// Items or terms left out, each with the sign or word that parts it from a neighbour; nothing where none would be left.
    fn left_out(&self, parts: &[Range<usize>], gone: &[bool]) -> Option<Vec<Edit>> {
        let first_kept = gone.iter().position(|is_gone| !is_gone)?;
        let edit = |number: usize| {
            let bytes = self.bytes(parts[number].clone());
            let range = if number < first_kept {
                bytes.start..self.bytes(parts[number + 1].clone()).start
            } else {
                self.bytes(parts[number - 1].clone()).end..bytes.end
            };
            (range, String::new())
        };
        Some((0..parts.len()).filter(|number| gone[*number]).map(edit).collect())
    }
}
