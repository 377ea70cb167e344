//! The audit zone: every line against its hash, every chain from its beginning to where others saw it end.
//!
//! The first walk reads the beginning of each chain, for what it saw of others; the second reads everything, day by
//! day. What was seen in the first is there in the second, whatever is recorded meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use storage::{Lake, audit_chain, audit_key, audited_key};

use super::{Check, Kind};
use crate::audit::line::{self, Head, Link, Read};
use crate::audit::{beginning, days};
use crate::{Error, Result};

/// Objects read at the same time.
const READS: usize = 8;
/// Objects in a row that are looked for one by one when a listing lacks them.
const LOOKED_FOR: u64 = 64;

/// The events of a chain that others saw, and their hashes.
type Seen = BTreeSet<(u64, String)>;

pub(super) async fn check(check: &Check) -> Result<()> {
    let lake = &check.lake;
    let mut seen = HashMap::new();
    match beginning(lake).await? {
        None => {}
        Some(Some(head)) => add(&mut seen, head),
        Some(None) => check.problem(Kind::AuditChanged, format!("{} cannot be read", audited_key())),
    }
    for day in days(lake).await? {
        let first = chains(lake, &day).await?.into_keys().map(|chain| audit_key(&chain, 1));
        let mut first = stream::iter(first.collect::<Vec<_>>()).map(|key| read(lake, key)).buffered(READS);
        while let Some((_, bytes)) = first.try_next().await? {
            let line = bytes.as_deref().and_then(|bytes| bytes.split(|byte| *byte == b'\n').next());
            // What a changed line says of others is not believed; the line itself is told of below.
            if let Some(Read::Whole(link)) = line.map(line::read) {
                link.seen.into_iter().for_each(|head| add(&mut seen, head));
            }
        }
    }
    for day in days(lake).await? {
        for (chain, numbers) in chains(lake, &day).await? {
            let seen = seen.remove(&chain).unwrap_or_default();
            Walk::new(check, chain, seen).go(&numbers).await?;
        }
    }
    for (chain, seen) in seen {
        let last = seen.last().map_or(0, |(sequence, _)| *sequence);
        check.problem(
            Kind::AuditMissing,
            format!("the chain {chain} of the audit zone is not there, of which event {last} was seen"),
        );
    }
    Ok(())
}

fn add(seen: &mut HashMap<String, Seen>, Head { chain, sequence, hash }: Head) {
    seen.entry(chain).or_default().insert((sequence, hash));
}

/// The chains that began on a day, and the numbers of their objects.
async fn chains(lake: &Lake, day: &Path) -> Result<BTreeMap<String, BTreeSet<u64>>> {
    let mut chains: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for object in lake.list(day).await? {
        if let Some((chain, number)) = audit_chain(&object.key) {
            chains.entry(chain.to_owned()).or_default().insert(number);
        }
    }
    Ok(chains)
}

/// An object, and its bytes if it is there.
async fn read(lake: &Lake, key: Path) -> Result<(Path, Option<Bytes>)> {
    match lake.read(&key).await {
        Err(error) if error.is_not_found() => Ok((key, None)),
        Err(error) => Err(Error::Storage(error)),
        Ok(bytes) => Ok((key, Some(bytes))),
    }
}

/// One chain, looked at line by line.
struct Walk<'c> {
    check: &'c Check,
    chain: String,
    seen: Seen,
    /// The number of the event that comes next.
    next: u64,
    /// Lines since the last whole one that were told to be damaged.
    damaged: u64,
    /// The line before.
    previous: Previous,
}

/// What is known of the line before.
enum Previous {
    /// There is none.
    Beginning,
    Hash(String),
    /// Lines are missing before this one, which was told.
    Missing,
    /// It is not what was written, which was told.
    Damaged,
}

impl<'c> Walk<'c> {
    fn new(check: &'c Check, chain: String, seen: Seen) -> Self {
        Self { check, chain, seen, next: 1, damaged: 0, previous: Previous::Beginning }
    }

