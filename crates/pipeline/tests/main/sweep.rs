//! Sweep takes what nobody names and nothing else, and nothing that is young.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use pipeline::{Rules, Scope, Swept, replay, sweep, verify};
use storage::{Location, error_table, seen_manifest_key, seen_run_key, staging_table};

use crate::{Files, lake_in_memory, message, take};

#[tokio::test(flavor = "multi_thread")]
async fn only_what_no_state_within_the_age_names_is_swept() {
    let lake = lake_in_memory().await;
    take(&lake, &Files::new().add("a.hl7", message(1) + "MSH|\r")).await;
    for key in ["staging/table/part-x.parquet", "staging/json/raw/x/0-1-1.ndjson", "_carelake/incoming/x"] {
        lake.store().put(&Path::from(key), Bytes::from_static(b"x").into()).await.unwrap();
    }
    let day = Duration::from_secs(86_400);
    assert_eq!(sweep(&lake, day, false).await.unwrap(), Swept::default(), "all is younger than a day");
    let all = Swept { data_files: 1, documents: 1, seen: 0, unfinished: 1, bytes: 3 };
    assert_eq!(sweep(&lake, Duration::ZERO, true).await.unwrap(), all);
    assert_eq!(sweep(&lake, Duration::ZERO, false).await.unwrap(), all, "looking takes nothing");
    assert_eq!(sweep(&lake, Duration::ZERO, false).await.unwrap(), Swept::default());
    assert!(verify(&lake).await.unwrap().problems.is_empty());
    replay(&lake, &Scope::default(), &Rules::default(), &Arc::default()).await.unwrap();
    assert_eq!(sweep(&lake, day, false).await.unwrap().data_files, 0);
    assert_eq!(
        sweep(&lake, Duration::ZERO, false).await.unwrap().data_files,
        1,
        "the file that was replaced"
    );
    assert!(verify(&lake).await.unwrap().problems.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_were_broken_off_are_swept_and_drops_of_such_names_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let lake = pipeline::init(Location::parse(folder.path().to_str().unwrap()).unwrap()).await.unwrap();
    let below = folder.path().join("raw/lab/0a");
    std::fs::create_dir_all(&below).unwrap();
    let (broken_off, drop) = (below.join(format!("{}-x.hl7#12", "0a".repeat(16))), below.join("report#12"));
    std::fs::write(&broken_off, "x").unwrap();
    std::fs::write(&drop, "x").unwrap();
    let swept = sweep(&lake, Duration::ZERO, false).await.unwrap();
    assert_eq!(swept.unfinished, 1);
    assert!(!broken_off.exists() && drop.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_since_a_living_process_began_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let lake = pipeline::init(Location::parse(folder.path().to_str().unwrap()).unwrap()).await.unwrap();
    let table = folder.path().join("staging/table");
    for name in ["part-before.parquet", "part-since.parquet"] {
        std::fs::write(table.join(name), "x").unwrap();
    }
    let before = std::fs::File::options().write(true).open(table.join("part-before.parquet")).unwrap();
    before.set_modified(std::time::SystemTime::now() - Duration::from_secs(60)).unwrap();
    let living = lake.lock("living").unwrap();
    std::fs::write(table.join("part-since.parquet"), "about to be committed").unwrap();
    assert_eq!(sweep(&lake, Duration::ZERO, false).await.unwrap().data_files, 1);
    assert!(table.join("part-since.parquet").exists());
    living.release();
    assert_eq!(sweep(&lake, Duration::ZERO, false).await.unwrap().data_files, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_ids_that_the_newest_list_does_not_name_are_swept_when_no_run_lives() {
    let folder = tempfile::tempdir().unwrap();
    let lake = pipeline::init(Location::parse(folder.path().to_str().unwrap()).unwrap()).await.unwrap();
    take(&lake, &Files::new().add("a.hl7", message(1))).await;
    let named = seen_run_key(&staging_table(), "named");
    let manifest = format!("{{\"runs\":[\"{named}\"]}}");
    let kept = [named, seen_manifest_key(&staging_table(), 12)];
    let left = [
        seen_run_key(&staging_table(), "left"),
        seen_manifest_key(&staging_table(), 9),
        seen_run_key(&error_table(), "x"),
    ];
    for key in kept.iter().chain(&left) {
        lake.put_new(key, manifest.clone().into()).await.unwrap();
    }
    let day = Duration::from_secs(86_400);
    assert_eq!(sweep(&lake, day, false).await.unwrap().seen, 0, "all is younger than a day");
    let lock = lake.lock("a-run").unwrap();
    assert_eq!(
        sweep(&lake, Duration::ZERO, false).await.unwrap().seen,
        0,
        "a run lives that may name it yet"
    );
    lock.release();
    assert_eq!(sweep(&lake, Duration::ZERO, true).await.unwrap().seen, 3);
    assert_eq!(sweep(&lake, Duration::ZERO, false).await.unwrap().seen, 3, "looking takes nothing");
    for (keys, is_there) in [(&kept[..], true), (&left[..], false)] {
        for key in keys {
            assert_eq!(lake.exists(key).await.unwrap(), is_there, "{key}");
        }
    }
    take(&lake, &Files::new().add("b.hl7", message(2))).await;
    assert!(verify(&lake).await.unwrap().problems.is_empty());
}
