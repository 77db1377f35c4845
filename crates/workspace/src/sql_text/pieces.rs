//! The words and signs of a text in SQL, each with its place. Blanks and comments are what lies between them.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// A word or a sign.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) token: Token,
    /// Its bytes.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: usize,
    pub(super) column: usize,
    /// Within how many round brackets it stands; a bracket itself is outside of what it encloses.
    pub(super) depth: usize,
}

/// The pieces of a text; nothing where it cannot be cut.
pub(super) fn pieces(text: &str) -> Option<Vec<Piece>> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location().ok()?;
    let starts = starts(text, &tokens);
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let mut found = Vec::with_capacity(tokens.len());
    let mut depth = 0_usize;
    for ((TokenWithSpan { token, span }, start), end) in tokens.into_iter().zip(starts.iter().copied()).zip(ends) {
        if token == Token::RParen {
            depth = depth.saturating_sub(1);
        }
        let own = depth;
        if token == Token::LParen {
            depth += 1;
        }
        if !matches!(token, Token::Whitespace(_) | Token::EOF) {
            let place = |number: u64| usize::try_from(number).unwrap_or(1);
            let (line, column) = (place(span.start.line), place(span.start.column));
            found.push(Piece { token, start, end, line, column, depth: own });
        }
    }
    Some(found)
}

/// The bytes at which tokens begin. They follow each other without anything between, and columns count characters.
fn starts(text: &str, tokens: &[TokenWithSpan]) -> Vec<usize> {
    let mut characters = text.char_indices();
    let (mut line, mut column, mut next) = (1, 1, characters.next());
    let mut found = Vec::with_capacity(tokens.len());
    for token in tokens {
        let place = (token.span.start.line, token.span.start.column);
        while let Some((_, character)) = next.filter(|_| (line, column) < place) {
            (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
            next = characters.next();
        }
        found.push(next.map_or(text.len(), |(at, _)| at));
    }
    found
}

impl Piece {
    /// Whether it is this word of the grammar, in small or capital letters.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.token, Token::Word(own) if own.quote_style.is_none() && own.value.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// The name that it may be, as it is read: without quotes capital letters are small.
    pub(super) fn name(&self) -> Option<String> {
        match &self.token {
            Token::Word(word) if word.quote_style.is_some() => Some(word.value.clone()),
            Token::Word(word) => Some(word.value.to_lowercase()),
            _ => None,
        }
    }
}
