//! The one shape for all versions: segments, fields, datatypes and components as plain statics.

use super::packed::{self, CANONICAL, section, short, word};
use super::version::Version;

const SEGMENT_ROWS: &[u8] = section(CANONICAL, 0);
const DATATYPE_ROWS: &[u8] = section(CANONICAL, 1);
const SLOT_ROWS: &[u8] = section(CANONICAL, 2);
const ANCHOR_ROWS: &[u8] = section(CANONICAL, 3);
const REMAP_ROWS: &[u8] = section(CANONICAL, 4);
const MOVE_ROWS: &[u8] = section(CANONICAL, 5);

static SEGMENTS: [Segment; SEGMENT_ROWS.len() / 14] = decode_segments();
static DATATYPES: [Datatype; DATATYPE_ROWS.len() / 12] = decode_datatypes();
pub(super) static SLOTS: [Slot; SLOT_ROWS.len() / 12] = decode_slots();
static ANCHORS: [[u8; 3]; ANCHOR_ROWS.len() / 3] = decode_anchors();
static REMAPS: [Remap; REMAP_ROWS.len() / 5] = decode_remaps();
static MOVES: [Move; MOVE_ROWS.len() / 3] = decode_moves();
/// Number of a segment by [`bucket`], or [`NO_SEGMENT`].
static BUCKETS: [u8; 1 << BUCKET_BITS] = fill_buckets();

const BUCKET_BITS: u32 = 12;
const NO_SEGMENT: u8 = u8::MAX;
/// Chosen such that every segment has a bucket of its own.
const MULTIPLIER: u32 = word(section(CANONICAL, 6), 0);

const REPEATS: u8 = 1;
const KEEPS_FIRST_COMPONENT: u8 = 2;
const IS_REMAPPED: u8 = 4;
const IS_FIELD: u8 = 8;

/// A segment with its fields.
#[derive(Debug)]
pub struct Segment {
    id: [u8; 3],
    is_single: bool,
    key: u32,
    first_slot: u16,
    first_anchor: u16,
    slot_count: u8,
    anchor_count: u8,
    index: u8,
}

/// A named position: a field of a segment, or a component of a datatype.
#[derive(Debug)]
pub struct Slot {
    name: u32,
    table: u16,
    /// The first of its remaps, or else its companion.
    extra: u16,
    number: u8,
    datatype: u8,
    /// Number of the segment or datatype it belongs to.
    parent: u8,
    flags: u8,
}

/// A datatype with its components, if it has any.
#[derive(Debug)]
pub struct Datatype {
    code: u32,
    key: u32,
    first_slot: u16,
    slot_count: u8,
    index: u8,
    /// The datatype whose shape values take where a companion names this one.
    value_shape: u8,
    is_varies: bool,
}

/// Where a component of an older shape belongs in the canonical one. Numbers count from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Move {
    /// The component as sent.
    pub from_component: u8,
    /// The component it is now; 0 when there is none and its values go to `unmapped`.
    pub to_component: u8,
    /// The subcomponent it is now; 0 when the whole component moves as it is.
    pub to_subcomponent: u8,
}

/// The moves of one range of versions.
#[derive(Debug)]
struct Remap {
    versions: u8,
    is_last: bool,
    first_move: u16,
    move_count: u8,
}

/// Looks up a segment by its ID in upper case.
///
/// ```
/// let pid = hl7::dictionary::segment(*b"PID").unwrap();
/// assert_eq!(pid.field(5).unwrap().name(), "patient_name");
/// ```
#[inline]
pub fn segment(id: [u8; 3]) -> Option<&'static Segment> {
    let segment = SEGMENTS.get(BUCKETS[bucket(id)] as usize)?;
    (segment.id == id).then_some(segment)
}

/// All segments, by ID.
#[inline]
pub fn segments() -> &'static [Segment] {
    &SEGMENTS
}

/// All datatypes, by code.
#[inline]
pub fn datatypes() -> &'static [Datatype] {
    &DATATYPES
}

/// The datatype whose shape a value takes when a companion field (OBX-2 for OBX-5) names this code, in either
/// case: `CE`, `CF` and `CNE` values have the shape of `CWE`, a `TS` is a `DTM`, a `CN` an `XCN`, a `PN` an
/// `XPN`, an `AD` an `XAD` and a `CK` a `CX`, each of which begins with the components of the former.
pub fn datatype(code: &[u8]) -> Option<&'static Datatype> {
    Datatype::with_code(code).map(|datatype| &DATATYPES[datatype.value_shape as usize])
}

impl Segment {
    /// The ID, such as `PID`.
    #[inline]
    pub fn id(&self) -> [u8; 3] {
        self.id
    }

