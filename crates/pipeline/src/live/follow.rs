//! Follows the log: what is durable is converted and committed, in the order of the log.
//!
//! Groups are converted on all cores while those before them are committed. If one fails, all that are under way begin again in
//! their order: what was known of the tables may be wrong.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use object_store::path::Path;
use storage::wal::{Durable, Place};
use storage::{Lake, raw};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::backlog::Backlog;
use super::delivery::{Carried, Fate};
use super::group::Group;
use super::seal::seal;
use super::{LiveCommit, LiveEvent, LiveSettings, Sealing};
use crate::failure::Reason;
use crate::run::{self, Run};
use crate::split::Content;
use crate::stage::{Converted, Outcome, Receipted, Stage};
use crate::{Accounting, Error, MessageId, Receipt, Result, recover, workers};

/// Groups under way at the same time, at most: each has its columns in memory.
const UNDERWAY: usize = 4;
/// How often it is looked whether another process has died.
const ROUND: Duration = Duration::from_secs(60);
/// The wait before something that failed is tried again, the first time and at most.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(super) struct Follower {
    lake: Lake,
    settings: LiveSettings,
    backlog: Arc<Backlog>,
    run: Run,
    /// Gone after a failure, until it can be opened again.
    stage: Option<Stage>,
    /// In the order of the log.
    underway: VecDeque<Underway>,
    /// What the last groups had in error: the same bytes in one that was under way with them share the reason.
    errors: VecDeque<HashMap<MessageId, Reason>>,
    wait: Duration,
    last_round: Instant,
}

