//! All names in one text, each found by offset and length; a name that stands inside another is not repeated.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct Texts {
    pub(crate) blob: String,
    places: BTreeMap<String, u32>,
}

impl Texts {
    pub(crate) fn new(texts: BTreeSet<String>) -> Result<Self, String> {
        let mut by_length: Vec<String> = texts.into_iter().collect();
        by_length.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        let mut blob = String::new();
        let mut places = BTreeMap::new();
        for text in by_length {
            let offset = blob.find(&text).unwrap_or_else(|| append(&mut blob, &text));
            if text.len() > 255 || offset >= 1 << 24 || !text.is_ascii() {
                return Err(format!("too long, or not ASCII: {text:?}"));
            }
            places.insert(text.clone(), (offset as u32) << 8 | text.len() as u32);
        }
        Ok(Self { blob, places })
    }

    /// Offset in the upper 24 bits, length in the lower 8.
    pub(crate) fn place(&self, text: &str) -> Result<u32, String> {
        self.places.get(text).copied().ok_or_else(|| format!("not collected: {text:?}"))
    }
}

/// Appends a text, over the end of the blob if that is how it begins.
fn append(blob: &mut String, text: &str) -> usize {
    let overlap = (1..text.len()).rev().find(|length| blob.ends_with(&text[..*length])).unwrap_or(0);
    let offset = blob.len() - overlap;
    blob.push_str(&text[overlap..]);
    offset
}
