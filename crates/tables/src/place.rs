//! A place in a message in the words people use for it: `OBX[2]-5[1].1`.

use hl7::{Message, Place};

/// Describes places of one message. Which of its kind each segment is, is counted once for them all.
#[derive(Debug, Default)]
pub struct Places {
    /// By segment index, from 0; empty until a place is asked for.
    occurrences: Vec<u32>,
}

impl Places {
    /// The path of a place; the occurrence and the repetition are given when they are not the first. Always
    /// ask about the same message.
    pub fn describe(&mut self, message: &Message<'_>, place: &Place) -> String {
        let Some(segment) = message.segment_at(place.segment_index as usize) else { return String::new() };
        if self.occurrences.is_empty() {
            self.occurrences = message.occurrences();
        }
        let mut path = String::from_utf8_lossy(&segment.id()).into_owned();
        match self.occurrences.get(segment.index() - 1) {
            Some(&occurrence) if occurrence > 1 => path.push_str(&format!("[{occurrence}]")),
            _ => {}
        }
        describe_below(&mut path, place);
        path
    }
}

/// The path of a single place; for several of one message use [`Places`].
pub fn describe(message: &Message<'_>, place: &Place) -> String {
    Places::default().describe(message, place)
}

fn describe_below(path: &mut String, place: &Place) {
    if place.field == 0 {
        return;
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
}
