//! Where the public sample messages are, which are no part of the repository.

use std::path::{Path, PathBuf};

use hl7::stream::PieceKind;

/// The folder that `CARELAKE_CORPUS` names, or the one beside the repository; says so when there is none.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("CARELAKE_CORPUS").map_or(beside, PathBuf::from);
    if folder.join("MANIFEST.tsv").is_file() {
        return Some(folder);
    }
    println!("skipped: no corpus at {}", folder.display());
    None
}

/// Every message of the corpus.
pub(crate) fn messages() -> Option<Vec<Vec<u8>>> {
    let mut messages = Vec::new();
    let mut folders = vec![folder()?.join("open")];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let pieces =
                hl7::stream::pieces(&bytes, 128 << 20).filter(|piece| piece.kind == PieceKind::Message);
            messages.extend(pieces.map(|piece| {
                let start = piece.offset as usize;
                bytes[start..start + piece.length as usize].to_vec()
            }));
        }
    }
    Some(messages)
}
