//! Plans of SQL made safe to answer: what leaves is about enough people, whatever stands around it.
//!
//! A plan is about single people from its tables up to an aggregate. There every group has to hold enough of each table's
//! people, and every figure enough people with a value; what has fewer is left out. Up to there only what cannot single
//! anybody out is let through: columns as they are into figures, people into nothing but joins, groups and counts, and figures
//! that weigh rows only where no join repeats them. No expression anywhere can fail: the optimiser may move what is asked of
//! groups below the filter for enough people, where a failure would tell of one row. What is not known here is refused.

use super::expression::holds_all;
use super::governed::{Followed, Governed, Kind};
use super::tables::SqlTable;
use super::{Complaint, Step, sums};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::functions_aggregate::expr_fn::count_distinct;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, ExprFunctionExt, ExprSchemable, Filter, Join, LogicalPlan,
    LogicalPlanBuilder, Operator, Projection, SubqueryAlias, lit, when,
};
use spec::SqlQuestion;
use std::sync::Arc;

/// Aggregates that may be asked for: those of trends.
const FIGURES: [&str; 5] = ["count", "sum", "avg", "min", "max"];
/// Nodes of a plan; common table expressions stand in it as often as they are named.
const NODES_MAX: usize = 300;
/// How names begin that are put in here: nobody else's may.
const OURS: &str = "__";

/// Makes one plan safe.
pub(super) struct Governor {
    pub(super) min_group: u64,
    n_tables: usize,
    n_nodes: usize,
}

impl Governor {
    pub(super) fn new(min_group: u64) -> Governor {
        Governor { min_group, n_tables: 0, n_nodes: 0 }
    }

    /// The plan with what keeps groups of too few people out of it.
    pub(super) fn whole(&mut self, plan: &LogicalPlan) -> Step<LogicalPlan> {
        let governed = self.govern(plan)?;
        if governed.kinds.is_some() {
            return Err(Complaint::of_people(
                "its rows are about single people",
                "group them: `SELECT country, count(DISTINCT person) FROM people GROUP BY country`; for a list of people ask an \
                 audience",
            ));
        }
        Ok(sums::exact(governed.plan)?)
    }

