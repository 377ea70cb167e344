//! Acknowledgments: the answer to a message, in its own delimiters and version (HL7 v2.5.1, 2.9 and 2.14).
//!
//! In original mode, without MSH-15 and MSH-16, a message is answered by an application acknowledgment (AA, AE, AR). In
//! enhanced mode the sender asks for what it wants: with MSH-15 for an accept acknowledgment (CA, CE, CR), which says that the
//! message is in safe storage, with MSH-16 for an application acknowledgment; each always, never, on success only, or on failure only.
//! [`Request`] reads what was asked, also from a message of which nothing but the header can be read, and writes the one answer that
//! is due on the same connection: the accept acknowledgment if MSH-15 speaks of one, else the application acknowledgment.

use crate::delimiters::Delimiters;
use crate::dictionary::Version;
use crate::escape::escape;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in safe storage.
    Accepted,
    /// It is not, and may be sent again.
    Failed,
    /// It is not, and will not be however often it is sent.
    Rejected,
}

/// A code of table 0008.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Application accept.
    AA,
    /// Application error.
    AE,
    /// Application reject.
    AR,
    /// Accept acknowledgment: commit accept.
    CA,
    /// Accept acknowledgment: commit error.
    CE,
    /// Accept acknowledgment: commit reject.
    CR,
}

impl Code {
    /// As it stands in MSA-1.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AA => "AA",
            Self::AE => "AE",
            Self::AR => "AR",
            Self::CA => "CA",
            Self::CE => "CE",
            Self::CR => "CR",
        }
    }

    /// Whether it says that the message is in safe storage.
    pub fn is_accept(self) -> bool {
        matches!(self, Self::AA | Self::CA)
    }
}

/// Why a message was not accepted, for the segment ERR. Says where, never what stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault<'a> {
    /// Code of table 0357, such as 207.
    pub code: u16,
    /// What the table calls it.
    pub name: &'a str,
    /// What happened, for people.
    pub text: &'a str,
    /// Segment, its occurrence, field, repetition, component, subcomponent; 0 for those that are not told.
    pub place: Option<(&'a str, [u32; 5])>,
}

/// What the answer says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// MSH-7, such as `20260131120000.000+0000`.
    pub time: &'a str,
    /// MSH-10 of the answer.
    pub control_id: &'a str,
    /// Why, if the message was not accepted.
    pub fault: Option<Fault<'a>>,
}

/// The header of a message that is to be answered.
#[derive(Clone, Copy, Debug)]
pub struct Request<'m> {
    delimiters: Delimiters,
    /// MSH, from its M to before its line end.
    header: &'m [u8],
}

/// Component, repetition, escape, subcomponent and truncation.
const ENCODING_CHARACTERS: usize = 5;

/// What a message without a readable header is answered as if it had been.
const UNREADABLE: &[u8] = b"MSH|^~\\&";

impl<'m> Request<'m> {
    /// Reads the header of a message, of which the rest may be anything. Without one, the answer has the standard delimiters and
    /// names no control ID.
    pub fn read(message: &'m [u8]) -> Self {
        let end = message.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(message.len());
        let header = &message[..end];
        let is_header = header.get(..3).is_some_and(|id| id.eq_ignore_ascii_case(b"MSH"));
        match Delimiters::from_header(header).filter(|_| is_header) {
            Some(delimiters) => Self { delimiters, header },
            None => Self { delimiters: Delimiters::STANDARD, header: UNREADABLE },
        }
    }

    /// The code to answer with; `None` if the sender wants no answer to this.
    pub fn code(&self, outcome: Outcome) -> Option<Code> {
        let (accept, application) = (self.first(15), self.first(16));
        if is_asked(accept, outcome) {
            return Some(match outcome {
                Outcome::Accepted => Code::CA,
                Outcome::Failed => Code::CE,
                Outcome::Rejected => Code::CR,
            });
        }
        let is_original = accept.is_empty() && application.is_empty();
        // An accept acknowledgment that was asked for under another condition is the answer that the sender waits for.
        let is_due = is_original || (is_absent(accept) && is_asked(application, outcome));
        is_due.then_some(match outcome {
            Outcome::Accepted => Code::AA,
            Outcome::Failed => Code::AE,
            Outcome::Rejected => Code::AR,
        })
    }

