//! Strict validation: a message held against its own version of the standard, all findings at once.
//!
//! The parser accepts whatever can be represented and warns of oddities. A feed that wants more has its
//! messages validated too: required fields and segments, cardinality, length, format, code tables and
//! conformance to the version that MSH-12 declares. Findings say where and what was expected, never what
//! stood there.

mod edition;
mod fields;
mod finding;
mod format;
mod header;
mod structure;

use crate::dictionary::Version;
use crate::warning::Place;
use crate::{Limits, Message, Outline};
use edition::Edition;
pub use finding::{Expected, Finding, FindingCode};

/// Findings of one message at most, so that a hostile one cannot fill the memory with them.
const MOST_FINDINGS: usize = 100_000;

/// Validates messages one after another, keeping what it has laid out of each version.
///
/// ```
/// let bytes = b"MSH|^~\\&|LAB|WEST|||20240102||ACK^A01|7|P|2.5\rMSA|AA|12\r";
/// let mut parser = hl7::Parser::default();
/// let mut validator = hl7::Validator::default();
/// assert_eq!(validator.validate(&parser.parse(bytes)?), []);
///
/// let bytes = b"MSH|^~\\&|LAB|WEST|||yesterday||ACK^A01|7|P|2.5\rMSA|AA\r";
/// let message = parser.parse(bytes)?;
/// let codes: Vec<_> = validator.validate(&message).iter().map(|finding| finding.code.as_str()).collect();
/// assert_eq!(codes, ["strict_format", "strict_required"]);
/// # Ok::<(), hl7::ParseError>(())
/// ```
#[derive(Debug, Default)]
pub struct Validator {
    outline: Outline,
    editions: [Option<Box<Edition>>; Version::ALL.len()],
    findings: Vec<Finding>,
    scratch: String,
}

impl Validator {
    /// Everything in which a message breaks the standard, in message order, up to 100,000 findings; nothing if
    /// it conforms.
    pub fn validate(&mut self, message: &Message<'_>) -> &[Finding] {
        let Self { outline, editions, findings, scratch } = self;
        let version = message.version();
        outline.trace(message, Limits::default().nesting);
        let edition = editions[version as usize].get_or_insert_with(|| Box::new(Edition::new(version)));
        findings.clear();
        let mut check = Check {
            message,
            version,
            edition,
            findings: core::mem::take(findings),
            scratch: core::mem::take(scratch),
        };
        check.message(outline);
        (*findings, *scratch) = (check.findings, check.scratch);
        findings.sort_by_key(|finding| (finding.place.segment_index, finding.offset));
        findings
    }
}

/// The validation of one message.
struct Check<'a> {
    message: &'a Message<'a>,
    version: Version,
    edition: &'a Edition,
    findings: Vec<Finding>,
    scratch: String,
}

impl Check<'_> {
    fn message(&mut self, outline: &Outline) {
        self.parser_warnings();
        self.delimiters();
        let structure = if self.message_type() { self.message.structure() } else { None };
        self.known_segments(structure, outline);
        if let Some(structure) = structure {
            self.groups(&structure, outline);
        }
        for segment in self.message.segments() {
            self.segment(&segment);
        }
    }

    fn add(&mut self, code: FindingCode, place: Place, offset: usize, expected: Expected) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding { code, place, offset, expected });
        }
    }

    /// Whether there is nothing but delimiters.
    fn is_empty(&self, raw: &[u8]) -> bool {
        let delimiters = self.message.delimiters();
        raw.iter().all(|byte| {
            *byte == delimiters.component
                || *byte == delimiters.repetition
                || Some(*byte) == delimiters.subcomponent
        })
    }

    fn segment_start(&self, segment_index: u32) -> usize {
        self.message.segment_at(segment_index as usize).map_or(0, |segment| segment.offset())
    }

    fn segment_end(&self, segment_index: u32) -> usize {
        let segment = self.message.segment_at(segment_index as usize);
        segment.map_or(0, |segment| segment.offset() + segment.raw().len())
    }

    /// Where a field begins; the end of its segment when that does not reach so far.
    fn field_offset(&self, segment_index: usize, number: usize) -> usize {
        let field = self.message.segment_at(segment_index).and_then(|segment| segment.field(number));
        field.map_or_else(|| self.segment_end(segment_index as u32), |field| field.offset())
    }

    /// Where a part of the message's bytes begins; `None` if it is none, or empty.
    fn offset_of(&self, part: &[u8]) -> Option<usize> {
        let offset = (part.as_ptr() as usize).checked_sub(self.message.bytes().as_ptr() as usize)?;
        (!part.is_empty() && offset < self.message.bytes().len()).then_some(offset)
    }
}
