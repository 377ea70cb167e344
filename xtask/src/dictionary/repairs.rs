//! Mends single errors of the sources, each by a row with its reason.

use std::path::Path;

use super::definition::{Definition, Definitions, UNBOUNDED};
use super::names::upper_snake;
use super::tsv::{Table, number};
use super::versions::{index, parse_range};

const COLUMNS: [&str; 7] = ["kind", "parent", "number", "versions", "attribute", "value", "reason"];

/// Applies the repairs of one kind, `field` or `component`. A repair that changes nothing is an error: it is
/// not needed any more.
pub(crate) fn apply(folder: &Path, kind: &str, definitions: &mut Definitions) -> Result<usize, String> {
    let table = Table::read(folder, "repairs.tsv", &COLUMNS)?;
    let mut count = 0;
    for row in table.rows.iter().filter(|row| row[0] == kind) {
        let changed = repair(row, definitions).map_err(|reason| table.error(row, &reason))?;
        if !changed {
            return Err(table.error(row, "changes nothing"));
        }
        count += 1;
    }
    Ok(count)
}

fn repair(row: &[String], definitions: &mut Definitions) -> Result<bool, String> {
    let (first, last) = parse_range(&row[3])?;
    let versions = definitions.entry((row[1].clone(), number(&row[2])?)).or_default();
    let before = versions.clone();
    for version in first..=last {
        match (row[4].as_str(), versions[version].as_mut()) {
            ("as", _) => versions[version] = versions[index(&row[5])?].clone(),
            ("define", None) => {
                let (name, datatype) = row[5].split_once(' ').ok_or("neither name nor datatype")?;
                versions[version] = Some(Definition {
                    name: upper_snake(name),
                    datatype: datatype.to_owned(),
                    optionality: 'O',
                    min: 0,
                    max: 1,
                    length: None,
                    table: 0,
                });
            }
            (attribute, Some(definition)) => set(definition, attribute, &row[5])?,
            (_, None) => return Err("the version does not have the position".to_owned()),
        }
    }
    Ok(*versions != before)
}

fn set(definition: &mut Definition, attribute: &str, value: &str) -> Result<(), String> {
    match attribute {
        "name" => definition.name = upper_snake(value),
        "datatype" => definition.datatype = value.to_owned(),
        "optionality" => definition.optionality = value.chars().next().ok_or("no optionality")?,
        "max" => definition.max = if value == "*" { UNBOUNDED } else { number(value)? },
        "table" => definition.table = number(value)?,
        other => return Err(format!("no attribute {other:?}")),
    }
    Ok(())
}
