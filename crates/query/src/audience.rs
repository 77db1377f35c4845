//! Audiences: a condition on each granted person, from their events and traits.

use crate::cells;
use crate::error;
use crate::expression::{Predicate, aggregate_column};
use crate::fold::{Fold, PartFigures};
use crate::pass::{Pass, Wanted, column_name, typed};
use crate::plan::{Limits, Rows, Scope};
use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::and;
use arrow::datatypes::{Field, Schema, SchemaRef};
use lake::Row;
use spec::{Aggregate, AudienceQuestion, Condition, FieldRef, Mask, PersonId, Release, Result, Term, Value, ValueType};
use std::collections::BinaryHeap;
use std::sync::Arc;

/// So many people are looked at together.
const PEOPLE_AT_ONCE: usize = 1 << 16;
/// A list asks whether to stop after so many names.
const NAMES_BETWEEN_STOPS: usize = 1 << 12;
/// Rows of a list without a `limit`.
const LIST_ROWS_DEFAULT: u32 = 1_000;

/// Answers an audience; its meaning is in the manual.
///
/// # Shape
/// One row with the count; for a list one row per person, by pseudonym. `Rows::steps` has one step per top-level term.
pub(crate) fn run(scope: Scope<'_>, question: &AudienceQuestion) -> Result<Rows> {
    let as_of = question.as_of.unwrap_or(scope.plan.now);
    let mut aggregates = Vec::new();
    collect(&question.condition, &mut aggregates);
    let mut wanted = Wanted::default();
    Fold::want(&aggregates, &mut wanted);
    scope.plan.traits.keys().for_each(|name| wanted.field(&FieldRef::Trait(name.clone())));
    let period = Fold::period(&aggregates, as_of);
    let pass = Pass::open(&scope.plan.properties, &wanted, period, scope.grant, scope.snapshot)?;
    let is_list = question.release != Release::Aggregate;
    let audience = Audience::new(scope, question, &aggregates, (as_of, &pass), is_list)?;
    let mut counts = vec![0; audience.terms.len() + 1];
    let mut inside = Vec::new();
    for part in pass.fold(scope.limits, &|part| audience.fold(part, scope.limits))? {
        counts.iter_mut().zip(part.counts).for_each(|(all, more)| *all += more);
        inside.extend(part.inside);
    }
    let min_group = scope.grant.min_group();
    let n_people = counts.last().copied().filter(|count| *count >= min_group);
    let (columns, rows) = match question.release {
        Release::Aggregate => {
            let mut columns = vec![cells::column("people", ValueType::Integer, Some("people"))];
            let row = (vec![n_people.map_or(Value::Null, cells::count)], n_people.is_none());
            let rows = cells::mark_withheld(&mut columns, vec![row]);
            (columns, rows)
        }
        // A list of too few people would name them: it is empty, and the judge says why.
        Release::List | Release::Profile if n_people.is_none() => (list_columns(scope, question), Vec::new()),
        Release::List | Release::Profile => list(scope, question, &inside, &pass)?,
    };
    let steps = steps(&counts, min_group);
    let (rows_read, bytes_read) = pass.cost();
    Ok(Rows { columns, rows, steps, people: n_people, sample_ratio: None, rows_read, bytes_read })
}

/// A condition on people, ready to be looked at part by part.
struct Audience<'a> {
    fold: Fold,
    pass: &'a Pass,
    /// The traits, in the order of their columns.
    traits: Vec<String>,
    /// `trait.t`, then `aggregate.N`.
    schema: SchemaRef,
    /// The top-level terms of the condition.
    terms: Vec<Predicate>,
    is_list: bool,
}

/// What a condition comes to in one part.
struct PartAudience {
    /// People, and those left after each term.
    counts: Vec<u64>,
    /// Those left in the end, for a list.
    inside: Vec<i64>,
}

impl Audience<'_> {
    fn new<'a>(
        scope: Scope<'_>,
        question: &AudienceQuestion,
        aggregates: &[Aggregate],
        (as_of, pass): (spec::Instant, &'a Pass),
        is_list: bool,
    ) -> Result<Audience<'a>> {
        let fold = Fold::new(aggregates, as_of, pass)?;
        let traits: Vec<String> = scope.plan.traits.keys().cloned().collect();
        let mut fields = Vec::new();
        for name in &traits {
            let field = FieldRef::Trait(name.clone());
            fields.push(Field::new(column_name(&field), pass.type_of(&field)?, true));
        }
        for (index, data_type) in fold.types()?.into_iter().enumerate() {
            fields.push(Field::new(aggregate_column(index), data_type, true));
        }
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let terms = question.condition.conjuncts();
        let terms = terms.iter().map(|term| Predicate::compile(term, &schema, aggregates));
        Ok(Audience { fold, pass, traits, terms: terms.collect::<Result<_>>()?, schema, is_list })
    }

    /// Looks at the people of a part, also at those without rows, some at a time.
    fn fold(&self, part: usize, limits: &Limits) -> Result<PartAudience> {
        let figures = self.fold.figures(self.pass, part, limits)?;
        let mut found = PartAudience { counts: vec![0; self.terms.len() + 1], inside: Vec::new() };
        let (mut first, last) = self.pass.range(part);
        loop {
            let (people, rows) = self.pass.traits().everybody((first, last), PEOPLE_AT_ONCE);
            self.look(&figures, &people, &rows, &mut found)?;
            match people.last() {
                Some(end) if people.len() == PEOPLE_AT_ONCE => first = end + 1,
                _ => return Ok(found),
            }
            if (limits.stop)() {
                return Err(error::stopped());
            }
        }
    }

    /// Looks at people, given by their numbers and the rows of their traits.
    fn look(
        &self,
        figures: &PartFigures,
        people: &[i64],
        rows: &[Option<Row>],
        found: &mut PartAudience,
    ) -> Result<()> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (name, field) in self.traits.iter().zip(self.schema.fields()) {
            let column = self.pass.traits().column(name).ok_or_else(|| error::bug("a trait was not read"))?;
            columns.push(typed(column.array(rows.iter().copied())?, field.data_type()));
        }
        columns.extend(self.fold.columns(figures, people)?);
        let batch = cells::batch(&self.schema, columns, people.len())?;
        let mut inside = BooleanArray::from(vec![true; people.len()]);
        found.counts[0] += people.len() as u64;
        for (term, count) in self.terms.iter().zip(&mut found.counts[1..]) {
            inside = and(&inside, &term.mask(&batch)?).map_err(error::from_arrow)?;
            *count += inside.true_count() as u64;
        }
        let inside = people.iter().zip(inside.values()).filter(|(_, is_inside)| self.is_list && *is_inside);
        found.inside.extend(inside.map(|(person, _)| *person));
        Ok(())
    }
}

