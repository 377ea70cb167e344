//! The doors through which messages come in.

pub mod watch;
