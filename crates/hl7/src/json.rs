//! A message as a JSON document: the tree of its structure, with the dictionary's names.
//!
//! Groups and segments nest as the structure has them; a segment or group that may repeat in any version is
//! an array. What the structure does not have at a point stays in the group it stood in and says its
//! `segment_index`. Values without a named place are in the list `unmapped` of their segment; Z-segments, of
//! which nothing is known, name their fields by number.

mod names;
mod scalar;
mod segment;
mod standard_names;
mod unknown;

pub use names::Names;

use std::collections::HashMap;

use crate::buffer::Buffer;
use crate::outline::Outline;
use crate::warning::Warning;
use crate::{Message, Options};

/// Turns messages into JSON documents, in buffers that it keeps.
///
/// ```
/// let mut parser = hl7::Parser::default();
/// let message = parser.parse(b"MSH|^~\\&|LAB||||||ADT^A08|7|P|2.5\rPID|1||P1\r").unwrap();
/// let mut writer = hl7::json::TreeWriter::default();
/// let document = str::from_utf8(writer.write(&message)).unwrap();
/// assert!(document.contains(r#""patient_identifier_list":[{"id_number":"P1"}]"#));
/// ```
#[derive(Debug, Default)]
pub struct TreeWriter {
    names: Names,
    nesting: usize,
    outline: Outline,
    children: Vec<Children>,
    entries: Vec<Child>,
    warnings: Vec<Warning>,
    scratch: segment::Scratch,
    out: Buffer,
}

/// The children of one group instance, as a chain through [`TreeWriter::entries`].
#[derive(Clone, Copy, Debug)]
struct Children {
    first: u32,
    last: u32,
}

/// A segment or a group inside a group.
#[derive(Clone, Copy, Debug)]
struct Child {
    is_group: bool,
    /// Ordinal of the segment or index of the group instance.
    which: u32,
    /// The next child of the same group; [`NONE`] after the last.
    next: u32,
    /// The next segment of the same ID in the same group, in a message of [many](MANY) segments.
    next_alike: u32,
    is_written: bool,
}

const NONE: u32 = u32::MAX;

/// From so many segments on, those of one ID are chained: looking for the next one by walking over all those
/// between would take the square of their number.
const MANY: usize = 256;

impl TreeWriter {
    /// A writer with one of the three styles of names.
    pub fn new(names: Names, options: &Options) -> Self {
        Self { names, nesting: options.limits.nesting, ..Self::default() }
    }

