//! The second opinion: a message cut by its delimiters alone, sharing no code with the parser.
//!
//! It knows no dictionary. Where only a dictionary can tell whether a line begins a segment (lower case, blanks
//! around the ID, an ID alone on its line) it takes the row's word for it, and it reads ASCII, UTF-8 and Latin-1 and the
//! escape sequences that need no tables. What it cannot read it says so of; nothing is guessed.

use std::borrow::Cow;

use super::plain_text::{Delimiters, Reading};

/// A message, cut into segments.
#[derive(Debug)]
pub(super) struct Plain<'m> {
    pub(super) segments: Vec<Segment<'m>>,
    pub(super) reading: Reading,
    delimiters: Delimiters,
}

#[derive(Debug)]
pub(super) struct Segment<'m> {
    pub(super) id: [u8; 3],
    /// What stands behind the ID, from the first field delimiter on.
    fields: &'m [u8],
}

/// Where a value stands, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) field: u32,
    pub(super) repetition: u32,
    pub(super) component: u32,
    pub(super) subcomponent: u32,
}

impl<'m> Plain<'m> {
    /// Cuts a message whose segments a row says to be `ids`, in `charset`; nothing if it has other segments.
    pub(super) fn cut<'i>(
        bytes: &'m [u8],
        charset: &str,
        ids: &(impl Iterator<Item = &'i str> + Clone),
    ) -> Option<Self> {
        let reading = Reading::of(bytes, charset);
        let body = trimmed(bytes);
        let delimiters = Delimiters::of(body)?;
        let as_told = segments(body, delimiters.field, Some(ids.clone()));
        let is_as_told = |found: &[Segment<'_>]| {
            found.iter().map(|segment| &segment.id[..]).eq(ids.clone().map(str::as_bytes))
        };
        let segments = if is_as_told(&as_told) {
            as_told
        } else {
            let regular = segments(body, delimiters.field, None::<std::iter::Empty<&str>>);
            if !is_as_told(&regular) {
                return None;
            }
            regular
        };
        Some(Self { segments, reading, delimiters })
    }

