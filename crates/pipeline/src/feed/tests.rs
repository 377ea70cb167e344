//! Rules of a feed reach the messages of its files, as they reach those of its doors.

use std::path::Path as FilePath;

use storage::{Lake, Location};

use super::*;
use crate::run::{self, Run};
use crate::split::Contents;
use crate::{
    Accounting, Event, Input, Receipt, Rules, Settings, content, ingest, land, receipts, replay, staged_ids,
    verify,
};

/// All of it is new: the number is that of the patient, too.
fn message(event: &str, number: usize) -> String {
    format!("MSH|^~\\&|A|B|C|D|2026||ADT^{event}|C{number}|P|2.5\rPID|1||P{number}||N\r")
}

/// Another message, which says of the patient what the one of that number says.
fn repeated(event: &str, number: usize) -> String {
    message(event, number).replace("|C", "|R")
}

fn lab() -> Arc<FeedRules> {
    Arc::new(FeedRules {
        charset: Some("8859/2".into()),
        filters: vec!["ACK".parse().unwrap(), "unchanged ADT^A31".parse().unwrap()],
        ..FeedRules::named("lab")
    })
}

async fn lake_in(folder: &FilePath) -> Lake {
    crate::init(Location::parse(folder.join("lake").to_str().unwrap()).unwrap()).await.unwrap()
}

/// Ingests a file under rules; gives what became of it, and of what was recovered.
async fn take(
    lake: &Lake,
    folder: &FilePath,
    content: impl AsRef<[u8]>,
    settings: &Settings,
) -> (Accounting, Option<Accounting>) {
    let path = folder.join("taken.hl7");
    std::fs::write(&path, content).unwrap();
    let mut recovered = None;
    let accounting = ingest(lake, vec![Ok(Input::File(path))], settings, |event| {
        if let Event::Recovered(accounting) = event {
            recovered = Some(accounting);
        }
    });
    (accounting.await.unwrap(), recovered)
}

async fn receipts(lake: &Lake) -> Vec<Receipt> {
    let mut all = Vec::new();
    for batch in run::batches(lake).await.unwrap() {
        all.extend(receipts::read(lake, &batch).await.unwrap());
    }
    all
}

fn rules_in(receipts: &[Receipt]) -> Vec<&str> {
    receipts.iter().map(|receipt| receipt.filtered_by.as_deref().unwrap_or_default()).collect()
}

