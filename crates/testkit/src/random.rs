//! A small seeded random source (SplitMix64), so that a feed is reproducible on every machine and for ever.
//! Not for secrets.

/// A stream of random numbers that depends on its seed alone.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Two sources with the same seed give the same numbers.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The source for one item of a numbered series: items can be made in any order.
    pub fn for_item(seed: u64, item: u64) -> Self {
        let mut mixed = Self::new(seed ^ item.wrapping_mul(0xA24B_AED4_963E_E407));
        let state = mixed.number();
        Self { state }
    }

    /// Any 64 bits.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `limit` − 1; 0 when `limit` is 0. The bias of the modulo does not matter here.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in `percent` of the cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the items, each as likely as the others. The list must not be empty.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.number() as usize % items.len()]
    }

    /// One of the items, each as likely as its weight says; the last one if all weights are 0.
    pub fn weighted<T: Copy>(&mut self, items: &[(T, u64)]) -> T {
        let total = items.iter().map(|(_, weight)| weight).sum();
        let mut left = self.below(total);
        for (item, weight) in items {
            if left < *weight {
                return *item;
            }
            left -= weight;
        }
        items[items.len() - 1].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let mut source = Random::new(7);
        let numbers = [source.number(), source.number(), source.number()];
        assert_eq!(numbers, [7191089600892374487, 309689372594955804, 16616101746815609346]);
    }

    #[test]
    fn weights_are_kept() {
        let mut source = Random::new(1);
        let rare = (0..10_000).filter(|_| source.weighted(&[('a', 90), ('b', 10)]) == 'b').count();
        assert!((900..1_100).contains(&rare), "{rare} of 10,000");
    }
}
