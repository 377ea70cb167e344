//! What each version calls the positions of its segments and datatypes, worked out once and remembered.
//!
//! A position that the version does not have goes by its canonical name in capitals. Where a version gives one
//! name to several positions, the later ones get their number: a key stands once in an object.

use std::collections::HashMap;

use crate::dictionary::{self, Datatype, Segment, Slot, Version};

/// The names asked for so far.
#[derive(Debug, Default)]
pub(super) struct StandardNames {
    segments: HashMap<(Version, usize), Vec<Position>>,
    /// By the version's own datatype and the number of the canonical one that gives the shape.
    datatypes: HashMap<(Version, &'static str, usize), Vec<Position>>,
}

/// A field or component as a version has it.
#[derive(Debug)]
pub(super) struct Position {
    /// Its key.
    pub(super) name: String,
    /// The code of its datatype; empty where the version does not have the position.
    pub(super) datatype: &'static str,
}

impl StandardNames {
    pub(super) fn field(
        &mut self,
        version: Version,
        segment: &'static Segment,
        number: usize,
    ) -> Option<&Position> {
        let positions = self.segments.entry((version, segment.index())).or_insert_with(|| {
            name(segment.fields(), |number| {
                dictionary::field_in(version, segment, number).map(|field| (field.name, field.datatype))
            })
        });
        positions.get(number.checked_sub(1)?)
    }

    pub(super) fn component(
        &mut self,
        version: Version,
        datatype: &'static str,
        shape: &'static Datatype,
        number: usize,
    ) -> Option<&Position> {
        let positions = self.datatypes.entry((version, datatype, shape.index())).or_insert_with(|| {
            name(shape.components(), |number| {
                dictionary::component_in(version, datatype, number)
                    .map(|component| (component.name, component.datatype))
            })
        });
        positions.get(number.checked_sub(1)?)
    }
}

/// Names positions: first those the version has, then the others.
fn name(slots: &[Slot], in_version: impl Fn(usize) -> Option<(&'static str, &'static str)>) -> Vec<Position> {
    let mut positions: Vec<Position> = Vec::with_capacity(slots.len());
    for slot in slots {
        let (name, datatype) = in_version(slot.number()).unwrap_or_default();
        let is_taken = positions.iter().any(|earlier| earlier.name == name);
        let name =
            if is_taken && !name.is_empty() { format!("{name}_{}", slot.number()) } else { name.to_owned() };
        positions.push(Position { name, datatype });
    }
    for (at, slot) in slots.iter().enumerate() {
        if positions[at].name.is_empty() {
            let canonical = slot.name().to_ascii_uppercase();
            let is_taken = positions.iter().any(|other| other.name == canonical);
            positions[at].name = if is_taken { format!("{canonical}_{}", slot.number()) } else { canonical };
        }
    }
    positions
}
