//! Code tables: the current ones with the codes that older versions had besides.

use std::collections::BTreeMap;
use std::path::Path;

use super::facts::{Facts, list, object, text};
use super::names::unescape_xml;
use super::tsv::{self, Table, number};
use super::versions::VERSIONS;

/// A table of codes.
#[derive(Debug, Default)]
pub(crate) struct CodeTable {
    pub(crate) name: String,
    /// Defined by HL7 rather than suggested to users.
    pub(crate) is_hl7_defined: bool,
    /// Code and display text.
    pub(crate) codes: BTreeMap<String, String>,
}

/// By number.
pub(crate) type CodeTables = BTreeMap<u16, CodeTable>;

/// Stands where there is no table.
const PLACEHOLDER: u16 = 9999;

const COLUMNS: [&str; 3] = ["table", "kind", "name"];
const CODE_COLUMNS: [&str; 3] = ["table", "code", "display"];

pub(crate) fn merge(facts: &Facts) -> CodeTables {
    let mut tables = CodeTables::new();
    for (id, said) in object(&facts.utg) {
        let Ok(id) = id.parse() else { continue };
        let table: &mut CodeTable = tables.entry(id).or_default();
        for code in list(&said[3]) {
            if let Some(value) = text(&code[0]).as_deref().and_then(real_code) {
                table.codes.insert(value, one_line(&text(&code[1]).unwrap_or_default()));
            }
        }
        table.name = words(&text(&said[0]).unwrap_or_default());
    }
    for version in VERSIONS.iter().rev() {
        for (id, said) in object(&facts.glion[*version]["tables"]) {
            let Ok(id) = id.parse() else { continue };
            let is_new = !tables.contains_key(&id);
            let table = tables.entry(id).or_default();
            let kind = said["type"].as_str();
            if is_new || !table.name.contains(' ') {
                // Newest first: the first name with words in it stays.
                let name = one_line(&unescape_xml(&text(&said["description"]).unwrap_or_default()));
                if !name.is_empty() {
                    table.name = name;
                }
            }
            table.is_hl7_defined |=
                kind == Some("hl7") && is_newest_kind(facts, &format!("{id:04}"), version);
            for code in list(&said["codes"]) {
                if let Some(value) =
                    text(&code["name"]).as_deref().map(unescape_xml).as_deref().and_then(real_code)
                {
                    let display = one_line(&unescape_xml(&text(&code["description"]).unwrap_or_default()));
                    let known = table.codes.entry(value).or_default();
                    if known.is_empty() {
                        *known = display;
                    }
                }
            }
        }
    }
    tables.remove(&PLACEHOLDER);
    tables
}

/// Whether no later version has the table: the latest decides of what kind it is.
fn is_newest_kind(facts: &Facts, id: &str, version: &str) -> bool {
    VERSIONS
        .iter()
        .rev()
        .take_while(|later| **later != version)
        .all(|later| facts.glion[*later]["tables"].get(id).is_none())
}

/// A code, but not what a source writes where there is a range of codes, or none.
fn real_code(code: &str) -> Option<String> {
    let is_note = code.contains("...")
        || code.contains('…')
        || code.eq_ignore_ascii_case("no suggested values")
        || code.len() > 40;
    (!is_note).then(|| one_line(code)).filter(|code| !code.is_empty())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `AdministrativeSex` → `Administrative Sex`.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for character in name.chars() {
        if character.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push(' ');
        }
        words.push(character);
        before = character;
    }
    words
}

pub(crate) fn write(folder: &Path, tables: &CodeTables) -> Result<(), String> {
    let rows: Vec<_> = tables
        .iter()
        .map(|(id, table)| {
            let kind = if table.is_hl7_defined { "hl7" } else { "user" };
            vec![id.to_string(), kind.to_owned(), table.name.clone()]
        })
        .collect();
    tsv::write(folder, "tables.tsv", &COLUMNS, &rows)?;
    let codes: Vec<_> = tables
        .iter()
        .flat_map(|(id, table)| {
            table.codes.iter().map(move |(code, display)| vec![id.to_string(), code.clone(), display.clone()])
        })
        .collect();
    tsv::write(folder, "codes.tsv", &CODE_COLUMNS, &codes)
}

pub(crate) fn read(folder: &Path) -> Result<CodeTables, String> {
    let mut tables = CodeTables::new();
    for (id, is_hl7_defined, name) in Table::read(folder, "tables.tsv", &COLUMNS)?
        .parse(|row| Ok((number(&row[0])?, row[1] == "hl7", row[2].clone())))?
    {
        tables.insert(id, CodeTable { name, is_hl7_defined, codes: BTreeMap::new() });
    }
    let codes = Table::read(folder, "codes.tsv", &CODE_COLUMNS)?;
    for row in &codes.rows {
        let table = tables.get_mut(&number(&row[0])?).ok_or_else(|| codes.error(row, "no such table"))?;
        table.codes.insert(row[1].clone(), row[2].clone());
    }
    Ok(tables)
}
