//! Functions of Carelake's SQL beside those of DataFusion.

mod at_least_one;
mod contains;
mod hl7;
mod json;
mod offset;
mod raw;
mod text;
mod tried;

use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::ScalarUDF;
use storage::Lake;

use crate::engine::FeedOffsets;

pub(crate) use at_least_one::NAME as AT_LEAST_ONE;
pub(crate) use raw::NAME as RAW;
pub(crate) use tried::{PREFIX as TRIED_PREFIX, TRIED};

/// All of them, for registering in a session.
pub(crate) fn all(lake: &Lake, context: &SessionContext, offsets: &FeedOffsets) -> Vec<ScalarUDF> {
    let mut functions = hl7::functions();
    functions.extend(offset::functions(offsets));
    functions.extend(json::functions());
    functions.extend(tried::functions(context));
    functions.push(at_least_one::function());
    functions.push(contains::function());
    functions.push(raw::function(lake));
    functions
}
