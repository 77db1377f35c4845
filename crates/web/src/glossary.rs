//! The glossary of the manual on pages: its words in their sections, and links from labels to them.
//!
//! `docs/glossary.md` is the one truth and is read into the program as it stands; here its tables are parsed. Templates
//! write `term("minimum group")`, and a test finds every word that the glossary lacks. Words of the engine are for
//! those who run the program or work on it: their section is on IT's face alone, so that a newcomer from marketing does
//! not have to tell them from the words of the work.

use minijinja::{Environment, HtmlEscape, State, Value};
use serde::Serialize;
use std::fmt::Write;
use std::sync::LazyLock;

/// The file as it was when the program was built.
const TEXT: &str = include_str!("../../../docs/glossary.md");
/// The section that IT's face shows alone.
const FOR_IT: &str = "Inside the engine";

static GLOSSARY: LazyLock<Vec<Section>> = LazyLock::new(|| parse(TEXT));

/// Words that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) id: String,
    pub(crate) is_for_it: bool,
    pub(crate) entries: Vec<Entry>,
}

/// A word, or several for the same thing, with what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) words: Vec<Word>,
    pub(crate) meaning: Vec<Piece>,
    pub(crate) is_not: Vec<Piece>,
}

/// A word and its place on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) id: String,
}

/// A stretch of a text, as it is read or as it is typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) is_code: bool,
}

impl Entry {
    /// What it means, as plain text.
    fn plain(&self) -> String {
        self.meaning.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// Whether each of these words, in small letters, stands in it.
    fn has(&self, wanted: &str) -> bool {
        let mut text = self.plain().to_lowercase();
        for word in &self.words {
            let _ = write!(text, " {}", word.text.to_lowercase());
        }
        wanted.split_whitespace().all(|word| text.contains(word))
    }
}

/// The sections of a face with the words that match, in the manual's order, in which one word leads to the next.
pub(crate) fn sections(is_it: bool, wanted: &str) -> Vec<Section> {
    let shown = GLOSSARY.iter().filter(|section| is_it || !section.is_for_it);
    let narrowed = shown.map(|section| Section {
        entries: section.entries.iter().filter(|entry| entry.has(wanted)).cloned().collect(),
        ..section.clone()
    });
    narrowed.filter(|section| !section.entries.is_empty()).collect()
}

/// All words of a face with their addresses, for the palette.
pub(crate) fn addresses(is_it: bool) -> Vec<(String, String)> {
    let sections = GLOSSARY.iter().filter(|section| is_it || !section.is_for_it);
    let words = sections.flat_map(|section| section.entries.iter().flat_map(|entry| &entry.words));
    words.map(|word| (word.text.clone(), address(&word.id, is_it))).collect()
}

/// Makes `term` known to templates: `term("minimum group")`, or with another label `term("lift", "Change")`.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_function("term", |state: &State<'_, '_>, word: String, label: Option<String>| {
        let is_it = state.lookup("frame").and_then(|frame| frame.get_attr("is_it").ok()).is_some_and(|is| is.is_true());
        Value::from_safe_string(term(&word, label.as_deref().unwrap_or(&word), is_it))
    });
}

/// A label that leads to its word. One that is no word of the glossary stays a label, so that no page breaks on it.
fn term(word: &str, label: &str, is_it: bool) -> String {
    let label = HtmlEscape(label);
    let Some((section, entry, id)) = find(word) else { return label.to_string() };
    let (href, meaning) = (address(id, is_it || section.is_for_it), entry.plain());
    format!("<a class=\"term\" href=\"{href}\" title=\"{}\">{label}</a>", HtmlEscape(&meaning))
}

/// The entry of a word, and where on the page it is.
fn find(word: &str) -> Option<(&'static Section, &'static Entry, &'static str)> {
    GLOSSARY.iter().find_map(|section| {
        section.entries.iter().find_map(|entry| {
            let found = entry.words.iter().find(|known| known.text == word)?;
            Some((section, entry, found.id.as_str()))
        })
    })
}

fn address(id: &str, is_it: bool) -> String {
    format!("/glossary{}#{id}", if is_it { "?face=it" } else { "" })
}

/// The sections of a text in Markdown and the rows of their tables; whatever else stands there is for readers of the
/// file.
fn parse(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section {
                title: title.to_owned(),
                id: id_of(title),
                is_for_it: title == FOR_IT,
                entries: Vec::new(),
            });
        } else if let (Some(entry), Some(section)) = (entry(line), sections.last_mut()) {
            section.entries.push(entry);
        }
    }
    sections
}

/// A row of a table; the head and the line under it are none.
fn entry(line: &str) -> Option<Entry> {
    let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let [words, meaning, is_not] = cells[..] else { return None };
    if words == "word" || words.starts_with("---") {
        return None;
    }
    let word = |text: &str| Word { id: id_of(text), text: text.to_owned() };
    let words = words.split(", ").map(|text| word(text.trim_matches('`'))).collect();
    Some(Entry { words, meaning: pieces(meaning), is_not: pieces(is_not) })
}

/// A text cut at its backticks.
fn pieces(text: &str) -> Vec<Piece> {
    let cut = text.split('`').enumerate();
    let all = cut.map(|(index, text)| Piece { text: text.to_owned(), is_code: index % 2 == 1 });
    all.filter(|piece| !piece.text.is_empty()).collect()
}

/// `minimum-group`: small letters and digits, with a dash for whatever is between.
fn id_of(text: &str) -> String {
    let mut id = String::new();
    for letter in text.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            id.push(letter);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    id.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests;
