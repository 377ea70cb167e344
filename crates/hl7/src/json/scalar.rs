//! Keys and strings of JSON, straight into the output.

use crate::buffer::Buffer;
use crate::dictionary::Slot;
use crate::marks::{Form, Value};
use crate::text::Text;
use crate::{Message, WarningCode};

/// Writes `"name":`. Names need no escaping.
#[inline]
pub(super) fn key(name: &[u8], out: &mut Buffer) {
    out.put_between([b'"'], name, name.len(), [b'"', b':']);
}

/// Writes `"name":` for a position's canonical name.
#[inline(always)]
pub(super) fn slot_key(slot: &Slot, out: &mut Buffer) {
    let (name, length) = slot.name_and_beyond();
    out.put_between([b'"'], name, length, [b'"', b':']);
}

/// Writes a value as a string and tells what was odd about reading it.
#[inline(always)]
pub(super) fn value(
    message: &Message<'_>,
    value: Value<'_>,
    scratch: &mut String,
    out: &mut Buffer,
) -> Option<WarningCode> {
    if value.form == Form::Plain {
        let from = message.bytes.get(value.offset..).unwrap_or(value.raw);
        out.put_between([b'"'], from, value.raw.len(), [b'"']);
        return None;
    }
    encoded(message, value, scratch, out)
}

#[inline(never)]
fn encoded(
    message: &Message<'_>,
    value: Value<'_>,
    scratch: &mut String,
    out: &mut Buffer,
) -> Option<WarningCode> {
    let Text { text, oddity } = message.text(value, scratch);
    string(text, out);
    oddity
}

/// Writes a string with what JSON wants escaped (RFC 8259 §7) escaped.
pub(super) fn string(text: &str, out: &mut Buffer) {
    out.push(b'"');
    let mut plain_from = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.put(&text.as_bytes()[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.put(b"\\\""),
            b'\\' => out.put(b"\\\\"),
            b'\n' => out.put(b"\\n"),
            b'\r' => out.put(b"\\r"),
            b'\t' => out.put(b"\\t"),
            _ => {
                let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit & 0xF)];
                out.put(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte)]);
            }
        }
    }
    out.put(&text.as_bytes()[plain_from..]);
    out.push(b'"');
}

/// Writes a number without allocating.
pub(super) fn number(number: u32, out: &mut Buffer) {
    let (digits, from) = digits(number);
    out.put(&digits[from..]);
}

/// The decimal digits of a number, and where in the array they begin.
pub(super) fn digits(number: u32) -> ([u8; 10], usize) {
    let mut digits = [0; 10];
    let mut rest = number;
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return (digits, from);
        }
    }
}
