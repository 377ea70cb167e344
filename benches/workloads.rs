//! The feeds the benchmarks read: generated once, the same bytes on every machine.

use std::sync::LazyLock;

use testkit::feed::{self, Mix};

/// A feed in memory.
#[derive(Debug)]
pub struct Workload {
    /// Its messages, one after another.
    pub bytes: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

impl Workload {
    fn new(mix: Mix, count: usize) -> Self {
        let mut workload = Self { bytes: Vec::new(), ends: Vec::with_capacity(count) };
        for message in feed::messages(mix, 1).take(count) {
            workload.bytes.extend_from_slice(&message);
            workload.ends.push(workload.bytes.len());
        }
        workload
    }

    /// How many messages it holds.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The messages one by one.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let message = &self.bytes[start..*end];
            start = *end;
            message
        })
    }

    /// The messages as text, for parsers that take nothing else; all of these feeds are ASCII.
    pub fn texts(&self) -> Vec<&str> {
        self.messages().filter_map(|message| std::str::from_utf8(message).ok()).collect()
    }
}

/// 10,000 messages of a hospital's weekday, 16 MB.
pub static WEEKDAY: LazyLock<Workload> = LazyLock::new(|| Workload::new(Mix::Weekday, 10_000));

/// 1,000 messages with laboratory results, 3.3 MB.
pub static ORU_ONLY: LazyLock<Workload> = LazyLock::new(|| Workload::new(Mix::OruOnly, 1_000));

/// 10 messages with a document of 1 to 4 MB each.
pub static DOCUMENTS: LazyLock<Workload> = LazyLock::new(|| Workload::new(Mix::Documents, 10));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_make_up_the_feed() {
        assert_eq!(ORU_ONLY.count(), 1_000);
        assert_eq!(ORU_ONLY.messages().map(<[u8]>::len).sum::<usize>(), ORU_ONLY.bytes.len());
        assert!(ORU_ONLY.messages().all(|message| message.starts_with(b"MSH|")));
        assert_eq!(ORU_ONLY.texts().len(), ORU_ONLY.count());
    }
}
