//! The integration tests of the engine, in one binary.

mod corpus;
mod fuzz;
mod lossless;
mod stream;
mod text;
mod trees;
mod unmapped;
