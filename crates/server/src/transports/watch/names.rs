//! What the name of a file says: that it is not complete yet, that another is, or that it is on its way out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Ends of names that programs give to files which they are still writing.
const UNFINISHED: [&str; 4] = [".part", ".tmp", ".filepart", ".crdownload"];
/// What is behind the name of a file that is complete, in the name of the file that says so.
const DONE: &str = ".done";
/// What is behind the name of a file that is being withdrawn, before a number.
const WITHDRAWN: &str = ".carelake-";
const DIGITS: usize = 16;
/// Bytes of the longest name that can get more behind it on every file system.
const LONGEST: usize = 200;

/// Whether the name says that the file is still being written, or is not for others.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.starts_with(['.', '~']) || UNFINISHED.iter().any(|end| name.ends_with(end))
}

/// The file that a done-file says is complete.
pub(crate) fn completed_by(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(DONE)?;
    (!name.is_empty()).then(|| path.with_file_name(name))
}

/// The done-file of a file.
pub(crate) fn done_file_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(DONE);
    name.into()
}

/// The name of a file while it is being withdrawn: one that is passed over. `None` if the name is too long for that, or no text.
pub(crate) fn withdrawn_name(path: &Path, number: u64) -> Option<PathBuf> {
    let name = path.file_name().and_then(OsStr::to_str).filter(|name| name.len() <= LONGEST)?;
    Some(path.with_file_name(format!(".{name}{WITHDRAWN}{number:0DIGITS$x}")))
}

/// The name that a file had before it began to be withdrawn.
pub(crate) fn name_before(path: &Path) -> Option<PathBuf> {
    let (name, number) = path.file_name()?.to_str()?.strip_prefix('.')?.rsplit_once(WITHDRAWN)?;
    let is_number = number.len() == DIGITS && number.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_number && !name.is_empty()).then(|| path.with_file_name(name))
}

/// Another name beside a path, for a file whose name is taken.
pub(crate) fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default();
    let mut name = stem.to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_not_complete() {
        for name in ["a.part", "a/b.TMP", "x.hl7.filepart", "y.crdownload", ".x.hl7.a8Gh2", "~lock", ".x"] {
            assert!(is_unfinished(Path::new(name)), "{name}");
        }
        for name in ["a.hl7", "part", "tmp/x", ".hidden/x", "a.part.hl7", "a~"] {
            assert!(!is_unfinished(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_done_file_and_its_file_name_each_other() {
        assert_eq!(completed_by(Path::new("lab/x.hl7.done")).unwrap(), Path::new("lab/x.hl7"));
        assert_eq!(done_file_of(Path::new("lab/x.hl7")), Path::new("lab/x.hl7.done"));
        assert_eq!(completed_by(Path::new("lab/.done")), None);
        assert_eq!(completed_by(Path::new("lab/x.hl7")), None);
    }

    #[test]
    fn a_file_on_its_way_out_has_its_name_still() {
        let away = withdrawn_name(Path::new("lab/x.hl7"), 7).unwrap();
        assert_eq!(away, Path::new("lab/.x.hl7.carelake-0000000000000007"));
        assert!(is_unfinished(&away));
        assert_eq!(name_before(&away).unwrap(), Path::new("lab/x.hl7"));
        let twice = withdrawn_name(&away, u64::MAX).unwrap();
        assert_eq!(name_before(&twice).unwrap(), away);
        assert_eq!(withdrawn_name(Path::new(&"x".repeat(201)), 7), None);
        for name in [".x.hl7.carelake-7", "x.carelake-0000000000000007", ".carelake-0000000000000007"] {
            assert_eq!(name_before(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn a_number_goes_before_the_extension() {
        assert_eq!(numbered(Path::new("lab/x.hl7"), 2), Path::new("lab/x-2.hl7"));
        assert_eq!(numbered(Path::new("x"), 10), Path::new("x-10"));
    }
}
