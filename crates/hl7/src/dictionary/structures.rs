//! Message structures of every version, and which one a trigger event means.

use super::packed::{self, STRUCTURES, entry, section, short, word};
use super::shape::segments;
use super::version::Version;

static STRUCTURE_ROWS: &[u8] = section(STRUCTURES, 0);
static RANGES: &[u8] = section(STRUCTURES, 1);
static PARTS: &[u8] = section(STRUCTURES, 2);
static KINDS: &[u8] = section(STRUCTURES, 3);
static TIMES: &[u8] = section(STRUCTURES, 4);
static GROUPS: &[u8] = section(STRUCTURES, 5);
static EVENTS: &[u8] = section(STRUCTURES, 6);

const STRUCTURE_WIDTH: usize = 7;
const EVENT_WIDTH: usize = 9;
const REPEATS_IN_ANY_VERSION: u8 = 4;

/// A message structure as one version has it: a list in pre-order of segments, groups and choices.
#[derive(Clone, Copy, Debug)]
pub struct Structure {
    name: u32,
    first_part: u16,
    part_count: u16,
}

/// One part of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    kind: PartKind,
    min: u16,
    max: u16,
    repeats_in_any_version: bool,
    end: usize,
}

/// What a part is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartKind {
    /// A segment with its ID.
    Segment([u8; 3]),
    /// A group with its name, such as `ORU_R01_PATIENT_RESULT`, of the parts up to [`Part::end`].
    Group(&'static str),
    /// One of the parts up to [`Part::end`].
    Choice,
}

/// The structure of a name, such as `ADT_A01`, in a version; where the version does not have it, as the nearest
/// version that does (the newer of two) has it.
pub fn structure(name: &[u8], version: Version) -> Option<Structure> {
    let row = find_structure(name)?;
    let first = short(row, 4) as usize;
    let ranges = (first..first + row[6] as usize).filter_map(|range| entry::<5>(RANGES, range));
    let nearest = ranges.min_by_key(|range| distance(range[0], version))?;
    Some(Structure { name: word(row, 0), first_part: short(nearest, 1), part_count: short(nearest, 3) })
}

/// Whether a version itself has the structure of a name.
pub fn has_structure(name: &[u8], version: Version) -> bool {
    find_structure(name).is_some_and(|row| {
        let first = short(row, 4) as usize;
        (first..first + row[6] as usize)
            .filter_map(|range| entry::<5>(RANGES, range))
            .any(|range| distance(range[0], version) == 0)
    })
}

/// The name of the structure that a message code and a trigger event, such as `ADT` and `A08`, mean in a version;
/// where the version does not have the event, in the nearest version that does (the newer of two).
pub fn structure_for_event(
    message_code: &[u8],
    trigger_event: &[u8],
    version: Version,
) -> Option<&'static str> {
    let key: [u8; 6] = [message_code, trigger_event].concat().try_into().ok()?;
    let count = EVENTS.len() / EVENT_WIDTH;
    let is_before =
        |row: usize| entry::<6>(&EVENTS[row * EVENT_WIDTH..], 0).is_some_and(|found| *found < key);
    let first = partition_point(count, is_before);
    let rows =
        (first..count).filter_map(|row| entry::<EVENT_WIDTH>(EVENTS, row)).take_while(|row| row[..6] == key);
    let nearest = rows.min_by_key(|row| distance(row[6], version))?;
    let row = entry::<STRUCTURE_WIDTH>(STRUCTURE_ROWS, short(nearest, 7).into())?;
    Some(packed::name(word(row, 0)))
}

/// The names of all structures, in order.
pub fn structure_names() -> impl Iterator<Item = &'static str> {
    STRUCTURE_ROWS.chunks_exact(STRUCTURE_WIDTH).map(|row| packed::name(word(row, 0)))
}

fn find_structure(name: &[u8]) -> Option<&'static [u8; STRUCTURE_WIDTH]> {
    let count = STRUCTURE_ROWS.len() / STRUCTURE_WIDTH;
    let row = |number: usize| entry::<STRUCTURE_WIDTH>(STRUCTURE_ROWS, number);
    let name_of = |row: &[u8; STRUCTURE_WIDTH]| packed::name(word(row, 0)).as_bytes();
    let found = row(partition_point(count, |number| row(number).is_some_and(|row| name_of(row) < name)))?;
    (name_of(found) == name).then_some(found)
}

/// The first number, below a count, of which something does not hold any more.
fn partition_point(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = (low + high) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// How far a range of versions is from a version, in versions; of two as far, the newer one is nearer.
fn distance(range: u8, version: Version) -> u8 {
    let (first, last, version) = (range >> 4, range & 0xF, version as u8);
    if version < first { 2 * (first - version) - 1 } else { 2 * version.saturating_sub(last) }
}

impl Structure {
    /// The name, such as `ORU_R01`.
    pub fn name(&self) -> &'static str {
        packed::name(self.name)
    }

    /// How many parts it has, those within groups included.
    #[inline]
    pub fn len(&self) -> usize {
        self.part_count.into()
    }

    /// Whether it has no parts; none is.
    pub fn is_empty(&self) -> bool {
        self.part_count == 0
    }

    /// A part by its position, from 0. Positions beyond the last give the last.
    #[inline]
    pub fn part(&self, index: usize) -> Part {
        let last = usize::from(self.part_count).saturating_sub(1);
        let kind = entry::<2>(PARTS, usize::from(self.first_part) + index.min(last)).unwrap_or(&[0; 2]);
        let row = entry::<4>(KINDS, short(kind, 0).into()).unwrap_or(&[0; 4]);
        let times = entry::<4>(TIMES, (row[0] >> 3).into()).unwrap_or(&[0; 4]);
        let reference = usize::from(short(row, 1));
        let kind = match row[0] & 3 {
            0 => PartKind::Segment(segments().get(reference).map_or([0; 3], |segment| segment.id())),
            1 => PartKind::Group(
                entry::<4>(GROUPS, reference).map_or("", |place| packed::name(word(place, 0))),
            ),
            _ => PartKind::Choice,
        };
        Part {
            kind,
            min: short(times, 0),
            max: short(times, 2),
            repeats_in_any_version: row[0] & REPEATS_IN_ANY_VERSION != 0,
            end: index + usize::from(row[3]),
        }
    }

    /// All parts, in pre-order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = Part> + use<> {
        let structure = *self;
        (0..self.len()).map(move |index| structure.part(index))
    }
}

impl Part {
    /// What it is.
    #[inline]
    pub fn kind(&self) -> PartKind {
        self.kind
    }

    /// How often it must stand there.
    #[inline]
    pub fn min(&self) -> u16 {
        self.min
    }

    /// How often it may stand there; `u16::MAX` is unbounded.
    #[inline]
    pub fn max(&self) -> u16 {
        self.max
    }

    /// Whether it may stand there more than once.
    #[inline]
    pub fn repeats(&self) -> bool {
        self.max > 1
    }

    /// Whether any version of the structure lets it stand there more than once.
    #[inline]
    pub fn repeats_in_any_version(&self) -> bool {
        self.repeats_in_any_version
    }

    /// Position in the structure just past its last descendant.
    #[inline]
    pub fn end(&self) -> usize {
        self.end
    }
}
