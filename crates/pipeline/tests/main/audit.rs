//! The audit zone: what is recorded is there, in a chain, and what was tampered with is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use pipeline::audit::{self, Access, Action, Audit, Entity, Outcome, Who, WhoKind};
use pipeline::{Kind, verify};
use serde_json::Value;
use storage::{Lake, Location, audit_chain, audit_prefix, audited_key};

use crate::faulty::{Fault, Faulty};
use crate::lake_in_memory;

fn access(number: usize) -> Access {
    let who = Who { id: "17".into(), name: "Ann".into(), kind: WhoKind::Token };
    Access::new(Action::Query, who, "10.0.0.7").about(Entity::Query(format!("SELECT {number}")))
}

/// Records so many events, one after the other: an object for each.
async fn record(lake: &Lake, events: usize) {
    // Chains are named by their millisecond: this one comes behind those before it.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let audit = Audit::open(lake, "test");
    for number in 0..events {
        audit.record(access(number)).await.unwrap();
    }
}

/// The objects of the audit zone, by chain and number.
async fn objects(lake: &Lake) -> Vec<Path> {
    let objects = lake.list(&audit_prefix()).await.unwrap();
    objects
        .into_iter()
        .map(|object| object.key)
        .inspect(|key| assert!(audit_chain(key).is_some(), "{key}"))
        .collect()
}

