//! Segments against the structure: what is missing, too many, misplaced or unknown.

use std::collections::HashMap;

use super::finding::{Expected, FindingCode};
use super::{Check, Outline};
use crate::Segment;
use crate::dictionary::{PartKind, Structure};
use crate::warning::Place;

/// Structures whose content is settled by each query ("segment pattern"): behind their own segments anything goes.
const SETTLED_BY_QUERY: [&str; 4] = ["QBP_Q11", "QBP_Qnn", "RSP_K11", "RSP_Znn"];

/// A segment, or a group instance, that stands directly in a group and fills a part of the structure.
#[derive(Clone, Copy)]
struct Child {
    part: usize,
    first_segment: u32,
    last_segment: u32,
}

impl Check<'_> {
    /// Segments that the version does not have; and, if there is a structure to go by, those it has no place for.
    pub(super) fn known_segments(&mut self, structure: Option<Structure>, outline: &Outline) {
        let mut standing = None;
        for (segment, placed) in self.message.segments().zip(outline.segments()) {
            let id = segment.id();
            if id[0] == b'Z' {
                continue;
            }
            let place = Place::segment(segment.index() as u32);
            if !self.has_segment(&segment) {
                let expected = Expected::KnownIn { what: "a segment", version: self.version };
                self.add(FindingCode::UnknownSegment, place, segment.offset(), expected);
                continue;
            }
            // Continuations may follow any message (2.10.2) and any segment.
            let Some(structure) = structure else { continue };
            let is_open = SETTLED_BY_QUERY.contains(&structure.name());
            if placed.is_placed || is_open || matches!(&id, b"ADD" | b"DSC") {
                continue;
            }
            let standing = standing.get_or_insert_with(|| self.standing(outline));
            let count = standing.get(&(placed.group, id)).copied().unwrap_or_default();
            match used_up(&structure, outline, placed.group, id, count) {
                Some(count) => {
                    let expected = Expected::AtMost { count, of: "segments of this ID here" };
                    self.add(FindingCode::Cardinality, place, segment.offset(), expected);
                }
                None => {
                    let expected = Expected::PlaceIn { structure: structure.name() };
                    self.add(FindingCode::MisplacedSegment, place, segment.offset(), expected);
                }
            }
        }
    }

    fn has_segment(&self, segment: &Segment<'_>) -> bool {
        segment.definition().is_some_and(|definition| !self.edition.fields(definition).is_empty())
    }

    /// How many segments of each ID stand in each group where the structure has them.
    fn standing(&self, outline: &Outline) -> HashMap<(usize, [u8; 3]), usize> {
        let mut standing = HashMap::new();
        for (segment, placed) in self.message.segments().zip(outline.segments()) {
            if placed.is_placed {
                *standing.entry((placed.group, segment.id())).or_default() += 1;
            }
        }
        standing
    }

    /// Parts that every group instance must have, and parts of which it has too many.
    pub(super) fn groups(&mut self, structure: &Structure, outline: &Outline) {
        let children = children(outline);
        for group in 0..outline.groups().len() {
            let children = children_in(structure, outline, group, &children[group]);
            self.group(structure, outline, group, &children);
        }
    }

    fn group(&mut self, structure: &Structure, outline: &Outline, group: usize, children: &[Child]) {
        let name = outline.groups()[group].name;
        let mut before = None;
        for index in direct_parts(structure, range_of(structure, outline, group)) {
            let part = structure.part(index);
            let filling = || children.iter().filter(|child| child.part == index);
            let count = filling().count();
            if count < usize::from(part.min())
                && let Some((id, inside)) = required_segment(structure, index)
            {
                let group = if inside.is_empty() { name } else { inside };
                self.missing(
                    Expected::Segment { id, group },
                    filling().next_back().copied().or(before),
                    children,
                );
            }
            if let Some(excess) = filling().nth(part.max().into()) {
                let of = match part.kind() {
                    PartKind::Segment(_) => "segments of this ID here",
                    _ => "groups of this kind here",
                };
                let place = Place::segment(excess.first_segment);
                let offset = self.segment_start(excess.first_segment);
                self.add(FindingCode::Cardinality, place, offset, Expected::AtMost { count: part.max(), of });
            }
            before = filling().next_back().copied().or(before);
        }
    }

    /// Something should stand behind the child before it, or else before the first one.
    fn missing(&mut self, expected: Expected, before: Option<Child>, children: &[Child]) {
        let (segment_index, offset) = match (before, children.first()) {
            (Some(before), _) => (before.last_segment, self.segment_end(before.last_segment)),
            (None, Some(first)) => (first.first_segment, self.segment_start(first.first_segment)),
            (None, None) => (1, self.segment_end(1)),
        };
        self.add(FindingCode::MissingSegment, Place::segment(segment_index), offset, expected);
    }
}

