//! Finds the next segment's place in a message structure.
//!
//! From the innermost open group outwards: later in the group, then in a new instance of the group, then
//! further out. A group is entered at a segment only if everything required before it in the group is that
//! segment or optional; failing that, a second search lets required segments be missing, so that an order
//! without its header is still an order. A comment (NTE) never opens a group that way: it would be taken from
//! the segment it comments on.

use crate::dictionary::{PartKind, Structure};

/// A group that is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    /// Index of the instance among the outline's groups.
    pub(crate) instance: usize,
    /// Index of the group's first part in the structure.
    pub(crate) first_part: usize,
    /// Index just past the group's last part; `usize::MAX` for the message itself.
    pub(crate) end: usize,
    /// The part matched last in this group.
    pub(crate) cursor: usize,
    /// Whether `cursor` has been matched at all.
    pub(crate) has_matched: bool,
    /// The ID of the segment that opened the group.
    pub(crate) opener: [u8; 3],
}

impl Open {
    pub(crate) fn message() -> Self {
        Self { instance: 0, first_part: 0, end: usize::MAX, cursor: 0, has_matched: false, opener: *b"MSH" }
    }
}

/// Where a segment goes: `part` of the structure, inside the outermost `keep_open` groups of those open now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) part: usize,
    pub(crate) keep_open: usize,
}

/// Finds the place of the next segment, or `None` if the structure has none for it any more.
pub(crate) fn find(structure: &Structure, open: &[Open], id: [u8; 3]) -> Option<Found> {
    for depth in (1..=open.len()).rev() {
        let group = &open[depth - 1];
        if let Some(part) = later(structure, group, id, Entry::Strict) {
            // What opened a group opens the next one, rather than a group deep inside it that could begin
            // likewise: the second order of an OML is an order, not a prior result of the first.
            let is_deep = groups_between(structure, group.first_part, part) > 1;
            let opened = (2..=depth).rev().find(|outer| is_deep && open[outer - 1].opener == id);
            let again = opened.and_then(|outer| anew(structure, open, outer, id));
            return again.or(Some(Found { part, keep_open: depth }));
        }
        if let Some(again) = anew(structure, open, depth, id) {
            return Some(again);
        }
    }
    if id == *b"NTE" {
        return None;
    }
    (1..=open.len()).rev().find_map(|depth| {
        let part = later(structure, &open[depth - 1], id, Entry::Lenient)?;
        Some(Found { part, keep_open: depth })
    })
}

/// The part of the same ID that stands directly in a group, wherever the group has been matched up to.
pub(crate) fn sibling(structure: &Structure, group: Open, id: [u8; 3]) -> Option<usize> {
    let end = end(structure, &group);
    let mut index = group.first_part;
    while index < end {
        let part = structure.part(index);
        match part.kind() {
            PartKind::Segment(segment) if segment == id => return Some(index),
            PartKind::Group(_) => index = part.end(),
            _ => index += 1,
        }
    }
    None
}

/// The outermost group at or behind `within` that holds a part.
pub(crate) fn group_around(structure: &Structure, within: usize, wanted: usize) -> Option<usize> {
    let mut index = within;
    while index < wanted {
        let part = structure.part(index);
        match part.kind() {
            PartKind::Group(_) if wanted < part.end() => return Some(index),
            PartKind::Choice => index += 1,
            _ => index = part.end(),
        }
    }
    None
}

/// The place of a segment in a new instance of an open group, if that repeats and may begin with it.
fn anew(structure: &Structure, open: &[Open], depth: usize, id: [u8; 3]) -> Option<Found> {
    let group = &open[depth - 1];
    if depth == 1 || !structure.part(group.first_part - 1).repeats() {
        return None;
    }
    let part = first(structure, group.first_part, end(structure, group), id)?;
    Some(Found { part, keep_open: depth - 1 })
}

/// How many groups would have to be opened to get to a part.
fn groups_between(structure: &Structure, within: usize, wanted: usize) -> usize {
    match group_around(structure, within, wanted) {
        Some(group) => 1 + groups_between(structure, group + 1, wanted),
        None => 0,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// A group is entered only where its required parts allow.
    Strict,
    /// Required parts may be missing.
    Lenient,
}

fn end(structure: &Structure, group: &Open) -> usize {
    group.end.min(structure.len())
}

/// Searches a group from the part matched last to its end.
fn later(structure: &Structure, group: &Open, id: [u8; 3], entry: Entry) -> Option<usize> {
    let end = end(structure, group);
    let mut index = group.cursor;
    while index < end {
        let part = structure.part(index);
        let is_used_up = group.has_matched && index == group.cursor && !part.repeats();
        match part.kind() {
            PartKind::Segment(segment) => {
                if segment == id && !is_used_up {
                    return Some(index);
                }
                index += 1;
            }
            PartKind::Choice => index += 1,
            PartKind::Group(_) => {
                // Leniently, the group that was there last is not begun anew: a misplaced segment would tear it.
                let is_torn = entry == Entry::Lenient && group.has_matched && index == group.cursor;
                if !is_used_up && !is_torn {
                    let inside = match entry {
                        Entry::Strict => first(structure, index + 1, part.end(), id),
                        Entry::Lenient => anywhere(structure, index + 1, part.end(), id),
                    };
                    if inside.is_some() {
                        return inside;
                    }
                }
                index = part.end();
            }
        }
    }
    None
}

/// Searches the parts that a group may begin with.
fn first(structure: &Structure, start: usize, end: usize, id: [u8; 3]) -> Option<usize> {
    let mut index = start;
    while index < end {
        let part = structure.part(index);
        let found = match part.kind() {
            PartKind::Segment(segment) => (segment == id).then_some(index),
            PartKind::Group(_) => first(structure, index + 1, part.end(), id),
            PartKind::Choice => alternative(structure, index + 1, part.end(), id),
        };
        if found.is_some() || part.min() > 0 {
            return found;
        }
        index = part.end();
    }
    None
}

/// Searches the alternatives of a choice, each of which may be what the choice begins with.
fn alternative(structure: &Structure, start: usize, end: usize, id: [u8; 3]) -> Option<usize> {
    let mut index = start;
    while index < end {
        let next = structure.part(index).end();
        if let Some(found) = first(structure, index, next, id) {
            return Some(found);
        }
        index = next;
    }
    None
}

fn anywhere(structure: &Structure, start: usize, end: usize, id: [u8; 3]) -> Option<usize> {
    (start..end)
        .find(|&index| matches!(structure.part(index).kind(), PartKind::Segment(segment) if segment == id))
}
