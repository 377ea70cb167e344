//! The flat tables beside staging: receipts and errors.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// One row for every message received, whatever became of it.
pub fn receipts_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("message_id"),
        text("feed"),
        moment("received_at"),
        number("sequence"),
        text("raw_key"),
        number("raw_offset"),
        number("raw_length"),
        text("sha256"),
        text("origin"),
        Field::new("strict", DataType::Boolean, true),
        text("charset"),
        text("filtered_by"),
        text("answer"),
    ]))
}

/// One row for every piece of input that could not be staged.
pub fn errors_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("message_id"),
        text("feed"),
        moment("received_at"),
        text("code"),
        text("reason"),
        text("hint"),
        number("offset"),
        text("raw_key"),
        number("raw_offset"),
        number("raw_length"),
        text("sha256"),
        text("origin"),
        Field::new("converter_version", DataType::Int32, true),
    ]))
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

/// Microseconds since 1970, UTC.
fn moment(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true)
}
