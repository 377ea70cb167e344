//! Names that may have been meant where one was not found.

use crate::Error;

/// The error for a name that nothing has, with the nearest that something has.
pub(crate) fn unknown(name: &str, parent: &str, known: &[&str]) -> Error {
    unknown_near(name, parent, &nearest(name, known))
}

/// The same with the nearest given.
pub(crate) fn unknown_near(name: &str, parent: &str, nearest: &[&str]) -> Error {
    let error = Error::new(format!("no {name} in {parent}"))
        .with_hint("carelake catalog TABLE lists the columns in use");
    hinting(error, nearest)
}

/// The same for a name that stands alone, which may have been meant as a text.
pub(crate) fn unknown_alone(name: &str, known: &[&str]) -> Error {
    let error = unknown(name, "these tables", known);
    if let Some(hint) = place(name) {
        return error.with_hint(hint);
    }
    let is_near =
        candidates(name, known).first().is_some_and(|(distance, _)| *distance <= 2 && name.len() > 4);
    if is_near {
        return error;
    }
    let hint = error.hint().map(|hint| format!("{hint}; a text is in single quotes: '{name}'"));
    error.with_hint(hint.unwrap_or_default())
}

/// Message types of table 0076 that feeds are called by.
const MESSAGE_TYPES: [&str; 18] = [
    "ACK", "ADT", "BAR", "DFT", "MDM", "MFN", "OMG", "OML", "ORM", "ORU", "PPR", "QBP", "RAS", "RDE", "RDS",
    "RSP", "SIU", "VXU",
];

/// What to ask instead of a table that is called like messages, or like a type of them.
pub(crate) fn messages(table: &str) -> Option<String> {
    const WORDS: [&str; 9] =
        ["message", "messages", "hl7", "patient", "patients", "data", "lake", "carelake", "admissions"];
    let table = table.to_ascii_lowercase();
    if WORDS.contains(&&*table) {
        return Some(
            "staging has one row for each message; segments.… one for each segment, as segments.pid".into(),
        );
    }
    let (kind, event) = table.split_once('_').unwrap_or((&table, ""));
    let is_type = MESSAGE_TYPES.contains(&&*kind.to_ascii_uppercase());
    let is_event =
        event.is_empty() || event.len() == 3 && event.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_type && is_event).then(|| {
        let event = match event {
            "" => String::new(),
            event => format!(" AND trigger_event = '{}'", event.to_ascii_uppercase()),
        };
        format!("FROM staging WHERE message_type = '{}'{event}", kind.to_ascii_uppercase())
    })
}

/// Where to find what stands alone here: a field by its number or name, or a segment of a site's own.
pub(crate) fn place(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    if let Some((segment, number)) = name.split_at_checked(3).filter(|(_, number)| !number.is_empty())
        && let Some(segment) = tables::names::segment(segment)
        && let Ok(number) = number.trim_start_matches('_').parse::<u16>()
    {
        let (key, id) = (segment.key(), segment.key().to_ascii_uppercase());
        return Some(format!("{id}-{number} is {key}.{key}_{number}"));
    }
    if is_own_segment(&name) {
        let id = name.to_ascii_uppercase();
        return Some(format!("segments of a site's own are in unmapped, and by hl7_field(raw, '{id}-1')"));
    }
    let has_field =
        |segment: &&tables::names::Segment| segment.fields().iter().any(|slot| slot.name() == name);
    let segments: Vec<String> = tables::names::segments()
        .iter()
        .filter(has_field)
        .take(3)
        .map(|segment| format!("{}.{name}", segment.key()))
        .collect();
    (!segments.is_empty()).then(|| format!("it is a field: {}", segments.join(", ")))
}

/// Whether a name can be that of a Z-segment.
pub(crate) fn is_own_segment(name: &str) -> bool {
    name.len() == 3 && name.starts_with('z') && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The error with the nearest names as its hint, if there are any.
pub(crate) fn with_nearest(error: Error, name: &str, known: &[&str]) -> Error {
    hinting(error, &nearest(name, known))
}

fn hinting(error: Error, nearest: &[&str]) -> Error {
    match nearest {
        [] => error,
        nearest => error.with_hint(format!("nearest: {}", nearest.join(", "))),
    }
}

fn nearest<'k>(name: &str, known: &[&'k str]) -> Vec<&'k str> {
    candidates(name, known).into_iter().take(3).map(|(_, name)| name).collect()
}

fn candidates<'k>(name: &str, known: &[&'k str]) -> Vec<(usize, &'k str)> {
    let name = name.to_ascii_lowercase();
    let mut nearest: Vec<(usize, &str)> =
        known.iter().map(|candidate| (distance(&name, candidate), *candidate)).collect();
    // What shares less than half of its letters was not meant.
    nearest.retain(|(distance, candidate)| *distance * 2 <= name.len() || candidate.starts_with(&name));
    nearest.sort_unstable();
    nearest.dedup();
    nearest
}

/// How many letters must be changed, added or dropped to make one word of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (position, left) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = position + 1;
        for (column, right) in right.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
