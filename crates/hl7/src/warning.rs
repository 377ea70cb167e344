//! Oddities of a message that was read all the same: a closed list of codes, with where they stand.

use core::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident => $text:literal,)*) => {
        /// What is odd. The text of each code is stable: tables and scripts rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum WarningCode { $($(#[doc = $doc])* $name,)* }

        impl WarningCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it stands in tables, JSON and reports, in snake_case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// MSH-2 is empty: the standard's encoding characters are assumed.
    MissingEncodingCharacters => "missing_encoding_characters",
    /// Two delimiters are the same character: the outer one wins.
    AmbiguousDelimiters => "ambiguous_delimiters",
    /// MSH-2 has letters, digits, blanks or quotes, which delimit nothing.
    UnusableDelimiters => "unusable_delimiters",
    /// MSH-2 declares no escape character: no value can hold a delimiter.
    MissingEscapeCharacter => "missing_escape_character",
    /// A line that does not begin like a segment continues the field before it.
    ContinuedLine => "continued_line",
    /// A segment stands behind leading blanks.
    LeadingBlanks => "leading_blanks",
    /// A segment ID is in lower case or followed by blanks.
    IrregularSegmentId => "irregular_segment_id",
    /// MSH-12 is empty: the newest version is assumed.
    MissingVersion => "missing_version",
    /// MSH-12 names no version of the standard: the closest one is assumed.
    UnknownVersion => "unknown_version",
    /// Neither MSH-9.3 nor the trigger event names a structure of the standard: segments stay ungrouped.
    UnknownStructure => "unknown_structure",
    /// MSH-10 is empty.
    MissingControlId => "missing_control_id",
    /// MSH-18 is empty, but the message is not ASCII: the charset was detected.
    UndeclaredCharset => "undeclared_charset",
    /// MSH-18 names a charset that is not known here: the charset was detected.
    UnknownCharset => "unknown_charset",
    /// The bytes are not in the charset that MSH-18 declares: the charset was detected.
    WrongCharset => "wrong_charset",
    /// A value holds bytes that its charset does not explain: it was read as windows-1252.
    UndecodableBytes => "undecodable_bytes",
    /// An escape sequence is unfinished or malformed and was left as sent.
    MalformedEscape => "malformed_escape",
    /// The standard knows no such segment.
    UnknownSegment => "unknown_segment",
    /// A segment stands where the structure does not have it.
    MisplacedSegment => "misplaced_segment",
    /// ADD continues the last field of the segment before it.
    Addendum => "addendum",
    /// A field beyond those of the segment in any version.
    ExtraField => "extra_field",
    /// A component or subcomponent beyond those of the datatype in any version.
    ExtraComponent => "extra_component",
    /// A repetition of a field that no version lets repeat.
    ExcessRepetition => "excess_repetition",
    /// Delimiters inside a value of a primitive datatype.
    StrayDelimiter => "stray_delimiter",
    /// A component that later versions no longer have, or have elsewhere.
    RetiredComponent => "retired_component",
    /// The field that names the datatype of a value of varying type is empty: the value is text.
    MissingValueType => "missing_value_type",
    /// The field that names the datatype of a value of varying type names none: the value is text.
    UnknownValueType => "unknown_value_type",
    /// The message speaks of several patients.
    SeveralPatients => "several_patients",
}

impl fmt::Display for WarningCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One oddity: its code and the place it stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What is odd.
    pub code: WarningCode,
    /// Where, in HL7 terms.
    pub place: Place,
    /// Where, in bytes from the start of the message.
    pub offset: usize,
}

/// A numeric place in one message: which segment, and how far down into it. Zero means "not that deep".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Position of the segment in the message, from 1; 0 speaks of the message as a whole.
    pub segment_index: u32,
    /// Field number, from 1.
    pub field: u32,
    /// Repetition number, from 1.
    pub repetition: u32,
    /// Component number, from 1.
    pub component: u32,
    /// Subcomponent number, from 1.
    pub subcomponent: u32,
}

impl Place {
    /// The place of a whole segment.
    pub fn segment(segment_index: u32) -> Self {
        Self { segment_index, ..Self::default() }
    }
}
