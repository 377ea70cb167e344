//! Nothing is lost on the way: what the engine says of a message is compared with a plain split of its bytes
//! that shares no code with it, over the project's own inputs and the public corpus.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use hl7::json::{Names, TreeWriter};
use hl7::{Address, Delimiters, Form, Message, Parser, Sink, Slot, Value, WarningCode};

/// Raw values with their addresses, by splitting alone: `(segment index, field, repetition, component,
/// subcomponent, bytes)`.
type PlainLeaf = (usize, usize, usize, usize, usize, Vec<u8>);

#[test]
fn leaves_equal_a_plain_split_of_the_bytes() {
    for (name, bytes) in inputs() {
        let mut parser = Parser::default();
        let Ok(message) = parser.parse(&bytes) else { continue };
        if message.charset().hides_delimiters() {
            continue;
        }
        let mut leaves = Vec::new();
        message.leaves(|at, value| {
            leaves.push((
                at.segment_index as usize,
                at.field as usize,
                at.repetition as usize,
                at.component as usize,
                at.subcomponent as usize,
                value.raw.to_vec(),
            ));
        });
        assert_eq!(leaves, plain_leaves(&message), "{name}");
    }
}

#[test]
fn the_walk_gives_every_leaf_a_place_or_leaves_it_unmapped() {
    let mut leaves_seen = 0;
    for (name, bytes) in inputs() {
        let mut parser = Parser::default();
        let Ok(message) = parser.parse(&bytes) else { continue };
        leaves_seen += assert_nothing_is_lost(&name, &message);
    }
    assert!(leaves_seen > 200);
}

/// Compares what the walk visits with the leaves, and counts these.
pub(crate) fn assert_nothing_is_lost(name: &str, message: &Message<'_>) -> usize {
    let mut leaves = BTreeSet::new();
    message.leaves(|_, value| {
        leaves.insert((value.offset, value.raw.len()));
    });
    let mut spans = Spans { delimiters: *message.delimiters(), ..Spans::default() };
    for segment in message.segments() {
        message.walk(segment.index(), &mut spans);
    }
    let missing: Vec<_> = leaves.difference(&spans.seen).collect();
    assert!(missing.is_empty(), "{name}: values at (offset, length) {missing:?} were not visited");
    let invented: Vec<_> =
        spans.seen.difference(&leaves).filter(|span| !spans.whole.contains(span)).collect();
    assert!(invented.is_empty(), "{name}: {invented:?} are no leaves");
    leaves.len()
}

#[test]
fn documents_hold_every_value_in_every_style() {
    let options = hl7::Options::default();
    for names in [Names::Canonical, Names::Standard, Names::Short] {
        let mut writer = TreeWriter::new(names, &options);
        for (name, bytes) in inputs() {
            let mut parser = Parser::default();
            let Ok(message) = parser.parse(&bytes) else { continue };
            let document: serde_json::Value = serde_json::from_slice(writer.write(&message)).unwrap();
            let mut held = HashMap::new();
            count_strings(&document, &mut held);
            let mut scratch = String::new();
            message.leaves(|at, value| {
                let text = message.text(value, &mut scratch).text;
                let count = held.get_mut(text).filter(|count| **count > 0);
                // A primitive value with delimiters in it stands there as a whole.
                let is_part = || held_whole(&document, text);
                match count {
                    Some(count) => *count -= 1,
                    None => assert!(
                        is_part(),
                        "{name}: segment {} field {} is missing",
                        at.segment_index,
                        at.field
                    ),
                }
            });
        }
    }
}

fn count_strings(value: &serde_json::Value, held: &mut HashMap<String, usize>) {
    match value {
        serde_json::Value::String(text) => *held.entry(text.clone()).or_default() += 1,
        serde_json::Value::Array(values) => values.iter().for_each(|value| count_strings(value, held)),
        serde_json::Value::Object(entries) => entries.values().for_each(|value| count_strings(value, held)),
        _ => {}
    }
}

fn held_whole(value: &serde_json::Value, part: &str) -> bool {
    match value {
        serde_json::Value::String(text) => text.len() > part.len() && text.contains(part),
        serde_json::Value::Array(values) => values.iter().any(|value| held_whole(value, part)),
        serde_json::Value::Object(entries) => entries.values().any(|value| held_whole(value, part)),
        _ => false,
    }
}

