//! Zones of a lake on object stores: every key, and the few operations that everything above is built on.
//!
//! Objects are only ever created, never replaced: the same rule holds in memory, on a local disk and on S3,
//! and two writers can never undo each other's work.
#![warn(missing_docs)]

mod clock;
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
mod state;
mod upload;
pub mod wal;

pub use clock::Clock;
pub use delta_log::{LINES, REWRITTEN, check_commit_text, check_log};
pub use disk::{Disk, ThisMachine};
pub use durable_local::DurableLocal;
pub use error::{Error, Result};
pub use keys::*;
pub use lake::{FORMAT_VERSION, Lake, Object, Put};
pub use location::Location;
pub use lock::{Hold, Lock, Locks};
pub use state::{Level, ObjectState};
pub use upload::{Upload, Uploaded};
