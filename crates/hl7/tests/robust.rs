//! Damaged messages: every prefix and every flipped byte of the project's own inputs is read or refused, never
//! a panic, and what is read loses nothing and gives valid JSON.

use hl7::json::TreeWriter;
use hl7::{Outline, Parser};

/// What a byte may turn into: delimiters, line ends, an escape, a letter, a byte of some charset.
const REPLACEMENTS: &[u8] = b"|^~\\&\r\n\0M\xE9\x1B";

#[test]
fn every_prefix_is_read_or_refused() {
    for (name, bytes) in crate::lossless::own_inputs() {
        for end in 0..bytes.len() {
            exercise(&format!("{name} cut at {end}"), &bytes[..end]);
        }
    }
}

#[test]
fn every_flipped_byte_is_read_or_refused() {
    for (name, bytes) in crate::lossless::own_inputs() {
        let mut damaged = bytes.clone();
        for at in 0..bytes.len() {
            // One replacement a position keeps this quick; over all inputs every pair of kinds occurs.
            damaged[at] = REPLACEMENTS[at % REPLACEMENTS.len()];
            exercise(&format!("{name} changed at {at}"), &damaged);
            damaged[at] = bytes[at];
        }
    }
}

fn exercise(name: &str, bytes: &[u8]) {
    let mut parser = Parser::default();
    let Ok(message) = parser.parse(bytes) else { return };
    let mut outline = Outline::default();
    outline.trace(&message, 32);
    assert_eq!(outline.segments().len(), message.segments().len(), "{name}");
    crate::lossless::assert_nothing_is_lost(name, &message);
    let mut writer = TreeWriter::default();
    let document = writer.write(&message);
    assert!(serde_json::from_slice::<serde_json::Value>(document).is_ok(), "{name}: not JSON");
    let mut leaves = String::new();
    message.write_leaves(&mut leaves);
}
