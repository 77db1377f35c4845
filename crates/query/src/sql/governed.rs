//! A plan while it is made safe: what its columns are, and whom its rows are about.

use super::{Complaint, Step};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, LogicalPlanBuilder, Operator};

/// What a column of rows about people may be used for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Tells people apart; columns with the same number always hold the same person.
    Person(usize),
    /// As it is stored, and null where there is nothing.
    Plain,
    /// The same, and when an event happened: far from both ends of the calendar.
    Time,
    /// Computed.
    Derived,
}

/// A plan, and what its rows are about.
pub(super) struct Governed {
    pub(super) plan: LogicalPlan,
    /// The kinds of its columns, in their order, while its rows are about single people.
    pub(super) kinds: Option<Vec<Kind>>,
    /// Whom a row is about: columns that go along unseen, one for each table, with their numbers.
    pub(super) followed: Vec<Followed>,
    /// People of whom no two rows are.
    pub(super) unique: Vec<usize>,
    /// Whether a join repeats rows of people for more than one reason, so that some could be made to count for many.
    pub(super) repeats: bool,
    /// How large each column is, once what it is computed from is put in.
    pub(super) sizes: Vec<usize>,
}

/// Parts of an expression, once what its columns are computed from is put in: planning takes time that grows faster.
const SIZE_MAX: usize = 300;

/// A column that follows the people of a table.
#[derive(Clone, Debug)]
pub(super) struct Followed {
    pub(super) name: String,
    /// Whom it holds, if anybody: columns with the same number hold the same person.
    pub(super) number: usize,
    /// Whether it holds somebody in every row.
    pub(super) always: bool,
}

impl Governed {
    /// A plan of nothing about anybody.
    pub(super) fn empty() -> Governed {
        let plan = LogicalPlanBuilder::empty(false).build().expect("a plan of nothing can be built");
        Governed::released(plan, Vec::new())
    }

    /// A plan of groups of enough people, whose columns are so large.
    pub(super) fn released(plan: LogicalPlan, sizes: Vec<usize>) -> Governed {
        Governed { plan, kinds: None, followed: Vec::new(), unique: Vec::new(), repeats: false, sizes }
    }

    /// How large an expression on its rows is.
    ///
    /// # Errors
    /// A complaint where it is too large.
    pub(super) fn size(&self, expression: &Expr) -> Step<usize> {
        let mut size = 0_usize;
        expression.apply(|part| {
            size = size.saturating_add(match part {
                Expr::Column(column) => {
                    let place = self.schema().maybe_index_of_column(column);
                    place.and_then(|place| self.sizes.get(place)).copied().unwrap_or(1)
                }
                Expr::Literal(..) => 0,
                _ => 1,
            });
            Ok(TreeNodeRecursion::Continue)
        })?;
        if size > SIZE_MAX {
            let message = format!("something is computed in more than {SIZE_MAX} steps");
            return Err(Complaint::new(&message, "compute it from groups, in fewer steps"));
        }
        Ok(size)
    }

    /// Whether rows are about nobody but these people, or nobody who is not followed around them.
    pub(super) fn is_about(&self, person: Option<usize>) -> bool {
        self.followed.iter().all(|followed| Some(followed.number) == person)
    }

    /// Two inputs of a join next to each other; the plan is that of the join without a condition.
    pub(super) fn beside(left: &Governed, right: &Governed) -> Step<Governed> {
        let of_columns = |side: &Governed| {
            let n_columns = side.plan.schema().fields().len();
            side.kinds.clone().unwrap_or_else(|| vec![Kind::Derived; n_columns])
        };
        let plan = LogicalPlanBuilder::from(left.plan.clone()).cross_join(right.plan.clone())?.build()?;
        let is_about_people = left.kinds.is_some() || right.kinds.is_some();
        let kinds = of_columns(left).into_iter().chain(of_columns(right)).collect();
        let followed = left.followed.iter().chain(&right.followed).cloned().collect();
        let sizes = [left.sizes.as_slice(), &right.sizes].concat();
        let repeats = left.repeats || right.repeats;
        let kinds = is_about_people.then_some(kinds);
        Ok(Governed { plan, kinds, followed, unique: Vec::new(), repeats, sizes })
    }

    /// Whether any of its columns holds these people.
    pub(super) fn holds(&self, person: usize) -> bool {
        self.kinds.iter().flatten().any(|kind| *kind == Kind::Person(person))
    }

    pub(super) fn numbers(&self) -> Vec<usize> {
        self.followed.iter().map(|followed| followed.number).collect()
    }

    pub(super) fn schema(&self) -> &DFSchema {
        self.plan.schema()
    }

    /// The kind of a bare column, under whatever name; nothing for what is computed.
    pub(super) fn kind_of(&self, expression: &Expr) -> Option<Kind> {
        match expression {
            Expr::Alias(alias) => self.kind_of(&alias.expr),
            Expr::Column(column) => self.kind_of_column(column),
            _ => None,
        }
    }

    pub(super) fn kind_of_column(&self, column: &Column) -> Option<Kind> {
        let kinds = self.kinds.as_ref()?;
        self.schema().maybe_index_of_column(column).and_then(|place| kinds.get(place).copied())
    }

    /// The column that follows somebody.
    pub(super) fn column(&self, name: &str) -> Step<Column> {
        let mut found = self.schema().columns().into_iter().filter(|column| column.name == name);
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(column),
            _ => Err(Complaint::new("the people of a table were lost on the way", "write it in another way")),
        }
    }

    /// Pairs of people who are the same wherever the condition holds.
    pub(super) fn same_people(&self, condition: &Expr) -> Vec<(usize, usize)> {
        let person = |expression: &Expr| match self.kind_of(expression) {
            Some(Kind::Person(number)) => Some(number),
            _ => None,
        };
        let pair = |term: &&Expr| match term {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => person(left).zip(person(right)),
            _ => None,
        };
        split_conjunction(condition).iter().filter_map(pair).collect()
    }

    /// Two columns hold the same person in every row: it is enough to follow one.
    pub(super) fn unite(&mut self, one: usize, other: usize) {
        if one == other {
            return;
        }
        for kind in self.kinds.iter_mut().flatten() {
            if *kind == Kind::Person(other) {
                *kind = Kind::Person(one);
            }
        }
        if self.followed.iter().any(|followed| followed.number == one && followed.always) {
            self.followed.retain(|followed| followed.number != other || !followed.always);
        }
        for followed in self.followed.iter_mut().filter(|followed| followed.number == other) {
            followed.number = one;
        }
        for unique in self.unique.iter_mut().filter(|unique| **unique == other) {
            *unique = one;
        }
    }

    /// Two columns hold the same person where the one that is not always there does: rows without it are still followed by
    /// both, since what is there of few people repeats the rows of theirs.
    pub(super) fn follow_along(&mut self, always: &[usize], one: usize, other: usize) {
        let (always_there, at_times) = if always.contains(&one) { (one, other) } else { (other, one) };
        if always.contains(&always_there) && !always.contains(&at_times) {
            for followed in self.followed.iter_mut().filter(|followed| followed.number == at_times) {
                (followed.number, followed.always) = (always_there, false);
            }
        }
    }
}
