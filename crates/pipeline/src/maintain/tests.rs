//! Writers that live through compactions, and files that are in the way.

use std::path::Path as FilePath;
use std::sync::Arc;

use futures::{StreamExt, stream};
use hl7::Limits;
use storage::{Lake, Location, json_document_key, receipts_key};

use super::*;
use crate::feed::News;
use crate::run::Run;
use crate::split::{Content, Contents};
use crate::stage::{Receipted, Stage};
use crate::{
    Accounting, FeedRules, Input, Receipt, Rules, content, documents, land, receipts, staged_ids, verify,
};

const MESSAGES: usize = 40;

/// Every other file is put together with its like at once.
fn eager() -> Maintenance {
    // By rows alone: small files differ a little in bytes.
    Maintenance { least_files: 2, file_bytes: 1 << 40, ..Maintenance::default() }
}

async fn lake_in(folder: &FilePath) -> Lake {
    crate::init(Location::parse(folder.join("lake").to_str().unwrap()).unwrap()).await.unwrap()
}

/// A feed that is landed, with a receipt for each message, cut into as many batches as it has messages.
async fn received(lake: &Lake, folder: &FilePath, run: &mut Run) -> Vec<(String, Receipt, bytes::Bytes)> {
    let text: String = (0..MESSAGES)
        .map(|number| {
            let extra = if number % 3 == 0 { "AL1|1|DA|PEN\r" } else { "NK1|1|KIN^ANN\r" };
            format!("MSH|^~\\&|A|B|C|D|2024||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}\r{extra}")
        })
        .collect();
    let path = folder.join("feed.hl7");
    std::fs::write(&path, text).unwrap();
    let input = Input::File(path);
    let received = input.receive("lab");
    let landed = land(lake, &received, input.open(lake).unwrap()).await.unwrap();
    let whole = content::Content::of(&landed);
    let (feed, limits) = (FeedRules::named("lab").into(), Limits::default());
    let mut contents = Contents::open(lake, &landed, &whole, &received, &feed, &limits).await.unwrap();
    let mut batches = Vec::new();
    while let Some(found) = contents.next().await.unwrap() {
        let receipt = found.receipt(&mut News::default());
        let Content::Message(bytes) = found.content else { panic!("no message") };
        let (name, is_last) = (run.next_batch(), batches.len() + 1 == MESSAGES);
        let finished = if is_last { vec![landed.key.clone()] } else { Vec::new() };
        receipts::write(lake, &name, &[&receipt], &finished).await.unwrap();
        batches.push((name, receipt, bytes));
    }
    assert_eq!(batches.len(), MESSAGES);
    batches
}

async fn stage(stage: &mut Stage, batches: &[(String, Receipt, bytes::Bytes)]) -> Accounting {
    let batches = batches.iter().cloned().map(|(name, receipt, bytes)| {
        Ok(Receipted { settles: Some(name), messages: vec![(receipt, Content::Message(bytes))] })
    });
    stage.stage(stream::iter(batches.collect::<Vec<_>>()).boxed()).await.unwrap()
}

async fn open(lake: &Lake) -> Stage {
    Stage::open(lake, &Rules::default(), Arc::default()).await.unwrap()
}

