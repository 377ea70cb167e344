//! The cheapest sink that still touches every value: what a walk costs by itself.

use hl7::{Address, Message, Sink, Slot, Value, WarningCode};

/// Counts values and adds up their lengths.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) values: usize,
    bytes: usize,
}

impl Tally {
    pub(crate) fn read(&mut self, message: &Message<'_>) {
        for segment_index in 1..=message.segments().len() {
            message.walk(segment_index, self);
        }
        divan::black_box(self.bytes);
    }
}

impl Sink for Tally {
    fn value(&mut self, address: &Address, value: Value<'_>) {
        self.values += usize::from(address.field_slot.is_some());
        self.bytes += value.raw.len();
    }

    fn unmapped(&mut self, address: &Address, value: Value<'_>) {
        self.value(address, value);
    }

    fn trailing_repetitions(&mut self, _field: &'static Slot, count: u32) {
        self.bytes += count as usize;
    }

    fn warn(&mut self, _code: WarningCode, _address: &Address, offset: usize) {
        self.bytes += offset;
    }
}
