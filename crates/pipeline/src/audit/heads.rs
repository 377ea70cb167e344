//! The ends of the chains that are there, for a new one to name.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use storage::{Lake, audit_chain, audit_prefix};

use super::line::{self, Head, Read};
use crate::Result;

/// Chains that a new one names, at most: the newest.
const MOST: usize = 32;
/// Objects read at the same time.
const READS: usize = 8;

/// The folders of the audit zone, one for each day, oldest first.
pub(crate) async fn days(lake: &Lake) -> Result<Vec<Path>> {
    Ok(lake.folders(&audit_prefix(), 3).await?)
}

/// Where the newest chains end. One whose end cannot be read is left out: to tell of it is for verify.
pub(super) async fn heads(lake: &Lake) -> Result<Vec<Head>> {
    let mut newest: Vec<Path> = Vec::new();
    for day in days(lake).await?.iter().rev() {
        let objects = lake.list(day).await?;
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for (chain, number) in objects.iter().filter_map(|object| audit_chain(&object.key)) {
            let known = last.entry(chain).or_default();
            *known = number.max(*known);
        }
        newest.extend(last.iter().rev().map(|(chain, number)| storage::audit_key(chain, *number)));
        if newest.len() >= MOST {
            break;
        }
    }
    newest.truncate(MOST);
    let ends = stream::iter(newest).map(|key| end_of(lake, key)).buffered(READS);
    let ends: Vec<Option<Head>> = ends.try_collect().await?;
    Ok(ends.into_iter().flatten().collect())
}

async fn end_of(lake: &Lake, key: Path) -> Result<Option<Head>> {
    let bytes = match lake.read(&key).await {
        Err(error) if error.is_not_found() => return Ok(None),
        bytes => bytes?,
    };
    let last = bytes.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    Ok(match last.map(line::read) {
        Some(Read::Whole(link)) => Some(link.head),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use storage::{Location, audit_key};

    use super::*;

    #[tokio::test]
    async fn the_newest_chains_are_named_and_damaged_ends_are_left_out() {
        let lake = Lake::at(Location::memory().unwrap());
        let chain = |number: usize| format!("202601{:02}T000000{:03}-x", 1 + number / 10, number % 10);
        for number in 0..MOST + 8 {
            let chain = chain(number);
            for (object, sequence) in [(1, 1), (2, 2)] {
                let (line, _) = line::seal(json!({}), &chain, sequence, None, &[]);
                let text = if number == MOST { "damaged".into() } else { format!("{line}\n") };
                lake.put_new(&audit_key(&chain, object), text.into()).await.unwrap();
            }
        }
        let heads = heads(&lake).await.unwrap();
        let named: Vec<(String, u64)> = heads.into_iter().map(|head| (head.chain, head.sequence)).collect();
        let newest = (8..MOST + 8).rev().filter(|number| *number != MOST);
        assert_eq!(named, newest.map(|number| (chain(number), 2)).collect::<Vec<_>>());
    }
}
