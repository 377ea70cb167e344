//! The configuration in effect as TOML, with the source of each value.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::describe::{Section, Shape};
use super::effective::{Effective, root};
use super::path::join;
use super::wrong::Source;

impl Effective {
    /// The whole as TOML that means the same when it is read again; of a secret only that it is set.
    pub(crate) fn to_toml(&self) -> String {
        let mut out = String::new();
        if let Ok(table) = Table::try_from(&self.config) {
            self.show_section("", &root(), &table, &mut out);
        }
        out
    }

    fn show_section(&self, path: &str, section: &Section, table: &Table, out: &mut String) {
        let mut has_head = path.is_empty();
        // In TOML the values of a section stand before the sections in it.
        for key in &section.keys {
            let (Shape::Value(kind) | Shape::List(kind), Some(value)) = (&key.shape, table.get(key.name))
            else {
                continue;
            };
            if !has_head {
                head(path, out);
                has_head = true;
            }
            self.show_value(path, key.name, value, kind.is_secret, out);
        }
        for key in &section.keys {
            if let Some(value) = table.get(key.name) {
                self.show_below(&join(path, key.name), &key.shape, value, out);
            }
        }
    }

    fn show_below(&self, path: &str, shape: &Shape, value: &Value, out: &mut String) {
        match (shape, value) {
            (Shape::Section(section), Value::Table(table)) => self.show_section(path, section, table, out),
            (Shape::Named { each, .. }, Value::Table(table)) => {
                let has_values = matches!(**each, Shape::Value(_) | Shape::List(_));
                if has_values && !table.is_empty() {
                    head(path, out);
                }
                for (name, value) in table {
                    match has_values {
                        true => self.show_value(path, name, value, false, out),
                        false => self.show_below(&join(path, name), each, value, out),
                    }
                }
            }
            _ => {}
        }
    }

    fn show_value(&self, path: &str, name: &str, value: &Value, is_secret: bool, out: &mut String) {
        let comment = match self.sources.get(&join(path, name)) {
            Some(Source::File { name, line, .. }) => format!("{name}:{line}"),
            Some(source) => source.to_string(),
            None => Source::Default.to_string(),
        };
        // A secret in the file would be refused.
        let mark = if is_secret { "# " } else { "" };
        let _ = writeln!(out, "{mark}{} = {value}  # {comment}", join("", name));
    }
}

fn head(path: &str, out: &mut String) {
    let _ = writeln!(out, "\n[{path}]");
}
