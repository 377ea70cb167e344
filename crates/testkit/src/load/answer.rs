//! Frames and acknowledgments as a sender reads them. On purpose none of `hl7`: what is tested must not be what tests.

/// Begins a frame.
pub(super) const START: u8 = 0x0b;
/// Ends a frame, with a carriage return behind it.
pub(super) const END: [u8; 2] = [0x1c, b'\r'];

/// What an acknowledgment says about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// AA or CA: it is kept.
    Kept,
    /// AE or CE: send it again later.
    Again,
    /// AR or CR: sending it again is of no use.
    Refused,
}

/// MSA-1 and MSA-2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// MSA-1, as sent.
    pub code: String,
    /// The control ID of the message that is answered.
    pub control_id: String,
}

impl Answer {
    /// Reads an acknowledgment; nothing if it is none.
    pub fn read(message: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(message);
        if !text.starts_with("MSH") {
            return None;
        }
        let delimiter = text[3..].chars().next()?;
        let segment = text.split('\r').find(|segment| segment.starts_with("MSA"))?;
        let mut fields = segment.split(delimiter).skip(1);
        Some(Self { code: fields.next()?.to_owned(), control_id: fields.next()?.to_owned() })
    }

    /// What it means; nothing if MSA-1 is none of table 0008.
    pub fn verdict(&self) -> Option<Verdict> {
        match self.code.as_str() {
            "AA" | "CA" => Some(Verdict::Kept),
            "AE" | "CE" => Some(Verdict::Again),
            "AR" | "CR" => Some(Verdict::Refused),
            _ => None,
        }
    }
}

/// MSH-10 of a message of [`crate::feed`].
pub fn control_id(message: &[u8]) -> String {
    let field = message.split(|byte| *byte == b'|').nth(9).unwrap_or_default();
    String::from_utf8_lossy(field).into_owned()
}

/// Appends a message in its frame.
pub fn frame(message: &[u8], out: &mut Vec<u8>) {
    out.push(START);
    out.extend_from_slice(message);
    out.extend_from_slice(&END);
}

/// Takes bytes as a connection gives them, gives what stands in frames.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
}

impl Frames {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame; what stands before it is dropped.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let start = self.buffer.iter().position(|byte| *byte == START)? + 1;
        let length = self.buffer[start..].windows(END.len()).position(|bytes| bytes == END)?;
        let frame = self.buffer[start..start + length].to_vec();
        self.buffer.drain(..start + length + END.len());
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{self, Mix};

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let mut bytes = b"noise".to_vec();
        frame(b"MSH|^~\\&|one\r", &mut bytes);
        frame(b"MSH|^~\\&|two\r", &mut bytes);
        for cut in 0..bytes.len() {
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                frames.feed(part);
                found.extend(std::iter::from_fn(|| frames.take()));
            }
            assert_eq!(found, [b"MSH|^~\\&|one\r", b"MSH|^~\\&|two\r"], "cut at {cut}");
        }
    }

    #[test]
    fn an_acknowledgment_is_read_with_its_own_delimiters() {
        let read = Answer::read(b"MSH#^~\\&#A\rMSA#CE#C17#text\rERR##\r").unwrap();
        assert_eq!((read.code.as_str(), read.control_id.as_str()), ("CE", "C17"));
        assert_eq!(read.verdict(), Some(Verdict::Again));
        assert_eq!(Answer::read(b"MSH|^~\\&|A\rPID|1\r"), None);
        assert_eq!(Answer::read(b"HTTP/1.1"), None);
        assert_eq!(Answer::read(b"MSH|^~\\&|A\rMSA|XX|1\r").unwrap().verdict(), None);
    }

    #[test]
    fn the_control_ids_of_a_feed_are_unique() {
        let ids: std::collections::BTreeSet<String> =
            feed::messages(Mix::Weekday, 4).take(500).map(|message| control_id(&message)).collect();
        assert_eq!(ids.len(), 500);
        assert!(ids.contains("C000400000500"));
    }
}
