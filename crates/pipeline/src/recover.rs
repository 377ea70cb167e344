//! Finishes what an interrupted run left: batches that have receipts and no end, and raw objects that were
//! landed and not cut to their end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use hl7::Limits;
use object_store::path::Path;
use sha2::{Digest, Sha256};
use storage::{Lake, Lock, RawKind, raw, raw_kind, raw_prefix, wal};
use tokio::sync::mpsc;

use crate::convert::Rules;
use crate::identity::hex;
use crate::ingest::Batches;
use crate::live::seal;
use crate::run::Run;
use crate::split::{Content, Contents, Whole};
use crate::stage::{Receipted, Stage};
use crate::{
    Accounting, FeedRules, FeedsByName, Landed, Receipt, Received, Result, content, receipts, run, time,
};

/// Finishes all that runs which died have begun; gives the account of it.
///
/// What the run that calls this has staged itself by then is a duplicate here.
pub(crate) async fn finish_abandoned(
    lake: &Lake,
    stage: Stage,
    own: &Run,
    rules: &Rules,
    feeds: &FeedsByName,
) -> Result<(Stage, Accounting)> {
    // In this order: a run that begins after the listing has no segment in it.
    let segments = wal::segments(lake).await?;
    let (mut abandoned, locks) = run::abandoned(lake).await?;
    // Every receipt says itself whether its feed was strict.
    let mut stage = stage.with_rules(&Rules { strict: false, ..rules.clone() });
    let limits = &rules.options.limits;
    let mut accounting = Accounting::default();
    // Whether or not all of it is staged.
    for segment in segments.iter().filter(|segment| run::is_dead(lake, &locks, segment)) {
        let has_receipts = seal(lake, segment).await?;
        abandoned.retain(|batch| batch != segment || has_receipts);
    }
    if !abandoned.is_empty() {
        let pending =
            stream::iter(&abandoned).then(|batch| async { reread(lake, batch, limits.message_bytes).await });
        accounting += stage.stage(pending.boxed()).await?;
    }
    // A living run may have landed objects that it has yet to cut. What is left is then for the next to find.
    let is_mine = |run: &String| run == own.name() || locks.seized.iter().any(|lock| lock.name() == run);
    if !locks.seized.is_empty() && locks.living.iter().all(is_mine) {
        let objects = lake.list(&raw_prefix()).await?;
        // In this order: what a run has landed that began meanwhile may be among the objects.
        if !lake.seize_abandoned()?.living.iter().all(is_mine) {
            return Ok((stage, accounting));
        }
        let objects = objects
            .into_iter()
            .map(|object| (object.key, object.size))
            // Those of live feeds come from the log, whole; drops are for their door to take up.
            .filter(|(key, size)| *size > 0 && raw_kind(key) == RawKind::Upload);
        let finished =
            finish_objects(lake, stage, own, objects.collect(), &locks.seized, limits, feeds).await?;
        stage = finished.0;
        accounting += finished.1;
        locks.seized.into_iter().for_each(Lock::release);
    }
    Ok((stage, accounting))
}

/// A batch as its receipts tell it, with the bytes from the raw zone.
async fn reread(lake: &Lake, batch: &str, limit_bytes: usize) -> Result<Receipted> {
    let receipts = receipts::read(lake, batch).await?;
    let messages = stream::iter(receipts).then(|receipt| async {
        let content = content(lake, &receipt, limit_bytes).await?;
        Ok::<_, crate::Error>((receipt, content))
    });
    Ok(Receipted { settles: Some(batch.to_owned()), messages: messages.try_collect().await? })
}

async fn content(lake: &Lake, receipt: &Receipt, limit_bytes: usize) -> Result<Content> {
    let range = receipt.raw_offset..receipt.raw_offset + receipt.raw_length;
    if receipt.sha256.is_empty() {
        return Ok(if receipt.raw_length == 0 { Content::Damaged } else { Content::TooLong });
    }
    if receipt.raw_length > limit_bytes as u64 {
        let (id, sha256) = (receipt.message_id, receipt.sha256.clone());
        return Ok(Content::NoMessage(Whole { id, sha256, is_binary: false }));
    }
    // Junk is told from messages by the parser, which finds no header in it.
    Ok(Content::Message(raw::read_range(lake, &receipt.raw_key, range).await?))
}