    /// Appends the answer: MSH, MSA and, with a fault, ERR.
    pub fn write(&self, code: Code, reply: &Reply<'_>, out: &mut Vec<u8>) {
        let field = self.delimiters.field;
        let version = Version::parse(self.first(12));
        out.extend_from_slice(b"MSH");
        out.push(field);
        // What is behind the encoding characters is none of them, and may be anything.
        let encoding = self.field(2);
        out.extend_from_slice(&encoding[..encoding.len().min(ENCODING_CHARACTERS)]);
        for number in [5, 6, 3, 4] {
            out.push(field);
            out.extend_from_slice(self.field(number));
        }
        self.put(reply.time, out);
        out.push(field);
        self.message_type(version, out);
        self.put(reply.control_id, out);
        for number in [11, 12] {
            out.push(field);
            out.extend_from_slice(self.field(number));
        }
        let charset = self.field(18);
        if !charset.is_empty() {
            out.extend_from_slice(&[field; 6]);
            out.extend_from_slice(charset);
        }
        out.extend_from_slice(b"\rMSA");
        self.put(code.as_str(), out);
        out.push(field);
        out.extend_from_slice(self.field(10));
        if let Some(fault) = &reply.fault {
            // MSA-3 was withdrawn with 2.7.
            if version.is_none_or(|version| version < Version::V2_7) {
                self.put(fault.text, out);
            }
            out.push(b'\r');
            if version.is_some_and(|version| version < Version::V2_5) {
                self.older_error(fault, out);
            } else {
                self.error(fault, out);
            }
        }
        out.push(b'\r');
    }

    /// MSH-9: the structure since 2.3.1, the trigger event since 2.2.
    fn message_type(&self, version: Option<Version>, out: &mut Vec<u8>) {
        let separator = self.delimiters.component;
        out.push(self.delimiters.field);
        out.extend_from_slice(b"ACK");
        let trigger = self.field(9).split(|byte| *byte == separator).nth(1).unwrap_or_default();
        if version == Some(Version::V2_1) || trigger.is_empty() {
            return;
        }
        out.push(separator);
        out.extend_from_slice(trigger);
        if version.is_none_or(|version| version >= Version::V2_3_1) {
            out.push(separator);
            out.extend_from_slice(b"ACK");
        }
    }

    /// ERR since 2.5: location, code, severity, and in ERR-8 what people are told.
    fn error(&self, fault: &Fault<'_>, out: &mut Vec<u8>) {
        let Delimiters { field, component, .. } = self.delimiters;
        out.extend_from_slice(b"ERR");
        out.extend_from_slice(&[field; 2]);
        if let Some((segment, numbers)) = fault.place {
            self.text(segment, out);
            let told = numbers.iter().rposition(|number| *number > 0).map_or(0, |last| last + 1);
            for number in &numbers[..told] {
                out.push(component);
                out.extend_from_slice(number.to_string().as_bytes());
            }
        }
        self.put(&fault.code.to_string(), out);
        out.push(component);
        self.text(fault.name, out);
        out.push(component);
        out.extend_from_slice(b"HL70357");
        self.put("E", out);
        out.extend_from_slice(&[field; 3]);
        self.put(fault.text, out);
    }

    /// ERR before 2.5: segment, occurrence, field and code in one field.
    fn older_error(&self, fault: &Fault<'_>, out: &mut Vec<u8>) {
        let Delimiters { field, component, subcomponent, .. } = self.delimiters;
        let (segment, [occurrence, number, ..]) = fault.place.unwrap_or_default();
        out.extend_from_slice(b"ERR");
        out.push(field);
        self.text(segment, out);
        for number in [occurrence, number] {
            out.push(component);
            if number > 0 {
                out.extend_from_slice(number.to_string().as_bytes());
            }
        }
        out.push(component);
        self.text(&fault.code.to_string(), out);
        if let Some(subcomponent) = subcomponent {
            out.push(subcomponent);
            self.text(fault.name, out);
            out.push(subcomponent);
            out.extend_from_slice(b"HL70357");
        }
    }

    /// The next field, with text of ours.
    fn put(&self, text: &str, out: &mut Vec<u8>) {
        out.push(self.delimiters.field);
        self.text(text, out);
    }

    fn text(&self, text: &str, out: &mut Vec<u8>) {
        escape(text, &self.delimiters, out);
    }

    /// The bytes of a field of the header, as sent; empty if it has none.
    fn field(&self, number: usize) -> &'m [u8] {
        self.header.split(|byte| *byte == self.delimiters.field).nth(number - 1).unwrap_or_default()
    }

    /// The first component of a field.
    fn first(&self, number: usize) -> &'m [u8] {
        let Delimiters { component, repetition, .. } = self.delimiters;
        let mut parts = self.field(number).split(|byte| *byte == component || *byte == repetition);
        parts.next().unwrap_or_default().trim_ascii()
    }
}

/// Whether a condition of table 0155 asks for an acknowledgment of the outcome.
fn is_asked(condition: &[u8], outcome: Outcome) -> bool {
    match condition {
        b"AL" => true,
        b"ER" => outcome != Outcome::Accepted,
        b"SU" => outcome == Outcome::Accepted,
        _ => false,
    }
}

