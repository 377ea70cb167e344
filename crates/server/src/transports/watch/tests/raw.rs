//! The raw folder of the lake itself.

use pipeline::{FeedRules, Input, Settings, TakenFile, ingest};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_goes_when_its_bytes_lie_beside_it_under_their_own_key() {
    let site = Site::new().await;
    let folder = site.raw();
    put(&folder, "STONE.hl7", message(1));
    put(&folder, "lab/STONE.hl7", message(2));
    // In among the objects of the lake, under a name of its own.
    put(&folder, "lab/0a/STONE.hl7", message(3));
    let verified = verify(&site.lake).await.unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    assert_eq!((verified.summary.drops_waiting, verified.summary.raw_objects), (3, 0));
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    assert_eq!(site.taken().0, 0);
    // Not all is looked at each time, and what is not has not vanished.
    pass(&mut door, 2).await;
    assert_eq!(site.taken(), (2, 2, 2, 0));
    assert_eq!(files(&folder), ["lab/0a/STONE.hl7"]);
    pass(&mut door, 601).await;
    assert_eq!(site.taken(), (1, 1, 1, 0));
    assert!(files(&folder).is_empty());
    let verified = verify(&site.lake).await.unwrap();
    assert_eq!((verified.summary.drops_waiting, verified.summary.raw_objects), (0, 3));
    assert_eq!(site.proved().await, 3);
    // The raw zone has what was dropped, byte for byte.
    let hash = pipeline::sha256(message(2).as_bytes());
    let object = folder.path.join(format!("lab/{}/{}-STONE.hl7", &hash[..2], &hash[..32]));
    assert_eq!(fs::read_to_string(object).unwrap(), message(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_landing_and_removing_it_is_read_again_and_counted_as_a_duplicate() {
    let site = Site::new().await;
    let folder = site.raw();
    let path = put(&folder, "lab/STONE.hl7", message(1));
    // What the door does first, and no more.
    let settings = Settings { feed: FeedRules::named("lab").into(), ..Settings::default() };
    ingest(&site.lake, vec![Ok(Input::File(path.clone()))], &settings, |_| {}).await.unwrap();
    assert_eq!(site.proved().await, 1);
    let mut door = site.door(folder.clone()).await;
    pass(&mut door, 0).await;
    assert_eq!(files(&folder), ["lab/STONE.hl7"]);
    pass(&mut door, 2).await;
    assert_eq!(site.taken(), (1, 1, 0, 1));
    assert!(!path.exists());
    assert_eq!(site.proved().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_remembering_and_removing_it_is_removed_and_not_read() {
    let site = Site::new().await;
    let folder = site.raw();
    let path = put(&folder, "lab/STONE.hl7", message(1));
    let settings = Settings { feed: FeedRules::named("lab").into(), ..Settings::default() };
    ingest(&site.lake, vec![Ok(Input::File(path.clone()))], &settings, |_| {}).await.unwrap();
    let state = pipeline::FileState::of(&fs::symlink_metadata(&path).unwrap());
    let mut taken = Taken::open(&site.lake, &folder.path).await.unwrap();
    let below = Path::new("lab/STONE.hl7");
    taken.add(&[TakenFile { path: below, state, sha256: &"0".repeat(64) }]).await.unwrap();
    pass(&mut site.door(folder.clone()).await, 0).await;
    assert!(!path.exists());
    assert_eq!(site.taken().0, 0);
    assert_eq!(site.proved().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_removing_it_gets_its_name_again_and_is_read() {
    let site = Site::new().await;
    let folder = site.raw();
    // Somebody has put another one in its place meanwhile.
    put(&folder, "lab/.STONE.hl7.carelake-00000000000000ff", message(1));
    put(&folder, "lab/STONE.hl7", message(2));
    let mut door = site.door(folder.clone()).await;
    for second in [0, 1, 3] {
        pass(&mut door, second).await;
    }
    assert_eq!(site.taken(), (2, 2, 2, 0));
    assert!(files(&folder).is_empty());
    assert_eq!(fs::read_dir(folder.path.join("lab")).unwrap().count(), 2, "folders of objects alone");
    assert_eq!(site.proved().await, 2);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_no_text_or_very_long_stops_nobody() {
    use std::os::unix::ffi::OsStrExt;
    let site = Site::new().await;
    let folder = Folder { ready: Ready::Rename, ..site.raw() };
    let odd = std::ffi::OsStr::from_bytes(b"M\xfcller STONE\n.hl7");
    fs::create_dir_all(folder.path.join("lab")).unwrap();
    fs::write(folder.path.join("lab").join(odd), message(1)).unwrap();
    put(&folder, &format!("lab/{}", "STONE".repeat(50)), message(2));
    put(&folder, "lab/Größe #STONE 100% !.hl7", message(3));
    let verified = verify(&site.lake).await.unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    pass(&mut site.door(folder.clone()).await, 0).await;
    assert_eq!(site.taken(), (3, 3, 3, 0));
    assert!(files(&folder).is_empty());
    assert_eq!(site.proved().await, 3);
}
