//! What a landed object holds that is cut into messages by itself.

use bytes::Bytes;
use object_store::path::Path;
use storage::{Lake, raw};

use crate::{Landed, Result};

/// Bytes in the raw zone that are cut into messages by themselves.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// The raw key, with the member if it is one of an archive.
    pub(crate) key: Path,
    /// What the member is called in the archive.
    pub(crate) member: Option<String>,
    /// The bytes, if they are at hand.
    pub(crate) bytes: Option<Bytes>,
}

impl Content {
    /// The object itself.
    pub(crate) fn of(landed: &Landed) -> Self {
        Self { key: landed.key.clone(), member: None, bytes: landed.bytes.clone() }
    }
}

/// What a landed object holds: itself, or the members of an archive.
///
/// # Errors
/// [`storage::Error::Archive`] when it begins like an archive and its list of members cannot be read.
pub(crate) async fn contents(lake: &Lake, landed: &Landed) -> Result<Vec<Content>> {
    let head = match &landed.bytes {
        Some(bytes) => bytes.clone(),
        None => lake.read_range(&landed.key, 0..landed.length.min(raw::HEAD)).await?,
    };
    let Some(members) = raw::members(lake, &landed.key, &head).await? else {
        return Ok(vec![Content::of(landed)]);
    };
    let content =
        |member: raw::Member| Content { key: member.raw_key, member: Some(member.name), bytes: None };
    Ok(members.into_iter().map(content).collect())
}
