//! Every value that the system Carelake follows kept of its own sample messages is kept here too, at the
//! corresponding place. That system's answers lie beside the repository, in the folder that `CARELAKE_ORACLE`
//! names; the test says so when they do not.

use std::path::{Path, PathBuf};

use hl7::dictionary::{self, Resolved};
use hl7::{Address, Message, Parser, Sink, Slot, Value, WarningCode};

/// Where a value is not found at the corresponding place, and why: file, path in the answer, reason.
const EXPECTED_DEVIATIONS: &[(&str, &str, &str)] = &[
    (
        "cases/50_short_line_segment.hl7",
        "PV1.PATIENT_CLASS",
        "a line that is no segment was dropped; here it continues the value before it",
    ),
    (
        "cases/51_wrapped_line.hl7",
        "PID.PATIENT_NAME.GIVEN_NAME",
        "the rest of a wrapped line was dropped; here it continues the value before it",
    ),
    (
        "cases/80_v28_pid3_pid4.hl7",
        "PID.PATIENT_IDENTIFIER_LIST.ID_NUMBER",
        "2.8 calls PID-3 and PID-4 the same, and they were merged; here they stay apart",
    ),
    (
        "samples/lab02.txt",
        "PID.DATE_OF_BIRTH.DEGREE_OF_PRECISION",
        "withdrawn with the datatype TS; here it is unmapped",
    ),
];

#[test]
fn nothing_is_lost_that_was_kept_before() {
    let Some(folder) = folder() else { return };
    let answers = std::fs::read_to_string(folder.join("goldens.jsonl")).unwrap();
    let (mut messages, mut values) = (0, 0);
    let mut unexplained = Vec::new();
    let mut explained = vec![false; EXPECTED_DEVIATIONS.len()];
    for line in answers.lines() {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = answer["file"].as_str().unwrap();
        let pieces = pieces(&std::fs::read_to_string(folder.join(file)).unwrap_or_default());
        for staged in answer["messages"].as_array().unwrap().iter().filter(|one| one["zone"] == "staging") {
            let piece = &pieces[staged["n"].as_u64().unwrap() as usize - 1];
            let mut parser = Parser::default();
            let message = parser.parse(piece.as_bytes()).unwrap();
            let mut ours = Collected::of(&message);
            messages += 1;
            for kept in kept_values(&staged["json"]) {
                values += 1;
                if ours.take(&kept) {
                    continue;
                }
                let path = kept.path();
                match EXPECTED_DEVIATIONS.iter().position(|(at, place, _)| *at == file && *place == path) {
                    Some(known) => explained[known] = true,
                    None => unexplained.push(format!("{file}: {path}")),
                }
            }
        }
    }
    println!("{values} values of {messages} messages compared");
    assert!(messages > 50 && values > 1_000);
    assert!(unexplained.is_empty(), "{} not found:\n{}", unexplained.len(), unexplained.join("\n"));
    for ((file, path, _), is_seen) in EXPECTED_DEVIATIONS.iter().zip(explained) {
        assert!(is_seen, "{file}: {path} is as expected: strike it from the list");
    }
}

#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seed-oracle");
    let folder = std::env::var_os("CARELAKE_ORACLE").map_or(beside, PathBuf::from);
    if folder.join("goldens.jsonl").is_file() {
        return Some(folder);
    }
    println!("skipped: no answers at {}", folder.display());
    None
}

/// That system's way to cut a file: line feeds that end empty lines dropped, then at the letters MSH.
fn pieces(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').filter(|line| *line != "\n").collect();
    let text = lines.concat().replace("\r\n", "\r").replace('\n', "\r");
    text.split("MSH").filter(|piece| !piece.is_empty()).map(|piece| format!("MSH{piece}")).collect()
}

/// One value of an answer: the segment ID, the long names below it, and the text.
struct Kept {
    segment: String,
    names: Vec<String>,
    text: String,
}

impl Kept {
    fn path(&self) -> String {
        format!("{}.{}", self.segment, self.names.join("."))
    }
}

/// The values of a document, without the groups around the segments.
fn kept_values(document: &serde_json::Value) -> Vec<Kept> {
    let mut kept = Vec::new();
    gather(document, &mut Vec::new(), &mut kept);
    kept
}

fn gather(at: &serde_json::Value, names: &mut Vec<String>, kept: &mut Vec<Kept>) {
    match at {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                names.push(name.clone());
                gather(member, names, kept);
                names.pop();
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| gather(item, names, kept)),
        serde_json::Value::String(text) if !text.is_empty() => {
            let segment = names.iter().position(|name| name.len() == 3).unwrap();
            kept.push(Kept {
                segment: names[segment].clone(),
                names: names[segment + 1..].to_vec(),
                text: comparable(text),
            });
        }
        _ => {}
    }
}

