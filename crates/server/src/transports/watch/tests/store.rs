//! The raw zone of a lake that lies on a store.

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use pipeline::is_drop;

use super::restless::{Before, Restless};
use super::*;

const HOUR: u64 = 3_600;

async fn restless() -> (Restless, Site) {
    let store = Restless::default();
    (store.clone(), Site::in_store(Arc::new(store)).await)
}

/// Puts an object into `raw/`, whatever is there.
async fn drop_in(site: &Site, name: &str, content: impl Into<Bytes>) {
    let key = Key::parse(format!("raw/{name}")).unwrap();
    site.lake.store().put(&key, content.into().into()).await.unwrap();
}

/// What lies in `raw/` and is not the lake's own.
async fn drops(site: &Site) -> Vec<String> {
    let objects = site.lake.list(&Key::from("raw")).await.unwrap();
    let below = objects.iter().map(|object| object.key.as_ref()["raw/".len()..].to_owned());
    below.filter(|below| is_drop(Path::new(below))).collect()
}

fn tag(name: &str) -> FileTag {
    FileTag::of(Path::new(name))
}

/// Messages of more than so many bytes in all, and how many they are.
fn many_messages(bytes: usize) -> (String, u64) {
    let (mut text, mut count) = (String::new(), 0);
    while text.len() <= bytes {
        text += &message(count as usize);
        count += 1;
    }
    (text, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_below_sub_prefixes_are_of_their_feeds_and_go_when_their_bytes_lie_under_their_own_key() {
    let (_, site) = restless().await;
    for (number, name) in
        ["STONE.hl7", "lab/STONE.hl7", "lab/2024/ANNA/STONE", "ANNA STONE/STONE.hl7"].iter().enumerate()
    {
        drop_in(&site, name, message(number)).await;
    }
    assert_eq!(verify(&site.lake).await.unwrap().summary.drops_waiting, 4);
    let mut door = site.door(site.raw()).await;
    assert!(pass(&mut door, 0).await >= Duration::from_secs(5));
    let news = site.news();
    let taken: Vec<(&str, usize, u64)> = news[1..]
        .iter()
        .map(|what| match what {
            What::Taken { feed, files, accounting, .. } => (feed.as_str(), *files, accounting.staged),
            what => panic!("{what}"),
        })
        .collect();
    assert_eq!(news[0], What::BadFeedName(tag("ANNA STONE")));
    assert_eq!(taken, [("default", 1, 1), ("lab", 2, 2)], "at once");
    assert_eq!(drops(&site).await, ["ANNA STONE/STONE.hl7"]);
    let hash = pipeline::sha256(message(1).as_bytes());
    let object = format!("raw/lab/{}/{}-STONE.hl7", &hash[..2], &hash[..32]);
    assert_eq!(site.lake.read(&Key::from(object)).await.unwrap(), message(1));
    // The same process, and a new one.
    pass(&mut door, 5).await;
    assert!(site.news().is_empty());
    pass(&mut site.door(site.raw()).await, 0).await;
    assert_eq!(site.news(), [What::BadFeedName(tag("ANNA STONE"))]);
    assert_eq!(site.proved().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_is_read_once_whatever_restarts_and_again_when_other_bytes_have_its_name() {
    let (_, site) = restless().await;
    let folder = Folder { after: After::Keep, ..site.raw() };
    drop_in(&site, "lab/STONE.hl7", message(1)).await;
    drop_in(&site, "lab/empty.hl7", "").await;
    pass(&mut site.door(folder.clone()).await, 0).await;
    let news = site.news();
    assert_eq!(news[0], What::Empty(tag("lab/empty.hl7")));
    assert!(matches!(news[1..], [What::Taken { files: 1, .. }]));
    for second in [0, HOUR] {
        pass(&mut site.door(folder.clone()).await, second).await;
        assert!(site.news().is_empty());
    }
    // As long as the one before, and in the same second, as like as not.
    drop_in(&site, "lab/STONE.hl7", message(2)).await;
    pass(&mut site.door(folder.clone()).await, 0).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    pass(&mut site.door(folder).await, 0).await;
    assert!(site.news().is_empty());
    assert_eq!(site.proved().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_removal_it_is_removed_and_not_read_again() {
    let (_, site) = restless().await;
    drop_in(&site, "lab/STONE.hl7", message(1)).await;
    // A process that was killed had done all but that.
    pass(&mut site.door(Folder { after: After::Keep, ..site.raw() }).await, 0).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert_eq!(drops(&site).await.len(), 1);
    pass(&mut site.door(site.raw()).await, 0).await;
    assert!(site.news().is_empty());
    assert!(drops(&site).await.is_empty());
    assert_eq!(site.proved().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_it_was_remembered_it_is_read_again_and_counted_as_a_duplicate() {
    let (_, site) = restless().await;
    drop_in(&site, "lab/STONE.hl7", message(1)).await;
    pass(&mut site.door(Folder { after: After::Keep, ..site.raw() }).await, 0).await;
    assert_eq!(site.taken().0, 1);
    for object in site.lake.list(&Key::from("_carelake/taken")).await.unwrap() {
        site.lake.delete(&object.key).await.unwrap();
    }
    pass(&mut site.door(site.raw()).await, 0).await;
    assert_eq!(site.taken(), (1, 1, 0, 1));
    assert!(drops(&site).await.is_empty());
    assert_eq!(site.proved().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_replaced_when_it_was_read_is_not_removed_with_what_was_read() {
    let (store, site) = restless().await;
    drop_in(&site, "STONE.hl7", message(1)).await;
    store.replaces(Before::Table, "raw/STONE.hl7", Some(message(2).as_bytes()));
    let mut door = site.door(site.raw()).await;
    pass(&mut door, 0).await;
    let news = site.news();
    assert_eq!(news[0], What::Changed(tag("STONE.hl7")));
    assert!(matches!(news[1..], [What::Taken { files: 1, .. }]));
    assert_eq!(drops(&site).await, ["STONE.hl7"]);
    pass(&mut door, 5).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert!(drops(&site).await.is_empty());
    assert_eq!(site.proved().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_of_one_that_is_replaced_before_or_while_it_is_read() {
    let (large, count) = many_messages(9 << 20);
    for (read, other) in [(1, message(1)), (2, message(1)), (2, large.replace("ANNA", "EMMA"))] {
        let (store, site) = restless().await;
        drop_in(&site, "STONE.hl7", large.clone()).await;
        drop_in(&site, "STONE-2.hl7", message(0)).await;
        store.replaces(Before::Read(read), "raw/STONE.hl7", Some(other.as_bytes()));
        let mut door = site.door(site.raw()).await;
        pass(&mut door, 0).await;
        let news = site.news();
        assert_eq!(news[0], What::Changed(tag("STONE.hl7")));
        assert!(matches!(news[1..], [What::Taken { files: 1, .. }]), "the other one");
        assert_eq!(drops(&site).await, ["STONE.hl7"]);
        assert!(site.lake.list(&Key::from("_carelake/incoming")).await.unwrap().is_empty());
        pass(&mut door, 5).await;
        let (files, received, ..) = site.taken();
        assert_eq!((files, received), (1, if other.len() == large.len() { count } else { 1 }));
        assert!(drops(&site).await.is_empty());
        site.proved().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_vanishes_is_told_and_stops_no_other() {
    let (store, site) = restless().await;
    drop_in(&site, "STONE.hl7", message(1)).await;
    drop_in(&site, "STONE-2.hl7", message(2)).await;
    store.replaces(Before::Read(1), "raw/STONE.hl7", None);
    let mut door = site.door(site.raw()).await;
    pass(&mut door, 0).await;
    let news = site.news();
    assert_eq!(news[0], What::Vanished(tag("STONE.hl7")));
    assert!(matches!(news[1..], [What::Taken { files: 1, .. }]));
    // When it is read it is in the lake.
    drop_in(&site, "STONE.hl7", message(3)).await;
    store.replaces(Before::Table, "raw/STONE.hl7", None);
    pass(&mut door, 5).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert_eq!(site.proved().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_say_what_is_not_complete_as_in_folders() {
    let (_, site) = restless().await;
    let names =
        ["STONE.part", "lab/.STONE", "lab/~STONE", "lab/STONE.tmp", "lab/.STONE.carelake-00000000000000ff"];
    for name in names {
        drop_in(&site, name, message(1)).await;
    }
    let mut door = site.door(site.raw()).await;
    pass(&mut door, 0).await;
    pass(&mut door, HOUR).await;
    assert_eq!(*site.told(), [What::Waiting { files: 0, passed_over: 5 }]);
    assert_eq!(drops(&site).await.len(), 5);
    // Where a sender puts done-files, an object waits for its own, and both go.
    let mut door = site.door(Folder { ready: Ready::DoneFile, ..site.raw() }).await;
    drop_in(&site, "lab/STONE.hl7", message(1)).await;
    site.news();
    pass(&mut door, 0).await;
    assert!(site.news().is_empty());
    drop_in(&site, "lab/STONE.hl7.done", "").await;
    pass(&mut door, 5).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert_eq!(drops(&site).await.len(), 5);
    assert_eq!(site.proved().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lakes_own_objects_are_left_alone_and_not_even_listed_with_each_look() {
    let (store, site) = restless().await;
    let mut door = site.door(site.raw()).await;
    for number in 0..40 {
        drop_in(&site, &format!("lab/STONE-{number}.hl7"), message(number)).await;
    }
    drop_in(&site, "lab/live/STONE.hl7", message(1)).await;
    pass(&mut door, 0).await;
    assert_eq!(site.taken(), (40, 40, 40, 0));
    let raw = site.lake.list(&Key::from("raw")).await.unwrap();
    assert!(raw.len() > 40);
    // In among them, under a name of its own.
    drop_in(&site, "lab/0a/STONE.hl7", message(100)).await;
    drop_in(&site, "lab/2024/STONE.hl7", message(101)).await;
    store.listed();
    pass(&mut door, 5).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    let mut listed: Vec<String> =
        store.listed().into_iter().filter(|folder| folder.starts_with("raw")).collect();
    listed.sort_unstable();
    assert_eq!(listed, ["raw", "raw/lab", "raw/lab/2024"]);
    pass(&mut door, HOUR).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert!(!store.listed().iter().any(|folder| folder.ends_with("/live") || folder == "raw/_receipts"));
    let all = site.lake.list(&Key::from("raw")).await.unwrap();
    assert!(raw.iter().all(|object| all.contains(object)), "nothing of ours was touched");
    assert!(drops(&site).await.is_empty());
    pass(&mut door, HOUR + 5).await;
    assert!(site.news().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_told_once_and_recovered_from() {
    let (store, site) = restless().await;
    drop_in(&site, "lab/STONE.hl7", message(1)).await;
    let mut door = site.door(site.raw()).await;
    store.lists_nothing(true);
    let mut rest = Duration::ZERO;
    for second in 0..8 {
        let longer = pass(&mut door, second).await;
        assert!(longer >= rest && longer <= Duration::from_secs(30), "{longer:?}");
        rest = longer;
    }
    assert!(matches!(site.news()[..], [What::FolderUnreadable { .. }]));
    store.lists_nothing(false);
    store.takes_nothing(true);
    for (second, rest) in [(10, 1), (20, 2), (40, 4)] {
        pass(&mut door, second).await;
        let mut news = site.news();
        news.retain(|what| *what != What::FolderReadable);
        let [What::Paused { is_full: false, again_in, .. }] = &news[..] else { panic!("{news:?}") };
        assert_eq!(again_in.as_secs(), rest);
    }
    assert_eq!(drops(&site).await.len(), 1);
    store.takes_nothing(false);
    pass(&mut door, 80).await;
    let news = site.news();
    assert!(matches!(news[..], [What::Resumed, What::Taken { files: 1, .. }]), "{news:?}");
    assert!(drops(&site).await.is_empty());
    assert_eq!(site.proved().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_one_stops_its_folder_and_no_other() {
    let (store, site) = restless().await;
    drop_in(&site, "lab/STONE.hl7", message(1)).await;
    drop_in(&site, "other/STONE.hl7", message(2)).await;
    store.has_bad_key(Some("raw/lab"));
    let mut door = site.door(site.raw()).await;
    pass(&mut door, 0).await;
    let news = site.news();
    assert!(matches!(&news[0], What::LeftOut { file, .. } if *file == tag("lab")));
    assert!(matches!(news[1..], [What::Taken { files: 1, .. }]));
    pass(&mut door, 5).await;
    assert!(site.news().is_empty(), "it is told once");
    store.has_bad_key(None);
    pass(&mut door, 10).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert_eq!(site.proved().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_look_at_the_same_time_neither_loses_or_doubles_a_message() {
    const OBJECTS: usize = 200;
    let (_, site) = restless().await;
    for number in 0..OBJECTS {
        drop_in(&site, &format!("feed-{}/STONE-{number}.hl7", number % 2), message(number)).await;
    }
    let (mut one, mut other) = (site.door(site.raw()).await, site.door(site.raw()).await);
    for second in [0, 60, 700] {
        tokio::join!(pass(&mut one, second), pass(&mut other, second));
    }
    assert!(drops(&site).await.is_empty());
    let sum = |of: fn(&pipeline::Accounting) -> u64| {
        let of_one = |what: &What| if let What::Taken { accounting, .. } = what { of(accounting) } else { 0 };
        site.told().iter().map(of_one).sum::<u64>()
    };
    assert_eq!(sum(|accounting| accounting.staged), OBJECTS as u64);
    assert_eq!(sum(|accounting| accounting.received - accounting.duplicate), OBJECTS as u64);
    assert_eq!(site.proved().await, OBJECTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_and_odd_names_are_taken_as_they_are() {
    let (_, site) = restless().await;
    the_large_and_the_odd(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watcher_looks_at_a_store_too() {
    let (_, site) = restless().await;
    drop_in(&site, "lab/STONE.hl7", message(1)).await;
    let shutdown = CancellationToken::new();
    let watcher = Watcher::new(vec![site.raw()], site.lake.clone(), site.note());
    let running = tokio::spawn(watcher.run(shutdown.clone()));
    let begun = Instant::now();
    while !drops(&site).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(300));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shutdown.cancel();
    running.await.unwrap();
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert_eq!(site.proved().await, 1);
}

/// The test script starts a server that speaks S3; without one there is nothing to ask.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_speaks_s3_is_looked_at() {
    if std::env::var_os("CARELAKE_TEST_S3").is_none() {
        eprintln!("SKIPPED: no server of S3 is named by CARELAKE_TEST_S3");
        return;
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let site = Site::at(Location::parse(&format!("s3://carelake/watched-{}", now.as_nanos())).unwrap()).await;
    the_large_and_the_odd(&site).await;
    // What a listing, a look and a read tell of an object is the same, or it would not have been taken. So is what is remembered.
    let folder = Folder { after: After::Keep, ..site.raw() };
    drop_in(&site, "lab/STONE.hl7", message(1)).await;
    pass(&mut site.door(folder.clone()).await, 0).await;
    assert_eq!(site.taken(), (1, 1, 0, 1));
    pass(&mut site.door(folder.clone()).await, 0).await;
    assert!(site.news().is_empty());
    drop_in(&site, "lab/STONE.hl7", message(2)).await;
    pass(&mut site.door(folder).await, 0).await;
    assert_eq!(site.taken().0, 1);
    pass(&mut site.door(site.raw()).await, 0).await;
    assert!(drops(&site).await.is_empty());
}

/// Drops a large object and some with odd names, and has them taken up.
async fn the_large_and_the_odd(site: &Site) {
    let (large, count) = many_messages(9 << 20);
    let names = ["lab/Größe #STONE 100% !.hl7", "lab/a%2Fb+STONE&x=?.hl7", "lab/STONE\u{301}.hl7"];
    let long = format!("lab/{}", "STONE".repeat(50));
    drop_in(site, "lab/STONE.hl7", large).await;
    for name in names.into_iter().chain([&*long]) {
        drop_in(site, name, message(0)).await;
    }
    pass(&mut site.door(site.raw()).await, 0).await;
    let (files, received, staged, duplicate) = site.taken();
    assert_eq!((files, received, staged, duplicate), (5, count + 4, count, 4));
    assert!(drops(site).await.is_empty());
    assert_eq!(site.proved().await as u64, count);
}
