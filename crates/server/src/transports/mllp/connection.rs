//! One connection: frames in, answers out in the same order.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::poll;
use hl7::mllp::{Decoder, END, Event};
use pipeline::{Delivery, Refused, Underway, Wish};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::Shared;
use super::answer::{Due, answer};
use crate::feeds::Acknowledge;
use crate::promise::acknowledgment;

/// Bytes read at once.
const READ: usize = 64 << 10;
/// The same while nothing comes: there may be thousands of such connections.
const READ_IDLE: usize = 4 << 10;
/// So long nothing comes before that is done: clearing a large buffer for every burst costs more than reading it.
const LULL: Duration = Duration::from_secs(1);
/// How long after an end block it is waited for a byte that would make it a part of the message.
const QUIET: Duration = Duration::from_millis(30);
/// Bytes a second that a message may come in with, at least: beside the time to be silent, it has that much time.
const SLOWEST: f64 = 1_024.0;

/// Serves a connection until its end, the shutdown, or a timeout.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: SocketAddr,
    shared: &Shared,
) -> io::Result<()> {
    let (reader, writer) = tokio::io::split(stream);
    let (due, dues) = mpsc::channel(shared.settings.window.max(1));
    let answering = tokio::spawn(answer_all(writer, dues, shared.clone()));
    let peer = Peer { address: peer, origin: format!("mllp {} {peer}", shared.settings.name).into() };
    let read = read_all(reader, &peer, &due, shared).await;
    // What was received is answered, whatever ended the reading.
    drop(due);
    let answered = answering.await.map_err(io::Error::other)?;
    answered.and(read)
}

/// Who sends.
struct Peer {
    address: SocketAddr,
    /// As receipts have it.
    origin: Arc<str>,
}

async fn read_all(
    mut reader: impl AsyncRead + Unpin,
    peer: &Peer,
    due: &mpsc::Sender<Due>,
    shared: &Shared,
) -> io::Result<()> {
    let settings = &shared.settings;
    let mut decoder = Decoder::new(settings.max_frame.min(shared.live.longest()));
    let mut buffer = vec![0; READ_IDLE];
    // When the message that is coming in began, and how much of it is here.
    let mut coming: Option<(Instant, u64)> = None;
    let mut ends_in_block = false;
    loop {
        let patience = match (ends_in_block, coming) {
            (true, _) => QUIET,
            (false, None) => settings.idle_timeout,
            (false, Some((began, bytes))) => {
                let most = settings.read_timeout + Duration::from_secs_f64(bytes as f64 / SLOWEST);
                settings.read_timeout.min(most.saturating_sub(began.elapsed()))
            }
        };
        let read = tokio::select! {
            // A message that is coming in is waited for: closing now would make its sender send it again.
            () = shared.shutdown.cancelled(), if coming.is_none() => return Ok(()),
            read = tokio::time::timeout(patience, read_some(&mut reader, &mut buffer, coming.is_none())) => read,
        };
        match read {
            Err(_) if ends_in_block => decoder.quiet(),
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(Ok(0)) => {
                decoder.close();
                take(&mut decoder, peer, due, shared).await?;
                return Ok(());
            }
            Ok(Ok(length)) => {
                let bytes = &buffer[..length];
                ends_in_block = bytes.ends_with(&[END]);
                decoder.feed(bytes);
                coming = coming.map(|(began, so_far)| (began, so_far + length as u64));
            }
            Ok(Err(error)) => {
                decoder.close();
                take(&mut decoder, peer, due, shared).await?;
                return Err(error);
            }
        }
        let has_ended = take(&mut decoder, peer, due, shared).await?;
        if decoder.is_between_frames() {
            (coming, ends_in_block) = (None, false);
        } else if coming.is_none() || has_ended {
            coming = Some((Instant::now(), 0));
        }
    }
}

/// Reads into a buffer that becomes large when there is much, and small again when nothing comes between messages.
async fn read_some(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    is_between: bool,
) -> io::Result<usize> {
    if let Poll::Ready(read) = poll!(pin!(reader.read(buffer))) {
        if read.as_ref().is_ok_and(|length| *length == buffer.len()) && buffer.len() < READ {
            buffer.resize(READ, 0);
        }
        return read;
    }
    if is_between && buffer.len() > READ_IDLE {
        if let Ok(read) = tokio::time::timeout(LULL, reader.read(buffer)).await {
            return read;
        }
        *buffer = vec![0; READ_IDLE];
    }
    reader.read(buffer).await
}