    async fn go(mut self, numbers: &BTreeSet<u64>) -> Result<()> {
        let last = numbers.last().copied().unwrap_or_default();
        let mut next = 1;
        // A listing that was made while events were recorded may lack one and have a later one.
        let mut asked = Vec::new();
        for number in numbers {
            if number - next > LOOKED_FOR {
                asked.extend([next, *number]);
            } else {
                asked.extend(next..=*number);
            }
            next = number.saturating_add(1);
        }
        let lake = &self.check.lake;
        let chain = self.chain.clone();
        let mut objects = stream::iter(asked)
            .map(|number| {
                let key = audit_key(&chain, number);
                async move { Ok::<_, Error>((number, read(lake, key).await?)) }
            })
            .buffered(READS);
        let mut before = 0;
        let mut missing: Option<u64> = None;
        while let Some((number, (key, bytes))) = objects.try_next().await? {
            let Some(bytes) = bytes else {
                missing.get_or_insert(before + 1);
                continue;
            };
            if let Some(first) = missing.take() {
                self.objects_missing(first, number - 1);
            }
            before = number;
            self.object(&key, &bytes);
        }
        if let Some(first) = missing {
            self.objects_missing(first, last);
        }
        self.end();
        Ok(())
    }

    fn objects_missing(&mut self, first: u64, last: u64) {
        self.previous = Previous::Missing;
        let key = audit_key(&self.chain, first);
        let more = match last - first {
            0 => String::new(),
            more => format!(", nor are the {more} behind it"),
        };
        self.check.problem(Kind::AuditMissing, format!("{key} is not there{more}"));
    }

    fn object(&mut self, key: &Path, bytes: &[u8]) {
        let Some(lines) = bytes.strip_suffix(b"\n") else {
            self.changed(key, "does not end as it was written");
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            return lines.enumerate().for_each(|(position, line)| self.line(key, position, line));
        };
        for (position, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            self.line(key, position, line);
        }
    }

    fn line(&mut self, key: &Path, position: usize, line: &[u8]) {
        let number = position + 1;
        self.check.found().summary.audit_events += 1;
        let link = match line::read(line) {
            Read::Whole(link) if link.head.chain == self.chain => link,
            damaged => {
                let what = match damaged {
                    Read::Whole(_) => "is of another chain",
                    Read::Changed => "has another hash than it carries",
                    Read::Unreadable => "is no event",
                };
                self.changed(key, format!("line {number} {what}"));
                self.damaged += 1;
                self.previous = Previous::Damaged;
                return;
            }
        };
        let Link { head: Head { sequence, hash, .. }, previous, .. } = link;
        if sequence < self.next {
            return self.changed(key, format!("line {number} is event {sequence}, which was before"));
        }
        // A damaged line may have been the event that is missing, or none.
        let expected = self.next.saturating_add(self.damaged);
        if sequence > expected && !matches!(self.previous, Previous::Missing) {
            let last = sequence - 1;
            self.check.problem(
                Kind::AuditMissing,
                format!(
                    "{key}: events {expected} to {last} of the chain are not there, before line {number}"
                ),
            );
        } else if sequence == self.next && !self.follows(previous.as_deref()) {
            self.changed(key, format!("line {number} follows another line than the one before it"));
        }
        let mut seen =
            self.seen.range((sequence, String::new())..(sequence.saturating_add(1), String::new()));
        if seen.any(|(_, seen)| *seen != hash) {
            self.changed(
                key,
                format!("line {number} is another event than was seen when a later chain began"),
            );
        }
        self.next = sequence.saturating_add(1);
        self.damaged = 0;
        self.previous = Previous::Hash(hash);
    }

    fn follows(&self, previous: Option<&str>) -> bool {
        match (&self.previous, previous) {
            (Previous::Beginning, previous) => previous.is_none(),
            (Previous::Hash(before), previous) => previous == Some(before),
            (Previous::Missing | Previous::Damaged, _) => true,
        }
    }

    fn changed(&self, key: &Path, text: impl std::fmt::Display) {
        self.check.problem(Kind::AuditChanged, format!("{key}: {text}"));
    }

    fn end(self) {
        let ends = self.next - 1 + self.damaged;
        if let Some((seen, _)) = self.seen.last().filter(|(sequence, _)| *sequence > ends) {
            self.check.problem(
                Kind::AuditMissing,
                format!(
                    "the chain {} of the audit zone ends with event {ends}, and event {seen} was seen",
                    self.chain
                ),
            );
        }
    }
}
