//! The write-ahead log: what live doors take in, durable before they answer.
//!
//! A process that has doors open appends deliveries to a segment of its own under `_carelake/log/`, many with one sync
//! ([`Log`]). The raw object and the offset at which the bytes of a delivery will lie are fixed when it is appended, so that
//! rows may cite them at once; until then [`raw`](crate::raw) reads them from the segment. When a segment is closed, [`seal`]
//! writes its raw objects, one for each feed, as a pure function of the segment: after a crash anyone can do it again and
//! gets the same. Behind that, and when what its records say is kept elsewhere too, [`remove`] takes the segment away.
//!
//! On a store that cannot append, each group of deliveries is a segment of its own.

mod index;
mod record;
mod seal;
mod segment;
mod sink;
mod writer;

pub use record::Record;
pub use seal::{Sealed, seal};
pub use segment::{read, remove, segments};
pub use writer::{Appended, Durable, Enqueued, Log, LogSettings, Place};

pub(crate) use index::Indexes;
pub(crate) use segment::segment_of;

#[cfg(test)]
mod tests;
