//! Archives: what is in them, and its bytes, decoded while they are read.
//!
//! What an archive is shows from its first bytes, whatever it is called. A member that is packed once more, such
//! as a `.gz` in a `.zip`, is unpacked as well.

use std::collections::HashSet;
use std::io::{self, Read};

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use tokio::sync::mpsc;
use zip::ZipArchive;

use super::reader::ObjectReader;
use crate::{Error, Lake, Result, plain};

/// Bytes decoded at once.
const CHUNK: usize = 1 << 20;

/// How bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Zip,
}

impl Packing {
    /// What bytes that begin like this are packed as.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ => None,
        }
    }
}

/// The members: each by its name in keys, and as the archive calls it.
pub(super) async fn members(lake: &Lake, object: &Path, packing: Packing) -> Result<Vec<(String, String)>> {
    if packing != Packing::Zip {
        let name = name_inside(object);
        return Ok(vec![(name.clone(), name)]);
    }
    let reader = ObjectReader::open(lake, object).await?;
    let key = object.clone();
    tokio::task::spawn_blocking(move || {
        let archive = ZipArchive::new(reader).map_err(|error| damaged(&key, error.to_string()))?;
        Ok(names(&archive).into_iter().map(|(key_name, name, _)| (key_name, name)).collect())
    })
    .await
    .map_err(|_| Error::Interrupted)?
}

/// The decoded bytes of a member.
pub(super) async fn open(
    lake: &Lake,
    object: &Path,
    member: &str,
) -> Result<BoxStream<'static, Result<Bytes>>> {
    let reader = ObjectReader::open(lake, object).await?;
    let (sender, receiver) = mpsc::channel(2);
    let (key, member) = (object.clone(), member.to_owned());
    let decoding = tokio::task::spawn_blocking(move || {
        decode(reader, &member, &sender).map_err(|error| damaged(&key, error.to_string()))
    });
    let chunks = stream::unfold(receiver, async |mut receiver| Some((Ok(receiver.recv().await?), receiver)));
    // When the decoder has nothing more to give it has come to the end, or to the damage.
    let end = decoding.map(|ended| match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Err(error)),
        Err(_) => Some(Err(Error::Interrupted)),
    });
    Ok(chunks.chain(stream::once(end).filter_map(futures::future::ready)).boxed())
}

fn decode(mut reader: ObjectReader, member: &str, chunks: &mpsc::Sender<Bytes>) -> io::Result<()> {
    let mut head = [0; 4];
    reader.read_exact(&mut head)?;
    io::Seek::rewind(&mut reader)?;
    match Packing::of(&head) {
        Some(Packing::Zip) => {
            let mut archive = ZipArchive::new(reader).map_err(io::Error::other)?;
            let found = names(&archive).into_iter().find(|(name, ..)| name == member);
            let (_, _, index) = found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
            let file = archive.by_index(index).map_err(io::Error::other)?;
            send(unpacked(file)?, chunks)
        }
        _ => send(unpacked(reader)?, chunks),
    }
}

/// The bytes, decoded if they are packed by themselves.
fn unpacked<'r>(mut packed: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut head = Vec::new();
    packed.by_ref().take(4).read_to_end(&mut head)?;
    let packing = Packing::of(&head);
    let all = io::Cursor::new(head).chain(packed);
    Ok(match packing {
        Some(Packing::Gzip) => Box::new(flate2::read::MultiGzDecoder::new(all)),
        Some(Packing::Zstd) => Box::new(zstd::stream::read::Decoder::new(all)?),
        // An archive in an archive is told as bytes without a message.
        Some(Packing::Zip) | None => Box::new(all),
    })
}

/// Sends everything up to the end or to the first damage.
fn send(mut decoded: impl Read, chunks: &mpsc::Sender<Bytes>) -> io::Result<()> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = decoded.by_ref().take(CHUNK as u64).read_to_end(&mut chunk);
        let is_last = chunk.is_empty();
        if !is_last && chunks.blocking_send(chunk.into()).is_err() {
            // Nobody wants more.
            return Ok(());
        }
        read?;
        if is_last {
            return Ok(());
        }
    }
}

/// The files of a zip archive: name in keys, name in the archive, position.
///
/// The name in keys is that of the file where it can be one and no other has it; else it begins with the position.
fn names(archive: &ZipArchive<ObjectReader>) -> Vec<(String, String, usize)> {
    let mut taken = HashSet::new();
    let files =
        (0..archive.len()).filter_map(|index| archive.name_for_index(index).map(|name| (index, name)));
    files
        .filter(|(_, name)| !name.ends_with('/'))
        .map(|(index, name)| {
            let short = plain(name);
            let key_name =
                if short == name && !taken.contains(&short) { short } else { format!("{index}-{short}") };
            taken.insert(key_name.clone());
            (key_name, name.to_owned(), index)
        })
        .collect()
}

/// What the one member of a `.gz` or `.zst` is called: its own name without the ending, and without the hash in
/// front of it.
fn name_inside(object: &Path) -> String {
    let name = object.filename().unwrap_or_default();
    let name = name.split_once('-').map_or(name, |(_, name)| name);
    let lower = name.to_ascii_lowercase();
    let ending = [".gz", ".zst", ".zstd"].iter().find(|ending| lower.ends_with(**ending));
    match ending.map(|ending| &name[..name.len() - ending.len()]) {
        Some(inside) if !inside.is_empty() => inside.to_owned(),
        _ => "content".to_owned(),
    }
}

fn damaged(object: &Path, reason: String) -> Error {
    Error::Archive { key: object.to_string(), reason }
}
