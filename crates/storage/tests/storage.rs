//! The conformance suite on every store, and what only a disk can show.

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
    if std::env::var_os("CARELAKE_TEST_S3").is_none() {
        eprintln!("SKIPPED: no server of S3 is named by CARELAKE_TEST_S3");
        return;
    }
    conformance::check(&Lake::at(Location::parse("s3://carelake/conformance").unwrap())).await;
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
fn an_address_that_is_none_is_told() {
    let told = |address: &str| Location::parse(address).unwrap_err().to_string();
    assert_eq!(told(""), "cannot use  as a lake: it is empty");
    assert_eq!(
        told("gs://bucket/lake"),
        "cannot use gs://bucket/lake as a lake: gs:// is not known here, a folder or s3://BUCKET/PREFIX is"
    );
    assert_eq!(told("s3:///lake"), "cannot use s3:///lake as a lake: it names no bucket");
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
