//! The delimiters a message declares in MSH-1 and MSH-2 (HL7 v2.9.1 chapter 2, §2.5.4).

/// The characters that split a message into fields, repetitions, components and subcomponents.
///
/// `escape`, `subcomponent` and `truncation` may be absent: MSH-2 lists as many encoding characters as
/// the sender uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delimiters {
    /// MSH-1, usually `|`.
    pub field: u8,
    /// First character of MSH-2, usually `^`.
    pub component: u8,
    /// Second character of MSH-2, usually `~`.
    pub repetition: u8,
    /// Third character of MSH-2, usually `\`.
    pub escape: Option<u8>,
    /// Fourth character of MSH-2, usually `&`.
    pub subcomponent: Option<u8>,
    /// Fifth character of MSH-2 since version 2.7, usually `#`.
    pub truncation: Option<u8>,
}

impl Delimiters {
    /// `|^~\&`, what the standard recommends and what a header without MSH-2 is read with.
    pub const STANDARD: Self = Self {
        field: b'|',
        component: b'^',
        repetition: b'~',
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// Reads the delimiters from the start of a header segment (MSH, BHS or FHS, in either case), or
    /// gives `None` when the fourth byte cannot be a field delimiter.
    ///
    /// Encoding characters that MSH-2 does not give are those of [`Delimiters::STANDARD`] for component
    /// and repetition and absent for the rest; an entirely empty MSH-2 stands for the standard ones.
    ///
    /// ```
    /// use hl7::Delimiters;
    /// let delimiters = Delimiters::from_header(b"MSH#*~\\&#LAB").unwrap();
    /// assert_eq!((delimiters.field, delimiters.component), (b'#', b'*'));
    /// assert_eq!(Delimiters::from_header(b"MSHERRY"), None);
    /// ```
    pub fn from_header(header: &[u8]) -> Option<Self> {
        let field = *header.get(3)?;
        if !Self::can_delimit(field) {
            return None;
        }
        let encoding = Self::encoding_characters(header, field);
        if encoding.is_empty() {
            return Some(Self { field, ..Self::STANDARD });
        }
        let declared = |index: usize| {
            encoding
                .get(index)
                .copied()
                .filter(|&character| character != field && Self::can_delimit(character))
        };
        Some(Self {
            field,
            component: declared(0).unwrap_or(Self::STANDARD.component),
            repetition: declared(1).unwrap_or(Self::STANDARD.repetition),
            escape: declared(2),
            subcomponent: declared(3),
            truncation: declared(4),
        })
    }

    /// Whether a byte may serve as a delimiter: a printable ASCII character that is no letter, digit,
    /// blank or quote.
    pub fn can_delimit(byte: u8) -> bool {
        byte.is_ascii_punctuation() && byte != b'"'
    }

    /// The raw bytes of MSH-2 in a header segment whose field delimiter is `field`.
    pub(crate) fn encoding_characters(header: &[u8], field: u8) -> &[u8] {
        let rest = header.get(4..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|&byte| byte == field || matches!(byte, b'\r' | b'\n'))
            .unwrap_or(rest.len());
        &rest[..end]
    }
}
