//! The Minimal Lower Layer Protocol: messages framed for a connection (HL7 "Transport Specification: MLLP, Release 1").
//!
//! A frame is a start block (0x0B), the message, an end block (0x1C) and a carriage return. [`Decoder`] takes bytes as a
//! connection gives them, cut anywhere, and gives frames; it does no I/O and knows no clock. Senders take liberties, which it
//! allows where they lose nothing:
//! - the carriage return may be missing, or be followed by a line feed;
//! - a 0x1C that another byte than these follows, or a 0x0B that no header follows, is a byte of the message;
//! - what stands between frames is skipped and counted.
//!
//! An end block that is the last byte so far may be either. More bytes tell; if none come, [`Decoder::quiet`] says so.

use memchr::{memchr, memchr2};

/// Begins a frame.
pub const START: u8 = 0x0b;
/// Ends a frame, with a carriage return behind it.
pub const END: u8 = 0x1c;

/// Bytes that are kept of a frame over the limit: enough for its header.
const HEAD: usize = 4 << 10;
/// Headers that a frame may begin with.
const HEADERS: [&[u8]; 3] = [b"MSH", b"FHS", b"BHS"];

/// Appends a message in its frame.
///
/// ```
/// let mut out = Vec::new();
/// hl7::mllp::frame(b"MSH|^~\\&|\r", &mut out);
/// assert_eq!(out, b"\x0bMSH|^~\\&|\r\x1c\r");
/// ```
pub fn frame(message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len() + 3);
    out.push(START);
    out.extend_from_slice(message);
    out.extend_from_slice(&[END, b'\r']);
}

/// What a connection gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'d> {
    /// A whole frame: the bytes between the blocks.
    Frame(&'d [u8]),
    /// A whole frame over the limit, of which nothing but the beginning was kept.
    TooLong {
        /// Its first bytes.
        head: &'d [u8],
        /// How many it had.
        length: u64,
    },
    /// A frame of so many bytes that has no end: the next one began before it, or the connection was closed.
    CutOff {
        /// How many bytes there were.
        length: u64,
    },
    /// So many bytes outside of frames, line ends not counted.
    Skipped {
        /// How many bytes there were.
        length: u64,
    },
}

/// Finds the frames in the bytes of a connection.
///
/// ```
/// use hl7::mllp::{Decoder, Event};
/// let mut decoder = Decoder::new(1 << 20);
/// decoder.feed(b"\x0bMSH|^~\\&|A\r\x1c\r\x0bMSH|^~");
/// assert_eq!(decoder.next(), Some(Event::Frame(b"MSH|^~\\&|A\r")));
/// assert_eq!(decoder.next(), None);
/// decoder.feed(b"\\&|B\r\x1c\r");
/// assert_eq!(decoder.next(), Some(Event::Frame(b"MSH|^~\\&|B\r")));
/// ```
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    done: usize,
    /// Bytes of the buffer in which no block is left to find.
    looked: usize,
    state: State,
    /// Nothing follows what is here, for the moment.
    is_quiet: bool,
    is_closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between frames, behind so many bytes that are none of line ends.
    Between { skipped: u64 },
    /// In a frame whose message begins at `done`.
    Inside,
    /// In a frame over the limit: `done..done + head` is its beginning, and `dropped` bytes were behind that.
    TooLong { head: usize, dropped: u64 },
}

/// What stands at a place of the buffer that may be a block.
enum Block {
    End,
    /// A start, before the frame has an end.
    Start,
    Content,
    /// The bytes behind it will tell.
    Unclear,
}

/// An event with places instead of bytes.
enum Found {
    Frame { start: usize, end: usize },
    TooLong { start: usize, end: usize, length: u64 },
    CutOff { length: u64 },
    Skipped { length: u64 },
}

