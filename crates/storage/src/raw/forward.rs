//! Ranges of the raw zone one behind the other: an archive is decoded once, as long as nobody goes back.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;

use crate::{Lake, Result};

/// Reads ranges; in memory is the piece of an archive that was decoded last.
pub struct Forward {
    lake: Lake,
    member: Option<Member>,
    /// How often the decoding of a member was begun.
    #[cfg(test)]
    begun: u32,
}

/// A member of an archive, decoded up to the end of a piece.
struct Member {
    raw_key: Path,
    pieces: BoxStream<'static, Result<Bytes>>,
    /// Where the piece begins.
    position: u64,
    piece: Bytes,
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Forward").field("lake", &self.lake).finish_non_exhaustive()
    }
}

impl Forward {
    /// A reader that has read nothing yet.
    pub fn new(lake: &Lake) -> Self {
        Self {
            lake: lake.clone(),
            member: None,
            #[cfg(test)]
            begun: 0,
        }
    }

    /// Whether a range can be read without decoding again what lies before it.
    pub fn goes_on_to(&self, raw_key: &Path, start: u64) -> bool {
        self.member.as_ref().is_some_and(|member| member.raw_key == *raw_key && member.position <= start)
    }

    /// A range of the bytes at a raw key, as [`read_range`](super::read_range) gives it.
    pub async fn read(&mut self, raw_key: &Path, range: Range<u64>) -> Result<Bytes> {
        if super::object_of(raw_key).1.is_none() {
            return super::read_object(&self.lake, raw_key, range).await;
        }
        let goes_on = self.goes_on_to(raw_key, range.start);
        let mut member = match self.member.take().filter(|_| goes_on) {
            Some(member) => member,
            None => {
                #[cfg(test)]
                {
                    self.begun += 1;
                }
                let pieces = super::open(&self.lake, raw_key).await?;
                Member { raw_key: raw_key.clone(), pieces, position: 0, piece: Bytes::new() }
            }
        };
        let bytes = member.read(range).await?;
        self.member = Some(member);
        Ok(bytes)
    }
}

impl Member {
    async fn read(&mut self, range: Range<u64>) -> Result<Bytes> {
        let mut wanted = BytesMut::new();
        loop {
            let end = self.position + self.piece.len() as u64;
            let from = range.start.clamp(self.position, end) - self.position;
            let to = range.end.clamp(self.position, end) - self.position;
            let part = self.piece.slice(from as usize..to as usize);
            if range.end <= end && wanted.is_empty() {
                return Ok(part);
            }
            wanted.extend_from_slice(&part);
            if range.end <= end {
                return Ok(wanted.freeze());
            }
            // Behind the last piece there is nothing: the range is as long as there are bytes.
            let Some(next) = self.pieces.next().await.transpose()? else { return Ok(wanted.freeze()) };
            (self.position, self.piece) = (end, next);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::Location;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_archive_is_decoded_once_unless_one_goes_back() {
        let content: Vec<u8> = (0..700_000u32).flat_map(u32::to_le_bytes).collect();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&content).unwrap();
        let lake = Lake::at(Location::memory().unwrap());
        let object = crate::raw_key("one", &"0".repeat(64), "week.gz");
        lake.put_new(&object, packer.finish().unwrap().into()).await.unwrap();
        let key = Path::from(format!("{object}!week"));
        let mut reader = Forward::new(&lake);
        let length = content.len() as u64;
        let step = 99_991;
        for start in (0..length).step_by(step) {
            let range = start..length.min(start + step as u64);
            let read = reader.read(&key, range.clone()).await.unwrap();
            assert_eq!(read, content[range.start as usize..range.end as usize]);
        }
        assert_eq!(reader.begun, 1);
        assert_eq!(reader.read(&key, length - 3..length + 9).await.unwrap().len(), 3);
        assert_eq!(reader.begun, 1);
        assert_eq!(reader.read(&key, 5..2_500_000).await.unwrap(), content[5..2_500_000]);
        assert_eq!(reader.begun, 2);
        let missing = Path::from("raw/one/00/no.gz!no");
        assert!(reader.read(&missing, 0..1).await.is_err());
    }
}
