//! Audiences: a condition on each granted person, from their events and traits.

use crate::cells;
use crate::error;
use crate::expression::{Predicate, aggregate_column};
use crate::fold::Fold;
use crate::forecast::{Forecast, foretold};
use crate::guard::{Guard, People, Sorting};
use crate::pass::{Pass, Wanted, column_name, typed};
use crate::plan::{Limits, Rows, Scope};
use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lake::{MadeOf, Row};
use spec::{Aggregate, AudienceQuestion, Condition, FieldRef, Mask, PersonId, Release, Result, Term, Value, ValueType};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
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
    let wants = Inside { list: question.release != Release::Aggregate, sorting: scope.guard.sorting() };
    let audience = Audience::new(question, &aggregates, (as_of, &pass), wants)?;
    if scope.foretells {
        return Err(foretold(Some(audience.forecast()?)));
    }
    audience.fold.prepare(&pass, scope.limits)?;
    let mut counts = vec![0; audience.terms.len() + 1];
    let (mut people, mut inside) = (vec![People::default(); audience.terms.len()], Vec::new());
    for part in pass.fold(scope.limits, &|part| audience.fold(part, scope.limits))? {
        counts.iter_mut().zip(part.counts).for_each(|(all, more)| *all += more);
        people.iter_mut().zip(&part.people).for_each(|(all, more)| all.merge(more));
        inside.extend(part.inside);
    }
    let min_group = scope.grant.min_group();
    if !wants.list {
        counts = told(scope.guard, counts[0], &people);
    }
    let n_people = counts.last().copied().filter(|count| *count >= min_group);
    let (columns, rows, listed) = match question.release {
        Release::Aggregate => {
            let mut columns = vec![cells::column("people", ValueType::Integer, Some("people"))];
            let row = (vec![n_people.map_or(Value::Null, cells::count)], n_people.is_none());
            let rows = cells::mark_withheld(&mut columns, vec![row]);
            (columns, rows, Vec::new())
        }
        // A list of too few people would name them: it is empty, and the judge says why.
        Release::List | Release::Profile if n_people.is_none() => {
            (list_columns(scope, question), Vec::new(), Vec::new())
        }
        Release::List | Release::Profile => list(scope, question, &inside, &pass)?,
    };
    let steps = steps(&counts, min_group);
    Ok(Rows { steps, listed, people: n_people, ..Rows::new(columns, rows, pass.cost()) })
}

/// A condition on people, ready to be looked at part by part.
///
/// What each of its terms says of everybody in a part is kept as bits: the next question that has the term needs no more of
/// it than to put them together with those of others.
struct Audience<'a> {
    fold: Fold,
    pass: &'a Pass,
    as_of: spec::Instant,
    terms: Vec<PeopleTerm>,
    wants: Inside,
}

/// What is wanted of those who are in the audience, besides their number.
#[derive(Clone, Copy)]
struct Inside {
    list: bool,
    sorting: Sorting,
}

/// A top-level term of a condition.
struct PeopleTerm {
    predicate: Predicate,
    /// What tells it from all other terms.
    name: Arc<str>,
    /// Its traits and the places of its aggregates, in the order of its columns.
    traits: Vec<String>,
    aggregates: Vec<usize>,
    schema: SchemaRef,
}

/// What a term says of everybody in a range of people, as of an instant.
struct KeptBits {
    range: (i64, i64),
    as_of: spec::Instant,
    bits: BooleanBuffer,
}

/// Everybody in a range of people, and the rows of their traits.
struct Everybody {
    range: (i64, i64),
    people: Vec<i64>,
    rows: Vec<Option<Row>>,
}

/// What a condition comes to in one part.
struct PartAudience {
    /// People, and those left after each term.
    counts: Vec<u64>,
    /// Those left in the end, for a list.
    inside: Vec<i64>,
    /// Those left after each term.
    people: Vec<People>,
}

impl PeopleTerm {
    fn new(
        condition: &Condition,
        aggregates: &[Aggregate],
        (fold, types): (&Fold, &[DataType]),
        pass: &Pass,
    ) -> Result<PeopleTerm> {
        let mut own = Vec::new();
        collect(condition, &mut own);
        let mut wanted = Wanted::default();
        wanted.condition(condition);
        let (mut traits, mut fields) = (Vec::new(), Vec::new());
        for field in wanted.fields() {
            if let FieldRef::Trait(name) = field {
                traits.push(name.clone());
                fields.push(Field::new(column_name(field), pass.type_of(field)?, true));
            }
        }
        let places: Vec<usize> = (0..).zip(aggregates).filter(|(_, one)| own.contains(one)).map(|(at, _)| at).collect();
        fields.extend(places.iter().map(|place| Field::new(aggregate_column(*place), types[*place].clone(), true)));
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let looked_at: Vec<&DataType> = schema.fields().iter().map(|field| field.data_type()).collect();
        let figures: Vec<&str> = places.iter().map(|place| fold.name(*place)).collect();
        Ok(PeopleTerm {
            predicate: Predicate::compile(condition, &schema, aggregates)?,
            name: format!("people where {condition:?} of {looked_at:?} by {figures:?}").into(),
            traits,
            aggregates: places,
            schema,
        })
    }

