//! Zones of a lake on object stores: every key, and the few operations that everything above is built on.
//!
//! Objects are only ever created, never replaced: the same rule holds in memory, on a local disk and on S3,
//! and two writers can never undo each other's work.
#![warn(missing_docs)]

pub mod conformance;
mod delta_log;
mod disk;
mod durable_local;
mod error;
mod folders;
mod keys;
mod lake;
mod location;
mod lock;
pub mod raw;
mod upload;

pub use delta_log::{LINES, REWRITTEN, check_commit_text, check_log};
pub use disk::{Disk, ThisMachine};
pub use durable_local::DurableLocal;
pub use error::{Error, Result};
pub use keys::{
    error_bytes_key, error_lenient_key, error_lenient_prefix, error_report_key, error_table,
    json_document_key, json_list_key, marker_key, plain, raw_key, raw_prefix, receipts_key, receipts_prefix,
    seen_manifest_key, seen_prefix, seen_run_key, settled_key, settled_prefix, staging_table,
};
pub use lake::{FORMAT_VERSION, Lake, Object, Put};
pub use location::Location;
pub use lock::{Lock, Locks};
pub use upload::{Upload, Uploaded};