async fn assert_whole(lake: &Lake) {
    let mut ids = staged_ids(lake).await.unwrap();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), MESSAGES);
    let verified = verify(lake).await.unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    assert_eq!(verified.summary.accounting.staged as usize, MESSAGES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_lives_on_takes_nothing_for_new_that_was_put_into_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let mut run = Run::begin(&lake).unwrap();
    let batches = received(&lake, folder.path(), &mut run).await;
    // Of two writers one has staged a message, the other has not heard of it when it is put into another file.
    let (mut one, mut other) = (open(&lake).await, open(&lake).await);
    for (number, batch) in batches.iter().enumerate() {
        let batch = std::slice::from_ref(batch);
        let (first, second) = if number % 2 == 0 { (&mut one, &mut other) } else { (&mut other, &mut one) };
        assert_eq!(stage(first, batch).await.staged, 1);
        maintain(&lake, &eager()).await.unwrap();
        assert_eq!(stage(first, batch).await.duplicate, 1, "message {number}, of its own");
        assert_eq!(stage(second, batch).await.duplicate, 1, "message {number}, of another's");
        if number % 10 == 9 {
            assert_eq!(stage(&mut one, &batches[..=number]).await.duplicate, number as u64 + 1);
        }
    }
    let files = Table::at(&lake, staging_table()).unwrap().files().await.unwrap().len();
    assert!(files < 8, "{files} files");
    assert_eq!(stage(&mut open(&lake).await, &batches).await.duplicate as usize, MESSAGES);
    run.end();
    assert_whole(&lake).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_and_maintainers_at_the_same_time_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let mut run = Run::begin(&lake).unwrap();
    let batches = received(&lake, folder.path(), &mut run).await;
    let write = async |from: usize| {
        let mut writer = open(&lake).await;
        let mut accounting = Accounting::default();
        for number in 0..3 * MESSAGES {
            let at = (from + number) % MESSAGES;
            accounting += stage(&mut writer, &batches[at..=at]).await;
        }
        accounting
    };
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let writing = async {
        let both = tokio::join!(write(0), write(MESSAGES / 2));
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        both
    };
    let maintaining = async || {
        let mut rows = 0;
        while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
            rows += maintain(&lake, &eager()).await.unwrap().staging.rows;
            tokio::task::yield_now().await;
        }
        rows
    };
    let ((one, other), first, second) = tokio::join!(writing, maintaining(), maintaining());
    assert_eq!((one.received + other.received) as usize, 6 * MESSAGES);
    assert_eq!((one.staged + other.staged) as usize, MESSAGES, "{one} / {other}");
    assert_eq!((one.duplicate + other.duplicate) as usize, 5 * MESSAGES, "{one} / {other}");
    assert!(first + second > 0, "nothing was put together meanwhile");
    run.end();
    assert_whole(&lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_one_raw_object_come_into_one_document_unless_such_a_one_is_there_already() {
    for is_in_the_way in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_in(folder.path()).await;
        let mut run = Run::begin(&lake).unwrap();
        let batches = received(&lake, folder.path(), &mut run).await;
        // All were received at one moment: only their sequence tells the order, and not which was written first.
        let last_first: Vec<_> = batches.iter().rev().cloned().collect();
        stage(&mut open(&lake).await, &last_first).await;
        let (first, last) = (&batches[0].1, &batches[MESSAGES - 1].1);
        let end = last.raw_offset + last.raw_length;
        let merged = json_document_key(&first.raw_key, first.raw_offset, end, tables::CONVERTER_VERSION);
        if is_in_the_way {
            // As one that was replaced long ago, and may be removed at any moment.
            lake.put_new(&merged, bytes::Bytes::from_static(b"old\n")).await.unwrap();
        }
        maintain(&lake, &eager()).await.unwrap();
        let (_, files) = Table::at(&lake, staging_table()).unwrap().listed().await.unwrap();
        let [file] = &files[..] else { panic!("{} files", files.len()) };
        let named = documents::read_list(&lake, file.documents.as_ref().unwrap()).await.unwrap();
        match is_in_the_way {
            true => assert_eq!(named.len(), MESSAGES),
            false => assert_eq!(named, [merged]),
        }
        run.end();
        assert_whole(&lake).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_left_alone_and_the_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_in(folder.path()).await;
    let mut run = Run::begin(&lake).unwrap();
    let batches = received(&lake, folder.path(), &mut run).await;
    stage(&mut open(&lake).await, &batches).await;
    let files = Table::at(&lake, staging_table()).unwrap().files().await.unwrap();
    lake.delete(&files[7]).await.unwrap();
    let maintained = maintain(&lake, &eager()).await.unwrap();
    assert_eq!((maintained.staging.unreadable, maintained.staging.files_after), (1, 2));
    let left = Table::at(&lake, staging_table()).unwrap().files().await.unwrap();
    assert!(left.contains(&files[7]));
    assert!(lake.exists(&receipts_key(&batches[0].0)).await.unwrap());
}
