//! The paths of keys: `mllp.lab.listen`.

use toml::Value;

use super::describe::{Section, Shape};

/// What stands for the names that people choose, where keys are listed.
pub(super) const ANY_NAME: &str = "NAME";

/// The path of a key below another.
pub(super) fn join(above: &str, name: &str) -> String {
    let is_bare = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let name = match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => Value::String(name.to_owned()).to_string(),
    };
    if above.is_empty() { name } else { format!("{above}.{name}") }
}

/// The path of a key from its parts.
pub(super) fn path(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |above, part| join(&above, part))
}

/// The paths of all keys that have a value.
pub(super) fn all_keys(section: &Section) -> Vec<String> {
    let mut keys = Vec::new();
    add_keys(section, "", &mut keys);
    keys
}

fn add_keys(section: &Section, above: &str, keys: &mut Vec<String>) {
    for key in &section.keys {
        add_shape(&key.shape, join(above, key.name), keys);
    }
}

fn add_shape(shape: &Shape, path: String, keys: &mut Vec<String>) {
    match shape {
        Shape::Value(_) | Shape::List(_) => keys.push(path),
        Shape::Section(section) => add_keys(section, &path, keys),
        Shape::Named { each, .. } => add_shape(each, join(&path, ANY_NAME), keys),
    }
}
