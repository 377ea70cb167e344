//! The column `raw`: the bytes of a message as they were received, wherever they lie.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use arrow::array::AsArray;
use pipeline::{Input, Settings};
use query::Engine;
use storage::{Lake, Location};
use testkit::feed::{Mix, generate};

async fn lake_of(path: &Path) -> Lake {
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    let input = Input::expand(&[path.to_owned()]);
    pipeline::ingest(&lake, input, &Settings::default(), |_| {}).await.unwrap();
    lake
}

async fn raw(engine: &Engine, rest: &str) -> Vec<Vec<u8>> {
    let sql = format!("SELECT raw FROM staging {rest}");
    let batches = engine.sql(&sql).await.unwrap().collect().await.unwrap();
    let messages = batches.iter().flat_map(|batch| {
        let messages = batch.column(0).as_binary::<i32>();
        messages.iter().map(|message| message.unwrap().to_vec()).collect::<Vec<_>>()
    });
    messages.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_an_archive_has_the_bytes_it_has_outside() {
    const COUNT: usize = 1_500;
    let folder = tempfile::tempdir().unwrap();
    let (plain, packed) = (folder.path().join("feed.hl7"), folder.path().join("feed.hl7.gz"));
    let feed = generate(Mix::Weekday, 5, COUNT);
    std::fs::write(&plain, &feed).unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(feed.as_ref()).unwrap();
    std::fs::write(&packed, packer.finish().unwrap()).unwrap();

    let (plain, packed) = (lake_of(&plain).await, lake_of(&packed).await);
    let (plain, packed) = (Engine::open(&plain).await.unwrap(), Engine::open(&packed).await.unwrap());
    let wanted = raw(&plain, "ORDER BY raw_offset").await;
    assert_eq!(wanted.len(), COUNT);
    assert_eq!(raw(&packed, "ORDER BY raw_offset").await, wanted);
    let backwards: Vec<_> = raw(&packed, "ORDER BY raw_offset DESC LIMIT 3").await;
    assert_eq!(backwards, wanted.iter().rev().take(3).cloned().collect::<Vec<_>>());
    let any_order: BTreeSet<_> = raw(&packed, "").await.into_iter().collect();
    assert_eq!(any_order, wanted.into_iter().collect());
}
