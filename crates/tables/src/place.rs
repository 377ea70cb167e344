//! A place in a message in the words people use for it: `OBX[2]-5[1].1`.

use hl7::{Message, Place};

/// The path of a place; the occurrence and the repetition are given when they are not the first.
pub fn describe(message: &Message<'_>, place: &Place) -> String {
    let mut path = match message.segment_at(place.segment_index as usize) {
        Some(segment) => {
            let id = String::from_utf8_lossy(&segment.id()).into_owned();
            match segment.occurrence() {
                1 => id,
                occurrence => format!("{id}[{occurrence}]"),
            }
        }
        None => return String::new(),
    };
    if place.field == 0 {
        return path;
    }
    path.push_str(&format!("-{}", place.field));
    if place.repetition > 1 {
        path.push_str(&format!("[{}]", place.repetition));
    }
    if place.component > 1 || place.subcomponent > 1 {
        path.push_str(&format!(".{}", place.component));
    }
    if place.subcomponent > 1 {
        path.push_str(&format!(".{}", place.subcomponent));
    }
    path
}
