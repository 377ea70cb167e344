//! The integration tests of the engine, in one binary.

mod corpus;
mod fuzz;
mod stream;
mod trees;
