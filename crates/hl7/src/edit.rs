//! Looking a value up by its path, setting one, and writing a message back.

use crate::marks::Kind;
use crate::{Delimiters, Message, Part, Path, Segment, escape};

/// Why a value could not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetError {
    /// The message has no such segment.
    NoSegment,
    /// The path ends on a whole segment.
    NoField,
    /// MSH-1 and MSH-2 are the delimiters themselves: other ones make another message.
    Delimiters,
    /// The message declares no delimiter for subcomponents.
    NoSubcomponents,
    /// The text has characters that the message's charset does not have.
    Charset,
    /// The path names a number that lies more than 10,000 beyond what the message has there.
    TooFar,
}

/// How many fields, repetitions, components or subcomponents may have to be made on the way to a place. A slip
/// of the hand in a path must not write gigabytes of delimiters.
const MADE_ON_THE_WAY: usize = 10_000;

impl core::fmt::Display for SetError {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::NoSegment => "the message has no such segment",
            Self::NoField => "the path names no field",
            Self::Delimiters => "the delimiters in MSH-1 and MSH-2 cannot be set like values",
            Self::NoSubcomponents => "MSH-2 declares no delimiter for subcomponents",
            Self::Charset => "the message's charset does not have every character of the text",
            Self::TooFar => "the path lies more than 10,000 places beyond what the message has",
        })
    }
}

impl core::error::Error for SetError {}

impl<'a> Message<'a> {
    /// The segment a path names.
    pub fn segment(&self, path: &Path) -> Option<Segment<'a>> {
        let before = path.occurrence.unwrap_or(1).checked_sub(1)? as usize;
        self.segments().filter(|segment| segment.id() == path.segment).nth(before)
    }

    /// The repetition, component or subcomponent a path names, if the message reaches that far.
    ///
    /// ```
    /// # let mut parser = hl7::Parser::default();
    /// # let message = parser.parse(b"MSH|^~\\&|LAB||||||ADT^A08|7|P|2.5\rPID|1||A^^^WEST&1.2&ISO~B\r").unwrap();
    /// let authority = message.value(&"PID-3.4.2".parse().unwrap()).unwrap();
    /// assert_eq!(authority.text(), "1.2");
    /// assert!(message.value(&"PID-3[3]".parse().unwrap()).is_none());
    /// ```
    pub fn value(&self, path: &Path) -> Option<Part<'a>> {
        let field = self.segment(path)?.field(path.field? as usize)?;
        let mut part = field.repetition(path.repetition.unwrap_or(1) as usize)?;
        for number in [path.component, path.subcomponent].into_iter().map_while(|number| number) {
            part = part.part(number as usize)?;
        }
        Some(part)
    }

    /// The message in normal form: every segment as sent, each ending in a carriage return. A message that
    /// was in normal form comes back byte for byte.
    pub fn to_er7(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 1);
        for segment in self.segments() {
            out.extend_from_slice(segment.raw());
            out.push(b'\r');
        }
        out
    }

    /// The message in normal form with another text at a path, escaped as its delimiters and charset ask for;
    /// fields, repetitions and components on the way that are missing are made.
    ///
    /// # Errors
    /// When the message has no such segment, or the text cannot stand there.
    ///
    /// ```
    /// # let mut parser = hl7::Parser::default();
    /// # let message = parser.parse(b"MSH|^~\\&|LAB||||||ADT^A08|7|P|2.5\rPID|1\r").unwrap();
    /// let changed = message.with(&"PID-5.2".parse().unwrap(), "Ann & Bea").unwrap();
    /// assert!(changed.ends_with(b"PID|1||||^Ann \\T\\ Bea\r"));
    /// ```
    pub fn with(&self, path: &Path, text: &str) -> Result<Vec<u8>, SetError> {
        let target = self.segment(path).ok_or(SetError::NoSegment)?;
        let field = path.field.ok_or(SetError::NoField)? as usize;
        if target.is_header() && field <= 2 {
            return Err(SetError::Delimiters);
        }
        if path.subcomponent.is_some_and(|number| number > 1) && self.delimiters.subcomponent.is_none() {
            return Err(SetError::NoSubcomponents);
        }
        let mut in_utf8 = Vec::new();
        escape::escape(text, &self.delimiters, &mut in_utf8);
        let in_utf8 = String::from_utf8(in_utf8).map_err(|_| SetError::Charset)?;
        let mut escaped = Vec::new();
        if !self.charset.encode_into(&in_utf8, &mut escaped) {
            return Err(SetError::Charset);
        }

        let mut out = Vec::with_capacity(self.bytes.len() + escaped.len() + 8);
        for segment in self.segments() {
            if segment.index() == target.index() {
                write_changed(&segment, path, field, &escaped, &self.delimiters, &mut out)?;
            } else {
                out.extend_from_slice(segment.raw());
            }
            out.push(b'\r');
        }
        Ok(out)
    }
}

fn write_changed(
    segment: &Segment<'_>,
    path: &Path,
    field: usize,
    text: &[u8],
    delimiters: &Delimiters,
    out: &mut Vec<u8>,
) -> Result<(), SetError> {
    let fields: Vec<_> = segment.fields().collect();
    if field > fields.len() + MADE_ON_THE_WAY {
        return Err(SetError::TooFar);
    }
    out.extend_from_slice(&segment.id());
    // MSH-1 is the delimiter that stands between the ID and MSH-2.
    let first = if segment.is_header() { 2 } else { 1 };
    for number in first..=fields.len().max(field) {
        out.push(delimiters.field);
        let present = fields.get(number - 1);
        if number == field {
            let repetitions: Vec<_> = present.map(|field| field.repetitions().collect()).unwrap_or_default();
            let levels =
                [path.repetition.unwrap_or(1), path.component.unwrap_or(0), path.subcomponent.unwrap_or(0)];
            write_level(&repetitions, &levels, Kind::Repetition, text, delimiters, out)?;
        } else if let Some(present) = present {
            out.extend_from_slice(present.raw());
        }
    }
    Ok(())
}

/// Writes the parts of one level with the one of number `levels[0]` changed; 0 stands for the whole.
fn write_level(
    parts: &[Part<'_>],
    levels: &[u32],
    level: Kind,
    text: &[u8],
    delimiters: &Delimiters,
    out: &mut Vec<u8>,
) -> Result<(), SetError> {
    let (Some(&number), delimiter) =
        (levels.first().filter(|&&number| number > 0), delimiter(level, delimiters))
    else {
        out.extend_from_slice(text);
        return Ok(());
    };
    let number = number as usize;
    if number > parts.len() + MADE_ON_THE_WAY {
        return Err(SetError::TooFar);
    }
    for position in 1..=parts.len().max(number) {
        if position > 1 {
            out.push(delimiter);
        }
        let present = parts.get(position - 1);
        if position == number {
            let below: Vec<_> = present.map(|part| part.parts().collect()).unwrap_or_default();
            let next = if level == Kind::Repetition { Kind::Component } else { Kind::Subcomponent };
            write_level(&below, &levels[1..], next, text, delimiters, out)?;
        } else if let Some(present) = present {
            out.extend_from_slice(present.raw());
        }
    }
    Ok(())
}

fn delimiter(level: Kind, delimiters: &Delimiters) -> u8 {
    match level {
        Kind::Repetition => delimiters.repetition,
        Kind::Component => delimiters.component,
        _ => delimiters.subcomponent.unwrap_or(delimiters.component),
    }
}
