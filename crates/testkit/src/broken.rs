//! Messages as real senders spoil them. Each fault takes a whole message and gives the bytes that would arrive.

/// A way to spoil a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// LF after each segment.
    LineFeeds,
    /// CR and LF after each segment.
    CarriageReturnsAndLineFeeds,
    /// CR, LF and CRLF by turns.
    MixedLineEnds,
    /// A text value broken over several lines.
    WrappedLines,
    /// Segment ids in lower case, but for MSH.
    LowerCaseIds,
    /// Blank lines, NULs and blanks between the segments, a byte order mark before them.
    Blanks,
    /// Delimiters of the sender's own choice, declared in MSH-1 and MSH-2.
    OwnDelimiters,
    /// The body keeps the standard delimiters though MSH-2 declares others.
    WrongDelimiters,
    /// OBX-2 names a type nobody knows.
    UnknownValueType,
    /// OBX-2 is empty.
    MissingValueType,
    /// MSH-9 is empty.
    MissingMessageType,
    /// A Latin-1 byte in a message that declares UTF-8.
    WrongCharset,
    /// A segment with more fields, and a field with more components, than any version has.
    TooManyFields,
    /// The PID comes last.
    MisplacedSegment,
    /// Ends in the middle of a segment, without a terminator.
    CutShort,
    /// Only the first bytes of the header are left: no message can be made of it.
    TruncatedHeader,
    /// No message at all.
    Junk,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::LineFeeds,
        Self::CarriageReturnsAndLineFeeds,
        Self::MixedLineEnds,
        Self::WrappedLines,
        Self::LowerCaseIds,
        Self::Blanks,
        Self::OwnDelimiters,
        Self::WrongDelimiters,
        Self::UnknownValueType,
        Self::MissingValueType,
        Self::MissingMessageType,
        Self::WrongCharset,
        Self::TooManyFields,
        Self::MisplacedSegment,
        Self::CutShort,
        Self::TruncatedHeader,
        Self::Junk,
    ];

    /// Whether a tolerant reader can still make a message of it.
    pub fn is_readable(self) -> bool {
        !matches!(self, Self::TruncatedHeader | Self::Junk)
    }

    /// A name for files.
    pub fn name(self) -> &'static str {
        match self {
            Self::LineFeeds => "line-feeds",
            Self::CarriageReturnsAndLineFeeds => "crlf",
            Self::MixedLineEnds => "mixed-line-ends",
            Self::WrappedLines => "wrapped-lines",
            Self::LowerCaseIds => "lower-case-ids",
            Self::Blanks => "blanks",
            Self::OwnDelimiters => "own-delimiters",
            Self::WrongDelimiters => "wrong-delimiters",
            Self::UnknownValueType => "unknown-value-type",
            Self::MissingValueType => "missing-value-type",
            Self::MissingMessageType => "missing-message-type",
            Self::WrongCharset => "wrong-charset",
            Self::TooManyFields => "too-many-fields",
            Self::MisplacedSegment => "misplaced-segment",
            Self::CutShort => "cut-short",
            Self::TruncatedHeader => "truncated-header",
            Self::Junk => "junk",
        }
    }
}

/// The message as it would arrive with this fault. `message` must have the standard delimiters and CR ends.
pub fn spoil(message: &str, fault: Fault) -> Vec<u8> {
    match fault {
        Fault::LineFeeds => message.replace('\r', "\n").into_bytes(),
        Fault::CarriageReturnsAndLineFeeds => message.replace('\r', "\r\n").into_bytes(),
        Fault::MixedLineEnds => mixed_line_ends(message),
        Fault::WrappedLines => message.replace(". ", ".\n").replace("^99LAB", "^99LAB\nlocal").into_bytes(),
        Fault::LowerCaseIds => lower_case_ids(message),
        Fault::Blanks => {
            format!("\u{FEFF}  \r\n{}\0\0\r \r", message.replace("\rPV1", "\r\r\n  \rPV1")).into_bytes()
        }
        Fault::OwnDelimiters => own_delimiters(message),
        Fault::WrongDelimiters => message.replacen("|^~\\&|", "|:+?*|", 1).into_bytes(),
        Fault::UnknownValueType => message.replace("|NM|", "|QQ|").into_bytes(),
        Fault::MissingValueType => message.replace("|NM|", "||").into_bytes(),
        Fault::MissingMessageType => without_message_type(message),
        Fault::WrongCharset => wrong_charset(message),
        Fault::TooManyFields => message.replacen("\rPV1|1|", "^a^b^c^d^e^f|x&y|z\rPV1|1|", 1).into_bytes(),
        Fault::MisplacedSegment => misplaced(message),
        Fault::CutShort => message[..message.len() * 2 / 3].trim_end_matches('\r').as_bytes().to_vec(),
        Fault::TruncatedHeader => b"MSH|^\r".to_vec(),
        Fault::Junk => b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n".to_vec(),
    }
}

