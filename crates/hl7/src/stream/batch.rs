//! Follows the nesting of files and batches and checks the counts that their trailers give.
//!
//! Batches are often malformed: headers or trailers are missing, counts are wrong or words. None of that
//! keeps a message from being read, so all of it is reported as warnings, by code and place.

use core::fmt;

use super::{Piece, PieceKind};
use crate::Delimiters;
use crate::charset::utf16_to_utf8;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident => $text:literal,)*) => {
        /// What is odd about a batch or file. The text of each code is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum BatchWarningCode { $($(#[doc = $doc])* $name,)* }

        impl BatchWarningCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it stands in reports, in snake_case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// A BTS without a BHS before it.
    MissingBatchHeader => "missing_batch_header",
    /// A BHS whose BTS does not come before the next BHS, FHS, FTS or the end.
    MissingBatchTrailer => "missing_batch_trailer",
    /// An FTS without an FHS before it.
    MissingFileHeader => "missing_file_header",
    /// An FHS whose FTS does not come before the next FHS or the end.
    MissingFileTrailer => "missing_file_trailer",
    /// BTS-1 is not the number of messages in the batch.
    BatchCountMismatch => "batch_count_mismatch",
    /// BTS-1 is not a number.
    UnreadableBatchCount => "unreadable_batch_count",
    /// FTS-1 is not the number of batches in the file.
    FileCountMismatch => "file_count_mismatch",
    /// FTS-1 is not a number.
    UnreadableFileCount => "unreadable_file_count",
    /// A message stands in a file that has batches, but in none of them.
    MessageOutsideBatch => "message_outside_batch",
}

impl fmt::Display for BatchWarningCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One oddity of a batch or file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchWarning {
    /// What is odd.
    pub code: BatchWarningCode,
    /// The segment that shows it, in bytes from the start of the stream: the trailer whose count is wrong,
    /// the header whose trailer is missing.
    pub offset: u64,
}

/// The state of batches and files at one place of a stream (HL7 v2.9.1 chapter 2, §2.10.3).
#[derive(Debug, Default)]
pub struct Batches {
    file: Option<Group>,
    batch: Option<Group>,
    /// Messages since the last header or trailer, while no batch is open.
    loose_messages: u64,
    first_loose_message: u64,
    /// Batches since the last FHS or FTS.
    batches: u64,
}

/// A file or batch whose header has been seen.
#[derive(Debug)]
struct Group {
    offset: u64,
    /// Messages in it; counted for batches only.
    messages: u64,
}

impl Batches {
    /// The state at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of a piece, in the order of the stream; `bytes` are those of the piece, read for trailers
    /// only.
    pub fn piece(&mut self, piece: &Piece, bytes: &[u8], warnings: &mut Vec<BatchWarning>) {
        match piece.kind {
            PieceKind::Message | PieceKind::TooLong => self.message(piece.offset),
            PieceKind::BatchHeader => {
                self.end_batch_without_trailer(warnings);
                self.end_loose_messages(true, warnings);
                self.batch = Some(Group { offset: piece.offset, messages: 0 });
            }
            PieceKind::BatchTrailer => self.batch_trailer(piece.offset, count(piece, bytes), warnings),
            PieceKind::FileHeader => {
                self.end_file_without_trailer(warnings);
                self.file = Some(Group { offset: piece.offset, messages: 0 });
            }
            PieceKind::FileTrailer => self.file_trailer(piece.offset, count(piece, bytes), warnings),
            PieceKind::Framing | PieceKind::Junk => {}
        }
    }

    /// Takes note of the end of the stream.
    pub fn end(&mut self, warnings: &mut Vec<BatchWarning>) {
        self.end_file_without_trailer(warnings);
    }

    fn message(&mut self, offset: u64) {
        match &mut self.batch {
            Some(batch) => batch.messages += 1,
            None => {
                if self.loose_messages == 0 {
                    self.first_loose_message = offset;
                }
                self.loose_messages += 1;
            }
        }
    }

    fn batch_trailer(&mut self, offset: u64, count: Count, warnings: &mut Vec<BatchWarning>) {
        let messages = match self.batch.take() {
            Some(batch) => batch.messages,
            None => {
                warnings.push(BatchWarning { code: BatchWarningCode::MissingBatchHeader, offset });
                core::mem::take(&mut self.loose_messages)
            }
        };
        self.batches += 1;
        let code = match count {
            Count::Number(count) if count != messages => BatchWarningCode::BatchCountMismatch,
            Count::Unreadable => BatchWarningCode::UnreadableBatchCount,
            Count::Number(_) | Count::Absent => return,
        };
        warnings.push(BatchWarning { code, offset });
    }

    fn file_trailer(&mut self, offset: u64, count: Count, warnings: &mut Vec<BatchWarning>) {
        self.end_batch_without_trailer(warnings);
        // Without any BHS the messages of a file are one batch.
        let implied = u64::from(self.batches == 0 && self.loose_messages > 0);
        self.end_loose_messages(self.batches > 0, warnings);
        if self.file.take().is_none() {
            warnings.push(BatchWarning { code: BatchWarningCode::MissingFileHeader, offset });
        }
        let batches = core::mem::take(&mut self.batches) + implied;
        let code = match count {
            Count::Number(count) if count != batches => BatchWarningCode::FileCountMismatch,
            Count::Unreadable => BatchWarningCode::UnreadableFileCount,
            Count::Number(_) | Count::Absent => return,
        };
        warnings.push(BatchWarning { code, offset });
    }

