//! The watcher as it runs.

use std::time::Instant;

use tokio::task::JoinHandle;

use super::*;

fn run(site: &Site, folders: Vec<Folder>) -> (CancellationToken, JoinHandle<()>) {
    let shutdown = CancellationToken::new();
    let watcher = Watcher::new(folders, site.lake.clone(), site.note());
    (shutdown.clone(), tokio::spawn(watcher.run(shutdown)))
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(300), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn files_taken(site: &Site) -> usize {
    let files = |what: &What| if let What::Taken { files, .. } = what { *files } else { 0 };
    site.told().iter().map(files).sum()
}

/// A disk that waits for nothing: how long many thousand syncs take is another test's matter.
#[derive(Debug)]
struct Hasty;

impl Disk for Hasty {
    fn sync(&self, _: &fs::File, _: &Path) -> std::io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_files_are_taken_in_few_batches() {
    const FILES: usize = 2_500;
    let site = Site::on(Arc::new(Hasty)).await;
    let folder = Folder { settle: Duration::from_millis(100), ..site.raw() };
    for number in 0..FILES {
        put(&folder, &format!("feed-{}/STONE-{number}.hl7", number % 10 / 9), message(number));
    }
    let (shutdown, running) = run(&site, vec![folder.clone()]);
    until("all are taken", || files_taken(&site) == FILES && files(&folder).is_empty()).await;
    shutdown.cancel();
    running.await.unwrap();
    let batches = site.told().iter().filter(|what| matches!(what, What::Taken { .. })).count();
    assert!(batches <= 4, "{batches}");
    assert_eq!(site.taken(), (FILES, FILES as u64, FILES as u64, 0));
    assert_eq!(site.proved().await, FILES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_is_proved_while_files_are_dropped_into_it() {
    let site = Site::new().await;
    let folder = Folder { settle: Duration::from_millis(50), ..site.raw() };
    let (shutdown, running) = run(&site, vec![folder.clone()]);
    let writing = {
        let folder = folder.clone();
        std::thread::spawn(move || {
            for number in 0..60 {
                let path = put(&folder, &format!("lab/STONE-{number}.hl7.part"), &message(number)[..30]);
                std::thread::sleep(Duration::from_millis(50));
                append(&path, &message(number)[30..]);
                fs::rename(&path, path.with_extension("")).unwrap();
            }
        })
    };
    let mut proofs = 0;
    while !writing.is_finished() || proofs < 3 {
        let verified = verify(&site.lake).await.unwrap();
        assert!(verified.problems.is_empty(), "{:?}", verified.problems);
        proofs += 1;
    }
    writing.join().unwrap();
    until("all are taken", || files_taken(&site) >= 60 && files(&folder).is_empty()).await;
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!(site.proved().await, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_watchers_of_a_folder_one_stands_by_until_the_other_ends() {
    let site = Site::new().await;
    let folder = Folder { settle: Duration::from_millis(50), ..site.drops() };
    put(&folder, "STONE-1.hl7", message(1));
    let (first, running) = run(&site, vec![folder.clone()]);
    until("the first takes it", || files_taken(&site) == 1).await;
    let (second, standing_by) = run(&site, vec![folder.clone(), site.raw()]);
    until("the second stands by", || site.told().contains(&What::StandsBy)).await;
    put(&folder, "STONE-2.hl7", message(2));
    until("one of them takes it", || files_taken(&site) == 2).await;
    first.cancel();
    running.await.unwrap();
    put(&folder, "STONE-3.hl7", message(3));
    until("the other takes over", || files_taken(&site) == 3).await;
    put(&site.raw(), "STONE-4.hl7", message(4));
    until("it has its own folder too", || files_taken(&site) == 4).await;
    second.cancel();
    standing_by.await.unwrap();
    let duplicates =
        |what: &What| if let What::Taken { accounting, .. } = what { accounting.duplicate } else { 0 };
    assert_eq!(site.told().iter().map(duplicates).sum::<u64>(), 0, "nobody took what the other had taken");
    assert_eq!(site.proved().await, 4);
}
