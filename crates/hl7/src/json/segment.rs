//! One segment as a JSON object: the sink that turns the walk's values into nested keys.

use super::names::{Names, Place as KeyPlace};
use super::standard_names::StandardNames;
use super::{scalar, unknown};
use crate::Message;
use crate::buffer::Buffer;
use crate::dictionary::{Segment, Slot};
use crate::marks::{Form, Value};
use crate::walk::{Address, Sink};
use crate::warning::{Place, Warning, WarningCode};

/// Buffers that are reused from segment to segment.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    text: String,
    unmapped: Vec<Unmapped>,
    standard: StandardNames,
}

/// A value without a named place: its numbers, and where its bytes are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unmapped {
    pub(super) field: u32,
    pub(super) repetition: u32,
    pub(super) component: u32,
    pub(super) subcomponent: u32,
    start: u32,
    end: u32,
    is_plain: bool,
}

impl Unmapped {
    pub(super) fn value<'a>(&self, message: &Message<'a>) -> Value<'a> {
        let (start, end) = (self.start as usize, self.end as usize);
        let form = if self.is_plain { Form::Plain } else { Form::Encoded };
        Value { raw: message.bytes().get(start..end).unwrap_or_default(), offset: start, form }
    }
}

/// Writes a segment; one that is not where the structure has it says where it stood.
pub(super) fn write(
    message: &Message<'_>,
    ordinal: usize,
    is_placed: bool,
    names: Names,
    scratch: &mut Scratch,
    warnings: &mut Vec<Warning>,
    out: &mut Buffer,
) {
    let span = &message.spans[ordinal];
    scratch.unmapped.clear();
    out.push(b'{');
    let mut separator = Separator(false);
    if !is_placed {
        separator.write(out);
        out.put(b"\"segment_index\":");
        scalar::number(ordinal as u32 + 1, out);
    }
    let mut writer = SegmentWriter {
        message,
        names,
        id: span.id,
        definition: span.definition,
        segment_index: ordinal as u32 + 1,
        separator,
        open: Open::default(),
        scratch,
        warnings,
        out,
    };
    message.walk(ordinal + 1, &mut writer);
    writer.close_field();
    let separator = writer.separator;
    if !scratch.unmapped.is_empty() {
        let Scratch { text, unmapped, .. } = scratch;
        let oddity = if span.definition.is_some() {
            unknown::list(message, unmapped, separator, text, out)
        } else {
            unknown::fields(message, span.id, names, unmapped, separator, text, out)
        };
        if let Some((code, at)) = oddity {
            let place = Place { segment_index: ordinal as u32 + 1, field: at.field, ..Place::default() };
            warnings.push(Warning { code, place, offset: at.start as usize });
        }
    }
    out.push(b'}');
}

/// Writes a comma from the second time on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Separator(pub(super) bool);

impl Separator {
    #[inline]
    pub(super) fn write(&mut self, out: &mut Buffer) {
        if self.0 {
            out.push(b',');
        }
        self.0 = true;
    }
}

/// The levels that are open: 0 where none is.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    field: u32,
    /// The repetition written last, inside an array; 0 in an array that is still empty.
    repetition: u32,
    is_array: bool,
    /// Whether the repetition is an object that still wants its closing brace.
    object: bool,
    /// Whether the repetition holds the object of a value type that still wants its closing brace.
    value_type: bool,
    /// The component whose object is open.
    component: u32,
}

struct SegmentWriter<'a, 'm, 'w> {
    message: &'m Message<'a>,
    names: Names,
    id: [u8; 3],
    definition: Option<&'static Segment>,
    segment_index: u32,
    separator: Separator,
    open: Open,
    scratch: &'w mut Scratch,
    warnings: &'w mut Vec<Warning>,
    out: &'w mut Buffer,
}

