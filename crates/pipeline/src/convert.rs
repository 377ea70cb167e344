//! Convert: bytes to rows and documents, or to a reason. A pure function, run off the asynchronous threads.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use bytes::Bytes;
use hl7::json::TreeWriter;
use hl7::{Options, Parser, Validator};
use tables::{Envelope, StagingBuilder};

use crate::failure::{Failure, Reason};
use crate::{Receipt, Result};

/// How the messages of a feed are read.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Limits and charset.
    pub options: Options,
    /// Refuse a message that breaks its own version of the standard.
    pub strict: bool,
}

/// A batch of messages, converted.
#[derive(Debug)]
pub(crate) struct Converted {
    /// One row a message; the same order as `documents`.
    pub(crate) rows: RecordBatch,
    pub(crate) documents: Vec<Document>,
    pub(crate) failures: Vec<Failure>,
}

/// One message as a line of JSON, and where its bytes lie.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) receipt: Receipt,
    pub(crate) json: Vec<u8>,
}

/// Converts messages; what cannot be converted is in `failures`, the rest has a row each.
pub(crate) fn convert(messages: &[(Receipt, Bytes)], rules: &Rules) -> Result<Converted> {
    let mut faulty = vec![false; messages.len()];
    loop {
        match attempt(messages, rules, &faulty)? {
            Attempt::Done(converted) => return Ok(converted),
            // A row that was left half made spoils the batch: begin again without that message.
            Attempt::Panicked(position) => faulty[position] = true,
        }
    }
}

enum Attempt {
    Done(Converted),
    Panicked(usize),
}

fn attempt(messages: &[(Receipt, Bytes)], rules: &Rules, faulty: &[bool]) -> Result<Attempt> {
    let mut converter = Converter::new(rules);
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
    validator: Validator,
    writer: TreeWriter,
    rows: StagingBuilder,
    documents: Vec<Document>,
    failures: Vec<Failure>,
}

impl<'a> Converter<'a> {
    fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            parser: Parser::new(rules.options.clone()),
            validator: Validator::default(),
            writer: TreeWriter::default(),
            rows: StagingBuilder::new(),
            documents: Vec::new(),
            failures: Vec::new(),
        }
    }

    fn add(&mut self, receipt: &Receipt, bytes: &[u8]) -> Result<(), Reason> {
        let message = self.parser.parse(bytes)?;
        if self.rules.strict
            && let Some(reason) = Reason::strict(&message, self.validator.validate(&message))
        {
            return Err(reason);
        }
        let json = self.writer.write(&message).to_vec();
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
        self.documents.push(Document { receipt: receipt.clone(), json });
        Ok(())
    }

    fn fail(&mut self, receipt: &Receipt, bytes: &Bytes, reason: Reason) {
        self.failures.push(Failure { receipt: receipt.clone(), bytes: Some(bytes.clone()), reason });
    }

    fn finish(mut self) -> Result<Converted> {
        Ok(Converted { rows: self.rows.finish()?, documents: self.documents, failures: self.failures })
    }
}
