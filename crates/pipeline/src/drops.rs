//! Drops: files that somebody put into the raw folder of a lake, to be taken up.

mod in_store;
mod reader;

use std::path::{Component, Path as FilePath};

use object_store::path::Path;
use storage::{RawKind, raw_kind};

pub use in_store::{Drops, DropsLevel, Removed};
pub(crate) use reader::DropReader;

/// Whether a file of the raw folder, given by its path below it, is a drop: neither an object of ours nor one that is being written.
pub fn is_drop(below_raw: &FilePath) -> bool {
    let parts: Option<Vec<&str>> = below_raw
        .components()
        .map(|component| match component {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    // We give no name that is not text.
    let Some(mut parts) = parts else { return true };
    if let Some(last) = parts.last_mut() {
        *last = finished_name(last);
    }
    raw_kind(&Path::from_iter(["raw"].into_iter().chain(parts))) == RawKind::Drop
}

/// The name that a file gets when it is written: until then it has `#` and digits behind it.
fn finished_name(name: &str) -> &str {
    match name.rsplit_once('#') {
        Some((finished, digits))
            if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) =>
        {
            finished
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_told_from_objects_and_from_objects_that_are_being_written() {
        let hash = "0af9".repeat(8);
        for ours in [
            format!("lab/0a/{hash}-x.hl7"),
            format!("lab/0a/{hash}-x.hl7#123"),
            "lab/live/0001-a-1.hl7".into(),
            "lab/live/0001-a-1.hl7#99".into(),
            "_receipts/0001-a-1.parquet".into(),
            "_receipts/0001-a-1.parquet#7".into(),
        ] {
            assert!(!is_drop(FilePath::new(&ours)), "{ours}");
        }
        for drop in ["x.hl7", "lab/x.hl7", "lab/report#12", "lab/0a/x.hl7#1", "lab/x#", "Größe/x y.hl7"] {
            assert!(is_drop(FilePath::new(drop)), "{drop}");
        }
    }
}
