//! What a title is called in the workspace: the name of its file, and whether that is free.

use crate::error;
use crate::state::State;
use api::{NameView, Principal};
use sha2::{Digest, Sha256};
use spec::Result;

/// The longest name of a file.
const NAME_LENGTH_MAX: usize = 60;
/// The longest title, in characters.
const TITLE_LENGTH_MAX: usize = 200;
/// A title whose name is taken is numbered up to this, to find one that is free.
const NUMBER_MAX: u32 = 99;

/// The file that a title makes of a thing of this kind, and whether it can be made.
pub(crate) fn name_for(state: &State, who: &Principal, (kind, title): (&str, &str)) -> Result<NameView> {
    if !who.may_define {
        return Err(error::no_right(&who.role, "save definitions"));
    }
    let folder = match kind {
        "audience" => "audiences",
        "question" => "questions",
        other => return Err(error::invalid(format!("`{other}` cannot be saved"), "use `audience` or `question`")),
    };
    let loaded = state.folder.current()?;
    let path_of = |name: &str| format!("{folder}/{name}.yaml");
    // What could not be read as a definition is there as well.
    let is_taken = |path: &str| loaded.texts.contains_key(path) || state.folder.path().join(path).exists();
    let path = path_of(&file_name(kind, title)?);
    let numbered = |number: u32| {
        let title = format!("{} {number}", title.trim());
        let is_free = file_name(kind, &title).is_ok_and(|name| !is_taken(&path_of(&name)));
        is_free.then_some(title)
    };
    let is_free = !is_taken(&path);
    let instead = if is_free { None } else { (2..=NUMBER_MAX).find_map(numbered) };
    Ok(NameView { path, is_free, instead })
}

/// A file's stem from a title in any writing: small letters, digits and underscores, whole words as long as there is room.
pub(super) fn file_name(kind: &str, title: &str) -> Result<String> {
    let title = title.trim();
    if title.is_empty() {
        return Err(error::invalid("give it a title".to_owned(), "people find it by that"));
    }
    let length = title.chars().count();
    if length > TITLE_LENGTH_MAX {
        let message = format!("the title has {length} characters, and has room for {TITLE_LENGTH_MAX}");
        return Err(error::invalid(message, "put the rest into the description"));
    }
    let mut name = String::new();
    for letter in deunicode::deunicode(title).to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    // Where nothing can be written in letters, the title still makes the same name each time.
    if name.is_empty() {
        name = Sha256::digest(title)[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        return Ok(format!("{kind}_{name}"));
    }
    // A name starts with a letter.
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name = format!("{kind}_{name}");
    }
    Ok(cut_at_a_word(&name).trim_end_matches('_').to_owned())
}

/// As many whole words of a name as there is room for; of one long word its start.
fn cut_at_a_word(name: &str) -> &str {
    match name.get(..NAME_LENGTH_MAX) {
        Some(start) if name.len() > NAME_LENGTH_MAX => {
            let is_between = name.as_bytes().get(NAME_LENGTH_MAX) == Some(&b'_');
            let end = if is_between { NAME_LENGTH_MAX } else { start.rfind('_').unwrap_or(NAME_LENGTH_MAX) };
            &name[..end]
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_in_any_writing_make_names() {
        let name = |title: &str| file_name("question", title).expect("it is a title");
        assert_eq!(name(" Came by! "), "came_by");
        assert_eq!(name("Zürich: Käufer"), "zurich_kaufer");
        assert_eq!(name("30 days"), "question_30_days");
        assert_eq!(name("../users"), "users");
        for title in ["🎉 مشترون אבג 购物者", "购物者", "مشترون", "אבג", "\u{e000}", "…", "_"]
        {
            assert!(workspace::is_name(&name(title)), "{title} makes {}", name(title));
            assert_eq!(name(title), name(title));
        }
        assert!(name("\u{e000}").starts_with("question_"), "{}", name("\u{e000}"));
    }

    #[test]
    fn long_titles_are_cut_at_a_word_up_to_a_bound() {
        let name = |title: &str| file_name("audience", title);
        let words = "people ".repeat(20);
        assert_eq!(name(&words).expect("it is a title"), ["people"; 8].join("_"));
        assert_eq!(name(&"a".repeat(200)).expect("it is a title"), "a".repeat(NAME_LENGTH_MAX));
        for (title, words) in [("  ".to_owned(), "give it a title"), ("a".repeat(201), "201 characters")] {
            let wrong = name(&title).expect_err("it is none");
            assert!(wrong.message.contains(words), "{}", wrong.message);
        }
    }
}
