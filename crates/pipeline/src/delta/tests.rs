//! Logs that grow, that lose files and that are damaged.

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::{Map, json};
use storage::{Error as StorageError, Lake, Location, staging_table};

use super::*;
use crate::Error;

fn data_file(number: u64) -> DataFile {
    let statistics = json!({"numRecords": 1});
    DataFile { path: format!("part-{number}.parquet"), size: 1, statistics, tags: Map::new() }
}

/// A lake in memory whose staging table has had so many commits after its first.
async fn lake_of(commits: u64) -> Lake {
    let lake = crate::init(Location::memory().unwrap()).await.unwrap();
    let mut writer = Writer::open(staging(&lake)).await.unwrap();
    for number in 0..commits {
        assert!(matches!(writer.try_append(&[data_file(number)]).await, Ok(Attempt::Done)));
    }
    assert!(writer.take_checkpoint_failure().is_none());
    lake
}

fn staging(lake: &Lake) -> Table {
    Table::at(lake, staging_table()).unwrap()
}

fn in_log(name: &str) -> Path {
    staging_table().join("_delta_log").join(name)
}

async fn change(lake: &Lake, name: &str, content: Option<Bytes>) {
    match content {
        Some(content) => drop(lake.store().put(&in_log(name), content.into()).await.unwrap()),
        None => lake.store().delete(&in_log(name)).await.unwrap(),
    }
}

