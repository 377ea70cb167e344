//! From names to columns: what SQL may call a position, by whatever name any version of the standard used.

pub use hl7::dictionary::{Datatype, Resolved, Segment, Slot, datatype, resolve_component, segments};

/// The numbers every segment struct begins with, before its fields.
pub const SEGMENT_INDEXES: [&str; 3] = ["segment_index", "parent_index", "patient_index"];

/// The suffix of the column that holds further occurrences of a segment that is single by nature.
pub const MORE: &str = "_more";

/// A segment by its key, such as `pid`, in either case.
pub fn segment(key: &str) -> Option<&'static Segment> {
    let id: [u8; 3] = key.as_bytes().try_into().ok()?;
    hl7::dictionary::segment(id.map(|letter| letter.to_ascii_uppercase()))
}

/// The field a name means: any version's name, its position (`pid_3`), or its name without the segment's ID at
/// the end, such as `obx.set_id` for what the standard calls "Set ID - OBX".
pub fn resolve_field(segment: &Segment, name: &str) -> Resolved {
    match hl7::dictionary::resolve_field(segment, name) {
        Resolved::Unknown { mut nearest } => {
            match hl7::dictionary::resolve_field(segment, &format!("{name}_{}", segment.key())) {
                Resolved::Unknown { nearest: further } => {
                    let new = further.into_iter().filter(|name| !nearest.contains(name)).collect::<Vec<_>>();
                    nearest.extend(new);
                    Resolved::Unknown { nearest }
                }
                found => found,
            }
        }
        found => found,
    }
}

/// The segment a column of the staging table belongs to, and whether it is the column of further occurrences.
pub fn segment_of_column(column: &str) -> Option<(&'static Segment, bool)> {
    match column.strip_suffix(MORE) {
        Some(key) => segment(key).filter(|segment| segment.is_single()).map(|segment| (segment, true)),
        None => segment(column).map(|segment| (segment, false)),
    }
}
