//! Bytes to [`Message`]: one scan, then a look at each line and at MSH.

use crate::charset::{Charset, CharsetWarning, HiddenBytes};
use crate::dictionary::{self, Version};
use crate::error::{ParseError, ParseErrorKind};
use crate::lines::{self, Line};
use crate::marks::{Kind, Kinds};
use crate::message::{Header, Message, SegmentSpan};
use crate::scan::Index;
use crate::stream::Encoding;
use crate::structure_names::StructureNames;
use crate::warning::{Place, Warning, WarningCode};
use crate::{Delimiters, Options, charset};

/// Reads messages one after another in buffers that it keeps, so that after the first few no memory is
/// allocated any more.
///
/// Parsing never panics and refuses only what has no readable MSH or exceeds a limit; everything else is
/// read, with [warnings](Message::warnings) where it is odd.
pub struct Parser {
    options: Options,
    index: Index,
    spans: Vec<SegmentSpan>,
    warnings: Vec<Warning>,
    kinds: Kinds,
    delimiters: Delimiters,
    structure_names: StructureNames,
    /// The message in UTF-8 when it came in UTF-16.
    transcoded: String,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl Parser {
    /// A parser with the settings of one feed.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            index: Index::default(),
            spans: Vec::new(),
            warnings: Vec::new(),
            kinds: Kinds::new(&Delimiters::STANDARD),
            delimiters: Delimiters::STANDARD,
            structure_names: StructureNames::default(),
            transcoded: String::new(),
        }
    }

    /// Reads one message. Blanks, a byte order mark, NULs and framing before MSH and after the last segment
    /// are passed over.
    ///
    /// # Errors
    /// When there is no readable MSH at the start, or a limit is exceeded.
    pub fn parse<'a>(&'a mut self, bytes: &'a [u8]) -> Result<Message<'a>, ParseError> {
        if bytes.len() > self.options.limits.message_bytes.min(u32::MAX as usize - 64) {
            return Err(ParseError::new(ParseErrorKind::TooLong, self.options.limits.message_bytes));
        }
        let Self { options, index, spans, warnings, kinds, delimiters, structure_names, transcoded } = self;
        spans.clear();
        warnings.clear();
        let bytes = match utf16(bytes).and_then(|encoding| charset::utf16_to_utf8(bytes, encoding)) {
            Some(utf8) => {
                if utf8.replaced > 0 {
                    warnings.push(header_warning(WarningCode::UndecodableBytes, 0));
                }
                *transcoded = utf8.text;
                transcoded.as_bytes()
            }
            None => bytes,
        };

        let (body, found) = trimmed_body(bytes)?;
        if *delimiters != found {
            *delimiters = found;
            *kinds = Kinds::new(&found);
        }
        index.build(body, delimiters);
        let charset = settle_charset(body, delimiters, index.any_above_ascii(), options, warnings);
        if charset.hides_delimiters() {
            let mut hidden = HiddenBytes::new(charset, body, delimiters.escape);
            // Hidden bytes split nothing, but the text they are part of still has to be decoded.
            index.retain(body, |position| {
                !hidden.covers(position) || kinds.of(body[position]) == Kind::Special
            });
        }
        split_segments(body, index, options.limits.segments, spans, warnings)?;
        refuse_too_many_values(body, index.entries(), kinds, options.limits.values)?;

        let header = read_header(body, index.entries(), kinds, &spans[0]);
        warn_about_delimiters(body, delimiters, warnings);
        let version = settle_version(header.version, warnings);
        if header.control_id.is_empty() {
            warnings.push(header_warning(WarningCode::MissingControlId, 10));
        }
        let structure = structure_names.resolve(&header, version);
        if structure.is_none() {
            warnings.push(header_warning(WarningCode::UnknownStructure, 9));
        }
        Ok(Message {
            bytes: body,
            entries: index.entries(),
            kinds,
            spans,
            warnings,
            header,
            delimiters: *delimiters,
            charset,
            version,
            structure,
        })
    }
}

impl core::fmt::Debug for Parser {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Parser").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Counts delimiters only where there could be too many: entries of the index that delimit nothing are the rule in texts.
fn refuse_too_many_values(
    body: &[u8],
    entries: &[u32],
    kinds: &Kinds,
    most: usize,
) -> Result<(), ParseError> {
    if entries.len() <= most {
        return Ok(());
    }
    let mut delimiters =
        entries.iter().filter(|&&position| kinds.of(body[position as usize]) != Kind::Special);
    match delimiters.nth(most) {
        Some(&position) => Err(ParseError::new(ParseErrorKind::TooManyValues, position as usize)),
        None => Ok(()),
    }
}

/// The bytes from MSH to before the final line end, and the delimiters MSH declares.
fn trimmed_body(bytes: &[u8]) -> Result<(&[u8], Delimiters), ParseError> {
    let is_before =
        |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0x0B | 0x0C | 0xEF | 0xBB | 0xBF);
    let is_after = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0 | 0x0B | 0x1A | 0x1C);
    let start = bytes.iter().position(|byte| !is_before(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_after(byte)).map_or(start, |last| last + 1);
    let body = bytes.get(start..end).unwrap_or_default();
    let refuse = |kind| Err(ParseError::new(kind, start));
    if !body.first_chunk::<3>().is_some_and(|id| id.eq_ignore_ascii_case(b"MSH")) {
        return refuse(ParseErrorKind::NoHeader);
    }
    let Some(delimiters) = Delimiters::from_header(body) else {
        return refuse(if body.len() == 3 {
            ParseErrorKind::TruncatedHeader
        } else {
            ParseErrorKind::NoHeader
        });
    };
    let encoding = Delimiters::encoding_characters(body, delimiters.field);
    if body.get(4 + encoding.len()) != Some(&delimiters.field) {
        return refuse(ParseErrorKind::TruncatedHeader);
    }
    Ok((body, delimiters))
}

