//! The HL7 v2 standard, versions 2.1 to 2.9.1: names, datatypes, structures and code tables.
//!
//! Messages of any version are placed by one canonical shape ([`segment`], [`Segment`], [`Slot`],
//! [`Datatype`]), so that the same fact lands in the same place whoever sent it; what each version said itself
//! is beside it ([`field_in`], [`component_in`]). All of it is data that `cargo xtask dictionary` packs from the
//! tables in `crates/hl7/dictionary`; nothing is built at start-up and nothing is allocated to look it up.

mod definitions;
mod packed;
mod resolve;
mod shape;
mod structures;
mod tables;
mod version;

pub use definitions::{Definition, Optionality, component_in, field_in};
pub use resolve::{Resolved, resolve_component, resolve_field};
pub use shape::{Datatype, Move, Segment, Slot, datatype, datatypes, segment, segments};
pub use structures::{
    Part, PartKind, Structure, has_structure, structure, structure_for_event, structure_names,
};
pub use tables::{Table, table, tables};
pub use version::Version;
