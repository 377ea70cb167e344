//! The structural index: where in a message the delimiters, line breaks and special bytes stand.
//!
//! One vectorised pass over the bytes finds every place at which anything can end or needs care, so that
//! everything after it jumps from one such place to the next and never looks at a plain byte again.

use crate::Delimiters;

/// Positions of interest in one message, in order, in buffers that are reused from message to message.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Byte offsets of: every delimiter, every CR and LF, and the first byte of every run of special
    /// bytes (escape character, `"`, `\`, control characters, bytes above 0x7F).
    entries: Vec<u32>,
    /// How many of `entries` are in use; the vector is kept longer so that the hot loop never grows it.
    used: usize,
    /// Ordinals into `entries` of the CRs and LFs.
    lines: Vec<u32>,
    /// Whether any byte is above 0x7F.
    any_above_ascii: bool,
}

impl Index {
    pub(crate) fn entries(&self) -> &[u32] {
        &self.entries[..self.used]
    }

    pub(crate) fn lines(&self) -> &[u32] {
        &self.lines
    }

    pub(crate) fn any_above_ascii(&self) -> bool {
        self.any_above_ascii
    }

    /// Keeps only the entries at the positions that `keep` accepts: a byte that looks like a delimiter may
    /// be half of a character.
    pub(crate) fn retain(&mut self, bytes: &[u8], mut keep: impl FnMut(usize) -> bool) {
        let mut kept = 0;
        self.lines.clear();
        for ordinal in 0..self.used {
            let position = self.entries[ordinal];
            if keep(position as usize) {
                if matches!(bytes[position as usize], b'\r' | b'\n') {
                    self.lines.push(kept as u32);
                }
                self.entries[kept] = position;
                kept += 1;
            }
        }
        self.used = kept;
    }

    /// Replaces the index by that of `bytes`, which must be shorter than 4 GiB.
    pub(crate) fn build(&mut self, bytes: &[u8], delimiters: &Delimiters) {
        self.used = 0;
        self.lines.clear();
        self.any_above_ascii = false;
        let classes = block::Classes::new(delimiters);
        let mut special_before = 0;
        let mut blocks = bytes.chunks_exact(64);
        let mut base = 0_u32;
        for block in &mut blocks {
            let Some(block) = block.first_chunk::<64>() else { break };
            special_before = self.add(base, classes.classify(block), special_before);
            base += 64;
        }
        let rest = blocks.remainder();
        if !rest.is_empty() {
            // Padding bytes are plain, so they leave no entry behind.
            let mut padded = [b'0'; 64];
            padded[..rest.len()].copy_from_slice(rest);
            self.add(base, classes.classify(&padded), special_before);
        }
    }

    /// Appends the positions of one block; `special_before` is 1 if the byte before it was special.
    #[inline]
    fn add(&mut self, base: u32, found: block::Found, special_before: u64) -> u64 {
        let run_starts = found.special & !((found.special << 1) | special_before);
        let marks = found.delimiters | run_starts;
        self.any_above_ascii |= found.above_ascii;
        if marks != 0 {
            self.append(base, marks, found.lines);
        }
        found.special >> 63
    }

    #[inline]
    fn append(&mut self, base: u32, marks: u64, lines: u64) {
        if self.entries.len() < self.used + 64 {
            let longer = (self.entries.len() * 2).max(self.used + 64).max(1024);
            self.entries.resize(longer, 0);
        }
        let mut line_breaks = lines;
        while line_breaks != 0 {
            let below = (line_breaks & line_breaks.wrapping_neg()) - 1;
            self.lines.push(self.used as u32 + (marks & below).count_ones());
            line_breaks &= line_breaks - 1;
        }
        let count = marks.count_ones() as usize;
        let target = &mut self.entries[self.used..self.used + 64];
        let mut rest = marks;
        let mut at = 0;
        // Four at a time without a test in between: writing a few entries too many is cheaper than a
        // branch per bit, and the 64 slots are there.
        while at < count {
            for slot in &mut target[at..(at + 4).min(64)] {
                *slot = base.wrapping_add(rest.trailing_zeros());
                rest &= rest.wrapping_sub(1);
            }
            at += 4;
        }
        self.used += count;
    }
}

/// Which of 64 bytes matter, one bit a byte.
mod block {
    use wide::i8x16;

    use super::Delimiters;

