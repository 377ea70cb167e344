//! Holds what is derived from a message, and stands nowhere in it, against what the converter derives now: its structure,
//! character set and warnings, the links between its segments, and its JSON document.
//!
//! That the converter derives rightly is for its own tests to show; that values are kept is compared by a second reader
//! ([`compare`](super::compare)). Here it shows what was changed, mixed up or half written since.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};
use hl7::charset::Charset;
use hl7::json::TreeWriter;
use hl7::{Options, Parser};
use tables::{CONVERTER_VERSION, Envelope, StagingBuilder};

use super::number_of;
use super::row::Columns;

/// The derived columns of the envelope that hold text.
const TEXTS: [&str; 2] = ["structure", "charset"];

/// Messages converted anew.
pub(super) struct Remade {
    rows: RecordBatch,
    columns: Columns,
    /// The row that each of the messages has among `rows`.
    at: HashMap<usize, usize>,
    /// For each row that was asked for: the number of its line in the documents.
    pub(super) lines: Vec<Option<u64>>,
}

impl Remade {
    /// Converts the messages whose rows were made by this version of the converter; a message that cannot be read any
    /// more is left out, as are those that are `None`.
    pub(super) fn of<B: AsRef<[u8]>>(rows: &RecordBatch, messages: &[Option<B>]) -> Option<Self> {
        let versions = rows.column_by_name("converter_version")?.as_primitive_opt::<Int32Type>()?;
        let (mut parser, mut writer) = (Parser::new(Options::default()), TreeWriter::default());
        let mut parsers: HashMap<&str, Parser> = HashMap::new();
        let mut builder = StagingBuilder::new();
        let (mut at, mut lines) = (HashMap::new(), Vec::with_capacity(messages.len()));
        for (row, bytes) in messages.iter().enumerate() {
            let is_current = versions.is_valid(row) && versions.value(row) == CONVERTER_VERSION;
            let bytes = bytes.as_ref().filter(|_| is_current);
            let mut message = bytes.and_then(|bytes| parser.parse(bytes.as_ref()).ok());
            let kept = text(rows, "charset", row);
            if let (Some(bytes), Some(kept)) = (bytes, kept)
                && message.as_ref().is_some_and(|message| message.charset().name() != kept)
            {
                // A feed may have a charset for messages that declare none.
                let default_charset = Charset::from_name(kept.as_bytes());
                let options = Options { default_charset, ..Options::default() };
                let parser = parsers.entry(kept).or_insert_with(|| Parser::new(options));
                message = parser.parse(bytes.as_ref()).ok();
            }
            lines.push(message.map(|message| {
                at.insert(row, builder.len());
                builder.append(&NOWHERE, &message);
                number_of(writer.write(&message))
            }));
        }
        let rows = builder.finish().ok()?;
        let columns = Columns::of(&rows).ok()?;
        Some(Self { rows, columns, at, lines })
    }

    /// What of a row differs, if it was converted anew.
    pub(super) fn difference(
        &self,
        rows: &RecordBatch,
        columns: &Columns,
        row: usize,
    ) -> Option<&'static str> {
        let at = *self.at.get(&row)?;
        let differs = |name: &&&str| text(rows, name, row) != text(&self.rows, name, at);
        if let Some(name) = TEXTS.iter().find(differs) {
            return Some(name);
        }
        if warnings(rows, row) != warnings(&self.rows, at) {
            return Some("warnings");
        }
        (columns.links(row) != self.columns.links(at)).then_some("parent_index or patient_index of a segment")
    }
}

/// The envelope is not looked at.
const NOWHERE: Envelope<'static> = Envelope {
    message_id: "",
    feed: "",
    received_at: 0,
    sequence: 0,
    raw_key: "",
    raw_offset: 0,
    raw_length: 0,
    sha256: "",
};

fn text<'r>(rows: &'r RecordBatch, name: &str, row: usize) -> Option<&'r str> {
    let texts = rows.column_by_name(name)?.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}

/// The code and path of each warning of a row.
fn warnings(rows: &RecordBatch, row: usize) -> Vec<[Option<String>; 2]> {
    let Some(list) = rows.column_by_name("warnings").and_then(|column| column.as_list_opt::<i32>()) else {
        return Vec::new();
    };
    if list.is_null(row) {
        return Vec::new();
    }
    let warnings = list.value(row);
    let Some(warnings) = warnings.as_struct_opt() else { return Vec::new() };
    let part = |name: &str, element: usize| {
        let texts = warnings.column_by_name(name)?.as_string_opt::<i32>()?;
        texts.is_valid(element).then(|| texts.value(element).to_owned())
    };
    (0..warnings.len()).map(|element| ["code", "path"].map(|name| part(name, element))).collect()
}
