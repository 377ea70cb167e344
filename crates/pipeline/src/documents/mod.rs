//! JSON documents: the lines of messages that lie one behind the other in a raw object, in one object.
//!
//! A document has no holes: its content follows from its key alone, so that two writers that make the same
//! one make the same bytes, and writing it again changes nothing.

mod lines;
mod listed;

use bytes::Bytes;
use object_store::path::Path;
use serde_json::json;
use storage::{Lake, json_document_key, json_list_key};

use crate::{Error, Receipt, Result};
use lines::Lines;
pub(crate) use listed::{ListedLines, receipt_of};

/// Bytes of text after which a document is full: whoever reads one has it in memory.
const FULL: usize = 16 << 20;

/// The lines of an unbroken run of messages of one raw object.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) key: Path,
    pub(crate) text: Bytes,
}

/// Gathers lines into documents and hands each over when it is full or its run breaks.
pub(crate) struct Documents<'p> {
    put: &'p mut dyn FnMut(Document),
    gathering: Gathering,
    failure: Option<Error>,
}

/// Gathers lines into documents and gives each back when it is full or its run breaks.
#[derive(Default)]
pub(crate) struct Gathering {
    run: Option<Run>,
    keys: Vec<Path>,
}

struct Run {
    raw_key: Path,
    start: u64,
    end: u64,
    last_sequence: i64,
    version: i32,
    lines: Lines,
}

impl<'p> Documents<'p> {
    pub(crate) fn new(put: &'p mut dyn FnMut(Document)) -> Self {
        Self { put, gathering: Gathering::default(), failure: None }
    }

    /// Adds one message's line, without its line end.
    pub(crate) fn add(&mut self, receipt: &Receipt, json: &[u8]) {
        self.add_as(receipt, json, tables::CONVERTER_VERSION)
    }

    /// Adds a line that a converter of some version made.
    pub(crate) fn add_as(&mut self, receipt: &Receipt, json: &[u8], version: i32) {
        let document = self.gathering.add(receipt, json, version);
        self.hand_over(document);
    }

    /// Hands over the last one; gives the keys of all.
    pub(crate) fn finish(mut self) -> Result<Vec<Path>> {
        let last = self.gathering.finish();
        self.hand_over(last);
        self.failure.map_or(Ok(self.gathering.keys), Err)
    }

    fn hand_over(&mut self, document: Result<Option<Document>>) {
        match document {
            Ok(document) => document.into_iter().for_each(&mut self.put),
            Err(error) => self.failure = Some(error),
        }
    }
}

impl Gathering {
    /// Adds a line that a converter of some version made. If a document ends before it, it is given.
    pub(crate) fn add(&mut self, receipt: &Receipt, json: &[u8], version: i32) -> Result<Option<Document>> {
        let goes_on = self.run.as_ref().is_some_and(|run| {
            run.raw_key == receipt.raw_key
                && run.version == version
                && run.last_sequence + 1 == receipt.sequence
                && run.lines.length() + json.len() < FULL
        });
        let document = if goes_on { None } else { self.finish()? };
        let run = self.run.get_or_insert_with(|| Run {
            raw_key: receipt.raw_key.clone(),
            start: receipt.raw_offset,
            end: receipt.raw_offset,
            last_sequence: receipt.sequence,
            version,
            lines: Lines::new(),
        });
        run.end = receipt.raw_offset + receipt.raw_length;
        run.last_sequence = receipt.sequence;
        run.lines.add(json);
        Ok(document)
    }

    /// Gives the last document.
    pub(crate) fn finish(&mut self) -> Result<Option<Document>> {
        let Some(run) = self.run.take() else { return Ok(None) };
        let key = json_document_key(&run.raw_key, run.start, run.end, run.version);
        let (text, ending) = run.lines.finish()?;
        let key = Path::from(format!("{key}{ending}"));
        self.keys.push(key.clone());
        Ok(Some(Document { key, text }))
    }

    /// The keys of all documents that were given.
    pub(crate) fn keys(&self) -> &[Path] {
        &self.keys
    }
}

/// Reads a document: its lines, each with its end.
pub(crate) async fn read(lake: &Lake, key: &Path) -> Result<Bytes> {
    let bytes = lake.read(key).await?;
    if !key.as_ref().ends_with(lines::ENDING) {
        return Ok(bytes);
    }
    let damaged = || Error::DamagedDocuments { key: key.to_string() };
    let unpacked = tokio::task::spawn_blocking(move || zstd::decode_all(&bytes[..])).await?;
    Ok(unpacked.map_err(|_| damaged())?.into())
}

/// Writes the list of the documents that belong to one data file; gives its key.
pub(crate) async fn write_list(lake: &Lake, name: &str, documents: &[Path]) -> Result<Path> {
    let keys: Vec<&str> = documents.iter().map(AsRef::as_ref).collect();
    let list = json_list_key(name);
    lake.put_new(&list, json!({ "documents": keys }).to_string().into()).await?;
    Ok(list)
}

/// The key of the list of the documents that belong to a data file, if it has any.
pub(crate) fn list_key_of(data_file: &Path) -> Path {
    let name = data_file.filename().unwrap_or_default();
    json_list_key(name.trim_start_matches("part-").trim_end_matches(".parquet"))
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
