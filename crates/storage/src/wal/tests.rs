use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::keys::log_segment_key;
use crate::{Disk, Error, Lake, Location, raw};

fn lake_in(folder: &tempfile::TempDir) -> Lake {
    let folder = folder.path().join("lake");
    std::fs::create_dir_all(folder.join("_carelake")).unwrap();
    Lake::at(Location::parse(folder.to_str().unwrap()).unwrap())
}

fn open(lake: &Lake, settings: LogSettings) -> (Log<u32>, UnboundedReceiver<Durable<u32>>) {
    let mut number = 0;
    Log::open(lake, settings, move || {
        number += 1;
        format!("run-{number:06}")
    })
}

fn delivery(feed: &str, text: &str) -> Appended {
    let (note, bytes) = (Bytes::from(format!("note of {text}")), Bytes::from(text.to_owned()));
    Appended { feed: feed.into(), items: 1, note, bytes }
}

async fn all(mut told: UnboundedReceiver<Durable<u32>>) -> (Vec<u32>, Vec<String>) {
    let (mut carried, mut closed) = (Vec::new(), Vec::new());
    while let Some(told) = told.recv().await {
        match told {
            Durable::Delivery(_, number) => carried.push(number),
            Durable::Closed(name) => closed.push(name.to_string()),
            Durable::Group { .. } => {}
        }
    }
    (carried, closed)
}

#[tokio::test]
async fn what_is_appended_is_read_at_once_and_from_the_same_place_when_it_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(&folder);
    let (log, told) = open(&lake, LogSettings::default());
    let first = log.append(delivery("lab", "one"), 1).await.unwrap();
    let second = log.append(delivery("adt", "two"), 2).await.unwrap();
    let third = log.append(delivery("lab", "three"), 3).await.unwrap();
    assert_eq!((first.key.as_ref(), first.offset, first.first), ("raw/lab/live/run-000001.hl7", 0, 1));
    assert_eq!((second.key.as_ref(), second.offset, second.first), ("raw/adt/live/run-000001.hl7", 0, 1));
    assert_eq!((&third.key, third.offset, third.first), (&first.key, 3, 2));
    assert!(first.at <= second.at && second.at <= third.at);

    let before = raw::read_range(&lake, &third.key, 3..8).await.unwrap();
    assert_eq!(&before[..], b"three");
    assert_eq!(&raw::read_range(&lake, &third.key, 1..6).await.unwrap()[..], b"nethr");
    assert!(raw::exists(&lake, &second.key).await.unwrap());
    assert!(raw::read_range(&lake, &third.key, 6..9).await.unwrap_err().is_not_found());
    // The index goes on from where it was.
    let fourth = log.append(delivery("lab", "four"), 4).await.unwrap();
    assert_eq!(&raw::read_range(&lake, &fourth.key, 8..12).await.unwrap()[..], b"four");

    drop(log);
    assert_eq!(all(told).await, (vec![1, 2, 3, 4], vec!["run-000001".to_owned()]));
    let records = read(&lake, "run-000001").await.unwrap();
    let texts: Vec<_> = records.iter().map(|record| (record.note.clone(), record.bytes.clone())).collect();
    assert_eq!(texts[2], (Bytes::from("note of three"), Bytes::from("three")));
    let sealed = seal(&lake, "run-000001").await.unwrap();
    assert_eq!(sealed.objects, [(second.key.clone(), 3), (first.key.clone(), 12)]);
    assert_eq!(seal(&lake, "run-000001").await.unwrap(), sealed, "it can be done again");
    remove(&lake, "run-000001").await.unwrap();
    assert!(segments(&lake).await.unwrap().is_empty());
    assert_eq!(&raw::read_range(&lake, &third.key, 3..8).await.unwrap()[..], b"three");
    assert_eq!(&lake.read(&first.key).await.unwrap()[..], b"onethreefour");
}

#[tokio::test]
async fn segments_close_by_size_and_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(&folder);
    let settings = LogSettings { segment_bytes: 200, segment_age: Duration::from_millis(20) };
    let (log, mut told) = open(&lake, settings);
    let place = log.append(delivery("lab", &"x".repeat(300)), 1).await.unwrap();
    assert_eq!(&*place.segment, "run-000001");
    let place = log.append(delivery("lab", "y"), 2).await.unwrap();
    assert_eq!(&*place.segment, "run-000002");
    let mut closed = Vec::new();
    while closed.len() < 2 {
        if let Durable::Closed(name) = told.recv().await.unwrap() {
            closed.push(name);
        }
    }
    assert_eq!(segments(&lake).await.unwrap(), ["run-000001", "run-000002"]);
}

