//! Cuts a long body between its messages, so that it is handed on in pieces and is never in memory as a whole.

use bytes::{Bytes, BytesMut};
use hl7::stream::Splitter;

use super::problem::{Kind, Problem};

/// Room for a message over the limit that has not been told from one below it, and for blanks behind it.
const SLACK: usize = 1 << 20;

/// Takes bytes as they come and gives pieces that hold whole messages. The pieces in their order are the bytes.
pub(super) struct Pieces {
    splitter: Splitter,
    buffer: BytesMut,
    /// Bytes at the start of the buffer that the splitter is done with.
    seen: usize,
    /// Bytes at the start of the buffer that are whole messages, and framing and junk between them.
    whole: usize,
    /// How long a piece should be.
    length: usize,
    /// How long it may become.
    most: usize,
}

impl Pieces {
    /// Pieces of about `length` bytes, with messages of up to `message_bytes`.
    pub(super) fn new(length: usize, message_bytes: usize) -> Self {
        Self {
            splitter: Splitter::new(message_bytes),
            buffer: BytesMut::new(),
            seen: 0,
            whole: 0,
            length,
            most: message_bytes.saturating_add(length).saturating_add(SLACK),
        }
    }

    /// Adds bytes; a piece, if there is enough for one.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<Option<Bytes>, Problem> {
        self.buffer.extend_from_slice(bytes);
        // Most bodies are shorter: they need not be looked at here.
        if self.buffer.len() < self.length {
            return Ok(None);
        }
        loop {
            let step = self.splitter.advance(&self.buffer[self.seen..], false);
            self.seen += step.consumed;
            if step.piece.is_none() {
                break;
            }
            self.whole = self.seen;
        }
        if self.whole >= self.length || (self.whole > 0 && self.buffer.len() > self.most) {
            let piece = self.buffer.split_to(self.whole).freeze();
            self.seen -= self.whole;
            self.whole = 0;
            return Ok(Some(piece));
        }
        if self.buffer.len() > self.most {
            return Err(Problem::new(
                Kind::TooLarge,
                "the body holds a message that is longer than the limit",
                "raise the limit, or look for a missing line end before the next MSH",
            ));
        }
        Ok(None)
    }

    /// The last piece, when no more bytes come; begins anew.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        let rest = std::mem::take(&mut self.buffer).freeze();
        *self = Self::new(self.length, self.most - self.length - SLACK);
        (!rest.is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &[u8], chunk: usize, length: usize) -> Vec<Bytes> {
        let mut pieces = Pieces::new(length, 1 << 20);
        let mut all = Vec::new();
        for chunk in body.chunks(chunk) {
            all.extend(pieces.add(chunk).unwrap());
        }
        all.extend(pieces.finish());
        all
    }

    #[test]
    fn a_body_is_cut_between_messages_however_it_arrives() {
        let message =
            |number: usize| format!("MSH|^~\\&|A|||||||{number}\rPID|{}\r\n", "x".repeat(number % 97));
        let body: String = (0..2_000).map(message).collect();
        for chunk in [7, 1_000, body.len()] {
            let pieces = cut(body.as_bytes(), chunk, 10_000);
            assert_eq!(pieces.concat(), body.as_bytes());
            // What comes at once is not cut further than it must be.
            assert!(pieces.len() > 5 || chunk == body.len(), "{} pieces by {chunk}", pieces.len());
            for piece in &pieces {
                let piece = piece.strip_prefix(b"\r\n").unwrap_or(piece);
                assert!(piece.starts_with(b"MSH|"), "a piece by {chunk} begins inside a message");
            }
        }
    }

    #[test]
    fn a_short_body_is_one_piece_and_an_empty_one_is_none() {
        assert_eq!(cut(b"MSH|^~\\&|A\r", 3, 10_000).len(), 1);
        assert_eq!(cut(b"", 3, 10_000).len(), 0);
    }

    #[test]
    fn a_message_without_end_is_refused_before_it_fills_the_memory() {
        let mut pieces = Pieces::new(10_000, 1 << 20);
        pieces.add(b"MSH|^~\\&|A\rOBX|").unwrap();
        let line = [b'x'; 64 << 10];
        let added = (0..64).find(|_| pieces.add(&line).is_err());
        assert!(added.is_some_and(|added| added < 40));
    }
}