async fn events(lake: &Lake) -> Vec<Value> {
    let mut events = Vec::new();
    for key in objects(lake).await {
        let bytes = lake.read(&key).await.unwrap();
        let text = std::str::from_utf8(&bytes).unwrap().to_owned();
        events.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    events
}

/// Asserts how many events there are, and which kinds of problems, how often.
async fn expect(lake: &Lake, events: u64, kinds: &[(Kind, u64)]) {
    let verified = verify(lake).await.unwrap();
    let found: Vec<(Kind, u64)> = verified.problems.counts.into_iter().collect();
    assert_eq!((verified.summary.audit_events, &found[..]), (events, kinds), "{:#?}", verified.problems.kept);
}

async fn change(lake: &Lake, key: &Path, change: impl FnOnce(String) -> String) {
    let text = String::from_utf8(lake.read(key).await.unwrap().to_vec()).unwrap();
    let changed = change(text.clone());
    assert_ne!(changed, text);
    lake.store().put(key, changed.into()).await.unwrap();
}

fn chain_of(key: &Path) -> String {
    audit_chain(key).unwrap().0.to_owned()
}

/// One process records six events in two objects of three, another three in one object of its own.
async fn lake_with_two_chains() -> (Lake, Vec<Path>) {
    let lake = lake_in_memory().await;
    let audit = Audit::open(&lake, "first");
    for _ in 0..2 {
        // On one thread all of them wait before the first is written.
        let group = (0..3).map(|number| audit.record(access(number)));
        for recorded in futures::future::join_all(group).await {
            recorded.unwrap();
        }
    }
    record(&lake, 1).await;
    let objects = objects(&lake).await;
    assert_eq!(objects.len(), 3);
    expect(&lake, 7, &[]).await;
    (lake, objects)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_record_at_once_and_each_event_is_there_once_in_order() {
    const RECORDERS: usize = 40;
    const EACH: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse(folder.path().join("lake").to_str().unwrap()).unwrap();
    let lake = pipeline::init(location).await.unwrap();
    let audit = Audit::open(&lake, "test");
    let recorders = (0..RECORDERS).map(|recorder| {
        let audit = audit.clone();
        tokio::spawn(async move {
            for number in 0..EACH {
                audit.record(access(recorder * EACH + number)).await.unwrap();
            }
        })
    });
    for recorder in recorders.collect::<Vec<_>>() {
        recorder.await.unwrap();
    }
    expect(&lake, (RECORDERS * EACH) as u64, &[]).await;
    let written = objects(&lake).await;
    assert!(written.len() < RECORDERS * EACH / 2, "{} objects", written.len());
    let told = events(&lake).await;
    let queries: BTreeSet<&str> =
        told.iter().map(|event| event["entity"][0]["query"].as_str().unwrap()).collect();
    assert_eq!((told.len(), queries.len()), (RECORDERS * EACH, RECORDERS * EACH));

    // Opened again, it is another chain, which names the end of the one before.
    drop(audit);
    record(&lake, 2).await;
    expect(&lake, (RECORDERS * EACH) as u64 + 2, &[]).await;
    let chains: BTreeSet<String> = objects(&lake).await.iter().map(chain_of).collect();
    assert_eq!(chains.len(), 2);
}

#[tokio::test]
async fn an_event_has_the_shape_of_fhir() {
    let lake = lake_in_memory().await;
    let audit = Audit::open(&lake, "carelake test");
    let mut failed = access(1).about(Entity::Feed("lab".into())).with_outcome(Outcome::Failed);
    failed.at = 1_769_860_800_123_456;
    audit.record(failed).await.unwrap();
    let event = events(&lake).await.remove(0);
    assert_eq!(event["resourceType"], "AuditEvent");
    let id = event["id"].as_str().unwrap();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    assert!(id.len() <= 64 && id.bytes().all(is_plain), "{id}");
    assert_eq!(event["type"]["code"], "110112");
    assert_eq!(event["subtype"][0]["code"], "query");
    assert_eq!(event["recorded"], "2026-01-31T12:00:00.123Z");
    assert_eq!((&event["action"], &event["outcome"]), (&"E".into(), &"4".into()));
    let agent = &event["agent"][0];
    assert_eq!(agent["who"]["identifier"]["value"], "17");
    assert_eq!(agent["who"]["display"], "Ann");
    assert_eq!(agent["requestor"], true);
    assert_eq!((&agent["network"]["address"], &agent["network"]["type"]), (&"10.0.0.7".into(), &"2".into()));
    assert_eq!(event["source"]["observer"]["display"], "carelake test");
    assert_eq!(event["entity"][0]["query"], "U0VMRUNUIDE=");
    assert_eq!(event["entity"][1]["what"]["identifier"]["value"], "lab");
}

#[tokio::test]
async fn a_changed_line_is_found() {
    let (lake, objects) = lake_with_two_chains().await;
    change(&lake, &objects[0], |text| text.replacen("Ann", "Bob", 1)).await;
    expect(&lake, 7, &[(Kind::AuditChanged, 1)]).await;
    let told = verify(&lake).await.unwrap().problems.kept;
    assert!(told[0].text.contains("line 1") && !told[0].text.contains("Bob"), "{told:?}");
}

#[tokio::test]
async fn a_line_that_is_sealed_again_does_not_fit_into_the_chain() {
    let (lake, objects) = lake_with_two_chains().await;
    // As who knows the format would do it: the line changed, and its own hash made anew.
    change(&lake, &objects[0], |text| {
        let lines: Vec<&str> = text.lines().collect();
        let changed = lines[1].replacen("Ann", "Bob", 1);
        let hash_at = changed.len() - "\"}]}]}".len() - 64;
        let unsealed = format!("{}{}", &changed[..hash_at], &changed[hash_at + 64..]);
        let hash = pipeline::sha256(unsealed.as_bytes());
        let sealed = format!("{}{hash}{}", &changed[..hash_at], &changed[hash_at + 64..]);
        format!("{}\n{sealed}\n{}\n", lines[0], lines[2])
    })
    .await;
    expect(&lake, 7, &[(Kind::AuditChanged, 1)]).await;
    // The same with a chain's last line: only the later chain knows.
    let (lake, objects) = lake_with_two_chains().await;
    let forged = {
        let other = lake_in_memory().await;
        record(&other, 1).await;
        let key = self::objects(&other).await.remove(0);
        String::from_utf8(other.read(&key).await.unwrap().to_vec()).unwrap()
    };
    change(&lake, &objects[1], |text| {
        let kept: Vec<&str> = text.lines().take(2).collect();
        format!("{}\n{forged}", kept.join("\n"))
    })
    .await;
    expect(&lake, 7, &[(Kind::AuditChanged, 1)]).await;
}

#[tokio::test]
async fn removed_lines_are_missed_wherever_they_were() {
    for (object, line, kinds) in [(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 0, 1), (1, 2, 1)] {
        let (lake, objects) = lake_with_two_chains().await;
        change(&lake, &objects[object], |text| {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            lines.remove(line);
            lines.concat()
        })
        .await;
        expect(&lake, 6, &[(Kind::AuditMissing, kinds)]).await;
    }
}

#[tokio::test]
async fn lines_that_change_places_or_come_twice_are_found() {
    let (lake, objects) = lake_with_two_chains().await;
    change(&lake, &objects[0], |text| {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        [lines[0], lines[1], lines[1], lines[2]].concat()
    })
    .await;
    expect(&lake, 8, &[(Kind::AuditChanged, 1)]).await;
    let (lake, objects) = lake_with_two_chains().await;
    change(&lake, &objects[0], |text| text.trim_end().to_owned()).await;
    expect(&lake, 7, &[(Kind::AuditChanged, 1)]).await;
    let (lake, objects) = lake_with_two_chains().await;
    change(&lake, &objects[0], |text| format!("{text}{{}}\n")).await;
    expect(&lake, 8, &[(Kind::AuditChanged, 1)]).await;
}

#[tokio::test]
async fn removed_objects_are_missed() {
    let lake = lake_in_memory().await;
    record(&lake, 9).await;
    record(&lake, 1).await;
    let objects = objects(&lake).await;
    for position in [3, 4, 5, 0] {
        lake.store().delete(&objects[position]).await.unwrap();
    }
    expect(&lake, 6, &[(Kind::AuditMissing, 2)]).await;
}

#[tokio::test]
async fn a_removed_tail_is_missed_once_a_later_chain_began() {
    let lake = lake_in_memory().await;
    record(&lake, 5).await;
    let first = objects(&lake).await;
    record(&lake, 1).await;
    lake.store().delete(&first[4]).await.unwrap();
    expect(&lake, 5, &[(Kind::AuditMissing, 1)]).await;
    for key in &first[..4] {
        lake.store().delete(key).await.unwrap();
    }
    expect(&lake, 1, &[(Kind::AuditMissing, 1)]).await;
}

#[tokio::test]
async fn a_zone_that_is_gone_is_missed_where_the_lake_was_declared_an_audited_one() {
    let lake = lake_in_memory().await;
    assert!(!audit::is_audited(&lake).await.unwrap());
    for _ in 0..2 {
        audit::declare(&lake, &Audit::open(&lake, "test"), access(0)).await.unwrap();
        assert!(audit::is_audited(&lake).await.unwrap());
    }
    expect(&lake, 2, &[]).await;
    for key in objects(&lake).await {
        lake.store().delete(&key).await.unwrap();
    }
    expect(&lake, 0, &[(Kind::AuditMissing, 1)]).await;
    lake.store().put(&audited_key(), "{}".into()).await.unwrap();
    expect(&lake, 0, &[(Kind::AuditChanged, 1)]).await;
}

#[tokio::test]
async fn an_event_that_may_not_be_durable_is_told_and_the_next_begins_another_chain() {
    for fault in [Fault::WriteRefused, Fault::ReplyLost] {
        let store = Arc::new(InMemory::new());
        let good = pipeline::init(Location::on_store(store.clone()).unwrap()).await.unwrap();
        let faulty = Faulty::at(store, fault, 2);
        let lake = Lake::open(Location::on_store(Arc::new(faulty.clone())).unwrap()).await.unwrap();
        let audit = Audit::open(&lake, "test");
        let mut refused = Vec::new();
        for number in 0..5 {
            if let Err(error) = audit.record(access(number)).await {
                assert!(matches!(error, pipeline::Error::Audit(_)), "{error}");
                assert!(!error.to_string().contains("SELECT"), "{error}");
                refused.push(number);
            }
        }
        assert!(faulty.has_failed());
        assert_eq!(refused, [2], "{fault:?}");
        let chains: BTreeSet<String> = objects(&good).await.iter().map(chain_of).collect();
        assert_eq!(chains.len(), 2);
        expect(&good, if fault == Fault::ReplyLost { 5 } else { 4 }, &[]).await;
    }
}
