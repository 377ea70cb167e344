//! What was given: the file, with the place of everything in it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Value;
use toml::de::{DeTable, DeValue};

use super::wrong::{Source, Wrong};

/// Something that was given.
pub(super) struct Given {
    /// Where its name stands.
    pub(super) name_at: Source,
    /// Where it stands itself.
    pub(super) at: Source,
    pub(super) content: Content,
}

pub(super) enum Content {
    Table(Table),
    List(Vec<Given>),
    Value(Value),
    /// A text of the environment, to be read as what is wanted.
    Variable(String),
}

pub(super) type Table = BTreeMap<String, Given>;

/// Reads a file's text.
pub(super) fn read(name: &Arc<str>, text: &str) -> Result<Table, Vec<Wrong>> {
    let places = Places { name, text };
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(places.table(table.get_ref()));
    }
    let mut wrongs: Vec<Wrong> = Vec::new();
    for error in errors {
        let source = places.source(&error.span().unwrap_or_default());
        // One slip may bring several errors; the first of a line is the one to mend.
        let line_of = |source: &Source| match source {
            Source::File { line, .. } => *line,
            _ => 0,
        };
        let is_new = wrongs.iter().all(|known| known.source().map(line_of) != Some(line_of(&source)));
        if is_new {
            let text = format!("this is no TOML: {}", error.message());
            wrongs.push(Wrong::at(
                &source,
                text,
                "KEY = VALUE below a [SECTION], texts in quotes: https://toml.io",
            ));
        }
    }
    Err(wrongs)
}

struct Places<'t> {
    name: &'t Arc<str>,
    text: &'t str,
}

impl Places<'_> {
    fn table(&self, table: &DeTable<'_>) -> Table {
        table
            .iter()
            .map(|(name, value)| {
                let given = self.given(self.source(&name.span()), &value.span(), value.get_ref());
                (name.get_ref().to_string(), given)
            })
            .collect()
    }

    fn given(&self, name_at: Source, span: &Range<usize>, value: &DeValue<'_>) -> Given {
        let at = self.source(span);
        let content = match value {
            DeValue::Table(table) => Content::Table(self.table(table)),
            DeValue::Array(values) => Content::List(
                values
                    .iter()
                    .map(|value| self.given(self.source(&value.span()), &value.span(), value.get_ref()))
                    .collect(),
            ),
            DeValue::String(text) => Content::Value(Value::String(text.to_string())),
            DeValue::Boolean(value) => Content::Value(Value::Boolean(*value)),
            DeValue::Datetime(value) => Content::Value(Value::Datetime(*value)),
            // Numbers that do not fit are no value of any key: as texts they are refused as such.
            DeValue::Integer(number) => Content::Value(
                i64::from_str_radix(number.as_str(), number.radix())
                    .map_or_else(|_| Value::String(number.to_string()), Value::Integer),
            ),
            DeValue::Float(number) => Content::Value(
                number.as_str().parse().map_or_else(|_| Value::String(number.to_string()), Value::Float),
            ),
        };
        Given { name_at, at, content }
    }

    fn source(&self, span: &Range<usize>) -> Source {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Source::File {
            name: Arc::clone(self.name),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}
