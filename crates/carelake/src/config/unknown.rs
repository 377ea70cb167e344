//! Keys that there are not: which may have been meant.

use super::describe::Section;
use super::environment::variable;
use super::nearest::nearest;
use super::path::join;
use super::wrong::Source;

/// The hint for a name in a section that has no such key: the nearest that it has, else other sections that have such a
/// key, else all that it has.
pub(super) fn hint_for_unknown(
    path: &str,
    section: &Section,
    name: &str,
    source: &Source,
    all_keys: &[String],
) -> String {
    let written = |key: &str| match source {
        Source::Environment(_) => variable(key),
        _ => key.to_owned(),
    };
    let names = section.keys.iter().map(|key| key.name);
    let alike: Vec<String> =
        nearest(name, names).into_iter().map(|name| written(&join(path, name))).collect();
    if !alike.is_empty() {
        return format!("nearest: {}", alike.join(", "));
    }
    let has_name = |key: &&String| key.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case(name));
    let elsewhere: Vec<String> = all_keys.iter().filter(has_name).map(|key| written(key)).collect();
    if !elsewhere.is_empty() {
        return format!("there is: {}", elsewhere.join(", "));
    }
    let here: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
    format!("{}: {}", if path.is_empty() { "sections and keys" } else { "keys here" }, here.join(", "))
}