impl Decoder {
    /// A decoder for a new connection; `limit` is the longest message in bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
            done: 0,
            looked: 0,
            state: State::Between { skipped: 0 },
            is_quiet: false,
            is_closed: false,
        }
    }

    /// Takes the next bytes of the connection. [`Decoder::next`] is to be asked until it gives nothing.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.done);
        self.looked -= self.done;
        self.done = 0;
        self.buffer.extend_from_slice(bytes);
        self.is_quiet = false;
    }

    /// Says that no bytes have come for a while: an end block that is the last byte ends its frame.
    pub fn quiet(&mut self) {
        self.is_quiet = true;
    }

    /// Says that no bytes will come any more.
    pub fn close(&mut self) {
        self.is_quiet = true;
        self.is_closed = true;
    }

    /// Whether the connection may end here without anything being lost.
    pub fn is_between_frames(&self) -> bool {
        matches!(self.state, State::Between { .. })
    }

    /// The next event, in the order of the bytes; `None` if more bytes are needed.
    #[expect(clippy::should_implement_trait, reason = "an event borrows from the decoder")]
    pub fn next(&mut self) -> Option<Event<'_>> {
        let found = self.find()?;
        Some(match found {
            Found::Frame { start, end } => Event::Frame(&self.buffer[start..end]),
            Found::TooLong { start, end, length } => {
                Event::TooLong { head: &self.buffer[start..end], length }
            }
            Found::CutOff { length } => Event::CutOff { length },
            Found::Skipped { length } => Event::Skipped { length },
        })
    }

    fn find(&mut self) -> Option<Found> {
        if let State::Between { .. } = self.state {
            if let Some(skipped) = self.skip_to_start() {
                return Some(skipped);
            }
            if let State::Between { .. } = self.state {
                return None;
            }
        }
        while let Some(at) = memchr2(START, END, &self.buffer[self.looked..]).map(|at| at + self.looked) {
            match self.block(at) {
                Block::Content => self.looked = at + 1,
                Block::Unclear => {
                    self.looked = at;
                    self.drop_what_is_too_long();
                    return None;
                }
                Block::End => return Some(self.end(at)),
                Block::Start => return Some(self.start_again(at)),
            }
        }
        self.looked = self.buffer.len();
        self.drop_what_is_too_long();
        self.is_closed.then(|| self.cut_off())
    }

    /// Goes on to behind the next start block; tells of what stood before it.
    fn skip_to_start(&mut self) -> Option<Found> {
        let State::Between { skipped } = &mut self.state else { return None };
        let rest = &self.buffer[self.looked..];
        let start = memchr(START, rest);
        let before = &rest[..start.unwrap_or(rest.len())];
        *skipped += before.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).count() as u64;
        let length = *skipped;
        match start {
            Some(at) => {
                self.looked += at + 1;
                self.state = State::Inside;
            }
            None => {
                self.looked = self.buffer.len();
                if self.is_closed {
                    *skipped = 0;
                }
            }
        }
        self.done = self.looked;
        let is_told = start.is_some() || self.is_closed;
        (length > 0 && is_told).then_some(Found::Skipped { length })
    }

    fn block(&self, at: usize) -> Block {
        let behind = &self.buffer[at + 1..];
        if self.buffer[at] == END {
            return match behind.first() {
                Some(b'\r' | b'\n' | &START) => Block::End,
                None if self.is_quiet => Block::End,
                None => Block::Unclear,
                Some(_) => Block::Content,
            };
        }
        let may_follow = |header: &&&[u8]| header.starts_with(&behind[..behind.len().min(header.len())]);
        match HEADERS.iter().find(may_follow) {
            Some(header) if behind.len() >= header.len() => Block::Start,
            Some(_) if !self.is_quiet => Block::Unclear,
            _ => Block::Content,
        }
    }

    /// The frame ends at `at`.
    fn end(&mut self, at: usize) -> Found {
        let found = match self.state {
            State::TooLong { head, .. } => {
                Found::TooLong { start: self.done, end: self.done + head, length: self.length_up_to(at) }
            }
            _ if at - self.done > self.limit => Found::TooLong {
                start: self.done,
                end: self.done + HEAD.min(at - self.done),
                length: self.length_up_to(at),
            },
            _ => Found::Frame { start: self.done, end: at },
        };
        self.state = State::Between { skipped: 0 };
        // The event still borrows its bytes: they go when more are fed.
        self.done = at + 1;
        self.looked = at + 1;
        found
    }

    /// Another frame begins at `at`.
    fn start_again(&mut self, at: usize) -> Found {
        let length = self.length_up_to(at);
        self.state = State::Inside;
        self.done = at + 1;
        self.looked = at + 1;
        Found::CutOff { length }
    }

    fn cut_off(&mut self) -> Found {
        let length = self.length_up_to(self.buffer.len());
        self.state = State::Between { skipped: 0 };
        self.done = self.buffer.len();
        Found::CutOff { length }
    }

    fn length_up_to(&self, at: usize) -> u64 {
        let dropped = match self.state {
            State::TooLong { dropped, .. } => dropped,
            _ => 0,
        };
        (at - self.done) as u64 + dropped
    }

    /// Of a frame over the limit, what has been looked at goes but for its beginning: memory stays bounded.
    fn drop_what_is_too_long(&mut self) {
        let (head, dropped) = match self.state {
            State::Inside if self.looked - self.done > self.limit => (HEAD.min(self.looked - self.done), 0),
            State::TooLong { head, dropped } => (head, dropped),
            _ => return,
        };
        let gone = self.done + head..self.looked;
        self.state = State::TooLong { head, dropped: dropped + gone.len() as u64 };
        self.looked = gone.start;
        self.buffer.drain(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a stream that is fed in pieces of a length.
    fn events(stream: &[u8], piece: usize, limit: usize) -> Vec<String> {
        let mut decoder = Decoder::new(limit);
        let mut events = Vec::new();
        let mut take = |decoder: &mut Decoder| {
            while let Some(event) = decoder.next() {
                events.push(match event {
                    Event::Frame(bytes) => format!("frame {}", bytes.escape_ascii()),
                    Event::TooLong { head, length } => format!("too long {length}, head {}", head.len()),
                    Event::CutOff { length } => format!("cut off {length}"),
                    Event::Skipped { length } => format!("skipped {length}"),
                });
            }
        };
        for bytes in stream.chunks(piece) {
            decoder.feed(bytes);
            take(&mut decoder);
        }
        decoder.close();
        take(&mut decoder);
        assert!(decoder.is_between_frames());
        events
    }

    #[track_caller]
    fn check(stream: &[u8], expected: &[&str]) {
        for piece in 1..=stream.len() {
            assert_eq!(events(stream, piece, 64), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn frames_are_found_however_the_stream_is_cut() {
        check(b"\x0bMSH|1\r\x1c\r\x0bMSH|2\r\x1c\r", &["frame MSH|1\\r", "frame MSH|2\\r"]);
        check(b"\x0b\x1c\r", &["frame "]);
        check(b"", &[]);
    }

    #[test]
    fn liberties_of_senders_are_allowed() {
        check(b"\x0bMSH|1\x1c\x0bMSH|2\x1c", &["frame MSH|1", "frame MSH|2"]);
        check(b"\x0bMSH|1\x1c\r\n\x0bMSH|2\x1c\n", &["frame MSH|1", "frame MSH|2"]);
        check(b"\x0bMSH|a\x1cb\x0bc\r\x1c\r", &["frame MSH|a\\x1cb\\x0bc\\r"]);
        check(b"\x0bMSH|a\x0bMS\x1c\r", &["frame MSH|a\\x0bMS"]);
    }

    #[test]
    fn what_is_no_frame_is_counted() {
        check(b"hello\r\n\x0bMSH|1\x1c\rbye", &["skipped 5", "frame MSH|1", "skipped 3"]);
        check(b"\x0bMSH|1\r\x0bMSH|2\r\x1c\r", &["cut off 6", "frame MSH|2\\r"]);
        check(b"\x0bMSH|1\r", &["cut off 6"]);
        check(b"\x1c\r\x1c\r", &["skipped 2"]);
    }

    #[test]
    fn a_frame_over_the_limit_leaves_its_beginning_and_no_more() {
        let long = [b"\x0bMSH|", &[b'x'; 9_000][..], b"\x1c\r\x0bMSH|2\x1c\r"].concat();
        for piece in [1, 63, 64, 65, 4_096, 5_000, 8_999, 9_005, 20_000] {
            let events = events(&long, piece, 64);
            let [first, second] = &events[..] else { panic!("{events:?}") };
            assert!(first.starts_with("too long 9004, head "), "{first}");
            assert_eq!(second, "frame MSH|2");
        }
        let mut decoder = Decoder::new(64);
        decoder.feed(b"\x0bMSH|");
        for _ in 0..1_000 {
            decoder.feed(&[b'x'; 1_000]);
            assert_eq!(decoder.next(), None);
            assert!(decoder.buffer.len() < 8_000);
        }
    }

    #[test]
    fn an_end_block_at_the_end_waits_for_what_follows() {
        let mut decoder = Decoder::new(64);
        decoder.feed(b"\x0bMSH|1\x1c");
        assert_eq!(decoder.next(), None);
        decoder.quiet();
        assert_eq!(decoder.next(), Some(Event::Frame(b"MSH|1")));
        decoder.feed(b"\r\x0bMSH|2\x1c");
        assert_eq!(decoder.next(), None);
        decoder.feed(b"b\x1c\r");
        assert_eq!(decoder.next(), Some(Event::Frame(b"MSH|2\x1cb")));
    }
}
