//! Maintenance changes no row, forgets nothing within the retention, and can end at any step.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path as Key;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pipeline::{Maintained, Maintenance, Rules, Scope, maintain, replay, verify};
use serde_json::Value;
use storage::{Lake, Location, error_table, replaying_key, staging_table};

use crate::faulty::{self, Faulty};
use crate::power::{self, Failing};
use crate::{Files, lake_in_memory, message, staged_ids, take};

/// Files of like size are put together as soon as there are two, and nothing is kept.
fn eager() -> Maintenance {
    // By rows alone: small files differ a little in bytes.
    let file_bytes = 1 << 40;
    Maintenance { least_files: 2, file_bytes, retention: Duration::ZERO, ..Maintenance::default() }
}

fn compacting() -> Maintenance {
    Maintenance { expires: false, ..eager() }
}

/// Stages messages of these numbers, each by a commit of its own; every fifth comes with a file that is an error.
async fn stage_singly(lake: &Lake, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let files = Files::new();
        files.add(&format!("{number}.hl7"), message(number));
        if number % 5 == 0 {
            files.add(&format!("{number}-error.hl7"), format!("nothing to see {number}"));
        }
        take(lake, files.path()).await;
    }
}

/// The keys of the files that a table is made of, as another program sees it.
async fn files_of(
    lake: &Lake,
    table: &Key,
    version: Option<u64>,
) -> Result<Vec<Key>, deltalake::DeltaTableError> {
    use deltalake::logstore::{StorageConfig, logstore_with};
    let url = lake.url(table).unwrap();
    let log = logstore_with(lake.root_store(), &url, StorageConfig::default())?;
    let mut opened = deltalake::DeltaTable::new(log);
    match version {
        Some(version) => opened.load_version(version).await?,
        None => opened.load().await?,
    }
    let paths: Vec<_> = opened.get_files_by_partitions(&[]).await?;
    Ok(paths.into_iter().map(|path| Key::from(format!("{table}/{path}"))).collect())
}

/// Every row of a table as JSON without nulls, by its id, and how many files they are in.
async fn rows_of(lake: &Lake, table: &Key, version: Option<u64>) -> (BTreeMap<String, Value>, usize) {
    let files = files_of(lake, table, version).await.unwrap();
    let mut rows = BTreeMap::new();
    for key in &files {
        let bytes = lake.read(key).await.unwrap();
        let batches = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        let mut last = (String::new(), 0);
        for batch in batches {
            let batch = batch.unwrap();
            let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
            for line in serde_json::Deserializer::from_slice(&writer.into_inner()).into_iter::<Value>() {
                let row = line.unwrap();
                let place = (
                    row["received_at"].as_str().unwrap().trim_end_matches('Z').to_owned(),
                    row["sequence"].as_i64().unwrap_or(0),
                );
                assert!(last <= place, "rows of {key} are in the order of receiving");
                last = place;
                let id = row["message_id"].as_str().unwrap().to_owned();
                assert!(rows.insert(id, row).is_none(), "a message has two rows");
            }
        }
    }
    (rows, files.len())
}