    /// What its bits are made of.
    fn made_of(&self) -> MadeOf {
        if self.aggregates.is_empty() { MadeOf::Traits } else { MadeOf::Rows }
    }

    /// Which of some people it holds for.
    fn mask(&self, pass: &Pass, figures: &BTreeMap<usize, ArrayRef>, rows: &[Option<Row>]) -> Result<BooleanArray> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (name, field) in self.traits.iter().zip(self.schema.fields()) {
            let column = pass.traits().column(name).ok_or_else(|| error::bug("a trait was not read"))?;
            columns.push(typed(column.array(rows.iter().copied())?, field.data_type()));
        }
        for place in &self.aggregates {
            columns.push(figures.get(place).cloned().ok_or_else(|| error::bug("a figure was not computed"))?);
        }
        self.predicate.mask(&cells::batch(&self.schema, columns, rows.len())?)
    }
}

impl Audience<'_> {
    fn new<'a>(
        question: &AudienceQuestion,
        aggregates: &[Aggregate],
        (as_of, pass): (spec::Instant, &'a Pass),
        wants: Inside,
    ) -> Result<Audience<'a>> {
        let fold = Fold::new(aggregates, as_of, pass)?;
        let terms = question.condition.conjuncts().iter();
        let types = fold.types()?;
        let terms =
            terms.map(|term| PeopleTerm::new(term, aggregates, (&fold, &types), pass)).collect::<Result<_>>()?;
        Ok(Audience { fold, pass, as_of, terms, wants })
    }

    /// What it takes: parts of which all terms are kept are not read again. It has to be looked at, since it may be about
    /// too few.
    fn forecast(&self) -> Result<Forecast> {
        let mut all = Forecast::default();
        for part in 0..self.pass.len() {
            let is_kept = |term: &PeopleTerm| self.kept(part, term).map(|kept| kept.is_some());
            let is_kept = !self.terms.iter().map(is_kept).collect::<Result<Vec<bool>>>()?.contains(&false);
            let reading = self.pass.reading_of(part)?;
            // What is stored stays the same, whatever is kept of it.
            let bytes_stored = reading.bytes_stored;
            all = all.and(if is_kept { Forecast { bytes_stored, ..Forecast::default() } } else { reading });
        }
        Ok(all)
    }

    /// What a term says of everybody in a part, if that was kept.
    fn kept(&self, part: usize, term: &PeopleTerm) -> Result<Option<BooleanBuffer>> {
        let kept = self.pass.kept::<KeptBits>(part, term.made_of(), &term.name)?;
        let kept = kept.filter(|kept| kept.range == self.pass.range(part) && kept.as_of == self.as_of);
        Ok(kept.map(|kept| kept.bits.clone()))
    }

    /// Looks at the people of a part, also at those without rows.
    fn fold(&self, part: usize, limits: &Limits) -> Result<PartAudience> {
        let range = self.pass.range(part);
        let mut bits: Vec<Option<BooleanBuffer>> = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            bits.push(self.kept(part, term)?);
        }
        let lacking: Vec<&PeopleTerm> =
            self.terms.iter().zip(&bits).filter(|(_, bits)| bits.is_none()).map(|(term, _)| term).collect();
        let mut computed = self.look(part, &lacking, limits)?.into_iter();
        for (term, bits) in self.terms.iter().zip(&mut bits).filter(|(_, bits)| bits.is_none()) {
            let found = computed.next().ok_or_else(|| error::bug("a term was not looked at"))?;
            if self.fold.is_kept() {
                let kept = KeptBits { range, as_of: self.as_of, bits: found.clone() };
                self.pass.keep(part, term.made_of(), &term.name, (Arc::new(kept), found.inner().len()))?;
            }
            *bits = Some(found);
        }
        self.counted(part, &bits.into_iter().flatten().collect::<Vec<_>>(), limits)
    }

    /// Who is left after each term.
    fn counted(&self, part: usize, bits: &[BooleanBuffer], limits: &Limits) -> Result<PartAudience> {
        let mut found = PartAudience { counts: vec![0; bits.len() + 1], inside: Vec::new(), people: Vec::new() };
        let mut inside: Option<BooleanBuffer> = None;
        for (bits, count) in bits.iter().zip(&mut found.counts[1..]) {
            let left = inside.map_or_else(|| bits.clone(), |inside| &inside & bits);
            *count = left.count_set_bits() as u64;
            found.people.push(self.people(part, &left, limits)?);
            inside = Some(left);
        }
        found.counts[0] = inside.as_ref().map_or(0, BooleanBuffer::len) as u64;
        if let Some(inside) = inside.filter(|_| self.wants.list) {
            self.each_inside(part, &inside, limits, &mut |person| found.inside.push(person))?;
        }
        Ok(found)
    }

    /// The people of a part who are inside.
    fn people(&self, part: usize, inside: &BooleanBuffer, limits: &Limits) -> Result<People> {
        let sorting = self.wants.sorting;
        if sorting == Sorting::default() {
            return Ok(People::from_parts(inside.count_set_bits() as u64, &[]));
        }
        let mut people = sorting.nobody();
        self.each_inside(part, inside, limits, &mut |person| people.add(sorting.class(person)))?;
        Ok(people)
    }

    /// Visits each of the people of a part who is inside.
    fn each_inside(
        &self,
        part: usize,
        inside: &BooleanBuffer,
        limits: &Limits,
        visit: &mut dyn FnMut(i64),
    ) -> Result<()> {
        if inside.count_set_bits() == 0 {
            return Ok(());
        }
        let mut first = 0;
        self.each_some(part, limits, &mut |everybody| {
            let n_people = everybody.people.len();
            inside.slice(first, n_people).set_indices().for_each(|place| visit(everybody.people[place]));
            first += n_people;
            Ok(())
        })
    }

    /// What terms say of everybody in a part.
    fn look(&self, part: usize, terms: &[&PeopleTerm], limits: &Limits) -> Result<Vec<BooleanBuffer>> {
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: BTreeSet<usize> = terms.iter().flat_map(|term| &term.aggregates).copied().collect();
        let figures = self.fold.figures(self.pass, part, &wanted, limits)?;
        let mut found: Vec<BooleanBufferBuilder> = terms.iter().map(|_| BooleanBufferBuilder::new(0)).collect();
        self.each_some(part, limits, &mut |everybody| {
            let columns = self.fold.columns(&figures, &wanted, &everybody.people)?;
            for (term, found) in terms.iter().zip(&mut found) {
                found.append_buffer(term.mask(self.pass, &columns, &everybody.rows)?.values());
            }
            Ok(())
        })?;
        Ok(found.iter_mut().map(BooleanBufferBuilder::finish).collect())
    }

    /// Visits everybody in a part, some at a time.
    fn each_some(&self, part: usize, limits: &Limits, visit: &mut dyn FnMut(&Everybody) -> Result<()>) -> Result<()> {
        let range = self.pass.range(part);
        // Without traits nobody has a row.
        let name = if self.pass.traits().is_empty() { "everybody" } else { "everybody with their traits" };
        let name: Arc<str> = name.into();
        let kept = self.pass.kept::<Everybody>(part, MadeOf::Traits, &name)?.filter(|kept| kept.range == range);
        if let Some(all) = kept {
            return visit(&all);
        }
        let (mut first, last) = range;
        loop {
            let (people, rows) = self.pass.traits().everybody((first, last), PEOPLE_AT_ONCE);
            let some = Arc::new(Everybody { range: (first, last), people, rows });
            visit(&some)?;
            match some.people.last() {
                Some(end) if some.people.len() == PEOPLE_AT_ONCE => first = end + 1,
                _ if some.range == range => {
                    let n_bytes = size_of_val(&*some.people) + size_of_val(&*some.rows);
                    return self.pass.keep(part, MadeOf::Traits, &name, (some, n_bytes));
                }
                _ => return Ok(()),
            }
            if (limits.stop)() {
                return Err(error::stopped());
            }
        }
    }
}

