//! Columns under construction, filled at any row and padded with nulls in between.
//!
//! A message fills a few hundred of several thousand possible leaves. Each column therefore knows only how
//! far it has come, and catches up in one step when a later row fills it; a column that is not touched costs
//! nothing.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, ListArray, StringArray, StructArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields};

/// The name of the element of every list, as Delta and Parquet have it.
pub(crate) const ELEMENT: &str = "element";

/// Which rows of a column hold something.
#[derive(Debug)]
pub(crate) struct Validity(BooleanBufferBuilder);

impl Default for Validity {
    fn default() -> Self {
        Self(BooleanBufferBuilder::new(0))
    }
}

impl Validity {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Marks a row as holding something; rows passed over hold nothing.
    #[inline]
    pub(crate) fn set(&mut self, row: usize) {
        let length = self.0.len();
        if row >= length {
            self.0.append_n(row - length, false);
            self.0.append(true);
        }
    }

    pub(crate) fn finish(mut self, rows: usize) -> Option<NullBuffer> {
        let length = self.0.len();
        self.0.append_n(rows.saturating_sub(length), false);
        let nulls = NullBuffer::new(self.0.finish());
        (nulls.null_count() > 0).then_some(nulls)
    }
}

/// A column of text.
#[derive(Debug)]
pub(crate) struct TextColumn {
    offsets: Vec<i32>,
    values: Vec<u8>,
    validity: Validity,
}

impl Default for TextColumn {
    fn default() -> Self {
        Self { offsets: vec![0], values: Vec::new(), validity: Validity::default() }
    }
}

impl TextColumn {
    /// Whether a row has been filled already, or passed over.
    pub(crate) fn is_past(&self, row: usize) -> bool {
        self.validity.len() > row
    }

    /// Fills a row with text in UTF-8.
    #[inline]
    pub(crate) fn set(&mut self, row: usize, text: &[u8]) {
        let end = self.values.len() as i32;
        if self.offsets.len() <= row {
            self.offsets.resize(row + 1, end);
        }
        self.values.extend_from_slice(text);
        self.offsets.push(self.values.len() as i32);
        self.validity.set(row);
    }

    pub(crate) fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        let end = self.values.len() as i32;
        self.offsets.resize(rows + 1, end);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let array = StringArray::try_new(offsets, Buffer::from_vec(self.values), self.validity.finish(rows))?;
        Ok(Arc::new(array))
    }
}

/// A column of 32-bit numbers.
#[derive(Debug, Default)]
pub(crate) struct NumberColumn {
    values: Vec<i32>,
    validity: Validity,
}

impl NumberColumn {
    #[inline]
    pub(crate) fn set(&mut self, row: usize, number: i32) {
        if self.values.len() < row {
            self.values.resize(row, 0);
        }
        self.values.push(number);
        self.validity.set(row);
    }

    pub(crate) fn finish(mut self, rows: usize) -> ArrayRef {
        self.values.resize(rows, 0);
        Arc::new(Int32Array::new(ScalarBuffer::from(self.values), self.validity.finish(rows)))
    }
}

/// Where the rows of a list column begin in the column of its elements.
#[derive(Debug)]
pub(crate) struct ListOffsets {
    /// Where each row begins; the last one is where the next row would begin.
    starts: Vec<i32>,
    elements: usize,
    validity: Validity,
}

impl Default for ListOffsets {
    fn default() -> Self {
        Self { starts: Vec::new(), elements: 0, validity: Validity::default() }
    }
}

impl ListOffsets {
    /// The element index of the `position`-th element, from 0, of a row; elements passed over are null.
    #[inline]
    pub(crate) fn element(&mut self, row: usize, position: usize) -> usize {
        if self.starts.len() <= row {
            self.starts.resize(row + 1, self.elements as i32);
            self.validity.set(row);
        }
        let index = self.starts[row] as usize + position;
        self.elements = self.elements.max(index + 1);
        index
    }

    /// The element index behind the last one of a row.
    pub(crate) fn next_element(&mut self, row: usize) -> usize {
        let position = if self.starts.len() <= row { 0 } else { self.elements - self.starts[row] as usize };
        self.element(row, position)
    }

    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    pub(crate) fn finish(mut self, rows: usize, elements: ArrayRef) -> Result<ArrayRef, ArrowError> {
        self.starts.resize(rows + 1, self.elements as i32);
        let field = Arc::new(Field::new(ELEMENT, elements.data_type().clone(), true));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.starts));
        Ok(Arc::new(ListArray::try_new(field, offsets, elements, self.validity.finish(rows))?))
    }
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

    pub(crate) fn finish(self, rows: usize) -> Result<ArrayRef, ArrowError> {
        let texts = self.texts.finish(self.offsets.elements())?;
        self.offsets.finish(rows, texts)
    }
}

/// Named arrays of one length as a struct array, or `None` when there are none.
pub(crate) fn finish_struct(
    columns: Vec<(&str, ArrayRef)>,
    nulls: Option<NullBuffer>,
) -> Result<Option<ArrayRef>, ArrowError> {
    if columns.is_empty() {
        return Ok(None);
    }
    let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|(name, array)| (Arc::new(Field::new(name, array.data_type().clone(), true)), array))
        .unzip();
    Ok(Some(Arc::new(StructArray::try_new(Fields::from(fields), arrays, nulls)?)))
}

/// A list type as all tables here have it.
pub(crate) fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(ELEMENT, element, true)))
}
