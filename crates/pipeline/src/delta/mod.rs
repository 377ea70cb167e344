//! The Delta side of a lake: tables that are created, grown and appended to by actions of our own.
//!
//! Reading a log and its checkpoints is left to delta-rs; what is written is written here, because the lake
//! has one rule for all of its writers (one version at a time, put-if-absent, re-read on conflict) that
//! delta-rs's optimistic append does not know.

mod actions;
mod brought_in;
mod file_writer;
mod leaves;
mod log;
mod parquet_file;
mod shape;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use actions::now_milliseconds;
pub(crate) use file_writer::{FileWriter, LeafSizes};
pub(crate) use log::{Attempt, Writer};
pub(crate) use parquet_file::{DataFile, encode, receipts_properties};
pub(crate) use table::{ListedFile, Table};
