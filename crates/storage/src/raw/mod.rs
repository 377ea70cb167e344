//! The bytes of the raw zone, those inside of archives too.
//!
//! An archive lies in the raw zone as it was received. What is in it is addressed by the archive's key, a `!` and
//! the member: `raw/lab/ab/ab12…-week.zip!monday.hl7`; offsets are those of the decoded bytes. No other raw key has
//! a `!` in it.

mod archive;
mod forward;
mod reader;

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;

use crate::{Lake, Result, live_segment};
use archive::Packing;
pub use forward::Forward;

const MARK: char = '!';
/// Bytes of a long range that are fetched at once.
const PIECE: u64 = 1 << 20;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The raw key of its decoded bytes.
    pub raw_key: Path,
    /// What the archive calls it.
    pub name: String,
}

/// Bytes that tell whether an object is an archive.
pub const HEAD: u64 = 8;

/// The members of an object that begins with these bytes; `None` if it is no archive.
///
/// # Errors
/// [`Error::Archive`](crate::Error::Archive) when it begins like an archive and its list of members cannot be read.
pub async fn members(lake: &Lake, object: &Path, head: &[u8]) -> Result<Option<Vec<Member>>> {
    let Some(packing) = Packing::of(head) else { return Ok(None) };
    let members = archive::members(lake, object, packing).await?.into_iter();
    let member = |(short, name): (String, String)| Member {
        raw_key: Path::from(format!("{object}{MARK}{short}")),
        name,
    };
    Ok(Some(members.map(member).collect()))
}

/// The object of a raw key, and the member in it.
pub fn object_of(raw_key: &Path) -> (Path, Option<&str>) {
    match raw_key.as_ref().split_once(MARK) {
        Some((object, member)) => (Path::from(object), Some(member)),
        None => (raw_key.clone(), None),
    }
}

/// The bytes at a raw key from the first to the last, decoded if they are a member of an archive.
pub async fn open(lake: &Lake, raw_key: &Path) -> Result<BoxStream<'static, Result<Bytes>>> {
    match object_of(raw_key) {
        (object, Some(member)) => archive::open(lake, &object, member).await,
        (object, None) => lake.read_chunks(&object).await,
    }
}

/// A range of the bytes at a raw key. Of a member, all before it is decoded too.
pub async fn read_range(lake: &Lake, raw_key: &Path, range: Range<u64>) -> Result<Bytes> {
    if object_of(raw_key).1.is_none() {
        return read_object(lake, raw_key, range).await;
    }
    let mut wanted = BytesMut::new();
    let mut pieces = range_pieces(lake, raw_key, range).await?;
    while let Some(piece) = pieces.try_next().await? {
        wanted.extend_from_slice(&piece);
    }
    Ok(wanted.freeze())
}

/// A range of an object; of one that is not sealed yet, from the write-ahead log.
async fn read_object(lake: &Lake, raw_key: &Path, range: Range<u64>) -> Result<Bytes> {
    let error = match lake.read_range(raw_key, range.clone()).await {
        Err(error) if error.is_not_found() && live_segment(raw_key).is_some() => error,
        read => return read,
    };
    match lake.read_unsealed(raw_key, range.clone()).await {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(error),
        // Sealed between the two looks.
        Err(gone) if gone.is_not_found() => lake.read_range(raw_key, range).await,
        Err(error) => Err(error),
    }
}

/// Whether there are bytes at a raw key, be it in the write-ahead log.
pub async fn exists(lake: &Lake, object: &Path) -> Result<bool> {
    if lake.exists(object).await? {
        return Ok(true);
    }
    if live_segment(object).is_none() {
        return Ok(false);
    }
    match lake.read_unsealed(object, 0..1).await {
        Ok(found) => Ok(found.is_some()),
        Err(error) if error.is_not_found() => lake.exists(object).await,
        Err(error) => Err(error),
    }
}

/// A range of the bytes at a raw key, piece by piece.
pub async fn range_pieces(
    lake: &Lake,
    raw_key: &Path,
    range: Range<u64>,
) -> Result<BoxStream<'static, Result<Bytes>>> {
    if object_of(raw_key).1.is_none() {
        let end = match lake.size(raw_key).await {
            Ok(size) => range.end.min(size),
            // What is in the log is read by ranges that are there.
            Err(error) if error.is_not_found() && live_segment(raw_key).is_some() => range.end,
            Err(error) => return Err(error),
        };
        let (lake, key) = (lake.clone(), raw_key.clone());
        let pieces = stream::try_unfold(range.start, move |position| {
            let (lake, key) = (lake.clone(), key.clone());
            async move {
                if position >= end {
                    return Ok(None);
                }
                let next = end.min(position.saturating_add(PIECE));
                Ok(Some((read_object(&lake, &key, position..next).await?, next)))
            }
        });
        return Ok(pieces.boxed());
    }
    let chunks = open(lake, raw_key).await?;
    let pieces = stream::try_unfold((chunks, 0), move |(mut chunks, position)| {
        let range = range.clone();
        async move {
            if position >= range.end {
                return Ok(None);
            }
            let Some(chunk) = chunks.try_next().await? else { return Ok(None) };
            let length = chunk.len() as u64;
            let (start, end) = (
                range.start.clamp(position, position + length),
                range.end.clamp(position, position + length),
            );
            let piece = chunk.slice((start - position) as usize..(end - position) as usize);
            Ok(Some((piece, (chunks, position + length))))
        }
    });
    Ok(pieces.boxed())
}