    /// The ID in lower case.
    #[inline]
    pub fn key(&self) -> &'static str {
        packed::name(self.key)
    }

    /// Position among [`segments`].
    #[inline]
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// The fields of all versions, in order and without gaps.
    #[inline]
    pub fn fields(&self) -> &'static [Slot] {
        slots(self.first_slot, self.slot_count)
    }

    /// A field by its number, from 1.
    #[inline]
    pub fn field(&self, number: usize) -> Option<&'static Slot> {
        self.fields().get(number.wrapping_sub(1))
    }

    /// Whether a message has at most one by nature, so that it is a struct and not a list in the tables.
    #[inline]
    pub fn is_single(&self) -> bool {
        self.is_single
    }

    /// IDs of the segments that one of these may hang on.
    #[inline]
    pub fn anchors(&self) -> &'static [[u8; 3]] {
        let first = self.first_anchor as usize;
        ANCHORS.get(first..first + self.anchor_count as usize).unwrap_or_default()
    }
}

impl Slot {
    /// The canonical name, in lower `snake_case`: unique within its segment or datatype, and an SQL identifier.
    #[inline]
    pub fn name(&self) -> &'static str {
        packed::name(self.name)
    }

    /// The canonical name's bytes and what follows them in the embedded names, and how long the name is: for
    /// copying it in one move.
    #[inline]
    pub(crate) fn name_and_beyond(&self) -> (&'static [u8], usize) {
        packed::name_and_beyond(self.name)
    }

    /// Field or component number, from 1.
    #[inline]
    pub fn number(&self) -> usize {
        self.number as usize
    }

    /// The datatype that the newest version to type the position gives it.
    #[inline]
    pub fn datatype(&self) -> &'static Datatype {
        &DATATYPES[self.datatype as usize]
    }

    /// Whether any version lets it repeat.
    #[inline]
    pub fn repeats(&self) -> bool {
        self.flags & REPEATS != 0
    }

    /// Number of the code table; 0 when there is none.
    #[inline]
    pub fn table(&self) -> u16 {
        self.table
    }

    /// For a field of varying type the number of the field that names the datatype (2 for OBX-5), else 0.
    #[inline]
    pub fn companion(&self) -> usize {
        if self.is_remapped() { 0 } else { self.extra as usize }
    }

    /// Whether the datatype is primitive now but some version had a composite here: component 1 is the value
    /// and the others have no place any more. False for what always was primitive.
    #[inline]
    pub fn keeps_first_component(&self) -> bool {
        self.flags & KEEPS_FIRST_COMPONENT != 0
    }

    /// Whether components of some version's shape have another place in the canonical one.
    #[inline]
    pub fn is_remapped(&self) -> bool {
        self.flags & IS_REMAPPED != 0
    }

    /// Where the components that a version had here belong now; `None` when all stay where they are.
    pub fn remap(&self, version: Version) -> Option<&'static [Move]> {
        if !self.is_remapped() {
            return None;
        }
        let remaps = REMAPS.get(self.extra as usize..)?;
        let own = remaps.iter().position(|remap| remap.is_last).map_or(0, |last| last + 1);
        let remap = remaps.iter().take(own).find(|remap| packed::holds(remap.versions, version))?;
        MOVES.get(remap.first_move as usize..)?.get(..remap.move_count as usize)
    }

    pub(super) fn is_field(&self) -> bool {
        self.flags & IS_FIELD != 0
    }

    /// Position among all slots.
    pub(super) fn index(&self) -> usize {
        let first = if self.is_field() {
            SEGMENTS[self.parent as usize].first_slot
        } else {
            DATATYPES[self.parent as usize].first_slot
        };
        first as usize + self.number as usize - 1
    }
}

impl Datatype {
    /// The code, such as `CX`.
    #[inline]
    pub fn code(&self) -> &'static str {
        packed::name(self.code)
    }

    /// The code in lower case.
    #[inline]
    pub fn key(&self) -> &'static str {
        packed::name(self.key)
    }

    /// Position among [`datatypes`].
    #[inline]
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Whether it has no components. A varying type is not primitive.
    #[inline]
    pub fn is_primitive(&self) -> bool {
        self.slot_count == 0 && !self.is_varies
    }

    /// Whether a companion field names the type of each value.
    #[inline]
    pub fn is_varies(&self) -> bool {
        self.is_varies
    }

    /// The components of all versions, in order and without gaps.
    #[inline]
    pub fn components(&self) -> &'static [Slot] {
        slots(self.first_slot, self.slot_count)
    }

    /// A component by its number, from 1.
    #[inline]
    pub fn component(&self, number: usize) -> Option<&'static Slot> {
        self.components().get(number.wrapping_sub(1))
    }

    pub(super) fn with_code(code: &[u8]) -> Option<&'static Self> {
        DATATYPES.iter().find(|datatype| datatype.code().as_bytes().eq_ignore_ascii_case(code))
    }
}

#[inline]
fn slots(first: u16, count: u8) -> &'static [Slot] {
    SLOTS.get(first as usize..first as usize + count as usize).unwrap_or_default()
}

/// The upper bits of a product.
#[inline]
const fn bucket(id: [u8; 3]) -> usize {
    (u32::from_le_bytes([id[0], id[1], id[2], 0]).wrapping_mul(MULTIPLIER) >> (32 - BUCKET_BITS)) as usize
}