/// Raw MSH-18, found without the index because it decides how the index is to be read.
///
/// A field before it may hold bytes that look like the field delimiter and are halves of characters of the very
/// charset that is looked for. So a later field counts too, if by the charset it names it is the eighteenth.
fn declared_charset<'a>(body: &'a [u8], delimiters: &Delimiters) -> &'a [u8] {
    let line_end = memchr::memchr2(b'\r', b'\n', body).unwrap_or(body.len());
    let line = &body[..line_end];
    let delimiter = delimiters.field;
    let field_from = |start: usize| line[start..].split(|&byte| byte == delimiter).next().unwrap_or_default();
    // In front of MSH-18 stand seventeen delimiters.
    let mut starts = memchr::memchr_iter(delimiter, line).map(|at| at + 1).skip(16).peekable();
    let counted = starts.peek().map_or(&[][..], |&start| field_from(start));
    if line.is_ascii() && memchr::memchr(ESC, line).is_none() {
        return counted;
    }
    let names_itself = |start: &usize| {
        charset::declared(field_from(*start)).filter(|charset| charset.hides_delimiters()).is_some_and(
            |charset| {
                let mut hidden = HiddenBytes::new(charset, line, delimiters.escape);
                let is_true = |&at: &usize| line[at] == delimiter && !hidden.covers(at);
                (0..*start).filter(is_true).count() == 17
            },
        )
    };
    starts.take(MOST_HIDDEN).find(names_itself).map_or(counted, field_from)
}

/// How many delimiters may be hidden in MSH for MSH-18 still to be found.
const MOST_HIDDEN: usize = 64;

/// The layout of a message that is UTF-16 as a whole.
fn utf16(bytes: &[u8]) -> Option<Encoding> {
    match bytes.first_chunk::<4>()? {
        [0xFF, 0xFE, _, 0] | [b'M' | b'm', 0, b'S' | b's', 0] => Some(Encoding::Utf16Le),
        [0xFE, 0xFF, 0, _] | [0, b'M' | b'm', 0, b'S' | b's'] => Some(Encoding::Utf16Be),
        _ => None,
    }
}

/// Finds the segments: every line that begins like one.
fn split_segments(
    body: &[u8],
    index: &Index,
    limit: usize,
    spans: &mut Vec<SegmentSpan>,
    warnings: &mut Vec<Warning>,
) -> Result<(), ParseError> {
    let entries = index.entries();
    let Some(mut open) = lines::segment_start(body, 0) else {
        return Err(ParseError::new(ParseErrorKind::NoHeader, 0));
    };
    let mut first_entry = 0;
    let mut resume = 0;
    for &ordinal in index.lines() {
        let line_end = entries[ordinal as usize];
        if line_end < resume {
            continue;
        }
        match lines::next_line(body, line_end as usize) {
            Line::Segment(next) => {
                if spans.len() + 1 >= limit {
                    return Err(ParseError::new(ParseErrorKind::TooManySegments, next.start as usize));
                }
                push_span(open, line_end, (first_entry, ordinal), spans, warnings);
                first_entry = ordinal + 1;
                // Further line ends and whatever else stands before the first field delimiter.
                while entries.get(first_entry as usize).is_some_and(|&entry| entry < next.id_end) {
                    first_entry += 1;
                }
                resume = next.start;
                open = next;
            }
            Line::Continuation(start) => {
                resume = start;
                // An ID alone on its line has no field that text could continue: it is text itself.
                while body.get(open.id_end as usize) != body.get(3)
                    && let Some(before) = spans.pop()
                {
                    first_entry = before.entries.0;
                    open = lines::SegmentStart::again(&before, entries);
                }
                warn_once(warnings, WarningCode::ContinuedLine, spans.len() as u32 + 1, line_end as usize);
            }
            Line::End => {
                push_span(open, line_end, (first_entry, ordinal), spans, warnings);
                return Ok(());
            }
        }
    }
    push_span(open, body.len() as u32, (first_entry, entries.len() as u32), spans, warnings);
    Ok(())
}

