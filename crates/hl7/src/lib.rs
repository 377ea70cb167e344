//! HL7 v2: bytes in, a borrowed message and warnings out.
#![warn(missing_docs)]

mod delimiters;
pub mod charset;
pub mod dictionary;
pub mod escape;
pub mod stream;
pub mod timestamp;

pub use delimiters::Delimiters;
