//! The text of a condition -> `spec::Condition`.
//!
//! Reads by descent: OR, AND, NOT, a comparison, its terms. A text that is no condition gives the first place where
//! reading had to stop and everything that was wrong before it. Nested ANDs and ORs become one, so that the tree's text
//! gives the same tree.

use crate::cursor::{Cursor, Spot, Step};
use crate::diagnostic::Issue;
use crate::names::{nearest, shortened};
use rust_decimal::Decimal;
use spec::{
    Aggregate, AggregateFunction, CompareOp, Condition, Diagnostic, Duration, EventSelector, FieldRef, Term, Value,
};
use sqlparser::tokenizer::Token;

#[cfg(test)]
mod tests;

/// The most comparisons in one condition.
const TERMS_MAX: usize = 1_000;
/// Signs of a pattern that stand for any text: what is looked for takes as much longer for each.
const WILDCARDS_MAX: usize = 64;

/// The longest list after `IN`.
const LIST_MAX: usize = 10_000;

const FUNCTIONS: [&str; 9] =
    ["count", "sum", "avg", "min", "max", "days_since_last", "days_since_first", "did", "in_audience"];

const FUNCTIONS_HINT: &str =
    "the functions are count, sum, avg, min, max, days_since_last, days_since_first, did and in_audience";

/// Parses a condition; line and column of the diagnostics are in the text, their path is empty.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_condition(text: &str) -> Result<Condition, Vec<Diagnostic>> {
    read_condition(text).map_err(|issues| issues.into_iter().map(Issue::into_diagnostic).collect())
}

pub(crate) fn read_condition(text: &str) -> Result<Condition, Vec<Issue>> {
    let mut reader = Reader { cursor: Cursor::new(text)?, n_terms: 0 };
    let condition = reader.whole();
    let issues = reader.cursor.into_issues();
    match condition {
        Ok(condition) if issues.is_empty() => Ok(condition),
        _ => Err(issues),
    }
}