/// How many segments of an ID a group may have, if it has as many.
fn used_up(
    structure: &Structure,
    outline: &Outline,
    group: usize,
    id: [u8; 3],
    standing: usize,
) -> Option<u16> {
    let mut most: u16 = 0;
    for index in direct_parts(structure, range_of(structure, outline, group)) {
        let part = structure.part(index);
        if part.kind() == PartKind::Segment(id) {
            most = most.saturating_add(part.max());
        }
    }
    (most > 0 && standing >= usize::from(most)).then_some(most)
}

/// The parts of a group, first and just past the last; those of the whole structure for the message itself.
fn range_of(structure: &Structure, outline: &Outline, group: usize) -> core::ops::Range<usize> {
    match group {
        0 => 0..structure.len(),
        _ => {
            let part = usize::from(outline.groups()[group].part);
            part + 1..structure.part(part).end()
        }
    }
}

/// The parts directly in a range, without what is inside them.
fn direct_parts(structure: &Structure, range: core::ops::Range<usize>) -> impl Iterator<Item = usize> {
    let structure = *structure;
    let mut next = range.start;
    core::iter::from_fn(move || {
        let index = next;
        if index >= range.end {
            return None;
        }
        // A part ends behind itself at least.
        next = structure.part(index).end().max(index + 1);
        Some(index)
    })
}

/// What stands directly in each group, in the order sent.
fn children(outline: &Outline) -> Vec<Vec<Child>> {
    let groups = outline.groups();
    let mut children = vec![Vec::new(); groups.len()];
    let mut last_segments = vec![0; groups.len()];
    for (ordinal, placed) in outline.segments().iter().enumerate() {
        let mut group = placed.group;
        while group != 0 {
            last_segments[group] = ordinal as u32 + 1;
            group = groups[group].parent;
        }
    }
    for (number, group) in groups.iter().enumerate().skip(1) {
        let (first_segment, last_segment) = (group.first_segment, last_segments[number]);
        children[group.parent].push(Child { part: group.part.into(), first_segment, last_segment });
    }
    for (ordinal, placed) in outline.segments().iter().enumerate() {
        if let Some(part) = placed.part {
            let index = ordinal as u32 + 1;
            children[placed.group].push(Child {
                part: part.into(),
                first_segment: index,
                last_segment: index,
            });
        }
    }
    for children in &mut children {
        children.sort_by_key(|child| child.first_segment);
    }
    children
}

/// The children of one group by the direct part each one fills: an alternative of a choice fills the choice,
/// and what stands in a group that was too deep to open fills that group.
fn children_in(structure: &Structure, outline: &Outline, group: usize, children: &[Child]) -> Vec<Child> {
    let range = range_of(structure, outline, group);
    let direct = |part: usize| {
        direct_parts(structure, range.clone())
            .find(|&index| (index..structure.part(index).end().max(index + 1)).contains(&part))
    };
    children.iter().filter_map(|child| Some(Child { part: direct(child.part)?, ..*child })).collect()
}

/// The first segment that a part cannot do without, and the innermost group that says so; `None` when
/// everything in it may be absent.
fn required_segment(structure: &Structure, index: usize) -> Option<([u8; 3], &'static str)> {
    let part = structure.part(index);
    let mut inside = direct_parts(structure, index + 1..part.end());
    match part.kind() {
        PartKind::Segment(id) => Some((id, "")),
        PartKind::Choice => inside.next().and_then(|first| required_segment(structure, first)),
        PartKind::Group(name) => inside
            .filter(|&inner| structure.part(inner).min() > 0)
            .find_map(|inner| required_segment(structure, inner))
            .map(|(id, group)| (id, if group.is_empty() { name } else { group })),
    }
}
