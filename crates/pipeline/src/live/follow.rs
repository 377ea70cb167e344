//! Follows the log: what is durable is converted and committed, in the order of the log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::wal::{Durable, Place};
use storage::{Lake, raw};
use tokio::sync::mpsc;

use super::backlog::Backlog;
use super::delivery::{Carried, Fate};
use super::seal::seal;
use super::{LiveCommit, LiveEvent, LiveSettings, Sealing};
use crate::run::{self, Run};
use crate::split::Content;
use crate::stage::{Outcome, Receipted, Stage};
use crate::{Accounting, Receipt, Result, recover};

/// Bytes of one commit, at most, save those of one delivery.
const BATCH_BYTES: u64 = 12 << 20;
/// How often it is looked whether another process has died.
const ROUND: Duration = Duration::from_secs(60);
/// The longest wait before something that failed is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(super) struct Follower {
    lake: Lake,
    settings: LiveSettings,
    backlog: Arc<Backlog>,
    run: Run,
    /// Gone after a failure, until it can be opened again.
    stage: Option<Stage>,
    last_round: Instant,
}

/// What is committed together.
#[derive(Default)]
struct Group {
    deliveries: Vec<(Place, Carried)>,
    messages: usize,
    bytes: u64,
    /// Segments of which nothing comes after these.
    closed: Vec<Arc<str>>,
}

impl Follower {
    pub(super) fn new(
        lake: &Lake,
        settings: LiveSettings,
        backlog: Arc<Backlog>,
        run: Run,
        stage: Stage,
    ) -> Self {
        backlog.staged_in(stage.staged_ids());
        Self { lake: lake.clone(), settings, backlog, run, stage: Some(stage), last_round: Instant::now() }
    }

    /// Follows until the log is closed and all of it is in the tables and sealed.
    pub(super) async fn run(mut self, mut told: mpsc::UnboundedReceiver<Durable<Carried>>) {
        let (sealing, segments) = mpsc::unbounded_channel();
        let sealer = tokio::spawn(seal_all(self.lake.clone(), self.settings.clone(), segments));
        let mut is_open = true;
        while is_open {
            let mut group = Group::default();
            is_open = self.gather(&mut told, &mut group).await;
            self.commit(group, &sealing).await;
            if is_open && self.last_round.elapsed() >= ROUND {
                self.look_after_others().await;
            }
        }
        drop(sealing);
        let _ = sealer.await;
        if let Some(stage) = &mut self.stage {
            stage.keep_seen().await;
        }
        self.run.end();
    }

    /// Takes what is to be committed together; gives whether more can come.
    async fn gather(&self, told: &mut mpsc::UnboundedReceiver<Durable<Carried>>, group: &mut Group) -> bool {
        let mut until = tokio::time::Instant::now() + ROUND;
        while group.messages < self.settings.commit_messages && group.bytes < BATCH_BYTES {
            let was_empty = group.deliveries.is_empty();
            match tokio::time::timeout_at(until, told.recv()).await {
                Err(_) => break,
                Ok(None) => return false,
                Ok(Some(Durable::Closed(segment))) => group.closed.push(segment),
                Ok(Some(Durable::Group { deliveries, bytes, took })) => {
                    self.tell(LiveEvent::Synced { deliveries, bytes, took });
                }
                Ok(Some(Durable::Delivery(place, carried))) => {
                    group.messages += carried.len();
                    group.bytes += carried.bytes();
                    group.deliveries.push((place, carried));
                }
            }
            if was_empty && (!group.deliveries.is_empty() || !group.closed.is_empty()) {
                until = tokio::time::Instant::now() + self.settings.gather;
            }
        }
        true
    }

    /// Commits a group, however often that has to be tried.
    async fn commit(&mut self, group: Group, sealing: &Sealing) {
        let began = Instant::now();
        let mut wait = Duration::from_millis(200);
        if !group.deliveries.is_empty() {
            let outcome = loop {
                match self.try_commit(&group).await {
                    Ok(outcome) => break outcome,
                    Err(error) => {
                        // What it knew of the tables may be wrong now.
                        self.stage = None;
                        self.tell(LiveEvent::Stalled { error, again_in: wait });
                        tokio::time::sleep(wait).await;
                        wait = (wait * 2).min(LONGEST_WAIT);
                    }
                }
            };
            self.tell_of(group.deliveries, outcome, began.elapsed());
        }
        for segment in group.closed {
            while let Err(error) = run::settle(&self.lake, &segment).await {
                self.tell(LiveEvent::Stalled { error, again_in: wait });
                tokio::time::sleep(wait).await;
            }
            let _ = sealing.send(segment);
        }
    }

