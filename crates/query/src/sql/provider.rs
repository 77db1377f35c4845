//! What the planner of SQL knows: the tables of one question, and functions that cannot fail, grow or reach out.

use super::tables::SqlTable;
use super::{Complaint, Step};
use arrow::datatypes::DataType;
use datafusion::common::TableReference;
use datafusion::common::config::ConfigOptions;
use datafusion::common::plan_err;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as DataFusionResult;
use datafusion::functions::datetime::planner::DatetimeFunctionPlanner;
use datafusion::functions::unicode::planner::UnicodeFunctionPlanner;
use datafusion::functions_aggregate::planner::AggregateFunctionPlanner;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner};
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF};
use datafusion::sql::planner::{ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Functions of one value at a time.
const SCALAR: [&str; 21] = [
    "btrim",
    "character_length",
    "coalesce",
    "contains",
    "current_date",
    "date_part",
    "date_trunc",
    "ends_with",
    "greatest",
    "initcap",
    "least",
    "left",
    "lower",
    "ltrim",
    "now",
    "nullif",
    "right",
    "rtrim",
    "starts_with",
    "strpos",
    "upper",
];
/// Functions of groups.
const AGGREGATE: [&str; 5] = ["avg", "count", "max", "min", "sum"];
static SCALARS: LazyLock<BTreeMap<String, Arc<ScalarUDF>>> = LazyLock::new(|| {
    let all = datafusion::functions::all_default_functions().into_iter();
    by_names(all.map(|function| (function.name().to_owned(), function.aliases().to_vec(), function)), &SCALAR)
});
static AGGREGATES: LazyLock<BTreeMap<String, Arc<AggregateUDF>>> = LazyLock::new(|| {
    let all = datafusion::functions_aggregate::all_default_aggregate_functions().into_iter();
    by_names(all.map(|function| (function.name().to_owned(), function.aliases().to_vec(), function)), &AGGREGATE)
});
/// The functions of a list, under all of their names.
fn by_names<F: Clone>(all: impl Iterator<Item = (String, Vec<String>, F)>, wanted: &[&str]) -> BTreeMap<String, F> {
    let wanted = all.filter(|(name, _, _)| wanted.contains(&name.as_str()));
    let under_all = wanted.flat_map(|(name, aliases, function)| {
        aliases.into_iter().chain([name]).map(move |name| (name, function.clone()))
    });
    under_all.collect()
}

/// The tables and functions of one question.
pub(super) struct Provider {
    tables: Vec<SqlTable>,
    options: ConfigOptions,
    planners: Vec<Arc<dyn ExprPlanner>>,
}

impl Provider {
    pub(super) fn new(tables: Vec<SqlTable>) -> Provider {
        let planners: Vec<Arc<dyn ExprPlanner>> = vec![
            Arc::new(DatetimeFunctionPlanner),
            Arc::new(UnicodeFunctionPlanner),
            Arc::new(AggregateFunctionPlanner),
        ];
        Provider { tables, options: ConfigOptions::new(), planners }
    }

    /// The plan that a text asks for, as it stands.
    pub(super) fn plan(&self, text: &str) -> Step<LogicalPlan> {
        let hint = "write one SELECT";
        let parsed = Parser::parse_sql(&PostgreSqlDialect {}, text);
        let mut statements = parsed.map_err(|error| Complaint::new(&error.to_string(), hint))?;
        let (Some(Statement::Query(query)), true) = (statements.pop(), statements.is_empty()) else {
            return Err(Complaint::new("it is not one SELECT", hint));
        };
        let options = ParserOptions::new().with_map_string_types_to_utf8view(false);
        let planner = SqlToRel::new_with_options(self, options);
        Ok(planner.sql_statement_to_plan(Statement::Query(query))?)
    }
}

impl ContextProvider for Provider {
    fn get_table_source(&self, name: TableReference) -> DataFusionResult<Arc<dyn TableSource>> {
        let found = self
            .tables
            .iter()
            .find(|table| matches!(&name, TableReference::Bare { table: known } if **known == *table.name));
        match found {
            Some(table) => Ok(provider_as_source(Arc::new(table.clone()))),
            None => plan_err!("there is no table `{name}`"),
        }
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        SCALARS.get(name).cloned()
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        AGGREGATES.get(name).cloned()
    }

    fn get_window_meta(&self, _: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        SCALARS.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        AGGREGATES.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}
