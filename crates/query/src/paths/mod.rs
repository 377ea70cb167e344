//! Dots as HL7 paths: rewrites a statement so that DataFusion can plan it.
//!
//! `pid.patient_name.given_name` means PID-5(1).2, whatever the version of the message and whichever of its
//! names is used. The statement is rewritten before planning: names become those of the columns, a dot
//! through a repeating field takes the first repetition, a path that ends on a composite goes on to its first
//! leaf, a dot through a repeating segment gives a list, and what no message has used yet is NULL.

mod place;
mod relation;
mod rewrite;
mod scope;
mod sql;
mod unobserved;

pub(crate) use sql::call;

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::sql::parser::Statement as ParsedStatement;
use datafusion::sql::sqlparser::ast::VisitMut;

use crate::Result;

/// The tables of a lake, as far as paths need them.
pub(crate) trait Tables {
    /// The columns of a table, in the main schema or in `segments`; `None` if this is none of the lake's.
    fn columns(&self, schema: Option<&str>, table: &str) -> Option<SchemaRef>;
}

/// Rewrites every path of a statement.
pub(crate) fn rewrite(statement: &mut ParsedStatement, tables: &dyn Tables) -> Result<()> {
    match statement {
        ParsedStatement::Statement(statement) => {
            let mut rewriter = rewrite::Rewriter::new(tables);
            match statement.visit(&mut rewriter) {
                ControlFlow::Break(error) => Err(error),
                ControlFlow::Continue(()) => Ok(()),
            }
        }
        ParsedStatement::Explain(explain) => rewrite(&mut explain.statement, tables),
        _ => Ok(()),
    }
}
