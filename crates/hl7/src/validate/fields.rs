//! Fields and what is in them, held against the message's own version.

use super::edition::{Position, exact_datatype};
use super::finding::{Expected, FindingCode};
use super::{Check, format};
use crate::dictionary::{Datatype, Optionality, Version};
use crate::marks::Value;
use crate::segment::Part;
use crate::warning::{Place, WarningCode};
use crate::{Field, Segment};

/// From here on a length is the standard's way of saying that there is no limit.
const UNLIMITED: u32 = 65_535;

/// The number of MSH-12, of which [`FindingCode::Version`] speaks.
const VERSION_ID: usize = 12;

impl Check<'_> {
    pub(super) fn segment(&mut self, segment: &Segment<'_>) {
        let Some(definition) = segment.definition() else { return };
        let positions = self.edition.fields(definition);
        if positions.is_empty() {
            return;
        }
        let is_header = segment.is_header();
        let mut sent = segment.fields();
        for (ordinal, position) in positions.iter().enumerate() {
            let field = sent.next();
            if is_header && (ordinal < 2 || (ordinal + 1 == VERSION_ID && !self.is_version_known())) {
                continue;
            }
            match (field, position) {
                (Some(field), Some(position)) if !self.is_empty(field.raw()) => {
                    let companion = definition.field(ordinal + 1).map_or(0, |slot| slot.companion());
                    self.field(segment, &field, position, companion);
                }
                (field, Some(position)) => {
                    let offset = field.map_or(segment.offset() + segment.raw().len(), |field| field.offset());
                    let place = self.place(segment, ordinal + 1);
                    self.absent(position, place, offset);
                }
                (Some(field), None) => self.extra_field(segment, &field, positions.len()),
                (None, None) => {}
            }
        }
        // QPD and RDT end in a parameter or column of any type, and go on "in successive fields".
        let is_open = positions.last().copied().flatten().is_some_and(|last| last.datatype.is_varies())
            && definition.field(positions.len()).is_some_and(|slot| slot.companion() == 0);
        for field in sent.filter(|_| !is_open) {
            self.extra_field(segment, &field, positions.len());
        }
    }

    fn is_version_known(&self) -> bool {
        Version::parse(self.message.header().version).is_some()
    }

    fn place(&self, segment: &Segment<'_>, field: usize) -> Place {
        Place {
            segment_index: segment.index() as u32,
            field: field as u32,
            repetition: 1,
            ..Place::default()
        }
    }

    fn absent(&mut self, position: &Position, place: Place, offset: usize) {
        if position.definition.optionality == Optionality::Required {
            self.add(FindingCode::Required, place, offset, Expected::Value);
        }
    }

    fn extra_field(&mut self, segment: &Segment<'_>, field: &Field<'_>, count: usize) {
        if !self.is_empty(field.raw()) {
            let place = self.place(segment, field.number());
            let expected = Expected::AtMost { count: count as u16, of: "fields" };
            self.add(FindingCode::ExtraField, place, field.offset(), expected);
        }
    }

    fn field(&mut self, segment: &Segment<'_>, field: &Field<'_>, position: &Position, companion: usize) {
        let mut place = self.place(segment, field.number());
        if position.definition.optionality == Optionality::Withdrawn {
            self.add(FindingCode::Withdrawn, place, field.offset(), Expected::Nothing);
            return;
        }
        let varies = position.datatype.is_varies();
        let datatype = if varies {
            match self.value_type(segment, field, companion) {
                Some(datatype) => datatype,
                None => return,
            }
        } else {
            position.datatype
        };
        let most = position.definition.max;
        for (ordinal, repetition) in field.repetitions().enumerate() {
            place.repetition = ordinal as u32 + 1;
            if self.is_empty(repetition.raw()) {
                continue;
            }
            if place.repetition == u32::from(most) + 1 && most != u16::MAX {
                let expected = Expected::AtMost { count: most, of: "repetitions" };
                self.add(FindingCode::Cardinality, place, repetition.offset(), expected);
            }
            self.content(datatype, (!varies).then_some(position), &repetition, place);
        }
    }

    /// The datatype that the companion field names; `None` when there is none to check against.
    fn value_type(
        &mut self,
        segment: &Segment<'_>,
        field: &Field<'_>,
        companion: usize,
    ) -> Option<&'static Datatype> {
        if companion == 0 || field.raw() == b"\"\"" {
            return None;
        }
        let named = segment.field(companion)?;
        let code = named.repetition(1)?.part(1)?.raw().trim_ascii();
        let version = self.version;
        let found = exact_datatype(code)
            .filter(|datatype| datatype.is_primitive() || !self.edition.components(datatype).is_empty());
        if found.is_none() {
            let place = self.place(segment, companion);
            let expected = Expected::KnownIn { what: "a datatype", version };
            self.add(FindingCode::ValueType, place, named.offset(), expected);
        }
        found
    }

    /// A repetition, component or subcomponent that is not empty.
    fn content(
        &mut self,
        datatype: &'static Datatype,
        position: Option<&Position>,
        part: &Part<'_>,
        place: Place,
    ) {
        if part.raw() == b"\"\"" {
            return;
        }
        if datatype.is_primitive() {
            self.primitive(datatype, position, part, place);
        } else if !datatype.is_varies() {
            self.composite(datatype, part, place);
        }
    }

    fn composite(&mut self, datatype: &'static Datatype, part: &Part<'_>, place: Place) {
        let edition = self.edition;
        let positions = edition.components(datatype);
        let at = |number: usize| match place.component {
            0 => Place { component: number as u32, ..place },
            _ => Place { subcomponent: number as u32, ..place },
        };
        let is_subcomponent = place.component != 0;
        let mut sent = part.parts();
        for (ordinal, position) in positions.iter().enumerate() {
            let place = at(ordinal + 1);
            match (sent.next(), position) {
                (Some(inner), Some(position)) if !self.is_empty(inner.raw()) => {
                    if position.definition.optionality == Optionality::Withdrawn {
                        self.add(FindingCode::Withdrawn, place, inner.offset(), Expected::Nothing);
                        continue;
                    }
                    if is_subcomponent && !position.datatype.is_primitive() {
                        continue;
                    }
                    self.content(position.datatype, Some(position), &inner, place);
                }
                (inner, Some(position)) => {
                    // Component tables say what is required since 2.5.
                    if self.version >= Version::V2_5 {
                        let end = part.offset() + part.raw().len();
                        self.absent(position, place, inner.map_or(end, |inner| inner.offset()));
                    }
                }
                (Some(inner), None) => self.extra_component(&inner, place, positions.len()),
                (None, None) => {}
            }
        }
        let beyond = sent.enumerate().find(|(_, inner)| !self.is_empty(inner.raw()));
        if let Some((ordinal, inner)) = beyond {
            self.extra_component(&inner, at(positions.len() + ordinal + 1), positions.len());
        }
    }

    fn extra_component(&mut self, part: &Part<'_>, place: Place, count: usize) {
        if !self.is_empty(part.raw()) {
            let of = if place.subcomponent == 0 { "components" } else { "subcomponents" };
            let expected = Expected::AtMost { count: count as u16, of };
            self.add(FindingCode::ExtraComponent, place, part.offset(), expected);
        }
    }

    fn primitive(
        &mut self,
        datatype: &'static Datatype,
        position: Option<&Position>,
        part: &Part<'_>,
        place: Place,
    ) {
        if let Some((inner, place)) = self.division(part, place) {
            // What 2.1 calls CM has components that it does not name.
            if datatype.code() != "CM" && !self.is_observation_suffix(place) {
                let expected = Expected::Undivided { datatype: datatype.code() };
                self.add(FindingCode::ExtraComponent, place, inner, expected);
            }
            return;
        }
        let Some(leaf) = innermost(part) else { return };
        if leaf.raw.is_empty() || leaf.raw == b"\"\"" {
            return;
        }
        let mut scratch = core::mem::take(&mut self.scratch);
        let text = self.message.text(leaf, &mut scratch);
        match text.oddity {
            Some(WarningCode::MalformedEscape) => {
                let expected =
                    Expected::Pattern("a complete escape sequence, or the escape character escaped");
                self.add(FindingCode::Escape, place, leaf.offset, expected);
            }
            Some(_) => {
                let expected = Expected::Pattern("text in the charset of the message");
                self.add(FindingCode::Charset, place, leaf.offset, expected);
            }
            None => {}
        }
        if let Some(position) = position {
            self.length(position, text.text, leaf.offset, place);
        }
        if let Some(pattern) = format::violated(datatype.code(), self.version, text.text) {
            self.add(FindingCode::Format, place, leaf.offset, Expected::Pattern(pattern));
        } else if let Some(table) = position.and_then(|position| position.table) {
            let code = text.text.trim_end_matches(' ');
            if !is_local_code(table.number(), code) && !table.contains(code) {
                let expected = Expected::CodeOf { table: table.number() };
                self.add(FindingCode::Table, place, leaf.offset, expected);
            }
        }
        self.scratch = scratch;
    }

    /// The code in OBX-3 may carry a suffix behind a subcomponent delimiter (7.1.3, "Suffixes for defining
    /// observation IDs").
    fn is_observation_suffix(&self, place: Place) -> bool {
        let segment = self.message.segment_at(place.segment_index as usize);
        (place.field, place.component) == (3, 1) && segment.is_some_and(|segment| segment.id() == *b"OBX")
    }

    /// Where a value that should have no parts has a second one that is not empty.
    fn division(&self, part: &Part<'_>, place: Place) -> Option<(usize, Place)> {
        for (ordinal, inner) in part.parts().enumerate() {
            let number = ordinal as u32 + 1;
            let place = match place.component {
                0 => Place { component: number, ..place },
                _ => Place { subcomponent: number, ..place },
            };
            if number > 1 && !self.is_empty(inner.raw()) {
                return Some((inner.offset(), place));
            }
            if place.subcomponent == 0
                && let Some(found) = self.division(&inner, place)
            {
                return Some(found);
            }
        }
        None
    }

    /// Only of primitive datatypes: the lengths that versions before 2.7 give composites contradict those of
    /// their components, and later ones give none.
    fn length(&mut self, position: &Position, text: &str, offset: usize, place: Place) {
        let Some((least, most)) = position.definition.length else { return };
        if most >= UNLIMITED || position.table.is_some() {
            return;
        }
        let characters = text.chars().count();
        if characters > most as usize || characters < least as usize {
            self.add(FindingCode::Length, place, offset, Expected::Length { least, most });
        }
    }
}

/// Codes that a table of HL7 leaves to others: messages, events and structures that begin with Z; and coding
/// systems by the number of an HL7 table, an ISO standard or a local list.
fn is_local_code(table: u16, code: &str) -> bool {
    let digits = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    match table {
        3 | 76 | 354 => code.starts_with('Z'),
        396 => {
            code.strip_prefix("HL7").is_some_and(digits)
                || code.strip_prefix("ISO").is_some_and(digits)
                || code
                    .strip_prefix("99")
                    .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        }
        _ => false,
    }
}

/// The first leaf of a part that has no second one.
fn innermost<'a>(part: &Part<'a>) -> Option<Value<'a>> {
    match part.part(1) {
        Some(inner) => innermost(&inner),
        None => Some(part.value()),
    }
}