async fn assert_clean(lake: &Lake) -> Accounting {
    let verified = verify(lake).await.unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    assert_eq!(verified.summary.pending, 0);
    verified.summary.accounting
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_filtered_and_their_receipts_say_by_what() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let settings = Settings { feed: lab(), ..Settings::default() };
    let ack = "MSH|^~\\&|A|B|C|D|2026||ACK|1|P|2.5\rMSA|AA|1\r".to_owned();
    let content = [ack, message("A31", 1), repeated("A31", 1), message("A01", 2), message("A01", 2)];
    let content = content.concat() + "MSH|\rjunk\r";
    let (accounting, _) = take(&lake, folder.path(), &content, &settings).await;
    let expected = Accounting { received: 6, staged: 2, error: 1, duplicate: 1, filtered: 2 };
    assert_eq!(accounting, expected);
    let written = receipts(&lake).await;
    assert_eq!(rules_in(&written), ["ACK", "", "unchanged ADT^A31", "", "", ""]);
    assert!(written.iter().all(|receipt| receipt.charset.as_deref() == Some("8859/2") && !receipt.strict));
    assert_eq!(assert_clean(&lake).await, expected);

    // What it said is remembered by the next file: once more it says nothing new.
    let (again, _) = take(&lake, folder.path(), message("A31", 1) + &repeated("A31", 2), &settings).await;
    assert_eq!(again, Accounting { received: 2, filtered: 1, staged: 1, ..Accounting::default() });

    let replayed = replay(&lake, &crate::Scope::default(), &Rules::default(), &Arc::default()).await.unwrap();
    assert_eq!((replayed.staged, replayed.error), (3, 1));
    let all = assert_clean(&lake).await;
    assert_eq!((all.received, all.staged, all.duplicate, all.filtered), (8, 3, 1, 3));
    // A feed without rules takes what another leaves out.
    let (other, _) = take(&lake, folder.path(), &content, &Settings::default()).await;
    assert_eq!((other.staged, other.filtered), (4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_one_file_remember_what_those_before_them_said() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let settings = Settings { feed: lab(), ..Settings::default() };
    // More than one batch has, all of one patient: the first alone is news.
    let content: String =
        (0..9_000).map(|number| message("A31", 7).replace("|C7", &format!("|{number}"))).collect();
    let (accounting, _) = take(&lake, folder.path(), content, &settings).await;
    assert_eq!((accounting.staged, accounting.filtered), (1, 8_999));
    assert!(run::batches(&lake).await.unwrap().len() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_safe_is_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let settings = Settings { feed: lab(), ..Settings::default() };
    let receipts_folder = folder.path().join("lake/raw/_receipts");
    // In the way of the receipts.
    std::fs::create_dir_all(receipts_folder.parent().unwrap()).unwrap();
    std::fs::write(&receipts_folder, "").unwrap();
    let path = folder.path().join("taken.hl7");
    std::fs::write(&path, message("A31", 1)).unwrap();
    ingest(&lake, vec![Ok(Input::File(path))], &settings, |_| {}).await.unwrap_err();
    std::fs::remove_file(&receipts_folder).unwrap();
    let (accounting, _) = take(&lake, folder.path(), message("A31", 1), &settings).await;
    assert_eq!((accounting.staged, accounting.filtered), (1, 0));
    assert_clean(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_run_had_landed_is_taken_under_the_rules_of_its_feed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let dead = Run::begin(&lake).unwrap();
    let landed = async |name: &str, content: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let input = Input::File(path);
        let received = input.receive("lab");
        let landed = land(&lake, &received, input.open(&lake).unwrap()).await.unwrap();
        (received, landed)
    };
    // One has no receipt, the other one of two; its run was called with --strict and another charset.
    landed("landed.hl7", message("A31", 1) + &repeated("A31", 1) + &message("A01", 2)).await;
    let (received, half) = landed("half.hl7", message("A01", 3) + &message("A01", 4)).await;
    let begun =
        Arc::new(FeedRules { strict: true, charset: Some("8859/5".into()), ..FeedRules::clone(&lab()) });
    let whole = content::Content::of(&half);
    let limits = hl7::Limits::default();
    let mut contents = Contents::open(&lake, &half, &whole, &received, &begun, &limits).await.unwrap();
    let first = contents.next().await.unwrap().unwrap().receipt(&mut News::default());
    receipts::write(&lake, &dead.next_batch(), &[&first], &[]).await.unwrap();
    drop(dead);

    let lab = lab();
    let by_name = lab.clone();
    let feeds = FeedsByName::new(move |name| (name == "lab").then(|| by_name.clone()));
    let settings = Settings { feeds, ..Settings::default() };
    let (accounting, recovered) = take(&lake, folder.path(), message("A31", 1), &settings).await;
    assert_eq!(accounting, Accounting { received: 1, staged: 1, ..Accounting::default() });
    // PV1 is required in an A01.
    let expected = Accounting { received: 5, staged: 2, error: 2, filtered: 1, ..Accounting::default() };
    assert_eq!(recovered.unwrap(), expected);
    let written = receipts(&lake).await;
    let of = |name: &str| -> Vec<&Receipt> {
        written.iter().filter(|receipt| receipt.raw_key.as_ref().ends_with(name)).collect()
    };
    let charsets = |name: &str| -> Vec<(bool, &str)> {
        of(name).iter().map(|receipt| (receipt.strict, receipt.charset.as_deref().unwrap())).collect()
    };
    assert_eq!(charsets("landed.hl7"), [(false, "8859/2"); 3]);
    assert_eq!(charsets("half.hl7"), [(true, "8859/5"); 2]);
    assert_eq!(of("landed.hl7")[1].filtered_by.as_deref(), Some("unchanged ADT^A31"));
    assert_eq!(staged_ids(&lake).await.unwrap().len(), 3);
    assert_clean(&lake).await;
    // And the feed remembers.
    let settings = Settings { feed: lab, ..Settings::default() };
    assert_eq!(take(&lake, folder.path(), repeated("A31", 1), &settings).await.0.filtered, 1);
}

#[test]
fn rules_are_found_by_the_own_name_of_a_feed() {
    let lab = lab();
    let found = lab.clone();
    let feeds = FeedsByName::new(move |_| Some(found.clone()));
    assert!(Arc::ptr_eq(&feeds.of("lab"), &lab));
    assert_eq!((&*feeds.of("results").name, feeds.of("results").filters.len()), ("results", 0));
    assert_eq!(&*FeedsByName::default().of("lab").name, "lab");
}
