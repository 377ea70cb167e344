//! Writes ER7 text segment by segment, fields by their numbers in rising order, so that a position cannot slip.

use std::fmt::{Display, Write};

/// A message being written, with the standard delimiters and CR after each segment.
#[derive(Debug, Default)]
pub(crate) struct Er7 {
    text: String,
}

impl Er7 {
    /// Starts a segment. A header (MSH, FHS, BHS) gets its two delimiter fields at once.
    pub(crate) fn segment(&mut self, id: &str) -> SegmentWriter<'_> {
        self.text.push_str(id);
        let is_header = matches!(id, "MSH" | "FHS" | "BHS");
        if is_header {
            self.text.push_str("|^~\\&");
        }
        SegmentWriter { text: &mut self.text, position: if is_header { 2 } else { 0 } }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// The segment being written; it ends with CR when this is dropped.
#[derive(Debug)]
pub(crate) struct SegmentWriter<'a> {
    text: &'a mut String,
    position: usize,
}

impl SegmentWriter<'_> {
    /// Writes the field with this number. Numbers must rise.
    pub(crate) fn field(mut self, number: usize, value: impl Display) -> Self {
        self.advance(number);
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// Writes the field if the condition holds.
    pub(crate) fn field_if(self, condition: bool, number: usize, value: impl Display) -> Self {
        if condition { self.field(number, value) } else { self }
    }

    fn advance(&mut self, number: usize) {
        assert!(number > self.position, "field {number} after field {}", self.position);
        while self.position < number {
            self.text.push('|');
            self.position += 1;
        }
    }
}

impl Drop for SegmentWriter<'_> {
    fn drop(&mut self) {
        self.text.push('\r');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_their_numbers() {
        let mut out = Er7::default();
        drop(out.segment("MSH").field(3, "APP").field_if(false, 4, "x").field(9, "ADT^A01"));
        drop(out.segment("PID").field(1, 1).field(3, "77"));
        assert_eq!(out.finish(), "MSH|^~\\&|APP||||||ADT^A01\rPID|1||77\r");
    }
}
