//! The integration tests of the staging table, in one binary.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

mod large;
mod lossless;
mod one_shape;
mod rows;
mod schemas;

use std::path::{Path, PathBuf};

use arrow_array::{Array, ArrayRef, Int32Array, ListArray, RecordBatch, StringArray, StructArray};
use tables::{Envelope, StagingBuilder};

pub(crate) const ENVELOPE: Envelope<'static> = Envelope {
    message_id: "m1",
    feed: "default",
    received_at: 1_700_000_000_000_000,
    sequence: 1,
    raw_key: "raw/a",
    raw_offset: 0,
    raw_length: 1,
    sha256: "00",
};

/// The first column behind the envelope.
pub(crate) const ENVELOPE_COLUMNS: usize = 20;

/// One batch of messages, in order.
pub(crate) fn batch(messages: &[&[u8]]) -> RecordBatch {
    let mut parser = hl7::Parser::default();
    let mut builder = StagingBuilder::new();
    for bytes in messages {
        builder.append(&ENVELOPE, &parser.parse(bytes).unwrap());
    }
    builder.finish().unwrap()
}

/// The messages of the engine's own file pairs.
pub(crate) fn inputs() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hl7/testdata/ok");
    let mut inputs: Vec<(PathBuf, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hl7"))
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

/// Every value of a row at and below a column: its path, and its text.
pub(crate) fn values(path: &str, array: &ArrayRef, row: usize, out: &mut Vec<(String, String)>) {
    if array.is_null(row) {
        return;
    }
    let any = array.as_any();
    if let Some(array) = any.downcast_ref::<StringArray>() {
        out.push((path.to_owned(), array.value(row).to_owned()));
    } else if let Some(array) = any.downcast_ref::<Int32Array>() {
        out.push((path.to_owned(), array.value(row).to_string()));
    } else if let Some(array) = any.downcast_ref::<StructArray>() {
        for (field, column) in array.fields().iter().zip(array.columns()) {
            values(&format!("{path}.{}", field.name()), column, row, out);
        }
    } else if let Some(array) = any.downcast_ref::<ListArray>() {
        let offsets = array.value_offsets();
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        for element in start..end {
            let path = format!("{path}[{}]", element - start + 1);
            if array.values().is_null(element) {
                out.push((path, "NULL".to_owned()));
            } else {
                values(&path, array.values(), element, out);
            }
        }
    } else {
        panic!("{path} has a type that no column has: {}", array.data_type());
    }
}

/// The values of a row, envelope left out.
pub(crate) fn row_values(batch: &RecordBatch, row: usize) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()).skip(ENVELOPE_COLUMNS) {
        values(field.name(), column, row, &mut out);
    }
    out
}
