//! Values by the environment: `CARELAKE_HTTP__LISTEN` is `http.listen`.

use std::collections::btree_map::Entry;
use std::ffi::OsString;

use super::describe::{Section, Shape};
use super::given::{Content, Given, Table};
use super::path::all_keys;
use super::wrong::{Source, Wrong};

const PREFIX: &str = "CARELAKE_";

/// The variable for the lake that all commands know, and its key.
const LAKE: (&str, &str) = ("LAKE", "lake.path");

/// Lays the values of the environment over those of the file.
pub(super) fn overlay(
    given: &mut Table,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    section: &Section,
    wrongs: &mut Vec<Wrong>,
) {
    let mut found: Vec<(String, OsString)> = variables
        .into_iter()
        .filter_map(|(variable, value)| Some((variable.into_string().ok()?, value)))
        // An empty one counts as not set: that is how many tools unset a variable.
        .filter(|(variable, value)| key_part(variable).is_some() && !value.is_empty())
        .collect();
    found.sort_unstable();
    for (variable, value) in found {
        let Some(key) = key_part(&variable) else { continue };
        let source = Source::Environment(variable.clone());
        let parts: Vec<&str> = match meaning(key, section) {
            Meaning::Key(parts) => parts,
            Meaning::Nothing => continue,
            Meaning::Meant(right) => {
                wrongs.push(Wrong::at(
                    &source,
                    "this variable names no key",
                    format!("two underscores stand between the parts of a key: {right}"),
                ));
                continue;
            }
        };
        if parts.iter().any(|part| part.is_empty()) {
            let hint = format!("{PREFIX}SECTION__KEY, such as {PREFIX}HTTP__LISTEN");
            wrongs.push(Wrong::at(&source, "this variable names no key", hint));
            continue;
        }
        match value.into_string() {
            Ok(value) => insert(given, &parts, value, &source, wrongs),
            Err(_) => wrongs.push(Wrong::at(&source, "its value is not UTF-8", "set it to a text in UTF-8")),
        }
    }
}

/// What is behind the prefix.
fn key_part(variable: &str) -> Option<&str> {
    let (prefix, key) = variable.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(key)
}

enum Meaning<'v> {
    Key(Vec<&'v str>),
    /// It is not for the configuration.
    Nothing,
    /// It is not a key, but nearly this variable, which is one.
    Meant(String),
}

fn meaning<'v>(key: &'v str, section: &Section) -> Meaning<'v> {
    if key.contains("__") {
        return Meaning::Key(key.split("__").collect());
    }
    if key.eq_ignore_ascii_case(LAKE.0) {
        return Meaning::Key(LAKE.1.split('.').collect());
    }
    let is_value = |name: &str| {
        let known = section.keys.iter().find(|known| known.name.eq_ignore_ascii_case(name));
        known.is_some_and(|known| matches!(known.shape, Shape::Value(_)))
    };
    if is_value(key) {
        return Meaning::Key(vec![key]);
    }
    // With one underscore it would be passed over, and nobody would know why.
    match all_keys(section).iter().find(|path| path.replace('.', "_").eq_ignore_ascii_case(key)) {
        Some(path) => Meaning::Meant(variable(path)),
        None => Meaning::Nothing,
    }
}

/// Puts a value where its parts lead. A name that is given already in another case is that one; a new one is in small letters.
fn insert(table: &mut Table, parts: &[&str], value: String, source: &Source, wrongs: &mut Vec<Wrong>) {
    let Some((first, rest)) = parts.split_first() else { return };
    let known = table.keys().find(|name| name.eq_ignore_ascii_case(first)).cloned();
    let name = known.unwrap_or_else(|| first.to_ascii_lowercase());
    let made = |content| Given { name_at: source.clone(), at: source.clone(), content };
    if rest.is_empty() {
        match table.entry(name) {
            Entry::Occupied(mut entry) => match &entry.get().at {
                Source::Environment(other) => wrongs.push(Wrong::at(
                    source,
                    format!("{other} gives the same key"),
                    "unset one of the two variables",
                )),
                _ => drop(entry.insert(made(Content::Variable(value)))),
            },
            Entry::Vacant(entry) => drop(entry.insert(made(Content::Variable(value)))),
        }
        return;
    }
    let inner = table.entry(name).or_insert_with(|| made(Content::Table(Table::new())));
    // A value where there should be a section is told when all is read.
    if let Content::Table(inner) = &mut inner.content {
        insert(inner, rest, value, source, wrongs);
    }
}

/// The variable for a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}