/// `AND` of conditions, flat: an `And` among them gives its parts. The list must not be empty.
pub(crate) fn all_of(parts: Vec<Condition>) -> Condition {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Condition::And(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.len() == 1 { flat.remove(0) } else { Condition::And(flat) }
}

fn any_of(parts: Vec<Condition>) -> Condition {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Condition::Or(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    if flat.len() == 1 { flat.remove(0) } else { Condition::Or(flat) }
}

struct Reader {
    cursor: Cursor,
    n_terms: usize,
}

impl Reader {
    fn whole(&mut self) -> Step<Condition> {
        if self.cursor.peek().is_none() {
            return self.cursor.stop(
                self.cursor.spot(),
                "the condition is empty".into(),
                "write one, as in `did(purchase)`",
            );
        }
        let condition = self.disjunction()?;
        self.cursor.expect_end()?;
        Ok(condition)
    }

    fn disjunction(&mut self) -> Step<Condition> {
        let mut parts = vec![self.conjunction()?];
        while self.cursor.take_word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(any_of(parts))
    }

    fn conjunction(&mut self) -> Step<Condition> {
        let mut parts = vec![self.negation()?];
        while self.cursor.take_word("and") {
            parts.push(self.negation()?);
        }
        Ok(all_of(parts))
    }

    fn negation(&mut self) -> Step<Condition> {
        if !self.cursor.take_word("not") {
            return self.primary();
        }
        self.cursor.enter()?;
        let inner = self.negation()?;
        self.cursor.leave();
        Ok(not(inner))
    }

    fn primary(&mut self) -> Step<Condition> {
        if self.cursor.peek() == Some(&Token::LParen) {
            return self.brackets();
        }
        self.n_terms += 1;
        if self.n_terms > TERMS_MAX {
            let message = format!("it has more than {TERMS_MAX} comparisons");
            return self.cursor.stop(self.cursor.spot(), message, "use `IN (...)`, or save parts of it as audiences");
        }
        let calls = self.cursor.peek_at(1) == Some(&Token::LParen);
        match self.cursor.peek_word(0).map(str::to_ascii_lowercase).as_deref() {
            Some("did") if calls => self.did(),
            Some("in_audience") if calls => self.in_audience(),
            _ => self.comparison(),
        }
    }

    fn brackets(&mut self) -> Step<Condition> {
        self.cursor.enter()?;
        self.cursor.skip();
        if self.cursor.peek_word(0).is_some_and(|word| word.eq_ignore_ascii_case("select")) {
            return self.cursor.unexpected("a condition", "");
        }
        let inner = self.disjunction()?;
        self.cursor.expect(&Token::RParen, "close the bracket with `)`")?;
        self.cursor.leave();
        Ok(inner)
    }

    fn did(&mut self) -> Step<Condition> {
        self.cursor.skip();
        self.aggregate(AggregateFunction::Count, "did").map(Condition::Did)
    }

    fn in_audience(&mut self) -> Step<Condition> {
        self.cursor.skip();
        self.cursor.skip();
        let hint = "name the audience in quotes, as in `in_audience('gold')`";
        let Some(name) = self.cursor.take_text() else { return self.cursor.unexpected("an audience's name", hint) };
        self.cursor.expect(&Token::RParen, hint)?;
        Ok(Condition::InAudience(name))
    }

    fn comparison(&mut self) -> Step<Condition> {
        let spot = self.cursor.spot();
        let term = self.term()?;
        if let Some(op) = self.compare_op() {
            let right = self.right_side()?;
            return Ok(Condition::Compare { left: term, op, right });
        }
        if self.cursor.take_word("is") {
            let negated = self.cursor.take_word("not");
            if !self.cursor.take_word("null") {
                return self
                    .cursor
                    .unexpected("`NULL`", "write `IS NULL` or `IS NOT NULL`; compare flags as in `flag = TRUE`");
            }
            return Ok(negate_if(negated, Condition::IsNull(term)));
        }
        let negated = self.cursor.take_word("not");
        if self.cursor.take_word("in") {
            let values = self.list()?;
            return Ok(negate_if(negated, Condition::In { term, values }));
        }
        if self.cursor.take_word("like") {
            let spot = self.cursor.spot();
            let Some(pattern) = self.cursor.take_text() else {
                return self.cursor.unexpected("a pattern", "write it in quotes, as in `LIKE 'spring%'`");
            };
            if pattern.matches(['%', '_']).count() > WILDCARDS_MAX {
                let message = format!("the pattern has more than {WILDCARDS_MAX} times `%` or `_`");
                return self.cursor.stop(spot, message, "look for less at once");
            }
            return Ok(negate_if(negated, Condition::Like { term, pattern }));
        }
        if self.cursor.take_word("between") {
            return self.between(term).map(|condition| negate_if(negated, condition));
        }
        if negated {
            return self.cursor.unexpected("`IN`, `LIKE` or `BETWEEN`", "`NOT` stands before a whole comparison");
        }
        self.flag(term, spot)
    }

    fn compare_op(&mut self) -> Option<CompareOp> {
        let op = match self.cursor.peek()? {
            Token::Eq => CompareOp::Eq,
            Token::Neq => CompareOp::NotEq,
            Token::Lt => CompareOp::Less,
            Token::LtEq => CompareOp::LessEq,
            Token::Gt => CompareOp::Greater,
            Token::GtEq => CompareOp::GreaterEq,
            _ => return None,
        };
        self.cursor.skip();
        Some(op)
    }

    fn right_side(&mut self) -> Step<Term> {
        if self.cursor.peek_word(0).is_some_and(|word| word.eq_ignore_ascii_case("null")) {
            let spot = self.cursor.spot();
            self.cursor.skip();
            self.cursor.note(spot, "nothing equals NULL".into(), "write `IS NULL` or `IS NOT NULL`");
            return Ok(Term::Value(Value::Null));
        }
        self.term()
    }

    fn between(&mut self, term: Term) -> Step<Condition> {
        let low = self.right_side()?;
        if !self.cursor.take_word("and") {
            return self.cursor.unexpected("`AND`", "write `BETWEEN low AND high`");
        }
        let high = self.right_side()?;
        let compare = |op, right| Condition::Compare { left: term.clone(), op, right };
        Ok(Condition::And(vec![compare(CompareOp::GreaterEq, low), compare(CompareOp::LessEq, high)]))
    }

    fn list(&mut self) -> Step<Vec<Value>> {
        const HINT: &str = "list constants in brackets, as in `IN ('a', 'b')`";
        self.cursor.expect(&Token::LParen, HINT)?;
        let mut values = Vec::new();
        loop {
            let spot = self.cursor.spot();
            match self.constant()? {
                Some(value) => values.push(value),
                None if self.cursor.take_word("null") => {
                    self.cursor.note(spot, "nothing equals NULL".into(), "add `OR ... IS NULL`");
                }
                None if self.cursor.peek_word(0).is_some_and(|word| word.eq_ignore_ascii_case("select")) => {
                    return self.cursor.unexpected("a constant", "");
                }
                None => return self.cursor.unexpected("a constant", HINT),
            }
            if values.len() > LIST_MAX {
                let message = format!("the list has more than {LIST_MAX} values");
                return self.cursor.stop(spot, message, "make it an audience by a trait or an event");
            }
            if self.cursor.take(&Token::RParen) {
                return Ok(values);
            }
            self.cursor.expect(&Token::Comma, HINT)?;
        }
    }

    /// A term that stands alone: a flag, or `TRUE`.
    fn flag(&mut self, term: Term, spot: Spot) -> Step<Condition> {
        match term {
            Term::Field(_) | Term::Value(Value::Boolean(_)) if self.ends_comparison() => {
                Ok(Condition::Compare { left: term, op: CompareOp::Eq, right: Term::Value(Value::Boolean(true)) })
            }
            _ if self.ends_comparison() => {
                let hint = "compare it with something, as in `>= 3`";
                self.cursor.stop(spot, format!("`{}` is a value, not a condition", shortened(&term.to_string())), hint)
            }
            _ => self.cursor.unexpected("a comparison", ""),
        }
    }

    fn ends_comparison(&self) -> bool {
        match self.cursor.peek() {
            None | Some(Token::RParen | Token::Comma) => true,
            Some(Token::Word(_)) => {
                let word = self.cursor.peek_word(0).unwrap_or_default();
                word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
            }
            Some(_) => false,
        }
    }

    fn term(&mut self) -> Step<Term> {
        if let Some(value) = self.constant()? {
            return Ok(Term::Value(value));
        }
        if self.cursor.peek_at(1) == Some(&Token::LParen)
            && let Some(word) = self.cursor.peek_word(0).map(str::to_ascii_lowercase)
            && !matches!(word.as_str(), "in" | "not" | "and" | "or" | "between" | "select" | "exists" | "case")
        {
            return self.call(&word);
        }
        self.field()
    }

    fn field(&mut self) -> Step<Term> {
        let spot = self.cursor.spot();
        let is_event = self.cursor.peek_word(0).is_some_and(|word| word.eq_ignore_ascii_case("event"));
        if is_event {
            self.cursor.skip();
            self.cursor.expect(&Token::Period, "name a property of the event, as in `event.store`")?;
            return match self.cursor.take_name() {
                Some(name) => Ok(Term::Field(FieldRef::Property(name))),
                None => self.cursor.unexpected("a property", "name a property of the event, as in `event.store`"),
            };
        }
        let Some(name) = self.cursor.take_name() else {
            return self.cursor.unexpected("a trait, `event.property` or a value", "");
        };
        if self.cursor.take(&Token::Period) {
            let property = self.cursor.take_name().unwrap_or_else(|| "property".into());
            let message = format!("`{}.{}` cannot stand here", shortened(&name), shortened(&property));
            self.cursor.note(
                spot,
                message,
                &format!("write `event.{}` for a property of the event", shortened(&property)),
            );
        }
        Ok(Term::Field(FieldRef::Trait(name)))
    }

    /// A constant, if one comes next.
    fn constant(&mut self) -> Step<Option<Value>> {
        let spot = self.cursor.spot();
        if let Some(text) = self.cursor.take_text() {
            return Ok(Some(Value::Text(text)));
        }
        if self.cursor.take_word("true") {
            return Ok(Some(Value::Boolean(true)));
        }
        if self.cursor.take_word("false") {
            return Ok(Some(Value::Boolean(false)));
        }
        if let (Some(word), Some(Token::SingleQuotedString(_))) = (self.cursor.peek_word(0), self.cursor.peek_at(1)) {
            let word = word.to_ascii_lowercase();
            return self.dated_constant(&word, spot);
        }
        let negative =
            self.cursor.peek() == Some(&Token::Minus) && matches!(self.cursor.peek_at(1), Some(Token::Number(..)));
        if negative {
            self.cursor.skip();
        }
        let Some(Token::Number(digits, false)) = self.cursor.peek() else { return Ok(None) };
        let digits = digits.clone();
        self.cursor.skip();
        let value = number(&digits, negative);
        if value.is_none() {
            let hint = "use at most 18 digits, or an exponent as in `1e30`";
            self.cursor.note(spot, format!("`{}` is too large or too long a number", shortened(&digits)), hint);
        }
        Ok(Some(value.unwrap_or(Value::Integer(0))))
    }

    /// `DATE '...'` and `TIMESTAMP '...'`: the word is checked and dropped, the contract gives the type.
    fn dated_constant(&mut self, word: &str, spot: Spot) -> Step<Option<Value>> {
        if word != "date" && word != "timestamp" {
            let message = format!("`{}` before a text", shortened(word));
            return self.cursor.stop(spot, message, "write the text alone, as in `'spring'`");
        }
        self.cursor.skip();
        let text = self.cursor.take_text().unwrap_or_default();
        if crate::question::instant(&text).is_none() {
            let message = format!("`{}` is not a date", shortened(&text));
            self.cursor.note(spot, message, "write it as in `'2017-12-31'` or `'2017-12-31T18:00:00Z'`");
        }
        Ok(Some(Value::Text(text)))
    }

    fn call(&mut self, word: &str) -> Step<Term> {
        let spot = self.cursor.spot();
        self.cursor.skip();
        let function = match word {
            "count" => AggregateFunction::Count,
            "sum" => AggregateFunction::Sum,
            "avg" => AggregateFunction::Avg,
            "min" => AggregateFunction::Min,
            "max" => AggregateFunction::Max,
            "days_since_last" => AggregateFunction::DaysSinceLast,
            "days_since_first" => AggregateFunction::DaysSinceFirst,
            "did" | "in_audience" => {
                let message = format!("`{word}(...)` is true or false and is not compared");
                return self.cursor.stop(spot, message, &format!("write `{word}(...)` or `NOT {word}(...)` alone"));
            }
            _ => {
                self.cursor.skip();
                self.cursor.skip_brackets();
                let hint = match nearest(word, FUNCTIONS).first() {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => FUNCTIONS_HINT.to_owned(),
                };
                self.cursor.note(spot, format!("`{}` is not a function of conditions", shortened(word)), &hint);
                return Ok(Term::Value(Value::Integer(0)));
            }
        };
        self.aggregate(function, function.name()).map(Term::Aggregate)
    }

    /// The brackets of an aggregate: `(E[.p] [, within => '...'] [, where => (...)])`.
    fn aggregate(&mut self, function: AggregateFunction, word: &str) -> Step<Aggregate> {
        self.cursor.enter()?;
        self.cursor.expect(&Token::LParen, "")?;
        let spot = self.cursor.spot();
        let (event, property) = event_and_property(&mut self.cursor)?;
        check_property(&mut self.cursor, spot, word, takes_property(function), property.as_deref());
        let mut aggregate = Aggregate { function, event, property, within: None, filter: None };
        while self.cursor.take(&Token::Comma) {
            self.option(&mut aggregate)?;
        }
        self.cursor.expect(&Token::RParen, "write `, within => '30 days'` or `, where => (...)`, then `)`")?;
        self.cursor.leave();
        Ok(aggregate)
    }

    fn option(&mut self, aggregate: &mut Aggregate) -> Step<()> {
        let spot = self.cursor.spot();
        if let Some(Token::SingleQuotedString(text)) = self.cursor.peek() {
            let hint = format!("write `within => '{}'`", shortened(text));
            return self.cursor.unexpected("`within` or `where`", &hint);
        }
        let hint = "write `within => '30 days'` or `where => (...)`";
        if self.cursor.take_word("within") {
            self.cursor.expect(&Token::RArrow, hint)?;
            let text_spot = self.cursor.spot();
            let Some(text) = self.cursor.take_text() else {
                return self.cursor.unexpected("a duration in quotes", hint);
            };
            match Duration::parse(&text) {
                Ok(within) if aggregate.within.is_none() => aggregate.within = Some(within),
                Ok(_) => self.cursor.note(spot, "`within` stands twice".into(), "keep one of them"),
                Err(message) => self.cursor.note(text_spot, message, "write it as in `'30 days'`"),
            }
            return Ok(());
        }
        if self.cursor.take_word("where") {
            self.cursor.expect(&Token::RArrow, hint)?;
            let filter = self.disjunction()?;
            if aggregate.filter.replace(Box::new(filter)).is_some() {
                self.cursor.note(spot, "`where` stands twice".into(), "join the conditions with AND");
            }
            return Ok(());
        }
        self.cursor.unexpected("`within` or `where`", hint)
    }
}

/// `E`, `E.p` or `*`.
pub(crate) fn event_and_property(cursor: &mut Cursor) -> Step<(EventSelector, Option<String>)> {
    if cursor.take(&Token::Mul) {
        return Ok((EventSelector::Any, None));
    }
    let hint = "name an event, as in `count(purchase)`, or `*` for all";
    let Some(event) = cursor.take_name() else { return cursor.unexpected("an event", hint) };
    if !cursor.take(&Token::Period) {
        return Ok((EventSelector::Named(event), None));
    }
    match cursor.take_name() {
        Some(property) => Ok((EventSelector::Named(event), Some(property))),
        None => cursor.unexpected("a property", &format!("name a property of `{event}`")),
    }
}

/// Notes a property that is missing, or one that is too much.
pub(crate) fn check_property(cursor: &mut Cursor, spot: Spot, word: &str, takes: bool, property: Option<&str>) {
    match property {
        None if takes => {
            let hint = format!("name event and property, as in `{word}(purchase.amount)`");
            cursor.note(spot, format!("`{word}` takes a property of an event"), &hint);
        }
        Some(_) if !takes => {
            cursor.note(spot, format!("`{word}` takes an event, not a property"), &format!("write `{word}(purchase)`"));
        }
        _ => {}
    }
}

fn takes_property(function: AggregateFunction) -> bool {
    use AggregateFunction::{Avg, Max, Min, Sum};
    matches!(function, Sum | Avg | Min | Max)
}

fn not(inner: Condition) -> Condition {
    Condition::Not(Box::new(inner))
}

fn negate_if(negated: bool, condition: Condition) -> Condition {
    if negated { not(condition) } else { condition }
}

/// A whole number, a decimal (with a point) or a double (with an exponent); `None` if it does not fit.
fn number(digits: &str, negative: bool) -> Option<Value> {
    let text = if negative { format!("-{digits}") } else { digits.to_owned() };
    if digits.contains(['e', 'E']) {
        return text.parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Number);
    }
    if digits.contains('.') {
        return Decimal::from_str_exact(&text).ok().map(Value::Decimal);
    }
    text.parse().ok().map(Value::Integer)
}
