//! Functions of Trino that DataFusion has under another name, or can be said with what it has.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArguments,
    LambdaFunction, Value,
};

use super::{attempt, expression};
use crate::{Error, Result};

/// Replaces a call by what DataFusion understands, if it is one of Trino's.
pub(super) fn rewrite(call: &mut Expr) -> Result<()> {
    let Expr::Function(function) = call else { return Ok(()) };
    compare_what_looks_named(function);
    let Some(arguments) = arguments(function) else { return Ok(()) };
    let name = function.name.to_string().to_ascii_lowercase();
    if let ("try", [attempted]) = (name.as_str(), &arguments[..]) {
        *call = attempt::of((*attempted).clone());
    } else if let Some(text) = translation(&name, &arguments)? {
        *call = expression(&text)?;
    }
    Ok(())
}

/// `count_if(code = 'K')` compares; the parser takes it for an argument of the name `code`.
fn compare_what_looks_named(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    for argument in &mut list.args {
        let FunctionArg::Named {
            name,
            arg: FunctionArgExpr::Expr(value),
            operator: FunctionArgOperator::Equals,
        } = argument
        else {
            continue;
        };
        let comparison = Expr::BinaryOp {
            left: Box::new(Expr::Identifier(name.clone())),
            op: BinaryOperator::Eq,
            right: Box::new(value.clone()),
        };
        *argument = FunctionArg::Unnamed(FunctionArgExpr::Expr(comparison));
    }
}

fn arguments(function: &Function) -> Option<Vec<&Expr>> {
    if function.over.is_some() || function.filter.is_some() {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    let expressions = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
        _ => None,
    });
    expressions.collect()
}

fn translation(name: &str, arguments: &[&Expr]) -> Result<Option<String>> {
    Ok(Some(match (name, arguments) {
        ("element_at", [map, key]) if literal(key).is_some() => format!("map_extract({map}, {key})[1]"),
        ("element_at", [list, number]) => format!("array_element({list}, {number})"),
        ("filter", [list, test]) => format!("array_filter({list}, {test})"),
        ("transform", [list, change]) => format!("array_transform({list}, {change})"),
        ("none_match", [list, test]) => format!("(NOT array_any_match({list}, {test}))"),
        ("all_match", [list, Expr::Lambda(LambdaFunction { params, body, .. })]) => {
            format!("(NOT array_any_match({list}, {params} -> NOT ({body})))")
        }
        ("slice", [list, start, length]) => format!("array_slice({list}, {start}, {start} + {length} - 1)"),
        ("split", [text, separator]) => format!("string_to_array({text}, {separator})"),
        ("arbitrary", [value]) => format!("any_value({value})"),
        ("count_if", [test]) => format!("count(CASE WHEN {test} THEN 1 END)"),
        ("approx_percentile", [value, share]) => {
            format!("approx_percentile_cont({share}) WITHIN GROUP (ORDER BY {value})")
        }
        // The whole match is the group before those of the pattern.
        ("regexp_extract", [text, pattern]) => {
            format!("array_element(regexp_match({text}, concat('(', {pattern}, ')')), 1)")
        }
        ("regexp_extract", [text, pattern, group]) => {
            format!("array_element(regexp_match({text}, concat('(', {pattern}, ')')), {group} + 1)")
        }
        // Trino replaces every match.
        ("regexp_replace", [text, pattern]) => format!("regexp_replace({text}, {pattern}, '', 'g')"),
        ("regexp_replace", [text, pattern, by]) => format!("regexp_replace({text}, {pattern}, {by}, 'g')"),
        ("date_parse", [text, format]) => format!("to_timestamp({text}, '{}')", chrono_format(name, format)?),
        ("date_format", [time, format]) => format!("to_char({time}, '{}')", chrono_format(name, format)?),
        ("from_iso8601_timestamp", [text]) => format!("to_timestamp({text})"),
        ("from_iso8601_date", [text]) => format!("CAST({text} AS DATE)"),
        ("year" | "month" | "day" | "hour" | "minute" | "second" | "week" | "quarter", [time]) => {
            format!("date_part('{name}', {time})")
        }
        ("to_unixtime", [time]) => format!("date_part('epoch', {time})"),
        ("date_diff", [unit, from, to]) => {
            let seconds = seconds_of(unit)?;
            format!(
                "CAST(trunc((date_part('epoch', {to}) - date_part('epoch', {from})) / {seconds}) AS BIGINT)"
            )
        }
        ("date_add", [unit, count, time]) => {
            let unit = literal(unit)
                .ok_or_else(|| Error::new("the unit of date_add must be a text, such as 'day'"))?;
            format!("({time} + CAST(concat({count}, ' {unit}') AS INTERVAL))")
        }
        ("if", [test, then]) => format!("(CASE WHEN {test} THEN {then} END)"),
        ("if", [test, then, otherwise]) => format!("(CASE WHEN {test} THEN {then} ELSE {otherwise} END)"),
        _ => return Ok(None),
    }))
}

fn literal(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn seconds_of(unit: &Expr) -> Result<&'static str> {
    match literal(unit).map(str::to_ascii_lowercase).as_deref() {
        Some("millisecond") => Ok("0.001"),
        Some("second") => Ok("1"),
        Some("minute") => Ok("60"),
        Some("hour") => Ok("3600"),
        Some("day") => Ok("86400"),
        Some("week") => Ok("604800"),
        _ => Err(Error::new("date_diff knows millisecond, second, minute, hour, day and week")
            .with_hint("for months and years: date_part('year', b) - date_part('year', a)")),
    }
}

/// The format of MySQL, which Trino takes, in the letters of DataFusion's.
fn chrono_format(function: &str, format: &Expr) -> Result<String> {
    let Some(format) = literal(format) else {
        return Err(Error::new(format!("the format of {function} must be a text, such as '%Y-%m-%d'")));
    };
    let mut translated = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            translated.extend(std::iter::repeat_n(letter, if letter == '\'' { 2 } else { 1 }));
            continue;
        }
        translated.push_str(match letters.next() {
            Some('c') => "%-m",
            Some('e') => "%-d",
            Some('f') => "%6f",
            Some('h' | 'I') => "%I",
            Some('i') => "%M",
            Some('k') => "%-H",
            Some('l') => "%-I",
            Some('M') => "%B",
            Some('r') => "%I:%M:%S %p",
            Some('s' | 'S') => "%S",
            Some('T') => "%H:%M:%S",
            Some('v') => "%V",
            Some('W') => "%A",
            Some('x') => "%G",
            Some('Y') => "%Y",
            Some('y') => "%y",
            Some('m') => "%m",
            Some('d') => "%d",
            Some('H') => "%H",
            Some('b') => "%b",
            Some('a') => "%a",
            Some('j') => "%j",
            Some('p') => "%p",
            Some('%') => "%%",
            Some(other) => return Err(Error::new(format!("{function} knows no %{other}"))),
            None => return Err(Error::new(format!("the format of {function} ends in the middle of a %"))),
        });
    }
    Ok(translated)
}