#[tokio::test]
async fn on_a_store_without_appending_each_group_is_a_segment() {
    let lake = Lake::at(Location::memory().unwrap());
    let (log, told) = open(&lake, LogSettings::default());
    let place = log.append(delivery("lab", "one"), 1).await.unwrap();
    log.append(delivery("lab", "two"), 2).await.unwrap();
    assert_eq!(&raw::read_range(&lake, &place.key, 0..3).await.unwrap()[..], b"one");
    drop(log);
    assert_eq!(all(told).await.1, ["run-000001", "run-000002"]);
    seal(&lake, "run-000002").await.unwrap();
    assert_eq!(&lake.read(&Path::from("raw/lab/live/run-000002.hl7")).await.unwrap()[..], b"two");
}

/// Writes as a process does that was killed in the middle of the last record.
async fn written(lake: &Lake, texts: &[&str]) -> Vec<u8> {
    let (log, told) = open(lake, LogSettings::default());
    for text in texts {
        log.append(delivery("lab", text), 0).await.unwrap();
    }
    drop(log);
    all(told).await;
    lake.read(&log_segment_key("run-000001")).await.unwrap().to_vec()
}

async fn read_as(lake: &Lake, bytes: &[u8]) -> crate::Result<usize> {
    let path = lake.folder().unwrap().join("_carelake/log/run-000001.log");
    std::fs::write(path, bytes).unwrap();
    Ok(read(lake, "run-000001").await?.len())
}

#[tokio::test]
async fn a_crash_cuts_off_the_end_and_damage_elsewhere_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(&folder);
    let bytes = written(&lake, &["one", "two", "three"]).await;
    let last = bytes.len() - bytes.windows(4).rev().position(|four| four == b"CLW1").unwrap() - 4;
    for length in 0..bytes.len() {
        let whole = read_as(&lake, &bytes[..length]).await.unwrap();
        assert_eq!(
            whole,
            if length < last / 2 {
                0
            } else if length < last {
                1
            } else {
                2
            },
            "{length}"
        );
    }
    // Zeros behind the end are what a file system may leave.
    assert_eq!(read_as(&lake, &[&bytes[..], &[0; 5_000]].concat()).await.unwrap(), 3);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        match read_as(&lake, &damaged).await {
            Ok(whole) => assert!(at >= last && whole == 2, "{at}"),
            Err(Error::DamagedSegment { offset, .. }) => assert!(at < last && offset as usize <= at, "{at}"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A disk that fails at the steps it is told to.
#[derive(Debug, Default)]
struct Failing {
    syncs_left: AtomicU32,
}

impl Disk for Failing {
    fn sync_data(&self, file: &std::fs::File, _: &std::path::Path) -> std::io::Result<()> {
        if self.syncs_left.load(Ordering::Relaxed) == 0 {
            self.syncs_left.store(u32::MAX, Ordering::Relaxed);
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.syncs_left.fetch_sub(1, Ordering::Relaxed);
        file.sync_data()
    }
}

#[tokio::test]
async fn what_could_not_be_synced_is_refused_and_taken_back_and_the_log_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let lake_folder = folder.path().join("lake");
    std::fs::create_dir_all(lake_folder.join("_carelake")).unwrap();
    let disk = Arc::new(Failing { syncs_left: AtomicU32::new(1) });
    let lake = Lake::at(Location::on_disk(&lake_folder, disk).unwrap());
    let (log, told) = open(&lake, LogSettings::default());
    log.append(delivery("lab", "one"), 1).await.unwrap();
    let error = log.append(delivery("lab", "two"), 2).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::StorageFull));
    assert!(error.hint().unwrap().contains("make room"));
    log.append(delivery("lab", "three"), 3).await.unwrap();
    drop(log);
    assert_eq!(all(told).await, (vec![1, 3], vec!["run-000001".to_owned(), "run-000002".to_owned()]));
    let one = read(&lake, "run-000001").await.unwrap();
    assert_eq!(one.len(), 1, "what was refused is not there");
    assert_eq!(read(&lake, "run-000002").await.unwrap()[0].bytes, "three");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_wait_share_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (log, mut told) = open(&lake_in(&folder), LogSettings::default());
    let senders: Vec<_> = (0..64)
        .map(|sender| {
            let log = log.clone();
            tokio::spawn(async move {
                for number in 0..20 {
                    log.append(delivery("lab", &format!("{sender} {number}")), 0).await.unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    drop(log);
    let (mut groups, mut deliveries) = (0, 0);
    while let Some(told) = told.recv().await {
        if let Durable::Group { deliveries: more, .. } = told {
            groups += 1;
            deliveries += more;
        }
    }
    assert_eq!(deliveries, 64 * 20);
    assert!(groups <= 64 * 20 / 4, "{groups} groups");
}