/// Hands over what the decoder has found; gives whether a message was among it.
async fn take(
    decoder: &mut Decoder,
    peer: &Peer,
    due: &mpsc::Sender<Due>,
    shared: &Shared,
) -> io::Result<bool> {
    let door = &shared.settings.name;
    let mut has_ended = false;
    loop {
        let next = match decoder.next() {
            None => return Ok(has_ended),
            Some(Event::Frame(bytes)) => Next::Message(Bytes::copy_from_slice(bytes)),
            Some(Event::TooLong { head, length }) => Next::TooLong(Bytes::copy_from_slice(head), length),
            Some(Event::CutOff { length }) => Next::Lost("a message without an end", length),
            Some(Event::Skipped { length }) => Next::Lost("bytes outside of frames", length),
        };
        let next = match next {
            Next::Message(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => {
                shared.metrics.skipped(door, bytes.len() as u64);
                continue;
            }
            Next::Message(bytes) => message(bytes, peer, shared).await,
            Next::TooLong(head, length) => {
                tracing::warn!(door, peer = %peer.address.ip(), length, "a message over the limit was rejected");
                let limit_bytes = shared.settings.max_frame.min(shared.live.longest());
                Due {
                    header: head,
                    feed: None,
                    kept: Err(Refused::TooLong { limit_bytes }),
                    began: Instant::now(),
                    traced: None,
                }
            }
            Next::Lost(what, length) => {
                tracing::warn!(door, peer = %peer.address.ip(), length, "{what} were passed over");
                shared.metrics.skipped(door, length);
                continue;
            }
        };
        has_ended = true;
        // Closed only when nothing can be written any more.
        due.send(next).await.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    }
}

/// What a decoder found, with its bytes.
enum Next {
    Message(Bytes),
    TooLong(Bytes, u64),
    Lost(&'static str, u64),
}

/// Gives a message its turn in the log.
async fn message(bytes: Bytes, peer: &Peer, shared: &Shared) -> Due {
    let (began, traced) = (Instant::now(), shared.settings.traces.begin_message());
    let feed = shared.feeds.of_message(&bytes, shared.settings.feed.as_ref());
    let Some(feed) = feed else {
        return Due { header: bytes, feed: None, kept: Err(Refused::Closed), began, traced };
    };
    let wish = match feed.acknowledge {
        Acknowledge::Durable => Wish::Safe,
        Acknowledge::Converted => Wish::Staged,
    };
    let answer = acknowledgment(&bytes, feed.acknowledge);
    let (rules, origin) = (feed.rules.clone(), peer.origin.clone());
    let delivery = Delivery { feed: rules, origin, bytes: bytes.clone(), wish, answer };
    let kept: Result<Underway, Refused> = shared.live.enqueue(delivery).await;
    Due { header: bytes, feed: Some(feed), kept, began, traced }
}

/// Answers each message when its turn has come; those whose turn has come together go out together.
async fn answer_all(
    mut writer: impl AsyncWrite + Unpin,
    mut dues: mpsc::Receiver<Due>,
    shared: Shared,
) -> io::Result<()> {
    let patience = shared.settings.read_timeout;
    let mut out = Vec::new();
    loop {
        let next = if out.is_empty() { dues.recv().await } else { dues.try_recv().ok() };
        let Some(due) = next else {
            if out.is_empty() {
                let _ = writer.shutdown().await;
                return Ok(());
            }
            write(&mut writer, &mut out, patience).await?;
            continue;
        };
        let mut answer = pin!(answer(due, &shared));
        let answer = match poll!(answer.as_mut()) {
            Poll::Ready(answer) => answer,
            Poll::Pending => {
                write(&mut writer, &mut out, patience).await?;
                answer.await
            }
        };
        out.extend_from_slice(&answer);
        if out.len() >= READ {
            write(&mut writer, &mut out, patience).await?;
        }
    }
}

async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    out: &mut Vec<u8>,
    patience: Duration,
) -> io::Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    let written = async {
        writer.write_all(out).await?;
        writer.flush().await
    };
    tokio::time::timeout(patience, written).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    out.clear();
    Ok(())
}
