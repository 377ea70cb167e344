//! `json_extract` and `json_extract_scalar`, with paths such as `$.a.b[0]`.

use datafusion::logical_expr::ScalarUDF;
use serde_json::Value;

use super::text;

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![text::function("json_extract", 2, extract), text::function("json_extract_scalar", 2, extract_scalar)]
}

fn extract(arguments: &[&str]) -> Option<String> {
    value_at(arguments).map(|value| value.to_string())
}

/// A text without its quotes, a number or a truth value as text; NULL for anything else.
fn extract_scalar(arguments: &[&str]) -> Option<String> {
    match value_at(arguments)? {
        Value::String(text) => Some(text),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn value_at(arguments: &[&str]) -> Option<Value> {
    let [json, path] = arguments else { return None };
    let mut value: Value = serde_json::from_str(json).ok()?;
    for step in steps(path)? {
        value = match step {
            Step::Name(name) => value.get_mut(name)?.take(),
            Step::Number(number) => value.get_mut(number)?.take(),
        };
    }
    Some(value)
}

enum Step<'p> {
    Name(&'p str),
    /// 0-based, as in JSON paths.
    Number(usize),
}

fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(bracket) = rest.strip_prefix('[') {
            let (inside, after) = bracket.split_once(']')?;
            let quoted = inside.trim_matches(['"', '\'']);
            steps.push(if quoted.len() < inside.len() {
                Step::Name(quoted)
            } else {
                Step::Number(inside.parse().ok()?)
            });
            rest = after;
        } else {
            let dotted = rest.strip_prefix('.')?;
            let end = dotted.find(['.', '[']).unwrap_or(dotted.len());
            steps.push(Step::Name(&dotted[..end]));
            rest = &dotted[end..];
        }
    }
    Some(steps)
}
