//! Appending: many deliveries with one sync.
//!
//! While one group is written and synced the next gathers, so that the slower the disk is, the larger the groups are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use object_store::path::Path;
use tokio::sync::{mpsc, oneshot};

use super::record::{Record, body_crc, write_head};
use super::sink::Sink;
use crate::keys::{live_key, log_segment_key};
use crate::{Error, Lake, Result};

/// Deliveries written with one sync, at most.
const GROUP: usize = 4_096;
/// Bytes written with one sync, save that a group has one delivery at least.
const GROUP_BYTES: usize = 16 << 20;

/// How often a group lets others have their turn before it is written, at most, as long as each brings more.
const TURNS: usize = 4;

/// When a segment is closed.
#[derive(Clone, Copy, Debug)]
pub struct LogSettings {
    /// It has so many bytes.
    pub segment_bytes: u64,
    /// Its first delivery is so old.
    pub segment_age: Duration,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { segment_bytes: 32 << 20, segment_age: Duration::from_secs(60) }
    }
}

/// Where a delivery is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The segment of the log.
    pub segment: Arc<str>,
    /// The raw object that its bytes are, or become, a part of.
    pub key: Path,
    /// Where they begin in it.
    pub offset: u64,
    /// The number of the first of its items in that object; 1-based.
    pub first: u64,
    /// When it was appended, in microseconds since 1970, UTC.
    pub at: i64,
}

/// What the log tells whoever follows it, in the order of the log.
#[derive(Debug)]
pub enum Durable<T> {
    /// A delivery is durable.
    Delivery(Place, T),
    /// A group was written and synced.
    Group {
        /// Deliveries in it.
        deliveries: usize,
        /// Bytes of it.
        bytes: usize,
        /// How long writing and syncing took.
        took: Duration,
    },
    /// Nothing more comes to a segment, and every delivery in it was told.
    Closed(Arc<str>),
}

/// The log of one process; cheap to clone. When the last of the clones is dropped, the open segment is closed.
#[derive(Debug)]
pub struct Log<T> {
    requests: mpsc::Sender<Request<T>>,
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self { requests: self.requests.clone() }
    }
}

#[derive(Debug)]
struct Request<T> {
    feed: Arc<str>,
    items: u32,
    note: Bytes,
    bytes: Bytes,
    body_crc: u32,
    carried: T,
    reply: oneshot::Sender<Result<Place>>,
}

/// What is appended.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The feed, which has a raw object of its own in each segment.
    pub feed: Arc<str>,
    /// How many items are in the bytes.
    pub items: u32,
    /// What is to be read beside the bytes after a crash.
    pub note: Bytes,
    /// The bytes, as they will lie in the raw object.
    pub bytes: Bytes,
}

impl<T: Send + 'static> Log<T> {
    /// Begins to write to a lake; `name` gives a new name for each segment, later ones greater. Also gives what follows the log.
    pub fn open(
        lake: &Lake,
        settings: LogSettings,
        name: impl FnMut() -> String + Send + 'static,
    ) -> (Self, mpsc::UnboundedReceiver<Durable<T>>) {
        let (requests, incoming) = mpsc::channel(GROUP);
        let (told, follower) = mpsc::unbounded_channel();
        let writer =
            Writer { lake: lake.clone(), settings, name: Box::new(name), open: None, last_at: 0, told };
        tokio::spawn(writer.run(incoming));
        (Self { requests }, follower)
    }

    /// Appends a delivery; it is durable when this returns. `carried` is given to whoever follows the log, and is not written.
    ///
    /// # Errors
    /// When it could not be made durable. Part of it may be in the log all the same, and be found there after a crash.
    pub async fn append(&self, appended: Appended, carried: T) -> Result<Place> {
        self.enqueue(appended, carried).await?.durable().await
    }

    /// Gives a delivery its turn: it comes behind those whose turn was before, and is not durable yet.
    pub async fn enqueue(
        &self,
        Appended { feed, items, note, bytes }: Appended,
        carried: T,
    ) -> Result<Enqueued> {
        let (reply, answer) = oneshot::channel();
        let body_crc = body_crc(&note, &bytes);
        let request = Request { feed, items, note, bytes, body_crc, carried, reply };
        self.requests.send(request).await.map_err(|_| Error::Interrupted)?;
        Ok(Enqueued { answer })
    }
}

/// A delivery that has its turn.
#[derive(Debug)]
pub struct Enqueued {
    answer: oneshot::Receiver<Result<Place>>,
}

impl Enqueued {
    /// Waits until it is durable.
    pub async fn durable(self) -> Result<Place> {
        self.answer.await.map_err(|_| Error::Interrupted)?
    }
}

struct Writer<T> {
    lake: Lake,
    settings: LogSettings,
    name: Box<dyn FnMut() -> String + Send>,
    open: Option<Segment>,
    last_at: i64,
    told: mpsc::UnboundedSender<Durable<T>>,
}

struct Segment {
    name: Arc<str>,
    sink: Sink,
    began: Instant,
    /// By feed: the raw object, its bytes so far, and its items so far.
    objects: HashMap<Arc<str>, (Path, u64, u64)>,
    bytes: u64,
}