impl Sink for SegmentWriter<'_, '_, '_> {
    #[inline]
    fn value(&mut self, at: &Address, value: Value<'_>) {
        let Some(field) = at.field_slot else { return };
        if at.field != self.open.field {
            self.open_field(at, field);
        }
        if self.open.is_array && at.repetition != self.open.repetition {
            self.open_repetition(at.repetition);
        }
        let Some(component) = at.component_slot else {
            self.text(field, at, value);
            return;
        };
        let number = component.number() as u32;
        let is_new_object = !self.open.object;
        if is_new_object {
            self.open.object = true;
            self.out.push(b'{');
            if let Some(value_type) = at.value_type {
                if (at.component, at.subcomponent) == (1, 1) {
                    self.out.put(b"\"value\":");
                    self.string(at, value);
                    self.out.push(b',');
                }
                scalar::key(value_type.key().as_bytes(), self.out);
                self.out.push(b'{');
                self.open.value_type = true;
            }
        } else if number != self.open.component {
            self.close_component();
            self.out.push(b',');
        }
        let Some(subcomponent) = at.subcomponent_slot else {
            self.component_key(at, component);
            self.string(at, value);
            return;
        };
        if number == self.open.component {
            self.out.push(b',');
        } else {
            self.component_key(at, component);
            self.out.push(b'{');
            self.open.component = number;
        }
        let place = self.place(at);
        self.names.subcomponent(&place, &mut self.scratch.standard, component, subcomponent, self.out);
        self.string(at, value);
    }

    fn unmapped(&mut self, at: &Address, value: Value<'_>) {
        let start = value.offset as u32;
        self.scratch.unmapped.push(Unmapped {
            field: at.field,
            repetition: at.repetition,
            component: at.component,
            subcomponent: at.subcomponent,
            start,
            end: start + value.raw.len() as u32,
            is_plain: value.form == Form::Plain,
        });
    }

    fn trailing_repetitions(&mut self, slot: &'static Slot, count: u32) {
        let number = slot.number() as u32;
        if number != self.open.field {
            // Nothing but empty repetitions: the field is as good as absent in a document.
            return;
        }
        while self.open.repetition < count {
            self.close_repetition();
            self.out.put(if self.open.repetition == 0 { b"null" } else { b",null" });
            self.open.repetition += 1;
        }
    }

    fn warn(&mut self, code: WarningCode, at: &Address, offset: usize) {
        self.warnings.push(Warning { code, place: at.place(self.segment_index), offset });
    }
}

impl SegmentWriter<'_, '_, '_> {
    fn open_field(&mut self, at: &Address, slot: &'static Slot) {
        self.close_field();
        self.separator.write(self.out);
        let place = self.place(at);
        self.names.field(&place, &mut self.scratch.standard, slot, self.out);
        self.open.field = at.field;
        self.open.is_array = slot.repeats();
        if self.open.is_array {
            self.out.push(b'[');
        }
    }

    #[inline]
    fn place<'p>(&self, at: &'p Address) -> KeyPlace<'p> {
        KeyPlace { version: self.message.version(), segment: self.id, definition: self.definition, at }
    }

    #[inline]
    fn component_key(&mut self, at: &Address, component: &'static Slot) {
        let place = self.place(at);
        self.names.component(&place, &mut self.scratch.standard, component, self.out);
    }

    fn open_repetition(&mut self, repetition: u32) {
        self.close_repetition();
        if self.open.repetition > 0 {
            self.out.push(b',');
        }
        for _ in self.open.repetition + 1..repetition {
            self.out.put(b"null,");
        }
        self.open.repetition = repetition;
    }

    /// A field that is text itself, or the text of a value of varying type.
    fn text(&mut self, field: &'static Slot, at: &Address, value: Value<'_>) {
        if field.datatype().is_varies() {
            self.out.put(b"{\"value\":");
            self.string(at, value);
            self.out.push(b'}');
        } else {
            self.string(at, value);
        }
    }

    #[inline]
    fn string(&mut self, at: &Address, value: Value<'_>) {
        if let Some(code) = scalar::value(self.message, value, &mut self.scratch.text, self.out) {
            self.warn(code, at, value.offset);
        }
    }

    fn close_component(&mut self) {
        if self.open.component != 0 {
            self.out.push(b'}');
            self.open.component = 0;
        }
    }

    fn close_repetition(&mut self) {
        self.close_component();
        if self.open.value_type {
            self.out.push(b'}');
            self.open.value_type = false;
        }
        if self.open.object {
            self.out.push(b'}');
            self.open.object = false;
        }
    }

    fn close_field(&mut self) {
        if self.open.field == 0 {
            return;
        }
        self.close_repetition();
        if self.open.is_array {
            self.out.push(b']');
        }
        self.open = Open::default();
    }
}
