//! The doors that messages come in by.

pub mod http;
pub mod mllp;
pub mod watch;
