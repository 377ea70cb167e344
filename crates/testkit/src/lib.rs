//! Synthetic HL7 v2 feeds for tests, benchmarks and the demo: the same seed gives the same bytes.
//! Everything in them is invented, so that no test ever needs a patient's data. And the clients of a live server: one that
//! keeps a ledger of what was acknowledged, and some that misbehave.

pub mod abuse;
pub mod broken;
pub mod charset;
pub mod demo;
pub mod envelope;
pub mod feed;
pub mod load;
pub mod messages;
pub mod options;
pub mod samples;
pub mod scene;
pub mod version;

mod base64;
mod er7;
mod moment;
mod names;
mod random;
mod segments;

pub use messages::Kind;
pub use random::Random;
pub use scene::{Scene, Script};
pub use version::Version;
