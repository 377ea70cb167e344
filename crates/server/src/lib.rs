//! The doors of a lake: what arrives by MLLP, HTTP or in a folder, and what is asked over HTTP.
#![warn(missing_docs)]

pub mod api;
pub mod auth;
pub mod feeds;
pub mod gate;
pub mod intake;
pub mod metrics;
mod outward;
mod promise;
pub mod tls;
pub mod traces;
pub mod transports;
