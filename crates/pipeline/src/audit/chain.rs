//! A chain of events: one of each process and day, an object for each group of events.

use bytes::Bytes;
use storage::{Lake, Put, audit_key};
use uuid::Uuid;

use super::Access;
use super::event::event;
use super::heads::heads;
use super::line::{Head, seal};
use crate::time::rfc3339_milliseconds;
use crate::{Error, Result, time};

#[derive(Debug)]
pub(super) struct Chain {
    name: String,
    /// Objects so far.
    objects: u64,
    /// Events so far.
    sequence: u64,
    /// The hash of the last event.
    last: Option<String>,
    /// What the first event is to name.
    seen: Vec<Head>,
}

impl Chain {
    /// Begins one; nothing is written yet.
    pub(super) async fn begin(lake: &Lake) -> Result<Self> {
        let name = format!("{}-{}", moment(time::now()), Uuid::new_v4().simple());
        Ok(Self { name, objects: 0, sequence: 0, last: None, seen: heads(lake).await? })
    }

    /// Whether it began on the day that it is now.
    pub(super) fn is_of_today(&self) -> bool {
        const DAY_DIGITS: usize = 8;
        self.name.get(..DAY_DIGITS) == moment(time::now()).get(..DAY_DIGITS)
    }

    /// Writes a group of events; they are durable when it returns, and the chain goes on behind them.
    ///
    /// # Errors
    /// When it is not known whether they are: nothing may be written behind them then.
    pub(super) async fn append<'a>(
        mut self,
        lake: &Lake,
        source: &str,
        group: impl IntoIterator<Item = &'a Access>,
    ) -> Result<(Self, Vec<Head>)> {
        let mut lines = String::new();
        let mut heads = Vec::new();
        for access in group {
            self.sequence += 1;
            let event = event(access, source, &format!("{}-{}", self.name, self.sequence));
            let (line, hash) = seal(event, &self.name, self.sequence, self.last.as_deref(), &self.seen);
            lines.push_str(&line);
            lines.push('\n');
            self.seen.clear();
            self.last = Some(hash.clone());
            heads.push(Head { chain: self.name.clone(), sequence: self.sequence, hash });
        }
        self.objects += 1;
        let (key, lines) = (audit_key(&self.name, self.objects), Bytes::from(lines));
        // Nobody else writes under this name. What is there was written by this call, and the store's answer was lost.
        if lake.put_new(&key, lines.clone()).await? == Put::Existed && lake.read(&key).await? != lines {
            return Err(Error::Internal(format!("{key} is taken")));
        }
        Ok((self, heads))
    }
}

/// A moment in microseconds since 1970 as a chain's name begins, `20260131T235959999`.
fn moment(at: i64) -> String {
    let text = rfc3339_milliseconds(at.div_euclid(1_000));
    text.chars().filter(|character| character.is_ascii_digit() || *character == 'T').collect()
}

#[cfg(test)]
mod tests {
    use storage::Location;

    use super::*;

    #[tokio::test]
    async fn a_chain_is_of_the_day_it_began() {
        let lake = Lake::at(Location::memory().unwrap());
        let mut chain = Chain::begin(&lake).await.unwrap();
        assert!(chain.is_of_today() && chain.name.len() < 52, "{}", chain.name);
        chain.name.replace_range(..4, "2020");
        assert!(!chain.is_of_today());
    }
}
