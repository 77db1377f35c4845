//! What somebody meant who wrote a text that is no question in SQL: a slip that, mended, makes it one.

use super::{COUNT_ROWS, FUNCTIONS, NOT_BY_GRAMMAR, functions, is_readable};
use crate::diagnostic::Issue;
use crate::names::nearest;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// Words that are tried in the place of one like them.
const KEYWORDS: [&str; 18] = [
    "select", "distinct", "from", "where", "group", "having", "order", "limit", "offset", "join", "left", "inner",
    "union", "with", "between", "like", "desc", "and",
];
/// Words that are tried in one text, since each means that it is read once more.
const TRIES_MAX: usize = 6;
/// Shorter words are near everything.
const LETTERS_MIN: usize = 3;
/// Functions of other databases, and what does the same here.
const ELSEWHERE: [(&[&str], &str); 12] = [
    (&["substr", "substring", "mid"], "write `left(name, 3)` or `right(name, 3)`"),
    (&["trim"], "write `btrim(name)`"),
    (&["len", "strlen"], "write `character_length(name)`"),
    (&["ifnull", "nvl", "isnull"], "write `coalesce(a, b)`"),
    (&["if", "iif", "decode"], "write `CASE WHEN a THEN b ELSE c END`"),
    (&["instr", "position", "locate"], "write `strpos(name, 'a')`"),
    (
        &["year", "quarter", "month", "week", "day", "hour", "minute"],
        "write `date_part('year', time)` or `date_trunc('year', time)`",
    ),
    (&["getdate", "sysdate", "curdate", "today"], "write `now()` or `current_date`"),
    (&["date", "to_date", "to_timestamp", "timestamp"], "write times as '2017-02-01', or `date_trunc('day', time)`"),
    (&["datediff", "dateadd", "date_add", "date_sub"], "write `time >= now() - INTERVAL '7 days'`"),
    (
        &["rank", "dense_rank", "row_number", "ntile", "first", "last"],
        "sort with `ORDER BY` and put a `LIMIT` at the end",
    ),
    (
        &["median", "percentile_cont", "approx_distinct", "stddev", "variance", "uniq"],
        "figures: count, sum, avg, min, max; `count(DISTINCT person)` counts people",
    ),
];

/// What to say to somebody who wants a function that there is not.
pub(super) fn function(name: &str) -> String {
    if let Some((_, here)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&name)) {
        return (*here).to_owned();
    }
    match nearest(name, FUNCTIONS).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => functions(),
    }
}

/// An issue with a text, or the slip that made it where there is one.
pub(super) fn said(text: &str, issue: Issue) -> Issue {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location() else { return issue };
    let slip = || misspelt(&tokens).or_else(|| comma(&tokens));
    let found = match issue.hint.as_str() {
        COUNT_ROWS => all_columns(&tokens, &issue),
        NOT_BY_GRAMMAR => slip().or_else(|| bracket(&tokens)),
        _ => slip(),
    };
    found.unwrap_or(issue)
}

/// All columns of a table, where its rows may be meant.
fn all_columns(tokens: &[TokenWithSpan], issue: &Issue) -> Option<Issue> {
    let is_there = |token: &TokenWithSpan| {
        (token.span.start.line, token.span.start.column) == (issue.line as u64, issue.column as u64)
    };
    let at = tokens.iter().position(is_there)?;
    let is_of_table = at.checked_sub(1).is_some_and(|before| tokens[before].token == Token::Period);
    let counted = with(tokens, at, "count(*)");
    (!is_of_table && is_readable(&counted)).then(|| {
        let hint = format!("name the columns; to count rows write `{}`", one_line(&counted));
        Issue { hint, ..issue.clone() }
    })
}

/// A word of the grammar with a slip of the keyboard in it.
fn misspelt(tokens: &[TokenWithSpan]) -> Option<Issue> {
    let near = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) if word.quote_style.is_none() && word.value.chars().count() >= LETTERS_MIN => {
            let written = word.value.to_lowercase();
            let is_right = KEYWORDS.contains(&written.as_str());
            nearest(&written, KEYWORDS).into_iter().next().filter(|_| !is_right)
        }
        _ => None,
    };
    let words = tokens.iter().enumerate().filter_map(|(at, token)| Some((at, near(token)?.to_uppercase())));
    let (at, meant) = words.take(TRIES_MAX).find(|(at, meant)| is_readable(&with(tokens, *at, meant)))?;
    let message = format!("`{}` cannot be read here", tokens[at].token);
    Some(issue_at(&tokens[at], message, format!("did you mean `{meant}`?")))
}

/// A comma after the last item of a list.
fn comma(tokens: &[TokenWithSpan]) -> Option<Issue> {
    let commas = tokens.iter().enumerate().filter(|(_, token)| token.token == Token::Comma).map(|(at, _)| at);
    let is_last = |at: &usize| {
        let next = tokens[at + 1..].iter().find(|token| !matches!(token.token, Token::Whitespace(_)));
        next.is_none_or(|next| match &next.token {
            Token::Word(word) => word.quote_style.is_none() && KEYWORDS.contains(&word.value.to_lowercase().as_str()),
            token => matches!(token, Token::RParen | Token::EOF),
        })
    };
    let at = commas.filter(is_last).take(TRIES_MAX).find(|at| is_readable(&with(tokens, *at, "")))?;
    Some(issue_at(&tokens[at], "nothing follows a comma".to_owned(), "leave the comma out".to_owned()))
}

/// A bracket that is not closed, or closes nothing.
fn bracket(tokens: &[TokenWithSpan]) -> Option<Issue> {
    let mut open = Vec::new();
    for token in tokens {
        if token.token == Token::LParen {
            open.push(token);
        } else if token.token == Token::RParen && open.pop().is_none() {
            let hint = "leave it out, or open one before it".to_owned();
            return Some(issue_at(token, "a bracket closes nothing".to_owned(), hint));
        }
    }
    let token = open.pop()?;
    Some(issue_at(token, "a bracket is not closed".to_owned(), "write `)` where what is in it ends".to_owned()))
}

/// The text with something else in the place of one token.
fn with(tokens: &[TokenWithSpan], at: usize, put_in: &str) -> String {
    let written = |(number, token): (usize, &TokenWithSpan)| match number == at {
        true => put_in.to_owned(),
        false => token.token.to_string(),
    };
    tokens.iter().enumerate().map(written).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn issue_at(token: &TokenWithSpan, message: String, hint: String) -> Issue {
    let place = |number: u64| usize::try_from(number).unwrap_or(1);
    let start = token.span.start;
    Issue { line: place(start.line), column: place(start.column), message, hint }
}
