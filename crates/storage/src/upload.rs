//! A stream of unknown length, written once and then given its key.
//!
//! The bytes go to a private place first; the last step links them to their key only if that key is free.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{Error as StoreError, MultipartUpload, ObjectStore, ObjectStoreExt};
use tokio::task::JoinHandle;

use crate::keys::incoming_key;
use crate::{Error, Put, Result};

/// Bytes handed to the store at once. S3 takes no part smaller than 5 MiB except the last.
const PART: usize = 8 << 20;

/// An object being written. Dropped without [`Upload::seal`] it leaves nothing under `raw/`.
#[derive(Debug)]
pub struct Upload {
    store: Arc<dyn ObjectStore>,
    incoming: Path,
    parts: Box<dyn MultipartUpload>,
    pending: BytesMut,
    /// The part that is being written while the next one comes together.
    writing: Option<JoinHandle<object_store::Result<()>>>,
}

/// All bytes are durable, in a private place; what is missing is the key.
#[derive(Debug)]
pub struct Uploaded {
    store: Arc<dyn ObjectStore>,
    incoming: Path,
}

impl Upload {
    pub(crate) async fn begin(store: Arc<dyn ObjectStore>) -> Result<Self> {
        let incoming = incoming_key(&uuid::Uuid::new_v4().to_string());
        let parts =
            store.put_multipart(&incoming).await.map_err(|error| Error::store("write", &incoming, error))?;
        Ok(Self { store, incoming, parts, pending: BytesMut::new(), writing: None })
    }

    /// Appends bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        while self.pending.len() >= PART {
            let part = self.pending.split_to(PART).freeze();
            self.put_part(part).await?;
        }
        Ok(())
    }

    /// Ends the stream; everything written is durable afterwards.
    pub async fn seal(mut self) -> Result<Uploaded> {
        if !self.pending.is_empty() {
            let part = self.pending.split().freeze();
            self.put_part(part).await?;
        }
        self.written().await?;
        self.parts.complete().await.map_err(|error| Error::store("write", &self.incoming, error))?;
        Ok(Uploaded { store: self.store, incoming: self.incoming })
    }

    /// Gives the stream up.
    pub async fn abandon(mut self) -> Result<()> {
        let _ = self.written().await;
        self.parts.abort().await.map_err(|error| Error::store("remove", &self.incoming, error))
    }

    async fn put_part(&mut self, part: Bytes) -> Result<()> {
        self.written().await?;
        self.writing = Some(tokio::spawn(self.parts.put_part(part.into())));
        Ok(())
    }

    /// Waits until no part is being written.
    async fn written(&mut self) -> Result<()> {
        match self.writing.take() {
            Some(writing) => {
                let written = writing.await.map_err(|_| Error::Interrupted)?;
                written.map_err(|error| Error::store("write", &self.incoming, error))
            }
            None => Ok(()),
        }
    }
}

impl Uploaded {
    /// Gives the bytes their key unless it is taken.
    pub async fn publish(self, key: &Path) -> Result<Put> {
        let put = match self.store.copy_if_not_exists(&self.incoming, key).await {
            Ok(()) => Put::Created,
            Err(StoreError::AlreadyExists { .. }) => Put::Existed,
            Err(error) => return Err(Error::store("write", key, error)),
        };
        self.discard().await?;
        Ok(put)
    }

    /// Throws the bytes away.
    pub async fn discard(self) -> Result<()> {
        self.store.delete(&self.incoming).await.map_err(|error| Error::store("remove", &self.incoming, error))
    }
}
