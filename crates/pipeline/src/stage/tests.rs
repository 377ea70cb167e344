use storage::{Location, raw_prefix};

use super::*;
use crate::{sha256, staged_ids};

fn batch(number: usize) -> Receipted {
    let text = format!("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}");
    let receipt = Receipt {
        message_id: MessageId::of("lab", text.as_bytes()),
        feed: "lab".into(),
        received_at: 0,
        sequence: 1,
        raw_key: raw_prefix().join("lab").join(format!("{number}.hl7")),
        raw_offset: 0,
        raw_length: text.len() as u64,
        sha256: sha256(text.as_bytes()),
        origin: "test".into(),
        strict: false,
        charset: None,
        filtered_by: None,
        answer: None,
    };
    Receipted { settles: None, messages: vec![(receipt, Content::Message(text.into()))] }
}

async fn stage_of(lake: &Lake) -> Stage {
    Stage::open(lake, &Rules::default(), Arc::default()).await.unwrap()
}

#[tokio::test]
async fn what_another_stages_while_batches_are_under_way_is_staged_once() {
    let lake = crate::init(Location::memory().unwrap()).await.unwrap();
    let (mut one, mut other) = (stage_of(&lake).await, stage_of(&lake).await);
    let first = one.convert(batch(1)).await.unwrap().await.unwrap();
    let second = one.convert(batch(2)).await.unwrap().await.unwrap();
    let theirs = other.convert(batch(2)).await.unwrap().await.unwrap();
    assert_eq!(other.commit(theirs).await.unwrap().accounting.staged, 1);
    // Learns what the other has added; the second was claimed before.
    assert_eq!(one.commit(first).await.unwrap().accounting.staged, 1);
    let outcome = one.commit(second).await.unwrap();
    assert_eq!((outcome.accounting.staged, outcome.accounting.duplicate), (0, 1));
    assert_eq!(staged_ids(&lake).await.unwrap().len(), 2);
}

#[tokio::test]
async fn bytes_that_fail_under_way_are_in_error_by_whichever_batch_they_come() {
    let lake = crate::init(Location::memory().unwrap()).await.unwrap();
    let mut stage = stage_of(&lake).await;
    let broken = || {
        let Receipted { settles, mut messages } = batch(1);
        messages[0].1 = Content::Message("MSH|".into());
        Receipted { settles, messages }
    };
    let id = broken().messages[0].0.message_id;
    let first = stage.convert(broken()).await.unwrap().await.unwrap();
    let second = stage.convert(broken()).await.unwrap().await.unwrap();
    let first = stage.commit(first).await.unwrap();
    assert!(first.errors.contains_key(&id) && first.shared.is_empty());
    let second = stage.commit(second).await.unwrap();
    assert_eq!((second.accounting.error, second.accounting.duplicate), (1, 0));
    assert!(second.errors.is_empty() && second.shared.contains(&id));
}