    pub(super) fn govern(&mut self, plan: &LogicalPlan) -> Step<Governed> {
        self.n_nodes += 1;
        if self.n_nodes > NODES_MAX {
            return Err(Complaint::new("it is too large once its parts are put in", "name each part once"));
        }
        if let Some(field) = plan.schema().fields().iter().find(|field| field.name().starts_with(OURS)) {
            let message = format!("`{}` begins with two underscores", field.name());
            return Err(Complaint::new(&message, "take another name"));
        }
        match plan {
            LogicalPlan::TableScan(_) => self.table(plan),
            LogicalPlan::SubqueryAlias(alias) => {
                let input = self.govern(&alias.input)?;
                let alias = SubqueryAlias::try_new(Arc::new(input.plan), alias.alias.clone())?;
                Ok(Governed { plan: LogicalPlan::SubqueryAlias(alias), ..input })
            }
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let columns = input.schema().columns().into_iter().map(Expr::Column).collect();
                self.aggregate(&Aggregate::try_new(Arc::clone(input), columns, Vec::new())?)
            }
            LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Union(_) => self.of_groups(plan),
            other => {
                let name = other.display().to_string();
                let name = name.split([':', ' ']).next().unwrap_or_default().to_owned();
                Err(Complaint::new(
                    &format!("`{name}` is not something that can be asked here"),
                    "write a plain SELECT",
                ))
            }
        }
    }

    /// A table, with the column that follows its people.
    fn table(&mut self, plan: &LogicalPlan) -> Step<Governed> {
        let number = self.n_tables;
        self.n_tables += 1;
        let name = format!("__person_{number}");
        let unique = if is_of_people(plan)? { vec![number] } else { Vec::new() };
        let columns = plan.schema().columns();
        let person = columns.iter().find(|column| column.name == SqlQuestion::PERSON).cloned();
        let person = person.ok_or_else(|| Complaint::new("a table without people was read", "name another table"))?;
        let kind = |column: &Column| match column.name.as_str() {
            _ if *column == person => Kind::Person(number),
            SqlQuestion::TIME if unique.is_empty() => Kind::Time,
            _ => Kind::Plain,
        };
        let kinds = columns.iter().map(kind).chain([Kind::Person(number)]).collect();
        let shown = columns.iter().cloned().map(Expr::Column);
        let all: Vec<Expr> = shown.chain([Expr::Column(person.clone()).alias(name.clone())]).collect();
        let plan = LogicalPlanBuilder::from(plan.clone()).project(all)?.build()?;
        let sizes = vec![1; plan.schema().fields().len()];
        let followed = vec![Followed { name, number, always: true }];
        Ok(Governed { plan, kinds: Some(kinds), followed, unique, repeats: false, sizes })
    }

    /// What stands above aggregates: its inputs have to be safe.
    fn of_groups(&mut self, plan: &LogicalPlan) -> Step<Governed> {
        let mut inputs = Vec::new();
        for input in plan.inputs() {
            let input = self.govern(input)?;
            if input.kinds.is_some() {
                let name = plan.display().to_string();
                let name = name.split([':', ' ']).next().unwrap_or_default().to_owned();
                let message = format!("`{name}` would work on rows about single people");
                return Err(Complaint::of_people(&message, "group them first, then sort, limit or compare groups"));
            }
            inputs.push(input);
        }
        let nothing = Governed::empty();
        // Columns are those of the input, and those of a union of all of its inputs.
        let largest =
            |place: usize| inputs.iter().filter_map(|input| input.sizes.get(place)).max().copied().unwrap_or(1);
        let sizes = (0..plan.schema().fields().len()).map(largest).collect();
        let input = inputs.first().unwrap_or(&nothing);
        let mut expressions = Vec::new();
        for expression in plan.expressions() {
            input.size(&expression)?;
            expressions.push(self.expression(expression, input)?);
        }
        let inputs = inputs.into_iter().map(|input| input.plan).collect();
        Ok(Governed::released(plan.with_new_exprs(expressions, inputs)?, sizes))
    }

    fn filter(&mut self, filter: &Filter) -> Step<Governed> {
        let mut input = self.govern(&filter.input)?;
        input.size(&filter.predicate)?;
        let predicate = self.expression(filter.predicate.clone(), &input)?;
        for (one, other) in input.same_people(&filter.predicate) {
            input.unite(one, other);
        }
        let plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input.plan))?);
        Ok(Governed { plan, ..input })
    }

    fn projection(&mut self, projection: &Projection) -> Step<Governed> {
        let input = self.govern(&projection.input)?;
        let mut expressions = Vec::with_capacity(projection.expr.len());
        let mut kinds = Vec::with_capacity(projection.expr.len());
        let mut sizes = Vec::with_capacity(projection.expr.len());
        for expression in &projection.expr {
            sizes.push(input.size(expression)?);
            let kind = input.kind_of(expression);
            expressions.push(self.shown(expression.clone(), kind, &input)?);
            kinds.push(kind.unwrap_or(Kind::Derived));
        }
        for Followed { name, number, .. } in &input.followed {
            expressions.push(Expr::Column(input.column(name)?));
            kinds.push(Kind::Person(*number));
            sizes.push(1);
        }
        let plan = LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(input.plan.clone()))?);
        Ok(Governed { plan, kinds: input.kinds.is_some().then_some(kinds), sizes, ..input })
    }

    /// An expression under the name that it had.
    fn shown(&mut self, expression: Expr, kind: Option<Kind>, input: &Governed) -> Step<Expr> {
        if kind.is_some() {
            // A column, or one under another name.
            return Ok(expression);
        }
        let (relation, name) = expression.qualified_name();
        let checked = self.expression(expression.clone(), input)?;
        Ok(if checked == expression { checked } else { checked.alias_qualified(relation, name) })
    }

    fn join(&mut self, join: &Join) -> Step<Governed> {
        let (left, right) = (self.govern(&join.left)?, self.govern(&join.right)?);
        if !matches!(join.join_type, JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full) {
            return Err(Complaint::new("this kind of join cannot be asked here", "use JOIN, LEFT JOIN or EXISTS"));
        }
        let both = Governed::beside(&left, &right)?;
        let mut conditions: Vec<Expr> =
            join.on.iter().map(|(one, other)| one.clone().eq(other.clone())).chain(join.filter.clone()).collect();
        let mut same = Vec::new();
        let mut is_equal = false;
        for condition in &mut conditions {
            both.size(condition)?;
            same.extend(both.same_people(condition));
            is_equal |= holds_equals(condition, &left, &right);
            *condition = self.expression(condition.clone(), &both)?;
        }
        if !is_equal {
            // Every row of one would meet every row of the other.
            return Err(Complaint::new(
                "tables are joined without equal columns",
                "write `JOIN b ON b.person = a.person`",
            ));
        }
        let is_across = |(one, other): &&(usize, usize)| {
            (left.holds(*one) && right.holds(*other)) || (left.holds(*other) && right.holds(*one))
        };
        let one_each = |side: &Governed| {
            let mut across = same.iter().filter(is_across);
            across.any(|(one, other)| side.unique.contains(one) || side.unique.contains(other))
        };
        let (left_is_unique, right_is_unique) = (one_each(&left), one_each(&right));
        let mut unique = Vec::new();
        if right_is_unique {
            unique.extend(left.unique.iter().copied());
        }
        if left_is_unique {
            unique.extend(right.unique.iter().copied());
        }
        let mut joined = Governed {
            plan: LogicalPlan::Join(Join::try_new(
                Arc::new(left.plan.clone()),
                Arc::new(right.plan.clone()),
                Vec::new(),
                conditions.into_iter().reduce(Expr::and),
                join.join_type,
                join.join_constraint,
                join.null_equality,
                join.null_aware,
            )?),
            repeats: both.kinds.is_some() && (both.repeats || !(left_is_unique || right_is_unique)),
            kinds: both.kinds,
            followed: both.followed,
            unique: if join.join_type == JoinType::Inner { unique } else { Vec::new() },
            sizes: both.sizes,
        };
        for (one, other) in same {
            match join.join_type {
                JoinType::Inner => joined.unite(one, other),
                JoinType::Left => joined.follow_along(&left.numbers(), one, other),
                JoinType::Right => joined.follow_along(&right.numbers(), one, other),
                _ => {}
            }
        }
        Ok(joined)
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Step<Governed> {
        let input = self.govern(&aggregate.input)?;
        if input.kinds.is_none() {
            let mut groups = Vec::with_capacity(aggregate.group_expr.len());
            let mut sizes = Vec::with_capacity(aggregate.group_expr.len());
            for group in &aggregate.group_expr {
                sizes.push(input.size(group)?);
                groups.push(self.shown(group.clone(), None, &input)?);
            }
            let figures = aggregate.aggr_expr.iter().map(|figure| self.released_figure(figure, &input));
            let figures = figures.collect::<Step<Vec<Expr>>>()?;
            sizes.resize(groups.len() + figures.len(), 1);
            let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input.plan), groups, figures)?);
            return Ok(Governed::released(plan, sizes));
        }
        if input.followed.is_empty() {
            return Err(Complaint::new(
                "a subquery makes figures for each person around it",
                "write `person IN (SELECT person FROM ... GROUP BY person HAVING ...)`",
            ));
        }
        let kinds: Vec<Option<Kind>> = aggregate.group_expr.iter().map(|group| input.kind_of(group)).collect();
        let mut groups = Vec::with_capacity(kinds.len());
        // What is asked of a group may be asked of each row instead: its columns stay as large as they are.
        let mut sizes = Vec::with_capacity(kinds.len());
        for (group, kind) in aggregate.group_expr.iter().zip(&kinds) {
            sizes.push(input.size(group)?);
            groups.push(self.shown(group.clone(), *kind, &input)?);
        }
        let mut figures = Vec::with_capacity(aggregate.aggr_expr.len());
        for figure in &aggregate.aggr_expr {
            figures.push(self.figure(figure, &input)?);
        }
        let person = kinds.iter().flatten().find_map(|kind| match kind {
            Kind::Person(number) => Some(*number),
            Kind::Plain | Kind::Time | Kind::Derived => None,
        });
        match person {
            Some(person) => of_people(person, &kinds, (groups, sizes), figures, input),
            None => self.of_enough((groups, sizes), figures, input),
        }
    }

    /// A figure of groups of enough people.
    fn released_figure(&mut self, expression: &Expr, input: &Governed) -> Step<Expr> {
        input.size(expression)?;
        let (relation, name) = expression.qualified_name();
        let Expr::AggregateFunction(mut figure) = expression.clone().unalias() else {
            return Err(Complaint::new(&format!("`{name}` is not a figure"), "figures: count, sum, avg, min, max"));
        };
        let is_known = FIGURES.contains(&figure.func.name());
        if !is_known || !figure.params.order_by.is_empty() || figure.params.null_treatment.is_some() {
            let hint = "figures: count, sum, avg, min, max";
            return Err(Complaint::new(&format!("`{name}` cannot be computed here"), hint));
        }
        let args = std::mem::take(&mut figure.params.args).into_iter();
        figure.params.args = args.map(|argument| self.expression(argument, input)).collect::<Step<_>>()?;
        let filter = figure.params.filter.take();
        figure.params.filter = filter.map(|filter| self.expression(*filter, input).map(Box::new)).transpose()?;
        Ok(Expr::AggregateFunction(figure).alias_qualified(relation, name))
    }

    /// A figure that may be computed from rows about people.
    fn figure(&mut self, expression: &Expr, input: &Governed) -> Step<Figure> {
        let name = expression.schema_name().to_string();
        let (Expr::AggregateFunction(figure), hint) =
            (expression.clone().unalias(), "figures: count, sum, avg, min, max")
        else {
            return Err(Complaint::new(&format!("`{name}` is not a figure"), "figures: count, sum, avg, min, max"));
        };
        let AggregateFunctionParams { args, distinct, filter, order_by, null_treatment } = figure.params;
        let function = figure.func.name().to_owned();
        if !FIGURES.contains(&function.as_str()) || !order_by.is_empty() || null_treatment.is_some() {
            return Err(Complaint::new(&format!("`{name}` cannot be computed here"), hint));
        }
        if let Some(filter) = &filter {
            input.size(filter)?;
        }
        let filter = filter.map(|filter| self.expression(*filter, input)).transpose()?;
        let is_weighed = !distinct && !["min", "max"].contains(&function.as_str());
        if input.repeats && is_weighed {
            // Rows of few people could be made so many that the figure is about them.
            return Err(Complaint::new(
                &format!("`{}` would count rows that a join repeats", name.replace("Int64(1)", "*")),
                "join tables of events with `people` or with queries that group by `person`, or count DISTINCT people",
            ));
        }
        let about = match args.as_slice() {
            [Expr::Literal(value, _)] if function == "count" && !value.is_null() => None,
            [argument] if ["min", "max"].contains(&function.as_str()) && is_text(argument, input)? => {
                // The first and the last text of a group are somebody's, and may name them.
                return Err(Complaint::new(
                    &format!("`{name}` would show one person's text"),
                    "group by it, or count it",
                ));
            }
            [argument] => match input.kind_of(as_it_is(argument, input)?) {
                Some(Kind::Plain | Kind::Time) => Some(as_it_is(argument, input)?.clone()),
                Some(Kind::Person(_)) if function == "count" => Some(argument.clone()),
                Some(Kind::Person(_)) => return Err(Complaint::person()),
                Some(Kind::Derived) | None => {
                    let message = format!("`{name}` is about something computed from rows about people");
                    let hint = "put conditions into WHERE or FILTER, and into figures only columns as they are";
                    return Err(Complaint::new(&message, hint));
                }
            },
            _ => return Err(Complaint::new(&format!("`{name}` takes one column"), hint)),
        };
        let of_time = |about: &Expr| input.kind_of(about) == Some(Kind::Time);
        let kind = match function.as_str() {
            // Nothing counts as none, so that a sum of counts would tell of the few who have any.
            "count" if about.is_some() || filter.is_some() => Kind::Derived,
            "min" | "max" if about.as_ref().is_some_and(of_time) => Kind::Time,
            _ => Kind::Plain,
        };
        let params =
            AggregateFunctionParams { args, distinct, filter: filter.clone().map(Box::new), order_by, null_treatment };
        let computed = Expr::AggregateFunction(AggregateFunction { func: figure.func, params });
        Ok(Figure { name, computed, about, filter, kind, is_count: function == "count" })
    }

    /// Groups of enough people, each figure about enough of them.
    fn of_enough(
        &mut self,
        (groups, mut sizes): (Vec<Expr>, Vec<usize>),
        figures: Vec<Figure>,
        input: Governed,
    ) -> Step<Governed> {
        let enough = lit(i64::try_from(self.min_group.max(1)).unwrap_or(i64::MAX));
        let mut people: Vec<Expr> = Vec::new();
        for Followed { name, .. } in &input.followed {
            people.push(Expr::Column(input.column(name)?));
        }
        let n_groups = groups.len();
        let mut computed: Vec<Expr> = figures
            .iter()
            .enumerate()
            .map(|(place, figure)| figure.computed.clone().alias(figure_name(place)))
            .collect();
        let mut of_group = Vec::new();
        for (index, person) in people.iter().enumerate() {
            let name = format!("__enough_{index}");
            computed.push(count_distinct(person.clone()).alias(name.clone()));
            of_group.push(column(&name).gt_eq(enough.clone()));
        }
        let mut of_figure = Vec::new();
        for (place, figure) in figures.iter().enumerate() {
            let has_value = figure.about.clone().map(Expr::is_not_null);
            let Some(counts) = figure.filter.clone().into_iter().chain(has_value).reduce(Expr::and) else {
                of_figure.push(None);
                continue;
            };
            let mut holds = Vec::new();
            for (index, person) in people.iter().enumerate() {
                let name = format!("__enough_{index}_{place}");
                computed.push(count_distinct(person.clone()).filter(counts.clone()).build()?.alias(name.clone()));
                holds.push(column(&name).gt_eq(enough.clone()));
            }
            of_figure.push(holds.into_iter().reduce(Expr::and));
        }
        let aggregate = Aggregate::try_new(Arc::new(input.plan), groups, computed)?;
        let mut shown: Vec<Expr> = aggregate.schema.columns().into_iter().take(n_groups).map(Expr::Column).collect();
        for (place, (figure, holds)) in figures.into_iter().zip(of_figure).enumerate() {
            let value = column(&figure_name(place));
            let value = match holds {
                Some(holds) => when(holds, value).end()?,
                // Never this number, and so nullable, as what is read of no group has to be.
                None if figure.is_count => nullif(value, lit(-1_i64)),
                None => value,
            };
            shown.push(value.alias(figure.name));
        }
        let aggregate = LogicalPlan::Aggregate(aggregate);
        let enough = of_group.into_iter().reduce(Expr::and).unwrap_or_else(|| lit(false));
        let enough = LogicalPlan::Filter(Filter::try_new(enough, Arc::new(aggregate))?);
        sizes.resize(shown.len(), 1);
        let plan = LogicalPlan::Projection(Projection::try_new(shown, Arc::new(enough))?);
        Ok(Governed::released(plan, sizes))
    }
}

