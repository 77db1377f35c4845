//! Reading a question in SQL: that it is one `SELECT` of words and forms that are known, by the grammar alone.

mod meant;
mod shape;

use crate::diagnostic::{Issue, Problems};
use crate::fields::{Fields, text_of};
use crate::sql_text::SqlText;
use spec::SqlQuestion;
use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

const TEXT_BYTES_MAX: usize = 16 * 1024;
/// More would nest too deeply for whoever walks over it.
const TOKENS_MAX: usize = 2_000;
/// Round brackets within each other. The parser looks several times at what stands in those of a call, so that each one more
/// multiplies its work.
const DEPTH_MAX: usize = 6;
/// Words after which `*` stands for all columns.
const KEYWORDS: [&str; 3] = ["select", "distinct", "all"];
/// Words that a round bracket may follow besides names of functions.
const BEFORE_BRACKETS: [&str; 27] = [
    "and", "as", "between", "by", "case", "cast", "decimal", "distinct", "else", "except", "extract", "filter", "from",
    "having", "in", "join", "like", "not", "numeric", "on", "or", "select", "then", "union", "using", "when", "where",
];
/// The functions that there are.
const FUNCTIONS: [&str; 29] = [
    "avg",
    "btrim",
    "character_length",
    "coalesce",
    "contains",
    "count",
    "current_date",
    "date_part",
    "date_trunc",
    "ends_with",
    "exists",
    "greatest",
    "initcap",
    "least",
    "left",
    "lower",
    "ltrim",
    "max",
    "min",
    "now",
    "nullif",
    "right",
    "rtrim",
    "starts_with",
    "strpos",
    "sum",
    "upper",
    "length",
    "char_length",
];
/// Signs that match patterns, which may be as long as anything and come from anywhere.
const MATCHES: [Token; 8] = [
    Token::Tilde,
    Token::TildeAsterisk,
    Token::ExclamationMarkTilde,
    Token::ExclamationMarkTildeAsterisk,
    Token::DoubleTilde,
    Token::DoubleTildeAsterisk,
    Token::ExclamationMarkDoubleTilde,
    Token::ExclamationMarkDoubleTildeAsterisk,
];
/// Words of clauses that a bracket may follow elsewhere: nobody takes them for functions.
const CLAUSES: [Keyword; 10] = [
    Keyword::ALL,
    Keyword::ANY,
    Keyword::COPY,
    Keyword::CUBE,
    Keyword::LATERAL,
    Keyword::OVER,
    Keyword::ROLLUP,
    Keyword::SETS,
    Keyword::SOME,
    Keyword::VALUES,
];
/// Words before `DISTINCT` in a comparison, of which the parser takes too much for its right side.
const IS_OR_NOT: [Keyword; 2] = [Keyword::IS, Keyword::NOT];
/// Words of types that hold types, which nothing here has and the parser follows to any depth.
const NESTING: [&str; 5] = ["array", "map", "nested", "struct", "tuple"];

/// What to do about a text that the parser cannot read, and about one that asks for all columns.
const NOT_BY_GRAMMAR: &str = "write one SELECT, as DataFusion reads it";
const COUNT_ROWS: &str = "name the columns; to count rows write `count(*)`";

pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<SqlQuestion> {
    let hint = "write a SELECT, as in `text: SELECT count(*) FROM purchase`";
    let node = fields.required("text", hint, problems)?;
    let text = text_of(node, "text", problems)?.trim();
    if let Err(issue) = check(text) {
        node.report(vec![meant::said(text, issue)], problems);
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

/// Whether a text is a question in SQL, whatever its names mean.
pub(crate) fn is_readable(text: &str) -> bool {
    check(text).is_ok()
}

/// The query that a text is; nothing where it is none.
pub(crate) fn query(text: &str) -> Option<Box<Query>> {
    match Parser::parse_sql(&PostgreSqlDialect {}, text).ok()?.pop()? {
        Statement::Query(query) => Some(query),
        _ => None,
    }
}

fn check(text: &str) -> Result<(), Issue> {
    let issue = |message: String, hint: &str| {
        let (line, column) = place_in(text, &message);
        Issue { line, column, message, hint: hint.to_owned() }
    };
    if text.len() > TEXT_BYTES_MAX {
        return Err(issue("it is longer than 16 KiB".into(), "ask for less at once"));
    }
    let located = |message: String| {
        let (line, column) = place(&message);
        let message = message.split(" at Line: ").next().unwrap_or_default().to_owned();
        Issue { line, column, message, hint: NOT_BY_GRAMMAR.into() }
    };
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| located(error.to_string()))?;
    if tokens.len() > TOKENS_MAX {
        return Err(issue(format!("it has more than {TOKENS_MAX} words and signs"), "ask for less at once"));
    }
    let at = |token: &TokenWithSpan, message: String, hint: String| {
        let place = |number: u64| usize::try_from(number).unwrap_or(1);
        let start = token.span.start;
        Issue { line: place(start.line), column: place(start.column), message, hint }
    };
    if let Some(token) = too_deep(&tokens) {
        let message = format!("it has more than {DEPTH_MAX} brackets within each other");
        return Err(at(token, message, "name parts of it with `WITH name AS (...)`".into()));
    }
    if let Some(token) = wildcard(&tokens) {
        let message = "`*` names columns that are not known yet".into();
        return Err(at(token, message, COUNT_ROWS.into()));
    }
    if let Some((token, message, hint)) = unknown(&tokens) {
        return Err(at(token, message, hint));
    }
    let parsed = Parser::new(&PostgreSqlDialect {}).with_tokens_with_locations(tokens).parse_statements();
    let statements = parsed.map_err(|error| located(error.to_string().replace("sql parser error: ", "")))?;
    match statements.as_slice() {
        [Statement::Query(query)] => shape::check(query).map_err(|(message, hint)| issue(message, hint)),
        [] => Err(issue("there is no statement in it".into(), "write a SELECT")),
        [_] => Err(issue("it is not a SELECT".into(), "questions change nothing: write a SELECT")),
        _ => Err(issue("it has several statements".into(), "ask one at a time")),
    }
}

/// A word that is none here, with what to say of it.
///
/// What is not known is refused before the parser sees it: some of its special forms take it very long, or very deep.
fn unknown(tokens: &[TokenWithSpan]) -> Option<(&TokenWithSpan, String, String)> {
    let mut words = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).peekable();
    let (mut before, mut before_that) = (None, None);
    while let Some(token) = words.next() {
        if token.token == Token::Period && before_that == Some(&Token::Period) {
            return Some((token, "a name has more than two parts".into(), "write `table.column`".into()));
        }
        (before_that, before) = (before, Some(&token.token));
        if MATCHES.contains(&token.token) {
            return Some((token, format!("`{}` cannot be computed here", token.token), "write LIKE or ILIKE".into()));
        }
        let Token::Word(word) = &token.token else { continue };
        let name = word.value.to_lowercase();
        if name.starts_with("__") {
            return Some((token, format!("`{}` begins with two underscores", word.value), "take another name".into()));
        }
        let next = words.peek().map(|token| &token.token);
        if word.quote_style.is_some() {
            if next == Some(&Token::LParen) {
                let hint = "write names of functions without quotes";
                return Some((token, format!("there is no function `{}`", word.value), hint.into()));
            }
            continue;
        }
        if NESTING.contains(&name.as_str()) {
            let hint = "a column of this name stands in double quotes";
            return Some((token, format!("`{name}` is no type of a column here"), hint.into()));
        }
        if name == "distinct" && matches!(before_that, Some(Token::Word(word)) if IS_OR_NOT.contains(&word.keyword)) {
            return Some((
                token,
                "`IS DISTINCT FROM` cannot be asked here".into(),
                "write `a <> b`, or `a IS NULL`".into(),
            ));
        }
        if name == "interval" && !matches!(next, Some(Token::SingleQuotedString(_))) {
            return Some((token, "an interval is not written out".into(), "write it as in `INTERVAL '7 days'`".into()));
        }
        let is_known = || BEFORE_BRACKETS.contains(&name.as_str()) || FUNCTIONS.contains(&name.as_str());
        if next == Some(&Token::LParen) && !is_known() {
            let is_clause = CLAUSES.contains(&word.keyword);
            let what = if is_clause { "a bracket cannot follow" } else { "there is no function" };
            let hint = if is_clause { functions() } else { meant::function(&name) };
            return Some((token, format!("{what} `{name}`"), hint));
        }
    }
    None
}

/// What there is to choose from.
fn functions() -> String {
    "functions: coalesce, nullif, greatest, least, lower, upper, initcap, btrim, ltrim, rtrim, left, right, strpos, \
     character_length, contains, starts_with, ends_with, date_trunc, date_part, now, current_date; count, sum, avg, min, max"
        .to_owned()
}

/// Where the word stands that a message has between its first backticks, if it stands there once.
fn place_in(text: &str, message: &str) -> (usize, usize) {
    let quoted = message.split('`').nth(1).and_then(|quoted| quoted.split_whitespace().next());
    let place = quoted.and_then(|word| SqlText::new(text)?.place_of(word));
    place.unwrap_or((1, 1))
}

/// The bracket that is within too many others.
fn too_deep(tokens: &[TokenWithSpan]) -> Option<&TokenWithSpan> {
    let mut depth = 0_usize;
    tokens.iter().find(|token| {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEPTH_MAX
    })
}

/// Where all columns are asked for at once; a query that names parts of itself so would grow without bounds.
fn wildcard(tokens: &[TokenWithSpan]) -> Option<&TokenWithSpan> {
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
            return Some(token);
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
