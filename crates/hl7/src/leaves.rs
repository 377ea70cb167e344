//! Every value of a message as a line of its own: a split by the delimiters alone, whatever the datatype.
//!
//! One leaf is `OBX[2]-5[1].1.1<TAB>value`: segment and which of its kind, field, repetition, component,
//! subcomponent. Empty ones are left out; line ends, tabs and backslashes in values are written `\n`, `\r`,
//! `\t`, `\\`.

use std::collections::HashMap;

use crate::Message;
use crate::marks::{Form, Kind, Value};
use crate::message::SegmentSpan;
use crate::segment::is_header;

/// Where a leaf stands, all numbers from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafAddress {
    /// The segment ID in upper case.
    pub segment: [u8; 3],
    /// Position of the segment in the message.
    pub segment_index: u32,
    /// Which of the segments of this ID it is.
    pub occurrence: u32,
    /// Field number.
    pub field: u32,
    /// Repetition number.
    pub repetition: u32,
    /// Component number.
    pub component: u32,
    /// Subcomponent number.
    pub subcomponent: u32,
}

impl Message<'_> {
    /// Visits every value that is not empty, in the order sent.
    pub fn leaves(&self, mut visit: impl FnMut(&LeafAddress, Value<'_>)) {
        let mut occurrences = Occurrences::default();
        for (ordinal, span) in self.spans.iter().enumerate() {
            let at = LeafAddress {
                segment: span.id,
                segment_index: ordinal as u32 + 1,
                occurrence: occurrences.next(span.id),
                field: 0,
                repetition: 1,
                component: 1,
                subcomponent: 1,
            };
            self.segment_leaves(span, at, &mut visit);
        }
    }

    /// Which of the segments of its ID each segment is, from 1, in the order sent.
    pub fn occurrences(&self) -> Vec<u32> {
        let mut occurrences = Occurrences::default();
        self.spans.iter().map(|span| occurrences.next(span.id)).collect()
    }

    /// Appends the leaves as lines of text, each ending in a line feed.
    pub fn write_leaves(&self, out: &mut String) {
        let mut scratch = String::new();
        self.leaves(|at, value| {
            let id = str::from_utf8(&at.segment).unwrap_or("???");
            let LeafAddress { occurrence, field, repetition, component, subcomponent, .. } = at;
            let address =
                format_args!("{id}[{occurrence}]-{field}[{repetition}].{component}.{subcomponent}\t")
                    .to_string();
            out.push_str(&address);
            for character in self.text(value, &mut scratch).text.chars() {
                match character {
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    '\\' => out.push_str("\\\\"),
                    other => out.push(other),
                }
            }
            out.push('\n');
        });
    }

    fn segment_leaves(
        &self,
        span: &SegmentSpan,
        mut at: LeafAddress,
        visit: &mut impl FnMut(&LeafAddress, Value<'_>),
    ) {
        let mut cursor = self.cursor(span);
        if is_header(span.id) && cursor.next_kind() == Kind::Field {
            let delimiter = cursor.position();
            let raw = self.bytes.get(delimiter..=delimiter).unwrap_or_default();
            at.field = 1;
            visit(&at, Value { raw, offset: delimiter, form: Form::Literal });
            cursor.pass();
            at.field = 2;
            let encoding = cursor.read(Kind::Field).value;
            if !encoding.raw.is_empty() {
                visit(&at, Value { form: Form::Literal, ..encoding });
            }
        }
        loop {
            match cursor.next_kind() {
                Kind::Field => {
                    at = LeafAddress {
                        field: at.field + 1,
                        repetition: 1,
                        component: 1,
                        subcomponent: 1,
                        ..at
                    };
                }
                Kind::Repetition => {
                    at = LeafAddress { repetition: at.repetition + 1, component: 1, subcomponent: 1, ..at };
                }
                Kind::Component => at = LeafAddress { component: at.component + 1, subcomponent: 1, ..at },
                Kind::Subcomponent => at.subcomponent += 1,
                Kind::Special | Kind::End => return,
            }
            cursor.pass();
            let value = cursor.read(Kind::Subcomponent).value;
            if !value.raw.is_empty() {
                visit(&at, value);
            }
        }
    }
}

/// Counts the segments of each ID.
#[derive(Debug, Default)]
struct Occurrences {
    /// The first few IDs: searching them is quicker than hashing, and a usual message has no others.
    first: Vec<([u8; 3], u32)>,
    others: HashMap<[u8; 3], u32>,
}

const SEARCHED: usize = 32;

impl Occurrences {
    /// Which of its ID the next segment is, from 1.
    fn next(&mut self, id: [u8; 3]) -> u32 {
        let count = match self.first.iter().position(|(seen, _)| *seen == id) {
            Some(at) => &mut self.first[at].1,
            None if self.first.len() < SEARCHED => {
                self.first.push((id, 0));
                let last = self.first.len() - 1;
                &mut self.first[last].1
            }
            None => self.others.entry(id).or_default(),
        };
        *count += 1;
        *count
    }
}
