//! Receive, land, convert, commit: how a message gets into the lake.
//!
//! Each verb is a function of that name in the module of that name; [`ingest`] puts them in a row. Nothing
//! here knows of SQL: this crate writes Parquet and Delta commits itself.
#![warn(missing_docs)]

mod accounting;
mod answers;
pub mod audit;
mod commit;
mod content;
mod convert;
mod delta;
mod documents;
mod drops;
mod error;
mod failure;
mod feed;
mod identity;
mod ingest;
mod init;
mod land;
mod live;
mod maintain;
mod parquet_reader;
mod prepare;
mod priority;
mod receipts;
mod receive;
mod recover;
mod replay;
mod resolve;
mod retry;
mod run;
mod seen;
mod show;
mod split;
mod stage;
mod sweep;
mod taken;
pub mod time;
mod verify;
mod workers;
mod zones;

pub use accounting::Accounting;
pub use answers::{forget_answers, keep_answer, kept_answer};
pub use convert::Rules;
pub use drops::{Drops, DropsLevel, Removed, is_drop};
pub use error::{Error, Result};
pub use failure::{Breach, Code, Reason};
pub use feed::{FeedRules, FeedsByName, Filter, FilterError};
pub use identity::{MessageId, sha256};
pub use ingest::{Event, Progress, Settings, check_feed, ingest, is_feed_name};
pub use init::init;
pub use land::{Landed, land};
pub use live::{
    Answer, Delivery, Fate, Kept, KeptMessage, Live, LiveCommit, LiveEvent, LiveSettings, Refused, Underway,
    Wish,
};
pub use maintain::{
    Compacted, Expired, Maintained, Maintenance, MaintenanceStep, maintain, maintain_and_tell,
};
pub use priority::Priority;
pub use receipts::Receipt;
pub use receive::{Input, Received};
pub use replay::{ReplayProgress, Replayed, Scope, replay};
pub use retry::{Retried, retry};
pub use show::{ErrorEntry, FATE, RowCommit, error_report, errors, message_bytes, row_commit, staged_ids};
pub use storage::wal::LogSettings;
pub use storage::{
    Disk, Hold, Lake, Location, Put, ThisMachine, marker_key, raw_prefix, token_key, token_revoked_key,
    tokens_prefix,
};
pub use sweep::{Swept, sweep};
pub use tables::Places;
pub use taken::{FileState, Taken, TakenFile};
pub use verify::{Kind, Problem, Problems, Summary, Verified, verify};
pub use zones::{Zone, ZoneObject, ZonePage, zone_page};