    async fn try_commit(&mut self, group: &Group) -> Result<Outcome> {
        let mut messages = Vec::with_capacity(group.messages);
        for (place, carried) in &group.deliveries {
            for (receipt, content) in carried.receipts(place) {
                let content = match content {
                    Some(content) => content,
                    None => self.read_again(&receipt).await?,
                };
                messages.push((receipt, content));
            }
        }
        let stage = self.open_stage().await?;
        let outcome = stage.stage_one(Receipted { settles: None, messages }).await?;
        if let Some(error) = stage.take_checkpoint_failure() {
            self.tell(LiveEvent::Checkpoint(error));
        }
        Ok(outcome)
    }

    /// The parser tells what is no message: it finds no header in it.
    async fn read_again(&self, receipt: &Receipt) -> Result<Content> {
        let range = receipt.raw_offset..receipt.raw_offset + receipt.raw_length;
        Ok(Content::Message(raw::read_range(&self.lake, &receipt.raw_key, range).await?))
    }

    async fn open_stage(&mut self) -> Result<&mut Stage> {
        let stage = match self.stage.take() {
            Some(stage) => stage,
            None => {
                let stage = Stage::open(&self.lake, &self.settings.rules, Arc::default()).await?;
                self.backlog.staged_in(stage.staged_ids());
                stage
            }
        };
        Ok(self.stage.insert(stage))
    }

    /// Finishes what processes that died have begun.
    async fn look_after_others(&mut self) {
        self.last_round = Instant::now();
        let Some(stage) = self.stage.take() else { return };
        match recover::finish_abandoned(&self.lake, stage, &self.run, &self.settings.rules).await {
            Ok((mut stage, recovered)) => {
                stage.keep_seen().await;
                self.stage = Some(stage);
                if recovered.received > 0 {
                    self.tell(LiveEvent::Recovered(recovered));
                }
            }
            // Its claims are given up with the stage; the next commit opens another.
            Err(error) => self.tell(LiveEvent::Stalled { error, again_in: ROUND }),
        }
    }

    /// Tells what became of each message.
    fn tell_of(&mut self, deliveries: Vec<(Place, Carried)>, mut outcome: Outcome, took: Duration) {
        let mut feeds: BTreeMap<String, Accounting> = BTreeMap::new();
        let mut ages = Vec::new();
        for (_, mut carried) in deliveries {
            let age = carried.began.elapsed();
            let tell = carried.tell.take();
            let mut fates = Vec::new();
            {
                let accounting = feeds.entry(carried.feed().to_owned()).or_default();
                for (id, is_filtered) in carried.messages() {
                    let fate = match outcome.errors.get(id) {
                        _ if is_filtered => Fate::Filtered,
                        Some(reason) => Fate::Error(reason.clone()),
                        // The second of two is its duplicate.
                        None if outcome.staged.remove(id) => Fate::Staged,
                        None => Fate::Duplicate,
                    };
                    accounting.count(&fate);
                    ages.push(age);
                    fates.push(fate);
                }
            }
            drop(carried);
            if let Some(tell) = tell {
                // Who wished to know may have gone.
                let _ = tell.send(fates);
            }
        }
        let feeds = feeds.into_iter().collect();
        let reused_control_ids = self.stage.as_mut().map_or(0, Stage::take_reused_control_ids);
        self.tell(LiveEvent::Committed(LiveCommit { feeds, ages, took, reused_control_ids }));
    }

    fn tell(&self, event: LiveEvent) {
        (self.settings.tell)(event);
    }
}

impl Accounting {
    fn count(&mut self, fate: &Fate) {
        self.received += 1;
        match fate {
            Fate::Staged => self.staged += 1,
            Fate::Duplicate => self.duplicate += 1,
            Fate::Filtered => self.filtered += 1,
            Fate::Error(_) => self.error += 1,
        }
    }
}

/// Seals segments one after the other, however often that has to be tried.
async fn seal_all(lake: Lake, settings: LiveSettings, mut segments: mpsc::UnboundedReceiver<Arc<str>>) {
    while let Some(segment) = segments.recv().await {
        let mut again_in = Duration::from_millis(200);
        loop {
            match seal(&lake, &segment).await {
                Ok(_) => break (settings.tell)(LiveEvent::Sealed),
                Err(error) => (settings.tell)(LiveEvent::NotSealed { error, again_in }),
            }
            tokio::time::sleep(again_in).await;
            again_in = (again_in * 2).min(LONGEST_WAIT);
        }
    }
}
