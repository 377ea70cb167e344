//! Reads a file or the standard input message by message, in bounded memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use hl7::stream::{PieceKind, Splitter};

use crate::report::{Failure, Result};

/// Bytes read at once.
const CHUNK: u64 = 1 << 20;

/// A piece of the input that is a message, or should have been one.
pub(crate) enum Found<'b> {
    Message {
        offset: u64,
        bytes: &'b [u8],
    },
    /// Text that belongs to no message.
    Junk {
        offset: u64,
        bytes: &'b [u8],
    },
    /// Longer than the limit.
    TooLong {
        offset: u64,
    },
}

/// What the input was as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Empty,
    WithoutMessage,
    WithMessages,
}

/// Opens a file; nothing or `-` is the standard input.
pub(crate) fn open(file: Option<&Path>) -> Result<Box<dyn Read>> {
    match file.filter(|file| file.as_os_str() != "-") {
        None => Ok(Box::new(std::io::stdin())),
        Some(file) if file.is_dir() => Err(Failure::new(format!("{} is a folder", file.display()))
            .with_hint("give one file; carelake ingest takes folders with all that is in them")),
        Some(file) => match File::open(file) {
            Ok(opened) => Ok(Box::new(opened)),
            Err(error) => Err(Failure::unreadable(file, &error)),
        },
    }
}

/// Visits what is found in the input, in order.
pub(crate) fn each(
    mut input: impl Read,
    limit_bytes: usize,
    mut visit: impl FnMut(Found<'_>) -> Result<()>,
) -> Result<Input> {
    let mut splitter = Splitter::new(limit_bytes);
    let mut buffer = Vec::new();
    let mut outcome = Input::Empty;
    loop {
        let at_end = input.by_ref().take(CHUNK).read_to_end(&mut buffer)? == 0;
        let mut start = 0;
        loop {
            let step = splitter.advance(&buffer[start..], at_end);
            let bytes = &buffer[start..start + step.consumed];
            start += step.consumed;
            let Some(piece) = step.piece else { break };
            let offset = piece.offset;
            if outcome == Input::Empty {
                outcome = Input::WithoutMessage;
            }
            match piece.kind {
                PieceKind::Message => {
                    outcome = Input::WithMessages;
                    visit(Found::Message { offset, bytes })?;
                }
                PieceKind::TooLong => {
                    outcome = Input::WithMessages;
                    visit(Found::TooLong { offset })?;
                }
                PieceKind::Junk => visit(Found::Junk { offset, bytes })?,
                _ => {}
            }
        }
        if at_end {
            return Ok(outcome);
        }
        buffer.drain(..start);
    }
}
