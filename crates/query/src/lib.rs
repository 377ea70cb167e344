//! SQL over the lake. The only crate that knows DataFusion.
//!
//! [`Engine`] opens a version of a lake; [`Engine::sql`] reads dots as HL7 paths, plans, and answers.
#![warn(missing_docs)]

mod catalog;
mod complete;
mod dialect;
mod engine;
mod error;
mod functions;
mod log;
mod mask;
mod paths;
mod pluck;
mod raw_objects;
mod segments;
mod shape;
mod table;

pub use catalog::{ColumnEntry, TableEntry};
pub use engine::{Answer, Engine, Options};
pub use error::{Error, Result};
pub use log::AsOf;
