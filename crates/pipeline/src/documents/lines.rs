//! The text of a document as it grows: plain while it is short, compressed when it becomes long.
//!
//! A few messages are there to be looked at with any tool. The documents of a large feed are several times its size
//! and much alike: compressed they are a twentieth of that, and writing them no longer takes longer than making them.

use std::io::Write;

use bytes::Bytes;
use zstd::stream::write::Encoder;

use crate::{Error, Result};

/// Bytes up to which a text stays plain.
const SHORT: usize = 1 << 20;

/// zstd's fastest: what a higher level saves is small beside what the lowest does.
const LEVEL: i32 = 1;

/// Lines of text.
pub(super) struct Lines {
    /// Bytes, uncompressed.
    length: usize,
    form: Form,
}

enum Form {
    Plain(Vec<u8>),
    Packed(Encoder<'static, Vec<u8>>),
    Failed(Error),
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { length: 0, form: Form::Plain(Vec::new()) }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Adds a line, without its end. Should that fail, [`Lines::finish`] tells.
    pub(super) fn add(&mut self, line: &[u8]) {
        self.length += line.len() + 1;
        if let Err(error) = self.try_add(line) {
            self.form = Form::Failed(error);
        }
    }

    fn try_add(&mut self, line: &[u8]) -> Result<()> {
        if self.length > SHORT
            && let Form::Plain(text) = &mut self.form
        {
            let mut encoder = Encoder::new(Vec::new(), LEVEL).map_err(|error| internal(&error))?;
            encoder.include_checksum(true).map_err(|error| internal(&error))?;
            encoder.write_all(text).map_err(|error| internal(&error))?;
            self.form = Form::Packed(encoder);
        }
        match &mut self.form {
            Form::Plain(text) => {
                text.extend_from_slice(line);
                text.push(b'\n');
                Ok(())
            }
            Form::Packed(encoder) => encoder
                .write_all(line)
                .and_then(|()| encoder.write_all(b"\n"))
                .map_err(|error| internal(&error)),
            Form::Failed(_) => Ok(()),
        }
    }

    /// The bytes to write, and what their key ends with beyond that of plain text.
    pub(super) fn finish(self) -> Result<(Bytes, &'static str)> {
        Ok(match self.form {
            Form::Plain(text) => (text.into(), ""),
            Form::Packed(encoder) => (encoder.finish().map_err(|error| internal(&error))?.into(), ENDING),
            Form::Failed(error) => return Err(error),
        })
    }
}

/// What the key of a compressed document ends with.
pub(super) const ENDING: &str = ".zst";

/// Compressing into memory cannot fail but for a lack of it.
fn internal(error: &std::io::Error) -> Error {
    Error::Internal(format!("compressing documents: {error}"))
}
