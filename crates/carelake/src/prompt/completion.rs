//! Completion of keywords, tables, columns and paths; and when a question is complete.

use std::sync::Arc;

use query::Engine;
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper, Result};

const KEYWORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "JOIN",
    "CROSS JOIN UNNEST",
    "ON",
    "AND",
    "OR",
    "NOT",
    "IS NULL",
    "IS NOT NULL",
    "IN",
    "LIKE",
    "BETWEEN",
    "AS",
    "DISTINCT",
    "COUNT",
    "DESCRIBE",
    "SHOW TABLES",
    "EXPLAIN",
    "WITH",
    "UNION ALL",
    "CASE WHEN",
    "hl7_timestamp",
    "hl7_field",
    "hl7_offset",
    "feed_offset",
    "any_match",
    "element_at",
];

/// Knows the names of a lake.
pub(super) struct Names {
    engine: Arc<Engine>,
}

impl Names {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        let before = &line[..position];
        let in_name = |character: char| character.is_alphanumeric() || "_.[]".contains(character);
        let start = before
            .rfind(|character| !in_name(character))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let path = &before[start..];
        let name_at = path.rfind('.').map_or(0, |dot| dot + 1);
        let (parent, begun) = path.split_at(name_at);
        let mut candidates = self.engine.names_below(parent);
        if parent.is_empty() {
            candidates.extend(KEYWORDS.iter().map(|keyword| (*keyword).to_owned()));
        }
        let begun = begun.to_ascii_lowercase();
        candidates.retain(|candidate| candidate.to_ascii_lowercase().starts_with(&begun));
        candidates.sort();
        candidates.dedup();
        Ok((start + name_at, candidates))
    }
}

impl Validator for Names {
    fn validate(&self, context: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let text = context.input().trim();
        let is_complete = text.is_empty()
            || text.ends_with(';')
            || text.starts_with('\\')
            || matches!(text, "quit" | "exit" | "help");
        Ok(if is_complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}
impl Helper for Names {}