/// How many files the table has, for who reads it and for who opens it to write.
async fn files(lake: &Lake) -> Result<usize, Error> {
    let read = staging(lake).files().await;
    let opened = Writer::open(staging(lake)).await;
    assert_eq!(read.is_ok(), opened.is_ok(), "{:?}", read.as_ref().err());
    Ok(read?.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_written_and_stand_for_all_that_was_before() {
    let lake = lake_of(45).await;
    assert!(lake.exists(&in_log("00000000000000000020.checkpoint.parquet")).await.unwrap());
    for version in 0..=40 {
        change(&lake, &format!("{version:020}.json"), None).await;
    }
    assert_eq!(files(&lake).await.unwrap(), 45);
    let mut writer = Writer::open(staging(&lake)).await.unwrap();
    writer.try_append(&[data_file(45)]).await.unwrap();
    let commit = lake.read(&in_log("00000000000000000046.json")).await.unwrap();
    let lines = serde_json::Deserializer::from_slice(&commit).into_iter::<serde_json::Value>();
    let counter = lines.flatten().find_map(|line| line["txn"]["version"].as_i64());
    assert_eq!(counter, Some(46), "the counter goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_writer_makes_up_for_a_checkpoint_that_was_never_written() {
    let lake = lake_of(45).await;
    for version in [20, 40] {
        change(&lake, &format!("{version:020}.checkpoint.parquet"), None).await;
    }
    change(&lake, "_last_checkpoint", None).await;
    let mut writer = Writer::open(staging(&lake)).await.unwrap();
    writer.try_append(&[data_file(45)]).await.unwrap();
    assert!(lake.exists(&in_log("00000000000000000046.checkpoint.parquet")).await.unwrap());
    writer.try_append(&[data_file(46)]).await.unwrap();
    assert!(!lake.exists(&in_log("00000000000000000047.checkpoint.parquet")).await.unwrap());
    assert_eq!(storage::check_log(&lake, &staging_table()).await.unwrap(), 1);
    assert_eq!(files(&lake).await.unwrap(), 47);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_cannot_be_written_is_told_once_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    let lake = crate::init(Location::parse(place.to_str().unwrap()).unwrap()).await.unwrap();
    // A folder stands where the checkpoint must go: even an administrator cannot replace it by a file.
    let log = place.join("staging/table/_delta_log");
    std::fs::create_dir_all(log.join("00000000000000000020.checkpoint.parquet/in-the-way")).unwrap();
    let mut writer = Writer::open(staging(&lake)).await.unwrap();
    for number in 0..21 {
        writer.try_append(&[data_file(number)]).await.unwrap();
    }
    assert!(writer.take_checkpoint_failure().is_some());
    assert!(writer.take_checkpoint_failure().is_none());
    assert_eq!(files(&lake).await.unwrap(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_log_that_is_missing_or_damaged_is_named_and_never_passed_over() {
    let lake = lake_of(27).await;
    let (old, recent) = ("00000000000000000005.json", "00000000000000000025.json");
    let (checkpoint, pointer) = ("00000000000000000020.checkpoint.parquet", "_last_checkpoint");
    let half = |content: &Bytes| Some(content.slice(..content.len() / 2));
    let empty = |_: &Bytes| Some(Bytes::new());
    let gone = |_: &Bytes| None;
    let without_last_line = |content: &Bytes| {
        let end = content[..content.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        Some(content.slice(..=end))
    };
    let no_json = |content: &Bytes| Some(content.iter().map(|byte| byte ^ 1).collect());
    type Damage<'a> = &'a dyn Fn(&Bytes) -> Option<Bytes>;
    let cases: [(&str, Damage<'_>, &str); 14] = [
        (old, &gone, ""),
        (old, &empty, ""),
        (pointer, &gone, ""),
        (pointer, &half, ""),
        (pointer, &empty, ""),
        (recent, &gone, "lacks version 25: staging/table/_delta_log/00000000000000000025.json"),
        (recent, &empty, "00000000000000000025.json, line 1"),
        (recent, &half, "00000000000000000025.json, line 2"),
        (recent, &without_last_line, "00000000000000000025.json, line 3"),
        (recent, &no_json, "00000000000000000025.json, line 1"),
        (checkpoint, &gone, "lacks the checkpoint of version 20"),
        (checkpoint, &empty, "lacks the checkpoint of version 20"),
        (checkpoint, &half, "checkpoint staging/table/_delta_log/00000000000000000020.checkpoint.parquet"),
        (checkpoint, &no_json, "checkpoint staging/table/_delta_log/00000000000000000020.checkpoint.parquet"),
    ];
    for (number, (name, damage, expected)) in cases.into_iter().enumerate() {
        let whole = lake.read(&in_log(name)).await.unwrap();
        let hint = lake.read(&in_log(pointer)).await.unwrap();
        change(&lake, name, damage(&whole)).await;
        match files(&lake).await {
            Ok(count) => assert!(expected.is_empty() && count == 27, "case {number}: {count} files"),
            Err(error) => {
                let text = error.to_string();
                assert!(!expected.is_empty() && text.contains(expected), "case {number}: {text}");
                follow(&lake, &error, name).await;
            }
        }
        change(&lake, name, Some(whole)).await;
        change(&lake, pointer, Some(hint)).await;
    }
    assert_eq!(files(&lake).await.unwrap(), 27);
}

/// Does what the hint says, which helps without a backup if only a checkpoint is damaged.
async fn follow(lake: &Lake, error: &Error, name: &str) {
    let Error::Storage(error) = error else { panic!("{error}") };
    let hint = error.hint().unwrap();
    match error {
        StorageError::LostCommit { .. } | StorageError::DamagedCommit { .. } => {
            assert!(hint.contains(name) && hint.contains("backup"), "{hint}");
            return;
        }
        StorageError::LostCheckpoint { .. } => assert!(hint.contains("_last_checkpoint"), "{hint}"),
        StorageError::DamagedCheckpoint { .. } => {
            assert!(hint.contains(name) && hint.contains("_last_checkpoint"), "{hint}");
            change(lake, name, None).await;
        }
        other => panic!("{other}"),
    }
    change(lake, "_last_checkpoint", None).await;
    assert_eq!(files(lake).await.unwrap(), 27);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_checkpoints_needs_all_of_its_commits() {
    let lake = lake_of(7).await;
    for version in [0, 5] {
        let name = format!("{version:020}.json");
        let whole = lake.read(&in_log(&name)).await.unwrap();
        change(&lake, &name, None).await;
        let error = files(&lake).await.unwrap_err();
        assert!(
            matches!(&error, Error::Storage(StorageError::LostCommit { version: lost, .. }) if *lost == version)
        );
        change(&lake, &name, Some(whole)).await;
    }
    assert_eq!(files(&lake).await.unwrap(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_cut_short_anywhere_is_known() {
    let lake = lake_of(3).await;
    let name = "00000000000000000002.json";
    let whole = lake.read(&in_log(name)).await.unwrap();
    // The last byte ends the last line, which is whole without it.
    for length in 0..whole.len() - 1 {
        change(&lake, name, Some(whole.slice(..length))).await;
        let error = storage::check_log(&lake, &staging_table()).await.unwrap_err();
        assert!(matches!(error, StorageError::DamagedCommit { version: 2, .. }), "{length} bytes: {error}");
    }
}