#[test]
fn a_message_in_normal_form_is_written_back_byte_for_byte() {
    let mut compared = 0;
    for (name, bytes) in inputs() {
        let mut parser = Parser::default();
        let Ok(message) = parser.parse(&bytes) else { continue };
        let has_other_line_ends = bytes.contains(&b'\n') || bytes.ends_with(b"\r\r");
        let is_normal = bytes.starts_with(b"MSH") && !has_other_line_ends && message.warnings().is_empty();
        if is_normal {
            let mut expected = bytes.clone();
            if !expected.ends_with(b"\r") {
                expected.push(b'\r');
            }
            assert_eq!(message.to_er7(), expected, "{name}");
            compared += 1;
        }
    }
    assert!(compared > 10, "only {compared} messages were in normal form");
}

struct Spans {
    delimiters: Delimiters,
    seen: BTreeSet<(usize, usize)>,
    /// Values with delimiters in them, which are kept whole beside their parts.
    whole: BTreeSet<(usize, usize)>,
}

impl Default for Spans {
    fn default() -> Self {
        Self { delimiters: Delimiters::STANDARD, seen: BTreeSet::new(), whole: BTreeSet::new() }
    }
}

impl Sink for Spans {
    fn value(&mut self, _: &Address, value: Value<'_>) {
        let span = (value.offset, value.raw.len());
        self.seen.insert(span);
        let Delimiters { component, subcomponent, .. } = self.delimiters;
        let divides = |byte: &u8| *byte == component || Some(*byte) == subcomponent;
        if value.form != Form::Literal && value.raw.iter().any(divides) {
            self.whole.insert(span);
        }
    }

    fn unmapped(&mut self, _: &Address, value: Value<'_>) {
        self.seen.insert((value.offset, value.raw.len()));
    }

    fn trailing_repetitions(&mut self, _: &'static Slot, _: u32) {}

    fn warn(&mut self, _: WarningCode, _: &Address, _: usize) {}
}

/// Segments as the engine found them, split by the declared delimiters and nothing else.
fn plain_leaves(message: &Message<'_>) -> Vec<PlainLeaf> {
    let delimiters = message.delimiters();
    let split = |bytes: &[u8], by: Option<u8>| -> Vec<Vec<u8>> {
        match by {
            Some(by) => bytes.split(|&byte| byte == by).map(<[u8]>::to_vec).collect(),
            None => vec![bytes.to_vec()],
        }
    };
    let mut leaves = Vec::new();
    for segment in message.segments() {
        let fields = split(segment.raw(), Some(delimiters.field));
        let is_header = matches!(&segment.id(), b"MSH" | b"FHS" | b"BHS");
        if is_header && fields.len() > 1 {
            leaves.push((segment.index(), 1, 1, 1, 1, vec![delimiters.field]));
        }
        for (position, field) in fields.iter().enumerate().skip(1) {
            let number = if is_header { position + 1 } else { position };
            if is_header && number == 2 {
                if !field.is_empty() {
                    leaves.push((segment.index(), 2, 1, 1, 1, field.clone()));
                }
                continue;
            }
            for (r, repetition) in split(field, Some(delimiters.repetition)).iter().enumerate() {
                for (c, component) in split(repetition, Some(delimiters.component)).iter().enumerate() {
                    for (s, value) in split(component, delimiters.subcomponent).iter().enumerate() {
                        if !value.is_empty() {
                            leaves.push((segment.index(), number, r + 1, c + 1, s + 1, value.clone()));
                        }
                    }
                }
            }
        }
    }
    leaves
}

fn inputs() -> Vec<(String, Vec<u8>)> {
    let mut inputs = own_inputs();
    let corpus = crate::corpus::messages().unwrap_or_default();
    inputs.extend(
        corpus.into_iter().enumerate().map(|(number, bytes)| (format!("corpus message {number}"), bytes)),
    );
    inputs
}

/// The inputs of the file pairs.
pub(crate) fn own_inputs() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/ok");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hl7"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect()
}
