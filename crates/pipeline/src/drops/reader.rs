//! Reads a drop of a store from its beginning to its end, as long as it is what was listed.

use std::io::{self, Read};
use std::path::{Path as FilePath, PathBuf};

use bytes::{Buf, Bytes};
use object_store::path::Path;
use storage::Lake;
use tokio::runtime::Handle;

use super::in_store::key_of;
use crate::{Error, FileState, Result};

/// Bytes asked for at once: a request takes about as long as these take to come.
const CHUNK: u64 = 4 << 20;

/// A drop that is being read, off the asynchronous threads. Its errors are [`Error`]s in the wrapping of [`io::Error`].
#[derive(Debug)]
pub(crate) struct DropReader {
    lake: Lake,
    path: PathBuf,
    key: Path,
    state: FileState,
    /// How much of it was asked for.
    at: u64,
    /// What was not given out yet.
    chunk: Bytes,
    runtime: Handle,
}

impl DropReader {
    /// A drop by its path below the lake.
    ///
    /// # Errors
    /// [`Error::Interrupted`] outside of a runtime.
    pub(crate) fn new(lake: &Lake, path: &FilePath, state: FileState) -> Result<Self> {
        let key = key_of(path.strip_prefix(storage::raw_prefix().as_ref()).unwrap_or(path))?;
        let runtime = Handle::try_current().map_err(|_| Error::Interrupted)?;
        Ok(Self { lake: lake.clone(), path: path.into(), key, state, at: 0, chunk: Bytes::new(), runtime })
    }

    async fn next_chunk(&self) -> Result<Bytes> {
        let range = self.at..self.state.size.min(self.at + CHUNK);
        let length = range.end - range.start;
        match self.lake.read_with_state(&self.key, range).await {
            Ok((state, bytes)) => match FileState::of_object(&state) == self.state {
                true if bytes.len() as u64 == length => Ok(bytes),
                _ => Err(self.replaced()),
            },
            Err(error) => Err(self.cause(error).await),
        }
    }

    /// Why it cannot be read: a matter of this object, or of the store.
    async fn cause(&self, error: storage::Error) -> Error {
        let of_this = |kind: io::ErrorKind| Error::Input { path: self.path.clone(), source: kind.into() };
        if error.is_not_found() {
            return of_this(io::ErrorKind::NotFound);
        }
        if error.is_denied() {
            return of_this(io::ErrorKind::PermissionDenied);
        }
        // A range of one that has become shorter is refused.
        match self.lake.state(&self.key).await {
            Ok(Some(state)) if FileState::of_object(&state) != self.state => self.replaced(),
            _ => error.into(),
        }
    }

    fn replaced(&self) -> Error {
        Error::Replaced { path: self.path.clone() }
    }
}

impl Read for DropReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && self.at < self.state.size {
            self.chunk = self.runtime.block_on(self.next_chunk()).map_err(io::Error::other)?;
            self.at += self.chunk.len() as u64;
        }
        let length = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
