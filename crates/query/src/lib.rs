//! SQL over the lake. The only crate that knows DataFusion.
//!
//! [`Engine`] opens a version of a lake; [`Engine::sql`] reads dots as HL7 paths, plans, and answers.
#![warn(missing_docs)]

mod advice;
mod audit;
mod catalog;
mod complete;
mod counts;
mod describe;
mod dialect;
mod engine;
mod error;
mod functions;
mod log;
mod mask;
mod nearest;
mod ops;
mod paths;
mod pluck;
mod ranges;
mod raw_objects;
mod receipts;
mod schemas;
mod segments;
mod shape;
mod table;
mod views;

pub use catalog::{ColumnEntry, TableEntry};
pub use engine::{Answer, Engine, FeedOffsets, Options};
pub use error::{Error, Result};
pub use log::AsOf;
pub use ops::{Feed, Silence, Usual};
