//! The case files: what there is, what is asked, and what comes out.
//!
//! A case starts from `cases/base.txt` and adds sections `=== file PATH`, `=== data SOURCE FILE`, `=== now TIME` and
//! `=== imported TIME`. `=== ask USER: TITLE` asks a question in YAML; below `---` stands what comes out, which
//! `cargo xtask bless` rewrites.

use super::world::{Setup, World, cases_folder, is_blessing, sections};
use api::{Input, Product};
use serde_json::Value as Json;
use spec::{Answer, Outcome, Reason, Remedy};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_case_comes_out_as_written() {
    let entries = fs::read_dir(cases_folder()).expect("the folder of cases is there");
    let paths = entries.map(|entry| entry.expect("an entry of a folder can be read").path());
    // The folder `demo` has a runner of its own.
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.is_file() && !path.ends_with("base.txt")).collect();
    paths.sort();
    let differing: Vec<String> = paths.iter().filter_map(|path| run(path)).collect();
    assert!(differing.is_empty(), "{}\nif that is right: cargo xtask bless", differing.join("\n"));
}

/// Runs one file; where it differs, and how.
fn run(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).expect("a case can be read");
    let mut setup = Setup::shop();
    let mut asked = Vec::new();
    for section in sections(&text) {
        match section.head.strip_prefix("ask ") {
            Some(head) => asked.push((head.to_owned(), section.body)),
            None => assert!(setup.take(&section), "{}: what is `{}`?", path.display(), section.head),
        }
    }
    let world = setup.open();
    let preamble = text.find("\n=== ask ").map_or(text.as_str(), |end| &text[..end]);
    let mut found = preamble.trim_end().to_owned();
    for (head, body) in &asked {
        let (user, _) = head.split_once(": ").expect("`ask USER: TITLE`");
        let question = body.split("\n---\n").next().unwrap_or_default().trim_end();
        let json = crate::question_from_text(question, "case").expect("a case's question is YAML");
        write!(found, "\n\n=== ask {head}\n{question}\n---\n{}", outcome(&world, user, &json).trim_end())
            .expect("writing to a string cannot fail");
    }
    found.push('\n');
    if found == text {
        return None;
    }
    if is_blessing() {
        fs::write(path, &found).expect("a case can be written");
        return None;
    }
    Some(difference(path, &text, &found))
}

/// Where a file and what came out part.
pub(super) fn difference(path: &Path, expected: &str, found: &str) -> String {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let at = expected.lines().zip(found.lines()).position(|(expected, found)| expected != found);
    let at = at.unwrap_or_else(|| expected.lines().count().min(found.lines().count()));
    let show = |text: &str| text.lines().skip(at).take(12).collect::<Vec<_>>().join("\n");
    format!("{name}:{}: expected\n{}\nfound\n{}", at + 1, show(expected), show(found))
}

/// What comes out of a question, and that the judge says the same.
fn outcome(world: &World, user: &str, question: &Json) -> String {
    let asked = match world.ask(user, question) {
        Ok(Input::Good(asked)) => asked,
        Ok(Input::Bad(diagnostics)) => {
            assert!(matches!(world.judge(user, question), Ok(Input::Bad(same)) if same == diagnostics));
            return workspace::render(&diagnostics);
        }
        Err(error) => return format!("error: {}\n", error.chain()),
    };
    let Ok(Input::Good(judged)) = world.judge(user, question) else { panic!("asked, but not judged: {question}") };
    assert_eq!(judged.verdict, asked.verdict, "{question}");
    let explained = world.app.explain(&world.who(user), question).expect("what is judged can be explained");
    let mut text = format!("\"{}\"\n", explained.sentence);
    match &asked.answer {
        Some(answer) => text.push_str(&table(answer)),
        None => {
            let _ = writeln!(text, "{}", asked.verdict.outcome.name());
            asked.verdict.reasons.iter().for_each(|reason| write_reason(&mut text, reason));
        }
    }
    assert_eq!(asked.answer.is_some(), asked.verdict.outcome == Outcome::Yes, "{question}");
    text
}

fn table(answer: &Answer) -> String {
    let name = |column: &spec::Column| match &column.unit {
        Some(unit) => format!("{}: {} ({unit})", column.name, column.value_type),
        None => format!("{}: {}", column.name, column.value_type),
    };
    let json = |value: &dyn Fn() -> serde_json::Result<String>| value().expect("cells are plain data");
    let mut text = answer.columns.iter().map(name).collect::<Vec<_>>().join(", ");
    text.push('\n');
    for row in &answer.rows {
        let _ = writeln!(text, "{}", json(&|| serde_json::to_string(row)));
    }
    for step in answer.waterfall.iter().flatten() {
        let show = |count: Option<u64>| count.map_or("withheld".to_owned(), |count| count.to_string());
        let left = if step.reason == "known" { String::new() } else { format!(", left {}", show(step.left)) };
        let _ = writeln!(text, "{}: {} ({}){left}", step.title, show(step.people), step.reason);
    }
    if let Some(ratio) = &answer.sample_ratio {
        let _ = writeln!(text, "sample ratio {}", json(&|| serde_json::to_string(ratio)));
    }
    let _ = writeln!(text, "people {}", json(&|| serde_json::to_string(&answer.provenance.people)));
    text
}

/// A reason with its remedies.
pub(super) fn write_reason(text: &mut String, reason: &Reason) {
    let _ = writeln!(text, "{} {}", reason.code.name(), reason.subject);
    let _ = writeln!(text, "  {}\n  {}", reason.for_marketing, reason.for_it);
    for remedy in &reason.remedies {
        let _ = match remedy {
            Remedy::Ask { title, question, effect } => {
                let effect = if effect.is_empty() { String::new() } else { format!(" ({effect})") };
                writeln!(text, "  > {title}{effect}: {}", question.to_json())
            }
            Remedy::Close { title, gap } => {
                let file = gap.file.as_deref().map_or(String::new(), |file| format!(", in {file}"));
                writeln!(text, "  > {title}: {}, by {}{file}", gap.what, gap.who)
            }
        };
    }
}
