//! What of the public corpus has no named place, by cause. A value at a position that any version names must
//! have one, save those that the rulings send to `unmapped`.

use std::collections::BTreeMap;

use hl7::dictionary::{self, Version};
use hl7::{Address, Parser, Sink, Slot, Value, WarningCode};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// A Z-segment.
    ZSegment,
    /// A segment that no version has.
    UnknownSegment,
    /// A field beyond those of any version.
    ExtraField,
    /// A component or subcomponent beyond those that any version gave the position.
    ExtraComponent,
    /// A repetition of a field that no version lets repeat.
    ExcessRepetition,
    /// Delimiters in a primitive value, kept whole beside its parts.
    StrayDelimiter,
    /// A component that a ruling sends to `unmapped`.
    Ruled,
    /// A position that some version names: must not happen.
    Named,
}

#[derive(Default)]
struct Tally {
    segment: Option<&'static dictionary::Segment>,
    id: [u8; 3],
    values: usize,
    causes: BTreeMap<Cause, usize>,
    named: BTreeMap<String, usize>,
}

impl Sink for Tally {
    fn value(&mut self, _: &Address, _: Value<'_>) {
        self.values += 1;
    }

    fn unmapped(&mut self, at: &Address, _: Value<'_>) {
        let cause = self.cause(at);
        *self.causes.entry(cause).or_default() += 1;
        if cause == Cause::Named {
            let id = String::from_utf8_lossy(&self.id).into_owned();
            let place = format!("{id}-{}.{}.{}", at.field, at.component, at.subcomponent);
            *self.named.entry(place).or_default() += 1;
        }
    }

    fn trailing_repetitions(&mut self, _: &'static Slot, _: u32) {}

    fn warn(&mut self, _: WarningCode, _: &Address, _: usize) {}
}

impl Tally {
    fn cause(&self, at: &Address) -> Cause {
        let Some(segment) = self.segment else {
            return if self.id[0] == b'Z' { Cause::ZSegment } else { Cause::UnknownSegment };
        };
        let Some(field) = at.field_slot else { return Cause::ExtraField };
        if at.repetition > 1 && !field.repeats() {
            return Cause::ExcessRepetition;
        }
        let is_text = |slot: &Slot| slot.datatype().is_primitive() || slot.datatype().is_varies();
        let innermost = at.component_slot.unwrap_or(field);
        if innermost.keeps_first_component() || field.is_remapped() {
            return Cause::Ruled;
        }
        if is_text(innermost) && (at.value_type.is_none() || at.component_slot.is_some()) {
            return Cause::StrayDelimiter;
        }
        if is_named(segment, at) { Cause::Named } else { Cause::ExtraComponent }
    }
}

/// Whether any version names the component or subcomponent an address stands at.
fn is_named(segment: &dictionary::Segment, at: &Address) -> bool {
    Version::ALL.into_iter().any(|version| {
        let datatype = match at.value_type {
            Some(value_type) => Some(value_type.code()),
            None => dictionary::field_in(version, segment, at.field as usize).map(|field| field.datatype),
        };
        let component =
            datatype.and_then(|datatype| dictionary::component_in(version, datatype, at.component as usize));
        match (component, at.subcomponent) {
            (None, _) => false,
            (Some(_), 1) => true,
            (Some(component), number) => {
                dictionary::component_in(version, component.datatype, number as usize).is_some()
            }
        }
    })
}

#[test]
fn nothing_of_the_corpus_that_a_version_names_is_unmapped() {
    let Some(messages) = crate::corpus::messages() else { return };
    let mut parser = Parser::default();
    let mut tally = Tally::default();
    for bytes in &messages {
        let Ok(message) = parser.parse(bytes) else { continue };
        for segment in message.segments() {
            tally.segment = segment.definition();
            tally.id = segment.id();
            message.walk(segment.index(), &mut tally);
        }
    }
    println!("{} messages, {} values with a named place; unmapped by cause:", messages.len(), tally.values);
    for (cause, count) in &tally.causes {
        println!("  {cause:?}: {count}");
    }
    assert!(tally.values > 100_000, "the corpus was not read");
    assert!(tally.named.is_empty(), "named positions in unmapped: {:#?}", tally.named);
}
