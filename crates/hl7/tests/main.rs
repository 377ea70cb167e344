//! The integration tests of the engine, in one binary.

mod corpus;
mod dictionary;
mod fuzz;
mod lossless;
mod stream;
mod text;
mod trees;
mod unmapped;
