//! File pairs: `testdata/ok/NAME.hl7` beside `NAME.tree` (where everything stands) and `NAME.json` (the
//! document), `testdata/err/NAME.hl7` beside `NAME.error`. `UPDATE_EXPECT=1 cargo test` rewrites the
//! expectations.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use hl7::{Address, Message, Options, Outline, Parser, Sink, Slot, Value, WarningCode};

#[test]
fn what_can_be_read() {
    let files = inputs("ok");
    assert!(files.len() > 20, "found only {} inputs", files.len());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let mut parser = Parser::default();
        let message = parser.parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        expect_file![file.with_extension("tree")].assert_eq(&tree(&message));
        expect_file![file.with_extension("json")].assert_eq(&document(&message));
    }
}

#[test]
fn what_cannot_be_read() {
    let files = inputs("err");
    assert!(files.len() > 5, "found only {} inputs", files.len());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let error = Parser::default().parse(&bytes).map(|_| ()).unwrap_err();
        let shown = format!("error: {error}\nhint: {}\n", error.hint());
        expect_file![file.with_extension("error")].assert_eq(&shown);
    }
}

fn inputs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hl7"))
        .collect();
    files.sort();
    files
}

fn document(message: &Message<'_>) -> String {
    let mut writer = hl7::json::TreeWriter::default();
    let value: serde_json::Value =
        serde_json::from_slice(writer.write(message)).expect("the document is JSON");
    format!("{value:#}\n")
}

fn tree(message: &Message<'_>) -> String {
    let mut outline = Outline::default();
    outline.trace(message, Options::default().limits.nesting);
    let mut out = format!(
        "structure {:?}, version {}, charset {}\n",
        message.structure_name(),
        message.version().as_str(),
        message.charset().name()
    );
    let mut listing =
        Listing { message, out: String::new(), warnings: String::new(), segment: String::new() };
    for (segment, outlined) in message.segments().zip(outline.segments()) {
        let id = String::from_utf8(segment.id().to_vec()).unwrap();
        let group = group_path(&outline, outlined.group);
        writeln!(
            listing.out,
            "{} {id}{}{} parent {} patient {}",
            segment.index(),
            if group.is_empty() { String::new() } else { format!(" in {group}") },
            if outlined.is_placed { "" } else { ", not placed," },
            outlined.parent_index,
            outlined.patient_index,
        )
        .unwrap();
        listing.segment = format!("{id}[{}]", segment.occurrence());
        message.walk(segment.index(), &mut listing);
    }
    let Listing { out: values, warnings, .. } = listing;
    out.push_str(&values);
    for warning in message.warnings().iter().chain(outline.warnings()) {
        writeln!(
            out,
            "warning {} in segment {} at byte {}",
            warning.code, warning.place.segment_index, warning.offset
        )
        .unwrap();
    }
    out.push_str(&warnings);
    out
}

/// `PATIENT_RESULT[1].PATIENT[1]`, each counted among the groups of its name in its parent.
fn group_path(outline: &Outline, group: usize) -> String {
    if group == 0 {
        return String::new();
    }
    let this = outline.groups()[group];
    let earlier = outline.groups()[1..=group]
        .iter()
        .filter(|other| other.parent == this.parent && other.name == this.name)
        .count();
    let above = group_path(outline, this.parent);
    let dot = if above.is_empty() { "" } else { "." };
    format!("{above}{dot}{}[{earlier}]", this.name)
}

struct Listing<'m> {
    message: &'m Message<'m>,
    out: String,
    warnings: String,
    segment: String,
}

impl Sink for Listing<'_> {
    fn value(&mut self, at: &Address, value: Value<'_>) {
        let mut name = at.field_slot.map_or("?", Slot::name).to_owned();
        if at.field_slot.is_some_and(Slot::repeats) {
            write!(name, "[{}]", at.repetition).unwrap();
        }
        for part in [
            at.value_type.map(|datatype| datatype.key()),
            at.component_slot.map(Slot::name),
            at.subcomponent_slot.map(Slot::name),
        ]
        .into_iter()
        .flatten()
        {
            write!(name, ".{part}").unwrap();
        }
        let text = self.message.text(value, &mut String::new()).text.to_owned();
        writeln!(self.out, "  {name} = {text:?}").unwrap();
    }

    fn unmapped(&mut self, at: &Address, value: Value<'_>) {
        let text = self.message.text(value, &mut String::new()).text.to_owned();
        let Address { field, repetition, component, subcomponent, .. } = at;
        writeln!(self.out, "  unmapped {field}[{repetition}].{component}.{subcomponent} = {text:?}").unwrap();
    }

    fn trailing_repetitions(&mut self, field: &'static Slot, count: u32) {
        writeln!(self.out, "  {} has {count} repetitions", field.name()).unwrap();
    }

    fn warn(&mut self, code: WarningCode, at: &Address, offset: usize) {
        writeln!(
            self.warnings,
            "warning {code} at {}-{}[{}] byte {offset}",
            self.segment, at.field, at.repetition
        )
        .unwrap();
    }
}
