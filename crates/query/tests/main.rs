//! The engine from outside: questions and answers, and what is read for them.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod audit;
mod bytes;
mod catalog;
mod docs;
mod engine;
mod live;
mod ops;
mod raw;
mod sql;