    fn end_batch_without_trailer(&mut self, warnings: &mut Vec<BatchWarning>) {
        if let Some(batch) = self.batch.take() {
            warnings.push(BatchWarning { code: BatchWarningCode::MissingBatchTrailer, offset: batch.offset });
            self.batches += 1;
        }
    }

    fn end_loose_messages(&mut self, file_has_batches: bool, warnings: &mut Vec<BatchWarning>) {
        if self.loose_messages > 0 && self.file.is_some() && file_has_batches {
            let offset = self.first_loose_message;
            warnings.push(BatchWarning { code: BatchWarningCode::MessageOutsideBatch, offset });
        }
        self.loose_messages = 0;
    }

    fn end_file_without_trailer(&mut self, warnings: &mut Vec<BatchWarning>) {
        self.end_batch_without_trailer(warnings);
        self.end_loose_messages(self.batches > 0, warnings);
        self.batches = 0;
        if let Some(file) = self.file.take() {
            warnings.push(BatchWarning { code: BatchWarningCode::MissingFileTrailer, offset: file.offset });
        }
    }
}

/// What BTS-1 or FTS-1 says.
#[derive(Clone, Copy)]
enum Count {
    Number(u64),
    Absent,
    Unreadable,
}

fn count(piece: &Piece, bytes: &[u8]) -> Count {
    let converted;
    let line = match utf16_to_utf8(bytes, piece.encoding) {
        Some(utf8) => {
            converted = utf8.text;
            converted.as_bytes()
        }
        None => bytes,
    };
    let Some(&field) = line.get(3).filter(|&&byte| Delimiters::can_delimit(byte)) else {
        return Count::Absent;
    };
    let value = line[4..].split(|&byte| byte == field).next().unwrap_or_default().trim_ascii();
    match str::from_utf8(value).ok().map(str::parse) {
        _ if value.is_empty() || value == b"\"\"" => Count::Absent,
        Some(Ok(number)) => Count::Number(number),
        _ => Count::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::pieces;

    fn warnings(text: &str) -> Vec<(BatchWarningCode, usize)> {
        let bytes = text.replace("M\r", "MSH|^~\\&|A\r").replace("HS\r", "HS|^~\\&\r");
        let (mut batches, mut warnings) = (Batches::new(), Vec::new());
        for piece in pieces(bytes.as_bytes(), 1000) {
            batches.piece(
                &piece,
                &bytes.as_bytes()[piece.offset as usize..piece.end() as usize],
                &mut warnings,
            );
        }
        batches.end(&mut warnings);
        let lines = |offset: u64| bytes[..offset as usize].matches('\r').count() + 1;
        warnings.iter().map(|warning| (warning.code, lines(warning.offset))).collect()
    }

    #[test]
    fn well_formed_batches() {
        for text in [
            "",
            "M\rM\r",
            "FHS\rBHS\rM\rM\rBTS|2\rFTS|1\r",
            "FHS\rBHS\rM\rBTS|1\rBHS\rBTS|0\rFTS|2|note\r",
            "BHS\rM\rBTS\r",
            "BHS\rM\rBTS||note\r",
            "FHS\rM\rM\rFTS|1\r",
            "FHS\rFTS|0\r",
            "M\rBHS\rM\rBTS|1\rM\r",
        ] {
            assert_eq!(warnings(text), [], "{text:?}");
        }
    }

    #[test]
    fn malformed_batches() {
        use BatchWarningCode::*;
        for (text, expected) in [
            ("BHS\rM\rM\rBTS|3\r", vec![(BatchCountMismatch, 4)]),
            ("BHS\rM\rBTS|lots\r", vec![(UnreadableBatchCount, 3)]),
            ("M\rM\rBTS|2\r", vec![(MissingBatchHeader, 3)]),
            ("M\rBTS|2\r", vec![(MissingBatchHeader, 2), (BatchCountMismatch, 2)]),
            ("BHS\rM\r", vec![(MissingBatchTrailer, 1)]),
            ("BHS\rM\rBHS\rM\rBTS|1\r", vec![(MissingBatchTrailer, 1)]),
            ("FHS\rBHS\rM\rFTS|1\r", vec![(MissingBatchTrailer, 2)]),
            ("FHS\rBHS\rM\rBTS|1\r", vec![(MissingFileTrailer, 1)]),
            ("BHS\rM\rBTS|1\rFTS|1\r", vec![(MissingFileHeader, 4)]),
            ("FHS\rBHS\rM\rBTS|1\rFTS|2\r", vec![(FileCountMismatch, 5)]),
            ("FHS\rBHS\rM\rBTS|1\rFTS|?\r", vec![(UnreadableFileCount, 5)]),
            ("FHS\rBHS\rM\rBTS|1\rM\rFTS|1\r", vec![(MessageOutsideBatch, 5)]),
            ("FHS\rM\rBHS\rBTS\rFTS\r", vec![(MessageOutsideBatch, 2)]),
            ("FHS\rM\rFHS\rFTS\r", vec![(MissingFileTrailer, 1)]),
        ] {
            assert_eq!(warnings(text), expected, "{text:?}");
        }
    }
}