async fn assert_whole(lake: &Lake, messages: usize, when: &str) {
    assert_eq!(staged_ids(lake).await.len(), messages, "{when}");
    let verified = verify(lake).await.unwrap();
    assert!(verified.problems.is_empty(), "{when}: {:?}", verified.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_become_one_and_every_row_stays_what_it_is() {
    let lake = lake_in_memory().await;
    stage_singly(&lake, 0..23).await;
    let staged = rows_of(&lake, &staging_table(), None).await;
    let failed = rows_of(&lake, &error_table(), None).await;
    assert_eq!((staged.1, failed.1), (23, 5));
    let maintained = maintain(&lake, &compacting()).await.unwrap();
    assert_eq!((maintained.staging.files_before, maintained.staging.files_after), (23, 1));
    assert_eq!((maintained.errors.files_before, maintained.errors.files_after), (5, 1));
    assert_eq!(maintained.staging.rows, 23);
    assert_eq!(rows_of(&lake, &staging_table(), None).await, (staged.0.clone(), 1));
    assert_eq!(rows_of(&lake, &error_table(), None).await, (failed.0, 1));
    assert_whole(&lake, 23, "").await;
    let again = maintain(&lake, &compacting()).await.unwrap();
    assert_eq!((again.staging.merged_files, again.errors.merged_files), (0, 0), "nothing is due");
    // The same messages again are duplicates, and a retry and a replay go through what was put together.
    stage_singly(&lake, 0..3).await;
    pipeline::retry(&lake, &[], &Rules::default()).await.unwrap();
    replay(&lake, &Scope::default(), &Rules::default(), &Arc::default()).await.unwrap();
    assert_eq!(rows_of(&lake, &staging_table(), None).await.0, staged.0);
    assert_whole(&lake, 23, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_large_messages_are_put_together_with_their_documents() {
    let lake = lake_in_memory().await;
    let files = Files::new();
    let large = |number: usize| format!("{}OBX|1|TX|||{}\r", message(number), "long ".repeat(700_000));
    let path = files.add("a.hl7", (0..8).map(large).collect::<String>());
    take(&lake, &path).await;
    let (staged, count) = rows_of(&lake, &staging_table(), None).await;
    assert!(count > 1, "the file is staged in {count} batches");
    maintain(&lake, &compacting()).await.unwrap();
    assert_eq!(rows_of(&lake, &staging_table(), None).await, (staged, 1));
    assert_whole(&lake, 8, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_within_the_retention_can_be_asked_and_what_only_older_ones_need_is_gone() {
    let lake = lake_in_memory().await;
    stage_singly(&lake, 0..22).await;
    maintain(&lake, &compacting()).await.unwrap();
    stage_singly(&lake, 22..43).await;
    // The newest of what is old now is a commit or two behind the second checkpoint.
    let log = staging_table().join("_delta_log");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    stage_singly(&lake, 43..46).await;
    let mut before = BTreeMap::new();
    while files_of(&lake, &staging_table(), Some(40 + before.len() as u64)).await.is_ok() {
        let version = 40 + before.len() as u64;
        before.insert(version, rows_of(&lake, &staging_table(), Some(version)).await);
    }
    assert_eq!(before.len(), 9);
    let settings = Maintenance { compacts: false, retention: Duration::from_secs(1), ..eager() };
    let longer = Maintenance { retention: Duration::from_secs(3_600), ..settings.clone() };
    let kept = maintain(&lake, &longer).await.unwrap();
    assert_eq!(kept.expired, pipeline::Expired::default(), "all is young");
    let Maintained { expired, .. } = maintain(&lake, &settings).await.unwrap();
    assert!(expired.commits >= 40, "{expired:?}");
    // The documents are those of the file that holds the rows now.
    assert_eq!((expired.data_files, expired.documents), (22, 22), "{expired:?}");
    assert!(expired.checkpoints == 1 && expired.bytes > 0, "{expired:?}");
    for (version, rows) in before {
        assert_eq!(rows_of(&lake, &staging_table(), Some(version)).await, rows, "version {version}");
    }
    assert!(files_of(&lake, &staging_table(), Some(39)).await.is_err());
    assert!(!lake.exists(&log.clone().join(format!("{:020}.json", 39))).await.unwrap());
    assert!(lake.exists(&log.join(format!("{:020}.json", 40))).await.unwrap());
    assert_whole(&lake, 46, "").await;
    assert_eq!(maintain(&lake, &settings).await.unwrap().expired, pipeline::Expired::default());
    stage_singly(&lake, 40..50).await;
    assert_whole(&lake, 50, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_goes_on_is_waited_for_and_one_that_died_is_not() {
    let lake = lake_in_memory().await;
    stage_singly(&lake, 0..4).await;
    let now = pipeline::time::now();
    let mark = |age: i64| replaying_key(&format!("{:016x}-x", now - age * 1_000_000));
    lake.put_new(&mark(60), "\n".into()).await.unwrap();
    let maintained = maintain(&lake, &eager()).await.unwrap();
    assert_eq!(maintained, Maintained { waits_for_replay: true, ..Maintained::default() });
    lake.delete(&mark(60)).await.unwrap();
    lake.put_new(&mark(86_400), "\n".into()).await.unwrap();
    assert_eq!(maintain(&lake, &eager()).await.unwrap().staging.files_after, 1);
    assert!(!lake.exists(&mark(86_400)).await.unwrap());
    // Where processes have locks, one that holds none is dead, however young its mark is.
    let folder = tempfile::tempdir().unwrap();
    let lake = pipeline::init(Location::parse(folder.path().to_str().unwrap()).unwrap()).await.unwrap();
    lake.put_new(&mark(1), "\n".into()).await.unwrap();
    assert!(!maintain(&lake, &eager()).await.unwrap().waits_for_replay);
    let living = lake.lock("x").unwrap();
    lake.put_new(&mark(2), "\n".into()).await.unwrap();
    assert!(maintain(&lake, &eager()).await.unwrap().waits_for_replay);
    living.release();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replays_and_maintenance_at_the_same_time_leave_a_whole_lake() {
    let lake = lake_in_memory().await;
    stage_singly(&lake, 0..12).await;
    let replaying = async {
        for _ in 0..5 {
            replay(&lake, &Scope::default(), &Rules::default(), &Arc::default()).await.unwrap();
        }
    };
    let maintaining = async {
        for _ in 0..15 {
            maintain(&lake, &compacting()).await.unwrap();
        }
    };
    tokio::join!(replaying, maintaining, stage_singly(&lake, 12..24));
    assert_whole(&lake, 24, "").await;
}

const MESSAGES: usize = 43;

/// A lake of which files are due to be put together, and commits and files to be removed.
async fn due(lake: &Lake) {
    stage_singly(lake, 0..21).await;
    maintain(lake, &compacting()).await.unwrap();
    stage_singly(lake, 21..MESSAGES).await;
}

/// The steps at which something fails: each at first, then every eleventh; with `CARELAKE_FAULTS=all` each.
fn next(at: usize) -> usize {
    let is_each = at < 20 || std::env::var("CARELAKE_FAULTS").is_ok_and(|wanted| wanted == "all");
    if is_each { at + 1 } else { at + 11 }
}

/// A second pass does what is left to do.
async fn completes(lake: &Lake, when: &str) {
    assert_whole(lake, MESSAGES, when).await;
    let maintained = maintain(lake, &eager()).await.unwrap();
    // Of two files of unlike size, none is due.
    assert_eq!(maintained.staging.unreadable, 0, "{when}");
    assert!(maintained.staging.files_after <= 2, "{when}: {maintained}");
    let log = lake.list(&staging_table().join("_delta_log")).await.unwrap();
    let commits = log.iter().filter(|object| object.key.as_ref().ends_with(".json")).count();
    assert!(commits < 20, "{when}: {commits} commits are left");
    assert_whole(lake, MESSAGES, when).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_at_any_operation_leaves_a_whole_lake_and_the_next_pass_completes_it() {
    use faulty::Fault::{Cut, ListingBreaks, ReadFails, ReplyLost, WriteRefused};
    let first = Arc::new(InMemory::new());
    due(&pipeline::init(Location::on_store(first.clone()).unwrap()).await.unwrap()).await;
    for fault in [WriteRefused, ReplyLost, ReadFails, ListingBreaks, Cut] {
        let mut at = 0;
        loop {
            let memory = Arc::new(first.fork());
            let store = Arc::new(Faulty::at(memory.clone(), fault, at));
            let lake = Lake::at(Location::on_store(store.clone()).unwrap());
            let ended = maintain(&lake, &eager()).await;
            let whole = Lake::open(Location::on_store(memory).unwrap()).await.unwrap();
            completes(&whole, &format!("{fault:?} at {at}, {ended:?}")).await;
            if !store.has_failed() {
                break;
            }
            at = next(at);
        }
        assert!(at > 0, "{fault:?} never came");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_or_a_power_that_fails_at_any_step_leaves_a_whole_lake_and_the_next_pass_completes_it() {
    let first = tempfile::tempdir().unwrap();
    let plain = |folder: &Path| {
        let disk = Arc::new(Failing::at(power::Fault::Error, usize::MAX));
        Location::on_disk(folder, disk).unwrap()
    };
    due(&pipeline::init(plain(first.path())).await.unwrap()).await;
    for fault in [power::Fault::Power, power::Fault::Error] {
        let mut at = 0;
        loop {
            let folder = tempfile::tempdir().unwrap();
            copy(first.path(), folder.path());
            let failing = Arc::new(Failing::at(fault, at));
            let lake = Lake::open(Location::on_disk(folder.path(), failing.clone()).unwrap()).await.unwrap();
            let ended = maintain(&lake, &eager()).await;
            if fault == power::Fault::Power {
                failing.lose();
            }
            let whole = Lake::open(plain(folder.path())).await.unwrap();
            completes(&whole, &format!("{fault:?} at {at}, {ended:?}")).await;
            if !failing.has_failed() {
                break;
            }
            at = next(at);
        }
        assert!(at > 30, "a pass has many steps, not {at}");
    }
}

/// Copies with the times, by which commits are told old from young.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
            let modified = entry.metadata().unwrap().modified().unwrap();
            std::fs::File::options().write(true).open(&target).unwrap().set_modified(modified).unwrap();
        }
    }
}
