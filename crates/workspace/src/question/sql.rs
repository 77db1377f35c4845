//! Reading a question in SQL: that it is one `SELECT`, by the grammar alone.

use crate::diagnostic::{Issue, Problems};
use crate::fields::{Fields, text_of};
use spec::SqlQuestion;
use sqlparser::ast::Statement;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

const TEXT_BYTES_MAX: usize = 16 * 1024;
/// More would nest too deeply for whoever walks over it.
const TOKENS_MAX: usize = 2_000;
/// Words after which `*` stands for all columns.
const KEYWORDS: [&str; 3] = ["select", "distinct", "all"];

pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<SqlQuestion> {
    let hint = "write a SELECT, as in `text: SELECT count(*) FROM purchase`";
    let node = fields.required("text", hint, problems)?;
    let text = text_of(node, "text", problems)?.trim();
    if let Err(issue) = check(text) {
        node.report(vec![issue], problems);
        return None;
    }
    Some(SqlQuestion { text: text.trim_end_matches(';').trim_end().to_owned() })
}

/// The words of a text in SQL that may be names, quoted or not.
pub(crate) fn names(text: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().unwrap_or_default();
    let word = |token: Token| match token {
        Token::Word(word) if word.quote_style.is_some() => Some(word.value),
        Token::Word(word) => Some(word.value.to_lowercase()),
        _ => None,
    };
    tokens.into_iter().filter_map(word).collect()
}

fn check(text: &str) -> Result<(), Issue> {
    let issue = |message: String, hint: &str| Issue { line: 1, column: 1, message, hint: hint.to_owned() };
    if text.len() > TEXT_BYTES_MAX {
        return Err(issue("it is longer than 16 KiB".into(), "ask for less at once"));
    }
    let located = |message: String| {
        let (line, column) = place(&message);
        let message = message.split(" at Line: ").next().unwrap_or_default().to_owned();
        Issue { line, column, message, hint: "write one SELECT, as DataFusion reads it".into() }
    };
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| located(error.to_string()))?;
    if tokens.len() > TOKENS_MAX {
        return Err(issue(format!("it has more than {TOKENS_MAX} words and signs"), "ask for less at once"));
    }
    if let Some(place) = wildcard(&tokens) {
        let message = "`*` names columns that are not known yet".into();
        return Err(Issue {
            line: place.0,
            column: place.1,
            message,
            hint: "name the columns; to count rows write `count(*)`".into(),
        });
    }
    let parsed = Parser::new(&PostgreSqlDialect {}).with_tokens_with_locations(tokens).parse_statements();
    let statements = parsed.map_err(|error| located(error.to_string().replace("sql parser error: ", "")))?;
    match statements.as_slice() {
        [Statement::Query(_)] => Ok(()),
        [] => Err(issue("there is no statement in it".into(), "write a SELECT")),
        [_] => Err(issue("it is not a SELECT".into(), "questions change nothing: write a SELECT")),
        _ => Err(issue("it has several statements".into(), "ask one at a time")),
    }
}

/// Where all columns are asked for at once; a query that names parts of itself so would grow without bounds.
fn wildcard(tokens: &[TokenWithSpan]) -> Option<(usize, usize)> {
    let mut before: Option<&Token> = None;
    for token in tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))) {
        let asks_for_all = match before {
            Some(Token::Word(word)) => {
                word.quote_style.is_none() && KEYWORDS.contains(&word.value.to_lowercase().as_str())
            }
            Some(Token::Comma | Token::Period) => true,
            _ => false,
        };
        if token.token == Token::Mul && asks_for_all {
            let place = |number: u64| usize::try_from(number).unwrap_or(1);
            return Some((place(token.span.start.line), place(token.span.start.column)));
        }
        before = Some(&token.token);
    }
    None
}

/// The line and column that a message of the parser ends with.
fn place(message: &str) -> (usize, usize) {
    let mut numbers = message.rsplit(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(column), Some(line)) if message.contains(" at Line: ") => (line, column),
        _ => (1, 1),
    }
}
