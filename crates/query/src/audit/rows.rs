//! The rows of an event: one for each thing that it is about, and one if that is nothing but a question.

use std::str::from_utf8;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::array::{ArrayRef, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use datafusion::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use object_store::path::Path;
use serde_json::Value;
use storage::audit_chain;

/// What the names of our own codes and extensions begin with.
const VOCABULARY: &str = "https://github.com/carelake/carelake/fhir/";

/// The action of a line that cannot be read, so that it is not overlooked.
const UNREADABLE: &str = "unreadable";

/// Rows under construction.
#[derive(Debug, Default)]
pub(super) struct Rows {
    recorded: TimestampMicrosecondBuilder,
    /// From `action` to `query`.
    texts: [StringBuilder; 10],
    chain: StringBuilder,
    sequence: Int64Builder,
    hash: StringBuilder,
}

impl Rows {
    /// Adds every event of an object.
    pub(super) fn add_object(&mut self, key: &Path, bytes: &[u8]) {
        let Some((chain, _)) = audit_chain(key) else { return };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Value>(line) {
                Ok(event) if event["resourceType"] == "AuditEvent" => self.add_event(chain, &event),
                _ => {
                    let mut texts = [None; 10];
                    texts[0] = Some(UNREADABLE);
                    self.add(None, texts, (chain, None, None));
                }
            }
        }
    }

    fn add_event(&mut self, chain: &str, event: &Value) {
        let agent = &event["agent"][0];
        let who = &agent["who"]["identifier"];
        let kind =
            who["system"].as_str().and_then(|system| system.strip_prefix(VOCABULARY)?.strip_prefix("who/"));
        let entities = event["entity"].as_array().map_or(&[][..], Vec::as_slice);
        let question = entities.iter().find_map(|entity| entity["query"].as_str()).and_then(decoded);
        let things = entities.iter().filter(|entity| entity["query"].is_null());
        let mut things: Vec<(Option<&str>, Option<&str>)> = things
            .map(|thing| (thing["type"]["code"].as_str(), thing["what"]["identifier"]["value"].as_str()))
            .collect();
        if things.is_empty() {
            things.push((None, None));
        }
        let place =
            (chain, of_chain(event, "sequence", Value::as_i64), of_chain(event, "hash", Value::as_str));
        let recorded = event["recorded"].as_str().and_then(|text| string_to_timestamp_nanos(text).ok());
        for (entity_kind, entity) in things {
            let texts = [
                event["subtype"][0]["code"].as_str(),
                event["outcome"].as_str().map(|code| if code == "0" { "success" } else { "failed" }),
                who["value"].as_str(),
                agent["who"]["display"].as_str(),
                kind,
                event["source"]["observer"]["display"].as_str(),
                agent["network"]["address"].as_str(),
                entity_kind,
                entity,
                question.as_deref(),
            ];
            self.add(recorded.map(|nanoseconds| nanoseconds.div_euclid(1_000)), texts, place);
        }
    }

    fn add(
        &mut self,
        recorded: Option<i64>,
        texts: [Option<&str>; 10],
        (chain, sequence, hash): (&str, Option<i64>, Option<&str>),
    ) {
        self.recorded.append_option(recorded);
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_option(text);
        }
        self.chain.append_value(chain);
        self.sequence.append_option(sequence);
        self.hash.append_option(hash);
    }

    /// The columns, in the order of the table.
    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        let recorded: ArrayRef = Arc::new(self.recorded.finish().with_timezone("UTC"));
        let texts = self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        let mut columns: Vec<ArrayRef> = std::iter::once(recorded).chain(texts).collect();
        columns.push(Arc::new(self.chain.finish()));
        columns.push(Arc::new(self.sequence.finish()));
        columns.push(Arc::new(self.hash.finish()));
        columns
    }
}

fn decoded(query: &str) -> Option<String> {
    Some(from_utf8(&STANDARD.decode(query).ok()?).ok()?.to_owned())
}

/// A value of the extension that tells an event's place in its chain.
fn of_chain<'e, T>(event: &'e Value, url: &str, read: impl Fn(&'e Value) -> Option<T>) -> Option<T> {
    let is_chain = |extension: &&Value| {
        extension["url"].as_str().and_then(|url| url.strip_prefix(VOCABULARY)) == Some("chain")
    };
    let chain = event["extension"].as_array()?.iter().find(is_chain)?;
    let part = chain["extension"].as_array()?.iter().find(|part| part["url"] == url)?;
    ["valueString", "valueDecimal"].iter().find_map(|name| read(&part[*name]))
}
