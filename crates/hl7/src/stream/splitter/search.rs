//! Finds the bytes inside a run at which something may end: line ends and MLLP blocks.
//!
//! This is where nearly all the time goes, so it is nothing but two vectorised searches.

use memchr::memchr2;

use super::Splitter;
use crate::stream::Encoding;
use crate::stream::encoding::{FS, VT};

/// Where the text that was searched ends a line, or stops.
pub(super) enum Found {
    /// A line end or start block; the cursor is behind it.
    LineEnd {
        at: usize,
    },
    EndBlock {
        at: usize,
    },
    /// Nothing up to the end of the window, which is where the cursor now is.
    Nothing,
    /// Half a character is missing.
    Unclear,
}

impl Splitter {
    /// Searches for a line end or MLLP block between the cursor and the window's end.
    pub(super) fn search(&mut self, buffer: &[u8], window: usize, at_end: bool) -> Found {
        loop {
            if self.cursor >= window {
                return Found::Nothing;
            }
            let line_end = memchr2(b'\r', b'\n', &buffer[self.cursor..window]).map(|at| self.cursor + at);
            let block = self.search_blocks(buffer, line_end.unwrap_or(window), window);
            let Some(at) = block.or(line_end) else {
                self.cursor = window;
                return Found::Nothing;
            };
            self.cursor = at;
            if block.is_some() {
                self.block_found = false;
                if self.is_end_block(buffer, at) {
                    return Found::EndBlock { at };
                }
            }
            match self.unit_around(buffer, at) {
                Some((start, end)) => {
                    self.cursor = end;
                    return Found::LineEnd { at: start };
                }
                // Found again once the other half is there.
                None if self.encoding != Encoding::Bytes && at + 1 == buffer.len() && !at_end => {
                    return Found::Unclear;
                }
                None => self.cursor = at + 1,
            }
        }
    }

    /// The first MLLP block between the cursor and `end`. Looks ahead as far as `window`, so that the short
    /// lines of a message need not each be searched.
    fn search_blocks(&mut self, buffer: &[u8], end: usize, window: usize) -> Option<usize> {
        const AHEAD: usize = 16 << 10;
        if self.blocks_searched < self.cursor {
            self.blocks_searched = self.cursor;
            self.block_found = false;
        }
        while !self.block_found && self.blocks_searched < end {
            let until = window.min(end.max(self.blocks_searched + AHEAD));
            match memchr2(VT, FS, &buffer[self.blocks_searched..until]) {
                Some(at) => {
                    self.blocks_searched += at;
                    self.block_found = true;
                }
                None => self.blocks_searched = until,
            }
        }
        (self.block_found && self.blocks_searched < end).then_some(self.blocks_searched)
    }

    /// The code unit that the control byte at `at` makes, as a range, or `None` if it is half of another.
    fn unit_around(&self, buffer: &[u8], at: usize) -> Option<(usize, usize)> {
        let is_first_half = (self.offset + at as u64 - self.piece_start).is_multiple_of(2);
        match self.encoding {
            Encoding::Bytes => Some((at, at + 1)),
            Encoding::Utf16Le if is_first_half && buffer.get(at + 1) == Some(&0) => Some((at, at + 2)),
            Encoding::Utf16Be if !is_first_half && at > 0 && buffer[at - 1] == 0 => Some((at - 1, at + 1)),
            _ => None,
        }
    }

    /// Whether an MLLP end block stands here. Around text of two-byte characters it has bytes of one.
    pub(super) fn is_end_block(&self, buffer: &[u8], at: usize) -> bool {
        if self.encoding == Encoding::Bytes {
            return buffer.get(at) == Some(&FS);
        }
        let aligned = (self.offset + at as u64 - self.piece_start).is_multiple_of(2);
        aligned
            && (self.encoding.unit(buffer, at) == Some(u16::from(FS))
                || self.framed && buffer.get(at..at + 2) == Some(&[FS, b'\r']))
    }
}
