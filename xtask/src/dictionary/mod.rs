//! `cargo xtask dictionary`: from the facts to the dictionary's reviewable tables, and from these to what the
//! `hl7` crate embeds. The second step never looks at the facts.

mod bytes;
mod canonical;
mod definition;
mod events;
mod facts;
mod merge;
mod names;
mod pack;
mod pack_structures;
mod repairs;
mod rulings;
mod structures;
mod tables;
mod texts;
mod tsv;
mod versions;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use canonical::Inputs;
use facts::Facts;
use merge::Kind;
use tsv::Table;

/// Merges the facts into the tables and packs these.
pub(crate) fn rebuild(facts: Option<&str>) -> Result<String, String> {
    let folder = match (facts, std::env::var_os("CARELAKE_FACTS")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(folder)) => PathBuf::from(folder),
        (None, None) => workspace().join("../shared/hl7-facts"),
    };
    let facts = Facts::read(&folder)?;
    let folder = data_folder();
    let mut report = String::new();
    for (kind, label, file) in
        [(Kind::Fields, "field", "fields.tsv"), (Kind::Components, "component", "components.tsv")]
    {
        let mut merged = merge::merge(&facts, kind);
        let repairs = repairs::apply(&folder, label, &mut merged.definitions)?;
        merged.drop_known_names();
        definition::write(&folder, file, &merged.definitions)?;
        let further: Vec<Vec<String>> = merged
            .further_names
            .iter()
            .map(|(parent, number, name)| vec![parent.clone(), number.to_string(), name.clone()])
            .collect();
        tsv::write(&folder, &format!("{label}_aliases.tsv"), &["parent", "number", "name"], &further)?;
        _ = writeln!(
            report,
            "{label}s: {} positions, {repairs} repairs, {} further names",
            merged.definitions.len(),
            further.len()
        );
        for (how, count) in &merged.settled {
            _ = writeln!(report, "  {count:5} {how}");
        }
    }
    let structures = structures::merge(&facts);
    structures::write(&folder, &structures)?;
    events::write(&folder, &events::merge(&facts, &structures))?;
    tables::write(&folder, &tables::merge(&facts))?;
    report.push_str(&repack()?);
    Ok(report)
}

/// Packs the tables and writes what is embedded.
pub(crate) fn repack() -> Result<String, String> {
    let (packed, mut report) = packed()?;
    let folder = workspace().join("crates/hl7/src/dictionary/packed");
    for (name, bytes) in packed {
        tsv::write_file(&folder.join(name), &bytes)?;
        _ = writeln!(report, "{:8} bytes {name}", bytes.len());
    }
    Ok(report)
}

/// What is embedded, made from the tables alone, and a report.
fn packed() -> Result<(pack::Packed, String), String> {
    let folder = data_folder();
    let fields = definition::read(&folder, "fields.tsv")?;
    let components = definition::read(&folder, "components.tsv")?;
    let inputs = Inputs::read(&folder, fields, components)?;
    let canonical = canonical::derive(&inputs);
    let further_names = [further_names(&folder, "field")?, further_names(&folder, "component")?];
    let singles = Table::read(&folder, "singles.tsv", &["segment"])?;
    let singles = singles.rows.into_iter().flatten().collect();
    let anchors = Table::read(&folder, "anchors.tsv", &["segment", "anchors"])?
        .parse(|row| Ok((row[0].clone(), row[1].split(' ').map(str::to_owned).collect())))?;
    let packed = pack::pack(&pack::Contents {
        inputs: &inputs,
        canonical: &canonical,
        further_names: [&further_names[0], &further_names[1]],
        singles: &singles,
        anchors: &anchors.into_iter().collect(),
        structures: &structures::read(&folder)?,
        events: &events::read(&folder)?,
        tables: &tables::read(&folder)?,
    })?;
    let mut report = String::new();
    for (how, count) in &canonical.ruled {
        _ = writeln!(report, "  {count:5} {how}");
    }
    for change in &canonical.unruled {
        _ = writeln!(report, "unruled\t{change}");
    }
    Ok((packed, report))
}

fn further_names(folder: &Path, kind: &str) -> Result<BTreeSet<(String, u8, String)>, String> {
    let rows = Table::read(folder, &format!("{kind}_aliases.tsv"), &["parent", "number", "name"])?
        .parse(|row| Ok((row[0].clone(), tsv::number(&row[1])?, row[2].clone())))?;
    Ok(rows.into_iter().collect())
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where the tables are.
fn data_folder() -> PathBuf {
    workspace().join("crates/hl7/dictionary")
}
