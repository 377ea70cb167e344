//! Where the public sample messages are, which are no part of the repository.

use std::path::{Path, PathBuf};

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
