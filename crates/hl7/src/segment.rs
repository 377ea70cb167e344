//! The six levels of a message as views: segment, field, repetition, component, subcomponent.
//!
//! Views are for looking up single values; whole messages are converted by [`walk`](crate::walk), which
//! visits everything once.

use std::borrow::Cow;

use crate::dictionary;
use crate::marks::{Cursor, Form, Kind, Value};
use crate::message::SegmentSpan;
use crate::{Message, escape};

/// One segment of a message.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    message: Message<'a>,
    ordinal: usize,
}

impl<'a> Segment<'a> {
    pub(crate) fn new(message: Message<'a>, ordinal: usize) -> Self {
        Self { message, ordinal }
    }

    pub(crate) fn span(&self) -> &'a SegmentSpan {
        &self.message.spans[self.ordinal]
    }

    /// The segment ID in upper case, such as `PID`.
    pub fn id(&self) -> [u8; 3] {
        self.span().id
    }

    /// Position in the message, from 1.
    pub fn index(&self) -> usize {
        self.ordinal + 1
    }

    /// How many segments of this ID the message has up to and including this one.
    pub fn occurrence(&self) -> usize {
        let id = self.id();
        self.message.spans[..=self.ordinal].iter().filter(|span| span.id == id).count()
    }

    /// The segment in the dictionary; `None` for Z-segments and unknown ones.
    pub fn definition(&self) -> Option<&'static dictionary::Segment> {
        self.span().definition
    }

    /// Where the segment begins, in bytes from the start of the message.
    pub fn offset(&self) -> usize {
        self.span().start as usize
    }

    /// The bytes as sent, without the line end.
    pub fn raw(&self) -> &'a [u8] {
        &self.message.bytes[self.span().start as usize..self.span().end as usize]
    }

    /// The segment as one, with the text of the ADD segments right behind it: an addendum continues the last
    /// field of the segment before it (HL7 v2.9.1 chapter 2, §2.10.2.1).
    ///
    /// ```
    /// let mut parser = hl7::Parser::default();
    /// let message = parser.parse(b"MSH|^~\\&|A\rOBX|1|TX|||begun\rADD| and ended|F\r").unwrap();
    /// assert_eq!(&*message.segments().nth(1).unwrap().with_addenda(), b"OBX|1|TX|||begun and ended|F");
    /// ```
    pub fn with_addenda(&self) -> Cow<'a, [u8]> {
        let addenda = self.message.spans[self.ordinal + 1..].iter().take_while(|span| span.id == *b"ADD");
        let mut whole = Cow::Borrowed(self.raw());
        for span in addenda {
            let raw = &self.message.bytes[span.start as usize..span.end as usize];
            let text = raw.iter().position(|byte| *byte == self.message.delimiters.field);
            whole.to_mut().extend_from_slice(text.map_or(&[][..], |at| &raw[at + 1..]));
        }
        whole
    }

    /// Whether the segment is a header (MSH, BHS, FHS), whose first field is the field delimiter itself and
    /// whose second field is not split.
    pub(crate) fn is_header(&self) -> bool {
        is_header(self.id())
    }

    /// The field of a number, from 1, if the segment reaches that far.
    pub fn field(&self, number: usize) -> Option<Field<'a>> {
        self.fields().find(|field| field.number == number)
    }

    /// All fields the segment reaches, empty ones too.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let segment = *self;
        let mut cursor = self.message.cursor(self.span());
        let mut number = 0;
        core::iter::from_fn(move || {
            number += 1;
            if segment.is_header() && number == 1 && cursor.next_kind() == Kind::Field {
                let start = cursor;
                let raw = segment.message.bytes.get(cursor.position()..=cursor.position())?;
                let value = Value { raw, offset: start.position(), form: Form::Literal };
                return Some(Field { message: segment.message, number, start, value, is_atom: true });
            }
            if cursor.next_kind() == Kind::End {
                return None;
            }
            cursor.pass();
            let start = cursor;
            let value = cursor.read(Kind::Field).value;
            let is_atom = segment.is_header() && number == 2;
            Some(Field { message: segment.message, number, start, value, is_atom })
        })
    }
}

