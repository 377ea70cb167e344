//! The conformance suite on every store, and what only a disk can show.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, S3CopyIfNotExists};
use storage::{Error, Lake, Location, Put, conformance, marker_key};

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms() {
    conformance::check(&Lake::at(Location::memory().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse(folder.path().join("lake").to_str().unwrap()).unwrap();
    conformance::check(&Lake::at(location)).await;
}

/// The test script starts a server that speaks S3; without one there is nothing to ask.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_speaks_s3_conforms() {
    let Ok(endpoint) = std::env::var("CARELAKE_TEST_S3") else {
        eprintln!("SKIPPED: no server of S3 is named by CARELAKE_TEST_S3");
        return;
    };
    let store = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_bucket_name("carelake")
        .with_region("us-east-1")
        .with_access_key_id("test")
        .with_secret_access_key("test")
        .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
        .build()
        .unwrap();
    conformance::check(&Lake::at(Location::on_store(Arc::new(store)).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_opens_once_marked_and_not_before() {
    let location = Location::memory().unwrap();
    assert!(matches!(Lake::open(location.clone()).await, Err(Error::NoLake { .. })));
    assert_eq!(Lake::at(location.clone()).mark().await.unwrap(), Put::Created);
    Lake::open(location).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_format_is_refused() {
    let location = Location::memory().unwrap();
    Lake::at(location.clone()).put_new(&marker_key(), "2\n".into()).await.unwrap();
    let error = Lake::open(location).await.unwrap_err();
    assert_eq!(error.to_string(), "the lake has format 2, and this program reads formats up to 1");
}

#[test]
fn buckets_are_not_served_yet() {
    let error = Location::parse("s3://bucket/lake").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot use s3://bucket/lake as a lake: s3:// lakes are not served yet, use a folder"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_or_read_only_place_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let lake = Lake::at(Location::parse(file.join("lake").to_str().unwrap()).unwrap());
    let error = lake.mark().await.unwrap_err();
    assert!(error.to_string().starts_with("cannot write _carelake/format: "), "{error}");
}
