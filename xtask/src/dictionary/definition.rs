//! What a version says of a position: a field of a segment or a component of a datatype.

use std::collections::BTreeMap;
use std::path::Path;

use super::tsv::{self, Table, number};
use super::versions::{PerVersion, parse_range, runs, show_range};

/// `max` of a position that repeats without limit.
pub(crate) const UNBOUNDED: u16 = u16::MAX;

/// One position in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// `UPPER_SNAKE`.
    pub(crate) name: String,
    pub(crate) datatype: String,
    /// `R`, `E` for RE, `O`, `C`, `B` or `W`.
    pub(crate) optionality: char,
    pub(crate) min: u16,
    pub(crate) max: u16,
    pub(crate) length: Option<(u32, u32)>,
    pub(crate) table: u16,
}

/// Segment or datatype, and a number from 1.
pub(crate) type Key = (String, u8);

/// All positions of segments, or of datatypes, in all versions.
pub(crate) type Definitions = BTreeMap<Key, PerVersion<Definition>>;

const COLUMNS: [&str; 10] =
    ["parent", "number", "versions", "name", "datatype", "optionality", "min", "max", "length", "table"];

pub(crate) fn write(folder: &Path, file: &str, definitions: &Definitions) -> Result<(), String> {
    let mut rows = Vec::new();
    for ((parent, position), versions) in definitions {
        for (range, said) in runs(versions) {
            rows.push(vec![
                parent.clone(),
                position.to_string(),
                show_range(range),
                said.name.clone(),
                said.datatype.clone(),
                said.optionality.to_string(),
                said.min.to_string(),
                if said.max == UNBOUNDED { "*".to_owned() } else { said.max.to_string() },
                said.length.map(|(low, high)| format!("{low}-{high}")).unwrap_or_default(),
                said.table.to_string(),
            ]);
        }
    }
    tsv::write(folder, file, &COLUMNS, &rows)
}

pub(crate) fn read(folder: &Path, file: &str) -> Result<Definitions, String> {
    let mut definitions = Definitions::new();
    for (key, (first, last), said) in Table::read(folder, file, &COLUMNS)?.parse(read_row)? {
        let versions = definitions.entry(key).or_default();
        versions[first..=last].fill(Some(said));
    }
    Ok(definitions)
}

fn read_row(row: &[String]) -> Result<(Key, (usize, usize), Definition), String> {
    let length = match row[8].split_once('-') {
        Some((low, high)) => Some((number(low)?, number(high)?)),
        None => None,
    };
    let said = Definition {
        name: row[3].clone(),
        datatype: row[4].clone(),
        optionality: row[5].chars().next().ok_or("no optionality")?,
        min: number(&row[6])?,
        max: if row[7] == "*" { UNBOUNDED } else { number(&row[7])? },
        length,
        table: number(&row[9])?,
    };
    Ok(((row[0].clone(), number(&row[1])?), parse_range(&row[2])?, said))
}
