//! Keys and strings of JSON, straight into the output.

use crate::marks::{Form, Value};
use crate::text::Text;
use crate::{Message, WarningCode};

/// Writes `"name":`. Names need no escaping.
#[inline]
pub(super) fn key(name: &[u8], out: &mut Vec<u8>) {
    out.reserve(name.len() + 3);
    out.push(b'"');
    out.extend_from_slice(name);
    out.extend_from_slice(b"\":");
}

/// Writes a value as a string and tells what was odd about reading it.
#[inline]
pub(super) fn value(
    message: &Message<'_>,
    value: Value<'_>,
    scratch: &mut String,
    out: &mut Vec<u8>,
) -> Option<WarningCode> {
    if value.form == Form::Plain {
        out.reserve(value.raw.len() + 2);
        out.push(b'"');
        out.extend_from_slice(value.raw);
        out.push(b'"');
        return None;
    }
    let Text { text, oddity } = message.text(value, scratch);
    string(text, out);
    oddity
}

/// Writes a string with what JSON wants escaped (RFC 8259 §7) escaped.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain_from = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit & 0xF)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte)]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
    out.push(b'"');
}

/// Writes a number without allocating.
pub(super) fn number(number: u32, out: &mut Vec<u8>) {
    let mut digits = [0; 10];
    let mut rest = number;
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
