//! Rows as a table for reading: columns side by side, long values cut, nothing that would steer a terminal.

use std::fmt::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use unicode_width::UnicodeWidthStr;

use crate::report::Result;

/// Characters of a value that are shown. A segment with all its occurrences has thousands, and its column would be as wide.
pub(crate) const LONGEST: usize = 200;

/// A table, and whether a value in it was cut.
pub(crate) struct Table {
    pub(crate) text: String,
    pub(crate) is_cut: bool,
}

/// Puts rows under each other; without rows there is the header.
pub(crate) fn table(schema: &Schema, batches: &[RecordBatch]) -> Result<Table> {
    // The plan of a query has lines of its own, and is asked for to be read whole.
    let is_plan = schema.fields().first().is_some_and(|field| field.name() == "plan_type");
    let longest = if is_plan { usize::MAX } else { LONGEST };
    let mut is_cut = false;
    let header = schema.fields().iter().map(|field| vec![shown(field.name())]).collect();
    let mut rows: Vec<Vec<Lines>> = vec![header];
    let options = FormatOptions::default();
    for batch in batches {
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<std::result::Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let cell = |column: &ArrayFormatter<'_>| {
                let mut value = Beginning { text: String::new(), left: longest };
                // It fails where it is cut, and where a value has no text; what there is of it is shown.
                if column.value(row).write(&mut value).is_err() {
                    is_cut = true;
                    value.text.push('…');
                }
                if is_plan { value.text.lines().map(shown).collect() } else { vec![shown(&value.text)] }
            };
            rows.push(columns.iter().map(cell).collect());
        }
    }
    Ok(Table { text: drawn(&rows), is_cut })
}

/// The lines of a cell.
type Lines = Vec<String>;

/// Text up to a number of characters; more of it is refused.
struct Beginning {
    text: String,
    left: usize,
}

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match text.char_indices().nth(self.left) {
            None => {
                self.left -= text.chars().count();
                self.text.push_str(text);
                Ok(())
            }
            Some((end, _)) => {
                self.text.push_str(&text[..end]);
                self.left = 0;
                Err(fmt::Error)
            }
        }
    }
}

/// Control characters as their pictures.
fn shown(text: &str) -> String {
    let picture = |letter: char| match u32::from(letter) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or(letter),
        0x7f => '\u{2421}',
        0x80..0xa0 => '\u{fffd}',
        _ => letter,
    };
    text.chars().map(picture).collect()
}

fn drawn(rows: &[Vec<Lines>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width_of = |column: usize| {
        let lines = rows.iter().flat_map(|row| &row[column]);
        lines.map(|line| line.width()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width_of).collect();
    let rule: String = widths.iter().map(|width| format!("+{}", "-".repeat(width + 2))).collect();
    let rule = format!("{rule}+");
    let mut text = format!("{rule}\n");
    for (number, row) in rows.iter().enumerate() {
        let height = row.iter().map(Vec::len).max().unwrap_or_default();
        for line in 0..height.max(1) {
            for (cell, width) in row.iter().zip(&widths) {
                let part = cell.get(line).map_or("", String::as_str);
                text.push_str("| ");
                text.push_str(part);
                text.extend(std::iter::repeat_n(' ', width - part.width() + 1));
            }
            text.push_str("|\n");
        }
        if number == 0 {
            text.push_str(&rule);
            text.push('\n');
        }
    }
    // Under a header alone one rule is enough.
    if rows.len() > 1 {
        text.push_str(&rule);
    } else {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    fn table_of(columns: &[(&str, Vec<Option<&str>>)]) -> Table {
        let arrays = columns
            .iter()
            .map(|(name, values)| (*name, Arc::new(StringArray::from(values.clone())) as ArrayRef));
        let batch = RecordBatch::try_from_iter(arrays).unwrap();
        table(&batch.schema(), &[batch]).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_what_is_shown_of_their_values() {
        let long = "é".repeat(LONGEST + 1);
        let made = table_of(&[
            ("a", vec![Some("東京"), Some("x\r\u{1b}[2J"), None]),
            ("long", vec![Some(&long), None, Some("")]),
        ]);
        assert!(made.is_cut);
        let lines: Vec<&str> = made.text.lines().collect();
        assert_eq!(lines.len(), 7);
        let width = lines[0].len();
        assert!(lines.iter().all(|line| line.width() == width), "{}", made.text);
        assert!(lines[3].starts_with("| 東京   | éé"));
        assert!(lines[3].ends_with("é… |"));
        assert!(lines[4].starts_with("| x␍␛[2J |"), "{}", lines[4]);
    }

    #[test]
    fn what_is_short_is_whole() {
        let made = table_of(&[("a", vec![Some("1")])]);
        assert!(!made.is_cut);
        assert_eq!(made.text, "+---+\n| a |\n+---+\n| 1 |\n+---+");
    }
}
