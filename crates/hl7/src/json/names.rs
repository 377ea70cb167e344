//! The three styles of names.

use super::standard_names::{Position, StandardNames};
use crate::buffer::Buffer;
use crate::dictionary::{Segment, Slot, Version};
use crate::walk::Address;

/// What the keys of a document are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// One name for every position in all versions, in lower snake_case: the names of the tables.
    #[default]
    Canonical,
    /// The long names of the message's own version, in upper snake_case.
    Standard,
    /// Numbers: `PID-5`, `PID-5.1`, `PID-5.1.2`.
    Short,
}

/// A key is at most this long: the longest name of the standard is well below it.
pub(super) struct ShortKey {
    bytes: [u8; 48],
    length: usize,
}

impl ShortKey {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + bytes.len()) {
            room.copy_from_slice(bytes);
            self.length += bytes.len();
        }
    }

    fn push_number(&mut self, number: u32) {
        let (digits, from) = super::scalar::digits(number);
        self.push(&digits[from..]);
    }
}

impl Names {
    pub(super) fn segment(self, id: [u8; 3]) -> [u8; 3] {
        if self == Self::Canonical { id.map(|byte| byte.to_ascii_lowercase()) } else { id }
    }

    /// What is appended to the key of a segment that does not repeat for those that come all the same.
    pub(super) fn more(self) -> &'static [u8] {
        if self == Self::Canonical { b"_more" } else { b"_MORE" }
    }

    /// Writes the key of a group: without the name of the structure it begins with, in the usual style.
    pub(super) fn group(self, name: &str, structure: &str, out: &mut Buffer) {
        if self != Self::Canonical {
            super::scalar::key(name.as_bytes(), out);
            return;
        }
        let short = name.strip_prefix(structure).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name);
        out.push(b'"');
        for byte in short.bytes() {
            out.push(byte.to_ascii_lowercase());
        }
        out.put(b"\":");
    }

    /// Writes the key of the field an address stands in.
    #[inline]
    pub(super) fn field(
        self,
        place: &Place<'_>,
        standard: &mut StandardNames,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        // The usual style first and in line: it is asked for at every value.
        match self {
            Self::Canonical => super::scalar::slot_key(slot, out),
            Self::Standard => place.standard_field(standard, slot, out),
            Self::Short => short(place.segment, &[place.at.field], out),
        }
    }

    /// Writes the key of the component an address stands in.
    #[inline]
    pub(super) fn component(
        self,
        place: &Place<'_>,
        standard: &mut StandardNames,
        slot: &'static Slot,
        out: &mut Buffer,
    ) {
        match self {
            Self::Canonical => super::scalar::slot_key(slot, out),
            Self::Standard => place.standard_component(standard, slot, out),
            Self::Short => short(place.segment, &[place.at.field, slot.number() as u32], out),
        }
    }

    /// Writes the key of the subcomponent an address stands in.
    #[inline]
    pub(super) fn subcomponent(
        self,
        place: &Place<'_>,
        standard: &mut StandardNames,
        component: &'static Slot,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        match self {
            Self::Canonical => super::scalar::slot_key(slot, out),
            Self::Standard => place.standard_subcomponent(standard, component, slot, out),
            Self::Short => {
                let numbers = [place.at.field, component.number() as u32, slot.number() as u32];
                short(place.segment, &numbers, out);
            }
        }
    }
}

/// Where a key is wanted.
pub(super) struct Place<'p> {
    pub(super) version: Version,
    pub(super) segment: [u8; 3],
    pub(super) definition: Option<&'static Segment>,
    pub(super) at: &'p Address,
}

impl Place<'_> {
    #[inline(never)]
    fn standard_field(&self, standard: &mut StandardNames, slot: &Slot, out: &mut Buffer) {
        let position =
            self.definition.and_then(|segment| standard.field(self.version, segment, slot.number()));
        super::scalar::key(position.map_or(slot.name(), |position| &position.name).as_bytes(), out);
    }

    #[inline(never)]
    fn standard_component(&self, standard: &mut StandardNames, slot: &'static Slot, out: &mut Buffer) {
        let position = self.component(standard, slot);
        super::scalar::key(position.map_or(slot.name(), |position| &position.name).as_bytes(), out);
    }

    #[inline(never)]
    fn standard_subcomponent(
        &self,
        standard: &mut StandardNames,
        component: &'static Slot,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        let datatype = self.component(standard, component).map_or("", |position| position.datatype);
        let position = standard.component(self.version, datatype, component.datatype(), slot.number());
        super::scalar::key(position.map_or(slot.name(), |position| &position.name).as_bytes(), out);
    }

    /// The component as the message's version has it, in the datatype of the field or of its companion.
    fn component<'s>(&self, standard: &'s mut StandardNames, slot: &'static Slot) -> Option<&'s Position> {
        let (datatype, shape) = match self.at.value_type {
            Some(value_type) => (value_type.code(), value_type),
            None => {
                let field = standard.field(self.version, self.definition?, self.at.field as usize)?;
                (field.datatype, self.at.field_slot?.datatype())
            }
        };
        standard.component(self.version, datatype, shape, slot.number())
    }
}

fn short(segment: [u8; 3], numbers: &[u32], out: &mut Buffer) {
    let mut key = ShortKey { bytes: [0; 48], length: 0 };
    key.push(&segment);
    for (depth, number) in numbers.iter().enumerate() {
        key.push(if depth == 0 { b"-" } else { b"." });
        key.push_number(*number);
    }
    super::scalar::key(key.as_bytes(), out);
}
