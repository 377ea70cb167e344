//! `try(…)`: NULL where computing a value fails.
//!
//! DataFusion has no such thing, so what can fail inside is written as what gives NULL instead. Runs when the functions
//! inside are already those of DataFusion.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, Expr, Ident, ObjectName, Value, VisitMut, VisitorMut,
};

use crate::functions::{TRIED, TRIED_PREFIX};
use crate::paths::call;

/// The expression without what can fail; in parentheses, as it stood in those of the call.
pub(super) fn of(mut expression: Expr) -> Expr {
    let _ = expression.visit(&mut Attempt);
    Expr::Nested(Box::new(expression))
}

struct Attempt;

impl VisitorMut for Attempt {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match expression {
            Expr::Cast { kind, .. } => *kind = CastKind::TryCast,
            Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, right, .. } => {
                let zero = Expr::Value(Value::Number("0".to_owned(), false).into());
                **right = call("nullif", vec![right.as_ref().clone(), zero]);
            }
            Expr::Function(function) => {
                let name = function.name.to_string().to_ascii_lowercase();
                if TRIED.contains(&name.as_str()) {
                    function.name = ObjectName::from(vec![Ident::new(format!("{TRIED_PREFIX}{name}"))]);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
