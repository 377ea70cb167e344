//! Tables as tab-separated text: a header line, `#` comments, one row a line.

use std::fs;
use std::path::{Path, PathBuf};

/// A table that was read, with the file named in every error.
pub(crate) struct Table {
    path: PathBuf,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a table whose header must name these columns.
    pub(crate) fn read(folder: &Path, name: &str, columns: &[&str]) -> Result<Self, String> {
        let path = folder.join(name);
        let text =
            fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        if lines.next() != Some(&columns.join("\t")) {
            return Err(format!("{}: the header must be {columns:?}", path.display()));
        }
        let rows: Vec<Vec<String>> =
            lines.map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>()).collect();
        match rows.iter().find(|row| row.len() != columns.len()) {
            Some(row) => Err(format!("{}: not {} columns: {row:?}", path.display(), columns.len())),
            None => Ok(Self { path, rows }),
        }
    }

    /// Says which row was wrong.
    pub(crate) fn error(&self, row: &[String], reason: &str) -> String {
        format!("{}: {reason}: {}", self.path.display(), row.join(" | "))
    }

    /// Applies a reader to every row.
    pub(crate) fn parse<T>(&self, reader: impl Fn(&[String]) -> Result<T, String>) -> Result<Vec<T>, String> {
        self.rows.iter().map(|row| reader(row).map_err(|reason| self.error(row, &reason))).collect()
    }
}

/// Writes a table.
pub(crate) fn write(folder: &Path, name: &str, columns: &[&str], rows: &[Vec<String>]) -> Result<(), String> {
    let mut text = columns.join("\t");
    text.push('\n');
    for row in rows {
        text.push_str(&row.join("\t"));
        text.push('\n');
    }
    write_file(&folder.join(name), text.as_bytes())
}

pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

pub(crate) fn number<T: core::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number that fits: {text:?}"))
}
