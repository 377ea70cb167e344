//! Take: the files of one feed into the lake, then out of the way.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use pipeline::{Accounting, Error, Event, Settings, TakenFile, ingest};

use super::Surroundings;
use super::door::Door;
use super::folder::After;
use super::ready::Entry;
use super::report::{FileTag, What};
use super::withdraw::Withdrawn;

/// What the pipeline told of the files of a batch, by their whole paths.
#[derive(Debug, Default)]
struct Told {
    /// Durable in the raw zone, with the hash of the bytes.
    landed: HashMap<PathBuf, String>,
    changed: HashSet<PathBuf>,
    empty: HashSet<PathBuf>,
    unreadable: HashMap<PathBuf, io::ErrorKind>,
    batches: Vec<(PathBuf, u64, String)>,
    recovered: Accounting,
    reused_control_ids: u64,
}

impl Door {
    /// Takes up files of one feed. Gives whether the lake took them.
    pub(crate) async fn take(&mut self, feed: &str, batch: Vec<Entry>, now: Duration) -> bool {
        let batch = self.still_ready(batch).await;
        if batch.is_empty() {
            return true;
        }
        let inputs = batch.iter().map(|entry| Ok(self.place.input(entry))).collect();
        let Surroundings { feeds, limits, .. } = &self.surroundings;
        let (feeds, limits) = (feeds.clone(), *limits);
        let settings = Settings { feed: feeds.of(feed), feeds, limits, ..Settings::default() };
        let mut told = Told::default();
        let ingested = {
            // It is never closed.
            let _turn = self.surroundings.turns.clone().acquire_owned().await;
            ingest(&self.surroundings.lake, inputs, &settings, |event| told.take(event)).boxed().await
        };
        let accounting = match ingested {
            Ok(accounting) => accounting,
            Err(error) => {
                self.refused(&batch, &error, now);
                return false;
            }
        };
        if self.pause.end() {
            self.tell(What::Resumed);
        }
        self.taken_up(feed, batch, told, accounting, now).await;
        true
    }

    /// Leaves out what has changed since it was listed: it is no longer known to be complete.
    async fn still_ready(&mut self, batch: Vec<Entry>) -> Vec<Entry> {
        let mut ready = Vec::with_capacity(batch.len());
        for (entry, state) in self.place.states(batch).await {
            match state {
                Some(state) if state == entry.state => ready.push(entry),
                Some(_) => self.waiting.forget(&entry.path),
                None => {
                    self.waiting.forget(&entry.path);
                    self.tell(What::Vanished(FileTag::of(&entry.path)));
                }
            }
        }
        ready
    }

    /// The lake took nothing for certain: everything is tried again, after a while.
    fn refused(&mut self, batch: &[Entry], error: &Error, now: Duration) {
        let is_full = is_full(error);
        if let ([entry], false) = (batch, is_full) {
            self.waiting.failed(&entry.path, now);
        }
        let again_in = self.pause.begin(batch.len(), is_full, now);
        self.tell(What::Paused { reason: cause(error), is_full, again_in });
    }

    /// Remembers and withdraws the files that are in the lake, and sees to those that are not.
    async fn taken_up(
        &mut self,
        feed: &str,
        batch: Vec<Entry>,
        told: Told,
        accounting: Accounting,
        now: Duration,
    ) {
        for (path, offset, code) in &told.batches {
            let below = path.strip_prefix(self.folder.root()).unwrap_or(path);
            self.tell(What::Batch { file: FileTag::of(below), offset: *offset, code: code.clone() });
        }
        let (mut taken, mut files, mut bytes) = (Vec::new(), 0, 0);
        for (entry, state) in self.place.states(batch).await {
            let path = self.folder.root().join(&entry.path);
            let file = FileTag::of(&entry.path);
            if let Some(sha256) = told.landed.get(&path) {
                files += 1;
                bytes += entry.state.size;
                match state {
                    Some(state) if state == entry.state && !told.changed.contains(&path) => {
                        taken.push((entry, sha256.as_str()));
                        continue;
                    }
                    Some(_) => self.tell(What::Changed(file)),
                    // It went away when all of it was read.
                    None => {}
                }
                self.waiting.forget(&entry.path);
            } else if told.empty.contains(&path) && state == Some(entry.state) {
                self.tell(What::Empty(file));
                taken.push((entry, ""));
            } else if told.changed.contains(&path) {
                self.tell(What::Changed(file));
                self.waiting.forget(&entry.path);
            } else if state.is_none() || told.unreadable.get(&path) == Some(&io::ErrorKind::NotFound) {
                self.tell(What::Vanished(file));
                self.waiting.forget(&entry.path);
            } else {
                let (again_in, _) = self.waiting.failed(&entry.path, now);
                let kind = told.unreadable.get(&path).copied().unwrap_or(io::ErrorKind::Other);
                self.tell(What::Unreadable { file, reason: kind.to_string(), again_in });
            }
        }
        let facts: Vec<TakenFile<'_>> = taken
            .iter()
            .map(|(entry, sha256)| TakenFile { path: &entry.path, state: entry.state, sha256 })
            .collect();
        self.remember(&facts).await;
        let leaving: Vec<Entry> = taken.into_iter().map(|(entry, _)| entry).collect();
        self.withdraw(leaving, now).await;
        if files > 0 || told.recovered.received > 0 {
            let Told { recovered, reused_control_ids, .. } = told;
            let feed = feed.to_owned();
            self.tell(What::Taken { feed, files, bytes, accounting, recovered, reused_control_ids });
        }
    }

