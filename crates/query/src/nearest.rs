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
    let is_near =
        candidates(name, known).first().is_some_and(|(distance, _)| *distance <= 2 && name.len() > 4);
    if is_near {
        return error;
    }
    let hint = error.hint().map(|hint| format!("{hint}; a text is in single quotes: '{name}'"));
    error.with_hint(hint.unwrap_or_default())
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