/// Whether segments of an ID declare delimiters in their first two fields.
pub(crate) fn is_header(id: [u8; 3]) -> bool {
    matches!(&id, b"MSH" | b"BHS" | b"FHS")
}

/// One field of a segment, with all its repetitions.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    message: Message<'a>,
    number: usize,
    start: Cursor<'a>,
    value: Value<'a>,
    /// MSH-1 and MSH-2, which are delimiters and not split by them.
    is_atom: bool,
}

impl<'a> Field<'a> {
    /// Field number, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The bytes as sent.
    pub fn raw(&self) -> &'a [u8] {
        self.value.raw
    }

    /// Where the field begins, in bytes from the start of the message.
    pub fn offset(&self) -> usize {
        self.value.offset
    }

    /// The repetitions; an empty field has one, which is empty.
    pub fn repetitions(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        parts(self.message, self.start, Kind::Repetition, self.is_atom.then_some(self.value))
    }

    /// A repetition, from 1.
    pub fn repetition(&self, number: usize) -> Option<Part<'a>> {
        self.repetitions().nth(number.checked_sub(1)?)
    }
}

impl core::fmt::Debug for Field<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Field").field("number", &self.number).field("value", &self.value).finish()
    }
}

/// A repetition, a component or a subcomponent.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    message: Message<'a>,
    level: Kind,
    start: Cursor<'a>,
    value: Value<'a>,
    is_atom: bool,
}

impl<'a> Part<'a> {
    /// The bytes as sent.
    pub fn raw(&self) -> &'a [u8] {
        self.value.raw
    }

    /// Where the part begins, in bytes from the start of the message.
    pub fn offset(&self) -> usize {
        self.value.offset
    }

    /// The parts one level down: components of a repetition, subcomponents of a component, of which there
    /// is always one at least; none of a subcomponent.
    pub fn parts(&self) -> impl Iterator<Item = Self> + use<'a> {
        let below = match self.level {
            Kind::Repetition => Some(Kind::Component),
            Kind::Component => Some(Kind::Subcomponent),
            _ => None,
        };
        let atom = self.is_atom.then_some(self.value);
        below.into_iter().flat_map({
            let (message, start) = (self.message, self.start);
            move |below| parts(message, start, below, atom)
        })
    }

    /// A component of a repetition or a subcomponent of a component, from 1.
    pub fn part(&self, number: usize) -> Option<Self> {
        self.parts().nth(number.checked_sub(1)?)
    }

    /// The whole part as a value, delimiters in it and all.
    pub(crate) fn value(&self) -> Value<'a> {
        self.value
    }

    /// The text of the whole part: charset and escape sequences decoded, delimiters in it as sent.
    pub fn text(&self) -> String {
        if self.is_atom {
            return self.value.raw.iter().copied().map(char::from).collect();
        }
        let mut text = String::new();
        escape::unescape(self.value.raw, &self.message.delimiters, self.message.charset, &mut text);
        text
    }
}

impl core::fmt::Debug for Part<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Part").field("value", &self.value).finish_non_exhaustive()
    }
}

fn parts<'a>(
    message: Message<'a>,
    start: Cursor<'a>,
    level: Kind,
    atom: Option<Value<'a>>,
) -> impl Iterator<Item = Part<'a>> + use<'a> {
    let mut next = Some(start);
    core::iter::from_fn(move || {
        let start = next.take()?;
        if let Some(value) = atom {
            return Some(Part { message, level, start, value, is_atom: true });
        }
        let mut cursor = start;
        let value = cursor.read(level).value;
        if cursor.next_kind() == level {
            cursor.pass();
            next = Some(cursor);
        }
        Some(Part { message, level, start, value, is_atom: false })
    })
}
