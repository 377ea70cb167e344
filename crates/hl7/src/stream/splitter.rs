//! The state machine that finds where pieces begin and end, without doing any I/O.
//!
//! It jumps from line end to line end and looks at a few bytes behind each; what it has looked at it does
//! not look at again when more bytes arrive.

mod search;

use search::Found;

use super::encoding::{FS, Framing, HEAD, VT, is_trailing};
use super::line::{Line, Within, judge};
use super::{Encoding, Piece, PieceKind, Step};

/// Finds the pieces of a stream; see the [module](super).
///
/// ```
/// use hl7::stream::{PieceKind, Splitter};
/// # use std::io::Read;
/// # let mut stream: &[u8] = b"MSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\r";
/// # let mut messages = 0;
/// let mut splitter = Splitter::new(128 << 20);
/// let (mut buffer, mut at_end) = (Vec::new(), false);
/// while !at_end {
///     at_end = stream.by_ref().take(1 << 16).read_to_end(&mut buffer)? == 0;
///     let mut start = 0;
///     loop {
///         let step = splitter.advance(&buffer[start..], at_end);
///         let bytes = &buffer[start..start + step.consumed];
///         start += step.consumed;
///         match step.piece {
///             Some(piece) if piece.kind == PieceKind::Message => { /* parse bytes */
/// #               assert!(bytes.starts_with(b"MSH")); messages += 1;
///             }
///             Some(_) => {}
///             None => break,
///         }
///     }
///     buffer.drain(..start);
/// }
/// # assert_eq!(messages, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    /// Stream offset of the first byte of the buffer.
    offset: u64,
    /// Stream offset at which the piece that is being made begins; `piece_start <= offset + cursor`.
    piece_start: u64,
    /// Bytes at the start of the buffer that have been looked at.
    cursor: usize,
    /// No start or end block stands in the buffer between `cursor` and here.
    blocks_searched: usize,
    /// Whether one stands exactly at `blocks_searched`.
    block_found: bool,
    encoding: Encoding,
    /// Whether an MLLP start block has been seen: then an end block may follow text of two-byte characters.
    framed: bool,
    /// Stream offset from which characters of two bytes would be counted: that behind the last start block.
    origin: u64,
    run: Option<Run>,
}

/// A piece of text whose end is not known yet.
#[derive(Clone, Copy, Debug)]
struct Run {
    kind: PieceKind,
    field_delimiter: u8,
    /// Stream offset of the line end behind which only blanks have been seen: the cursor is at a line start.
    /// `None`: the cursor is inside a line.
    line_end: Option<u64>,
    too_long: bool,
}

/// Blanks behind a message that are waited through, beyond the limit, for a line that belongs to it.
const TAIL: usize = 64 << 10;

