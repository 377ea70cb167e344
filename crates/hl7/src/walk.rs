//! One pass over a segment that says of every value where it belongs.
//!
//! The walk places values by the dictionary's one shape for all versions: what has a named place goes to
//! [`Sink::value`], what has none to [`Sink::unmapped`]. Together the two receive every value of the segment,
//! so a sink that keeps both loses nothing.

use crate::dictionary::{Datatype, Slot};
use crate::marks::{Cursor, Form, Kind, Spot, Stretch, Value};
use crate::message::SegmentSpan;
use crate::segment::is_header;
use crate::warning::{Place, WarningCode};
use crate::{Message, remap};

/// Receives the values of a segment in the order they were sent.
pub trait Sink {
    /// A value with a named place.
    fn value(&mut self, address: &Address, value: Value<'_>);
    /// A value that has no named place, or of which only a part or the whole text has one.
    fn unmapped(&mut self, address: &Address, value: Value<'_>);
    /// All repetitions of a field that may repeat have been visited: there were `count`, empty ones included.
    /// Called only when the last of them was empty or there were none but empty ones.
    fn trailing_repetitions(&mut self, field: &'static Slot, count: u32);
    /// Something was odd at an address.
    fn warn(&mut self, code: WarningCode, address: &Address, offset: usize);
}

/// Where a value stands (numbers, from 1) and where it belongs (slots).
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// Field number.
    pub field: u32,
    /// Repetition number.
    pub repetition: u32,
    /// Component number.
    pub component: u32,
    /// Subcomponent number.
    pub subcomponent: u32,
    /// The field; `None` beyond the fields any version has.
    pub field_slot: Option<&'static Slot>,
    /// The component the value belongs to; `None` when the field is its text.
    pub component_slot: Option<&'static Slot>,
    /// The subcomponent the value belongs to; `None` when the component is its text.
    pub subcomponent_slot: Option<&'static Slot>,
    /// For a field of varying type: the composite datatype its companion names, `None` for text.
    pub value_type: Option<&'static Datatype>,
}

impl Address {
    /// The place it is in a message, given its segment's position, from 1.
    pub fn place(&self, segment_index: u32) -> Place {
        Place {
            segment_index,
            field: self.field,
            repetition: self.repetition,
            component: self.component,
            subcomponent: self.subcomponent,
        }
    }
}

impl Message<'_> {
    /// Visits the values of the segment at a position, from 1; a position beyond the last visits nothing.
    pub fn walk(&self, segment_index: usize, sink: &mut impl Sink) {
        let Some(span) = segment_index.checked_sub(1).and_then(|ordinal| self.spans.get(ordinal)) else {
            return;
        };
        Walk::new(self, span, sink).segment(span);
    }
}

struct Walk<'a, 'm, S> {
    message: &'m Message<'a>,
    span: &'m SegmentSpan,
    cursor: Cursor<'a>,
    at: Address,
    sink: &'m mut S,
}

impl<'a, 'm, S: Sink> Walk<'a, 'm, S> {
    fn new(message: &'m Message<'a>, span: &'m SegmentSpan, sink: &'m mut S) -> Self {
        let at = Address {
            field: 0,
            repetition: 1,
            component: 1,
            subcomponent: 1,
            field_slot: None,
            component_slot: None,
            subcomponent_slot: None,
            value_type: None,
        };
        Self { message, span, cursor: message.cursor(span), at, sink }
    }

    fn segment(&mut self, span: &SegmentSpan) {
        let slots = span.definition.map_or(&[][..], |definition| definition.fields());
        if is_header(span.id) && self.cursor.next_kind() == Kind::Field {
            self.header_fields(slots);
        }
        let mut stopped_at = self.cursor.next_kind();
        while stopped_at == Kind::Field {
            self.cursor.pass();
            self.at.field += 1 + self.cursor.pass_empty_fields();
            self.at.field_slot = slots.get(self.at.field as usize - 1);
            stopped_at = match self.at.field_slot {
                Some(slot) => self.field(slot),
                None => self.unknown_field(),
            };
        }
    }

    /// MSH-1 is the delimiter itself and MSH-2 is made of delimiters: neither is split.
    fn header_fields(&mut self, slots: &'static [Slot]) {
        let delimiter = self.cursor.position();
        let Some(raw) = self.message.bytes.get(delimiter..=delimiter) else { return };
        self.at.field = 1;
        self.at.field_slot = slots.first();
        self.sink.value(&self.at, Value { raw, offset: delimiter, form: Form::Literal });
        self.cursor.pass();
        self.at.field = 2;
        self.at.field_slot = slots.get(1);
        let encoding = self.cursor.read(Kind::Field).value;
        if !encoding.raw.is_empty() {
            self.sink.value(&self.at, Value { form: Form::Literal, ..encoding });
        }
    }