/// Without the escapes of the escape character that the other system adds where a text has a backslash, and
/// without the blanks that it takes from the end of a segment.
fn comparable(text: &str) -> String {
    text.replace("\\E\\", "\\").trim_end().to_owned()
}

/// Our values of a message that no kept one has been matched with.
struct Collected {
    values: Vec<Ours>,
    /// Repetitions and components as sent. Where the other system kept the whole of what has parts in our shape,
    /// such as a coded OBX-5, it is the parts that we have.
    wholes: Vec<Ours>,
    segment: String,
}

struct Ours {
    segment: String,
    field: usize,
    component: Option<usize>,
    subcomponent: Option<usize>,
    text: String,
}

impl Collected {
    fn of(message: &Message<'_>) -> Self {
        let mut collected = Self { values: Vec::new(), wholes: Vec::new(), segment: String::new() };
        for segment in message.segments() {
            collected.segment = String::from_utf8(segment.id().to_vec()).unwrap();
            message.walk(segment.index(), &mut collected);
            for field in segment.fields() {
                for repetition in field.repetitions() {
                    collected.add_whole(field.number(), None, repetition.raw());
                    for (ordinal, component) in repetition.parts().enumerate() {
                        collected.add_whole(field.number(), Some(ordinal + 1), component.raw());
                    }
                }
            }
        }
        collected
    }

    fn add_whole(&mut self, field: usize, component: Option<usize>, raw: &[u8]) {
        if raw.iter().any(|byte| matches!(byte, b'^' | b'&')) {
            let (segment, text) = (self.segment.clone(), comparable(&String::from_utf8_lossy(raw)));
            self.wholes.push(Ours { segment, field, component, subcomponent: None, text });
        }
    }

    /// Whether a value stands at the corresponding place; each of ours answers for one of theirs.
    fn take(&mut self, kept: &Kept) -> bool {
        let places = places(kept);
        let is_it = |ours: &Ours| {
            ours.segment == kept.segment
                && ours.text == kept.text
                && places.iter().any(|(field, component, subcomponent)| {
                    // A value that has no parts in one shape is the first part in the other.
                    *field == ours.field
                        && component.unwrap_or(1) == ours.component.unwrap_or(1)
                        && subcomponent.unwrap_or(1) == ours.subcomponent.unwrap_or(1)
                })
        };
        for among in [&mut self.values, &mut self.wholes] {
            if let Some(found) = among.iter().position(is_it) {
                among.swap_remove(found);
                return true;
            }
        }
        false
    }
}

impl Sink for Collected {
    fn value(&mut self, at: &Address, value: Value<'_>) {
        self.values.push(Ours {
            segment: self.segment.clone(),
            field: at.field as usize,
            component: at.component_slot.map(Slot::number),
            subcomponent: at.subcomponent_slot.map(Slot::number),
            text: comparable(&String::from_utf8_lossy(value.raw)),
        });
    }

    fn unmapped(&mut self, _at: &Address, _value: Value<'_>) {}

    fn trailing_repetitions(&mut self, _field: &'static Slot, _count: u32) {}

    fn warn(&mut self, _code: WarningCode, _at: &Address, _offset: usize) {}
}

/// The field, component and subcomponent numbers that the long names may mean.
fn places(kept: &Kept) -> Vec<(usize, Option<usize>, Option<usize>)> {
    let id: [u8; 3] = kept.segment.as_bytes().try_into().unwrap();
    let Some(segment) = dictionary::segment(id) else { return Vec::new() };
    let Some(field_name) = kept.names.first() else { return Vec::new() };
    let mut places = Vec::new();
    for field in slots(dictionary::resolve_field(segment, field_name)) {
        let Some(component_name) = kept.names.get(1) else {
            places.push((field.number(), None, None));
            continue;
        };
        let components = slots(dictionary::resolve_component(field, component_name));
        if components.is_empty() && field.datatype().is_primitive() {
            places.push((field.number(), None, None));
        }
        for component in components {
            let Some(name) = kept.names.get(2) else {
                places.push((field.number(), Some(component.number()), None));
                continue;
            };
            let subcomponents = slots(dictionary::resolve_component(component, name));
            if subcomponents.is_empty() && component.datatype().is_primitive() {
                places.push((field.number(), Some(component.number()), None));
            }
            for subcomponent in subcomponents {
                places.push((field.number(), Some(component.number()), Some(subcomponent.number())));
            }
        }
    }
    places
}

fn slots(resolved: Resolved) -> Vec<&'static Slot> {
    match resolved {
        Resolved::Slot(slot) => vec![slot],
        Resolved::Ambiguous(slots) => slots,
        Resolved::Unknown { .. } => Vec::new(),
    }
}
