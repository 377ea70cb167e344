//! All names in one text, each found by offset and length; a name that stands inside another is not repeated.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct Texts {
    pub(crate) blob: String,
    places: BTreeMap<String, u32>,
}

impl Texts {
    pub(crate) fn new(texts: BTreeSet<String>) -> Result<Self, String> {
        let blob = overlapped(&without_contained(&texts));
        let mut places = BTreeMap::new();
        for text in texts {
            let offset = blob.find(&text).unwrap_or(usize::MAX);
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

/// The texts that do not stand inside a longer one.
fn without_contained(texts: &BTreeSet<String>) -> Vec<&str> {
    let mut by_length: Vec<&str> = texts.iter().map(String::as_str).collect();
    by_length.sort_by_key(|text| usize::MAX - text.len());
    let mut joined = String::new();
    let mut kept = Vec::new();
    for text in by_length {
        if !joined.contains(text) {
            joined.push_str(text);
            joined.push('\n');
            kept.push(text);
        }
    }
    kept
}

/// All texts in one, each next to one whose end is how it begins, as long as there is one.
fn overlapped(texts: &[&str]) -> String {
    let mut by_start: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, text) in texts.iter().enumerate() {
        for length in 1..text.len() {
            by_start.entry(&text[..length]).or_default().push(at);
        }
    }
    let mut is_placed = vec![false; texts.len()];
    let mut blob = String::new();
    for first in 0..texts.len() {
        let mut next = Some((first, 0));
        while let Some((at, overlap)) = next.filter(|(at, _)| !is_placed[*at]) {
            is_placed[at] = true;
            let text = texts[at];
            blob.push_str(&text[overlap..]);
            next = (1..text.len()).rev().find_map(|length| {
                let fitting = by_start.get(&text[text.len() - length..])?;
                fitting.iter().find(|at| !is_placed[**at]).map(|at| (*at, length))
            });
        }
    }
    blob
}
