//! What the peers' parse results look like as JSON: arrays in arrays, no names, no escapes decoded. The least a peer's user would
//! write by hand.

/// The message as `[["PID",[[["a","b"]]]], …]`: segments, fields, repetitions, components, subcomponents.
pub(crate) fn hl7_parser_json(message: &hl7_parser::Message<'_>, out: &mut Vec<u8>) {
    array(out, &message.segments, |segment, out| {
        out.push(b'[');
        text(out, segment.name);
        out.push(b',');
        array(out, &segment.fields, |field, out| {
            array(out, &field.repeats, |repeat, out| {
                array(out, &repeat.components, |component, out| {
                    array(out, &component.subcomponents, |subcomponent, out| text(out, subcomponent.value));
                });
            });
        });
        out.push(b']');
    });
}

/// The same of the other peer, which keeps the segment's id as its first field.
pub(crate) fn rust_hl7_json(message: &rusthl7::message::Message<'_>, out: &mut Vec<u8>) {
    array(out, &message.segments, |segment, out| {
        array(out, &segment.fields, |field, out| {
            array(out, &field.subcomponents, |repeat, out| {
                array(out, repeat, |component, out| {
                    array(out, component, |subcomponent, out| text(out, subcomponent));
                });
            });
        });
    });
}

fn array<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn text(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
