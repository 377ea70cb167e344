//! Files are dropped, cut short, renamed, replaced and taken away, and every message is in the lake once.
//!
//! The clock of a door is what [`Door::pass`] is told, so that only the tests of [`Watcher::run`] wait.

mod journey;
mod raw;
mod restless;
mod store;
mod trouble;
mod whole;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use object_store::ObjectStore;
use pipeline::{Disk, Location, init, staged_ids, verify};

use super::*;

/// A message; its number makes another one of it.
fn message(number: usize) -> String {
    format!(
        "MSH|^~\\&|ADT|NORTH|LAB|SOUTH|20240101||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}^^^NORTH^MR||STONE^ANNA\r"
    )
}

/// A place with a folder to drop files into, a lake, and all that was told.
struct Site {
    place: tempfile::TempDir,
    lake: Lake,
    told: Arc<Mutex<Vec<What>>>,
    feeds: FeedsByName,
}

impl Site {
    async fn new() -> Self {
        Self::on(Arc::new(pipeline::ThisMachine)).await
    }

    async fn on(disk: Arc<dyn Disk>) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("drops")).unwrap();
        let lake = init(Location::on_disk(&place.path().join("lake"), disk).unwrap()).await.unwrap();
        Self { place, lake, told: Arc::default(), feeds: FeedsByName::default() }
    }

    /// A lake on a store; the place is for what is not in it.
    async fn in_store(store: Arc<dyn ObjectStore>) -> Self {
        Self::at(Location::on_store(store).unwrap()).await
    }

    /// The same at any address.
    async fn at(location: Location) -> Self {
        let lake = init(location).await.unwrap();
        let place = tempfile::tempdir().unwrap();
        Self { place, lake, told: Arc::default(), feeds: FeedsByName::default() }
    }

    /// The folder of the drops, watched in the usual way.
    fn drops(&self) -> Folder {
        Folder::at(self.place.path().join("drops"))
    }

    fn raw(&self) -> Folder {
        Folder::raw(&self.lake)
    }

    /// Takes note of a report. Names of files, all of which have a name of a patient in them here, are not told.
    fn note(&self) -> impl Fn(Report) + Send + Sync + 'static + use<> {
        let told = self.told.clone();
        move |report| {
            let text = format!("{report} {report:?}");
            assert!(!text.contains("STONE") && !text.contains("ANNA"), "{text}");
            told.lock().unwrap().push(report.what);
        }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            lake: self.lake.clone(),
            tell: Arc::new(self.note()),
            feeds: self.feeds.clone(),
            limits: Limits::default(),
            turns: Arc::new(Semaphore::new(TURNS)),
            shutdown: CancellationToken::new(),
        }
    }

    /// A door as a process has it that has just begun.
    async fn door(&self, folder: Folder) -> Door {
        let taken = Taken::open(&self.lake, folder.root()).await.unwrap();
        Door::new(folder, self.surroundings(), taken)
    }

    fn told(&self) -> MutexGuard<'_, Vec<What>> {
        self.told.lock().unwrap()
    }

    /// All that was told since the last time, without how many wait.
    fn news(&self) -> Vec<What> {
        let all = std::mem::take(&mut *self.told());
        all.into_iter().filter(|what| !matches!(what, What::Waiting { .. })).collect()
    }

    /// Files and received, staged and duplicate messages that were told since the last time; nothing else may have been told.
    fn taken(&self) -> (usize, u64, u64, u64) {
        let mut sums = (0, 0, 0, 0);
        for what in self.news() {
            let What::Taken { files, accounting, recovered, .. } = what else { panic!("{what}") };
            assert!(accounting.is_complete());
            assert_eq!(recovered.received, 0);
            sums.0 += files;
            sums.1 += accounting.received;
            sums.2 += accounting.staged;
            sums.3 += accounting.duplicate;
        }
        sums
    }

    /// How many messages are in the lake, of which all is proved.
    async fn proved(&self) -> usize {
        let verified = verify(&self.lake).await.unwrap();
        assert!(verified.problems.is_empty(), "{:?}", verified.problems);
        assert_eq!(verified.summary.pending, 0);
        staged_ids(&self.lake).await.unwrap().len()
    }
}

/// Writes a file and the folders above it.
fn put(folder: &Folder, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn append(path: &Path, content: &str) {
    use std::io::Write;
    fs::File::options().append(true).open(path).unwrap().write_all(content.as_bytes()).unwrap();
}

/// The files below a folder, without those of the lake itself.
fn files(folder: &Folder) -> Vec<String> {
    let listing = scan::scan(folder, true).unwrap();
    let mut names: Vec<String> =
        listing.files.iter().map(|file| file.path.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

async fn pass(door: &mut Door, second: u64) -> Duration {
    door.pass(Duration::from_secs(second)).await
}
