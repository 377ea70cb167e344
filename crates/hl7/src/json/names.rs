//! The three styles of names.

use crate::Message;
use crate::buffer::Buffer;
use crate::dictionary::{self, Slot, Version};
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
        message: &Message<'_>,
        segment: [u8; 3],
        at: &Address,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        // The usual style first and in line: it is asked for at every value.
        if self == Self::Canonical {
            super::scalar::slot_key(slot, out);
        } else {
            self.field_as_sent(message, segment, at, slot, out);
        }
    }

    #[inline(never)]
    fn field_as_sent(
        self,
        message: &Message<'_>,
        segment: [u8; 3],
        at: &Address,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        match self {
            Self::Canonical => {}
            Self::Standard => {
                let name_of = |number| {
                    let segment = dictionary::segment(segment)?;
                    Some(dictionary::field_in(message.version(), segment, number)?.name)
                };
                standard(name_of, slot, out);
            }
            Self::Short => short(segment, &[at.field], out),
        }
    }

    /// Writes the key of the component an address stands in.
    #[inline]
    pub(super) fn component(
        self,
        message: &Message<'_>,
        segment: [u8; 3],
        at: &Address,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        // The usual style first and in line: it is asked for at every value.
        if self == Self::Canonical {
            super::scalar::slot_key(slot, out);
        } else {
            self.component_as_sent(message, segment, at, slot, out);
        }
    }

    #[inline(never)]
    fn component_as_sent(
        self,
        message: &Message<'_>,
        segment: [u8; 3],
        at: &Address,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        match self {
            Self::Canonical => {}
            Self::Standard => {
                let datatype = field_datatype(message.version(), segment, at);
                let name_of =
                    |number| Some(dictionary::component_in(message.version(), datatype?, number)?.name);
                standard(name_of, slot, out);
            }
            Self::Short => short(segment, &[at.field, slot.number() as u32], out),
        }
    }

    /// Writes the key of the subcomponent an address stands in.
    #[inline]
    pub(super) fn subcomponent(
        self,
        message: &Message<'_>,
        segment: [u8; 3],
        at: &Address,
        component: &Slot,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        // The usual style first and in line: it is asked for at every value.
        if self == Self::Canonical {
            super::scalar::slot_key(slot, out);
        } else {
            self.subcomponent_as_sent(message, segment, at, component, slot, out);
        }
    }

    #[inline(never)]
    fn subcomponent_as_sent(
        self,
        message: &Message<'_>,
        segment: [u8; 3],
        at: &Address,
        component: &Slot,
        slot: &Slot,
        out: &mut Buffer,
    ) {
        match self {
            Self::Canonical => {}
            Self::Standard => {
                let version = message.version();
                let datatype = field_datatype(version, segment, at)
                    .and_then(|datatype| dictionary::component_in(version, datatype, component.number()))
                    .map(|component| component.datatype);
                let name_of = |number| Some(dictionary::component_in(version, datatype?, number)?.name);
                standard(name_of, slot, out);
            }
            Self::Short => short(segment, &[at.field, component.number() as u32, slot.number() as u32], out),
        }
    }
}

/// The datatype code that the message's version gives the field an address stands in, or that its companion
/// names.
fn field_datatype(version: Version, segment: [u8; 3], at: &Address) -> Option<&'static str> {
    if let Some(value_type) = at.value_type {
        return Some(value_type.code());
    }
    let definition = dictionary::segment(segment)
        .and_then(|segment| dictionary::field_in(version, segment, at.field as usize))?;
    Some(definition.datatype)
}

/// The version's own name, or the canonical one in capitals for what the version does not have. Where the
/// version gives one name to several positions, the later ones get their number: a key stands once.
fn standard(name_of: impl Fn(usize) -> Option<&'static str>, slot: &Slot, out: &mut Buffer) {
    let number = slot.number();
    let Some(name) = name_of(number).filter(|name| !name.is_empty()) else {
        let canonical = slot.name().to_ascii_uppercase();
        if (1..=MOST_POSITIONS).any(|other| name_of(other) == Some(canonical.as_str())) {
            super::scalar::key(format!("{canonical}_{number}").as_bytes(), out);
        } else {
            super::scalar::key(canonical.as_bytes(), out);
        }
        return;
    };
    if (1..number).any(|earlier| name_of(earlier) == Some(name)) {
        super::scalar::key(format!("{name}_{number}").as_bytes(), out);
    } else {
        super::scalar::key(name.as_bytes(), out);
    }
}

/// No segment and no datatype has more positions than this.
const MOST_POSITIONS: usize = 128;

fn short(segment: [u8; 3], numbers: &[u32], out: &mut Buffer) {
    let mut key = ShortKey { bytes: [0; 48], length: 0 };
    key.push(&segment);
    for (depth, number) in numbers.iter().enumerate() {
        key.push(if depth == 0 { b"-" } else { b"." });
        key.push_number(*number);
    }
    super::scalar::key(key.as_bytes(), out);
}
