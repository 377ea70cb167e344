//! Every step of every job fails in turn, or the power does, and the same job again completes it: nothing is lost,
//! nothing doubled, and the ledger closes.

use std::path::Path;
use std::sync::Arc;

use object_store::memory::InMemory;
use pipeline::{Input, Rules, Scope, Settings, ingest, replay, verify};
use storage::{Lake, Location};

use crate::faulty::{self, Faulty};
use crate::power::{self, Failing};
use crate::{Files, message, staged_ids, take};

/// How many messages [`feed`] has; one input beside them is an error.
const MESSAGES: usize = 5;

/// A small file, one without a message, one that is written in parts and whose documents are compressed.
fn feed() -> Files {
    let files = Files::new();
    files.add("a.hl7", format!("{}{}junk in front\r", message(0), message(1)));
    files.add("b.hl7", "nothing to see");
    files.add("c.hl7", format!("{}{}", message(2), message(3)));
    files.add("d.hl7", format!("{}OBX|1|TX|||{}\r", message(4), "long ".repeat(1 << 18)));
    files
}

/// On a disk that forgets what was not synced.
#[tokio::test(flavor = "multi_thread")]
async fn power_that_fails_at_any_step_of_the_disk_loses_and_doubles_nothing() {
    on_a_disk(power::Fault::Power).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_at_any_step_of_the_disk_loses_and_doubles_nothing() {
    on_a_disk(power::Fault::Error).await;
}

async fn on_a_disk(fault: power::Fault) {
    let files = feed();
    let mut at = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let failing = Arc::new(Failing::at(fault, at));
        let ended = first_ingest(folder.path(), failing.clone(), files.path()).await;
        if fault == power::Fault::Power {
            assert_ne!(failing.has_failed(), ended.is_ok(), "step {at}: a dead disk is told");
            failing.lose();
        }
        let whole = Arc::new(Failing::at(power::Fault::Error, usize::MAX));
        let location = Location::on_disk(folder.path(), whole).unwrap();
        let lake = match Lake::open(location.clone()).await {
            Ok(lake) => lake,
            // The power failed before there was one.
            Err(_) => pipeline::init(location).await.unwrap(),
        };
        completes(&lake, &files, &format!("step {at}, {ended:?}")).await;
        if !failing.has_failed() {
            break;
        }
        at += 1;
    }
    assert!(at > 80, "a lake is made and filled in many steps, not {at}");
}

async fn first_ingest(folder: &Path, disk: Arc<Failing>, inputs: &Path) -> pipeline::Result<()> {
    let lake = pipeline::init(Location::on_disk(folder, disk)?).await?;
    ingest(&lake, Input::expand(&[inputs.into()]), &Settings::default(), |_| {}).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_once_or_for_good_loses_and_doubles_nothing() {
    use faulty::Fault::{Cut, ListingBreaks, ReadFails, ReplyLost, WriteRefused};
    for fault in [WriteRefused, ReplyLost, ReadFails, ListingBreaks, Cut] {
        let files = feed();
        let mut at = 0;
        loop {
            let memory = Arc::new(InMemory::new());
            pipeline::init(Location::on_store(memory.clone()).unwrap()).await.unwrap();
            let store = Arc::new(Faulty::at(memory.clone(), fault, at));
            let lake = Lake::at(Location::on_store(store.clone()).unwrap());
            let inputs = Input::expand(&[files.path().into()]);
            let ended = ingest(&lake, inputs, &Settings::default(), |_| {}).await;
            let lake = Lake::open(Location::on_store(memory).unwrap()).await.unwrap();
            completes(&lake, &files, &format!("{fault:?} at {at}, {ended:?}")).await;
            if !store.has_failed() {
                break;
            }
            at += 1;
        }
        assert!(at > 0, "{fault:?} never came");
    }
}

/// The same ingest again: every message has one row, every error one entry, and all that is there is proved.
async fn completes(lake: &Lake, files: &Files, when: &str) {
    let before = staged_ids(lake).await.len();
    let accounting = take(lake, files.path()).await;
    assert_eq!(accounting.staged as usize + before, MESSAGES, "{when}: {accounting}");
    holds(lake, when).await;
}

async fn holds(lake: &Lake, when: &str) {
    assert_eq!(staged_ids(lake).await.len(), MESSAGES, "{when}");
    assert_eq!(pipeline::errors(lake).await.unwrap().len(), 1, "{when}");
    let verified = verify(lake).await.unwrap();
    assert!(verified.problems.is_empty(), "{when}: {:?}", verified.problems);
    assert_eq!(verified.summary.pending, 0, "{when}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_fails_at_any_operation_leaves_the_old_rows_or_the_new_ones() {
    use faulty::Fault::{Cut, ReadFails, ReplyLost, WriteRefused};
    for fault in [WriteRefused, ReplyLost, ReadFails, Cut] {
        let files = feed();
        let mut at = 0;
        loop {
            let memory = Arc::new(InMemory::new());
            let whole = pipeline::init(Location::on_store(memory.clone()).unwrap()).await.unwrap();
            take(&whole, files.path()).await;
            let store = Arc::new(Faulty::at(memory.clone(), fault, at));
            let lake = Lake::at(Location::on_store(store.clone()).unwrap());
            let ended = replay(&lake, &Scope::default(), &Rules::default(), &Arc::default()).await;
            let when = format!("{fault:?} at {at}, {ended:?}");
            holds(&whole, &when).await;
            replay(&whole, &Scope::default(), &Rules::default(), &Arc::default()).await.unwrap();
            holds(&whole, &when).await;
            if !store.has_failed() {
                break;
            }
            at += 1;
        }
        assert!(at > 0, "{fault:?} never came");
    }
}
