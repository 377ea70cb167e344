//! Two writers on one lake, at the same time.

use crate::{Files, lake_in_memory, message, staged_ids, take};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_files_from_two_writers_are_staged_once() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    for number in 0..12 {
        files.add(&format!("{number:02}.hl7"), format!("{}{}", message(number), message(number + 1)));
    }
    let (one, other) = tokio::join!(take(&lake, files.path()), take(&lake, files.path()));
    assert_eq!((one.received, other.received), (24, 24));
    assert_eq!(one.staged + other.staged, 13, "{one} / {other}");
    assert_eq!(staged_ids(&lake).await.len(), 13);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_with_columns_of_their_own_lose_nothing() {
    let lake = lake_in_memory().await;
    let files: Vec<Files> = (0..8)
        .map(|writer| {
            let files = Files::new();
            files.add("a.hl7", message(writer));
            files.add("b.hl7", format!("{}ZZ{writer}|x\rGT1|1||G\r", message(100 + writer)));
            files
        })
        .collect();
    let all = files.iter().map(|files| take(&lake, files.path()));
    let staged: u64 = futures::future::join_all(all).await.iter().map(|accounting| accounting.staged).sum();
    assert_eq!(staged, 16);
    assert_eq!(staged_ids(&lake).await.len(), 16);
}
