//! What the engine below says when it does not understand, in words that help.

use crate::Error;

const ORDER: &str = "the order is SELECT … FROM … WHERE … GROUP BY … HAVING … ORDER BY … LIMIT …";

/// The error for a text of DataFusion's planner.
pub(crate) fn planning(text: &str) -> Error {
    let line = first_line(text);
    if let Some(table) = between(&line, "table '", "' not found") {
        let table = table.trim_start_matches("lake.").trim_start_matches("main.");
        return Error::new(format!("no table {table}")).with_hint("carelake catalog lists the tables");
    }
    if let Some(function) = between(&line, "Invalid function '", "'") {
        return Error::new(format!("no function {function}"))
            .with_hint("SHOW FUNCTIONS lists those there are; docs/sql.md tells those of HL7 and of Athena");
    }
    if line.contains("must be in GROUP BY or an aggregate function") {
        let column = between(&line, "column \"", "\"").unwrap_or("a column");
        return Error::new(format!("{column} is in SELECT, but neither grouped nor aggregated")).with_hint(
            "write GROUP BY with the same expression, or GROUP BY ALL; or take one value: arbitrary(…), max(…)",
        );
    }
    if line.contains("Aggregate functions are not allowed in the WHERE clause") {
        return Error::new("count(*) and the like are not known yet in WHERE")
            .with_hint("put that condition into HAVING, after GROUP BY");
    }
    if line.contains("arithmetic") && line.contains("Struct(") {
        return Error::new("a segment is nothing to count with").with_hint(
            "a place is written with dots, pid.patient_name.given_name; PID-5.2 is for hl7_field(raw, 'PID-5.2')",
        );
    }
    if line.contains("but received List(") || line.contains("type List(") {
        let function = between(&line, "Function '", "'").unwrap_or("this");
        return Error::new(format!("{function} takes one value, not a list")).with_hint(
            "say which element, as in obx[1].set_id; or use transform(list, x -> …), or the view segments.…",
        );
    }
    Error::new(without_types(line.trim_start_matches("Internal error: ")))
}

/// The error for a text of the parser.
pub(crate) fn syntax(text: &str) -> Error {
    let text = text.replace("sql parser error: ", "");
    let hint = if text.starts_with("Unterminated") {
        "a text ends with the quote it began with; a quote inside of it is written twice: 'O''Neil'"
    } else if between(&text, "found: .", " at")
        .is_some_and(|found| found.starts_with(|c: char| c.is_ascii_digit()))
    {
        "fields have names: pid.patient_name; by number they are pid.pid_5"
    } else {
        ORDER
    };
    Error::new(text).with_hint(hint)
}

/// DataFusion adds lists of everything that would have been valid: with thousands of columns, too much.
pub(crate) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// The text with the insides of nested types left out: a segment has thousands of them.
fn without_types(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = ["Struct(", "List("].iter().filter_map(|name| rest.find(name)).min() {
        let name_length = rest[at..].find('(').unwrap_or_default();
        kept.push_str(&rest[..at + name_length]);
        let mut depth = 0_usize;
        let end = rest[at..].char_indices().find_map(|(position, letter)| {
            depth = match letter {
                '(' => depth + 1,
                ')' => depth - 1,
                _ => depth,
            };
            (letter == ')' && depth == 0).then_some(at + position + 1)
        });
        rest = end.map_or("", |end| &rest[end..]);
    }
    kept.push_str(rest);
    kept
}
