//! Files that change, vanish or are replaced while they are taken up; a lake that refuses.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

type Step = Box<dyn FnOnce() + Send>;

/// A disk that is full when told so, and that does something at its next write to the raw zone or the tables.
#[derive(Default)]
struct Staged {
    is_full: AtomicBool,
    at_raw: Mutex<Option<Step>>,
    at_table: Mutex<Option<Step>>,
}

impl fmt::Debug for Staged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Staged")
    }
}

impl Staged {
    fn at_raw(&self, step: impl FnOnce() + Send + 'static) {
        *self.at_raw.lock().unwrap() = Some(Box::new(step));
    }

    fn at_table(&self, step: impl FnOnce() + Send + 'static) {
        *self.at_table.lock().unwrap() = Some(Box::new(step));
    }
}

impl Disk for Staged {
    fn write(&self, file: &mut fs::File, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let path = path.to_string_lossy();
        let step = match () {
            () if path.contains("/lake/staging/table/") => self.at_table.lock().unwrap().take(),
            () if path.contains("/lake/raw/") && !path.contains("_receipts") => {
                self.at_raw.lock().unwrap().take()
            }
            () => None,
        };
        if let Some(step) = step {
            step();
        }
        io::Write::write_all(file, bytes)
    }
}

async fn staged_site() -> (Arc<Staged>, Site) {
    let disk = Arc::new(Staged::default());
    (disk.clone(), Site::on(disk).await)
}

