//! What every store under a lake must do; one suite that runs on each of them.
//!
//! A store that passes may carry a lake. Each check says in its panic which promise was broken.

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;

use crate::{Lake, Put};

/// Runs every check on an empty lake.
///
/// # Panics
/// When the store breaks a promise; the text names it.
pub async fn check(lake: &Lake) {
    put_new_never_replaces(lake).await;
    ranges_and_chunks_are_the_bytes(lake).await;
    listing_is_complete_and_sorted(lake).await;
    folders_are_listed_level_by_level(lake).await;
    an_upload_appears_whole_or_not_at_all(lake).await;
    only_one_of_many_writers_wins(lake).await;
    absence_is_told_apart_from_failure(lake).await;
}

async fn put_new_never_replaces(lake: &Lake) {
    let key = Path::from("raw/once");
    assert_eq!(
        lake.put_new(&key, Bytes::from_static(b"first")).await.expect("a new key can be written"),
        Put::Created
    );
    assert_eq!(
        lake.put_new(&key, Bytes::from_static(b"second")).await.expect("a taken key is no error"),
        Put::Existed
    );
    assert_eq!(
        lake.read(&key).await.expect("a written key can be read").as_ref(),
        b"first",
        "put-once must not replace"
    );
}

async fn ranges_and_chunks_are_the_bytes(lake: &Lake) {
    let key = Path::from("raw/ranges");
    let bytes: Bytes = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    lake.put_new(&key, bytes.clone()).await.expect("writing");
    assert_eq!(lake.read_range(&key, 7..1_003).await.expect("a range"), bytes.slice(7..1_003));
    let chunks: Vec<Bytes> =
        lake.read_chunks(&key).await.expect("chunks").try_collect().await.expect("every chunk");
    assert!(chunks.concat() == bytes, "chunks must be the object, in order");
}

async fn listing_is_complete_and_sorted(lake: &Lake) {
    for name in ["raw/list/b", "raw/list/a/deep", "raw/list/c", "raw/list-not/d"] {
        lake.put_new(&Path::from(name), Bytes::from_static(b"12345")).await.expect("writing");
    }
    let listed = lake.list(&Path::from("raw/list")).await.expect("a listing");
    let keys: Vec<&str> = listed.iter().map(|object| object.key.as_ref()).collect();
    assert_eq!(
        keys,
        ["raw/list/a/deep", "raw/list/b", "raw/list/c"],
        "every object under the folder and no other"
    );
    assert!(listed.iter().all(|object| object.size == 5), "sizes are told");
    assert_eq!(lake.list(&Path::from("raw/nothing")).await.expect("an empty listing"), []);
}

async fn folders_are_listed_level_by_level(lake: &Lake) {
    for key in ["days/2026/02/a", "days/2026/01/b", "days/2025/12/c", "days/2025/d"] {
        lake.put_new(&Path::from(key), Bytes::from_static(b"x")).await.expect("writing");
    }
    let days = Path::from("days");
    let folders = lake.folders(&days, 1).await.expect("folders");
    assert_eq!(folders, ["days/2025", "days/2026"].map(Path::from));
    let folders = lake.folders(&days, 2).await.expect("folders");
    assert_eq!(folders, ["days/2025/12", "days/2026/01", "days/2026/02"].map(Path::from));
    assert!(lake.folders(&Path::from("nowhere"), 2).await.expect("no folder is no error").is_empty());
}

async fn an_upload_appears_whole_or_not_at_all(lake: &Lake) {
    let part = vec![b'x'; 3 << 20];
    let key = Path::from("raw/uploads/big");
    let mut upload = lake.upload().await.expect("an upload begins");
    for _ in 0..4 {
        upload.write(&part).await.expect("a part");
    }
    assert!(!lake.exists(&key).await.expect("looking"), "nothing shows before the end");
    assert_eq!(upload.seal().await.expect("the end").publish(&key).await.expect("its key"), Put::Created);
    assert_eq!(lake.read(&key).await.expect("reading").len(), 4 * part.len());

    let mut again = lake.upload().await.expect("an upload begins");
    again.write(b"other").await.expect("a part");
    assert_eq!(again.seal().await.expect("the end").publish(&key).await.expect("its key"), Put::Existed);
    assert_eq!(lake.read(&key).await.expect("reading").len(), 4 * part.len(), "an upload must not replace");

    let mut given_up = lake.upload().await.expect("an upload begins");
    given_up.write(b"other").await.expect("a part");
    given_up.abandon().await.expect("giving up");
    let empty = lake.upload().await.expect("an upload begins").seal().await.expect("an empty upload");
    empty.publish(&Path::from("raw/uploads/empty")).await.expect("its key");
    assert_eq!(lake.read(&Path::from("raw/uploads/empty")).await.expect("reading").len(), 0);
    assert_eq!(
        lake.list(&Path::from("_carelake/incoming")).await.expect("a listing"),
        [],
        "uploads leave nothing behind"
    );
}

async fn only_one_of_many_writers_wins(lake: &Lake) {
    let key = Path::from("raw/race");
    let attempts = (0..16_u8).map(|number| {
        let (lake, key) = (lake.clone(), key.clone());
        async move { (number, lake.put_new(&key, vec![number; 1_000].into()).await.expect("no writer fails")) }
    });
    let outcomes = futures::future::join_all(attempts).await;
    let winners: Vec<u8> =
        outcomes.iter().filter(|(_, put)| *put == Put::Created).map(|(number, _)| *number).collect();
    let [winner] = winners[..] else {
        panic!("exactly one writer creates the object, not {}", winners.len())
    };
    assert_eq!(lake.read(&key).await.expect("reading"), vec![winner; 1_000], "the winner's bytes are there");
}

async fn absence_is_told_apart_from_failure(lake: &Lake) {
    let key = Path::from("raw/absent");
    assert!(!lake.exists(&key).await.expect("looking at nothing is no failure"));
    assert!(
        lake.read(&key).await.expect_err("nothing to read").is_not_found(),
        "a missing object is told as missing"
    );
}
