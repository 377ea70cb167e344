//! Staging built anew is the same staging, whoever ingests and reads meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hl7::{Limits, Options};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use pipeline::{
    Error, FeedRules, Input, Maintenance, MessageId, ReplayProgress, Replayed, Retried, Rules, Scope,
    Settings, errors, ingest, maintain, replay, retry, row_commit, verify,
};
use storage::Lake;

use crate::archives::{gzip, zip};
use crate::{Files, lake_in_memory, message, staged_ids, take};

async fn replay_all(lake: &Lake) -> Replayed {
    replay(lake, &Scope::default(), &Rules::default(), &Arc::default()).await.unwrap()
}

async fn take_as(lake: &Lake, feed: &str, content: String, strict: bool) {
    let files = Files::new();
    let feed = FeedRules { strict, ..FeedRules::named(feed) };
    let settings = Settings { feed: feed.into(), ..Settings::default() };
    ingest(lake, Input::expand(&[files.add("a.hl7", content)]), &settings, |_| {}).await.unwrap();
}

async fn assert_good(lake: &Lake) {
    let verified = verify(lake).await.unwrap();
    assert!(verified.problems.is_empty(), "{:#?}", verified.problems);
    assert!(verified.summary.accounting.is_complete());
}

/// The Parquet files of staging that there are, named or not.
async fn data_files(lake: &Lake) -> Vec<Path> {
    let objects = lake.list(&Path::from("staging/table")).await.unwrap();
    objects.into_iter().map(|object| object.key).filter(|key| key.as_ref().ends_with(".parquet")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_built_anew_and_is_the_same() {
    let lake = lake_in_memory().await;
    let many: String = (0..20).map(message).collect();
    take_as(&lake, "one", many.clone(), false).await;
    take_as(&lake, "one", many + &message(20) + "MSH|\rjunk\r", false).await;
    take_as(&lake, "two", message(1), false).await;
    let before = staged_ids(&lake).await;
    let replayed = replay_all(&lake).await;
    assert_eq!((replayed.staged, replayed.kept), (22, 0), "{replayed}");
    assert_eq!(replayed.replayed, replayed.staged + replayed.error);
    assert_eq!(staged_ids(&lake).await, before);
    assert_good(&lake).await;
    assert_eq!(replay_all(&lake).await, replayed);
    assert_good(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_that_put_a_row_where_it_is_is_known() {
    let lake = lake_in_memory().await;
    take_as(&lake, "lab", message(0), false).await;
    take_as(&lake, "lab", message(1), false).await;
    let id = MessageId::of("lab", message(0).trim_end().as_bytes());
    let commit = async || row_commit(&lake, id).await.unwrap().unwrap();
    let first = commit().await;
    assert_eq!(first.how, "staged");
    assert!((pipeline::time::now() - first.at).abs() < 60_000_000);
    let settings =
        Maintenance { least_files: 2, file_bytes: 1 << 40, expires: false, ..Maintenance::default() };
    assert_eq!(maintain(&lake, &settings).await.unwrap().staging.merged_files, 2);
    let moved = commit().await;
    assert_eq!(moved.how, "compacted");
    replay_all(&lake).await;
    let anew = commit().await;
    assert_eq!(anew.how, "replayed");
    assert!(first.version < moved.version && moved.version < anew.version);
    assert_eq!(row_commit(&lake, MessageId::of("lab", b"MSH|another")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_raw_bytes_replace_no_row() {
    let lake = lake_in_memory().await;
    take_as(&lake, "one", message(1), false).await;
    let before = data_files(&lake).await;
    let raw = lake.list(&Path::from("raw/one")).await.unwrap().remove(0).key;
    let good = lake.read(&raw).await.unwrap();
    let mut bytes = good.to_vec();
    *bytes.iter_mut().rfind(|byte| byte.is_ascii_alphanumeric()).unwrap() ^= 1;
    lake.store().put(&raw, bytes.into()).await.unwrap();
    let replayed = replay(&lake, &Scope::default(), &Rules::default(), &Arc::default()).await;
    assert!(matches!(replayed, Err(Error::ChangedRaw { .. })), "{replayed:?}");
    assert_eq!(data_files(&lake).await, before);
    lake.store().put(&raw, good.into()).await.unwrap();
    assert_good(&lake).await;
    assert_eq!(replay_all(&lake).await.staged, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_document_is_written_again_once_it_is_out_of_the_way() {
    let lake = lake_in_memory().await;
    take_as(&lake, "one", message(1), false).await;
    let document = lake.list(&Path::from("staging/json/raw")).await.unwrap().remove(0).key;
    lake.store().put(&document, "{".into()).await.unwrap();
    assert!(!verify(&lake).await.unwrap().problems.is_empty());
    lake.delete(&document).await.unwrap();
    replay_all(&lake).await;
    assert_good(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_lake_has_nothing_to_replay() {
    assert_eq!(replay_all(&lake_in_memory().await).await, Replayed::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_keeps_the_other_rows_and_their_documents() {
    let lake = lake_in_memory().await;
    // Both feeds in one file: two files are ingested by runs that cannot be told apart afterwards but by feed.
    take_as(&lake, "one", (0..5).map(message).collect(), false).await;
    take_as(&lake, "two", (0..7).map(message).collect(), false).await;
    replay_all(&lake).await;
    let before = staged_ids(&lake).await;
    let scope = Scope { feed: Some("two".into()), ..Scope::default() };
    let replayed = replay(&lake, &scope, &Rules::default(), &Arc::default()).await.unwrap();
    assert_eq!((replayed.replayed, replayed.staged, replayed.kept), (7, 7, 5), "one file held both feeds");
    assert_eq!(staged_ids(&lake).await, before);
    assert_good(&lake).await;
    let past = Scope { to: Some(0), ..Scope::default() };
    assert_eq!(replay(&lake, &past, &Rules::default(), &Arc::default()).await.unwrap(), Replayed::default());
    let present = Scope { from: Some(0), to: Some(i64::MAX), ..Scope::default() };
    assert_eq!(replay(&lake, &present, &Rules::default(), &Arc::default()).await.unwrap().staged, 12);
    assert_good(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_gone_or_damaged_are_built_anew_unless_a_filter_leaves_rows_of_them_out() {
    let lake = lake_in_memory().await;
    take_as(&lake, "one", (0..5).map(message).collect(), false).await;
    take_as(&lake, "two", (5..9).map(message).collect(), false).await;
    let before = staged_ids(&lake).await;
    let files = data_files(&lake).await;
    lake.store().delete(&files[0]).await.unwrap();
    lake.store().put(&files[1], Bytes::from_static(b"PAR1 it was").into()).await.unwrap();
    let scope = Scope { feed: Some("one".into()), ..Scope::default() };
    let refused = replay(&lake, &scope, &Rules::default(), &Arc::default()).await;
    assert!(matches!(refused, Err(Error::UnreadableFile { .. })), "{refused:?}");
    assert_eq!(replay_all(&lake).await.staged, 9);
    assert_eq!(staged_ids(&lake).await, before);
    assert_good(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_convert_any_more_leaves_staging_and_what_does_comes_in() {
    let lake = lake_in_memory().await;
    let odd = "MSH|^~\\&|A||||2024||ADT^A01^ADT_A01||P|2.5\rPID|1\r";
    take_as(&lake, "lab", odd.to_owned() + &message(1), true).await;
    let refused = errors(&lake).await.unwrap().len();
    assert!(refused > 0);
    // The rules of a receipt are part of it: a strict feed stays strict.
    let replayed = replay_all(&lake).await;
    assert_eq!(replayed.error, refused as u64);
    assert_good(&lake).await;
    // Under a limit that the messages exceed they cannot stay.
    let mut narrow = Rules::default();
    narrow.options.limits.segments = 1;
    let replayed = replay(&lake, &Scope::default(), &narrow, &Arc::default()).await.unwrap();
    assert_eq!(replayed.staged, 0, "{replayed}");
    assert!(staged_ids(&lake).await.is_empty());
    assert_eq!(errors(&lake).await.unwrap().len() as u64, replayed.error);
    assert_good(&lake).await;
    let replayed = replay_all(&lake).await;
    assert_eq!(errors(&lake).await.unwrap().len(), refused, "{replayed}");
    assert_good(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_staged_leniently_does_not_go_back_into_error() {
    let odd = |number: usize| format!("MSH|^~\\&|A||||2024||ADT^A01^ADT_A01||P|2.5\rPID|{number}\r");
    // By a retry: of one message, while the other is to stay in error.
    let lake = lake_in_memory().await;
    take_as(&lake, "lab", odd(1) + &odd(2), true).await;
    let id = MessageId::parse(&errors(&lake).await.unwrap()[0].message_id).unwrap();
    assert_eq!(retry(&lake, &[id], &Rules::default()).await.unwrap().staged, 1);
    let before = staged_ids(&lake).await;
    for _ in 0..2 {
        let replayed = replay_all(&lake).await;
        assert_eq!((replayed.staged, replayed.error), (1, 1), "{replayed}");
        assert_eq!(staged_ids(&lake).await, before);
        assert_good(&lake).await;
    }
    // By receiving it again without strictness: in either order, whichever receipt is the first.
    for strict_first in [true, false] {
        let lake = lake_in_memory().await;
        take_as(&lake, "lab", odd(1), strict_first).await;
        take_as(&lake, "lab", odd(1), !strict_first).await;
        assert_eq!(staged_ids(&lake).await.len(), 1);
        let replayed = replay_all(&lake).await;
        assert_eq!((replayed.staged, replayed.error), (1, 0), "{replayed}");
        assert_good(&lake).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_in_which_nothing_can_be_is_refused() {
    let lake = lake_in_memory().await;
    take_as(&lake, "lab-north", message(1), false).await;
    take_as(&lake, "adt", message(2), false).await;
    let scope = Scope { feed: Some("lab_north".into()), ..Scope::default() };
    let refused = replay(&lake, &scope, &Rules::default(), &Arc::default()).await;
    let Err(Error::UnknownFeed { near, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(near, &["lab-north", "adt"]);
    for to in [5, 4] {
        let scope = Scope { from: Some(5), to: Some(to), ..Scope::default() };
        let refused = replay(&lake, &scope, &Rules::default(), &Arc::default()).await;
        assert!(matches!(refused, Err(Error::EmptySpan)), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_comes_to_its_end_and_archives_are_replayed() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    let many: String = (0..300).map(message).collect();
    files.add("a.gz", gzip(many.as_bytes()));
    files.add("b.zip", zip(&[("x.hl7", message(301).as_bytes()), ("y.hl7", message(302).as_bytes())]));
    take(&lake, files.path()).await;
    let before = staged_ids(&lake).await;
    let progress = Arc::<ReplayProgress>::default();
    let replayed = replay(&lake, &Scope::default(), &Rules::default(), &progress).await.unwrap();
    assert_eq!((replayed.staged, replayed.error), (302, 0));
    assert_eq!((progress.total(), progress.messages()), (302, 302));
    let bytes: usize = (0..300).chain([301, 302]).map(|number| message(number).trim_end().len()).sum();
    assert_eq!(progress.bytes(), bytes as u64);
    assert_eq!(staged_ids(&lake).await, before);
    assert_good(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_retried_and_resolved_or_keep_their_row() {
    let lake = lake_in_memory().await;
    let odd = |number: usize| format!("MSH|^~\\&|A||||2024||ADT^A01^ADT_A01||P|2.5\rPID|{number}\r");
    take_as(&lake, "lab", odd(1) + &odd(2) + "MSH|\r", true).await;
    let open = errors(&lake).await.unwrap();
    assert_eq!(open.len(), 3);
    let strict = Rules { strict: true, ..Rules::default() };
    let again = retry(&lake, &[], &strict).await.unwrap();
    assert_eq!(again, Retried { retried: 3, staged: 0, error: 3 });
    let one = open.iter().find(|entry| entry.code.starts_with("strict")).unwrap();
    let id = MessageId::parse(&one.message_id).unwrap();
    assert_eq!(
        retry(&lake, &[id], &Rules::default()).await.unwrap(),
        Retried { retried: 1, staged: 1, error: 0 }
    );
    assert!(matches!(retry(&lake, &[id], &Rules::default()).await, Err(Error::NotInError { .. })));
    assert_eq!(
        retry(&lake, &[], &Rules::default()).await.unwrap(),
        Retried { retried: 2, staged: 1, error: 1 }
    );
    let left = errors(&lake).await.unwrap();
    assert_eq!(left.len(), 1);
    let as_received = |entry: &&pipeline::ErrorEntry| entry.message_id == left[0].message_id;
    let before = open.iter().find(as_received).unwrap();
    assert_eq!((&left[0].code, &left[0].reason), (&before.code, &before.reason), "it was told better then");
    assert_good(&lake).await;
    assert_eq!(retry(&lake, &[], &Rules::default()).await.unwrap().staged, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_an_error_says_what_the_last_try_found() {
    let lake = lake_in_memory().await;
    take_as(&lake, "lab", "MSH|^~\\&|A||||2024||ADT^A01^ADT_A01||P|2.5\rPID|1\r".into(), true).await;
    let id = MessageId::parse(&errors(&lake).await.unwrap()[0].message_id).unwrap();
    let code = async || {
        let report: serde_json::Value =
            serde_json::from_slice(&pipeline::error_report(&lake, id).await.unwrap()).unwrap();
        report["code"].as_str().unwrap().to_owned()
    };
    assert!(code().await.starts_with("strict"));
    let options = Options { limits: Limits { segments: 1, ..Limits::default() }, ..Options::default() };
    let short = Rules { options, strict: false };
    assert_eq!(retry(&lake, &[], &short).await.unwrap().error, 1);
    assert_eq!(code().await, errors(&lake).await.unwrap()[0].code);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_received_under_a_larger_limit_stays_and_can_be_tried_again() {
    let lake = lake_in_memory().await;
    take_as(&lake, "lab", (0..3).map(message).collect(), false).await;
    let headless = "MSH|^~\\&|A||||2024||ADT^A01^ADT_A01||P|2.5\rPID|1\r";
    take_as(&lake, "lab", headless.into(), true).await;
    let options = Options { limits: Limits { message_bytes: 10, ..Limits::default() }, ..Options::default() };
    let short = Rules { options, strict: false };
    let replayed = replay(&lake, &Scope::default(), &short, &Arc::default()).await.unwrap();
    assert_eq!((replayed.staged, replayed.error), (3, 1), "{replayed}");
    assert_eq!(retry(&lake, &[], &short).await.unwrap().staged, 1);
    assert_eq!(staged_ids(&lake).await.len(), 4);
    assert_good(&lake).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_every_message_once_while_two_ingest_and_one_replays() {
    let lake = lake_in_memory().await;
    take_as(&lake, "first", (0..50).map(message).collect(), false).await;
    let goes_on = AtomicBool::new(true);
    let writer = async |feed: &str| {
        for round in 0..4 {
            take_as(&lake, feed, (round * 5..round * 5 + 20).map(message).collect(), false).await;
        }
    };
    let writers = async {
        tokio::join!(writer("one"), writer("two"));
        goes_on.store(false, Ordering::SeqCst);
    };
    let reader = async {
        let mut before: BTreeSet<String> = BTreeSet::new();
        let mut looks = 0;
        while goes_on.load(Ordering::SeqCst) {
            let now = staged_ids(&lake).await;
            assert!(before.is_subset(&now), "a message is never out of sight");
            before = now;
            looks += 1;
        }
        looks
    };
    let replayer = async {
        let mut replays = 0;
        while goes_on.load(Ordering::SeqCst) {
            replay_all(&lake).await;
            replays += 1;
        }
        replays
    };
    let ((), looks, replays) = tokio::join!(writers, reader, replayer);
    assert!(looks > 0 && replays > 0, "{looks} looks, {replays} replays");
    assert_eq!(staged_ids(&lake).await.len(), 50 + 35 + 35);
    assert_good(&lake).await;
    replay_all(&lake).await;
    assert_good(&lake).await;
    take(&lake, &Files::new().add("z.hl7", message(3))).await;
    assert_good(&lake).await;
}
