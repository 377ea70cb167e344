//! Sweep takes what nobody names and nothing else, and nothing that is young.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use pipeline::{Rules, Scope, Swept, replay, sweep, verify};

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
    let all = Swept { data_files: 1, documents: 1, unfinished: 1, bytes: 3 };
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