/// A group that is being converted.
struct Underway {
    group: Group,
    began: Instant,
    /// Nothing until it could be begun.
    work: Option<JoinHandle<Result<Converted>>>,
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
        Self {
            lake: lake.clone(),
            settings,
            backlog,
            run,
            stage: Some(stage),
            underway: VecDeque::new(),
            errors: VecDeque::new(),
            wait: FIRST_WAIT,
            last_round: Instant::now(),
        }
    }

    /// Follows until the log is closed and all of it is in the tables and sealed.
    pub(super) async fn run(mut self, mut told: mpsc::UnboundedReceiver<Durable<Carried>>) {
        let (sealing, segments) = mpsc::unbounded_channel();
        let sealer = tokio::spawn(seal_all(self.lake.clone(), self.settings.clone(), segments));
        let most_underway = workers::count().min(UNDERWAY);
        let mut gathering = Group::default();
        let mut is_open = true;
        while is_open || !gathering.is_empty() || !self.underway.is_empty() {
            let is_round = is_open && self.last_round.elapsed() >= ROUND;
            if is_round && self.underway.is_empty() {
                self.look_after_others().await;
                continue;
            }
            let may_begin = !is_round && self.underway.len() < most_underway;
            let is_full = gathering.is_full(self.settings.commit_messages);
            let due = gathering.due(self.settings.gather);
            let is_due = is_full || !is_open || due.is_some_and(|due| due <= Instant::now());
            if may_begin && is_due && !gathering.is_empty() {
                self.begin(std::mem::take(&mut gathering)).await;
                continue;
            }
            let due = due.unwrap_or_else(|| self.last_round + ROUND);
            tokio::select! {
                biased;
                converted = first(&mut self.underway), if !self.underway.is_empty() => {
                    self.end(converted, &sealing).await;
                }
                event = told.recv(), if is_open && !is_full => match event {
                    None => is_open = false,
                    Some(Durable::Closed(segment)) => gathering.close(segment),
                    Some(Durable::Delivery(place, carried)) => gathering.add(place, carried),
                    Some(Durable::Group { deliveries, bytes, took }) => {
                        self.tell(LiveEvent::Synced { deliveries, bytes, took });
                    }
                },
                () = tokio::time::sleep_until(due.into()), if may_begin => {}
            }
        }
        drop(sealing);
        let _ = sealer.await;
        if let Some(stage) = &mut self.stage {
            stage.keep_seen().await;
        }
        self.run.end();
    }

    /// Begins to convert a group.
    async fn begin(&mut self, group: Group) {
        self.underway.push_back(Underway { group, began: Instant::now(), work: None });
        if let Err(error) = self.begin_all().await {
            self.begin_again(error).await;
        }
    }

    /// Begins all that could not be begun yet.
    async fn begin_all(&mut self) -> Result<()> {
        for position in 0..self.underway.len() {
            if self.underway[position].work.is_none() {
                let messages = self.messages(&self.underway[position].group).await?;
                let stage = self.open_stage().await?;
                let work = stage.convert(Receipted { settles: None, messages }).await?;
                self.underway[position].work = Some(tokio::spawn(work));
            }
        }
        Ok(())
    }

    /// After a failure, however often that has to be tried.
    async fn begin_again(&mut self, error: Error) {
        let mut failure = Some(error);
        while let Some(error) = failure {
            // What it knew of the tables may be wrong now.
            self.stage = None;
            for underway in &mut self.underway {
                underway.work.take().inspect(JoinHandle::abort);
            }
            self.tell(LiveEvent::Stalled { error, again_in: self.wait });
            tokio::time::sleep(self.wait).await;
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
            failure = self.begin_all().await.err();
        }
    }

    /// Commits the first group.
    async fn end(&mut self, converted: Result<Converted>, sealing: &Sealing) {
        let committed = match converted {
            Ok(converted) => self.commit(converted).await,
            Err(error) => Err(error),
        };
        let outcome = match committed {
            Ok(outcome) => outcome,
            Err(error) => return self.begin_again(error).await,
        };
        self.wait = FIRST_WAIT;
        let Some(Underway { group, began, .. }) = self.underway.pop_front() else { return };
        let (deliveries, closed) = group.into_parts();
        if !deliveries.is_empty() {
            self.tell_of(deliveries, outcome, began.elapsed());
        }
        for segment in closed {
            while let Err(error) = run::settle(&self.lake, &segment).await {
                self.tell(LiveEvent::Stalled { error, again_in: self.wait });
                tokio::time::sleep(self.wait).await;
            }
            let _ = sealing.send(segment);
        }
    }

    async fn commit(&mut self, converted: Converted) -> Result<Outcome> {
        let stage = self.open_stage().await?;
        let outcome = stage.commit(converted).await?;
        if let Some(error) = stage.take_checkpoint_failure() {
            self.tell(LiveEvent::Checkpoint(error));
        }
        Ok(outcome)
    }

    async fn messages(&self, group: &Group) -> Result<Vec<(Receipt, Content)>> {
        let read = self.read_back(group).await?;
        let mut messages = Vec::with_capacity(group.messages());
        for (place, carried) in group.deliveries() {
            let framed = match (carried.held(), read.get(&place.key)) {
                (Some(framed), _) => framed,
                (None, Some((from, bytes))) => {
                    let start = (place.offset - from) as usize;
                    bytes.slice(start..start + carried.bytes() as usize)
                }
                (None, None) => return Err(Error::Interrupted),
            };
            messages.extend(carried.receipts(place, &framed));
        }
        Ok(messages)
    }

    /// The bytes that there was no room for in memory: of each raw object those from the first of them to the last, and where they
    /// begin. A read for each delivery would take longer than converting it.
    async fn read_back(&self, group: &Group) -> Result<HashMap<Path, (u64, Bytes)>> {
        let mut ranges: HashMap<&Path, Range<u64>> = HashMap::new();
        for (place, carried) in group.deliveries().iter().filter(|(_, carried)| carried.held().is_none()) {
            let end = place.offset + carried.bytes();
            let range = ranges.entry(&place.key).or_insert(place.offset..end);
            range.end = range.end.max(end);
        }
        let mut read = HashMap::new();
        for (key, range) in ranges {
            let bytes = raw::read_range(&self.lake, key, range.clone()).await?;
            if bytes.len() as u64 != range.end - range.start {
                return Err(Error::ChangedRaw { key: key.to_string(), offset: range.start });
            }
            read.insert(key.clone(), (range.start, bytes));
        }
        Ok(read)
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
        let LiveSettings { rules, feeds, .. } = &self.settings;
        match recover::finish_abandoned(&self.lake, stage, &self.run, rules, feeds).await {
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
                    let fate = match self.reason(&outcome, id) {
                        _ if is_filtered => Fate::Filtered,
                        Some(reason) => Fate::Error(reason),
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
        self.errors.push_back(outcome.errors);
        if self.errors.len() > UNDERWAY {
            self.errors.pop_front();
        }
        let feeds = feeds.into_iter().collect();
        let reused_control_ids = self.stage.as_mut().map_or(0, Stage::take_reused_control_ids);
        let conflicts = self.stage.as_mut().map_or(0, Stage::take_conflicts);
        self.tell(LiveEvent::Committed(LiveCommit { feeds, ages, took, conflicts, reused_control_ids }));
    }

    /// Why a message of a group that was committed is in error, if it is.
    fn reason(&self, outcome: &Outcome, id: &MessageId) -> Option<Reason> {
        let shared = || self.errors.iter().find_map(|errors| errors.get(id));
        let reason = outcome.errors.get(id);
        reason.or_else(|| outcome.shared.contains(id).then(shared)?).cloned()
    }

    fn tell(&self, event: LiveEvent) {
        (self.settings.tell)(event);
    }
}

/// The first group, when it is converted.
async fn first(underway: &mut VecDeque<Underway>) -> Result<Converted> {
    match underway.front_mut().and_then(|first| first.work.as_mut()) {
        Some(work) => work.await?,
        None => std::future::pending().await,
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
