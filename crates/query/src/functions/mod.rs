//! Functions of Carelake's SQL beside those of DataFusion.

mod contains;
mod hl7;
mod json;
mod raw;
mod text;

use datafusion::logical_expr::ScalarUDF;
use storage::Lake;

pub(crate) use raw::NAME as RAW;

/// All of them, for registering in a session.
pub(crate) fn all(lake: &Lake) -> Vec<ScalarUDF> {
    let mut functions = hl7::functions();
    functions.extend(json::functions());
    functions.push(contains::function());
    functions.push(raw::function(lake));
    functions
}
