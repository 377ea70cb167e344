//! Every line of a JSON document against the row it belongs to.

use std::sync::Arc;

use object_store::path::Path;

use super::{Check, Kind, number_of};
use crate::delta::ListedFile;
use crate::{Error, Result, documents};

/// Checks that the documents of a file are there, and that their lines are those of the rows.
pub(super) async fn check(check: &Check, file: &ListedFile, rows: Vec<Option<u64>>) -> Result<()> {
    let Some(list) = &file.documents else {
        check.problem(Kind::DocumentMissing, format!("{} names no list of documents", file.key));
        return Ok(());
    };
    let Some(keys) = listed(check, list).await? else { return Ok(()) };
    let (rows, mut lines) = (Arc::new(rows), 0);
    for key in keys {
        let document = match documents::read(&check.lake, &key).await {
            Ok(document) => document,
            Err(Error::DamagedDocuments { key }) => {
                check.problem(Kind::DocumentDamaged, format!("{key} cannot be unpacked"));
                return Ok(());
            }
            Err(error) => {
                check.problem(Kind::DocumentMissing, format!("a document of {}: {error}", file.key));
                return Ok(());
            }
        };
        let (first, expected) = (lines, rows.clone());
        let read = move || Lines::of(&document, &expected[first.min(expected.len())..]);
        let Lines { count, wrong } = tokio::task::spawn_blocking(read).await?;
        check.found().summary.documents += 1;
        if let Some((line, what)) = wrong {
            check.problem(Kind::DocumentDamaged, format!("line {line} of {key} {what}"));
        }
        lines += count;
    }
    if lines != rows.len() {
        let text = format!("the documents of {} have {lines} lines for {} rows", file.key, rows.len());
        check.problem(Kind::DocumentDamaged, text);
    }
    Ok(())
}

/// The lines of one document.
struct Lines {
    count: usize,
    /// The first that is wrong, from 1, and in what way.
    wrong: Option<(usize, &'static str)>,
}

impl Lines {
    fn of(document: &[u8], expected: &[Option<u64>]) -> Self {
        let mut lines = Self { count: 0, wrong: None };
        let mut texts = document.split(|&byte| byte == b'\n');
        if texts.next_back() != Some(&[]) {
            lines.wrong = Some((texts.clone().count() + 1, "has no end"));
        }
        for text in texts {
            let wrong = match expected.get(lines.count).copied().flatten() {
                Some(line) if line == number_of(text) => None,
                Some(_) => Some("is not the JSON of its message"),
                None if serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok() => None,
                None => Some("is no JSON"),
            };
            lines.count += 1;
            lines.wrong = lines.wrong.or(wrong.map(|what| (lines.count, what)));
        }
        lines
    }
}

/// The keys in a list of documents.
pub(super) async fn listed(check: &Check, list: &Path) -> Result<Option<Vec<Path>>> {
    match documents::read_list(&check.lake, list).await {
        Ok(keys) => Ok(Some(keys)),
        Err(error) => {
            check.problem(Kind::DocumentMissing, format!("the list of documents {list}: {error}"));
            Ok(None)
        }
    }
}