    /// What was odd about the message written last, beside [`Message::warnings`].
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.outline.warnings().iter().chain(&self.warnings)
    }

    /// The document of a message, without a line end. It is valid UTF-8 and has no line breaks.
    pub fn write(&mut self, message: &Message<'_>) -> &[u8] {
        self.warnings.clear();
        let nesting = if self.nesting == 0 { Options::default().limits.nesting } else { self.nesting };
        self.outline.trace(message, nesting);
        self.link_children(message);
        let mut out = core::mem::take(&mut self.out);
        out.clear();
        self.write_group(message, 0, &mut out);
        self.out = out;
        self.out.as_bytes()
    }

    fn link_children(&mut self, message: &Message<'_>) {
        self.children.clear();
        self.entries.clear();
        let mut opened = 0;
        for ordinal in 0..message.spans.len() {
            let Some(segment) = self.outline.segments().get(ordinal) else { break };
            let innermost = segment.group;
            while opened <= innermost {
                self.children.push(Children { first: NONE, last: NONE });
                if opened > 0 {
                    let parent = self.outline.groups()[opened].parent;
                    self.append(parent, true, opened as u32);
                }
                opened += 1;
            }
            self.append(innermost, false, ordinal as u32);
        }
        if message.spans.len() >= MANY {
            self.chain_alike(message);
        }
    }

    fn chain_alike(&mut self, message: &Message<'_>) {
        let mut following = HashMap::new();
        for entry in (0..self.entries.len()).rev() {
            let child = self.entries[entry];
            if !child.is_group {
                let ordinal = child.which as usize;
                let key = (self.outline.segments()[ordinal].group, message.spans[ordinal].id);
                self.entries[entry].next_alike = following.insert(key, entry as u32).unwrap_or(NONE);
            }
        }
    }

    /// The next segment, behind an entry, of the same ID in the same group.
    fn next_alike(&self, message: &Message<'_>, entry: u32) -> u32 {
        let child = self.entries[entry as usize];
        if message.spans.len() >= MANY {
            return child.next_alike;
        }
        let id = message.spans[child.which as usize].id;
        let mut at = child.next;
        while at != NONE {
            let other = self.entries[at as usize];
            if !other.is_group && message.spans[other.which as usize].id == id {
                break;
            }
            at = other.next;
        }
        at
    }

    fn append(&mut self, group: usize, is_group: bool, which: u32) {
        let entry = self.entries.len() as u32;
        self.entries.push(Child { is_group, which, next: NONE, next_alike: NONE, is_written: false });
        let children = &mut self.children[group];
        if children.first == NONE {
            children.first = entry;
        } else {
            self.entries[children.last as usize].next = entry;
        }
        children.last = entry;
    }

    fn write_group(&mut self, message: &Message<'_>, group: usize, out: &mut Buffer) {
        out.push(b'{');
        let mut separator = false;
        let mut entry = self.children.get(group).map_or(NONE, |children| children.first);
        while entry != NONE {
            let child = self.entries[entry as usize];
            if !child.is_written {
                if separator {
                    out.push(b',');
                }
                separator = true;
                self.write_key(message, child, out);
                if child.is_group {
                    self.write_groups(message, entry, out);
                } else {
                    self.write_segments(message, entry, out);
                }
            }
            entry = child.next;
        }
        out.push(b'}');
    }

    fn write_key(&self, message: &Message<'_>, child: Child, out: &mut Buffer) {
        if child.is_group {
            let group = &self.outline.groups()[child.which as usize];
            self.names.group(group.name, message.structure_name(), out);
        } else {
            let id = message.spans[child.which as usize].id;
            scalar::key(&self.names.segment(id), out);
        }
        if !child.is_group && self.is_further_single(message, child) {
            out.truncate_by(2);
            out.put(self.names.more());
            out.put(b"\":");
        }
    }

    /// Whether a segment that does not repeat has already been written in this group.
    fn is_further_single(&self, message: &Message<'_>, child: Child) -> bool {
        let segment = self.outline.segments()[child.which as usize];
        if segment.repeats {
            return false;
        }
        let id = message.spans[child.which as usize].id;
        let mut entry = self.children[segment.group].first;
        while entry != NONE {
            let other = self.entries[entry as usize];
            if !other.is_group && other.which < child.which && message.spans[other.which as usize].id == id {
                return true;
            }
            entry = if other.is_group || other.which < child.which { other.next } else { NONE };
        }
        false
    }

    /// Writes the segment at an entry and, in an array, every later one of its ID in the same group.
    fn write_segments(&mut self, message: &Message<'_>, entry: u32, out: &mut Buffer) {
        let first = self.entries[entry as usize];
        let is_further = self.is_further_single(message, first);
        let is_array = self.outline.segments()[first.which as usize].repeats || is_further;
        if !is_array {
            self.write_segment(message, entry, out);
            return;
        }
        out.push(b'[');
        let mut at = entry;
        while at != NONE {
            if !self.entries[at as usize].is_written {
                if at != entry {
                    out.push(b',');
                }
                self.write_segment(message, at, out);
            }
            at = self.next_alike(message, at);
        }
        out.push(b']');
    }

    fn write_segment(&mut self, message: &Message<'_>, entry: u32, out: &mut Buffer) {
        let child = &mut self.entries[entry as usize];
        child.is_written = true;
        let ordinal = child.which as usize;
        let is_placed = self.outline.segments()[ordinal].is_placed || message.structure.is_none();
        segment::write(message, ordinal, is_placed, self.names, &mut self.scratch, &mut self.warnings, out);
    }

    /// Writes the group at an entry and, in an array, every later instance of it in the same group.
    fn write_groups(&mut self, message: &Message<'_>, entry: u32, out: &mut Buffer) {
        let first = self.entries[entry as usize];
        let group = self.outline.groups()[first.which as usize];
        let is_array = group.repeats || self.has_later_instance(first, group.name);
        if is_array {
            out.push(b'[');
        }
        let mut at = entry;
        while at != NONE {
            let child = self.entries[at as usize];
            let is_same = child.is_group && self.outline.groups()[child.which as usize].name == group.name;
            if is_same && !child.is_written {
                if at != entry {
                    out.push(b',');
                }
                self.entries[at as usize].is_written = true;
                self.write_group(message, child.which as usize, out);
            }
            at = if is_array { child.next } else { NONE };
        }
        if is_array {
            out.push(b']');
        }
    }

    fn has_later_instance(&self, first: Child, name: &str) -> bool {
        let mut at = first.next;
        while at != NONE {
            let child = self.entries[at as usize];
            if child.is_group && self.outline.groups()[child.which as usize].name == name {
                return true;
            }
            at = child.next;
        }
        false
    }
}