    /// Visits the values that are not empty, in order, with their places; `None` stands for one it cannot read.
    pub(super) fn leaves(&self, mut visit: impl FnMut(Place, Option<Cow<'m, str>>)) {
        let Delimiters { field, repetition, component, subcomponent, .. } = self.delimiters;
        for (index, segment) in (1..).zip(&self.segments) {
            let mut fields = segment.fields.split(move |&byte| byte == field);
            fields.next();
            let mut at =
                Place { segment: index, repetition: 1, component: 1, subcomponent: 1, ..Place::default() };
            if matches!(&segment.id, b"MSH" | b"BHS" | b"FHS") && !segment.fields.is_empty() {
                visit(Place { field: 1, ..at }, Some(char::from(field).to_string().into()));
                let declared = fields.next().unwrap_or_default();
                if !declared.is_empty() {
                    visit(Place { field: 2, ..at }, str::from_utf8(declared).ok().map(Cow::Borrowed));
                }
                at.field = 2;
            }
            for (number, text) in (at.field + 1..).zip(fields) {
                at.field = number;
                for (number, text) in (1..).zip(text.split(|&byte| byte == repetition)) {
                    at.repetition = number;
                    for (number, text) in (1..).zip(text.split(|&byte| byte == component)) {
                        at.component = number;
                        for (number, text) in (1..).zip(text.split(|&byte| Some(byte) == subcomponent)) {
                            at.subcomponent = number;
                            let text = if text.is_empty() {
                                Some("".into())
                            } else {
                                self.delimiters.text(text, self.reading)
                            };
                            if text.as_deref() != Some("") {
                                visit(at, text);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The whole repetition, or the whole component, that a place is in: what a field of text holds in which
    /// delimiters stand that were not escaped.
    /// `None` is one that is not there, `Some(None)` one that cannot be read.
    pub(super) fn wholes(&self, at: Place) -> [Option<Option<Cow<'m, str>>>; 2] {
        let nth = |text: &'m [u8], delimiter: u8, number: u32| {
            text.split(move |&byte| byte == delimiter).nth(number.saturating_sub(1) as usize)
        };
        let Delimiters { field, repetition, component, .. } = self.delimiters;
        let segment = self.segments.get(at.segment.saturating_sub(1) as usize);
        let is_header = segment.is_some_and(|segment| matches!(&segment.id, b"MSH" | b"BHS" | b"FHS"));
        // The delimiter itself is the first field of a header.
        let number = if is_header { at.field } else { at.field + 1 };
        let repetition = segment
            .and_then(|segment| nth(segment.fields, field, number))
            .and_then(|field| nth(field, repetition, at.repetition));
        let component = repetition.and_then(|repetition| nth(repetition, component, at.component));
        [repetition, component].map(|text| text.map(|text| self.delimiters.text(text, self.reading)))
    }
}

/// The bytes without what may stand before MSH and behind the last segment.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let before =
        |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0x0B | 0x0C | 0xEF | 0xBB | 0xBF);
    let behind = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0 | 0x0B | 0x1A | 0x1C);
    let start = bytes.iter().position(|byte| !before(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !behind(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// Cuts a message into segments: at every line with an ID in capitals and a field delimiter, and at less
/// regular ones where `expected` has the ID next. Any other line goes on with the field before it.
fn segments<'m, 'i>(
    body: &'m [u8],
    field: u8,
    expected: Option<impl Iterator<Item = &'i str>>,
) -> Vec<Segment<'m>> {
    let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0 | 0x0B | 0x0C | 0x1A | 0x1C);
    let mut expected = expected.map(|expected| expected.map(str::as_bytes).peekable());
    // Of each segment: its ID, where what is behind the ID begins.
    let mut starts: Vec<([u8; 3], usize, usize)> = Vec::new();
    let mut line = 0;
    while line < body.len() {
        let text = line + body[line..].iter().position(|byte| !blank(byte)).unwrap_or(body.len() - line);
        if let Some((id, is_regular, behind)) = start_of_segment(body, text, field) {
            let is_next = expected.as_mut().is_some_and(|expected| expected.peek() == Some(&&id[..]));
            let is_at_line_start = text == line || matches!(body[text - 1], b'\r' | b'\n');
            if starts.is_empty() || is_regular && is_at_line_start || is_next {
                starts.push((id, text, behind));
                expected.as_mut().and_then(Iterator::next);
            }
        }
        let end = body[text..].iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        line = end.map_or(body.len(), |end| text + end + 1);
    }
    let ends = starts.iter().skip(1).map(|start| start.1).chain([body.len()]);
    let segment = |(&(id, _, behind), next): (&([u8; 3], usize, usize), usize)| {
        // The line end that ends it is the first behind its last text.
        let last =
            body[behind..next].iter().rposition(|byte| !blank(byte)).map_or(behind, |last| behind + last + 1);
        let line_end = body[last..next].iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        Segment { id, fields: &body[behind..line_end.map_or(next, |end| last + end)] }
    };
    starts.iter().zip(ends).map(segment).collect()
}

/// The ID at a position in capitals, whether it is written as it should be, and where it and its blanks end.
fn start_of_segment(body: &[u8], at: usize, field: u8) -> Option<([u8; 3], bool, usize)> {
    let sent = body.get(at..)?.first_chunk::<3>()?;
    if !sent[0].is_ascii_alphabetic() || !sent.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let id = sent.map(|byte| byte.to_ascii_uppercase());
    let blanks = body[at + 3..].iter().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
    let behind = at + 3 + blanks;
    match body.get(behind) {
        Some(&byte) if byte == field => Some((id, blanks == 0 && id == *sent, behind)),
        None | Some(b'\r' | b'\n') => Some((id, false, behind)),
        Some(_) => None,
    }
}
