//! The tokens of a condition or a measure, read one by one, each with its line and column.
//!
//! The tokens are `sqlparser`'s. Its expression parser is not used: it accepts all of SQL, tries several readings of the
//! same brackets in turn, and keeps a place for some nodes only. Over a closed grammar each token is read once here, any
//! name a contract may hold stays a name, and every diagnostic has its place.

use crate::diagnostic::Issue;
use crate::names::shortened;
use spec::is_reserved;
use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// The longest condition.
pub(crate) const TEXT_BYTES_MAX: usize = 16 * 1024;

/// How deep brackets and `NOT` may nest.
const DEPTH_MAX: usize = 64;

/// Reading stopped; the reason is among the issues.
#[derive(Debug)]
pub(crate) struct Stopped;

/// What a step of reading gives.
pub(crate) type Step<T> = Result<T, Stopped>;

/// A line and a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    line: usize,
    column: usize,
}

/// Tokens, how far they are read, and what was wrong on the way.
pub(crate) struct Cursor {
    tokens: Vec<TokenWithSpan>,
    next: usize,
    end: Spot,
    depth: usize,
    issues: Vec<Issue>,
}

impl Cursor {
    /// The tokens of a text, or why it has none.
    pub(crate) fn new(text: &str) -> Result<Cursor, Vec<Issue>> {
        let issue = |line, column, message: &str, hint: &str| {
            Err(vec![Issue { line, column, message: message.to_owned(), hint: hint.to_owned() }])
        };
        if text.len() > TEXT_BYTES_MAX {
            return issue(
                1,
                1,
                "it is longer than 16 KiB",
                "save parts of it as audiences and use `in_audience('name')`",
            );
        }
        let tokens = match Tokenizer::new(&Names, text).tokenize_with_location() {
            Ok(tokens) => tokens,
            Err(error) => {
                let spot = Spot::from(error.location);
                let message = error.message.to_lowercase();
                return issue(
                    spot.line,
                    spot.column,
                    &message,
                    "close what is open: each quote and bracket has a partner",
                );
            }
        };
        let tokens: Vec<TokenWithSpan> =
            tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF)).collect();
        let end = tokens.last().map_or(Spot { line: 1, column: 1 }, |last| Spot::from(last.span.end));
        Ok(Cursor { tokens, next: 0, end, depth: 0, issues: Vec::new() })
    }

    /// The issues in the order of the text; after them nothing is read.
    pub(crate) fn into_issues(mut self) -> Vec<Issue> {
        self.issues.sort_by_key(|issue| (issue.line, issue.column));
        self.issues
    }

    /// Where the next token stands.
    pub(crate) fn spot(&self) -> Spot {
        self.tokens.get(self.next).map_or(self.end, |token| Spot::from(token.span.start))
    }

    /// The next token, if there is one.
    pub(crate) fn peek(&self) -> Option<&Token> {
        self.peek_at(0)
    }

    /// The token after so many others.
    pub(crate) fn peek_at(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next + ahead).map(|token| &token.token)
    }

    pub(crate) fn skip(&mut self) {
        self.next += 1;
    }

    /// Takes the next token if it is this one.
    pub(crate) fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    /// Takes the next token if it is this keyword.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_word(0).is_some_and(|found| found.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    /// The word so many tokens ahead, if it is one without quotes.
    pub(crate) fn peek_word(&self, ahead: usize) -> Option<&str> {
        match self.peek_at(ahead) {
            Some(Token::Word(word)) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    /// Takes the next token if it is a name; a reserved word is one in double quotes only.
    pub(crate) fn take_name(&mut self) -> Option<String> {
        let name = match self.peek() {
            Some(Token::Word(word)) if word.quote_style == Some('"') => word.value.clone(),
            Some(Token::Word(word)) if word.quote_style.is_none() && !is_reserved(&word.value) => word.value.clone(),
            _ => return None,
        };
        self.skip();
        Some(name)
    }

    /// Takes the next token if it is a text.
    pub(crate) fn take_text(&mut self) -> Option<String> {
        let Some(Token::SingleQuotedString(text)) = self.peek() else { return None };
        let text = text.clone();
        self.skip();
        Some(text)
    }

    pub(crate) fn expect(&mut self, token: &Token, hint: &str) -> Step<()> {
        if self.take(token) { Ok(()) } else { self.unexpected(&format!("`{token}`"), hint) }
    }

    /// Stops at a token that cannot stand here.
    pub(crate) fn unexpected<T>(&mut self, wanted: &str, hint: &str) -> Step<T> {
        let found = match self.peek() {
            Some(token) => format!("`{}`", shortened(&token.to_string())),
            None => "the end".to_owned(),
        };
        let hint = match self.peek() {
            Some(token) if hint.is_empty() => hint_for(token).to_owned(),
            None if hint.is_empty() => "finish it, as in `count(visit) >= 3`, or take its last word away".to_owned(),
            _ => hint.to_owned(),
        };
        self.stop(self.spot(), format!("expected {wanted}, found {found}"), &hint)
    }

    /// Stops for a reason.
    pub(crate) fn stop<T>(&mut self, spot: Spot, message: String, hint: &str) -> Step<T> {
        self.note(spot, message, hint);
        Err(Stopped)
    }

    /// Notes something wrong, and reads on.
    pub(crate) fn note(&mut self, spot: Spot, message: String, hint: &str) {
        self.issues.push(Issue { line: spot.line, column: spot.column, message, hint: hint.to_owned() });
    }

    /// Goes a level deeper; each call has its `leave`.
    pub(crate) fn enter(&mut self) -> Step<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("it nests deeper than {DEPTH_MAX} levels");
            return self.stop(self.spot(), message, "save parts of it as audiences and use `in_audience('name')`");
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Skips to behind the bracket that closes the one just read.
    pub(crate) fn skip_brackets(&mut self) {
        let mut open = 1;
        while open > 0 && self.next < self.tokens.len() {
            match self.tokens[self.next].token {
                Token::LParen => open += 1,
                Token::RParen => open -= 1,
                _ => {}
            }
            self.next += 1;
        }
    }

    pub(crate) fn expect_end(&mut self) -> Step<()> {
        if self.next == self.tokens.len() { Ok(()) } else { self.unexpected("the end", "") }
    }
}

impl From<Location> for Spot {
    fn from(location: Location) -> Spot {
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX).max(1);
        Spot { line: number(location.line), column: number(location.column) }
    }
}

/// What makes a name: letters, digits and `_`; anything else stands in double quotes.
#[derive(Debug)]
struct Names;

impl Dialect for Names {
    fn is_identifier_start(&self, character: char) -> bool {
        character.is_alphabetic() || character == '_'
    }

    fn is_identifier_part(&self, character: char) -> bool {
        character.is_alphanumeric() || character == '_'
    }
}

/// What to do about a token that SQL has and conditions have not.
fn hint_for(token: &Token) -> &'static str {
    match token {
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat => {
            "a condition compares values and does not calculate with them"
        }
        Token::DoubleColon => "leave the cast out: the contract gives each name its type",
        Token::DoubleEq => "write `=`",
        Token::SemiColon => "write one condition, without a `;`",
        Token::Word(word) if word.value.eq_ignore_ascii_case("ilike") => "use `LIKE`; it minds capital letters",
        Token::Word(word) if word.value.eq_ignore_ascii_case("case") => {
            "CASE is not part of conditions: use AND, OR and NOT"
        }
        Token::Word(word) if word.value.eq_ignore_ascii_case("select") => {
            "a condition has no sub-queries: use count(E), did(E) or in_audience('name')"
        }
        _ => "join comparisons with AND, OR and NOT",
    }
}
