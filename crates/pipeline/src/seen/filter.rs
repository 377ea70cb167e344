//! A filter that says of an id that it is not there, or that it may be: a blocked Bloom filter.
//!
//! Ids are hashes, so their bits serve as the hash functions: some choose a block of 512 bits, others eight bits
//! within it (Putze, Sanders and Singler, "Cache-, hash- and space-efficient Bloom filters", 2007).

use crate::MessageId;

const WORDS: usize = 8;
const PROBES: u32 = 8;
/// About one in a hundred ids that are not there may be taken to be there.
const BITS_PER_ID: usize = 12;

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

    /// Reads a filter from what [`Filter::bytes`] gave.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let words: Vec<u64> = bytes
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()))
            .collect();
        (!words.is_empty() && words.len().is_multiple_of(WORDS) && words.len() * 8 == bytes.len())
            .then_some(Self { words })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
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