    fn field(&mut self, slot: &'static Slot) -> Kind {
        let datatype = slot.datatype();
        self.at.value_type = None;
        if datatype.is_varies() {
            self.settle_value_type(slot);
        }
        self.at.repetition = 0;
        let mut last_with_value = 0;
        let stopped_at = loop {
            self.at.repetition += 1;
            self.reset_below_field();
            let start = self.cursor.position();
            let stopped_at = if self.at.repetition > 1 && !slot.repeats() {
                self.excess_repetition()
            } else if let Some(value_type) = self.at.value_type {
                self.composite(value_type)
            } else if datatype.is_primitive() || datatype.is_varies() {
                self.text(slot, Kind::Repetition)
            } else if slot.is_remapped()
                && let Some(moves) = slot.remap(self.message.version)
            {
                self.remapped(slot, moves)
            } else {
                self.composite(datatype)
            };
            if self.cursor.position() > start {
                last_with_value = self.at.repetition;
            }
            if stopped_at != Kind::Repetition {
                break stopped_at;
            }
            self.cursor.pass();
        };
        if self.at.repetition > last_with_value && slot.repeats() && self.at.repetition > 1 {
            self.sink.trailing_repetitions(slot, self.at.repetition);
        }
        self.at.value_type = None;
        stopped_at
    }

    fn reset_below_field(&mut self) {
        self.at.component = 1;
        self.at.subcomponent = 1;
        self.at.component_slot = None;
        self.at.subcomponent_slot = None;
    }

    /// A repetition whose datatype has components.
    fn composite(&mut self, datatype: &'static Datatype) -> Kind {
        let slots = datatype.components();
        loop {
            let stopped_at = match slots.get(self.at.component as usize - 1) {
                Some(slot) => {
                    self.at.component_slot = Some(slot);
                    self.at.subcomponent = 1;
                    self.at.subcomponent_slot = None;
                    if slot.datatype().is_primitive() || slot.datatype().is_varies() {
                        self.text(slot, Kind::Component)
                    } else {
                        self.subcomponents(slot.datatype())
                    }
                }
                None => {
                    self.at.component_slot = None;
                    self.unmapped_component(Some(WarningCode::ExtraComponent));
                    self.cursor.next_kind()
                }
            };
            if stopped_at != Kind::Component {
                return stopped_at;
            }
            self.cursor.pass();
            self.at.component += 1;
        }
    }

    /// A component whose datatype has components of its own, here subcomponents.
    fn subcomponents(&mut self, datatype: &'static Datatype) -> Kind {
        let slots = datatype.components();
        loop {
            self.at.subcomponent_slot = slots.get(self.at.subcomponent as usize - 1);
            let Stretch { value, stopped_at, .. } = self.cursor.read(Kind::Subcomponent);
            if !value.raw.is_empty() {
                if self.at.subcomponent_slot.is_some() {
                    self.sink.value(&self.at, value);
                } else {
                    self.sink.warn(WarningCode::ExtraComponent, &self.at, value.offset);
                    self.sink.unmapped(&self.at, value);
                }
            }
            if stopped_at != Kind::Subcomponent {
                return stopped_at;
            }
            self.cursor.pass();
            self.at.subcomponent += 1;
        }
    }

    /// A position whose datatype is primitive: one value up to the end of the level.
    #[inline]
    fn text(&mut self, slot: &'static Slot, level: Kind) -> Kind {
        let start = self.cursor.spot();
        let Stretch { value, divided, stopped_at } = self.cursor.read(level);
        if divided {
            self.divided_text(slot, level, start, value);
        } else if !value.raw.is_empty() {
            self.sink.value(&self.at, value);
        }
        stopped_at
    }

    /// A primitive value with delimiters in it: either some version had components here, and the first is
    /// the value; or the delimiters are part of a text that was not escaped, which is kept whole with its
    /// exact parts beside it.
    #[cold]
    fn divided_text(&mut self, slot: &'static Slot, level: Kind, start: Spot, whole: Value<'a>) {
        let keeps_first = slot.keeps_first_component();
        let mut inside = self.cursor.back_at(start);
        let mut numbers = (self.at.component, self.at.subcomponent);
        let mut is_first = true;
        let mut any = false;
        loop {
            let Stretch { value: part, stopped_at, .. } = inside.read(Kind::Subcomponent);
            (self.at.component, self.at.subcomponent) = numbers;
            if !part.raw.is_empty() {
                if keeps_first && is_first {
                    self.sink.value(&self.at, part);
                } else {
                    self.sink.unmapped(&self.at, part);
                    any = true;
                }
            }
            is_first = false;
            match stopped_at {
                kind if kind >= level => break,
                Kind::Component => numbers = (numbers.0 + 1, 1),
                _ => numbers.1 += 1,
            }
            inside.pass();
        }
        if level == Kind::Repetition {
            self.at.component = 1;
        }
        self.at.subcomponent = 1;
        if keeps_first {
            if any {
                self.sink.warn(WarningCode::RetiredComponent, &self.at, whole.offset);
            }
        } else {
            self.sink.warn(WarningCode::StrayDelimiter, &self.at, whole.offset);
            self.sink.value(&self.at, whole);
        }
    }

    #[cold]
    fn excess_repetition(&mut self) -> Kind {
        let offset = self.cursor.position();
        self.reset_below_field();
        if self.unmapped_repetition() {
            self.sink.warn(WarningCode::ExcessRepetition, &self.at, offset);
        }
        self.cursor.next_kind()
    }

