use std::io;
use std::path::Path as FilePath;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use storage::{Disk, Location};

use super::*;
use crate::{FeedRules, Settings, errors, ingest, message_bytes, staged_ids, verify};

fn message(number: usize) -> String {
    format!("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}\r")
}

async fn lake_in(folder: &FilePath) -> Lake {
    crate::init(Location::parse(folder.join("lake").to_str().unwrap()).unwrap()).await.unwrap()
}

fn quick() -> LiveSettings {
    LiveSettings { gather: Duration::from_millis(5), ..LiveSettings::default() }
}

fn feed(name: &str) -> Arc<FeedRules> {
    Arc::new(FeedRules { name: name.into(), ..FeedRules::default() })
}

const ANSWER: Answer = Answer { accepted: Some("AA"), no_message: Some("AR") };

fn delivery(feed: &Arc<FeedRules>, text: impl Into<Bytes>, wish: Wish) -> Delivery {
    Delivery { feed: feed.clone(), origin: "mllp test".into(), bytes: text.into(), wish, answer: ANSWER }
}

async fn fates(kept: Kept) -> String {
    let fates = kept.fates.unwrap().await.unwrap();
    let word = |fate: &Fate| match fate {
        Fate::Staged => "staged".to_owned(),
        Fate::Duplicate => "duplicate".into(),
        Fate::Filtered => "filtered".into(),
        Fate::Error(reason) => reason.code.text(),
    };
    fates.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn assert_clean(verified: &crate::Verified) {
    assert!(verified.problems.is_empty(), "{:#?}", verified.problems);
}

impl Live {
    /// Ends as a killed process does: nothing more is committed or sealed, and its lock is free.
    async fn kill(self) {
        let follower = self.follower.lock().await.take().unwrap();
        follower.abort();
        let _ = follower.await;
        drop(self.log.write().unwrap().take());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_is_safe_then_staged_and_read_before_and_after_it_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let (live, recovered) = Live::open(&lake, quick()).await.unwrap();
    assert_eq!(recovered.received, 0);
    let lab = feed("lab");
    let kept = live.put(delivery(&lab, message(1), Wish::Staged)).await.unwrap();
    let id = kept.messages[0].id;
    assert!(!kept.messages[0].is_duplicate);
    assert_eq!(fates(kept).await, "staged");
    assert_eq!(message_bytes(&lake, id).await.unwrap(), message(1).trim_end());
    // A batch, with a message again, one that is new, and text that is none.
    let batch = format!("FHS|^~\\&|A\r{}{}hello\r{}FTS|3\r", message(1), message(2), message(2));
    let kept = live.put(delivery(&lab, batch, Wish::Staged)).await.unwrap();
    let flags: Vec<_> = kept.messages.iter().map(|kept| (kept.is_message, kept.is_duplicate)).collect();
    // Text behind a message is a part of it.
    assert_eq!(flags, [(true, true), (true, false), (true, false)]);
    assert_eq!(fates(kept).await, "duplicate staged staged");
    let kept = live.put(delivery(&lab, "no message at all", Wish::Staged)).await.unwrap();
    assert_eq!(fates(kept).await, "no_message");
    assert!(live.put(delivery(&lab, "", Wish::Safe)).await.unwrap().messages.is_empty());
    // While the log is open.
    let verified = verify(&lake).await.unwrap();
    assert_clean(&verified);
    assert_eq!(verified.summary.accounting.received, 5);
    live.close().await;
    assert!(matches!(live.put(delivery(&lab, message(3), Wish::Safe)).await, Err(Refused::Closed)));
    let verified = verify(&lake).await.unwrap();
    assert_clean(&verified);
    assert_eq!(verified.summary.pending, 0);
    assert_eq!(verified.summary.raw_objects, 1);
    assert_eq!(message_bytes(&lake, id).await.unwrap(), message(1).trim_end());
    assert!(wal::segments(&lake).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_had_answered_is_staged_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let (lab, strict) =
        (feed("lab"), Arc::new(FeedRules { name: "adt".into(), strict: true, ..FeedRules::default() }));
    for round in 0..3 {
        let (live, recovered) = Live::open(&lake, quick()).await.unwrap();
        // The first of each round was committed before the kill, and is a duplicate of its own row when it is found.
        assert_eq!(recovered.received, if round == 0 { 0 } else { 4 });
        let kept = live.put(delivery(&lab, message(round * 10), Wish::Staged)).await.unwrap();
        fates(kept).await;
        for number in [round * 10 + 1, round * 10 + 2] {
            live.put(delivery(&lab, message(number), Wish::Safe)).await.unwrap();
        }
        live.put(delivery(&strict, message(round * 10), Wish::Safe)).await.unwrap();
        live.kill().await;
        let verified = verify(&lake).await.unwrap();
        assert_eq!(verified.summary.accounting.received, (round as u64 + 1) * 4);
    }
    // A run over files finishes it as well.
    let accounting = ingest(&lake, Vec::new(), &Settings::default(), |_| {}).await.unwrap();
    assert_eq!(accounting.received, 0);
    assert_eq!(staged_ids(&lake).await.unwrap().len(), 9);
    assert_eq!(errors(&lake).await.unwrap().len(), 3);
    assert_clean(&verify(&lake).await.unwrap());
    assert!(wal::segments(&lake).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_take_the_same_messages_and_each_is_staged_once() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let (one, _) = Live::open(&lake, quick()).await.unwrap();
    let (other, _) = Live::open(&lake, quick()).await.unwrap();
    let lab = feed("lab");
    for number in 0..40 {
        one.put(delivery(&lab, message(number), Wish::Safe)).await.unwrap();
        other.put(delivery(&lab, message(39 - number), Wish::Safe)).await.unwrap();
    }
    tokio::join!(one.close(), other.close());
    let verified = verify(&lake).await.unwrap();
    assert_clean(&verified);
    let accounting = verified.summary.accounting;
    assert_eq!((accounting.received, accounting.staged, accounting.duplicate), (80, 40, 40));
}

/// A disk on which the first commit to staging waits, at its last step, until it may go on.
#[derive(Debug)]
struct Held {
    arrived: Mutex<Option<oneshot::Sender<()>>>,
    go_on: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Disk for Held {
    fn link(&self, from: &FilePath, to: &FilePath) -> io::Result<()> {
        let is_commit = to.to_str().is_some_and(|path| path.contains("staging/table/_delta_log"));
        if is_commit && let Some(arrived) = self.arrived.lock().unwrap().take() {
            arrived.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
        std::fs::hard_link(from, to)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_another_writer_was_faster_than_is_tried_again_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let ((arrived, has_arrived), (go_on, may_go_on)) = (oneshot::channel(), std::sync::mpsc::channel());
    let disk = Held { arrived: Mutex::new(Some(arrived)), go_on: Mutex::new(may_go_on) };
    let location = Location::on_disk(&folder.path().join("lake"), Arc::new(disk)).unwrap();
    let held = Lake::open(location).await.unwrap();
    let counting = || {
        let conflicts = Arc::new(Mutex::new(Vec::new()));
        let told = conflicts.clone();
        let tell = Arc::new(move |event| {
            if let LiveEvent::Committed(commit) = event {
                told.lock().unwrap().push(commit.conflicts);
            }
        });
        (conflicts, LiveSettings { tell, ..quick() })
    };
    let ((slow_conflicts, slow_settings), (fast_conflicts, fast_settings)) = (counting(), counting());
    let (slow, _) = Live::open(&held, slow_settings).await.unwrap();
    let (fast, _) = Live::open(&lake, fast_settings).await.unwrap();
    let lab = feed("lab");
    let waits = slow.put(delivery(&lab, message(1), Wish::Staged)).await.unwrap();
    has_arrived.await.unwrap();
    assert_eq!(fates(fast.put(delivery(&lab, message(2), Wish::Staged)).await.unwrap()).await, "staged");
    go_on.send(()).unwrap();
    assert_eq!(fates(waits).await, "staged");
    assert_eq!(fates(slow.put(delivery(&lab, message(3), Wish::Staged)).await.unwrap()).await, "staged");
    tokio::join!(slow.close(), fast.close());
    assert_eq!(*slow_conflicts.lock().unwrap(), [1, 0]);
    assert_eq!(*fast_conflicts.lock().unwrap(), [0]);
    assert_eq!(staged_ids(&lake).await.unwrap().len(), 3);
    assert_clean(&verify(&lake).await.unwrap());
}

/// A disk that is full for the tables and not for the log.
#[derive(Debug, Default)]
struct Full {
    is_full: AtomicBool,
}

impl Disk for Full {
    fn create(&self, path: &FilePath) -> io::Result<std::fs::File> {
        if self.is_full.load(Ordering::Relaxed) && path.to_str().is_some_and(|path| path.contains("staging"))
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        std::fs::File::options().write(true).create_new(true).open(path)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_committed_what_comes_is_safe_and_staged_later_read_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    lake_in(folder.path()).await;
    let disk = Arc::new(Full::default());
    let location = Location::on_disk(&folder.path().join("lake"), disk.clone()).unwrap();
    let lake = Lake::open(location).await.unwrap();
    let stalls = Arc::new(Mutex::new(Vec::new()));
    let told = stalls.clone();
    let tell = Arc::new(move |event| {
        if let LiveEvent::Stalled { error, .. } = event {
            told.lock().unwrap().push(error.to_string());
        }
    });
    // Room for one small message in memory, and for twelve in all.
    let patience = Duration::from_millis(50);
    let settings = LiveSettings { tell, patience, backlog_bytes: 1 << 10, backlog_messages: 12, ..quick() };
    let (live, _) = Live::open(&lake, settings).await.unwrap();
    disk.is_full.store(true, Ordering::Relaxed);
    let lab = feed("lab");
    let mut last = None;
    for number in 0..12 {
        last = Some(live.put(delivery(&lab, message(number), Wish::Staged)).await.unwrap());
    }
    assert!(matches!(live.put(delivery(&lab, message(12), Wish::Safe)).await, Err(Refused::Overloaded)));
    assert_eq!(live.waiting(), 12);
    while stalls.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(live.waiting_since().unwrap() > Duration::ZERO);
    let kept = live.put(delivery(&lab, message(11), Wish::Counted));
    assert!(matches!(kept.await, Err(Refused::Overloaded)));
    disk.is_full.store(false, Ordering::Relaxed);
    assert_eq!(fates(last.unwrap()).await, "staged");
    assert!(stalls.lock().unwrap()[0].contains("staging/"), "{:?}", stalls.lock().unwrap());
    let kept = live.put(delivery(&lab, message(11), Wish::Counted)).await.unwrap();
    assert!(kept.messages[0].is_duplicate);
    live.close().await;
    assert_eq!((live.waiting(), live.waiting_since()), (0, None));
    assert_eq!(staged_ids(&lake).await.unwrap().len(), 12);
    assert_clean(&verify(&lake).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_a_feed_are_counted_and_kept_to_by_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let (live, _) = Live::open(&lake, quick()).await.unwrap();
    let filters = vec!["ACK".parse().unwrap(), "unchanged ADT^A08".parse().unwrap()];
    let rules =
        FeedRules { name: "lab".into(), charset: Some("8859/1".into()), filters, ..FeedRules::default() };
    let rules = Arc::new(rules);
    let put =
        async |text: Vec<u8>| fates(live.put(delivery(&rules, text, Wish::Staged)).await.unwrap()).await;
    assert_eq!(put(b"MSH|^~\\&|A|B|C|D|2026||ACK|1|P|2.5\rMSA|AA|1\r".to_vec()).await, "filtered");
    let second = message(1).replace("|C1|", "|C2|");
    assert_eq!(put(message(1).into()).await, "staged");
    assert_eq!(put(second.into()).await, "filtered");
    // In the feed's charset, which the message does not declare.
    let umlaut = [message(3).trim_end().as_bytes(), b"||M\xfcller\r"].concat();
    assert_eq!(put(umlaut).await, "staged");
    // Within one delivery, too.
    let both = message(5) + &message(5).replace("|C5|", "|C6|");
    assert_eq!(put(both.into()).await, "staged filtered");
    live.close().await;
    let replayed = crate::replay(&lake, &crate::Scope::default(), &Rules::default(), &Arc::default()).await;
    replayed.unwrap();
    let verified = verify(&lake).await.unwrap();
    assert_clean(&verified);
    let accounting = verified.summary.accounting;
    assert_eq!((accounting.received, accounting.staged, accounting.filtered), (6, 3, 3));
}
