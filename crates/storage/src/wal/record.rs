//! A record of the log: a delivery and where in the raw zone its bytes will lie, in one run of bytes with checksums.
//!
//! Little-endian: magic, CRC-32 of the rest of the header, CRC-32 of note and bytes, time, offset, number of the first item,
//! count of items, length of key, note and bytes; then these three.

use bytes::Bytes;

pub(super) const MAGIC: [u8; 4] = *b"CLW1";
/// Bytes of the header without the key.
pub(super) const HEADER: usize = 4 + 4 + 4 + 8 + 8 + 8 + 4 + 2 + 4 + 8;

/// A delivery in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The raw object that its bytes become a part of.
    pub key: String,
    /// Where they begin in it.
    pub offset: u64,
    /// When it was appended, in microseconds since 1970, UTC; never earlier than the record before it.
    pub at: i64,
    /// The number, in the raw object, of the first of its items; 1-based.
    pub first: u64,
    /// How many items there are.
    pub items: u32,
    /// What the appender wrote beside the bytes.
    pub note: Bytes,
    /// The bytes.
    pub bytes: Bytes,
}

/// What the head of a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    body_crc: u32,
    pub(super) at: i64,
    pub(super) offset: u64,
    pub(super) first: u64,
    pub(super) items: u32,
    pub(super) key_length: usize,
    pub(super) note_length: usize,
    pub(super) bytes_length: u64,
}

/// The checksum of what the appender gives; it is made off the thread that writes.
pub(super) fn body_crc(note: &[u8], bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(note);
    hasher.update(bytes);
    hasher.finalize()
}

/// Appends the head and key of a record; note and bytes follow.
pub(super) fn write_head(record: &Record, body_crc: u32, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&body_crc.to_le_bytes());
    out.extend_from_slice(&record.at.to_le_bytes());
    out.extend_from_slice(&record.offset.to_le_bytes());
    out.extend_from_slice(&record.first.to_le_bytes());
    out.extend_from_slice(&record.items.to_le_bytes());
    // Keys are made by this crate and are short.
    out.extend_from_slice(&(record.key.len() as u16).to_le_bytes());
    out.extend_from_slice(&(record.note.len() as u32).to_le_bytes());
    out.extend_from_slice(&(record.bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(record.key.as_bytes());
    let crc = crc32fast::hash(&out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

impl Head {
    /// Reads the fixed part; `None` if these bytes do not begin a record.
    pub(super) fn read(header: &[u8; HEADER]) -> Option<Self> {
        let mut at = 0;
        let mut take = |length: usize| {
            at += length;
            &header[at - length..at]
        };
        if take(4) != MAGIC {
            return None;
        }
        take(4);
        let head = Self {
            body_crc: u32::from_le_bytes(take(4).try_into().ok()?),
            at: i64::from_le_bytes(take(8).try_into().ok()?),
            offset: u64::from_le_bytes(take(8).try_into().ok()?),
            first: u64::from_le_bytes(take(8).try_into().ok()?),
            items: u32::from_le_bytes(take(4).try_into().ok()?),
            key_length: u16::from_le_bytes(take(2).try_into().ok()?).into(),
            note_length: u32::from_le_bytes(take(4).try_into().ok()?) as usize,
            bytes_length: u64::from_le_bytes(take(8).try_into().ok()?),
        };
        Some(head)
    }

    /// Bytes of the whole record; `None` if no record is that long.
    pub(super) fn length(&self) -> Option<u64> {
        ((HEADER + self.key_length + self.note_length) as u64).checked_add(self.bytes_length)
    }

    /// The key, if header and key are what was written.
    pub(super) fn key(&self, header: &[u8; HEADER], key: &[u8]) -> Option<String> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header[8..]);
        crc.update(key);
        let kept = u32::from_le_bytes(header[4..8].try_into().ok()?);
        (crc.finalize() == kept).then(|| String::from_utf8(key.to_vec()).ok())?
    }

    /// Whether note and bytes are what was written.
    pub(super) fn fits(&self, note: &[u8], bytes: &[u8]) -> bool {
        body_crc(note, bytes) == self.body_crc
    }
}