/// A figure over rows about people.
struct Figure {
    /// The name of its column.
    name: String,
    computed: Expr,
    /// The column that it is about, and the condition that it counts under.
    about: Option<Expr>,
    filter: Option<Expr>,
    /// What its column is where there is one row for each person.
    kind: Kind,
    is_count: bool,
}

/// A row for each person: still about people.
fn of_people(
    person: usize,
    kinds: &[Option<Kind>],
    (mut groups, mut sizes): (Vec<Expr>, Vec<usize>),
    figures: Vec<Figure>,
    input: Governed,
) -> Step<Governed> {
    if !input.is_about(Some(person)) {
        return Err(Complaint::new(
            "its groups are about one table's people and its rows about those of several",
            "join the tables by `person`",
        ));
    }
    // What else stands in the groups may tell the rows apart that a join repeats.
    let (unique, repeats) = if groups.len() == 1 { (vec![person], false) } else { (Vec::new(), input.repeats) };
    let mut kinds: Vec<Kind> = kinds.iter().map(|kind| kind.unwrap_or(Kind::Derived)).collect();
    for Followed { name, number, .. } in &input.followed {
        groups.push(Expr::Column(input.column(name)?));
        kinds.push(Kind::Person(*number));
    }
    kinds.extend(figures.iter().map(|figure| figure.kind));
    let figures = figures.into_iter().map(|figure| figure.computed.alias(figure.name)).collect();
    let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input.plan), groups, figures)?);
    sizes.resize(kinds.len(), 1);
    Ok(Governed { plan, kinds: Some(kinds), followed: input.followed, unique, repeats, sizes })
}

