//! Tells the lines that begin or end something (MSH, FHS, BHS, BTS, FTS) from every other line.
//!
//! The letters MSH also stand in names and in wrapped text; only what looks like a header is one.

use super::PieceKind;
use crate::Delimiters;

/// The state of the stream in which a line is judged.
#[derive(Clone, Copy, Debug)]
pub(super) enum Within {
    /// No message is open: in doubt the line is a header.
    Nothing,
    /// A message with this field delimiter is open: in doubt the line is text of it.
    Message { field_delimiter: u8 },
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The header or trailer of that kind.
    Starts(PieceKind),
    /// An SFT or UAC segment, which belongs to the file or batch header before it.
    Companion,
    /// Any other text.
    Text,
    /// It takes more bytes to tell.
    Unclear,
}

/// Judges a line by its first characters; `whole` says that nothing follows them.
pub(super) fn judge(head: &[u8], whole: bool, within: Within) -> Line {
    let Some(id) = head.first_chunk::<3>() else {
        let possible = IDS.iter().any(|id| id[..head.len()].eq_ignore_ascii_case(head));
        return if possible && !whole { Line::Unclear } else { Line::Text };
    };
    match &id.map(|byte| byte.to_ascii_uppercase()) {
        b"MSH" => header(head, whole, within, PieceKind::Message),
        b"FHS" => header(head, whole, within, PieceKind::FileHeader),
        b"BHS" => header(head, whole, within, PieceKind::BatchHeader),
        b"BTS" => trailer(head, whole, within, PieceKind::BatchTrailer),
        b"FTS" => trailer(head, whole, within, PieceKind::FileTrailer),
        b"SFT" | b"UAC" => match head.get(3) {
            Some(&byte) if Delimiters::can_delimit(byte) => Line::Companion,
            None if !whole => Line::Unclear,
            _ => Line::Text,
        },
        _ => Line::Text,
    }
}

const IDS: [&[u8; 3]; 7] = [b"MSH", b"FHS", b"BHS", b"BTS", b"FTS", b"SFT", b"UAC"];

fn header(head: &[u8], whole: bool, within: Within, kind: PieceKind) -> Line {
    let starts = |certain: bool| if certain { Line::Starts(kind) } else { Line::Text };
    let more = |certain: bool| if whole { starts(certain) } else { Line::Unclear };
    let Some(&field) = head.get(3) else { return more(false) };
    if !Delimiters::can_delimit(field) {
        return Line::Text;
    }
    // Whether a header is believed that shows fewer than two encoding characters.
    let in_doubt = match within {
        Within::Nothing => true,
        Within::Message { field_delimiter } => field == b'|' || field == field_delimiter,
    };
    let Some(&first) = head.get(4) else { return more(in_doubt) };
    if first == field || is_end(first) {
        return starts(in_doubt);
    }
    if !could_encode(first) {
        return starts(field == b'|' && matches!(within, Within::Nothing));
    }
    let Some(&second) = head.get(5) else { return more(in_doubt) };
    if second == field || is_end(second) {
        return starts(in_doubt);
    }
    if could_encode(second) && (first != second || field == b'|') {
        return Line::Starts(kind);
    }
    starts(field == b'|' && matches!(within, Within::Nothing))
}

fn trailer(head: &[u8], whole: bool, within: Within, kind: PieceKind) -> Line {
    let is_trailer = match (head.get(3), within) {
        (None, _) if !whole => return Line::Unclear,
        // A bare ID: in capitals only, for it might be a word.
        (None, _) => head[..3].iter().all(u8::is_ascii_uppercase),
        (Some(&byte), _) if is_end(byte) => head[..3].iter().all(u8::is_ascii_uppercase),
        (Some(&byte), Within::Nothing) => Delimiters::can_delimit(byte),
        (Some(&byte), Within::Message { field_delimiter }) => byte == b'|' || byte == field_delimiter,
    };
    if is_trailer { Line::Starts(kind) } else { Line::Text }
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | super::encoding::VT | super::encoding::FS)
}

/// Senders also use bytes above 0x7F, quotes and DEL as encoding characters; letters, digits and blanks mean
/// that this is text.
fn could_encode(byte: u8) -> bool {
    byte > b' ' && !byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(line: &[u8], within: Within) -> Line {
        judge(&line[..line.len().min(super::super::encoding::HEAD)], true, within)
    }

    #[test]
    fn headers_are_told_from_text() {
        let open = Within::Message { field_delimiter: b'|' };
        let message = Line::Starts(PieceKind::Message);
        let always: [&[u8]; 12] = [
            b"MSH|^~\\&|LAB",
            b"msh|^~\\&|LAB",
            b"MSH#*~\\&#LAB",
            b"MSH|^~\\&",
            b"MSH|^~",
            b"MSH|^",
            b"MSH|",
            b"MSH||||",
            b"MSH|^|||",
            b"MSH^~|\\&^",
            b"MSH|^\xFF\x80&|",
            b"MSH|^~\\& |LAB",
        ];
        for line in always {
            assert_eq!(judged(line, open), message, "{}", line.escape_ascii());
            assert_eq!(judged(line, Within::Nothing), message, "{}", line.escape_ascii());
        }
        let between_messages_only: [&[u8]; 4] = [b"MSH{{{{{|LAB", b"MSH|LAB|", b"MSH#", b"MSH#*#"];
        for line in between_messages_only {
            assert_eq!(judged(line, open), Line::Text, "{}", line.escape_ascii());
            assert_eq!(judged(line, Within::Nothing), message, "{}", line.escape_ascii());
        }
        let never: [&[u8]; 9] =
            [b"MSHERRY", b"MSH CLINIC", b"MSH", b"MS", b"", b"MSH-3 is", b"MSH: see", b"MSH. The", b"MSA|AA"];
        for line in never {
            assert_eq!(judged(line, open), Line::Text, "{}", line.escape_ascii());
            assert_eq!(judged(line, Within::Nothing), Line::Text, "{}", line.escape_ascii());
        }
        assert_eq!(judged(b"MSH#", Within::Message { field_delimiter: b'#' }), message);
    }

    #[test]
    fn batch_lines() {
        let open = Within::Message { field_delimiter: b'|' };
        assert_eq!(judged(b"BTS|1", open), Line::Starts(PieceKind::BatchTrailer));
        assert_eq!(judged(b"FTS", open), Line::Starts(PieceKind::FileTrailer));
        assert_eq!(judged(b"FTS\r", open), Line::Starts(PieceKind::FileTrailer));
        assert_eq!(judged(b"fts\r", open), Line::Text);
        assert_eq!(judged(b"BTS-1", open), Line::Text);
        assert_eq!(judged(b"FHS|^~\\&", open), Line::Starts(PieceKind::FileHeader));
        assert_eq!(judged(b"bhs|^~\\&", open), Line::Starts(PieceKind::BatchHeader));
        assert_eq!(judged(b"SFT|x", open), Line::Companion);
    }

    #[test]
    fn a_prefix_is_unclear_until_it_cannot_be_a_header() {
        for length in 0..6 {
            assert_eq!(judge(&b"MSH|^~"[..length], false, Within::Nothing), Line::Unclear);
        }
        assert_eq!(judge(b"P", false, Within::Nothing), Line::Text);
        assert_eq!(judge(b"MSA", false, Within::Nothing), Line::Text);
    }
}
