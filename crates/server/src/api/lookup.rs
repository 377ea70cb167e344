//! Questions that the API asks itself.

use futures::StreamExt;
use serde_json::Value;

use super::literal::without_literals;
use super::problem::Problem;
use super::seams::{Format, Rows, SqlLimits, SqlProblem};
use super::state::State;

/// The rows of an answer, at most `rows` of them.
pub(super) async fn rows(state: &State, query: &str, rows: u64) -> Result<Vec<Value>, Problem> {
    let limits = SqlLimits { rows, time: state.limits.query_time, audit: false };
    let all = tokio::time::timeout(limits.time, collect(state, query, limits)).await;
    let all = all.map_err(|_| super::answer::too_slow())?.map_err(|problem| told(problem, query))?;
    let mut found = Vec::new();
    for line in all.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        found.push(serde_json::from_slice(line).map_err(|_| Problem::internal("a row is no JSON"))?);
    }
    Ok(found)
}

async fn collect(state: &State, query: &str, limits: SqlLimits) -> Result<Vec<u8>, SqlProblem> {
    let mut stream = state.sql.run(query, Format::Ndjson, limits).await?.stream();
    let mut all = Vec::new();
    while let Some(rows) = stream.next().await {
        if let Rows::Encoded { bytes, .. } = rows? {
            all.extend_from_slice(&bytes);
        }
    }
    Ok(all)
}

/// What is wrong with a question, told without the texts in it.
pub(super) fn told(problem: SqlProblem, query: &str) -> Problem {
    SqlProblem {
        kind: problem.kind,
        text: without_literals(&problem.text, query),
        hint: problem.hint.map(|hint| without_literals(&hint, query)),
    }
    .into()
}
