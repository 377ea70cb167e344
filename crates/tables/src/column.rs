//! Columns under construction, filled at any row and padded with nulls in between.
//!
//! A message fills a few hundred of several thousand possible leaves. Each column therefore knows only how
//! far it has come, and catches up in one step when a later row fills it; a column that is not touched costs
//! nothing.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, ListArray, StringArray, StructArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};

/// The name of the element of every list, as Delta and Parquet have it.
pub(crate) const ELEMENT: &str = "element";

/// Which rows of a finished column hold something, one bit a row.
#[derive(Debug)]
pub(crate) struct Presence(Vec<u64>);

impl Presence {
    pub(crate) fn none(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)])
    }

    #[inline]
    fn add(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    /// Adds the rows of another column of the same length.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    pub(crate) fn to_nulls(&self, rows: usize) -> Option<NullBuffer> {
        let count: usize = self.0.iter().map(|word| word.count_ones() as usize).sum();
        let bits = || BooleanBuffer::new(Buffer::from_vec(self.0.clone()), 0, rows);
        (count != rows).then(|| NullBuffer::new(bits()))
    }
}

/// A finished column and which of its rows hold something.
pub(crate) type Finished = (ArrayRef, Presence);

/// A column of text. A value is never empty, so that a row without text is a row without value.
#[derive(Debug, Default)]
pub(crate) struct TextColumn {
    /// Where each row begins in `values`, up to the last row filled.
    starts: Vec<i32>,
    values: hl7::Buffer,
}

impl TextColumn {
    /// Whether a row has been filled already, or passed over.
    #[inline]
    pub(crate) fn is_past(&self, row: usize) -> bool {
        self.starts.len() > row
    }

    /// Fills a row, behind all those filled before, with text in UTF-8.
    pub(crate) fn set(&mut self, row: usize, text: &[u8]) {
        self.set_from(row, text, text.len());
    }

    /// Fills a row with the first bytes of something longer, which is quicker for short texts.
    #[inline]
    pub(crate) fn set_from(&mut self, row: usize, from: &[u8], length: usize) {
        let start = self.values.len() as i32;
        fill_up_to(&mut self.starts, row, start);
        self.starts.push(start);
        self.values.put_between([], from, length, []);
    }

    pub(crate) fn finish(self, rows: usize) -> Result<Finished, ArrowError> {
        self.finish_within(rows, i32::MAX)
    }

    fn finish_within(mut self, rows: usize, limit: i32) -> Result<Finished, ArrowError> {
        let end = i32::try_from(self.values.len())
            .ok()
            .filter(|&end| end <= limit)
            .ok_or(ArrowError::OffsetOverflowError(self.values.len()))?;
        self.starts.resize(rows + 1, end);
        let mut presence = Presence::none(rows);
        for (row, pair) in self.starts.windows(2).enumerate() {
            if pair[0] < pair[1] {
                presence.add(row);
            }
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.starts));
        let values = Buffer::from_vec(self.values.into_vec());
        let array = StringArray::try_new(offsets, values, presence.to_nulls(rows))?;
        Ok((Arc::new(array), presence))
    }
}

/// A column of numbers from 1. A row that is 0 is a row without value.
#[derive(Debug, Default)]
pub(crate) struct NumberColumn(Vec<i32>);

impl NumberColumn {
    #[inline]
    pub(crate) fn set(&mut self, row: usize, number: u32) {
        fill_up_to(&mut self.0, row, 0);
        self.0.push(number as i32);
    }

    pub(crate) fn finish(mut self, rows: usize) -> Finished {
        self.0.resize(rows, 0);
        let mut presence = Presence::none(rows);
        for (row, &number) in self.0.iter().enumerate() {
            if number != 0 {
                presence.add(row);
            }
        }
        (Arc::new(Int32Array::new(ScalarBuffer::from(self.0), presence.to_nulls(rows))), presence)
    }
}

/// Where the rows of a list column begin in the column of its elements. A row that was opened has an element
/// at least, so that a row without elements is a row without value.
#[derive(Debug, Default)]
pub(crate) struct ListOffsets {
    /// Where each row begins, up to the last one opened.
    starts: Vec<i32>,
    elements: usize,
}

impl ListOffsets {
    /// The element index of the `position`-th element, from 0, of a row; elements passed over are null.
    #[inline]
    pub(crate) fn element(&mut self, row: usize, position: usize) -> usize {
        if self.starts.len() <= row {
            fill_up_to(&mut self.starts, row, self.elements as i32);
            self.starts.push(self.elements as i32);
        }
        let index = self.starts[row] as usize + position;
        self.elements = self.elements.max(index + 1);
        index
    }

    /// Whether a row has an element already.
    pub(crate) fn is_open(&self, row: usize) -> bool {
        self.starts.len() > row
    }

    /// The element index behind the last one of a row.
    pub(crate) fn next_element(&mut self, row: usize) -> usize {
        let position = if self.starts.len() <= row { 0 } else { self.elements - self.starts[row] as usize };
        self.element(row, position)
    }

    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    pub(crate) fn finish(mut self, rows: usize, elements: ArrayRef) -> Result<Finished, ArrowError> {
        self.starts.resize(rows + 1, self.elements as i32);
        let mut presence = Presence::none(rows);
        for (row, pair) in self.starts.windows(2).enumerate() {
            if pair[0] < pair[1] {
                presence.add(row);
            }
        }
        let field = Arc::new(Field::new(ELEMENT, elements.data_type().clone(), true));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.starts));
        let array = ListArray::try_new(field, offsets, elements, presence.to_nulls(rows))?;
        Ok((Arc::new(array), presence))
    }
}

/// Brings a vector to a length. Most rows follow the one before, so that there is nothing to fill.
#[inline]
fn fill_up_to(values: &mut Vec<i32>, length: usize, value: i32) {
    if values.len() < length {
        fill(values, length, value);
    }
}

#[inline(never)]
fn fill(values: &mut Vec<i32>, length: usize, value: i32) {
    values.extend(std::iter::repeat_n(value, length - values.len()));
}

/// A list of texts.
#[derive(Debug, Default)]
pub(crate) struct TextListColumn {
    offsets: ListOffsets,
    texts: TextColumn,
}

impl TextListColumn {
    pub(crate) fn push(&mut self, row: usize, text: &[u8]) {
        let element = self.offsets.next_element(row);
        self.texts.set(element, text);
    }

    pub(crate) fn finish(self, rows: usize) -> Result<Finished, ArrowError> {
        let (texts, _) = self.texts.finish(self.offsets.elements())?;
        self.offsets.finish(rows, texts)
    }
}

/// Named columns of one length as a struct column; a row holds something where any of them does.
pub(crate) fn finish_struct(columns: Vec<(&str, Finished)>, rows: usize) -> Result<Finished, ArrowError> {
    let mut presence = Presence::none(rows);
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (name, (array, present)) in columns {
        presence.add_all(&present);
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let array = StructArray::try_new(Fields::from(fields), arrays, presence.to_nulls(rows))?;
    Ok((Arc::new(array), presence))
}

/// A list type as all tables here have it.
pub(crate) fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(ELEMENT, element, true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_refuses_more_text_than_its_offsets_can_tell() {
        let column = |lengths: &[usize]| {
            let mut column = TextColumn::default();
            for (row, &length) in lengths.iter().enumerate() {
                column.set(row, "x".repeat(length).as_bytes());
            }
            column
        };
        assert!(column(&[4, 6]).finish_within(2, 10).is_ok());
        let refused = column(&[4, 7]).finish_within(2, 10);
        assert!(matches!(refused, Err(ArrowError::OffsetOverflowError(11))));
    }
}