    /// A field beyond those of the segment, or any field of a segment the dictionary does not have.
    #[cold]
    fn unknown_field(&mut self) -> Kind {
        let offset = self.cursor.position();
        self.at.repetition = 1;
        let mut any = false;
        loop {
            self.reset_below_field();
            any |= self.unmapped_repetition();
            if self.cursor.next_kind() != Kind::Repetition {
                break;
            }
            self.cursor.pass();
            self.at.repetition += 1;
        }
        if any && self.span.definition.is_some() {
            self.at.repetition = 1;
            self.sink.warn(WarningCode::ExtraField, &self.at, offset);
        }
        self.cursor.next_kind()
    }

    /// Gives every part of a repetition to [`Sink::unmapped`] and tells whether there was one.
    fn unmapped_repetition(&mut self) -> bool {
        let mut any = false;
        loop {
            any |= self.unmapped_component(None);
            if self.cursor.next_kind() != Kind::Component {
                return any;
            }
            self.cursor.pass();
            self.at.component += 1;
        }
    }

    /// Gives every part of a component to [`Sink::unmapped`], with a warning if there was one.
    fn unmapped_component(&mut self, warning: Option<WarningCode>) -> bool {
        let mut any = false;
        self.at.subcomponent = 1;
        self.at.subcomponent_slot = None;
        loop {
            let Stretch { value, stopped_at, .. } = self.cursor.read(Kind::Subcomponent);
            if !value.raw.is_empty() {
                if let Some(code) = warning.filter(|_| !any) {
                    self.sink.warn(code, &self.at, value.offset);
                }
                self.sink.unmapped(&self.at, value);
                any = true;
            }
            if stopped_at != Kind::Subcomponent {
                return any;
            }
            self.cursor.pass();
            self.at.subcomponent += 1;
        }
    }

    /// A repetition in a shape of an older version whose components have moved since.
    #[cold]
    fn remapped(&mut self, slot: &'static Slot, moves: &'static [crate::dictionary::Move]) -> Kind {
        let slots = slot.datatype().components();
        loop {
            let sent = self.at.component;
            match remap::target(moves, sent) {
                remap::Target::Same => self.moved_component(slots.get(sent as usize - 1), None),
                remap::Target::Component(number) => self.moved_component(slots.get(number - 1), None),
                remap::Target::Subcomponent(component, subcomponent) => {
                    self.moved_component(slots.get(component - 1), Some(subcomponent));
                }
                remap::Target::Unmapped => self.moved_component(None, None),
            }
            let stopped_at = self.cursor.next_kind();
            if stopped_at != Kind::Component {
                return stopped_at;
            }
            self.cursor.pass();
            self.at.component = sent + 1;
        }
    }

    /// One component of an older shape: its values go to the slot it moved to, or are unmapped.
    fn moved_component(&mut self, slot: Option<&'static Slot>, subcomponent: Option<usize>) {
        self.at.component_slot = slot;
        self.at.subcomponent = 1;
        self.at.subcomponent_slot = None;
        let Some(slot) = slot else {
            self.unmapped_component(Some(WarningCode::RetiredComponent));
            return;
        };
        let datatype = slot.datatype();
        match subcomponent {
            Some(number) if !datatype.is_primitive() => {
                self.at.subcomponent_slot = datatype.component(number);
                self.text(slot, Kind::Component);
            }
            _ if datatype.is_primitive() || datatype.is_varies() => {
                self.text(slot, Kind::Component);
            }
            _ => {
                self.subcomponents(datatype);
            }
        }
    }

    /// Looks up the datatype that the companion field names, for a field of varying type.
    #[inline]
    fn settle_value_type(&mut self, slot: &'static Slot) {
        if slot.companion() == 0 {
            return;
        }
        let code = self.companion_code(slot.companion());
        if code.is_empty() {
            if !matches!(self.cursor.next_kind(), Kind::Field | Kind::End) || self.has_value_ahead() {
                self.at.repetition = 1;
                self.reset_below_field();
                self.sink.warn(WarningCode::MissingValueType, &self.at, self.cursor.position());
            }
            return;
        }
        match crate::dictionary::datatype(code) {
            Some(datatype) if datatype.is_primitive() || datatype.is_varies() => {}
            Some(datatype) => self.at.value_type = Some(datatype),
            None => {
                self.at.repetition = 1;
                self.reset_below_field();
                self.sink.warn(WarningCode::UnknownValueType, &self.at, self.cursor.position());
            }
        }
    }

    fn has_value_ahead(&self) -> bool {
        let mut ahead = self.cursor;
        !ahead.read(Kind::Field).value.raw.is_empty()
    }

    /// The first component of an earlier field of this segment, without blanks.
    fn companion_code(&self, number: usize) -> &'a [u8] {
        let mut cursor = self.message.cursor(self.span);
        for _ in 1..number {
            cursor.pass();
            cursor.read(Kind::Field);
        }
        if cursor.next_kind() != Kind::Field {
            return &[];
        }
        cursor.pass();
        cursor.read(Kind::Subcomponent).value.raw.trim_ascii()
    }
}
