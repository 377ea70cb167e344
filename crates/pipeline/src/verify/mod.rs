//! Verify: proves that nothing is lost, nothing is doubled and nothing has changed.
//!
//! Three walks, each once over its zone: every row of staging against its raw bytes ([`staging`]), every receipt
//! against the rows and errors ([`receipts`]), every byte of raw against the receipts ([`raw`]). What is kept in
//! memory is 32 bytes a row in the first two, 32 bytes a receipt in the last. A fourth goes through the chains of the
//! audit zone ([`audit`]), in memory that grows with the number of chains.
//!
//! What is committed while it goes on is not looked at; what is on its way is told, and is no problem.

mod audit;
mod compare;
mod documents;
mod errors;
mod left_behind;
mod plain;
mod plain_text;
mod problem;
mod raw;
mod receipts;
mod remade;
mod row;
mod staging;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use storage::{Lake, error_table, raw_prefix, settled_key, settled_prefix, staging_table};

pub use problem::{Kind, Problem, Problems};

use crate::delta::Table;
use crate::{Accounting, Result, run};

/// What was looked at, and what became of every message received.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Summary {
    /// The fate of every receipt.
    #[serde(flatten)]
    pub accounting: Accounting,
    /// Receipts whose messages are on their way, or were when their run died.
    pub pending: u64,
    /// Raw objects read and hashed.
    pub raw_objects: u64,
    /// Bytes of them.
    pub raw_bytes: u64,
    /// Raw objects that a run is about to take up.
    pub raw_objects_on_their_way: u64,
    /// Files that lie in the raw zone and wait to be taken up.
    pub drops_waiting: u64,
    /// Rows of staging compared with their bytes.
    pub rows: u64,
    /// Values that are the same in the row, at the same address.
    pub values: u64,
    /// Values that are the same at another component, where older versions of the standard had them.
    pub values_moved: u64,
    /// Values whose character set or escape sequences the second reader does not know: their number is right.
    pub values_unread: u64,
    /// Rows in character sets in which the second reader cannot tell the delimiters.
    pub rows_unread: u64,
    /// JSON documents read.
    pub documents: u64,
    /// Messages in the error zone.
    pub errors: u64,
    /// Objects that no commit names: harmless.
    pub left_behind: u64,
    /// Events of the audit zone, each held against its hash and its chain.
    pub audit_events: u64,
}

/// The outcome.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// What was looked at.
    pub summary: Summary,
    /// What is wrong.
    pub problems: Problems,
}

/// Checks all of a lake. Fails only when the lake cannot be looked at; what is wrong with it is in the result.
pub async fn verify(lake: &Lake) -> Result<Verified> {
    let check = Arc::new(Check::begin(lake).await?);
    let staging = check.listed(staging_table()).await;
    let errors = check.listed(error_table()).await;
    // Behind the tables: the receipts of all that is in them are among these.
    let batches = run::batches(lake).await?;
    if let (Some(staging), Some(errors)) = (staging, errors) {
        let rows = staging::check(&check, &staging).await?;
        let failed = errors::check(&check, &errors, &rows).await?;
        receipts::check(&check, &batches, rows, &failed).await?;
        left_behind::count(&check, &staging, &errors).await?;
    }
    raw::check(&check, &batches).await?;
    audit::check(&check).await?;
    let verified = check.found().clone();
    Ok(verified)
}

/// A lake that is being looked at.
struct Check {
    lake: Lake,
    /// The raw objects that were there, as numbers.
    raw: HashSet<u64>,
    /// The runs that were going on.
    living: Vec<String>,
    settled: HashSet<String>,
    found: Mutex<Verified>,
}

impl Check {
    async fn begin(lake: &Lake) -> Result<Self> {
        // In this order: whoever has landed what is listed is living or has ended, and then its receipts are there; and what
        // is settled before the tables are looked at is in them.
        let raw =
            lake.list(&raw_prefix()).await?.iter().map(|object| number_of(object.key.as_ref())).collect();
        let living = lake.seize_abandoned()?.living;
        let settled = lake.list(&settled_prefix()).await?;
        let settled = settled.iter().filter_map(|mark| mark.key.filename().map(str::to_owned)).collect();
        Ok(Self { lake: lake.clone(), raw, living, settled, found: Mutex::default() })
    }

    /// The files of a table; a log that cannot be read is a problem.
    async fn listed(&self, folder: object_store::path::Path) -> Option<Vec<crate::delta::ListedFile>> {
        let listed = async { Table::at(&self.lake, folder.clone())?.listed().await };
        match listed.await {
            Ok((_, files)) => Some(files),
            Err(error) => {
                self.problem(Kind::LogDamaged, format!("the log of {folder} cannot be read: {error}"));
                None
            }
        }
    }

    /// Whether a batch was not settled because its run was still at it.
    async fn is_on_its_way(&self, batch: &str) -> Result<bool> {
        let lives = run::run_of(batch).is_some_and(|run| self.living.iter().any(|living| living == run));
        let is_young = self.lake.folder().is_none()
            && run::time_of(batch).is_some_and(|time| time > self.lake.now() - run::PATIENCE_MICROSECONDS);
        Ok(lives || is_young || self.lake.exists(&settled_key(batch)).await?)
    }

    fn problem(&self, kind: Kind, text: impl Into<String>) {
        self.found().problems.add(kind, text);
    }

    fn found(&self) -> MutexGuard<'_, Verified> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that stands for text: equal texts have equal ones.
fn number_of(parts: impl std::hash::Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// The key that a text in a table stands for.
fn key_of(text: &str) -> object_store::path::Path {
    object_store::path::Path::parse(text).unwrap_or_else(|_| object_store::path::Path::from(text))
}