const SEGMENT_COUNT: usize = SEGMENT_ROWS.len() / 14;

const fn fill_buckets() -> [u8; 1 << BUCKET_BITS] {
    let mut buckets = [NO_SEGMENT; 1 << BUCKET_BITS];
    let mut at = 0;
    while at < SEGMENT_COUNT {
        let row = 14 * at;
        let bucket = bucket([SEGMENT_ROWS[row], SEGMENT_ROWS[row + 1], SEGMENT_ROWS[row + 2]]);
        assert!(buckets[bucket] == NO_SEGMENT);
        buckets[bucket] = at as u8;
        at += 1;
    }
    buckets
}

const fn decode_segments() -> [Segment; SEGMENT_COUNT] {
    let mut segments = [const {
        Segment {
            id: [0; 3],
            is_single: false,
            key: 0,
            first_slot: 0,
            first_anchor: 0,
            slot_count: 0,
            anchor_count: 0,
            index: 0,
        }
    }; SEGMENT_COUNT];
    let mut at = 0;
    while at < SEGMENT_COUNT {
        let row = 14 * at;
        segments[at] = Segment {
            id: [SEGMENT_ROWS[row], SEGMENT_ROWS[row + 1], SEGMENT_ROWS[row + 2]],
            is_single: SEGMENT_ROWS[row + 3] != 0,
            key: word(SEGMENT_ROWS, row + 4),
            first_slot: short(SEGMENT_ROWS, row + 8),
            slot_count: SEGMENT_ROWS[row + 10],
            anchor_count: SEGMENT_ROWS[row + 11],
            first_anchor: short(SEGMENT_ROWS, row + 12),
            index: at as u8,
        };
        at += 1;
    }
    segments
}

const fn decode_datatypes() -> [Datatype; DATATYPE_ROWS.len() / 12] {
    let mut datatypes = [const {
        Datatype { code: 0, key: 0, first_slot: 0, slot_count: 0, index: 0, value_shape: 0, is_varies: false }
    }; DATATYPE_ROWS.len() / 12];
    let mut at = 0;
    while at < datatypes.len() {
        let row = 12 * at;
        let (code, key) = (word(DATATYPE_ROWS, row), word(DATATYPE_ROWS, row + 4));
        datatypes[at] = Datatype {
            code,
            key,
            first_slot: short(DATATYPE_ROWS, row + 8),
            slot_count: DATATYPE_ROWS[row + 10],
            index: at as u8,
            value_shape: DATATYPE_ROWS[row + 11],
            // The only code that is written in lower case.
            is_varies: code == key,
        };
        at += 1;
    }
    datatypes
}

const fn decode_slots() -> [Slot; SLOT_ROWS.len() / 12] {
    let mut slots = [const { Slot { name: 0, table: 0, extra: 0, number: 0, datatype: 0, parent: 0, flags: 0 } };
        SLOT_ROWS.len() / 12];
    let mut at = 0;
    while at < slots.len() {
        let row = 12 * at;
        slots[at] = Slot {
            name: word(SLOT_ROWS, row),
            table: short(SLOT_ROWS, row + 4),
            extra: short(SLOT_ROWS, row + 6),
            number: SLOT_ROWS[row + 8],
            datatype: SLOT_ROWS[row + 9],
            parent: SLOT_ROWS[row + 10],
            flags: SLOT_ROWS[row + 11],
        };
        at += 1;
    }
    slots
}

const fn decode_anchors() -> [[u8; 3]; ANCHOR_ROWS.len() / 3] {
    let mut anchors = [[0; 3]; ANCHOR_ROWS.len() / 3];
    let mut at = 0;
    while at < anchors.len() {
        anchors[at] = [ANCHOR_ROWS[3 * at], ANCHOR_ROWS[3 * at + 1], ANCHOR_ROWS[3 * at + 2]];
        at += 1;
    }
    anchors
}

const fn decode_remaps() -> [Remap; REMAP_ROWS.len() / 5] {
    let mut remaps =
        [const { Remap { versions: 0, is_last: false, first_move: 0, move_count: 0 } }; REMAP_ROWS.len() / 5];
    let mut at = 0;
    while at < remaps.len() {
        remaps[at] = Remap {
            versions: REMAP_ROWS[5 * at],
            is_last: REMAP_ROWS[5 * at + 1] != 0,
            first_move: short(REMAP_ROWS, 5 * at + 2),
            move_count: REMAP_ROWS[5 * at + 4],
        };
        at += 1;
    }
    remaps
}

const fn decode_moves() -> [Move; MOVE_ROWS.len() / 3] {
    let mut moves = [Move { from_component: 0, to_component: 0, to_subcomponent: 0 }; MOVE_ROWS.len() / 3];
    let mut at = 0;
    while at < moves.len() {
        moves[at] = Move {
            from_component: MOVE_ROWS[3 * at],
            to_component: MOVE_ROWS[3 * at + 1],
            to_subcomponent: MOVE_ROWS[3 * at + 2],
        };
        at += 1;
    }
    moves
}
