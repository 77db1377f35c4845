//! The manual's file as it is read, and the words that pages name.

use super::*;
use crate::assets::TEMPLATES;
use crate::chart::tests::answer;
use crate::lineage::KIND_WORDS;
use crate::table::{cost, provenance};
use spec::{Cost, Provenance};
use std::collections::BTreeSet;

#[test]
fn rows_of_tables_become_words() {
    let text = "# Glossary\n\nOne | two | three\n\n## Some\n\nWords of `some`.\n\n| word | meaning | it is not |\n|---|---|---|\n\
                | withheld, left out | Kept from an answer. | Deleted: a cell is `null`. |\n| record (of deeds) | A `line`. | Data. |\n";
    let [section] = &parse(text)[..] else { panic!("there is one section") };
    assert_eq!((section.title.as_str(), section.id.as_str(), section.is_for_it), ("Some", "some", false));
    let ids: Vec<Vec<&str>> =
        section.entries.iter().map(|entry| entry.words.iter().map(|word| word.id.as_str()).collect()).collect();
    assert_eq!(ids, [vec!["withheld", "left-out"], vec!["record-of-deeds"]]);
    let is_not: Vec<(&str, bool)> =
        section.entries[0].is_not.iter().map(|piece| (piece.text.as_str(), piece.is_code)).collect();
    assert_eq!(is_not, [("Deleted: a cell is ", false), ("null", true), (".", false)]);
    assert_eq!(section.entries[1].plain(), "A line.");
}

#[test]
fn every_row_of_the_manual_is_a_word_with_a_place_of_its_own() {
    let rows = TEXT.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| word |")).count();
    let entries: Vec<&Entry> = GLOSSARY.iter().flat_map(|section| &section.entries).collect();
    assert_eq!(entries.len(), rows);
    assert!(entries.iter().all(|entry| !entry.meaning.is_empty() && !entry.is_not.is_empty()));
    let mut ids: BTreeSet<&str> = GLOSSARY.iter().map(|section| section.id.as_str()).collect();
    for word in entries.iter().flat_map(|entry| &entry.words) {
        assert!(!word.id.is_empty() && ids.insert(&word.id), "`{}` has a place of its own", word.text);
    }
    assert_eq!(GLOSSARY.iter().filter(|section| section.is_for_it).count(), 1, "the engine's section is there");
}

/// The words that a template names, whether beside their labels or in lists of pairs.
fn words_of(template: &str) -> impl Iterator<Item = &str> {
    template.split("term(\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default())
}

#[test]
fn pages_name_no_word_that_the_glossary_lacks() {
    let mut n_words = 0;
    for (name, text) in TEMPLATES {
        for word in words_of(text) {
            assert!(find(word).is_some(), "{name}: `{word}` is no word of docs/glossary.md");
            n_words += 1;
        }
    }
    assert!(n_words > 40, "templates name words in the way that this test looks for: {n_words}");
    for word in words_of_lines().into_iter().chain(KIND_WORDS.map(|(_, word, _)| word)) {
        assert!(find(word).is_some(), "`{word}` is no word of docs/glossary.md");
    }
    for word in ["purpose", "minimum group", "release level", "grant", "gap", "verdict", "guarded", "noise", "lift"] {
        assert!(find(word).is_some(), "{word}");
    }
}

/// The words of the lines under an answer.
fn words_of_lines() -> Vec<&'static str> {
    let cost_of_one = Cost { rows_read: 1, bytes_read: 1, seconds: 0.1 };
    let mut sample = Provenance { cost: Some(cost_of_one), ..answer(&[], Vec::new()).provenance };
    sample.people.withheld.insert("no_consent".to_owned(), Some(50));
    let lines = provenance(&sample).into_iter().chain(cost(&sample));
    let words: Vec<&str> = lines.map(|(_, _, word)| word).filter(|word| !word.is_empty()).collect();
    assert!(words.len() > 8 && words.contains(&"left out") && words.contains(&"cost"), "{words:?}");
    words
}

#[test]
fn a_label_leads_to_its_word() {
    let link = term("minimum group", "Groups from", false);
    assert!(
        link.starts_with("<a class=\"term\" href=\"/glossary#minimum-group\" title=\"The smallest number"),
        "{link}"
    );
    assert!(link.ends_with(">Groups from</a>"), "{link}");
    assert!(term("left out", "<b>", true).contains("href=\"/glossary?face=it#left-out\""));
    assert!(term("left out", "<b>", true).ends_with(">&lt;b&gt;</a>"));
    assert!(term("row group", "row group", false).contains("/glossary?face=it#"), "it is on IT's face alone");
    assert_eq!(term("no such word", "A & B", false), "A &amp; B");
}

#[test]
fn words_are_found_by_what_they_mean() {
    let found = |is_it: bool, wanted: &str| -> Vec<String> {
        let sections = sections(is_it, wanted);
        sections.iter().flat_map(|section| &section.entries).map(|entry| entry.words[0].text.clone()).collect()
    };
    assert!(found(false, "minimum gro").contains(&"minimum group".to_owned()));
    assert!(found(false, "false alarm").contains(&"alpha".to_owned()), "by its meaning");
    assert!(!found(false, "row group").contains(&"row group".to_owned()), "the engine's words are on IT's face");
    assert!(found(true, "row group").contains(&"row group".to_owned()));
    assert!(found(true, "zzz").is_empty());
    let n_words: usize = GLOSSARY.iter().flat_map(|of| &of.entries).map(|of| of.words.len()).sum();
    assert_eq!(addresses(true).len(), n_words);
}