/// Cuts the raw objects that no run has finished, from where the dead ones came to.
async fn finish_objects(
    lake: &Lake,
    stage: Stage,
    own: &Run,
    mut objects: Vec<(Path, u64)>,
    dead: &[Lock],
    limits: &Limits,
    feeds: &FeedsByName,
) -> Result<(Stage, Accounting)> {
    let mut finished = HashSet::new();
    let mut reached: HashMap<Path, u64> = HashMap::new();
    let mut begun: HashMap<Path, (bool, Option<String>)> = HashMap::new();
    for batch in run::batches(lake).await? {
        finished.extend(receipts::finished(lake, &batch).await?);
        if dead.iter().any(|lock| run::run_of(&batch) == Some(lock.name())) {
            for receipt in receipts::read(lake, &batch).await? {
                let end = receipt.raw_offset + receipt.raw_length;
                begun.insert(raw::object_of(&receipt.raw_key).0, (receipt.strict, receipt.charset));
                let reached = reached.entry(receipt.raw_key).or_default();
                *reached = end.max(*reached);
            }
        }
    }
    objects.retain(|(key, _)| !finished.contains(key));
    let (sender, receiver) = mpsc::channel(1);
    let staging = tokio::spawn(stage.run(receiver));
    let mut batches = Batches::new(own, sender);
    for (key, length) in objects {
        let received = Received {
            feed: key.parts().nth(1).map(|feed| feed.as_ref().to_owned()).unwrap_or_default(),
            origin: key.filename().unwrap_or_default().to_owned(),
            received_at: time::now(),
        };
        let mut feed = feeds.of(&received.feed);
        // What is left of an object is read as what came before it was.
        if let Some((strict, charset)) = begun.remove(&key) {
            feed = Arc::new(FeedRules { strict, charset, ..FeedRules::clone(&feed) });
        }
        let landed = Landed { sha256: hash_of(lake, &key).await?, key, length, bytes: None };
        for content in
            content::contents(lake, &landed).await.unwrap_or_else(|_| vec![content::Content::of(&landed)])
        {
            let reached = reached.get(&content.key).copied().unwrap_or_default();
            let mut contents = Contents::open(lake, &landed, &content, &received, &feed, limits).await?;
            while let Some(found) = contents.next().await? {
                if found.offset >= reached {
                    batches.add(found).await?;
                }
            }
        }
        batches.finished(landed.key).await?;
    }
    let handed = batches.finish().await;
    let staged = staging.await??;
    handed?;
    Ok(staged)
}

async fn hash_of(lake: &Lake, key: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut chunks = lake.read_chunks(key).await?;
    while let Some(chunk) = chunks.try_next().await? {
        hasher.update(&chunk);
    }
    Ok(hex(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use std::path::Path as FilePath;

    use storage::Location;

    use super::*;
    use crate::feed::News;
    use crate::{Event, Input, Settings, errors, ingest, land, staged_ids};

    fn message(number: usize) -> String {
        format!("MSH|^~\\&|A|B|C|D|2024||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}\r")
    }

    async fn lake_in(folder: &FilePath) -> Lake {
        crate::init(Location::parse(folder.join("lake").to_str().unwrap()).unwrap()).await.unwrap()
    }

    /// Lands a file as a run does.
    async fn landed(lake: &Lake, folder: &FilePath, name: &str, content: String) -> (Received, Landed) {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        let input = Input::File(path);
        let received = input.receive("lab");
        let landed = land(lake, &received, input.open(lake).unwrap()).await.unwrap();
        (received, landed)
    }

    /// Ingests one more message under another feed; gives what was recovered meanwhile.
    async fn next_ingest(lake: &Lake, folder: &FilePath) -> Option<Accounting> {
        let path = folder.join("next.hl7");
        std::fs::write(&path, message(100)).unwrap();
        let mut recovered = None;
        let settings = Settings::default();
        let accounting = ingest(lake, vec![Ok(Input::File(path))], &settings, |event| {
            if let Event::Recovered(accounting) = event {
                recovered = Some(accounting);
            }
        });
        assert_eq!(accounting.await.unwrap().received, 1);
        recovered
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_dead_run_had_received_landed_and_half_cut_is_finished_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_in(folder.path()).await;
        let dead = Run::begin(&lake).unwrap();
        // Cut to its end, receipts written, not converted; the other has come as far as its first message.
        let (received, whole) =
            landed(&lake, folder.path(), "whole.hl7", "junk\r".to_owned() + &message(1) + &message(2)).await;
        let (other, half) = landed(&lake, folder.path(), "half.hl7", message(3) + &message(4)).await;
        landed(&lake, folder.path(), "landed.hl7", message(5)).await;
        // Somebody has dropped a file, whose door will take it up.
        lake.put_new(&Path::from("raw/lab/dropped.hl7"), message(6).into()).await.unwrap();
        let mut receipts = Vec::new();
        let (limits, mut news) = (Limits::default(), News::default());
        let lenient = Arc::new(FeedRules::named("lab"));
        let strict = Arc::new(FeedRules { strict: true, ..FeedRules::clone(&lenient) });
        let all = content::Content::of(&whole);
        let mut contents = Contents::open(&lake, &whole, &all, &received, &lenient, &limits).await.unwrap();
        while let Some(found) = contents.next().await.unwrap() {
            receipts.push(found.receipt(&mut news));
        }
        let all = content::Content::of(&half);
        let mut contents = Contents::open(&lake, &half, &all, &other, &strict, &limits).await.unwrap();
        receipts.push(contents.next().await.unwrap().unwrap().receipt(&mut news));
        let all: Vec<&Receipt> = receipts.iter().collect();
        receipts::write(&lake, &dead.next_batch(), &all, &[whole.key]).await.unwrap();

        assert_eq!(next_ingest(&lake, folder.path()).await, None, "a run that lives is left alone");
        drop(dead);
        let recovered = next_ingest(&lake, folder.path()).await.unwrap();
        // The strict feed refuses both messages of its file, in whichever way they come to be converted.
        let expected = Accounting { received: 6, staged: 3, error: 3, ..Accounting::default() };
        assert_eq!(recovered, expected);
        assert_eq!(staged_ids(&lake).await.unwrap().len(), 4);
        assert_eq!(errors(&lake).await.unwrap().len(), 3);
        assert!(run::pending(&lake).await.unwrap().is_empty());
        assert!(lake.seize_abandoned().unwrap().seized.is_empty());
        assert_eq!(next_ingest(&lake, folder.path()).await, None);
    }
}
