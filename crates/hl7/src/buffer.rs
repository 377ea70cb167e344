//! Bytes being written, with short pieces copied by a few fixed-size moves instead of a call.
//!
//! Documents and columns are made of thousands of pieces of five or ten bytes; copying each by a general
//! routine costs more than everything else together.

/// Most names and values are no longer than this.
const WINDOW: usize = 32;

/// What is asked for at once where a window is copied.
const ROOM: usize = 40;

/// A growing run of bytes whose room is zeroed ahead, so that writing needs no initialisation.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    /// `used <= bytes.len()`
    used: usize,
}

impl Buffer {
    /// Forgets what was written and keeps the room.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// How many bytes have been written.
    #[inline]
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// What was written, without the room.
    pub fn into_vec(mut self) -> Vec<u8> {
        self.bytes.truncate(self.used);
        self.bytes
    }

    /// What has been written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// Takes back the last bytes written.
    pub fn truncate_by(&mut self, count: usize) {
        self.used = self.used.saturating_sub(count);
    }

    /// Writes one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        if self.used == self.bytes.len() {
            self.grow(1);
        }
        self.bytes[self.used] = byte;
        self.used += 1;
    }

    /// Writes a piece.
    #[inline]
    pub fn put(&mut self, piece: &[u8]) {
        let length = piece.len();
        if self.bytes.len() - self.used < length {
            self.grow(length);
        }
        copy(piece, &mut self.bytes[self.used..self.used + length]);
        self.used += length;
    }

    /// Writes the first `length` bytes of `from` between two pieces of fixed length. What stands behind them
    /// in `from` is not written, but being there lets short pieces be copied without looking at their length.
    #[inline]
    pub fn put_between<const B: usize, const A: usize>(
        &mut self,
        before: [u8; B],
        from: &[u8],
        length: usize,
        after: [u8; A],
    ) {
        const { assert!(B + WINDOW + A <= ROOM) };
        if length <= WINDOW
            && let Some(window) = from.first_chunk::<WINDOW>()
            && let Some(room) = self.bytes.get_mut(self.used..).and_then(<[u8]>::first_chunk_mut::<ROOM>)
        {
            room[..B].copy_from_slice(&before);
            room[B..B + WINDOW].copy_from_slice(window);
            // Byte by byte: the compiler sees that these lie within the room, and needs no test.
            for (at, byte) in after.into_iter().enumerate() {
                room[B + length + at] = byte;
            }
            self.used += B + length + A;
            return;
        }
        self.put_long_between(&before, &from[..length], &after);
    }

    #[inline(never)]
    fn put_long_between(&mut self, before: &[u8], piece: &[u8], after: &[u8]) {
        self.put(before);
        self.put(piece);
        self.put(after);
        if self.bytes.len() - self.used < ROOM {
            self.grow(ROOM);
        }
    }

    #[cold]
    fn grow(&mut self, wanted: usize) {
        let length = (self.bytes.len() * 2).max(self.used + wanted).max(256);
        self.bytes.resize(length, 0);
    }
}

/// Copies between slices of one length. Pieces of up to 32 bytes are covered by two moves that may overlap.
#[inline]
fn copy(from: &[u8], to: &mut [u8]) {
    let length = from.len();
    if to.len() != length {
        return;
    }
    match length {
        0 => {}
        1..4 => {
            to[0] = from[0];
            to[length / 2] = from[length / 2];
            to[length - 1] = from[length - 1];
        }
        4..8 => both_ends::<4>(from, to),
        8..16 => both_ends::<8>(from, to),
        16..=32 => both_ends::<16>(from, to),
        _ => to.copy_from_slice(from),
    }
}

#[inline]
fn both_ends<const N: usize>(from: &[u8], to: &mut [u8]) {
    if let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) {
        if let Some(start) = to.first_chunk_mut::<N>() {
            *start = *first;
        }
        if let Some(end) = to.last_chunk_mut::<N>() {
            *end = *last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_length_come_out_as_they_went_in() {
        let source: Vec<u8> = (0..=255).collect();
        let mut buffer = Buffer::default();
        let mut expected = Vec::new();
        for length in 0..=255 {
            buffer.put(&source[..length]);
            expected.extend_from_slice(&source[..length]);
            buffer.put_between([b'<'], &source, length, [b'>', b'!']);
            expected.push(b'<');
            expected.extend_from_slice(&source[..length]);
            expected.extend_from_slice(b">!");
        }
        assert_eq!(buffer.as_bytes(), expected);
    }
}
