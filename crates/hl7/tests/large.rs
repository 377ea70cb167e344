//! Messages as large as the limits let them be: read in time that grows with their size and not with its square, or
//! this test would not end.

use std::fmt::Write as _;

use hl7::json::TreeWriter;
use hl7::{Message, Parser, Path, SetError};
use serde_json::Value;

const HEADER: &str = "MSH|^~\\&|LAB||||20240102||ORU^R01|7|P|2.5.1\r";

/// Reads a message and gives its document, with the number of its leaves.
fn read(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut parser = Parser::default();
    let message = parser.parse(bytes).unwrap();
    let mut writer = TreeWriter::default();
    let document = writer.write(&message).to_vec();
    let mut leaves = 0;
    message.leaves(|_, _| leaves += 1);
    (document, leaves)
}

/// How often a document has something. Documents of this size are not read back: they would take gigabytes.
fn count(document: &[u8], wanted: &str) -> usize {
    memchr::memmem::find_iter(document, wanted).count()
}

fn leaves_of(bytes: &[u8]) -> usize {
    let mut leaves = 0;
    Parser::default().parse(bytes).unwrap().leaves(|_, _| leaves += 1);
    leaves
}

#[test]
fn a_hundred_thousand_segments_of_as_many_ids_as_there_are() {
    let letters: Vec<char> = ('A'..='Z').chain('0'..='9').collect();
    let mut text = HEADER.to_owned();
    let mut ids = 0;
    for round in 0..2 {
        for first in &letters[..26] {
            for second in &letters {
                for third in &letters {
                    let id = format!("{first}{second}{third}");
                    if hl7::dictionary::segment(id.as_bytes().try_into().unwrap()).is_none() {
                        write!(text, "{id}|{round}\r").unwrap();
                        ids += 1;
                    }
                }
            }
        }
    }
    assert!(ids > 60_000, "{ids}");
    let (document, leaves) = read(text.as_bytes());
    assert_eq!(leaves, leaves_of(HEADER.as_bytes()) + ids);
    let document: Value = serde_json::from_slice(&document).unwrap();
    let keys = document.as_object().unwrap();
    assert_eq!(keys.len(), 1 + ids / 2);
    assert!(
        keys.iter().filter(|(key, _)| *key != "msh").all(|(_, value)| value.as_array().unwrap().len() == 2)
    );
    let mut parser = Parser::default();
    let message = parser.parse(text.as_bytes()).unwrap();
    assert_eq!(message.occurrences().iter().filter(|&&occurrence| occurrence == 2).count(), ids / 2);
}

#[test]
fn a_million_segments() {
    let most = hl7::Limits::default().segments;
    let text = HEADER.to_owned() + &"NTE|1\r".repeat(most - 1);
    let (document, leaves) = read(text.as_bytes());
    assert_eq!(leaves, leaves_of(HEADER.as_bytes()) + most - 1);
    assert_eq!((count(&document, "\"nte\":["), count(&document, "\"set_id_nte\":\"1\"")), (1, most - 1));
    let one_more = text + "NTE|1\r";
    assert_eq!(
        Parser::default().parse(one_more.as_bytes()).unwrap_err().kind(),
        hl7::ParseErrorKind::TooManySegments
    );
}

#[test]
fn values_up_to_the_limit_and_not_beyond() {
    let most = hl7::Limits::default().values;
    let used = HEADER.matches(['|', '^', '~', '&']).count();
    // Characters that need care are in the index too and delimit nothing.
    let mut text = format!("{HEADER}ZZZ{}|{}\r", "^".repeat(most - used - 1), "é".repeat(1_000));
    assert!(Parser::default().parse(text.as_bytes()).is_ok());
    text.push_str("NTE|");
    let error = Parser::default().parse(text.as_bytes()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (hl7::ParseErrorKind::TooManyValues, text.len() - 1));
}

#[test]
fn a_million_repetitions() {
    let text = format!("{HEADER}PID|1||P{}\r", "~P".repeat(999_999));
    let (document, leaves) = read(text.as_bytes());
    assert_eq!(leaves, leaves_of(HEADER.as_bytes()) + 1_000_001);
    assert_eq!(count(&document, "\"id_number\":\"P\""), 1_000_000);
}

#[test]
fn a_field_of_a_hundred_megabytes() {
    let text = format!("{HEADER}OBX|1|TX|A||{}|F\r", "x".repeat(100_000_000));
    let mut parser = Parser::default();
    let message = parser.parse(text.as_bytes()).unwrap();
    let mut writer = TreeWriter::default();
    let document = writer.write(&message);
    assert!(document.len() > 100_000_000 && document.len() < 100_001_000);
}

#[test]
fn a_message_is_read_up_to_the_limit_and_not_beyond() {
    let limit = hl7::Limits::default().message_bytes;
    let mut text = format!("{HEADER}OBX|1|TX|A||");
    text.push_str(&"x".repeat(limit - text.len()));
    let mut parser = Parser::default();
    let message = parser.parse(text.as_bytes()).unwrap();
    assert!(TreeWriter::default().write(&message).len() > limit);
    text.push('x');
    assert_eq!(Parser::default().parse(text.as_bytes()).unwrap_err().kind(), hl7::ParseErrorKind::TooLong);
}

#[test]
fn a_value_is_not_set_absurdly_far_out() {
    let text = format!("{HEADER}PID|1||P1\r");
    let mut parser = Parser::default();
    let message = parser.parse(text.as_bytes()).unwrap();
    for path in ["PID-4000000000", "PID-3[4000000000]", "PID-3[2].4000000000", "PID-3.4.4000000000"] {
        assert_eq!(set(&message, path), Err(SetError::TooFar), "{path}");
    }
    assert!(set(&message, "PID-3[1000].4.2").is_ok());
}

#[test]
fn a_value_far_out_can_be_set_where_there_is_one() {
    let text = format!("{HEADER}PID|1||P{}\r", "~P".repeat(99_999));
    let mut parser = Parser::default();
    let message = parser.parse(text.as_bytes()).unwrap();
    let changed = set(&message, "PID-3[99999]").unwrap();
    assert!(changed.ends_with(b"~P~X~P\r"));
}

fn set(message: &Message<'_>, path: &str) -> Result<Vec<u8>, SetError> {
    message.with(&path.parse::<Path>().unwrap(), "X")
}
