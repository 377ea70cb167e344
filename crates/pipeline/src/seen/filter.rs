//! A filter that says of an id that it is not there, or that it may be: a blocked Bloom filter.
//!
//! Ids are hashes, so their bits serve as the hash functions: some choose a block of 512 bits, others eight bits
//! within it (Putze, Sanders and Singler, "Cache-, hash- and space-efficient Bloom filters", 2007).

use crate::MessageId;

const WORDS: usize = 8;
const PROBES: u32 = 8;
/// About one in a hundred ids that are not there may be taken to be there.
const BITS_PER_ID: usize = 12;
/// Bytes written and read at once.
pub(super) const PIECE: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    /// An empty filter for so many ids.
    pub(super) fn for_ids(count: usize) -> Self {
        let blocks = (count * BITS_PER_ID).div_ceil(WORDS * 64).max(1);
        Self { words: vec![0; blocks * WORDS] }
    }

    /// A filter that is still to be read, of so many bytes in all; `None` if no filter has so many.
    pub(super) fn to_read(length: u64) -> Option<Self> {
        let words = usize::try_from(length / 8).ok()?;
        (length > 0 && length.is_multiple_of(8 * WORDS as u64))
            .then(|| Self { words: Vec::with_capacity(words) })
    }

    /// Reads the next of what [`Filter::pieces`] gave.
    pub(super) fn read(&mut self, piece: &[u8]) {
        let words = piece.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
        self.words.extend(words);
    }

    /// Bytes of all pieces.
    pub(super) fn length(&self) -> u64 {
        self.words.len() as u64 * 8
    }

    /// Its bytes, piece by piece: those of a large filter are not in memory twice.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Vec<u8>> {
        self.words.chunks(PIECE / 8).map(|words| words.iter().flat_map(|word| word.to_le_bytes()).collect())
    }

    pub(super) fn add(&mut self, id: MessageId) {
        let (start, mut bits) = self.place(id);
        for _ in 0..PROBES {
            self.words[start + ((bits >> 6) & 7) as usize] |= 1 << (bits & 63);
            bits >>= 9;
        }
    }

    pub(super) fn may_hold(&self, id: MessageId) -> bool {
        let (start, mut bits) = self.place(id);
        (0..PROBES).all(|_| {
            let word = self.words[start + ((bits >> 6) & 7) as usize];
            let is_set = (word >> (bits & 63)) & 1 == 1;
            bits >>= 9;
            is_set
        })
    }

    /// The first word of the id's block, and 72 bits of it to probe with.
    fn place(&self, id: MessageId) -> (usize, u128) {
        let number = id.number();
        let blocks = (self.words.len() / WORDS) as u64;
        // The lowest bits choose the block: runs are sorted by the highest.
        let block = ((u128::from(number as u64) * u128::from(blocks)) >> 64) as usize;
        (block * WORDS, number >> 32)
    }
}