impl<T: Send + 'static> Writer<T> {
    async fn run(mut self, mut requests: mpsc::Receiver<Request<T>>) {
        loop {
            let left =
                self.open.as_ref().map(|open| self.settings.segment_age.saturating_sub(open.began.elapsed()));
            let first = match left {
                None => requests.recv().await,
                Some(left) => match tokio::time::timeout(left, requests.recv()).await {
                    Ok(first) => first,
                    Err(_) => {
                        self.close();
                        continue;
                    }
                },
            };
            let Some(first) = first else { break };
            self.write(gather(first, &mut requests).await).await;
        }
        self.close();
    }

    /// Writes a group and answers each of its deliveries.
    async fn write(&mut self, group: Vec<Request<T>>) {
        if self.open.is_none() {
            let name: Arc<str> = (self.name)().into();
            match Sink::create(&self.lake, &name).await {
                Ok(sink) => self.open = Some(Segment::new(name, sink)),
                Err(error) => return refuse(group, &error),
            }
        }
        let Some(segment) = &mut self.open else { return };
        let (places, encoded) = segment.place(&group, || {
            // What comes later on a connection is not earlier by its receipt, whatever is done to the clock.
            self.last_at = self.lake.now().max(self.last_at);
            self.last_at
        });
        let (began, bytes, deliveries) = (Instant::now(), encoded.len(), group.len());
        let written = segment.sink.append(&self.lake, &segment.name, encoded).await;
        if let Err(error) = written {
            // Whether the bytes are there is not known: nothing goes behind them.
            self.give_up().await;
            return refuse(group, &error);
        }
        segment.bytes += bytes as u64;
        let is_full = segment.bytes >= self.settings.segment_bytes
            || segment.began.elapsed() >= self.settings.segment_age
            || !segment.sink.takes_more();
        for (request, place) in group.into_iter().zip(places) {
            let _ = self.told.send(Durable::Delivery(place.clone(), request.carried));
            // A sender that went away meanwhile is not told; its message is kept all the same.
            let _ = request.reply.send(Ok(place));
        }
        let _ = self.told.send(Durable::Group { deliveries, bytes, took: began.elapsed() });
        if is_full {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some(segment) = self.open.take() {
            let _ = self.told.send(Durable::Closed(segment.name));
        }
    }

    /// Leaves a segment of which the end could not be written. What was answered before is whole.
    async fn give_up(&mut self) {
        let Some(mut segment) = self.open.take() else { return };
        let is_cut = segment.sink.cut_to_durable().await.is_ok();
        match segment.bytes {
            0 if is_cut => {
                // Left behind, an empty segment is removed by whoever seals what this process leaves.
                let _ = self.lake.delete(&log_segment_key(&segment.name)).await;
            }
            // Sealed now it might get messages that were refused, and nobody would convert them: the next process
            // finds them, and takes them for received.
            _ if !is_cut => {}
            _ => drop(self.told.send(Durable::Closed(segment.name))),
        }
    }
}

/// What is written with one sync: all that has come, and what those bring who are about to be heard. On a busy machine that is
/// most of what would make up the next group; on an idle one it costs microseconds.
async fn gather<T>(first: Request<T>, requests: &mut mpsc::Receiver<Request<T>>) -> Vec<Request<T>> {
    let mut bytes = first.bytes.len();
    let mut group = vec![first];
    for turn in 0..TURNS {
        let before = group.len();
        while group.len() < GROUP && bytes < GROUP_BYTES {
            let Ok(request) = requests.try_recv() else { break };
            bytes += request.bytes.len();
            group.push(request);
        }
        let is_full = group.len() >= GROUP || bytes >= GROUP_BYTES;
        if is_full || (turn > 0 && group.len() == before) {
            break;
        }
        tokio::task::yield_now().await;
    }
    group
}

impl Segment {
    fn new(name: Arc<str>, sink: Sink) -> Self {
        Self { name, sink, began: Instant::now(), objects: HashMap::new(), bytes: 0 }
    }

    /// Gives each delivery its place, and all of them as they are written.
    fn place<T>(&mut self, group: &[Request<T>], mut now: impl FnMut() -> i64) -> (Vec<Place>, Vec<u8>) {
        let mut out = Vec::with_capacity(group.iter().map(|request| request.bytes.len() + 512).sum());
        let places = group.iter().map(|request| {
            let object = self.objects.entry(request.feed.clone());
            let (key, length, items) = object.or_insert_with(|| (live_key(&request.feed, &self.name), 0, 0));
            let record = Record {
                key: key.to_string(),
                offset: *length,
                at: now(),
                first: *items + 1,
                items: request.items,
                note: request.note.clone(),
                bytes: request.bytes.clone(),
            };
            *length += request.bytes.len() as u64;
            *items += u64::from(request.items);
            write_head(&record, request.body_crc, &mut out);
            out.extend_from_slice(&record.note);
            out.extend_from_slice(&record.bytes);
            let Record { offset, first, at, .. } = record;
            Place { segment: self.name.clone(), key: key.clone(), offset, first, at }
        });
        let places = places.collect();
        (places, out)
    }
}

fn refuse<T>(group: Vec<Request<T>>, error: &Error) {
    for request in group {
        let _ = request.reply.send(Err(again(error)));
    }
}

/// The same error for each who waits.
fn again(error: &Error) -> Error {
    match error {
        Error::Log { key, reason, kind } => {
            Error::Log { key: key.clone(), reason: reason.clone(), kind: *kind }
        }
        Error::Store { key, reason, .. } => {
            Error::Log { key: key.clone(), reason: reason.clone(), kind: error.io_kind() }
        }
        _ => Error::Interrupted,
    }
}
