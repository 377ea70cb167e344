//! Land: put bytes untouched into the raw zone, durable, under a key that their hash is part of.

use std::io::Read;

use bytes::Bytes;
use object_store::path::Path;
use sha2::{Digest, Sha256};
use storage::{Lake, raw_key};

use crate::identity::hex;
use crate::{Error, Received, Result};

/// Inputs up to this many bytes are kept in memory until they are converted.
const SMALL: usize = 1 << 20;
/// Bytes read from a large input at once.
const CHUNK: usize = 1 << 20;

/// Bytes that are in the raw zone.
#[derive(Clone, Debug)]
pub struct Landed {
    /// Their immutable key.
    pub key: Path,
    /// How many there are.
    pub length: u64,
    /// SHA-256 of them all, in hex.
    pub sha256: String,
    /// The bytes themselves, when they are few.
    pub(crate) bytes: Option<Bytes>,
}

/// Lands an input from its beginning to its end; when this returns the bytes are durable.
///
/// The same bytes under the same name and feed land on the same key, and are written once. Of an empty input
/// nothing is written.
pub async fn land(lake: &Lake, received: &Received, input: Box<dyn Read + Send>) -> Result<Landed> {
    let mut source = Source { input: Some(input), received: received.clone() };
    let mut digest = Sha256::new();
    let first = source.read(SMALL + 1).await?;
    if first.len() <= SMALL {
        digest.update(&first);
        let landed = landed(received, digest, first.len(), Some(first.clone()));
        if landed.length > 0 {
            lake.put_new(&landed.key, first).await?;
        }
        return Ok(landed);
    }
    let mut upload = lake.upload().await?;
    let mut length = first.len();
    let mut chunk = first;
    // The next chunk is read while this one is hashed, and the upload writes those before.
    while !chunk.is_empty() {
        upload.write(&chunk).await?;
        let (next, hashed) = tokio::join!(source.read(CHUNK), updated(digest, chunk));
        chunk = match next {
            Ok(next) => next,
            Err(error) => {
                // The parts of an upload that nobody ends take room on a store, and are seen by nobody.
                let _ = upload.abandon().await;
                return Err(error);
            }
        };
        digest = hashed?;
        length += chunk.len();
    }
    let landed = landed(received, digest, length, None);
    upload.seal().await?.publish(&landed.key).await?;
    Ok(landed)
}

/// The digest with more bytes in it, computed off the asynchronous threads.
async fn updated(mut digest: Sha256, bytes: Bytes) -> Result<Sha256> {
    let updated = tokio::task::spawn_blocking(move || {
        digest.update(&bytes);
        digest
    });
    Ok(updated.await?)
}

/// An input that is read off the asynchronous threads.
struct Source {
    input: Option<Box<dyn Read + Send>>,
    received: Received,
}

impl Source {
    /// The next bytes: `wanted`, or all that are left.
    async fn read(&mut self, wanted: usize) -> Result<Bytes> {
        let Some(mut input) = self.input.take() else { return Ok(Bytes::new()) };
        let (read, input) = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(wanted);
            let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
            let read = input.by_ref().take(limit).read_to_end(&mut bytes);
            bytes.shrink_to_fit();
            (read.map(|_| bytes), input)
        })
        .await?;
        self.input = Some(input);
        match read {
            Ok(bytes) => Ok(bytes.into()),
            // What reads from the lake's own store has errors of its own.
            Err(source) => Err(source
                .downcast()
                .unwrap_or_else(|source| Error::Input { path: self.received.origin.clone().into(), source })),
        }
    }
}

fn landed(received: &Received, digest: Sha256, length: usize, bytes: Option<Bytes>) -> Landed {
    let sha256 = hex(digest.finalize());
    let name = if received.origin == "-" { "stdin" } else { &received.origin };
    let key = raw_key(&received.feed, &sha256, name);
    Landed { key, length: u64::try_from(length).unwrap_or(u64::MAX), sha256, bytes }
}
