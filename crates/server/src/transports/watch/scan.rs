//! What lies in a folder: one walk through it.
//!
//! Links are not followed: whoever may put files into a folder could otherwise have any file of this machine read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pipeline::{FileState, marker_key};

use super::folder::{After, Folder, Ownership};
use super::names;
use super::place::Listing;

/// Folders inside of each other, at most.
pub(crate) const DEPTH: usize = 32;

/// Walks through a folder: through all of it, or where few of the files are the lake's own.
///
/// # Errors
/// When the folder itself cannot be looked into.
pub(crate) fn scan(folder: &Folder, everything: bool) -> io::Result<Listing> {
    let mut walk = Walk { folder, everything, listing: Listing::default(), files: Vec::new() };
    walk.entries(fs::read_dir(&folder.path)?, Path::new(""), 0);
    let Walk { mut listing, files, .. } = walk;
    listing.add(files, folder.ready);
    Ok(listing)
}

struct Walk<'f> {
    folder: &'f Folder,
    everything: bool,
    listing: Listing,
    files: Vec<(PathBuf, FileState)>,
}

impl Walk<'_> {
    fn entries(&mut self, entries: fs::ReadDir, below: &Path, depth: usize) {
        for entry in entries {
            let seen = entry.and_then(|entry| Ok((entry.file_type()?, entry)));
            let (kind, entry) = match seen {
                Ok(seen) => seen,
                // It went away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => {
                    self.listing.is_partial = true;
                    continue;
                }
            };
            let path = below.join(entry.file_name());
            if kind.is_dir() {
                self.sub_folder(path, depth + 1);
            } else if kind.is_file() {
                self.file(path, &entry);
            } else if kind.is_symlink() {
                self.listing.left_out.push((path, "it is a link"));
            } else {
                self.listing.left_out.push((path, "it is a pipe, a socket or a device"));
            }
        }
    }

    fn sub_folder(&mut self, below: PathBuf, depth: usize) {
        let path = self.folder.path.join(&below);
        if !is_in_sight(self.folder, self.everything, &below) {
            return;
        }
        if matches!(&self.folder.after, After::Move(to) if *to == path) {
            return;
        }
        if path.join(marker_key().as_ref()).is_file() {
            return self.listing.left_out.push((below, "it is a lake itself"));
        }
        if depth > DEPTH {
            return self.listing.left_out.push((below, "it lies too deep"));
        }
        match fs::read_dir(&path) {
            Ok(entries) => self.entries(entries, &below, depth),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => {
                self.listing.is_partial = true;
                self.listing.left_out.push((below, "it cannot be looked into"));
            }
        }
    }

    fn file(&mut self, path: PathBuf, entry: &fs::DirEntry) {
        if self.folder.is_ours(&path) {
            return;
        }
        if names::name_before(&path).is_some() {
            return self.listing.withdrawn.push(path);
        }
        match entry.metadata() {
            Ok(metadata) => self.files.push((path, FileState::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => self.listing.is_partial = true,
        }
    }
}

/// Whether a walk looks into a sub-folder.
pub(crate) fn is_in_sight(folder: &Folder, everything: bool, below: &Path) -> bool {
    match folder.ownership(below) {
        Ownership::None => true,
        Ownership::Most => everything,
        Ownership::All => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::Ready;
    use super::*;

    fn put(folder: &Path, names: &[&str]) {
        for name in names {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
    }

    fn paths(listing: &Listing) -> Vec<&str> {
        let mut paths: Vec<&str> = listing.files.iter().map(|file| file.path.to_str().unwrap()).collect();
        paths.sort_unstable();
        paths
    }

    #[test]
    fn a_walk_finds_files_at_any_depth_and_tells_what_it_leaves_out() {
        let place = tempfile::tempdir().unwrap();
        put(
            place.path(),
            &["a.hl7", "lab/b.hl7", "lab/deep/c.hl7", "lab/d.part", ".e", "lake/_carelake/format"],
        );
        put(place.path(), &["moved/f.hl7", "lab/.g.hl7.carelake-00000000000000ff"]);
        let folder = Folder { after: After::Move(place.path().join("moved")), ..Folder::at(place.path()) };
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/etc", place.path().join("etc")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", place.path().join("passwd")).unwrap();
            std::os::unix::net::UnixListener::bind(place.path().join("socket")).unwrap();
        }
        let mut listing = scan(&folder, true).unwrap();
        assert_eq!(paths(&listing), ["a.hl7", "lab/b.hl7", "lab/deep/c.hl7"]);
        assert_eq!((listing.passed_over, listing.is_partial), (2, false));
        assert_eq!(listing.withdrawn, [Path::new("lab/.g.hl7.carelake-00000000000000ff")]);
        listing.left_out.sort_unstable();
        let left_out: Vec<&str> = listing.left_out.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        #[cfg(unix)]
        assert_eq!(left_out, ["etc", "lake", "passwd", "socket"]);
        assert!(scan(&Folder::at(place.path().join("none")), true).is_err());
    }

    #[test]
    fn a_done_file_completes_the_file_beside_it_unless_it_is_older() {
        let place = tempfile::tempdir().unwrap();
        put(
            place.path(),
            &["a.hl7", "a.hl7.done", "b.hl7", "lab/a.hl7", "c.part", "c.part.done", "d.hl7", "d.hl7.done"],
        );
        let past = std::time::SystemTime::now() - std::time::Duration::from_secs(9);
        fs::File::options()
            .append(true)
            .open(place.path().join("d.hl7.done"))
            .unwrap()
            .set_modified(past)
            .unwrap();
        let folder = Folder { ready: Ready::DoneFile, ..Folder::at(place.path()) };
        let listing = scan(&folder, true).unwrap();
        assert_eq!(paths(&listing), ["a.hl7", "b.hl7", "c.part", "d.hl7", "lab/a.hl7"]);
        let mut done: Vec<&Path> =
            listing.files.iter().filter(|file| file.done.is_some()).map(|file| file.path.as_path()).collect();
        done.sort_unstable();
        assert_eq!(done, [Path::new("a.hl7"), Path::new("c.part")]);
        let all = scan(&Folder::at(place.path()), true).unwrap();
        assert_eq!(paths(&all).len(), 7, "elsewhere they are files like others");
    }

    #[test]
    fn in_the_raw_folder_only_drops_are_found() {
        let place = tempfile::tempdir().unwrap();
        let hash = "0af9".repeat(8);
        let object = format!("raw/lab/0a/{hash}-x.hl7");
        let unfinished = format!("{object}#12");
        put(place.path(), &[&object, &unfinished, "raw/lab/live/1.hl7", "raw/_receipts/1.parquet"]);
        put(place.path(), &["raw/lab/x.hl7", "raw/y.hl7", "raw/lab/0a/z.hl7", "raw/lab/x#1"]);
        let lake = pipeline::Lake::at(pipeline::Location::parse(place.path().to_str().unwrap()).unwrap());
        let folder = Folder::raw(&lake);
        assert_eq!(paths(&scan(&folder, true).unwrap()), ["lab/0a/z.hl7", "lab/x#1", "lab/x.hl7", "y.hl7"]);
        assert_eq!(paths(&scan(&folder, false).unwrap()), ["lab/x#1", "lab/x.hl7", "y.hl7"]);
    }
}
