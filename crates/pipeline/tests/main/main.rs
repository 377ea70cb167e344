//! The journey of messages into a lake, when all is well and when not.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod archives;
mod audit;
mod crashes;
mod faulty;
mod journey;
mod live_clock;
mod live_faults;
mod maintain;
mod power;
mod replay;
mod sweep;
mod verify;
mod writers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pipeline::{Accounting, Input, Settings, ingest};
use storage::{Lake, Location};

/// A message of which every number makes another one; every third brings a column of its own.
fn message(number: usize) -> String {
    let extra = match number % 3 {
        0 => "AL1|1|DA|PEN\r",
        1 => "NK1|1|KIN^ANN\r",
        _ => "",
    };
    format!(
        "MSH|^~\\&|ADT|NORTH|LAB|SOUTH|20240101||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}^^^NORTH^MR||STONE^ANNA\r{extra}"
    )
}

/// Files of the given messages in a folder that lasts as long as the value.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn add(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

async fn lake_in_memory() -> Lake {
    pipeline::init(Location::memory().unwrap()).await.unwrap()
}

async fn take(lake: &Lake, path: &Path) -> Accounting {
    let accounting = ingest(lake, Input::expand(&[path.into()]), &Settings::default(), |_| {}).await.unwrap();
    assert!(accounting.is_complete(), "{accounting}");
    accounting
}

/// The ids of the rows that the staging table has, each once.
async fn staged_ids(lake: &Lake) -> BTreeSet<String> {
    let ids = pipeline::staged_ids(lake).await.unwrap();
    let unique: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(unique.len(), ids.len(), "every message is staged once");
    unique
}
