//! An object of the lake as a file that can be read and sought in, for decoders that know files only.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use object_store::path::Path;
use tokio::runtime::Handle;

use crate::Lake;

/// Bytes fetched at once.
const BLOCK: u64 = 1 << 20;

/// Reads on a thread that may block.
pub(super) struct ObjectReader {
    lake: Lake,
    key: Path,
    runtime: Handle,
    length: u64,
    position: u64,
    /// What was fetched last, and where it begins.
    block: (u64, Bytes),
}

impl ObjectReader {
    /// Must be made on an asynchronous thread, and used on another.
    pub(super) async fn open(lake: &Lake, key: &Path) -> crate::Result<Self> {
        let length = lake.size(key).await?;
        let (lake, key, runtime) = (lake.clone(), key.clone(), Handle::current());
        Ok(Self { lake, key, runtime, length, position: 0, block: (0, Bytes::new()) })
    }
}

impl Read for ObjectReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length {
            return Ok(0);
        }
        let within = |start: u64, block: &Bytes| (start..start + block.len() as u64).contains(&self.position);
        if !within(self.block.0, &self.block.1) {
            let range = self.position..self.length.min(self.position + BLOCK);
            let block = self.runtime.block_on(self.lake.read_range(&self.key, range));
            self.block = (self.position, block.map_err(io::Error::other)?);
        }
        let at = (self.position - self.block.0) as usize;
        let available = &self.block.1[at..];
        let length = available.len().min(out.len());
        out[..length].copy_from_slice(&available[..length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
