//! Splits a stream of bytes into messages, batch headers and trailers, framing and junk.
//!
//! Files and sockets hold many messages, framed by MLLP, wrapped in batches, or just one after the other with
//! anything in between. [`Splitter`] does no I/O: the caller owns a buffer, shows it, and discards what was
//! consumed. The pieces it gives tile the stream: every byte is in exactly one piece, in order, without a
//! gap, and the pieces are the same however the stream is cut into chunks.
//!
//! Where a message begins:
//! - at a segment start only: the start of the stream, after CR or LF, after an MLLP start block (VT) or end
//!   block (FS); blanks, NULs and byte order marks may stand before it;
//! - with `MSH` in either case, a byte that can be a delimiter, and two encoding characters. While a message
//!   is open, a shorter header (`MSH|`, `MSH||`, `MSH|^`, `MSH|^|`) counts only with `|` or the field delimiter
//!   of the open message, so that a wrapped line of text is not taken for a message; between messages,
//!   `MSH|` with anything behind it does.
//!
//! Where it ends: before the next message, batch line (FHS, BHS, BTS, FTS) or end block. CR, LF, NUL, VT,
//! Ctrl-Z and lines of blanks behind its last text are framing.

pub mod batch;
mod encoding;
mod line;
mod splitter;

pub use encoding::Encoding;
pub use splitter::Splitter;

/// What a piece of the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PieceKind {
    /// A message: from `MSH` to before its last terminator or framing.
    Message,
    /// An FHS line, with the SFT and UAC lines that belong to it.
    FileHeader,
    /// A BHS line, with the SFT and UAC lines that belong to it.
    BatchHeader,
    /// A BTS line.
    BatchTrailer,
    /// An FTS line.
    FileTrailer,
    /// Line ends, blank lines, byte order marks, NULs, MLLP blocks, Ctrl-Z.
    Framing,
    /// Text that belongs to no message. Junk longer than the limit comes as several pieces.
    Junk,
    /// A message or batch line longer than the limit. Its bytes were not kept.
    TooLong,
}

/// One piece of the stream, as a range of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// How its characters are laid out in bytes.
    pub encoding: Encoding,
    /// Where it begins, in bytes from the start of the stream.
    pub offset: u64,
    /// How many bytes it has, at least one.
    pub length: u64,
}

impl Piece {
    /// Where the next piece begins, in bytes from the start of the stream.
    pub fn end(&self) -> u64 {
        self.offset + self.length
    }
}

/// What one look at the buffer gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The next piece; `None` asks for more bytes, or says that the stream is finished when there are none.
    ///
    /// The bytes of a piece are `buffer[..consumed]`, save those of [`PieceKind::Framing`] and
    /// [`PieceKind::TooLong`], of which earlier steps may have consumed a part.
    pub piece: Option<Piece>,
    /// How many bytes at the start of the buffer are done with and are to be discarded, piece or not.
    pub consumed: usize,
}

/// The pieces of a stream that is in memory as a whole.
///
/// ```
/// use hl7::stream::{PieceKind, pieces};
/// let file = b"FHS|^~\\&|LAB\rMSH|^~\\&|LAB||MSHERRY\rPID|1\r\rFTS|1\r";
/// let kinds: Vec<_> = pieces(file, 1 << 20).map(|piece| piece.kind).collect();
/// assert_eq!(
///     kinds,
///     [
///         PieceKind::FileHeader, PieceKind::Framing,
///         PieceKind::Message, PieceKind::Framing,
///         PieceKind::FileTrailer, PieceKind::Framing,
///     ]
/// );
/// ```
pub fn pieces(bytes: &[u8], limit_bytes: usize) -> impl Iterator<Item = Piece> {
    let mut splitter = Splitter::new(limit_bytes);
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let step = splitter.advance(rest, true);
        rest = &rest[step.consumed..];
        step.piece
    })
}

#[cfg(test)]
mod tests;
