//! The embedded files and how to read them, at compile time and after.
//!
//! A file is a row of `u32` offsets, one for each section and one for the end, and then the sections; numbers
//! are little-endian. A place in [`NAMES`] is an offset in the upper 24 bits of a `u32` and a length in the
//! lower 8.

pub(super) static NAMES: &str = include_str!("packed/names.txt");
pub(super) const CANONICAL: &[u8] = include_bytes!("packed/canonical.bin");
pub(super) static DEFINITIONS: &[u8] = include_bytes!("packed/definitions.bin");
pub(super) static STRUCTURES: &[u8] = include_bytes!("packed/structures.bin");
pub(super) static CODES: &[u8] = include_bytes!("packed/codes.bin");
pub(super) static DISPLAYS: &[u8] = include_bytes!("packed/displays.bin");

/// The name at a place; empty for a place outside, which no packed file has.
#[inline]
pub(super) fn name(place: u32) -> &'static str {
    let start = (place >> 8) as usize;
    NAMES.get(start..start + (place & 0xFF) as usize).unwrap_or_default()
}

/// The bytes of the name at a place together with all that follows, and the length of the name.
#[inline]
pub(super) fn name_and_beyond(place: u32) -> (&'static [u8], usize) {
    let beyond = NAMES.as_bytes().get((place >> 8) as usize..).unwrap_or_default();
    (beyond, beyond.len().min((place & 0xFF) as usize))
}

/// A section of a file, from 0.
pub(super) const fn section(file: &'static [u8], number: usize) -> &'static [u8] {
    let start = word(file, 4 * number) as usize;
    let end = word(file, 4 * number + 4) as usize;
    file.split_at(end).0.split_at(start).1
}

#[inline]
pub(super) const fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

#[inline]
pub(super) const fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The entry of a section that consists of entries of `WIDTH` bytes.
#[inline]
pub(super) fn entry<const WIDTH: usize>(
    section: &'static [u8],
    number: usize,
) -> Option<&'static [u8; WIDTH]> {
    section.get(number * WIDTH..)?.first_chunk()
}

/// Whether a range of versions, first in the upper four bits and last in the lower four, holds a version.
#[inline]
pub(super) fn holds(range: u8, version: super::Version) -> bool {
    (range >> 4..=range & 0xF).contains(&(version as u8))
}