fn mixed_line_ends(message: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, segment) in message.split_terminator('\r').enumerate() {
        bytes.extend_from_slice(segment.as_bytes());
        bytes.extend_from_slice(["\r", "\n", "\r\n"][index % 3].as_bytes());
    }
    bytes
}

fn lower_case_ids(message: &str) -> Vec<u8> {
    let mut lines: Vec<String> = message.split_terminator('\r').map(str::to_owned).collect();
    for line in lines.iter_mut().skip(1) {
        if let Some(id) = line.get_mut(..3) {
            id.make_ascii_lowercase();
        }
    }
    (lines.join("\r") + "\r").into_bytes()
}

/// `#` for `|`, `!` for `^`, `*` for `~`, `?` for `\`, `$` for `&`: each stands for the other, so that nothing is lost.
fn own_delimiters(message: &str) -> Vec<u8> {
    let pairs = [('|', '#'), ('^', '!'), ('~', '*'), ('\\', '?'), ('&', '$')];
    let swap = |letter: char| {
        for (standard, own) in pairs {
            if letter == standard {
                return own;
            }
            if letter == own {
                return standard;
            }
        }
        letter
    };
    message.chars().map(swap).collect::<String>().into_bytes()
}

fn without_message_type(message: &str) -> Vec<u8> {
    let mut fields: Vec<&str> = message.splitn(10, '|').collect();
    if fields.len() == 10 {
        fields[8] = "";
    }
    fields.join("|").into_bytes()
}

fn wrong_charset(message: &str) -> Vec<u8> {
    let mut bytes = message.as_bytes().to_vec();
    if let Some(position) =
        message.find("\rPID").and_then(|start| message[start..].find("^L").map(|at| start + at))
    {
        bytes.insert(position, 0xE9);
    }
    bytes
}

fn misplaced(message: &str) -> Vec<u8> {
    let (patient, others): (Vec<&str>, Vec<&str>) =
        message.split_terminator('\r').partition(|segment| segment.starts_with("PID"));
    ([others, patient].concat().join("\r") + "\r").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Random, Scene, Version, messages};

    fn whole() -> String {
        let scene = Scene::invent(Version::V2_5_1, 2, 9);
        // The seed is chosen so that the message has a panel of numbers.
        messages::write(Kind::OruR01, &scene, &mut Random::new(4))
    }

    #[test]
    fn every_fault_changes_the_message() {
        let message = whole();
        for fault in Fault::ALL {
            assert_ne!(spoil(&message, fault), message.as_bytes(), "{fault:?}");
        }
    }

    #[test]
    fn faults_do_what_they_say() {
        let message = whole();
        let spoiled = |fault| String::from_utf8_lossy(&spoil(&message, fault)).into_owned();
        assert!(spoiled(Fault::OwnDelimiters).starts_with("MSH#!*?$#LAKEADT!"));
        assert!(spoiled(Fault::LowerCaseIds).contains("\rpid|1|"));
        assert!(spoiled(Fault::MisplacedSegment).rsplit('\r').nth(1).unwrap().starts_with("PID|"));
        assert!(spoiled(Fault::MissingMessageType).contains("||C0002"));
        assert!(!spoiled(Fault::LineFeeds).contains('\r'));
        assert!(spoiled(Fault::UnknownValueType).contains("|QQ|"));
    }
}
