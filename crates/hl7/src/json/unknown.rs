//! Values without a named place: the fields of a Z-segment, and what stands beyond a known segment's shape.

use super::names::Names;
use super::scalar;
use super::segment::{Separator, Unmapped};
use crate::buffer::Buffer;
use crate::{Message, WarningCode};

/// The first oddity met, and the value it was met at.
type Oddity<'u> = Option<(WarningCode, &'u Unmapped)>;

/// Writes `"unmapped":[…]`, one object a value.
pub(super) fn list<'u>(
    message: &Message<'_>,
    unmapped: &'u [Unmapped],
    mut separator: Separator,
    scratch: &mut String,
    out: &mut Buffer,
) -> Oddity<'u> {
    let mut oddity = None;
    separator.write(out);
    out.put(b"\"unmapped\":[");
    let mut between = Separator(false);
    for entry in unmapped {
        between.write(out);
        out.put(b"{\"field\":");
        scalar::number(entry.field, out);
        out.put(b",\"repetition\":");
        scalar::number(entry.repetition, out);
        out.put(b",\"component\":");
        scalar::number(entry.component, out);
        out.put(b",\"subcomponent\":");
        scalar::number(entry.subcomponent, out);
        out.put(b",\"value\":");
        let odd = scalar::value(message, entry.value(message), scratch, out);
        oddity = oddity.or(odd.map(|code| (code, entry)));
        out.push(b'}');
    }
    out.push(b']');
    oddity
}

/// Writes the fields of a segment the dictionary does not have, named by number: text where a field has one
/// value, an object of its numbered parts where it has several, an array where it repeats.
pub(super) fn fields<'u>(
    message: &Message<'_>,
    id: [u8; 3],
    names: Names,
    unmapped: &'u [Unmapped],
    mut separator: Separator,
    scratch: &mut String,
    out: &mut Buffer,
) -> Oddity<'u> {
    let mut oddity = None;
    let keys = Keys { names, id };
    for field in unmapped.chunk_by(|left, right| left.field == right.field) {
        separator.write(out);
        keys.write(&[field[0].field], out);
        let repeats = field.last().is_some_and(|last| last.repetition > 1);
        if repeats {
            out.push(b'[');
        }
        let mut written = 0;
        for repetition in field.chunk_by(|left, right| left.repetition == right.repetition) {
            if repeats {
                for missing in written + 1..=repetition[0].repetition {
                    if missing > 1 {
                        out.push(b',');
                    }
                    if missing < repetition[0].repetition {
                        out.put(b"null");
                    }
                }
                written = repetition[0].repetition;
            }
            let odd = self::repetition(message, &keys, repetition, scratch, out);
            oddity = oddity.or(odd);
        }
        if repeats {
            out.push(b']');
        }
    }
    oddity
}

fn repetition<'u>(
    message: &Message<'_>,
    keys: &Keys,
    values: &'u [Unmapped],
    scratch: &mut String,
    out: &mut Buffer,
) -> Oddity<'u> {
    if let [only] = values
        && (only.component, only.subcomponent) == (1, 1)
    {
        return scalar::value(message, only.value(message), scratch, out).map(|code| (code, only));
    }
    let mut oddity = None;
    let mut between = Separator(false);
    out.push(b'{');
    for component in values.chunk_by(|left, right| left.component == right.component) {
        let is_whole = component.len() == 1 && component[0].subcomponent == 1;
        for value in component {
            between.write(out);
            if is_whole {
                keys.write(&[value.field, value.component], out);
            } else {
                keys.write(&[value.field, value.component, value.subcomponent], out);
            }
            let odd = scalar::value(message, value.value(message), scratch, out);
            oddity = oddity.or(odd.map(|code| (code, value)));
        }
    }
    out.push(b'}');
    oddity
}

/// `zpi_2_1`, or `ZPI-2.1` in the other styles.
struct Keys {
    names: Names,
    id: [u8; 3],
}

impl Keys {
    fn write(&self, numbers: &[u32], out: &mut Buffer) {
        out.push(b'"');
        out.put(&self.names.segment(self.id));
        for (depth, &number) in numbers.iter().enumerate() {
            out.push(match self.names {
                Names::Canonical => b'_',
                Names::Standard | Names::Short if depth == 0 => b'-',
                Names::Standard | Names::Short => b'.',
            });
            scalar::number(number, out);
        }
        out.put(b"\":");
    }
}
