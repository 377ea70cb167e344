//! A parsed message: borrowed bytes, and where its segments and delimiters stand in them.

use crate::charset::Charset;
use crate::dictionary::{self, Structure, Version};
use crate::marks::{Cursor, Kinds};
use crate::{Delimiters, Segment, Warning};

/// One HL7 v2 message, read but not copied: it borrows the bytes it was parsed from and the
/// [`Parser`](crate::Parser) that read it.
///
/// ```
/// let bytes = b"MSH|^~\\&|LAB|WEST|||20240102||ORU^R01|7|P|2.5\rPID|1||P1^^^WEST||DOE^JANE\r";
/// let mut parser = hl7::Parser::default();
/// let message = parser.parse(bytes).unwrap();
/// assert_eq!(message.header().control_id, b"7");
/// assert_eq!(message.structure_name(), "ORU_R01");
/// let pid = message.segments().nth(1).unwrap();
/// assert_eq!(pid.field(5).unwrap().raw(), b"DOE^JANE");
/// ```
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) entries: &'a [u32],
    pub(crate) kinds: &'a Kinds,
    pub(crate) spans: &'a [SegmentSpan],
    pub(crate) warnings: &'a [Warning],
    pub(crate) header: Header<'a>,
    pub(crate) delimiters: Delimiters,
    pub(crate) charset: Charset,
    pub(crate) version: Version,
    pub(crate) structure: Option<Structure>,
}

/// Where one segment stands. Positions count bytes from the M of MSH.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentSpan {
    /// The segment ID in upper case.
    pub(crate) id: [u8; 3],
    /// Position of the first letter of the ID.
    pub(crate) start: u32,
    /// Position just past the last byte, line end excluded.
    pub(crate) end: u32,
    /// Ordinals of the index entries inside the segment, the one of its first field delimiter first.
    pub(crate) entries: (u32, u32),
    /// The segment in the dictionary; `None` for Z-segments and unknown ones.
    pub(crate) definition: Option<&'static dictionary::Segment>,
}

/// The values of MSH that decide how a message is treated, raw: the first component of each field, as sent.
#[derive(Clone, Copy, Default)]
pub struct Header<'a> {
    /// MSH-3.1
    pub sending_application: &'a [u8],
    /// MSH-4.1
    pub sending_facility: &'a [u8],
    /// MSH-7.1
    pub time: &'a [u8],
    /// MSH-9.1, such as `ADT`
    pub message_code: &'a [u8],
    /// MSH-9.2, such as `A01`
    pub trigger_event: &'a [u8],
    /// MSH-9.3, such as `ADT_A01`; often not sent
    pub structure: &'a [u8],
    /// MSH-10
    pub control_id: &'a [u8],
    /// MSH-12.1
    pub version: &'a [u8],
    /// MSH-18 with all its repetitions
    pub charset: &'a [u8],
}

impl<'a> Message<'a> {
    /// The message's bytes, from the M of MSH to before the final line end.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What MSH says.
    pub fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// The delimiters that MSH-1 and MSH-2 declare.
    pub fn delimiters(&self) -> &Delimiters {
        &self.delimiters
    }

    /// How the message's bytes are read as text.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// The version of the standard in MSH-12, or the closest one there is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The structure the segments are grouped by, if the standard has one for the message.
    pub fn structure(&self) -> Option<Structure> {
        self.structure
    }

    /// The name of the structure, such as `ADT_A01`: that of the standard, else what MSH-9.3 says if it is
    /// plain ASCII, else empty.
    pub fn structure_name(&self) -> &'a str {
        match self.structure {
            Some(structure) => structure.name(),
            None if self.header.structure.is_ascii() => {
                str::from_utf8(self.header.structure).unwrap_or_default()
            }
            None => "",
        }
    }

    /// The segments in the order they were sent.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'a>> + use<'a> {
        let message = *self;
        (0..self.spans.len()).map(move |ordinal| Segment::new(message, ordinal))
    }

    /// The segment at a position, from 1.
    pub fn segment_at(&self, segment_index: usize) -> Option<Segment<'a>> {
        let ordinal = segment_index.checked_sub(1).filter(|&ordinal| ordinal < self.spans.len())?;
        Some(Segment::new(*self, ordinal))
    }

    /// What was odd about the message as a whole and its lines.
    pub fn warnings(&self) -> &'a [Warning] {
        self.warnings
    }

    pub(crate) fn cursor(&self, span: &SegmentSpan) -> Cursor<'a> {
        Cursor::new(self.bytes, self.entries, self.kinds, span)
    }
}

impl core::fmt::Debug for Message<'_> {
    /// Sizes only: a message must not reach a log by way of `{:?}`.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Message")
            .field("bytes", &self.bytes.len())
            .field("segments", &self.spans.len())
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for Header<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Header").finish_non_exhaustive()
    }
}