    /// Bit `n` speaks of byte `n` of the block.
    #[derive(Clone, Copy, Default)]
    pub(super) struct Found {
        /// Delimiters, CR and LF.
        pub(super) delimiters: u64,
        /// CR and LF.
        pub(super) lines: u64,
        /// Bytes that keep a value from being copied as it stands.
        pub(super) special: u64,
        /// Whether any byte of the block is above 0x7F.
        pub(super) above_ascii: bool,
    }

    /// The bytes to look for, each in every lane of a vector.
    pub(super) struct Classes {
        field: i8x16,
        component: i8x16,
        repetition: i8x16,
        subcomponent: i8x16,
        escape: i8x16,
    }

    impl Classes {
        pub(super) fn new(delimiters: &Delimiters) -> Self {
            // An absent delimiter looks for one that is looked for anyway, which changes nothing.
            Self {
                field: every(delimiters.field),
                component: every(delimiters.component),
                repetition: every(delimiters.repetition),
                subcomponent: every(delimiters.subcomponent.unwrap_or(delimiters.field)),
                escape: every(delimiters.escape.unwrap_or(b'\\')),
            }
        }

        #[inline]
        pub(super) fn classify(&self, block: &[u8; 64]) -> Found {
            let mut found = Found::default();
            let (quarters, _) = block.as_chunks::<16>();
            for (quarter, bytes) in quarters.iter().enumerate() {
                let bytes = i8x16::new(bytes.map(u8::cast_signed));
                let is = |wanted: i8x16| bytes.simd_eq(wanted);
                let lines = is(every(b'\r')) | is(every(b'\n'));
                let delimiters =
                    is(self.field) | is(self.component) | is(self.repetition) | is(self.subcomponent);
                // As signed bytes, everything above 0x7F is below zero and so below 0x20 too.
                let special =
                    bytes.simd_lt(every(b' ')) | is(every(b'"')) | is(every(b'\\')) | is(self.escape);
                let bits = |mask: i8x16| u64::from(mask.to_bitmask()) << (16 * quarter);
                found.lines |= bits(lines);
                found.delimiters |= bits(delimiters);
                found.special |= bits(special);
                found.above_ascii |= bytes.to_bitmask() != 0;
            }
            found.delimiters |= found.lines;
            found.special &= !found.delimiters;
            found
        }
    }

    fn every(byte: u8) -> i8x16 {
        i8x16::splat(byte.cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8], delimiters: &Delimiters) -> (Vec<u32>, Vec<u32>) {
        let is_delimiter = |byte: u8| {
            [delimiters.field, delimiters.component, delimiters.repetition, b'\r', b'\n'].contains(&byte)
                || delimiters.subcomponent == Some(byte)
        };
        let is_special = |byte: u8| {
            !is_delimiter(byte)
                && (!(b' '..0x80).contains(&byte)
                    || byte == b'"'
                    || byte == b'\\'
                    || delimiters.escape == Some(byte))
        };
        let (mut entries, mut lines) = (Vec::new(), Vec::new());
        for (at, &byte) in bytes.iter().enumerate() {
            if is_delimiter(byte) || (is_special(byte) && !(at > 0 && is_special(bytes[at - 1]))) {
                if byte == b'\r' || byte == b'\n' {
                    lines.push(entries.len() as u32);
                }
                entries.push(at as u32);
            }
        }
        (entries, lines)
    }

    proptest::proptest! {
        #[test]
        fn the_vectorised_scan_equals_the_plain_one(
            text in proptest::collection::vec(
                proptest::prop_oneof![
                    proptest::prelude::Just(b'|'), proptest::prelude::Just(b'^'), proptest::prelude::Just(b'\r'),
                    proptest::prelude::Just(b'\\'), proptest::prelude::any::<u8>()
                ],
                0..400,
            ),
            odd in proptest::prelude::any::<bool>(),
        ) {
            let delimiters = if odd {
                Delimiters { field: b'#', escape: Some(b'!'), subcomponent: None, ..Delimiters::STANDARD }
            } else {
                Delimiters::STANDARD
            };
            let mut index = Index::default();
            index.build(b"|||\r\r\r left over from before", &delimiters);
            index.build(&text, &delimiters);
            let (entries, lines) = plain(&text, &delimiters);
            proptest::prop_assert_eq!(index.entries(), &entries[..]);
            proptest::prop_assert_eq!(index.lines(), &lines[..]);
        }
    }
}
