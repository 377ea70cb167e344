//! Which lines of a message begin a segment, and which continue the field before them.
//!
//! A line begins a segment when it starts with a segment ID — a letter and two letters or digits — and a
//! field delimiter. What is less regular (lower case, blanks around the ID, an ID alone on its line) counts
//! only when the ID is one of the standard's or begins with Z, so that words at the start of a wrapped line
//! of text are not taken for segments.

use crate::message::SegmentSpan;
use crate::{Delimiters, dictionary};

/// What follows a line end.
pub(crate) enum Line {
    Segment(SegmentStart),
    /// Text that belongs to the field before; it begins at this position.
    Continuation(u32),
    /// Nothing but blanks.
    End,
}

/// A line that begins a segment.
#[derive(Clone, Copy)]
pub(crate) struct SegmentStart {
    /// The ID in upper case.
    pub(crate) id: [u8; 3],
    /// Position of the first letter of the ID.
    pub(crate) start: u32,
    /// Position just past the ID and the blanks after it: the field delimiter, or the end of the line.
    pub(crate) id_end: u32,
    pub(crate) has_leading_blanks: bool,
    /// Lower case, or blanks after the ID.
    pub(crate) is_irregular: bool,
}

impl SegmentStart {
    /// The start of a segment that was taken to have ended too early.
    pub(crate) fn again(span: &SegmentSpan, entries: &[u32]) -> Self {
        let id_end = entries.get(span.entries.0 as usize).copied().unwrap_or(span.end);
        Self { id: span.id, start: span.start, id_end, has_leading_blanks: false, is_irregular: false }
    }
}

/// Looks at what follows the line end at `line_end`, passing over blank lines.
#[inline]
pub(crate) fn next_line(body: &[u8], line_end: usize) -> Line {
    let mut position = line_end + 1;
    while matches!(body.get(position), Some(b'\r' | b'\n')) {
        position += 1;
    }
    if let Some(start) = segment_start(body, position) {
        return Line::Segment(start);
    }
    let is_blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0 | 0x0B | 0x0C | 0x1A | 0x1C);
    let rest = body.get(position..).unwrap_or_default();
    let Some(blanks) = rest.iter().position(|byte| !is_blank(byte)) else {
        return Line::End;
    };
    match segment_start(body, position + blanks) {
        Some(start) if is_expected(start.id) => Line::Segment(SegmentStart {
            has_leading_blanks: blanks_on_line(body, start.start as usize),
            ..start
        }),
        _ => Line::Continuation((position + blanks) as u32),
    }
}

/// Reads a segment ID at a position, if there is one.
#[inline]
pub(crate) fn segment_start(body: &[u8], position: usize) -> Option<SegmentStart> {
    let rest = body.get(position..)?;
    let sent = rest.first_chunk::<3>()?;
    if !(sent[0].is_ascii_alphabetic() && sent[1].is_ascii_alphanumeric() && sent[2].is_ascii_alphanumeric())
    {
        return None;
    }
    let id = sent.map(|byte| byte.to_ascii_uppercase());
    // The delimiter of every segment is that of MSH, the fourth byte of the message.
    let field = body.get(3).copied().unwrap_or(Delimiters::STANDARD.field);
    let blanks = rest[3..].iter().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
    let is_irregular = blanks > 0 || id != *sent;
    let start = SegmentStart {
        id,
        start: position as u32,
        id_end: (position + 3 + blanks) as u32,
        has_leading_blanks: false,
        is_irregular,
    };
    match rest.get(3 + blanks) {
        Some(&byte) if byte == field => (!is_irregular || is_expected(id)).then_some(start),
        None | Some(b'\r' | b'\n') => (id == *sent && is_expected(id)).then_some(start),
        Some(_) => None,
    }
}

fn is_expected(id: [u8; 3]) -> bool {
    id[0] == b'Z' || dictionary::segment(id).is_some()
}

fn blanks_on_line(body: &[u8], start: usize) -> bool {
    start
        .checked_sub(1)
        .and_then(|before| body.get(before))
        .is_some_and(|byte| !matches!(byte, b'\r' | b'\n'))
}
