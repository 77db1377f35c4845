//! Conditions on the rows of a pass: compiled against its fields, and looked at part by part.
//!
//! What holds for a text holds for all rows with it, and what holds for a person's traits for all of the person's rows: only
//! other conditions are looked at row by row.

use super::{Part, Pass, Values, Wanted, column_name, typed};
use crate::cells;
use crate::expression::Predicate;
use arrow::array::{ArrayRef, BooleanArray, DictionaryArray, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lake::{Column, Texts};
use spec::{Condition, FieldRef, Result};
use std::sync::Arc;

/// A condition on rows.
pub(crate) struct Filter {
    predicate: Predicate,
    fields: Vec<FieldRef>,
    schema: SchemaRef,
}

impl Pass {
    /// Compiles a condition on rows of this pass.
    pub(crate) fn filter(&self, condition: &Condition) -> Result<Filter> {
        let mut wanted = Wanted::default();
        wanted.condition(condition);
        let fields: Vec<FieldRef> = wanted.fields.into_iter().collect();
        let typed = fields.iter().map(|field| Ok(Field::new(column_name(field), self.type_of(field)?, true)));
        let schema = Arc::new(Schema::new(typed.collect::<Result<Vec<_>>>()?));
        Ok(Filter { predicate: Predicate::compile(condition, &schema, &[])?, fields, schema })
    }

    /// Compiles a step's own condition and the question's, both on the same event.
    pub(crate) fn filter_both(&self, own: &Option<Condition>, shared: &Option<Condition>) -> Result<Option<Filter>> {
        let both = match (own, shared) {
            (Some(own), Some(shared)) => Some(Condition::And(vec![own.clone(), shared.clone()])),
            (own, shared) => own.clone().or_else(|| shared.clone()),
        };
        both.map(|condition| self.filter(&condition)).transpose()
    }
}

impl Filter {
    /// Which rows pass, by their places.
    pub(crate) fn mask(&self, part: &Part<'_>) -> Result<Vec<bool>> {
        let mut passes = vec![false; part.n_rows()];
        if let [field] = self.fields.as_slice()
            && let Values::Property(Column::Texts(texts)) = part.values(field)?
        {
            // What holds for a text holds for all rows with it.
            let of_code = self.predicate.mask(&self.batch(vec![with_none(texts)], texts.missing() + 1)?)?;
            part.rows().for_each(|row| passes[row.index()] = of_code.value(texts.code(row)));
            return Ok(passes);
        }
        if let Some(of_people) = self.mask_of_people(part)? {
            for (person, passed) in part.people().iter().zip(of_people.values()) {
                person.rows().for_each(|row| passes[row.index()] = passed);
            }
            return Ok(passes);
        }
        let fields = self.fields.iter().zip(self.schema.fields());
        let columns = fields.map(|(field, typed)| part.array(field, typed.data_type())).collect::<Result<_>>()?;
        let n_rows = part.people().iter().map(|person| person.rows().count()).sum();
        let found = self.predicate.mask(&self.batch(columns, n_rows)?)?;
        part.rows().zip(found.values()).for_each(|(row, passed)| passes[row.index()] = passed);
        Ok(passes)
    }

    /// Which people pass, when the condition is about nothing but their traits.
    fn mask_of_people(&self, part: &Part<'_>) -> Result<Option<BooleanArray>> {
        let mut columns = Vec::with_capacity(self.fields.len());
        for (field, typed_as) in self.fields.iter().zip(self.schema.fields()) {
            let Values::Trait(column, rows) = part.values(field)? else { return Ok(None) };
            columns.push(typed(column.array(rows.iter().copied())?, typed_as.data_type()));
        }
        self.predicate.mask(&self.batch(columns, part.people().len())?).map(Some)
    }

    /// The types of what it looks at.
    pub(crate) fn types(&self) -> Vec<&DataType> {
        self.schema.fields().iter().map(|field| field.data_type()).collect()
    }

    fn batch(&self, columns: Vec<ArrayRef>, n_rows: usize) -> Result<RecordBatch> {
        cells::batch(&self.schema, columns, n_rows)
    }
}

/// Every text of a dictionary once, and none.
fn with_none(texts: &Texts) -> ArrayRef {
    let keys: Int32Array =
        (0..=texts.missing()).map(|code| i32::try_from(code).ok().filter(|_| code < texts.missing())).collect();
    let all = DictionaryArray::try_new(keys, Arc::new(texts.values().clone()));
    Arc::new(all.expect("every key has its value"))
}
