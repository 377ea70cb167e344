//! What people of Athena and Trino write, in the words of DataFusion.
//!
//! Runs before paths are read, so that an argument may still be an HL7 path.

mod attempt;
mod functions;
mod unnest;

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as ParsedStatement;
use datafusion::sql::sqlparser::ast::{Expr, Query, Select, SetExpr, TableFactor, VisitMut, VisitorMut};
use datafusion::sql::sqlparser::dialect::DuckDbDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::{Error, Result};

/// The functions that are understood here and that DataFusion does not list.
pub(crate) const FUNCTIONS: [&str; 28] = [
    "element_at",
    "filter",
    "transform",
    "none_match",
    "all_match",
    "any_match",
    "slice",
    "split",
    "arbitrary",
    "count_if",
    "approx_percentile",
    "regexp_extract",
    "date_parse",
    "date_format",
    "from_iso8601_timestamp",
    "from_iso8601_date",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "week",
    "to_unixtime",
    "date_diff",
    "date_add",
    "if",
    "try",
];

/// Rewrites functions and UNNEST of a statement.
pub(crate) fn translate(statement: &mut ParsedStatement) -> Result<()> {
    match statement {
        ParsedStatement::Statement(statement) => match statement.visit(&mut Translator) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        },
        ParsedStatement::Explain(explain) => translate(&mut explain.statement),
        _ => Ok(()),
    }
}

struct Translator;

impl VisitorMut for Translator {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let Query { body, order_by, .. } = query;
        match body.as_mut() {
            SetExpr::Select(select) => broken(unnest::rewrite(select, order_by.as_mut())),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        broken(unnest::rewrite(select, None))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Table { sample: Some(_), .. } | TableFactor::Derived { sample: Some(_), .. } => {
                ControlFlow::Break(
                    Error::new("TABLESAMPLE is not there")
                        .with_hint("WHERE random() < 0.1 takes about every tenth row"),
                )
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Error> {
        broken(functions::rewrite(expression))
    }
}

fn broken(result: Result<()>) -> ControlFlow<Error> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

/// Reads an expression that this module wrote.
fn expression(text: &str) -> Result<Expr> {
    let mut parser = Parser::new(&DuckDbDialect {}).try_with_sql(text).map_err(|_| not_written(text))?;
    parser.parse_expr().map_err(|_| not_written(text))
}

fn query(text: &str) -> Result<Query> {
    let mut parser = Parser::new(&DuckDbDialect {}).try_with_sql(text).map_err(|_| not_written(text))?;
    parser.parse_query().map(|query| *query).map_err(|_| not_written(text))
}

fn not_written(text: &str) -> Error {
    Error::new(format!("{text} could not be read back"))
}
