//! The facts as their sources give them, read into one form.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::definition::UNBOUNDED;
use super::names::unescape_xml;

/// The four files of facts.
pub(crate) struct Facts {
    pub(crate) hl7apy: Value,
    pub(crate) glion: Value,
    pub(crate) v2ig: Value,
    pub(crate) utg: Value,
}

/// A position as one source has it. `None` and empty text where the source says nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// `None` for a withdrawn position.
    pub(crate) datatype: Option<String>,
    pub(crate) min: u16,
    pub(crate) max: u16,
    pub(crate) table: Option<u16>,
    pub(crate) length: Option<(u32, u32)>,
    pub(crate) optionality: Option<char>,
}

impl Facts {
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| -> Result<Value, String> {
            let path = folder.join(name);
            let text = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Self {
            hl7apy: read("hl7apy_all.json")?,
            glion: read("glion_all.json")?,
            v2ig: read("v2ig_v2_9_1.json")?,
            utg: read("utg_tables.json")?,
        })
    }

    /// The positions of hl7apy by parent; a withdrawn one it leaves out is `None`.
    pub(crate) fn hl7apy(&self, version: &str, kind: &str) -> Vec<(String, Vec<Option<Row>>)> {
        let row = |row: &Value| {
            row.is_array().then(|| {
                let datatype = text(&row[1]).filter(|code| !code.eq_ignore_ascii_case("wd"));
                Row {
                    name: text(&row[0]).unwrap_or_default(),
                    datatype: datatype.filter(|_| row[3].as_i64() != Some(0)),
                    min: small(&row[2]),
                    max: small(&row[3]),
                    // 9999 is a placeholder.
                    table: row[4].as_u64().map(|table| table as u16).filter(|table| *table != 9999),
                    ..Row::default()
                }
            })
        };
        object(&self.hl7apy[version][kind])
            .map(|(parent, rows)| (parent.clone(), list(rows).iter().map(row).collect()))
            .collect()
    }

    /// The fields of glion by segment, each with its number.
    pub(crate) fn glion_fields(&self, version: &str) -> Vec<(String, Vec<(usize, Row)>)> {
        object(&self.glion[version]["segments"])
            .map(|(segment, rows)| (segment.clone(), list(rows).iter().map(glion_row).collect()))
            .collect()
    }

    /// The components of glion by datatype, each with its number.
    pub(crate) fn glion_components(&self, version: &str) -> Vec<(String, Vec<(usize, Row)>)> {
        object(&self.glion[version]["datatypes"])
            .map(|(datatype, said)| {
                (datatype.clone(), list(&said["components"]).iter().map(glion_row).collect())
            })
            .collect()
    }

    /// The positions of 2.9.1 by parent.
    pub(crate) fn v2ig(&self, kind: &str) -> Vec<(String, Vec<Row>)> {
        let row = |row: &Value| {
            let optionality = match text(&row[7]).as_deref() {
                Some("RE") => Some('E'),
                code => code.and_then(|code| code.chars().next()).filter(|code| *code != '-'),
            };
            Row {
                name: text(&row[0]).unwrap_or_default(),
                datatype: text(&row[1]),
                min: small(&row[2]),
                max: small(&row[3]),
                table: row[4].as_u64().map(|table| table as u16),
                length: row[5].as_array().map(|pair| (wide(&pair[0]), wide(&pair[1]))),
                optionality,
            }
        };
        object(&self.v2ig[kind])
            .map(|(parent, rows)| (parent.clone(), list(rows).iter().map(row).collect()))
            .collect()
    }
}

fn glion_row(row: &Value) -> (usize, Row) {
    let name = text(&row["name"]).map(|name| unescape_xml(&name)).unwrap_or_default();
    let table = text(&row["table"]).and_then(|table| table.strip_prefix("HL7")?.parse().ok());
    let is_required = row["required"].as_bool().unwrap_or(false);
    let is_deprecated = row["deprecated"].as_bool().unwrap_or(false);
    let read = Row {
        name,
        datatype: text(&row["datatype"]).or_else(|| text(&row["datatypeId"])),
        min: u16::from(is_required),
        max: if row["repeatable"].as_bool().unwrap_or(false) { UNBOUNDED } else { 1 },
        table: table.filter(|table| *table != 9999),
        length: row["maxLength"].as_u64().map(|length| (0, length as u32)),
        optionality: is_deprecated.then_some('B'),
    };
    (row["sequence"].as_u64().unwrap_or(0) as usize, read)
}

pub(crate) fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A cardinality; -1 is unbounded.
pub(crate) fn small(value: &Value) -> u16 {
    match value.as_i64() {
        Some(-1) => UNBOUNDED,
        Some(number) => u16::try_from(number).unwrap_or(UNBOUNDED),
        None => 0,
    }
}

fn wide(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(u32::MAX)
}
