//! HL7 v2: bytes in, a borrowed message and warnings out.
//!
//! ```
//! let bytes = b"MSH|^~\\&|LAB|WEST|||202401020304||ADT^A08|7|P|2.3\rPID|1||P1^^^WEST||DOE^JANE||19800101|F\r";
//! let mut parser = hl7::Parser::default();
//! let message = parser.parse(bytes)?;
//! assert_eq!(message.structure_name(), "ADT_A01");
//! assert_eq!(message.value(&"PID-5.2".parse()?).unwrap().text(), "JANE");
//!
//! let mut writer = hl7::json::TreeWriter::default();
//! assert!(writer.write(&message).starts_with(br#"{"msh":{"field_separator":"|","#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The way of a message through the crate, which is also the reading order:
//! - [`stream`] cuts a stream of bytes into messages, batch headers and what lies between;
//! - [`Parser`] reads one message: [`Message`], its [`Segment`]s and below, and [`Warning`]s;
//! - [`Outline`] groups the segments by the structure of the standard;
//! - [`Message::walk`] says of every value where it belongs, to any [`Sink`];
//! - [`json`] is one such sink; [`Message::leaves`] lists values without a dictionary;
//! - [`Validator`] holds a message against its own version of the standard.
//!
//! Of a live connection, [`mllp`] finds the frames and [`ack`] writes the answers.
//!
//! [`dictionary`] is the standard as data. [`escape`], [`charset`] and [`timestamp`] read values as text.
//!
//! There is no I/O here, no async, no clock, and no `unsafe`.
#![warn(missing_docs)]

pub mod ack;
mod buffer;
pub mod charset;
mod delimiters;
pub mod dictionary;
mod edit;
mod error;
pub mod escape;
pub mod json;
mod leaves;
mod lines;
mod marks;
mod matcher;
mod message;
pub mod mllp;
mod options;
mod outline;
mod parse;
mod path;
mod remap;
mod scan;
mod segment;
pub mod stream;
mod structure_names;
mod text;
pub mod timestamp;
mod validate;
mod walk;
mod warning;

pub use buffer::Buffer;
pub use delimiters::Delimiters;
pub use dictionary::Slot;
pub use edit::SetError;
pub use error::{ParseError, ParseErrorKind};
pub use leaves::LeafAddress;
pub use marks::{Form, Value};
pub use message::{Header, Message};
pub use options::{Limits, Options};
pub use outline::{Outline, OutlinedGroup, OutlinedSegment};
pub use parse::Parser;
pub use path::{Path, PathError};
pub use segment::{Field, Part, Segment};
pub use text::Text;
pub use validate::{Expected, Finding, FindingCode, Validator};
pub use walk::{Address, Sink};
pub use warning::{Place, Warning, WarningCode};
