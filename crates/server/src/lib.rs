//! The doors of a lake: what arrives by MLLP, HTTP or in a folder, and what is asked over HTTP.
#![warn(missing_docs)]

pub mod transports;