/// What each term leaves and takes away.
///
/// A step that takes away fewer than the minimum group hides its own figures, and those of its result unless it is the
/// last, so that the two neighbours do not tell them by difference; so the step after it does not say how many it took.
fn steps(counts: &[u64], min_group: u64) -> Vec<(Option<u64>, Option<u64>)> {
    let n_steps = counts.len() - 1;
    let mut is_before_shown = true;
    let mut step = |index: usize| {
        let (before, after) = (counts[index], counts[index + 1]);
        let is_group = before - after >= min_group && after >= min_group;
        let is_shown = after >= min_group && (is_group || index + 1 == n_steps);
        let left = Some(before - after).filter(|_| is_group && is_before_shown);
        is_before_shown = is_shown;
        (is_shown.then_some(after), left)
    };
    (0..n_steps).map(&mut step).collect()
}

/// Every aggregate of a condition, each once.
fn collect(condition: &Condition, found: &mut Vec<Aggregate>) {
    let mut add = |aggregate: &Aggregate| {
        if !found.contains(aggregate) {
            found.push(aggregate.clone());
        }
    };
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().for_each(|part| collect(part, found)),
        Condition::Not(inner) => collect(inner, found),
        Condition::Did(aggregate) => add(aggregate),
        Condition::Compare { left, right, .. } => [left, right].into_iter().for_each(|term| {
            if let Term::Aggregate(aggregate) = term {
                add(aggregate);
            }
        }),
        Condition::In { term, .. } | Condition::Like { term, .. } | Condition::IsNull(term) => {
            if let Term::Aggregate(aggregate) = term {
                add(aggregate);
            }
        }
        Condition::InAudience(_) => {}
    }
}

fn list_columns(scope: Scope<'_>, question: &AudienceQuestion) -> Vec<spec::Column> {
    let mut columns = vec![cells::column("person", ValueType::Text, None)];
    for name in &question.columns {
        let is_shown = scope.grant.mask_of(&FieldRef::Trait(name.clone())) == Some(Mask::Show);
        let value_type = scope.plan.traits.get(name).copied().filter(|_| is_shown);
        columns.push(cells::column(name, value_type.unwrap_or(ValueType::Text), None));
    }
    columns
}

type Table = (Vec<spec::Column>, Vec<Vec<Value>>);

/// A row per person: pseudonym, then the columns asked for, masked as the grant says.
fn list(scope: Scope<'_>, question: &AudienceQuestion, inside: &[i64], pass: &Pass) -> Result<Table> {
    let Scope { grant, snapshot, limits, .. } = scope;
    let limit = usize::try_from(question.limit.unwrap_or(LIST_ROWS_DEFAULT)).unwrap_or(usize::MAX);
    let limit = limit.min(limits.rows_max);
    // By pseudonym: the order of people in the lake says when they were first seen.
    let mut chosen: BinaryHeap<(String, PersonId)> = BinaryHeap::new();
    for (n_named, person) in inside.iter().enumerate() {
        if n_named % NAMES_BETWEEN_STOPS == 0 && (limits.stop)() {
            return Err(error::stopped());
        }
        let id = PersonId::from_stored(*person).ok_or_else(|| error::bug("a number of nobody"))?;
        chosen.push((snapshot.pseudonym(grant, id), id));
        if chosen.len() > limit {
            chosen.pop();
        }
    }
    let chosen = chosen.into_sorted_vec();
    let ids: Vec<PersonId> = chosen.iter().map(|(_, id)| *id).collect();
    let mut rows: Vec<Vec<Value>> = chosen.into_iter().map(|(name, _)| vec![Value::Text(name)]).collect();
    for name in &question.columns {
        // The lake masks both.
        match pass.traits().column(name) {
            Some(column) => {
                let values = column.array(ids.iter().map(|id| pass.traits().row_of(*id)))?;
                for (index, row) in rows.iter_mut().enumerate() {
                    row.push(cells::value(&values, index)?);
                }
            }
            None => {
                let identifiers = snapshot.identifiers(grant, name, &ids)?.into_iter();
                rows.iter_mut()
                    .zip(identifiers)
                    .for_each(|(row, name)| row.push(name.map_or(Value::Null, Value::Text)));
            }
        }
    }
    Ok((list_columns(scope, question), rows))
}

#[cfg(test)]
mod tests;
