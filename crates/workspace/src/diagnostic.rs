//! What is wrong and where: places, the sink that collects diagnostics, and how a terminal shows them.

use spec::Diagnostic;
use std::fmt::Write as _;
use std::rc::Rc;

/// No text gets more diagnostics than this; nobody reads further.
const DIAGNOSTICS_MAX: usize = 1_000;

/// The diagnostics as the command line shows them: `path:line:column: message`, the hint on its own line.
pub fn render(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let Diagnostic { path, line, column, message, hint } = diagnostic;
        writeln!(text, "{path}:{line}:{column}: {message}").expect("writing to a string cannot fail");
        if !hint.is_empty() {
            writeln!(text, "    {hint}").expect("writing to a string cannot fail");
        }
    }
    text
}

/// A place in a file (`path` is the file) or in a request (`path` is a JSON pointer).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) path: Rc<str>,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    pub(crate) fn start_of(path: &str) -> Place {
        Place { path: path.into(), line: 1, column: 1 }
    }
}

/// Something wrong at a line and column of a text that stands alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Issue {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Issue {
    pub(crate) fn into_diagnostic(self) -> Diagnostic {
        let Issue { line, column, message, hint } = self;
        Diagnostic { path: String::new(), line, column, message, hint }
    }
}

/// Where diagnostics are collected.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Diagnostic>,
}

impl Problems {
    pub(crate) fn add(&mut self, place: &Place, message: String, hint: String) {
        if self.found.len() < DIAGNOSTICS_MAX {
            let Place { path, line, column } = place;
            self.found.push(Diagnostic { path: path.to_string(), line: *line, column: *column, message, hint });
        }
    }

    /// How many there are; a reader compares it before and after to learn whether its part was right.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// All of them, sorted by path, line and column.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        self.found
    }
}