/// Whether a condition asks for none at all; what is no code of the table asks for none either.
fn is_absent(condition: &[u8]) -> bool {
    !matches!(condition, b"AL" | b"ER" | b"SU")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: Fault<'static> = Fault {
        code: 207,
        name: "Application error",
        text: "the lake's disk is full | try later",
        place: Some(("PID", [1, 5, 0, 0, 0])),
    };

    fn answer(message: &[u8], outcome: Outcome, fault: Option<Fault<'_>>) -> Option<String> {
        let request = Request::read(message);
        let mut out = Vec::new();
        request.write(request.code(outcome)?, &Reply { time: "2026", control_id: "A1", fault }, &mut out);
        Some(String::from_utf8(out).unwrap().replace('\r', "\n"))
    }

    #[test]
    fn a_message_is_answered_in_its_own_version_and_delimiters() {
        let message =
            b"MSH|^~\\&|ADT|WEST^1.2^ISO|LAKE|HQ|2024||ADT^A08^ADT_A01|C7|P|2.5.1||||||8859/1\rPID|1\r";
        let expected =
            "MSH|^~\\&|LAKE|HQ|ADT|WEST^1.2^ISO|2026||ACK^A08^ACK|A1|P|2.5.1||||||8859/1\nMSA|AA|C7\n";
        assert_eq!(answer(message, Outcome::Accepted, None).unwrap(), expected);
        let message = b"MSH#*~!&#ADT#W#LAKE#HQ#2024##ADT*A08#C7#P#2.3";
        let expected = "MSH#*~!&#LAKE#HQ#ADT#W#2026##ACK*A08#A1#P#2.3\nMSA#AA#C7\n";
        assert_eq!(answer(message, Outcome::Accepted, None).unwrap(), expected);
        let message = b"MSH|^~\\&|ADT|W|LAKE|HQ|2024||ADT|C7|P|2.1\r";
        let expected = "MSH|^~\\&|LAKE|HQ|ADT|W|2026||ACK|A1|P|2.1\nMSA|AA|C7\n";
        assert_eq!(answer(message, Outcome::Accepted, None).unwrap(), expected);
    }

    #[test]
    fn a_fault_is_told_as_the_version_has_it() {
        let of = |version: &str| {
            let message = format!("MSH|^~\\&|||||||ADT^A08|C7|P|{version}\r");
            let answer = answer(message.as_bytes(), Outcome::Failed, Some(FAULT)).unwrap();
            answer.split_once('\n').unwrap().1.to_owned()
        };
        assert_eq!(
            of("2.4"),
            "MSA|AE|C7|the lake's disk is full \\F\\ try later\nERR|PID^1^5^207&Application error&HL70357\n"
        );
        assert_eq!(
            of("2.5.1"),
            "MSA|AE|C7|the lake's disk is full \\F\\ try later\n\
             ERR||PID^1^5|207^Application error^HL70357|E||||the lake's disk is full \\F\\ try later\n"
        );
        assert!(of("2.8").starts_with("MSA|AE|C7\nERR||PID^1^5|207^"));
    }

    #[test]
    fn a_sender_gets_the_acknowledgment_it_asked_for() {
        use Outcome::{Accepted, Failed, Rejected};
        let codes = |accept: &str, application: &str| {
            let message = format!("MSH|^~\\&|||||||ADT^A08|C7|P|2.5|||{accept}|{application}\r");
            let request = Request::read(message.as_bytes());
            [Accepted, Failed, Rejected].map(|outcome| request.code(outcome).map_or("-", Code::as_str))
        };
        for (accept, application, expected) in [
            ("", "", ["AA", "AE", "AR"]),
            ("AL", "", ["CA", "CE", "CR"]),
            ("AL", "AL", ["CA", "CE", "CR"]),
            ("NE", "", ["-", "-", "-"]),
            ("NE", "NE", ["-", "-", "-"]),
            ("NE", "AL", ["AA", "AE", "AR"]),
            ("", "AL", ["AA", "AE", "AR"]),
            ("", "ER", ["-", "AE", "AR"]),
            ("ER", "NE", ["-", "CE", "CR"]),
            ("ER", "AL", ["-", "CE", "CR"]),
            ("SU", "", ["CA", "-", "-"]),
        ] {
            assert_eq!(codes(accept, application), expected, "MSH-15 {accept:?}, MSH-16 {application:?}");
        }
    }

    #[test]
    fn what_has_no_header_is_rejected_without_a_control_id() {
        for bytes in [&b""[..], b"\r", b"PID|1\r", b"MSH", b"MSHERRY"] {
            let expected = "MSH|^~\\&|||||2026||ACK|A1||\nMSA|AR|\n";
            assert_eq!(answer(bytes, Outcome::Rejected, None).unwrap(), expected);
        }
    }
}
