//! The integration tests of the engine, in one binary.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod corpus;
mod dictionary;
mod fuzz;
mod large;
mod lossless;
mod oracle;
mod robust;
mod stream;
mod strict;
mod text;
mod trees;
mod unmapped;
