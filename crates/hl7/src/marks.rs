//! Moving over the structural index of one segment, from one place where something ends to the next.

use crate::Delimiters;
use crate::message::SegmentSpan;

/// What a mark ends. The order matters: a mark ends every level below its own too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Ends nothing: a byte that needs care, or a line break inside a field.
    Special,
    Subcomponent,
    Component,
    Repetition,
    Field,
    /// The end of the segment.
    End,
}

/// The kind of every byte value, under the delimiters of one message.
#[derive(Clone)]
pub(crate) struct Kinds([Kind; 256]);

impl Kinds {
    pub(crate) fn new(delimiters: &Delimiters) -> Self {
        let mut kinds = [Kind::Special; 256];
        // Outer delimiters last: where two are the same character the outer one wins.
        if let Some(subcomponent) = delimiters.subcomponent {
            kinds[usize::from(subcomponent)] = Kind::Subcomponent;
        }
        kinds[usize::from(delimiters.component)] = Kind::Component;
        kinds[usize::from(delimiters.repetition)] = Kind::Repetition;
        kinds[usize::from(delimiters.field)] = Kind::Field;
        Self(kinds)
    }

    /// What a byte is.
    pub(crate) fn of(&self, byte: u8) -> Kind {
        self.0[usize::from(byte)]
    }
}

/// A raw value: bytes between two delimiters.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    /// The bytes as sent.
    pub raw: &'a [u8],
    /// Where they begin, in bytes from the start of the message.
    pub offset: usize,
    /// What it takes to read them as text.
    pub form: Form,
}

/// What it takes to read a raw value as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing: printable ASCII without escape character, quote or backslash.
    Plain,
    /// Nothing, though there are characters in it that JSON escapes: MSH-1 and MSH-2.
    Literal,
    /// Escape sequences or the charset may have to be decoded.
    Encoded,
}

impl core::fmt::Debug for Value<'_> {
    /// Where and how long, never what.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Value").field("offset", &self.offset).field("bytes", &self.raw.len()).finish()
    }
}

/// A position in a segment: always just behind the mark that was passed last.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    /// The index entries of the segment.
    entries: &'a [u32],
    kinds: &'a Kinds,
    at: Spot,
    end: u32,
}

/// What a cursor read.
#[derive(Clone, Copy)]
pub(crate) struct Stretch<'a> {
    pub(crate) value: Value<'a>,
    /// Whether marks of lower levels were passed on the way.
    pub(crate) divided: bool,
    /// The mark it stopped before.
    pub(crate) stopped_at: Kind,
}

/// Where a cursor stands, to come back to. Kept apart and small: copying a whole cursor right after it moved
/// stalls the processor.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    /// Ordinal of the next entry.
    next: u32,
    position: u32,
}

impl<'a> Cursor<'a> {
    /// A cursor behind the segment's ID, at its first field delimiter.
    pub(crate) fn new(bytes: &'a [u8], entries: &'a [u32], kinds: &'a Kinds, span: &SegmentSpan) -> Self {
        let entries = &entries[span.entries.0 as usize..span.entries.1 as usize];
        let position = entries.first().copied().unwrap_or(span.end);
        Self { bytes, entries, kinds, at: Spot { next: 0, position }, end: span.end }
    }

    #[inline]
    pub(crate) fn position(&self) -> usize {
        self.at.position as usize
    }

    #[inline]
    pub(crate) fn spot(&self) -> Spot {
        self.at
    }

    /// A cursor at a spot of this one's segment.
    pub(crate) fn back_at(&self, spot: Spot) -> Self {
        Self { at: spot, ..*self }
    }

    /// The next mark and where it stands.
    #[inline]
    fn peek(&self) -> (u32, Kind) {
        match self.entries.get(self.at.next as usize) {
            Some(&position) => (position, self.kind_at(position)),
            None => (self.end, Kind::End),
        }
    }

    #[inline]
    fn kind_at(&self, position: u32) -> Kind {
        let byte = self.bytes.get(position as usize).copied().unwrap_or_default();
        self.kinds.0[usize::from(byte)]
    }

    /// The kind of the mark the cursor stands before, special ones included.
    #[inline]
    pub(crate) fn next_kind(&self) -> Kind {
        self.peek().1
    }

    /// Steps over the mark the cursor stands before.
    #[inline]
    pub(crate) fn pass(&mut self) {
        if let Some(&position) = self.entries.get(self.at.next as usize) {
            self.at = Spot { next: self.at.next + 1, position: position + 1 };
        }
    }

    /// Passes every field delimiter that directly follows the one before, and counts them.
    #[inline]
    pub(crate) fn pass_empty_fields(&mut self) -> u32 {
        let from = self.at.next;
        while let Some(&position) = self.entries.get(self.at.next as usize)
            && position == self.at.position
            && self.kind_at(position) == Kind::Field
        {
            self.at = Spot { next: self.at.next + 1, position: position + 1 };
        }
        self.at.next - from
    }

    /// Reads up to the next mark that ends `level`, and stops before it.
    #[inline]
    pub(crate) fn read(&mut self, level: Kind) -> Stretch<'a> {
        let start = self.at.position;
        let mut form = Form::Plain;
        let mut divided = false;
        let mut next = self.at.next;
        loop {
            let (position, kind) = match self.entries.get(next as usize) {
                Some(&position) => (position, self.kind_at(position)),
                None => (self.end, Kind::End),
            };
            if kind >= level {
                self.at = Spot { next, position };
                let raw = self.bytes.get(start as usize..position as usize).unwrap_or_default();
                // A delimiter may be a character that JSON escapes.
                let form = if divided { Form::Encoded } else { form };
                return Stretch {
                    value: Value { raw, offset: start as usize, form },
                    divided,
                    stopped_at: kind,
                };
            }
            if kind == Kind::Special {
                form = Form::Encoded;
            } else {
                divided = true;
            }
            next += 1;
        }
    }
}