impl Splitter {
    /// A splitter at the start of a stream, for messages of up to `limit_bytes`.
    ///
    /// The buffer will need room for `limit_bytes` and some 64 KiB more.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            limit: limit_bytes.max(2).next_multiple_of(2),
            offset: 0,
            piece_start: 0,
            cursor: 0,
            blocks_searched: 0,
            block_found: false,
            encoding: Encoding::Bytes,
            framed: false,
            origin: 0,
            run: None,
        }
    }

    /// Looks for the next piece in the unconsumed bytes of the stream.
    ///
    /// `buffer` must begin where the last step's `consumed` ended and hold at least what it held then;
    /// `at_end` says that the stream has no bytes behind it. Once the answer is no piece: read more and call
    /// again, or stop if `at_end` was set.
    pub fn advance(&mut self, buffer: &[u8], at_end: bool) -> Step {
        match self.run.take() {
            None => self.between(buffer, at_end),
            Some(run) => self.inside(run, buffer, at_end),
        }
    }

    /// Goes over framing until text comes, which begins the next run.
    fn between(&mut self, buffer: &[u8], at_end: bool) -> Step {
        self.byte_order_mark(buffer);
        loop {
            match self.other_encoding(buffer, at_end) {
                OtherEncoding::Header(encoding) => {
                    self.encoding = encoding;
                    break;
                }
                OtherEncoding::Unclear => return self.more(),
                OtherEncoding::No => {}
            }
            match self.encoding.framing(buffer, self.cursor, at_end) {
                Framing::Bytes(length) => self.skip_framing(buffer, length),
                Framing::Unclear if self.is_finished(buffer, at_end) => {
                    return self.emit(PieceKind::Framing, self.position());
                }
                Framing::Unclear => return self.more(),
                // MLLP blocks and line ends of one byte around text of two: whoever framed it did not look inside.
                Framing::Text
                    if self.encoding != Encoding::Bytes && is_block_or_line_end(buffer, self.cursor) =>
                {
                    self.skip_framing(buffer, 1);
                }
                Framing::Text => break,
            }
        }
        if self.position() > self.piece_start {
            return self.emit(PieceKind::Framing, self.position());
        }
        let mut head = [0; HEAD];
        let head = self.encoding.head(buffer, self.cursor, &mut head);
        let kind = match judge(head, at_end && head.len() < HEAD, Within::Nothing) {
            Line::Starts(kind) => kind,
            Line::Text | Line::Companion => PieceKind::Junk,
            Line::Unclear => return self.more(),
        };
        let field_delimiter = head.get(3).copied().unwrap_or(b'|');
        let run = Run { kind, field_delimiter, line_end: None, too_long: false };
        self.inside(run, buffer, at_end)
    }

    fn skip_framing(&mut self, buffer: &[u8], length: usize) {
        let is_start_block = buffer[self.cursor] == VT;
        self.cursor += length;
        if is_start_block {
            self.framed = true;
            self.origin = self.position();
        }
    }

    /// Goes on with a run until something ends it.
    fn inside(&mut self, mut run: Run, buffer: &[u8], at_end: bool) -> Step {
        loop {
            if let Some(line_end) = run.line_end {
                let start = self.line_start(&run, buffer, at_end);
                if self.is_beyond_limit(&run) {
                    match self.cut(run, buffer) {
                        Cut::Piece(step) => return step,
                        Cut::TooLong(marked) => run = marked,
                    }
                    continue;
                }
                match start {
                    LineStart::EndsRun => return self.finish(run, line_end, buffer),
                    LineStart::Unclear if self.is_finished(buffer, at_end) => {
                        return self.finish(run, line_end, buffer);
                    }
                    LineStart::Unclear => return self.wait(run),
                    LineStart::Continues => run.line_end = None,
                }
            }
            let window = if run.too_long { buffer.len() } else { buffer.len().min(self.limit + TAIL + 1) };
            match self.search(buffer, window, at_end) {
                Found::LineEnd { at } => run.line_end = Some(self.offset + at as u64),
                Found::EndBlock { at } => return self.finish(run, self.offset + at as u64, buffer),
                Found::Nothing if self.is_beyond_limit(&run) => match self.cut(run, buffer) {
                    Cut::Piece(step) => return step,
                    Cut::TooLong(marked) => run = marked,
                },
                Found::Nothing if self.is_finished(buffer, at_end) => {
                    return self.finish(run, self.position(), buffer);
                }
                Found::Nothing | Found::Unclear => return self.wait(run),
            }
        }
    }

    /// Goes over the blanks at a line start and judges the line behind them.
    fn line_start(&mut self, run: &Run, buffer: &[u8], at_end: bool) -> LineStart {
        loop {
            // By far the most lines: one look at one byte.
            if self.encoding == Encoding::Bytes
                && let Some(byte) = buffer.get(self.cursor)
                && byte.is_ascii_alphanumeric()
                && !matches!(byte.to_ascii_uppercase(), b'M' | b'F' | b'B' | b'S' | b'U')
            {
                return if run.ends_with_line() { LineStart::EndsRun } else { LineStart::Continues };
            }
            if self.is_end_block(buffer, self.cursor) {
                return LineStart::EndsRun;
            }
            match self.encoding.framing(buffer, self.cursor, at_end) {
                Framing::Bytes(length) => self.cursor += length,
                Framing::Unclear => return LineStart::Unclear,
                Framing::Text => break,
            }
        }
        let within = match run.kind {
            PieceKind::Message => Within::Message { field_delimiter: run.field_delimiter },
            _ => Within::Nothing,
        };
        let mut head = [0; HEAD];
        let head = self.encoding.head(buffer, self.cursor, &mut head);
        match judge(head, at_end && head.len() < HEAD, within) {
            Line::Starts(_) => LineStart::EndsRun,
            Line::Companion if run.has_companions() => LineStart::Continues,
            Line::Companion | Line::Text if run.ends_with_line() => LineStart::EndsRun,
            Line::Companion | Line::Text => LineStart::Continues,
            Line::Unclear => LineStart::Unclear,
        }
    }

    /// Recognises a UTF-16 byte order mark at the very start of the stream.
    fn byte_order_mark(&mut self, buffer: &[u8]) {
        if self.position() == 0 {
            match buffer {
                [0xFF, 0xFE, ..] => self.encoding = Encoding::Utf16Le,
                [0xFE, 0xFF, ..] => self.encoding = Encoding::Utf16Be,
                _ => {}
            }
        }
    }

    /// Whether a header stands here in another encoding than that of the stream so far.
    fn other_encoding(&self, buffer: &[u8], at_end: bool) -> OtherEncoding {
        let Some(&byte) = buffer.get(self.cursor) else { return OtherEncoding::No };
        if self.position() == 0 && matches!(byte, 0xFE | 0xFF) && buffer.len() == 1 && !at_end {
            return OtherEncoding::Unclear;
        }
        let other = match self.encoding {
            // In front of a letter a NUL is half of it at even places, and padding elsewhere.
            Encoding::Bytes if byte != 0 => Encoding::Utf16Le,
            Encoding::Bytes if (self.position() - self.origin).is_multiple_of(2) => Encoding::Utf16Be,
            Encoding::Bytes => return OtherEncoding::No,
            Encoding::Utf16Le | Encoding::Utf16Be => Encoding::Bytes,
        };
        let mut head = [0; HEAD];
        let head = other.head(buffer, self.cursor, &mut head);
        match judge(head, at_end && head.len() < HEAD, Within::Nothing) {
            Line::Starts(_) => OtherEncoding::Header(other),
            // Only for what may be a letter of an ID is it worth waiting.
            Line::Unclear if byte == 0 || b"MFBmfb".contains(&byte) => OtherEncoding::Unclear,
            _ => OtherEncoding::No,
        }
    }

    /// Whether the run has gone on for longer than messages may and blanks are waited through.
    fn is_beyond_limit(&self, run: &Run) -> bool {
        !run.too_long && self.cursor > self.limit + TAIL
    }

    /// Decides about a run that goes on beyond the limit.
    ///
    /// Looks only at the bytes up to a fixed place, so that the answer is the same however the stream is cut.
    fn cut(&mut self, mut run: Run, buffer: &[u8]) -> Cut {
        let line_end = run.line_end.map_or(usize::MAX, |line_end| (line_end - self.offset) as usize);
        let text = self.trimmed(buffer, line_end.min(self.limit + TAIL));
        if text <= self.limit {
            return Cut::Piece(self.emit_text(run.kind, text));
        }
        if run.kind == PieceKind::Junk {
            return Cut::Piece(self.cut_junk(run));
        }
        run.too_long = true;
        Cut::TooLong(run)
    }

    /// Gives the first part of junk that is longer than the limit; the rest goes on from the cursor.
    fn cut_junk(&mut self, run: Run) -> Step {
        let cursor = self.cursor;
        let step = self.emit(PieceKind::Junk, self.offset + self.limit as u64);
        self.cursor = cursor - step.consumed;
        self.run = Some(run);
        step
    }

    /// Ends a run whose text ends at the stream offset `end`, or before it.
    fn finish(&mut self, mut run: Run, end: u64, buffer: &[u8]) -> Step {
        if run.too_long {
            return self.emit(PieceKind::TooLong, end);
        }
        let text = self.trimmed(buffer, (end - self.offset) as usize);
        if text <= self.limit {
            return self.emit_text(run.kind, text);
        }
        if run.kind == PieceKind::Junk {
            // What ended it is found again in the next step.
            self.cursor = (end - self.offset) as usize;
            run.line_end = None;
            return self.cut_junk(run);
        }
        self.emit(PieceKind::TooLong, self.offset + text as u64)
    }

    /// The length of the text that ends at or before `end`, without the framing behind it.
    fn trimmed(&self, buffer: &[u8], mut end: usize) -> usize {
        let width = self.encoding.width();
        while end >= width && self.encoding.unit(buffer, end - width).is_some_and(is_trailing) {
            end -= width;
        }
        end
    }

    fn emit_text(&mut self, kind: PieceKind, length: usize) -> Step {
        let step = self.emit(kind, self.offset + length as u64);
        if matches!(step.piece, Some(piece) if piece.kind != PieceKind::Framing) {
            self.framed = false;
        }
        step
    }

    /// Gives the piece from `piece_start` to the stream offset `end`, if it has any bytes.
    fn emit(&mut self, kind: PieceKind, end: u64) -> Step {
        let length = end - self.piece_start;
        let piece = Piece { kind, encoding: self.encoding, offset: self.piece_start, length };
        self.piece_start = end;
        let consumed = self.discard(end.saturating_sub(self.offset) as usize);
        self.cursor = 0;
        Step { piece: (length > 0).then_some(piece), consumed }
    }

    /// Asks for more bytes for a run. Those of a run that is too long are not kept.
    fn wait(&mut self, run: Run) -> Step {
        // An even number, so that characters of two bytes stay whole.
        let consumed = if run.too_long { self.discard(self.cursor / 2 * 2) } else { 0 };
        self.run = Some(run);
        Step { piece: None, consumed }
    }

    /// Asks for more bytes between runs, where none need to be kept.
    fn more(&mut self) -> Step {
        let consumed = self.discard(self.cursor);
        Step { piece: None, consumed }
    }

    fn discard(&mut self, length: usize) -> usize {
        self.offset += length as u64;
        self.cursor = self.cursor.saturating_sub(length);
        self.block_found &= self.blocks_searched >= length;
        self.blocks_searched = self.blocks_searched.saturating_sub(length);
        length
    }

    /// Stream offset of the cursor.
    fn position(&self) -> u64 {
        self.offset + self.cursor as u64
    }

    fn is_finished(&self, buffer: &[u8], at_end: bool) -> bool {
        at_end && self.cursor >= buffer.len()
    }
}

/// Whether a header stands at the cursor in another encoding.
enum OtherEncoding {
    Header(Encoding),
    No,
    Unclear,
}

/// What becomes of a run that goes on beyond the limit.
enum Cut {
    /// A piece ends: the text before the blanks, or the first part of the junk.
    Piece(Step),
    /// It will be a piece of its own once its end is found.
    TooLong(Run),
}

/// What begins at a line start inside a run.
enum LineStart {
    EndsRun,
    Continues,
    Unclear,
}

fn is_block_or_line_end(buffer: &[u8], at: usize) -> bool {
    matches!(buffer.get(at), Some(b'\n' | b'\r' | &VT | &FS))
}

impl Run {
    fn ends_with_line(&self) -> bool {
        !matches!(self.kind, PieceKind::Message | PieceKind::Junk)
    }

    fn has_companions(&self) -> bool {
        matches!(self.kind, PieceKind::FileHeader | PieceKind::BatchHeader)
    }
}
