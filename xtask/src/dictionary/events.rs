//! Which structure a message code and a trigger event mean, by version.

use std::collections::BTreeMap;
use std::path::Path;

use super::facts::{Facts, object};
use super::structures::{Structures, base_name};
use super::tsv::{self, Table};
use super::versions::{NEWEST, PerVersion, VERSIONS, parse_range, runs, show_range};

/// By message code and trigger event.
pub(crate) type Events = BTreeMap<(String, String), PerVersion<String>>;

const COLUMNS: [&str; 4] = ["code", "event", "versions", "structure"];

/// The maps of the sources, but for what they map to a structure that none of them describes.
pub(crate) fn merge(facts: &Facts, structures: &Structures) -> Events {
    let mut events = Events::new();
    for (version, label) in VERSIONS.iter().enumerate() {
        for (name, structure) in object(&facts.glion[*label]["eventMap"]["eventMap"]) {
            if let (Some((code, event)), Some(structure)) = (name.split_once('_'), structure.as_str()) {
                events.entry((code.to_owned(), event.to_owned())).or_default()[version] =
                    Some(structure.to_owned());
            }
        }
    }
    for (name, structure) in object(&facts.v2ig["message_map"]) {
        if let (Some((code, event)), Some(structure)) = (name.split_once('-'), structure.as_str()) {
            let versions = events.entry((code.to_owned(), event.to_owned())).or_default();
            for version in [NEWEST - 1, NEWEST] {
                versions[version] = Some(base_name(structure).to_owned());
            }
        }
    }
    for versions in events.values_mut() {
        *versions = versions
            .each_mut()
            .map(|structure| structure.take().filter(|name| structures.contains_key(name)));
    }
    events.retain(|(_, event), versions| event.len() == 3 && versions.iter().any(Option::is_some));
    events
}

pub(crate) fn write(folder: &Path, events: &Events) -> Result<(), String> {
    let mut rows = Vec::new();
    for ((code, event), versions) in events {
        for (range, structure) in runs(versions) {
            rows.push(vec![code.clone(), event.clone(), show_range(range), structure.clone()]);
        }
    }
    tsv::write(folder, "events.tsv", &COLUMNS, &rows)
}

pub(crate) fn read(folder: &Path) -> Result<Events, String> {
    let mut events = Events::new();
    let rows = Table::read(folder, "events.tsv", &COLUMNS)?
        .parse(|row| Ok(((row[0].clone(), row[1].clone()), parse_range(&row[2])?, row[3].clone())))?;
    for (key, (first, last), structure) in rows {
        let versions = events.entry(key).or_default();
        versions[first..=last].fill(Some(structure));
    }
    Ok(events)
}
