//! When files are taken, and that each is taken once.

use pipeline::{Answer, Delivery, FeedRules, Live, LiveSettings, Rules, Scope, Wish, replay};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_taken_when_it_grows_no_more_and_once_whatever_restarts() {
    let site = Site::new().await;
    let folder = site.drops();
    let path = put(&folder, "STONE.hl7", &message(1)[..50]);
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    append(&path, &message(1)[50..]);
    pass(&mut door, 1).await;
    append(&path, &message(2));
    for second in [2, 3] {
        pass(&mut door, second).await;
        assert_eq!(site.taken().0, 0, "second {second}");
    }
    pass(&mut door, 4).await;
    assert_eq!(site.taken(), (1, 2, 2, 0));
    pass(&mut door, 9).await;
    // A new process.
    let mut door = site.door(folder.clone()).await;
    for second in [0, 5, 10] {
        pass(&mut door, second).await;
    }
    assert_eq!(site.taken().0, 0);
    assert_eq!(files(&folder), ["STONE.hl7"], "it stays");
    append(&path, &message(3));
    pass(&mut door, 11).await;
    pass(&mut door, 13).await;
    assert_eq!(site.taken(), (1, 3, 1, 2), "what is new in it, and what is known");
    assert_eq!(site.proved().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_memory_the_door_reads_again_and_doubles_nothing() {
    let site = Site::new().await;
    let folder = Folder { ready: Ready::Rename, ..site.drops() };
    put(&folder, "STONE.hl7", message(1));
    pass(&mut site.door(folder.clone()).await, 0).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    fs::remove_dir_all(site.place.path().join("lake/_carelake/taken")).unwrap();
    pass(&mut site.door(folder).await, 0).await;
    assert_eq!(site.taken(), (1, 1, 0, 1));
    assert_eq!(site.proved().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_says_so_is_waited_for() {
    let site = Site::new().await;
    let folder = Folder { ready: Ready::Rename, ..site.drops() };
    let names = ["STONE.hl7.part", ".STONE.hl7", "~STONE", "STONE.tmp", "STONE.filepart", "STONE.crdownload"];
    let paths: Vec<PathBuf> =
        names.iter().enumerate().map(|(number, name)| put(&folder, name, message(number))).collect();
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    pass(&mut door, 100).await;
    assert!(site.told().iter().all(|what| *what == What::Waiting { files: 0, passed_over: 6 }));
    assert_eq!(site.taken().0, 0);
    for (number, path) in paths.iter().enumerate() {
        fs::rename(path, folder.path.join(format!("STONE-{number}.hl7"))).unwrap();
    }
    pass(&mut door, 101).await;
    assert_eq!(site.taken(), (6, 6, 6, 0), "at once");
    pass(&mut door, 102).await;
    assert_eq!(site.taken().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_done_file_lets_its_file_in_once() {
    let site = Site::new().await;
    let folder = Folder { ready: Ready::DoneFile, after: After::Remove, ..site.drops() };
    put(&folder, "lab/STONE.hl7", message(1));
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    pass(&mut door, 1_000).await;
    assert_eq!(site.taken().0, 0);
    put(&folder, "lab/STONE.hl7.done", "");
    pass(&mut door, 1_001).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert_eq!(fs::read_dir(folder.path.join("lab")).unwrap().count(), 0, "both are gone");
    put(&folder, "lab/STONE.hl7", &message(2)[..40]);
    pass(&mut door, 1_002).await;
    assert_eq!(site.taken().0, 0, "the next of that name waits for its own");
    put(&folder, "lab/STONE.hl7", message(2));
    put(&folder, "lab/STONE.hl7.done", "");
    pass(&mut door, 1_003).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert_eq!(site.proved().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_done_file_that_stays_says_nothing_of_the_next_file_of_its_name() {
    let site = Site::new().await;
    let folder = Folder { ready: Ready::DoneFile, ..site.drops() };
    put(&folder, "STONE.hl7", message(1));
    put(&folder, "STONE.hl7.done", "");
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    assert_eq!(site.taken().0, 1);
    tokio::time::sleep(Duration::from_millis(20)).await;
    put(&folder, "STONE.hl7", &message(2)[..40]);
    pass(&mut door, 1).await;
    assert_eq!(site.taken().0, 0);
    put(&folder, "STONE.hl7", message(2));
    tokio::time::sleep(Duration::from_millis(20)).await;
    put(&folder, "STONE.hl7.done", "");
    pass(&mut door, 2).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_folders_are_feeds_and_a_name_that_none_can_have_is_told_once() {
    let site = Site::new().await;
    let mut folder = Folder { ready: Ready::Rename, ..site.drops() };
    for name in
        ["STONE.hl7", "lab/STONE.hl7", "lab/2024/STONE.hl7", "ANNA STONE/STONE.hl7", "other/STONE.hl7"]
    {
        put(&folder, name, message(1));
    }
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    pass(&mut door, 1).await;
    let mut news = site.news();
    let bad = What::BadFeedName(FileTag::of(Path::new("ANNA STONE")));
    assert_eq!(news.iter().filter(|what| **what == bad).count(), 1);
    news.retain(|what| *what != bad);
    let taken: Vec<(&str, usize, u64, u64)> = news
        .iter()
        .map(|what| match what {
            What::Taken { feed, files, accounting, .. } => {
                (feed.as_str(), *files, accounting.staged, accounting.duplicate)
            }
            what => panic!("{what}"),
        })
        .collect();
    assert_eq!(taken, [("default", 1, 1, 0), ("lab", 2, 1, 1), ("other", 1, 1, 0)]);
    let names = std::collections::BTreeMap::from([("ANNA STONE".into(), "lab".into())]);
    folder.feed = FolderFeed::BySubFolder { otherwise: "default".into(), names };
    pass(&mut site.door(folder).await, 0).await;
    assert_eq!(site.taken(), (1, 1, 0, 1), "configured, it is a feed; the others are remembered");
    assert_eq!(site.proved().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_a_feed_reach_its_folder_and_remember_what_came_by_its_other_doors() {
    let mut site = Site::new().await;
    let filters = vec!["ACK".parse().unwrap(), "unchanged ADT^A08".parse().unwrap()];
    let lab = FeedRules { filters, charset: Some("8859/1".into()), ..FeedRules::named("lab") };
    let lab = Arc::new(lab);
    let by_name = lab.clone();
    site.feeds = FeedsByName::new(move |name| (name == "lab").then(|| by_name.clone()));
    let (live, _) = Live::open(&site.lake, LiveSettings::default()).await.unwrap();
    let delivery = Delivery {
        feed: lab,
        origin: "mllp test".into(),
        bytes: message(1).into(),
        wish: Wish::Staged,
        answer: Answer::default(),
    };
    live.put(delivery).await.unwrap().fates.unwrap().await.unwrap();
    live.close().await;

    let folder = Folder { ready: Ready::Rename, ..site.drops() };
    let ack = "MSH|^~\\&|ADT|NORTH|LAB|SOUTH|20240101||ACK|1|P|2.5\rMSA|AA|1\r";
    let umlaut = message(2).replace("|P2^", "|Pü2^").chars().map(|letter| letter as u8).collect::<Vec<_>>();
    let file = [ack.as_bytes(), message(1).replace("|C1|", "|C9|").as_bytes(), &umlaut].concat();
    put(&folder, "lab/STONE.hl7", &file);
    put(&folder, "other/STONE.hl7", &file);
    let mut door = site.door(folder).await;
    pass(&mut door, 0).await;
    let taken: Vec<(String, u64, u64)> = site
        .news()
        .into_iter()
        .map(|what| match what {
            What::Taken { feed, accounting, .. } => (feed, accounting.staged, accounting.filtered),
            what => panic!("{what}"),
        })
        .collect();
    assert_eq!(taken, [("lab".to_owned(), 1, 2), ("other".to_owned(), 3, 0)]);
    replay(&site.lake, &Scope::default(), &Rules::default(), &Arc::default()).await.unwrap();
    assert_eq!(site.proved().await, 5);
    assert_eq!(verify(&site.lake).await.unwrap().summary.accounting.filtered, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_moved_when_they_are_in_the_lake_and_none_is_overwritten() {
    let site = Site::new().await;
    // Below the folder itself: it is not watched.
    let to = site.place.path().join("drops/taken");
    let folder = Folder { ready: Ready::Rename, after: After::Move(to.clone()), ..site.drops() };
    let mut door = site.door(folder.clone()).await;
    for number in 1..4 {
        put(&folder, "lab/STONE.hl7", message(number));
        pass(&mut door, number as u64).await;
        assert_eq!(site.taken(), (1, 1, 1, 0));
    }
    assert!(files(&folder).is_empty());
    for (name, number) in [("STONE.hl7", 1), ("STONE-2.hl7", 2), ("STONE-3.hl7", 3)] {
        assert_eq!(fs::read_to_string(to.join("lab").join(name)).unwrap(), message(number));
    }
    assert_eq!(site.proved().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_told_once_stays_and_is_taken_when_something_is_in_it() {
    let site = Site::new().await;
    let folder = Folder { after: After::Remove, ..site.drops() };
    let path = put(&folder, "STONE.hl7", "");
    let mut door = site.door(folder.clone()).await;
    for second in [0, 2, 4, 6] {
        pass(&mut door, second).await;
    }
    assert_eq!(site.news(), [What::Empty(FileTag::of(Path::new("STONE.hl7")))]);
    assert_eq!(files(&folder), ["STONE.hl7"]);
    append(&path, &message(1));
    pass(&mut door, 7).await;
    pass(&mut door, 9).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert!(files(&folder).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_name_with_other_bytes_of_the_same_length_and_time_is_taken() {
    let site = Site::new().await;
    for folder in [site.drops(), Folder { after: After::Remove, ..site.raw() }] {
        let folder = Folder { ready: Ready::Rename, ..folder };
        let then = std::time::SystemTime::now() - Duration::from_secs(60);
        for number in 1..4 {
            let path = put(&folder, "lab/STONE.hl7", message(number));
            fs::File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
            // Each time by a new process.
            pass(&mut site.door(folder.clone()).await, 0).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (files, received, staged, duplicate) = site.taken();
        assert_eq!((files, received, staged + duplicate), (3, 3, 3));
    }
    assert_eq!(site.proved().await, 3);
}
