//! Audiences: a condition on each granted person, from their events and traits.

use crate::cells;
use crate::error;
use crate::expression::{Predicate, aggregate_column};
use crate::fold::fold_people;
use crate::pass::{Wanted, column_name};
use crate::plan::{Rows, Scope};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::compute::and;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use spec::{Aggregate, AudienceQuestion, Condition, FieldRef, Mask, PersonId, Release, Result, Term, Value, ValueType};
use std::sync::Arc;

/// Rows of a list without a `limit`.
const LIST_ROWS_DEFAULT: u32 = 1_000;

/// Answers an audience; its meaning is in the manual.
///
/// # Shape
/// One row with the count; for a list one row per person, by pseudonym. `Rows::steps` has one step per top-level term.
pub(crate) fn run(scope: Scope<'_>, question: &AudienceQuestion) -> Result<Rows> {
    let as_of = question.as_of.unwrap_or(scope.plan.now);
    let terms = question.condition.conjuncts();
    let mut aggregates = Vec::new();
    let mut wanted = Wanted::default();
    collect(&question.condition, &mut aggregates);
    wanted.condition(&question.condition);
    let (figures, cost) = fold_people(scope, &aggregates, as_of)?;
    let people = people_batch(scope, figures)?;
    let mut inside = BooleanArray::from(vec![true; people.num_rows()]);
    let mut counts = vec![scope.grant.people().len()];
    for term in terms {
        let passes = Predicate::compile(term, &people.schema(), &aggregates)?.mask(&people)?;
        inside = and(&inside, &passes).map_err(error::from_arrow)?;
        counts.push(inside.true_count() as u64);
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
        Release::List | Release::Profile => list(scope, question, &inside, &people)?,
    };
    let steps = steps(&counts, min_group);
    Ok(Rows { columns, rows, steps, people: n_people, rows_read: cost.0, bytes_read: cost.1 })
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

/// One row per granted person: `person`, `trait.t` columns, `aggregate.N` columns.
fn people_batch(scope: Scope<'_>, figures: Vec<ArrayRef>) -> Result<RecordBatch> {
    let Scope { plan, grant, snapshot, .. } = scope;
    let numbers = grant.people().iter().map(|number| i64::try_from(number).ok());
    let people: Int64Array = numbers.collect();
    let mut fields = vec![Field::new("person", DataType::Int64, true)];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(people.clone())];
    let names: Vec<String> = plan.traits.keys().cloned().collect();
    if !names.is_empty() {
        let traits = snapshot.traits(grant, &names)?;
        let rows = traits.rows_of_all(grant);
        for name in &names {
            let column = traits.column(name).ok_or_else(|| error::bug("a trait was not read"))?;
            let name = column_name(&FieldRef::Trait(name.clone()));
            fields.push(Field::new(name, column.data_type(), true));
            columns.push(column.array(rows.iter().copied())?);
        }
    }
    for (index, figure) in figures.into_iter().enumerate() {
        fields.push(Field::new(aggregate_column(index), figure.data_type().clone(), true));
        columns.push(figure);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(people.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(error::from_arrow)
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
fn list(scope: Scope<'_>, question: &AudienceQuestion, inside: &BooleanArray, people: &RecordBatch) -> Result<Table> {
    let Scope { grant, snapshot, limits, .. } = scope;
    let numbers = people.column(0).as_primitive::<Int64Type>();
    let person =
        |row: &usize| PersonId::from_stored(numbers.value(*row)).ok_or_else(|| error::bug("a number of nobody"));
    let mut chosen: Vec<(String, PersonId, usize)> = Vec::new();
    for row in (0..inside.len()).filter(|row| inside.value(*row)) {
        let id = person(&row)?;
        chosen.push((snapshot.pseudonym(grant, id), id, row));
    }
    // By pseudonym: the order of people in the lake says when they were first seen.
    chosen.sort();
    let limit = usize::try_from(question.limit.unwrap_or(LIST_ROWS_DEFAULT)).unwrap_or(usize::MAX);
    chosen.truncate(limit.min(limits.rows_max));
    let ids: Vec<PersonId> = chosen.iter().map(|(_, id, _)| *id).collect();
    let mut rows: Vec<Vec<Value>> = chosen.iter().map(|(name, ..)| vec![Value::Text(name.clone())]).collect();
    for name in &question.columns {
        let field = FieldRef::Trait(name.clone());
        let column = people.column_by_name(&column_name(&field));
        let identifiers = match column {
            Some(_) => Vec::new(),
            None => snapshot.identifiers(grant, name, &ids)?,
        };
        for (index, row) in rows.iter_mut().enumerate() {
            row.push(match column {
                // The lake masks both.
                Some(column) => cells::value(column, chosen[index].2)?,
                None => identifiers[index].clone().map_or(Value::Null, Value::Text),
            });
        }
    }
    Ok((list_columns(scope, question), rows))
}

#[cfg(test)]
mod tests;