/// Whether a table has one row for each person.
fn is_of_people(plan: &LogicalPlan) -> Step<bool> {
    let LogicalPlan::TableScan(scan) = plan else { return Ok(false) };
    let provider = source_as_provider(&scan.source)?;
    Ok(provider.downcast_ref::<SqlTable>().is_some_and(SqlTable::is_of_people))
}

/// Whether a condition holds for equal columns of both sides only.
fn holds_equals(condition: &Expr, left: &Governed, right: &Governed) -> bool {
    let is_of = |side: &Governed, expression: &Expr| {
        let columns = expression.column_refs();
        !columns.is_empty() && columns.iter().all(|column| side.schema().has_column(column))
    };
    split_conjunction(condition).iter().any(|term| match term {
        Expr::BinaryExpr(BinaryExpr { left: one, op: Operator::Eq, right: other }) => {
            (is_of(left, one) && is_of(right, other)) || (is_of(left, other) && is_of(right, one))
        }
        _ => false,
    })
}

/// A column without a cast to a type that holds all of it.
fn as_it_is<'e>(expression: &'e Expr, input: &Governed) -> Step<&'e Expr> {
    let Expr::Cast(cast) = expression else { return Ok(expression) };
    let is_safe = holds_all(&cast.expr.get_type(input.schema())?, cast.field.data_type());
    Ok(if is_safe { cast.expr.as_ref() } else { expression })
}

fn is_text(expression: &Expr, input: &Governed) -> Step<bool> {
    Ok(matches!(expression.get_type(input.schema())?, DataType::Utf8 | DataType::Utf8View | DataType::Dictionary(..)))
}

fn figure_name(place: usize) -> String {
    format!("__figure_{place}")
}

/// A column of ours.
fn column(name: &str) -> Expr {
    Expr::Column(Column::new(None::<TableReference>, name))
}
