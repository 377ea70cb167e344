//! One version of the standard laid out for validation: every field and component by its number.
//!
//! The dictionary keeps the versions' definitions packed; unpacking them anew for every value would be most of
//! the work, so they are laid out once for each version that is met.

use crate::dictionary::{self, Datatype, Definition, Segment, Table, Version};

/// The positions of all segments and datatypes of one version.
#[derive(Debug)]
pub(super) struct Edition {
    segments: Vec<Box<[Option<Position>]>>,
    datatypes: Vec<Box<[Option<Position>]>>,
}

/// A field or component as the version defines it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) definition: Definition,
    pub(super) datatype: &'static Datatype,
    /// The table to which a value must belong.
    pub(super) table: Option<Table>,
}

impl Edition {
    pub(super) fn new(version: Version) -> Self {
        let fields = |segment: &Segment| {
            let numbers = 1..=segment.fields().len();
            numbers.map(|number| Position::of(dictionary::field_in(version, segment, number)?)).collect()
        };
        let components = |datatype: &Datatype| {
            let numbers = 1..=datatype.components().len();
            numbers.map(|number| component(version, datatype, number)).collect()
        };
        Self {
            segments: dictionary::segments().iter().map(fields).collect(),
            datatypes: dictionary::datatypes().iter().map(components).collect(),
        }
    }

    /// The fields of a segment; none if the version does not have it.
    pub(super) fn fields(&self, segment: &Segment) -> &[Option<Position>] {
        used(&self.segments, segment.index())
    }

    /// The components of a datatype; none if the version does not have it, or it is primitive.
    pub(super) fn components(&self, datatype: &Datatype) -> &[Option<Position>] {
        used(&self.datatypes, datatype.index())
    }
}

/// The tables of versions and charsets: MSH-12 and MSH-18 have codes of their own for what is not known.
const CHECKED_ELSEWHERE: [u16; 2] = [104, 211];

impl Position {
    fn of(definition: Definition) -> Option<Self> {
        let datatype = exact_datatype(definition.datatype.as_bytes())?;
        let table = dictionary::table(definition.table)
            .filter(|table| datatype.code() == "ID" && table.is_hl7_defined())
            .filter(|table| !CHECKED_ELSEWHERE.contains(&table.number()) && table.codes().next().is_some());
        Some(Self { definition, datatype, table })
    }
}

/// The datatype of exactly this code, in either case.
pub(super) fn exact_datatype(code: &[u8]) -> Option<&'static Datatype> {
    dictionary::datatypes().iter().find(|datatype| datatype.code().as_bytes().eq_ignore_ascii_case(code))
}

fn component(version: Version, datatype: &Datatype, number: usize) -> Option<Position> {
    let mut position = Position::of(dictionary::component_in(version, datatype.code(), number)?)?;
    // The versions before 2.5 call it a string and say in the text that it is a point in time.
    if datatype.code() == "TS" && number == 1 {
        position.datatype = exact_datatype(b"DTM")?;
    }
    Some(position)
}

/// The positions up to the last that the version has.
fn used(all: &[Box<[Option<Position>]>], index: usize) -> &[Option<Position>] {
    let positions = all.get(index).map_or(&[][..], |positions| positions);
    let count = positions.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    &positions[..count]
}
