//! What MSH promises about the whole message: delimiters, charset, version and kind of message; and the lines.

use super::Check;
use super::finding::{Expected, FindingCode};
use crate::dictionary::{self, Version};
use crate::warning::{Place, WarningCode};

impl Check<'_> {
    /// Takes up what the parser found odd and the standard forbids.
    pub(super) fn parser_warnings(&mut self) {
        for warning in self.message.warnings() {
            let (code, expected) = match warning.code {
                WarningCode::MissingVersion | WarningCode::UnknownVersion => {
                    (FindingCode::Version, Expected::VersionNumber)
                }
                WarningCode::UndeclaredCharset => {
                    (FindingCode::Charset, Expected::Pattern("a charset of table 0211, or ASCII throughout"))
                }
                WarningCode::UnknownCharset => (FindingCode::Charset, Expected::CodeOf { table: 211 }),
                WarningCode::WrongCharset | WarningCode::UndecodableBytes => {
                    (FindingCode::Charset, Expected::Pattern("text in the charset that MSH-18 declares"))
                }
                WarningCode::ContinuedLine => {
                    (FindingCode::Line, Expected::Pattern("a segment ID at the start of the line"))
                }
                WarningCode::LeadingBlanks => {
                    (FindingCode::Line, Expected::Pattern("no blanks before the segment ID"))
                }
                WarningCode::IrregularSegmentId => (
                    FindingCode::Line,
                    Expected::Pattern("three characters in upper case, then the field delimiter"),
                ),
                _ => continue,
            };
            let mut offset = warning.offset;
            if warning.place.field > 0 {
                offset =
                    self.field_offset(warning.place.segment_index as usize, warning.place.field as usize);
            }
            self.add(code, warning.place, offset, expected);
        }
    }

    /// MSH-2: component, repetition, escape and subcomponent, the last two only where they are used, and the
    /// truncation character from 2.7 on; all different.
    pub(super) fn delimiters(&mut self) {
        let Some(field) = self.message.segment_at(1).and_then(|header| header.field(2)) else { return };
        let (most, pattern) = if self.version < Version::V2_7 {
            (4, "two to four different characters, ^~\\& by preference")
        } else {
            (5, "two to five different characters, ^~\\&# by preference")
        };
        let characters = field.raw();
        let is_good = (2..=most).contains(&characters.len())
            && characters.iter().enumerate().all(|(position, character)| {
                crate::Delimiters::can_delimit(*character) && !characters[..position].contains(character)
            });
        if !is_good {
            let place = Place { segment_index: 1, field: 2, ..Place::default() };
            self.add(FindingCode::Delimiters, place, field.offset(), Expected::Pattern(pattern));
        }
    }

    /// Whether the version has the message, and MSH-9.3 names its structure. Tells whether the segments can be
    /// held against the structure.
    pub(super) fn message_type(&mut self) -> bool {
        let header = *self.message.header();
        let version = self.version;
        let is_local = |code: &[u8]| matches!(code.first(), Some(b'Z' | b'z'));
        if header.message_code.is_empty() || is_local(header.message_code) || is_local(header.trigger_event) {
            return false;
        }
        let place =
            |component| Place { segment_index: 1, field: 9, repetition: 1, component, subcomponent: 0 };
        let offset = |part: &[u8]| self.offset_of(part).unwrap_or_else(|| self.field_offset(1, 9));
        let meant = match header.message_code {
            b"ACK" => Some("ACK"),
            code => dictionary::structure_for_event(code, header.trigger_event, version),
        };
        let Some(structure) = self.message.structure() else {
            let offset = offset(header.message_code);
            let expected = Expected::KnownIn { what: "a message type and trigger event", version };
            self.add(FindingCode::Structure, place(1), offset, expected);
            return false;
        };
        if !dictionary::has_structure(structure.name().as_bytes(), version) {
            let is_declared = !header.structure.is_empty();
            if !is_declared && meant.is_some_and(|name| dictionary::has_structure(name.as_bytes(), version)) {
                // The version knows the event, but its segments are better read by another version's structure.
                return false;
            }
            let at = if is_declared { (3, header.structure) } else { (1, header.message_code) };
            let what = if is_declared { "a structure" } else { "a message type and trigger event" };
            let offset = offset(at.1);
            self.add(FindingCode::Structure, place(at.0), offset, Expected::KnownIn { what, version });
            return false;
        }
        if let Some(name) = meant
            && !header.structure.is_empty()
            && header.structure != name.as_bytes()
            && dictionary::has_structure(name.as_bytes(), version)
        {
            let offset = offset(header.structure);
            self.add(FindingCode::Structure, place(3), offset, Expected::StructureName(name));
        }
        true
    }
}
