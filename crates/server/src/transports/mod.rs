//! The doors that messages come in by.

pub mod mllp;