    /// Takes files out of the way whose bytes are in the lake, if that is wanted.
    pub(crate) async fn withdraw(&mut self, files: Vec<Entry>, now: Duration) {
        let (stay_there, files): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|entry| self.folder.after == After::Keep || entry.state.size == 0);
        stay_there.iter().for_each(|entry| self.waiting.forget(&entry.path));
        let mut stay = Vec::new();
        for (entry, withdrawn) in self.place.withdraw(files).await {
            let path = &entry.path;
            let reason = match withdrawn {
                Ok(Withdrawn::Stays(reason, state)) => {
                    self.waiting.is_now(path, state);
                    stay.push((path.clone(), state));
                    reason
                }
                Err(error) => error.kind(),
                Ok(withdrawn) => {
                    self.waiting.forget(path);
                    self.taken.forget(path);
                    if withdrawn == Withdrawn::Changed {
                        self.tell(What::Changed(FileTag::of(path)));
                    }
                    continue;
                }
            };
            let (again_in, failures) = self.waiting.failed(path, now);
            if failures == 1 {
                self.tell(What::NotWithdrawn {
                    file: FileTag::of(path),
                    reason: reason.to_string(),
                    again_in,
                });
            }
        }
        // They must not be read again for having had another name.
        let facts: Vec<TakenFile<'_>> =
            stay.iter().map(|(path, state)| TakenFile { path, state: *state, sha256: "" }).collect();
        self.remember(&facts).await;
    }

    async fn remember(&mut self, facts: &[TakenFile<'_>]) {
        if let Err(error) = self.taken.add(facts).await {
            self.tell(What::NotRemembered { reason: cause(&error) });
        }
    }
}

impl Told {
    fn take(&mut self, event: Event) {
        match event {
            Event::Landed { input, sha256, .. } => {
                self.landed.insert(input.path().into(), sha256);
            }
            Event::Changed(input) => {
                self.changed.insert(input.path().into());
            }
            Event::Empty(input) => {
                self.empty.insert(input.path().into());
            }
            Event::Unreadable(Error::Replaced { path }) => {
                self.changed.insert(path);
            }
            Event::Unreadable(Error::Input { path, source }) => {
                self.unreadable.insert(path, source.kind());
            }
            Event::Batch(input, warning) => {
                self.batches.push((input.path().into(), warning.offset, warning.code.to_string()));
            }
            Event::Recovered(accounting) => self.recovered += accounting,
            Event::ReusedControlIds(messages) => self.reused_control_ids += messages,
            // What was not told to have landed is tried again; a checkpoint is written with the next commit.
            Event::Unreadable(_) | Event::Checkpoint(_) => {}
        }
    }
}

/// Whether the lake's disk is full.
pub(crate) fn is_full(error: &Error) -> bool {
    matches!(error.io_kind(), Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

/// Why the lake refused, without a key: there are names of files in keys.
pub(crate) fn cause(error: &Error) -> String {
    if let Some(kind) = error.io_kind() {
        return format!("the lake's disk or store says: {kind}");
    }
    let words = match error {
        Error::Storage(_) => "the lake's storage refused",
        Error::Delta(_) | Error::DamagedLog { .. } | Error::ForeignFeature { .. } => {
            "a table's log cannot be read or written; carelake verify tells more"
        }
        Error::Interrupted => "the run was interrupted",
        _ => "a step of the pipeline failed; carelake ingest of the same file tells more",
    };
    words.into()
}