fn push_span(
    open: lines::SegmentStart,
    end: u32,
    entries: (u32, u32),
    spans: &mut Vec<SegmentSpan>,
    warnings: &mut Vec<Warning>,
) {
    let definition = dictionary::segment(open.id);
    let segment_index = spans.len() as u32 + 1;
    let mut warn = |code| {
        warnings.push(Warning { code, place: Place::segment(segment_index), offset: open.start as usize });
    };
    if open.is_irregular {
        warn(WarningCode::IrregularSegmentId);
    }
    if open.has_leading_blanks {
        warn(WarningCode::LeadingBlanks);
    }
    match definition {
        None if open.id[0] != b'Z' => warn(WarningCode::UnknownSegment),
        Some(_) if open.id == *b"ADD" => warn(WarningCode::Addendum),
        _ => {}
    }
    spans.push(SegmentSpan { id: open.id, start: open.start, end, entries, definition });
}

/// Warns about a code at a segment unless that was the last thing warned about.
fn warn_once(warnings: &mut Vec<Warning>, code: WarningCode, segment_index: u32, offset: usize) {
    let place = Place::segment(segment_index);
    if !warnings.last().is_some_and(|last| last.code == code && last.place == place) {
        warnings.push(Warning { code, place, offset });
    }
}

/// Picks the values of MSH that decide how the message is treated.
fn read_header<'a>(body: &'a [u8], entries: &'a [u32], kinds: &'a Kinds, span: &SegmentSpan) -> Header<'a> {
    let mut header = Header::default();
    let mut cursor = crate::marks::Cursor::new(body, entries, kinds, span);
    for number in 2..=18 {
        if cursor.next_kind() == Kind::End {
            break;
        }
        cursor.pass();
        let mut inside = cursor;
        let whole = cursor.read(Kind::Field).value;
        if number == 2 || whole.raw.is_empty() {
            continue;
        }
        let first = inside.read(Kind::Subcomponent).value;
        let first = first.raw.trim_ascii();
        match number {
            3 => header.sending_application = first,
            4 => header.sending_facility = first,
            7 => header.time = first,
            9 => {
                header.message_code = first;
                header.trigger_event = next_component(&mut inside);
                header.structure = next_component(&mut inside);
            }
            10 => header.control_id = first,
            12 => header.version = first,
            18 => header.charset = whole.raw,
            _ => {}
        }
    }
    header
}

/// The first subcomponent of the component behind the one the cursor stands in, or nothing.
fn next_component<'a>(cursor: &mut crate::marks::Cursor<'a>) -> &'a [u8] {
    cursor.read(Kind::Component);
    if cursor.next_kind() != Kind::Component {
        return &[];
    }
    cursor.pass();
    cursor.read(Kind::Subcomponent).value.raw.trim_ascii()
}

fn warn_about_delimiters(body: &[u8], delimiters: &Delimiters, warnings: &mut Vec<Warning>) {
    let encoding = Delimiters::encoding_characters(body, delimiters.field);
    if encoding.is_empty() {
        warnings.push(header_warning(WarningCode::MissingEncodingCharacters, 2));
    }
    let repeated = (1..encoding.len()).any(|at| encoding[..at].contains(&encoding[at]));
    if repeated {
        warnings.push(header_warning(WarningCode::AmbiguousDelimiters, 2));
    }
    if !encoding.is_empty() && encoding.iter().any(|&character| !Delimiters::can_delimit(character)) {
        warnings.push(header_warning(WarningCode::UnusableDelimiters, 2));
    } else if !encoding.is_empty() && delimiters.escape.is_none() {
        warnings.push(header_warning(WarningCode::MissingEscapeCharacter, 2));
    }
}

/// Decides how the bytes are read, which has to come first: in some charsets a byte that looks like a
/// delimiter is half of a character.
fn settle_charset(
    body: &[u8],
    delimiters: &Delimiters,
    any_above_ascii: bool,
    options: &Options,
    warnings: &mut Vec<Warning>,
) -> Charset {
    let declared = declared_charset(body, delimiters);
    if !any_above_ascii && declared.is_empty() && memchr::memchr(ESC, body).is_none() {
        return options.default_charset.unwrap_or(Charset::Ascii);
    }
    let detection = charset::detect(declared, body, options.default_charset);
    if let Some(warning) = detection.warning {
        let code = match warning {
            CharsetWarning::Undeclared => WarningCode::UndeclaredCharset,
            CharsetWarning::Unknown => WarningCode::UnknownCharset,
            CharsetWarning::Wrong => WarningCode::WrongCharset,
        };
        warnings.push(header_warning(code, 18));
    }
    detection.charset
}

/// The byte that begins the escape sequences of ISO 2022.
const ESC: u8 = 0x1B;

fn settle_version(declared: &[u8], warnings: &mut Vec<Warning>) -> Version {
    Version::parse(declared).unwrap_or_else(|| {
        let code =
            if declared.is_empty() { WarningCode::MissingVersion } else { WarningCode::UnknownVersion };
        warnings.push(header_warning(code, 12));
        Version::closest(declared)
    })
}

fn header_warning(code: WarningCode, field: u32) -> Warning {
    Warning { code, place: Place { segment_index: 1, field, ..Place::default() }, offset: 0 }
}
