//! HL7 v2 messages as Arrow tables: the shape of the staging zone.
//!
//! One row a message, one column a segment, fields by their canonical names down to subcomponents, so that the
//! same content sent in any version of the standard is found in the same column. What has no column is in
//! `unmapped`; columns and `unmapped` together are the whole message.
#![warn(missing_docs)]

mod column;
mod ledger;
pub mod names;
mod note;
mod place;
mod row;
mod schema;
mod shape;
mod staging;
mod unmapped;
pub mod values;

pub use ledger::{errors_schema, receipts_schema};
pub use note::{Note, NoteItem};
pub use place::{Places, describe as describe_place};
pub use schema::{core_schema, merge_schemas};
pub use staging::{Envelope, StagingBuilder};

/// Counted up whenever the same bytes would give other rows, so that a replay knows what to redo.
pub const CONVERTER_VERSION: i32 = 3;
