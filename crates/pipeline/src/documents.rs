//! JSON documents: the lines of messages that lie one behind the other in a raw object, in one object.
//!
//! A document has no holes: its content follows from its key alone, so that two writers that make the same
//! one make the same bytes, and writing it again changes nothing.

use bytes::Bytes;
use object_store::path::Path;
use serde_json::json;
use storage::{Lake, json_document_key, json_list_key};

use crate::{Error, Receipt, Result};

/// Bytes after which a document is full. Memory and the number of objects are both in proportion to it.
const FULL: usize = 8 << 20;

/// The lines of an unbroken run of messages of one raw object.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) key: Path,
    pub(crate) text: Bytes,
}

/// Gathers lines into documents and hands each over when it is full or its run breaks.
pub(crate) struct Documents<'p> {
    put: &'p mut dyn FnMut(Document),
    run: Option<Run>,
    keys: Vec<Path>,
}

struct Run {
    raw_key: Path,
    start: u64,
    end: u64,
    last_sequence: i64,
    version: i32,
    text: Vec<u8>,
}

impl<'p> Documents<'p> {
    pub(crate) fn new(put: &'p mut dyn FnMut(Document)) -> Self {
        Self { put, run: None, keys: Vec::new() }
    }

    /// Adds one message's line, without its line end.
    pub(crate) fn add(&mut self, receipt: &Receipt, json: &[u8]) {
        self.add_as(receipt, json, tables::CONVERTER_VERSION);
    }

    /// Adds a line that a converter of some version made.
    pub(crate) fn add_as(&mut self, receipt: &Receipt, json: &[u8], version: i32) {
        let goes_on = self.run.as_ref().is_some_and(|run| {
            run.raw_key == receipt.raw_key
                && run.version == version
                && run.last_sequence + 1 == receipt.sequence
                && run.text.len() + json.len() < FULL
        });
        if !goes_on {
            self.hand_over();
        }
        let run = self.run.get_or_insert_with(|| Run {
            raw_key: receipt.raw_key.clone(),
            start: receipt.raw_offset,
            end: receipt.raw_offset,
            last_sequence: receipt.sequence,
            version,
            text: Vec::new(),
        });
        run.end = receipt.raw_offset + receipt.raw_length;
        run.last_sequence = receipt.sequence;
        // A text that has become long will be full: growing it step by step would copy it again and again.
        if run.text.len() > FULL / 32 && run.text.capacity() < FULL {
            run.text.reserve(FULL - run.text.len());
        }
        run.text.extend_from_slice(json);
        run.text.push(b'\n');
    }

    /// Hands over the last one; gives the keys of all.
    pub(crate) fn finish(mut self) -> Vec<Path> {
        self.hand_over();
        self.keys
    }

    fn hand_over(&mut self) {
        let Some(run) = self.run.take() else { return };
        let key = json_document_key(&run.raw_key, run.start, run.end, run.version);
        self.keys.push(key.clone());
        (self.put)(Document { key, text: run.text.into() });
    }
}

/// Writes the list of the documents that belong to one data file; gives its key.
pub(crate) async fn write_list(lake: &Lake, name: &str, documents: &[Path]) -> Result<Path> {
    let keys: Vec<&str> = documents.iter().map(AsRef::as_ref).collect();
    let list = json_list_key(name);
    lake.put_new(&list, json!({ "documents": keys }).to_string().into()).await?;
    Ok(list)
}

/// The keys in a list of documents, in the order of the rows.
pub(crate) async fn read_list(lake: &Lake, list: &Path) -> Result<Vec<Path>> {
    #[derive(serde::Deserialize)]
    struct List {
        documents: Vec<String>,
    }
    let text = lake.read(list).await?;
    let List { documents } =
        serde_json::from_slice(&text).map_err(|_| Error::DamagedDocuments { key: list.to_string() })?;
    Ok(documents.iter().filter_map(|key| Path::parse(key).ok()).collect())
}
