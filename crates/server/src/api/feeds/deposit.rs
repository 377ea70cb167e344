//! One body on its way into the lake.

use std::time::Duration;

use bytes::Bytes;
use pipeline::sha256;

use super::tally::{Counts, Taken, Tally};
use crate::api::pieces::Pieces;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::promise::BY_HTTP;

use sha2::{Digest, Sha256};

/// A body that is handed on piece by piece, hashed and counted.
pub(super) struct Deposit<'c> {
    state: &'c State,
    feed: &'c str,
    pieces: Pieces,
    /// Of what stands in the files: how they were packed and divided makes no other body.
    hash: Sha256,
    file_hash: Sha256,
    /// Whether what comes is kept, or hashed only.
    keeps: bool,
    tally: Tally,
}

impl<'c> Deposit<'c> {
    pub(super) fn new(state: &'c State, feed: &'c str, wait: Option<Duration>, keeps: bool) -> Self {
        let limits = &state.limits;
        Self {
            state,
            feed,
            pieces: Pieces::new(limits.piece, state.rules.options.limits.message_bytes),
            hash: Sha256::new(),
            file_hash: Sha256::new(),
            keeps,
            tally: Tally::new(feed, limits.listed, wait),
        }
    }

    /// Takes the next bytes of a file.
    pub(super) async fn add(&mut self, origin: &str, bytes: &[u8]) -> Result<(), Problem> {
        self.file_hash.update(bytes);
        if !self.keeps {
            return Ok(());
        }
        match self.pieces.add(bytes)? {
            Some(piece) => self.put(origin, piece).await,
            None => Ok(()),
        }
    }

    /// Ends a file: what follows is not a part of its last message.
    pub(super) async fn end_file(&mut self, origin: &str) -> Result<(), Problem> {
        let file_hash = std::mem::take(&mut self.file_hash);
        self.hash.update(file_hash.finalize());
        match self.pieces.finish() {
            Some(piece) if self.keeps => self.put(origin, piece).await,
            _ => Ok(()),
        }
    }

    /// What names the body.
    pub(super) fn hash(&self) -> String {
        sha256(&self.hash.clone().finalize())
    }

    /// How many messages there were so far.
    pub(super) fn counts(&self) -> &Counts {
        self.tally.counts()
    }

    /// What was taken, and whether all that was waited for is known.
    pub(super) async fn finish(self) -> (Taken, bool) {
        self.tally.finish().await
    }

    async fn put(&mut self, origin: &str, piece: Bytes) -> Result<(), Problem> {
        let kept = self.state.intake.put(self.feed, origin.to_owned(), piece, BY_HTTP).await?;
        self.tally.add(kept).await;
        Ok(())
    }
}
