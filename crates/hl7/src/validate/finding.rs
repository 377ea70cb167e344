//! What strict validation finds: a closed list of codes, where, and what the standard wants there. Never a value.

use core::fmt;

use crate::dictionary::Version;
use crate::warning::Place;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident => $text:literal, $section:literal;)*) => {
        /// What breaks the standard. The text of each code is stable: tables and scripts rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingCode { $($(#[doc = $doc])* $name,)* }

        impl FindingCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it stands in error reports and tables; it begins with `strict_`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Where the standard says so: the chapter and title of the section in HL7 v2.9.
            pub fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* }
            }
        }
    };
}

codes! {
    /// MSH-12 is empty or names no version of the standard. The message was held against the closest version.
    Version => "strict_version", "2.14.9.12 Version ID";
    /// MSH-2 lacks a delimiter that must be there, has too many characters, or has one twice.
    Delimiters => "strict_delimiters", "2.5.4 Message delimiters";
    /// The bytes are not in the charset of MSH-18, or MSH-18 names none that table 0211 has; without it a
    /// message is ASCII.
    Charset => "strict_charset", "2.14.9.18 Character set";
    /// An escape sequence is unfinished or malformed, or the escape character itself was not escaped.
    Escape => "strict_escape", "2.7 Use of escape sequences in text fields";
    /// A line that is no segment: a line break inside a field, blanks before a segment, an ID in lower case
    /// or followed by blanks.
    Line => "strict_line", "2.5.1 Segments";
    /// The version knows no such message: its code and trigger event, or the structure that MSH-9.3 names,
    /// or they do not belong together. Local ones, which begin with Z, are allowed.
    Structure => "strict_structure", "2.14.9.9 Message type";
    /// The version has no such segment. Z-segments are allowed anywhere.
    UnknownSegment => "strict_unknown_segment", "2.5.1 Segments";
    /// A segment where the structure does not have it.
    MisplacedSegment => "strict_misplaced_segment", "2.12 Chapter formats for defining HL7 messages";
    /// A segment that the structure, or a group that was begun, must have is absent.
    MissingSegment => "strict_missing_segment", "2.12 Chapter formats for defining HL7 messages";
    /// More repetitions of a field, a segment or a group than the version allows.
    Cardinality => "strict_cardinality", "2.5.3.5 Repetition";
    /// A field that must be valued is empty, or a component that must be where its field is valued.
    Required => "strict_required", "2.5.3.4 Optionality";
    /// A field or component that the version has withdrawn is valued.
    Withdrawn => "strict_withdrawn", "2.5.3.4 Optionality";
    /// A value of a primitive datatype is longer or shorter than the version allows. Composites are not
    /// measured: before 2.7 their lengths contradict those of their components, later they have none. Nor are
    /// fields of varying type, and codes of a table that HL7 defines: the table says how long they are.
    Length => "strict_length", "2.5.5.3 Length";
    /// A value that is not written as its datatype is: numbers, dates, times, codes.
    Format => "strict_format", "2A Data types";
    /// A code that is not in its table. Only tables that HL7 defines are checked, and only for the datatype
    /// ID; the codes of every version count, and local messages and events, which begin with Z.
    Table => "strict_table", "2.5.3.6 Table";
    /// A field beyond those that the version has.
    ExtraField => "strict_extra_field", "2.5.2 Fields";
    /// A component or subcomponent beyond those of the datatype in the version; delimiters in a text that has
    /// no components are that too, because they should have been escaped.
    ExtraComponent => "strict_extra_component", "2.5.3.3 Data type";
    /// The field that names the datatype of a value of varying type is empty, or what it names is no datatype
    /// of the version.
    ValueType => "strict_value_type", "7.4.2.2 Value type";
}

impl fmt::Display for FindingCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One breach of the standard: what, where, and what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub code: FindingCode,
    /// Where, in HL7 terms. Something missing is at the place where it should be; a missing segment is at the
    /// segment behind which it should stand.
    pub place: Place,
    /// Where, in bytes from the start of the message.
    pub offset: usize,
    /// What the standard wants there.
    pub expected: Expected,
}

/// What the standard wants at a place; `Display` says it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// Anything but nothing.
    Value,
    /// Nothing: the position is withdrawn.
    Nothing,
    /// A value written like this.
    Pattern(&'static str),
    /// As many characters.
    Length {
        /// The least number of characters.
        least: u32,
        /// The greatest number of characters.
        most: u32,
    },
    /// A code of a table.
    CodeOf {
        /// Number of the table.
        table: u16,
    },
    /// No more than so many, of fields, components, subcomponents, repetitions or segments.
    AtMost {
        /// How many.
        count: u16,
        /// What is counted, in the plural.
        of: &'static str,
    },
    /// A text without components or subcomponents: the datatype has none.
    Undivided {
        /// Code of the datatype.
        datatype: &'static str,
    },
    /// A segment, in a group, whose name is empty if it is the message itself.
    Segment {
        /// The ID.
        id: [u8; 3],
        /// Name of the group.
        group: &'static str,
    },
    /// A place that a structure has for this segment.
    PlaceIn {
        /// Name of the structure.
        structure: &'static str,
    },
    /// A segment, message or datatype that a version has.
    KnownIn {
        /// What should be known, in the singular and with its article.
        what: &'static str,
        /// The version.
        version: Version,
    },
    /// The name of a structure in MSH-9.3.
    StructureName(&'static str),
    /// The number of a version of the standard.
    VersionNumber,
}

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => formatter.write_str("a value"),
            Self::Nothing => formatter.write_str("no value: the position is withdrawn"),
            Self::Pattern(pattern) => formatter.write_str(pattern),
            Self::Length { least: 0 | 1, most } => write!(formatter, "at most {most} characters"),
            Self::Length { least, most } => write!(formatter, "{least} to {most} characters"),
            Self::CodeOf { table } => write!(formatter, "a code of table {table:04}"),
            Self::AtMost { count: 0, of } => write!(formatter, "no {of}"),
            Self::AtMost { count, of } => write!(formatter, "at most {count} {of}"),
            Self::Undivided { datatype } => {
                write!(formatter, "a value without components: the datatype is {datatype}")
            }
            Self::Segment { id, group } => {
                write!(formatter, "segment {}", str::from_utf8(id).unwrap_or("???"))?;
                if group.is_empty() { Ok(()) } else { write!(formatter, " of {group}") }
            }
            Self::PlaceIn { structure } => write!(formatter, "a segment that {structure} has here"),
            Self::KnownIn { what, version } => write!(formatter, "{what} of version {version}"),
            Self::StructureName(name) => formatter.write_str(name),
            Self::VersionNumber => {
                let [first, .., last] = Version::ALL;
                write!(formatter, "a version of the standard, {first} to {last}")
            }
        }
    }
}
