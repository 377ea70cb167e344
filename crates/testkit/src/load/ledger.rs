//! What was acknowledged, written down the moment it is known: a message that stands here must be in the lake.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::latency::Latencies;

/// A file with one line for each acknowledged message, shared by all connections:
/// control ID, number in the feed, code, latency in microseconds, when in microseconds since 1970, separated by tabs.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: Option<Mutex<File>>,
}

impl Ledger {
    pub(crate) fn create(path: Option<&Path>) -> io::Result<Self> {
        Ok(Self { file: path.map(File::create).transpose()?.map(Mutex::new) })
    }

    /// Nothing is held back: should the sender be killed, every line that is missing is of an answer not read yet.
    fn write(&self, lines: &str) -> io::Result<()> {
        match &self.file {
            Some(file) if !lines.is_empty() => {
                file.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write_all(lines.as_bytes())
            }
            _ => Ok(()),
        }
    }
}

/// What one connection has done, and the lines it has not yet written.
#[derive(Debug)]
pub(crate) struct Tally<'l> {
    ledger: &'l Ledger,
    lines: String,
    pub(crate) counts: Counts,
}

/// What was done.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Messages acknowledged with AA or CA, or by status 200.
    pub acked: u64,
    /// Their bytes, without frames.
    pub bytes: u64,
    /// Messages sent once more, for want of an answer or because the answer asked for it.
    pub resent: u64,
    /// Answers that ask for it: AE, CE, status 429 or 5xx.
    pub sent_back: u64,
    /// Messages given up after AR, CR or another status.
    pub refused: u64,
    /// Answers to no message that waits for one, or that cannot be understood. There should be none.
    pub stray: u64,
    /// Connections that broke, or stayed without an answer.
    pub broken: u64,
    /// From when a message was due to its acknowledgment.
    pub latencies: Latencies,
}

impl Counts {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.acked += other.acked;
        self.bytes += other.bytes;
        self.resent += other.resent;
        self.sent_back += other.sent_back;
        self.refused += other.refused;
        self.stray += other.stray;
        self.broken += other.broken;
        self.latencies.merge(&other.latencies);
    }
}

impl<'l> Tally<'l> {
    pub(crate) fn new(ledger: &'l Ledger) -> Self {
        Self { ledger, lines: String::new(), counts: Counts::default() }
    }

    pub(crate) fn acked(&mut self, message: &super::plan::Message, code: &str) {
        let latency = message.due.elapsed();
        self.counts.acked += 1;
        self.counts.bytes += message.bytes.len() as u64;
        self.counts.latencies.add(latency);
        if self.ledger.file.is_some() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            // Writing to a String cannot fail.
            let _ = writeln!(
                self.lines,
                "{}\t{}\t{code}\t{}\t{}",
                message.control_id,
                message.number,
                latency.as_micros(),
                now.as_micros()
            );
        }
    }

    /// Writes the lines of what was read in one go.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.ledger.write(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}
