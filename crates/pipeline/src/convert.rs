//! Convert: bytes to rows and documents, or to a reason. A pure function, run off the asynchronous threads.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use bytes::Bytes;
use hl7::charset::Charset;
use hl7::json::TreeWriter;
use hl7::{Options, Parser, Validator};
use object_store::path::Path;
use tables::{Envelope, StagingBuilder};

use crate::documents::{Document, Documents};
use crate::failure::{Failure, Reason};
use crate::{MessageId, Receipt, Result};

/// How the messages of a feed are read.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Limits and charset.
    pub options: Options,
    /// Refuse a message that breaks its own version of the standard.
    pub strict: bool,
}

impl Rules {
    /// The same for what was received before: whether it is too long was judged then, by the limit of then. It is no longer than what
    /// can be parsed at all.
    pub(crate) fn of_received(&self) -> Self {
        let mut rules = self.clone();
        rules.options.limits.message_bytes = u32::MAX as usize;
        rules
    }
}

/// A batch of messages, converted.
#[derive(Debug)]
pub(crate) struct Converted {
    /// One row a message.
    pub(crate) rows: RecordBatch,
    /// The ids of the rows, in their order.
    pub(crate) ids: Vec<MessageId>,
    /// The keys of the documents that say the same in JSON.
    pub(crate) documents: Vec<Path>,
    pub(crate) failures: Vec<Failure>,
}

/// Converts messages; what cannot be converted is in `failures`, the rest has a row each, and a line in one of
/// the documents, which are handed to `put` as they fill.
///
/// A message is held to the standard if the rules or its receipt say so.
pub(crate) fn convert(
    messages: &[(Receipt, Bytes)],
    rules: &Rules,
    put: &mut dyn FnMut(Document),
) -> Result<Converted> {
    let mut faulty = vec![false; messages.len()];
    loop {
        match attempt(messages, rules, &faulty, put)? {
            Attempt::Done(converted) => return Ok(converted),
            // A row that was left half made spoils the batch: begin again without that message. Documents that
            // were full before are made again as they were.
            Attempt::Panicked(position) => faulty[position] = true,
        }
    }
}

enum Attempt {
    Done(Converted),
    Panicked(usize),
}

fn attempt(
    messages: &[(Receipt, Bytes)],
    rules: &Rules,
    faulty: &[bool],
    put: &mut dyn FnMut(Document),
) -> Result<Attempt> {
    let mut converter = Converter::new(rules, put);
    for (position, (receipt, bytes)) in messages.iter().enumerate() {
        if faulty[position] {
            converter.fail(receipt, bytes, Reason::internal());
            continue;
        }
        let added = catch_unwind(AssertUnwindSafe(|| converter.add(receipt, bytes)));
        match added {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => converter.fail(receipt, bytes, reason),
            Err(_) => return Ok(Attempt::Panicked(position)),
        }
    }
    Ok(Attempt::Done(converter.finish()?))
}

struct Converter<'a> {
    rules: &'a Rules,
    parser: Parser,
    /// For feeds whose messages are in a charset that they do not declare.
    parsers: HashMap<String, Parser>,
    validator: Validator,
    writer: TreeWriter,
    rows: StagingBuilder,
    ids: Vec<MessageId>,
    documents: Documents<'a>,
    failures: Vec<Failure>,
}

impl<'a> Converter<'a> {
    fn new(rules: &'a Rules, put: &'a mut dyn FnMut(Document)) -> Self {
        Self {
            rules,
            parser: Parser::new(rules.options.clone()),
            parsers: HashMap::new(),
            validator: Validator::default(),
            writer: TreeWriter::default(),
            rows: StagingBuilder::new(),
            ids: Vec::new(),
            documents: Documents::new(put),
            failures: Vec::new(),
        }
    }

    fn add(&mut self, receipt: &Receipt, bytes: &[u8]) -> Result<(), Reason> {
        let parser = match &receipt.charset {
            None => &mut self.parser,
            Some(name) => self.parsers.entry(name.clone()).or_insert_with(|| {
                let default_charset = Charset::from_name(name.as_bytes());
                Parser::new(Options { default_charset, ..self.rules.options.clone() })
            }),
        };
        let message = parser.parse(bytes)?;
        if (self.rules.strict || receipt.strict)
            && let Some(reason) = Reason::strict(&message, self.validator.validate(&message))
        {
            return Err(reason);
        }
        self.documents.add(receipt, self.writer.write(&message));
        let id = receipt.message_id.to_string();
        let envelope = Envelope {
            message_id: &id,
            feed: &receipt.feed,
            received_at: receipt.received_at,
            sequence: receipt.sequence,
            raw_key: receipt.raw_key.as_ref(),
            raw_offset: receipt.raw_offset.cast_signed(),
            raw_length: receipt.raw_length.cast_signed(),
            sha256: &receipt.sha256,
        };
        self.rows.append(&envelope, &message);
        self.ids.push(receipt.message_id);
        Ok(())
    }

    fn fail(&mut self, receipt: &Receipt, bytes: &Bytes, reason: Reason) {
        self.failures.push(Failure { receipt: receipt.clone(), bytes: Some(bytes.clone()), reason });
    }

    fn finish(mut self) -> Result<Converted> {
        Ok(Converted {
            rows: self.rows.finish()?,
            ids: self.ids,
            documents: self.documents.finish()?,
            failures: self.failures,
        })
    }
}