/// Everybody, and how many of them each term leaves, as it may be told; what may not is nobody.
fn told(guard: &Guard, everybody: u64, people: &[People]) -> Vec<u64> {
    let is_told = |place: usize| place + 1 == people.len() || !guard.is_sparing();
    let mut all = vec![everybody];
    // How many there were before, and what was told of it.
    let mut before: Option<(u64, u64)> = None;
    for (place, people) in people.iter().enumerate() {
        // A term that takes away few leaves what was told before it.
        let is_near = |(count, _): &(u64, u64)| guard.is_near(*count, people);
        let told = match before.filter(is_near) {
            Some((_, told)) => told,
            None => match is_told(place).then(|| guard.step(people, &|| format!("{place}"), (1, 0))).flatten() {
                Some(Value::Integer(count)) => u64::try_from(count).unwrap_or(0),
                _ => 0,
            },
        };
        before = (told > 0).then_some((people.len(), told));
        all.push(told);
    }
    all
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
        let is_group = before.saturating_sub(after) >= min_group && after >= min_group;
        let is_shown = after >= min_group && (is_group || index + 1 == n_steps);
        let left = Some(before.saturating_sub(after)).filter(|_| is_group && is_before_shown);
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

type Table = (Vec<spec::Column>, Vec<Vec<Value>>, Vec<PersonId>);

/// A row per person: pseudonym, then the columns asked for, masked as the grant says; and whom each is about.
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
    Ok((list_columns(scope, question), rows, ids))
}

#[cfg(test)]
mod tests;
