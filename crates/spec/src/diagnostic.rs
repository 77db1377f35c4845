//! What is wrong with a text that a user wrote, and where.

use serde::Serialize;

/// One thing wrong with a file or a request, with its place and a way to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file in the workspace (`metrics/net_sales.yaml`), or the JSON pointer in a request (`/question/where`).
    pub path: String,
    /// Line in that text, from 1.
    pub line: usize,
    /// Column in that line, in characters, from 1.
    pub column: usize,
    /// What is wrong, lower case, no final stop.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}
