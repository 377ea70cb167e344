//! The history of the prompt: a file in the person's state folder, for nobody else to read.

use std::path::{Path, PathBuf};

use rustyline::history::FileHistory;
use rustyline::{Editor, Helper};

/// Where it is kept; `None` if the person has no home.
pub(super) fn file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").filter(|state| !state.is_empty()).map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))?;
    Some(state.join("carelake").join("history"))
}

/// Keeps it; one that cannot be kept is no reason to stop.
pub(super) fn save<H: Helper>(editor: &mut Editor<H, FileHistory>, file: &Path) {
    if let Some(folder) = file.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    if !file.exists() {
        let _ = private(file);
    }
    let _ = editor.save_history(file);
}

fn private(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}
