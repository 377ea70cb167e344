//! What each version says of a position itself: strict validation and the standard's own names need it.

use super::packed::{self, DEFINITIONS, entry, section, short, word};
use super::shape::{Datatype, Segment, Slot, datatypes};
use super::version::Version;

static STARTS: &[u8] = section(DEFINITIONS, 0);
static ROWS: &[u8] = section(DEFINITIONS, 1);
static ROW_NAMES: &[u8] = section(DEFINITIONS, 2);
/// Profile and code table.
static USES: &[u8] = section(DEFINITIONS, 3);
static PROFILES: &[u8] = section(DEFINITIONS, 4);
static FURTHER_NAMES: &[u8] = section(DEFINITIONS, 5);

/// Every how many slots it is said where the rows start.
const SLOTS_PER_START: usize = 4;
const SAME_DATATYPE: u8 = 0x10;
const SAME_NAME: u8 = 0x20;
const SAME_USE: u8 = 0x40;
const IS_LAST: u8 = 0x80;
const IS_GAP: u8 = SAME_DATATYPE | SAME_NAME | SAME_USE;

/// A field or component as one version defines it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Definition {
    /// The long name in `UPPER_SNAKE` case.
    pub name: &'static str,
    /// That version's datatype code.
    pub datatype: &'static str,
    /// Whether it must or may be valued.
    pub optionality: Optionality,
    /// Least number of repetitions.
    pub min: u16,
    /// Greatest number of repetitions; `u16::MAX` is unbounded, 0 is withdrawn.
    pub max: u16,
    /// Least and greatest length in characters, where the version states one.
    pub length: Option<(u32, u32)>,
    /// Number of the code table; 0 when there is none.
    pub table: u16,
}

/// Whether a position must be valued: chapter 2, "Optionality".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Optionality {
    /// R: must be valued.
    Required,
    /// RE: required, but may be empty.
    RequiredOrEmpty,
    /// O: may be valued.
    Optional,
    /// C: depends on other values.
    Conditional,
    /// B: kept for backward compatibility.
    Backward,
    /// W: withdrawn.
    Withdrawn,
}

/// What a version says of a field, by its number from 1; `None` when the version does not have it.
pub fn field_in(version: Version, segment: &Segment, number: usize) -> Option<Definition> {
    definition(segment.field(number)?, version)
}

/// What a version says of a component of a datatype, by its code and the number from 1; `None` when the version
/// does not have it.
pub fn component_in(version: Version, datatype_code: &str, number: usize) -> Option<Definition> {
    let datatype = Datatype::with_code(datatype_code.as_bytes())?;
    definition(datatype.component(number)?, version)
}

fn definition(slot: &Slot, version: Version) -> Option<Definition> {
    row_in(slot, version)?.definition()
}

/// The datatype codes and long names that the versions have given a position.
pub(super) fn history(slot: &Slot) -> impl Iterator<Item = (&'static Datatype, &'static str)> {
    Rows::of(slot).filter_map(|row| Some((datatypes().get(row.datatype as usize)?, row.name()?)))
}

/// Names of a position besides those of its definitions, in lower case.
pub(super) fn further_names(slot: &Slot) -> impl Iterator<Item = &'static str> {
    const WIDTH: usize = 6;
    let slot = slot.index();
    let index_of =
        |row: usize| entry::<WIDTH>(FURTHER_NAMES, row).map_or(usize::MAX, |row| short(row, 0).into());
    let count = FURTHER_NAMES.len() / WIDTH;
    // The rows are in the order of the slots.
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = (low + high) / 2;
        if index_of(middle) < slot { low = middle + 1 } else { high = middle }
    }
    (low..count)
        .take_while(move |row| index_of(*row) == slot)
        .filter_map(|row| entry::<WIDTH>(FURTHER_NAMES, row).map(|row| packed::name(word(row, 2))))
}

/// The runs of versions that say the same of one position. A run takes one byte, flags and its last version,
/// and what differs from the run before; of a gap everything is the same.
struct Rows {
    at: usize,
    /// The first version after the run before.
    next: u8,
    row: Row,
    is_done: bool,
}

#[derive(Clone, Copy, Default)]
struct Row {
    first: u8,
    last: u8,
    datatype: u8,
    name: u16,
    /// Number among [`USES`].
    usage: u16,
}

impl Rows {
    fn of(slot: &Slot) -> Self {
        let index = slot.index();
        let start = entry::<2>(STARTS, index / SLOTS_PER_START)
            .map_or(usize::MAX - 1, |start| short(start, 0).into());
        let mut rows = Self::at(start);
        for _ in 0..index % SLOTS_PER_START {
            while rows.next().is_some() {}
            rows = Self::at(rows.at);
        }
        rows
    }

    fn at(start: usize) -> Self {
        let first = ROWS.get(start).copied();
        Self { at: start + 1, next: first.unwrap_or(0), row: Row::default(), is_done: first.is_none() }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = ROWS.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.is_done {
            return None;
        }
        let mut head = self.byte()?;
        if head & IS_GAP == IS_GAP {
            self.next = (head & 0xF) + 1;
            head = self.byte()?;
        }
        self.row.first = self.next;
        self.row.last = head & 0xF;
        self.next = self.row.last + 1;
        if head & SAME_DATATYPE == 0 {
            self.row.datatype = self.byte()?;
        }
        if head & SAME_NAME == 0 {
            self.row.name = self.short()?;
        }
        if head & SAME_USE == 0 {
            self.row.usage = self.short()?;
        }
        self.is_done = head & IS_LAST != 0;
        Some(self.row)
    }
}

impl Row {
    fn name(self) -> Option<&'static str> {
        entry::<4>(ROW_NAMES, self.name.into()).map(|place| packed::name(word(place, 0)))
    }

    fn definition(self) -> Option<Definition> {
        let usage = entry::<4>(USES, self.usage.into())?;
        let profile = entry::<10>(PROFILES, short(usage, 0).into())?;
        let (low, high) = (short(profile, 4).into(), word(profile, 6));
        Some(Definition {
            name: self.name()?,
            datatype: datatypes().get(self.datatype as usize)?.code(),
            optionality: Optionality::of(profile[0]),
            min: profile[1].into(),
            max: short(profile, 2),
            length: (low <= high).then_some((low, high)),
            table: short(usage, 2),
        })
    }
}

impl Optionality {
    fn of(code: u8) -> Self {
        match code {
            b'R' => Self::Required,
            b'E' => Self::RequiredOrEmpty,
            b'C' => Self::Conditional,
            b'B' => Self::Backward,
            b'W' => Self::Withdrawn,
            _ => Self::Optional,
        }
    }
}

/// The datatype that a version gave a position.
pub(super) fn datatype_in(slot: &Slot, version: Version) -> Option<&'static Datatype> {
    datatypes().get(row_in(slot, version)?.datatype as usize)
}

fn row_in(slot: &Slot, version: Version) -> Option<Row> {
    Rows::of(slot).find(|row| (row.first..=row.last).contains(&(version as u8)))
}