fn tag() -> FileTag {
    FileTag::of(Path::new("STONE.hl7"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_vanishes_is_told_whenever_it_does() {
    let (disk, site) = staged_site().await;
    let folder = Folder { after: After::Remove, ..site.drops() };
    let path = put(&folder, "STONE.hl7", message(1));
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    fs::remove_file(&path).unwrap();
    pass(&mut door, 2).await;
    assert_eq!(site.news(), [What::Vanished(tag())]);
    // Between the look and the reading.
    put(&folder, "STONE.hl7", message(1));
    let entry = scan::scan(&folder, true).unwrap().files.remove(0);
    fs::remove_file(&path).unwrap();
    assert!(door.take("default", vec![entry], Duration::ZERO).await);
    assert_eq!(site.news(), [What::Vanished(tag())]);
    // When it is read: then it is in the lake.
    put(&folder, "STONE.hl7", message(1));
    pass(&mut door, 3).await;
    disk.at_raw(move || fs::remove_file(path).unwrap());
    pass(&mut door, 5).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    pass(&mut door, 6).await;
    assert!(site.news().is_empty());
    assert_eq!(site.proved().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_read_stays_and_is_taken_again() {
    for after in [After::Keep, After::Remove] {
        let (disk, site) = staged_site().await;
        let folder = Folder { after: after.clone(), ..site.drops() };
        let path = put(&folder, "STONE.hl7", message(1));
        let mut door = site.door(folder.clone()).await;
        pass(&mut door, 0).await;
        disk.at_raw(move || append(&path, &message(2)));
        pass(&mut door, 2).await;
        let news = site.news();
        assert_eq!(news[0], What::Changed(tag()), "{after:?}");
        assert!(matches!(news[1..], [What::Taken { files: 1, .. }]));
        assert_eq!(files(&folder), ["STONE.hl7"]);
        pass(&mut door, 3).await;
        assert_eq!(site.taken().0, 0, "it has to be stable again");
        pass(&mut door, 5).await;
        assert_eq!(site.taken(), (1, 2, 1, 1));
        assert_eq!(files(&folder).is_empty(), after == After::Remove);
        assert_eq!(site.proved().await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_put_in_the_place_of_one_that_was_read_is_not_removed_with_it() {
    for in_the_lake in [false, true] {
        let (disk, site) = staged_site().await;
        let folder = if in_the_lake { site.raw() } else { Folder { after: After::Remove, ..site.drops() } };
        let path = put(&folder, "STONE.hl7", message(1));
        let other = site.place.path().join("other");
        fs::write(&other, message(2)).unwrap();
        let mut door = site.door(folder.clone()).await;
        pass(&mut door, 0).await;
        disk.at_table(move || fs::rename(other, path).unwrap());
        pass(&mut door, 2).await;
        assert_eq!(site.news()[0], What::Changed(tag()));
        pass(&mut door, 3).await;
        pass(&mut door, 5).await;
        assert_eq!(site.taken(), (1, 1, 1, 0));
        assert!(files(&folder).is_empty());
        assert_eq!(site.proved().await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_pauses_the_door_and_costs_nothing() {
    let (disk, site) = staged_site().await;
    let folder = Folder { ready: Ready::Rename, ..site.raw() };
    for number in 0..20 {
        put(&folder, &format!("lab/STONE-{number}.hl7"), message(number));
    }
    let mut door = site.door(folder.clone()).await;
    disk.is_full.store(true, Ordering::SeqCst);
    let mut now = Duration::ZERO;
    for second in [1, 2, 4, 8] {
        let rest = door.pass(now).await;
        assert!(rest > Duration::from_millis(500) * second, "{rest:?}");
        let news = site.news();
        let [What::Paused { is_full: true, again_in, reason }] = &news[..] else { panic!("{news:?}") };
        assert_eq!(again_in.as_secs(), u64::from(second));
        assert!(reason.contains("storage"), "{reason}");
        door.pass(now + *again_in / 4).await;
        assert!(site.news().is_empty(), "it rests");
        now += *again_in;
    }
    assert_eq!(files(&folder).len(), 20);
    disk.is_full.store(false, Ordering::SeqCst);
    door.pass(now).await;
    let news = site.news();
    assert_eq!(news[0], What::Resumed);
    assert!(files(&folder).is_empty());
    assert_eq!(site.proved().await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_removed_is_not_read_again() {
    let site = Site::new().await;
    // A file is where the folder should be that files are moved to.
    let to = site.place.path().join("taken");
    fs::write(&to, "").unwrap();
    let folder = Folder { ready: Ready::Rename, after: After::Move(to.clone()), ..site.drops() };
    put(&folder, "STONE.hl7", message(1));
    let mut door = site.door(folder.clone()).await;
    for second in 0..10 {
        pass(&mut door, second).await;
    }
    let news = site.news();
    assert_eq!(news.len(), 2, "{news:?}");
    assert!(matches!(&news[0], What::NotWithdrawn { file, .. } if *file == tag()));
    assert!(matches!(news[1], What::Taken { files: 1, .. }));
    assert_eq!(files(&folder), ["STONE.hl7"]);
    fs::remove_file(&to).unwrap();
    for second in 10..30 {
        pass(&mut door, second).await;
    }
    assert_eq!(fs::read_to_string(to.join("STONE.hl7")).unwrap(), message(1));
    assert_eq!(site.proved().await, 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_be_read_is_tried_again_and_stops_no_other() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new().await;
    let folder = Folder { ready: Ready::Rename, ..site.drops() };
    let path = put(&folder, "STONE.hl7", message(1));
    put(&folder, "STONE-2.hl7", message(2));
    fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        // Nothing is forbidden to this user.
        return;
    }
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    pass(&mut door, 1).await;
    let news = site.news();
    assert_eq!(news.len(), 2, "{news:?}");
    assert!(
        matches!(&news[0], What::Unreadable { file, again_in, .. } if *file == tag() && again_in.as_secs() == 2)
    );
    assert!(matches!(news[1], What::Taken { files: 1, .. }));
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    pass(&mut door, 2).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_told_once_and_waited_for() {
    let site = Site::new().await;
    let folder = Folder { ready: Ready::Rename, ..Folder::at(site.place.path().join("later")) };
    let mut door = site.door(folder.clone()).await;
    let mut rest = Duration::ZERO;
    for second in 0..10 {
        let longer = pass(&mut door, second).await;
        assert!(longer >= rest && longer <= Duration::from_secs(30));
        rest = longer;
    }
    assert!(matches!(site.news()[..], [What::FolderUnreadable { .. }]));
    put(&folder, "STONE.hl7", message(1));
    pass(&mut door, 20).await;
    assert!(matches!(site.news()[..], [What::FolderReadable, What::Taken { files: 1, .. }]));
}
