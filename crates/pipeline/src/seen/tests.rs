//! Against a set in memory, through runs, merges, removals and damage.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use storage::Location;

use super::*;
use crate::delta::{encode, receipts_properties};

fn id(number: u64) -> MessageId {
    MessageId::of("test", &number.to_be_bytes())
}

fn table() -> Path {
    Path::from("staging/table")
}

/// Writes a data file that holds these ids and nothing else.
async fn data_file(lake: &Lake, number: u64, ids: &[MessageId]) -> Path {
    let column = StringArray::from_iter_values(ids.iter().map(ToString::to_string));
    let rows = RecordBatch::try_from_iter([("message_id", Arc::new(column) as _)]).unwrap();
    let key = table().join(format!("part-{number}.parquet"));
    lake.put_new(&key, encode(rows, receipts_properties().build()).unwrap()).await.unwrap();
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_a_set_whatever_is_written_merged_removed_or_damaged() {
    let lake = Lake::at(Location::memory().unwrap());
    let mut model: BTreeMap<Path, Vec<MessageId>> = BTreeMap::new();
    let mut seen = Seen::over(&lake, &table(), &[], 300).await.unwrap();
    let mut random = 7u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for round in 0..60u64 {
        let wanted: Vec<MessageId> = (0..next(200) + 1).map(|_| id(next(4_000))).collect();
        let held: HashSet<MessageId> = model.values().flatten().copied().collect();
        let mut expected = HashSet::new();
        let expected: Vec<bool> =
            wanted.iter().map(|id| !held.contains(id) && expected.insert(*id)).collect();
        let claims: Vec<bool> =
            seen.claim_all(&wanted).await.unwrap().iter().map(|claim| *claim == Claim::New).collect();
        assert_eq!(claims, expected, "round {round}");
        let new: Vec<MessageId> =
            wanted.iter().zip(&expected).filter(|(_, is_new)| **is_new).map(|(id, _)| *id).collect();
        let (kept, released) = new.split_at(new.len() - new.len() / 10);
        released.iter().for_each(|id| seen.release(*id));
        let file = data_file(&lake, round, kept).await;
        if next(2) == 0 {
            let rows = Known { ids: kept.to_vec(), control_ids: Vec::new() };
            seen.added(&file, &rows).await.unwrap();
        } else {
            seen.follow(vec![file.clone()], HashSet::new());
            assert_eq!(seen.catch_up().await.unwrap(), kept.iter().copied().collect(), "round {round}");
        }
        model.insert(file, kept.to_vec());
        if next(6) == 0 {
            let (gone, _) = model.iter().nth(next(model.len() as u64) as usize).unwrap();
            let gone = gone.clone();
            seen.follow(Vec::new(), HashSet::from([gone.clone()]));
            model.remove(&gone);
        }
        if next(5) == 0 {
            // Files of others, in one step made one: what they hold is held all the while.
            let many: HashSet<Path> = model.keys().take(next(4) as usize + 1).cloned().collect();
            let ids: Vec<MessageId> = many.iter().flat_map(|file| model[file].clone()).collect();
            let one = data_file(&lake, 10_000 + round, &ids).await;
            seen.follow(vec![one.clone()], many.clone());
            model.retain(|file, _| !many.contains(file));
            model.insert(one, ids);
        }
        if next(4) == 0 {
            seen.keep().await.unwrap();
            if next(3) == 0 {
                spoil(&lake, next(1_000)).await;
            }
            let files: Vec<Path> = model.keys().cloned().collect();
            seen = Seen::over(&lake, &table(), &files, 300).await.unwrap();
        }
        for (file, ids) in model.iter().filter(|(_, ids)| !ids.is_empty()) {
            assert_eq!(seen.find(ids[ids.len() / 2]).await.unwrap().as_ref(), Some(file), "round {round}");
        }
    }
}

/// Changes one byte of one run, or cuts it, or takes it away.
async fn spoil(lake: &Lake, how: u64) {
    let runs = lake.list(&storage::seen_prefix(&table())).await.unwrap();
    let Some(run) = runs.iter().find(|object| object.key.as_ref().contains("/run-")) else { return };
    let mut bytes = lake.read(&run.key).await.unwrap().to_vec();
    let at = how as usize % bytes.len();
    lake.delete(&run.key).await.unwrap();
    match how % 3 {
        0 => bytes[at] ^= 0x10,
        1 => bytes.truncate(at),
        _ => return,
    }
    lake.put_new(&run.key, bytes.into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn most_look_ups_of_new_ids_read_nothing() {
    let ids: Vec<MessageId> = (0..20_000).map(id).collect();
    let mut filter = filter::Filter::for_ids(ids.len());
    ids.iter().for_each(|id| filter.add(*id));
    assert!(ids.iter().all(|id| filter.may_hold(*id)));
    let wrong = (20_000..60_000).filter(|number| filter.may_hold(id(*number))).count();
    assert!(wrong < 800, "{wrong} of 40,000 ids are taken to be there");
}
